//! One consistent look at the whole log, for a query engine: sealed files and what is not sealed yet.

use std::sync::Arc;

use arrow::array::RecordBatch;

use crate::catalogue::{Catalogue, SealedFile};
use crate::error::ViewError;
use crate::segment;
use crate::state::State;

/// Every event acknowledged before the view was taken, in `files` or in `recent`, never in both.
///
/// Repeats of one event may stand in different files and batches: a query counts an event once per
/// ([`crate::columns::UNIT_TYPE`], [`crate::columns::UNIT`], [`crate::columns::ID`]), the one received
/// first. A file stays where it is for as long as a view names it, also when it has been replaced
/// meanwhile.
#[derive(Debug, Clone)]
pub struct View {
    /// The catalogue's generation; the same generation means the same files.
    pub generation: u64,
    /// Sealed files, in order of day. Paths are of [`crate::EventLog::store`].
    pub files: Vec<Arc<SealedFile>>,
    /// What is not sealed yet, of [`crate::schema`], in order of receipt.
    pub recent: Vec<RecordBatch>,
}

impl View {
    /// Number of events, repeats included.
    pub fn events(&self) -> u64 {
        let sealed: u64 = self.files.iter().map(|file| file.rows).sum();
        let recent: u64 = self.recent.iter().map(|batch| batch.num_rows() as u64).sum();
        sealed + recent
    }
}

/// Reads what is durable now. Blocks.
pub(crate) fn take(state: &State) -> Result<View, ViewError> {
    let (catalogue, segments): (Arc<Catalogue>, Vec<_>) = {
        let state = state.lock();
        (
            Arc::clone(&state.catalogue),
            state.segments.iter().map(|(number, segment)| (*number, segment.clone())).collect(),
        )
    };
    let mut recent = Vec::new();
    for (number, segment) in segments {
        let bytes = segment.read().map_err(|source| ViewError::Disk { segment: number, source })?;
        recent.extend(segment::read(&bytes).map_err(|source| ViewError::Arrow { segment: number, source })?);
    }
    Ok(View { generation: catalogue.generation, files: catalogue.files.clone(), recent })
}
