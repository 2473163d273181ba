//! Ratio metrics: `ΣM/ΣD` over units, when the unit that is randomised is not the unit that is counted.

use crate::cannot_say::CannotSay;
use crate::estimate::Level;
use crate::joint::Joint;

/// The level `R = ΣM/ΣD` of one arm: with `e_i = M_i − R·D_i`, `Var(R) = s_e²/(n·D̄²)` [Deng, Knoblich, Lu
/// 2018]. `numerator` and `denominator` say which values of the joint moments they are.
///
/// Errors: an empty arm, a single unit, a denominator that sums to zero, input that is not finite.
///
/// # Panics
/// When there is no such variable.
///
/// ```
/// use tenure_stats::{joint::Joint, ratio};
///
/// let mut arm = Joint::new(2);
/// for [revenue, orders] in [[20.0, 2.0], [0.0, 0.0], [35.0, 3.0], [8.0, 1.0]] {
///     arm.push(&[revenue, orders])?;
/// }
/// assert!((ratio::level(&arm, 0, 1)?.value - 10.5).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn level(arm: &Joint, numerator: usize, denominator: usize) -> Result<Level, CannotSay> {
    if arm.n() == 0 {
        return Err(CannotSay::EmptyArm);
    }
    let per_unit = arm.mean(denominator);
    if per_unit == 0.0 {
        return Err(CannotSay::ZeroDenominator);
    }
    let value = arm.mean(numerator) / per_unit;
    let mut weights = vec![0.0; arm.variables()];
    weights[numerator] += 1.0 / per_unit;
    weights[denominator] -= value / per_unit;
    let linearised = arm.combination(&weights).map_err(|_| CannotSay::NonFinite)?;
    Ok(Level { n: arm.n(), value, variance: linearised.variance()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_over_ones_is_a_mean() {
        let mut arm = Joint::new(2);
        [3.0, 5.0, 10.0].iter().for_each(|&value| arm.push(&[value, 1.0]).unwrap());
        let level = level(&arm, 0, 1).unwrap();
        assert!((level.value - 6.0).abs() < 1e-12 && (level.variance - 13.0).abs() < 1e-12);
    }

    #[test]
    fn a_ratio_that_is_the_same_for_every_unit_does_not_vary() {
        let mut arm = Joint::new(2);
        [3.1, 5.7, 10.3, 0.2].iter().for_each(|&value| arm.push(&[0.7 * value, value]).unwrap());
        assert_eq!(level(&arm, 0, 1).unwrap().variance, 0.0);
    }

    #[test]
    fn says_why_there_is_no_ratio() {
        assert_eq!(level(&Joint::new(2), 0, 1), Err(CannotSay::EmptyArm));
        let mut arm = Joint::new(2);
        arm.push(&[1.0, 0.0]).unwrap();
        assert_eq!(level(&arm, 0, 1), Err(CannotSay::ZeroDenominator));
    }
}
