//! Measurements of a rollout: the system's own looks, and counts that somebody else made. What the statistics said is
//! recorded, so that applying an entry never computes anything.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use tenure_stats::estimate::{self, Scale};
use tenure_stats::guardrail;
use tenure_stats::moments::Moments;
use tenure_stats::novelty::Novelty;
use tenure_stats::replication::{self, Corrected, Label, Original, Replication, Rollout, Told};
use tenure_stats::verdict::{self, Bounds, Judged, Monitor};

use crate::case::{Case, Stage};
use crate::codebase::stated;
use crate::decide::Ask;
use crate::design::{Design, Question};
use crate::event::Event;
use crate::experiment::Experiment;
use crate::health::DataFinding;
use crate::id::{CaseId, MetricId};
use crate::look::Looking;
use crate::metric::{Direction, MetricKind};
use crate::person::{Actor, Role, Seat};
use crate::policy::Policy;
use crate::refusal::{Refusal, RefusalCode};
use crate::rollout::WaveKind;
use crate::time::Stamp;

pub use crate::look::{EpochArms, GuardrailArms, GuardrailLook, OwnLook};

pub use tenure_stats::estimate::Level;
pub use tenure_stats::verdict::Verdict;

/// The verdict's name.
pub const fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Positive => "positive",
        Verdict::NotSignificant => "not_significant",
        Verdict::Negative => "negative",
        Verdict::Immature => "immature",
        Verdict::Invalid => "invalid",
    }
}

/// One arm, as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "an arm is [units, successes], {n, mean, variance} or {n, value, variance}")]
pub enum Arm {
    /// `[units, successes]`.
    Counts([u64; 2]),
    /// Units, mean and sample variance of a value per unit.
    Summary {
        /// Units.
        n: u64,
        /// Mean.
        mean: f64,
        /// Sample variance.
        variance: f64,
    },
    /// Units, level and variance of one unit's contribution, for ratios and the like.
    Level(Level),
}

impl Arm {
    fn kind(&self, otherwise: MetricKind) -> MetricKind {
        match (self, otherwise) {
            (Self::Counts(_), _) => MetricKind::Proportion,
            (_, MetricKind::Proportion) => MetricKind::Mean,
            (_, kind) => kind,
        }
    }

    fn moments(&self) -> Result<Moments, Refusal> {
        match self {
            Self::Counts([units, successes]) => Moments::from_counts(*units, *successes),
            Self::Summary { n, mean, variance } => Moments::from_summary(*n, *mean, *variance),
            Self::Level(Level { n, value, variance }) => Moments::from_summary(*n, *value, *variance),
        }
        .map_err(|fault| Refusal::argument(fault.to_string()))
    }

    /// Its units.
    pub fn n(&self) -> u64 {
        match self {
            Self::Counts([n, _]) | Self::Summary { n, .. } | Self::Level(Level { n, .. }) => *n,
        }
    }

    /// The level of the arm; with fewer than two units its variance says nothing and is 0.
    pub(crate) fn level(&self, kind: MetricKind) -> Result<Level, Refusal> {
        let moments = self.moments()?;
        match (self, moments.n()) {
            (Self::Level(level), _) => Ok(*level),
            (_, 0 | 1) => Ok(Level { n: moments.n(), value: moments.mean(), variance: 0.0 }),
            _ => Level::of(kind, &moments).map_err(|fault| Refusal::argument(fault.to_string())),
        }
    }
}

/// Counts that somebody else made: one look of a fixed design.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outside {
    /// The control arm.
    pub control: Arm,
    /// The treatment arm.
    pub treatment: Arm,
    /// Units an arm that the design asked for; 0 when it was at its end.
    #[serde(default)]
    pub planned_n: u64,
    /// The share of units that was to be treated; one half when left out.
    #[serde(default, alias = "treatment_share", skip_serializing_if = "Option::is_none")]
    pub split: Option<f64>,
    /// Who made it, and with what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl Outside {
    pub(crate) fn kind(&self, otherwise: MetricKind) -> MetricKind {
        self.control.kind(otherwise)
    }

    fn judge(
        &self,
        kind: MetricKind,
        direction: Direction,
        policy: &Policy,
        alpha: f64,
        original: Option<(Scale, Corrected)>,
    ) -> Result<Judged, Refusal> {
        let split = self.split.unwrap_or(0.5);
        if !(split > 0.0 && split < 1.0) {
            return Err(Refusal::argument(format!(
                "split is {split}: give the treatment's share, between 0 and 1"
            )));
        }
        verdict::judge_outside(&verdict::Outside {
            kind,
            direction,
            control: self.control.moments()?,
            treatment: self.treatment.moments()?,
            planned_n: self.planned_n,
            treatment_share: split,
            alpha,
            sample_ratio_alpha: policy.srm_p,
            original,
        })
        .map_err(|fault| Refusal::argument(format!("measurement cannot be judged: {fault}")))
    }
}

/// Judges an experiment's result as one look of a fixed design.
pub(crate) fn judge_experiment(
    measurement: &Outside,
    kind: MetricKind,
    direction: Direction,
    policy: &Policy,
) -> Result<Judged, Refusal> {
    measurement.judge(kind, direction, policy, policy.alpha, None)
}

/// What was measured: by the system, or by somebody else.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Measurement {
    /// The system's own look.
    Own(OwnLook),
    /// Somebody else's counts.
    Outside(Outside),
}

impl<'de> Deserialize<'de> for Measurement {
    /// By its fields: `epochs` makes it an own look. So a fault names the field and not "no variant matched".
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(from)?;
        let own = value.get("epochs").is_some();
        let read = if own {
            serde_json::from_value(value).map(Self::Own)
        } else {
            serde_json::from_value(value).map(Self::Outside)
        };
        read.map_err(|fault| D::Error::custom(format!("measurement: {fault}")))
    }
}

/// How the level of the control moved since the experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Drift {
    /// The control's level in the experiment.
    pub experiment: f64,
    /// The control's level in the rollout.
    pub rollout: f64,
    /// How surely they differ: two-sided.
    pub p_value: f64,
}

/// A measurement, and everything that was concluded from it then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measured {
    /// 1 for the first of the case.
    pub number: u32,
    /// In which iteration.
    pub iteration: u32,
    /// The date.
    pub on: Date,
    /// The verdict.
    pub verdict: Verdict,
    /// Who made it, for one made outside: printed as self-reported everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_reported: Option<String>,
    /// The engine that made it, with its version.
    pub engine: String,
    /// A digest of what the engine answered: the same data give the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<String>,
    /// The control's level.
    pub control: Level,
    /// The treatment's level.
    pub treatment: Level,
    /// What the statistics said.
    pub judged: Judged,
    /// Whether it is the same impact as the experiment's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication: Option<Replication>,
    /// The same when the deviations of the build are allowed for (κ = 0.25).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deviating: Option<Label>,
    /// What the guardrails said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guardrails: Vec<GuardrailLook>,
    /// The effect by day since first exposure, and whether it wears off; shown, and decides nothing. Of a look of Tenure's own
    /// by a metric whose window holds some days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_day: Option<Novelty>,
    /// Whether a guardrail turns a positive into "needs justification".
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_justification: bool,
    /// How the control's level moved since the experiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
    /// Whether whoever measured says that the context changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drift_reported: bool,
    /// Units whose window has not passed.
    #[serde(default)]
    pub provisional_units: u64,
    /// Units seen in both arms.
    #[serde(default)]
    pub units_in_two_arms: u64,
    /// Checks of the data, the worst first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub health: Vec<DataFinding>,
    /// What it was judged by: the arms of each epoch, as the engine returned them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moments: Vec<EpochArms>,
    /// The same of the guardrails.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guardrail_moments: Vec<GuardrailArms>,
}

/// One look on the chart of an iteration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    /// When.
    pub at: Timestamp,
    /// Matured units in both arms.
    pub units: u64,
    /// The effect.
    pub estimate: f64,
    /// Its interval, of the bound in force.
    pub interval: [f64; 2],
    /// The intervals of both bounds of the design.
    #[serde(default, skip_serializing_if = "Bounds::is_empty")]
    pub bounds: Bounds,
    /// Whether it is a look of Tenure's own, on the scale of the iteration's design. What somebody else measured is one
    /// difference in the metric's unit, and no part of the sequence.
    #[serde(default = "own")]
    pub own: bool,
}

const fn own() -> bool {
    true
}

/// The most points kept for the chart; more are thinned by leaving out every other.
const POINTS_MAX: usize = 256;

impl Point {
    /// Puts the point at the end of a chart.
    pub(crate) fn put_on(self, track: &mut Vec<Self>) {
        track.push(self);
        if track.len() > POINTS_MAX {
            let mut at = 0;
            track.retain(|_| {
                at += 1;
                at % 2 == 1
            });
        }
    }
}

/// What a case measured, and what the next look has to know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measurements {
    /// How many there were.
    pub count: u32,
    /// The latest, judged or not.
    pub latest: Option<Measured>,
    /// The judged one of each iteration, oldest first.
    pub judged: Vec<Measured>,
    /// The design of this iteration.
    pub design: Option<Design>,
    /// What the looks of this iteration remember.
    pub monitor: Monitor,
    /// How each guardrail is judged in this iteration.
    pub guardrails: BTreeMap<MetricId, guardrail::Guardrail>,
    /// When the last look of this iteration was taken.
    pub looked: Option<Timestamp>,
    /// The looks of this iteration, thinned.
    pub track: Vec<Point>,
}

impl Measurements {
    /// The judged measurement of an iteration.
    pub fn judged_in(&self, iteration: u32) -> Option<&Measured> {
        self.judged.iter().find(|measured| measured.iteration == iteration)
    }

    /// How many iterations were judged negative.
    pub fn negatives(&self) -> u32 {
        let negatives = self.judged.iter().filter(|measured| measured.verdict == Verdict::Negative);
        u32::try_from(negatives.count()).unwrap_or(u32::MAX)
    }

    pub(crate) fn next_iteration(&mut self) {
        self.design = None;
        self.monitor = Monitor::default();
        self.guardrails.clear();
        self.looked = None;
        self.track.clear();
    }
}

/// Records a measurement of a rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordMeasurement {
    /// Of which case.
    pub case: CaseId,
    /// What was measured.
    pub measurement: Measurement,
    /// Whether whoever measured says that the context changed since the experiment.
    #[serde(default)]
    pub drift: bool,
    /// Who made it, for one made outside.
    #[serde(default)]
    pub source: Option<String>,
}

/// A measurement was recorded, with everything concluded from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MeasurementRecorded {
    /// Of which case.
    pub case: CaseId,
    /// What was measured and concluded.
    #[serde(flatten)]
    pub measured: Box<Measured>,
    /// What the next look has to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor: Option<Monitor>,
}

impl RecordMeasurement {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        match &self.measurement {
            Measurement::Own(_) => ask.may(case, &[Seat::System], "record a look of Tenure's own")?,
            Measurement::Outside(_) => {
                let mut seats = [Role::ProductManager, Role::Importer].map(Seat::Role).to_vec();
                seats.push(Seat::System);
                ask.may(case, &seats, "record a measurement made outside")?;
            }
        }
        ask.stage(case, &[Stage::RollingOut])?;
        let (Some(plan), Some(running), Some(wave)) = (&case.plan, &case.running, case.wave()) else {
            return Err(Refusal::wrong_state("no wave has started"));
        };
        let experiment = ask.experiment(&case.experiment)?;
        match &self.measurement {
            Measurement::Outside(_) if wave.kind == WaveKind::Safety => Err(Refusal::new(
                RefusalCode::SafetyWaveHasNoVerdict,
                format!("the wave that runs exposes {} % to look for harm only", wave.percent),
            )),
            Measurement::Outside(outside) => self.outside(ask, case, experiment, outside),
            Measurement::Own(look) => {
                let looking = Looking { ask, case, experiment, plan, running, kind: wave.kind, look };
                looking.events(self.drift)
            }
        }
    }

    fn outside(
        &self,
        ask: &Ask<'_>,
        case: &Case,
        experiment: &Experiment,
        outside: &Outside,
    ) -> Result<Vec<Event>, Refusal> {
        let kind = outside.kind(experiment.metric.kind);
        let question = Question::of(experiment).ok();
        let corrected = question.map(|question| (question.levels.scale, question.corrected));
        let policy = ask.state.policy_of(case);
        let judged = outside.judge(kind, experiment.metric.direction, policy, policy.alpha, corrected)?;
        let (control, treatment) = (outside.control.level(kind)?, outside.treatment.level(kind)?);
        let replicated = question.and_then(|Question { levels, original, .. }| {
            let scale = levels.scale;
            let effect = estimate::effect(scale, &control, &treatment).ok()?;
            let rollout = Rollout { estimate: effect.value, se: effect.se, interval: None };
            Some(Replicated::of(case, &original, &rollout, scale, Told::of(kind)))
        });
        let source = [&self.source, &outside.source].into_iter().find_map(|source| stated(source.as_deref()));
        let reported = *ask.actor != Actor::System;
        let measured = Measured {
            self_reported: reported.then(|| source.unwrap_or("source not stated").to_owned()),
            engine: engine(),
            drift_reported: self.drift,
            ..Measured::new(ask, case, experiment, judged, control, treatment, replicated)
        };
        Ok(vec![
            MeasurementRecorded { case: case.id.clone(), measured: Box::new(measured), monitor: None }.into(),
        ])
    }
}

/// The version of the statistics that made a judgement.
pub(crate) fn engine() -> String {
    concat!("tenure ", env!("CARGO_PKG_VERSION")).to_owned()
}

pub(crate) struct Replicated {
    replication: Option<Replication>,
    deviating: Option<Label>,
}

impl Replicated {
    pub(crate) fn of(case: &Case, original: &Original, rollout: &Rollout, scale: Scale, told: Told) -> Self {
        let deviates = !case.ledger.deviations.is_empty();
        let deviating = deviates
            .then(|| replication::replicate_deviating(original, rollout, scale, 0.25).ok())
            .flatten()
            .map(|replication| replication.label);
        let replication = replication::replicate(original, rollout, scale).ok();
        Self { replication: replication.map(|replication| replication.told(told)), deviating }
    }
}

impl Measured {
    pub(crate) fn new(
        ask: &Ask<'_>,
        case: &Case,
        experiment: &Experiment,
        judged: Judged,
        control: Level,
        treatment: Level,
        replicated: Option<Replicated>,
    ) -> Self {
        let (replication, deviating) =
            replicated.map_or((None, None), |replicated| (replicated.replication, replicated.deviating));
        Self {
            number: case.measurements.count + 1,
            iteration: case.iteration,
            on: ask.owner_date(case),
            verdict: judged.verdict,
            self_reported: None,
            engine: String::new(),
            inputs: None,
            drift: drift(experiment, &control),
            control,
            treatment,
            judged,
            replication,
            deviating,
            guardrails: Vec::new(),
            by_day: None,
            needs_justification: false,
            drift_reported: false,
            provisional_units: 0,
            units_in_two_arms: 0,
            health: Vec::new(),
            moments: Vec::new(),
            guardrail_moments: Vec::new(),
        }
    }
}

fn drift(experiment: &Experiment, control: &Level) -> Option<Drift> {
    let before = experiment.measurement.control.level(experiment.metric.kind).ok()?;
    let moved = estimate::difference(&before, control).ok()?;
    Some(Drift { experiment: before.value, rollout: control.value, p_value: moved.p_value() })
}

impl MeasurementRecorded {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        let measurements = &mut case.measurements;
        measurements.count = self.measured.number;
        if let Some(monitor) = &self.monitor {
            measurements.monitor = monitor.clone();
            measurements.looked = Some(stamp.at);
        }
        for look in &self.measured.guardrails {
            if let Some(design) = look.design {
                measurements.guardrails.insert(look.metric.clone(), design);
            }
        }
        let judged = &self.measured.judged;
        if let (Some(estimate), Some(interval)) = (judged.estimate, judged.interval) {
            let units = self.measured.control.n + self.measured.treatment.n;
            let point = Point {
                at: stamp.at,
                units,
                estimate,
                interval,
                bounds: judged.bounds,
                own: self.monitor.is_some(),
            };
            point.put_on(&mut measurements.track);
        }
        measurements.latest = Some(Measured::clone(&self.measured));
        if self.measured.verdict.is_judged() {
            measurements.judged.push(Measured::clone(&self.measured));
            case.enter(Stage::Outcome, stamp);
        }
    }
}
