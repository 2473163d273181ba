//! What can go wrong with the log, by what was asked of it.

use std::io;

use crate::bucket::BucketError;
use crate::disk::FolderError;

/// Why the log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder is held by another process, or cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The bucket of the sealed files cannot be used.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// A segment cannot be read.
    #[error("cannot read segment {name} of the event log; check the disk")]
    Segment {
        /// The segment's file.
        name: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The sealed files cannot be reached or their catalogue is unreadable.
    #[error(transparent)]
    Sealed(#[from] SealError),
    /// The writer's thread did not start.
    #[error("cannot start the event log's writer thread; raise the limit of threads")]
    Thread(#[source] io::Error),
}

/// Why events were not accepted. None of them is in the log, unless [`AppendError::is_uncertain`].
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// Too much waits to be written.
    #[error("the event log is busy: {queued_bytes_max} bytes wait to be written; send again in a second")]
    Busy {
        /// The bound of the queue.
        queued_bytes_max: usize,
    },
    /// One append is larger than the whole queue.
    #[error("{bytes} bytes of events at once, more than {queued_bytes_max}; send fewer at a time")]
    TooLarge {
        /// Size of the events.
        bytes: usize,
        /// The bound of the queue.
        queued_bytes_max: usize,
    },
    /// Sealing has fallen far behind, or fails.
    #[error(
        "{unsealed_bytes} bytes of events wait to be sealed, more than {unsealed_bytes_max}; check that the \
         object store can be reached"
    )]
    Backlog {
        /// What waits.
        unsealed_bytes: u64,
        /// The bound.
        unsealed_bytes_max: u64,
    },
    /// The disk is full.
    #[error("the event log's disk is full; make room and send again")]
    DiskFull,
    /// Writing or syncing failed.
    #[error("cannot write to the event log: {message}; check the disk and send again")]
    Disk {
        /// What the operating system said.
        message: String,
    },
    /// The events could not be encoded: a fault of this crate.
    #[error("cannot encode events: {message}")]
    Encode {
        /// What the encoder said.
        message: String,
    },
    /// The log is closed.
    #[error("the event log is closed")]
    Closed,
}

impl AppendError {
    /// Whether the events may yet be found in the log after a crash: the write may have reached the disk
    /// though it was not acknowledged. Events that are sent again with an id or a time count once all the
    /// same.
    pub fn is_uncertain(&self) -> bool {
        matches!(self, Self::DiskFull | Self::Disk { .. } | Self::Closed)
    }

    pub(crate) fn of_disk(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Disk { message: error.to_string() },
        }
    }
}

/// Why segments were not sealed, or sealed files not changed. What was acknowledged is as safe as before.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The object store failed.
    #[error(
        "the object store of sealed events failed; the events stay in their segments and are sealed later"
    )]
    Store(#[from] object_store::Error),
    /// The catalogue cannot be read, or belongs to other files.
    #[error(
        "the catalogue {path} of sealed events is unreadable or not theirs ({message}); restore both from \
         one backup"
    )]
    Catalogue {
        /// The object.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// A segment cannot be read.
    #[error("cannot read a segment of the event log; check the disk")]
    Disk(#[from] io::Error),
    /// Columns could not be sorted, merged or decoded.
    #[error("cannot arrange events as columns")]
    Arrow(#[from] arrow::error::ArrowError),
    /// A Parquet file cannot be written or read.
    #[error("cannot write or read a sealed file")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// A sealed file cannot be read back.
    #[error("the sealed file {path} is damaged ({message}); restore it from a backup")]
    Damaged {
        /// The object.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// The log is closed.
    #[error("the event log is closed")]
    Closed,
}

/// Why there is no view of the log.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// A segment cannot be read.
    #[error("cannot read segment {segment} of the event log; check the disk")]
    Disk {
        /// The segment's number.
        segment: u64,
        /// What the operating system said.
        source: io::Error,
    },
    /// A segment cannot be decoded.
    #[error("cannot decode segment {segment} of the event log")]
    Arrow {
        /// The segment's number.
        segment: u64,
        /// What the decoder said.
        source: arrow::error::ArrowError,
    },
}

/// Part of a segment that was cut when the log was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The segment's number.
    pub segment: u64,
    /// Bytes that were cut.
    pub bytes: u64,
    /// `None`: a torn tail, which a crash leaves and which held nothing acknowledged. Else whole messages
    /// followed, so the damage is not a crash's: acknowledged events may be among it, what is whole goes
    /// on, and the segment as it was found is kept under this name.
    pub kept_as: Option<String>,
}
