//! Bayesian display: chance to win and expected loss under a normal prior. Shown beside a verdict, never one.

use serde::{Deserialize, Serialize};

use crate::cannot_say::{CannotSay, computed, finite, positive};
use crate::estimate::Estimate;
use crate::normal;

/// A normal prior on the effect.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema), schemars(rename = "EffectPrior"))]
pub struct Prior {
    /// Its mean, on the estimate's scale.
    pub mean: f64,
    /// Its variance, above zero.
    pub variance: f64,
}

/// What is believed of the effect after the data.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Posterior {
    /// Its mean.
    pub mean: f64,
    /// Its standard deviation.
    pub sd: f64,
}

/// The posterior of a normal prior and a normal estimate, `1/sd² = 1/SE² + 1/V` and
/// `mean = sd²·(d/SE² + m/V)` [Gelman et al. 2013, ch. 2]; without a prior, the estimate itself.
///
/// ```
/// use tenure_stats::{bayes, estimate::Estimate};
///
/// let posterior = bayes::posterior(&Estimate::new(0.05, 0.02)?, Some(bayes::Prior { mean: 0.0, variance: 0.0025 }))?;
/// assert!((posterior.mean - 0.04310344827586207).abs() < 1e-15);
/// # Ok::<(), tenure_stats::CannotSay>(())
/// ```
pub fn posterior(estimate: &Estimate, prior: Option<Prior>) -> Result<Posterior, CannotSay> {
    let Some(prior) = prior else {
        return Ok(Posterior { mean: finite(estimate.value)?, sd: positive(estimate.se)? });
    };
    let (data, belief) = (estimate.information(), 1.0 / positive(prior.variance)?);
    let precision = data + belief;
    let mean = (data * estimate.value + belief * finite(prior.mean)?) / precision;
    let sd = precision.sqrt().recip();
    computed(&[mean, sd])?;
    Ok(Posterior { mean, sd: positive(sd)? })
}

impl Posterior {
    /// The probability that the effect is above zero: `Φ(mean/sd)`.
    pub fn chance_above_zero(&self) -> f64 {
        normal::cdf(self.mean / self.sd)
    }

    /// The expected loss of keeping the treatment: `E[max(0, −effect)] = sd·φ(z) − mean·Φ(−z)`, z = mean/sd [Stucchio 2015].
    pub fn loss_if_kept(&self) -> f64 {
        let z = self.mean / self.sd;
        (self.sd * normal::pdf(z) - self.mean * normal::cdf(-z)).max(0.0)
    }

    /// The expected loss of staying with control: `E[max(0, effect)]`.
    pub fn loss_if_dropped(&self) -> f64 {
        Self { mean: -self.mean, sd: self.sd }.loss_if_kept()
    }

    /// The central credible interval.
    pub fn interval(&self, confidence: f64) -> [f64; 2] {
        let half = normal::critical(1.0 - confidence) * self.sd;
        [self.mean - half, self.mean + half]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_differ_by_the_mean() {
        let posterior = Posterior { mean: 0.3, sd: 0.2 };
        assert!((posterior.loss_if_dropped() - posterior.loss_if_kept() - 0.3).abs() < 1e-15);
        assert!(posterior.loss_if_kept() > 0.0);
    }

    #[test]
    fn a_prior_without_variance_is_refused() {
        let estimate = Estimate::new(1.0, 1.0).unwrap();
        let prior = Some(Prior { mean: 0.0, variance: 0.0 });
        assert_eq!(posterior(&estimate, prior), Err(CannotSay::OutOfRange));
    }
}
