//! Several questions at once: adjusted p-values, and e-values for dashboards that nobody counted the looks of.

use crate::cannot_say::{CannotSay, probability};

/// How p-values are adjusted. The first five keep the chance of any false claim below the level, the last two
/// the expected share of false claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Correction {
    /// `m·p`.
    Bonferroni,
    /// `1 − (1 − p)^m`, for independent tests.
    Sidak,
    /// Step-down Bonferroni [Holm 1979]: the one to use.
    Holm,
    /// Step-down Šidák.
    HolmSidak,
    /// Step-up [Hochberg 1988], for tests that are not negatively dependent.
    Hochberg,
    /// Closed Simes test [Hommel 1988].
    Hommel,
    /// False discovery rate [Benjamini, Hochberg 1995].
    BenjaminiHochberg,
    /// False discovery rate under any dependence [Benjamini, Yekutieli 2001].
    BenjaminiYekutieli,
}

/// The adjusted p-values, in the order of the input: a test is significant at a level when its adjusted
/// p-value is at most that level.
///
/// ```
/// use tenure_stats::multiplicity::{adjust, Correction};
///
/// let adjusted = adjust(Correction::Holm, &[0.01, 0.04, 0.03])?;
/// assert!(adjusted.iter().zip([0.03, 0.06, 0.06]).all(|(found, expected)| (found - expected).abs() < 1e-12));
/// # Ok::<(), tenure_stats::CannotSay>(())
/// ```
pub fn adjust(correction: Correction, p: &[f64]) -> Result<Vec<f64>, CannotSay> {
    if p.iter().any(|p| !(0.0..=1.0).contains(p)) {
        return Err(CannotSay::OutOfRange);
    }
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let sorted: Vec<f64> = order.iter().map(|&at| p[at]).collect();
    let m = p.len() as f64;
    // Šidák's 1 − (1 − p)^k without losing small p.
    let sidak = |p: f64, k: f64| -(k * (-p).ln_1p()).exp_m1();
    let left = |rank: usize| m - rank as f64;
    let adjusted: Vec<f64> = match correction {
        Correction::Bonferroni => sorted.iter().map(|p| m * p).collect(),
        Correction::Sidak => sorted.iter().map(|&p| sidak(p, m)).collect(),
        Correction::Holm => step_down(&sorted, |rank, p| left(rank) * p),
        Correction::HolmSidak => step_down(&sorted, |rank, p| sidak(p, left(rank))),
        Correction::Hochberg => step_up(&sorted, |rank, p| left(rank) * p),
        Correction::Hommel => hommel(&sorted),
        Correction::BenjaminiHochberg => step_up(&sorted, |rank, p| m / (rank + 1) as f64 * p),
        Correction::BenjaminiYekutieli => {
            let harmonic: f64 = (1..=p.len()).map(|rank| 1.0 / rank as f64).sum();
            step_up(&sorted, |rank, p| harmonic * m / (rank + 1) as f64 * p)
        }
    };
    let mut result = vec![0.0; p.len()];
    for (at, value) in order.into_iter().zip(adjusted) {
        result[at] = value.min(1.0);
    }
    Ok(result)
}

/// Running maximum from the smallest p-value up.
fn step_down(sorted: &[f64], factor: impl Fn(usize, f64) -> f64) -> Vec<f64> {
    let running = sorted.iter().enumerate().scan(0.0_f64, |largest, (rank, &p)| {
        *largest = largest.max(factor(rank, p));
        Some(*largest)
    });
    running.collect()
}

/// Running minimum from the largest p-value down.
fn step_up(sorted: &[f64], factor: impl Fn(usize, f64) -> f64) -> Vec<f64> {
    let mut adjusted = vec![0.0; sorted.len()];
    let mut smallest = 1.0_f64;
    for (rank, &p) in sorted.iter().enumerate().rev() {
        smallest = smallest.min(factor(rank, p));
        adjusted[rank] = smallest;
    }
    adjusted
}

/// Hommel's adjusted p-values by the algorithm of Wright (1992).
fn hommel(sorted: &[f64]) -> Vec<f64> {
    let n = sorted.len();
    let mut adjusted = sorted.to_vec();
    for m in (2..=n).rev() {
        let late = || (n - m + 1)..n;
        let smallest =
            late().map(|at| m as f64 * sorted[at] / (m + at - n + 1) as f64).fold(f64::INFINITY, f64::min);
        for at in late() {
            adjusted[at] = adjusted[at].max(smallest);
        }
        for at in 0..=(n - m) {
            adjusted[at] = adjusted[at].max(smallest.min(m as f64 * sorted[at]));
        }
    }
    adjusted
}

/// e-BH [Wang, Ramdas 2022]: which hypotheses to claim so that at most a share `alpha` of the claims is expected
/// to be false, whatever the dependence and however often it is looked at: the k largest, for the largest k whose k-th
/// e-value is at least `m/(kα)`. Takes log e-values.
///
/// ```
/// use tenure_stats::multiplicity::e_benjamini_hochberg;
///
/// // Four hypotheses at 10 %: the largest must reach 40, two together 20 each, three 13.3 each.
/// let claimed = e_benjamini_hochberg(&[21f64.ln(), 0.0, 25f64.ln(), 5f64.ln()], 0.1)?;
/// assert_eq!(claimed, [true, false, true, false]);
/// # Ok::<(), tenure_stats::CannotSay>(())
/// ```
pub fn e_benjamini_hochberg(log_e: &[f64], alpha: f64) -> Result<Vec<bool>, CannotSay> {
    let bar = (log_e.len() as f64 / probability(alpha)?).ln();
    if log_e.iter().any(|e| e.is_nan()) {
        return Err(CannotSay::NonFinite);
    }
    let mut sorted = log_e.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let claimed = sorted.iter().enumerate().rfind(|(rank, e)| **e >= bar - ((rank + 1) as f64).ln());
    let threshold = claimed.map_or(f64::INFINITY, |(_, e)| *e);
    Ok(log_e.iter().map(|&e| e >= threshold && threshold < f64::INFINITY).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Correction; 8] = [
        Correction::Bonferroni,
        Correction::Sidak,
        Correction::Holm,
        Correction::HolmSidak,
        Correction::Hochberg,
        Correction::Hommel,
        Correction::BenjaminiHochberg,
        Correction::BenjaminiYekutieli,
    ];

    #[test]
    fn what_is_no_p_value_is_refused() {
        assert_eq!(adjust(Correction::Holm, &[0.5, 1.5]), Err(CannotSay::OutOfRange));
        assert_eq!(adjust(Correction::Holm, &[f64::NAN]), Err(CannotSay::OutOfRange));
        assert_eq!(adjust(Correction::Holm, &[]), Ok(Vec::new()));
    }

    #[test]
    fn e_values_claim_the_strongest() {
        let log_e = [(40.0_f64).ln(), 0.0, (100.0_f64).ln()];
        assert_eq!(e_benjamini_hochberg(&log_e, 0.05).unwrap(), [true, false, true]);
        assert_eq!(e_benjamini_hochberg(&[0.0], 0.05).unwrap(), [false]);
    }

    proptest! {
        #[test]
        fn adjustment_never_helps_and_keeps_order(p in prop::collection::vec(0.0..=1.0f64, 1..20)) {
            for correction in ALL {
                let adjusted = adjust(correction, &p).unwrap();
                for (a, b) in p.iter().zip(&adjusted) {
                    prop_assert!(*b >= *a * (1.0 - 1e-12) && *b <= 1.0, "{correction:?}");
                }
                for i in 0..p.len() {
                    for j in 0..p.len() {
                        prop_assert!(p[i] > p[j] || adjusted[i] <= adjusted[j] + 1e-12, "{correction:?}");
                    }
                }
            }
            // Sharper methods are sharper.
            let of = |correction| adjust(correction, &p).unwrap();
            for (holm, bonferroni) in of(Correction::Holm).iter().zip(of(Correction::Bonferroni)) {
                prop_assert!(*holm <= bonferroni + 1e-12);
            }
            for (hommel, hochberg) in of(Correction::Hommel).iter().zip(of(Correction::Hochberg)) {
                prop_assert!(*hommel <= hochberg + 1e-12);
            }
        }
    }
}
