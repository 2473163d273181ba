//! From the units of two arms to two levels: the plain one, that of a ratio, of clusters, and adjusted by covariates. What
//! a level is, `tenure-stats` says; which one a metric takes, and under what name, is here.

use tenure_stats::CannotSay;
use tenure_stats::cluster::{self, Headline};
use tenure_stats::cuped;
use tenure_stats::estimate::{self, Level};
use tenure_stats::joint::Joint;
use tenure_stats::moments::Moments;
use tenure_stats::ratio;
use tenure_stats::regression::{self, Robust};

use crate::sample::Sample;
use crate::spec::Source;

/// How the units of an arm become its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Yes or no.
    Proportion,
    /// A number.
    Mean,
    /// Totals of independent trials.
    Counts,
    /// A ratio of sums.
    Ratio,
    /// A ratio of sums over clusters, or the mean of their own ratios.
    Clusters,
}

impl Shape {
    pub fn of(source: &Source, clustered: bool) -> Self {
        match source {
            _ if clustered => Self::Clusters,
            Source::Proportion { .. } => Self::Proportion,
            Source::Mean { .. } | Source::Quantile { .. } => Self::Mean,
            Source::Counts { .. } => Self::Counts,
            Source::Ratio { .. } => Self::Ratio,
        }
    }
}

/// Two levels with what was done to get them.
pub(crate) struct Levels {
    pub control: Level,
    pub treatment: Level,
    /// How they are compared.
    pub kind: estimate::Kind,
    /// How they were made, when there is more to it than counting or averaging.
    pub how: Vec<&'static str>,
    /// Which number clusters are summarised by.
    headline: Option<Headline>,
    /// What was done with the covariates.
    pub adjustment: Option<Adjustment>,
    /// What the clusters are like.
    pub clusters: Option<[Clusters; 2]>,
    /// What to know before believing them.
    pub warnings: Vec<String>,
}

impl Levels {
    /// Levels that need no words.
    pub fn plain(kind: estimate::Kind, control: Level, treatment: Level) -> Self {
        Self {
            control,
            treatment,
            kind,
            how: if kind == estimate::Kind::Ratio { vec!["delta method"] } else { Vec::new() },
            headline: None,
            adjustment: None,
            clusters: None,
            warnings: Vec::new(),
        }
    }
}

/// What adjustment did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Adjustment {
    /// The levels before it.
    pub unadjusted: [Level; 2],
    /// Units whose covariate is missing.
    pub missing: u64,
}

/// What the clusters of an arm are like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Clusters {
    pub count: u64,
    pub effective: f64,
    pub largest_share: f64,
}

/// Between these treatment shares the same slopes for both arms are as good as each arm's own.
const BALANCED: std::ops::RangeInclusive<f64> = 0.45..=0.55;

/// Below this p-value a covariate that differs between the arms was hardly measured before entry.
const IMBALANCE_P_MIN: f64 = 0.001;

/// Fewer clusters than this in an arm are worth a word.
const FEW_CLUSTERS: u64 = 20;

/// The levels of two arms. `treatment_share` is what the allocation was meant to be.
pub(crate) fn levels(
    shape: Shape,
    control: &Sample,
    treatment: &Sample,
    treatment_share: f64,
) -> Result<Levels, CannotSay> {
    if control.covariates.is_empty() {
        return unadjusted(shape, control, treatment);
    }
    // An adjusted proportion is an adjusted mean of zeros and ones.
    let shape = if shape == Shape::Proportion { Shape::Mean } else { shape };
    let mut plain = unadjusted(shape, control, treatment)?;
    if plain.control.variance == 0.0 && plain.treatment.variance == 0.0 {
        return Err(CannotSay::ZeroVariance);
    }
    let form = Form::of(&plain);
    let missing = [control, treatment].iter().map(|arm| missing(arm)).sum();
    let several = control.covariates.len() > 1;
    let one_slope =
        missing == 0 && BALANCED.contains(&treatment_share) && !(several && form == Form::Linearised);
    let adjusted = if one_slope { cuped(form, control, treatment) } else { lin(form, control, treatment) };
    match adjusted {
        Ok([adjusted_control, adjusted_treatment]) => {
            plain.warnings.extend(imbalance(control, treatment));
            plain.how.push(if one_slope { "cuped" } else { "lin's interacted regression with hc2" });
            Ok(Levels {
                adjustment: Some(Adjustment { unadjusted: [plain.control, plain.treatment], missing }),
                control: adjusted_control,
                treatment: adjusted_treatment,
                kind: estimate::Kind::Mean,
                ..plain
            })
        }
        Err(why) => {
            let words = match why {
                CannotSay::Collinear => "it does not vary in an arm, or follows from another covariate",
                _ => "there are too few units",
            };
            plain.warnings.push(format!("the covariate adjusts nothing: {words}"));
            Ok(plain)
        }
    }
}

fn unadjusted(shape: Shape, control: &Sample, treatment: &Sample) -> Result<Levels, CannotSay> {
    let plain = |level: fn(&Sample) -> Result<Level, CannotSay>, kind| {
        Ok(Levels::plain(kind, level(control)?, level(treatment)?))
    };
    match shape {
        Shape::Proportion => plain(proportion, estimate::Kind::Proportion),
        Shape::Counts => plain(counts, estimate::Kind::Proportion),
        Shape::Mean => plain(mean, estimate::Kind::Mean),
        Shape::Ratio => plain(|arm| ratio::level(&pairs(arm)?, 0, 1), estimate::Kind::Ratio),
        Shape::Clusters => of_clusters(control, treatment),
    }
}

fn proportion(arm: &Sample) -> Result<Level, CannotSay> {
    let successes = arm.outcomes.iter().filter(|[value, _]| *value > 0.0).count() as u64;
    let moments =
        Moments::from_counts(arm.outcomes.len() as u64, successes).map_err(|_| CannotSay::OutOfRange)?;
    Level::of(estimate::Kind::Proportion, &moments)
}

fn counts(arm: &Sample) -> Result<Level, CannotSay> {
    let sum = |place: usize| arm.outcomes.iter().map(|pair| pair[place]).sum::<f64>() as u64;
    let moments = Moments::from_counts(sum(1), sum(0)).map_err(|_| CannotSay::OutOfRange)?;
    Level::of(estimate::Kind::Proportion, &moments)
}

fn mean(arm: &Sample) -> Result<Level, CannotSay> {
    let moments: Moments = arm.outcomes.iter().map(|[value, _]| *value).collect();
    Level::of(estimate::Kind::Mean, &moments)
}

fn pairs(arm: &Sample) -> Result<Joint, CannotSay> {
    joint(2, arm.outcomes.iter().map(|pair| pair.to_vec()))
}

fn joint(variables: usize, units: impl Iterator<Item = Vec<f64>>) -> Result<Joint, CannotSay> {
    let mut joint = Joint::new(variables);
    for unit in units {
        joint.push(&unit).map_err(|_| CannotSay::NonFinite)?;
    }
    Ok(joint)
}

fn of_clusters(control: &Sample, treatment: &Sample) -> Result<Levels, CannotSay> {
    let arms =
        [control, treatment].map(|arm| cluster::Arm::of(arm.outcomes.iter().map(|pair| (pair[0], pair[1]))));
    let [control, treatment] = arms;
    let (control, treatment) = (control?, treatment?);
    let headline = cluster::headline(&control, &treatment);
    let (control_level, treatment_level) = (control.level(headline)?, treatment.level(headline)?);
    let clusters = [&control, &treatment].map(|arm| Clusters {
        count: arm.tenants.n(),
        effective: arm.effective(),
        largest_share: arm.largest / (arm.tenants.n() as f64 * arm.tenants.mean(1)),
    });
    let mut warnings = Vec::new();
    if headline == Headline::TenantMean {
        warnings.push(
            "few clusters carry an arm (fewer than 15 effective ones, or one with over 20 % of it): each cluster counts \
             once"
                .to_owned(),
        );
    }
    let fewest = clusters[0].count.min(clusters[1].count);
    if fewest < FEW_CLUSTERS {
        warnings.push(format!(
            "{fewest} clusters in an arm are few: the interval takes Student's t over clusters, and is wide"
        ));
    }
    Ok(Levels {
        control: control_level,
        treatment: treatment_level,
        kind: estimate::Kind::Mean,
        how: vec![match headline {
            Headline::UserMean => "delta method over clusters",
            Headline::TenantMean => "mean of cluster means",
        }],
        headline: Some(headline),
        adjustment: None,
        clusters: Some(clusters),
        warnings,
    })
}

/// What the numbers of a unit are before adjustment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The outcome itself.
    Plain,
    /// The unit's part in a ratio of sums.
    Linearised,
    /// The unit's own ratio.
    Quotient,
}

impl Form {
    fn of(plain: &Levels) -> Self {
        match (plain.headline, plain.kind) {
            (Some(Headline::TenantMean), _) => Self::Quotient,
            (Some(Headline::UserMean), _) | (None, estimate::Kind::Ratio) => Self::Linearised,
            (None, _) => Self::Plain,
        }
    }

    /// One number a unit, whose mean is the arm's level. What is missing stays missing.
    fn numbers(self, units: &[[f64; 2]]) -> Result<Vec<f64>, CannotSay> {
        Ok(match self {
            Self::Plain | Self::Quotient => units.iter().map(|[above, below]| above / below).collect(),
            Self::Linearised => {
                let known = || units.iter().filter(|pair| !pair[0].is_nan());
                let sum = |place: usize| known().map(|pair| pair[place]).sum::<f64>();
                let (above, below) = (sum(0), sum(1));
                if below == 0.0 {
                    return Err(CannotSay::ZeroDenominator);
                }
                let (ratio, per_unit) = (above / below, below / known().count() as f64);
                units.iter().map(|[m, d]| ratio + (m - ratio * d) / per_unit).collect()
            }
        })
    }
}

/// The same slopes for both arms.
fn cuped(form: Form, control: &Sample, treatment: &Sample) -> Result<[Level; 2], CannotSay> {
    let arms = [control, treatment].map(|arm| {
        if form == Form::Linearised {
            let units = arm.outcomes.iter().zip(&arm.covariates[0]);
            return joint(4, units.map(|(outcome, covariate)| [*outcome, *covariate].concat()));
        }
        let columns = std::iter::once(&arm.outcomes).chain(&arm.covariates);
        let columns = columns.map(|column| form.numbers(column)).collect::<Result<Vec<_>, _>>()?;
        let units = 0..arm.outcomes.len();
        joint(columns.len(), units.map(|unit| columns.iter().map(|column| column[unit]).collect()))
    });
    let [control, treatment] = arms;
    let (control, treatment) = (control?, treatment?);
    let adjusted = match form {
        Form::Linearised => cuped::cuped_ratio(&control, &treatment)?,
        Form::Plain | Form::Quotient => cuped::cuped(&control, &treatment)?,
    };
    Ok([adjusted.control, adjusted.treatment])
}

/// Each arm its own slopes; a missing covariate is 0 beside an indicator of missing. The interacted regression falls
/// apart into one of each arm, so the coefficients give both levels, and the robust variances theirs.
fn lin(form: Form, control: &Sample, treatment: &Sample) -> Result<[Level; 2], CannotSay> {
    let arms = [control, treatment];
    let [nc, nt] = arms.map(|arm| arm.outcomes.len());
    let treated: Vec<f64> = (0..nc + nt).map(|unit| f64::from(u8::from(unit >= nc))).collect();
    let both = |of: fn(&Sample, usize) -> &[[f64; 2]], place: usize| -> Result<Vec<f64>, CannotSay> {
        Ok([form.numbers(of(control, place))?, form.numbers(of(treatment, place))?].concat())
    };
    let y = both(|arm, _| &arm.outcomes, 0)?;
    let mut covariates: Vec<Vec<f64>> = Vec::new();
    for place in 0..control.covariates.len() {
        let mut x = both(|arm, place| &arm.covariates[place], place)?;
        let missing: Vec<f64> = x.iter().map(|x| f64::from(u8::from(x.is_nan()))).collect();
        x.iter_mut().filter(|x| x.is_nan()).for_each(|x| *x = 0.0);
        covariates.push(x);
        // Two covariates that are missing together need one indicator.
        if missing.iter().any(|missing| *missing > 0.0) && !covariates.contains(&missing) {
            covariates.push(missing);
        }
    }
    let columns: Vec<&[f64]> = covariates.iter().map(Vec::as_slice).collect();
    let rows = regression::lin_rows(&treated, &columns)?;
    let fit = regression::fit(&rows, &y)?;
    let [control_variance, both_variance] =
        [fit.se(0, Robust::Hc2)?, fit.se(1, Robust::Hc2)?].map(|se| se * se);
    let level = |n: usize, value: f64, se_squared: f64| {
        // The slopes take their degrees of freedom.
        let n = n.saturating_sub(covariates.len()) as u64;
        Level { n, value, variance: se_squared.max(0.0) * n as f64 }
    };
    Ok([
        level(nc, fit.beta[0], control_variance),
        level(nt, fit.beta[0] + fit.beta[1], both_variance - control_variance),
    ])
}

fn missing(arm: &Sample) -> u64 {
    let is_missing = |unit: &usize| arm.covariates.iter().any(|covariate| covariate[*unit][0].is_nan());
    (0..arm.outcomes.len()).filter(is_missing).count() as u64
}

/// A covariate that differs between the arms was hardly measured before they were drawn.
fn imbalance(control: &Sample, treatment: &Sample) -> Option<String> {
    let differs = control.covariates.iter().zip(&treatment.covariates).any(|(control, treatment)| {
        let level = |units: &[[f64; 2]]| {
            let known = units.iter().filter(|pair| !pair[0].is_nan());
            let moments: Moments = known.map(|[above, below]| above / below).collect();
            Level::of(estimate::Kind::Mean, &moments)
        };
        let (Ok(control), Ok(treatment)) = (level(control), level(treatment)) else { return false };
        estimate::difference(&control, &treatment).is_ok_and(|it| it.p_value() < IMBALANCE_P_MIN)
    });
    differs.then(|| {
        "the covariate differs between the arms (p < 0.001): use one that was measured before the units entered".to_owned()
    })
}
