//! Waves: a rollout is estimated epoch by epoch and stratified, because its allocation changes while the
//! baseline drifts. Pooling over epochs called 71 to 73 % of nothing a difference; stratified it is 2 %.

use serde::{Deserialize, Serialize};

use crate::cannot_say::CannotSay;
use crate::estimate::{self, Estimate, Kind, Level, Scale};
use crate::moments::Moments;
use crate::sample_ratio::ChiSquare;

/// Successes expected in each arm before an epoch counts.
const SUCCESSES_MIN: f64 = 10.0;

/// Units (tenants) in each arm before an epoch of values on the absolute scale counts.
const UNITS_MIN: u64 = 5;

/// The units first exposed under one allocation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Epoch {
    /// Which epoch of the allocation log.
    pub index: u32,
    /// The control arm.
    pub control: Level,
    /// The treatment arm.
    pub treatment: Level,
    /// The share of admitted units that was to be treated.
    pub treatment_share: f64,
}

impl Epoch {
    /// An epoch from the moments of its arms. An arm with fewer than two units is kept for the sample ratio,
    /// and counts in no estimate.
    pub fn of_moments(
        index: u32,
        kind: Kind,
        control: &Moments,
        treatment: &Moments,
        treatment_share: f64,
    ) -> Result<Self, CannotSay> {
        let level = |arm: &Moments| match arm.n() {
            0 | 1 => Ok(Level { n: arm.n(), value: arm.mean(), variance: 0.0 }),
            _ => Level::of(kind, arm),
        };
        Ok(Self { index, control: level(control)?, treatment: level(treatment)?, treatment_share })
    }

    /// The epoch's estimate, once its burn-in is over: ten expected successes (and failures) an arm for a
    /// proportion, five units an arm for values, and on the relative scale levels that carry a lift.
    fn effect(&self, kind: Kind, scale: Scale) -> Option<Estimate> {
        let fewest = self.control.n.min(self.treatment.n);
        let burnt_in = match kind {
            Kind::Proportion => {
                let (nc, nt) = (self.control.n as f64, self.treatment.n as f64);
                let pooled = (nc * self.control.value + nt * self.treatment.value) / (nc + nt);
                fewest as f64 * pooled.min(1.0 - pooled) >= SUCCESSES_MIN
            }
            Kind::Mean | Kind::Ratio | Kind::Quantile => fewest >= UNITS_MIN,
        };
        if burnt_in { estimate::effect(scale, &self.control, &self.treatment).ok() } else { None }
    }
}

/// One epoch's part in the stratified estimate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Stratum {
    /// Which epoch.
    pub index: u32,
    /// Units in the control arm.
    pub control_n: u64,
    /// Units in the treatment arm.
    pub treatment_n: u64,
    /// The epoch's estimate; none while it burns in.
    pub estimate: Option<f64>,
    /// Its standard error.
    pub se: Option<f64>,
    /// Its weight in the whole, 0 while it burns in.
    pub weight: f64,
}

/// An effect stratified by epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Stratified {
    /// The effect, on the scale that was asked for.
    pub effect: Estimate,
    /// Each epoch's part.
    pub strata: Vec<Stratum>,
    /// Whether the effect moves with time; none with fewer than two counted epochs.
    pub heterogeneity: Option<Heterogeneity>,
}

/// Cochran's Q over epochs [Cochran 1954].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Heterogeneity {
    /// `Σ (δ_e − δ̂)²/SE_e²` around the precision-weighted mean.
    pub statistic: f64,
    /// Counted epochs less one.
    pub df: f64,
    /// Its χ² tail.
    pub p_value: f64,
}

/// The effect stratified by epoch: `δ = Σ w_e·δ_e`, `w_e ∝ nT·nC/(nT+nC)`, `SE² = Σ w_e²·SE_e²`.
///
/// An epoch that burns in, or has no estimate on this scale, has no weight.
///
/// Errors, when no epoch counts: [`CannotSay::EmptyArm`] without units in both arms of one,
/// [`CannotSay::ZeroVariance`] when nothing varies, else [`CannotSay::BurningIn`].
pub fn stratify(kind: Kind, scale: Scale, epochs: &[Epoch]) -> Result<Stratified, CannotSay> {
    let mut counted: Vec<(Estimate, f64)> = Vec::new();
    let mut strata = Vec::with_capacity(epochs.len());
    for epoch in epochs {
        let mut stratum = Stratum {
            index: epoch.index,
            control_n: epoch.control.n,
            treatment_n: epoch.treatment.n,
            estimate: None,
            se: None,
            weight: 0.0,
        };
        if let Some(effect) = epoch.effect(kind, scale) {
            let (nc, nt) = (epoch.control.n as f64, epoch.treatment.n as f64);
            stratum.estimate = Some(effect.value);
            stratum.se = Some(effect.se);
            stratum.weight = nt * nc / (nt + nc);
            counted.push((effect, stratum.weight));
        }
        strata.push(stratum);
    }
    let total: f64 = counted.iter().map(|(_, weight)| weight).sum();
    if counted.is_empty() {
        return Err(nothing_counts(epochs));
    }
    strata.iter_mut().for_each(|stratum| stratum.weight /= total);

    let value = counted.iter().map(|(effect, weight)| weight / total * effect.value).sum();
    let parts = || counted.iter().map(|(effect, weight)| (weight / total * effect.se).powi(2));
    let variance: f64 = parts().sum();
    // Satterthwaite once more: the parts are independent, each with its own degrees of freedom.
    let spread: f64 =
        parts().zip(&counted).filter_map(|(part, (effect, _))| Some(part * part / effect.df?)).sum();
    let effect = Estimate::new(value, variance.sqrt())?.with_df(variance * variance / spread);
    let heterogeneity = heterogeneity(counted.iter().map(|(effect, _)| effect));
    Ok(Stratified { effect, strata, heterogeneity })
}

/// Why no epoch counts.
fn nothing_counts(epochs: &[Epoch]) -> CannotSay {
    let none = |epoch: &Epoch| epoch.control.n == 0 || epoch.treatment.n == 0;
    let dead = |epoch: &Epoch| {
        let few = epoch.control.n.min(epoch.treatment.n) < UNITS_MIN;
        !few && epoch.control.variance == 0.0 && epoch.treatment.variance == 0.0
    };
    if epochs.is_empty() {
        CannotSay::BurningIn
    } else if epochs.iter().all(none) {
        CannotSay::EmptyArm
    } else if epochs.iter().all(dead) {
        CannotSay::ZeroVariance
    } else {
        CannotSay::BurningIn
    }
}

fn heterogeneity<'a>(effects: impl Iterator<Item = &'a Estimate> + Clone) -> Option<Heterogeneity> {
    let count = effects.clone().count();
    if count < 2 {
        return None;
    }
    let information: f64 = effects.clone().map(Estimate::information).sum();
    let mean = effects.clone().map(|effect| effect.information() * effect.value).sum::<f64>() / information;
    let statistic = effects.map(|effect| ((effect.value - mean) / effect.se).powi(2)).sum();
    let test = ChiSquare::new(statistic, (count - 1) as f64);
    let seen = Heterogeneity { statistic, df: test.df, p_value: test.p_value };
    statistic.is_finite().then_some(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(index: u32, control: [u64; 2], treatment: [u64; 2]) -> Epoch {
        let arm = |[units, successes]: [u64; 2]| Moments::from_counts(units, successes).unwrap();
        Epoch::of_moments(index, Kind::Proportion, &arm(control), &arm(treatment), 0.5).unwrap()
    }

    fn stratify_absolute(epochs: &[Epoch]) -> Result<Stratified, CannotSay> {
        stratify(Kind::Proportion, Scale::Absolute, epochs)
    }

    #[test]
    fn one_epoch_is_its_own_estimate() {
        let only = epoch(0, [10_000, 1_000], [10_000, 1_100]);
        let whole = stratify_absolute(&[only]).unwrap();
        let alone = estimate::difference(&only.control, &only.treatment).unwrap();
        assert!((whole.effect.value - alone.value).abs() < 1e-15);
        assert!((whole.effect.se - alone.se).abs() < 1e-15);
        assert!((whole.effect.df.unwrap() / alone.df.unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(whole.heterogeneity, None);
    }

    #[test]
    fn a_drifting_baseline_does_not_make_an_effect() {
        // No effect in either epoch, but the treated share and the level both change: pooling would see one.
        let epochs = [epoch(0, [9_000, 900], [1_000, 100]), epoch(1, [5_000, 1_500], [5_000, 1_500])];
        assert!(stratify_absolute(&epochs).unwrap().effect.value.abs() < 1e-12);
    }

    #[test]
    fn an_epoch_that_burns_in_waits() {
        let epochs = [epoch(0, [9_000, 900], [9_000, 950]), epoch(1, [50, 5], [50, 9])];
        let whole = stratify_absolute(&epochs).unwrap();
        assert_eq!((whole.strata[1].weight, whole.strata[1].estimate), (0.0, None));
        assert_eq!(stratify_absolute(&epochs[1..]), Err(CannotSay::BurningIn));
        assert_eq!(stratify_absolute(&[epoch(0, [0, 0], [50, 9])]), Err(CannotSay::EmptyArm));
        assert_eq!(stratify_absolute(&[epoch(0, [900, 0], [900, 0])]), Err(CannotSay::ZeroVariance));
    }

    #[test]
    fn an_epoch_without_a_lift_waits_on_the_relative_scale_only() {
        // Nine successes leave the mean known to a third of itself.
        let epochs = [epoch(0, [9_000, 900], [9_000, 950]), epoch(1, [900, 9], [900, 21])];
        assert!(stratify_absolute(&epochs).unwrap().strata[1].weight > 0.0);
        let relative = stratify(Kind::Proportion, Scale::Relative, &epochs).unwrap();
        assert_eq!(relative.strata[1].weight, 0.0);
    }

    #[test]
    fn an_effect_that_moves_is_flagged() {
        let epochs = [epoch(0, [9_000, 900], [9_000, 1_200]), epoch(1, [9_000, 900], [9_000, 800])];
        assert!(stratify_absolute(&epochs).unwrap().heterogeneity.unwrap().p_value < 1e-6);
    }
}
