//! Files of events that somebody else made: CSV, NDJSON or Parquet, read a few rows at a time and put into the words of
//! the wire (`wire.rs`), one JSON object a row. What a row says is checked where every event is: at its receipt.
//!
//! Columns are the fields of an event: `unit`, `event`, `value`, `flag`, `variant`, `revision`, `reason`, `at`, `id`,
//! `type`; `unit.TYPE` for further units and `attributes.NAME` for attributes. Without `type`, a file with a column
//! `flag` is of exposures, and one with `event` of outcomes.

mod csv_rows;
mod lines;
mod parquet_rows;
mod row;

use std::fs::File;
use std::path::{Path, PathBuf};

use csv_rows::CsvRows;
use lines::Lines;
use parquet_rows::ParquetRows;

/// An open file of events.
pub struct EventFile {
    rows: Rows,
    path: PathBuf,
    done: u64,
    /// A fault that was met behind rows that were good.
    fault: Option<Fault>,
}

enum Rows {
    Csv(CsvRows),
    Lines(Lines),
    Parquet(Box<ParquetRows>),
}

/// Why a file cannot be read, from where on.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be opened or read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Its name does not tell what it is.
    #[error("{} is neither .csv, .ndjson (.jsonl) nor .parquet; name it by what it holds", .path.display())]
    Extension {
        /// The file.
        path: PathBuf,
    },
    /// A column is no field of an event.
    #[error(
        "column `{column}` is no field of an event; known are {known}, `unit.TYPE` and `attributes.NAME`: rename it, such as attributes.{column}, or leave it out"
    )]
    Column {
        /// The column.
        column: String,
        /// The fields there are.
        known: String,
    },
    /// A column that is needed is missing.
    #[error("{what}")]
    Missing {
        /// What, and the remedy.
        what: &'static str,
    },
    /// It is not what its name says, or damaged; rows before that were read.
    #[error("after row {after}: {} is damaged or not {kind} ({message}); rows up to there can be used", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What it should be.
        kind: &'static str,
        /// The last good row, from 1.
        after: u64,
        /// What the reader said.
        message: String,
    },
}

/// What is wrong with rows, before it is known which file they are of.
enum Fault {
    Column(String),
    Missing(&'static str),
    Damaged(String),
    Io(std::io::Error),
}

impl EventFile {
    /// Opens a file by the kind that its name tells.
    ///
    /// # Errors
    /// The file cannot be read, is of no known kind, is damaged at its start, or has a column that no event has.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        let file = File::open(path).map_err(|source| FileError::Read { path: path.to_owned(), source })?;
        let rows = if name.ends_with(".csv") {
            CsvRows::new(file).map(Rows::Csv)
        } else if name.ends_with(".ndjson") || name.ends_with(".jsonl") {
            Ok(Rows::Lines(Lines::new(file)))
        } else if name.ends_with(".parquet") {
            ParquetRows::new(file).map(|rows| Rows::Parquet(Box::new(rows)))
        } else {
            return Err(FileError::Extension { path: path.to_owned() });
        };
        let kind = kind_of(&name);
        let rows = rows.map_err(|fault| fault.of(path, kind, 0))?;
        Ok(Self { rows, path: path.to_owned(), done: 0, fault: None })
    }

    /// The next rows as lines of NDJSON, up to so many or to so many bytes; none at the end. Memory is bounded by both, and
    /// in Parquet by a page of each column.
    ///
    /// # Errors
    /// The file is damaged from here on, or cannot be read.
    pub fn next(&mut self, rows_max: usize, bytes_max: usize) -> Result<Vec<String>, FileError> {
        if let Some(fault) = self.fault.take() {
            return Err(fault.of(&self.path, self.kind(), self.done));
        }
        let (mut lines, mut bytes) = (Vec::new(), 0);
        while lines.len() < rows_max && bytes < bytes_max {
            let row = match &mut self.rows {
                Rows::Csv(rows) => rows.next(),
                Rows::Lines(lines) => lines.next(),
                Rows::Parquet(rows) => rows.next(),
            };
            match row {
                Ok(Some(line)) => {
                    bytes += line.len();
                    lines.push(line);
                }
                Ok(None) => break,
                // What was read before is good: it is handed out first, and the fault comes with the next call.
                Err(fault) if !lines.is_empty() => {
                    self.fault = Some(fault);
                    break;
                }
                Err(fault) => return Err(fault.of(&self.path, self.kind(), self.done)),
            }
        }
        self.done += lines.len() as u64;
        Ok(lines)
    }

    /// Rows read so far.
    pub fn rows(&self) -> u64 {
        self.done
    }

    fn kind(&self) -> &'static str {
        kind_of(&self.path.to_string_lossy().to_lowercase())
    }
}

fn kind_of(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("csv") => "CSV",
        Some("parquet") => "Parquet",
        _ => "NDJSON",
    }
}

impl Fault {
    fn of(self, path: &Path, kind: &'static str, after: u64) -> FileError {
        let path = path.to_owned();
        match self {
            Self::Column(column) => FileError::Column { column, known: row::FIELDS.join(", ") },
            Self::Missing(what) => FileError::Missing { what },
            Self::Damaged(message) => FileError::Damaged { path, kind, after, message },
            Self::Io(source) => FileError::Read { path, source },
        }
    }
}
