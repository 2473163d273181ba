//! What a person asks of a file, parsed once into types that cannot be wrong: metrics, and the caps and covariates
//! that belong to one.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use tenure_stats::estimate;

/// One metric of a file analysis.
///
/// | written | is |
/// |---|---|
/// | `NAME=COLUMN:proportion` | yes or no a unit |
/// | `NAME=COLUMN:mean` | a number a unit |
/// | `NAME=NUMERATOR/DENOMINATOR:ratio` | a ratio of sums over units |
/// | `NAME=SUCCESSES/TRIALS:counts` | rows that are totals already; every trial counts as a unit |
/// | `NAME=COLUMN:quantile:0.9` | a quantile of the file's rows |
///
/// ```
/// use tenure_analysis::{Kind, MetricSpec, Source};
/// let spec: MetricSpec = "day 7=retention_7:proportion".parse()?;
/// assert_eq!((spec.name.as_str(), spec.kind()), ("day 7", Kind::Proportion));
/// assert_eq!(spec.source, Source::Proportion { column: "retention_7".into() });
/// # Ok::<(), tenure_analysis::SpecError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MetricSpec {
    /// The metric's name in the result.
    pub name: String,
    /// Where its numbers come from.
    pub source: Source,
}

/// The columns of a metric, and how their cells become numbers per unit.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// Yes or no per unit; several rows of a unit count as yes when any of them does.
    Proportion {
        /// The column.
        column: String,
    },
    /// A number per unit; several rows of a unit are summed.
    Mean {
        /// The column.
        column: String,
    },
    /// A ratio of two sums; several rows of a unit are summed in both.
    Ratio {
        /// The column above the line.
        numerator: String,
        /// The column below it.
        denominator: String,
    },
    /// Rows of totals: so many successes among so many trials, each trial independent of the others.
    Counts {
        /// The column of successes.
        successes: String,
        /// The column of trials.
        trials: String,
    },
    /// A quantile of the rows; those of a unit belong together.
    Quantile {
        /// The column.
        column: String,
        /// Which quantile, between 0 and 1.
        p: f64,
    },
}

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The share of units, or of trials, with a yes.
    Proportion,
    /// The mean over units.
    Mean,
    /// A ratio of two sums over units.
    Ratio,
    /// A quantile of the rows.
    Quantile,
}

/// What was known of a unit before it entered, written `METRIC=COLUMN` or, for a ratio,
/// `METRIC=NUMERATOR/DENOMINATOR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covariate {
    /// The metric that it adjusts.
    pub metric: String,
    /// The column.
    pub column: String,
    /// The column below the line, of a ratio.
    pub denominator: Option<String>,
}

/// The largest value that a unit may have in a metric; a larger one counts as this one. Written
/// `METRIC=QUANTILE`.
#[derive(Debug, Clone, PartialEq)]
pub struct Cap {
    /// The metric that is capped.
    pub metric: String,
    /// Where.
    pub at: CapAt,
}

/// Where a cap is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CapAt {
    /// At this quantile of the units of all arms of the file.
    Quantile(f64),
    /// At a value that was frozen before.
    Value(f64),
}

/// Why a specification was not understood.
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
    #[error(
        "metric `{spec}` has unknown kind `{kind}`; it must be proportion, mean, ratio, counts or quantile:P"
    )]
    UnknownKind {
        /// What was given.
        spec: String,
        /// The part after the last colon.
        kind: String,
    },
    /// A kind of two columns without the second.
    #[error("metric `{spec}` has one column; a {kind} has two, write NAME={columns}:{kind}")]
    OneColumn {
        /// What was given.
        spec: String,
        /// `ratio` or `counts`.
        kind: &'static str,
        /// How its columns are written.
        columns: &'static str,
    },
    /// A quantile that is none.
    #[error(
        "metric `{spec}` has no quantile between 0 and 1; write NAME=COLUMN:quantile:0.9 for the 90th percentile"
    )]
    Quantile {
        /// What was given.
        spec: String,
    },
    /// A covariate or a cap that is not `METRIC=…`.
    #[error("`{spec}` names no metric; write {form}")]
    NoMetric {
        /// What was given.
        spec: String,
        /// How it is written.
        form: &'static str,
    },
    /// A cap that is none.
    #[error("cap `{spec}` is no {what}; write {form}")]
    Cap {
        /// What was given.
        spec: String,
        /// What it should be.
        what: &'static str,
        /// How it is written.
        form: &'static str,
    },
}

impl MetricSpec {
    /// What the metric is.
    pub fn kind(&self) -> Kind {
        match self.source {
            Source::Proportion { .. } | Source::Counts { .. } => Kind::Proportion,
            Source::Mean { .. } => Kind::Mean,
            Source::Ratio { .. } => Kind::Ratio,
            Source::Quantile { .. } => Kind::Quantile,
        }
    }
}

impl FromStr for MetricSpec {
    type Err = SpecError;

    /// The name ends at the first `=`, the kind begins after the last `:` (the last but one of a quantile), so a
    /// column may contain either; two columns are parted by the first `/`.
    fn from_str(spec: &str) -> Result<Self, SpecError> {
        let own = || spec.to_owned();
        let (name, rest) = spec.split_once('=').ok_or_else(|| SpecError::NoName { spec: own() })?;
        let (columns, kind) = rest.rsplit_once(':').ok_or_else(|| SpecError::NoKind { spec: own() })?;
        let name = filled(name, spec, "name")?;
        let column = || filled(columns, spec, "column");
        let two = |kind, form| {
            let (above, below) = columns.split_once('/').ok_or_else(|| SpecError::OneColumn {
                spec: own(),
                kind,
                columns: form,
            })?;
            Ok((filled(above, spec, "column")?, filled(below, spec, "column")?))
        };
        let source = match kind.trim() {
            "proportion" => Source::Proportion { column: column()? },
            "mean" => Source::Mean { column: column()? },
            "ratio" => {
                let (numerator, denominator) = two("ratio", "NUMERATOR/DENOMINATOR")?;
                Source::Ratio { numerator, denominator }
            }
            "counts" => {
                let (successes, trials) = two("counts", "SUCCESSES/TRIALS")?;
                Source::Counts { successes, trials }
            }
            "quantile" => return Err(SpecError::Quantile { spec: own() }),
            other => match columns.rsplit_once(':') {
                Some((column, kind)) if kind.trim() == "quantile" => Source::Quantile {
                    column: filled(column, spec, "column")?,
                    p: share(other).ok_or_else(|| SpecError::Quantile { spec: own() })?,
                },
                _ => return Err(SpecError::UnknownKind { spec: own(), kind: other.to_owned() }),
            },
        };
        Ok(Self { name, source })
    }
}

impl FromStr for Covariate {
    type Err = SpecError;

    fn from_str(spec: &str) -> Result<Self, SpecError> {
        let (metric, columns) = of_metric(spec, "METRIC=COLUMN, such as spend=spend_before")?;
        let (column, denominator) = match columns.split_once('/') {
            Some((above, below)) => (filled(above, spec, "column")?, Some(filled(below, spec, "column")?)),
            None => (filled(columns, spec, "column")?, None),
        };
        Ok(Self { metric, column, denominator })
    }
}

impl FromStr for Cap {
    type Err = SpecError;

    fn from_str(spec: &str) -> Result<Self, SpecError> {
        const FORM: &str = "METRIC=QUANTILE, such as spend=0.999";
        let (metric, at) = of_metric(spec, FORM)?;
        let what = "quantile between 0 and 1";
        let at = share(at).ok_or_else(|| SpecError::Cap { spec: spec.to_owned(), what, form: FORM })?;
        Ok(Self { metric, at: CapAt::Quantile(at) })
    }
}

impl Cap {
    /// A cap that was frozen before, written `METRIC=VALUE`.
    pub fn frozen(spec: &str) -> Result<Self, SpecError> {
        const FORM: &str = "METRIC=VALUE, such as spend=499";
        let (metric, at) = of_metric(spec, FORM)?;
        match at.trim().parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Self { metric, at: CapAt::Value(value) }),
            _ => Err(SpecError::Cap { spec: spec.to_owned(), what: "number", form: FORM }),
        }
    }
}

fn of_metric<'a>(spec: &'a str, form: &'static str) -> Result<(String, &'a str), SpecError> {
    match spec.split_once('=') {
        Some((metric, rest)) if !metric.trim().is_empty() => Ok((metric.trim().to_owned(), rest)),
        _ => Err(SpecError::NoMetric { spec: spec.to_owned(), form }),
    }
}

fn filled(text: &str, spec: &str, part: &'static str) -> Result<String, SpecError> {
    match text.trim() {
        "" => Err(SpecError::Empty { spec: spec.to_owned(), part }),
        text => Ok(text.to_owned()),
    }
}

fn share(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|share| *share > 0.0 && *share < 1.0)
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Proportion => "proportion",
            Self::Mean => "mean",
            Self::Ratio => "ratio",
            Self::Quantile => "quantile",
        })
    }
}

impl From<Kind> for estimate::Kind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Proportion => Self::Proportion,
            Kind::Mean => Self::Mean,
            Kind::Ratio => Self::Ratio,
            Kind::Quantile => Self::Quantile,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(spec: &str, expected: Result<(&str, Source), &str>) {
        let got = spec.parse::<MetricSpec>().map_err(|e| e.to_string());
        let expected =
            expected.map(|(name, source)| MetricSpec { name: name.into(), source }).map_err(str::to_owned);
        assert_eq!(got, expected);
    }

    fn mean(column: &str) -> Source {
        Source::Mean { column: column.into() }
    }

    #[test]
    fn metrics() {
        check("visit=visit:proportion", Ok(("visit", Source::Proportion { column: "visit".into() })));
        check("Spend in £ = spend : mean", Ok(("Spend in £", mean("spend"))));
        check("a=b=c:d:mean", Ok(("a", mean("b=c:d"))));
        check("a=b/c:mean", Ok(("a", mean("b/c"))));
        let ratio = Source::Ratio { numerator: "clicks".into(), denominator: "views".into() };
        check("ctr=clicks/views:ratio", Ok(("ctr", ratio)));
        let counts = Source::Counts { successes: "clicks".into(), trials: "views".into() };
        check("ctr=clicks / views:counts", Ok(("ctr", counts)));
        check("p90=ms:quantile:0.9", Ok(("p90", Source::Quantile { column: "ms".into(), p: 0.9 })));
    }

    #[test]
    fn what_is_wrong_with_a_metric() {
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
        check("ctr=a/:ratio", Err("metric `ctr=a/:ratio` has an empty column; write NAME=COLUMN:KIND"));
        check(
            "visit=visit:median",
            Err(
                "metric `visit=visit:median` has unknown kind `median`; it must be proportion, mean, ratio, counts or quantile:P",
            ),
        );
        check(
            "ctr=clicks:ratio",
            Err(
                "metric `ctr=clicks:ratio` has one column; a ratio has two, write NAME=NUMERATOR/DENOMINATOR:ratio",
            ),
        );
        for spec in ["p=ms:quantile", "p=ms:quantile:90", "p=ms:quantile:NaN", "p=ms:quantile:"] {
            check(
                spec,
                Err(&format!(
                    "metric `{spec}` has no quantile between 0 and 1; write NAME=COLUMN:quantile:0.9 for the 90th percentile"
                )),
            );
        }
    }

    #[test]
    fn caps_and_covariates() {
        let cap = |at| Cap { metric: "spend".into(), at };
        assert_eq!("spend=0.999".parse(), Ok(cap(CapAt::Quantile(0.999))));
        assert_eq!(Cap::frozen("spend=499"), Ok(cap(CapAt::Value(499.0))));
        assert_eq!(
            "spend=99.9".parse::<Cap>().unwrap_err().to_string(),
            "cap `spend=99.9` is no quantile between 0 and 1; write METRIC=QUANTILE, such as spend=0.999"
        );
        assert_eq!(
            Cap::frozen("spend=many").unwrap_err().to_string(),
            "cap `spend=many` is no number; write METRIC=VALUE, such as spend=499"
        );
        let covariate: Covariate = "ctr=clicks_before/views_before".parse().unwrap();
        assert_eq!(covariate.denominator.as_deref(), Some("views_before"));
        assert_eq!(
            "spend_before".parse::<Covariate>().unwrap_err().to_string(),
            "`spend_before` names no metric; write METRIC=COLUMN, such as spend=spend_before"
        );
    }
}
