//! The system's own look at a rollout: what the query engine returned, judged by epoch, with its guardrails.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenure_stats::CannotSay;
use tenure_stats::estimate::Scale;
use tenure_stats::guardrail;
use tenure_stats::joint::Joint;
use tenure_stats::replication::{Rollout, Told};
use tenure_stats::verdict;

use crate::case::Case;
use crate::comparison::{self, Compared, Comparison};
use crate::decide::Ask;
use crate::event::Event;
use crate::experiment::Experiment;
use crate::health::{self, DataFinding, DataSeen};
use crate::hold::{Cause, ExposureHeld};
use crate::id::MetricId;
use crate::measurement::{Arm, Measured, MeasurementRecorded, Replicated, Verdict, engine};
use crate::refusal::Refusal;
use crate::rollout::{Plan, Running, WaveKind};
use crate::time::days_later;

pub use crate::comparison::TWO_ARMS_SHARE_MAX;

/// The system's own look: what the query engine returned, by epoch of first exposure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// What was seen of the event log beside the moments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<DataSeen>,
    /// Values of the primary metric by day since first exposure, of matured units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_day: Option<Box<DaysSeen>>,
}

/// Values by day since first exposure in both arms: one variable a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DaysSeen {
    /// The days, the first of exposure being 1.
    pub days: Vec<u32>,
    /// The control arm.
    pub control: Joint,
    /// The treatment arm.
    pub treatment: Joint,
}

impl OwnLook {
    /// Matured units of both arms.
    fn units(&self) -> u64 {
        self.epochs.iter().map(|arms| arms.control.n().saturating_add(arms.treatment.n())).sum()
    }
}

/// The arms of one epoch of the allocation log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EpochArms {
    /// Which epoch.
    pub epoch: u32,
    /// The control arm.
    pub control: Arm,
    /// The treatment arm.
    pub treatment: Arm,
}

/// The arms of a guardrail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GuardrailArms {
    /// Which metric.
    pub metric: MetricId,
    /// Its arms, by epoch.
    pub epochs: Vec<EpochArms>,
}

/// What a guardrail said at a look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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

/// One own look being taken.
pub(crate) struct Looking<'a> {
    pub ask: &'a Ask<'a>,
    pub case: &'a Case,
    pub experiment: &'a Experiment,
    pub plan: &'a Plan,
    pub running: &'a Running,
    pub kind: WaveKind,
    pub look: &'a OwnLook,
}

impl Looking<'_> {
    /// What the look records: the measurement, and a hold when it shows harm.
    pub fn events(&self, drift_reported: bool) -> Result<Vec<Event>, Refusal> {
        let Some(design) = &self.case.measurements.design else {
            return Err(Refusal::wrong_state("this iteration has no design to look by"));
        };
        let kind = design.plan.kind;
        let compared = Comparison {
            state: self.ask.state,
            plan: &design.plan,
            planned_n: design.planned_n,
            monitor: &self.case.measurements.monitor,
            original: Some(design.corrected),
            treatment_share: self.plan.treatment_share,
            guardrails: &self.plan.guardrails,
            guardrail_tests: self.plan.guardrails.len(),
            frozen: &self.case.measurements.guardrails,
            wave: match self.kind {
                WaveKind::Safety => verdict::Wave::Safety,
                WaveKind::Measure => verdict::Wave::Measured,
            },
            minimum_duration_passed: self.has_lasted(self.running.measured_since, self.plan.min_days),
            largest_duration_reached: self.has_lasted(Some(self.running.started_on), self.plan.max_days),
            fault: comparison::fault(
                self.look.fault.as_ref(),
                self.look.units(),
                self.look.units_in_two_arms,
            ),
        }
        .look(&self.look.epochs, &self.look.guardrails, self.look.by_day.as_deref())?;
        let (harmed, is_worse) = (compared.harmed(), compared.is_worse());
        let Compared { monitor, judged, control, treatment, guardrails, by_day } = compared;
        let replicated = judged.estimate.zip(judged.se).map(|(estimate, se)| {
            let rollout = Rollout { estimate, se, interval: judged.interval };
            // The bound in force spends the plan's alpha; without one the interval is an ordinary one.
            let told = match judged.interval {
                Some(_) => Told { confidence: 1.0 - design.plan.alpha, ..Told::of(kind) },
                None => Told::of(kind),
            };
            Replicated::of(self.case, &design.original, &rollout, design.plan.scale, told)
        });
        let harm = judged.harm.then(|| judged.sentence.clone());
        let measured = Measured {
            engine: if self.look.engine.is_empty() { engine() } else { self.look.engine.clone() },
            inputs: self.look.inputs.clone(),
            needs_justification: judged.verdict == Verdict::Positive && is_worse,
            guardrails,
            by_day,
            drift_reported,
            provisional_units: self.look.provisional_units,
            units_in_two_arms: self.look.units_in_two_arms,
            ..Measured::new(self.ask, self.case, self.experiment, judged, control, treatment, replicated)
        };
        let measured = Measured {
            health: self.health(&measured),
            moments: self.look.epochs.clone(),
            guardrail_moments: self.look.guardrails.clone(),
            ..measured
        };
        let cause = harmed.map(Cause::Guardrail).or(harm.map(Cause::Harm));
        let id = &self.case.id;
        let mut events = vec![
            MeasurementRecorded { case: id.clone(), measured: Box::new(measured), monitor: Some(monitor) }
                .into(),
        ];
        events.extend(
            cause
                .filter(|_| self.case.hold.is_none())
                .map(|cause| ExposureHeld { case: id.clone(), cause }.into()),
        );
        Ok(events)
    }

    fn has_lasted(&self, since: Option<Date>, days: u32) -> bool {
        since.is_some_and(|since| self.ask.owner_date(self.case) >= days_later(since, i64::from(days)))
    }

    fn health(&self, measured: &Measured) -> Vec<DataFinding> {
        let context = health::Context {
            now: self.ask.now.at,
            shares: &[1.0 - self.plan.treatment_share, self.plan.treatment_share],
            srm_p: self.ask.state.policy_of(self.case).srm_p,
            units_in_two_arms: self.look.units_in_two_arms,
            two_arms_share_max: TWO_ARMS_SHARE_MAX,
            drift: measured.drift.as_ref(),
            unit: &self.plan.unit,
            what: "rollout",
        };
        self.look.seen.as_ref().map(|seen| seen.findings(&context)).unwrap_or_default()
    }
}
