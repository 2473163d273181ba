//! The typed "cannot say": why a number does not exist. Statistics that answer 0 when they mean this are how
//! dead metrics pass for flat ones.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a statistic has no value for this input. Every variant reads as a sentence with a remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Error)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CannotSay {
    /// An arm has no unit.
    #[error("an arm has no units; wait until both arms have some")]
    EmptyArm,
    /// An arm has one unit, so its variance is unknown.
    #[error("an arm has a single unit, so its variance is unknown; wait for more units")]
    OneUnit,
    /// Every unit has the same value.
    #[error("every unit has the same value (zero variance); check that the metric is recorded")]
    ZeroVariance,
    /// More units than a double counts exactly.
    #[error("an arm has more than 2^53 units, which a double cannot count; split the data")]
    TooManyUnits,
    /// The denominator of a ratio sums to zero.
    #[error("the denominator of a ratio is zero; check that it is recorded, or measure a mean instead")]
    ZeroDenominator,
    /// The logarithm of a ratio of means needs both means above zero.
    #[error("a mean is not above zero, so a relative lift does not exist; use the absolute difference")]
    MeanNotPositive,
    /// A mean is known too loosely for a relative lift (`SE/mean > 0.3`).
    #[error(
        "a mean is known too loosely for a relative lift (SE above 30 % of it); use the absolute difference"
    )]
    MeanTooNoisy,
    /// An input is infinite or not a number.
    #[error("an input is infinite or not a number; check the values that were sent")]
    NonFinite,
    /// Finite input whose result does not fit a double.
    #[error("the numbers are too large or too small to compute with; check their unit")]
    TooExtreme,
    /// A parameter lies outside the range where the formula is defined.
    #[error("a parameter is outside its range; see the documentation of the call")]
    OutOfRange,
    /// No stratum (epoch) has enough units to count.
    #[error("no epoch has enough units in both arms yet; wait for the burn-in to pass")]
    BurningIn,
    /// The covariates determine each other, so the regression has no unique solution.
    #[error("the covariates determine each other; drop one of them")]
    Collinear,
}

/// `Ok` when the value is finite, else [`CannotSay::NonFinite`].
pub(crate) fn finite(value: f64) -> Result<f64, CannotSay> {
    if value.is_finite() { Ok(value) } else { Err(CannotSay::NonFinite) }
}

/// `Ok` when every result of finite input is finite itself, else [`CannotSay::TooExtreme`].
pub(crate) fn computed(values: &[f64]) -> Result<(), CannotSay> {
    if values.iter().all(|value| value.is_finite()) { Ok(()) } else { Err(CannotSay::TooExtreme) }
}

/// `Ok` when the value is finite and above zero.
pub(crate) fn positive(value: f64) -> Result<f64, CannotSay> {
    if finite(value)? > 0.0 { Ok(value) } else { Err(CannotSay::OutOfRange) }
}

/// `Ok` when the value is a probability strictly between 0 and 1.
pub(crate) fn probability(value: f64) -> Result<f64, CannotSay> {
    if value > 0.0 && value < 1.0 { Ok(value) } else { Err(CannotSay::OutOfRange) }
}
