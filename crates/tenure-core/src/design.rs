//! The design of a rollout's measurement: what is frozen when the first wave of an iteration starts, so that no look can
//! change the question.

use serde::{Deserialize, Serialize};
use tenure_stats::estimate::{self, Scale};
use tenure_stats::replication::{self, Corrected, Original};
use tenure_stats::{CannotSay, normal, verdict};

use crate::experiment::Experiment;
use crate::measurement::Arm;
use crate::policy::Policy;
use crate::rollout::Plan;

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

/// Largest samples are this much larger than a fixed design's, for being looked at any time (28 looks, 80 % power).
const LOOKING_COSTS: f64 = 1.12;

/// The experiment's effect on the scale the rollout is compared on: relative when both arms carry a lift.
pub(crate) fn original_of(experiment: &Experiment) -> Result<(Scale, Original), CannotSay> {
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
