//! The standard normal distribution. A tail is computed as a tail, to the last digits, out to z = 37.

use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

use statrs::function::erf;

/// The part of `1/√2` that its double leaves out.
const FRAC_1_SQRT_2_REST: f64 = -4.833646656726457e-17;

/// `P(Z ≤ z)`.
///
/// ```
/// assert!((tenure_stats::normal::cdf(1.959963984540054) - 0.975).abs() < 1e-15);
/// ```
pub fn cdf(z: f64) -> f64 {
    sf(-z)
}

/// `P(Z > z)`, as a tail.
///
/// `erfc(z/√2)/2`, with the rounding of `z/√2` put back: at z = 37 it alone would cost three digits.
pub fn sf(z: f64) -> f64 {
    let y = z * FRAC_1_SQRT_2;
    let half = 0.5 * libm::erfc(y);
    if half == 0.0 || !y.is_finite() {
        return half;
    }
    let rest = z.mul_add(FRAC_1_SQRT_2, -y) + z * FRAC_1_SQRT_2_REST;
    half - rest * (-y * y).exp() / PI.sqrt()
}

/// [`sf`] to 1e-13 up to |z| = 20 and less beyond, at half the price: for sums of many tails.
pub(crate) fn sf_quick(z: f64) -> f64 {
    0.5 * libm::erfc(z * FRAC_1_SQRT_2)
}

/// `ln P(Z ≤ z)`, finite also where the probability itself underflows.
pub fn ln_cdf(z: f64) -> f64 {
    if z > -37.0 {
        return if z > 1.0 { (-sf(z)).ln_1p() } else { cdf(z).ln() };
    }
    // Mills' ratio by its asymptotic series: at |z| ≥ 37 the fourth term is below 1e-14.
    let q = 1.0 / (z * z);
    let series = 1.0 - q * (1.0 - 3.0 * q * (1.0 - 5.0 * q * (1.0 - 7.0 * q)));
    -0.5 * z * z - (-z).ln() - 0.5 * (2.0 * PI).ln() + series.ln()
}

/// The density `exp(−z²/2)/√(2π)`.
pub fn pdf(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * PI).sqrt()
}

/// The quantile: the z with `P(Z ≤ z) = p`. NaN outside `[0, 1]`.
pub fn ppf(p: f64) -> f64 {
    -isf(p)
}

/// The upper quantile: the z with `P(Z > z) = q`. Precise for tiny `q`. NaN outside `[0, 1]`.
///
/// ```
/// assert!((tenure_stats::normal::isf(0.025) - 1.9599639845400543).abs() < 1e-15);
/// ```
pub fn isf(q: f64) -> f64 {
    if !(0.0..=1.0).contains(&q) {
        return f64::NAN;
    }
    SQRT_2 * erf::erfc_inv(2.0 * q)
}

/// The two-sided p-value of `z`: `2·P(Z > |z|)`.
pub fn two_sided(z: f64) -> f64 {
    (2.0 * sf(z.abs())).min(1.0)
}

/// The critical value of a two-sided test: `z` with `2·P(Z > z) = alpha`.
pub fn critical(alpha: f64) -> f64 {
    isf(0.5 * alpha)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() <= tolerance * expected.abs(), "{found} is not {expected}");
    }

    #[test]
    fn tails_hold_far_out() {
        // 60-digit values.
        check(sf(5.0), 2.866515718791939e-07, 1e-15);
        check(cdf(-12.5), 3.732564298877713e-36, 1e-14);
        check(cdf(-20.0), 2.7536241186062337e-89, 1e-14);
        check(sf(37.0), 5.725571222524576e-300, 1e-13);
    }

    #[test]
    fn quantile_undoes_the_tail() {
        for z in [-30.0, -8.0, -1.0, -1e-9, 0.0, 0.3, 2.0, 6.0, 36.0] {
            assert!((isf(sf(z)) - z).abs() < 1e-13 * (1.0 + z.abs()) || z < -6.0, "{z}");
        }
        assert!(ppf(-0.1).is_nan() && ppf(1.1).is_nan());
    }

    #[test]
    fn the_logarithm_is_continuous_where_the_method_changes() {
        check(ln_cdf(-37.0 - 1e-9), ln_cdf(-37.0 + 1e-9), 1e-9);
        check(ln_cdf(-100.0), -5005.524208694205, 1e-13);
        check(ln_cdf(2.0), -0.023012909328963488, 1e-14);
    }
}
