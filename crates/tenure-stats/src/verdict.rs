//! The verdict: bounds on an effect become positive, negative, not significant, or not yet.
//!
//! A rollout's own measurement is looked at any time ([`look`]): 4 of its 5 % are planned, spent over the
//! information up to the plan's end, and 1 % lasts forever. Somebody else's counts are one look of a fixed
//! design ([`judge_outside`]).

use serde::{Deserialize, Serialize};

use crate::cannot_say::CannotSay;
use crate::comparison::{Absolute, Relative};
use crate::estimate::{Kind, Level, Scale};
use crate::replication::Corrected;
use crate::sample_ratio::{self, SampleRatio};
use crate::wave::{self, Epoch, Heterogeneity, Stratified, Stratum};
use crate::{proportion, sentence};

mod monitor;
mod outside;
mod plan;

use monitor::Bounded;
pub use monitor::{Composition, Monitor, PlannedLook};
pub use outside::{Outside, judge_outside};
pub use plan::{ALPHA, Plan, SAMPLE_RATIO_ALPHA};

/// What a look says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Zero is excluded on the good side.
    Positive,
    /// The plan is at its end and zero is still inside.
    NotSignificant,
    /// Zero is excluded on the bad side.
    Negative,
    /// Too early to say.
    Immature,
    /// The data cannot be believed.
    Invalid,
}

impl Verdict {
    /// Whether it is a judgement, and not "no verdict yet".
    pub fn is_judged(self) -> bool {
        matches!(self, Self::Positive | Self::NotSignificant | Self::Negative)
    }
}

/// What "not significant" means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Nuance {
    /// The interval excludes the expected effect: there is little to find.
    Flat,
    /// It does not: the measurement was too small to tell.
    Underpowered,
}

/// Which way of the metric is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More is better.
    #[default]
    Increase,
    /// Less is better.
    Decrease,
}

impl Direction {
    /// A change as a gain: mirrored when less is better. Its own inverse.
    pub fn gain(self, change: f64) -> f64 {
        match self {
            Self::Increase => change,
            Self::Decrease => -change,
        }
    }

    /// Which side of zero an interval lies on, if it excludes it: `Some(true)` is the good one.
    fn side(self, [low, high]: [f64; 2]) -> Option<bool> {
        let (low, high) = match self {
            Self::Increase => (low, high),
            Self::Decrease => (-high, -low),
        };
        if low > 0.0 {
            Some(true)
        } else if high < 0.0 {
            Some(false)
        } else {
            None
        }
    }
}

/// Which bound an interval was drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The group-sequential bound of the plan.
    Planned,
    /// The always-valid bound that never expires.
    Forever,
    /// Wald's interval of a fixed design (Welch's t for values).
    Fixed,
    /// Newcombe's interval of two small proportions.
    Newcombe,
}

/// The intervals that the bounds of the design draw around one estimate, on its scale. The tighter one is in force.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Bounds {
    /// Of the group-sequential plan, at a look that spent some of its error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<[f64; 2]>,
    /// Of the always-valid bound; none while it is without end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forever: Option<[f64; 2]>,
}

impl Bounds {
    /// Whether there is neither, as in measurements made elsewhere.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether a look may give a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema), schemars(rename = "WaveUnderway"))]
#[serde(rename_all = "snake_case")]
pub enum Wave {
    /// Harm is looked for, with the forever bound; there is no verdict.
    Safety,
    /// Verdicts fall here.
    Measured,
}

/// What is known at one look, cumulatively.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Look {
    /// The matured units by epoch of first exposure.
    pub epochs: Vec<Epoch>,
    /// The wave that is running.
    pub wave: Wave,
    /// Whether the plan's shortest duration (whole weeks) has passed.
    pub minimum_duration_passed: bool,
    /// Whether the plan's longest duration has passed: the plan ends here, whatever its information.
    pub largest_duration_reached: bool,
    /// A failed check of the data (assignment audit, freshness), in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// The corrected original on the plan's scale, by which "flat" is told from "underpowered".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Corrected>,
}

/// What a look came to: everything that is shown and recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// What a "not significant" means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nuance: Option<Nuance>,
    /// Harm was found in a safety wave: hold the rollout.
    pub harm: bool,
    /// The kind of metric.
    pub kind: Kind,
    /// The scale of `estimate`, `se` and `interval`.
    pub scale: Scale,
    /// The effect: treatment less control, or the logarithm of their ratio.
    pub estimate: Option<f64>,
    /// Its standard error.
    pub se: Option<f64>,
    /// Its interval, of the bound in force.
    pub interval: Option<[f64; 2]>,
    /// The bound in force.
    pub bound: Option<Bound>,
    /// The intervals of both bounds, to be drawn side by side.
    #[serde(default, skip_serializing_if = "Bounds::is_empty")]
    pub bounds: Bounds,
    /// The critical value of the bound in force.
    pub critical: Option<f64>,
    /// The confidence with which all intervals of the measurement hold together.
    pub confidence: f64,
    /// The lift, stratified like the estimate, at the same critical value.
    pub lift: Option<Relative>,
    /// The difference in the metric's unit, stratified like the estimate, at the same critical value.
    pub absolute: Option<Absolute>,
    /// Information as a share of the plan's, at its largest so far.
    pub information_fraction: Option<f64>,
    /// The smallest level at which the design would have excluded zero by now.
    pub p_value: Option<f64>,
    /// The tests of the sample ratio.
    pub sample_ratio: Option<SampleRatio>,
    /// Each epoch's part in the estimate.
    pub strata: Vec<Stratum>,
    /// Whether the effect moves with time.
    pub heterogeneity: Option<Heterogeneity>,
    /// Why there is no estimate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cannot_say: Option<CannotSay>,
    /// Why it is invalid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// What a reader should know before believing the numbers.
    pub warnings: Vec<String>,
    /// The verdict in words.
    pub sentence: String,
}

/// Judges one look, given what is remembered of those before. Pure: the same arguments, the same answer.
///
/// Errors only when the plan itself is out of range; what the data cannot say is in [`Judged::cannot_say`].
///
/// ```
/// use tenure_stats::estimate::{Kind, Scale};
/// use tenure_stats::moments::Moments;
/// use tenure_stats::verdict::{look, Direction, Look, Monitor, Plan, Verdict, Wave};
/// use tenure_stats::wave::Epoch;
///
/// let plan = Plan::new(Kind::Proportion, Direction::Increase, Scale::Absolute, 0.05, 1, 0.003)?;
/// let control = Moments::from_counts(20_000, 2_400)?;
/// let treatment = Moments::from_counts(20_000, 2_800)?;
/// let now = Look {
///     epochs: vec![Epoch::of_moments(0, Kind::Proportion, &control, &treatment, 0.5)?],
///     wave: Wave::Measured,
///     minimum_duration_passed: true,
///     largest_duration_reached: false,
///     fault: None,
///     original: None,
/// };
/// let (monitor, judged) = look(&plan, &Monitor::default(), &now)?;
/// assert_eq!(judged.verdict, Verdict::Positive);
/// assert_eq!(monitor.latched, Some(Verdict::Positive));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn look(plan: &Plan, monitor: &Monitor, now: &Look) -> Result<(Monitor, Judged), CannotSay> {
    plan.check()?;
    let mut monitor = monitor.clone();
    let mut judged = Judged::blank(plan.kind, plan.scale, 1.0 - plan.alpha);

    let sample_ratio = sample_ratio_of(&now.epochs)?;
    monitor.sample_ratio_log_e_max = monitor.sample_ratio_log_e_max.max(sample_ratio.log_e);
    judged.sample_ratio = Some(sample_ratio);
    judged.fault = now.fault.clone().or_else(|| {
        let mismatch = monitor.sample_ratio_log_e_max >= -plan.sample_ratio_alpha.ln();
        mismatch.then(|| "the arms do not have the shares that were planned (sample ratio)".to_owned())
    });

    let believed = judged.fault.is_none();
    let bounded = wave::stratify(plan.kind, plan.scale, &now.epochs).and_then(|stratified| {
        let bounded = monitor.bound_in_force(plan, now, &stratified, believed)?;
        Ok((stratified, bounded))
    });
    let crossed = match bounded {
        Ok((stratified, bounded)) => {
            judged.fill(plan, &stratified, &bounded, &now.epochs);
            plan.direction.side(bounded.interval)
        }
        Err(why) => {
            judged.cannot_say = Some(why);
            monitor.plan_ended |= believed && now.wave == Wave::Measured && now.largest_duration_reached;
            None
        }
    };
    judged.information_fraction = Some(monitor.fraction_max);
    judged.p_value = monitor.p_value;

    judged.verdict = decide(&monitor, now, crossed, &mut judged);
    if matches!(judged.verdict, Verdict::Positive | Verdict::Negative) {
        monitor.latched = Some(judged.verdict);
    }
    if judged.verdict == Verdict::NotSignificant {
        judged.nuance = Some(nuance(judged.interval, now.original.as_ref()));
    }
    judged.sentence = sentence::verdict(&judged, plan.direction);
    Ok((monitor, judged))
}

/// The table of verdicts, in its order.
fn decide(monitor: &Monitor, now: &Look, crossed: Option<bool>, judged: &mut Judged) -> Verdict {
    if let Some(latched) = monitor.latched {
        return latched;
    }
    if judged.fault.is_some() {
        return Verdict::Invalid;
    }
    if now.wave == Wave::Safety {
        judged.harm = crossed == Some(false);
        // Low traffic may never leave its first wave; harm holds the rollout, whatever the time.
        let is_over = now.largest_duration_reached && !judged.harm;
        return if is_over { Verdict::NotSignificant } else { Verdict::Immature };
    }
    if judged.show_newcombe_when_few(now) {
        return if now.largest_duration_reached { Verdict::NotSignificant } else { Verdict::Immature };
    }
    match crossed {
        Some(false) => Verdict::Negative,
        Some(true) if now.minimum_duration_passed => Verdict::Positive,
        Some(true) => {
            judged.warnings.push(
                "zero is excluded on the good side already; the verdict waits for the shortest duration"
                    .to_owned(),
            );
            Verdict::Immature
        }
        None if monitor.plan_ended => Verdict::NotSignificant,
        None => Verdict::Immature,
    }
}

/// Flat when the interval excludes the expected effect.
fn nuance(interval: Option<[f64; 2]>, original: Option<&Corrected>) -> Nuance {
    match (interval, original) {
        (Some([low, high]), Some(original)) if !(low..=high).contains(&original.estimate) => Nuance::Flat,
        _ => Nuance::Underpowered,
    }
}

fn sample_ratio_of(epochs: &[Epoch]) -> Result<SampleRatio, CannotSay> {
    let mut tests = Vec::new();
    let mut log_e = 0.0;
    for epoch in epochs {
        let counts = [epoch.control.n, epoch.treatment.n];
        if counts == [0, 0] {
            continue;
        }
        let shares = [1.0 - epoch.treatment_share, epoch.treatment_share];
        tests.push(sample_ratio::chi_square(&counts, &shares)?);
        log_e += sample_ratio::log_e(&counts, &shares, sample_ratio::CONCENTRATION)?;
    }
    Ok(SampleRatio { p_chi2: sample_ratio::chi_square_over_epochs(&tests).p_value, log_e })
}

/// The level of a proportion in one arm, over the epochs that count.
fn pooled_proportion(epochs: &[Epoch], strata: &[Stratum], arm: fn(&Epoch) -> &Level) -> Level {
    let counted = epochs.iter().zip(strata).filter(|(_, stratum)| stratum.weight > 0.0);
    let (mut n, mut successes) = (0u64, 0.0);
    for level in counted.map(|(epoch, _)| arm(epoch)) {
        n = n.saturating_add(level.n);
        successes += level.n as f64 * level.value;
    }
    let value = successes / (n as f64).max(1.0);
    Level { n, value, variance: value * (1.0 - value) }
}

impl Judged {
    fn blank(kind: Kind, scale: Scale, confidence: f64) -> Self {
        Self {
            verdict: Verdict::Immature,
            nuance: None,
            harm: false,
            kind,
            scale,
            estimate: None,
            se: None,
            interval: None,
            bound: None,
            bounds: Bounds::default(),
            critical: None,
            confidence,
            lift: None,
            absolute: None,
            information_fraction: None,
            p_value: None,
            sample_ratio: None,
            strata: Vec::new(),
            heterogeneity: None,
            cannot_say: None,
            fault: None,
            warnings: Vec::new(),
            sentence: String::new(),
        }
    }

    /// With fewer than 10 successes or failures in an arm of a proportion, shows Newcombe's interval of the
    /// difference, and says that it carries no verdict.
    fn show_newcombe_when_few(&mut self, now: &Look) -> bool {
        if self.kind != Kind::Proportion || self.strata.is_empty() {
            return false;
        }
        let control = pooled_proportion(&now.epochs, &self.strata, |epoch| &epoch.control);
        let treatment = pooled_proportion(&now.epochs, &self.strata, |epoch| &epoch.treatment);
        if !proportion::below_gate(&control) && !proportion::below_gate(&treatment) {
            return false;
        }
        self.warnings.push(
            "fewer than 10 successes or failures in an arm: Newcombe's interval is shown, and it carries no verdict"
                .to_owned(),
        );
        let newcombe = proportion::newcombe(&control, &treatment, self.confidence).ok();
        if let (Some(absolute), Some(interval)) = (&mut self.absolute, newcombe) {
            absolute.interval = interval;
            if self.scale == Scale::Absolute {
                self.interval = Some(interval);
                self.bound = Some(Bound::Newcombe);
                self.critical = None;
            }
        }
        true
    }

    fn fill(&mut self, plan: &Plan, stratified: &Stratified, bounded: &Bounded, epochs: &[Epoch]) {
        self.estimate = Some(stratified.effect.value);
        self.se = Some(stratified.effect.se);
        self.bounds = bounded.bounds;
        if bounded.critical.is_finite() {
            self.interval = Some(bounded.interval);
            self.bound = Some(bounded.bound);
            self.critical = Some(bounded.critical);
        }
        self.strata = stratified.strata.clone();
        self.heterogeneity = stratified.heterogeneity;
        if self.heterogeneity.is_some_and(|q| q.p_value < 0.05) {
            self.warnings.push("the effect differs between epochs (Cochran's Q below 5 %)".to_owned());
        }
        let on = |scale: Scale| match plan.scale {
            same if same == scale => Some(stratified.effect),
            _ => wave::stratify(plan.kind, scale, epochs).ok().map(|other| other.effect),
        };
        let Some(critical) = self.critical else { return };
        self.lift = on(Scale::Relative).and_then(|effect| Relative::of(&effect, critical));
        self.absolute = on(Scale::Absolute).map(|effect| Absolute {
            estimate: effect.value,
            se: effect.se,
            interval: effect.within(critical),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moments::Moments;
    use proptest::prelude::*;

    fn plan(direction: Direction) -> Plan {
        Plan::new(Kind::Mean, direction, Scale::Absolute, 0.05, 1, 0.1).unwrap()
    }

    /// A look of one epoch whose effect is `effect` and whose standard error is about `se`.
    fn at(effect: f64, se: f64) -> Look {
        let n = (200.0 / (se * se)).round() as u64;
        let level = |value: f64| Level { n, value, variance: 100.0 };
        let epoch =
            Epoch { index: 0, control: level(50.0), treatment: level(50.0 + effect), treatment_share: 0.5 };
        Look {
            epochs: vec![epoch],
            wave: Wave::Measured,
            minimum_duration_passed: true,
            largest_duration_reached: false,
            fault: None,
            original: None,
        }
    }

    fn first(now: &Look) -> Judged {
        look(&plan(Direction::Increase), &Monitor::default(), now).unwrap().1
    }

    #[test]
    fn the_tighter_of_both_bounds_is_in_force() {
        let width = |[low, high]: [f64; 2]| high - low;
        for se in [0.1, 0.12, 0.2] {
            let judged = first(&at(0.3, se));
            let Bounds { planned: Some(planned), forever: Some(forever) } = judged.bounds else {
                panic!("both bounds are drawn: {judged:?}")
            };
            let tighter = if width(planned) <= width(forever) { planned } else { forever };
            assert_eq!(judged.interval, Some(tighter));
        }
    }

    #[test]
    fn the_table_of_verdicts() {
        assert_eq!(first(&at(0.5, 0.1)).verdict, Verdict::Positive);
        assert_eq!(first(&at(-0.5, 0.1)).verdict, Verdict::Negative);
        assert_eq!(first(&at(0.05, 0.1)).verdict, Verdict::NotSignificant);
        assert_eq!(first(&at(0.05, 0.2)).verdict, Verdict::Immature);
        assert_eq!(first(&Look { fault: Some("stale".into()), ..at(0.5, 0.1) }).verdict, Verdict::Invalid);
        assert_eq!(
            first(&Look { largest_duration_reached: true, ..at(0.05, 0.2) }).verdict,
            Verdict::NotSignificant
        );
        assert_eq!(
            first(&Look { minimum_duration_passed: false, ..at(0.5, 0.1) }).verdict,
            Verdict::Immature
        );
        assert_eq!(
            first(&Look { minimum_duration_passed: false, ..at(-0.5, 0.1) }).verdict,
            Verdict::Negative
        );
    }

    #[test]
    fn a_safety_wave_holds_and_gives_no_verdict() {
        let harmed = first(&Look { wave: Wave::Safety, ..at(-0.9, 0.2) });
        assert_eq!(
            (harmed.verdict, harmed.harm, harmed.bound),
            (Verdict::Immature, true, Some(Bound::Forever))
        );
        let fine = first(&Look { wave: Wave::Safety, ..at(0.9, 0.2) });
        assert_eq!((fine.verdict, fine.harm), (Verdict::Immature, false));
    }

    #[test]
    fn arms_with_the_wrong_shares_are_invalid_and_stay_so() {
        let mut now = at(0.5, 0.1);
        now.epochs[0].treatment.n = 21_500;
        let (monitor, judged) = look(&plan(Direction::Increase), &Monitor::default(), &now).unwrap();
        assert_eq!(judged.verdict, Verdict::Invalid);
        let (_, later) = look(&plan(Direction::Increase), &monitor, &at(0.5, 0.1)).unwrap();
        assert_eq!(later.verdict, Verdict::Invalid);
    }

    #[test]
    fn a_look_that_cannot_be_believed_spends_nothing() {
        let faulty = Look { fault: Some("stale".into()), ..at(0.5, 0.1) };
        let (monitor, _) = look(&plan(Direction::Increase), &Monitor::default(), &faulty).unwrap();
        assert_eq!((monitor.looks.len(), monitor.spent_side, monitor.p_value), (0, 0.0, None));
        let (_, judged) = look(&plan(Direction::Increase), &monitor, &at(0.5, 0.1)).unwrap();
        assert_eq!(judged.verdict, Verdict::Positive);
    }

    #[test]
    fn a_few_successes_give_no_verdict() {
        let proportion =
            Plan::new(Kind::Proportion, Direction::Increase, Scale::Absolute, 0.05, 1, 0.01).unwrap();
        let arm = |units, successes| Moments::from_counts(units, successes).unwrap();
        let epoch = Epoch::of_moments(0, Kind::Proportion, &arm(900, 4), &arm(900, 60), 0.5).unwrap();
        let now = Look { epochs: vec![epoch], ..at(0.0, 0.1) };
        let judged = look(&proportion, &Monitor::default(), &now).unwrap().1;
        assert_eq!((judged.verdict, judged.bound), (Verdict::Immature, Some(Bound::Newcombe)));
        let last = Look { largest_duration_reached: true, ..now };
        let judged = look(&proportion, &Monitor::default(), &last).unwrap().1;
        assert_eq!(judged.verdict, Verdict::NotSignificant);
    }

    #[test]
    fn nothing_measured_is_no_verdict() {
        let nothing = Look { epochs: Vec::new(), ..at(0.0, 0.1) };
        let judged = first(&nothing);
        assert_eq!((judged.verdict, judged.cannot_say), (Verdict::Immature, Some(CannotSay::BurningIn)));
    }

    #[test]
    fn after_the_plan_only_the_forever_bound_stands() {
        let plan = plan(Direction::Increase);
        let (monitor, end) = look(&plan, &Monitor::default(), &at(0.05, 0.1)).unwrap();
        assert_eq!((end.verdict, end.bound), (Verdict::NotSignificant, Some(Bound::Planned)));
        let (monitor, after) = look(&plan, &monitor, &at(0.15, 0.08)).unwrap();
        assert_eq!((after.verdict, after.bound), (Verdict::NotSignificant, Some(Bound::Forever)));
        let (_, late) = look(&plan, &monitor, &at(0.3, 0.05)).unwrap();
        assert_eq!(late.verdict, Verdict::Positive);
    }

    #[test]
    fn looks_over_epochs_of_different_levels_are_correlated_as_they_are() {
        let relative =
            Plan::new(Kind::Proportion, Direction::Increase, Scale::Relative, 0.05, 1, 0.015).unwrap();
        let epoch = |index, n: u64, p: f64| {
            let level = Level { n, value: p, variance: p * (1.0 - p) };
            Epoch { index, control: level, treatment: level, treatment_share: 0.5 }
        };
        let high = epoch(0, 10_000, 0.4);
        let noisy = |n| Look { epochs: vec![high, epoch(1, n, 0.05)], ..at(0.0, 0.1) };
        let (monitor, _) =
            look(&relative, &Monitor::default(), &Look { epochs: vec![high], ..at(0.0, 0.1) }).unwrap();
        // The noisy epoch lowers the information; as the plan's end it is a planned look all the same.
        let end = Look { largest_duration_reached: true, ..noisy(5_000) };
        let (monitor, judged) = look(&relative, &monitor, &end).unwrap();
        let [first, last] = monitor.looks[..] else { panic!("two planned looks: {monitor:?}") };
        assert!(judged.se.unwrap().powi(-2) < 0.5 * first.fraction / 0.015f64.powi(2));
        // Sums of independent units: the variance of the weighted sum is the path's time.
        let variance = |n: f64, p: f64| n * (1.0 - p) / p;
        let grown = (variance(10_000.0, 0.4) + variance(5_000.0, 0.05)) / variance(10_000.0, 0.4);
        assert!((last.time.unwrap() / first.fraction / grown - 1.0).abs() < 1e-12, "{monitor:?}");
    }

    #[test]
    fn a_second_iteration_halves_its_error() {
        let of = |iteration| {
            Plan::new(Kind::Mean, Direction::Increase, Scale::Absolute, 0.05, iteration, 0.1).unwrap().alpha
        };
        assert_eq!((of(1), of(2), of(3)), (0.05, 0.025, 0.0125));
    }

    proptest! {
        #[test]
        fn no_input_gives_a_number_that_is_none(
            n in prop::sample::select(vec![0, 1, 2, 3, 1000, 1 << 53]),
            m in prop::sample::select(vec![0, 1, 2, 3, 1000, 1 << 53]),
            values in prop::array::uniform4(prop::num::f64::ANY),
        ) {
            let [a, va, b, vb] = values;
            let arms = (Moments::from_summary(n, a, va), Moments::from_summary(m, b, vb));
            let (Ok(control), Ok(treatment)) = arms else { return Ok(()) };
            for (kind, scale) in [(Kind::Proportion, Scale::Absolute), (Kind::Mean, Scale::Relative)] {
                let outside = judge_outside(&Outside::new(kind, Direction::Increase, control, treatment)).unwrap();
                let plan = Plan::new(kind, Direction::Increase, scale, 0.05, 1, 0.1).unwrap();
                let epochs: Vec<Epoch> =
                    Epoch::of_moments(0, kind, &control, &treatment, 0.5).into_iter().collect();
                let (_, live) = look(&plan, &Monitor::default(), &Look { epochs, ..at(0.0, 0.1) }).unwrap();
                for judged in [outside, live] {
                    let json = serde_json::to_string(&judged).unwrap();
                    // What was written reads back: nothing was infinite or not a number.
                    let back = serde_json::from_str::<Judged>(&json);
                    prop_assert_eq!(back.map_err(|error| format!("{error}: {json}")), Ok(judged));
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn looks_obey_their_laws(effects in prop::collection::vec(-0.6..0.6f64, 1..12), end in 0.07..0.3f64) {
            let (up, down) = (plan(Direction::Increase), plan(Direction::Decrease));
            let (mut m_up, mut m_down) = (Monitor::default(), Monitor::default());
            let mut latched = None;
            let mut p_before = 1.0;
            for (index, effect) in effects.iter().enumerate() {
                let se = end * ((effects.len() as f64) / (index + 1) as f64).sqrt();
                // Between looks a monitor is stored: what is read back must go on alike.
                let json = serde_json::to_string(&m_up).unwrap();
                let stored: Monitor = serde_json::from_str(&json).unwrap();
                let (next, judged) = look(&up, &m_up, &at(*effect, se)).unwrap();
                let (from_stored, judged_from_stored) = look(&up, &stored, &at(*effect, se)).unwrap();
                prop_assert_eq!(&judged, &judged_from_stored);
                prop_assert_eq!(&next, &from_stored);
                let (next_down, mirrored) = look(&down, &m_down, &at(-effect, se)).unwrap();
                prop_assert_eq!(judged.verdict, mirrored.verdict);
                if let Some(latched) = latched {
                    prop_assert_eq!(judged.verdict, latched);
                }
                latched = next.latched;
                let p = judged.p_value.unwrap();
                prop_assert!((0.0..=p_before).contains(&p));
                prop_assert_eq!(p <= up.alpha, latched.is_some());
                p_before = p;
                let back: Judged = serde_json::from_str(&serde_json::to_string(&judged).unwrap()).unwrap();
                prop_assert_eq!(back, judged);
                (m_up, m_down) = (next, next_down);
            }
        }
    }
}
