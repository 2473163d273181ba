//! Combining estimates of one effect: fixed effect, and random effects by DerSimonian and Laird.

use crate::cannot_say::{CannotSay, computed};
use crate::estimate::Estimate;
use crate::sample_ratio::ChiSquare;

/// Estimates combined into one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Combined {
    /// The combined estimate.
    pub estimate: Estimate,
    /// Cochran's Q of the estimates around their precision-weighted mean.
    pub heterogeneity: ChiSquare,
    /// The variance between effects, 0 for a fixed effect.
    pub tau_squared: f64,
}

/// The precision-weighted mean, one true effect behind all estimates: `Σ w·d/Σ w` with `w = 1/SE²`, `SE = 1/√Σw`, and
/// Cochran's `Q = Σ w·(d − d̄)²` [Cochran 1954].
///
/// Errors: no estimate.
///
/// ```
/// use tenure_stats::{estimate::Estimate, meta_analysis};
///
/// let combined = meta_analysis::fixed(&[Estimate::new(0.05, 0.02)?, Estimate::new(0.04, 0.012)?])?;
/// assert!((combined.estimate.value - 0.0426470588).abs() < 1e-9);
/// # Ok::<(), tenure_stats::CannotSay>(())
/// ```
pub fn fixed(estimates: &[Estimate]) -> Result<Combined, CannotSay> {
    weigh(estimates, 0.0)
}

/// The mean of a distribution of effects, its variance by the method of moments,
/// `τ² = max(0, (Q − df)/(Σw − Σw²/Σw))`, which then widens each weight to `1/(SE² + τ²)` [DerSimonian, Laird 1986].
pub fn random(estimates: &[Estimate]) -> Result<Combined, CannotSay> {
    let q = weigh(estimates, 0.0)?.heterogeneity;
    let weights = || estimates.iter().map(Estimate::information);
    let (sum, squares) = (weights().sum::<f64>(), weights().map(|weight| weight * weight).sum::<f64>());
    let room = sum - squares / sum;
    let tau_squared = if room > 0.0 { ((q.statistic - q.df) / room).max(0.0) } else { 0.0 };
    Ok(Combined { heterogeneity: q, ..weigh(estimates, tau_squared)? })
}

fn weigh(estimates: &[Estimate], tau_squared: f64) -> Result<Combined, CannotSay> {
    if estimates.is_empty() {
        return Err(CannotSay::EmptyArm);
    }
    let weights = || estimates.iter().map(|estimate| 1.0 / (estimate.se * estimate.se + tau_squared));
    let total: f64 = weights().sum();
    let mean =
        weights().zip(estimates).map(|(weight, estimate)| weight * estimate.value).sum::<f64>() / total;
    let off = |(weight, estimate): (f64, &Estimate)| weight * (estimate.value - mean).powi(2);
    let statistic = weights().zip(estimates).map(off).sum();
    computed(&[statistic, tau_squared])?;
    Ok(Combined {
        estimate: Estimate::new(mean, total.sqrt().recip())?,
        heterogeneity: ChiSquare::new(statistic, (estimates.len() - 1) as f64),
        tau_squared,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreeing_estimates_have_no_variance_between() {
        let estimates = [Estimate::new(1.0, 0.1).unwrap(), Estimate::new(1.0, 0.3).unwrap()];
        let (fixed, random) = (fixed(&estimates).unwrap(), random(&estimates).unwrap());
        assert_eq!((random.tau_squared, random.estimate), (0.0, fixed.estimate));
        assert_eq!(super::fixed(&[]), Err(CannotSay::EmptyArm));
    }
}
