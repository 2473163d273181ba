//! The design of a rollout's measurement: what is frozen when the first wave of an iteration starts, so that no look can
//! change the question.

use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenure_stats::estimate::{self, Level, Scale};
use tenure_stats::power::{self, Cost};
use tenure_stats::replication::{self, Corrected, Original};
use tenure_stats::{CannotSay, verdict};

use crate::experiment::Experiment;
use crate::measurement::Arm;
use crate::policy::Policy;
use crate::rollout::Plan;

/// What is frozen when the first wave of an iteration starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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

/// How many looks a rollout is planned with, and how surely it finds its effect.
const LOOKS: u32 = 28;
const POWER: f64 = 0.8;

/// The levels that say how many units an answer takes, and the scale on which the arms are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Levels {
    pub scale: Scale,
    pub control: Level,
    pub treatment: Level,
}

impl Levels {
    /// On the relative scale when both arms carry a lift.
    pub fn new(control: Level, treatment: Level) -> Self {
        let lifts = control.carries_lift().is_ok() && treatment.carries_lift().is_ok();
        Self { scale: if lifts { Scale::Relative } else { Scale::Absolute }, control, treatment }
    }

    /// The standard error with so many control units, and `odds` treatment units for each.
    pub fn se_at(&self, control_n: u64, odds: f64) -> Result<f64, CannotSay> {
        let treatment_n = (control_n as f64 * odds).round().max(1.0) as u64;
        verdict::Plan::se_at(self.scale, &self.control, &self.treatment, control_n, treatment_n)
    }

    /// Control units at which a fixed look finds an effect that stands `drift` standard errors above zero.
    fn control_units(&self, effect: f64, drift: f64, odds: f64) -> Result<f64, CannotSay> {
        const PROBE: u64 = 1_000_000;
        let ratio = self.se_at(PROBE, odds)? / (effect.abs() / drift);
        Ok(PROBE as f64 * ratio * ratio)
    }

    /// Control units at which an effect is found with 80 % power when it may be looked at any time.
    ///
    /// The standard error it takes is `effect/(z_{α/2} + z₀.₂)`, and looking at any time costs 12 % more units at α = 5 %
    /// ([`power::Design::cost`]).
    pub fn planned_n(&self, effect: f64, alpha: f64, odds: f64) -> Result<u64, CannotSay> {
        let units = self.control_units(effect, drift(alpha)?, odds)?;
        Ok((units * looking(alpha)?.largest).ceil().clamp(1.0, 1e15) as u64)
    }
}

/// What a rollout asks: the experiment's effect on the scale both are compared on, and the levels that say how many units
/// an answer takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Question {
    pub levels: Levels,
    pub original: Original,
    pub corrected: Corrected,
}

impl Question {
    pub fn of(experiment: &Experiment) -> Result<Self, CannotSay> {
        let kind = experiment.metric.kind;
        let level = |arm: &Arm| arm.level(kind).map_err(|_| CannotSay::NonFinite);
        let levels =
            Levels::new(level(&experiment.measurement.control)?, level(&experiment.measurement.treatment)?);
        let effect = estimate::effect(levels.scale, &levels.control, &levels.treatment)?;
        let reported = Original::new(effect.value, effect.se);
        let original = match &experiment.run {
            Some(run) if run.arms > 1 => reported.best_of(run.arms, verdict::ALPHA),
            _ => reported,
        };
        let corrected = replication::correct(original.estimate, original.se, original.selected_at)?;
        Ok(Self { levels, original, corrected })
    }
}

/// What a rollout costs that finds a share of the corrected effect with 80 % power, at one treatment unit for each of
/// control.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RolloutCost {
    /// The share of the corrected effect that it looks for.
    pub share: f64,
    /// Units in both arms that a single look at the end would take.
    pub single_look_units: u64,
    /// That, over the experiment's units.
    pub times_experiment: f64,
    /// The most units in both arms that it takes when it may be looked at any time.
    pub largest_units: u64,
    /// The units it is expected to take then, when the effect is there.
    pub expected_units: u64,
    /// Days until the most are there, when every unit is admitted and the audience is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub largest_days: Option<f64>,
    /// Days until the expected are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_days: Option<f64>,
}

/// What being looked at any time costs; the usual error rate's is remembered, because a page asks for it again and again.
fn looking(alpha: f64) -> Result<Cost, CannotSay> {
    static USUAL: OnceLock<Result<Cost, CannotSay>> = OnceLock::new();
    let cost = |alpha| power::Design::Standard.cost(LOOKS, alpha, POWER);
    if alpha == verdict::ALPHA { *USUAL.get_or_init(|| cost(alpha)) } else { cost(alpha) }
}

/// How many standard errors above zero an effect stands that a single look finds with the power; counted, as the cost of
/// looking is, on the good side only.
fn drift(alpha: f64) -> Result<f64, CannotSay> {
    power::drift(0.5 * alpha, POWER, power::Tails::One)
}

impl RolloutCost {
    /// For all of the corrected effect, and for half of it.
    pub(crate) fn of(
        experiment: &Experiment,
        alpha: f64,
        audience_per_year: Option<f64>,
    ) -> Result<Vec<Self>, CannotSay> {
        let question = Question::of(experiment)?;
        let (drift, looking) = (drift(alpha)?, looking(alpha)?);
        let levels = question.levels;
        let had = levels.control.n.saturating_add(levels.treatment.n) as f64;
        let days = |units: f64| audience_per_year.map(|audience| units / (audience / 365.0));
        let whole = |units: f64| units.ceil().min(1e18) as u64;
        let cost = |share: f64| {
            let units = 2.0 * levels.control_units(share * question.corrected.estimate, drift, 1.0)?;
            let (largest, expected) = (units * looking.largest, units * looking.expected);
            Ok(Self {
                share,
                single_look_units: whole(units),
                times_experiment: units / had,
                largest_units: whole(largest),
                expected_units: whole(expected),
                largest_days: days(largest),
                expected_days: days(expected),
            })
        };
        [1.0, 0.5].map(cost).into_iter().collect()
    }
}

impl Design {
    /// The design of one iteration's measurement, from the experiment and the rollout plan: without a planned size, the one
    /// that finds the corrected original.
    pub(crate) fn new(
        experiment: &Experiment,
        plan: &Plan,
        policy: &Policy,
        iteration: u32,
    ) -> Result<Self, CannotSay> {
        let Question { levels, original, corrected } = Question::of(experiment)?;
        let odds = plan.treatment_share / (1.0 - plan.treatment_share);
        let planned_n = match plan.planned_n.filter(|n| *n > 0) {
            Some(n) => n,
            None => levels.planned_n(corrected.estimate, policy.alpha, odds)?,
        };
        let (kind, direction) = (experiment.metric.kind, experiment.metric.direction);
        let se = levels.se_at(planned_n, odds)?;
        let plan = verdict::Plan::new(kind, direction, levels.scale, policy.alpha, iteration, se)?;
        Ok(Self { plan, original, corrected, planned_n })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::RunResult;

    /// An experiment of a mean whose difference stands `z` standard errors above zero.
    fn experiment(z: f64) -> Experiment {
        let arm = |mean: f64| serde_json::json!({"n": 10_000, "mean": mean, "variance": 5_000.0});
        serde_json::from_value(serde_json::json!({
            "team": "t", "metric": {"name": "m", "kind": "mean", "direction": "increase", "unit": "u"},
            "ended": "2026-01-01", "registered": {"at": "2026-01-02T00:00:00Z", "by": "x"},
            "measurement": {"control": arm(0.0), "treatment": arm(z)},
            "judged": verdict::judge_outside(&verdict::Outside {
                kind: estimate::Kind::Mean,
                direction: verdict::Direction::Increase,
                control: tenure_stats::moments::Moments::from_summary(10_000, 0.0, 5_000.0).unwrap(),
                treatment: tenure_stats::moments::Moments::from_summary(10_000, z, 5_000.0).unwrap(),
                planned_n: 0, treatment_share: 0.5, alpha: 0.05, sample_ratio_alpha: 0.001, original: None,
            }).unwrap(),
        }))
        .unwrap()
    }

    /// Half of the corrected effect takes so many times the experiment's sample.
    #[test]
    fn a_barely_significant_winner_is_dear_to_confirm() {
        let check = |z: f64, times: f64| {
            let [all, half] = RolloutCost::of(&experiment(z), 0.05, Some(365_000.0)).unwrap()[..] else {
                panic!()
            };
            assert!((half.times_experiment - times).abs() < 0.06, "z {z}: {half:?}");
            assert!((half.times_experiment / all.times_experiment - 4.0).abs() < 1e-9);
            assert!((half.largest_days.unwrap() - half.largest_units as f64 / 1_000.0).abs() < 1.0);
            assert!(
                half.expected_units < half.single_look_units && half.single_look_units < half.largest_units
            );
        };
        check(2.1, 20.8);
        check(2.5, 11.0);
        check(3.0, 5.5);
    }

    /// What was picked among several is more inflated than the same effect of an experiment with one arm.
    #[test]
    fn the_best_of_several_arms_is_corrected_for_that() {
        let alone = experiment(2.5);
        let run = RunResult { arm: "b".to_owned(), arms: 4, looks: 9, information_fraction: Some(1.0) };
        let best = Experiment { run: Some(run), ..alone.clone() };
        let [alone, best] = [alone, best].map(|it| Question::of(&it).unwrap());
        assert!((best.original.selected_at - 2.4977).abs() < 1e-3, "{best:?}");
        assert!(best.corrected.estimate < 0.9 * alone.corrected.estimate, "{best:?} {alone:?}");
    }
}
