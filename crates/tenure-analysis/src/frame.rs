//! From rows to units: who was in which arm, and each unit's number in every column asked for. One pass in the order
//! of the file, so that the same file gives the same bytes. Knows nothing of metrics.
//!
//! Without a unit column a row is a unit. Held are 8 bytes for each unit and column, 8 to 16 besides, and with a unit or
//! cluster column about 100 for each of its names.

use std::collections::HashMap;

use jiff::civil::Date;

use crate::file::FileError;
use crate::table::{Column, Row, Table, TableError};

/// More values than this in the arm column mean that it is not the arm column; the same holds for strata.
pub(crate) const GROUPS_MAX: usize = 1_000;

/// How the rows of a unit become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gather {
    /// Yes when any row says yes.
    Any,
    /// The sum.
    Sum,
    /// The sum of whole numbers that are not negative.
    Count,
    /// The one number that all rows of the unit have.
    Same,
    /// Nothing: every row counts for itself.
    Each,
}

/// What to read of a table.
#[derive(Debug, Default)]
pub(crate) struct Wanted<'a> {
    pub unit: Option<&'a str>,
    pub cluster: Option<&'a str>,
    pub arm: &'a str,
    pub by: Option<&'a str>,
    pub columns: Vec<(&'a str, Gather)>,
}

impl<'a> Wanted<'a> {
    /// The place of a column in [`Frame::columns`]; one that is wanted twice is read once.
    pub fn column(&mut self, name: &'a str, gather: Gather) -> usize {
        let known = self.columns.iter().position(|known| *known == (name, gather));
        known.unwrap_or_else(|| {
            self.columns.push((name, gather));
            self.columns.len() - 1
        })
    }
}

/// The units of a file.
#[derive(Debug)]
pub(crate) struct Frame {
    /// In the order of their names.
    pub arms: Vec<String>,
    /// Of each unit.
    pub arm_of: Vec<u32>,
    /// Of each unit, when there is a cluster column.
    pub cluster_of: Option<Vec<u32>>,
    /// The strata, when there is a column of them, or one of days.
    pub strata: Option<Strata>,
    /// As [`Wanted::column`] placed them.
    pub columns: Vec<Values>,
    /// The line on which each unit was first met.
    pub line_of: Vec<u32>,
}

/// A partition of the units, such as the day on which they came in.
#[derive(Debug)]
pub(crate) struct Strata {
    /// The column.
    pub column: String,
    /// Whether somebody asked for it, or it was found to hold days.
    pub asked: bool,
    /// In their order.
    pub names: Vec<String>,
    /// Of each unit: that of its first row.
    pub of: Vec<u32>,
}

/// The numbers of one column.
#[derive(Debug, Default)]
pub(crate) struct Values {
    /// One a unit (a row with [`Gather::Each`]); not a number where the cell is empty.
    pub values: Vec<f64>,
    /// With [`Gather::Each`], the unit of each row; else empty.
    pub unit_of: Vec<u32>,
    /// The line of the first empty cell.
    pub first_empty: Option<u64>,
}

impl Frame {
    pub fn units(&self) -> usize {
        self.arm_of.len()
    }

    /// How many clusters, when there is a column of them.
    pub fn clusters(&self) -> Option<usize> {
        self.cluster_of.as_ref().map(|of| of.iter().max().map_or(0, |last| *last as usize + 1))
    }
}

/// Reads all rows.
pub(crate) fn read(table: &mut Table, wanted: &Wanted<'_>) -> Result<Frame, FileError> {
    let mut reader = Reader::new(table, wanted)?;
    while let Some(row) = table.next_row()? {
        reader.add(row)?;
    }
    if reader.arm_of.is_empty() {
        return Err(TableError::NoRows { file: table.file().to_owned() }.into());
    }
    Ok(reader.finish())
}

struct Reader {
    unit: Option<(Column, HashMap<Box<str>, u32>)>,
    cluster: Option<Clusters>,
    arm: Column,
    arms: Vec<String>,
    arm_of: Vec<u32>,
    line_of: Vec<u32>,
    strata: Option<Days>,
    columns: Vec<(Column, Gather, Values)>,
}

struct Clusters {
    column: Column,
    index: HashMap<Box<str>, u32>,
    /// Of each cluster, where it was first met.
    firsts: Vec<(u32, u64)>,
    of: Vec<u32>,
}

/// The column of strata: as asked for, or the first one that holds a date.
struct Days {
    column: Column,
    asked: bool,
    index: HashMap<Box<str>, u32>,
    names: Vec<String>,
    of: Vec<u32>,
}

impl Reader {
    fn new(table: &mut Table, wanted: &Wanted<'_>) -> Result<Self, FileError> {
        let columns = wanted.columns.iter();
        let columns = columns
            .map(|(name, gather)| Ok((table.column(name)?, *gather, Values::default())))
            .collect::<Result<Vec<_>, TableError>>()?;
        let unit = wanted.unit.map(|name| table.column(name)).transpose()?;
        let cluster = wanted.cluster.map(|name| table.column(name)).transpose()?;
        let arm = table.column(wanted.arm)?;
        let (days, asked) = match wanted.by {
            Some(name) => (Some(table.column(name)?), true),
            None => (table.peek()?.and_then(|row| row.first_column(|text| day(text).is_some())), false),
        };
        Ok(Self {
            unit: unit.map(|column| (column, HashMap::new())),
            cluster: cluster.map(|column| Clusters {
                column,
                index: HashMap::new(),
                firsts: Vec::new(),
                of: Vec::new(),
            }),
            arm,
            arms: Vec::new(),
            arm_of: Vec::new(),
            line_of: Vec::new(),
            strata: days.map(|column| Days {
                column,
                asked,
                index: HashMap::new(),
                names: Vec::new(),
                of: Vec::new(),
            }),
            columns,
        })
    }

    fn add(&mut self, row: Row<'_>) -> Result<(), FileError> {
        let arm = self.arm_of(row)?;
        let next = self.arm_of.len() as u32;
        let unit = match &mut self.unit {
            None => next,
            Some((column, index)) => match index.get(row.text(column)?) {
                Some(&known) => known,
                None => {
                    index.insert(row.text(column)?.into(), next);
                    next
                }
            },
        };
        if unit == next {
            self.arm_of.push(arm);
            self.line_of.push(u32::try_from(row.line).unwrap_or(u32::MAX));
        } else {
            self.same_arm(row, unit, arm)?;
        }
        self.join_cluster(row, unit, arm)?;
        self.join_stratum(row, unit)?;
        for (column, gather, values) in &mut self.columns {
            values.add(row, column, *gather, unit as usize)?;
        }
        Ok(())
    }

    fn arm_of(&mut self, row: Row<'_>) -> Result<u32, FileError> {
        let name = row.text(&self.arm)?;
        if let Some(place) = self.arms.iter().position(|arm| arm == name) {
            return Ok(place as u32);
        }
        if self.arms.len() == GROUPS_MAX {
            return Err(FileError::TooManyArms {
                file: row.file().to_owned(),
                column: self.arm.name().to_owned(),
                line: row.line,
            });
        }
        self.arms.push(name.to_owned());
        Ok(self.arms.len() as u32 - 1)
    }

    fn same_arm(&self, row: Row<'_>, unit: u32, arm: u32) -> Result<(), FileError> {
        let (first, Some((column, _))) = (self.arm_of[unit as usize], &self.unit) else { return Ok(()) };
        if first == arm {
            return Ok(());
        }
        Err(FileError::UnitInTwoArms {
            file: row.file().to_owned(),
            unit: row.text(column)?.to_owned(),
            first_arm: self.arms[first as usize].clone(),
            first_line: u64::from(self.line_of[unit as usize]),
            second_arm: self.arms[arm as usize].clone(),
            second_line: row.line,
        })
    }

    /// A cluster is in one arm, and a unit in one cluster.
    fn join_cluster(&mut self, row: Row<'_>, unit: u32, arm: u32) -> Result<(), FileError> {
        let Some(clusters) = &mut self.cluster else { return Ok(()) };
        let name = row.text(&clusters.column)?;
        let next = clusters.firsts.len() as u32;
        let cluster = *clusters.index.entry(name.into()).or_insert(next);
        if cluster == next {
            clusters.firsts.push((arm, row.line));
        }
        let (first_arm, first_line) = clusters.firsts[cluster as usize];
        if first_arm != arm {
            return Err(FileError::ClusterInTwoArms {
                file: row.file().to_owned(),
                cluster: name.to_owned(),
                first_arm: self.arms[first_arm as usize].clone(),
                first_line,
                second_arm: self.arms[arm as usize].clone(),
                second_line: row.line,
            });
        }
        match clusters.of.get(unit as usize) {
            None => clusters.of.push(cluster),
            Some(&first) if first != cluster => {
                return Err(FileError::UnitChanges {
                    file: row.file().to_owned(),
                    line: row.line,
                    column: clusters.column.name().to_owned(),
                    value: name.to_owned(),
                    first_line: u64::from(self.line_of[unit as usize]),
                });
            }
            Some(_) => {}
        }
        Ok(())
    }

    fn join_stratum(&mut self, row: Row<'_>, unit: u32) -> Result<(), FileError> {
        let Some(days) = &mut self.strata else { return Ok(()) };
        if (unit as usize) < days.of.len() {
            return Ok(());
        }
        let name =
            if days.asked { Some(row.text(&days.column)?) } else { row.filled(&days.column).and_then(day) };
        let next = days.names.len() as u32;
        let Some(name) = name else {
            self.strata = None;
            return Ok(());
        };
        if let Some(&known) = days.index.get(name) {
            days.of.push(known);
            return Ok(());
        }
        if days.names.len() == GROUPS_MAX {
            let (asked, column) = (days.asked, days.column.name().to_owned());
            self.strata = None;
            let error = FileError::TooManyStrata { file: row.file().to_owned(), column, line: row.line };
            return if asked { Err(error) } else { Ok(()) };
        }
        days.index.insert(name.into(), next);
        days.names.push(name.to_owned());
        days.of.push(next);
        Ok(())
    }

    fn finish(self) -> Frame {
        let (arms, arm_of) = in_order(self.arms, self.arm_of);
        let strata = self.strata.filter(|days| days.asked || days.names.len() > 1).map(|days| {
            let (names, of) = in_order(days.names, days.of);
            Strata { column: days.column.name().to_owned(), asked: days.asked, names, of }
        });
        Frame {
            arms,
            arm_of,
            cluster_of: self.cluster.map(|clusters| clusters.of),
            strata,
            columns: self.columns.into_iter().map(|(_, _, values)| values).collect(),
            line_of: self.line_of,
        }
    }
}

impl Values {
    fn add(&mut self, row: Row<'_>, column: &Column, gather: Gather, unit: usize) -> Result<(), FileError> {
        let empty = row.filled(column).is_none();
        if empty && self.first_empty.is_none() {
            self.first_empty = Some(row.line);
        }
        let value = match gather {
            _ if empty => f64::NAN,
            Gather::Any => f64::from(u8::from(row.truth(column)?)),
            Gather::Sum | Gather::Same | Gather::Each => row.number(column)?,
            Gather::Count => row.count(column)?,
        };
        if gather == Gather::Each {
            self.unit_of.push(unit as u32);
            self.values.push(value);
            return Ok(());
        }
        let Some(held) = self.values.get_mut(unit) else {
            self.values.push(value);
            return Ok(());
        };
        match gather {
            // What is not there yet for one row is not there yet for the unit.
            Gather::Any if !held.is_nan() && !value.is_nan() => *held = held.max(value),
            Gather::Same if held.is_nan() => *held = value,
            Gather::Same if !value.is_nan() && value != *held => {
                return Err(FileError::CovariateChanges {
                    file: row.file().to_owned(),
                    line: row.line,
                    column: column.name().to_owned(),
                    value,
                    before: *held,
                });
            }
            Gather::Same => {}
            _ => *held += value,
        }
        Ok(())
    }
}

/// The names sorted, and the places made to follow.
fn in_order(names: Vec<String>, mut of: Vec<u32>) -> (Vec<String>, Vec<u32>) {
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by(|a, b| names[*a].cmp(&names[*b]));
    let mut place = vec![0; names.len()];
    for (now, before) in order.iter().enumerate() {
        place[*before] = now as u32;
    }
    of.iter_mut().for_each(|of| *of = place[*of as usize]);
    (order.into_iter().map(|before| names[before].clone()).collect(), of)
}

/// The day that a text begins with.
fn day(text: &str) -> Option<&str> {
    let day = text.get(..10)?;
    let rest = text.as_bytes().get(10);
    (rest.is_none_or(|next| matches!(next, b'T' | b' ')) && day.parse::<Date>().is_ok()).then_some(day)
}
