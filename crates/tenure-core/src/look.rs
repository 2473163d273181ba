//! The system's own look at a rollout: what the query engine returned, judged by epoch, with its guardrails.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenure_stats::CannotSay;
use tenure_stats::estimate::Scale;
use tenure_stats::guardrail;
use tenure_stats::replication::{Rollout, Told};
use tenure_stats::verdict;
use tenure_stats::wave::{self, Epoch};

use crate::case::Case;
use crate::decide::Ask;
use crate::event::Event;
use crate::experiment::Experiment;
use crate::health::{self, DataFinding, DataSeen};
use crate::hold::{Cause, ExposureHeld};
use crate::id::MetricId;
use crate::measurement::{Arm, Level, Measured, MeasurementRecorded, Replicated, Verdict, engine};
use crate::metric::{Direction, MetricKind};
use crate::refusal::Refusal;
use crate::rollout::{Plan, Running, WaveKind};
use crate::time::days_later;

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

/// The largest share of units seen in both arms before nothing can be believed.
pub const TWO_ARMS_SHARE_MAX: f64 = 0.01;

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
            // The bound in force spends the plan's alpha; without one the interval is an ordinary one.
            let told = match judged.interval {
                Some(_) => Told { confidence: 1.0 - design.plan.alpha, ..Told::of(kind) },
                None => Told::of(kind),
            };
            Replicated::of(self.case, &design.original, &rollout, design.plan.scale, told)
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
        let measured = Measured {
            health: self.health(&measured),
            moments: self.look.epochs.clone(),
            guardrail_moments: self.look.guardrails.clone(),
            ..measured
        };
        let cause = harmed(&measured.guardrails).map(Cause::Guardrail).or(harm.map(Cause::Harm));
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
        since.is_some_and(|since| self.ask.owner_date(self.case) >= days_later(since, i64::from(days)))
    }

    fn health(&self, measured: &Measured) -> Vec<DataFinding> {
        let context = health::Context {
            now: self.ask.now.at,
            treatment_share: self.plan.treatment_share,
            srm_p: self.ask.state.policy_of(self.case).srm_p,
            units_in_two_arms: self.look.units_in_two_arms,
            two_arms_share_max: TWO_ARMS_SHARE_MAX,
            drift: measured.drift.as_ref(),
            unit: &self.plan.unit,
        };
        self.look.seen.as_ref().map(|seen| seen.findings(&context)).unwrap_or_default()
    }

    fn fault(&self, epochs: &[Epoch]) -> Option<String> {
        let units: u64 = epochs.iter().map(|epoch| epoch.control.n + epoch.treatment.n).sum();
        let twice = self.look.units_in_two_arms;
        let share = twice as f64 / units.saturating_add(twice).max(1) as f64;
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
