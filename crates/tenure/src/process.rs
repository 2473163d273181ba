//! `tenure case …` and `tenure do …`: reading cases, and giving the commands of the process.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::ValueEnum as _;
use serde_json::{Map, Value, json};
use tenure_core::Command;

use crate::client::{Client, Server, block_on};
use crate::{output, watch};

/// Cases.
#[derive(Debug, clap::Subcommand)]
pub enum CaseCommand {
    /// List cases: stage, exposure, verdict, and what each waits for
    List {
        #[command(flatten)]
        server: Server,
        #[command(flatten)]
        which: Which,
        /// Only cases whose names, title or flag hold these words
        #[arg(long)]
        text: Option<String>,
        /// By what to order: case, opened, in_stage, stage, benefit or realised_share
        #[arg(long)]
        order: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one case
    Show {
        #[command(flatten)]
        server: Server,
        /// The case
        case: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// What waits on you, oldest first
    Desk {
        #[command(flatten)]
        server: Server,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Watch a rollout until its verdict
    Watch {
        #[command(flatten)]
        server: Server,
        /// The case
        case: String,
    },
    /// Print a document of a case: its dossier, decision record or release note
    Document {
        #[command(flatten)]
        server: Server,
        /// The case
        case: String,
        /// Which document
        #[arg(default_value = "dossier")]
        document: Document,
        /// HTML (the dossier only) or Markdown
        #[arg(long)]
        format: Option<DocumentFormat>,
        /// The time zone of instants, such as Europe/Berlin; UTC if left out
        #[arg(long)]
        zone: Option<String>,
        /// Write to a file instead of printing
        #[arg(long, short, value_name = "FILE")]
        out: Option<std::path::PathBuf>,
    },
    /// Attach a file that shows how an item of an owner process is done
    Attach {
        #[command(flatten)]
        server: Server,
        /// The case
        case: String,
        /// The codebase
        codebase: String,
        /// The item of its owner process
        item: String,
        /// The file, at most 8 MiB
        file: std::path::PathBuf,
        /// What it shows, in words
        #[arg(long, default_value = "")]
        evidence: String,
        /// What it is, as a media type; told from its ending if left out
        #[arg(long, value_name = "TYPE")]
        media_type: Option<String>,
    },
    /// The history of a case, from the journal
    Log {
        #[command(flatten)]
        server: Server,
        /// The case
        case: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// A document of a case.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Document {
    /// Everything, on one page
    Dossier,
    /// What was decided and why
    DecisionRecord,
    /// What people should know of the kept feature
    ReleaseNote,
}

/// The form of a document.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum DocumentFormat {
    /// One self-contained file
    Html,
    /// Plain text with marks
    Markdown,
}

/// Which cases.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// Only cases of this experiment team
    #[arg(long)]
    team: Option<String>,
    /// Only cases that concern this product team
    #[arg(long)]
    product_team: Option<String>,
    /// Only cases in this stage, such as rolling_out
    #[arg(long)]
    stage: Option<String>,
    /// Only cases on this product surface
    #[arg(long)]
    surface: Option<String>,
    /// Only cases whose exposure is held
    #[arg(long)]
    held: bool,
    /// Only cases in which something is late
    #[arg(long)]
    late: bool,
}

impl Which {
    /// The query that says so.
    fn query(&self) -> Vec<(&'static str, String)> {
        let said = [
            ("team", self.team.clone()),
            ("product_team", self.product_team.clone()),
            ("stage", self.stage.clone()),
            ("surface", self.surface.clone()),
            ("held", self.held.then(|| "true".to_owned())),
            ("late", self.late.then(|| "true".to_owned())),
        ];
        said.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// What waits on you.
#[derive(Debug, clap::Args)]
pub struct NextArgs {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    which: Which,
    /// How many to show
    #[arg(long, default_value_t = 5)]
    most: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Give a command of the process.
#[derive(Debug, clap::Args)]
#[command(after_long_help = commands_help())]
pub struct DoArgs {
    #[command(flatten)]
    server: Server,
    /// The command, such as open_case
    command: String,
    /// Its arguments; a value is read as JSON where it is JSON, else as text
    #[arg(value_name = "KEY=VALUE")]
    arguments: Vec<String>,
    /// All arguments as one JSON object
    #[arg(long, value_name = "JSON", conflicts_with = "arguments")]
    with: Option<String>,
    /// The same key is carried out once, however often it is sent
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn commands_help() -> String {
    let width = Command::ALL.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let lines: Vec<String> = Command::ALL
        .iter()
        .map(|(name, says)| format!("  {name:width$}  {}", says.trim_end_matches('.')))
        .collect();
    format!("Commands:\n{}", lines.join("\n"))
}

/// `tenure do`.
pub fn give(args: DoArgs) -> anyhow::Result<ExitCode> {
    let arguments = match &args.with {
        Some(json) => serde_json::from_str(json)?,
        None => arguments(&args.arguments)?,
    };
    block_on(async move {
        let body = json!({"do": args.command, "with": arguments});
        let done = Client::new(&args.server)?.give(&body, args.idempotency_key.as_deref()).await?;
        if args.json {
            output::json(&done)?;
            return Ok(ExitCode::SUCCESS);
        }
        let entries = done["entries"].as_array().map(Vec::as_slice).unwrap_or_default();
        if entries.is_empty() {
            output::line("nothing to change: it is so already");
        }
        for entry in entries {
            let seq = entry["seq"].as_i64().unwrap_or_default();
            output::line(format!("{seq:>6}  {}  {}", text(entry, "stream"), text(entry, "kind")));
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// `tenure next`.
pub fn next(args: NextArgs) -> anyhow::Result<ExitCode> {
    block_on(async move {
        let mut query = args.which.query();
        query.push(("limit", args.most.to_string()));
        let desk: Value = Client::new(&args.server)?.query("/api/v1/desk", &query).await?.json().await?;
        let total = desk["total"].as_u64().unwrap_or_default() as usize;
        let waits = desk["waits"].as_array().map(Vec::as_slice).unwrap_or_default();
        if args.json {
            output::json(&waits)?;
            return Ok(ExitCode::SUCCESS);
        }
        if total == 0 {
            output::line("nothing waits on you");
        }
        for wait in waits {
            output::line(format!("{}  {}", text(wait, "case"), waiting(wait)));
            output::line(format!("    tenure do {}", answer(wait)));
        }
        if total > waits.len() {
            output::line(format!("and {} more: tenure case desk", total - waits.len()));
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// The command that answers what waits, with what is known filled in and what is asked left to the reader.
fn answer(wait: &Value) -> String {
    let known = wait["with"].as_object().into_iter().flatten().map(|(name, value)| match value.as_str() {
        Some(value) => format!("{name}={value}"),
        None => format!("{name}={value}"),
    });
    let asked = wait["asked"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let asked = asked.map(|name| format!("{name}=…"));
    let parts: Vec<String> = std::iter::once(text(wait, "command")).chain(known).chain(asked).collect();
    parts.join(" ")
}

fn arguments(pairs: &[String]) -> anyhow::Result<Map<String, Value>> {
    let mut arguments = Map::new();
    for pair in pairs {
        let Some((key, value)) = pair.split_once('=') else {
            bail!("{pair:?} is no argument; write KEY=VALUE, such as case=PC-1");
        };
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        arguments.insert(key.to_owned(), value);
    }
    Ok(arguments)
}

/// `tenure case …`.
pub fn case(command: CaseCommand) -> anyhow::Result<ExitCode> {
    block_on(async move {
        match command {
            CaseCommand::List { server, which, text, order, json } => {
                let mut query = which.query();
                query.extend(text.map(|text| ("text", text)));
                query.extend(order.map(|order| ("order", order)));
                query.push(("limit", "1000".to_owned()));
                let cases = Client::new(&server)?.all_of("/api/v1/cases", &query).await?;
                if json { output::json(&cases)? } else { list(&cases) }
            }
            CaseCommand::Show { server, case, json } => {
                let case: Value = Client::new(&server)?.get(&format!("/api/v1/cases/{case}")).await?;
                if json { output::json(&case)? } else { show(&case) }
            }
            CaseCommand::Desk { server, json } => {
                let waiting: Value = Client::new(&server)?.get("/api/v1/desk?limit=1000").await?;
                let waiting = waiting["waits"].as_array().map(Vec::as_slice).unwrap_or_default();
                if json { output::json(&waiting)? } else { desk(waiting) }
            }
            CaseCommand::Watch { server, case } => {
                watch::watch(&Client::new(&server)?, &case, None).await?;
            }
            CaseCommand::Document { server, case, document, format, zone, out } => {
                let client = Client::new(&server)?;
                let text = document_text(&client, &case, document, format, zone.as_deref()).await?;
                match out {
                    None => output::line(text.trim_end()),
                    Some(file) => {
                        std::fs::write(&file, text)
                            .with_context(|| format!("{} cannot be written", file.display()))?;
                        output::line(format!("{} is written", file.display()));
                    }
                }
            }
            CaseCommand::Attach { server, case, codebase, item, file, evidence, media_type } => {
                let bytes =
                    std::fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
                let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let media_type = media_type.as_deref().unwrap_or(media_type_of(&name)).to_owned();
                let query =
                    [("codebase", codebase), ("item", item), ("file", name.clone()), ("evidence", evidence)];
                let path = format!("/api/v1/cases/{case}/attachments");
                Client::new(&server)?.upload(&path, &query, &media_type, bytes).await?;
                output::line(format!("{name} is attached"));
            }
            CaseCommand::Log { server, case, json } => {
                let path = format!("/api/v1/journal?limit=1000&stream=case/{case}");
                let entries = Client::new(&server)?.all(&path).await?;
                if json { output::json(&entries)? } else { log(&entries) }
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// What a file is, by the ending of its name.
fn media_type_of(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).as_deref() {
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("svg") => "image/svg+xml",
        Some("pdf") => "application/pdf",
        Some("json") => "application/json",
        Some("csv") => "text/csv",
        Some("html" | "htm") => "text/html",
        Some("md") => "text/markdown",
        Some("txt" | "log") => "text/plain",
        _ => "application/octet-stream",
    }
}

async fn document_text(
    client: &Client,
    case: &str,
    document: Document,
    format: Option<DocumentFormat>,
    zone: Option<&str>,
) -> anyhow::Result<String> {
    let name = |value: &dyn Fn() -> Option<clap::builder::PossibleValue>| {
        value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    };
    let mut query = Vec::new();
    if let Some(format) = format {
        query.push(("format", name(&|| format.to_possible_value())));
    }
    if let Some(zone) = zone {
        query.push(("zone", zone.to_owned()));
    }
    let document = name(&|| document.to_possible_value());
    Ok(client.query(&format!("/api/v1/cases/{case}/documents/{document}"), &query).await?.text().await?)
}

fn list(cases: &[Value]) {
    if cases.is_empty() {
        output::line("no cases yet; open one with: tenure do open_case case=PC-1 experiment=EXP-1");
        return;
    }
    let rows: Vec<Vec<String>> = cases
        .iter()
        .map(|case| {
            vec![
                text(case, "id"),
                text(case, "stage").replace('_', " "),
                percent(&case["exposure_percent"]),
                case["verdict"].as_str().unwrap_or("").replace('_', " "),
                case["delivery"]["replication"].as_str().unwrap_or("").to_owned(),
                if case["blocker"].is_null() { String::new() } else { waiting(&case["blocker"]) },
            ]
        })
        .collect();
    output::table(&["case", "stage", "exposed", "verdict", "replication", "waits on"], &[2], &rows);
}

fn show(case: &Value) {
    let title = case["of_experiment"]["title"].as_str().map(|title| format!(": {title}")).unwrap_or_default();
    output::line(format!("{}{title}", text(case, "id")));
    output::line(format!(
        "{}, iteration {}, {} of customers meet it",
        text(case, "stage").replace('_', " "),
        case["iteration"],
        percent(&case["exposure_percent"])
    ));
    output::line("");
    for wait in case["waits"].as_array().into_iter().flatten() {
        output::line(format!("waits on {}", waiting(wait)));
    }
    if let Some(sentence) = case["of_experiment"]["judged"]["sentence"].as_str() {
        output::line(format!("won        {sentence}"));
    }
    if let Some(sentence) = case["delivery"]["sentence"].as_str() {
        output::line(format!("delivered  {sentence}"));
    }
    if let Some(label) = case["delivery"]["replication"].as_str() {
        output::line(format!("the same?   {label}"));
    }
    output::line(format!(
        "fidelity   {} of {} spent on deviations",
        case["fidelity"]["spent"], case["fidelity"]["budget"]
    ));
    for sign_off in case["sign_off_status"].as_array().into_iter().flatten() {
        let own = if sign_off["self_approved"] == true { ", self-approved" } else { "" };
        output::line(format!(
            "sign-off   {}: {}{own}",
            text(sign_off, "team"),
            text(sign_off, "status").replace('_', " ")
        ));
    }
    let accountability = &case["accountability"];
    if let Some(accountable) = accountability["accountable"].as_str() {
        let ends =
            accountability["ends"].as_str().map(|ends| format!(", warranty to {ends}")).unwrap_or_default();
        output::line(format!("bugs go to the {}{ends}", accountable.replace('_', " ")));
    }
    output::line("");
    choices(case);
}

/// What the reader may do now; and what they may not though it is their turn, with the reason.
fn choices(case: &Value) {
    let choices = case["choices"].as_array().map(Vec::as_slice).unwrap_or_default();
    let name = |choice: &Value| match choice["kind"].as_str() {
        Some(kind) => format!("{} {kind}", text(choice, "command")),
        None => text(choice, "command"),
    };
    let allowed: Vec<String> = choices.iter().filter(|choice| choice["allowed"] == true).map(name).collect();
    output::line(match allowed.as_slice() {
        [] => "you can only read".to_owned(),
        allowed => format!("you can  {}", allowed.join(", ")),
    });
    for choice in choices {
        let code = choice["refusal"]["code"].as_str();
        if code.is_some_and(|code| !matches!(code, "wrong_state" | "forbidden" | "not_found")) {
            output::line(format!("not yet  {}: {}", name(choice), text(&choice["refusal"], "sentence")));
        }
    }
}

fn desk(waiting: &[Value]) {
    if waiting.is_empty() {
        output::line("nothing waits on you");
    }
    for wait in waiting {
        output::line(format!("{}  {}", text(wait, "case"), self::waiting(wait)));
    }
}

fn waiting(wait: &Value) -> String {
    let seats: Vec<&str> =
        wait["who"].as_array().into_iter().flatten().filter_map(|who| who["seat"].as_str()).collect();
    let who = if seats.len() >= 3 { "any driver".to_owned() } else { seats.join(" or ") };
    let since = wait["since"].as_str().and_then(|since| since.get(..10)).unwrap_or("-");
    let due = wait["due"].as_str().map(|due| format!(", promised by {due}")).unwrap_or_default();
    let late = match wait["late_by_days"].as_u64() {
        Some(days) if wait["overdue"] == true && days > 0 => {
            format!(" and {days} working day{} late", if days == 1 { "" } else { "s" })
        }
        _ if wait["overdue"] == true => " and late".to_owned(),
        _ => String::new(),
    };
    format!("{} to {}, since {since}{due}{late} ({})", who, text(wait, "what"), text(wait, "command"))
}

fn log(entries: &[Value]) {
    for entry in entries {
        let at = entry["at"].as_str().and_then(|at| at.get(..16)).unwrap_or("-").replace('T', " ");
        output::line(format!(
            "{:>6}  {at}  {:<20} {}",
            entry["seq"],
            text(entry, "actor"),
            text(entry, "kind")
        ));
    }
}

fn percent(value: &Value) -> String {
    value.as_f64().map_or_else(|| "-".to_owned(), |value| format!("{value:.0} %"))
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or("-").to_owned()
}
