//! Somebody else's measurement: one look of a fixed design.

use serde::{Deserialize, Serialize};

use super::{ALPHA, Bound, Direction, Judged, Nuance, SAMPLE_RATIO_ALPHA, Verdict, nuance};
use crate::cannot_say::{CannotSay, probability};
use crate::comparison;
use crate::estimate::{Kind, Level, Scale};
use crate::moments::Moments;
use crate::replication::Corrected;
use crate::sample_ratio::{self, SampleRatio};
use crate::{proportion, sentence};

/// Somebody else's measurement: counts or means of two arms, at one look of a fixed design.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema), schemars(rename = "OutsideQuestion"))]
pub struct Outside {
    /// The kind of metric.
    pub kind: Kind,
    /// Which way is good.
    pub direction: Direction,
    /// The control arm.
    pub control: Moments,
    /// The treatment arm.
    pub treatment: Moments,
    /// Units an arm that the design asked for; 0 when it was at its end.
    pub planned_n: u64,
    /// The share of units that was to be treated.
    pub treatment_share: f64,
    /// The two-sided error.
    pub alpha: f64,
    /// The χ² p-value below which the arms' shares make it invalid.
    pub sample_ratio_alpha: f64,
    /// The corrected original with its scale, by which "flat" is told from "underpowered".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<(Scale, Corrected)>,
}

impl Outside {
    /// A measurement at the end of its plan, half of it treated, at the usual levels.
    pub fn new(kind: Kind, direction: Direction, control: Moments, treatment: Moments) -> Self {
        Self {
            kind,
            direction,
            control,
            treatment,
            planned_n: 0,
            treatment_share: 0.5,
            alpha: ALPHA,
            sample_ratio_alpha: SAMPLE_RATIO_ALPHA,
            original: None,
        }
    }
}

/// Judges an outside measurement: immature until `planned_n` an arm, invalid when χ² says the shares are off,
/// then positive, negative or not significant by the interval of the difference: Wald's, Newcombe's for a
/// proportion with fewer than 10 successes or failures in an arm, Welch's t for values.
///
/// Errors only when a level or the share is out of range; what the data cannot say is in
/// [`Judged::cannot_say`], with the verdict immature.
///
/// ```
/// use tenure_stats::{estimate::Kind, moments::Moments};
/// use tenure_stats::verdict::{judge_outside, Direction, Outside, Verdict};
///
/// let control = Moments::from_counts(41_220, 4_905)?;
/// let treatment = Moments::from_counts(41_310, 5_412)?;
/// let outside = Outside::new(Kind::Proportion, Direction::Increase, control, treatment);
/// assert_eq!(judge_outside(&outside)?.verdict, Verdict::Positive);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn judge_outside(outside: &Outside) -> Result<Judged, CannotSay> {
    probability(outside.alpha)?;
    probability(outside.sample_ratio_alpha)?;
    let confidence = 1.0 - outside.alpha;
    let mut judged = Judged::blank(outside.kind, Scale::Absolute, confidence);

    let counts = [outside.control.n(), outside.treatment.n()];
    let shares = [1.0 - probability(outside.treatment_share)?, outside.treatment_share];
    let chi_square = sample_ratio::chi_square(&counts, &shares)?;
    let log_e = sample_ratio::log_e(&counts, &shares, sample_ratio::CONCENTRATION)?;
    judged.sample_ratio = Some(SampleRatio { p_chi2: chi_square.p_value, log_e });
    if chi_square.p_value < outside.sample_ratio_alpha {
        judged.fault = Some(format!(
            "{} control and {} treatment units do not fit a treatment share of {} (sample ratio p = {:.2e})",
            counts[0], counts[1], outside.treatment_share, chi_square.p_value
        ));
    }
    if outside.planned_n > 0 {
        judged.information_fraction = Some(counts[0].min(counts[1]) as f64 / outside.planned_n as f64);
    }

    let side = match fill_outside(outside, &mut judged) {
        Ok(interval) => Some(outside.direction.side(interval)),
        Err(why) => {
            judged.cannot_say = Some(why);
            None
        }
    };
    judged.verdict = match side {
        _ if counts[0] < outside.planned_n || counts[1] < outside.planned_n => Verdict::Immature,
        _ if judged.fault.is_some() => Verdict::Invalid,
        None => Verdict::Immature,
        Some(Some(true)) => Verdict::Positive,
        Some(Some(false)) => Verdict::Negative,
        Some(None) => Verdict::NotSignificant,
    };
    if judged.verdict == Verdict::NotSignificant {
        judged.nuance = Some(nuance_outside(outside, &judged));
    }
    judged.sentence = sentence::verdict(&judged, outside.direction);
    Ok(judged)
}

/// Fills in the estimate and gives the interval that decides.
fn fill_outside(outside: &Outside, judged: &mut Judged) -> Result<[f64; 2], CannotSay> {
    let control = Level::of(outside.kind, &outside.control)?;
    let treatment = Level::of(outside.kind, &outside.treatment)?;
    let shown = comparison::compare_levels(outside.kind, &control, &treatment, judged.confidence)?;
    let newcombe = outside.kind == Kind::Proportion
        && (proportion::below_gate(&control) || proportion::below_gate(&treatment));
    judged.estimate = Some(shown.absolute.estimate);
    judged.se = Some(shown.absolute.se);
    judged.interval = Some(shown.absolute.interval);
    judged.bound = Some(if newcombe { Bound::Newcombe } else { Bound::Fixed });
    judged.lift = shown.relative;
    judged.absolute = Some(shown.absolute);
    judged.p_value = Some(shown.p_value);
    judged.warnings = shown.warnings;
    Ok(shown.absolute.interval)
}

/// The nuance on the scale of the corrected original.
fn nuance_outside(outside: &Outside, judged: &Judged) -> Nuance {
    match &outside.original {
        Some((Scale::Absolute, original)) => nuance(judged.interval, Some(original)),
        Some((Scale::Relative, original)) => {
            let lift = judged.lift.map(|lift| lift.interval.map(f64::ln_1p));
            nuance(lift, Some(original))
        }
        None => Nuance::Underpowered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm([units, successes]: [u64; 2]) -> Moments {
        Moments::from_counts(units, successes).unwrap()
    }

    fn outside(control: [u64; 2], treatment: [u64; 2], planned_n: u64) -> Outside {
        let base = Outside::new(Kind::Proportion, Direction::Increase, arm(control), arm(treatment));
        Outside { planned_n, ..base }
    }

    fn check_outside(control: [u64; 2], treatment: [u64; 2], planned_n: u64, expected: Verdict) {
        let judged = judge_outside(&outside(control, treatment, planned_n)).unwrap();
        assert_eq!(judged.verdict, expected, "{}", judged.sentence);
    }

    #[test]
    fn outside_measurements_are_judged_once_at_their_end() {
        check_outside([41_220, 4_905], [41_310, 5_412], 30_000, Verdict::Positive);
        check_outside([30_500, 3_660], [30_480, 3_719], 30_000, Verdict::NotSignificant);
        check_outside([35_200, 4_224], [35_150, 3_831], 30_000, Verdict::Negative);
        check_outside([8_000, 960], [8_000, 1_160], 30_000, Verdict::Immature);
        check_outside([24_000, 2_880], [24_050, 2_921], 23_000, Verdict::NotSignificant);
        check_outside([36_000, 4_320], [36_080, 4_690], 30_000, Verdict::Positive);
        check_outside([40_100, 4_812], [40_050, 4_790], 30_000, Verdict::NotSignificant);
        check_outside([35_000, 4_200], [35_040, 3_854], 30_000, Verdict::Negative);
        check_outside([48_000, 3_888], [48_100, 4_378], 30_000, Verdict::Positive);
        check_outside([130_000, 15_600], [130_200, 16_275], 30_000, Verdict::Positive);
        for (control, treatment) in [
            ([20_140, 2_417], [20_065, 2_729]),
            ([156_000, 31_200], [156_300, 32_135]),
            ([30_000, 4_500], [30_050, 4_958]),
            ([30_120, 4_520], [30_090, 4_935]),
            ([20_500, 2_460], [20_450, 2_782]),
            ([40_000, 5_240], [40_100, 5_614]),
        ] {
            check_outside(control, treatment, 0, Verdict::Positive);
        }
        check_outside([30_110, 4_517], [30_075, 4_556], 0, Verdict::NotSignificant);
        check_outside([8_000, 960], [9_000, 1_160], 0, Verdict::Invalid);
        check_outside([0, 0], [0, 0], 0, Verdict::Immature);
        check_outside([500, 0], [500, 0], 0, Verdict::Immature);
    }

    #[test]
    fn small_counts_are_judged_by_newcombes_interval() {
        // Wald's interval just excludes zero here, Newcombe's does not.
        let judged = judge_outside(&outside([200, 0], [200, 4], 0)).unwrap();
        assert_eq!((judged.bound, judged.verdict), (Some(Bound::Newcombe), Verdict::NotSignificant));
        check_outside([200, 0], [200, 9], 0, Verdict::Positive);
    }

    #[test]
    fn a_treatment_share_is_not_a_mismatch() {
        let skewed = Outside { treatment_share: 0.1, ..outside([9_000, 900], [1_000, 110], 0) };
        assert_ne!(judge_outside(&skewed).unwrap().verdict, Verdict::Invalid);
    }

    #[test]
    fn flat_needs_the_expected_effect_excluded() {
        let with = |estimate: f64, se: f64| {
            let original = Some((Scale::Absolute, Corrected { estimate, se }));
            judge_outside(&Outside { original, ..outside([30_500, 3_660], [30_480, 3_719], 0) })
                .unwrap()
                .nuance
        };
        assert_eq!(with(0.02, 0.004), Some(Nuance::Flat));
        assert_eq!(with(0.004, 0.004), Some(Nuance::Underpowered));
    }
}
