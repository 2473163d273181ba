//! What is shown of one metric in two arms, judged once: levels, difference, lift, p-value, and which method
//! said so.

use serde::{Deserialize, Serialize};

use crate::cannot_say::{CannotSay, probability};
use crate::estimate::{self, Estimate, Kind, Level, Scale};
use crate::moments::Moments;
use crate::{normal, proportion};

/// One metric, treatment against control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Comparison {
    /// The kind of metric.
    pub kind: Kind,
    /// The control arm.
    pub control: ArmSummary,
    /// The treatment arm.
    pub treatment: ArmSummary,
    /// Treatment less control, in the metric's unit.
    pub absolute: Absolute,
    /// The lift (0.05 is +5 %); none when a level is not above zero or known too loosely.
    pub relative: Option<Relative>,
    /// Two-sided p-value against no difference.
    pub p_value: f64,
    /// How the interval and the p-value were made.
    pub method: String,
    /// What a reader should know before believing the numbers.
    pub warnings: Vec<String>,
}

/// The level of one arm as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct ArmSummary {
    /// Units counted.
    pub n: u64,
    /// The level in the metric's unit.
    pub mean: f64,
    /// The variance of one unit's contribution; `p(1 − p)` for a proportion.
    pub variance: f64,
}

/// A difference in the metric's unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Absolute {
    /// Treatment less control.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// Its interval.
    pub interval: [f64; 2],
}

/// A lift: 0.05 is +5 %.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Relative {
    /// Treatment over control, less 1.
    pub estimate: f64,
    /// Its interval, from the logarithm of the ratio.
    pub interval: [f64; 2],
}

impl From<&Level> for ArmSummary {
    fn from(level: &Level) -> Self {
        Self { n: level.n, mean: level.value, variance: level.variance }
    }
}

impl Relative {
    /// The lift that a log-relative estimate means, with the interval of `critical` standard errors. None when
    /// it is too large for a number.
    pub fn of(log_ratio: &Estimate, critical: f64) -> Option<Self> {
        let lift = Self {
            estimate: estimate::lift_of(log_ratio.value),
            interval: log_ratio.within(critical).map(estimate::lift_of),
        };
        (lift.estimate.is_finite() && lift.interval.iter().all(|end| end.is_finite())).then_some(lift)
    }
}

/// Compares two arms of zeros and ones or of values, at one confidence (0.95 for 95 %).
///
/// - A proportion: Wald's interval, or Newcombe's when an arm has fewer than 10 successes or failures; the
///   p-value is the pooled score test's.
/// - A mean: Welch's t interval and test.
/// - The lift: `exp` of the interval of `ln(treatment/control)`.
///
/// Errors: an arm without units or with one; no variance in the metric; input that is not finite; a
/// confidence outside (0, 1).
///
/// ```
/// use tenure_stats::{comparison::compare, estimate::Kind, moments::Moments};
///
/// // Cookie Cats, day-7 retention, gate 30 against gate 40.
/// let control = Moments::from_counts(44_700, 8_502)?;
/// let treatment = Moments::from_counts(45_489, 8_279)?;
/// let shown = compare(Kind::Proportion, &control, &treatment, 0.95)?;
/// assert!((shown.absolute.estimate + 0.0082013).abs() < 1e-7);
/// assert!((shown.p_value - 0.001554).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn compare(
    kind: Kind,
    control: &Moments,
    treatment: &Moments,
    confidence: f64,
) -> Result<Comparison, CannotSay> {
    compare_levels(kind, &Level::of(kind, control)?, &Level::of(kind, treatment)?, confidence)
}

/// The same for levels that are not plain moments (ratios, adjusted means, tenant means).
pub fn compare_levels(
    kind: Kind,
    control: &Level,
    treatment: &Level,
    confidence: f64,
) -> Result<Comparison, CannotSay> {
    probability(confidence)?;
    let difference = estimate::difference(control, treatment)?;
    let mut warnings = Vec::new();
    let (interval, p_value, method) = match kind {
        Kind::Proportion => {
            let few = proportion::below_gate(control) || proportion::below_gate(treatment);
            if few {
                warnings.push(
                    "fewer than 10 successes or failures in an arm: Newcombe's interval is shown, and there is no \
                     verdict yet"
                        .to_owned(),
                );
            }
            let interval = if few {
                proportion::newcombe(control, treatment, confidence)?
            } else {
                difference.normal().interval(confidence)
            };
            let name = if few { "newcombe interval" } else { "wald interval" };
            let p = normal::two_sided(proportion::score(control, treatment)?);
            (interval, p, format!("{name}, pooled score test"))
        }
        Kind::Mean => (difference.interval(confidence), difference.p_value(), "welch t".to_owned()),
        Kind::Ratio => {
            (difference.interval(confidence), difference.p_value(), "delta method, welch t".to_owned())
        }
        Kind::Quantile => {
            (difference.interval(confidence), difference.p_value(), "outer ranks, welch t".to_owned())
        }
    };
    let relative = match estimate::effect(Scale::Relative, control, treatment) {
        Ok(log_ratio) => {
            let log_ratio = if kind == Kind::Proportion { log_ratio.normal() } else { log_ratio };
            Relative::of(&log_ratio, log_ratio.critical(0.5 * (1.0 - confidence)))
        }
        Err(why) => {
            warnings.push(why.to_string());
            None
        }
    };
    Ok(Comparison {
        kind,
        control: control.into(),
        treatment: treatment.into(),
        absolute: Absolute { estimate: difference.value, se: difference.se, interval },
        relative,
        p_value,
        method,
        warnings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn proportion(control: [u64; 2], treatment: [u64; 2]) -> Result<Comparison, CannotSay> {
        let arm = |[units, successes]: [u64; 2]| Moments::from_counts(units, successes).unwrap();
        compare(Kind::Proportion, &arm(control), &arm(treatment), 0.95)
    }

    #[test]
    fn few_successes_show_newcombes_interval_and_say_so() {
        let shown = proportion([50, 0], [60, 3]).unwrap();
        assert!(shown.absolute.interval[0] < 0.0);
        assert!(shown.method.starts_with("newcombe"), "{}", shown.method);
        assert_eq!(shown.relative, None);
        assert_eq!(shown.warnings.len(), 2);
    }

    #[test]
    fn a_metric_nobody_moves_cannot_say() {
        assert_eq!(proportion([50, 0], [60, 0]), Err(CannotSay::ZeroVariance));
        assert_eq!(proportion([0, 0], [60, 1]), Err(CannotSay::EmptyArm));
    }

    proptest! {
        #[test]
        fn no_input_gives_a_number_that_is_none(
            n in prop::sample::select(vec![0, 1, 2, 3, 1000, 1 << 53, u64::MAX]),
            m in prop::sample::select(vec![0, 1, 2, 3, 1000, 1 << 53, u64::MAX]),
            values in prop::array::uniform4(prop::num::f64::ANY),
        ) {
            let [a, va, b, vb] = values;
            let arms = (Moments::from_summary(n, a, va), Moments::from_summary(m, b, vb));
            let (Ok(control), Ok(treatment)) = arms else { return Ok(()) };
            for kind in [Kind::Proportion, Kind::Mean] {
                if let Ok(shown) = compare(kind, &control, &treatment, 0.95) {
                    let json = serde_json::to_value(&shown).unwrap();
                    prop_assert!((0.0..=1.0).contains(&shown.p_value), "{json}");
                    prop_assert!(shown.absolute.se > 0.0, "{json}");
                    // JSON writes what is not a number as null.
                    prop_assert!(!json.to_string().replace("\"relative\":null", "").contains("null"), "{json}");
                }
            }
        }
    }

    #[test]
    fn survives_json() {
        let shown = proportion([500, 50], [600, 93]).unwrap();
        let json = serde_json::to_string(&shown).unwrap();
        assert_eq!(serde_json::from_str::<Comparison>(&json).unwrap(), shown);
    }
}
