//! The event log as a whole: opening and recovery, append, seal, view.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use bytes::Bytes;
use jiff::Timestamp;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use tokio::sync::{Mutex, Semaphore, oneshot};

use crate::arrange::arrange;
use crate::catalogue::{Catalogue, SealedFile};
use crate::config::Config;
use crate::disk::{Disk, Folder};
use crate::error::{AppendError, Cut, OpenError, SealError, ViewError};
use crate::event::Event;
use crate::recovery::{self, Recovery};
use crate::state::{Segment, State};
use crate::synced::SyncedFolder;
use crate::view::{self, View};
use crate::writer::{Close, Job, Receipt, Writer, segment_number};
use crate::{sealed, segment};

/// The log. Shared by reference; dropping it lets what waits be written and gives the folder free.
pub struct EventLog {
    writer: Writer,
    queue: Arc<Semaphore>,
    state: Arc<State>,
    disk: Arc<dyn Disk>,
    store: Arc<dyn ObjectStore>,
    config: Config,
    recovery: Recovery,
    /// Sealing, compaction, retention and erasure change the catalogue one at a time.
    maintenance: Mutex<Maintenance>,
}

#[derive(Default)]
struct Maintenance {
    /// A commit of the catalogue failed and may have reached the store all the same.
    catalogue_uncertain: bool,
}

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

/// Figures for monitoring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Events made durable since the log was opened.
    pub appended_events: u64,
    /// Bytes made durable since the log was opened.
    pub appended_bytes: u64,
    /// Commits, each of one sync, since the log was opened.
    pub commits: u64,
    /// Commits that failed since the log was opened.
    pub commits_failed: u64,
    /// How long the last commit's encoding, write and sync took.
    pub last_commit: Duration,
    /// Bytes of events that wait for the writer.
    pub queued_bytes: usize,
    /// Segments that are not sealed.
    pub segments: usize,
    /// Events that are not sealed.
    pub unsealed_events: u64,
    /// Bytes that are not sealed.
    pub unsealed_bytes: u64,
    /// Sealed files.
    pub sealed_files: usize,
    /// Events in sealed files.
    pub sealed_events: u64,
    /// Bytes of sealed files.
    pub sealed_bytes: u64,
    /// Repeats that sealing and compaction dropped since the log was opened.
    pub duplicates_dropped: u64,
    /// Bytes cut from segments when the log was opened.
    pub cut_bytes: u64,
}

impl EventLog {
    /// Opens the log in a local folder, made if needed: segments in `segments/`, sealed files in `sealed/`.
    pub async fn open(folder: &Path, config: Config) -> Result<Self, OpenError> {
        let path = folder.to_owned();
        let disk = blocking(move || Folder::hold(&path.join("segments"))).await?;
        let store = SyncedFolder::open(&folder.join("sealed")).map_err(SealError::from)?;
        Self::open_on(Arc::new(disk), Arc::new(store), config).await
    }

    /// Opens the log on a file layer for the segments and an object store for the sealed files, such as
    /// an S3 bucket. A put to the store must be durable and atomic, and must honour [`object_store::PutMode::Create`].
    pub async fn open_on(
        disk: Arc<dyn Disk>,
        store: Arc<dyn ObjectStore>,
        config: Config,
    ) -> Result<Self, OpenError> {
        let catalogue = Catalogue::load(&*store).await?;
        catalogue.sweep(&*store, &[]).await?;
        let sealed_through = catalogue.sealed_through;
        let recovering = Arc::clone(&disk);
        let (recovery, segments, next) =
            blocking(move || recovery::recover(&*recovering, sealed_through)).await?;
        let state = Arc::new(State::default());
        {
            let mut inner = state.lock();
            inner.catalogue = Arc::new(catalogue);
            inner.segments = segments;
            inner.counters.cut_bytes = recovery.cuts.iter().map(|cut: &Cut| cut.bytes).sum();
        }
        let writer = Writer::start(Arc::clone(&disk), Arc::clone(&state), config.clone(), next)
            .map_err(OpenError::Thread)?;
        let queue = Arc::new(Semaphore::new(config.queued_bytes_max));
        let maintenance = Mutex::new(Maintenance::default());
        Ok(Self { writer, queue, state, disk, store, config, recovery, maintenance })
    }

    /// What opening found.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// Where the sealed files are.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.store)
    }

    /// Appends events, all or none. Returns when they are durable: written and synced with whatever else waited.
    pub async fn append(&self, events: Vec<Event>) -> Result<Receipt, AppendError> {
        let bytes: usize = events.iter().map(Event::weight).sum();
        let queued_bytes_max = self.config.queued_bytes_max;
        if bytes > queued_bytes_max {
            return Err(AppendError::TooLarge { bytes, queued_bytes_max });
        }
        let unsealed_bytes = self.state.lock().unsealed_bytes();
        if unsealed_bytes > self.config.unsealed_bytes_max {
            let unsealed_bytes_max = self.config.unsealed_bytes_max;
            return Err(AppendError::Backlog { unsealed_bytes, unsealed_bytes_max });
        }
        let permits = u32::try_from(bytes).map_err(|_| AppendError::TooLarge { bytes, queued_bytes_max })?;
        let permit = Arc::clone(&self.queue)
            .try_acquire_many_owned(permits)
            .map_err(|_| AppendError::Busy { queued_bytes_max })?;
        let (reply, answer) = oneshot::channel();
        self.writer.send(Job::Append { events, permit, reply }).map_err(|_| AppendError::Closed)?;
        answer.await.map_err(|_| AppendError::Closed)?
    }

    /// One consistent look at everything acknowledged so far.
    pub async fn view(&self) -> Result<View, ViewError> {
        let state = Arc::clone(&self.state);
        blocking(move || view::take(&state)).await
    }

    /// Figures for monitoring.
    pub fn stats(&self) -> Stats {
        let state = self.state.lock();
        let counters = state.counters;
        let files = &state.catalogue.files;
        Stats {
            appended_events: counters.appended_events,
            appended_bytes: counters.appended_bytes,
            commits: counters.commits,
            commits_failed: counters.commits_failed,
            last_commit: counters.last_commit,
            queued_bytes: self.config.queued_bytes_max - self.queue.available_permits(),
            segments: state.segments.len(),
            unsealed_events: state.unsealed_events(),
            unsealed_bytes: state.unsealed_bytes(),
            sealed_files: files.len(),
            sealed_events: files.iter().map(|file| file.rows).sum(),
            sealed_bytes: files.iter().map(|file| file.bytes).sum(),
            duplicates_dropped: counters.duplicates_dropped,
            cut_bytes: counters.cut_bytes,
        }
    }

    /// Seals what is due at `now`: segments that are full, or whose first event is older than the limit.
    pub async fn seal(&self, now: Timestamp) -> Result<Sealed, SealError> {
        let age =
            jiff::SignedDuration::try_from(self.config.segment_age_max).unwrap_or(jiff::SignedDuration::MAX);
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
        let (reply, closed) = oneshot::channel();
        self.writer.send(Job::Close { which, reply }).map_err(|_| SealError::Closed)?;
        closed.await.map_err(|_| SealError::Closed)?;
        let mut sealed = Sealed::default();
        loop {
            let round = self.next_round();
            let Some((last, _)) = round.last() else { return Ok(sealed) };
            let last = *last;
            let catalogue = self.catalogue();
            sealed.segments += round.len() as u64;
            let (generation, row_group_events) = (catalogue.generation + 1, self.config.row_group_events);
            let encoded = blocking(move || encode_round(&round, generation, row_group_events)).await?;
            let mut files = catalogue.files.clone();
            for (file, bytes) in encoded.files {
                sealed.files += 1;
                sealed.events += file.rows;
                self.put(&file, bytes).await?;
                files.push(Arc::new(file));
            }
            self.commit(&mut maintenance, &catalogue, last, files).await?;
            self.state.lock().counters.duplicates_dropped += encoded.duplicates;
            sealed.duplicates += encoded.duplicates;
            self.remove_sealed_segments(last).await;
        }
    }

    /// The oldest closed segments, as many as one generation takes up; at least one if there is one. The lowest numbers
    /// come first without a gap: the catalogue says *up to* which segment the files hold the log.
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

    pub(crate) fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.state.lock().catalogue)
    }

    async fn put(&self, file: &SealedFile, bytes: Bytes) -> Result<(), SealError> {
        self.store.put(&ObjectPath::from(file.path.as_str()), PutPayload::from(bytes)).await?;
        Ok(())
    }

    /// Stores the next generation and lets views see it: the segments it has taken up go and its files come in one step.
    async fn commit(
        &self,
        maintenance: &mut Maintenance,
        catalogue: &Catalogue,
        sealed_through: u64,
        files: Vec<Arc<SealedFile>>,
    ) -> Result<(), SealError> {
        // Set before and cleared after, so that a caller that gives up in between leaves it set.
        maintenance.catalogue_uncertain = true;
        let next = catalogue.commit(&*self.store, sealed_through, files).await?;
        maintenance.catalogue_uncertain = false;
        self.publish(next);
        Ok(())
    }

    fn publish(&self, catalogue: Catalogue) {
        let mut state = self.state.lock();
        state.segments = state.segments.split_off(&(catalogue.sealed_through + 1));
        state.catalogue = Arc::new(catalogue);
    }

    /// After a commit that failed, finds out whether it reached the store.
    async fn settle_catalogue(&self, maintenance: &mut Maintenance) -> Result<(), SealError> {
        if maintenance.catalogue_uncertain {
            let stored = Catalogue::load(&*self.store).await?;
            self.publish(stored);
            maintenance.catalogue_uncertain = false;
        }
        Ok(())
    }

    /// Takes away the files of segments that are sealed. One that stays is found by the next seal or opening.
    async fn remove_sealed_segments(&self, sealed_through: u64) {
        let disk = Arc::clone(&self.disk);
        blocking(move || {
            let names = disk.list().unwrap_or_default();
            for name in names
                .iter()
                .filter(|name| segment_number(name).is_some_and(|number| number <= sealed_through))
            {
                let _ = disk.remove(name);
            }
            let _ = disk.sync();
        })
        .await;
    }
}

struct Encoded {
    files: Vec<(SealedFile, Bytes)>,
    duplicates: u64,
}

fn encode_round(
    round: &[(u64, Segment)],
    generation: u64,
    row_group_events: usize,
) -> Result<Encoded, SealError> {
    let mut batches: Vec<RecordBatch> = Vec::new();
    for (_, segment) in round {
        let mut bytes = vec![0; segment.bytes as usize];
        segment.file.read_exact_at(&mut bytes, 0)?;
        batches.extend(segment::read(&bytes)?);
    }
    let arranged = arrange(&batches)?;
    drop(batches);
    let files = arranged
        .days
        .iter()
        .map(|(date, events)| sealed::write(*date, generation, events, row_group_events))
        .collect::<Result<_, _>>()?;
    Ok(Encoded { files, duplicates: arranged.duplicates })
}

/// Runs file work away from the async threads. A panic in it goes on where it would have without.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
