//! `tenure flag …`: the flags of a running server, how each stands in every environment, and its definition in flagd's format.

mod change;
mod code_scan;
mod definition_file;
mod evaluate;
mod references;
mod request;
mod shown;

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::client::{Client, Server, block_on};
use crate::output;

/// Flags.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List flags with how each stands in every environment
    List(shown::ListArgs),
    /// Show a flag: what it is for, how it stands, and its rules
    Show(shown::ShowArgs),
    /// What is different between two environments, of all flags or one
    Diff(shown::DiffArgs),
    /// What was changed in a flag, the latest first
    History(shown::HistoryArgs),
    /// Take a change of a flag back, and those after it
    Revert(change::RevertArgs),
    /// Define a flag from a file: a flagd definition, or variants and rules (`-` reads standard input)
    Set(change::SetArgs),
    /// Say what a flag is for, whose it is, and how long it is meant to live
    Describe(change::DescribeArgs),
    /// Archive a flag: it is no longer served
    Archive(change::ArchiveArgs),
    /// Propose, approve and apply changes of flags
    #[command(subcommand)]
    Request(request::Command),
    /// Define every flag of a flagd definition file, after a check of it
    Import(definition_file::ImportArgs),
    /// Print all flags of an environment as one flagd definition
    Export {
        #[command(flatten)]
        target: Target,
    },
    /// Check a flagd definition file without a server: every fault with its place
    Lint(definition_file::LintArgs),
    /// Find where flags' keys stand in a checkout
    Refs(references::Args),
    /// Evaluate flags: one as an application would, over OFREP, or with the reason why
    Evaluate(evaluate::Args),
}

/// Which server and which of its environments.
#[derive(Debug, clap::Args)]
pub struct Target {
    #[command(flatten)]
    server: Server,
    /// The environment
    #[arg(long, default_value = "production")]
    environment: String,
}

/// `tenure flag …`.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Lint(args) => definition_file::lint(&args),
        Command::List(args) => done(shown::list(args)),
        Command::Show(args) => done(shown::show(args)),
        Command::Diff(args) => done(shown::diff(args)),
        Command::History(args) => done(shown::history(args)),
        Command::Revert(args) => done(change::revert(args)),
        Command::Set(args) => done(change::set(args)),
        Command::Describe(args) => done(change::describe(args)),
        Command::Archive(args) => done(change::archive(args)),
        Command::Request(command) => done(request::run(command)),
        Command::Import(args) => block_on(definition_file::import(args)),
        Command::Export { target } => done(definition_file::export(target)),
        Command::Refs(args) => references::run(args),
        Command::Evaluate(args) => done(evaluate::run(args)),
    }
}

fn done(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<ExitCode> {
    block_on(async move {
        work.await?;
        Ok(ExitCode::SUCCESS)
    })
}

impl Target {
    fn client(&self) -> anyhow::Result<Client> {
        Client::new(&self.server)
    }
}

/// Give a command; says `did` where it changed something, else that it is so already.
async fn give(client: &Client, name: &str, with: Value, did: String) -> anyhow::Result<()> {
    let done = client.give(&json!({"do": name, "with": with}), None).await?;
    output::line(match done["entries"].as_array() {
        Some(entries) if entries.is_empty() => "nothing to change: it is so already".to_owned(),
        Some(entries) => match entries.first().map(|entry| &entry["seq"]) {
            Some(seq) => format!("{did} (entry {seq})"),
            None => did,
        },
        None => did,
    });
    Ok(())
}

fn read_json(file: &std::path::Path) -> anyhow::Result<Value> {
    let text = definition_file::text(file)?;
    serde_json::from_str(&text).map_err(|error| anyhow::anyhow!("{} is not JSON: {error}", file.display()))
}

/// Members of an object that have a value.
fn said(members: Value) -> Value {
    match members {
        Value::Object(members) => members.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        other => other,
    }
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or("-").to_owned()
}

/// A file argument that is read as JSON.
type JsonFile = PathBuf;
