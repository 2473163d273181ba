//! The schedule of a rollout's waves: from the units that a plan needs and the units that come in a day, which day
//! each wave starts and ends, and how much is known by then. Days are counted; which dates they are is not known
//! here.

use serde::{Deserialize, Serialize};

use crate::cannot_say::{CannotSay, computed, finite, positive, probability};

/// One wave as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Step {
    /// The share of all units that meets the feature (0.05 is 5 %). With a treatment share s it admits this over s,
    /// so that at 1:1 no wave measures above 50 %.
    pub exposed: f64,
    /// How many days it lasts; without, a week, and for the last wave until the plan's units are in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
}

impl Step {
    /// Waves that expose these shares in percent: `[5, 20, 50]`.
    pub fn of_percent(percent: &[f64]) -> Vec<Self> {
        percent.iter().map(|percent| Self { exposed: percent / 100.0, days: None }).collect()
    }
}

/// The units that come.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Traffic {
    /// Units seen for the first time, a day.
    pub daily_units: f64,
    /// The share of admitted units that is treated.
    pub treatment_share: f64,
    /// Days a unit needs after its exposure until its outcome is complete.
    pub window_days: u32,
    /// The shortest measurement: whole weeks, so that every weekday counts alike.
    pub days_min: u32,
}

impl Traffic {
    /// Half of the admitted units treated, outcomes at once, at least a week.
    pub fn new(daily_units: f64) -> Self {
        Self { daily_units, treatment_share: 0.5, window_days: 0, days_min: WEEK }
    }
}

const WEEK: u32 = 7;

/// A schedule longer than this many days is no schedule.
const DAYS_MAX: f64 = 100_000.0;

/// One wave of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema), schemars(rename = "ScheduleStage"))]
pub struct Stage {
    /// The share of all units that meets the feature.
    pub exposed: f64,
    /// The share of all units that is admitted, to either arm.
    pub coverage: f64,
    /// Its first day, counted from 1.
    pub from_day: u32,
    /// Its last day.
    pub to_day: u32,
    /// Control units by its end, over all waves.
    pub control_n: u64,
    /// Treatment units by its end, over all waves.
    pub treatment_n: u64,
    /// Information by its end, as a share of the plan's, once these units have matured.
    pub information: f64,
}

/// When a rollout would be where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Schedule {
    /// The waves that are needed, in order: a wave after the plan's end is left out.
    pub stages: Vec<Stage>,
    /// The day on which the last unit that the plan needs is exposed.
    pub exposed_by_day: u32,
    /// The day on which all of them have matured: the latest day of a planned verdict.
    pub verdict_by_day: u32,
}

/// Lays `steps` out over the days until `units` (of both arms) are in.
///
/// Every wave is a stratum of its own; at a constant treatment share their information adds up like their units.
///
/// Errors: no wave; shares that fall, or exceed the treatment share; traffic or units that are not above zero; more
/// than 100,000 days.
///
/// ```
/// use tenure_stats::schedule::{schedule, Step, Traffic};
///
/// let plan = schedule(60_000.0, &Traffic::new(4_000.0), &Step::of_percent(&[5.0, 20.0, 50.0]))?;
/// let days: Vec<_> = plan.stages.iter().map(|stage| (stage.from_day, stage.to_day)).collect();
/// assert_eq!(days, [(1, 7), (8, 14), (15, 26)]);
/// assert!((plan.stages[1].information - (7.0 * 400.0 + 7.0 * 1_600.0) / 60_000.0).abs() < 1e-12);
/// # Ok::<(), tenure_stats::CannotSay>(())
/// ```
pub fn schedule(units: f64, traffic: &Traffic, steps: &[Step]) -> Result<Schedule, CannotSay> {
    let wanted = positive(units)?;
    let daily = positive(traffic.daily_units)?;
    let share = probability(traffic.treatment_share)?;
    check(steps, share)?;
    let mut stages = Vec::with_capacity(steps.len());
    let (mut day, mut admitted) = (0u32, 0.0);
    for (at, step) in steps.iter().enumerate() {
        let coverage = (step.exposed / share).min(1.0);
        let rate = daily * coverage;
        let needed = days_until((wanted - admitted) / rate)?.max(traffic.days_min.saturating_sub(day)).max(1);
        let last = at + 1 == steps.len();
        let planned = match step.days {
            Some(days) if !last => days,
            Some(days) => days.max(needed),
            None if last => needed,
            None => WEEK,
        };
        let days = planned.min(needed);
        admitted += rate * f64::from(days);
        computed(&[admitted / wanted])?;
        let from_day = day.saturating_add(1);
        day = day.saturating_add(days);
        let arm = |share: f64| (admitted * share).round() as u64;
        stages.push(Stage {
            exposed: step.exposed,
            coverage,
            from_day,
            to_day: day,
            control_n: arm(1.0 - share),
            treatment_n: arm(share),
            information: admitted / wanted,
        });
        if admitted >= wanted && day >= traffic.days_min {
            break;
        }
    }
    let verdict_by_day = day.saturating_add(traffic.window_days);
    Ok(Schedule { stages, exposed_by_day: day, verdict_by_day })
}

fn check(steps: &[Step], treatment_share: f64) -> Result<(), CannotSay> {
    let mut before = 0.0;
    for step in steps {
        // A share written in percent may land a rounding above the treatment share.
        if step.days == Some(0)
            || positive(step.exposed)? <= before
            || step.exposed > treatment_share * (1.0 + 1e-9)
        {
            return Err(CannotSay::OutOfRange);
        }
        before = step.exposed;
    }
    if steps.is_empty() { Err(CannotSay::OutOfRange) } else { Ok(()) }
}

/// Whole days; a rounding above a whole number is that number.
fn days_until(days: f64) -> Result<u32, CannotSay> {
    let whole = (finite(days)? * (1.0 - 1e-12)).ceil().max(0.0);
    if whole > DAYS_MAX { Err(CannotSay::OutOfRange) } else { Ok(whole as u32) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(units: f64, percent: &[f64]) -> Result<Schedule, CannotSay> {
        schedule(units, &Traffic::new(1_000.0), &Step::of_percent(percent))
    }

    #[test]
    fn waves_after_the_plans_end_are_left_out() {
        let plan = of(2_000.0, &[5.0, 20.0, 50.0]).unwrap();
        assert_eq!(plan.stages.len(), 2);
        // 700 in the first week; 1,300 more at 400 a day.
        assert_eq!((plan.exposed_by_day, plan.stages[1].to_day), (11, 11));
        assert!(plan.stages[1].information >= 1.0);
    }

    #[test]
    fn a_measurement_lasts_a_week_at_least_and_until_outcomes_are_in() {
        let plan = of(10.0, &[50.0]).unwrap();
        assert_eq!(plan.verdict_by_day, 7);
        let traffic = Traffic { window_days: 14, ..Traffic::new(1_000.0) };
        let plan = schedule(10.0, &traffic, &Step::of_percent(&[50.0])).unwrap();
        assert_eq!((plan.exposed_by_day, plan.verdict_by_day), (7, 21));
    }

    #[test]
    fn what_is_no_rollout_is_refused() {
        assert_eq!(of(1e4, &[]), Err(CannotSay::OutOfRange));
        assert_eq!(of(1e4, &[20.0, 5.0]), Err(CannotSay::OutOfRange));
        assert_eq!(of(1e4, &[100.0]), Err(CannotSay::OutOfRange));
        assert_eq!(of(f64::NAN, &[50.0]), Err(CannotSay::NonFinite));
        assert_eq!(of(1e300, &[50.0]), Err(CannotSay::OutOfRange));
        assert_eq!(schedule(1e4, &Traffic::new(0.0), &Step::of_percent(&[50.0])), Err(CannotSay::OutOfRange));
        let full = Traffic { treatment_share: 0.9, ..Traffic::new(1_000.0) };
        assert!(schedule(1e4, &full, &Step::of_percent(&[90.0])).is_ok());
    }

    proptest! {
        #[test]
        fn a_schedule_has_no_gap_and_reaches_its_plan(
            units in 1.0..1e7f64,
            daily in 1.0..1e5f64,
            rises in prop::collection::vec(0.001..0.1f64, 1..6),
            lasting in prop::option::of(1u32..40),
            share in 0.6..0.95f64,
        ) {
            let mut exposed = 0.0;
            let steps: Vec<Step> = rises
                .iter()
                .map(|rise| { exposed += rise; Step { exposed, days: lasting } })
                .collect();
            let traffic = Traffic { treatment_share: share, ..Traffic::new(daily) };
            let Ok(plan) = schedule(units, &traffic, &steps) else { return Ok(()) };
            let mut day = 0;
            let mut known = 0.0;
            for stage in &plan.stages {
                prop_assert_eq!(stage.from_day, day + 1);
                prop_assert!(stage.to_day >= stage.from_day && stage.information > known);
                (day, known) = (stage.to_day, stage.information);
            }
            prop_assert!(known >= 1.0 - 1e-9 && day >= 7);
        }
    }
}
