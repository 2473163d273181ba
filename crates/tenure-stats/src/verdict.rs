//! The verdict: bounds on an effect become positive, negative, not significant, or not yet.
//!
//! A rollout's own measurement is looked at any time ([`look`]): 4 of its 5 % are planned, spent over the
//! information up to the plan's end, and 1 % lasts forever. Somebody else's counts are one look of a fixed
//! design ([`judge_outside`]).

use serde::{Deserialize, Serialize};

use crate::anytime;
use crate::cannot_say::{CannotSay, positive, probability};
use crate::comparison::{Absolute, Relative};
use crate::estimate::{self, Estimate, Kind, Level, Scale};
use crate::moments::Moments;
use crate::replication::Corrected;
use crate::sample_ratio::{self, SampleRatio};
use crate::sequential::{Path, Sides, Spending};
use crate::wave::{self, Epoch, Heterogeneity, Stratified, Stratum};
use crate::{normal, proportion, sentence, student};

/// What a look says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
#[serde(rename_all = "snake_case")]
pub enum Nuance {
    /// The interval excludes the expected effect: there is little to find.
    Flat,
    /// It does not: the measurement was too small to tell.
    Underpowered,
}

/// Which way of the metric is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
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

/// What is frozen when a rollout's measurement is launched.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The kind of the primary metric.
    pub kind: Kind,
    /// Which way is good.
    pub direction: Direction,
    /// The scale of the estimate.
    pub scale: Scale,
    /// The two-sided error of the whole measurement: both bounds, all looks.
    pub alpha: f64,
    /// The share of `alpha` for the bound that never expires; the rest is planned.
    pub forever_share: f64,
    /// How the planned error is spent.
    pub spending: Spending,
    /// The standard error at the plan's end, on `scale`: full information is `1/se_plan²`.
    pub se_plan: f64,
    /// The error of the sequential sample-ratio test.
    pub sample_ratio_alpha: f64,
}

/// The two-sided error of a case's first measurement.
pub const ALPHA: f64 = 0.05;

/// The error at which a sample ratio makes a measurement invalid.
pub const SAMPLE_RATIO_ALPHA: f64 = 0.001;

impl Plan {
    /// The standard plan of a case's `iteration` (1 is the first): `alpha` is halved for each one after the
    /// first, 4/5 of it planned with O'Brien–Fleming spending, 1/5 forever.
    ///
    /// Errors: a standard error or a level out of range.
    pub fn new(
        kind: Kind,
        direction: Direction,
        scale: Scale,
        alpha: f64,
        iteration: u32,
        se_plan: f64,
    ) -> Result<Self, CannotSay> {
        let plan = Self {
            kind,
            direction,
            scale,
            alpha: probability(alpha)? / f64::from(iteration.max(1) - 1).exp2(),
            forever_share: 0.2,
            spending: Spending::ObrienFleming,
            se_plan: positive(se_plan)?,
            sample_ratio_alpha: SAMPLE_RATIO_ALPHA,
        };
        plan.check()?;
        Ok(plan)
    }

    /// The standard error that `control_n` and `treatment_n` units would give, from levels measured before
    /// (the experiment's). This is what a plan's `se_plan` is made from.
    pub fn se_at(
        scale: Scale,
        control: &Level,
        treatment: &Level,
        control_n: u64,
        treatment_n: u64,
    ) -> Result<f64, CannotSay> {
        let planned = |level: &Level, n: u64| Level { n, ..*level };
        Ok(estimate::effect(scale, &planned(control, control_n), &planned(treatment, treatment_n))?.se)
    }

    /// The error that the planned bound spends on each side.
    pub fn alpha_planned_side(&self) -> f64 {
        0.5 * self.alpha * (1.0 - self.forever_share)
    }

    /// The two-sided error of the bound that never expires.
    pub fn alpha_forever(&self) -> f64 {
        self.alpha * self.forever_share
    }

    fn check(&self) -> Result<(), CannotSay> {
        probability(self.alpha)?;
        probability(self.forever_share)?;
        probability(self.sample_ratio_alpha)?;
        positive(self.se_plan)?;
        Ok(())
    }
}

/// What a measurement remembers between looks.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Monitor {
    /// The looks that met the planned bound.
    pub looks: Vec<PlannedLook>,
    /// The error spent so far on each side of the planned bound.
    pub spent_side: f64,
    /// Whether the planned error is used up: from here only the forever bound stands.
    pub plan_ended: bool,
    /// The largest information fraction seen.
    pub fraction_max: f64,
    /// The smallest p-value seen.
    pub p_value: Option<f64>,
    /// The largest log e-value of the sample ratio seen.
    pub sample_ratio_log_e_max: f64,
    /// The first verdict that a bound gave; it stays.
    pub latched: Option<Verdict>,
    /// The path behind `looks`, kept so that a look costs one step; rebuilt when it is not there.
    #[serde(skip)]
    path: Option<Path>,
}

/// A look that met the planned bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PlannedLook {
    /// Its information fraction.
    pub fraction: f64,
    /// Its critical value; none when it could not stop.
    pub z: Option<f64>,
}

impl PartialEq for Monitor {
    fn eq(&self, other: &Self) -> bool {
        // The path is a memo of `looks`.
        let all = |monitor: &Self| {
            (
                monitor.looks.clone(),
                monitor.spent_side,
                monitor.plan_ended,
                monitor.fraction_max,
                monitor.p_value,
                monitor.sample_ratio_log_e_max,
                monitor.latched,
            )
        };
        all(self) == all(other)
    }
}

/// Whether a look may give a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wave {
    /// Harm is looked for, with the forever bound; there is no verdict.
    Safety,
    /// Verdicts fall here.
    Measured,
}

/// What is known at one look, cumulatively.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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

/// Information that must have come in before a look meets the planned bound again.
const STEP_MIN: f64 = 1e-3;

/// Below this many units (tenants) in an arm the bounds take the t-form.
const FEW_UNITS: u64 = 20;

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

    let stratified = wave::stratify(plan.kind, plan.scale, &now.epochs);
    let ends = now.largest_duration_reached && now.wave == Wave::Measured;
    let crossed = match &stratified {
        Ok(stratified) => {
            let bounded = bound_in_force(plan, &mut monitor, now, &stratified.effect, ends)?;
            judged.fill(plan, stratified, &bounded, &now.epochs);
            plan.direction.side(bounded.interval)
        }
        Err(why) => {
            judged.cannot_say = Some(*why);
            monitor.plan_ended |= ends;
            None
        }
    };
    judged.information_fraction = Some(monitor.fraction_max);
    judged.p_value = monitor.p_value;

    judged.verdict = decide(plan, &monitor, now, crossed, &mut judged);
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
fn decide(plan: &Plan, monitor: &Monitor, now: &Look, crossed: Option<bool>, judged: &mut Judged) -> Verdict {
    if let Some(latched) = monitor.latched {
        return latched;
    }
    if judged.fault.is_some() {
        return Verdict::Invalid;
    }
    if now.wave == Wave::Safety {
        judged.harm = crossed == Some(false);
        return Verdict::Immature;
    }
    if plan.kind == Kind::Proportion && few_successes(&now.epochs, &judged.strata) {
        judged.warnings.push(
            "fewer than 10 successes or failures in an arm: the interval is not trusted with a verdict"
                .to_owned(),
        );
        return Verdict::Immature;
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

/// An interval with the bound that drew it.
struct Bounded {
    bound: Bound,
    critical: f64,
    interval: [f64; 2],
}

/// Meets the planned bound if the look is one, and gives the tighter of the bounds that stand.
fn bound_in_force(
    plan: &Plan,
    monitor: &mut Monitor,
    now: &Look,
    effect: &Estimate,
    ends: bool,
) -> Result<Bounded, CannotSay> {
    let units = fewest_units(&now.epochs);
    let few = units.fewest < FEW_UNITS;
    // Few units: the normal critical value becomes the t quantile with the same tail.
    let df = effect.df.filter(|_| few);
    let in_t_form = |z: f64| df.map_or(z, |df| student::isf(normal::sf(z), df));

    let x = anytime::tau_squared(plan.alpha_forever(), plan.se_plan)? / (effect.se * effect.se);
    let forever = match df {
        Some(df) => anytime::t_radius(units.total / x, units.total, df, plan.alpha_forever())?,
        None => anytime::critical(x, plan.alpha_forever())?,
    };
    let log_e = match df {
        Some(df) => anytime::log_e_t(effect.z(), units.total / x, units.total, df),
        None => anytime::log_e(effect.z(), x),
    };
    let mut p = anytime::p_of_log_e(log_e) / plan.forever_share;

    let fraction = effect.information() * plan.se_plan * plan.se_plan;
    let mut planned = None;
    if now.wave == Wave::Measured && !monitor.plan_ended {
        let full = fraction.max(monitor.fraction_max) >= 1.0 || ends;
        let last = monitor.looks.last().map_or(0.0, |look| look.fraction);
        if fraction >= last + STEP_MIN || full {
            let at = fraction.max(last + STEP_MIN);
            let share = if full { 1.0 } else { fraction };
            let met = meet(plan, monitor, at, share, effect.z().abs(), df);
            planned = met.critical.map(in_t_form);
            p = p.min(met.p_value);
            monitor.plan_ended = full;
        }
    }
    monitor.fraction_max = monitor.fraction_max.max(fraction);
    let p = p.min(1.0);
    monitor.p_value = Some(monitor.p_value.map_or(p, |before| before.min(p)));

    let (bound, critical) = match planned {
        Some(planned) if planned <= forever => (Bound::Planned, planned),
        _ => (Bound::Forever, forever),
    };
    Ok(Bounded { bound, critical, interval: effect.within(critical) })
}

/// What meeting the planned bound came to.
struct Met {
    critical: Option<f64>,
    /// The design's level at which this look excludes zero by the planned bound; 1 when it does not.
    p_value: f64,
}

/// Spends the planned error up to `share` at a look of information fraction `at`.
fn meet(plan: &Plan, monitor: &mut Monitor, at: f64, share: f64, z: f64, df: Option<f64>) -> Met {
    let alpha = plan.alpha_planned_side();
    let increment = plan.spending.spent(alpha, share) - monitor.spent_side;
    let looks = &monitor.looks;
    let mut path = monitor
        .path
        .take()
        .unwrap_or_else(|| Path::through(Sides::Both, looks.iter().map(|look| (look.fraction, look.z))));
    let critical = path.bound(at, increment);
    let mut p_value = 1.0;
    if let Some(critical) = critical {
        // Few units: read the statistic on the normal scale, where the bounds live.
        let z = df.map_or(z, |df| normal::isf(student::sf(z, df)));
        if z >= critical {
            // Stage-wise ordering [Tsiatis, Rosner, Mehta 1984]: what was spent before, and the tail here.
            p_value = 2.0 * (monitor.spent_side + path.exit(z).above) / (1.0 - plan.forever_share);
        }
        monitor.spent_side += increment;
    }
    monitor.path = Some(path);
    monitor.looks.push(PlannedLook { fraction: at, z: critical });
    Met { critical, p_value }
}

struct Units {
    fewest: u64,
    total: f64,
}

fn fewest_units(epochs: &[Epoch]) -> Units {
    let control: u64 = epochs.iter().map(|epoch| epoch.control.n).sum();
    let treatment: u64 = epochs.iter().map(|epoch| epoch.treatment.n).sum();
    Units { fewest: control.min(treatment), total: (control + treatment) as f64 }
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

/// Whether an arm, over the epochs that count, has too few successes or failures for a verdict.
fn few_successes(epochs: &[Epoch], strata: &[Stratum]) -> bool {
    let counted =
        || epochs.iter().zip(strata).filter(|(_, stratum)| stratum.weight > 0.0).map(|(epoch, _)| epoch);
    let whole = |arm: fn(&Epoch) -> &Level| {
        let (mut n, mut successes) = (0, 0.0);
        for level in counted().map(arm) {
            n += level.n;
            successes += level.n as f64 * level.value;
        }
        Level { n, value: successes / (n as f64).max(1.0), variance: 0.0 }
    };
    counted().next().is_some()
        && (proportion::below_gate(&whole(|epoch| &epoch.control))
            || proportion::below_gate(&whole(|epoch| &epoch.treatment)))
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

    fn fill(&mut self, plan: &Plan, stratified: &Stratified, bounded: &Bounded, epochs: &[Epoch]) {
        self.estimate = Some(stratified.effect.value);
        self.se = Some(stratified.effect.se);
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

/// Somebody else's measurement: counts or means of two arms, at one look of a fixed design.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
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
    let shown = crate::comparison::compare_levels(outside.kind, &control, &treatment, judged.confidence)?;
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
    use proptest::prelude::*;

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
