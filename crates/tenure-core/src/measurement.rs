//! Measurements of a rollout: the system's own looks, and counts that somebody else made. This file alone talks to
//! the statistics; what they said is recorded, so that applying an entry never computes anything.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use tenure_stats::estimate::{self, Scale};
use tenure_stats::guardrail;
use tenure_stats::moments::Moments;
use tenure_stats::replication::{self, Corrected, Label, Original, Replication, Rollout};
use tenure_stats::verdict::{self, Judged, Monitor};
use tenure_stats::wave::{self, Epoch};
use tenure_stats::{CannotSay, normal};

use crate::case::{Case, Stage};
use crate::codebase::stated;
use crate::decide::Ask;
use crate::event::Event;
use crate::experiment::Experiment;
use crate::hold::{Cause, ExposureHeld};
use crate::id::{CaseId, MetricId};
use crate::metric::{Direction, MetricKind};
use crate::person::{Role, Seat};
use crate::policy::Policy;
use crate::refusal::{Refusal, RefusalCode};
use crate::rollout::{Plan, Running, WaveKind};
use crate::time::{Stamp, days_later};

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
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
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

    /// The level of the arm; with fewer than two units its variance says nothing and is 0.
    fn level(&self, kind: MetricKind) -> Result<Level, Refusal> {
        let moments = self.moments()?;
        match (self, moments.n()) {
            (Self::Level(level), _) => Ok(*level),
            (_, 0 | 1) => Ok(Level { n: moments.n(), value: moments.mean(), variance: 0.0 }),
            _ => Level::of(kind, &moments).map_err(|fault| Refusal::argument(fault.to_string())),
        }
    }
}

/// Counts that somebody else made: one look of a fixed design.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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

/// The system's own look: what the query engine returned, by epoch of first exposure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnLook {
    /// Matured units of the primary metric.
    pub epochs: Vec<EpochArms>,
    /// Matured units of the guardrails.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guardrails: Vec<GuardrailArms>,
    /// Units whose window has not passed.
    #[serde(default)]
    pub provisional_units: u64,
    /// Units that were seen in both arms, and count in neither.
    #[serde(default)]
    pub units_in_two_arms: u64,
    /// A failed check of the data, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// The engine that returned it, with its version.
    #[serde(default)]
    pub engine: String,
    /// A digest of what it read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<String>,
}

/// The arms of one epoch of the allocation log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochArms {
    /// Which epoch.
    pub epoch: u32,
    /// The control arm.
    pub control: Arm,
    /// The treatment arm.
    pub treatment: Arm,
}

/// The arms of a guardrail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GuardrailArms {
    /// Which metric.
    pub metric: MetricId,
    /// Its arms, by epoch.
    pub epochs: Vec<EpochArms>,
}

/// What was measured: by the system, or by somebody else.
#[derive(Clone, Debug, PartialEq, Serialize)]
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

/// What is frozen when the first wave of an iteration starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Design {
    /// The plan of the looks.
    pub plan: verdict::Plan,
    /// The experiment's effect on the plan's scale, as it was reported.
    pub original: Original,
    /// The same less its selection.
    pub corrected: Corrected,
    /// Units an arm at the planned end.
    pub planned_n: u64,
}

/// The largest share of units seen in both arms before nothing can be believed.
pub const TWO_ARMS_SHARE_MAX: f64 = 0.01;

/// Largest samples are this much larger than a fixed design's, for being looked at any time (28 looks, 80 % power).
const LOOKING_COSTS: f64 = 1.12;

/// The experiment's effect on the scale the rollout is compared on: relative when both arms carry a lift.
fn original_of(experiment: &Experiment) -> Result<(Scale, Original), CannotSay> {
    let kind = experiment.metric.kind;
    let level = |arm: &Arm| arm.level(kind).map_err(|_| CannotSay::NonFinite);
    let (control, treatment) =
        (level(&experiment.measurement.control)?, level(&experiment.measurement.treatment)?);
    let lifts = control.carries_lift().is_ok() && treatment.carries_lift().is_ok();
    let scale = if lifts { Scale::Relative } else { Scale::Absolute };
    let effect = estimate::effect(scale, &control, &treatment)?;
    Ok((scale, Original::new(effect.value, effect.se)))
}

impl Design {
    /// The design of one iteration's measurement, from the experiment and the rollout plan.
    ///
    /// Without a planned size, the one that finds the corrected original with 80 % power: the standard error it
    /// takes is `θo*/(z₀.₀₂₅ + z₀.₂)`, and looking at any time costs 12 % more units.
    pub(crate) fn new(
        experiment: &Experiment,
        plan: &Plan,
        policy: &Policy,
        iteration: u32,
    ) -> Result<Self, CannotSay> {
        let (scale, original) = original_of(experiment)?;
        let corrected = replication::correct(original.estimate, original.se, original.selected_at)?;
        let kind = experiment.metric.kind;
        let level = |arm: &Arm| arm.level(kind).map_err(|_| CannotSay::NonFinite);
        let (control, treatment) =
            (level(&experiment.measurement.control)?, level(&experiment.measurement.treatment)?);
        let odds = plan.treatment_share / (1.0 - plan.treatment_share);
        let se_at = |control_n: u64| {
            let treatment_n = (control_n as f64 * odds).round().max(1.0) as u64;
            verdict::Plan::se_at(scale, &control, &treatment, control_n, treatment_n)
        };
        let planned_n = match plan.planned_n.filter(|n| *n > 0) {
            Some(n) => n,
            None => {
                const PROBE: u64 = 1_000_000;
                let wanted = corrected.estimate.abs() / (normal::isf(0.025) + normal::isf(0.2));
                let ratio = se_at(PROBE)? / wanted;
                (PROBE as f64 * ratio * ratio * LOOKING_COSTS).ceil().clamp(1.0, 1e15) as u64
            }
        };
        let direction = experiment.metric.direction;
        let plan = verdict::Plan::new(kind, direction, scale, policy.alpha, iteration, se_at(planned_n)?)?;
        Ok(Self { plan, original, corrected, planned_n })
    }
}

/// How the level of the control moved since the experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// The control's level in the experiment.
    pub experiment: f64,
    /// The control's level in the rollout.
    pub rollout: f64,
    /// How surely they differ: two-sided.
    pub p_value: f64,
}

/// What a guardrail said at a look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GuardrailLook {
    /// Which metric.
    pub metric: MetricId,
    /// How it is judged; frozen at the first look that could say anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub design: Option<guardrail::Guardrail>,
    /// The scale of the estimate.
    pub scale: Scale,
    /// What it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged: Option<guardrail::Judged>,
    /// Why it said nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cannot_say: Option<CannotSay>,
}

/// A measurement, and everything that was concluded from it then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// A digest of what the engine read.
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
}

/// One look on the chart of an iteration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// When.
    pub at: Timestamp,
    /// Matured units in both arms.
    pub units: u64,
    /// The effect.
    pub estimate: f64,
    /// Its interval, of the bound in force.
    pub interval: [f64; 2],
}

/// The most points kept for the chart; more are thinned by leaving out every other.
const POINTS_MAX: usize = 256;

/// What a case measured, and what the next look has to know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasurementRecorded {
    /// Of which case.
    pub case: CaseId,
    /// What was measured and concluded.
    #[serde(flatten)]
    pub measured: Measured,
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
                let seats = [Role::ProductManager, Role::Importer].map(Seat::Role);
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
        let original = original_of(experiment).ok();
        let corrected = original.as_ref().and_then(|(scale, original)| {
            let corrected = replication::correct(original.estimate, original.se, original.selected_at);
            corrected.ok().map(|corrected| (*scale, corrected))
        });
        let policy = ask.state.policy_of(case);
        let judged = outside.judge(kind, experiment.metric.direction, policy, policy.alpha, corrected)?;
        let (control, treatment) = (outside.control.level(kind)?, outside.treatment.level(kind)?);
        let replicated = original.as_ref().and_then(|(scale, original)| {
            let effect = estimate::effect(*scale, &control, &treatment).ok()?;
            let rollout = Rollout { estimate: effect.value, se: effect.se, interval: None };
            Some(Replicated::of(case, original, &rollout, *scale))
        });
        let source = [&self.source, &outside.source].into_iter().find_map(|source| stated(source.as_deref()));
        let measured = Measured {
            self_reported: Some(source.unwrap_or("source not stated").to_owned()),
            engine: engine(),
            drift_reported: self.drift,
            ..Measured::new(ask, case, experiment, judged, control, treatment, replicated)
        };
        Ok(vec![MeasurementRecorded { case: case.id.clone(), measured, monitor: None }.into()])
    }
}

/// The version of the statistics that made a judgement.
fn engine() -> String {
    concat!("tenure ", env!("CARGO_PKG_VERSION")).to_owned()
}

struct Replicated {
    replication: Option<Replication>,
    deviating: Option<Label>,
}

impl Replicated {
    fn of(case: &Case, original: &Original, rollout: &Rollout, scale: Scale) -> Self {
        let deviates = !case.ledger.deviations.is_empty();
        let deviating = deviates
            .then(|| replication::replicate_deviating(original, rollout, scale, 0.25).ok())
            .flatten()
            .map(|replication| replication.label);
        Self { replication: replication::replicate(original, rollout, scale).ok(), deviating }
    }
}

impl Measured {
    fn new(
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
            on: ask.now.today,
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
            needs_justification: false,
            drift_reported: false,
            provisional_units: 0,
            units_in_two_arms: 0,
        }
    }
}

fn drift(experiment: &Experiment, control: &Level) -> Option<Drift> {
    let before = experiment.measurement.control.level(experiment.metric.kind).ok()?;
    let moved = estimate::difference(&before, control).ok()?;
    Some(Drift { experiment: before.value, rollout: control.value, p_value: moved.p_value() })
}

/// One own look being taken.
struct Looking<'a> {
    ask: &'a Ask<'a>,
    case: &'a Case,
    experiment: &'a Experiment,
    plan: &'a Plan,
    running: &'a Running,
    kind: WaveKind,
    look: &'a OwnLook,
}

impl Looking<'_> {
    fn events(&self, drift_reported: bool) -> Result<Vec<Event>, Refusal> {
        let Some(design) = &self.case.measurements.design else {
            return Err(Refusal::wrong_state("this iteration has no design to look by"));
        };
        let kind = design.plan.kind;
        let epochs = self.epochs(kind, &self.look.epochs)?;
        let look = verdict::Look {
            wave: match self.kind {
                WaveKind::Safety => verdict::Wave::Safety,
                WaveKind::Measure => verdict::Wave::Measured,
            },
            minimum_duration_passed: self.has_lasted(self.running.measured_since, self.plan.min_days),
            largest_duration_reached: self.has_lasted(Some(self.running.started_on), self.plan.max_days),
            fault: self.fault(&epochs),
            original: Some(design.corrected),
            epochs,
        };
        let (monitor, judged) = verdict::look(&design.plan, &self.case.measurements.monitor, &look)
            .map_err(|fault| Refusal::argument(format!("measurement cannot be judged: {fault}")))?;
        let replicated = judged.estimate.zip(judged.se).map(|(estimate, se)| {
            let rollout = Rollout { estimate, se, interval: judged.interval };
            Replicated::of(self.case, &design.original, &rollout, design.plan.scale)
        });
        let guardrails = self.guardrails()?;
        let harm = judged.harm.then(|| judged.sentence.clone());
        let (control, treatment) =
            (pooled(&look.epochs, |epoch| &epoch.control), pooled(&look.epochs, |epoch| &epoch.treatment));
        let measured = Measured {
            engine: if self.look.engine.is_empty() { engine() } else { self.look.engine.clone() },
            inputs: self.look.inputs.clone(),
            needs_justification: judged.verdict == Verdict::Positive
                && says(&guardrails, guardrail::State::Worse),
            guardrails,
            drift_reported,
            provisional_units: self.look.provisional_units,
            units_in_two_arms: self.look.units_in_two_arms,
            ..Measured::new(self.ask, self.case, self.experiment, judged, control, treatment, replicated)
        };
        let cause = harmed(&measured.guardrails).map(Cause::Guardrail).or(harm.map(Cause::Harm));
        let id = &self.case.id;
        let mut events =
            vec![MeasurementRecorded { case: id.clone(), measured, monitor: Some(monitor) }.into()];
        events.extend(
            cause
                .filter(|_| self.case.hold.is_none())
                .map(|cause| ExposureHeld { case: id.clone(), cause }.into()),
        );
        Ok(events)
    }

    fn epochs(&self, kind: MetricKind, arms: &[EpochArms]) -> Result<Vec<Epoch>, Refusal> {
        arms.iter()
            .map(|arms| {
                Ok(Epoch {
                    index: arms.epoch,
                    control: arms.control.level(kind)?,
                    treatment: arms.treatment.level(kind)?,
                    treatment_share: self.plan.treatment_share,
                })
            })
            .collect()
    }

    fn has_lasted(&self, since: Option<Date>, days: u32) -> bool {
        since.is_some_and(|since| self.ask.now.today >= days_later(since, i64::from(days)))
    }

    fn fault(&self, epochs: &[Epoch]) -> Option<String> {
        let units: u64 = epochs.iter().map(|epoch| epoch.control.n + epoch.treatment.n).sum();
        let twice = self.look.units_in_two_arms;
        let share = twice as f64 / (units + twice).max(1) as f64;
        let audit = (share > TWO_ARMS_SHARE_MAX)
            .then(|| format!("{twice} units were seen in both arms, {:.1} % of all", share * 100.0));
        self.look.fault.clone().or(audit)
    }

    fn guardrails(&self) -> Result<Vec<GuardrailLook>, Refusal> {
        self.look.guardrails.iter().map(|arms| self.guardrail(arms)).collect()
    }

    fn guardrail(&self, arms: &GuardrailArms) -> Result<GuardrailLook, Refusal> {
        let metric = self
            .ask
            .state
            .metrics
            .get(&arms.metric)
            .ok_or_else(|| Refusal::not_found("metric", &arms.metric))?;
        let margin = self
            .plan
            .guardrails
            .iter()
            .find(|guardrail| guardrail.metric == arms.metric)
            .map(|guardrail| guardrail.margin)
            .ok_or_else(|| Refusal::not_found("guardrail of this rollout", &arms.metric))?;
        let epochs = self.epochs(metric.kind, &arms.epochs)?;
        // Margins are relative, so the estimate is too: on the log scale "m worse" is ln(1 + m) or ln(1 − m).
        let scale = Scale::Relative;
        let margin = match metric.direction {
            Direction::Increase => -(-margin).ln_1p(),
            Direction::Decrease => margin.ln_1p(),
        };
        let judged = wave::stratify(metric.kind, scale, &epochs).and_then(|stratified| {
            let design = match self.case.measurements.guardrails.get(&arms.metric) {
                Some(frozen) => *frozen,
                None => {
                    let count = u32::try_from(self.plan.guardrails.len()).unwrap_or(u32::MAX);
                    guardrail::Guardrail::new(
                        metric.direction,
                        margin,
                        count,
                        self.planned_se(&epochs, stratified.effect.se),
                    )?
                }
            };
            Ok((design, guardrail::judge(&design, &stratified.effect)?))
        });
        let metric = arms.metric.clone();
        Ok(match judged {
            Ok((design, judged)) => {
                GuardrailLook { metric, design: Some(design), scale, judged: Some(judged), cannot_say: None }
            }
            Err(why) => GuardrailLook { metric, design: None, scale, judged: None, cannot_say: Some(why) },
        })
    }

    /// The standard error expected at the planned end, scaled from the first look: `SE ∝ 1/√n`.
    fn planned_se(&self, epochs: &[Epoch], se: f64) -> f64 {
        let units: u64 = epochs.iter().map(|epoch| epoch.control.n.min(epoch.treatment.n)).sum();
        let planned = self.case.measurements.design.as_ref().map_or(units, |design| design.planned_n);
        se * (units.max(1) as f64 / planned.max(1) as f64).sqrt()
    }
}

fn says(guardrails: &[GuardrailLook], state: guardrail::State) -> bool {
    guardrails.iter().any(|look| look.judged.is_some_and(|judged| judged.state == state))
}

fn harmed(guardrails: &[GuardrailLook]) -> Option<String> {
    guardrails
        .iter()
        .find(|look| look.judged.is_some_and(|judged| judged.state == guardrail::State::Harmed))
        .map(|look| look.metric.to_string())
}

/// An arm's level over all epochs: unit-weighted, for showing and for the baseline, never for the effect.
fn pooled(epochs: &[Epoch], arm: impl Fn(&Epoch) -> &Level) -> Level {
    let n: u64 = epochs.iter().map(|epoch| arm(epoch).n).sum();
    let weight = |level: &Level| level.n as f64 / n.max(1) as f64;
    let value = epochs.iter().map(&arm).map(|level| weight(level) * level.value).sum();
    let variance = epochs.iter().map(&arm).map(|level| weight(level) * level.variance).sum();
    Level { n, value, variance }
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
            measurements.track.push(Point { at: stamp.at, units, estimate, interval });
            if measurements.track.len() > POINTS_MAX {
                let mut at = 0;
                measurements.track.retain(|_| {
                    at += 1;
                    at % 2 == 1
                });
            }
        }
        measurements.latest = Some(self.measured.clone());
        if self.measured.verdict.is_judged() {
            measurements.judged.push(self.measured.clone());
            case.enter(Stage::Outcome, stamp);
        }
    }
}
