//! Is it the same impact? How a rollout's effect relates to the experiment's.
//!
//! The original won, so it is inflated: it is corrected for its selection first. Then two questions decide:
//! is the effect *present*, and is it *compatible* with the corrected original. Estimates carry signs; the
//! original's side is the good one.

use serde::{Deserialize, Serialize};

use crate::cannot_say::{CannotSay, computed, finite, positive};
use crate::estimate::{Estimate, Kind, Scale};
use crate::{normal, sample_ratio::ChiSquare};

/// The level that a Brownian motion's absolute value exceeds somewhere on [0, 1] with probability 5 %.
pub const DIFFERENCE_BOUND: f64 = 2.2414027273321415;

/// The threshold of a two-sided 5 % test, at which experiments are usually selected.
pub const SELECTED_AT: f64 = 1.959963984540054;

/// How an effect relates to the original.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// Present, compatible, and at least half of the corrected original is retained.
    Confirmed,
    /// Present and compatible, with less than half retained: not told apart from the original.
    Compatible,
    /// Present, and smaller than the corrected original.
    Diminished,
    /// Present, and larger than the corrected original.
    Exceeded,
    /// Not present, and smaller than the corrected original.
    Lost,
    /// Neither present nor different.
    Undecided,
    /// On the other side of zero.
    Contradicted,
}

/// The experiment's effect as it was reported.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Original {
    /// The estimate.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// The threshold of `|z|` at which it was selected; [`SELECTED_AT`] for a two-sided 5 % test, larger for
    /// the best of several arms.
    pub selected_at: f64,
}

impl Original {
    /// An original selected at a two-sided 5 % test.
    pub fn new(estimate: f64, se: f64) -> Self {
        Self { estimate, se, selected_at: SELECTED_AT }
    }

    /// The threshold of one that was picked as the best of `arms`: that of a test at `alpha/arms`.
    pub fn best_of(self, arms: u32, alpha: f64) -> Self {
        Self { selected_at: normal::critical(alpha / f64::from(arms.max(1))), ..self }
    }
}

/// The rollout's effect.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Rollout {
    /// The estimate, on the original's scale.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// The interval that decides whether the effect is present: the one of the bound in force. Without it,
    /// the fixed two-sided 95 % interval decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
}

/// The original less the inflation of having been selected.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Corrected {
    /// The corrected estimate, θo*.
    pub estimate: f64,
    /// Its standard error, so*.
    pub se: f64,
}

/// Cochran's test that original and rollout are equal.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Q {
    /// `D²/(SEo² + SEr²)`, of the uncorrected original.
    pub statistic: f64,
    /// Its χ² tail with one degree of freedom.
    pub p_value: f64,
}

/// How a rollout relates to its original, with what supports it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Replication {
    /// The answer.
    pub label: Label,
    /// The scale both effects are on.
    pub scale: Scale,
    /// The original as it was reported.
    pub original: Original,
    /// The original less its selection.
    pub corrected: Corrected,
    /// The rollout's estimate.
    pub estimate: f64,
    /// The interval that decided whether the effect is present.
    pub interval: [f64; 2],
    /// The share of the corrected original that was delivered.
    pub retained: f64,
    /// Rollout less corrected original.
    pub difference: f64,
    /// How large the difference may be without being called one: h.
    pub compatible_within: f64,
    /// Whether at least half of the corrected original is shown, not only estimated.
    pub at_least_half_shown: bool,
    /// Whether the original was too imprecise to be refuted.
    pub too_imprecise_to_refute: bool,
    /// A loss above this would probably (80 %) have been noticed.
    pub noticeable_loss: f64,
    /// Cochran's test, of the uncorrected original.
    pub q: Q,
    /// Where 95 % of exact replications of the uncorrected original would land [Patil, Peng, Leek 2016].
    pub prediction_interval: [f64; 2],
    /// The answer in words.
    pub sentence: String,
}

/// What the sentence of a replication needs beside its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Told {
    /// The kind of metric: a proportion's absolute change is told in percentage points.
    pub kind: Kind,
    /// The confidence of [`Replication::interval`].
    pub confidence: f64,
    /// Whether the original stopped at an early look: it is then more inflated than the correction takes out.
    pub original_stopped_early: bool,
}

impl Told {
    /// A metric of this kind, at 95 %, whose original ran to its end.
    pub fn of(kind: Kind) -> Self {
        Self { kind, confidence: 0.95, original_stopped_early: false }
    }
}

impl Replication {
    /// The same with its sentence in the metric's own unit.
    ///
    /// ```
    /// use tenure_stats::estimate::{Kind, Scale};
    /// use tenure_stats::replication::{replicate, Original, Rollout, Told};
    ///
    /// let rollout = Rollout { estimate: 0.0120, se: 0.0023, interval: None };
    /// let found = replicate(&Original::new(0.0160, 0.0030), &rollout, Scale::Absolute)?;
    /// let sentence = found.told(Told::of(Kind::Proportion)).sentence;
    /// assert!(sentence.starts_with("delivered +1.20 pp (95 % interval 0.75 to 1.65); won +1.60 pp"), "{sentence}");
    /// # Ok::<(), tenure_stats::CannotSay>(())
    /// ```
    pub fn told(mut self, how: Told) -> Self {
        self.sentence = crate::sentence::replication(&self, &how);
        self
    }
}

/// Relates a rollout to its original, both on one scale.
///
/// Errors: input that is not finite, a standard error of zero, an original of exactly zero.
///
/// ```
/// use tenure_stats::estimate::Scale;
/// use tenure_stats::replication::{replicate, Label, Original, Rollout};
///
/// let original = Original::new(0.05, 0.02);
/// let rollout = Rollout { estimate: 0.04, se: 0.012, interval: None };
/// let found = replicate(&original, &rollout, Scale::Relative)?;
/// assert_eq!(found.label, Label::Confirmed);
/// # Ok::<(), tenure_stats::CannotSay>(())
/// ```
pub fn replicate(original: &Original, rollout: &Rollout, scale: Scale) -> Result<Replication, CannotSay> {
    let side = side_of(original)?;
    let corrected = correct(original.estimate, original.se, original.selected_at)?;
    judge(original, corrected, rollout, scale, side)
}

/// The same when the build deviates from the experiment: the corrected original is known less well,
/// `so*² + (κθo*)²`. κ = 0 decides; κ = 0.25 is shown when the ledger of deviations is not empty.
pub fn replicate_deviating(
    original: &Original,
    rollout: &Rollout,
    scale: Scale,
    kappa: f64,
) -> Result<Replication, CannotSay> {
    let side = side_of(original)?;
    let corrected = correct(original.estimate, original.se, original.selected_at)?;
    let se = corrected.se.hypot(finite(kappa)? * corrected.estimate);
    judge(original, Corrected { se, ..corrected }, rollout, scale, side)
}

fn side_of(original: &Original) -> Result<f64, CannotSay> {
    if finite(original.estimate)? == 0.0 {
        Err(CannotSay::OutOfRange)
    } else {
        Ok(original.estimate.signum())
    }
}

fn judge(
    original: &Original,
    corrected: Corrected,
    rollout: &Rollout,
    scale: Scale,
    side: f64,
) -> Result<Replication, CannotSay> {
    let estimate = Estimate::new(rollout.estimate, rollout.se)?;
    let interval = rollout.interval.unwrap_or_else(|| estimate.interval(0.95));
    finite(interval[0])?;
    finite(interval[1])?;
    let difference = estimate.value - corrected.estimate;
    let compatible_within = difference_bound(corrected.se, estimate.se);
    let retained = estimate.value / corrected.estimate;

    // On the original's side: low and high of the interval, and the difference as a gain.
    let (low, high) = if side > 0.0 { (interval[0], interval[1]) } else { (-interval[1], -interval[0]) };
    let gain = side * difference;
    let present = low > 0.0;
    let label = match () {
        () if high < 0.0 => Label::Contradicted,
        () if gain.abs() <= compatible_within && !present => Label::Undecided,
        () if gain.abs() <= compatible_within && retained >= 0.5 => Label::Confirmed,
        () if gain.abs() <= compatible_within => Label::Compatible,
        () if !present && gain < 0.0 => Label::Lost,
        () if !present => Label::Undecided,
        () if gain < 0.0 => Label::Diminished,
        () => Label::Exceeded,
    };

    let gap = original.estimate - estimate.value;
    let spread = original.se.hypot(estimate.se);
    let q = ChiSquare::new(gap * gap / (spread * spread), 1.0);
    let half = Corrected { estimate: 0.5 * corrected.estimate, se: 0.5 * corrected.se };
    let replication = Replication {
        label,
        scale,
        original: *original,
        corrected,
        estimate: estimate.value,
        interval,
        retained,
        difference,
        compatible_within,
        at_least_half_shown: side * (estimate.value - half.estimate) > difference_bound(half.se, estimate.se),
        too_imprecise_to_refute: corrected.estimate.abs() < DIFFERENCE_BOUND * corrected.se,
        noticeable_loss: compatible_within + normal::isf(0.2) * corrected.se.hypot(estimate.se),
        q: Q { statistic: q.statistic, p_value: q.p_value },
        prediction_interval: Estimate::new(original.estimate, spread)?.interval(0.95),
        sentence: String::new(),
    };
    computed(&[
        replication.retained,
        replication.compatible_within,
        replication.noticeable_loss,
        replication.q.statistic,
    ])?;
    Ok(replication.told(Told::of(Kind::Mean)))
}

/// `2.2414·(so² + sr²)/so`: how far the rollout may be from an original known to `so` before "different" is
/// said, at any look. The difference times its information is a Brownian motion, because
/// `Cov(D_s, D_t) = Var(D_t)`, and its information never exceeds `1/so²`.
pub fn difference_bound(so: f64, sr: f64) -> f64 {
    DIFFERENCE_BOUND * (so * so + sr * sr) / so
}

/// The original less its selection at `|z| > selected_at`: mean and standard deviation of the normalised
/// conditional likelihood `φ(z − μ)/[Φ(μ − c) + Φ(−μ − c)]`, times the standard error [Zhong, Prentice 2008].
/// A threshold of 0 corrects nothing.
///
/// ```
/// let corrected = tenure_stats::replication::correct(2.1, 1.0, 1.959963984540054)?;
/// assert!((corrected.estimate - 1.23).abs() < 0.005 && (corrected.se - 1.01).abs() < 0.005);
/// # Ok::<(), tenure_stats::CannotSay>(())
/// ```
pub fn correct(estimate: f64, se: f64, selected_at: f64) -> Result<Corrected, CannotSay> {
    finite(estimate)?;
    let z = Estimate::new(estimate, positive(se)?)?.z();
    // Far below its threshold an estimate was not selected by it.
    if !(0.0..=THRESHOLD_MAX).contains(&finite(selected_at)?) || z.abs() < selected_at - 20.0 {
        return Err(CannotSay::OutOfRange);
    }
    let (mean, sd) = selected_mean_and_sd(z.abs(), selected_at);
    Ok(Corrected { estimate: mean.copysign(z) * se, se: sd * se })
}

/// The largest threshold of selection: beyond it the chance to pass it by luck does not fit a double.
const THRESHOLD_MAX: f64 = 37.0;

/// Mean and standard deviation of the conditional likelihood, for z ≥ 0. The integrand is smooth and vanishes
/// at both ends, so equal steps converge exponentially. Its nearest singularity lies π/2c off the real line.
fn selected_mean_and_sd(z: f64, c: f64) -> (f64, f64) {
    if z > c + 40.0 {
        return (z, 1.0);
    }
    let step_width = 0.125 / (0.5 * c).max(1.0);
    let (first, last) = ((z - c - 12.0) / step_width, (z + 12.0) / step_width);
    let (mut sum, mut first_moment, mut second_moment) = (0.0, 0.0, 0.0);
    for step in first.floor() as i64..=last.ceil() as i64 {
        let mu = step as f64 * step_width;
        let off = mu - z;
        let chance = normal::sf_quick(c - mu) + normal::sf_quick(c + mu);
        let weight = (-0.5 * off * off).exp() / chance;
        sum += weight;
        first_moment += weight * off;
        second_moment += weight * off * off;
    }
    let mean = first_moment / sum;
    (z + mean, (second_moment / sum - mean * mean).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn label(original: (f64, f64), rollout: (f64, f64)) -> Label {
        let rollout = Rollout { estimate: rollout.0, se: rollout.1, interval: None };
        replicate(&Original::new(original.0, original.1), &rollout, Scale::Absolute).unwrap().label
    }

    #[test]
    fn labels_follow_the_table() {
        let original = (0.3, 0.03);
        assert_eq!(label(original, (0.28, 0.01)), Label::Confirmed);
        assert_eq!(label((0.05, 0.02), (0.014, 0.004)), Label::Compatible);
        assert_eq!(label(original, (0.1, 0.01)), Label::Diminished);
        assert_eq!(label(original, (0.6, 0.01)), Label::Exceeded);
        assert_eq!(label(original, (0.001, 0.01)), Label::Lost);
        assert_eq!(label(original, (0.2, 0.2)), Label::Undecided);
        assert_eq!(label(original, (-0.1, 0.01)), Label::Contradicted);
    }

    #[test]
    fn correction_matches_the_known_figures() {
        for (z, mean, sd) in [(2.1, 1.23, 1.01), (3.0, 2.39, 1.21)] {
            let corrected = correct(z, 1.0, SELECTED_AT).unwrap();
            assert!((corrected.estimate - mean).abs() < 0.005 && (corrected.se - sd).abs() < 0.005);
        }
        // No selection, no correction; and none left when the effect is far beyond its threshold.
        assert!((correct(1.5, 2.0, 0.0).unwrap().estimate - 1.5).abs() < 1e-12);
        assert!((correct(30.0, 1.0, SELECTED_AT).unwrap().estimate - 30.0).abs() < 1e-9);
    }

    #[test]
    fn refuses_what_has_no_answer() {
        let rollout = Rollout { estimate: 0.1, se: 0.1, interval: None };
        let of = |estimate, se| replicate(&Original::new(estimate, se), &rollout, Scale::Absolute);
        assert_eq!(of(0.0, 1.0), Err(CannotSay::OutOfRange));
        assert_eq!(of(1.0, 0.0), Err(CannotSay::OutOfRange));
        assert_eq!(of(f64::NAN, 1.0), Err(CannotSay::NonFinite));
    }

    proptest! {
        #[test]
        fn a_decrease_that_is_good_is_judged_alike(
            zo in 2.0..8.0f64,
            zr in -6.0..8.0f64,
            ratio in 0.05..3.0f64,
        ) {
            let (up, down) = (label((zo, 1.0), (zr * ratio, ratio)), label((-zo, 1.0), (-zr * ratio, ratio)));
            prop_assert_eq!(up, down);
        }

        #[test]
        fn correction_shrinks_and_keeps_the_sign(z in 0.01..40.0f64, c in 0.0..4.0f64) {
            let corrected = correct(z, 1.0, c).unwrap();
            prop_assert!(corrected.estimate >= 0.0 && corrected.estimate <= z + 1e-9);
            prop_assert_eq!(correct(-z, 1.0, c).unwrap().estimate, -corrected.estimate);
        }
    }
}
