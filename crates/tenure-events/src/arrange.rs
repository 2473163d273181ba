//! Puts events into the order of sealed files: repeats dropped, sorted by (bucket, unit, unit type, time),
//! split by UTC day.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{SortColumn, concat_batches, lexsort_to_indices, take_record_batch};
use arrow::datatypes::{TimestampMicrosecondType, UInt8Type};
use arrow::error::ArrowError;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::columns::{self, schema};

/// Two events of one key are one event if received within this time of the first; later ones count anew.
pub const REPEAT_HORIZON: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);

const DAY_MICROSECONDS: i64 = 86_400_000_000;

/// Events in order.
pub struct Arranged {
    /// One batch a day, in order of day.
    pub days: Vec<(Date, RecordBatch)>,
    /// Repeats that were dropped.
    pub duplicates: u64,
}

/// Arranges the events of all batches. Where an event is there twice, the one received first stays, and of
/// two received at once the one that stands first.
pub fn arrange(batches: Vec<RecordBatch>) -> Result<Arranged, ArrowError> {
    let (sorted, duplicates) = sort_once(batches)?;
    Ok(Arranged { days: split_by_day(&sorted)?, duplicates })
}

/// The events of all batches sorted, without repeats; and how many those were. At its height it holds the events
/// twice.
pub fn sort_once(batches: Vec<RecordBatch>) -> Result<(RecordBatch, u64), ArrowError> {
    let batch = &concat_batches(&schema(), &batches)?;
    drop(batches);
    let rows = batch.num_rows() as u32;
    let position: ArrayRef = Arc::new(UInt32Array::from_iter_values(0..rows));
    let key = |name: &str| -> Result<SortColumn, ArrowError> {
        Ok(SortColumn { values: Arc::clone(column(batch, name)?), options: None })
    };
    let order = lexsort_to_indices(
        &[
            key(columns::BUCKET)?,
            key(columns::UNIT)?,
            key(columns::UNIT_TYPE)?,
            key(columns::AT)?,
            key(columns::RECEIVED_AT)?,
            SortColumn { values: position, options: None },
        ],
        None,
    )?;
    let kept = first_of_each(batch, &order)?;
    let duplicates = u64::from(rows) - kept.len() as u64;
    Ok((take_record_batch(batch, &kept)?, duplicates))
}

/// The rows of `order` that are not repeats. Rows of one unit stand together in it.
fn first_of_each(batch: &RecordBatch, order: &UInt32Array) -> Result<UInt32Array, ArrowError> {
    let units = text(batch, columns::UNIT)?;
    let unit_types = text(batch, columns::UNIT_TYPE)?;
    let ids = text(batch, columns::ID)?;
    let received = times(batch, columns::RECEIVED_AT)?;
    let order = order.values();
    let mut kept = Vec::with_capacity(order.len());
    let same_unit = |a: &u32, b: &u32| {
        let (a, b) = (*a as usize, *b as usize);
        units.value(a) == units.value(b) && unit_types.value(a) == unit_types.value(b)
    };
    for unit in order.chunk_by(same_unit) {
        if let [only] = unit {
            kept.push(*only);
            continue;
        }
        let mut by_receipt = unit.to_vec();
        by_receipt.sort_unstable_by_key(|&row| (received[row as usize], row));
        let mut counted_at: HashMap<&str, i64> = HashMap::with_capacity(unit.len());
        let mut repeats: Vec<u32> = Vec::new();
        for row in by_receipt {
            let at = received[row as usize];
            match counted_at.get(ids.value(row as usize)) {
                Some(first) if i128::from(at - first) <= REPEAT_HORIZON.as_micros() => repeats.push(row),
                _ => {
                    counted_at.insert(ids.value(row as usize), at);
                }
            }
        }
        repeats.sort_unstable();
        kept.extend(unit.iter().filter(|row| repeats.binary_search(row).is_err()));
    }
    Ok(UInt32Array::from(kept))
}

fn split_by_day(sorted: &RecordBatch) -> Result<Vec<(Date, RecordBatch)>, ArrowError> {
    let mut rows_of: std::collections::BTreeMap<i64, Vec<u32>> = std::collections::BTreeMap::new();
    for (row, at) in times(sorted, columns::AT)?.iter().enumerate() {
        rows_of.entry(at.div_euclid(DAY_MICROSECONDS)).or_default().push(row as u32);
    }
    if let [day] = rows_of.keys().copied().collect::<Vec<_>>()[..] {
        return Ok(vec![(date_of(day)?, sorted.clone())]);
    }
    rows_of
        .into_iter()
        .map(|(day, rows)| Ok((date_of(day)?, take_record_batch(sorted, &UInt32Array::from(rows))?)))
        .collect()
}

fn date_of(day: i64) -> Result<Date, ArrowError> {
    let start = Timestamp::from_microsecond(day * DAY_MICROSECONDS)
        .map_err(|error| ArrowError::ComputeError(error.to_string()))?;
    Ok(start.to_zoned(TimeZone::UTC).date())
}

/// Where each bucket of sorted events ends: the row after its last.
pub fn bucket_ends(sorted: &RecordBatch) -> Result<Vec<usize>, ArrowError> {
    let buckets = column(sorted, columns::BUCKET)?.as_primitive_opt::<UInt8Type>();
    let buckets = buckets.ok_or_else(|| unexpected(columns::BUCKET))?.values();
    let mut end = 0;
    let lengths = buckets.chunk_by(|a, b| a == b).map(<[u8]>::len);
    Ok(lengths
        .map(|length| {
            end += length;
            end
        })
        .collect())
}

/// A column by name.
pub fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, ArrowError> {
    batch.column_by_name(name).ok_or_else(|| unexpected(name))
}

/// A column of text.
pub fn text<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray, ArrowError> {
    column(batch, name)?.as_string_opt::<i32>().ok_or_else(|| unexpected(name))
}

/// A column of times, in microseconds since the epoch.
pub fn times<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a [i64], ArrowError> {
    let array = column(batch, name)?
        .as_primitive_opt::<TimestampMicrosecondType>()
        .ok_or_else(|| unexpected(name))?;
    Ok(array.values())
}

fn unexpected(name: &str) -> ArrowError {
    ArrowError::SchemaError(format!("column {name} is missing or of another type"))
}
