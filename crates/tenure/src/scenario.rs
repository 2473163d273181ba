//! `tenure scenario run`: the process as executable examples.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use tenure_core::scenario::{self, Outcome};

use crate::output;

/// Scenario files.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Run every scenario of the files; exit 1 if any failed
    Run {
        /// Scenario files (JSON)
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Print one JSON object a scenario
        #[arg(long)]
        json: bool,
    },
}

/// `tenure scenario …`.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    let Command::Run { files, json } = command;
    let (mut passed, mut failed) = (0, 0);
    for file in files {
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("the scenarios {} cannot be read", file.display()))?;
        let outcomes =
            scenario::run_file(&text).with_context(|| format!("{} is not valid", file.display()))?;
        for outcome in outcomes {
            *(if outcome.passed { &mut passed } else { &mut failed }) += 1;
            if json {
                output::json(&outcome)?;
            } else {
                output::line(told(&outcome));
            }
        }
    }
    if !json {
        output::line(format!("{passed} passed, {failed} failed"));
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn told(outcome: &Outcome) -> String {
    let text = |part: &Option<String>| part.clone().unwrap_or_else(|| "-".to_owned());
    match outcome.step {
        None if outcome.passed => format!("{:<8} passed", outcome.id),
        step => format!(
            "{:<8} FAILED at step {}: expected {}, got {} ({})",
            outcome.id,
            step.map_or_else(|| "-".to_owned(), |step| step.to_string()),
            text(&outcome.expected),
            text(&outcome.got),
            text(&outcome.why)
        ),
    }
}
