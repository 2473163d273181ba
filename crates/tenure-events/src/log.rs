//! The event log as a whole: opening and recovery, append, seal, view.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStore;
use tokio::sync::{Mutex, Semaphore, oneshot};

use crate::bucket::Bucket;
use crate::catalogue::Catalogue;
use crate::config::Config;
use crate::disk::{Disk, Folder};
use crate::error::{AppendError, OpenError, SealError, ViewError};
use crate::event::Event;
use crate::recovery::{self, Recovery};
use crate::seal::Maintenance;
use crate::state::State;
use crate::synced::SyncedFolder;
use crate::view::{self, View};
use crate::writer::{Job, Receipt, Writer};

/// The log. Shared by reference; dropping it lets what waits be written and gives the folder free.
pub struct EventLog {
    pub(crate) writer: Writer,
    queue: Arc<Semaphore>,
    pub(crate) state: Arc<State>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) store: Arc<dyn ObjectStore>,
    /// Where the catalogue is remembered, if its store can be away.
    pub(crate) memory: Option<SyncedFolder>,
    pub(crate) config: Config,
    recovery: Recovery,
    pub(crate) maintenance: Mutex<Maintenance>,
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
        let (segments, sealed) = (folder.join("segments"), folder.join("sealed"));
        // The lock comes first: the store may be cleaned up only by whoever holds the folder.
        let disk = blocking(move || Folder::hold(&segments)).await?;
        let store = blocking(move || SyncedFolder::open(&sealed)).await.map_err(SealError::from)?;
        Self::open_on(Arc::new(disk), Arc::new(store), config).await
    }

    /// Opens the log with its segments in a local folder and its sealed files in a bucket. That the bucket is away does not
    /// matter to a log that has reached it before: it takes events, and seals and reads what is sealed when the bucket is
    /// back ([`Recovery::store_away`]).
    pub async fn open_with_bucket(folder: &Path, bucket: &Bucket, config: Config) -> Result<Self, OpenError> {
        let (segments, memory) = (folder.join("segments"), folder.join("catalogue"));
        let disk = blocking(move || Folder::hold(&segments)).await?;
        let memory = blocking(move || SyncedFolder::open(&memory)).await.map_err(SealError::from)?;
        Self::open_remembering(Arc::new(disk), bucket.open()?, Some(memory), config).await
    }

    /// Opens the log on a file layer for the segments and an object store for the sealed files, such as an
    /// S3 bucket. A put to the store must be durable and atomic, and must honour
    /// [`object_store::PutMode::Create`].
    pub async fn open_on(
        disk: Arc<dyn Disk>,
        store: Arc<dyn ObjectStore>,
        config: Config,
    ) -> Result<Self, OpenError> {
        Self::open_remembering(disk, store, None, config).await
    }

    async fn open_remembering(
        disk: Arc<dyn Disk>,
        store: Arc<dyn ObjectStore>,
        memory: Option<SyncedFolder>,
        config: Config,
    ) -> Result<Self, OpenError> {
        let (catalogue, store_away) = newest(&*store, memory.as_ref()).await?;
        // A catalogue that is remembered may be one generation behind. The segments that this one took up are still there,
        // as it is remembered before they go: no new one gets the number of a sealed one.
        let sealed_through = catalogue.sealed_through;
        let recovering = Arc::clone(&disk);
        let (recovery, segments, next) =
            blocking(move || recovery::recover(&*recovering, sealed_through)).await?;
        let maintenance = Mutex::new(Maintenance::after_opening(store_away.is_some()));
        let recovery = Recovery { store_away, ..recovery };
        let state = Arc::new(State::default());
        {
            let mut inner = state.lock();
            inner.catalogue = Arc::new(catalogue);
            inner.segments = segments;
            inner.counters.cut_bytes = recovery.cuts.iter().map(|cut| cut.bytes).sum();
        }
        let writer = Writer::start(Arc::clone(&disk), Arc::clone(&state), config.clone(), next)
            .map_err(OpenError::Thread)?;
        let queue = Arc::new(Semaphore::new(config.queued_bytes_max));
        Ok(Self { writer, queue, state, disk, store, memory, config, recovery, maintenance })
    }

    /// What opening found.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// Where the sealed files are.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.store)
    }

    /// Appends events, all or none. Returns when they are durable: written and synced with whatever else
    /// waited.
    pub async fn append(&self, events: Vec<Event>) -> Result<Receipt, AppendError> {
        if events.is_empty() {
            return Ok(Receipt { events: 0, segment: None });
        }
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

    pub(crate) fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.state.lock().catalogue)
    }
}

/// The catalogue that the store has; where that is away the one that is remembered, and why.
async fn newest(
    store: &dyn ObjectStore,
    memory: Option<&SyncedFolder>,
) -> Result<(Catalogue, Option<String>), OpenError> {
    match (Catalogue::load(store).await, memory) {
        (Ok(catalogue), memory) => {
            catalogue.sweep(store, &[]).await?;
            if let Some(memory) = memory {
                catalogue.remember(memory).await?;
            }
            Ok((catalogue, None))
        }
        (Err(SealError::Store(away)), Some(memory)) => match Catalogue::remembered(memory).await? {
            Some(catalogue) => Ok((catalogue, Some(away.to_string()))),
            None => Err(SealError::Store(away).into()),
        },
        (Err(error), _) => Err(error.into()),
    }
}

/// Runs file work away from the async threads. A panic in it goes on where it would have without.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
