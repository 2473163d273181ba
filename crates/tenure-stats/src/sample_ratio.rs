//! Sample ratio: did the arms get the shares that were planned? A fixed χ² test, and a sequential test that
//! may be looked at after every unit and multiplies over epochs. Count units, not events.

use crate::cannot_say::{CannotSay, computed, positive};
use crate::special;

/// The Dirichlet concentration of the sequential test.
pub const CONCENTRATION: f64 = 100.0;

/// What the sample-ratio tests say.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct SampleRatio {
    /// The p-value of the fixed χ² test.
    pub p_chi2: f64,
    /// The log e-value of the sequential test, over all epochs.
    pub log_e: f64,
}

/// A χ² statistic with its degrees of freedom and p-value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChiSquare {
    /// The statistic.
    pub statistic: f64,
    /// Degrees of freedom.
    pub df: f64,
    /// The probability of a statistic at least as large.
    pub p_value: f64,
}

/// Pearson's χ² test that `counts` follow `shares` (which need not add up to 1): `Σ (n_i − Nθ_i)²/(Nθ_i)` with one degree of
/// freedom less than arms [Pearson 1900]. No unit at all gives p = 1.
///
/// Errors: fewer than two arms, lengths that differ, a share that is not above zero.
///
/// ```
/// let test = tenure_stats::sample_ratio::chi_square(&[44_700, 45_489], &[0.5, 0.5])?;
/// assert!((test.p_value - 0.008608).abs() < 1e-6);
/// # Ok::<(), tenure_stats::CannotSay>(())
/// ```
pub fn chi_square(counts: &[u64], shares: &[f64]) -> Result<ChiSquare, CannotSay> {
    let shares = normalised(counts, shares)?;
    let total = counts.iter().map(|&count| count as f64).sum::<f64>();
    let df = (counts.len() - 1) as f64;
    if total == 0.0 {
        return Ok(ChiSquare { statistic: 0.0, df, p_value: 1.0 });
    }
    let statistic = counts.iter().zip(&shares).map(|(&count, share)| {
        let expected = total * share;
        (count as f64 - expected) * (count as f64 - expected) / expected
    });
    let statistic = statistic.sum();
    computed(&[statistic])?;
    Ok(ChiSquare::new(statistic, df))
}

/// The sum of independent χ² statistics, one per epoch.
pub fn chi_square_over_epochs(epochs: &[ChiSquare]) -> ChiSquare {
    ChiSquare::new(
        epochs.iter().map(|epoch| epoch.statistic).sum(),
        epochs.iter().map(|epoch| epoch.df).sum(),
    )
}

impl ChiSquare {
    /// The test of a statistic.
    pub fn new(statistic: f64, df: f64) -> Self {
        let p_value = if df == 0.0 { 1.0 } else { special::gamma_upper(0.5 * df, 0.5 * statistic) };
        Self { statistic, df, p_value }
    }
}

/// The log e-value of the sequential multinomial test [Lindon, Malek 2022]:
/// `lnΓ(k) − lnΓ(k+N) + Σ[lnΓ(kθ_i+n_i) − lnΓ(kθ_i)] − Σ n_i·lnθ_i`, with k = `concentration`.
/// Under the planned shares `E ≥ 1/α` ever happens with probability at most α. Add it over epochs.
///
/// ```
/// use tenure_stats::sample_ratio::{log_e, p_of_log_e, CONCENTRATION};
///
/// let skewed = log_e(&[5_234, 4_766], &[0.5, 0.5], CONCENTRATION)?;
/// assert!(p_of_log_e(skewed) < 0.001);
/// let fair = log_e(&[5_034, 4_966], &[0.5, 0.5], CONCENTRATION)?;
/// assert!(p_of_log_e(fair) > 0.5);
/// # Ok::<(), tenure_stats::CannotSay>(())
/// ```
pub fn log_e(counts: &[u64], shares: &[f64], concentration: f64) -> Result<f64, CannotSay> {
    let shares = normalised(counts, shares)?;
    let k = positive(concentration)?;
    let units = counts.iter().map(|&count| count as f64).sum::<f64>();
    let total = k + units;
    // Stirling's formula for every lnΓ of a posterior parameter a_i = kθ_i + n_i, with a_i = total·θ_i·(1 + δ_i):
    // the terms of the size of the counts cancel in the algebra, what is left is of the size of the result.
    let arm = |(&count, share): (&u64, &f64)| {
        let prior = k * share;
        let posterior = prior + count as f64;
        let off = (count as f64 - units * share) / (total * share);
        let ln_ratio = if off > -0.5 { off.ln_1p() } else { (posterior / (total * share)).ln() };
        (posterior - 0.5) * ln_ratio + special::stirling_rest(posterior) - special::stirling_rest(prior)
    };
    let arms: f64 = counts.iter().zip(&shares).map(arm).sum();
    let freedom = (counts.len() - 1) as f64;
    let log_e =
        arms + 0.5 * freedom * (k / total).ln() + special::stirling_rest(k) - special::stirling_rest(total);
    computed(&[log_e])?;
    Ok(log_e)
}

/// The p-value of a log e-value: `min(1, 1/E)`.
pub fn p_of_log_e(log_e: f64) -> f64 {
    (-log_e).exp().min(1.0)
}

fn normalised(counts: &[u64], shares: &[f64]) -> Result<Vec<f64>, CannotSay> {
    if counts.len() < 2 || counts.len() != shares.len() {
        return Err(CannotSay::OutOfRange);
    }
    for &share in shares {
        positive(share)?;
    }
    let sum: f64 = shares.iter().sum();
    let shares: Vec<f64> = shares.iter().map(|share| share / sum).collect();
    // A share that vanishes beside the others expects nobody.
    if shares.iter().all(|share| *share > 0.0) { Ok(shares) } else { Err(CannotSay::TooExtreme) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_shares_that_are_none() {
        assert_eq!(chi_square(&[1, 2], &[0.5]), Err(CannotSay::OutOfRange));
        assert_eq!(chi_square(&[1, 2], &[1.0, 0.0]), Err(CannotSay::OutOfRange));
        assert_eq!(chi_square(&[1], &[1.0]), Err(CannotSay::OutOfRange));
        assert_eq!(log_e(&[1, 2], &[0.5, f64::NAN], 100.0), Err(CannotSay::NonFinite));
    }

    #[test]
    fn no_units_say_nothing() {
        assert_eq!(chi_square(&[0, 0], &[0.5, 0.5]).unwrap().p_value, 1.0);
        assert!(log_e(&[0, 0], &[0.5, 0.5], 100.0).unwrap().abs() < 1e-12);
    }

    #[test]
    fn a_clear_mismatch_is_found_by_both() {
        assert!(chi_square(&[50_000, 51_500], &[0.5, 0.5]).unwrap().p_value < 1e-5);
        assert!(p_of_log_e(log_e(&[50_000, 51_500], &[0.5, 0.5], CONCENTRATION).unwrap()) < 1e-3);
    }

    proptest! {
        #[test]
        fn p_values_are_probabilities(a in 0u64..1_000_000, b in 0u64..1_000_000, share in 0.01..0.99f64) {
            let shares = [share, 1.0 - share];
            prop_assert!((0.0..=1.0).contains(&chi_square(&[a, b], &shares).unwrap().p_value));
            prop_assert!((0.0..=1.0).contains(&p_of_log_e(log_e(&[a, b], &shares, CONCENTRATION).unwrap())));
        }
    }
}
