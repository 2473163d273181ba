//! The winner's curse: what an estimate says once it is known that it was only reported because it crossed a
//! threshold. On the z scale; [`crate::replication::correct`] is the correction that decides, the others are
//! shown beside it.

use crate::cannot_say::{CannotSay, finite, probability};
use crate::estimate::Estimate;
use crate::normal;

/// Which estimates would have been selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selected {
    /// Those with `|z| > c`.
    BothSides,
    /// Those with `z > c`.
    Above,
}

/// Estimates are looked for within this many standard errors.
const FAR: f64 = 200.0;

/// The conditional maximum-likelihood estimate of μ given z and its selection [Ghosh, Zou, Wright 2008], on
/// the z scale. None when the likelihood rises all the way down: z hardly passed its one-sided threshold.
pub fn conditional_mle(z: f64, c: f64, selected: Selected) -> Result<Option<f64>, CannotSay> {
    let (z, side) = oriented(z, c, selected)?;
    // The slope of the log-likelihood falls through its root.
    let slope = |mu: f64| match selected {
        Selected::Above => z - mu - hazard(c - mu),
        Selected::BothSides => {
            let chance = normal::cdf(mu - c) + normal::cdf(-mu - c);
            z - mu - (normal::pdf(c - mu) - normal::pdf(c + mu)) / chance
        }
    };
    let low = if selected == Selected::BothSides { 0.0 } else { -FAR };
    if slope(low) < 0.0 {
        return Ok(if selected == Selected::BothSides { Some(0.0) } else { None });
    }
    Ok(Some(side * root(low, z.max(0.0) + 1.0, |mu| -slope(mu))))
}

/// Half of the conditional mean and the conditional maximum-likelihood estimate [Zhong, Prentice 2008].
pub fn average_of_mean_and_mle(z: f64, c: f64) -> Result<f64, CannotSay> {
    let mean = crate::replication::correct(z, 1.0, c)?.estimate;
    let mle = conditional_mle(z, c, Selected::BothSides)?.unwrap_or(0.0);
    Ok(0.5 * (mean + mle))
}

/// The conditional interval of μ: the values under which z, given its selection, is not in a tail of
/// `alpha/2`. Ends beyond 200 standard errors are given as that.
pub fn conditional_interval(z: f64, c: f64, alpha: f64, selected: Selected) -> Result<[f64; 2], CannotSay> {
    let (z, side) = oriented(z, c, selected)?;
    let tail = 0.5 * probability(alpha)?;
    // ln P(Z > z | selected), which rises with μ.
    let ln_beyond = |mu: f64| {
        let ln_selected = match selected {
            Selected::Above => normal::ln_cdf(mu - c),
            Selected::BothSides => {
                let (above, below) = (normal::ln_cdf(mu - c), normal::ln_cdf(-mu - c));
                above.max(below) + (-(above - below).abs()).exp().ln_1p()
            }
        };
        normal::ln_cdf(mu - z) - ln_selected
    };
    let end = |target: f64| root(-FAR, FAR, |mu| ln_beyond(mu) - target.ln());
    let (low, high) = (end(tail), end(1.0 - tail));
    Ok(if side > 0.0 { [low, high] } else { [-high, -low] })
}

/// The bias of a sum of effects that were kept because they crossed their thresholds, estimated at the
/// observed effects: `Σ SE·φ(c − effect/SE)` [Lee, Shen 2018].
pub fn total_bias(effects: &[Estimate], thresholds: &[f64]) -> Result<f64, CannotSay> {
    if effects.len() != thresholds.len() {
        return Err(CannotSay::OutOfRange);
    }
    let part = |(effect, c): (&Estimate, &f64)| effect.se * normal::pdf(c - effect.z());
    finite(effects.iter().zip(thresholds).map(part).sum())
}

fn oriented(z: f64, c: f64, selected: Selected) -> Result<(f64, f64), CannotSay> {
    finite(z)?;
    if finite(c)? < 0.0 {
        return Err(CannotSay::OutOfRange);
    }
    let mirrored = selected == Selected::BothSides && z < 0.0;
    Ok(if mirrored { (-z, -1.0) } else { (z, 1.0) })
}

/// `φ(x)/P(Z > x)`, also far out.
fn hazard(x: f64) -> f64 {
    (-0.5 * x * x - 0.5 * (2.0 * std::f64::consts::PI).ln() - normal::ln_cdf(-x)).exp()
}

/// The root of a rising function by bisection and the secant (Brent's safeguard); the nearer end when there
/// is none between.
fn root(low: f64, high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (low, high);
    if f(low) >= 0.0 {
        return low;
    }
    if f(high) <= 0.0 {
        return high;
    }
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if f(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    const C: f64 = 1.959963984540054;

    #[test]
    fn far_beyond_the_threshold_nothing_changes() {
        let mle = conditional_mle(8.0, C, Selected::BothSides).unwrap().unwrap();
        assert!((mle - 8.0).abs() < 1e-7);
        let interval = conditional_interval(8.0, C, 0.05, Selected::BothSides).unwrap();
        assert!((interval[0] - 6.04).abs() < 1e-3 && (interval[1] - 9.96).abs() < 1e-3);
    }

    #[test]
    fn mirrored_input_gives_mirrored_output() {
        let (up, down) = (2.3, -2.3);
        let mle = |z| conditional_mle(z, C, Selected::BothSides).unwrap().unwrap();
        assert_eq!(mle(up), -mle(down));
        let [low, high] = conditional_interval(up, C, 0.05, Selected::BothSides).unwrap();
        assert_eq!(conditional_interval(down, C, 0.05, Selected::BothSides).unwrap(), [-high, -low]);
    }

    #[test]
    fn at_the_threshold_the_one_sided_estimate_runs_away() {
        assert_eq!(conditional_mle(C + 1e-4, C, Selected::Above), Ok(None));
    }
}
