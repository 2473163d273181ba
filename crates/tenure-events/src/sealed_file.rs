//! A sealed file: Parquet, zstd, row groups cut at bucket boundaries. To and from bytes; where the bytes go
//! is the store's business.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use bytes::Bytes;
use jiff::Timestamp;
use jiff::civil::Date;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use sha2::{Digest, Sha256};

use crate::arrange::{bucket_ends, times};
use crate::catalogue::{FILES, SealedFile};
use crate::columns::{self, schema};
use crate::error::SealError;
use crate::segment::conform;

/// Events in a page of a column.
const PAGE_EVENTS: usize = 4_096;

/// Encodes one day's events, sorted. The name tells the day, the generation that brings the file in and the
/// digest of its bytes, so that two attempts never write different bytes under one name.
pub fn write(
    date: Date,
    generation: u64,
    sorted: &RecordBatch,
    row_group_events: usize,
) -> Result<(SealedFile, Bytes), SealError> {
    let mut writer = ArrowWriter::try_new(Vec::new(), schema(), Some(properties()?))?;
    let mut group_start = 0;
    for boundary in bucket_ends(sorted)? {
        if boundary - group_start >= row_group_events || boundary == sorted.num_rows() {
            writer.write(&sorted.slice(group_start, boundary - group_start))?;
            writer.flush()?;
            group_start = boundary;
        }
    }
    let bytes = Bytes::from(writer.into_inner()?);
    let sha256 = hex::encode(Sha256::digest(&bytes));
    let (at_min, at_max) = range(sorted, columns::AT)?;
    let (received_min, received_max) = range(sorted, columns::RECEIVED_AT)?;
    let file = SealedFile {
        path: format!("{FILES}/date={date}/{generation:012}-{}.parquet", &sha256[..16]),
        date,
        rows: sorted.num_rows() as u64,
        bytes: bytes.len() as u64,
        at_min,
        at_max,
        received_min,
        received_max,
        sha256,
    };
    Ok((file, bytes))
}

/// Decodes a whole file, in its order.
pub fn read(path: &str, bytes: Bytes) -> Result<Vec<RecordBatch>, SealError> {
    let damaged = |message: String| SealError::Damaged { path: path.to_owned(), message };
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)
        .and_then(|builder| builder.with_batch_size(65_536).build())
        .map_err(|error| damaged(error.to_string()))?;
    reader
        .map(|batch| {
            batch.and_then(|batch| conform(&batch)).map_err(|error: ArrowError| damaged(error.to_string()))
        })
        .collect()
}

fn properties() -> Result<WriterProperties, SealError> {
    let sorting =
        [columns::BUCKET, columns::UNIT, columns::UNIT_TYPE, columns::AT].map(|name| SortingColumn {
            // The maps before a column would shift its leaf's index; among the leading columns only `units`
            // is one, with two leaves after `unit_type`.
            column_idx: leaf_index(name),
            descending: false,
            nulls_first: false,
        });
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        // The row groups are cut by hand.
        .set_max_row_group_row_count(None)
        .set_statistics_enabled(EnabledStatistics::Page)
        // Whoever reads a few buckets only reads little beside them.
        .set_data_page_row_count_limit(PAGE_EVENTS)
        .set_write_batch_size(PAGE_EVENTS)
        // Nearly every id is another one: a dictionary would only be built and thrown away.
        .set_column_dictionary_enabled(ColumnPath::from(columns::ID), false)
        .set_sorting_columns(Some(sorting.to_vec()))
        .build())
}

fn leaf_index(name: &str) -> i32 {
    let leaves = |field: &Arc<arrow::datatypes::Field>| if field.data_type().is_nested() { 2 } else { 1 };
    schema().fields().iter().take_while(|field| field.name() != name).map(leaves).sum()
}

fn range(batch: &RecordBatch, name: &str) -> Result<(Timestamp, Timestamp), ArrowError> {
    let of = |time: Option<&i64>| {
        Timestamp::from_microsecond(time.copied().unwrap_or_default())
            .map_err(|error| ArrowError::ComputeError(error.to_string()))
    };
    let times = times(batch, name)?;
    Ok((of(times.iter().min())?, of(times.iter().max())?))
}
