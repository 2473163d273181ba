//! Sealing: closed segments become Parquet files, by way of the catalogue.

use std::sync::{Arc, Weak};

use arrow::array::RecordBatch;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use tokio::sync::oneshot;

use crate::arrange::arrange;
use crate::catalogue::{Catalogue, SealedFile};
use crate::error::SealError;
use crate::log::{EventLog, blocking};
use crate::state::Segment;
use crate::writer::{Close, Job, segment_number};
use crate::{sealed_file, segment};

/// What a seal did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sealed {
    /// Segments taken up.
    pub segments: u64,
    /// Files written.
    pub files: u64,
    /// Events in them.
    pub events: u64,
    /// Repeats dropped.
    pub duplicates: u64,
}

/// What whoever changes the catalogue holds: sealing, compaction, retention and erasure take turns.
#[derive(Default)]
pub(crate) struct Maintenance {
    /// The store may have another catalogue than this node: a commit failed and may have reached it all the same, or it was
    /// away when the log was opened.
    catalogue_uncertain: bool,
    /// Files that were replaced and that a view may still read.
    retired: Vec<Weak<SealedFile>>,
}

impl Maintenance {
    pub fn after_opening(catalogue_uncertain: bool) -> Self {
        Self { catalogue_uncertain, ..Self::default() }
    }
}

impl EventLog {
    /// Seals what is due at `now`: segments that are full, or whose first event is older than the limit.
    pub async fn seal(&self, now: Timestamp) -> Result<Sealed, SealError> {
        let age = SignedDuration::try_from(self.config.segment_age_max).unwrap_or(SignedDuration::MAX);
        let due = now.checked_sub(age).unwrap_or(Timestamp::MIN);
        self.seal_closed(Close::OpenedBy(due)).await
    }

    /// Seals every event acknowledged before the call.
    pub async fn seal_all(&self) -> Result<Sealed, SealError> {
        self.seal_closed(Close::Any).await
    }

    async fn seal_closed(&self, which: Close) -> Result<Sealed, SealError> {
        let mut maintenance = self.maintenance.lock().await;
        self.settle_catalogue(&mut maintenance).await?;
        self.close_segment(which).await?;
        let mut sealed = Sealed::default();
        loop {
            let round = self.next_round();
            let Some(last) = round.last().map(|(number, _)| *number) else { return Ok(sealed) };
            sealed.segments += round.len() as u64;
            let catalogue = self.catalogue();
            let (generation, row_group_events) = (catalogue.generation + 1, self.config.row_group_events);
            let encoded = blocking(move || encode(&round, generation, row_group_events)).await?;
            let mut files = catalogue.files.clone();
            for (file, bytes) in encoded.files {
                sealed.files += 1;
                sealed.events += file.rows;
                files.push(self.put(file, bytes).await?);
            }
            self.commit(&mut maintenance, &catalogue, last, files).await?;
            self.state.lock().counters.duplicates_dropped += encoded.duplicates;
            sealed.duplicates += encoded.duplicates;
            self.remove_sealed_segments(last).await;
        }
    }

    async fn close_segment(&self, which: Close) -> Result<(), SealError> {
        let (reply, closed) = oneshot::channel();
        self.writer.send(Job::Close { which, reply }).map_err(|_| SealError::Closed)?;
        closed.await.map_err(|_| SealError::Closed)
    }

    /// The oldest closed segments, as many as one generation takes up; at least one if there is one. The
    /// lowest numbers come first without a gap: the catalogue says *up to* which segment the files hold the
    /// log.
    fn next_round(&self) -> Vec<(u64, Segment)> {
        let mut bytes = 0;
        let state = self.state.lock();
        let closed = state.segments.iter().take_while(|(_, segment)| segment.closed);
        let fitting = closed.take_while(|(_, segment)| {
            let fits = bytes == 0 || bytes + segment.bytes <= self.config.seal_bytes_max;
            bytes += segment.bytes;
            fits
        });
        fitting.map(|(number, segment)| (*number, segment.clone())).collect()
    }

    pub(crate) async fn put(&self, file: SealedFile, bytes: Bytes) -> Result<Arc<SealedFile>, SealError> {
        self.store.put(&Path::from(file.path.as_str()), PutPayload::from(bytes)).await?;
        Ok(Arc::new(file))
    }

    /// Stores the next generation and lets views see it: the segments it has taken up go, and its files
    /// come, in one step.
    pub(crate) async fn commit(
        &self,
        maintenance: &mut Maintenance,
        catalogue: &Catalogue,
        sealed_through: u64,
        files: Vec<Arc<SealedFile>>,
    ) -> Result<(), SealError> {
        // Set before and cleared after, so that a caller that gives up in between leaves it set.
        maintenance.catalogue_uncertain = true;
        let next = catalogue.commit(&*self.store, sealed_through, files).await?;
        self.publish(next).await?;
        maintenance.catalogue_uncertain = false;
        Ok(())
    }

    async fn publish(&self, catalogue: Catalogue) -> Result<(), SealError> {
        if let Some(memory) = &self.memory {
            catalogue.remember(memory).await?;
        }
        let mut state = self.state.lock();
        state.segments = state.segments.split_off(&(catalogue.sealed_through + 1));
        state.catalogue = Arc::new(catalogue);
        Ok(())
    }

    /// Where it is uncertain which catalogue the store has, finds it out.
    pub(crate) async fn settle_catalogue(&self, maintenance: &mut Maintenance) -> Result<(), SealError> {
        if maintenance.catalogue_uncertain {
            let stored = Catalogue::load(&*self.store).await?;
            self.publish(stored).await?;
            maintenance.catalogue_uncertain = false;
        }
        Ok(())
    }

    /// Takes away the files of segments that are sealed. One that stays is found by the next seal or opening.
    async fn remove_sealed_segments(&self, sealed_through: u64) {
        let disk = Arc::clone(&self.disk);
        blocking(move || {
            let is_sealed =
                |name: &String| segment_number(name).is_some_and(|number| number <= sealed_through);
            for name in disk.list().unwrap_or_default().iter().filter(|name| is_sealed(name)) {
                let _ = disk.remove(name);
            }
            let _ = disk.sync();
        })
        .await;
    }

    /// Takes away files that were replaced, but for those that a view still names; says how many these are.
    pub(crate) async fn sweep(
        &self,
        maintenance: &mut Maintenance,
        retired: impl IntoIterator<Item = Weak<SealedFile>>,
    ) -> Result<usize, SealError> {
        maintenance.retired.extend(retired);
        maintenance.retired.retain(|file| file.strong_count() > 0);
        let pinned: Vec<_> = maintenance.retired.iter().filter_map(Weak::upgrade).collect();
        let paths: Vec<String> = pinned.iter().map(|file| file.path.clone()).collect();
        self.catalogue().sweep(&*self.store, &paths).await?;
        Ok(paths.len())
    }
}

struct Encoded {
    files: Vec<(SealedFile, Bytes)>,
    duplicates: u64,
}

fn encode(round: &[(u64, Segment)], generation: u64, row_group_events: usize) -> Result<Encoded, SealError> {
    let mut batches: Vec<RecordBatch> = Vec::new();
    for (_, segment) in round {
        batches.extend(segment::read(&segment.read()?)?);
    }
    let arranged = arrange(batches)?;
    let files = arranged
        .days
        .iter()
        .map(|(date, events)| sealed_file::write(*date, generation, events, row_group_events))
        .collect::<Result<_, _>>()?;
    Ok(Encoded { files, duplicates: arranged.duplicates })
}
