//! A file of looks: cumulative size, mean and variance of every arm at each look of a running comparison,
//! columns `look,arm,n,mean,variance`. Read and checked here; what follows from them is in `running.rs`.

use std::path::Path;

use serde::{Serialize, Serializer};

use crate::nearest::nearest;
use crate::table::{Column, Row, Table, TableError, hint, list};

/// What one look saw of the two arms. Cumulative: a later look contains the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Look {
    /// The look's number or time, increasing over the file.
    #[serde(serialize_with = "whole_if_whole")]
    pub look: f64,
    /// The control arm so far.
    pub control: Summary,
    /// The treatment arm so far.
    pub treatment: Summary,
}

/// One arm at one look.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Summary {
    /// Units.
    pub n: u64,
    /// The mean over units; none where the cell is empty.
    pub mean: Option<f64>,
    /// The variance over units, not negative; none where the cell is empty.
    pub variance: Option<f64>,
}

/// Why a file of looks could not be used.
#[derive(Debug, thiserror::Error)]
pub enum LooksError {
    /// The file itself.
    #[error(transparent)]
    Table(#[from] TableError),
    /// An arm that was asked for is nowhere in the file.
    #[error("{file}: there is no arm `{arm}`{}; the arms found are {}", hint(nearest(.arm, .found)), list(.found))]
    UnknownArm {
        /// The file's name.
        file: String,
        /// The arm asked for.
        arm: String,
        /// The arms found.
        found: Vec<String>,
    },
    /// Control and treatment are the same arm.
    #[error("control and treatment are both `{arm}`; name two different arms")]
    SameArm {
        /// The arm.
        arm: String,
    },
    /// A row that cannot follow what came before it.
    #[error("{file}, line {line}: {problem}")]
    Row {
        /// The file's name.
        file: String,
        /// Where the row begins.
        line: u64,
        /// What is wrong, and the remedy.
        problem: String,
    },
    /// A look that lacks one of the arms.
    #[error(
        "{file}, line {line}: look {look} has no row of arm `{arm}`; every look needs one row an arm, with n = 0 where there is no unit"
    )]
    Incomplete {
        /// The file's name.
        file: String,
        /// Where the look's other row begins.
        line: u64,
        /// The look.
        look: f64,
        /// The missing arm.
        arm: String,
    },
}

/// Opens and reads a file of looks; rows of arms other than the two are skipped.
pub fn open_looks(path: &Path, control: &str, treatment: &str) -> Result<Vec<Look>, LooksError> {
    read_looks(Table::open(path)?, control, treatment)
}

/// Reads an open table of looks.
pub fn read_looks(mut table: Table, control: &str, treatment: &str) -> Result<Vec<Look>, LooksError> {
    if control == treatment {
        return Err(LooksError::SameArm { arm: control.to_owned() });
    }
    let file = table.file().to_owned();
    let columns = Columns::of(&table)?;
    let mut pending: Vec<Pending> = Vec::new();
    let mut found: Vec<String> = Vec::new();
    while let Some(row) = table.next_row()? {
        let arm = row.text(&columns.arm)?;
        if !found.iter().any(|known| known == arm) {
            found.push(arm.to_owned());
        }
        if arm == control || arm == treatment {
            let side = usize::from(arm == treatment);
            take(&mut pending, &columns, row, side).map_err(|problem| problem.at(&file, row.line))?;
        }
    }
    if found.is_empty() {
        return Err(TableError::NoRows { file }.into());
    }
    for arm in [control, treatment] {
        if !found.iter().any(|known| known == arm) {
            return Err(LooksError::UnknownArm { file, arm: arm.to_owned(), found });
        }
    }
    pending
        .into_iter()
        .map(|Pending { look, line, arms }| match arms {
            [Some(control), Some(treatment)] => Ok(Look { look, control, treatment }),
            [first, _] => {
                let arm = if first.is_none() { control } else { treatment }.to_owned();
                Err(LooksError::Incomplete { file: file.clone(), line, look, arm })
            }
        })
        .collect()
}

struct Columns {
    look: Column,
    arm: Column,
    n: Column,
    mean: Column,
    variance: Column,
}

impl Columns {
    fn of(table: &Table) -> Result<Self, TableError> {
        Ok(Self {
            look: table.column("look")?,
            arm: table.column("arm")?,
            n: table.column("n")?,
            mean: table.column("mean")?,
            variance: table.column("variance")?,
        })
    }
}

/// A look of which not all arms have been met; control first.
struct Pending {
    look: f64,
    line: u64,
    arms: [Option<Summary>; 2],
}

enum Problem {
    Cell(TableError),
    Said(String),
}

impl Problem {
    fn at(self, file: &str, line: u64) -> LooksError {
        match self {
            Self::Cell(error) => LooksError::Table(error),
            Self::Said(problem) => LooksError::Row { file: file.to_owned(), line, problem },
        }
    }
}

impl From<TableError> for Problem {
    fn from(error: TableError) -> Self {
        Self::Cell(error)
    }
}

fn take(pending: &mut Vec<Pending>, columns: &Columns, row: Row<'_>, side: usize) -> Result<(), Problem> {
    let look = row.number(&columns.look)?;
    let n = row.count(&columns.n)? as u64;
    let known = |column: &Column| row.filled(column).map(|_| row.number(column)).transpose();
    let (mean, variance) = (known(&columns.mean)?, known(&columns.variance)?);
    if let Some(variance) = variance.filter(|variance| *variance < 0.0) {
        return Err(Problem::Said(format!("column `variance` has {variance}; it cannot be negative")));
    }
    let summary = Summary { n, mean, variance };
    if pending.last().is_none_or(|last| last.look < look) {
        let before = pending.last().and_then(|last| last.arms[side]);
        if let Some(before) = before
            && before.n > summary.n
        {
            return Err(Problem::Said(format!(
                "column `n` falls from {} to {}; looks are cumulative, each contains the ones before it",
                before.n, summary.n
            )));
        }
        pending.push(Pending { look, line: row.line, arms: [None, None] });
    }
    match pending.last_mut() {
        Some(last) if last.look == look && last.arms[side].is_none() => {
            last.arms[side] = Some(summary);
            Ok(())
        }
        Some(last) if last.look == look => {
            Err(Problem::Said(format!("a second row of the same arm in look {look}; keep one")))
        }
        _ => Err(Problem::Said(format!("look {look} comes after a later one; sort the file by look"))),
    }
}

/// Look 3 is written `3`, not `3.0`.
pub(crate) fn whole_if_whole<S: Serializer>(look: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if look.fract() == 0.0 && look.abs() < 9_007_199_254_740_992.0 {
        serializer.serialize_i64(*look as i64)
    } else {
        serializer.serialize_f64(*look)
    }
}
