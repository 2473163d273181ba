//! Forecasts: what a measurement would cost in units and days, and what it would find, under each design. This is
//! the cost of looking, shown before anybody decides.

use serde::{Deserialize, Serialize};

use crate::cannot_say::{CannotSay, computed, finite, positive, probability};
use crate::estimate::{Kind, Level, Scale, lift_of};
use crate::power::{self, Design, Tails};
use crate::replication::{Corrected, Original, correct};
use crate::schedule::{Schedule, Step, Traffic, schedule};
use crate::sentence;
use crate::sequential::Spending;

/// What is to be found, and how surely.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema), schemars(rename = "ForecastQuestion"))]
pub struct Question {
    /// The kind of metric.
    pub kind: Kind,
    /// Its level without the change.
    pub baseline: f64,
    /// The difference to be found, in the metric's unit.
    pub effect: f64,
    /// The variance of one control unit's contribution.
    pub control_variance: f64,
    /// The variance of one treatment unit's contribution.
    pub treatment_variance: f64,
    /// The share of admitted units that is treated.
    pub treatment_share: f64,
    /// The two-sided error of all looks together.
    pub alpha: f64,
    /// The chance to find the effect.
    pub power: f64,
    /// How often is looked, at equal steps of information.
    pub looks: u32,
}

/// The usual error and power, and a look a day for four weeks.
const ALPHA: f64 = 0.05;
const POWER: f64 = 0.8;
const LOOKS: u32 = 28;

/// Looks that a design is computed for at most; more cost next to nothing more.
const LOOKS_MAX: u32 = 1_000;

impl Question {
    /// A proportion of `baseline` that is to rise by `lift` of itself (0.05 is +5 %): 5 % error, 80 % power, 28
    /// looks, half of the units treated.
    ///
    /// Errors: a level outside (0, 1) in either arm, a lift of zero.
    pub fn proportion(baseline: f64, lift: f64) -> Result<Self, CannotSay> {
        let variance = |p: f64| Ok(probability(p)? * (1.0 - p));
        let treated = baseline * (1.0 + finite(lift)?);
        Self::new(Kind::Proportion, baseline, treated - baseline, variance(baseline)?, variance(treated)?)
    }

    /// A mean of `baseline` with standard deviation `sd` that is to rise by `lift` of itself.
    ///
    /// Errors: a standard deviation that is not above zero, a lift or a baseline of zero.
    pub fn mean(baseline: f64, sd: f64, lift: f64) -> Result<Self, CannotSay> {
        let variance = positive(sd)? * sd;
        Self::new(Kind::Mean, baseline, finite(baseline)? * finite(lift)?, variance, variance)
    }

    /// The effect that an experiment leaves to expect: its own less the inflation of having been selected, at the
    /// levels and variances that it measured.
    ///
    /// Errors: those of [`correct`], and levels that are not finite.
    pub fn of_original(
        kind: Kind,
        scale: Scale,
        control: &Level,
        treatment: &Level,
        original: &Original,
    ) -> Result<Self, CannotSay> {
        let corrected = correct(original.estimate, original.se, original.selected_at)?;
        let effect = match scale {
            Scale::Absolute => corrected.estimate,
            Scale::Relative => control.value * lift_of(corrected.estimate),
        };
        Self::new(kind, control.value, effect, control.variance, treatment.variance)
    }

    fn new(kind: Kind, baseline: f64, effect: f64, control: f64, treatment: f64) -> Result<Self, CannotSay> {
        let question = Self {
            kind,
            baseline: finite(baseline)?,
            effect,
            control_variance: control,
            treatment_variance: treatment,
            treatment_share: 0.5,
            alpha: ALPHA,
            power: POWER,
            looks: LOOKS,
        };
        question.check()?;
        Ok(question)
    }

    fn check(&self) -> Result<(), CannotSay> {
        positive(self.effect.abs())?;
        positive(self.control_variance)?;
        positive(self.treatment_variance)?;
        probability(self.treatment_share)?;
        probability(self.alpha)?;
        probability(self.power)?;
        if (1..=LOOKS_MAX).contains(&self.looks) { Ok(()) } else { Err(CannotSay::OutOfRange) }
    }

    /// Units of the treatment arm that a fixed design needs:
    /// `n_T = (z_{α/2} + z_β)²·(σT² + σC²/κ)/δ²`, κ = nC/nT.
    ///
    /// ```
    /// use tenure_stats::forecast::Question;
    ///
    /// let question = Question::proportion(0.12, 0.05)?;
    /// assert_eq!(question.treatment_units_fixed()?.round(), 47_033.0);
    /// # Ok::<(), tenure_stats::CannotSay>(())
    /// ```
    pub fn treatment_units_fixed(&self) -> Result<f64, CannotSay> {
        self.check()?;
        let drift = power::drift(0.5 * self.alpha, self.power, Tails::One)?;
        power::treatment_units(
            self.effect,
            self.control_variance,
            self.treatment_variance,
            self.kappa(),
            drift,
        )
    }

    /// The effect that a design finds with the question's power among this many treated units (and their control).
    pub fn detectable_effect(&self, design: Design, treatment_n: f64) -> Result<f64, CannotSay> {
        self.check()?;
        let drift = design.cost(self.looks, self.alpha, self.power)?.drift;
        power::detectable_effect(
            treatment_n,
            self.control_variance,
            self.treatment_variance,
            self.kappa(),
            drift,
        )
    }

    /// The chance of a verdict on the good side, and the units that it takes, for other effects than the one asked
    /// for: the sample is the design's own for the question.
    pub fn power_curve(&self, design: Design, effects: &[f64]) -> Result<Vec<Point>, CannotSay> {
        let cost = design.cost(self.looks, self.alpha, self.power)?;
        let units = self.treatment_units_fixed()? / self.treatment_share * cost.largest;
        let point = |&effect: &f64| {
            let drift = cost.drift * finite(effect)? / self.effect;
            let reached = design.at(self.looks, self.alpha, drift)?;
            Ok(Point { effect, power: reached.power, expected_n: units * reached.information })
        };
        effects.iter().map(point).collect()
    }

    fn kappa(&self) -> f64 {
        (1.0 - self.treatment_share) / self.treatment_share
    }
}

/// One point of a power curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema), schemars(rename = "ForecastPoint"))]
pub struct Point {
    /// The effect, in the metric's unit.
    pub effect: f64,
    /// The chance of a verdict on the question's side.
    pub power: f64,
    /// The expected units of both arms.
    pub expected_n: f64,
}

/// What one design would cost.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Row {
    /// Which design.
    pub design: Design,
    /// The largest sample, in units of the fixed one.
    pub times_fixed: f64,
    /// The expected sample when the effect is as asked, in units of the fixed one.
    pub expected_times_fixed: f64,
    /// Control units, at most.
    pub control_n: u64,
    /// Treatment units, at most.
    pub treatment_n: u64,
    /// Units of both arms that are expected when the effect is as asked.
    pub expected_n: u64,
    /// Days until the largest sample is in and has matured; none without traffic.
    pub days: Option<u32>,
    /// Days until the expected sample is.
    pub expected_days: Option<u32>,
    /// The effect found with the same power, were the sample that of the fixed design.
    pub detectable_at_fixed: f64,
}

/// What a measurement would cost, and what it would find.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Forecast {
    /// The question.
    pub question: Question,
    /// The designs: the product's own first, a fixed one second.
    pub rows: Vec<Row>,
    /// The waves of the product's own design; none without traffic.
    pub schedule: Option<Schedule>,
    /// What the product's own design finds at 0, a quarter, half, … twice the effect.
    pub curve: Vec<Point>,
    /// The cost in words.
    pub sentence: String,
}

/// The designs of a forecast: the product's own first.
pub const DESIGNS: [Design; 5] = [
    Design::Standard,
    Design::Fixed,
    Design::GroupSequential(Spending::ObrienFleming),
    Design::AlwaysValid,
    Design::Bonferroni,
];

/// What a question costs under each design; with traffic and waves, also when.
///
/// Errors: a question out of range; waves or traffic that are no rollout (see [`schedule`]).
///
/// ```
/// use tenure_stats::forecast::{forecast, Question};
/// use tenure_stats::schedule::{Step, Traffic};
///
/// let question = Question::proportion(0.12, 0.05)?;
/// let waves = Step::of_percent(&[5.0, 20.0, 50.0]);
/// let found = forecast(&question, Some((&Traffic::new(4_000.0), &waves)))?;
/// let own = &found.rows[0];
/// assert!((own.times_fixed - 1.12).abs() < 0.01 && (own.expected_times_fixed - 0.83).abs() < 0.01);
/// assert_eq!(own.days, Some(found.schedule.unwrap().verdict_by_day));
/// # Ok::<(), tenure_stats::CannotSay>(())
/// ```
pub fn forecast(question: &Question, rollout: Option<(&Traffic, &[Step])>) -> Result<Forecast, CannotSay> {
    let treated = question.treatment_units_fixed()?;
    let share = question.treatment_share;
    let both = treated / share;
    // The waves go by the question's share, whatever the traffic says.
    let rollout = rollout.map(|(traffic, steps)| (Traffic { treatment_share: share, ..*traffic }, steps));
    let laid_out =
        |units: f64| rollout.as_ref().map(|(traffic, steps)| schedule(units, traffic, steps)).transpose();
    let row = |design: Design| -> Result<Row, CannotSay> {
        let cost = design.cost(question.looks, question.alpha, question.power)?;
        let by_day = |units: f64| Ok(laid_out(units)?.map(|laid_out| laid_out.verdict_by_day));
        Ok(Row {
            design,
            times_fixed: cost.largest,
            expected_times_fixed: cost.expected,
            control_n: (treated * question.kappa() * cost.largest).ceil() as u64,
            treatment_n: (treated * cost.largest).ceil() as u64,
            expected_n: (both * cost.expected).ceil() as u64,
            days: by_day(both * cost.largest)?,
            expected_days: by_day(both * cost.expected)?,
            detectable_at_fixed: question.effect.abs() * cost.largest.sqrt(),
        })
    };
    let rows = DESIGNS.into_iter().map(row).collect::<Result<Vec<Row>, CannotSay>>()?;
    let quarters: Vec<f64> = (0..=8).map(|step| question.effect * 0.25 * f64::from(step)).collect();
    let mut found = Forecast {
        question: *question,
        schedule: laid_out(both * rows[0].times_fixed)?,
        curve: question.power_curve(Design::Standard, &quarters)?,
        rows,
        sentence: String::new(),
    };
    found.sentence = sentence::forecast(&found);
    Ok(found)
}

/// How many times the experiment's own sample it takes to find `share` of its corrected effect with this power, at
/// a two-sided error `alpha` in one look; times a design's [`Row::times_fixed`].
///
/// ```
/// use tenure_stats::forecast::times_the_experiment;
/// use tenure_stats::replication::correct;
///
/// // Half of an original that stood 2.1, 2.5 and 3 standard errors above zero.
/// for (z, times) in [(2.1, 20.8), (2.5, 11.0), (3.0, 5.5)] {
///     let corrected = correct(z, 1.0, 1.959963984540054)?;
///     assert!((times_the_experiment(&corrected, 1.0, 0.5, 0.05, 0.8)? - times).abs() < 0.05);
/// }
/// # Ok::<(), tenure_stats::CannotSay>(())
/// ```
pub fn times_the_experiment(
    corrected: &Corrected,
    original_se: f64,
    share: f64,
    alpha: f64,
    power: f64,
) -> Result<f64, CannotSay> {
    let wanted = positive((share * corrected.estimate).abs())?;
    let drift = power::drift(0.5 * probability(alpha)?, power, Tails::One)?;
    let times = (drift * positive(original_se)? / wanted).powi(2);
    computed(&[times])?;
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question() -> Question {
        Question::proportion(0.12, 0.05).unwrap()
    }

    #[test]
    fn the_cost_of_looking_is_the_table() {
        let found = forecast(&question(), None).unwrap();
        let expected = [(1.12, 0.83), (1.0, 1.0), (1.05, 0.78), (1.72, 1.11), (1.79, 1.11)];
        for (row, (largest, on_average)) in found.rows.iter().zip(expected) {
            assert!((row.times_fixed - largest).abs() < 0.006, "{row:?}");
            assert!((row.expected_times_fixed - on_average).abs() < 0.006, "{row:?}");
            assert_eq!(row.days, None);
        }
        assert_eq!(
            found.sentence,
            "to find +0.60 pp of 12.00 % with 80 % power, 28 looks cost at most 52,522 units an arm (1.12 times a \
             single look), 39,035 on average when the effect is real"
        );
    }

    #[test]
    fn the_curve_goes_from_the_error_to_certainty() {
        let curve = forecast(&question(), None).unwrap().curve;
        assert!((0.02..=0.025).contains(&curve[0].power), "{:?}", curve[0]);
        assert!((curve[4].power - 0.8).abs() < 1e-9);
        assert!(curve[8].power > 0.999);
        assert!(curve.windows(2).all(|pair| pair[0].power < pair[1].power));
    }

    #[test]
    fn a_decrease_is_planned_like_an_increase() {
        let down = Question::proportion(0.126, -1.0 / 21.0).unwrap();
        let found = forecast(&down, None).unwrap();
        assert!(found.curve[4].effect < 0.0 && (found.curve[4].power - 0.8).abs() < 1e-9);
        let up = question().treatment_units_fixed().unwrap();
        assert!((down.treatment_units_fixed().unwrap() / up - 1.0).abs() < 1e-9);
    }

    #[test]
    fn detectable_effects_undo_samples() {
        let question = question();
        for design in DESIGNS {
            let cost = design.cost(28, 0.05, 0.8).unwrap();
            let units = question.treatment_units_fixed().unwrap() * cost.largest;
            assert!((question.detectable_effect(design, units).unwrap() / 0.006 - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn an_original_is_planned_for_less_than_it_won() {
        let level = |value: f64| Level { n: 10_000, value, variance: value * (1.0 - value) };
        let (control, treatment) = (level(0.10), level(0.11));
        let original = Original::new((1.1f64).ln(), 0.04);
        let question =
            Question::of_original(Kind::Proportion, Scale::Relative, &control, &treatment, &original)
                .unwrap();
        assert!(question.effect > 0.0 && question.effect < 0.01, "{question:?}");
    }

    #[test]
    fn what_cannot_be_planned_is_refused() {
        assert_eq!(Question::proportion(0.12, 0.0), Err(CannotSay::OutOfRange));
        assert_eq!(Question::proportion(0.9, 0.2), Err(CannotSay::OutOfRange));
        assert_eq!(Question::mean(10.0, 0.0, 0.1), Err(CannotSay::OutOfRange));
        assert_eq!(Question::mean(10.0, f64::NAN, 0.1), Err(CannotSay::NonFinite));
        let endless = Question { looks: 0, ..question() };
        assert_eq!(forecast(&endless, None), Err(CannotSay::OutOfRange));
    }
}
