//! One metric of a file, treatment against control: what was measured, how, and what to know before believing it.

use serde::Serialize;
use tenure_stats::CannotSay;
use tenure_stats::comparison::{Absolute, ArmSummary, Relative, compare_levels};
use tenure_stats::estimate::{self, Estimate, Level, Scale};
use tenure_stats::wave::{self, Epoch};

use crate::allocation::{Independence, P_MIN, independence};
use crate::frame::{Frame, Strata};
use crate::levels::{Levels, Shape, levels};
use crate::quantiles::Rows;
use crate::sample::{Sample, Units};
use crate::spec::{Kind, MetricSpec};

/// One metric of treatment against control. What cannot be said is `null`, and a warning says why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricResult {
    /// The metric's name.
    pub metric: String,
    /// Its kind.
    pub kind: Kind,
    /// The control arm.
    pub control: Option<ArmSummary>,
    /// The treatment arm.
    pub treatment: Option<ArmSummary>,
    /// Treatment less control, in the metric's unit.
    pub absolute: Option<Absolute>,
    /// The lift: 0.05 is +5 %.
    pub relative: Option<Relative>,
    /// Two-sided, against no difference.
    pub p_value: Option<f64>,
    /// How the interval and the p-value were made.
    pub method: Option<String>,
    /// What the cap did, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cap: Option<Capping>,
    /// What the covariates did, when there are some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adjustment: Option<Adjustment>,
    /// What the clusters are like, when there are some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clusters: Option<ClusterArms>,
    /// Units without an outcome, when there are some; they do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub immature: Option<Immature>,
    /// The difference stratified by the column that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stratified: Option<StratifiedEffect>,
    /// Whether all arms of the file are alike, of a proportion in three arms or more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub omnibus: Option<Independence>,
    /// What to know before believing the numbers.
    pub warnings: Vec<String>,
}

/// A cap at work. It belongs to the experiment: its rollout takes the same value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Capping {
    /// A larger outcome of a unit counts as this one.
    pub value: f64,
    /// The quantile of all arms' units that put it there; none when the value was given.
    pub quantile: Option<f64>,
    /// Units of all arms above it.
    pub units: u64,
}

/// What covariates did.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Adjustment {
    /// The difference without them.
    pub unadjusted: Unadjusted,
    /// The share of its squared standard error that they took out.
    pub variance_reduction: f64,
    /// Units of the two arms whose covariate is missing.
    pub missing: u64,
}

/// A difference without covariates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Unadjusted {
    /// Treatment less control.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// Two-sided.
    pub p_value: f64,
}

/// The clusters of both arms.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ClusterArms {
    /// Of the control arm.
    pub control: Clusters,
    /// Of the treatment arm.
    pub treatment: Clusters,
}

/// What the clusters of an arm are like.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Clusters {
    /// How many.
    pub count: u64,
    /// How many of equal size would be as informative, `(Σn)²/Σn²`.
    pub effective: f64,
    /// The share of the arm that the largest has.
    pub largest_share: f64,
}

/// Units without an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Immature {
    /// In the control arm.
    pub control: u64,
    /// In the treatment arm.
    pub treatment: u64,
}

/// A difference estimated stratum by stratum, each weighted by what it can tell.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StratifiedEffect {
    /// Treatment less control.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// Its interval.
    pub interval: [f64; 2],
    /// Two-sided.
    pub p_value: f64,
    /// Strata with weight; the others have too few units.
    pub strata: usize,
    /// Cochran's Q: whether the effect differs between the strata.
    pub heterogeneity_p: Option<f64>,
}

/// What all metrics of a file share.
pub(crate) struct Context<'a> {
    pub frame: &'a Frame,
    pub control: u32,
    pub treatment: u32,
    pub treatment_share: f64,
}

/// A covariate that takes out less than this gains nothing.
const GAIN_MIN: f64 = 0.01;

/// One unit with a larger share of an arm's variance than this is worth a word, in an arm that is large enough.
const OUTLIER_SHARE: f64 = 0.1;
const OUTLIER_UNITS: usize = 100;

impl MetricResult {
    /// Of anything but a quantile.
    pub(crate) fn of_units(context: &Context<'_>, spec: &MetricSpec, units: &Units, confidence: f64) -> Self {
        let shape = Shape::of(&spec.source, context.frame.cluster_of.is_some());
        let sample = |arm, stratum| units.sample(arm, stratum);
        let at = |stratum| {
            let (control, treatment) = (sample(context.control, stratum), sample(context.treatment, stratum));
            levels(shape, &control, &treatment, context.treatment_share)
        };
        let mut result = match at(None) {
            Ok(found) => Self::shown(spec, found, confidence),
            Err(why) => Self::unsaid(spec, why.to_string()),
        };
        result.cap(spec, units);
        result.immature(context, &units.immature, units.first_immature);
        if let Some(strata) = context.frame.strata.as_ref().filter(|strata| strata.asked) {
            let pair = |stratum| at(Some(stratum)).ok().map(|it| (it.kind, it.control, it.treatment));
            result.stratify(strata, confidence, pair);
        }
        if units.capped.is_none() && shape == Shape::Mean {
            for (arm, place) in [("control", context.control), ("treatment", context.treatment)] {
                result.warnings.extend(outlier(spec, arm, &sample(place, None)));
            }
        }
        if context.frame.arms.len() > 2 && matches!(shape, Shape::Proportion | Shape::Counts) {
            let counts = (0..context.frame.arms.len() as u32).map(|arm| yes_and_no(&sample(arm, None)));
            let counts: Vec<Vec<u64>> = counts.collect();
            result.omnibus = independence(&counts.iter().collect::<Vec<_>>()).map(Independence::from);
        }
        result
    }

    /// Of a quantile.
    pub(crate) fn of_rows(
        context: &Context<'_>,
        spec: &MetricSpec,
        p: f64,
        rows: &Rows,
        confidence: f64,
    ) -> Self {
        let at = |stratum| {
            Ok::<_, crate::quantiles::QuantileError>((
                rows.level(context.control, stratum, p)?,
                rows.level(context.treatment, stratum, p)?,
            ))
        };
        let mut result = match at(None) {
            Ok((control, treatment)) => {
                let found = Levels::plain(estimate::Kind::Quantile, control, treatment);
                Self::shown(spec, found, confidence)
            }
            Err(why) => Self::unsaid(spec, why.to_string()),
        };
        result.immature(context, &rows.immature, rows.first_immature);
        if let Some(strata) = context.frame.strata.as_ref().filter(|strata| strata.asked) {
            let pair = |stratum| {
                at(Some(stratum))
                    .ok()
                    .map(|(control, treatment)| (estimate::Kind::Quantile, control, treatment))
            };
            result.stratify(strata, confidence, pair);
        }
        result
    }

    fn blank(spec: &MetricSpec) -> Self {
        Self {
            metric: spec.name.clone(),
            kind: spec.kind(),
            control: None,
            treatment: None,
            absolute: None,
            relative: None,
            p_value: None,
            method: None,
            cap: None,
            adjustment: None,
            clusters: None,
            immature: None,
            stratified: None,
            omnibus: None,
            warnings: Vec::new(),
        }
    }

    fn shown(spec: &MetricSpec, found: Levels, confidence: f64) -> Self {
        let mut result = Self { warnings: found.warnings, ..Self::blank(spec) };
        let units = |level: &Level, unadjusted: Option<Level>| ArmSummary {
            n: unadjusted.map_or(level.n, |it| it.n),
            ..ArmSummary::from(level)
        };
        let before = found.adjustment.map(|it| it.unadjusted);
        result.control = Some(units(&found.control, before.map(|it| it[0])));
        result.treatment = Some(units(&found.treatment, before.map(|it| it[1])));
        result.clusters = found
            .clusters
            .map(|[control, treatment]| ClusterArms { control: control.into(), treatment: treatment.into() });
        match compare_levels(found.kind, &found.control, &found.treatment, confidence) {
            Ok(shown) => {
                result.absolute = Some(shown.absolute);
                result.relative = shown.relative;
                result.p_value = Some(shown.p_value);
                result.method = Some(match found.how.as_slice() {
                    [] => shown.method,
                    how => format!("{}, welch t", how.join(", ")),
                });
                result.warnings.extend(shown.warnings);
                if let (Some(adjustment), Some([control, treatment])) = (found.adjustment, before)
                    && let Ok(plain) = estimate::difference(&control, &treatment)
                {
                    result.adjust(adjustment.missing, &plain, shown.absolute.se);
                }
            }
            Err(why) => result.warnings.push(why.to_string()),
        }
        result
    }

    /// Why nothing follows.
    fn unsaid(spec: &MetricSpec, why: String) -> Self {
        Self { warnings: vec![why], ..Self::blank(spec) }
    }

    fn adjust(&mut self, missing: u64, plain: &Estimate, se: f64) {
        let variance_reduction = 1.0 - (se / plain.se).powi(2);
        self.adjustment = Some(Adjustment {
            unadjusted: Unadjusted { estimate: plain.value, se: plain.se, p_value: plain.p_value() },
            variance_reduction,
            missing,
        });
        if missing > 0 {
            self.warnings.push(format!(
                "the covariate is missing for {missing} units: they count with an indicator of that"
            ));
        }
        if variance_reduction < GAIN_MIN {
            self.warnings.push(format!(
                "the covariate gains nothing: it takes out {:.1} % of the variance",
                100.0 * variance_reduction.max(0.0)
            ));
        }
    }

    fn cap(&mut self, spec: &MetricSpec, units: &Units) {
        let Some(capped) = units.capped else { return };
        self.cap = Some(Capping { value: capped.value, quantile: capped.quantile, units: capped.units });
        if let Some(method) = &mut self.method {
            method.push_str(", capped");
        }
        if let Some(quantile) = capped.quantile {
            self.warnings.push(format!(
                "{} units count as {} (quantile {quantile} of all arms); the cap is part of the metric: freeze it for the \
                 rollout with --cap-at {}={}",
                capped.units, capped.value, spec.name, capped.value
            ));
        }
    }

    fn immature(&mut self, context: &Context<'_>, immature: &[u64], first: Option<u64>) {
        let missing = [context.control, context.treatment].map(|arm| immature[arm as usize]);
        let Some(line) = first.filter(|_| missing != [0, 0]) else { return };
        self.immature = Some(Immature { control: missing[0], treatment: missing[1] });
        self.warnings.push(format!(
            "{} control and {} treatment units have no outcome yet (the first empty cell is on line {line}): only mature units \
             count; write 0 where nothing happened",
            missing[0], missing[1]
        ));
        let counted = [&self.control, &self.treatment].map(|arm| arm.as_ref().map_or(0, |arm| arm.n));
        let table = [vec![missing[0], missing[1]], counted.to_vec()];
        if independence(&[&table[0], &table[1]]).is_some_and(|test| test.p_value < P_MIN) {
            self.warnings.push(
                "outcomes are missing more often in one arm (p < 0.001): the units that have one are not comparable"
                    .to_owned(),
            );
        }
    }

    /// The difference over strata, from the levels of each.
    fn stratify(
        &mut self,
        strata: &Strata,
        confidence: f64,
        pair: impl Fn(u32) -> Option<(estimate::Kind, Level, Level)>,
    ) {
        let mut kind = estimate::Kind::Mean;
        let mut epochs = Vec::new();
        for index in 0..strata.names.len() as u32 {
            if let Some((found, control, treatment)) = pair(index) {
                kind = found;
                epochs.push(Epoch { index, control, treatment, treatment_share: 0.5 });
            }
        }
        match wave::stratify(kind, Scale::Absolute, &epochs) {
            Ok(stratified) => {
                let effect = stratified.effect;
                self.stratified = Some(StratifiedEffect {
                    estimate: effect.value,
                    se: effect.se,
                    interval: effect.interval(confidence),
                    p_value: effect.p_value(),
                    strata: stratified.strata.iter().filter(|stratum| stratum.weight > 0.0).count(),
                    heterogeneity_p: stratified.heterogeneity.map(|q| q.p_value),
                });
            }
            Err(CannotSay::BurningIn) => self.warnings.push(format!(
                "no estimate by `{}`: no stratum has enough units in both arms",
                strata.column
            )),
            Err(why) => self.warnings.push(format!("no estimate by `{}`: {why}", strata.column)),
        }
    }
}

impl From<crate::levels::Clusters> for Clusters {
    fn from(found: crate::levels::Clusters) -> Self {
        Self { count: found.count, effective: found.effective, largest_share: found.largest_share }
    }
}

/// Successes and the rest, of one arm.
fn yes_and_no(arm: &Sample) -> Vec<u64> {
    let sum = |place: usize| arm.outcomes.iter().map(|pair| pair[place]).sum::<f64>() as u64;
    vec![sum(0), sum(1) - sum(0)]
}

/// A word on an arm in which a single unit holds much of the variance.
fn outlier(spec: &MetricSpec, name: &str, arm: &Sample) -> Option<String> {
    let n = arm.outcomes.len();
    let mean = arm.outcomes.iter().map(|pair| pair[0]).sum::<f64>() / n as f64;
    let square = |pair: &[f64; 2]| (pair[0] - mean).powi(2);
    let m2: f64 = arm.outcomes.iter().map(square).sum();
    let farthest = arm.outcomes.iter().max_by(|a, b| square(a).total_cmp(&square(b)))?;
    let share = square(farthest) / m2;
    (n >= OUTLIER_UNITS && share > OUTLIER_SHARE).then(|| {
        format!(
            "one unit with {} holds {:.0} % of the variance in the {name} arm; cap it with --cap {}=0.999",
            farthest[0],
            100.0 * share,
            spec.name
        )
    })
}
