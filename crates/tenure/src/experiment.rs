//! `tenure experiment …`: experiments that were registered, and those that are run here.

use std::process::ExitCode;

use serde_json::{Value, json};
use tenure_stats::number;

use crate::client::{Client, Server, block_on};
use crate::output;

/// Experiments.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List registered experiments with their verdicts
    List {
        #[command(flatten)]
        server: Server,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List experiments that are run here: planned, running and ended
    Runs {
        #[command(flatten)]
        server: Server,
        /// Only those in this state: planned, running, judged or stopped
        #[arg(long)]
        status: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show an experiment that is run here: its arms against control, and how its data are
    Show {
        #[command(flatten)]
        server: Server,
        /// The experiment
        experiment: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// End an experiment that is run here, at once: everybody gets what control gets
    Stop {
        #[command(flatten)]
        server: Server,
        /// The experiment
        experiment: String,
        /// Why
        reason: String,
    },
}

/// `tenure experiment …`.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    block_on(async move {
        match command {
            Command::List { server, json } => {
                let experiments = Client::new(&server)?.all_of("/api/v1/experiments", &[]).await?;
                if json { output::json(&experiments)? } else { list(&experiments) }
            }
            Command::Runs { server, status, json } => {
                let query: Vec<_> = status.map(|status| ("status", status)).into_iter().collect();
                let runs = Client::new(&server)?.all_of("/api/v1/runs", &query).await?;
                if json { output::json(&runs)? } else { runs_listed(&runs) }
            }
            Command::Show { server, experiment, json } => {
                let run: Value = Client::new(&server)?.get(&format!("/api/v1/runs/{experiment}")).await?;
                if json { output::json(&run)? } else { show(&run) }
            }
            Command::Stop { server, experiment, reason } => {
                let with = json!({"experiment": experiment, "reason": reason});
                let client = Client::new(&server)?;
                client.give(&json!({"do": "stop_run", "with": with}), None).await?;
                let run: Value = client.get(&format!("/api/v1/runs/{experiment}")).await?;
                output::line(ended(&run));
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn list(experiments: &[Value]) {
    let row = |it: &Value| {
        [&it["experiment"], &it["team"], &it["ended"], &it["judged"]["verdict"], &it["judged"]["sentence"]]
            .map(text)
            .to_vec()
    };
    let rows: Vec<Vec<String>> = experiments.iter().map(row).collect();
    output::table(&["experiment", "team", "ended", "verdict", "what it says"], &[], &rows);
}

fn runs_listed(runs: &[Value]) {
    let row = |run: &Value| {
        let plan = &run["plan"];
        let arms = plan["arms"].as_array().map_or(0, |arms| arms.len().saturating_sub(1));
        let arms = output::counted(arms as u64, "arm");
        let mut row = [&run["experiment"], &run["status"], &plan["team"], &plan["flag"]].map(text).to_vec();
        row.extend([arms, text(&plan["metric"]["name"]), text(&run["looks"])]);
        row
    };
    let rows: Vec<Vec<String>> = runs.iter().map(row).collect();
    let headings = ["experiment", "status", "team", "flag", "against control", "metric", "looks"];
    output::table(&headings, &[6], &rows);
}

fn show(run: &Value) {
    let plan = &run["plan"];
    let title = plan["title"].as_str().map_or_else(String::new, |title| format!(" ({title})"));
    output::line(format!("{}{title}, {}", text(&run["experiment"]), text(&run["status"])));
    output::line(format!(
        "{} on flag {} in {}, {} admitted, {} units in control planned",
        text(&plan["metric"]["name"]),
        text(&plan["flag"]),
        text(&plan["environment"]),
        number::percent(plan["coverage_percent"].as_f64().unwrap_or_default() / 100.0),
        output::count(plan["planned_n"].as_u64().unwrap_or_default()),
    ));
    let latest = |name: &str| &run["arms"][name]["latest"];
    let arms = plan["arms"].as_array().map(Vec::as_slice).unwrap_or_default();
    for name in arms.iter().skip(1).filter_map(|arm| arm["name"].as_str()) {
        let arm = latest(name);
        let says = match (arm["closed"].as_str(), arm["judged"]["sentence"].as_str()) {
            (Some(closed), _) => format!("closed: {closed}"),
            (None, Some(sentence)) => sentence.to_owned(),
            (None, None) => "no look yet".to_owned(),
        };
        output::line(format!("  {name}: {says}"));
    }
    for finding in run["latest"]["health"].as_array().into_iter().flatten() {
        if let Some(remedy) = finding["remedy"].as_str() {
            output::line(format!("  {}: {}; {remedy}", text(&finding["state"]), text(&finding["sentence"])));
        }
    }
    if run["ended"].is_object() {
        output::line(ended(run));
    }
}

/// How a run ended, and what comes next.
fn ended(run: &Value) -> String {
    let end = &run["ended"];
    let reason = end["reason"].as_str().map_or_else(String::new, |reason| format!(": {reason}"));
    let experiment = text(&run["experiment"]);
    match end["arm"].as_str() {
        Some(arm) if run["arms"][arm]["latest"]["judged"]["verdict"] == "positive" => format!(
            "{experiment} ended with the result of {arm}{reason}; next: tenure do open_case experiment={experiment} case=…"
        ),
        Some(arm) => format!("{experiment} ended with the result of {arm}{reason}"),
        None => format!("{experiment} ended without a result{reason}"),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
