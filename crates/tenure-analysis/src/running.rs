//! A running comparison, judged look by look with bounds that hold however often one looks. What `tenure analyze --looks`
//! prints.

use serde::Serialize;
use tenure_stats::CannotSay;
use tenure_stats::estimate::{Kind, Level, Scale};
use tenure_stats::verdict::{self, ALPHA, Direction, Judged, Monitor, Plan, Wave};
use tenure_stats::wave::Epoch;

use crate::looks::{Look, Summary, whole_if_whole};

/// How a running comparison is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Running {
    /// The metric's kind. A proportion's variance follows from its mean; the file's is not used.
    pub kind: Kind,
    /// Which way is good.
    pub direction: Direction,
    /// The scale of estimate, standard error and interval.
    pub scale: Scale,
    /// The share of units that was to be treated.
    pub treatment_share: f64,
    /// Where the plan ends.
    pub plan: PlanEnd,
}

impl Default for Running {
    /// A mean that should rise, by differences, half of the units treated, planned until the last look.
    fn default() -> Self {
        Self {
            kind: Kind::Mean,
            direction: Direction::Increase,
            scale: Scale::Absolute,
            treatment_share: 0.5,
            plan: PlanEnd::LastLook,
        }
    }
}

/// Where a plan ends: at full information, `1/SE²`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PlanEnd {
    /// At so many units an arm, of the variance known at the first look that has one.
    Units(u64),
    /// At this standard error.
    Se(f64),
    /// At the last look of the file: for reading a comparison that is over.
    LastLook,
}

/// What one look came to: the engine's own answer, with the look it belongs to. Nothing in it is ever not a number.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JudgedLook {
    /// The look's number or time.
    #[serde(serialize_with = "whole_if_whole")]
    pub look: f64,
    /// The χ² test that the arms have their shares.
    pub sample_ratio_p: Option<f64>,
    /// Units of the control arm so far.
    pub control_n: u64,
    /// Units of the treatment arm so far.
    pub treatment_n: u64,
    /// Estimate, interval, verdict and what is behind them.
    #[serde(flatten)]
    pub judged: Judged,
}

/// Why looks could not be judged.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RunningError {
    /// A share that is none.
    #[error("the treatment share is {share}; it must lie between 0 and 1, such as 0.5")]
    Share {
        /// What was given.
        share: f64,
    },
    /// A plan that is none.
    #[error("the plan ends at {units} units an arm; it needs 2 or more")]
    Units {
        /// What was given.
        units: u64,
    },
    /// A standard error that is none.
    #[error("the plan ends at a standard error of {se}; it must be a number above 0")]
    Se {
        /// What was given.
        se: f64,
    },
    /// A mean that is not a proportion.
    #[error(
        "look {look}: a mean of {mean} is no proportion; it must lie between 0 and 1, or the kind be a mean"
    )]
    NotAProportion {
        /// The look.
        look: f64,
        /// The mean.
        mean: f64,
    },
    /// The plan cannot be judged by.
    #[error("the looks cannot be judged: {0}")]
    CannotSay(#[from] CannotSay),
}

impl Running {
    /// Judges all looks, in their order.
    pub fn judge(&self, looks: &[Look]) -> Result<Vec<JudgedLook>, RunningError> {
        if !(self.treatment_share > 0.0 && self.treatment_share < 1.0) {
            return Err(RunningError::Share { share: self.treatment_share });
        }
        let epochs = looks.iter().map(|look| self.epoch(look)).collect::<Result<Vec<_>, _>>()?;
        let se_plan = self.se_plan(&epochs)?;
        let plan = Plan::new(self.kind, self.direction, self.scale, ALPHA, 1, se_plan)?;
        let mut monitor = Monitor::default();
        let mut judged = Vec::with_capacity(looks.len());
        for (look, epoch) in looks.iter().zip(epochs) {
            let now = verdict::Look {
                epochs: vec![epoch],
                wave: Wave::Measured,
                minimum_duration_passed: true,
                largest_duration_reached: false,
                fault: None,
                original: None,
            };
            let is_known = now.epochs.iter().all(|epoch| {
                [&epoch.control, &epoch.treatment]
                    .iter()
                    .all(|level| (level.value * level.variance).is_finite())
            });
            let (next, mut found) = verdict::look(&plan, &monitor, &now)?;
            monitor = next;
            if !is_known {
                found.warnings.push(
                    "the file has no mean or no variance of an arm at this look: it has no estimate"
                        .to_owned(),
                );
            }
            found.warnings.extend(self.unlike_a_proportion(look));
            judged.push(JudgedLook {
                look: look.look,
                sample_ratio_p: found.sample_ratio.map(|ratio| ratio.p_chi2),
                control_n: look.control.n,
                treatment_n: look.treatment.n,
                judged: found,
            });
        }
        Ok(judged)
    }

    fn epoch(&self, look: &Look) -> Result<Epoch, RunningError> {
        // What the file does not say is not a number here, and no estimate follows from it.
        let level = |arm: &Summary| {
            let mean = arm.mean.unwrap_or(if arm.n == 0 { 0.0 } else { f64::NAN });
            let variance = match self.kind {
                Kind::Proportion if !mean.is_nan() && !(0.0..=1.0).contains(&mean) => {
                    return Err(RunningError::NotAProportion { look: look.look, mean });
                }
                Kind::Proportion => mean * (1.0 - mean),
                _ if arm.n < 2 => 0.0,
                Kind::Mean | Kind::Ratio | Kind::Quantile => arm.variance.unwrap_or(f64::NAN),
            };
            Ok(Level { n: arm.n, value: mean, variance })
        };
        let (control, treatment) = (level(&look.control)?, level(&look.treatment)?);
        Ok(Epoch { index: 0, control, treatment, treatment_share: self.treatment_share })
    }

    fn se_plan(&self, epochs: &[Epoch]) -> Result<f64, RunningError> {
        let at = |epoch: &Epoch, control, treatment| {
            Plan::se_at(self.scale, &epoch.control, &epoch.treatment, control, treatment).ok()
        };
        let found = match self.plan {
            PlanEnd::Se(se) if se.is_finite() && se > 0.0 => Some(se),
            PlanEnd::Se(se) => return Err(RunningError::Se { se }),
            PlanEnd::Units(units @ ..2) => return Err(RunningError::Units { units }),
            PlanEnd::Units(units) => epochs.iter().find_map(|epoch| at(epoch, units, units)),
            PlanEnd::LastLook => {
                epochs.iter().rev().find_map(|epoch| at(epoch, epoch.control.n, epoch.treatment.n))
            }
        };
        // Where no look has an estimate none is judged, and no plan is needed to say so.
        Ok(found.unwrap_or(1.0))
    }

    /// A word on a variance that no proportion has.
    fn unlike_a_proportion(&self, look: &Look) -> Option<String> {
        let is_unlike = |arm: &Summary| {
            let (Some(mean), Some(variance)) = (arm.mean, arm.variance) else { return false };
            let own = mean * (1.0 - mean);
            arm.n >= 30 && variance > 0.0 && own > 0.0 && !(0.9..=1.1).contains(&(variance / own))
        };
        let unlike =
            self.kind == Kind::Proportion && (is_unlike(&look.control) || is_unlike(&look.treatment));
        unlike.then(|| {
            "the variance is not that of a proportion, and is not used; for anything but zeros and ones give the kind mean"
                .to_owned()
        })
    }
}
