//! `tenure segment …`: named sets of units that the rules of any flag refer to.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Value, json};
use tenure_flags::authoring::Segment;

use crate::client::{Client, Server, block_on};
use crate::output;

/// Segments.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List segments
    List {
        #[command(flatten)]
        server: Server,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show who is in a segment, and which flags refer to it
    Show {
        #[command(flatten)]
        server: Server,
        /// The segment
        segment: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Set who is in a segment
    Set(SetArgs),
    /// What was changed in a segment, the latest first
    History {
        #[command(flatten)]
        server: Server,
        /// The segment
        segment: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Take a segment away that no flag refers to
    Archive {
        #[command(flatten)]
        server: Server,
        /// The segment
        segment: String,
    },
}

/// Who is in a segment.
#[derive(Debug, clap::Args)]
pub struct SetArgs {
    #[command(flatten)]
    server: Server,
    /// The segment
    segment: String,
    /// A file (JSON): `{"members": […], "excluded": […], "rules": [[{"attribute": …, "values": […]}]]}`
    #[arg(required_unless_present = "members")]
    file: Option<PathBuf>,
    /// A file with a unit a line, instead: they are its members
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    members: Option<PathBuf>,
    /// What it is for
    #[arg(long)]
    description: Option<String>,
    /// Why
    #[arg(long)]
    reason: Option<String>,
}

/// `tenure segment …`.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    block_on(async move {
        match command {
            Command::List { server, json } => {
                let segments = Client::new(&server)?.all_of("/api/v1/segments", &[]).await?;
                if json { output::json(&segments)? } else { list(&segments) }
            }
            Command::Show { server, segment, json } => {
                let shown: Value = Client::new(&server)?.get(&format!("/api/v1/segments/{segment}")).await?;
                if json { output::json(&shown)? } else { show(&shown) }
            }
            Command::Set(args) => set(args).await?,
            Command::History { server, segment, json } => {
                let path = format!("/api/v1/segments/{segment}/history");
                let page: Value = Client::new(&server)?.get(&path).await?;
                if json {
                    output::json(&page["items"])?;
                } else {
                    page["items"].as_array().into_iter().flatten().for_each(change);
                }
            }
            Command::Archive { server, segment } => {
                let with = json!({"segment": segment});
                Client::new(&server)?.give(&json!({"do": "archive_segment", "with": with}), None).await?;
                output::line(format!("{segment} is archived"));
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

async fn set(args: SetArgs) -> anyhow::Result<()> {
    let holds = match (&args.file, &args.members) {
        (_, Some(members)) => {
            let members = text(members)?;
            let members: Vec<&str> = members.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            json!({"members": members})
        }
        (Some(file), None) => {
            serde_json::from_str(&text(file)?).with_context(|| format!("{} is not JSON", file.display()))?
        }
        (None, None) => json!({}),
    };
    let mut with = json!({"segment": args.segment, "holds": holds});
    for (name, said) in [("description", args.description), ("reason", args.reason)] {
        if let Some(said) = said {
            with[name] = said.into();
        }
    }
    let done = Client::new(&args.server)?.give(&json!({"do": "set_segment", "with": with}), None).await?;
    output::line(match done["entries"].as_array() {
        Some(entries) if entries.is_empty() => "nothing to change: it is so already".to_owned(),
        _ => format!("{} is set", args.segment),
    });
    Ok(())
}

fn list(segments: &[Value]) {
    if segments.is_empty() {
        output::line("no segments yet; set one with: tenure segment set NAME FILE");
        return;
    }
    let rows: Vec<Vec<String>> = segments
        .iter()
        .map(|segment| {
            let holds = read(segment);
            vec![
                segment["segment"].as_str().unwrap_or("-").to_owned(),
                output::count(holds.members.count() as u64),
                output::count(holds.excluded.count() as u64),
                holds.rules.len().to_string(),
                segment["used_by"].as_array().map_or(0, Vec::len).to_string(),
                segment["description"].as_str().unwrap_or("").to_owned(),
            ]
        })
        .collect();
    output::table(&["segment", "members", "excluded", "rules", "used by", "for"], &[1, 2, 3, 4], &rows);
}

fn read(segment: &Value) -> Segment {
    serde_json::from_value(segment["holds"].clone()).unwrap_or_default()
}

fn show(segment: &Value) {
    let holds = read(segment);
    output::line(segment["segment"].as_str().unwrap_or("-"));
    if let Some(description) = segment["description"].as_str() {
        output::prose(2, &format!("  {description}"));
    }
    output::line(format!("  units are told by {}", holds.by));
    output::line(format!(
        "  {} in by list, {} out",
        output::counted(holds.members.count() as u64, "unit"),
        holds.excluded.count()
    ));
    for rule in &holds.rules {
        let conditions: Vec<String> = rule.iter().map(ToString::to_string).collect();
        output::prose(4, &format!("  in are those with {}", conditions.join(" and ")));
    }
    for user in segment["used_by"].as_array().into_iter().flatten() {
        let named = |key: &str| user[key].as_str().unwrap_or("-");
        output::line(format!("  used by {} in {}", named("flag"), named("environment")));
    }
}

fn change(change: &Value) {
    let stamp = &change["stamp"];
    let day = stamp["at"].as_str().and_then(|at| at.get(..16)).unwrap_or("-").replace('T', " ");
    output::line(format!("entry {}  {day}  {}", change["entry"], stamp["by"].as_str().unwrap_or("-")));
    if let Some(reason) = change["reason"].as_str() {
        output::prose(4, &format!("    because {reason}"));
    }
    for sentence in change["sentences"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        output::prose(6, &format!("    - {sentence}"));
    }
}

fn text(path: &std::path::Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}
