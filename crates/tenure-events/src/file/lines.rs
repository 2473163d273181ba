//! Lines of an NDJSON file, handed on as they are: what a line says is judged at its receipt.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use super::Fault;

/// The longest line: far more than any valid event needs.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// The lines, read as they are asked for.
pub struct Lines {
    reader: BufReader<File>,
}

impl Lines {
    /// The lines of a file.
    pub fn new(file: File) -> Self {
        Self { reader: BufReader::with_capacity(256 << 10, file) }
    }

    /// The next line that is not blank.
    pub fn next(&mut self) -> Result<Option<String>, Fault> {
        loop {
            let mut line = Vec::new();
            let read =
                (&mut self.reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).map_err(Fault::Io)?;
            if read == 0 {
                return Ok(None);
            }
            if read as u64 == LINE_BYTES_MAX && line.last() != Some(&b'\n') {
                return Err(Fault::Damaged(format!("a line longer than {LINE_BYTES_MAX} bytes")));
            }
            let line = String::from_utf8(line).map_err(|_| Fault::Damaged("not UTF-8".to_owned()))?;
            let line = line.trim();
            if !line.is_empty() {
                return Ok(Some(line.to_owned()));
            }
        }
    }
}
