//! The event log: exposures and outcomes, accepted only when durable, sealed into Parquet for a query engine.
//! It knows nothing about metrics or rollouts, and asks no clock: time is an argument.
//!
//! ```text
//! append ─▶ queue (bounded) ─▶ writer thread ─▶ segments/segment-0000000000000042.arrows   write, sync, acknowledge
//!                                                        │ closed when full or old
//!                                                        ▼ seal: drop repeats, sort, split by day
//! view ◀─ catalogue + segments            sealed/events/date=2026-03-01/000000000007-<digest>.parquet
//!                                         sealed/catalogue/000000000007.json               the one commit point
//! ```
//!
//! **Segments** are Arrow IPC streams whose messages carry a checksum. One commit is one message and one
//! sync, for everything that waited; the acknowledgement follows the sync. Opening cuts a torn tail at the
//! last whole message.
//!
//! **Sealed files** are Parquet (zstd), each of one UTC day of the events' own time, sorted by (`bucket`,
//! `unit`, `unit_type`, `at`), row groups cut at bucket boundaries, so that all events of a unit stand in
//! one row group a file. They live in an object store: the local folder `sealed/` by default.
//!
//! **The catalogue** names the files and the last segment that they hold. Sealing puts the files, then the
//! next generation of the catalogue, then removes the segments. A crash before the catalogue leaves files
//! that nobody names and that the next opening removes; a crash after it leaves segments that are sealed
//! already, which the next opening removes. Hence an event is never lost and never stands twice.
//!
//! **Repeats**: an event counts once per (unit type, unit, id). Sealing drops repeats received within seven
//! days of the first among what it seals together; a query over a [`View`] drops the rest by the same key.

mod arrange;
mod bucket;
mod catalogue;
pub mod columns;
mod config;
pub mod disk;
mod error;
mod event;
mod file;
mod json;
mod log;
mod recovery;
mod rewrite;
mod seal;
mod sealed_file;
mod segment;
mod state;
mod synced;
mod view;
pub mod wire;
mod writer;

pub use arrange::REPEAT_HORIZON;
pub use bucket::{Bucket, BucketError};
pub use catalogue::SealedFile;
pub use columns::{bucket_of, hash_of, schema};
pub use config::Config;
pub use error::{AppendError, Cut, OpenError, SealError, ViewError};
pub use event::{
    ATTRIBUTES_MAX, Draft, Event, FUTURE_MAX, Invalid, Kind, PAST_MAX, Received, TEXT_BYTES_MAX,
    UNIT_TYPE_DEFAULT, UNITS_MAX, Unit, WORD_BYTES_MAX,
};
pub use file::{EventFile, FileError};
pub use log::{EventLog, Stats};
pub use recovery::Recovery;
pub use rewrite::{Compacted, Removed};
pub use seal::Sealed;
pub use synced::SyncedFolder;
pub use view::View;
pub use writer::Receipt;
