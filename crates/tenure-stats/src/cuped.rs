//! Regression adjustment from moments: what was known of a unit before it entered takes noise out of what is
//! measured after. CUPED with one slope for both arms; Lin's interacted form when the arms are not equal in size.
//!
//! An arm's joint moments hold the outcome (variable 0) and its covariates (variables 1 and on), which must be
//! measured strictly before entry. Arms of one epoch at a time: the covariates are centred within it.

use crate::cannot_say::{CannotSay, computed};
use crate::estimate::Level;
use crate::joint::Joint;
use crate::moments::MomentsError;

/// Two adjusted levels, and the slopes that adjusted them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adjusted {
    /// The control arm, at the covariates' pooled means.
    pub control: Level,
    /// The treatment arm, at the covariates' pooled means.
    pub treatment: Level,
    /// The slope of the first covariate in the control arm.
    pub theta_control: f64,
    /// The slope of the first covariate in the treatment arm.
    pub theta_treatment: f64,
}

/// The values that a covariate adds to a unit's row: itself and "is missing". What is missing enters as 0 beside
/// the indicator, and both are adjusted for [Zhao, Ding 2022].
///
/// ```
/// use tenure_stats::{cuped, joint::Joint};
///
/// let (mut control, mut treatment) = (Joint::new(3), Joint::new(3));
/// let units = [(2.0, Some(1.0)), (4.1, Some(2.0)), (5.9, Some(3.0)), (3.0, None), (3.4, None)];
/// for (spend, before) in units {
///     let [before, missing] = cuped::covariate(before);
///     control.push(&[spend, before, missing])?;
///     treatment.push(&[spend + 1.0, before, missing])?;
/// }
/// let adjusted = cuped::lin(&control, &treatment)?;
/// assert!((adjusted.treatment.value - adjusted.control.value - 1.0).abs() < 1e-12);
/// assert!(adjusted.control.se() < control.alone(0)?.variance()?.sqrt() / 5f64.sqrt());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn covariate(value: Option<f64>) -> [f64; 2] {
    value.map_or([0.0, 1.0], |value| [value, 0.0])
}

/// CUPED: `ȳ_adj = ȳ_a − θ(x̄_a − x̄)` with `θ = Cov(y, x)/Var(x)` over all units [Deng, Xu, Kohavi, Walker 2013];
/// with several covariates, the least-squares slopes. A covariate without variance, or determined by those before
/// it, adjusts nothing.
///
/// Errors: an arm without units or with one; arms of different variables, or without covariate.
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
    let slopes = Slopes::of(&pooled);
    adjust([control, treatment], [&slopes.theta; 2], &pooled)
}

/// Adjustment to the first covariate's pooled mean with slopes that are given: control's, then treatment's. For a
/// slope that was frozen before the first look.
pub fn with_slopes(control: &Joint, treatment: &Joint, slopes: [f64; 2]) -> Result<Adjusted, CannotSay> {
    let pooled = pool(control, treatment)?;
    let padded = slopes.map(|slope| {
        let mut thetas = vec![0.0; pooled.variables() - 1];
        thetas[0] = slope;
        thetas
    });
    adjust([control, treatment], [&padded[0], &padded[1]], &pooled)
}

/// Lin's interacted regression: each arm has its own slopes, so that adjustment never costs precision at any
/// allocation [Lin 2013]. The squared standard error of a level is that of its arm's regression at the pooled
/// means, `s²(1/n + d'S⁻¹d)` with k slopes' degrees of freedom taken: what HC2 is on average, from moments alone.
/// (HC2 itself needs the rows: [`crate::regression`].)
///
/// Errors: those of [`cuped`]; an arm with no more units than slopes.
pub fn lin(control: &Joint, treatment: &Joint) -> Result<Adjusted, CannotSay> {
    let pooled = pool(control, treatment)?;
    let slopes = [Slopes::of(control), Slopes::of(treatment)];
    let mut adjusted = adjust([control, treatment], [&slopes[0].theta, &slopes[1].theta], &pooled)?;
    let arms = [(&mut adjusted.control, control), (&mut adjusted.treatment, treatment)];
    for ((level, arm), slopes) in arms.into_iter().zip(&slopes) {
        let used = slopes.used();
        if level.n < used + 2 {
            return Err(CannotSay::OneUnit);
        }
        let off: Vec<f64> = (1..arm.variables()).map(|at| arm.mean(at) - pooled.mean(at)).collect();
        level.variance *= (level.n - 1) as f64 / (level.n - 1 - used) as f64;
        level.variance *= 1.0 + level.n as f64 * slopes.reach(&off);
        computed(&[level.variance])?;
    }
    Ok(adjusted)
}

/// CUPED for a ratio: the numerator and denominator (variables 0 and 1) and their covariates (2 and 3) are
/// linearised at the pooled means, then adjusted like a mean [Deng, Knoblich, Lu 2018].
///
/// Errors: those of [`cuped`]; a denominator that sums to zero.
pub fn cuped_ratio(control: &Joint, treatment: &Joint) -> Result<Adjusted, CannotSay> {
    let pooled = pool(control, treatment)?;
    if pooled.variables() != 4 {
        return Err(CannotSay::OutOfRange);
    }
    let theta = Slopes::of(&linearised(&pooled, &pooled)?).theta[0];
    // Each arm is linearised at its own means for its variance, and the covariate's ratio moves its level.
    let covariate_pooled = over(&pooled, 2, 3)?;
    let level = |arm: &Joint| -> Result<Level, CannotSay> {
        let linear = linearised(arm, arm)?;
        let residual = linear.combination(&[1.0, -theta]).map_err(cannot)?;
        let value = over(arm, 0, 1)? - theta * (over(arm, 2, 3)? - covariate_pooled);
        computed(&[value])?;
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

/// Both arms together. Errors when they have no covariate, or not the same ones.
fn pool(control: &Joint, treatment: &Joint) -> Result<Joint, CannotSay> {
    if control.variables() < 2 {
        return Err(CannotSay::OutOfRange);
    }
    let mut pooled = control.clone();
    pooled.merge(treatment).map_err(cannot)?;
    Ok(pooled)
}

/// The least-squares slopes of the outcome on its covariates.
struct Slopes {
    /// One a covariate; 0 where it does not vary or the ones before determine it.
    theta: Vec<f64>,
    /// The inverse of the covariates' cross-products, row by row; zeros for those left out.
    inverse: Vec<f64>,
}

/// A covariate with less than this share of its variance left by those before it is determined by them.
const DETERMINED: f64 = 1e-10;

impl Slopes {
    /// By sweeping the covariates' rows of the matrix of cross-products one after another [Goodnight 1979].
    fn of(joint: &Joint) -> Self {
        let k = joint.variables();
        let mut swept: Vec<f64> = (0..k * k).map(|at| joint.cross(at / k, at % k)).collect();
        let mut used = vec![false; k];
        for at in 1..k {
            let pivot = swept[at * k + at];
            // Written so that what is not a number is left out too.
            if !(pivot > DETERMINED * joint.cross(at, at) && pivot.is_normal()) {
                continue;
            }
            used[at] = true;
            let row: Vec<f64> = swept[at * k..(at + 1) * k].iter().map(|value| value / pivot).collect();
            for other in (0..k).filter(|&other| other != at) {
                let factor = swept[other * k + at];
                (0..k).for_each(|column| swept[other * k + column] -= factor * row[column]);
                swept[other * k + at] = -factor / pivot;
            }
            swept[at * k..(at + 1) * k].copy_from_slice(&row);
            swept[at * k + at] = 1.0 / pivot;
        }
        let theta = (1..k).map(|at| if used[at] { swept[at * k] } else { 0.0 }).collect();
        let both = |row: usize, column: usize| used[row] && used[column];
        let inverse = (1..k).flat_map(|row| (1..k).map(move |column| (row, column)));
        let inverse =
            inverse.map(|(row, column)| if both(row, column) { swept[row * k + column] } else { 0.0 });
        Self { theta, inverse: inverse.collect() }
    }

    /// How many covariates adjust.
    fn used(&self) -> u64 {
        let k = self.theta.len();
        (0..k).filter(|at| self.inverse[at * k + at] != 0.0).count() as u64
    }

    /// `d'S⁻¹d`: how much the regression's error grows at a distance `d` from its arm's means.
    fn reach(&self, d: &[f64]) -> f64 {
        let k = d.len();
        (0..k * k).map(|at| d[at / k] * d[at % k] * self.inverse[at]).sum::<f64>().max(0.0)
    }
}

fn adjust(arms: [&Joint; 2], thetas: [&Vec<f64>; 2], pooled: &Joint) -> Result<Adjusted, CannotSay> {
    let level = |arm: &Joint, thetas: &[f64]| -> Result<Level, CannotSay> {
        let weights: Vec<f64> = std::iter::once(1.0).chain(thetas.iter().map(|theta| -theta)).collect();
        let residual = arm.combination(&weights).map_err(cannot)?;
        let variance = residual.variance()?;
        let moved = thetas.iter().enumerate();
        let moved = moved.map(|(at, theta)| theta * (arm.mean(at + 1) - pooled.mean(at + 1)));
        let value = arm.mean(0) - moved.sum::<f64>();
        computed(&[value, variance])?;
        Ok(Level { n: arm.n(), value, variance })
    };
    Ok(Adjusted {
        control: level(arms[0], thetas[0])?,
        treatment: level(arms[1], thetas[1])?,
        theta_control: thetas[0][0],
        theta_treatment: thetas[1][0],
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
    use crate::regression::{self, Robust};
    use proptest::prelude::*;

    fn arm(units: &[[f64; 2]]) -> Joint {
        let mut joint = Joint::new(2);
        units.iter().for_each(|unit| joint.push(unit).unwrap());
        joint
    }

    #[test]
    fn a_constant_covariate_adjusts_nothing() {
        let (control, treatment) = (arm(&[[1.0, 5.0], [3.0, 5.0]]), arm(&[[2.0, 5.0], [6.0, 5.0]]));
        for adjusted in [cuped(&control, &treatment).unwrap(), lin(&control, &treatment).unwrap()] {
            assert_eq!((adjusted.control.value, adjusted.treatment.value), (2.0, 4.0));
            assert_eq!((adjusted.control.variance, adjusted.theta_control), (2.0, 0.0));
        }
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

    #[test]
    fn arms_that_do_not_match_are_refused() {
        let two = arm(&[[1.0, 5.0], [3.0, 6.0]]);
        assert_eq!(cuped(&Joint::new(1), &Joint::new(1)), Err(CannotSay::OutOfRange));
        assert_eq!(lin(&two, &Joint::new(3)), Err(CannotSay::OutOfRange));
        assert_eq!(cuped(&two, &Joint::new(2)), Err(CannotSay::EmptyArm));
        assert_eq!(cuped_ratio(&two, &two), Err(CannotSay::OutOfRange));
        assert_eq!(lin(&two, &two), Err(CannotSay::OneUnit));
    }

    proptest! {
        #[test]
        fn from_moments_is_the_regression_on_rows(
            sizes in prop::array::uniform2(60usize..200),
            phase in 1.0..3.0f64,
            missing_every in 3usize..9,
        ) {
            // The same units as moments and as rows, some without their covariate.
            let mut arms = [Joint::new(3), Joint::new(3)];
            let (mut treated, mut y) = (Vec::new(), Vec::new());
            let mut columns = [Vec::new(), Vec::new()];
            for (which, size) in sizes.into_iter().enumerate() {
                for unit in 0..size {
                    let wave = |rate: f64| (unit as f64 * rate * phase).sin();
                    let [x, missing] = covariate((unit % missing_every != 0).then(|| wave(1.0)));
                    let outcome = wave(1.7) + 0.8 * x + which as f64 * 0.5 * x;
                    arms[which].push(&[outcome, x, missing]).unwrap();
                    treated.push(which as f64);
                    y.push(outcome);
                    columns[0].push(x);
                    columns[1].push(missing);
                }
            }
            let adjusted = lin(&arms[0], &arms[1]).unwrap();
            let rows = regression::lin_rows(&treated, &[&columns[0], &columns[1]]).unwrap();
            let fit = regression::fit(&rows, &y).unwrap();
            let effect = adjusted.treatment.value - adjusted.control.value;
            prop_assert!((effect - fit.beta[1]).abs() < 1e-9);
            let se = (adjusted.control.se_squared() + adjusted.treatment.se_squared()).sqrt();
            let robust = fit.se(1, Robust::Hc2).unwrap();
            prop_assert!((se / robust - 1.0).abs() < 0.06, "{se} {robust}");
        }
    }
}
