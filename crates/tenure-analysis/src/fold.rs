//! From the events of a unit to its numbers, and from these to moments: repeats, first exposure, arm, epoch, window,
//! maturity, cap.
//!
//! Moments are held per day of first exposure, and merged along a tree over the cells of the hash space, then by day;
//! within a cell units come in the order of their hashes, and the events of a unit by time, id and value.
//! How the log is laid out and the work shared out leaves no trace in the bytes of the answer.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tenure_stats::moments::Moments;

use crate::answer::{Answer, ArmAnswer, EpochAnswer, Health, MetricAnswer};
use crate::by_day::ByDay;
use crate::compiled::{Compiled, DAY_MICROSECONDS, Day, What, day_of};
use crate::gathered::{Gathered, Unit, cell_of};
use crate::query::{Aggregation, Query};
use crate::rows::told_apart;
use crate::tree::{Merge, Tree};

/// The units that were first exposed on one day, and the events that happened on it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Cohort {
    /// By the epoch's place in the query.
    pub epochs: BTreeMap<u32, Arms>,
    pub seen: Seen,
}

/// One for each arm of the query.
pub(crate) type Arms = Vec<Arm>;

/// The units of an arm.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Arm {
    pub units: u64,
    /// One for each metric.
    pub metrics: Vec<Pair>,
    /// Of units whose window has elapsed.
    pub by_day: ByDay,
}

/// Moments of units whose window has elapsed, and of the others.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Pair {
    pub mature: Moments,
    pub immature: Moments,
}

/// What was seen of a day: counts of its events, and of the units first exposed on it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Seen {
    pub exposures: u64,
    pub other_exposures: u64,
    pub outcomes: u64,
    pub duplicates: u64,
    pub late: u64,
    pub without_unit: u64,
    pub units_in_two_arms: u64,
    pub units_before_epochs: u64,
    /// Microseconds since 1970; none without events.
    pub freshest_at: Option<i64>,
    pub freshest_received_at: Option<i64>,
    /// The last day whose events had a part in this, beyond the windows of its units.
    pub through: Day,
}

/// A unit of a cohort: two hashes, and its arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    pub hash: u64,
    pub second: u64,
    /// [`TWO_ARMS`] of a unit that was in more than one.
    pub arm: u16,
}

pub(crate) const TWO_ARMS: u16 = u16::MAX;

/// The second hash of a unit's id.
pub(crate) fn second_hash(unit: &[u8]) -> u64 {
    Sha256::digest(unit).iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

/// What is to be remembered of days that close: their members, and the events that a repeat could still come of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Remembered {
    pub members: BTreeMap<Day, Vec<Member>>,
    /// Hashes of unit and id; their order is that of the cells.
    pub ids: BTreeMap<Day, Vec<u64>>,
}

/// The days that are to be remembered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Closing {
    pub members: Range<Day>,
    pub ids: Range<Day>,
}

/// What has been folded of one share of the work.
pub(crate) struct Fold {
    compiled: Arc<Compiled>,
    metrics_of: Vec<Vec<u16>>,
    epoch_starts: Vec<i64>,
    days: Range<Day>,
    closing: Closing,
    /// Of the present cell, by day and epoch.
    open: Vec<Option<Arms>>,
    cell: u16,
    done: Sums,
    seen: Vec<Seen>,
    pub remembered: Remembered,
    /// The earliest closed day that something contradicts.
    pub contradicted: Option<Day>,
    sums: Vec<Sum>,
    /// Of the first metric, by day since first exposure.
    day_sums: Vec<Sum>,
    day_values: Vec<f64>,
    kept: Vec<u32>,
    repeats: Vec<(u32, u32)>,
}

/// Arms by day and epoch, over the cells.
type Sums = BTreeMap<(Day, u32), Tree<Arms>>;

/// What has been added up of a metric.
#[derive(Clone, Copy, Default)]
struct Sum {
    outcomes: u64,
    values: u64,
    sum: f64,
    last: f64,
}

impl Fold {
    /// Of events that all happened within the days.
    pub fn new(compiled: Arc<Compiled>, days: Range<Day>, closing: Closing) -> Self {
        let query = &compiled.query;
        let days_count = days.len();
        Self {
            metrics_of: compiled.metrics_of(),
            epoch_starts: query.epochs.iter().map(|epoch| epoch.starts_at.as_microsecond()).collect(),
            open: vec![None; days_count * query.epochs.len()],
            seen: vec![Seen::default(); days_count],
            sums: vec![Sum::default(); query.metrics.len()],
            day_sums: vec![Sum::default(); query.days as usize],
            day_values: vec![0.0; query.days as usize],
            cell: 0,
            done: Sums::new(),
            remembered: Remembered::default(),
            contradicted: None,
            kept: Vec::new(),
            repeats: Vec::new(),
            days,
            closing,
            compiled,
        }
    }

    /// Takes the events of all units of a share. `closed` says of each unit the day and the arm of its closed cohort.
    pub fn add(&mut self, gathered: &Gathered, order: &[(u64, u32)], closed: &[Option<(Day, u16)>]) {
        let mut events = Vec::new();
        for (place, unit) in gathered.units(order).enumerate() {
            gathered.events_of(&unit, &mut events);
            self.add_unit(gathered, &unit, &events, closed.get(place).copied().flatten());
        }
        self.close_cell();
        for ids in self.remembered.ids.values_mut() {
            ids.sort_unstable();
        }
    }

    fn add_unit(&mut self, gathered: &Gathered, unit: &Unit<'_>, events: &[u32], closed: Option<(Day, u16)>) {
        let mut kept = std::mem::take(&mut self.kept);
        self.keep_once(gathered, events, &mut kept);
        if self.closing.ids.start < self.closing.ids.end {
            self.remember_ids(gathered, unit, events);
        }
        self.count(gathered, unit, &mut kept);
        if unit.is_known {
            self.measure(gathered, unit, &mut kept, closed);
        }
        self.kept = kept;
    }

    /// Leaves the events that count once, whatever else is wrong with them.
    fn keep_once(&mut self, gathered: &Gathered, events: &[u32], kept: &mut Vec<u32>) {
        kept.clear();
        let mut repeats = std::mem::take(&mut self.repeats);
        repeats_among(gathered, &self.compiled, &self.metrics_of, events, &mut repeats);
        repeats.sort_unstable();
        for event in events {
            let is_repeat = repeats.binary_search_by_key(event, |(repeat, _)| *repeat).is_ok();
            if is_repeat || gathered.is_repeat(*event) {
                self.seen(day_of(gathered.at[*event as usize])).duplicates += 1;
            } else {
                kept.push(*event);
            }
        }
        if kept.len() < events.len() {
            self.depend(gathered, events);
        }
        repeats.clear();
        self.repeats = repeats;
    }

    /// Of copies on several days each counts by what the others are.
    fn depend(&mut self, gathered: &Gathered, events: &[u32]) {
        let days = events.iter().map(|event| day_of(gathered.at[*event as usize]));
        let Some((first, last)) = days.clone().min().zip(days.max()) else { return };
        for day in first..last {
            let seen = self.seen(day);
            seen.through = seen.through.max(last);
        }
    }

    /// Counts the events, and leaves those that came in time.
    fn count(&mut self, gathered: &Gathered, unit: &Unit<'_>, kept: &mut Vec<u32>) {
        let lateness = self.compiled.lateness;
        kept.retain(|event| {
            let place = *event as usize;
            let (at, received_at) = (gathered.at[place], gathered.received_at[place]);
            let seen = self.seen(day_of(at));
            seen.freshest_at = seen.freshest_at.max(Some(at));
            seen.freshest_received_at = seen.freshest_received_at.max(Some(received_at));
            if received_at.saturating_sub(at) > lateness {
                seen.late += 1;
                return false;
            }
            if !unit.is_known {
                seen.without_unit += 1;
                return false;
            }
            match gathered.what[place] {
                What::Exposure(_) => seen.exposures += 1,
                What::Elsewhere => seen.other_exposures += 1,
                What::Outcome(_) => seen.outcomes += 1,
            }
            true
        });
    }

    fn measure(
        &mut self,
        gathered: &Gathered,
        unit: &Unit<'_>,
        kept: &mut Vec<u32>,
        closed: Option<(Day, u16)>,
    ) {
        let Some(exposed) = Exposed::of(gathered, kept) else { return };
        let arm = if exposed.in_two_arms { TWO_ARMS } else { exposed.arm };
        if let Some((day, before)) = closed {
            // Its cohort has its numbers, unless it has been met in another arm since.
            if before != TWO_ARMS && before != arm {
                self.contradicted = Some(self.contradicted.map_or(day, |other| other.min(day)));
            }
            return;
        }
        let day = day_of(exposed.first);
        if self.closing.members.contains(&day) {
            let member = Member { hash: unit.hash, second: second_hash(unit.id), arm };
            self.remembered.members.entry(day).or_default().push(member);
        }
        if exposed.in_two_arms {
            let seen = self.seen(day);
            seen.units_in_two_arms += 1;
            seen.through = seen.through.max(day_of(exposed.last));
            return;
        }
        let Some(epoch) = self.epoch_starts.partition_point(|start| *start <= exposed.first).checked_sub(1)
        else {
            self.seen(day).units_before_epochs += 1;
            return;
        };
        self.add_up(gathered, kept, exposed.first);
        if cell_of(unit.hash) != self.cell {
            self.close_cell();
            self.cell = cell_of(unit.hash);
        }
        let place = (day - self.days.start) as usize * self.epoch_starts.len() + epoch;
        let query = &self.compiled.query;
        let arms = self.open[place].get_or_insert_with(|| Arm::none_of(query));
        let cell = &mut arms[usize::from(exposed.arm)];
        cell.units += 1;
        let watched = self.compiled.as_of - exposed.first;
        for (((pair, metric), sum), window) in
            cell.metrics.iter_mut().zip(&query.metrics).zip(&self.sums).zip(&self.compiled.windows)
        {
            let value = sum.value(metric.aggregation);
            let value = metric.cap.map_or(value, |cap| value.min(cap));
            // Without a window a unit counts as matured at once.
            let matured = metric.window.is_none() || watched >= *window;
            if matured { &mut pair.mature } else { &mut pair.immature }.push(value);
        }
        let first = query.metrics.first().zip(self.compiled.windows.first());
        if let Some((metric, window)) = first.filter(|_| !self.day_sums.is_empty())
            && watched >= *window
        {
            for (value, sum) in self.day_values.iter_mut().zip(&self.day_sums) {
                let of_day = sum.value(metric.aggregation);
                *value = metric.cap.map_or(of_day, |cap| of_day.min(cap));
            }
            cell.by_day.push(&self.day_values);
        }
    }

    /// Adds up the outcomes since the first exposure, in the order of time, id and value.
    fn add_up(&mut self, gathered: &Gathered, kept: &mut Vec<u32>, first: i64) {
        self.sums.fill(Sum::default());
        self.day_sums.fill(Sum::default());
        let at = |event: u32| gathered.at[event as usize];
        kept.retain(|event| {
            matches!(gathered.what[*event as usize], What::Outcome(_)) && at(*event) >= first
        });
        if kept.len() > 1 {
            let value = |event: u32| gathered.value[event as usize];
            kept.sort_unstable_by(|a, b| {
                let by_id = || gathered.id(*a).cmp(gathered.id(*b));
                at(*a).cmp(&at(*b)).then_with(by_id).then_with(|| by_value(value(*a), value(*b)))
            });
        }
        for event in kept.iter() {
            let What::Outcome(class) = gathered.what[*event as usize] else { continue };
            let (elapsed, value) = (at(*event) - first, gathered.value[*event as usize]);
            for metric in &self.metrics_of[usize::from(class)] {
                let metric = usize::from(*metric);
                if elapsed < self.compiled.windows[metric] {
                    self.sums[metric].add(value);
                    if metric == 0
                        && let Some(sum) = self.day_sums.get_mut((elapsed / DAY_MICROSECONDS) as usize)
                    {
                        sum.add(value);
                    }
                }
            }
        }
    }

    fn remember_ids(&mut self, gathered: &Gathered, unit: &Unit<'_>, events: &[u32]) {
        for event in events {
            let day = day_of(gathered.at[*event as usize]);
            if self.closing.ids.contains(&day) {
                let key = repeat_key(unit, gathered.key(*event));
                self.remembered.ids.entry(day).or_default().push(key);
            }
        }
    }

    fn close_cell(&mut self) {
        let epochs = self.epoch_starts.len();
        for (place, arms) in self.open.iter_mut().enumerate() {
            if let Some(arms) = arms.take() {
                let day = self.days.start + (place / epochs) as Day;
                self.done.entry((day, (place % epochs) as u32)).or_default().add(self.cell, arms);
            }
        }
    }

    fn seen(&mut self, day: Day) -> &mut Seen {
        &mut self.seen[(day - self.days.start) as usize]
    }
}

/// A value that is there comes after one that is not.
fn by_value(a: f64, b: f64) -> std::cmp::Ordering {
    b.is_nan().cmp(&a.is_nan()).then_with(|| a.total_cmp(&b))
}

/// A number for an event by which a repeat of it is found, in the order of the cells.
pub(crate) fn repeat_key(unit: &Unit<'_>, key: &[u8]) -> u64 {
    const CELL: u64 = 0xff << 56;
    (unit.hash & CELL) | (crate::rows::identity(unit.hash, key) as u64 & !CELL)
}

/// The repeats among a unit's events, each with the event that counts in its place: of one id the first that was
/// received, and anew what was received when its horizon had passed.
fn repeats_among(
    gathered: &Gathered,
    compiled: &Compiled,
    metrics_of: &[Vec<u16>],
    events: &[u32],
    repeats: &mut Vec<(u32, u32)>,
) {
    const FEW: usize = 12;
    let few = || {
        events
            .iter()
            .enumerate()
            .all(|(place, a)| events[..place].iter().all(|b| gathered.key(*a) != gathered.key(*b)))
    };
    if events.len() < 2 || events.len() <= FEW && few() {
        return;
    }
    let mut ordered = events.to_vec();
    let told = |event: u32| {
        let place = event as usize;
        let what: (u16, &[u16]) = match gathered.what[place] {
            What::Elsewhere => (0, &[]),
            What::Exposure(arm) => (arm + 1, &[]),
            What::Outcome(class) => (u16::MAX, &metrics_of[usize::from(class)]),
        };
        (gathered.received_at[place], gathered.at[place], what)
    };
    ordered.sort_unstable_by(|a, b| {
        let value = |event: &u32| gathered.value[*event as usize];
        let by_key = gathered.key(*a).cmp(gathered.key(*b));
        by_key.then_with(|| told(*a).cmp(&told(*b))).then_with(|| by_value(value(a), value(b)))
    });
    for same in ordered.chunk_by(|a, b| gathered.key(*a) == gathered.key(*b)) {
        let mut counted = same[0];
        for event in &same[1..] {
            let received_at = |event: u32| gathered.received_at[event as usize];
            if received_at(*event) - received_at(counted) <= compiled.repeat_horizon {
                repeats.push((*event, counted));
            } else {
                counted = *event;
            }
        }
    }
}

/// Of events that were noted by their first unit: the repeats that are to be counted for somebody else than what
/// counts in their place, so that whoever looks at one of the two alone knows.
pub(crate) fn repeats_elsewhere(gathered: &Gathered, compiled: &Compiled) -> Vec<u128> {
    let (order, metrics_of) = (gathered.order(), compiled.metrics_of());
    let (mut events, mut repeats, mut elsewhere) = (Vec::new(), Vec::new(), Vec::new());
    for unit in gathered.units(&order) {
        gathered.events_of(&unit, &mut events);
        repeats_among(gathered, compiled, &metrics_of, &events, &mut repeats);
        for (repeat, counted) in repeats.drain(..) {
            let (place, (whose, identity)) = (repeat as usize, gathered.noted[repeat as usize]);
            if whose != gathered.noted[counted as usize].0 {
                elsewhere.push(told_apart(identity, gathered.at[place], gathered.received_at[place], whose));
            }
        }
    }
    elsewhere
}

/// How a unit met the feature.
struct Exposed {
    first: i64,
    last: i64,
    arm: u16,
    in_two_arms: bool,
}

impl Exposed {
    fn of(gathered: &Gathered, kept: &[u32]) -> Option<Self> {
        let mut exposed: Option<Self> = None;
        for event in kept {
            let What::Exposure(arm) = gathered.what[*event as usize] else { continue };
            let at = gathered.at[*event as usize];
            let so_far = exposed.get_or_insert(Self { first: at, last: at, arm, in_two_arms: false });
            so_far.first = so_far.first.min(at);
            so_far.last = so_far.last.max(at);
            so_far.in_two_arms |= so_far.arm != arm;
        }
        exposed
    }
}

impl Sum {
    fn add(&mut self, value: f64) {
        self.outcomes += 1;
        if !value.is_nan() {
            self.values += 1;
            self.sum += value;
            self.last = value;
        }
    }

    /// The unit's number; 0 without outcomes.
    fn value(&self, aggregation: Aggregation) -> f64 {
        match aggregation {
            Aggregation::Any => f64::from(u8::from(self.outcomes > 0)),
            Aggregation::Count => self.outcomes as f64,
            Aggregation::Sum => self.sum,
            Aggregation::Mean if self.values == 0 => 0.0,
            Aggregation::Mean => self.sum / self.values as f64,
            Aggregation::Last => self.last,
        }
    }
}

impl Arm {
    fn none_of(query: &Query) -> Arms {
        let none =
            Self { units: 0, metrics: vec![Pair::default(); query.metrics.len()], by_day: ByDay::default() };
        vec![none; query.arms.len()]
    }

    fn merge(&mut self, other: &Self) {
        self.units += other.units;
        self.by_day.merge(&other.by_day);
        for (own, others) in self.metrics.iter_mut().zip(&other.metrics) {
            own.mature.merge(&others.mature);
            own.immature.merge(&others.immature);
        }
    }
}

impl Merge for Arms {
    fn merge(&mut self, further: &Self) {
        for (own, others) in self.iter_mut().zip(further) {
            own.merge(others);
        }
    }
}

impl Seen {
    fn merge(&mut self, other: &Self) {
        self.exposures += other.exposures;
        self.other_exposures += other.other_exposures;
        self.outcomes += other.outcomes;
        self.duplicates += other.duplicates;
        self.late += other.late;
        self.without_unit += other.without_unit;
        self.units_in_two_arms += other.units_in_two_arms;
        self.units_before_epochs += other.units_before_epochs;
        self.freshest_at = self.freshest_at.max(other.freshest_at);
        self.freshest_received_at = self.freshest_received_at.max(other.freshest_received_at);
        self.through = self.through.max(other.through);
    }
}

/// What has been folded of the shares so far; they come in any order.
#[derive(Default)]
pub(crate) struct Folded {
    sums: Sums,
    seen: BTreeMap<Day, Seen>,
    /// The earliest closed day that something contradicts.
    pub contradicted: Option<Day>,
}

impl Folded {
    pub fn take(&mut self, share: Fold) {
        for (day, seen) in share.days.zip(share.seen) {
            if seen != Seen::default() {
                self.seen.entry(day).or_default().merge(&seen);
            }
        }
        for (of, tree) in share.done {
            self.sums.entry(of).or_default().join(tree);
        }
        self.contradicted = self.contradicted.into_iter().chain(share.contradicted).min();
    }

    /// Day by day.
    pub fn cohorts(self) -> BTreeMap<Day, Cohort> {
        let seen = self.seen.into_iter().map(|(day, seen)| (day, Cohort { seen, ..Cohort::default() }));
        let mut cohorts: BTreeMap<Day, Cohort> = seen.collect();
        for ((day, epoch), tree) in self.sums {
            cohorts.entry(day).or_default().epochs.extend(tree.total().map(|arms| (epoch, arms)));
        }
        cohorts
    }
}

/// The answer from the cohorts of all days.
pub(crate) fn answer(query: &Query, cohorts: &BTreeMap<Day, Cohort>) -> Answer {
    let mut totals = vec![Arm::none_of(query); query.epochs.len()];
    let mut seen = Seen::default();
    for cohort in cohorts.values() {
        seen.merge(&cohort.seen);
        for (epoch, arms) in &cohort.epochs {
            if let Some(total) = totals.get_mut(*epoch as usize) {
                total.merge(arms);
            }
        }
    }
    let arm = |(name, arm): (&String, Arm)| ArmAnswer {
        arm: name.clone(),
        units: arm.units,
        by_day: (query.days > 0).then(|| arm.by_day.joint(query.days as usize)).flatten(),
        metrics: query
            .metrics
            .iter()
            .zip(arm.metrics)
            .map(|(metric, pair)| MetricAnswer {
                name: metric.name.clone(),
                moments: pair.mature,
                immature: pair.immature,
            })
            .collect(),
    };
    let epochs = query.epochs.iter().zip(totals);
    Answer {
        epochs: epochs
            .map(|(epoch, arms)| EpochAnswer {
                epoch: epoch.index,
                arms: query.arms.iter().zip(arms).map(arm).collect(),
            })
            .collect(),
        health: seen.health(),
    }
}

impl Seen {
    fn health(&self) -> Health {
        let instant = |at: Option<i64>| at.and_then(|at| Timestamp::from_microsecond(at).ok());
        Health {
            exposures: self.exposures,
            other_exposures: self.other_exposures,
            outcomes: self.outcomes,
            duplicates: self.duplicates,
            late: self.late,
            without_unit: self.without_unit,
            units_in_two_arms: self.units_in_two_arms,
            units_before_epochs: self.units_before_epochs,
            freshest_at: instant(self.freshest_at),
            freshest_received_at: instant(self.freshest_received_at),
        }
    }
}
