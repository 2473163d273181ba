//! The plan of a measurement: what is frozen when it is launched.

use serde::{Deserialize, Serialize};

use super::Direction;
use crate::cannot_say::{CannotSay, positive, probability};
use crate::estimate::{self, Kind, LARGEST, Level, Scale};
use crate::sequential::Spending;

/// What is frozen when a rollout's measurement is launched.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema), schemars(rename = "MeasurementPlan"))]
pub struct Plan {
    /// The kind of the primary metric.
    pub kind: Kind,
    /// Which way is good.
    pub direction: Direction,
    /// The scale of the estimate.
    pub scale: Scale,
    /// The two-sided error of the whole measurement: both bounds, all looks.
    pub alpha: f64,
    /// The share of `alpha` for the bound that never expires; the rest is planned.
    pub forever_share: f64,
    /// How the planned error is spent.
    pub spending: Spending,
    /// The standard error at the plan's end, on `scale`: full information is `1/se_plan²`.
    pub se_plan: f64,
    /// The error of the sequential sample-ratio test.
    pub sample_ratio_alpha: f64,
    /// The day since exposure (1 is the day of exposure) from which outcomes count: 8 leaves the first week of
    /// novelty out. All days count when it is none. Who makes the moments keeps to it; see [`crate::novelty`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts_from_day: Option<u32>,
}

/// The two-sided error of a case's first measurement.
pub const ALPHA: f64 = 0.05;

/// The error at which a sample ratio makes a measurement invalid.
pub const SAMPLE_RATIO_ALPHA: f64 = 0.001;

impl Plan {
    /// The standard plan of a case's `iteration` (1 is the first): `alpha` is halved for each one after the
    /// first, 4/5 of it planned with O'Brien–Fleming spending, 1/5 forever.
    ///
    /// Errors: a standard error or a level out of range.
    pub fn new(
        kind: Kind,
        direction: Direction,
        scale: Scale,
        alpha: f64,
        iteration: u32,
        se_plan: f64,
    ) -> Result<Self, CannotSay> {
        let plan = Self {
            kind,
            direction,
            scale,
            alpha: probability(alpha)? / f64::from(iteration.max(1) - 1).exp2(),
            forever_share: 0.2,
            spending: Spending::ObrienFleming,
            se_plan: positive(se_plan)?,
            sample_ratio_alpha: SAMPLE_RATIO_ALPHA,
            counts_from_day: None,
        };
        plan.check()?;
        Ok(plan)
    }

    /// The same with the planned error spent by another family.
    ///
    /// Errors: a parameter outside its family.
    ///
    /// ```
    /// use tenure_stats::estimate::{Kind, Scale};
    /// use tenure_stats::sequential::Spending;
    /// use tenure_stats::verdict::{Direction, Plan};
    ///
    /// let plan = Plan::new(Kind::Mean, Direction::Increase, Scale::Relative, 0.05, 1, 0.01)?;
    /// assert_eq!(plan.spending, Spending::ObrienFleming);
    /// assert_eq!(plan.spending(Spending::HwangShihDeCani(-4.0))?.alpha, 0.05);
    /// assert!(plan.spending(Spending::Power(0.0)).is_err());
    /// # Ok::<(), tenure_stats::CannotSay>(())
    /// ```
    pub fn spending(self, spending: Spending) -> Result<Self, CannotSay> {
        let plan = Self { spending, ..self };
        plan.check()?;
        Ok(plan)
    }

    /// The same with a verdict that counts outcomes from this day since exposure on; 1 counts all.
    ///
    /// Errors: day 0.
    pub fn counting_from(self, day: u32) -> Result<Self, CannotSay> {
        let plan = Self { counts_from_day: (day != 1).then_some(day), ..self };
        plan.check()?;
        Ok(plan)
    }

    /// The standard error that `control_n` and `treatment_n` units would give, from levels measured before
    /// (the experiment's). This is what a plan's `se_plan` is made from.
    pub fn se_at(
        scale: Scale,
        control: &Level,
        treatment: &Level,
        control_n: u64,
        treatment_n: u64,
    ) -> Result<f64, CannotSay> {
        let planned = |level: &Level, n: u64| Level { n, ..*level };
        Ok(estimate::effect(scale, &planned(control, control_n), &planned(treatment, treatment_n))?.se)
    }

    /// The error that the planned bound spends on each side.
    pub fn alpha_planned_side(&self) -> f64 {
        0.5 * self.alpha * (1.0 - self.forever_share)
    }

    /// The two-sided error of the bound that never expires.
    pub fn alpha_forever(&self) -> f64 {
        self.alpha * self.forever_share
    }

    pub(super) fn check(&self) -> Result<(), CannotSay> {
        probability(self.alpha)?;
        probability(self.forever_share)?;
        probability(self.sample_ratio_alpha)?;
        // Its square, full information, has to fit a double.
        if !(1.0 / LARGEST..=LARGEST).contains(&positive(self.se_plan)?) {
            return Err(CannotSay::TooExtreme);
        }
        self.spending.check()?;
        if self.counts_from_day == Some(0) { Err(CannotSay::OutOfRange) } else { Ok(()) }
    }
}
