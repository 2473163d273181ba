//! Rows of a Parquet file, a batch at a time. Texts, numbers, times and truth values are understood; times become RFC 3339.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, TimeUnit, TimestampMicrosecondType};
use jiff::Timestamp;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::Fault;
use super::row::{Cell, Columns};

const BATCH_ROWS: usize = 4_096;

/// The rows, read as they are asked for.
pub struct ParquetRows {
    reader: ParquetRecordBatchReader,
    columns: Columns,
    batch: Vec<Texts>,
    rows: usize,
    at: usize,
}

/// A column of a batch in one of the forms that a cell has.
enum Texts {
    Text(ArrayRef),
    Number(ArrayRef),
    Time(ArrayRef),
}

impl ParquetRows {
    /// Reads the footer.
    pub fn new(file: File) -> Result<Self, Fault> {
        sound(|| Self::open(file))
    }

    fn open(file: File) -> Result<Self, Fault> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(damaged)?;
        let columns = Columns::new(builder.schema().fields().iter().map(|field| field.name().as_str()))?;
        let reader = builder.with_batch_size(BATCH_ROWS).build().map_err(damaged)?;
        Ok(Self { reader, columns, batch: Vec::new(), rows: 0, at: 0 })
    }

    /// The next row as a line of JSON.
    pub fn next(&mut self) -> Result<Option<String>, Fault> {
        while self.at == self.rows {
            let reader = &mut self.reader;
            let Some(batch) = sound(|| reader.next().transpose().map_err(damaged))? else { return Ok(None) };
            self.batch = sound(|| read(&batch))?;
            (self.rows, self.at) = (batch.num_rows(), 0);
        }
        let line = self.columns.line(self.batch.iter().map(|column| column.cell(self.at)));
        self.at += 1;
        Ok(Some(line))
    }
}

fn read(batch: &RecordBatch) -> Result<Vec<Texts>, Fault> {
    let schema = batch.schema();
    let column = |(column, field): (&ArrayRef, &std::sync::Arc<arrow::datatypes::Field>)| {
        let as_type = |to: &DataType| cast(column, to).map_err(damaged);
        let microseconds = DataType::Timestamp(TimeUnit::Microsecond, None);
        match column.data_type() {
            // What has no zone is taken to be UTC.
            DataType::Timestamp(_, None) | DataType::Date32 | DataType::Date64 => {
                Ok(Texts::Time(as_type(&microseconds)?))
            }
            DataType::Timestamp(_, Some(_)) => {
                let in_utc = as_type(&DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))?;
                Ok(Texts::Time(cast(&in_utc, &microseconds).map_err(damaged)?))
            }
            kind if kind.is_floating()
                || matches!(kind, DataType::Decimal128(..) | DataType::Decimal256(..)) =>
            {
                Ok(Texts::Number(as_type(&DataType::Float64)?))
            }
            // A whole number is told by its digits: as an id it may be larger than a double holds.
            kind if kind.is_integer()
                || kind.is_string()
                || matches!(kind, DataType::Boolean | DataType::Dictionary(..)) =>
            {
                Ok(Texts::Text(as_type(&DataType::Utf8)?))
            }
            other => Err(Fault::Damaged(format!(
                "column `{}` is of type {other}, which no field has",
                field.name()
            ))),
        }
    };
    batch.columns().iter().zip(schema.fields()).map(column).collect()
}

impl Texts {
    fn cell(&self, at: usize) -> Cell {
        let (Self::Text(array) | Self::Number(array) | Self::Time(array)) = self;
        if array.is_null(at) {
            return Cell::Nothing;
        }
        match self {
            Self::Text(texts) => {
                texts.as_string_opt::<i32>().map_or(Cell::Nothing, |texts| match texts.value(at) {
                    "" => Cell::Nothing,
                    text => Cell::Text(text.to_owned()),
                })
            }
            Self::Number(numbers) => numbers
                .as_primitive_opt::<Float64Type>()
                .map_or(Cell::Nothing, |numbers| Cell::Number(numbers.value(at))),
            Self::Time(times) => times
                .as_primitive_opt::<TimestampMicrosecondType>()
                .and_then(|times| Timestamp::from_microsecond(times.value(at)).ok())
                .map_or(Cell::Nothing, |time| Cell::Text(time.to_string())),
        }
    }
}

/// What is read of a file. Its decoder takes some contradictions of a damaged one for impossible: its panics are the
/// file's fault.
fn sound<T>(read: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    let contradiction = |_| Err(Fault::Damaged("its parts contradict each other".to_owned()));
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(contradiction)
}

fn damaged(error: impl std::fmt::Display) -> Fault {
    Fault::Damaged(error.to_string())
}
