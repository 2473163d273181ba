//! `tenure environment …`: where flags are served, and how many people approve a change there.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::client::{Client, Server, block_on};
use crate::output;

/// Environments.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List environments
    List {
        #[command(flatten)]
        server: Server,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Create, rename or protect an environment; what is left out stays as it is
    Set {
        #[command(flatten)]
        server: Server,
        /// The environment
        environment: String,
        /// What people call it
        #[arg(long)]
        name: Option<String>,
        /// How many people, none of them an author, approve a change of a flag
        #[arg(long, value_name = "PEOPLE")]
        approvals: Option<u32>,
    },
    /// Archive an environment: it serves nothing, and what it served is kept
    Archive {
        #[command(flatten)]
        server: Server,
        /// The environment
        environment: String,
    },
}

/// `tenure environment …`.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    block_on(async move {
        match command {
            Command::List { server, json } => {
                let environments: Vec<Value> = Client::new(&server)?.get("/api/v1/environments").await?;
                if json { output::json(&environments)? } else { list(&environments) }
            }
            Command::Set { server, environment, name, approvals } => {
                let mut with = json!({"environment": environment});
                if let Some(name) = name {
                    with["name"] = name.into();
                }
                if let Some(approvals) = approvals {
                    with["approvals"] = approvals.into();
                }
                Client::new(&server)?.give(&json!({"do": "set_environment", "with": with}), None).await?;
                output::line(format!("{environment} is set"));
            }
            Command::Archive { server, environment } => {
                let with = json!({"environment": environment});
                Client::new(&server)?.give(&json!({"do": "archive_environment", "with": with}), None).await?;
                output::line(format!("{environment} is archived"));
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn list(environments: &[Value]) {
    let rows: Vec<Vec<String>> = environments
        .iter()
        .map(|environment| {
            let known = &environment["known"];
            let archived = known["archived"]["at"].as_str().and_then(|at| at.get(..10));
            vec![
                environment["environment"].as_str().unwrap_or("-").to_owned(),
                known["name"].as_str().unwrap_or("").to_owned(),
                environment["flags"].to_string(),
                known["approvals"].as_u64().unwrap_or(0).to_string(),
                environment["open_requests"].to_string(),
                archived.map_or(String::new(), |day| format!("archived on {day}")),
            ]
        })
        .collect();
    output::table(&["environment", "name", "flags", "approvals", "open requests", ""], &[2, 3, 4], &rows);
}
