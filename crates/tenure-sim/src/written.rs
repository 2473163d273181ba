//! What an event log holds, read back from its files by another way than the query engine's.

use arrow::array::{AsArray, RecordBatch};
use object_store::ObjectStoreExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tenure_events::{EventLog, columns};

/// Why a log cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum WrittenError {
    /// There is no view of it.
    #[error(transparent)]
    View(#[from] tenure_events::ViewError),
    /// A sealed file cannot be had.
    #[error("a sealed file cannot be read")]
    Store(#[from] object_store::Error),
    /// A sealed file is no Parquet file.
    #[error("a sealed file cannot be decoded")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// Rows cannot be decoded.
    #[error("rows of a sealed file cannot be decoded")]
    Arrow(#[from] arrow::error::ArrowError),
    /// A batch has no column of ids.
    #[error("a batch has no column {0}")]
    Column(&'static str),
}

/// The id of every event in the log, in any order, each as often as it stands there.
pub async fn ids(log: &EventLog) -> Result<Vec<String>, WrittenError> {
    let view = log.view().await?;
    let mut ids = Vec::new();
    for file in &view.files {
        let bytes = log.store().get(&file.path.as_str().into()).await?.bytes().await?;
        for batch in ParquetRecordBatchReaderBuilder::try_new(bytes)?.build()? {
            read(&batch?, &mut ids)?;
        }
    }
    for batch in &view.recent {
        read(batch, &mut ids)?;
    }
    Ok(ids)
}

fn read(batch: &RecordBatch, ids: &mut Vec<String>) -> Result<(), WrittenError> {
    let column = batch.column_by_name(columns::ID).ok_or(WrittenError::Column(columns::ID))?;
    ids.extend(column.as_string::<i32>().iter().flatten().map(str::to_owned));
    Ok(())
}
