//! Planning: how many units a question costs, under each design.
//!
//! Everything is said in *drift*: how many standard errors the effect stands above zero at the plan's end.

use serde::{Deserialize, Serialize};

use crate::anytime;
use crate::cannot_say::{CannotSay, computed, positive, probability};
use crate::normal;
use crate::sequential::{self, Sides, Spending};
use crate::student;

/// Which side a test looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Tails {
    /// Either.
    Two,
    /// The good one only.
    One,
}

/// The drift at which a fixed test of level `alpha` has this power: `z_α + z_β` one-sided, and two-sided the root of
/// `Φ(δ − z_{α/2}) + Φ(−δ − z_{α/2}) = power`, which counts the other tail too [Cohen 1988].
///
/// ```
/// use tenure_stats::power::{drift, Tails};
///
/// assert!((drift(0.025, 0.8, Tails::One)? - (1.959963984540054 + 0.8416212335729143)).abs() < 1e-12);
/// # Ok::<(), tenure_stats::CannotSay>(())
/// ```
pub fn drift(alpha: f64, power: f64, tails: Tails) -> Result<f64, CannotSay> {
    probability(alpha)?;
    probability(power)?;
    let reached = |drift: f64| power_at(drift, alpha, tails);
    if power <= alpha {
        return Ok(0.0);
    }
    // The other tail hardly counts: start without it, then Newton's method.
    let critical = if tails == Tails::Two { normal::critical(alpha) } else { normal::isf(alpha) };
    let mut drift = (critical + normal::isf(1.0 - power)).max(1e-3);
    for _ in 0..100 {
        let slope = match tails {
            Tails::Two => normal::pdf(critical - drift) - normal::pdf(critical + drift),
            Tails::One => normal::pdf(critical - drift),
        };
        let step = (reached(drift) - power) / slope;
        let next = (drift - step).max(0.5 * drift);
        if (next - drift).abs() <= 1e-15 * drift {
            break;
        }
        drift = next;
    }
    Ok(drift)
}

/// The power of a fixed test when the effect stands `drift` standard errors δ above zero: `Φ(δ − z_α)`, two-sided
/// `Φ(δ − z_{α/2}) + Φ(−δ − z_{α/2})`.
pub fn power_at(drift: f64, alpha: f64, tails: Tails) -> f64 {
    match tails {
        Tails::Two => {
            let critical = normal::critical(alpha);
            normal::sf(critical - drift) + normal::cdf(-critical - drift)
        }
        Tails::One => normal::sf(normal::isf(alpha) - drift),
    }
}

/// Units of the treatment arm for a difference of `effect`: `n_T = drift²·(σT² + σC²/κ)/δ²`, κ = nC/nT. The
/// variances are per unit. Times a design's [`Cost::largest`].
///
/// ```
/// use tenure_stats::power::{drift, treatment_units, Tails};
///
/// let n = treatment_units(0.01, 0.09, 0.0979, 1.0, drift(0.05, 0.8, Tails::Two)?)?;
/// assert!((n - 14748.0).abs() < 1.0);
/// # Ok::<(), tenure_stats::CannotSay>(())
/// ```
pub fn treatment_units(
    effect: f64,
    control_variance: f64,
    treatment_variance: f64,
    kappa: f64,
    drift: f64,
) -> Result<f64, CannotSay> {
    let effect = positive(effect.abs())?;
    let variance = positive(treatment_variance)? + positive(control_variance)? / positive(kappa)?;
    let units = drift * drift * variance / (effect * effect);
    computed(&[units])?;
    Ok(units)
}

/// The smallest effect that this many units detect, `drift·√((σT² + σC²/κ)/n_T)`: the inverse of [`treatment_units`].
pub fn detectable_effect(
    treatment_n: f64,
    control_variance: f64,
    treatment_variance: f64,
    kappa: f64,
    drift: f64,
) -> Result<f64, CannotSay> {
    let variance = positive(treatment_variance)? + positive(control_variance)? / positive(kappa)?;
    let effect = drift * (variance / positive(treatment_n)?).sqrt();
    computed(&[effect])?;
    Ok(effect)
}

/// The power of the t test with `df` degrees of freedom at this drift δ: the noncentral t probability
/// `P(|T'_ν(δ)| > t_{α/2,ν})` [Johnson, Kotz, Balakrishnan 1995, ch. 31], integrated over the distribution of the standard
/// deviation.
///
/// ```
/// use tenure_stats::power::{t_power, Tails};
///
/// // Twelve units an arm, half a standard deviation: statsmodels' TTestIndPower says the same.
/// let drift = 0.5 * 6f64.sqrt();
/// assert!((t_power(drift, 22.0, 0.05, Tails::Two)? - 0.2162).abs() < 1e-3);
/// # Ok::<(), tenure_stats::CannotSay>(())
/// ```
pub fn t_power(drift: f64, df: f64, alpha: f64, tails: Tails) -> Result<f64, CannotSay> {
    probability(alpha)?;
    positive(df)?;
    let tail = if tails == Tails::Two { 0.5 * alpha } else { alpha };
    let critical = student::isf(tail, df);
    let beyond = |scale: f64| {
        let above = normal::sf(critical * scale - drift);
        let below = if tails == Tails::Two { normal::cdf(-critical * scale - drift) } else { 0.0 };
        above + below
    };
    Ok(over_standard_deviation(df, beyond))
}

/// The mean of `f(s/σ)` when `df·s²/σ²` is χ² with `df` degrees of freedom: equal steps over `ln(s/σ)`, where the
/// integrand is smooth and vanishes at both ends.
fn over_standard_deviation(df: f64, f: impl Fn(f64) -> f64) -> f64 {
    // The log-density of u = ln(s/σ) is df·(u − e^{2u}/2) up to a constant, with its peak at u = 0.
    let density = |u: f64| (df * (u - 0.5 * (2.0 * u).exp_m1())).exp();
    let width = (2.0 * df).sqrt().recip();
    let step = width / 8.0;
    let (mut total, mut sum) = (0.0, 0.0);
    let mut add = |u: f64| {
        let weight = density(u);
        total += weight;
        sum += weight * f(u.exp());
        weight > 1e-18
    };
    add(0.0);
    for direction in [-1.0, 1.0] {
        let mut count = 1.0;
        while add(direction * count * step) {
            count += 1.0;
        }
    }
    sum / total
}

/// How looks are paid for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema), schemars(rename = "PowerDesign"))]
#[serde(rename_all = "snake_case")]
pub enum Design {
    /// One look at the end.
    Fixed,
    /// The product's own: 4/5 planned with O'Brien–Fleming spending, 1/5 forever.
    Standard,
    /// All of the error planned.
    GroupSequential(Spending),
    /// All of it forever, tuned to the horizon.
    AlwaysValid,
    /// The level divided by the number of looks.
    Bonferroni,
}

/// What a design costs, in units of the fixed sample of the same power.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Cost {
    /// The largest sample.
    pub largest: f64,
    /// The expected sample when the effect is as planned.
    pub expected: f64,
    /// The drift at the plan's end.
    pub drift: f64,
}

/// What a design reaches at one effect.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Reached {
    /// The chance to stop on the good side.
    pub power: f64,
    /// The expected information at the stop, as a share of the plan's.
    pub information: f64,
}

impl Design {
    /// The critical values at equally spaced looks.
    pub fn bounds(self, looks: u32, alpha: f64) -> Result<Vec<Option<f64>>, CannotSay> {
        probability(alpha)?;
        if looks == 0 {
            return Err(CannotSay::OutOfRange);
        }
        let fractions = equal(looks);
        let planned = |alpha: f64, spending| -> Result<Vec<Option<f64>>, CannotSay> {
            Ok(sequential::bounds(spending, 0.5 * alpha, &fractions, Sides::Both)?.z)
        };
        let forever = |alpha: f64| -> Result<Vec<Option<f64>>, CannotSay> {
            let x = anytime::optimal_x(alpha)?;
            fractions.iter().map(|t| anytime::critical(x * t, alpha).map(Some)).collect()
        };
        match self {
            Self::Fixed => {
                let last = looks as usize - 1;
                Ok((0..looks as usize).map(|look| (look == last).then(|| normal::critical(alpha))).collect())
            }
            Self::GroupSequential(spending) => planned(alpha, spending),
            Self::AlwaysValid => forever(alpha),
            Self::Bonferroni => Ok(vec![Some(normal::critical(alpha / f64::from(looks))); looks as usize]),
            Self::Standard => {
                let planned = planned(0.8 * alpha, Spending::ObrienFleming)?;
                let forever = forever(0.2 * alpha)?;
                let tighter = |(planned, forever): (Option<f64>, Option<f64>)| match (planned, forever) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (one, other) => one.or(other),
                };
                Ok(planned.into_iter().zip(forever).map(tighter).collect())
            }
        }
    }

    /// What the design reaches with equally spaced looks, when the estimate at full information would stand
    /// `drift` standard errors above zero.
    pub fn at(self, looks: u32, alpha: f64, drift: f64) -> Result<Reached, CannotSay> {
        let fractions = equal(looks);
        let z = self.bounds(looks, alpha)?;
        let exits = sequential::exit_probabilities(&fractions, &z, drift, Sides::Both)?;
        Ok(Reached {
            power: exits.iter().map(|exit| exit.above).sum(),
            information: sequential::expected_information(&fractions, &exits),
        })
    }

    /// What the design costs with equally spaced looks.
    ///
    /// ```
    /// use tenure_stats::power::Design;
    ///
    /// let cost = Design::Standard.cost(28, 0.05, 0.8)?;
    /// assert!((cost.largest - 1.12).abs() < 0.01 && (cost.expected - 0.83).abs() < 0.01);
    /// # Ok::<(), tenure_stats::CannotSay>(())
    /// ```
    pub fn cost(self, looks: u32, alpha: f64, power: f64) -> Result<Cost, CannotSay> {
        let fractions = equal(looks);
        let z = self.bounds(looks, alpha)?;
        let reached = sequential::drift_for_power(&fractions, &z, power, Sides::Both)?;
        let exits = sequential::exit_probabilities(&fractions, &z, reached, Sides::Both)?;
        // Power is counted on the good side only, as the exits through the upper bound are.
        let fixed = drift(0.5 * alpha, power, Tails::One)?;
        let largest = (reached / fixed).powi(2);
        Ok(Cost {
            largest,
            expected: largest * sequential::expected_information(&fractions, &exits),
            drift: reached,
        })
    }
}

fn equal(looks: u32) -> Vec<f64> {
    (1..=looks).map(|look| f64::from(look) / f64::from(looks)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(design: Design, largest: f64, expected: f64) {
        let cost = design.cost(28, 0.05, 0.8).unwrap();
        assert!((cost.largest - largest).abs() < 0.006, "{design:?} {cost:?}");
        assert!((cost.expected - expected).abs() < 0.006, "{design:?} {cost:?}");
    }

    #[test]
    fn looking_costs_what_the_table_says() {
        check(Design::Standard, 1.12, 0.83);
        check(Design::GroupSequential(Spending::ObrienFleming), 1.05, 0.78);
        check(Design::AlwaysValid, 1.72, 1.11);
        check(Design::Bonferroni, 1.79, 1.11);
        check(Design::Fixed, 1.0, 1.0);
    }

    #[test]
    fn every_design_keeps_its_error() {
        for looks in [1, 5, 28, 100] {
            for design in [Design::Standard, Design::AlwaysValid, Design::Bonferroni] {
                let z = design.bounds(looks, 0.05).unwrap();
                let exits = sequential::exit_probabilities(&equal(looks), &z, 0.0, Sides::Both).unwrap();
                let error: f64 = exits.iter().map(sequential::Exit::either).sum();
                assert!(error <= 0.05 + 1e-12, "{design:?} at {looks} looks: {error}");
            }
        }
    }

    #[test]
    fn power_undoes_drift() {
        for (alpha, power, tails) in
            [(0.05, 0.8, Tails::Two), (0.1, 0.15, Tails::Two), (0.025, 0.99, Tails::One)]
        {
            let drift = drift(alpha, power, tails).unwrap();
            assert!((power_at(drift, alpha, tails) - power).abs() < 1e-12);
        }
        assert_eq!(drift(0.05, 0.05, Tails::Two), Ok(0.0));
    }

    #[test]
    fn many_degrees_of_freedom_are_normal() {
        let t = t_power(2.8, 1e7, 0.05, Tails::Two).unwrap();
        assert!((t - power_at(2.8, 0.05, Tails::Two)).abs() < 1e-6);
        assert!((t_power(0.0, 5.0, 0.05, Tails::Two).unwrap() - 0.05).abs() < 1e-9);
    }

    #[test]
    fn effects_and_units_undo_each_other() {
        let n = treatment_units(0.3, 2.0, 3.0, 0.5, 2.8).unwrap();
        assert!((detectable_effect(n, 2.0, 3.0, 0.5, 2.8).unwrap() - 0.3).abs() < 1e-12);
        assert_eq!(treatment_units(0.0, 1.0, 1.0, 1.0, 2.8), Err(CannotSay::OutOfRange));
    }
}
