//! Estimates: one arm's [`Level`], and the [`Estimate`] of the difference or the lift between two.
//!
//! A level is what every metric comes down to (a mean, a proportion, a ratio, an adjusted mean): a value and
//! the variance of one unit's contribution to it. Everything after this file works on levels and estimates.

use serde::{Deserialize, Serialize};

use crate::cannot_say::{CannotSay, finite, positive};
use crate::moments::Moments;
use crate::{normal, student};

/// How outcomes become one number per unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Share of units with the outcome.
    Proportion,
    /// Mean of a value per unit.
    Mean,
    /// Ratio of two sums over units.
    Ratio,
    /// Quantile of a value.
    Quantile,
}

/// The scale of an effect; frozen when a plan is made, because a scale that switches changes the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// The logarithm of treatment over control.
    Relative,
    /// Treatment less control, in the metric's unit.
    Absolute,
}

/// The level of a metric in one arm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Level {
    /// Units counted (tenants, when tenants were randomised).
    pub n: u64,
    /// The level itself, in the metric's unit.
    pub value: f64,
    /// The variance of one unit's contribution: the squared standard error of `value` is `variance/n`.
    pub variance: f64,
}

/// The largest value, standard error and z of an estimate: their squares fit a double.
pub(crate) const LARGEST: f64 = 1e150;

/// A proportion may stand outside [0, 1] by this much: the rounding of a quotient.
const ROUNDING: f64 = 1e-9;

/// A mean may carry a relative lift only while its standard error is below this share of it.
const NOISE_MAX: f64 = 0.3;

impl Level {
    /// A proportion (variance `p(1 − p)`) or a mean (sample variance).
    ///
    /// Errors: an empty arm; a single unit; input that is not finite; a proportion outside [0, 1].
    pub fn of(kind: Kind, moments: &Moments) -> Result<Self, CannotSay> {
        let (variance, mean) = (moments.variance()?, finite(moments.mean())?);
        if kind != Kind::Proportion {
            return Ok(Self { n: moments.n(), value: mean, variance });
        }
        let value = mean.clamp(0.0, 1.0);
        if (mean - value).abs() > ROUNDING {
            return Err(CannotSay::OutOfRange);
        }
        Ok(Self { n: moments.n(), value, variance: moments.population_variance()? })
    }

    /// The standard error of the level.
    pub fn se(&self) -> f64 {
        self.se_squared().sqrt()
    }

    /// The squared standard error of the level.
    pub fn se_squared(&self) -> f64 {
        self.variance / self.n as f64
    }

    /// Whether the level is above zero and known well enough to carry a relative lift.
    pub fn carries_lift(&self) -> Result<(), CannotSay> {
        if self.value <= 0.0 {
            Err(CannotSay::MeanNotPositive)
        } else if self.se() > NOISE_MAX * self.value {
            Err(CannotSay::MeanTooNoisy)
        } else {
            Ok(())
        }
    }

    fn checked(&self) -> Result<&Self, CannotSay> {
        finite(self.value)?;
        match self.n {
            0 => Err(CannotSay::EmptyArm),
            1 => Err(CannotSay::OneUnit),
            _ if finite(self.variance)? < 0.0 => Err(CannotSay::OutOfRange),
            _ => Ok(self),
        }
    }
}

/// A value with its standard error, and the degrees of freedom of that error.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema), schemars(rename = "MetricEstimate"))]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Its standard error, above zero.
    pub se: f64,
    /// Degrees of freedom of the standard error; none when it is taken as known (normal).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub df: Option<f64>,
}

impl Estimate {
    /// A normal estimate. Errors: input that is not finite; a standard error that is zero (`ZeroVariance`) or
    /// negative; numbers whose squares do not fit a double (`TooExtreme`).
    pub fn new(value: f64, se: f64) -> Result<Self, CannotSay> {
        finite(value)?;
        if finite(se)? == 0.0 {
            return Err(CannotSay::ZeroVariance);
        }
        let (size, spread) = (value.abs(), positive(se)?);
        // Information, tests and e-values square these: here is the one place that keeps them within a double.
        if !(1.0 / LARGEST..=LARGEST).contains(&spread) || size > LARGEST || size > LARGEST * spread {
            return Err(CannotSay::TooExtreme);
        }
        Ok(Self { value, se, df: None })
    }

    /// The same with degrees of freedom.
    pub fn with_df(self, df: f64) -> Self {
        Self { df: df.is_finite().then_some(df), ..self }
    }

    /// The same taken as normal.
    pub fn normal(self) -> Self {
        Self { df: None, ..self }
    }

    /// The mirrored estimate: what is good when the other direction is.
    pub fn mirrored(self) -> Self {
        Self { value: -self.value, ..self }
    }

    /// The estimate in standard errors.
    pub fn z(&self) -> f64 {
        self.value / self.se
    }

    /// Information, `1/SE²`.
    pub fn information(&self) -> f64 {
        1.0 / (self.se * self.se)
    }

    /// The critical value that leaves `tail` above it.
    pub fn critical(&self, tail: f64) -> f64 {
        match self.df {
            Some(df) => student::isf(tail, df),
            None => normal::isf(tail),
        }
    }

    /// The two-sided interval at this confidence (0.95 for 95 %).
    pub fn interval(&self, confidence: f64) -> [f64; 2] {
        self.within(self.critical(0.5 * (1.0 - confidence)))
    }

    /// The interval of `critical` standard errors on either side.
    pub fn within(&self, critical: f64) -> [f64; 2] {
        [self.value - critical * self.se, self.value + critical * self.se]
    }

    /// The two-sided p-value against 0.
    pub fn p_value(&self) -> f64 {
        (2.0 * self.tail(self.z().abs())).min(1.0)
    }

    /// The one-sided p-value against "not above `margin`": small when the value is clearly above it.
    pub fn p_above(&self, margin: f64) -> f64 {
        self.tail((self.value - margin) / self.se)
    }

    /// The one-sided p-value against "not below `margin`".
    pub fn p_below(&self, margin: f64) -> f64 {
        self.tail((margin - self.value) / self.se)
    }

    fn tail(&self, statistic: f64) -> f64 {
        match self.df {
            Some(df) => student::sf(statistic, df),
            None => normal::sf(statistic),
        }
    }
}

/// Treatment less control, with Welch–Satterthwaite degrees of freedom [Welch 1947].
///
/// Errors: an arm without units or with one; both variances zero; input that is not finite.
///
/// ```
/// use tenure_stats::estimate::{difference, Kind, Level};
/// use tenure_stats::moments::Moments;
///
/// let control = Level::of(Kind::Proportion, &Moments::from_counts(10_000, 1_000)?)?;
/// let treatment = Level::of(Kind::Proportion, &Moments::from_counts(10_000, 1_100)?)?;
/// let estimate = difference(&control, &treatment)?;
/// assert!((estimate.value - 0.01).abs() < 1e-12);
/// assert!((estimate.se - 0.004334743360338649).abs() < 1e-15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn difference(control: &Level, treatment: &Level) -> Result<Estimate, CannotSay> {
    let (control, treatment) = (control.checked()?, treatment.checked()?);
    welch(
        treatment.value - control.value,
        (control.se_squared(), control.n),
        (treatment.se_squared(), treatment.n),
    )
}

/// The log-relative lift `ln(treatment/control)` with `SE² = SE_T²/ȳT² + SE_C²/ȳC²` (delta method on the
/// logarithm). Read it back with [`lift_of`].
///
/// Errors: those of [`difference`], and a level that is not above zero. Whether a level is known well enough
/// for the approximation is [`Level::carries_lift`].
pub fn log_ratio(control: &Level, treatment: &Level) -> Result<Estimate, CannotSay> {
    let (control, treatment) = (control.checked()?, treatment.checked()?);
    if control.value <= 0.0 || treatment.value <= 0.0 {
        return Err(CannotSay::MeanNotPositive);
    }
    welch(
        (treatment.value / control.value).ln(),
        (control.se_squared() / (control.value * control.value), control.n),
        (treatment.se_squared() / (treatment.value * treatment.value), treatment.n),
    )
}

/// The lift by the first-order delta method, `(ȳT − ȳC)/ȳC`, as most engines report it. For comparison with
/// them only: its interval misses on one side more often than the other, which that of [`log_ratio`] does not.
pub fn relative_delta(control: &Level, treatment: &Level) -> Result<Estimate, CannotSay> {
    let absolute = difference(control, treatment)?;
    if control.value == 0.0 {
        return Err(CannotSay::MeanNotPositive);
    }
    let base = control.value;
    let gradient = treatment.value / (base * base);
    let variance = treatment.se_squared() / (base * base) + control.se_squared() * gradient * gradient;
    Ok(Estimate { df: absolute.df, ..Estimate::new(absolute.value / base, variance.sqrt())? })
}

/// The effect on a scale: [`difference`], or [`log_ratio`] of levels that carry a lift.
pub fn effect(scale: Scale, control: &Level, treatment: &Level) -> Result<Estimate, CannotSay> {
    match scale {
        Scale::Absolute => difference(control, treatment),
        Scale::Relative => {
            control.checked()?.carries_lift()?;
            treatment.checked()?.carries_lift()?;
            log_ratio(control, treatment)
        }
    }
}

/// `exp(L) − 1`: the lift that a log-relative value means (0.05 is +5 %).
pub fn lift_of(log_ratio: f64) -> f64 {
    log_ratio.exp_m1()
}

fn welch(value: f64, control: (f64, u64), treatment: (f64, u64)) -> Result<Estimate, CannotSay> {
    let sum = control.0 + treatment.0;
    let share = |(part, n): (f64, u64)| (part / sum) * (part / sum) / (n - 1) as f64;
    let estimate = Estimate::new(value, sum.sqrt())?;
    Ok(estimate.with_df(1.0 / (share(control) + share(treatment))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn level(n: u64, value: f64, variance: f64) -> Level {
        Level { n, value, variance }
    }

    #[test]
    fn says_why_there_is_no_estimate() {
        let fine = level(10, 1.0, 1.0);
        assert_eq!(difference(&level(0, 0.0, 0.0), &fine), Err(CannotSay::EmptyArm));
        assert_eq!(difference(&level(1, 0.0, 0.0), &fine), Err(CannotSay::OneUnit));
        assert_eq!(difference(&level(5, 0.0, 0.0), &level(5, 1.0, 0.0)), Err(CannotSay::ZeroVariance));
        assert_eq!(difference(&level(5, f64::NAN, 1.0), &fine), Err(CannotSay::NonFinite));
        assert_eq!(difference(&level(5, 0.0, -1.0), &fine), Err(CannotSay::OutOfRange));
        assert_eq!(log_ratio(&level(5, 0.0, 1.0), &fine), Err(CannotSay::MeanNotPositive));
        assert_eq!(effect(Scale::Relative, &level(5, 1.0, 4.0), &fine), Err(CannotSay::MeanTooNoisy));
    }

    proptest! {
        #[test]
        fn laws_hold(
            n in 2u64..100_000,
            m in 2u64..100_000,
            a in 0.1..10.0f64,
            b in 0.1..10.0f64,
            va in 0.01..100.0f64,
            vb in 0.01..100.0f64,
        ) {
            let (control, treatment) = (level(n, a, va), level(m, b, vb));
            for estimate in [difference(&control, &treatment).unwrap(), log_ratio(&control, &treatment).unwrap()] {
                let df = estimate.df.unwrap();
                prop_assert!(df >= (n.min(m) - 1) as f64 * (1.0 - 1e-12));
                prop_assert!(df <= (n + m - 2) as f64 * (1.0 + 1e-12));
                prop_assert!((0.0..=1.0).contains(&estimate.p_value()));
                let (narrow, wide) = (estimate.interval(0.90), estimate.interval(0.99));
                prop_assert!(wide[0] < narrow[0] && narrow[1] < wide[1]);
                // A test and its interval say the same.
                let excludes = estimate.interval(0.95)[0] > 0.0 || estimate.interval(0.95)[1] < 0.0;
                if (estimate.p_value() - 0.05).abs() > 1e-9 {
                    prop_assert_eq!(excludes, estimate.p_value() < 0.05);
                }
            }
            let (there, back) = (difference(&control, &treatment).unwrap(), difference(&treatment, &control).unwrap());
            prop_assert_eq!(there.value, -back.value);
            prop_assert!((there.se - back.se).abs() <= 1e-15 * there.se);
        }
    }
}
