//! `tenure flag refs`: where flags' keys stand in a checkout, and the evidence that one is gone.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::code_scan::{self, Found};
use crate::client::{Client, Server, block_on};
use crate::output;

/// So many places of each flag are printed for people.
const PLACES_SHOWN: usize = 10;

/// What is looked for, and where.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    server: Server,
    /// The checkout
    path: PathBuf,
    /// Look for this key, without asking a server which flags there are; may be given several times
    #[arg(long = "key", value_name = "KEY")]
    keys: Vec<String>,
    /// Record the counts on the server, as evidence of which flags are gone from the code
    #[arg(long, requires = "codebase")]
    upload: bool,
    /// The codebase that the checkout is of
    #[arg(long, value_name = "NAME")]
    codebase: Option<String>,
    /// The commit that is checked out; git is asked when it is left out
    #[arg(long, value_name = "COMMIT")]
    commit: Option<String>,
    /// Fail when this flag still stands in the code; may be given several times
    #[arg(long, value_name = "KEY")]
    gone: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Scan, print, and record.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    block_on(async move {
        let keys = args.keys().await?;
        let found = code_scan::scan(&args.path, &keys)?;
        if args.json {
            output::json(&found)?;
        } else {
            print(&found);
        }
        if args.upload {
            // A file that was not read could hold any flag: its absence would be no evidence.
            if let Some(unread) = found.unread.first() {
                bail!(
                    "nothing was recorded: {} could not be read, such as {unread}",
                    output::counted(found.unread.len() as u64, "file")
                );
            }
            args.upload(&found).await?;
        }
        let still = args.gone.iter().filter(|key| found.keys.get(*key).is_none_or(|there| there.count > 0));
        let still: Vec<&str> = still.map(String::as_str).collect();
        if still.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        output::note(format!("still in the code, or not looked for: {}", still.join(", ")));
        Ok(ExitCode::FAILURE)
    })
}

impl Args {
    /// The keys that are looked for: those given, else all that the server knows or knew.
    async fn keys(&self) -> anyhow::Result<Vec<String>> {
        if !self.keys.is_empty() {
            return Ok(self.keys.clone());
        }
        let query = [("archived", "true".to_owned()), ("limit", "1000".to_owned())];
        let flags = Client::new(&self.server)?.all_of("/api/v1/flags", &query).await;
        let flags = flags.context("which flags are there? name them with --key, or reach the server")?;
        Ok(flags.iter().filter_map(|flag| flag["key"].as_str().map(str::to_owned)).collect())
    }

    async fn upload(&self, found: &Found) -> anyhow::Result<()> {
        let Some(codebase) = &self.codebase else { return Ok(()) };
        let counts: BTreeMap<&str, u64> =
            found.keys.iter().map(|(key, there)| (key.as_str(), there.count)).collect();
        let mut with = json!({"codebase": codebase, "files": found.files, "counts": counts});
        if let Some(commit) = self.commit.clone().or_else(|| self.head()) {
            with["commit"] = commit.into();
        }
        let command = json!({"do": "record_references", "with": with});
        let done: Value = Client::new(&self.server)?.give(&command, None).await?;
        let entry = &done["entries"][0]["seq"];
        output::note(format!("recorded for {codebase} (entry {entry})"));
        Ok(())
    }

    /// The commit that git says is checked out, if there is git.
    fn head(&self) -> Option<String> {
        let git = Command::new("git").arg("-C").arg(&self.path).args(["rev-parse", "HEAD"]).output().ok()?;
        let commit = String::from_utf8(git.stdout).ok()?.trim().to_owned();
        (git.status.success() && !commit.is_empty()).then_some(commit)
    }
}

fn print(found: &Found) {
    for unread in &found.unread {
        output::note(format!("not read: {unread}"));
    }
    let rows: Vec<Vec<String>> =
        found.keys.iter().map(|(key, there)| vec![key.clone(), output::count(there.count)]).collect();
    output::table(&["flag", "references"], &[1], &rows);
    for (key, there) in found.keys.iter().filter(|(_, there)| there.count > 0) {
        output::line("");
        output::line(key);
        for place in there.places.iter().take(PLACES_SHOWN) {
            output::line(format!("  {}:{}:{}", place.path.display(), place.line, place.column));
        }
        let beyond = there.count.saturating_sub(PLACES_SHOWN as u64);
        if beyond > 0 {
            output::line(format!("  and {} more", output::count(beyond)));
        }
    }
    output::line("");
    output::line(format!("{} read", output::counted(found.files, "file")));
}
