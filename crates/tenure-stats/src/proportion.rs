//! Intervals and tests for two proportions, for when counts are small: Newcombe, Wilson, Agresti–Caffo, the
//! pooled score test, and the gate below which the plain interval is not trusted.

use crate::cannot_say::CannotSay;
use crate::estimate::Level;
use crate::normal;

/// Successes, or failures if fewer, that an arm needs before the plain (Wald) interval is trusted.
const GATE: f64 = 10.0;

/// Whether an arm has too few successes or failures for the plain interval: `n·min(p, 1 − p) < 10`.
pub fn below_gate(arm: &Level) -> bool {
    // Half a count of slack: p is a quotient of counts, so n·p may fall a rounding short of the count.
    arm.n as f64 * arm.value.min(1.0 - arm.value) < GATE - 1e-9
}

/// The interval of one proportion that inverts the score test [Wilson 1927]:
/// `(p + z²/2n ± z·√(p(1 − p)/n + z²/4n²))/(1 + z²/n)`.
pub fn wilson(arm: &Level, confidence: f64) -> [f64; 2] {
    let z = normal::critical(1.0 - confidence);
    let (n, p) = (arm.n as f64, arm.value);
    let shrink = 1.0 / (1.0 + z * z / n);
    let middle = (p + 0.5 * z * z / n) * shrink;
    let half = z * shrink * (p * (1.0 - p) / n + 0.25 * z * z / (n * n)).sqrt();
    [(middle - half).max(0.0), (middle + half).min(1.0)]
}

/// Newcombe's hybrid score interval of treatment less control [Newcombe 1998, method 10]: with Wilson's intervals `[l, u]` of
/// the arms, `d − √((p_T − l_T)² + (u_C − p_C)²)` to `d + √((u_T − p_T)² + (p_C − l_C)²)`. It has an answer also when an arm
/// has no success.
///
/// ```
/// use tenure_stats::estimate::{Kind, Level};
/// use tenure_stats::{moments::Moments, proportion};
///
/// let arm = |n, x| Level::of(Kind::Proportion, &Moments::from_counts(n, x)?).map_err(Box::<dyn std::error::Error>::from);
/// let [low, high] = proportion::newcombe(&arm(50, 0)?, &arm(60, 3)?, 0.95)?;
/// assert!((low + 0.028547).abs() < 1e-6 && (high - 0.137005).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn newcombe(control: &Level, treatment: &Level, confidence: f64) -> Result<[f64; 2], CannotSay> {
    if control.n == 0 || treatment.n == 0 {
        return Err(CannotSay::EmptyArm);
    }
    let (c, t) = (wilson(control, confidence), wilson(treatment, confidence));
    let difference = treatment.value - control.value;
    let down = (treatment.value - t[0]).hypot(c[1] - control.value);
    let up = (t[1] - treatment.value).hypot(control.value - c[0]);
    Ok([difference - down, difference + up])
}

/// Agresti and Caffo's interval: Wald's after one success and one failure more in each arm (2000).
pub fn agresti_caffo(control: &Level, treatment: &Level, confidence: f64) -> [f64; 2] {
    let padded = |arm: &Level| ((arm.value * arm.n as f64 + 1.0) / (arm.n as f64 + 2.0), arm.n as f64 + 2.0);
    let ((c, nc), (t, nt)) = (padded(control), padded(treatment));
    let half = normal::critical(1.0 - confidence) * (c * (1.0 - c) / nc + t * (1.0 - t) / nt).sqrt();
    [t - c - half, t - c + half]
}

/// The pooled score statistic, the difference in standard errors under equal proportions:
/// `(p_T − p_C)/√(p(1 − p)(1/n_T + 1/n_C))`, p of both arms together.
///
/// Errors: an empty arm; no success, or no failure, in both.
pub fn score(control: &Level, treatment: &Level) -> Result<f64, CannotSay> {
    if control.n == 0 || treatment.n == 0 {
        return Err(CannotSay::EmptyArm);
    }
    let (nc, nt) = (control.n as f64, treatment.n as f64);
    let pooled = (nc * control.value + nt * treatment.value) / (nc + nt);
    let variance = pooled * (1.0 - pooled) * (1.0 / nc + 1.0 / nt);
    if variance <= 0.0 {
        return Err(CannotSay::ZeroVariance);
    }
    Ok((treatment.value - control.value) / variance.sqrt())
}

/// Cohen's effect size of two proportions, `2·asin√p₁ − 2·asin√p₀` [Cohen 1988].
pub fn cohen_h(p0: f64, p1: f64) -> f64 {
    2.0 * (p1.sqrt().asin() - p0.sqrt().asin())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate::Kind;
    use crate::moments::Moments;

    fn arm(units: u64, successes: u64) -> Level {
        Level::of(Kind::Proportion, &Moments::from_counts(units, successes).unwrap()).unwrap()
    }

    #[test]
    fn the_gate_counts_the_rarer_side() {
        assert!(below_gate(&arm(1000, 9)) && below_gate(&arm(1000, 991)));
        assert!(!below_gate(&arm(1000, 10)) && !below_gate(&arm(1000, 990)));
        assert!((11..3000).all(|units| !below_gate(&arm(units + 10, 10))));
    }

    #[test]
    fn newcombe_answers_without_successes() {
        let interval = newcombe(&arm(50, 0), &arm(60, 3), 0.95).unwrap();
        assert!((interval[0] + 0.02854702483316282).abs() < 1e-12, "{interval:?}");
        assert!((interval[1] - 0.1370051647634852).abs() < 1e-12, "{interval:?}");
    }

    #[test]
    fn no_success_at_all_has_no_score() {
        assert_eq!(score(&arm(50, 0), &arm(60, 0)), Err(CannotSay::ZeroVariance));
        assert_eq!(score(&arm(50, 50), &arm(60, 60)), Err(CannotSay::ZeroVariance));
    }
}
