//! Arms out of what another tool says of them: counts, moments, or means with an effect's interval.

use tenure_stats::normal;

use super::Notes;
use crate::measurement::{Arm, Level};
use crate::metric::MetricKind;
use tenure_stats::number;

/// What is said of one arm.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Side {
    /// Units.
    pub n: u64,
    /// Units with the outcome, when it is a proportion.
    pub successes: Option<u64>,
    /// The mean of a unit.
    pub mean: Option<f64>,
    /// The variance of one unit's contribution to it.
    pub variance: Option<f64>,
}

/// The effect as the tool reports it: the difference or the lift, and its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reported {
    /// Treatment less control; or treatment over control, less 1.
    pub estimate: f64,
    /// Whether it is a lift.
    pub is_lift: bool,
    /// The standard error that its interval implies, where it has a two-sided one.
    pub se: Option<f64>,
}

/// The standard error behind a two-sided interval at a confidence, or why there is none.
pub(super) fn se_of(estimate: f64, [low, high]: [f64; 2], confidence: f64) -> Result<f64, String> {
    if !(confidence > 0.0 && confidence < 1.0) {
        return Err(format!("confidence is {confidence}: give a share such as 0.95"));
    }
    if !(low.is_finite() && high.is_finite()) {
        return Err("the interval has one side only: give moments, or a two-sided interval".to_owned());
    }
    let half = 0.5 * (high - low);
    if half <= 0.0 {
        return Err(format!("the interval {low} to {high} is empty: give moments, or a two-sided interval"));
    }
    if (0.5 * (low + high) - estimate).abs() > 0.2 * half {
        return Err(format!(
            "the interval {low} to {high} does not lie evenly around {estimate}, so that it has no standard error; a \
             one-sided or Bayesian interval cannot be used: give moments"
        ));
    }
    Ok(half / normal::critical(1.0 - confidence))
}

/// Whether mean and variance are those of zeros and ones, but for rounding.
pub(super) fn is_binomial(mean: f64, variance: f64) -> bool {
    let binomial = mean * (1.0 - mean);
    mean > 0.0 && mean < 1.0 && (variance - binomial).abs() <= 0.005 * binomial
}

/// Shares of a difference that are rounding and not a disagreement.
const ROUNDING: f64 = 0.02;

/// Both arms on Tenure's own scale, and what the metric is.
///
/// Errors: what is missing, in words.
pub(super) fn arms(
    notes: &mut Notes,
    path: &str,
    kind: Option<MetricKind>,
    sides: [Side; 2],
    reported: Option<Reported>,
) -> Result<(MetricKind, Arm, Arm), String> {
    let [control, treatment] = sides;
    if control.n < 2 || treatment.n < 2 {
        return Err("an arm has fewer than two units".to_owned());
    }
    if let (Some(a), Some(b), None | Some(MetricKind::Proportion)) =
        (control.successes, treatment.successes, kind)
    {
        if a > control.n || b > treatment.n {
            return Err("an arm has more successes than units".to_owned());
        }
        notes.understood(path, format!("counts: {} and {}", shown([control.n, a]), shown([treatment.n, b])));
        let arms = (Arm::Counts([control.n, a]), Arm::Counts([treatment.n, b]));
        disagreement(notes, path, [a as f64 / control.n as f64, b as f64 / treatment.n as f64], reported);
        return Ok((MetricKind::Proportion, arms.0, arms.1));
    }
    let (Some(control_mean), Some(treatment_mean)) = (control.mean, treatment.mean) else {
        return Err(
            "the means of the arms are missing: an effect alone cannot be compared with a rollout, so give the means"
                .to_owned(),
        );
    };
    let kind = match kind {
        None | Some(MetricKind::Proportion) => MetricKind::Mean,
        Some(kind) => kind,
    };
    let given = control.variance.zip(treatment.variance).filter(|(a, b)| *a > 0.0 && *b > 0.0);
    let adjusted = disagreement(notes, path, [control_mean, treatment_mean], reported);
    let (treatment_mean, variances) = match (
        given,
        reported.and_then(|reported| Some((reported, reported.se?))),
    ) {
        // An adjusted effect is not the difference of the means that stand beside it: its own interval says how sure it is.
        (_, Some((reported, se))) if adjusted || given.is_none() => {
            let mean = if reported.is_lift {
                control_mean * (1.0 + reported.estimate)
            } else {
                control_mean + reported.estimate
            };
            let shares = given.unwrap_or((1.0, 1.0));
            let variances = spread(&reported, se, [control.n, treatment.n], [control_mean, mean], shares)?;
            notes.understood(path, "the effect and its standard error, from the interval");
            notes.warn(path, "the variances of the arms are those that the effect's interval implies");
            (mean, variances)
        }
        (Some(given), _) => {
            notes.understood(path, "moments: units, mean and variance of both arms");
            (treatment_mean, given)
        }
        (None, _) => {
            return Err("neither variances of the arms nor a two-sided interval of the effect are given, so that nothing \
                        says how sure it is"
                .to_owned());
        }
    };
    let arm = |n: u64, mean: f64, variance: f64| match kind {
        MetricKind::Ratio | MetricKind::Quantile => Arm::Level(Level { n, value: mean, variance }),
        _ => Arm::Summary { n, mean, variance },
    };
    Ok((kind, arm(control.n, control_mean, variances.0), arm(treatment.n, treatment_mean, variances.1)))
}

fn shown([n, successes]: [u64; 2]) -> String {
    format!("{} of {}", number::count(successes), number::count(n))
}

/// Whether the reported effect is another than that of the means: adjusted for a covariate, capped, or shrunk by a prior.
fn disagreement(
    notes: &mut Notes,
    path: &str,
    [control, treatment]: [f64; 2],
    reported: Option<Reported>,
) -> bool {
    let Some(reported) = reported else { return false };
    let own = if reported.is_lift { treatment / control - 1.0 } else { treatment - control };
    let near = ROUNDING * own.abs().max(reported.estimate.abs()) + 0.05 * reported.se.unwrap_or(0.0);
    if !own.is_finite() || (own - reported.estimate).abs() <= near {
        return false;
    }
    notes.warn(
        path,
        format!(
            "the effect reported is {}, and that of the means beside it {}: it was adjusted, capped or shrunk there",
            number::decimal(reported.estimate, 6),
            number::decimal(own, 6)
        ),
    );
    true
}

/// Variances of one unit, in the given proportion, that make the effect's standard error.
///
/// A difference has `SE² = vC/nC + vT/nT`; a lift, to the first order, `SE² = vT/(nT·mC²) + mT²·vC/(nC·mC⁴)`.
fn spread(
    reported: &Reported,
    se: f64,
    [nc, nt]: [u64; 2],
    [mc, mt]: [f64; 2],
    (sc, st): (f64, f64),
) -> Result<(f64, f64), String> {
    let (nc, nt) = (nc as f64, nt as f64);
    let sum = match reported.is_lift {
        true => st / (nt * mc * mc) + mt * mt * sc / (nc * mc.powi(4)),
        false => sc / nc + st / nt,
    };
    let times = se * se / sum;
    if !(times.is_finite() && times > 0.0) {
        return Err("the control's mean is 0, so that a lift says nothing about the difference".to_owned());
    }
    Ok((sc * times, st * times))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tenure_stats::estimate::{self, Scale};

    use super::*;

    fn level(arm: Arm) -> Level {
        match arm {
            Arm::Summary { n, mean, variance } => Level { n, value: mean, variance },
            Arm::Level(level) => level,
            Arm::Counts([n, successes]) => {
                let p = successes as f64 / n as f64;
                Level { n, value: p, variance: p * (1.0 - p) }
            }
        }
    }

    #[test]
    fn a_standard_error_needs_an_even_interval_with_two_sides() {
        assert!((se_of(1.0, [-0.96, 2.96], 0.95).unwrap() - 1.0).abs() < 1e-4);
        let check = |interval: [f64; 2], confidence: f64, says: &str| {
            let fault = se_of(1.0, interval, confidence).unwrap_err();
            assert!(fault.contains(says), "{fault}");
        };
        check([0.5, f64::INFINITY], 0.95, "one side");
        check([0.9, 4.0], 0.95, "evenly");
        check([1.0, 1.0], 0.95, "empty");
        check([0.0, 2.0], 95.0, "0.95");
    }

    #[test]
    fn counts_stay_counts() {
        let side = |n, successes| Side { n, successes: Some(successes), ..Side::default() };
        let (kind, control, _) =
            arms(&mut Notes::default(), "", None, [side(100, 10), side(110, 20)], None).unwrap();
        assert_eq!((kind, control), (MetricKind::Proportion, Arm::Counts([100, 10])));
        assert!(arms(&mut Notes::default(), "", None, [side(100, 101), side(110, 20)], None).is_err());
    }

    proptest! {
        /// Whatever the tool reports with a two-sided interval comes out again as estimate and standard error.
        #[test]
        fn an_effect_with_its_interval_is_kept(
            mean in 0.5..500.0f64, effect in -0.2..0.2f64, z in 0.5..8.0f64, n in 50..100_000u64, m in 50..100_000u64,
            is_lift in any::<bool>(),
        ) {
            let estimate = if is_lift { effect } else { effect * mean };
            let se = estimate.abs().max(1e-6) / z;
            let reported = Reported { estimate, is_lift, se: Some(se) };
            let mt = mean * (1.0 + effect);
            let sides = [(n, mean), (m, mt)].map(|(n, mean)| Side { n, mean: Some(mean), ..Side::default() });
            let (_, control, treatment) =
                arms(&mut Notes::default(), "", None, sides, Some(reported)).unwrap();
            let found = estimate::effect(Scale::Absolute, &level(control), &level(treatment)).unwrap();
            if is_lift {
                let lift = found.value / mean;
                prop_assert!((lift - estimate).abs() < 1e-9);
                // First order, of a ratio: what a lift's standard error is made of.
                let (c, t) = (level(control), level(treatment));
                let first_order = (t.se_squared() / (mean * mean) + mt * mt * c.se_squared() / mean.powi(4)).sqrt();
                prop_assert!((first_order / se - 1.0).abs() < 1e-9);
            } else {
                prop_assert!((found.value - estimate).abs() < 1e-9 * mean && (found.se / se - 1.0).abs() < 1e-9);
            }
        }
    }
}
