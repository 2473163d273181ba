//! `tenure policy …`: the policy file, checked line by line here and put in force on a server.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Value, json};
use tenure_core::policy::file::{self, PolicyFile};

use crate::client::{Client, Server, block_on};
use crate::output;

/// The policy.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Print a policy file with every key at its default, to start from
    Example,
    /// Check a policy file: every fault with its line
    Check {
        /// The file, in TOML
        file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the policy in force for new cases
    Show {
        #[command(flatten)]
        server: Server,
    },
    /// Put a policy file in force for new cases; running cases keep the policy they were opened under
    Apply {
        #[command(flatten)]
        server: Server,
        /// The file, in TOML
        file: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// `tenure policy …`.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Example => {
            output::line(file::example().trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Command::Check { file, json } => check(&file, json),
        Command::Show { server } => block_on(async move {
            let policy: Value = Client::new(&server)?.get("/api/v1/policy").await?;
            output::pretty(&policy)?;
            Ok(ExitCode::SUCCESS)
        }),
        Command::Apply { server, file, json } => {
            let Some(policy) = read(&file)? else { return Ok(ExitCode::FAILURE) };
            let command = json!({"do": "set_policy", "with": policy.command()});
            block_on(async move {
                let done = Client::new(&server)?.give(&command, None).await?;
                if json {
                    output::json(&done)?;
                } else if done["entries"].as_array().is_some_and(Vec::is_empty) {
                    output::line("nothing to change: this policy is in force already");
                } else {
                    output::line("in force for cases opened from now on");
                }
                Ok(ExitCode::SUCCESS)
            })
        }
    }
}

fn check(path: &Path, as_json: bool) -> anyhow::Result<ExitCode> {
    if as_json {
        let (faults, good) = match file::parse(&text(path)?) {
            Ok(_) => (Vec::new(), true),
            Err(faults) => (faults, false),
        };
        let shown: Vec<Value> = faults
            .iter()
            .map(|fault| json!({"line": fault.line, "key": fault.key, "says": fault.says}))
            .collect();
        output::json(&json!({"good": good, "faults": shown}))?;
        return Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let Some(policy) = read(path)? else { return Ok(ExitCode::FAILURE) };
    output::line(match policy.teams.len() {
        0 => "good; no team has a policy of its own".to_owned(),
        1 => "good; 1 team has a policy of its own".to_owned(),
        teams => format!("good; {teams} teams have a policy of their own"),
    });
    Ok(ExitCode::SUCCESS)
}

/// The policy of a file, or none after its faults were printed, a line each.
fn read(path: &Path) -> anyhow::Result<Option<PolicyFile>> {
    match file::parse(&text(path)?) {
        Ok(policy) => Ok(Some(policy)),
        Err(faults) => {
            for fault in faults {
                output::note(format!("{}:{fault}", path.display()));
            }
            Ok(None)
        }
    }
}

fn text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}
