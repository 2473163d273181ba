//! Secondary evidence on a replication: the field's other answers to "is it the same impact?", shown beside
//! the label and never deciding it.

use serde::{Deserialize, Serialize};

use crate::anytime;
use crate::cannot_say::{CannotSay, computed, finite, positive, probability};
use crate::estimate::Estimate;
use crate::normal;
use crate::replication;

/// What other methods say of an original and its replication, both uncorrected and on one scale.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema), schemars(rename = "StatisticalEvidence"))]
pub struct Evidence {
    /// The original as it was reported.
    pub original: Estimate,
    /// The replication.
    pub rollout: Estimate,
    /// Replication over original.
    pub relative_effect: f64,
    /// Held's sceptical z (2020): how convincing both are to somebody who doubts the original.
    pub sceptical_z: f64,
    /// Its one-sided p-value.
    pub sceptical_p: f64,
    /// The effect that the original had a chance of one third to detect [Simonsohn 2015].
    pub small_telescope: f64,
    /// The probability of a replication as small as this one if the effect were that small.
    pub small_telescope_p: f64,
    /// Log Bayes factor of "as the original said" over "nothing" [Verhagen, Wagenmakers 2014].
    pub log_bayes_factor: f64,
    /// Log e-value that the two differ; valid at any look.
    pub log_e_difference: f64,
    /// The always-valid 95 % interval of replication less original.
    pub difference_interval: [f64; 2],
    /// The p-value of two one-sided tests that they differ by less than half the original.
    pub equivalence_p: f64,
    /// How far the replication stands above half of the original, in standard errors.
    pub half_retained_z: f64,
    /// Edgington's combined one-sided p-value (1972) that both effects are above zero.
    pub edgington_p: f64,
    /// Both combined, the original counted with half its information ([`power_prior`]).
    pub combined: Estimate,
}

impl Evidence {
    /// Edgington's p-value on the original's own side.
    pub fn edgington_p_own_side(&self) -> f64 {
        if self.original.value > 0.0 { self.edgington_p } else { 1.0 - self.edgington_p }
    }

    /// How far the replication stands above half of the original on the original's own side.
    pub fn half_retained_z_own_side(&self) -> f64 {
        self.half_retained_z * self.original.value.signum()
    }
}

/// The drift that a two-sided 5 % test detects with probability 1/3.
const SMALL_TELESCOPE: f64 = 1.5285687127125554;

/// All of it.
///
/// Errors: an original of exactly zero, input that is not finite, a standard error of zero.
///
/// ```
/// use tenure_stats::{estimate::Estimate, evidence};
///
/// let found = evidence::weigh(&Estimate::new(0.05, 0.02)?, &Estimate::new(0.04, 0.012)?)?;
/// assert!((found.sceptical_p - 0.0404).abs() < 1e-4);
/// # Ok::<(), tenure_stats::CannotSay>(())
/// ```
pub fn weigh(original: &Estimate, rollout: &Estimate) -> Result<Evidence, CannotSay> {
    if finite(original.value)? == 0.0 {
        return Err(CannotSay::OutOfRange);
    }
    let (so, sr) = (positive(original.se)?, positive(rollout.se)?);
    let difference = Estimate::new(rollout.value - original.value, so.hypot(sr))?;
    let x = (so / difference.se).powi(2);
    let small_telescope = SMALL_TELESCOPE * so;
    let side = original.value.signum();
    let margin = 0.5 * original.value.abs();
    let half = Estimate::new(rollout.value - 0.5 * original.value, (0.5 * so).hypot(sr))?;
    let sceptical_z = sceptical_z(original, rollout);
    let same_side = original.value.signum() == rollout.value.signum() || rollout.value == 0.0;
    let found = Evidence {
        original: *original,
        rollout: *rollout,
        combined: power_prior(original, rollout, 0.5)?,
        relative_effect: rollout.value / original.value,
        sceptical_z,
        sceptical_p: normal::sf(if same_side { sceptical_z } else { -sceptical_z }),
        small_telescope,
        small_telescope_p: normal::cdf((side * rollout.value - small_telescope) / sr),
        log_bayes_factor: ln_normal(difference.value, difference.se) - ln_normal(rollout.value, sr),
        log_e_difference: anytime::log_e(difference.z(), x),
        difference_interval: difference.within(anytime::critical(x, 0.05)?),
        equivalence_p: difference.p_above(-margin).max(difference.p_below(margin)),
        half_retained_z: half.z(),
        edgington_p: edgington(original.p_above(0.0), rollout.p_above(0.0)),
    };
    let [low, high] = found.difference_interval;
    computed(&[found.relative_effect, found.sceptical_z, found.log_bayes_factor, found.log_e_difference])?;
    computed(&[found.small_telescope, found.small_telescope_p, found.half_retained_z, low, high])?;
    computed(&[found.sceptical_p, found.equivalence_p, found.edgington_p])?;
    Ok(found)
}

/// Two estimates combined, the original's information counted with weight `weight` (a power prior
/// [Ibrahim, Chen 2000]): `(w·I_o·θ_o + I_r·θ_r)/(w·I_o + I_r)`, `SE = 1/√(w·I_o + I_r)`, `I = 1/SE²`; 1 is the fixed effect.
pub fn power_prior(original: &Estimate, rollout: &Estimate, weight: f64) -> Result<Estimate, CannotSay> {
    if !(0.0..=1.0).contains(&weight) {
        return Err(CannotSay::OutOfRange);
    }
    let (old, new) = (weight * original.information(), rollout.information());
    Estimate::new((old * original.value + new * rollout.value) / (old + new), (old + new).sqrt().recip())
}

/// The weight of a power prior that says the same as "the two effects differ by about `sd`" (a commensurate
/// prior [Hobbs et al. 2011]): `SEo²/(SEo² + sd²)`.
pub fn commensurate_weight(original: &Estimate, sd: f64) -> f64 {
    let variance = original.se * original.se;
    variance / (variance + sd * sd)
}

/// `D` with the interval that may be watched, `D ± c·(so² + sr²)/so`, at a level of 5 %: the rule of
/// [`replication::replicate`] without the correction.
pub fn difference_interval(original: &Estimate, rollout: &Estimate) -> [f64; 2] {
    let difference = rollout.value - original.value;
    let half = replication::difference_bound(original.se, rollout.se);
    [difference - half, difference + half]
}

/// The level that the absolute value of a Brownian motion on [0, 1] exceeds with probability `alpha`, from
/// the series `P(sup|B| < c) = Σ_k (−1)^k [Φ((2k+1)c) − Φ((2k−1)c)]` [Feller, vol. 2, X.5].
pub fn brownian_bound(alpha: f64) -> Result<f64, CannotSay> {
    // P(sup|B| ≥ c) = 4·Σ_{k≥0} (−1)^k·P(Z > (2k+1)c): the terms past the first hardly count.
    let target = probability(alpha)?;
    let mut c = normal::isf(0.25 * target);
    for _ in 0..50 {
        let term = |k: i32| if k % 2 == 0 { 1.0 } else { -1.0 } * normal::sf(f64::from(2 * k + 1) * c);
        let rest: f64 = (1..60).map(term).sum();
        let next = normal::isf(0.25 * target - rest);
        let done = (next - c).abs() <= 1e-16 * c;
        c = next;
        if done {
            break;
        }
    }
    Ok(c)
}

/// Held's sceptical z: `z_S² = (√(A(A + (c−1)H)) − A)/(c − 1)`, with A and H the arithmetic and harmonic means
/// of the squared z values and c the ratio of variances; `H/2` at c = 1. Written without the division by c − 1.
fn sceptical_z(original: &Estimate, rollout: &Estimate) -> f64 {
    let (zo, zr) = (original.z().powi(2), rollout.z().powi(2));
    if zo == 0.0 || zr == 0.0 {
        return 0.0;
    }
    let (arithmetic, harmonic) = (0.5 * (zo + zr), 2.0 / (zo.recip() + zr.recip()));
    let c = (original.se / rollout.se).powi(2);
    let root = (arithmetic * (arithmetic + (c - 1.0) * harmonic)).sqrt();
    (arithmetic * harmonic / (root + arithmetic)).sqrt()
}

fn edgington(one: f64, other: f64) -> f64 {
    let sum = one + other;
    if sum <= 1.0 { 0.5 * sum * sum } else { 1.0 - 0.5 * (2.0 - sum) * (2.0 - sum) }
}

fn ln_normal(value: f64, sd: f64) -> f64 {
    -0.5 * (value / sd).powi(2) - sd.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_brownian_bound_is_the_one_that_decides() {
        assert!((brownian_bound(0.05).unwrap() - replication::DIFFERENCE_BOUND).abs() < 1e-15);
    }

    #[test]
    fn the_small_telescope_sees_a_third() {
        let power = crate::power::power_at(SMALL_TELESCOPE, 0.05, crate::power::Tails::Two);
        assert!((power - 1.0 / 3.0).abs() < 1e-15);
    }

    #[test]
    fn no_effect_convinces_no_sceptic() {
        let found = weigh(&Estimate::new(0.05, 0.02).unwrap(), &Estimate::new(0.0, 0.01).unwrap()).unwrap();
        assert_eq!((found.sceptical_z, found.sceptical_p), (0.0, 0.5));
    }
}
