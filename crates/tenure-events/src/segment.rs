//! The format of a segment: an Arrow IPC stream whose every message carries a checksum.
//!
//! Arrow lets the metadata of a message be followed by padding. The last eight bytes of that padding here are
//! the mark `crc3` and a CRC-32 of the metadata and the body, so that a half-written or
//! never-written message is told from a whole one, and any Arrow reader still reads the stream.
//!
//! ```text
//! FF FF FF FF │ metadata length (i32) │ flatbuffer, padded to 8 │ "crc3" │ CRC-32 │ body, padded to 8
//! ```
//!
//! The first message is the schema, each later one a batch: one group commit of the writer.

use std::io::Cursor;
use std::ops::Range;

use arrow::array::{Array, ArrayRef, RecordBatch, new_null_array};
use arrow::compute::BatchCoalescer;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{
    DictionaryTracker, EncodedData, IpcDataGenerator, IpcWriteContext, IpcWriteOptions,
};
use arrow::ipc::{MetadataVersion, root_as_message};

use crate::columns::schema;

const CONTINUATION: [u8; 4] = [0xff; 4];
const MARK: [u8; 4] = *b"crc3";
const PREFIX_LEN: usize = 8;
const TRAILER_LEN: usize = 8;
/// No message of ours has metadata of a tenth of this; a larger length is rubbish.
const METADATA_LEN_MAX: usize = 1 << 20;

/// Rows of the batches that [`read`] hands out, so that a thousand small commits do not stay a thousand
/// batches.
const READ_ROWS: usize = 8192;

/// Writes messages. It holds no file.
pub struct Encoder {
    options: IpcWriteOptions,
    context: IpcWriteContext,
    dictionaries: DictionaryTracker,
}

impl Encoder {
    /// An encoder for [`schema`].
    pub fn new() -> Result<Self, ArrowError> {
        Ok(Self {
            options: IpcWriteOptions::try_new(8, false, MetadataVersion::V5)?,
            context: IpcWriteContext::default(),
            dictionaries: DictionaryTracker::new(true),
        })
    }

    /// Appends the schema message, which opens a segment.
    pub fn schema(&mut self, out: &mut Vec<u8>) {
        let message = IpcDataGenerator::default().schema_to_bytes_with_dictionary_tracker(
            &schema(),
            &mut self.dictionaries,
            &self.options,
        );
        frame(&message, out);
    }

    /// Appends a batch message.
    pub fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        let (_, message) = IpcDataGenerator::default().encode(
            batch,
            &mut self.dictionaries,
            &self.options,
            &mut self.context,
        )?;
        frame(&message, out);
        Ok(())
    }
}

fn frame(message: &EncodedData, out: &mut Vec<u8>) {
    let padding = message.ipc_message.len().next_multiple_of(8) - message.ipc_message.len();
    let metadata_len = message.ipc_message.len() + padding + TRAILER_LEN;
    out.extend_from_slice(&CONTINUATION);
    out.extend_from_slice(&(metadata_len as i32).to_le_bytes());
    let metadata_at = out.len();
    out.extend_from_slice(&message.ipc_message);
    out.resize(out.len() + padding, 0);
    let sum = checksum(&out[metadata_at..], &message.arrow_data);
    out.extend_from_slice(&MARK);
    out.extend_from_slice(&sum.to_le_bytes());
    out.extend_from_slice(&message.arrow_data);
}

fn checksum(metadata: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(metadata);
    hasher.update(body);
    hasher.finalize()
}

/// What is whole in the bytes of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// Length of the leading messages that are whole.
    pub len: usize,
    /// Whole messages that follow after the first broken one. A crash does not leave them: something altered
    /// bytes that had been written.
    pub stranded: Vec<Range<usize>>,
}

/// Finds the whole messages of a segment.
pub fn whole(bytes: &[u8]) -> Whole {
    let mut len = 0;
    while let Some(message) = message_len(&bytes[len..]) {
        len += message;
    }
    let mut stranded = Vec::new();
    let mut at = len + 8;
    while at < bytes.len() {
        match message_len(&bytes[at..]) {
            Some(message) => {
                stranded.push(at..at + message);
                at += message;
            }
            None => at += 8,
        }
    }
    Whole { len, stranded }
}

/// The length of the whole message that the bytes begin with.
fn message_len(bytes: &[u8]) -> Option<usize> {
    let prefix = bytes.get(..PREFIX_LEN)?;
    let length = prefix.strip_prefix(&CONTINUATION)?;
    let metadata_len = usize::try_from(i32::from_le_bytes(length.try_into().ok()?)).ok()?;
    if !(TRAILER_LEN..=METADATA_LEN_MAX).contains(&metadata_len) {
        return None;
    }
    let metadata = bytes.get(PREFIX_LEN..PREFIX_LEN + metadata_len)?;
    let (metadata, trailer) = metadata.split_at_checked(metadata_len - TRAILER_LEN)?;
    let sum = u32::from_le_bytes(trailer.strip_prefix(&MARK)?.try_into().ok()?);
    let body_len = usize::try_from(root_as_message(metadata).ok()?.bodyLength()).ok()?;
    let body_at = PREFIX_LEN + metadata_len;
    let body = bytes.get(body_at..body_at.checked_add(body_len)?)?;
    (checksum(metadata, body) == sum).then_some(body_at + body_len)
}

/// The events in whole messages, in order, as batches of the present schema.
pub fn read(bytes: &[u8]) -> Result<Vec<RecordBatch>, ArrowError> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let mut coalescer = BatchCoalescer::new(schema(), READ_ROWS);
    for batch in StreamReader::try_new(Cursor::new(bytes), None)? {
        coalescer.push_batch(conform(&batch?)?)?;
    }
    coalescer.finish_buffered_batch()?;
    Ok(std::iter::from_fn(|| coalescer.next_completed_batch()).collect())
}

/// A batch that an earlier or later release wrote, in the present schema: columns go by name, one that is
/// not there is null, one that is unknown is dropped.
pub fn conform(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = schema();
    if batch.schema_ref().fields() == schema.fields() {
        return Ok(batch.clone());
    }
    let column = |field: &arrow::datatypes::FieldRef| -> Result<ArrayRef, ArrowError> {
        match batch.column_by_name(field.name()) {
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
            Some(column) if column.data_type() == field.data_type() => Ok(column.clone()),
            Some(column) => arrow::compute::cast(column, field.data_type()),
        }
    };
    let columns = schema.fields().iter().map(column).collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(schema, columns)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use arrow::array::{AsArray, Int32Array};
    use arrow::datatypes::{DataType, Field, Schema};
    use jiff::Timestamp;

    use super::*;
    use crate::columns::{REASON, UNIT, VALUE, batch_of};
    use crate::event::{Draft, Event, Kind, Received, Unit};

    fn batch() -> RecordBatch {
        let draft = Draft {
            id: None,
            at: None,
            units: vec![Unit::new("user", "u1")],
            kind: Kind::Outcome { name: "purchase".into(), value: Some(2.0) },
            source: "api".into(),
            attributes: BTreeMap::new(),
        };
        let event = Event::new(draft, Received { at: Timestamp::UNIX_EPOCH, index: 0 }).unwrap();
        batch_of([&event].into_iter()).unwrap()
    }

    /// What a release wrote that knew one column less, one more, and one of another type.
    fn batch_of_another_release() -> RecordBatch {
        let batch = batch();
        let kept = batch
            .schema()
            .fields()
            .iter()
            .filter(|field| field.name() != REASON)
            .cloned()
            .collect::<Vec<_>>();
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for field in kept {
            let column = batch.column_by_name(field.name()).unwrap();
            let data_type = if field.name() == VALUE { DataType::Float32 } else { field.data_type().clone() };
            columns.push(arrow::compute::cast(column, &data_type).unwrap());
            fields.push(Field::new(field.name(), data_type, true));
        }
        fields.push(Field::new("weight", DataType::Int32, true));
        columns.push(Arc::new(Int32Array::from(vec![7])));
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
    }

    #[test]
    fn a_segment_of_another_release_is_read_in_the_present_schema() {
        let other = batch_of_another_release();
        let mut bytes = Vec::new();
        let mut writer = arrow::ipc::writer::StreamWriter::try_new(&mut bytes, &other.schema()).unwrap();
        writer.write(&other).unwrap();
        drop(writer);
        let found = read(&bytes).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].schema(), schema());
        assert_eq!(found[0].column_by_name(UNIT).unwrap().as_string::<i32>().value(0), "u1");
        assert_eq!(found[0], batch());
    }

    #[test]
    fn small_commits_are_read_as_large_batches() {
        let mut encoder = Encoder::new().unwrap();
        let mut bytes = Vec::new();
        encoder.schema(&mut bytes);
        for _ in 0..100 {
            encoder.batch(&batch(), &mut bytes).unwrap();
        }
        let found = read(&bytes).unwrap();
        assert_eq!(found.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [100]);
    }
}
