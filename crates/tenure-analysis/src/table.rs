//! One streaming pass over a CSV file, plain or gzip, whose every complaint says where.
//!
//! Knows nothing about arms or metrics. Cells are trimmed; the file must be UTF-8 (a byte-order mark is
//! skipped) with a header row and commas. Gzip is recognised by its first two bytes, not by the file's name.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use csv::StringRecord;
use flate2::read::MultiGzDecoder;

use crate::nearest::nearest;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// 2^53: above it a double no longer tells whole numbers apart.
const COUNT_MAX: f64 = 9_007_199_254_740_992.0;
const READ_BUFFER_BYTES: usize = 1 << 16;
/// A message lists this many names at most.
const LISTED_MAX: usize = 30;

/// An open table, positioned before its first row.
pub struct Table {
    file: String,
    compressed: bool,
    header: Vec<String>,
    rows: csv::Reader<Box<dyn Read>>,
    record: StringRecord,
    /// Whether `record` is a row that was looked at and not yet taken.
    peeked: bool,
}

/// A column that is known to exist.
#[derive(Debug, Clone)]
pub struct Column {
    index: usize,
    name: String,
}

/// One row; it borrows the table's buffer.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    file: &'a str,
    header: &'a [String],
    record: &'a StringRecord,
    /// The line on which the row begins, the header being line 1.
    pub line: u64,
}

/// Why a file could not be read, always with the place.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file cannot be opened or read.
    #[error("{file}: {source}")]
    Io {
        /// The file's name.
        file: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file begins like gzip but does not decompress.
    #[error("{file}: damaged or truncated gzip ({detail}); check it with `gzip -t`")]
    Gzip {
        /// The file's name.
        file: String,
        /// What the decompressor said.
        detail: String,
    },
    /// There is not even a header.
    #[error("{file}: the file is empty; it needs a header row that names its columns")]
    Empty {
        /// The file's name.
        file: String,
    },
    /// A header, and nothing under it.
    #[error("{file}: there is a header and no row under it")]
    NoRows {
        /// The file's name.
        file: String,
    },
    /// Bytes that are not UTF-8.
    #[error("{file}, line {line}: not UTF-8 in column {column}; save the file as UTF-8")]
    NotUtf8 {
        /// The file's name.
        file: String,
        /// Where the row begins.
        line: u64,
        /// The column's number from 1, since its name may be what is unreadable.
        column: usize,
    },
    /// A row with more or fewer cells than the header.
    #[error(
        "{file}, line {line}: {found} cells where the header has {expected}; quote cells that contain commas"
    )]
    Ragged {
        /// The file's name.
        file: String,
        /// Where the row begins.
        line: u64,
        /// Cells in the row.
        found: usize,
        /// Cells in the header.
        expected: usize,
    },
    /// The header does not have the column.
    #[error("{file}: there is no column `{column}`{}; the columns are {}", hint(.nearest.as_deref()), list(.present))]
    MissingColumn {
        /// The file's name.
        file: String,
        /// What was asked for.
        column: String,
        /// A column with almost that name.
        nearest: Option<String>,
        /// All the header's columns.
        present: Vec<String>,
    },
    /// The header has the column twice.
    #[error("{file}: the column `{column}` appears more than once in the header; rename one of them")]
    RepeatedColumn {
        /// The file's name.
        file: String,
        /// The column.
        column: String,
    },
    /// A cell that must say something says nothing.
    #[error("{file}, line {line}: column `{column}` is empty; fill it in, or leave the row out")]
    EmptyCell {
        /// The file's name.
        file: String,
        /// Where the row begins.
        line: u64,
        /// The column.
        column: String,
    },
    /// A cell that must be a number is something else.
    #[error("{file}, line {line}: column `{column}` has `{value}`, {problem}")]
    BadValue {
        /// The file's name.
        file: String,
        /// Where the row begins.
        line: u64,
        /// The column.
        column: String,
        /// What stands there.
        value: String,
        /// What is wrong with it, and the remedy.
        problem: &'static str,
    },
}

impl Table {
    /// Opens a file and reads its header.
    pub fn open(path: &Path) -> Result<Self, TableError> {
        let file = path.display().to_string();
        match File::open(path) {
            Ok(source) => Self::read(file, source),
            Err(source) => Err(TableError::Io { file, source }),
        }
    }

    /// Reads from anything; `file` is the name used in messages.
    pub fn read(file: impl Into<String>, source: impl Read + 'static) -> Result<Self, TableError> {
        let file = file.into();
        let mut source = BufReader::with_capacity(READ_BUFFER_BYTES, source);
        let mut magic = Vec::with_capacity(GZIP_MAGIC.len());
        if let Err(source) = source.by_ref().take(GZIP_MAGIC.len() as u64).read_to_end(&mut magic) {
            return Err(TableError::Io { file, source });
        }
        let compressed = magic == GZIP_MAGIC;
        let whole = io::Cursor::new(magic).chain(source);
        let bytes: Box<dyn Read> =
            if compressed { Box::new(MultiGzDecoder::new(BufReader::new(whole))) } else { Box::new(whole) };
        // A carriage return stays in its cell and is trimmed there: only then is every end of a line counted
        // when its row ends.
        let rows = csv::ReaderBuilder::new()
            .terminator(csv::Terminator::Any(b'\n'))
            .flexible(true)
            .buffer_capacity(READ_BUFFER_BYTES)
            .from_reader(bytes);
        let mut table =
            Self { file, compressed, header: Vec::new(), rows, record: StringRecord::new(), peeked: false };
        table.header = match table.rows.headers() {
            Ok(header) => header.iter().map(|name| name.trim().to_owned()).collect(),
            Err(error) => return Err(fault(&table.file, table.compressed, error)),
        };
        if table.header.iter().all(String::is_empty) {
            return Err(TableError::Empty { file: table.file });
        }
        Ok(table)
    }

    /// The file's name as used in messages.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Looks a column up by its name in the header, exactly.
    pub fn column(&self, name: &str) -> Result<Column, TableError> {
        let mut found = self.header.iter().enumerate().filter(|(_, present)| *present == name);
        match (found.next(), found.next()) {
            (Some((index, _)), None) => Ok(Column { index, name: name.to_owned() }),
            (Some(_), Some(_)) => {
                Err(TableError::RepeatedColumn { file: self.file.clone(), column: name.to_owned() })
            }
            (None, _) => Err(TableError::MissingColumn {
                file: self.file.clone(),
                column: name.to_owned(),
                nearest: nearest(name, &self.header).map(str::to_owned),
                present: self.header.clone(),
            }),
        }
    }

    /// The next row, which stays the next one.
    pub(crate) fn peek(&mut self) -> Result<Option<Row<'_>>, TableError> {
        self.peeked = self.next_row()?.is_some();
        Ok(self.peeked.then(|| self.row()))
    }

    /// The next row, or `None` after the last.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, TableError> {
        loop {
            if !std::mem::take(&mut self.peeked) {
                match self.rows.read_record(&mut self.record) {
                    Ok(true) => {}
                    Ok(false) => return Ok(None),
                    Err(error) => return Err(fault(&self.file, self.compressed, error)),
                }
            }
            // The reader skips blank lines itself, but not those that end like Windows'.
            let (found, expected) = (self.record.len(), self.header.len());
            if found == 1 && self.record.as_slice() == "\r" {
                continue;
            }
            let line = self.line();
            if found != expected {
                return Err(TableError::Ragged { file: self.file.clone(), line, found, expected });
            }
            return Ok(Some(self.row()));
        }
    }

    fn row(&self) -> Row<'_> {
        Row { file: &self.file, header: &self.header, record: &self.record, line: self.line() }
    }

    /// The line on which the record begins. The reader knows where it started to look, which may be blank lines
    /// earlier, and where the record ended: so many lines later as it has breaks inside quotes, and its own.
    fn line(&self) -> u64 {
        let looked_from = self.record.position().map_or(0, csv::Position::line);
        let cells = self.record.as_slice();
        let inside = if cells.contains('\n') { cells.matches('\n').count() as u64 } else { 0 };
        let without_breaks = self.rows.position().line() - inside;
        if without_breaks > looked_from { without_breaks - 1 } else { looked_from }
    }
}

impl Column {
    /// Its name in the header.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl<'a> Row<'a> {
    /// The file's name as used in messages.
    pub fn file(&self) -> &'a str {
        self.file
    }

    /// The cell's text, if there is any.
    pub fn filled(&self, column: &Column) -> Option<&'a str> {
        match self.record.get(column.index).unwrap_or_default().trim() {
            "" => None,
            text => Some(text),
        }
    }

    /// The first column whose cell is such a one.
    pub(crate) fn first_column(&self, is_such: impl Fn(&str) -> bool) -> Option<Column> {
        let index = self.record.iter().position(|cell| is_such(cell.trim()))?;
        Some(Column { index, name: self.header[index].clone() })
    }

    /// The cell's text; an empty cell is an error.
    pub fn text(&self, column: &Column) -> Result<&'a str, TableError> {
        self.filled(column).ok_or_else(|| TableError::EmptyCell {
            file: self.file.to_owned(),
            line: self.line,
            column: column.name.clone(),
        })
    }

    /// The cell as a whole number that is not negative, small enough that a double tells it from its neighbours.
    pub fn count(&self, column: &Column) -> Result<f64, TableError> {
        let number = self.number(column)?;
        if number.fract() == 0.0 && (0.0..=COUNT_MAX).contains(&number) {
            return Ok(number);
        }
        Err(self.bad_value(
            column,
            self.text(column)?,
            "which is not a count; write a whole number, 0 or more",
        ))
    }

    /// The cell as a finite number.
    pub fn number(&self, column: &Column) -> Result<f64, TableError> {
        let text = self.text(column)?;
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) => Err(self.bad_value(column, text, "which is not a finite number; leave the row out")),
            Err(_) if truth(text).is_some() => {
                Err(self.bad_value(column, text, "which is not a number; declare the metric a proportion"))
            }
            Err(_) => Err(self.bad_value(
                column,
                text,
                "which is not a number; write digits with a decimal point, without units or separators",
            )),
        }
    }

    /// The cell as yes or no: 1 or 0, true or false, yes or no, in any case.
    pub fn truth(&self, column: &Column) -> Result<bool, TableError> {
        let text = self.text(column)?;
        truth(text).ok_or_else(|| {
            self.bad_value(
                column,
                text,
                "which is neither 0 nor 1 (true/false and yes/no are understood); \
                 for other numbers declare the metric a mean",
            )
        })
    }

    fn bad_value(&self, column: &Column, value: &str, problem: &'static str) -> TableError {
        let value = value.chars().take(80).collect();
        TableError::BadValue {
            file: self.file.to_owned(),
            line: self.line,
            column: column.name.clone(),
            value,
            problem,
        }
    }
}

fn truth(text: &str) -> Option<bool> {
    match text {
        "0" => return Some(false),
        "1" => return Some(true),
        _ => {}
    }
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    if is("true") || is("yes") {
        return Some(true);
    }
    if is("false") || is("no") {
        return Some(false);
    }
    // Exporters that know only floats write 0.0 and 1.0.
    match text.parse::<f64>() {
        Ok(0.0) => Some(false),
        Ok(1.0) => Some(true),
        _ => None,
    }
}

fn fault(file: &str, compressed: bool, error: csv::Error) -> TableError {
    let file = file.to_owned();
    let line = error.position().map_or(0, csv::Position::line);
    match error.into_kind() {
        csv::ErrorKind::Io(source) if compressed && source.kind() != io::ErrorKind::Interrupted => {
            TableError::Gzip { file, detail: source.to_string() }
        }
        csv::ErrorKind::Io(source) => TableError::Io { file, source },
        csv::ErrorKind::Utf8 { err, .. } => {
            TableError::NotUtf8 { file, line: line.max(1), column: err.field() + 1 }
        }
        other => TableError::Io { file, source: io::Error::other(format!("{other:?}")) },
    }
}

pub(crate) fn hint(nearest: Option<&str>) -> String {
    nearest.map(|name| format!(" (did you mean `{name}`?)")).unwrap_or_default()
}

pub(crate) fn list(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(LISTED_MAX).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(LISTED_MAX);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// Reads column `n` of every row as a number.
    fn numbers(bytes: &[u8]) -> Result<Vec<(u64, f64)>, TableError> {
        let mut table = Table::read("t.csv", io::Cursor::new(bytes.to_vec()))?;
        let n = table.column("n")?;
        let mut numbers = Vec::new();
        while let Some(row) = table.next_row()? {
            numbers.push((row.line, row.number(&n)?));
        }
        Ok(numbers)
    }

    #[track_caller]
    fn check(bytes: &[u8], expected: Result<&[(u64, f64)], &str>) {
        let got = numbers(bytes).map_err(|e| e.to_string());
        assert_eq!(got.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn rows_are_read_plain_and_compressed() {
        let text = b"\xef\xbb\xbfa, n\r\n\"x,\ny\", 1\r\nz,-2.5e1\n\n\r\nz,3";
        check(text, Ok(&[(2, 1.0), (4, -25.0), (7, 3.0)]));
        check(&gzip(text), Ok(&[(2, 1.0), (4, -25.0), (7, 3.0)]));
        let members = [gzip(b"n\n1\n"), gzip(b"2\n")].concat();
        check(&members, Ok(&[(2, 1.0), (3, 2.0)]));
        check(b"n\n", Ok(&[]));
        check(b"n\r\n1\r\n2\r\n\r\n", Ok(&[(2, 1.0), (3, 2.0)]));
    }

    #[test]
    fn faults_say_where() {
        check(b"", Err("t.csv: the file is empty; it needs a header row that names its columns"));
        check(b"\n\n", Err("t.csv: the file is empty; it needs a header row that names its columns"));
        check(
            b"N,b\n1,2\n",
            Err("t.csv: there is no column `n` (did you mean `N`?); the columns are `N`, `b`"),
        );
        check(
            b"n,n\n1,2\n",
            Err("t.csv: the column `n` appears more than once in the header; rename one of them"),
        );
        check(b"n\n1\n \n", Err("t.csv, line 3: column `n` is empty; fill it in, or leave the row out"));
        check(
            b"n,b\n1,2\n3\n",
            Err("t.csv, line 3: 1 cells where the header has 2; quote cells that contain commas"),
        );
        check(b"n,b\n1,\xff\n", Err("t.csv, line 2: not UTF-8 in column 2; save the file as UTF-8"));
        for bad in ["NaN", "inf", "1e999"] {
            let message = format!(
                "t.csv, line 2: column `n` has `{bad}`, which is not a finite number; leave the row out"
            );
            check(format!("n\n{bad}\n").as_bytes(), Err(&message));
        }
        check(
            b"n\n\"1,000\"\n",
            Err("t.csv, line 2: column `n` has `1,000`, which is not a number; \
                 write digits with a decimal point, without units or separators"),
        );
        check(
            b"n\nyes\n",
            Err(
                "t.csv, line 2: column `n` has `yes`, which is not a number; declare the metric a proportion",
            ),
        );
    }

    #[test]
    fn a_truncated_gzip_is_named_as_such() {
        let whole = gzip(format!("n\n{}", "1\n2\n3\n4\n5\n".repeat(50)).as_bytes());
        for length in [2, 12, whole.len() - 4] {
            let error = numbers(&whole[..length]).unwrap_err();
            assert!(matches!(error, TableError::Gzip { .. }), "at {length}: {error}");
        }
    }

    #[test]
    fn truths() {
        for (text, expected) in [
            ("0", Some(false)),
            ("1", Some(true)),
            ("1.0", Some(true)),
            ("FALSE", Some(false)),
            ("Yes", Some(true)),
            ("2", None),
            ("0.5", None),
            ("maybe", None),
        ] {
            assert_eq!(truth(text), expected, "{text}");
        }
    }
}
