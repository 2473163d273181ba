//! `tenure codebase …`: owner processes from a file, and owners from `CODEOWNERS`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Value, json};
use tenure_core::codebase::codeowners::CodeOwners;
use tenure_core::codebase::file::{self, File};

use crate::client::{Client, Server, block_on};
use crate::output;

/// Codebases and their owner processes.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List codebases with their owner processes
    List {
        #[command(flatten)]
        server: Server,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Check a file of owner processes: every fault with its line, and what it would define
    Check {
        #[command(flatten)]
        files: Files,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Define the codebases of a file, and make the owners that CODEOWNERS names their owners here
    Apply {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        files: Files,
    },
}

/// What is read.
#[derive(Debug, clap::Args)]
pub struct Files {
    /// The owner processes, in TOML: [codebases.NAME] with items, and [handles]
    file: PathBuf,
    /// A CODEOWNERS file, to find the owners in
    #[arg(long, value_name = "FILE")]
    codeowners: Option<PathBuf>,
}

/// `tenure codebase …`.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List { server, json } => block_on(async move {
            let codebases = Client::new(&server)?.all("/api/v1/codebases?limit=1000").await?;
            if json {
                output::json(&codebases)?
            } else {
                list(&codebases)
            }
            Ok(ExitCode::SUCCESS)
        }),
        Command::Check { files, json } => {
            let Some(plan) = Plan::read(&files)? else { return Ok(ExitCode::FAILURE) };
            if json {
                output::json(&plan.commands)?
            } else {
                plan.print()
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Apply { server, files } => {
            let Some(plan) = Plan::read(&files)? else { return Ok(ExitCode::FAILURE) };
            block_on(async move {
                let client = Client::new(&server)?;
                for command in &plan.commands {
                    client.give(command, None).await?;
                }
                plan.print();
                Ok(ExitCode::SUCCESS)
            })
        }
    }
}

/// The commands that a file stands for, and handles that stand for nobody.
struct Plan {
    commands: Vec<Value>,
    unknown: Vec<String>,
}

impl Plan {
    /// None after the faults were printed, a line each.
    fn read(files: &Files) -> anyhow::Result<Option<Self>> {
        let file = match file::parse(&text(&files.file)?) {
            Ok(file) => file,
            Err(faults) => {
                for fault in faults {
                    output::note(format!("{}: {fault}", files.file.display()));
                }
                return Ok(None);
            }
        };
        let codeowners = files.codeowners.as_deref().map(read_codeowners).transpose()?;
        Ok(Some(Self::of(&file, codeowners.as_ref())))
    }

    fn of(file: &File, codeowners: Option<&CodeOwners>) -> Self {
        let (mut commands, mut unknown) = (Vec::new(), Vec::new());
        for entry in &file.codebases {
            commands.push(json!({"do": "define_codebase", "with": entry.define}));
            let Some(codeowners) = codeowners else { continue };
            let owned = entry.owners(codeowners, &file.handles);
            commands.extend(owned.accounts.into_iter().map(|account| {
                let role = format!("codebase_owner:{}", entry.define.codebase);
                json!({"do": "grant_role", "with": {"account": account, "role": role}})
            }));
            unknown.extend(owned.unknown);
        }
        unknown.sort();
        unknown.dedup();
        Self { commands, unknown }
    }

    fn print(&self) {
        for command in &self.commands {
            let with = &command["with"];
            output::line(match with["account"].as_str() {
                Some(account) => format!("{account} is {}", with["role"].as_str().unwrap_or("-")),
                None => {
                    let items = with["items"].as_array().map(Vec::len).unwrap_or_default();
                    format!("{}: {items} items", with["codebase"].as_str().unwrap_or("-"))
                }
            });
        }
        for handle in &self.unknown {
            output::line(format!("{handle} stands for nobody here: name an account under [handles]"));
        }
    }
}

fn read_codeowners(path: &Path) -> anyhow::Result<CodeOwners> {
    let codeowners = CodeOwners::parse(&text(path)?);
    for fault in &codeowners.faults {
        output::note(format!("{}: line {}: {}", path.display(), fault.line, fault.sentence));
    }
    Ok(codeowners)
}

fn list(codebases: &[Value]) {
    if codebases.is_empty() {
        output::line("no codebases yet; define them with: tenure codebase apply FILE");
        return;
    }
    let name = |item: &Value| item["name"].as_str().or_else(|| item.as_str()).unwrap_or("-").to_owned();
    let rows: Vec<Vec<String>> = codebases
        .iter()
        .map(|codebase| {
            let items: Vec<String> = codebase["items"].as_array().into_iter().flatten().map(name).collect();
            vec![
                codebase["codebase"].as_str().unwrap_or("-").to_owned(),
                codebase["team"].as_str().unwrap_or("").to_owned(),
                items.join(", "),
            ]
        })
        .collect();
    output::table(&["codebase", "team", "owner process"], &[], &rows);
}

fn text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}
