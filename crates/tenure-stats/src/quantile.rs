//! Quantiles: which order statistics bound one, and the standard error that their distance gives. Quantiles do
//! not come from moments: an engine returns the values at the ranks asked for here.

use crate::cannot_say::{CannotSay, computed, positive, probability};
use crate::estimate::Level;
use crate::{normal, special};

/// Ranks (counted from 1) of the order statistics around a quantile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranks {
    /// The lower rank; below 1 means that the sample is too small to bound it.
    pub lower: i64,
    /// The upper rank; above the sample size means the same.
    pub upper: i64,
}

impl Ranks {
    /// Whether a sample of `n` values has both ranks.
    pub fn are_within(&self, n: u64) -> bool {
        self.lower >= 1 && u64::try_from(self.upper).is_ok_and(|upper| upper <= n)
    }
}

/// The standard error of the share of independent values below the `p` quantile: `√(p(1 − p)/n)`. With
/// clusters, use the cluster-robust standard error of the mean of `1{y ≤ q̂}` instead.
pub fn sigma_independent(n: u64, p: f64) -> f64 {
    (p * (1.0 - p) / n as f64).sqrt()
}

/// The outer ranks of a `1 − alpha` interval: `⌊n(p − z·σ)⌋` and `⌈n(p + z·σ)⌉ + 1` [Deng, Knoblich, Lu 2018].
pub fn outer_ranks(n: u64, p: f64, sigma: f64, alpha: f64) -> Result<Ranks, CannotSay> {
    probability(p)?;
    let half = normal::critical(probability(alpha)?) * positive(sigma)?;
    let n = n as f64;
    Ok(Ranks { lower: (n * (p - half)).floor() as i64, upper: (n * (p + half)).ceil() as i64 + 1 })
}

/// The exact ranks for independent values, from the binomial distribution K of how many lie below: the smallest k with
/// `P(K ≤ k) ≥ α/2`, and one above that with `P(K ≤ k) ≥ 1 − α/2` [David, Nagaraja 2003, ch. 7].
pub fn exact_ranks(n: u64, p: f64, alpha: f64) -> Result<Ranks, CannotSay> {
    probability(p)?;
    let tail = 0.5 * probability(alpha)?;
    Ok(Ranks { lower: binomial_quantile(n, p, tail), upper: binomial_quantile(n, p, 1.0 - tail) + 1 })
}

/// The level of a quantile in one arm, from the values at the outer ranks: `SE = (q_U − q_L)/2z`.
pub fn level(n: u64, quantile: f64, lower: f64, upper: f64, alpha: f64) -> Result<Level, CannotSay> {
    if n == 0 {
        return Err(CannotSay::EmptyArm);
    }
    let se = (upper - lower) / (2.0 * normal::critical(probability(alpha)?));
    if !(quantile.is_finite() && se.is_finite()) {
        return Err(CannotSay::NonFinite);
    }
    if se < 0.0 {
        return Err(CannotSay::OutOfRange);
    }
    let variance = se * se * n as f64;
    computed(&[variance])?;
    Ok(Level { n, value: quantile, variance })
}

/// The smallest k with `P(K ≤ k) ≥ q` for K binomial.
fn binomial_quantile(n: u64, p: f64, q: f64) -> i64 {
    // P(K ≤ k) is the incomplete beta function I_{1−p}(n − k, k + 1).
    let reached = |k: u64| k >= n || special::beta_inc((n - k) as f64, (k + 1) as f64, 1.0 - p) >= q;
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = low + (high - low) / 2;
        if reached(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_straddle_the_median() {
        let sigma = sigma_independent(50, 0.5);
        let ranks = outer_ranks(50, 0.5, sigma, 0.05).unwrap();
        assert_eq!(ranks, Ranks { lower: 18, upper: 33 });
        assert!(ranks.are_within(50) && !ranks.are_within(32));
        assert_eq!(exact_ranks(50, 0.5, 0.05).unwrap(), Ranks { lower: 18, upper: 33 });
    }

    #[test]
    fn bounds_in_the_wrong_order_are_refused() {
        assert_eq!(level(50, 1.0, 2.0, 1.0, 0.05), Err(CannotSay::OutOfRange));
    }
}
