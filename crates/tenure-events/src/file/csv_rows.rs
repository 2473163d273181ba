//! Rows of a CSV file.

use std::fs::File;

use super::Fault;
use super::row::{Cell, Columns};

/// The rows, read as they are asked for.
pub struct CsvRows {
    reader: csv::Reader<File>,
    columns: Columns,
    record: csv::StringRecord,
}

impl CsvRows {
    /// Reads the headings.
    pub fn new(file: File) -> Result<Self, Fault> {
        let mut reader = csv::ReaderBuilder::new().from_reader(file);
        let headings = reader.headers().map_err(fault)?;
        let columns = Columns::new(headings.iter().map(|name| name.trim_start_matches('\u{feff}')))?;
        Ok(Self { reader, columns, record: csv::StringRecord::new() })
    }

    /// The next row as a line of JSON.
    pub fn next(&mut self) -> Result<Option<String>, Fault> {
        if !self.reader.read_record(&mut self.record).map_err(fault)? {
            return Ok(None);
        }
        let cells = self.record.iter().map(|cell| match cell {
            "" => Cell::Nothing,
            text => Cell::Text(text.to_owned()),
        });
        Ok(Some(self.columns.line(cells)))
    }
}

fn fault(error: csv::Error) -> Fault {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => Fault::Io(error),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            Fault::Damaged(format!("a row of {len} cells under {expected_len} headings"))
        }
        csv::ErrorKind::Utf8 { .. } => Fault::Damaged("not UTF-8".to_owned()),
        other => Fault::Damaged(format!("{other:?}")),
    }
}
