//! From rows to one tally per arm: how many units, and the moments of every metric. One pass in the
//! order of the file, so that the same file gives the same bytes.
//!
//! Without a unit column a row is a unit and nothing but moments is held. With one, a map from unit to
//! its totals is held besides: about 100 bytes a unit.

use std::collections::HashMap;

use tenure_stats::moments::{Moments, MomentsError};

use crate::file::FileError;
use crate::spec::{Kind, MetricSpec};
use crate::table::{Column, Row, Table, TableError};

/// More values than this in the arm column mean that it is not the arm column.
pub(crate) const ARMS_MAX: usize = 1_000;

/// One arm of the file.
#[derive(Debug, Clone)]
pub(crate) struct ArmTally {
    pub arm: String,
    pub units: u64,
    /// In the order of the metrics asked for.
    pub metrics: Vec<Moments>,
}

/// Reads all rows. The arms come in the order of their names.
pub(crate) fn tally(
    table: &mut Table,
    unit: Option<&str>,
    arm: &str,
    metrics: &[MetricSpec],
) -> Result<Vec<ArmTally>, FileError> {
    let unit = unit.map(|name| table.column(name)).transpose()?;
    let mut cells = Cells::new(table, arm, metrics)?;
    let mut arms = match unit {
        None => rows_as_units(table, &mut cells)?,
        Some(unit) => units_of_rows(table, &mut cells, &unit)?,
    };
    if arms.is_empty() {
        return Err(TableError::NoRows { file: table.file().to_owned() }.into());
    }
    arms.sort_by(|a, b| a.arm.cmp(&b.arm));
    Ok(arms)
}

fn rows_as_units(table: &mut Table, cells: &mut Cells) -> Result<Vec<ArmTally>, FileError> {
    let mut sums: Vec<Sums> = Vec::new();
    while let Some(row) = table.next_row()? {
        let arm = cells.read(row)?;
        if arm == sums.len() {
            sums.push(Sums::new(&cells.metrics));
        }
        sums[arm].add(&cells.values);
    }
    finish(table, cells, sums)
}

fn units_of_rows(table: &mut Table, cells: &mut Cells, unit: &Column) -> Result<Vec<ArmTally>, FileError> {
    /// Where a unit was first met.
    struct First {
        arm: usize,
        line: u64,
    }
    let file = table.file().to_owned();
    let width = cells.metrics.len();
    let mut index: HashMap<Box<str>, usize> = HashMap::new();
    let mut firsts: Vec<First> = Vec::new();
    let mut totals: Vec<f64> = Vec::new();
    while let Some(row) = table.next_row()? {
        let id = row.text(unit)?;
        let line = row.line;
        let arm = cells.read(row)?;
        let Some(&known) = index.get(id) else {
            index.insert(id.into(), firsts.len());
            firsts.push(First { arm, line });
            totals.extend_from_slice(&cells.values);
            continue;
        };
        let first = &firsts[known];
        if first.arm != arm {
            return Err(FileError::UnitInTwoArms {
                file,
                unit: id.to_owned(),
                first_arm: cells.arms[first.arm].clone(),
                first_line: first.line,
                second_arm: cells.arms[arm].clone(),
                second_line: line,
            });
        }
        let total = &mut totals[known * width..][..width];
        for ((total, value), (_, kind)) in total.iter_mut().zip(&cells.values).zip(&cells.metrics) {
            match kind {
                Kind::Proportion => *total = total.max(*value),
                Kind::Mean => *total += value,
            }
        }
    }
    let mut sums: Vec<Sums> = cells.arms.iter().map(|_| Sums::new(&cells.metrics)).collect();
    for (place, first) in firsts.iter().enumerate() {
        sums[first.arm].add(&totals[place * width..][..width]);
    }
    finish(table, cells, sums)
}

fn finish(table: &Table, cells: &Cells, sums: Vec<Sums>) -> Result<Vec<ArmTally>, FileError> {
    let finished = cells.arms.iter().zip(sums).map(|(arm, sums)| {
        let metrics = sums.metrics.into_iter().map(|sum| sum.finish(sums.units)).collect::<Result<_, _>>();
        match metrics {
            Ok(metrics) => Ok(ArmTally { arm: arm.clone(), units: sums.units, metrics }),
            Err(source) => Err(FileError::Sums { file: table.file().to_owned(), arm: arm.clone(), source }),
        }
    });
    finished.collect()
}

/// The cells of a row that matter; `values` is filled again by every row.
struct Cells {
    arm: Column,
    metrics: Vec<(Column, Kind)>,
    /// Arm names in the order met; an arm is its place here.
    arms: Vec<String>,
    values: Vec<f64>,
}

impl Cells {
    fn new(table: &Table, arm: &str, metrics: &[MetricSpec]) -> Result<Self, TableError> {
        let arm = table.column(arm)?;
        let metrics = metrics
            .iter()
            .map(|metric| Ok((table.column(&metric.column)?, metric.kind)))
            .collect::<Result<Vec<_>, TableError>>()?;
        Ok(Self { arm, values: vec![0.0; metrics.len()], metrics, arms: Vec::new() })
    }

    /// Fills `values` and returns the row's arm.
    fn read(&mut self, row: Row<'_>) -> Result<usize, FileError> {
        for (value, (column, kind)) in self.values.iter_mut().zip(&self.metrics) {
            *value = match kind {
                Kind::Proportion => f64::from(u8::from(row.truth(column)?)),
                Kind::Mean => row.number(column)?,
            };
        }
        let name = row.text(&self.arm)?;
        if let Some(place) = self.arms.iter().position(|arm| arm == name) {
            return Ok(place);
        }
        if self.arms.len() == ARMS_MAX {
            return Err(FileError::TooManyArms {
                file: row.file().to_owned(),
                column: self.arm.name().to_owned(),
                line: row.line,
            });
        }
        self.arms.push(name.to_owned());
        Ok(self.arms.len() - 1)
    }
}

/// What is held of an arm while reading.
struct Sums {
    units: u64,
    metrics: Vec<Sum>,
}

enum Sum {
    Successes(u64),
    Values(Moments),
}

impl Sums {
    fn new(metrics: &[(Column, Kind)]) -> Self {
        let empty = |(_, kind): &(Column, Kind)| match kind {
            Kind::Proportion => Sum::Successes(0),
            Kind::Mean => Sum::Values(Moments::default()),
        };
        Self { units: 0, metrics: metrics.iter().map(empty).collect() }
    }

    fn add(&mut self, values: &[f64]) {
        self.units += 1;
        for (sum, value) in self.metrics.iter_mut().zip(values) {
            match sum {
                Sum::Successes(successes) => *successes += u64::from(*value > 0.0),
                Sum::Values(moments) => moments.push(*value),
            }
        }
    }
}

impl Sum {
    fn finish(self, units: u64) -> Result<Moments, MomentsError> {
        match self {
            Self::Successes(successes) => Moments::from_counts(units, successes),
            Self::Values(moments) => Ok(moments),
        }
    }
}
