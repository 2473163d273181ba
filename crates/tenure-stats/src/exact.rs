//! Exact tests of two small proportions: Fisher's, Barnard's and Boschloo's. Two-sided; for counts that a
//! normal approximation should not be asked about.

use crate::cannot_say::CannotSay;
use crate::special;

/// Two arms of zeros and ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Units in the control arm.
    pub control_n: u64,
    /// Successes in the control arm.
    pub control_successes: u64,
    /// Units in the treatment arm.
    pub treatment_n: u64,
    /// Successes in the treatment arm.
    pub treatment_successes: u64,
}

/// Barnard's and Boschloo's tests look at every table of these sizes: larger ones take too long.
const TABLES_MAX: u64 = 1_000_000;

/// Fisher's and the binomial test add up this many terms at most: with more units the normal tests are exact enough.
const TERMS_MAX: u64 = 10_000_000;

/// Tables whose probabilities differ by less than this are equally extreme.
const TIE: f64 = 1e-7;

impl Counts {
    fn check(&self) -> Result<(), CannotSay> {
        if self.control_n == 0 || self.treatment_n == 0 {
            return Err(CannotSay::EmptyArm);
        }
        let fits = self.control_successes <= self.control_n && self.treatment_successes <= self.treatment_n;
        if fits { Ok(()) } else { Err(CannotSay::OutOfRange) }
    }

    fn check_tables(&self) -> Result<(), CannotSay> {
        self.check()?;
        let tables = (self.control_n + 1).checked_mul(self.treatment_n + 1);
        if tables.is_some_and(|tables| tables <= TABLES_MAX) { Ok(()) } else { Err(CannotSay::OutOfRange) }
    }
}

/// Fisher's exact test: the probability, given both margins, of a table no likelier than this one.
///
/// ```
/// use tenure_stats::exact::{fisher, Counts};
///
/// let counts = Counts { control_n: 30, control_successes: 4, treatment_n: 31, treatment_successes: 11 };
/// assert!((fisher(&counts)? - 0.07314088047099221).abs() < 1e-12);
/// # Ok::<(), tenure_stats::CannotSay>(())
/// ```
pub fn fisher(counts: &Counts) -> Result<f64, CannotSay> {
    counts.check()?;
    if counts.control_n.max(counts.treatment_n) > TERMS_MAX {
        return Err(CannotSay::OutOfRange);
    }
    let successes = counts.control_successes + counts.treatment_successes;
    Ok(hypergeometric_two_sided(counts.control_n, counts.treatment_n, successes, counts.control_successes))
}

/// The exact two-sided binomial test that `successes` of `n` have probability `p`: the probability of a count
/// no likelier than this one.
pub fn binomial(n: u64, successes: u64, p: f64) -> Result<f64, CannotSay> {
    crate::cannot_say::probability(p)?;
    if successes > n || n > TERMS_MAX {
        return Err(CannotSay::OutOfRange);
    }
    let ln_probability = |k: u64| ln_choose(n, k) + k as f64 * p.ln() + (n - k) as f64 * (-p).ln_1p();
    let bar = ln_probability(successes) + TIE;
    let extreme = (0..=n).map(ln_probability).filter(|ln_probability| *ln_probability <= bar);
    Ok(extreme.map(f64::exp).sum::<f64>().min(1.0))
}

/// Barnard's test with the pooled Wald statistic: the largest probability, over the common proportion, of a
/// table at least as extreme [Barnard 1945].
///
/// Errors: empty arms; more than a million tables.
pub fn barnard(counts: &Counts) -> Result<f64, CannotSay> {
    counts.check_tables()?;
    let statistic = |control: u64, treatment: u64| {
        let (nc, nt) = (counts.control_n as f64, counts.treatment_n as f64);
        let (pc, pt) = (control as f64 / nc, treatment as f64 / nt);
        let pooled = (control + treatment) as f64 / (nc + nt);
        let variance = pooled * (1.0 - pooled) * (1.0 / nc + 1.0 / nt);
        if variance == 0.0 { 0.0 } else { (pt - pc).abs() / variance.sqrt() }
    };
    let seen = statistic(counts.control_successes, counts.treatment_successes);
    Ok(worst_case(counts, |control, treatment| statistic(control, treatment) >= seen - TIE * seen.max(1.0)))
}

/// Boschloo's test: Fisher's p-value as the statistic of an unconditional test, the smaller of both one-sided
/// p-values doubled [Boschloo 1970]. Never weaker than Fisher's.
///
/// Errors: empty arms; more than a million tables.
pub fn boschloo(counts: &Counts) -> Result<f64, CannotSay> {
    counts.check_tables()?;
    let one_sided = |fewer_in_control: bool| {
        let p = |control: u64, treatment: u64| {
            hypergeometric_one_sided(counts, control + treatment, control, fewer_in_control)
        };
        let seen = p(counts.control_successes, counts.treatment_successes);
        worst_case(counts, |control, treatment| p(control, treatment) <= seen * (1.0 + TIE))
    };
    Ok((2.0 * one_sided(true).min(one_sided(false))).min(1.0))
}

/// The largest probability, over the common proportion of both arms, of the tables that are `extreme`.
fn worst_case(counts: &Counts, extreme: impl Fn(u64, u64) -> bool) -> f64 {
    let choose = |n: u64| -> Vec<f64> { (0..=n).map(|k| ln_choose(n, k)).collect() };
    let (control, treatment) = (choose(counts.control_n), choose(counts.treatment_n));
    // Only the number of successes matters for how likely a table is: gather the tables by it.
    let total = counts.control_n + counts.treatment_n;
    let mut ways = vec![f64::NEG_INFINITY; total as usize + 1];
    for (c, ln_c) in control.iter().enumerate() {
        for (t, ln_t) in treatment.iter().enumerate() {
            if extreme(c as u64, t as u64) {
                let way = &mut ways[c + t];
                let (high, low) = (way.max(ln_c + ln_t), way.min(ln_c + ln_t));
                *way = if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() };
            }
        }
    }
    let probability = |p: f64| -> f64 {
        let (ln_p, ln_q) = (p.ln(), (-p).ln_1p());
        let terms = ways.iter().enumerate().filter(|(_, way)| way.is_finite());
        terms.map(|(k, way)| (way + k as f64 * ln_p + (total - k as u64) as f64 * ln_q).exp()).sum()
    };
    // The probability has several humps: a fine grid finds the highest, golden sections its top.
    let grid = 2048;
    let at = |step: i32| f64::from(step) / f64::from(grid);
    let best = (1..grid).max_by(|&a, &b| probability(at(a)).total_cmp(&probability(at(b)))).unwrap_or(1);
    let top = golden_maximum(at(best - 1).max(1e-12), at(best + 1).min(1.0 - 1e-12), &probability);
    probability(top).max(probability(at(best))).min(1.0)
}

fn golden_maximum(low: f64, high: f64, f: &impl Fn(f64) -> f64) -> f64 {
    let ratio = 0.5 * (5f64.sqrt() - 1.0);
    let (mut low, mut high) = (low, high);
    for _ in 0..100 {
        let (left, right) = (high - ratio * (high - low), low + ratio * (high - low));
        if f(left) > f(right) {
            high = right;
        } else {
            low = left;
        }
    }
    0.5 * (low + high)
}

/// The probability, given both margins, of a table no likelier than the one with `seen` in the first arm.
fn hypergeometric_two_sided(first: u64, second: u64, successes: u64, seen: u64) -> f64 {
    let ln_probability = |k: u64| ln_choose(first, k) + ln_choose(second, successes - k);
    let (low, high) = (successes.saturating_sub(second), successes.min(first));
    let (mut all, mut extreme) = (0.0, 0.0);
    let reference = ln_probability(seen);
    for k in low..=high {
        let weight = (ln_probability(k) - reference).exp();
        all += weight;
        if weight <= 1.0 + TIE {
            extreme += weight;
        }
    }
    // Infinite weights: the table seen is impossibly unlikely beside its neighbours.
    if all.is_finite() { extreme / all } else { 0.0 }
}

/// The probability, given both margins, of at most (`fewer`) or at least `seen` successes in the control arm.
fn hypergeometric_one_sided(counts: &Counts, successes: u64, seen: u64, fewer: bool) -> f64 {
    let ln_probability =
        |k: u64| ln_choose(counts.control_n, k) + ln_choose(counts.treatment_n, successes - k);
    let (low, high) = (successes.saturating_sub(counts.treatment_n), successes.min(counts.control_n));
    let reference = ln_choose(counts.control_n + counts.treatment_n, successes);
    let range = if fewer { low..=seen } else { seen..=high };
    range.map(|k| (ln_probability(k) - reference).exp()).sum()
}

fn ln_choose(n: u64, k: u64) -> f64 {
    let ln_factorial = |value: u64| special::ln_gamma(value as f64 + 1.0);
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counts(control: [u64; 2], treatment: [u64; 2]) -> Counts {
        Counts {
            control_n: control[0],
            control_successes: control[1],
            treatment_n: treatment[0],
            treatment_successes: treatment[1],
        }
    }

    #[test]
    fn refuses_what_is_no_table() {
        assert_eq!(fisher(&counts([0, 0], [3, 1])), Err(CannotSay::EmptyArm));
        assert_eq!(fisher(&counts([2, 3], [3, 1])), Err(CannotSay::OutOfRange));
        assert_eq!(barnard(&counts([u64::MAX - 1, 1], [3, 1])), Err(CannotSay::OutOfRange));
    }

    #[test]
    fn tables_as_extreme_count_however_their_statistic_rounds() {
        // By fractions 43/256, at a common proportion of one half; scipy 1.17.1 leaves out a tie and gives 0.138.
        let p = barnard(&counts([5, 4], [6, 2])).unwrap();
        assert!((p - 43.0 / 256.0).abs() < 1e-12, "{p}");
    }

    #[test]
    fn equal_arms_are_no_evidence() {
        for test in [fisher, barnard, boschloo] {
            assert!(test(&counts([10, 5], [10, 5])).unwrap() > 0.9);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn boschloo_is_never_weaker_than_doubled_fisher(n in 2u64..14, m in 2u64..14, a in 0u64..14, b in 0u64..14) {
            let counts = counts([n, a.min(n)], [m, b.min(m)]);
            for p in [fisher(&counts).unwrap(), barnard(&counts).unwrap(), boschloo(&counts).unwrap()] {
                prop_assert!((0.0..=1.0 + 1e-12).contains(&p));
            }
            let total = counts.control_successes + counts.treatment_successes;
            let side = |fewer| hypergeometric_one_sided(&counts, total, counts.control_successes, fewer);
            prop_assert!(boschloo(&counts).unwrap() <= 2.0 * side(true).min(side(false)) + 1e-9);
        }
    }
}
