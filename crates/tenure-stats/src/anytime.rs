//! Intervals and e-values that stay valid however often somebody looks.
//!
//! The normal-mixture confidence sequence in information form [Howard et al. 2021; Waudby-Smith et al. 2024]:
//! with `x = τ²/SE²`, the mixture variance in units of the squared standard error, everything depends on `x`
//! and on `z = estimate/SE` only. τ² is fixed before the first look.

use std::f64::consts::E;

use crate::cannot_say::{CannotSay, positive, probability};
use crate::normal;

/// The `x` at which the two-sided interval is narrowest relative to a fixed one: `−W₋₁(−α²/e) − 1`, the
/// lower branch of Lambert's function.
///
/// ```
/// let x = tenure_stats::anytime::optimal_x(0.05)?;
/// assert!((x - 8.211968062068253).abs() < 1e-12);
/// # Ok::<(), tenure_stats::CannotSay>(())
/// ```
pub fn optimal_x(alpha: f64) -> Result<f64, CannotSay> {
    probability(alpha)?;
    Ok(-lambert_w::lambert_wm1(-alpha * alpha / E) - 1.0)
}

/// The closed approximation of [`optimal_x`]: `−2·ln α + ln(1 − 2·ln α)`.
pub fn optimal_x_approximate(alpha: f64) -> Result<f64, CannotSay> {
    probability(alpha)?;
    let twice = -2.0 * alpha.ln();
    Ok(twice + twice.ln_1p())
}

/// The mixture variance `τ² = x*·SE_plan²` that makes the interval tightest when the standard error reaches `se_plan`; fixed
/// before the first look.
pub fn tau_squared(alpha: f64, se_plan: f64) -> Result<f64, CannotSay> {
    Ok(optimal_x(alpha)? * positive(se_plan)? * se_plan)
}

/// The critical value of the two-sided interval: `√((1+x)/x · ln((1+x)/α²))` [Waudby-Smith et al. 2024].
///
/// ```
/// use tenure_stats::anytime::{critical, log_e};
///
/// // The bound is where the e-value reaches 1/α.
/// let z = critical(8.2, 0.05)?;
/// assert!((log_e(z, 8.2) - 20f64.ln()).abs() < 1e-12);
/// # Ok::<(), tenure_stats::CannotSay>(())
/// ```
pub fn critical(x: f64, alpha: f64) -> Result<f64, CannotSay> {
    probability(alpha)?;
    positive(x)?;
    Ok((((1.0 + x) / x) * (x.ln_1p() - 2.0 * alpha.ln())).sqrt())
}

/// The critical value of the one-sided bound in closed form:
/// `√(2(1+x)/x · ln(1 + √(1+x)/(2α)))` [Waudby-Smith et al. 2024]; 1 to 2 % wider than the exact one.
pub fn critical_one_sided_closed(x: f64, alpha: f64) -> Result<f64, CannotSay> {
    probability(alpha)?;
    positive(x)?;
    Ok((2.0 * (1.0 + x) / x * (0.5 * (1.0 + x).sqrt() / alpha).ln_1p()).sqrt())
}

/// The exact critical value of the one-sided bound: the z where [`log_e_above`] reaches `ln(1/α)`.
pub fn critical_one_sided(x: f64, alpha: f64) -> Result<f64, CannotSay> {
    let target = -probability(alpha)?.ln();
    positive(x)?;
    // ln E is convex and rising in z, so from above Newton's method falls to the root without overshooting.
    let mut z = critical_one_sided_closed(x, alpha)?.max(1e-3);
    let shrink = x / (1.0 + x);
    for _ in 0..100 {
        let y = z * shrink.sqrt();
        let slope = z * shrink + shrink.sqrt() * normal::pdf(y) / normal::cdf(y);
        let step = (log_e_above(z, x) - target) / slope;
        z -= step;
        if step.abs() <= 4.0 * f64::EPSILON * z.abs() {
            break;
        }
    }
    Ok(z)
}

/// The two-sided log e-value, the likelihood ratio of a normal mixture over nothing: `z²x/(2(1+x)) − ln(1+x)/2`
/// [Robbins 1970].
pub fn log_e(z: f64, x: f64) -> f64 {
    0.5 * z * z * x / (1.0 + x) - 0.5 * x.ln_1p()
}

/// The one-sided log e-value against "not above zero": `E₁ = 2E·Φ(z·√(x/(1+x)))`.
pub fn log_e_above(z: f64, x: f64) -> f64 {
    std::f64::consts::LN_2 + log_e(z, x) + normal::ln_cdf(z * (x / (1.0 + x)).sqrt())
}

/// The p-value of a log e-value: `min(1, 1/E)`. Its running minimum is valid at any time [Ville 1939].
pub fn p_of_log_e(log_e: f64) -> f64 {
    (-log_e).exp().min(1.0)
}

/// The t-form for few units [Lindon et al., avlm]: what replaces the critical value when the variance is
/// estimated from `n` units with `coefficients` estimated, `df = n − coefficients`.
/// `√(ν(1−q)/(q−T))` with `T = g/(g+n)` and `q = (T·α²)^(1/(ν+1))`; infinite when `q ≤ T`.
pub fn t_radius(g: f64, n: f64, df: f64, alpha: f64) -> Result<f64, CannotSay> {
    probability(alpha)?;
    let shrink = positive(g)? / (g + positive(n)?);
    positive(df)?;
    let q = ((shrink.ln() + 2.0 * alpha.ln()) / (df + 1.0)).exp();
    if q <= shrink { Ok(f64::INFINITY) } else { Ok((df * (1.0 - q) / (q - shrink)).sqrt()) }
}

/// The limit of [`t_radius`] for many units: [`critical`] with `x = n/g`.
pub fn z_radius(g: f64, n: f64, alpha: f64) -> Result<f64, CannotSay> {
    critical(positive(n)? / positive(g)?, alpha)
}

/// The log e-value of a t statistic, the test that [`t_radius`] inverts:
/// `½·ln r + (ν+1)/2·[ln(1 + t²/ν) − ln(1 + r·t²/ν)]`, `r = g/(g+n)`.
pub fn log_e_t(t: f64, g: f64, n: f64, df: f64) -> f64 {
    let shrink = g / (g + n);
    let spread = t * t / df;
    0.5 * shrink.ln() + 0.5 * (df + 1.0) * (spread.ln_1p() - (shrink * spread).ln_1p())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_what_has_no_answer() {
        assert_eq!(critical(0.0, 0.05), Err(CannotSay::OutOfRange));
        assert_eq!(critical(1.0, 1.0), Err(CannotSay::OutOfRange));
        assert_eq!(optimal_x(f64::NAN), Err(CannotSay::OutOfRange));
        assert_eq!(t_radius(1.0, f64::INFINITY, 10.0, 0.05), Err(CannotSay::NonFinite));
    }

    proptest! {
        #[test]
        fn a_bound_and_its_e_value_agree(log_x in -10.0..10.0f64, alpha in 0.001..0.4f64) {
            let x = log_x.exp();
            let z = critical(x, alpha).unwrap();
            prop_assert!((log_e(z, x) + alpha.ln()).abs() < 1e-10);
            let z = critical_one_sided(x, alpha).unwrap();
            prop_assert!((log_e_above(z, x) + alpha.ln()).abs() < 1e-10);
            prop_assert!(z <= critical_one_sided_closed(x, alpha).unwrap() * (1.0 + 1e-12));
        }

        #[test]
        fn the_tuned_x_is_the_best(alpha in 0.001..0.4f64, factor in 0.2..5.0f64) {
            // At a fixed τ² the width is critical(x)·SE and x = τ²/SE²: so critical is smallest at the tuned x.
            let best = optimal_x(alpha).unwrap();
            prop_assert!(critical(best, alpha).unwrap() <= critical(best * factor, alpha).unwrap() + 1e-12);
        }

        #[test]
        fn a_stricter_level_is_wider(log_x in -6.0..6.0f64, alpha in 0.001..0.2f64) {
            let x = log_x.exp();
            prop_assert!(critical(x, alpha).unwrap() > critical(x, 2.0 * alpha).unwrap());
        }
    }
}
