//! Novelty: does the effect wear off with use? The effect by days since exposure, a test of its trend, and the
//! effect from the day on from which a plan counts.
//!
//! The same units are seen on every day, so the days of an arm are correlated. Their joint moments carry that
//! (one variable a day, over the units that have been seen on all of them), and every number here is one linear
//! combination of them.

use serde::{Deserialize, Serialize};

use crate::cannot_say::{CannotSay, finite, probability};
use crate::estimate::{Estimate, Kind, Scale};
use crate::joint::Joint;
use crate::{normal, sentence};

/// How an effect by day is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema), schemars(rename = "NoveltyQuestion"))]
pub struct Question {
    /// The kind of metric.
    pub kind: Kind,
    /// The scale of the effects.
    pub scale: Scale,
    /// The confidence of the intervals (0.95 for 95 %).
    pub confidence: f64,
    /// Whether the days' intervals hold all together (Šidák's), or each by itself.
    pub simultaneous: bool,
    /// The day from which a plan's verdict counts; see [`crate::verdict::Plan::counts_from_day`].
    pub counts_from: u32,
}

/// The effect on one day since exposure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema), schemars(rename = "NoveltyDay"))]
pub struct Day {
    /// Which day; 1 is the day of exposure.
    pub day: u32,
    /// The effect; none when it cannot be said.
    pub estimate: Option<Estimate>,
    /// Its interval.
    pub interval: Option<[f64; 2]>,
}

/// What the days say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Novelty {
    /// Units in the control arm that were seen on all days.
    pub control_n: u64,
    /// Units in the treatment arm that were seen on all days.
    pub treatment_n: u64,
    /// The effect by day.
    pub days: Vec<Day>,
    /// The change of the effect a day: the least-squares slope over the days.
    pub trend: Option<Estimate>,
    /// The two-sided p-value of no trend.
    pub trend_p: Option<f64>,
    /// The mean effect of the days from which the verdict counts.
    pub counted: Option<Estimate>,
    /// The mean effect of the days before.
    pub before: Option<Estimate>,
    /// All of it in words.
    pub sentence: String,
}

/// The effect by days since exposure. `days` names each variable of the arms' joint moments, rising from 1 on.
///
/// Errors: no day, days that do not rise, arms of other variables than days, an arm with fewer than two units, a
/// confidence outside (0, 1). A single day that cannot be said is none.
///
/// ```
/// use tenure_stats::estimate::{Kind, Scale};
/// use tenure_stats::{joint::Joint, novelty};
///
/// // The effect is 3 on the first day and gone on the third; units differ, and stay as they are.
/// let (mut control, mut treatment) = (Joint::new(3), Joint::new(3));
/// for unit in 0..200 {
///     let level = 10.0 + f64::from(unit % 7);
///     let noise = 0.1 * f64::from(unit % 3);
///     control.push(&[level, level + noise, level - noise])?;
///     treatment.push(&[level + 3.0 + noise, level + 1.5, level])?;
/// }
/// let question = novelty::Question {
///     kind: Kind::Mean, scale: Scale::Absolute, confidence: 0.95, simultaneous: true, counts_from: 3,
/// };
/// let found = novelty::by_day(&control, &treatment, &[1, 2, 3], &question)?;
/// assert!((found.trend.unwrap().value + 1.5).abs() < 0.05 && found.trend_p.unwrap() < 1e-6);
/// assert!(found.counted.unwrap().value.abs() < 0.2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn by_day(
    control: &Joint,
    treatment: &Joint,
    days: &[u32],
    question: &Question,
) -> Result<Novelty, CannotSay> {
    probability(question.confidence)?;
    let rising = days.windows(2).all(|pair| pair[0] < pair[1]);
    let matching = control.variables() == days.len() && treatment.variables() == days.len();
    if days.first().is_none_or(|&first| first == 0) || !rising || !matching {
        return Err(CannotSay::OutOfRange);
    }
    for arm in [control, treatment] {
        arm.covariance(0, 0)?;
    }
    let arms = Arms { control, treatment, scale: question.scale };
    let alpha = 1.0 - question.confidence;
    // Šidák: together the days hold with at least the confidence, however they are correlated [Šidák 1967].
    let alpha_day =
        if question.simultaneous { -((-alpha).ln_1p() / days.len() as f64).exp_m1() } else { alpha };
    let critical = normal::critical(alpha_day);
    let only =
        |at: usize| (0..days.len()).map(|other| f64::from(u8::from(other == at))).collect::<Vec<f64>>();
    let effects = days.iter().enumerate().map(|(at, &day)| {
        let estimate = arms.contrast(&only(at)).ok();
        Day { day, estimate, interval: estimate.map(|estimate| estimate.within(critical)) }
    });
    let trend = slope_weights(days).and_then(|weights| arms.contrast(&weights).ok());
    let mean_over = |counts: fn(u32, u32) -> bool| {
        let share = |&day: &u32| f64::from(u8::from(counts(day, question.counts_from)));
        let shares: Vec<f64> = days.iter().map(share).collect();
        let total: f64 = shares.iter().sum();
        let weights: Vec<f64> = shares.into_iter().map(|share| share / total.max(1.0)).collect();
        if total > 0.0 { arms.contrast(&weights).ok() } else { None }
    };
    let mut novelty = Novelty {
        control_n: control.n(),
        treatment_n: treatment.n(),
        days: effects.collect(),
        trend,
        trend_p: trend.map(|trend| trend.p_value()),
        counted: mean_over(|day, from| day >= from),
        before: mean_over(|day, from| day < from),
        sentence: String::new(),
    };
    novelty.sentence = sentence::novelty(&novelty, question);
    Ok(novelty)
}

/// Both arms, with one variable a day.
struct Arms<'a> {
    control: &'a Joint,
    treatment: &'a Joint,
    scale: Scale,
}

impl Arms<'_> {
    /// `Σ weight·effect` over days, with its standard error over units: normal, as units are many.
    fn contrast(&self, weights: &[f64]) -> Result<Estimate, CannotSay> {
        let (control, control_se) = self.side(self.control, weights)?;
        let (treatment, treatment_se) = self.side(self.treatment, weights)?;
        Estimate::new(treatment - control, control_se.hypot(treatment_se))
    }

    /// One arm's part, and its standard error. On the relative scale the levels' logarithms are combined, each
    /// with the slope 1/level [delta method].
    fn side(&self, arm: &Joint, weights: &[f64]) -> Result<(f64, f64), CannotSay> {
        let used = || weights.iter().enumerate().filter(|(_, weight)| **weight != 0.0);
        let mut gradient = vec![0.0; weights.len()];
        let mut value = 0.0;
        for (at, weight) in used() {
            let level = arm.mean(at);
            match self.scale {
                Scale::Absolute => {
                    gradient[at] = *weight;
                    value += weight * level;
                }
                Scale::Relative if level <= 0.0 => return Err(CannotSay::MeanNotPositive),
                Scale::Relative => {
                    gradient[at] = weight / level;
                    value += weight * level.ln();
                }
            }
        }
        let spread = arm.combination(&gradient).map_err(|_| CannotSay::NonFinite)?.variance()?;
        Ok((finite(value)?, (spread / arm.n() as f64).sqrt()))
    }
}

/// The weights of the least-squares slope over days; none with a single day.
fn slope_weights(days: &[u32]) -> Option<Vec<f64>> {
    let mean = days.iter().map(|&day| f64::from(day)).sum::<f64>() / days.len() as f64;
    let off: Vec<f64> = days.iter().map(|&day| f64::from(day) - mean).collect();
    let squares: f64 = off.iter().map(|off| off * off).sum();
    (squares > 0.0).then(|| off.iter().map(|off| off / squares).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate;
    use crate::estimate::Level;

    const ABSOLUTE: Question = Question {
        kind: Kind::Mean,
        scale: Scale::Absolute,
        confidence: 0.95,
        simultaneous: false,
        counts_from: 8,
    };

    /// Units that keep their level over the days, with an effect of `effect(day)` in treatment.
    fn arms(days: &[u32], effect: impl Fn(u32) -> f64) -> (Joint, Joint) {
        let (mut control, mut treatment) = (Joint::new(days.len()), Joint::new(days.len()));
        for unit in 0..400u32 {
            let noise = |day: u32| f64::from((unit * 37 + day * 101) % 17) / 17.0;
            let level = 5.0 + f64::from(unit % 11);
            let row = |extra: &dyn Fn(u32) -> f64| -> Vec<f64> {
                days.iter().map(|&day| level + noise(day) + extra(day)).collect()
            };
            control.push(&row(&|_| 0.0)).unwrap();
            treatment.push(&row(&effect)).unwrap();
        }
        (control, treatment)
    }

    #[test]
    fn a_day_is_its_own_comparison() {
        let days = [1, 2, 5];
        let (control, treatment) = arms(&days, |day| 0.3 / f64::from(day));
        for scale in [Scale::Absolute, Scale::Relative] {
            let found = by_day(&control, &treatment, &days, &Question { scale, ..ABSOLUTE }).unwrap();
            for (at, day) in found.days.iter().enumerate() {
                let level = |arm: &Joint| Level::of(Kind::Mean, &arm.alone(at).unwrap()).unwrap();
                let alone = estimate::effect(scale, &level(&control), &level(&treatment)).unwrap();
                let seen = day.estimate.unwrap();
                assert!((seen.value - alone.value).abs() < 1e-12 && (seen.se - alone.se).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn a_trend_shows_although_units_differ_more() {
        let days: Vec<u32> = (1..=14).collect();
        let (control, treatment) = arms(&days, |day| 0.5 - 0.04 * f64::from(day));
        let fading = by_day(&control, &treatment, &days, &ABSOLUTE).unwrap();
        assert!((fading.trend.unwrap().value + 0.04).abs() < 1e-9);
        assert!(fading.trend_p.unwrap() < 1e-6);
        assert!((fading.counted.unwrap().value - 0.06).abs() < 1e-9);
        assert!((fading.before.unwrap().value - 0.34).abs() < 1e-9);
        assert!(fading.sentence.contains("fades"), "{}", fading.sentence);
        let (control, treatment) = arms(&days, |_| 0.5);
        let steady = by_day(&control, &treatment, &days, &ABSOLUTE).unwrap();
        assert!(steady.trend_p.unwrap() > 0.05, "{}", steady.sentence);
    }

    #[test]
    fn intervals_that_hold_together_are_wider() {
        let days = [1, 2, 3, 4];
        let (control, treatment) = arms(&days, |_| 0.2);
        let width = |simultaneous| {
            let question = Question { simultaneous, ..ABSOLUTE };
            let [low, high] =
                by_day(&control, &treatment, &days, &question).unwrap().days[0].interval.unwrap();
            high - low
        };
        assert!((width(true) / width(false) - 2.4909 / 1.95996).abs() < 1e-4);
    }

    #[test]
    fn what_has_no_answer_is_said() {
        let (control, treatment) = arms(&[1, 2], |_| 0.0);
        let of = |days: &[u32]| by_day(&control, &treatment, days, &ABSOLUTE);
        assert_eq!(of(&[]), Err(CannotSay::OutOfRange));
        assert_eq!(of(&[2, 1]), Err(CannotSay::OutOfRange));
        assert_eq!(of(&[0, 1]), Err(CannotSay::OutOfRange));
        assert_eq!(of(&[1, 2, 3]), Err(CannotSay::OutOfRange));
        assert_eq!(by_day(&Joint::new(2), &treatment, &[1, 2], &ABSOLUTE), Err(CannotSay::EmptyArm));
        // Nobody varies on either day: no estimate, and no trend.
        let dead = Joint::from_summary(50, &[1.0, 1.0], &[0.0; 4]).unwrap();
        let found = by_day(&dead, &dead, &[1, 2], &ABSOLUTE).unwrap();
        assert_eq!((found.days[0].estimate, found.trend, found.counted), (None, None, None));
    }
}
