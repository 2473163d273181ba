//! Proof by simulation: studies that draw what an engine would return, let `tenure-stats` judge it exactly as
//! production does, and count how often it is wrong, beside the target.
//!
//! A study is a list of settings, a setting is simulated many times, and each run gives a number for each of the
//! setting's measures; their means are reported. The same seed gives the same numbers, whatever the number of threads.

use rayon::prelude::*;
use serde::Serialize;
use tenure_stats::CannotSay;
use tenure_stats::moments::MomentsError;

mod coverage;
mod e_process;
mod guardrails;
mod iterations;
mod law;
mod open_ended;
pub mod page;
mod power;
mod replication;
mod rollout;
mod sample_ratio;
mod tenants;
mod type_one;
mod watch;
mod waves;

use crate::chance::{self, Chance, NoLaw, Source};

/// The runs of each setting behind a figure that may be cited.
pub const RUNS: u64 = 100_000;

/// The seed of the figures in the documentation.
pub const SEED: u64 = 20_260_801;

/// Runs that one thread makes at a time, and after which progress is told. Sums are added in the order of chunks, so
/// that they do not depend on which thread was faster.
const CHUNK: u64 = 250;

/// A question that is answered by simulation.
#[derive(Debug)]
pub struct Study {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it shows.
    pub shows: &'static str,
    settings: fn() -> Result<Vec<Setting>, ProofError>,
}

/// All studies, in the order of the page.
pub const STUDIES: &[Study] = &[
    type_one::BERNOULLI,
    type_one::RARE,
    type_one::REVENUE,
    type_one::CAPPED,
    type_one::RATIO,
    open_ended::OPEN_ENDED,
    coverage::COVERAGE,
    power::POWER_AND_COST,
    waves::WAVES,
    waves::DRIFT,
    tenants::TENANTS,
    replication::REPLICATION,
    iterations::ITERATIONS,
    guardrails::GUARDRAILS,
    sample_ratio::SAMPLE_RATIO,
    e_process::E_PROCESS,
];

/// The study of this name.
pub fn find(name: &str) -> Option<&'static Study> {
    STUDIES.iter().find(|study| study.name == name)
}

/// Why a study could not be run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ProofError {
    /// The engine has no answer to what was drawn.
    #[error("what was drawn has no answer: {0}")]
    CannotSay(#[from] CannotSay),
    /// What was drawn are no moments.
    #[error("what was drawn are no moments: {0}")]
    Moments(#[from] MomentsError),
    /// A law has no such parameters.
    #[error("{0} with these parameters cannot be drawn")]
    Law(&'static str),
    /// No run.
    #[error("0 runs show nothing; ask for at least 1")]
    NoRuns,
}

impl From<NoLaw> for ProofError {
    fn from(NoLaw(law): NoLaw) -> Self {
        Self::Law(law)
    }
}

/// One way of drawing, and what is measured in each run.
struct Setting {
    of: String,
    measures: Vec<Measure>,
    run: Run,
}

/// One run: a number for each measure.
type Run = Box<dyn Fn(&mut Chance) -> Result<Vec<f64>, ProofError> + Send + Sync>;

impl Setting {
    fn new(
        of: impl Into<String>,
        measures: impl IntoIterator<Item = Measure>,
        run: impl Fn(&mut Chance) -> Result<Vec<f64>, ProofError> + Send + Sync + 'static,
    ) -> Self {
        Self { of: of.into(), measures: measures.into_iter().collect(), run: Box::new(run) }
    }
}

/// What is measured, and where it should lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Measure {
    /// What.
    pub what: &'static str,
    /// The unit of the figures.
    pub unit: Unit,
    /// Where its mean over runs should lie; none for a contrast: what another method would have done with the same
    /// data.
    pub target: Option<Target>,
}

impl Measure {
    const fn share(what: &'static str, target: Target) -> Self {
        Self { what, unit: Unit::Share, target: Some(target) }
    }

    const fn number(what: &'static str, target: Target) -> Self {
        Self { what, unit: Unit::Number, target: Some(target) }
    }

    const fn contrast(what: &'static str) -> Self {
        Self { what, unit: Unit::Share, target: None }
    }

    const fn without_target(self) -> Self {
        Self { target: None, ..self }
    }
}

/// The unit of a measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A share of runs, shown in per cent.
    Share,
    /// A plain number.
    Number,
}

/// Where a measure should lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Not above.
    AtMost(f64),
    /// Not below.
    AtLeast(f64),
    /// Not outside.
    Between(f64, f64),
}

/// A target is missed by more than this many Monte-Carlo errors, or held.
const ERRORS_ALLOWED: f64 = 3.0;

impl Target {
    /// Whether a mean holds it, up to three Monte-Carlo errors. The error is taken at the target where it is larger
    /// there: few runs without a single miss have not shown that there are none.
    fn is_held(self, unit: Unit, mean: f64, error: f64, runs: u64) -> bool {
        let slack = |edge: f64| {
            let at_edge = match unit {
                Unit::Share => (edge * (1.0 - edge) / runs as f64).sqrt(),
                Unit::Number => 0.0,
            };
            ERRORS_ALLOWED * error.max(at_edge) + 1e-12
        };
        let below = |high: f64| mean <= high + slack(high);
        let above = |low: f64| mean >= low - slack(low);
        match self {
            Self::AtMost(high) => below(high),
            Self::AtLeast(low) => above(low),
            Self::Between(low, high) => above(low) && below(high),
        }
    }
}

/// What a study came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The study's name.
    pub study: &'static str,
    /// What it shows.
    pub shows: &'static str,
    /// The seed.
    pub seed: u64,
    /// Runs of each setting.
    pub runs: u64,
    /// Whether every target is held.
    pub held: bool,
    /// Each measure of each setting.
    pub measures: Vec<Measured>,
}

/// A measure beside its target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// What was simulated.
    pub setting: String,
    /// What was measured, and where it should lie.
    #[serde(flatten)]
    pub measure: Measure,
    /// What came out: the mean over runs.
    pub measured: f64,
    /// The standard error of the mean.
    pub monte_carlo_error: f64,
    /// Whether the target is held, up to three Monte-Carlo errors; none for a contrast.
    pub held: Option<bool>,
}

impl Study {
    /// How many settings are simulated, each as many times as one asks for.
    pub fn settings(&self) -> Result<u64, ProofError> {
        Ok((self.settings)()?.len() as u64)
    }

    /// What would be measured, by setting.
    pub fn measures(&self) -> Result<Vec<(String, Measure)>, ProofError> {
        let of =
            |setting: Setting| setting.measures.into_iter().map(move |measure| (setting.of.clone(), measure));
        Ok((self.settings)()?.into_iter().flat_map(of).collect())
    }

    /// Runs it on the threads at hand. `progress` is told how many runs are done since it was told last.
    pub fn run(&self, runs: u64, seed: u64, progress: &(dyn Fn(u64) + Sync)) -> Result<Report, ProofError> {
        if runs == 0 {
            return Err(ProofError::NoRuns);
        }
        let mut measures = Vec::new();
        for (index, setting) in (self.settings)()?.into_iter().enumerate() {
            let sums = setting.simulate(runs, Source::new(seed, self.name, index), progress)?;
            for (measure, sum) in setting.measures.iter().zip(sums) {
                let (measured, monte_carlo_error) = (sum.mean(runs), sum.error(runs));
                let is_held =
                    |target: Target| target.is_held(measure.unit, measured, monte_carlo_error, runs);
                let held = measure.target.map(is_held);
                let setting = setting.of.clone();
                measures.push(Measured { setting, measure: *measure, measured, monte_carlo_error, held });
            }
        }
        let held = measures.iter().all(|measured| measured.held != Some(false));
        Ok(Report { study: self.name, shows: self.shows, seed, runs, held, measures })
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    sum: f64,
    squares: f64,
}

impl Sum {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.squares += value * value;
    }

    fn mean(&self, runs: u64) -> f64 {
        self.sum / runs as f64
    }

    fn error(&self, runs: u64) -> f64 {
        let (n, mean) = (runs as f64, self.mean(runs));
        // A figure that is the same in every run has no error, whatever rounding says.
        let variance = self.squares / n - mean * mean;
        if variance > 1e-12 * mean * mean { (variance / n).sqrt() } else { 0.0 }
    }
}

impl Setting {
    fn simulate(
        &self,
        runs: u64,
        source: Source,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Vec<Sum>, ProofError> {
        let chunk = |chunk: u64| -> Result<Vec<Sum>, ProofError> {
            let mut sums = vec![Sum::default(); self.measures.len()];
            let (first, last) = (chunk * CHUNK, ((chunk + 1) * CHUNK).min(runs));
            for run in first..last {
                let values = (self.run)(&mut source.of_run(run))?;
                sums.iter_mut().zip(values).for_each(|(sum, value)| sum.add(value));
            }
            progress(last - first);
            Ok(sums)
        };
        let chunks: Vec<Vec<Sum>> =
            (0..runs.div_ceil(CHUNK)).into_par_iter().map(chunk).collect::<Result<_, _>>()?;
        let mut total = vec![Sum::default(); self.measures.len()];
        for sums in chunks {
            for (total, sum) in total.iter_mut().zip(sums) {
                total.sum += sum.sum;
                total.squares += sum.squares;
            }
        }
        Ok(total)
    }
}

/// 1 for what happened, 0 for what did not.
fn indicator(happened: bool) -> f64 {
    f64::from(u8::from(happened))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn names_are_unique_and_typed_with_ease() {
        let names: BTreeSet<&str> = STUDIES.iter().map(|study| study.name).collect();
        assert_eq!(names.len(), STUDIES.len());
        assert!(
            names.iter().all(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '-')),
            "{names:?}"
        );
        assert!(!names.contains("all"), "`all` runs every study");
    }

    #[test]
    fn a_few_runs_of_each_study_hold_its_targets() {
        let mut missed = Vec::new();
        for study in STUDIES {
            let report = study.run(100, 1, &|_| {}).unwrap();
            missed.extend(report.measures.into_iter().filter(|measured| measured.held == Some(false)));
        }
        assert!(missed.is_empty(), "{missed:#?}");
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
        let bytes = |study: &Study, seed: u64, threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let report = pool.install(|| study.run(2 * CHUNK + 7, seed, &|_| {}));
            serde_json::to_string(&report.unwrap()).unwrap()
        };
        for study in ["coverage", "replication"].map(|name| find(name).unwrap()) {
            let one = bytes(study, 7, 1);
            assert_eq!(one, bytes(study, 7, 3));
            assert_ne!(one, bytes(study, 8, 3));
        }
    }

    #[test]
    fn progress_adds_up_to_all_runs() {
        let done = AtomicU64::new(0);
        let study = find("e-process").unwrap();
        study.run(CHUNK + 1, 1, &|runs| _ = done.fetch_add(runs, Ordering::Relaxed)).unwrap();
        assert_eq!(done.into_inner(), study.settings().unwrap() * (CHUNK + 1));
        assert_eq!(study.run(0, 1, &|_| {}), Err(ProofError::NoRuns));
    }

    #[test]
    fn a_target_is_held_up_to_three_errors() {
        let held = |target: Target, mean: f64| target.is_held(Unit::Share, mean, 0.001, 100_000);
        assert!(held(Target::AtMost(0.05), 0.0529) && !held(Target::AtMost(0.05), 0.0531));
        assert!(held(Target::AtLeast(0.8), 0.7965) && !held(Target::AtLeast(0.8), 0.7960));
        let between = Target::Between(0.945, 0.965);
        assert!(held(between, 0.95) && !held(between, 0.94) && !held(between, 0.97));
    }
}
