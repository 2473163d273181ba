//! Crashes of the event log: histories of appends, seals, faults, power cuts and restarts, drawn from a seed, on a disk
//! that forgets what was not synced.
//!
//! After each restart every acknowledged event is there exactly once, every other one once or not at all, and nothing
//! else; at each acknowledgement what it acknowledges is durable already.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};
use object_store::memory::InMemory;
use tenure_events::{Config, Draft, Event, EventLog, Kind, Received, Unit};

use crate::chance::{Chance, Source};
use crate::disk::{FaultyDisk, FaultyStore, Power, Survives};
use crate::written;

/// How a history went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lived {
    /// Power cuts, each followed by a restart.
    pub crashes: u64,
    /// Events that were acknowledged.
    pub acknowledged: u64,
    /// Events that were sent and not acknowledged.
    pub refused: u64,
}

/// A promise that was not kept, and how to see it again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "history {seed} breaks at step {step} ({doing}): {what}; replay it with `tenure simulate crashes --runs 1 --seed {seed}`"
)]
pub struct Broken {
    /// The history's seed.
    pub seed: u64,
    /// The step, counted from 0.
    pub step: usize,
    /// What the step did.
    pub doing: String,
    /// What was wrong after it.
    pub what: String,
}

/// One step of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// So many appends of so many events each. One after the other: which appends share a commit would be a race, and a
    /// history is the same each time.
    Append {
        appends: u64,
        events: u64,
    },
    /// A sender sends again what was not acknowledged.
    Repeat,
    Seal,
    Compact,
    FailSyncs(i64),
    /// The disk has room for so many bytes more.
    Fill(u64),
    MakeRoom,
    CutPowerAfter(i64),
    Restart(Survives),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl Step {
    fn draw(chance: &mut Chance) -> Self {
        match chance.below(18) {
            0..=5 => Self::Append { appends: 1 + chance.below(4), events: 1 + chance.below(30) },
            6 => Self::Repeat,
            7..=9 => Self::Seal,
            10 => Self::Compact,
            11 => Self::FailSyncs(1 + chance.below(2) as i64),
            12 => Self::Fill(chance.below(3_000)),
            13 => Self::MakeRoom,
            14 | 15 => Self::CutPowerAfter(chance.below(40) as i64),
            _ => Self::Restart(survives(chance)),
        }
    }
}

fn survives(chance: &mut Chance) -> Survives {
    match chance.below(6) {
        0 | 1 => Survives::Nothing,
        2 => Survives::Everything,
        _ => Survives::Any(chance.below(u64::MAX)),
    }
}

/// The most steps of a history.
const STEPS_MAX: u64 = 40;
/// When all of it happens.
const NOON: SignedDuration = SignedDuration::from_hours(20_500 * 24 + 12);

/// Small bounds, so that a short history closes segments, seals and compacts.
fn small() -> Config {
    Config { segment_bytes_max: 6_000, seal_bytes_max: 20_000, day_files_max: 2, ..Config::default() }
}

/// Lives through the history of a seed, on a runtime of its own.
pub fn live(seed: u64) -> Result<Lived, Broken> {
    let broken = |what: String| Broken { seed, step: 0, doing: "starting".to_owned(), what };
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.map_err(|error| broken(error.to_string()))?.block_on(History::new(seed).run())
}

/// A log on a faulty disk and store, and what it promised.
struct History {
    seed: u64,
    chance: Chance,
    disk: FaultyDisk,
    objects: Arc<InMemory>,
    sent: u64,
    acknowledged: BTreeSet<String>,
    unacknowledged: BTreeSet<String>,
    repeated: BTreeSet<String>,
    crashes: u64,
}

impl History {
    fn new(seed: u64) -> Self {
        Self {
            seed,
            chance: Source::new(seed, "crashes", 0).of_run(0),
            disk: FaultyDisk::new(Power::lasting()),
            objects: Arc::new(InMemory::new()),
            sent: 0,
            acknowledged: BTreeSet::new(),
            unacknowledged: BTreeSet::new(),
            repeated: BTreeSet::new(),
            crashes: 0,
        }
    }

    async fn run(mut self) -> Result<Lived, Broken> {
        let seed = self.seed;
        let mut log =
            self.open().await.map_err(|what| Broken { seed, step: 0, doing: "opening".into(), what })?;
        let steps = 1 + self.chance.below(STEPS_MAX) as usize;
        for step in 0..steps {
            let doing = Step::draw(&mut self.chance);
            log = self.take(doing, log).await.map_err(|what| Broken {
                seed,
                step,
                doing: doing.to_string(),
                what,
            })?;
        }
        let end = async {
            log = self.take(Step::Restart(Survives::Nothing), log).await?;
            log = self.take(Step::Append { appends: 2, events: 5 }, log).await?;
            log.seal_all().await.map_err(|error| error.to_string())?;
            log.compact().await.map_err(|error| error.to_string())?;
            self.check(&log).await?;
            let unsealed = log.stats().unsealed_events;
            if unsealed == 0 { Ok(()) } else { Err(format!("{unsealed} events stay unsealed")) }
        };
        end.await.map_err(|what| Broken { seed, step: steps, doing: "ending".into(), what })?;
        Ok(Lived {
            crashes: self.crashes,
            acknowledged: self.acknowledged.len() as u64,
            refused: self.unacknowledged.len() as u64,
        })
    }

    async fn open(&self) -> Result<EventLog, String> {
        let store = FaultyStore::new(self.disk.power.clone(), Arc::clone(&self.objects));
        EventLog::open_on(Arc::new(self.disk.clone()), Arc::new(store), small())
            .await
            .map_err(|error| format!("it does not open: {error}"))
    }

    async fn take(&mut self, step: Step, log: EventLog) -> Result<EventLog, String> {
        match step {
            Step::Append { appends, events } => {
                for _ in 0..appends {
                    let ids = self.new_ids(events);
                    self.send(&log, ids).await?;
                }
            }
            Step::Repeat => {
                let again: Vec<String> = self.unacknowledged.iter().take(20).cloned().collect();
                self.repeated.extend(again.iter().cloned());
                self.send(&log, again).await?;
            }
            // That these fail is the point.
            Step::Seal => drop(log.seal_all().await),
            Step::Compact => drop(log.compact().await),
            Step::FailSyncs(count) => self.disk.failing_syncs.store(count, Ordering::SeqCst),
            Step::Fill(room) => {
                let free = self.disk.used().saturating_add(room);
                self.disk.room.store(free, Ordering::SeqCst);
            }
            Step::MakeRoom => self.disk.room.store(u64::MAX, Ordering::SeqCst),
            Step::CutPowerAfter(operations) => self.disk.power.cut_after(operations),
            Step::Restart(survives) => {
                drop(log);
                self.crashes += 1;
                self.disk = self.disk.after_power_cut(survives);
                let log = self.open().await?;
                self.check(&log).await?;
                return Ok(log);
            }
        }
        Ok(log)
    }

    fn new_ids(&mut self, count: u64) -> Vec<String> {
        let first = self.sent;
        self.sent += count;
        (first..self.sent).map(|number| format!("e{number:06}")).collect()
    }

    /// Sends events, and notes whether they are acknowledged: then they have to be durable already.
    async fn send(&mut self, log: &EventLog, ids: Vec<String>) -> Result<(), String> {
        if ids.is_empty() {
            return Ok(());
        }
        self.unacknowledged.extend(ids.iter().cloned());
        let events = ids.iter().map(|id| outcome(id)).collect::<Result<Vec<Event>, String>>()?;
        if log.append(events).await.is_err() {
            return Ok(());
        }
        // Ids of one append stand side by side in the column's bytes.
        if !self.disk.is_durable(ids.concat().as_bytes()) {
            return Err(format!("{ids:?} were acknowledged before they were durable"));
        }
        self.unacknowledged.retain(|id| !ids.contains(id));
        self.acknowledged.extend(ids);
        Ok(())
    }

    async fn check(&self, log: &EventLog) -> Result<(), String> {
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        for id in written::ids(log).await.map_err(|error| error.to_string())? {
            *found.entry(id).or_default() += 1;
        }
        let few = |ids: Vec<&String>| {
            format!("{} events, among them {:?}", ids.len(), ids.iter().take(5).collect::<Vec<_>>())
        };
        let lost: Vec<_> = self.acknowledged.iter().filter(|id| !found.contains_key(*id)).collect();
        if !lost.is_empty() {
            return Err(format!("acknowledged and lost: {}", few(lost)));
        }
        // What a sender repeats stands there as often as it was written, and counts once by its id.
        let twice: Vec<_> = found
            .iter()
            .filter(|(id, times)| **times > 1 && !self.repeated.contains(*id))
            .map(|(id, _)| id)
            .collect();
        if !twice.is_empty() {
            return Err(format!("there twice: {}", few(twice)));
        }
        let sent = |id: &String| self.acknowledged.contains(id) || self.unacknowledged.contains(id);
        let invented: Vec<_> = found.keys().filter(|id| !sent(id)).collect();
        if !invented.is_empty() {
            return Err(format!("never sent: {}", few(invented)));
        }
        Ok(())
    }
}

fn outcome(id: &str) -> Result<Event, String> {
    let at = Timestamp::UNIX_EPOCH.checked_add(NOON).map_err(|error| error.to_string())?;
    let draft = Draft {
        id: Some(id.to_owned()),
        at: Some(at),
        units: vec![Unit::new("user", format!("u{}", &id[id.len().saturating_sub(2)..]))],
        kind: Kind::Outcome { name: "purchase".to_owned(), value: Some(12.5) },
        source: "api".to_owned(),
        attributes: BTreeMap::new(),
    };
    Event::new(draft, Received { at, index: 0 }).map_err(|error| error.to_string())
}
