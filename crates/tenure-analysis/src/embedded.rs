//! The engine inside the product: one pass over the event log's sealed files and what is not sealed yet.
//!
//! The work is shared out by the hash of the unit, along the buckets by which sealed files are sorted: a share reads the
//! pages of its buckets, holds its events in memory, and folds them unit by unit. A share that does not fit its part of
//! the memory is halved. As many shares as there are threads run side by side. Threads are the engine's own: a look does
//! not slow down those that serve flags.

use std::collections::HashSet;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use async_trait::async_trait;
use futures::TryStreamExt;
use tenure_events::{EventLog, View, columns};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::answer::Answer;
use crate::cohort::{self, Closed, Cohorts, Counted, Part};
use crate::compiled::{Compiled, Day, day_of, start_of};
use crate::engine::{Engine, EngineError};
use crate::fold::{self, Closing, Fold, Folded};
use crate::gathered::{CELLS, EVENT_BYTES, Gathered};
use crate::query::Query;
use crate::reading::{self, Opened, Share, Unreadable};
use crate::rows::{self, By, Intake};

/// Bounds of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Memory that all queries at work may hold together, in bytes.
    pub memory_bytes_max: usize,
    /// Threads, and shares that run side by side.
    pub threads: usize,
    /// Events that one share should hold at most, about.
    pub share_events: u64,
    /// The folder of closed cohorts; nothing is kept without it. What is in it may be deleted at any time.
    pub cohorts: Option<PathBuf>,
    /// Bytes that closed cohorts may take on disk.
    pub cohort_bytes_max: u64,
}

impl Default for Settings {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            memory_bytes_max: 256 << 20,
            threads,
            share_events: 4_000_000,
            cohorts: None,
            cohort_bytes_max: 2 << 30,
        }
    }
}

/// One pass over one event log.
pub struct Embedded {
    log: Arc<EventLog>,
    settings: Settings,
    cohorts: Option<Cohorts>,
    /// Shares that may be at work, over all queries.
    turns: Arc<Semaphore>,
    threads: Threads,
}

/// Why a pass ended.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("{0}")]
    Rows(#[from] ArrowError),
    #[error("the events of a share of {share:?} take {bytes} bytes")]
    Memory { share: Share, bytes: usize },
    #[error("{0}")]
    Thread(#[from] tokio::task::JoinError),
}

impl Embedded {
    /// An engine over a log. It starts its threads and touches nothing else.
    pub fn new(log: Arc<EventLog>, settings: Settings) -> Result<Self, EngineError> {
        let settings = Settings { threads: settings.threads.max(1), ..settings };
        let threads =
            Threads::start(settings.threads).map_err(|error| EngineError::Engine(error.to_string()))?;
        let bytes_max = settings.cohort_bytes_max;
        let cohorts = settings.cohorts.clone().map(|folder| Cohorts { folder, bytes_max });
        Ok(Self { log, turns: Arc::new(Semaphore::new(settings.threads)), settings, cohorts, threads })
    }

    fn fault(&self, fault: Fault) -> EngineError {
        match fault {
            Fault::Memory { .. } => {
                EngineError::Memory { bytes_max: self.settings.memory_bytes_max, detail: fault.to_string() }
            }
            Fault::Unreadable(_) => EngineError::Log(fault.to_string()),
            Fault::Rows(_) | Fault::Thread(_) => EngineError::Engine(fault.to_string()),
        }
    }
}

#[async_trait]
impl Engine for Embedded {
    async fn measure(&self, query: &Query) -> Result<Answer, EngineError> {
        query.check()?;
        let view = self.log.view().await.map_err(|error| EngineError::Log(error.to_string()))?;
        let look = Look {
            compiled: Arc::new(Compiled::new(query.clone())),
            log: Arc::clone(&self.log),
            cohorts: self.cohorts.clone(),
            turns: Arc::clone(&self.turns),
            share_events: self.settings.share_events.max(1),
            share_bytes_max: self.settings.memory_bytes_max / self.settings.threads,
            threads: self.settings.threads,
        };
        // Dropping the set ends the work: whoever stops waiting stops the query.
        let mut tasks = JoinSet::new();
        tasks.spawn_on(look.answer(view), &self.threads.handle);
        match tasks.join_next().await {
            Some(Ok(answer)) => answer.map_err(|fault| self.fault(fault)),
            Some(Err(error)) => Err(EngineError::Engine(error.to_string())),
            None => Err(EngineError::Engine("the query's task is gone".to_owned())),
        }
    }

    fn forget(&self) -> Result<(), EngineError> {
        let forgotten = self.cohorts.as_ref().map_or(Ok(()), Cohorts::forget);
        forgotten.map_err(|error| {
            EngineError::Log(format!("what is kept of closed cohorts cannot be removed: {error}"))
        })
    }
}

/// One query at work.
struct Look {
    compiled: Arc<Compiled>,
    log: Arc<EventLog>,
    cohorts: Option<Cohorts>,
    turns: Arc<Semaphore>,
    share_events: u64,
    share_bytes_max: usize,
    threads: usize,
}

/// What every share of a pass has in common.
struct Pass {
    compiled: Arc<Compiled>,
    opened: Vec<Opened>,
    recent: Vec<RecordBatch>,
    by: By,
    /// Earlier days are closed.
    since: Option<Day>,
    days: Range<Day>,
    closed: Closed,
    closing: Closing,
    share_bytes_max: usize,
    /// What a share's events and their texts will take, about.
    events: u64,
    text_bytes: u64,
}

impl Look {
    async fn answer(self, view: View) -> Result<Answer, Fault> {
        let recent = view.recent.iter().map(rows::prepared).collect::<Result<Vec<_>, _>>()?;
        let recent_day = first_day(&view.recent)?;
        let days = cohort::days_of(&view.files);
        let mut closed = match &self.cohorts {
            Some(cohorts) => cohorts.closed(&self.compiled, &days, recent_day),
            None => Closed::nothing(),
        };
        loop {
            let since = closed.since;
            let is_open = |file: &&Arc<_>| since.is_none_or(|since| file_day(file) >= since);
            // As long as something names a file of the view, no compaction removes it.
            let files = view.files.iter().filter(is_open).cloned();
            let opened = reading::open(&self.log.store(), files).await?;
            let is_apart = self.is_apart(&opened, &recent).await?;
            if is_apart && since.is_some() {
                closed = Closed::nothing();
                continue;
            }
            let known = closed.cohorts();
            let first = since.unwrap_or(Day::MIN);
            let closable = cohort::closing(&self.compiled, &view.files, recent_day, first)
                .filter(|_| self.cohorts.is_some() && !is_apart);
            let closing = closable.clone().map_or_else(Closing::default, |(days, _)| Closing {
                ids: cohort::ids_closing(&days),
                members: days,
            });
            let recent_events: u64 = recent.iter().map(|batch| batch.num_rows() as u64).sum();
            let mut pass = Pass {
                compiled: Arc::clone(&self.compiled),
                by: By::First,
                since,
                days: days_seen(&view)?,
                closed,
                closing,
                share_bytes_max: self.share_bytes_max,
                events: opened.iter().map(|file| file.file.rows).sum::<u64>() + recent_events,
                text_bytes: opened.iter().map(Opened::text_bytes).sum::<u64>() + recent_events * 48,
                opened,
                recent: recent.clone(),
            };
            if is_apart {
                pass.by = By::FirstNoting;
                let mut elsewhere = HashSet::new();
                pass = self.run(pass, Pass::repeats_elsewhere, |found| elsewhere.extend(found)).await?;
                pass.by = By::Carried(Arc::new(elsewhere));
            }
            let (mut folded, mut parts) = (Folded::default(), Vec::new());
            let take = |(fold, part): (Fold, Option<io::Result<Part>>)| {
                folded.take(fold);
                parts.extend(part);
            };
            closed = self.run(pass, Pass::fold, take).await?.closed;
            if let Some(day) = folded.contradicted {
                closed.limit(day);
                continue;
            }
            let mut cohorts = folded.cohorts();
            let parts = parts.into_iter().collect::<io::Result<Vec<Part>>>();
            if let (Some(store), Some((closing, open_from)), Ok(parts)) = (&self.cohorts, closable, parts) {
                let counted =
                    Counted { days: &days, files: &view.files, cohorts: &cohorts, parts, closing, open_from };
                // What cannot be kept is counted again.
                let _ = store.keep(&self.compiled, closed, counted);
            }
            cohorts.extend(known);
            return Ok(fold::answer(&self.compiled.query, &cohorts));
        }
    }

    /// Every thread has something to do, unless there is next to nothing to be done.
    fn shares_at_once(&self, events: u64) -> u64 {
        const WORTH_SHARING: u64 = 20_000;
        if events < WORTH_SHARING { 1 } else { self.threads as u64 }
    }

    /// Whether a unit that is to be counted stands behind another one somewhere.
    async fn is_apart(&self, opened: &[Opened], recent: &[RecordBatch]) -> Result<bool, Fault> {
        for batch in recent {
            if rows::is_misplaced(batch, &self.compiled)? {
                return Ok(true);
            }
        }
        let mut wanted = rows::wanted(&self.compiled, &By::FirstNoting);
        wanted.retain(|name| *name != columns::ID && *name != columns::UNIT);
        for file in opened.iter().filter(|file| !file.is_all(&self.compiled.query.unit_type)) {
            let Some(mut batches) = file.rows(None, &wanted)? else { continue };
            while let Some(batch) = batches.try_next().await.map_err(|error| file.unreadable(error))? {
                if rows::is_misplaced(&batch, &self.compiled)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Does a piece of work for every share, halving those that do not fit, and takes what comes of it as it comes.
    async fn run<T: Send + 'static>(
        &self,
        pass: Pass,
        work: impl Fn(&Pass, Share, Gathered) -> T + Copy + Send + 'static,
        mut take: impl FnMut(T),
    ) -> Result<Pass, Fault> {
        let pass = Arc::new(pass);
        let mut tasks = JoinSet::new();
        let spawn = |tasks: &mut JoinSet<Result<T, Fault>>, share: Share| {
            let (pass, turns) = (Arc::clone(&pass), Arc::clone(&self.turns));
            tasks.spawn(async move {
                let _turn = turns.acquire().await;
                let gathered = pass.gather(share).await?;
                Ok(work(&pass, share, gathered))
            });
        };
        let shares = pass.shares(self.share_events).max(self.shares_at_once(pass.events));
        for share in Share::all(shares) {
            spawn(&mut tasks, share);
        }
        while let Some(result) = tasks.join_next().await {
            match result? {
                Ok(one) => take(one),
                Err(Fault::Memory { share, bytes }) => {
                    let halves = share.halves().ok_or(Fault::Memory { share, bytes })?;
                    halves.into_iter().for_each(|half| spawn(&mut tasks, half));
                }
                Err(fault) => return Err(fault),
            }
        }
        drop(tasks);
        match Arc::try_unwrap(pass) {
            Ok(pass) => Ok(pass),
            Err(_) => Err(Fault::Rows(ArrowError::ComputeError("a share is still at work".to_owned()))),
        }
    }
}

impl Pass {
    /// How many shares fit the memory. Of a unit there are a few events a file; where there are less, shares are halved.
    fn shares(&self, share_events: u64) -> u64 {
        const RUN_BYTES: u64 = 20;
        let bytes = self.events * (EVENT_BYTES as u64 + RUN_BYTES) + self.text_bytes;
        let room = (self.share_bytes_max as u64 * 7 / 8).max(1);
        bytes.div_ceil(room).max(self.events.div_ceil(share_events))
    }

    async fn gather(&self, share: Share) -> Result<Gathered, Fault> {
        let cells = u64::from(share.end - share.first);
        let part = |all: u64| (all * cells / u64::from(CELLS) * 17 / 16) as usize;
        let events = part(self.events).min(self.share_bytes_max / EVENT_BYTES);
        let room = Gathered::with_capacity(events, part(self.text_bytes).min(self.share_bytes_max / 4));
        let since = self.since.map_or(i64::MIN, start_of);
        let mut intake = Intake::new(&self.compiled, share, self.by.clone(), since, room);
        let wanted = rows::wanted(&self.compiled, &self.by);
        let selected = if matches!(self.by, By::Carried(_)) { None } else { Some(share) };
        for file in &self.opened {
            let Some(mut batches) = file.rows(selected, &wanted)? else { continue };
            while let Some(batch) = batches.try_next().await.map_err(|error| file.unreadable(error))? {
                intake.add(&batch)?;
                self.check(share, &intake.gathered)?;
            }
        }
        for batch in &self.recent {
            intake.add(batch)?;
            self.check(share, &intake.gathered)?;
        }
        Ok(intake.gathered)
    }

    fn check(&self, share: Share, gathered: &Gathered) -> Result<(), Fault> {
        let bytes = gathered.bytes();
        if bytes > self.share_bytes_max { Err(Fault::Memory { share, bytes }) } else { Ok(()) }
    }

    fn repeats_elsewhere(&self, _: Share, gathered: Gathered) -> Vec<u128> {
        fold::repeats_elsewhere(&gathered, &self.compiled)
    }

    /// Folds a share, and writes down what is to be remembered of it, if anything is.
    fn fold(&self, share: Share, gathered: Gathered) -> (Fold, Option<io::Result<Part>>) {
        let mut fold = Fold::new(Arc::clone(&self.compiled), self.days.clone(), self.closing.clone());
        let order = gathered.order();
        match self.of_closed(share, &gathered, &order) {
            Ok(closed) => fold.add(&gathered, &order, &closed),
            Err(day) => fold.contradicted = Some(day),
        }
        drop((order, gathered));
        let remembered = std::mem::take(&mut fold.remembered);
        let days = &self.closing.members;
        let part = (!days.is_empty()).then(|| Part::write(&self.closed.folder, share, days, &remembered));
        (fold, part)
    }

    /// The closed cohorts of the units; the first closed day that these events contradict, or that cannot be read.
    fn of_closed(
        &self,
        share: Share,
        gathered: &Gathered,
        order: &[(u64, u32)],
    ) -> Result<Vec<Option<(Day, u16)>>, Day> {
        if self.since.is_none() {
            return Ok(Vec::new());
        }
        let (mut keys, mut units, mut events) = (Vec::with_capacity(gathered.len()), Vec::new(), Vec::new());
        for unit in gathered.units(order) {
            gathered.events_of(&unit, &mut events);
            keys.extend(events.iter().map(|event| fold::repeat_key(&unit, gathered.key(*event))));
            units.push((unit.hash, unit.id));
        }
        keys.sort_unstable();
        match self.closed.repeated(share, &keys)? {
            Some(day) => Err(day),
            None => self.closed.find(share, &units),
        }
    }
}

fn file_day(file: &tenure_events::SealedFile) -> Day {
    day_of(file.at_min.as_microsecond())
}

/// The first day of events that are not sealed.
fn first_day(recent: &[RecordBatch]) -> Result<Option<Day>, ArrowError> {
    Ok(rows::times(recent)?.map(|(first, _)| day_of(first)))
}

/// The days of all events of a view.
fn days_seen(view: &View) -> Result<Range<Day>, ArrowError> {
    let recent = rows::times(&view.recent)?;
    let ranges = view.files.iter().map(|file| (file.at_min.as_microsecond(), file.at_max.as_microsecond()));
    let (first, last) = ranges
        .chain(recent)
        .fold((i64::MAX, i64::MIN), |(first, last), (min, max)| (first.min(min), last.max(max)));
    Ok(if first > last { 0..0 } else { day_of(first)..day_of(last) + 1 })
}

/// Threads that end in the background: a runtime may not be dropped where others wait on it.
struct Threads {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Threads {
    fn start(threads: usize) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("analysis")
            .enable_all()
            .build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
