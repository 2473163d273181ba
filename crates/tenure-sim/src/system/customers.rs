//! Customers of a simulated rollout: how many come, what they do and when it is heard of, day by day, arm by arm.
//!
//! Who is in which arm is the flag's answer to each of them; how many of an arm act is one binomial draw, which has the
//! same law as asking each. Beside people there are bots, clients that tell of two arms, and events that come late, too
//! late or twice. The moments that a query engine would return follow from the tallies; [`Visit::events`] writes the same
//! visits out as events, for a real log and a real engine.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tenure_core::measurement::{Arm as Moments, EpochArms};
use tenure_events::{Draft, Kind, Unit};

use super::arms::{Arm, Arms, customer};
use crate::chance::{Chance, NoLaw};

/// How long after the exposure an outcome counts.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(6);
/// How late an event may come and still count.
const LATENESS_DAYS: u64 = 7;
/// When after its exposure an outcome happens.
const AFTER: SignedDuration = SignedDuration::from_hours(5);
/// How many days back somebody comes again.
const RETURNS_WITHIN: usize = 40;

/// What a customer may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// What the rollout is measured by.
    Visit = 0,
    /// What must not get worse.
    Error = 1,
}

impl Act {
    /// Both, in the order of every list of them.
    pub const BOTH: [Self; 2] = [Self::Visit, Self::Error];

    /// The event, and the metric that counts it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Visit => "visit",
            Self::Error => "error",
        }
    }
}

/// What is true of the customers of one rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Habits {
    /// New customers a day, on average.
    pub per_day: f64,
    /// The chance that a customer of control visits on the first day; errors have a third of it.
    pub baseline: f64,
    /// What the treatment changes of it, as a share: −0.3 takes 30 % away.
    pub effect: f64,
    /// How far the baseline wanders a day, as a share of itself.
    pub drift: f64,
    /// The share of weekdays' customers that come on a day of the weekend.
    pub weekend: f64,
    /// The share of bots among customers: each meets the flag again and again, and does nothing or everything.
    pub bots: f64,
    /// The share of customers whose client tells of two arms.
    pub torn: f64,
    /// The share of outcomes that come a day late or later.
    pub late: f64,
    /// The share of events that are sent twice.
    pub twice: f64,
}

/// Outcomes of one arm of a visit: in time, late by so many days, and too late to count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Acts {
    in_time: u64,
    late: BTreeMap<u64, u64>,
    lost: u64,
}

/// Customers who first met the flag at one instant.
pub struct Visit {
    /// In which epoch of the allocation log.
    pub epoch: u32,
    /// When.
    pub at: Timestamp,
    /// Who came, of whom those count that the flag admits now and did not before.
    who: Vec<Newly>,
    /// Units that count, by arm.
    units: [u64; 2],
    /// Units that told of two arms, by the arm they were served.
    torn: [u64; 2],
    /// Bots among the units that count, by arm.
    bots: [u64; 2],
    /// What they did, by act and arm.
    acts: [[Acts; 2]; 2],
}

/// Customers whom the flag admits in one state and did not in another.
struct Newly {
    customers: Range<u64>,
    now: Arc<Arms>,
    before: Option<Arc<Arms>>,
}

impl Newly {
    fn count(&self) -> [u64; 2] {
        let now = self.now.count(&self.customers);
        let before = self.before.as_ref().map_or([0, 0], |before| before.count(&self.customers));
        [now[0] - before[0], now[1] - before[1]]
    }

    fn of(&self, arm: Arm) -> impl Iterator<Item = String> {
        let admitted = move |index: &u64| {
            let before = self.before.as_ref().and_then(|before| before.of_customer(*index));
            self.now.of_customer(*index) == Some(arm) && before.is_none()
        };
        self.customers.clone().filter(admitted).map(customer)
    }
}

/// Customers who came together, and by which state of the flag they were admitted last.
struct Group {
    customers: Range<u64>,
    met: Option<Arc<Arms>>,
}

/// All customers of a rollout so far.
pub struct Customers {
    habits: Habits,
    next: u64,
    level: f64,
    groups: Vec<Group>,
    visits: Vec<Visit>,
    /// Events that were sent twice, for the health of the data.
    duplicates: u64,
}

impl Customers {
    /// Nobody yet; the first to come is the `first`th there is.
    pub fn new(habits: Habits, first: u64) -> Self {
        let level = habits.baseline;
        Self { habits, next: first, level, groups: Vec::new(), visits: Vec::new(), duplicates: 0 }
    }

    /// A part of a day passes: new customers come, some of before come again, and meet the flag as it is served.
    pub fn come(
        &mut self,
        chance: &mut Chance,
        at: Timestamp,
        share_of_day: f64,
        flag: Option<(u32, &Arc<Arms>)>,
    ) -> Result<Option<&Visit>, NoLaw> {
        let weekday = at.as_second().div_euclid(86_400).rem_euclid(7);
        let season = if weekday < 5 { 1.0 } else { self.habits.weekend };
        let expected = self.habits.per_day * share_of_day * season;
        let come = (expected + expected.sqrt() * chance.normal()).round().max(0.0) as u64;
        self.groups.push(Group { customers: self.next..self.next + come, met: None });
        self.next += come;
        self.level *= 1.0 + self.habits.drift * share_of_day.sqrt() * chance.normal();
        let Some((epoch, arms)) = flag else { return Ok(None) };

        let recent = self.groups.len().min(RETURNS_WITHIN);
        let again = self.groups.len() - 1 - chance.below(recent as u64) as usize;
        let mut who = Vec::new();
        for group in [self.groups.len() - 1, again] {
            let group = &mut self.groups[group];
            let unchanged = group.met.as_ref().is_some_and(|met| Arc::ptr_eq(met, arms));
            if !unchanged {
                let before = group.met.replace(Arc::clone(arms));
                who.push(Newly { customers: group.customers.clone(), now: Arc::clone(arms), before });
            }
        }
        let visit = self.visit(chance, epoch, at, who)?;
        self.visits.push(visit);
        Ok(self.visits.last())
    }

    fn visit(
        &mut self,
        chance: &mut Chance,
        epoch: u32,
        at: Timestamp,
        who: Vec<Newly>,
    ) -> Result<Visit, NoLaw> {
        let mut visit =
            Visit { epoch, at, units: [0; 2], torn: [0; 2], bots: [0; 2], acts: Default::default(), who };
        for arm in Arm::BOTH {
            let place = arm as usize;
            let all: u64 = visit.who.iter().map(|newly| newly.count()[place]).sum();
            visit.torn[place] = chance.binomial(all, self.habits.torn)?;
            visit.units[place] = all - visit.torn[place];
            visit.bots[place] = chance.binomial(visit.units[place], self.habits.bots)?;
            let people = visit.units[place] - visit.bots[place];
            for act in Act::BOTH {
                let p = self.chance_of(act, arm);
                let acted = chance.binomial(people, p)? + chance.binomial(visit.bots[place], 0.5)?;
                let acts = self.heard(chance, acted)?;
                self.duplicates += chance.binomial(acted, self.habits.twice)?;
                visit.acts[act as usize][place] = acts;
            }
        }
        Ok(visit)
    }

    fn chance_of(&self, act: Act, arm: Arm) -> f64 {
        let control = match act {
            Act::Visit => self.level,
            Act::Error => self.level / 3.0,
        };
        let factor = match (act, arm) {
            (Act::Visit, Arm::Treatment) => 1.0 + self.habits.effect,
            _ => 1.0,
        };
        (control * factor).clamp(0.001, 0.9)
    }

    /// When it is heard of so many outcomes.
    fn heard(&self, chance: &mut Chance, acted: u64) -> Result<Acts, NoLaw> {
        let mut rest = chance.binomial(acted, self.habits.late)?;
        let mut acts = Acts { in_time: acted - rest, ..Acts::default() };
        acts.lost = chance.binomial(rest, 0.1)?;
        rest -= acts.lost;
        // Half of those that are late come a day late, half of the others two days, and so on.
        for days in 1..LATENESS_DAYS {
            let come = if days + 1 == LATENESS_DAYS { rest } else { chance.binomial(rest, 0.5)? };
            if come > 0 {
                acts.late.insert(days, come);
            }
            rest -= come;
        }
        Ok(acts)
    }

    /// The arms of an act by epoch, of units whose window has passed, as far as it is heard of by `now`.
    pub fn moments(&self, act: Act, epochs: &[u32], now: Timestamp) -> Vec<EpochArms> {
        let of = |epoch: u32| {
            let mut counts = [[0; 2]; 2];
            for visit in self.visits.iter().filter(|visit| visit.epoch == epoch && visit.is_matured(now)) {
                for arm in [0, 1] {
                    counts[arm][0] += visit.units[arm];
                    counts[arm][1] += visit.acts[act as usize][arm].heard_by(visit.at, now);
                }
            }
            let [control, treatment] = counts.map(Moments::Counts);
            EpochArms { epoch, control, treatment }
        };
        epochs.iter().copied().map(of).collect()
    }

    /// Units by epoch and arm, whether or not their window has passed.
    pub fn exposed(&self, epoch: u32) -> [u64; 2] {
        let mut all = [0; 2];
        for visit in self.visits.iter().filter(|visit| visit.epoch == epoch) {
            all = [all[0] + visit.units[0], all[1] + visit.units[1]];
        }
        all
    }

    /// Units of these epochs whose window has not passed.
    pub fn provisional(&self, epochs: &[u32], now: Timestamp) -> u64 {
        let watched = |visit: &&Visit| epochs.contains(&visit.epoch) && !visit.is_matured(now);
        self.visits.iter().filter(watched).map(|visit| visit.units.iter().sum::<u64>()).sum()
    }

    /// Units of these epochs that told of two arms.
    pub fn torn(&self, epochs: &[u32]) -> u64 {
        let of = |visit: &&Visit| epochs.contains(&visit.epoch);
        self.visits.iter().filter(of).map(|visit| visit.torn.iter().sum::<u64>()).sum()
    }

    /// Outcomes that were sent twice.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// When somebody last met the flag.
    pub fn freshest(&self) -> Option<Timestamp> {
        self.visits.iter().rev().find(|visit| visit.units != [0, 0]).map(|visit| visit.at)
    }
}

impl Acts {
    fn heard_by(&self, at: Timestamp, now: Timestamp) -> u64 {
        let come = |days: &u64| received(at, *days).is_some_and(|received| received <= now);
        let late: u64 = self.late.iter().filter(|(days, _)| come(days)).map(|(_, count)| count).sum();
        let in_time = if come(&0) { self.in_time } else { 0 };
        in_time + late
    }
}

/// When an outcome of units exposed at an instant arrives, that is late by so many days.
fn received(at: Timestamp, days: u64) -> Option<Timestamp> {
    let late = SignedDuration::from_hours(24 * i64::try_from(days).ok()?);
    at.checked_add(AFTER).ok()?.checked_add(late).ok()
}

/// An event, and when it arrives.
pub type Sent = (Timestamp, Draft);

impl Visit {
    fn is_matured(&self, now: Timestamp) -> bool {
        now.duration_since(self.at) >= WINDOW
    }

    /// The visit as the events that a client sends: exposures of everybody, and outcomes of those who act.
    pub fn events(&self, flag: &str, revision: &str, twice: f64, chance: &mut Chance) -> Vec<Sent> {
        let mut sent = Vec::new();
        let mut exposure = |unit: &str, arm: Arm, number: u64| {
            let kind = Kind::Exposure {
                flag: flag.to_owned(),
                variant: arm.name().to_owned(),
                revision: Some(revision.to_owned()),
                reason: Some("TARGETING_MATCH".to_owned()),
            };
            sent.push((self.at, draft(unit, format!("{unit}-{}-{number}", self.epoch), self.at, kind)));
        };
        let mut acting: Vec<(String, Act, usize)> = Vec::new();
        for arm in Arm::BOTH {
            let place = arm as usize;
            let units: Vec<String> = self.who.iter().flat_map(|newly| newly.of(arm)).collect();
            let other = Arm::BOTH[1 - place];
            let (counted, torn) = units.split_at(self.units[place] as usize);
            for unit in torn {
                exposure(unit, arm, 0);
                exposure(unit, other, 1);
            }
            for (index, unit) in counted.iter().enumerate() {
                let visits = if (index as u64) < self.bots[place] { 3 } else { 1 };
                (0..visits).for_each(|number| exposure(unit, arm, number));
            }
            for act in Act::BOTH {
                let acts = &self.acts[act as usize][place];
                let count = (acts.in_time + acts.late.values().sum::<u64>() + acts.lost) as usize;
                // Who acts is drawn without regard to the other act: it starts elsewhere in the list.
                let from = chance.below(counted.len() as u64) as usize;
                let those = counted.iter().cycle().skip(from).take(count.min(counted.len()));
                acting.extend(those.map(|unit| (unit.clone(), act, place)));
            }
        }
        let mut left = self.acts.clone();
        for (unit, act, place) in acting {
            let acts = &mut left[act as usize][place];
            let days = acts.take_one();
            let happened = self.at.saturating_add(AFTER).unwrap_or(self.at);
            let kind = Kind::Outcome { name: act.name().to_owned(), value: None };
            let event = draft(&unit, format!("{unit}-{}-{}", self.epoch, act.name()), happened, kind);
            let arrives = received(self.at, days).unwrap_or(happened);
            if chance.happens(twice) {
                let again = SignedDuration::from_hours(1 + chance.below(60) as i64);
                sent.push((arrives.saturating_add(again).unwrap_or(arrives), event.clone()));
            }
            sent.push((arrives, event));
        }
        sent
    }
}

impl Acts {
    /// Takes one outcome out: how many days late it comes.
    fn take_one(&mut self) -> u64 {
        if self.in_time > 0 {
            self.in_time -= 1;
            return 0;
        }
        let Some(mut entry) = self.late.first_entry() else { return LATENESS_DAYS + 2 };
        let days = *entry.key();
        *entry.get_mut() -= 1;
        if *entry.get() == 0 {
            entry.remove();
        }
        days
    }
}

fn draft(unit: &str, id: String, at: Timestamp, kind: Kind) -> Draft {
    Draft {
        id: Some(id),
        at: Some(at),
        units: vec![Unit::new(tenure_events::UNIT_TYPE_DEFAULT, unit)],
        kind,
        source: "simulation".to_owned(),
        attributes: BTreeMap::new(),
    }
}
