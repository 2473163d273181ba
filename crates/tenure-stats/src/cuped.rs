//! Regression adjustment from moments: what was known of a unit before it entered takes noise out of what is
//! measured after. CUPED with one θ for both arms; Lin's interacted form when the arms are not equal in size.

use crate::cannot_say::CannotSay;
use crate::estimate::Level;
use crate::joint::Joint;
use crate::moments::MomentsError;

/// Two adjusted levels, and the slope that adjusted them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adjusted {
    /// The control arm, at the covariate's pooled mean.
    pub control: Level,
    /// The treatment arm, at the covariate's pooled mean.
    pub treatment: Level,
    /// The slope in the control arm.
    pub theta_control: f64,
    /// The slope in the treatment arm.
    pub theta_treatment: f64,
}

/// CUPED: `ȳ_adj = ȳ_a − θ(x̄_a − x̄)` with `θ = Cov(y, x)/Var(x)` over all units [Deng, Xu, Kohavi, Walker 2013].
/// The arms hold an outcome (variable 0) and its covariate (variable 1), which must be measured strictly
/// before entry. A covariate without variance adjusts nothing.
///
/// ```
/// use tenure_stats::{cuped, joint::Joint};
///
/// let mut control = Joint::new(2);
/// let mut treatment = Joint::new(2);
/// for unit in [[2.0, 1.0], [4.1, 2.0], [5.9, 3.0]] {
///     control.push(&unit)?;
///     treatment.push(&[unit[0] + 1.0, unit[1]])?;
/// }
/// let adjusted = cuped::cuped(&control, &treatment)?;
/// assert!((adjusted.treatment.value - adjusted.control.value - 1.0).abs() < 1e-12);
/// assert!(adjusted.control.variance < 0.2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn cuped(control: &Joint, treatment: &Joint) -> Result<Adjusted, CannotSay> {
    let pooled = pool(control, treatment)?;
    let theta = slope(&pooled);
    with_slopes(control, treatment, [theta; 2])
}

/// Adjustment to the covariate's pooled mean with slopes that are given: control's, then treatment's. For a
/// slope that was frozen before the first look.
pub fn with_slopes(control: &Joint, treatment: &Joint, slopes: [f64; 2]) -> Result<Adjusted, CannotSay> {
    adjust([control, treatment], slopes, pool(control, treatment)?.mean(1))
}

/// Lin's interacted regression: each arm has its own slope, so that adjustment never costs precision at any
/// allocation [Lin 2013]. The variance is that of the residuals, with the degree of freedom that the slope
/// takes.
pub fn lin(control: &Joint, treatment: &Joint) -> Result<Adjusted, CannotSay> {
    let thetas = [slope(control), slope(treatment)];
    let mut adjusted = with_slopes(control, treatment, thetas)?;
    for (level, theta) in [(&mut adjusted.control, thetas[0]), (&mut adjusted.treatment, thetas[1])] {
        if theta != 0.0 {
            if level.n < 3 {
                return Err(CannotSay::OneUnit);
            }
            level.variance *= (level.n - 1) as f64 / (level.n - 2) as f64;
        }
    }
    Ok(adjusted)
}

/// CUPED for a ratio: the numerator and denominator (variables 0 and 1) and their covariates (2 and 3) are
/// linearised at the pooled means, then adjusted like a mean [Deng, Knoblich, Lu 2018].
pub fn cuped_ratio(control: &Joint, treatment: &Joint) -> Result<Adjusted, CannotSay> {
    let pooled = pool(control, treatment)?;
    let theta = {
        let linear = linearised(&pooled, &pooled)?;
        slope(&linear)
    };
    // Each arm is linearised at its own means for its variance, and the covariate's ratio moves its level.
    let covariate_pooled = over(&pooled, 2, 3)?;
    let level = |arm: &Joint| -> Result<Level, CannotSay> {
        let linear = linearised(arm, arm)?;
        let residual = linear.combination(&[1.0, -theta]).map_err(|_| CannotSay::NonFinite)?;
        let value = over(arm, 0, 1)? - theta * (over(arm, 2, 3)? - covariate_pooled);
        Ok(Level { n: arm.n(), value, variance: residual.variance()? })
    };
    Ok(Adjusted {
        control: level(control)?,
        treatment: level(treatment)?,
        theta_control: theta,
        theta_treatment: theta,
    })
}

/// The outcome's and the covariate's ratio, each linearised at the means of `at`.
fn linearised(arm: &Joint, at: &Joint) -> Result<Joint, CannotSay> {
    let weights = |numerator: usize, denominator: usize| -> Result<[f64; 4], CannotSay> {
        let ratio = over(at, numerator, denominator)?;
        let mut weights = [0.0; 4];
        weights[numerator] = 1.0 / at.mean(denominator);
        weights[denominator] = -ratio / at.mean(denominator);
        Ok(weights)
    };
    let (outcome, covariate) = (weights(0, 1)?, weights(2, 3)?);
    let product = |a: &[f64; 4], b: &[f64; 4]| {
        (0..16).map(|index| a[index / 4] * b[index % 4] * arm.cross(index / 4, index % 4)).sum::<f64>()
    };
    let mean = |weights: &[f64; 4]| (0..4).map(|at| weights[at] * arm.mean(at)).sum::<f64>();
    let freedom = (arm.n().max(2) - 1) as f64;
    let between = product(&outcome, &covariate) / freedom;
    let spread = |weights| product(weights, weights).max(0.0) / freedom;
    let covariance = [spread(&outcome), between, between, spread(&covariate)];
    Joint::from_summary(arm.n(), &[mean(&outcome), mean(&covariate)], &covariance).map_err(cannot)
}

fn over(arm: &Joint, numerator: usize, denominator: usize) -> Result<f64, CannotSay> {
    if arm.n() == 0 {
        return Err(CannotSay::EmptyArm);
    }
    let below = arm.mean(denominator);
    if below == 0.0 { Err(CannotSay::ZeroDenominator) } else { Ok(arm.mean(numerator) / below) }
}

fn pool(control: &Joint, treatment: &Joint) -> Result<Joint, CannotSay> {
    let mut pooled = control.clone();
    pooled.merge(treatment).map_err(cannot)?;
    Ok(pooled)
}

/// `Cov(y, x)/Var(x)`; 0 when the covariate does not vary.
fn slope(joint: &Joint) -> f64 {
    let spread = joint.cross(1, 1);
    if spread == 0.0 { 0.0 } else { joint.cross(0, 1) / spread }
}

fn adjust(arms: [&Joint; 2], thetas: [f64; 2], middle: f64) -> Result<Adjusted, CannotSay> {
    let level = |arm: &Joint, theta: f64| -> Result<Level, CannotSay> {
        let residual = arm.combination(&[1.0, -theta]).map_err(cannot)?;
        let variance = residual.variance()?;
        Ok(Level { n: arm.n(), value: arm.mean(0) - theta * (arm.mean(1) - middle), variance })
    };
    Ok(Adjusted {
        control: level(arms[0], thetas[0])?,
        treatment: level(arms[1], thetas[1])?,
        theta_control: thetas[0],
        theta_treatment: thetas[1],
    })
}

fn cannot(error: MomentsError) -> CannotSay {
    match error {
        MomentsError::NotFinite { .. } => CannotSay::NonFinite,
        _ => CannotSay::OutOfRange,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm(units: &[[f64; 2]]) -> Joint {
        let mut joint = Joint::new(2);
        units.iter().for_each(|unit| joint.push(unit).unwrap());
        joint
    }

    #[test]
    fn a_constant_covariate_adjusts_nothing() {
        let (control, treatment) = (arm(&[[1.0, 5.0], [3.0, 5.0]]), arm(&[[2.0, 5.0], [6.0, 5.0]]));
        let adjusted = cuped(&control, &treatment).unwrap();
        assert_eq!((adjusted.control.value, adjusted.treatment.value), (2.0, 4.0));
        assert_eq!(adjusted.theta_control, 0.0);
    }

    #[test]
    fn lin_is_two_regressions() {
        // Slopes 2 and 3, no residual: the levels at the pooled covariate mean are exact.
        let control = arm(&[[0.0, 0.0], [2.0, 1.0], [4.0, 2.0]]);
        let treatment = arm(&[[1.0, 0.0], [4.0, 1.0], [7.0, 2.0], [10.0, 3.0]]);
        let adjusted = lin(&control, &treatment).unwrap();
        let middle = 9.0 / 7.0;
        assert!((adjusted.control.value - 2.0 * middle).abs() < 1e-12);
        assert!((adjusted.treatment.value - 1.0 - 3.0 * middle).abs() < 1e-12);
        assert!(adjusted.control.variance < 1e-12);
    }
}
