//! `tenure import events` and `tenure events …`: exposures and outcomes from files, and what becomes of them.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use indicatif::ProgressBar;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenure_events::EventFile;

use crate::client::{Client, Server, block_on};
use crate::output;

/// Events of one request: enough to share a sync, few enough for any server's bounds.
const ROWS_MAX: usize = 1_000;
const BYTES_MAX: usize = 1 << 20;
/// Refused rows that are shown.
const SHOWN_MAX: usize = 20;

/// Send a file of events.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// The file: .csv, .ndjson or .parquet, with the fields of an event as columns
    file: PathBuf,
    /// The row to begin with, from 1: where an import that broke off said it was
    #[arg(long, value_name = "ROW", default_value_t = 1)]
    from_row: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The event log of a running server.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Erase every event of one unit, for good
    Erase {
        #[command(flatten)]
        server: Server,
        /// The unit's id
        #[arg(long)]
        unit: String,
        /// The type of the unit
        #[arg(long = "type", value_name = "TYPE", default_value = tenure_events::UNIT_TYPE_DEFAULT)]
        unit_type: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// What a request of events was answered.
#[derive(Debug, Deserialize)]
struct Ingested {
    accepted: u64,
    refused: Vec<RefusedEvent>,
    #[serde(default)]
    unknown: Vec<Unknown>,
}

#[derive(Debug, Deserialize)]
struct RefusedEvent {
    index: u64,
    field: String,
    message: String,
}

#[derive(Debug, Deserialize)]
struct Unknown {
    field: String,
    name: String,
    message: String,
}

/// What an import did.
#[derive(Debug, Default, Serialize)]
struct Imported {
    accepted: u64,
    refused: u64,
    /// The first refused rows.
    refused_rows: Vec<RefusedRow>,
    /// What accepted events name that the server does not know.
    unknown: Vec<String>,
    /// The row to go on with.
    next_row: u64,
}

#[derive(Debug, Serialize)]
struct RefusedRow {
    row: u64,
    field: String,
    message: String,
}

/// `tenure events …`.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Erase { server, unit, unit_type, json } => block_on(async move {
            let client = Client::new(&server)?;
            let query = [("unit", unit.as_str()), ("type", unit_type.as_str())];
            let address = reqwest::Url::parse_with_params("http://server/api/v1/events", query)?;
            let path = format!("/api/v1/events?{}", address.query().unwrap_or_default());
            let erased: Value = client.send(Method::DELETE, &path, None::<&()>).await?.json().await?;
            if json {
                output::pretty(&erased)?;
            } else {
                let count = |key: &str| erased[key].as_u64().unwrap_or_default();
                output::line(format!("{} erased", output::counted(count("events"), "event")));
                if count("files_in_use") > 0 {
                    output::line("an analysis still reads the old files; they go with the next sealing");
                }
            }
            Ok(ExitCode::SUCCESS)
        }),
    }
}

/// `tenure import events FILE`.
pub fn import(server: &Server, args: ImportArgs) -> anyhow::Result<ExitCode> {
    block_on(async move {
        let client = Client::new(server)?;
        let mut file = EventFile::open(&args.file)?;
        let mut imported = Imported::default();
        let bar = ProgressBar::new_spinner();
        let sent = send(&client, &mut file, args.from_row, &mut imported, &bar).await;
        bar.finish_and_clear();
        if args.json {
            output::pretty(&imported)?;
        } else {
            tell(&imported);
        }
        sent.with_context(|| {
            format!(
                "stopped before row {0}; what was accepted stays. Go on with --from-row {0}, or send all again: an event with an id or a time counts once",
                imported.next_row
            )
        })?;
        Ok(if imported.refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}

async fn send(
    client: &Client,
    file: &mut EventFile,
    from_row: u64,
    imported: &mut Imported,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    imported.next_row = from_row.max(1);
    while file.rows() + 1 < imported.next_row {
        let behind = imported.next_row - 1 - file.rows();
        let rows_max = usize::try_from(behind).unwrap_or(ROWS_MAX).min(ROWS_MAX);
        if file.next(rows_max, BYTES_MAX)?.is_empty() {
            return Ok(());
        }
    }
    loop {
        let first = file.rows() + 1;
        let lines = file.next(ROWS_MAX, BYTES_MAX)?;
        if lines.is_empty() {
            return Ok(());
        }
        let answer: Ingested = client.post_lines("/api/v1/events", &lines.join("\n")).await?;
        imported.accepted += answer.accepted;
        imported.refused += answer.refused.len() as u64;
        for RefusedEvent { index, field, message } in answer.refused {
            if imported.refused_rows.len() < SHOWN_MAX {
                imported.refused_rows.push(RefusedRow { row: first + index, field, message });
            }
        }
        for Unknown { field, name, message } in answer.unknown {
            let told = format!("{field} {name}: {message}");
            if imported.unknown.len() < SHOWN_MAX && !imported.unknown.contains(&told) {
                imported.unknown.push(told);
            }
        }
        imported.next_row = file.rows() + 1;
        bar.set_message(format!("{} accepted", output::counted(imported.accepted, "event")));
        bar.tick();
    }
}

fn tell(imported: &Imported) {
    output::line(format!(
        "{} accepted, {} refused",
        output::counted(imported.accepted, "event"),
        output::count(imported.refused)
    ));
    for RefusedRow { row, field, message } in &imported.refused_rows {
        output::line(format!("  row {row}: {field}: {message}"));
    }
    let untold = imported.refused.saturating_sub(imported.refused_rows.len() as u64);
    if untold > 0 {
        output::line(format!("  and {} more", output::count(untold)));
    }
    for told in &imported.unknown {
        output::line(format!("  {told}"));
    }
}
