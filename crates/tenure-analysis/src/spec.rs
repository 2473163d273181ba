//! What a person asks of a file: `NAME=COLUMN:KIND`, parsed once into a type that cannot be wrong.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// One metric of a file analysis, written `NAME=COLUMN:KIND`.
///
/// ```
/// use tenure_analysis::{Kind, MetricSpec};
/// let spec: MetricSpec = "day 7=retention_7:proportion".parse()?;
/// assert_eq!((spec.name.as_str(), spec.column.as_str(), spec.kind), ("day 7", "retention_7", Kind::Proportion));
/// # Ok::<(), tenure_analysis::SpecError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricSpec {
    /// The metric's name in the result.
    pub name: String,
    /// The column that carries it.
    pub column: String,
    /// How its cells become one number per unit.
    pub kind: Kind,
}

/// How the cells of a column become one number per unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Yes or no per unit; several rows of a unit count as yes when any of them does.
    Proportion,
    /// A number per unit; several rows of a unit are summed.
    Mean,
}

/// Why a metric specification was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// There is no `=`.
    #[error("metric `{spec}` has no name; write NAME=COLUMN:KIND, e.g. `retention={spec}`")]
    NoName {
        /// What was given.
        spec: String,
    },
    /// There is no `:KIND`.
    #[error("metric `{spec}` has no kind; write {spec}:proportion or {spec}:mean")]
    NoKind {
        /// What was given.
        spec: String,
    },
    /// The name or the column is empty.
    #[error("metric `{spec}` has an empty {part}; write NAME=COLUMN:KIND")]
    Empty {
        /// What was given.
        spec: String,
        /// `name` or `column`.
        part: &'static str,
    },
    /// The kind is not one of those known.
    #[error("metric `{spec}` has unknown kind `{kind}`; it must be proportion or mean")]
    UnknownKind {
        /// What was given.
        spec: String,
        /// The part after the last colon.
        kind: String,
    },
}

impl FromStr for MetricSpec {
    type Err = SpecError;

    /// The name ends at the first `=`, the kind begins after the last `:`, so a column may contain either.
    fn from_str(spec: &str) -> Result<Self, SpecError> {
        let own = || spec.to_owned();
        let (name, rest) = spec.split_once('=').ok_or_else(|| SpecError::NoName { spec: own() })?;
        let (column, kind) = rest.rsplit_once(':').ok_or_else(|| SpecError::NoKind { spec: own() })?;
        let (name, column) = (name.trim(), column.trim());
        for (part, text) in [("name", name), ("column", column)] {
            if text.is_empty() {
                return Err(SpecError::Empty { spec: own(), part });
            }
        }
        let kind = match kind.trim() {
            "proportion" => Kind::Proportion,
            "mean" => Kind::Mean,
            other => return Err(SpecError::UnknownKind { spec: own(), kind: other.to_owned() }),
        };
        Ok(Self { name: name.to_owned(), column: column.to_owned(), kind })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Proportion => "proportion",
            Self::Mean => "mean",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(spec: &str, expected: Result<(&str, &str, Kind), &str>) {
        let got = spec.parse::<MetricSpec>().map_err(|e| e.to_string());
        let expected = expected
            .map(|(name, column, kind)| MetricSpec { name: name.into(), column: column.into(), kind })
            .map_err(str::to_owned);
        assert_eq!(got, expected);
    }

    #[test]
    fn specifications() {
        check("visit=visit:proportion", Ok(("visit", "visit", Kind::Proportion)));
        check("Spend in £ = spend : mean", Ok(("Spend in £", "spend", Kind::Mean)));
        check("a=b=c:d:mean", Ok(("a", "b=c:d", Kind::Mean)));
        check(
            "visit:mean",
            Err("metric `visit:mean` has no name; write NAME=COLUMN:KIND, e.g. `retention=visit:mean`"),
        );
        check(
            "visit=visit",
            Err("metric `visit=visit` has no kind; write visit=visit:proportion or visit=visit:mean"),
        );
        check("=visit:mean", Err("metric `=visit:mean` has an empty name; write NAME=COLUMN:KIND"));
        check("visit=:mean", Err("metric `visit=:mean` has an empty column; write NAME=COLUMN:KIND"));
        check(
            "visit=visit:median",
            Err("metric `visit=visit:median` has unknown kind `median`; it must be proportion or mean"),
        );
    }
}
