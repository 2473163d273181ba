//! `tenure flag set|describe|archive|revert`: changes of one flag, by commands.

use serde_json::{Value, json};

use super::{JsonFile, Target, give, read_json, said};
use crate::client::{Client, Server};

/// A flag from a file.
#[derive(Debug, clap::Args)]
pub struct SetArgs {
    #[command(flatten)]
    target: Target,
    /// The flag's key
    key: String,
    /// The definition (JSON): flagd's, or `{"type", "variants", "default", "rules", …}`
    file: JsonFile,
    /// Why
    #[arg(long)]
    reason: Option<String>,
}

/// What a flag is for.
#[derive(Debug, clap::Args)]
pub struct DescribeArgs {
    #[command(flatten)]
    server: Server,
    /// The flag's key
    key: String,
    /// What it is for
    #[arg(long)]
    description: Option<String>,
    /// A word to find it by; may be given several times, and replaces those there were
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// The team that answers for it
    #[arg(long, value_name = "TEAM")]
    owner: Option<String>,
    /// The last day that it is meant to live
    #[arg(long, value_name = "DATE", conflicts_with = "permanent")]
    until: Option<jiff::civil::Date>,
    /// It is meant to stay
    #[arg(long)]
    permanent: bool,
}

/// A flag that goes.
#[derive(Debug, clap::Args)]
pub struct ArchiveArgs {
    #[command(flatten)]
    target: Target,
    /// The flag's key
    key: String,
    /// Why
    #[arg(long)]
    reason: Option<String>,
}

/// A change that is taken back.
#[derive(Debug, clap::Args)]
pub struct RevertArgs {
    #[command(flatten)]
    target: Target,
    /// The flag's key
    key: String,
    /// The entry of the first change to take back; `tenure flag history` lists them
    entry: u64,
    /// Why
    #[arg(long)]
    reason: String,
}

pub async fn set(args: SetArgs) -> anyhow::Result<()> {
    let SetArgs { target, key, file, reason } = args;
    let mut with = said(json!({"key": key, "environment": target.environment, "reason": reason}));
    let (form, written) = form(read_json(&file)?);
    with[form] = written;
    let did = format!("{key} is set in {}", target.environment);
    give(&target.client()?, "set_flag", with, did).await
}

/// A flag is a flagd definition, or written as rules: told by its `default`.
pub fn form(written: Value) -> (&'static str, Value) {
    if written.get("default").is_some() && written.get("defaultVariant").is_none() {
        ("authored", written)
    } else {
        ("definition", written)
    }
}

pub async fn describe(args: DescribeArgs) -> anyhow::Result<()> {
    let DescribeArgs { server, key, description, tags, owner, until, permanent } = args;
    let lifetime = match until {
        Some(until) => json!({"until": until}),
        None if permanent => json!("permanent"),
        None => Value::Null,
    };
    let tags = if tags.is_empty() { Value::Null } else { json!(tags) };
    let with = said(json!({
        "key": key, "description": description, "tags": tags, "owner": owner, "lifetime": lifetime,
    }));
    give(&Client::new(&server)?, "describe_flag", with, format!("{key} is described")).await
}

pub async fn archive(args: ArchiveArgs) -> anyhow::Result<()> {
    let ArchiveArgs { target, key, reason } = args;
    let with = said(json!({"key": key, "environment": target.environment, "reason": reason}));
    let did = format!("{key} is archived in {}", target.environment);
    give(&target.client()?, "archive_flag", with, did).await
}

pub async fn revert(args: RevertArgs) -> anyhow::Result<()> {
    let RevertArgs { target, key, entry, reason } = args;
    let with = json!({"key": key, "entry": entry, "environment": target.environment, "reason": reason});
    let did = format!("{key} is in {} as it was before entry {entry}", target.environment);
    give(&target.client()?, "revert_flag", with, did).await
}
