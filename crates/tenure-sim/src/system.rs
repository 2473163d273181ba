//! The whole system, simulated: a company carries a winner through its rollout on a clock that is stepped, before
//! customers who come and go, and a node that restarts.
//!
//! What decides is real: `decide`, `apply` and `plan` of the core, the compiled flag asked for every customer, and the
//! verdict of the statistics. In [`simulate`] a look's moments are the customers' tallies, which is what an engine returns
//! for them: [`simulate_served`] goes through a server with its store, its event log on a disk that forgets, and its
//! embedded query engine, and compares the two at every look. (An engine's look takes a hundred times as long as all the
//! rest, so a thousand rollouts go the first way and a few the second.)

mod arms;
mod customers;
mod people;
mod process;
mod served;
mod tally;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tenure_core::{Stage, State};
use tenure_flags::authoring::NoLists;
use tenure_flags::{Definition, Entry, Phase};

use crate::chance::{Chance, Source};
use arms::{Arms, CUSTOMERS};
use customers::{Customers, Habits, Sent};
pub use people::Ended;
use people::{CASE, FLAG};
use process::{Folded, Process, case};
use served::Served;
pub use tally::Tally;

/// A world to roll out in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// The feature does nothing, whatever its experiment said.
    Nothing,
    /// The feature takes 30 % away of a level of 12 %, before 4,000 customers a day.
    Harmful,
    /// The feature adds what its experiment promised.
    AsPromised,
}

impl Setting {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Nothing, Self::Harmful, Self::AsPromised];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Harmful => "harmful",
            Self::AsPromised => "as-promised",
        }
    }

    fn habits(self, chance: &mut Chance) -> Habits {
        let mut between = |low: f64, high: f64| low + (high - low) * chance.uniform();
        let drawn = Habits {
            per_day: between(800.0, 6_000.0),
            baseline: between(0.08, 0.18),
            effect: 0.0,
            drift: between(0.0, 0.05),
            weekend: between(0.5, 1.1),
            bots: between(0.0, 0.03),
            torn: between(0.0, 0.003),
            late: between(0.0, 0.15),
            twice: between(0.0, 0.1),
        };
        match self {
            Self::Nothing => drawn,
            // Bots act alike in both arms: many of them would make the effect another one than is asked about.
            Self::Harmful | Self::AsPromised => Habits {
                per_day: 4_000.0,
                baseline: 0.12,
                effect: if self == Self::Harmful { -0.3 } else { 0.133 },
                drift: drawn.drift / 5.0,
                weekend: 1.0,
                bots: drawn.bots / 3.0,
                ..drawn
            },
        }
    }
}

/// The waves: 5 % for 2 days, 20 % for 5 days, 50 %.
const WAVES: [(f64, &str, u32); 3] = [(5.0, "safety", 48), (20.0, "measure", 120), (50.0, "measure", 48)];
/// The rollout is over after so many days, whatever was seen.
const MAX_DAYS: i64 = 42;
/// How often the clockwork ticks and customers come.
const STEP: SignedDuration = SignedDuration::from_hours(6);
const STEPS_A_DAY: i64 = 4;
/// The chance of a restart between two ticks.
const RESTARTS: f64 = 0.01;

/// What became of one rollout.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Story {
    /// How it ended.
    pub ended: Ended,
    /// The largest share of customers that met the feature before a decision, in percent.
    pub widest_percent: f64,
    /// Days from the first wave to the end.
    pub days: f64,
    /// Looks that were taken.
    pub looks: u32,
    /// Times that the node restarted.
    pub restarts: u32,
    /// Looks of the query engine that were compared with what customers did.
    pub compared: u32,
}

/// Something that must hold did not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "rollout {seed} of the setting {setting} breaks at {at}: {what}; replay it with `tenure simulate {replay} --runs 1 --seed {seed}`"
)]
pub struct Broken {
    /// What `tenure simulate` calls it.
    pub replay: &'static str,
    /// The rollout's seed.
    pub seed: u64,
    /// Which setting.
    pub setting: &'static str,
    /// When.
    pub at: Timestamp,
    /// What was wrong.
    pub what: String,
}

/// One rollout on the journal in memory.
pub fn simulate(setting: Setting, seed: u64) -> Result<Story, Broken> {
    let chance = Source::new(seed, setting.name(), 0).of_run(seed);
    let run = async {
        let mut rollout = Rollout::new(setting, seed, chance, Folded::new());
        rollout.run().await.map_err(|what| rollout.broken(what))
    };
    // Nothing in it waits for anything.
    futures::executor::block_on(run)
}

/// One rollout on a whole server in an empty folder.
pub async fn simulate_served(setting: Setting, seed: u64, folder: &std::path::Path) -> Result<Story, Broken> {
    let chance = Source::new(seed, setting.name(), 1).of_run(seed);
    let opened = Served::open(folder, begin()).await;
    let served = opened.map_err(|what| Broken {
        replay: Served::NAME,
        seed,
        setting: setting.name(),
        at: begin(),
        what,
    })?;
    let mut rollout = Rollout::new(setting, seed, chance, served);
    rollout.customers_served_max();
    let story = rollout.run().await.map_err(|what| rollout.broken(what))?;
    Ok(Story { compared: rollout.process.compared, ..story })
}

/// A Monday morning.
fn begin() -> Timestamp {
    Timestamp::UNIX_EPOCH
        .saturating_add(SignedDuration::from_hours(20_514 * 24 + 9))
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A rollout on its way.
struct Rollout<P> {
    setting: Setting,
    seed: u64,
    chance: Chance,
    process: P,
    habits: Habits,
    now: Timestamp,
    arms: Option<Arc<Arms>>,
    /// What was sent and has not arrived.
    on_the_way: Vec<Sent>,
    story: Story,
}

impl<P: Process> Rollout<P> {
    fn new(setting: Setting, seed: u64, mut chance: Chance, process: P) -> Self {
        let story =
            Story { ended: Ended::Held, widest_percent: 0.0, days: 0.0, looks: 0, restarts: 0, compared: 0 };
        let habits = setting.habits(&mut chance);
        Self {
            setting,
            seed,
            chance,
            process,
            habits,
            now: begin(),
            arms: None,
            on_the_way: Vec::new(),
            story,
        }
    }

    /// A server is asked for every single event: a few hundred customers a day show as much.
    fn customers_served_max(&mut self) {
        self.habits.per_day = self.habits.per_day.min(500.0);
        self.habits.torn = self.habits.torn.max(0.001);
    }

    fn broken(&self, what: String) -> Broken {
        Broken { replay: P::NAME, seed: self.seed, setting: self.setting.name(), at: self.now, what }
    }

    async fn run(&mut self) -> Result<Story, String> {
        let waves =
            WAVES.map(|(percent, kind, hours)| json!({"percent": percent, "kind": kind, "min_hours": hours}));
        let plan = json!({
            "waves": waves, "metric": "visit", "automatic": true, "min_days": 7, "max_days": MAX_DAYS,
            "guardrails": [{"metric": "error", "margin": 0.2}],
        });
        people::prepare(&mut self.process, self.now, plan).await?;
        people::must(&mut self.process, "lead", self.now, "start_wave", json!({"case": CASE})).await?;
        let first = self.chance.below(CUSTOMERS);
        let mut customers = Customers::new(self.habits.clone(), first);
        for step in 1..=(MAX_DAYS + 7) * STEPS_A_DAY {
            if let Some(ended) = self.step(&mut customers).await? {
                self.story.ended = ended;
                self.story.days = step as f64 / STEPS_A_DAY as f64;
                self.check_end().await?;
                return Ok(self.story);
            }
        }
        Err(format!("it is not judged {} days after it began", MAX_DAYS + 7))
    }

    /// Customers come, a quarter of a day passes, what is due is done, and people see to it.
    async fn step(&mut self, customers: &mut Customers) -> Result<Option<Ended>, String> {
        let seen = self.process.read(Seen::of)?;
        self.story.widest_percent = self.story.widest_percent.max(seen.percent);
        let soon = later(self.now, SignedDuration::from_mins(1));
        let arms = self.served(&seen)?;
        let flag = seen.epoch.zip(arms.as_ref());
        let came = customers
            .come(&mut self.chance, soon, 1.0 / STEPS_A_DAY as f64, flag)
            .map_err(|law| law.to_string())?;
        if let (Some(visit), true) = (came, P::SENDS) {
            let events = visit.events(FLAG, &seen.revision, self.habits.twice, &mut self.chance);
            self.on_the_way.extend(events);
        }
        self.now = later(self.now, STEP);
        self.arrive().await?;
        if self.chance.happens(RESTARTS) {
            self.story.restarts += 1;
            self.process.restart(self.now, self.chance.below(u64::MAX)).await?;
        }
        self.process.tick(self.now, customers).await?;
        self.story.looks = self.process.read(|state| case(state).map(|case| case.measurements.count))?;
        people::act(&mut self.process, self.now, &mut self.chance).await
    }

    /// The customers whom the flag admits now; checked: nobody changes arm, and what is not exposed is served to nobody.
    fn served(&mut self, seen: &Seen) -> Result<Option<Arc<Arms>>, String> {
        if seen.phase != Phase::Measuring {
            let served = arms::Served::of(FLAG, &seen.definition);
            for index in 0..20 {
                let variant = served.variant(&arms::customer(index))?;
                if (variant == "treatment") != (seen.phase == Phase::Everyone) {
                    return Err(format!("{variant} is served while {} % are exposed", seen.percent));
                }
            }
            return Ok(None);
        }
        let arms = Arms::of(FLAG, &seen.definition)?;
        if let Some(before) = self.arms.as_ref().filter(|before| !Arc::ptr_eq(before, &arms))
            && !arms.widens(before)
        {
            return Err("somebody changed arms when coverage was raised".to_owned());
        }
        let share = arms.count(&(0..CUSTOMERS))[1] as f64 / CUSTOMERS as f64 * 100.0;
        if (share - seen.percent).abs() > 0.3 {
            return Err(format!("{share:.2} % meet it where the plan says {} %", seen.percent));
        }
        self.arms = Some(Arc::clone(&arms));
        Ok(Some(arms))
    }

    /// Sends what arrives by now, in the order in which it does.
    async fn arrive(&mut self) -> Result<(), String> {
        let now = self.now;
        let (mut come, rest): (Vec<Sent>, Vec<Sent>) =
            std::mem::take(&mut self.on_the_way).into_iter().partition(|(at, _)| *at <= now);
        self.on_the_way = rest;
        come.sort_by_key(|(at, _)| *at);
        self.process.send(now, come).await
    }

    async fn check_end(&mut self) -> Result<(), String> {
        let (stage, exposed) = match self.story.ended {
            Ended::Kept => (Stage::Productionised, 100.0),
            _ => (Stage::Removing, 0.0),
        };
        let seen = self.process.read(Seen::of)?;
        if seen.stage != stage || seen.percent != exposed {
            return Err(format!("it ended {:?} in {} at {} %", self.story.ended, seen.stage, seen.percent));
        }
        self.served(&seen)?;
        self.process.restart(self.now, self.seed).await
    }
}

/// The case as its customers' applications see it.
struct Seen {
    stage: Stage,
    percent: f64,
    epoch: Option<u32>,
    phase: Phase,
    revision: String,
    definition: Definition,
}

impl Seen {
    fn of(state: &State) -> Result<Self, String> {
        let case = case(state)?;
        let flag = case.flag.as_ref().ok_or("the case has no flag")?;
        let rollout = case.rollout().ok_or("the case's flag is no rollout")?;
        let Some(Entry::Sound(definition)) = state.flag_in(&flag.key, &flag.environment, &NoLists) else {
            return Err("the case's flag is not served".to_owned());
        };
        Ok(Self {
            stage: case.stage,
            percent: case.exposure_percent(),
            epoch: case.allocations.last().map(|last| last.epoch),
            phase: rollout.phase,
            revision: rollout.version,
            definition,
        })
    }
}

fn later(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.saturating_add(span).unwrap_or(at)
}
