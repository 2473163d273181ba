//! What the writer, the sealing and the views share: which segments there are and how far each is durable,
//! and the catalogue. One lock, held for moments only, makes every look at it consistent.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::catalogue::Catalogue;
use crate::disk::DiskFile;

/// The shared state.
#[derive(Default)]
pub struct State {
    inner: Mutex<Inner>,
}

/// What the lock guards.
#[derive(Default)]
pub struct Inner {
    /// Segments that are not sealed, by number.
    pub segments: BTreeMap<u64, Segment>,
    /// The generation that views see.
    pub catalogue: Arc<Catalogue>,
    /// Counts since the log was opened.
    pub counters: Counters,
}

/// A segment as far as it is durable.
#[derive(Clone)]
pub struct Segment {
    /// The file, which stays readable after its name is gone.
    pub file: Arc<dyn DiskFile>,
    /// Durable length in bytes; what follows in the file was not acknowledged.
    pub bytes: u64,
    /// Durable events.
    pub events: u64,
    /// When its first event was received.
    pub opened_at: Timestamp,
    /// Whether nothing will be added.
    pub closed: bool,
}

/// Counts since the log was opened.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counters {
    /// Events made durable.
    pub appended_events: u64,
    /// Bytes made durable.
    pub appended_bytes: u64,
    /// Commits, each of one sync.
    pub commits: u64,
    /// Commits that failed.
    pub commits_failed: u64,
    /// How long the last commit's write and sync took.
    pub last_commit: Duration,
    /// Repeats that sealing and compaction dropped.
    pub duplicates_dropped: u64,
    /// Bytes cut from segments at opening.
    pub cut_bytes: u64,
}

impl State {
    /// The state, locked. Nothing under the lock can be left half-changed by a panic, so a poisoned lock is
    /// as good as another.
    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Segment {
    /// The durable bytes. Blocks.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; self.bytes as usize];
        self.file.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }
}

impl Inner {
    /// Bytes of all segments.
    pub fn unsealed_bytes(&self) -> u64 {
        self.segments.values().map(|segment| segment.bytes).sum()
    }

    /// Events of all segments.
    pub fn unsealed_events(&self) -> u64 {
        self.segments.values().map(|segment| segment.events).sum()
    }
}
