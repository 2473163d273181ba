//! The analysis of one file: arms, sample ratio, and every metric of treatment against control. This is what
//! `tenure analyze` prints.
//!
//! Without a unit column a row is a unit. With one, the rows of a unit become one number: their sum for a mean and for
//! both parts of a ratio, yes when any row says yes for a proportion; a quantile is one of the rows, which belong together
//! by unit. An empty cell of a metric is an outcome that is not there yet: its unit counts in the sample ratio and not in the
//! metric. Every row is checked, also those of other arms.

use std::path::Path;

use serde::Serialize;

use crate::allocation::{Allocation, SampleRatio};
use crate::frame::{self, Frame, GROUPS_MAX, Gather, Wanted};
use crate::metric::{Context, MetricResult};
use crate::nearest::nearest;
use crate::quantiles::Rows;
use crate::sample::{Places, Units};
use crate::spec::{Cap, Covariate, MetricSpec, Source};
use crate::table::{Table, TableError, hint, list};

/// What is asked of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct FileQuery {
    /// The column with the unit's id; without it a row is a unit.
    pub unit: Option<String>,
    /// The column with the cluster (tenant) that was randomised as a whole.
    pub cluster: Option<String>,
    /// The column with the arm's name.
    pub arm: String,
    /// The arm compared against.
    pub control: String,
    /// The arm compared.
    pub treatment: String,
    /// The metrics, in the order of the result.
    pub metrics: Vec<MetricSpec>,
    /// What was known of the units before they entered.
    pub covariates: Vec<Covariate>,
    /// The largest values that count.
    pub caps: Vec<Cap>,
    /// The column of strata, such as the day on which a unit came in: the sample ratio is tested in each, and
    /// differences are estimated within them too. Without it a column of days is looked for, and tested.
    pub by: Option<String>,
    /// The column that says for how many units a row stands, for the sample ratio of a file of totals. Without it the
    /// trials of such a file are counted, when all its metrics have the same.
    pub count: Option<String>,
    /// Expected share of each arm, for the sample ratio. When empty, all arms of the file are expected to
    /// be equally large; else the arms named here are tested, and only they.
    pub shares: Vec<(String, f64)>,
    /// Confidence of the intervals, such as 0.95.
    pub confidence: f64,
}

impl Default for FileQuery {
    /// Nothing asked, at 95 % confidence.
    fn default() -> Self {
        Self {
            unit: None,
            cluster: None,
            arm: String::new(),
            control: String::new(),
            treatment: String::new(),
            metrics: Vec::new(),
            covariates: Vec::new(),
            caps: Vec::new(),
            by: None,
            count: None,
            shares: Vec::new(),
            confidence: 0.95,
        }
    }
}

impl FileQuery {
    /// The column that counts the units of a row: as asked for, or the trials that all metrics share.
    fn counted(&self) -> Option<&str> {
        let trials = |metric: &'_ MetricSpec| match &metric.source {
            Source::Counts { trials, .. } => Some(trials.clone()),
            _ => None,
        };
        let first = self.metrics.first().and_then(trials);
        let shared = first.is_some() && self.metrics.iter().all(|metric| trials(metric) == first);
        match (&self.count, self.metrics.first().map(|metric| &metric.source)) {
            (Some(count), _) => Some(count),
            (None, Some(Source::Counts { trials, .. })) if shared && self.cluster.is_none() => Some(trials),
            _ => None,
        }
    }
}

/// What a file says. Serialised, it is the answer of `tenure analyze --json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileAnalysis {
    /// All arms of the file, in the order of their names.
    pub arms: Vec<ArmUnits>,
    /// Whether the arms are as large as they should be.
    pub sample_ratio: SampleRatio,
    /// Whether that holds in every stratum: when asked for, and when a column of days says that it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocation: Option<Allocation>,
    /// One result for each metric, in the order asked for.
    pub metrics: Vec<MetricResult>,
}

/// An arm and its number of units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArmUnits {
    /// The arm's name as the file has it.
    pub arm: String,
    /// Units, each counted once; as the column of counts has it where there is one.
    pub units: u64,
    /// Clusters, where there are some: what the sample ratio counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clusters: Option<u64>,
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
        "{file}, line {line}: column `{column}` has more than {GROUPS_MAX} different values; is it the arm column?"
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
    /// One cluster is in two arms.
    #[error(
        "{file}, line {second_line}: cluster `{cluster}` is in arm `{second_arm}`, but in arm `{first_arm}` on line {first_line}; \
         a cluster is randomised as a whole: where users were randomised leave out --cluster; where it was switched from one arm to \
         the other (a stepped wedge) two arms cannot be compared, fit a regression with an effect for each cluster and period"
    )]
    ClusterInTwoArms {
        /// The file's name.
        file: String,
        /// The cluster.
        cluster: String,
        /// The arm it was met in first.
        first_arm: String,
        /// Where.
        first_line: u64,
        /// The other arm.
        second_arm: String,
        /// Where.
        second_line: u64,
    },
    /// A unit is in two clusters.
    #[error(
        "{file}, line {line}: column `{column}` has `{value}`, another one than on line {first_line} for the same unit; \
         a unit belongs to one cluster"
    )]
    UnitChanges {
        /// The file's name.
        file: String,
        /// The later line.
        line: u64,
        /// The cluster column.
        column: String,
        /// The other cluster.
        value: String,
        /// Where the unit was met first.
        first_line: u64,
    },
    /// A covariate has two values for one unit.
    #[error(
        "{file}, line {line}: column `{column}` has {value} where an earlier row of the same unit has {before}; a covariate is \
         one number a unit, known before it entered"
    )]
    CovariateChanges {
        /// The file's name.
        file: String,
        /// The later line.
        line: u64,
        /// The covariate.
        column: String,
        /// What stands there.
        value: f64,
        /// What stood there before.
        before: f64,
    },
    /// The column of strata holds too many.
    #[error(
        "{file}, line {line}: column `{column}` has more than {GROUPS_MAX} different values; take days, not times"
    )]
    TooManyStrata {
        /// The file's name.
        file: String,
        /// The column.
        column: String,
        /// The line with one too many.
        line: u64,
    },
    /// A row of counts that cannot be.
    #[error(
        "{file}, line {line}: `{successes_column}` is {successes}, more than {trials} of `{trials_column}`; each trial is a success at \
         most once"
    )]
    MoreSuccessesThanTrials {
        /// The file's name.
        file: String,
        /// Where.
        line: u64,
        /// The column of successes.
        successes_column: String,
        /// Its value.
        successes: f64,
        /// The column of trials.
        trials_column: String,
        /// Its value.
        trials: f64,
    },
    /// A cap or covariate for a metric that was not asked for.
    #[error(
        "there is no metric `{metric}` for {option}{}; name one of {}",
        hint(nearest(.metric, .known)), list(.known)
    )]
    UnknownMetric {
        /// `--cap` or `--covariate`.
        option: &'static str,
        /// The name given.
        metric: String,
        /// The metrics asked for.
        known: Vec<String>,
    },
    /// Options that do not go together.
    #[error("{what}; {remedy}")]
    Together {
        /// What does not.
        what: String,
        /// What to do.
        remedy: &'static str,
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
}

/// Analyses a CSV file, plain or gzip.
pub fn analyze_file(path: &Path, query: &FileQuery) -> Result<FileAnalysis, FileError> {
    check(query)?;
    analyze_table(Table::open(path)?, query)
}

/// Analyses an open table.
pub fn analyze_table(mut table: Table, query: &FileQuery) -> Result<FileAnalysis, FileError> {
    check(query)?;
    let mut wanted = Wanted {
        unit: query.unit.as_deref(),
        cluster: query.cluster.as_deref(),
        arm: &query.arm,
        by: query.by.as_deref(),
        ..Wanted::default()
    };
    let count = query.counted().map(|name| wanted.column(name, Gather::Count));
    let places: Vec<Places> = query
        .metrics
        .iter()
        .map(|spec| {
            let own: Vec<&Covariate> = query.covariates.iter().filter(|it| it.metric == spec.name).collect();
            Places::want(&mut wanted, spec, &own)
        })
        .collect();
    let frame = frame::read(&mut table, &wanted)?;
    let file = table.file();
    let arm = |name: &str| {
        frame.arms.iter().position(|arm| arm == name).ok_or_else(|| FileError::UnknownArm {
            file: file.to_owned(),
            column: query.arm.clone(),
            arm: name.to_owned(),
            found: frame.arms.clone(),
        })
    };
    let (control, treatment) = (arm(&query.control)?, arm(&query.treatment)?);
    let tested: Vec<(usize, f64)> = match query.shares.as_slice() {
        [] => (0..frame.arms.len()).map(|arm| (arm, 1.0)).collect(),
        shares => {
            shares.iter().map(|(name, share)| Ok((arm(name)?, *share))).collect::<Result<_, FileError>>()?
        }
    };

    let counted = Counted::of(&frame, count);
    let randomised = counted.randomised();
    let share_of = |arm: usize| {
        let given = tested.iter().find(|(it, _)| *it == arm && !query.shares.is_empty());
        given.map_or(randomised[arm] as f64, |(_, share)| *share)
    };
    let context = Context {
        frame: &frame,
        control: control as u32,
        treatment: treatment as u32,
        treatment_share: share_of(treatment) / (share_of(control) + share_of(treatment)),
    };
    let mut metrics = Vec::with_capacity(query.metrics.len());
    for (spec, places) in query.metrics.iter().zip(&places) {
        metrics.push(match &spec.source {
            Source::Quantile { p, .. } => {
                let rows = Rows::of(&frame, places.outcome(&frame));
                MetricResult::of_rows(&context, spec, *p, &rows, query.confidence)
            }
            _ => {
                let cap = query.caps.iter().find(|cap| cap.metric == spec.name);
                let units = Units::of(&frame, file, spec, places, cap)?;
                MetricResult::of_units(&context, spec, &units, query.confidence)
            }
        });
    }
    let tested_units: Vec<(u64, f64)> =
        tested.iter().map(|(arm, share)| (randomised[*arm], *share)).collect();
    Ok(FileAnalysis {
        sample_ratio: SampleRatio::of(&tested_units),
        allocation: counted.allocation(&frame, &tested),
        metrics,
        arms: counted.arms(&frame),
    })
}

/// Who was randomised, per arm and stratum.
struct Counted {
    /// Units of each arm.
    units: Vec<u64>,
    /// Clusters of each arm.
    clusters: Option<Vec<u64>>,
    /// Of each stratum, then arm: clusters where there are some, else units.
    strata: Vec<Vec<u64>>,
}

impl Counted {
    fn of(frame: &Frame, count: Option<usize>) -> Self {
        let arms = frame.arms.len();
        let mut seen = frame.clusters().map(|clusters| vec![false; clusters]);
        let mut counted = Self {
            units: vec![0; arms],
            clusters: seen.as_ref().map(|_| vec![0; arms]),
            strata: vec![vec![0; arms]; frame.strata.as_ref().map_or(0, |strata| strata.names.len())],
        };
        for (unit, arm) in frame.arm_of.iter().enumerate() {
            let arm = *arm as usize;
            // An empty count is no unit.
            let stands_for = count.map_or(1, |place| frame.columns[place].values[unit] as u64);
            counted.units[arm] += stands_for;
            let mut randomised = stands_for;
            if let (Some(of), Some(seen), Some(clusters)) =
                (&frame.cluster_of, &mut seen, &mut counted.clusters)
            {
                randomised = u64::from(!std::mem::replace(&mut seen[of[unit] as usize], true));
                clusters[arm] += randomised;
            }
            if let Some(strata) = &frame.strata {
                counted.strata[strata.of[unit] as usize][arm] += randomised;
            }
        }
        counted
    }

    fn randomised(&self) -> &[u64] {
        self.clusters.as_ref().unwrap_or(&self.units)
    }

    fn allocation(&self, frame: &Frame, tested: &[(usize, f64)]) -> Option<Allocation> {
        let strata = frame.strata.as_ref()?;
        let (arms, shares): (Vec<usize>, Vec<f64>) = tested.iter().copied().unzip();
        let units = self.strata.iter().map(|units| arms.iter().map(|arm| units[*arm]).collect::<Vec<u64>>());
        let allocation = Allocation::of(strata, &units.collect::<Vec<_>>(), &shares);
        Some(allocation).filter(|allocation| allocation.is_worth_a_word(strata.asked))
    }

    fn arms(&self, frame: &Frame) -> Vec<ArmUnits> {
        let arm = |(place, name): (usize, &String)| ArmUnits {
            arm: name.clone(),
            units: self.units[place],
            clusters: self.clusters.as_ref().map(|clusters| clusters[place]),
        };
        frame.arms.iter().enumerate().map(arm).collect()
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
    if let Some((arm, share)) = query.shares.iter().find(|(_, share)| !(share.is_finite() && *share > 0.0)) {
        return Err(FileError::Share { arm: arm.clone(), share: *share });
    }
    check_options(query)
}

/// Options that belong to a metric: whether it is there, and whether it can have them.
fn check_options(query: &FileQuery) -> Result<(), FileError> {
    let metric = |option: &'static str, name: &str| {
        query.metrics.iter().find(|metric| metric.name == name).ok_or_else(|| FileError::UnknownMetric {
            option,
            metric: name.to_owned(),
            known: query.metrics.iter().map(|metric| metric.name.clone()).collect(),
        })
    };
    let together = |what: String, remedy| Err(FileError::Together { what, remedy });
    for (place, cap) in query.caps.iter().enumerate() {
        let name = &cap.metric;
        match metric("--cap", name)?.source {
            Source::Mean { .. } | Source::Ratio { .. } => {}
            Source::Quantile { .. } => {
                let what = format!("metric `{name}` is a quantile, which a cap above it leaves as it is");
                return together(what, "leave out --cap");
            }
            Source::Proportion { .. } | Source::Counts { .. } => {
                let what = format!("metric `{name}` is a proportion, which has nothing to cap");
                return together(what, "leave out --cap, or declare it a mean");
            }
        }
        if query.caps[..place].iter().any(|earlier| earlier.metric == *name) {
            return together(format!("metric `{name}` is capped twice"), "keep one of --cap and --cap-at");
        }
    }
    for covariate in &query.covariates {
        let name = &covariate.metric;
        match metric("--covariate", name)?.source {
            Source::Quantile { .. } => {
                let what = format!("metric `{name}` is a quantile, which covariates do not adjust");
                return together(what, "leave out --covariate, or declare it a mean");
            }
            Source::Counts { .. } if query.cluster.is_none() => {
                let what = format!("metric `{name}` is of totals, which have no covariate a unit");
                return together(what, "leave out --covariate, or declare it a ratio");
            }
            _ => {}
        }
    }
    match (&query.count, &query.unit, &query.cluster) {
        (Some(count), Some(_), _) | (Some(count), _, Some(_)) => together(
            format!("column `{count}` counts the units of a row, and --unit and --cluster name them"),
            "keep one of them",
        ),
        _ => Ok(()),
    }
}
