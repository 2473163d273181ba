//! `tenure journal …`: is the chain whole, and what is in it.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};
use tenure_store::{Inspector, Location, VerifyError};

use crate::client::{Client, Server, block_on};
use crate::output;

/// The journal of a data folder, whether or not a server runs on it.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Check every entry's hash and place; name the first bad one
    Verify {
        #[command(flatten)]
        place: Place,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print entries, oldest first
    Log {
        #[command(flatten)]
        place: Place,
        /// Only entries behind this one
        #[arg(long, default_value_t = 0)]
        after: i64,
        /// How many entries at most
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// Print one JSON object an entry
        #[arg(long)]
        json: bool,
    },
    /// Search the journal of a running server: who decided what, as sentences, oldest first
    Search {
        #[command(flatten)]
        server: Server,
        /// Only entries whose sentence holds these words
        #[arg(default_value = "")]
        text: String,
        /// Only entries of this case
        #[arg(long)]
        case: Option<String>,
        /// Only what this account decided; `system` is Tenure itself
        #[arg(long)]
        actor: Option<String>,
        /// Only entries of this kind, such as wave_started
        #[arg(long)]
        kind: Option<String>,
        /// Only entries from this instant on, RFC 3339
        #[arg(long, value_name = "INSTANT")]
        from: Option<String>,
        /// Only entries before this instant, RFC 3339
        #[arg(long, value_name = "INSTANT")]
        to: Option<String>,
        /// How many entries at most
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Where a journal is.
#[derive(Debug, clap::Args)]
pub struct Place {
    /// The server's data folder
    #[arg(long, env = "TENURE_HOME", value_name = "DIR", default_value = "tenure-data")]
    data_dir: PathBuf,
    /// The database, if the journal is in PostgreSQL
    #[arg(long, env = "TENURE_DATABASE", value_name = "URL", hide_env_values = true)]
    database: Option<String>,
}

impl Place {
    async fn open(&self) -> anyhow::Result<Inspector> {
        let location = match &self.database {
            Some(url) => url.parse()?,
            None => Location::folder(&self.data_dir),
        };
        Ok(Inspector::open(&location).await?)
    }
}

/// `tenure journal …`.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    block_on(async move {
        match command {
            Command::Verify { place, json } => verify(&place.open().await?, json).await,
            Command::Log { place, after, limit, json } => log(&place.open().await?, after, limit, json).await,
            Command::Search { server, text, case, actor, kind, from, to, limit, json } => {
                let wanted = [
                    ("text", Some(text).filter(|text| !text.is_empty())),
                    ("case", case),
                    ("actor", actor),
                    ("kind", kind),
                    ("from", from),
                    ("to", to),
                ];
                let query = wanted.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
                search(&Client::new(&server)?, query, limit, json).await
            }
        }
    })
}

async fn search(
    client: &Client,
    mut query: Vec<(&str, String)>,
    limit: usize,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let mut found: Vec<Value> = Vec::new();
    let mut after = Some("0".to_owned());
    while let Some(next) = after.filter(|_| found.len() < limit) {
        query.retain(|(name, _)| !matches!(*name, "after" | "limit"));
        query.push(("after", next));
        query.push(("limit", (limit - found.len()).min(1_000).to_string()));
        let page: Value = client.query("/api/v1/journal", &query).await?.json().await?;
        found.extend(page["items"].as_array().into_iter().flatten().cloned());
        after = page["next"].as_str().map(str::to_owned);
    }
    if json {
        output::json(&found)?;
        return Ok(ExitCode::SUCCESS);
    }
    if found.is_empty() {
        output::line("no entry is like that");
    }
    for entry in &found {
        let text = |name: &str| entry[name].as_str().unwrap_or("-").to_owned();
        let at = text("at").get(..16).map_or_else(|| text("at"), |minute| minute.replace('T', " "));
        let seq = entry["seq"].as_i64().unwrap_or_default();
        output::line(format!("{seq:>6}  {at}  {}", text("sentence")));
    }
    Ok(ExitCode::SUCCESS)
}

async fn verify(journal: &Inspector, json: bool) -> anyhow::Result<ExitCode> {
    match journal.verify().await {
        Ok(verified) => {
            let head = verified.head.to_string();
            if json {
                output::json(&json!({"verified": true, "entries": verified.entries, "head": head}))?;
            } else {
                output::line(format!("{} entries, whole; the chain ends at {head}", verified.entries));
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(VerifyError::Broken(broken)) => {
            if json {
                output::json(
                    &json!({"verified": false, "entry": broken.seq, "problem": broken.to_string()}),
                )?;
            } else {
                output::line(format!("the journal is not whole: {broken}"));
            }
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(error.into()),
    }
}

async fn log(journal: &Inspector, after: i64, limit: u32, json: bool) -> anyhow::Result<ExitCode> {
    for entry in journal.read(after, limit).await? {
        if json {
            output::json(&json!({
                "seq": entry.seq, "at": entry.at, "actor": entry.actor, "stream": entry.stream,
                "kind": entry.kind, "version": entry.version,
                "body": serde_json::from_str::<Value>(&entry.body)?, "hash": entry.hash.to_string(),
            }))?;
        } else {
            output::line(format!(
                "{:>6}  {:.0}  {:<20} {:<18} {:<28} {}",
                entry.seq, entry.at, entry.actor, entry.stream, entry.kind, entry.body
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}
