//! The analysis of one file: arms, sample ratio, and every metric of treatment against control. This is what
//! `tenure analyze` prints.
//!
//! Without a unit column a row is a unit. With one, the rows of a unit become one number: their sum for a mean,
//! yes when any row says yes for a proportion. Every row is checked, also those of other arms.

use std::path::Path;

use serde::Serialize;
use tenure_stats::comparison::{Absolute, ArmSummary, Comparison, Relative, compare};
use tenure_stats::estimate::{self, Level};
use tenure_stats::moments::{Moments, MomentsError};
use tenure_stats::{CannotSay, sample_ratio};

use crate::nearest::nearest;
use crate::spec::{Kind, MetricSpec};
use crate::table::{Table, TableError, hint, list};
use crate::tally::{ARMS_MAX, ArmTally, tally};

/// What is asked of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct FileQuery {
    /// The column with the unit's id; without it a row is a unit.
    pub unit: Option<String>,
    /// The column with the arm's name.
    pub arm: String,
    /// The arm compared against.
    pub control: String,
    /// The arm compared.
    pub treatment: String,
    /// The metrics, in the order of the result.
    pub metrics: Vec<MetricSpec>,
    /// Expected share of each arm, for the sample ratio. When empty, all arms of the file are expected to
    /// be equally large; else the arms named here are tested, and only they.
    pub shares: Vec<(String, f64)>,
    /// Confidence of the intervals, such as 0.95.
    pub confidence: f64,
}

/// What a file says. Serialised, it is the answer of `tenure analyze --json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileAnalysis {
    /// All arms of the file, in the order of their names.
    pub arms: Vec<ArmUnits>,
    /// Whether the arms are as large as they should be.
    pub sample_ratio: SampleRatio,
    /// One result for each metric, in the order asked for.
    pub metrics: Vec<MetricResult>,
}

/// An arm and its number of units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArmUnits {
    /// The arm's name as the file has it.
    pub arm: String,
    /// Units, each counted once.
    pub units: u64,
}

/// The χ² test that the arms have the shares expected.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SampleRatio {
    /// The p-value; below 0.001 the randomisation or the logging is broken, and no metric can be believed.
    /// None when that cannot be said.
    pub p_value: Option<f64>,
    /// What that means, when it is bad news.
    pub warnings: Vec<String>,
}

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
    /// What to know before believing the numbers.
    pub warnings: Vec<String>,
}

/// Why a file was not analysed.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file itself, or one of its cells.
    #[error(transparent)]
    Table(#[from] TableError),
    /// An arm asked for has no row.
    #[error("{file}: column `{column}` has no arm `{arm}`{}; the arms found are {}", hint(nearest(.arm, .found)), list(.found))]
    UnknownArm {
        /// The file's name.
        file: String,
        /// The arm column.
        column: String,
        /// The arm asked for.
        arm: String,
        /// The arms of the file.
        found: Vec<String>,
    },
    /// The arm column does not hold arms.
    #[error(
        "{file}, line {line}: column `{column}` has more than {ARMS_MAX} different values; is it the arm column?"
    )]
    TooManyArms {
        /// The file's name.
        file: String,
        /// The arm column.
        column: String,
        /// The line with one arm too many.
        line: u64,
    },
    /// One unit is in two arms.
    #[error(
        "{file}, line {second_line}: unit `{unit}` is in arm `{second_arm}`, but in arm `{first_arm}` on line {first_line}; \
         a unit belongs to one arm, leave such units out of the file"
    )]
    UnitInTwoArms {
        /// The file's name.
        file: String,
        /// The unit.
        unit: String,
        /// The arm it was met in first.
        first_arm: String,
        /// Where.
        first_line: u64,
        /// The other arm.
        second_arm: String,
        /// Where.
        second_line: u64,
    },
    /// Control and treatment are the same arm.
    #[error("control and treatment are both `{arm}`; name two different arms")]
    SameArm {
        /// The arm.
        arm: String,
    },
    /// Two metrics of one name.
    #[error("metric `{metric}` is named twice; give each metric its own name")]
    RepeatedMetric {
        /// The name.
        metric: String,
    },
    /// A confidence that is none.
    #[error("the confidence is {confidence}; it must lie between 0 and 1, such as 0.95")]
    Confidence {
        /// What was given.
        confidence: f64,
    },
    /// A share that is none.
    #[error("the expected share of arm `{arm}` is {share}; it must be a positive number")]
    Share {
        /// The arm.
        arm: String,
        /// What was given.
        share: f64,
    },
    /// The rows of an arm cannot be summed.
    #[error("{file}: arm `{arm}` cannot be summed: {source}")]
    Sums {
        /// The file's name.
        file: String,
        /// The arm.
        arm: String,
        /// Why.
        source: MomentsError,
    },
}

/// Analyses a CSV file, plain or gzip, in one pass.
pub fn analyze_file(path: &Path, query: &FileQuery) -> Result<FileAnalysis, FileError> {
    check(query)?;
    analyze_table(Table::open(path)?, query)
}

/// Analyses an open table in one pass.
pub fn analyze_table(mut table: Table, query: &FileQuery) -> Result<FileAnalysis, FileError> {
    check(query)?;
    let arms = tally(&mut table, query.unit.as_deref(), &query.arm, &query.metrics)?;
    let find = |name: &str| {
        arms.iter().find(|arm| arm.arm == name).ok_or_else(|| FileError::UnknownArm {
            file: table.file().to_owned(),
            column: query.arm.clone(),
            arm: name.to_owned(),
            found: arms.iter().map(|arm| arm.arm.clone()).collect(),
        })
    };
    let (control, treatment) = (find(&query.control)?, find(&query.treatment)?);
    let tested = match query.shares.as_slice() {
        [] => arms.iter().map(|arm| (arm.units, 1.0)).collect(),
        shares => shares
            .iter()
            .map(|(arm, share)| Ok((find(arm)?.units, *share)))
            .collect::<Result<Vec<_>, FileError>>()?,
    };
    let metrics = query.metrics.iter().enumerate().map(|(place, spec)| {
        MetricResult::of(spec, &control.metrics[place], &treatment.metrics[place], query.confidence)
    });
    Ok(FileAnalysis {
        sample_ratio: SampleRatio::of(&tested),
        metrics: metrics.collect(),
        arms: arms.iter().map(ArmUnits::of).collect(),
    })
}

/// Below this the randomisation is taken as broken.
const SAMPLE_RATIO_P_MIN: f64 = 0.001;

impl SampleRatio {
    /// `tested` holds units and expected share of each arm, two arms at least.
    fn of(tested: &[(u64, f64)]) -> Self {
        let (units, shares): (Vec<u64>, Vec<f64>) = tested.iter().copied().unzip();
        match sample_ratio::chi_square(&units, &shares) {
            Ok(test) if test.p_value < SAMPLE_RATIO_P_MIN => Self {
                p_value: Some(test.p_value),
                warnings: vec![
                    "the arms are not as large as expected (p < 0.001): look for the cause in assignment or \
                     logging before believing any metric"
                        .to_owned(),
                ],
            },
            Ok(test) => Self { p_value: Some(test.p_value), warnings: Vec::new() },
            Err(why) => Self { p_value: None, warnings: vec![why.to_string()] },
        }
    }
}

impl MetricResult {
    fn of(spec: &MetricSpec, control: &Moments, treatment: &Moments, confidence: f64) -> Self {
        match compare(spec.kind.into(), control, treatment, confidence) {
            Ok(shown) => Self::shown(spec, shown),
            Err(why) => Self::unsaid(spec, control, treatment, why),
        }
    }

    fn shown(spec: &MetricSpec, shown: Comparison) -> Self {
        Self {
            metric: spec.name.clone(),
            kind: spec.kind,
            control: Some(shown.control),
            treatment: Some(shown.treatment),
            absolute: Some(shown.absolute),
            relative: shown.relative,
            p_value: Some(shown.p_value),
            method: Some(shown.method),
            warnings: shown.warnings,
        }
    }

    /// The levels, where there are any, and why nothing follows from them.
    fn unsaid(spec: &MetricSpec, control: &Moments, treatment: &Moments, why: CannotSay) -> Self {
        let level = |moments| Level::of(spec.kind.into(), moments).ok().as_ref().map(ArmSummary::from);
        Self {
            metric: spec.name.clone(),
            kind: spec.kind,
            control: level(control),
            treatment: level(treatment),
            absolute: None,
            relative: None,
            p_value: None,
            method: None,
            warnings: vec![why.to_string()],
        }
    }
}

impl ArmUnits {
    fn of(tally: &ArmTally) -> Self {
        Self { arm: tally.arm.clone(), units: tally.units }
    }
}

impl From<Kind> for estimate::Kind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Proportion => Self::Proportion,
            Kind::Mean => Self::Mean,
        }
    }
}

fn check(query: &FileQuery) -> Result<(), FileError> {
    if query.control == query.treatment {
        return Err(FileError::SameArm { arm: query.control.clone() });
    }
    if !(query.confidence > 0.0 && query.confidence < 1.0) {
        return Err(FileError::Confidence { confidence: query.confidence });
    }
    for (place, metric) in query.metrics.iter().enumerate() {
        if query.metrics[..place].iter().any(|earlier| earlier.name == metric.name) {
            return Err(FileError::RepeatedMetric { metric: metric.name.clone() });
        }
    }
    match query.shares.iter().find(|(_, share)| !(share.is_finite() && *share > 0.0)) {
        Some((arm, share)) => Err(FileError::Share { arm: arm.clone(), share: *share }),
        None => Ok(()),
    }
}
