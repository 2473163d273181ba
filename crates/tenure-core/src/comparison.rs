//! Two arms compared at one look, by rules that were frozen before: the step that a rollout's look and an experiment's share.
//!
//! It knows neither cases nor experiments. What a look comes to for either of them is `look.rs`' and `run/looking.rs`'
//! business.

use std::collections::BTreeMap;

use tenure_stats::estimate::Scale;
use tenure_stats::guardrail;
use tenure_stats::novelty::{self, Novelty};
use tenure_stats::replication::Corrected;
use tenure_stats::verdict::{self, Judged, Monitor};
use tenure_stats::wave::{self, Epoch};

use crate::id::MetricId;
use crate::look::{DaysSeen, EpochArms, GuardrailArms, GuardrailLook};
use crate::measurement::Level;
use crate::metric::{Direction, MetricKind};
use crate::refusal::Refusal;
use crate::rollout::Guardrail;
use crate::state::State;

/// The largest share of units seen in more than one arm before nothing can be believed.
pub const TWO_ARMS_SHARE_MAX: f64 = 0.01;

/// How two arms are compared.
pub(crate) struct Comparison<'a> {
    pub state: &'a State,
    /// The plan of the looks.
    pub plan: &'a verdict::Plan,
    /// Units an arm at the planned end.
    pub planned_n: u64,
    /// What the looks before remember.
    pub monitor: &'a Monitor,
    /// The effect that is expected, by which "flat" is told from "underpowered".
    pub original: Option<Corrected>,
    /// The share of the units of both arms that is to be treated.
    pub treatment_share: f64,
    /// Metrics that must not get worse.
    pub guardrails: &'a [Guardrail],
    /// How many tests of a guardrail share the error of a false alarm.
    pub guardrail_tests: usize,
    /// How each guardrail is judged, once a look could say anything.
    pub frozen: &'a BTreeMap<MetricId, guardrail::Guardrail>,
    /// What the wave that runs is for.
    pub wave: verdict::Wave,
    /// Whether a positive may fall.
    pub minimum_duration_passed: bool,
    /// Whether an open verdict is closed now.
    pub largest_duration_reached: bool,
    /// Why the data are not to be believed, when they are not.
    pub fault: Option<String>,
}

/// What a look at two arms came to.
pub(crate) struct Compared {
    pub monitor: Monitor,
    pub judged: Judged,
    /// The control's level over all epochs.
    pub control: Level,
    /// The treatment's level over all epochs.
    pub treatment: Level,
    pub guardrails: Vec<GuardrailLook>,
    /// The effect by day since first exposure, where it can be said.
    pub by_day: Option<Novelty>,
}

/// From which day since first exposure an effect counts as settled, unless the plan says otherwise.
const SETTLED_FROM_DAY: u32 = 8;

impl Comparison<'_> {
    /// Judges the arms of each epoch, and the guardrails.
    ///
    /// Refused: arms that are none, a guardrail that is not one of these.
    pub fn look(
        &self,
        arms: &[EpochArms],
        guardrails: &[GuardrailArms],
        by_day: Option<&DaysSeen>,
    ) -> Result<Compared, Refusal> {
        let epochs = self.epochs(self.plan.kind, arms)?;
        let look = verdict::Look {
            epochs,
            wave: self.wave,
            minimum_duration_passed: self.minimum_duration_passed,
            largest_duration_reached: self.largest_duration_reached,
            fault: self.fault.clone(),
            original: self.original,
        };
        let (monitor, judged) = verdict::look(self.plan, self.monitor, &look)
            .map_err(|fault| Refusal::argument(format!("measurement cannot be judged: {fault}")))?;
        Ok(Compared {
            monitor,
            judged,
            control: pooled(&look.epochs, |epoch| &epoch.control),
            treatment: pooled(&look.epochs, |epoch| &epoch.treatment),
            guardrails: guardrails.iter().map(|arms| self.guardrail(arms)).collect::<Result<_, _>>()?,
            by_day: by_day.and_then(|seen| self.by_day(seen)),
        })
    }

    /// The effect by day, on the plan's scale. Its intervals hold all together, at an ordinary 95 %: it is shown, and decides
    /// nothing.
    fn by_day(&self, seen: &DaysSeen) -> Option<Novelty> {
        let question = novelty::Question {
            kind: self.plan.kind,
            scale: self.plan.scale,
            confidence: 0.95,
            simultaneous: true,
            counts_from: self.plan.counts_from_day.unwrap_or(SETTLED_FROM_DAY),
        };
        novelty::by_day(&seen.control, &seen.treatment, &seen.days, &question).ok()
    }

    fn epochs(&self, kind: MetricKind, arms: &[EpochArms]) -> Result<Vec<Epoch>, Refusal> {
        arms.iter()
            .map(|arms| {
                Ok(Epoch {
                    index: arms.epoch,
                    control: arms.control.level(kind)?,
                    treatment: arms.treatment.level(kind)?,
                    treatment_share: self.treatment_share,
                })
            })
            .collect()
    }

    fn guardrail(&self, arms: &GuardrailArms) -> Result<GuardrailLook, Refusal> {
        let metric =
            self.state.metrics.get(&arms.metric).ok_or_else(|| Refusal::not_found("metric", &arms.metric))?;
        let margin = self
            .guardrails
            .iter()
            .find(|guardrail| guardrail.metric == arms.metric)
            .map(|guardrail| guardrail.margin)
            .ok_or_else(|| Refusal::not_found("guardrail of this plan", &arms.metric))?;
        let epochs = self.epochs(metric.kind, &arms.epochs)?;
        // Margins are relative, so the estimate is too: on the log scale "m worse" is ln(1 + m) or ln(1 − m).
        let scale = Scale::Relative;
        let margin = match metric.direction {
            Direction::Increase => -(-margin).ln_1p(),
            Direction::Decrease => margin.ln_1p(),
        };
        let judged = wave::stratify(metric.kind, scale, &epochs).and_then(|stratified| {
            let design = match self.frozen.get(&arms.metric) {
                Some(frozen) => *frozen,
                None => {
                    let count = u32::try_from(self.guardrail_tests).unwrap_or(u32::MAX);
                    let planned = self.planned_se(&epochs, stratified.effect.se);
                    guardrail::Guardrail::new(metric.direction, margin, count, planned)?
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
        se * (units.max(1) as f64 / self.planned_n.max(1) as f64).sqrt()
    }
}

impl Compared {
    /// The guardrail that is harmed, if one is.
    pub fn harmed(&self) -> Option<String> {
        let harmed = self.guardrails.iter().find(|look| look.says(guardrail::State::Harmed));
        harmed.map(|look| look.metric.to_string())
    }

    /// Whether a guardrail is worse, though not shown to be beyond its margin.
    pub fn is_worse(&self) -> bool {
        self.guardrails.iter().any(|look| look.says(guardrail::State::Worse))
    }
}

impl GuardrailLook {
    fn says(&self, state: guardrail::State) -> bool {
        self.judged.is_some_and(|judged| judged.state == state)
    }
}

/// Why a look is not to be believed: what the engine found, or too many of its units in more than one arm.
pub(crate) fn fault(found: Option<&String>, units: u64, in_two_arms: u64) -> Option<String> {
    let share = in_two_arms as f64 / units.saturating_add(in_two_arms).max(1) as f64;
    let audit = (share > TWO_ARMS_SHARE_MAX)
        .then(|| format!("{in_two_arms} units were seen in both arms, {:.1} % of all", share * 100.0));
    found.cloned().or(audit)
}

/// An arm's level over all epochs: unit-weighted, for showing and for the baseline, never for the effect.
fn pooled(epochs: &[Epoch], arm: impl Fn(&Epoch) -> &Level) -> Level {
    let n: u64 = epochs.iter().map(|epoch| arm(epoch).n).sum();
    let weight = |level: &Level| level.n as f64 / n.max(1) as f64;
    let value = epochs.iter().map(&arm).map(|level| weight(level) * level.value).sum();
    let variance = epochs.iter().map(&arm).map(|level| weight(level) * level.variance).sum();
    Level { n, value, variance }
}
