//! Runs every case of every reference file against this crate: its own (`cases`, written by `oracle.py` with code that shares
//! nothing with the crate's) and those of other engines.
//!
//! Their folder is named by `TENURE_REFERENCE_DIR`, by default `../shared/reference` beside the workspace. A case
//! passes when every expected number is met within its tolerance; a method that nobody here knows fails.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a case that cannot be run must fail, loudly")]
#![expect(clippy::print_stdout, reason = "what was run is printed also when all pass")]

mod anytime;
mod case;
mod classic;
mod distributions;
mod gbstats;
mod group_sequential;
mod replication;
mod rows;
mod sample_ratio;
mod tea_tasting;
mod whole;

use std::any::Any;
use std::collections::BTreeMap;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use case::{Case, File, Outcome};

/// What a method makes of a case; none when the method is unknown.
type Method = fn(&Case) -> case::Found;

fn method(case: &Case) -> Option<Method> {
    distributions::method(&case.method)
        .or_else(|| anytime::method(&case.method))
        .or_else(|| sample_ratio::method(case))
        .or_else(|| replication::method(&case.method))
        .or_else(|| classic::method(&case.method))
        .or_else(|| group_sequential::method(&case.method))
        .or_else(|| gbstats::method(&case.method))
        .or_else(|| tea_tasting::method(&case.method))
        .or_else(|| rows::method(&case.method))
        .or_else(|| whole::method(&case.method))
}

fn main() -> ExitCode {
    // A case that panics is told among the failures, without a backtrace.
    panic::set_hook(Box::new(|_| ()));
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/cases");
    let named = folder();
    let mut folders = vec![own];
    if named.is_dir() {
        folders.push(named);
    } else {
        println!("skipped: no reference values at {} (set TENURE_REFERENCE_DIR)", named.display());
    }
    let failed: usize = folders.iter().map(|folder| run_folder(folder)).sum();
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a panic said.
fn words_of(payload: &(dyn Any + Send)) -> &str {
    let words = payload.downcast_ref::<String>().map(String::as_str);
    words.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no words")
}

/// Runs every file of a folder, and gives the number of failures; a folder without files is one.
fn run_folder(folder: &Path) -> usize {
    println!("{}", folder.display());
    match files(folder) {
        Ok(files) if !files.is_empty() => files.iter().map(|file| run(file)).sum(),
        Ok(_) => {
            println!("failed: no *.json in {}", folder.display());
            1
        }
        Err(error) => {
            println!("failed: {}: {error}", folder.display());
            1
        }
    }
}

fn folder() -> PathBuf {
    match std::env::var_os("TENURE_REFERENCE_DIR") {
        Some(folder) => {
            let folder = PathBuf::from(folder);
            // Cargo runs a test in its package: a relative folder is meant from the workspace.
            if folder.is_absolute() { folder } else { workspace().join(folder) }
        }
        None => workspace().join("../shared/reference"),
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[derive(Default)]
struct Tally {
    run: usize,
    passed: usize,
    failed: usize,
    skipped: usize,
    reasons: BTreeMap<String, usize>,
}

/// Runs one file, prints a line per method, and gives the number of failures.
fn run(path: &Path) -> usize {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let file = match File::read(path) {
        Ok(file) => file,
        Err(error) => {
            println!("{name}\n  failed: {error}");
            return 1;
        }
    };
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut complaints = Vec::new();
    for case in &file.cases {
        let tally = tallies.entry(&case.method).or_default();
        tally.run += 1;
        let outcome = match method(case) {
            Some(method) => match panic::catch_unwind(|| method(case)) {
                Ok(found) => case.judge(found),
                Err(payload) => Outcome::Failed(format!("the method panicked: {}", words_of(&*payload))),
            },
            None => Outcome::Failed("no method of that name is known".to_owned()),
        };
        match outcome {
            Outcome::Passed { not_compared } => {
                tally.passed += 1;
                for reason in not_compared {
                    *tally.reasons.entry(reason).or_default() += 1;
                }
            }
            Outcome::Skipped(reason) => {
                tally.skipped += 1;
                *tally.reasons.entry(reason).or_default() += 1;
            }
            Outcome::Failed(why) => {
                tally.failed += 1;
                complaints.push(format!("  FAILED {}: {why}", case.id));
            }
        }
    }
    println!("{name}");
    for (method, tally) in &tallies {
        let Tally { run, passed, failed, skipped, reasons } = tally;
        println!("  {method}: {run} run, {passed} passed, {failed} failed, {skipped} skipped");
        for (reason, count) in reasons {
            println!("    {count} × {reason}");
        }
    }
    complaints.iter().for_each(|complaint| println!("{complaint}"));
    complaints.len()
}
