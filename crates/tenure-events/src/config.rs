//! The bounds of the log. Everything that could grow has one.

use std::time::Duration;

/// Bounds, all with working defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Bytes of events that may wait for the writer; over it an append is refused as busy.
    pub queued_bytes_max: usize,
    /// Events that one commit takes from the queue at most; one sync makes them all durable.
    pub commit_events_max: usize,
    /// A segment of this size is closed.
    pub segment_bytes_max: u64,
    /// A segment whose first event was received this long ago is closed at the next seal.
    pub segment_age_max: Duration,
    /// Bytes of segments that one sealed generation takes up at most: what bounds the memory of sealing.
    pub seal_bytes_max: u64,
    /// Bytes of segments that may wait to be sealed; over it appends are refused. Bounds the memory of a
    /// view.
    pub unsealed_bytes_max: u64,
    /// Sealed files of one day above which compaction merges them.
    pub day_files_max: usize,
    /// Bytes of sealed files that one compaction merges at most: what bounds its memory.
    pub compact_bytes_max: u64,
    /// Events in a row group at which it is cut at the next bucket boundary.
    pub row_group_events: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            queued_bytes_max: 64 << 20,
            commit_events_max: 16_384,
            segment_bytes_max: 64 << 20,
            segment_age_max: Duration::from_secs(60),
            seal_bytes_max: 64 << 20,
            unsealed_bytes_max: 1 << 30,
            day_files_max: 16,
            compact_bytes_max: 16 << 20,
            row_group_events: 65_536,
        }
    }
}
