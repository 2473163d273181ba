//! `tenure import`: register an experiment from a file. Units stay here, and their counts are sent; a summary or another tool's
//! export is read by the server.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use jiff::civil::Date;
use serde_json::{Map, Value, json};
use tenure_analysis::{FileQuery, Kind, MetricResult, MetricSpec, analyze_file};
use tenure_stats::comparison::ArmSummary;

use crate::client::{Client, Server, block_on};
use crate::event;
use crate::output;

/// Register an experiment from a file, or send a file of events.
#[derive(Debug, clap::Args)]
#[command(subcommand_negates_reqs = true)]
pub struct Args {
    #[command(flatten)]
    server: Server,
    #[command(subcommand)]
    what: Option<What>,
    /// Units: CSV, plain or gzip, one row a unit (or several with --unit). Otherwise JSON, as the tool exports it
    #[arg(value_name = "FILE", required = true)]
    file: Option<PathBuf>,
    /// What the file is
    #[arg(long, value_enum, default_value = "units")]
    from: From,
    /// The experiment's name, such as EXP-1
    #[arg(long, required_if_eq("from", "units"))]
    experiment: Option<String>,
    /// The team that ran it
    #[arg(long, required_if_eq("from", "units"))]
    team: Option<String>,
    /// The date it ended
    #[arg(long, value_name = "YYYY-MM-DD", required_if_eq("from", "units"))]
    ended: Option<Date>,
    /// The column with the unit's id; without it a row is a unit
    #[arg(long, value_name = "COL")]
    unit: Option<String>,
    /// The column with the arm's name
    #[arg(long, value_name = "COL", required_if_eq("from", "units"))]
    arm: Option<String>,
    /// The arm compared against
    #[arg(long, value_name = "NAME", required_if_eq("from", "units"))]
    control: Option<String>,
    /// The arm that won
    #[arg(long, value_name = "NAME", required_if_eq("from", "units"))]
    treatment: Option<String>,
    /// The primary metric: of units NAME=COL:proportion|mean, otherwise its name in the file
    #[arg(long, value_name = "METRIC", required_if_eq("from", "units"))]
    metric: Option<String>,
    /// Which way of the metric is good; increase, unless the file says otherwise
    #[arg(long)]
    direction: Option<Direction>,
    /// What the experiment was about, in a few words
    #[arg(long)]
    title: Option<String>,
    /// The experiment this one re-ran
    #[arg(long)]
    parent: Option<String>,
    /// The kept case whose feature was its control
    #[arg(long)]
    baseline: Option<String>,
    /// Show what would be registered, and register nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is imported that is no experiment.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// Send a file of exposures and outcomes: CSV, NDJSON or Parquet
    Events(event::ImportArgs),
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum From {
    /// The units themselves, in CSV
    Units,
    /// Counts, moments, or an effect with its interval
    Summary,
    /// An experiment with its results from GrowthBook's API
    Growthbook,
    /// An experiment with its pulse results from Statsig's Console API
    Statsig,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Direction {
    Increase,
    Decrease,
}

impl Direction {
    fn name(self) -> &'static str {
        match self {
            Self::Increase => "increase",
            Self::Decrease => "decrease",
        }
    }
}

/// `tenure import`.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    if let Some(What::Events(events)) = args.what {
        return event::import(&args.server, events);
    }
    match args.from {
        From::Units => units(args),
        From::Summary => export(args, "summary"),
        From::Growthbook => export(args, "growthbook"),
        From::Statsig => export(args, "statsig"),
    }
}

/// What is given of a field that clap has asked for.
fn given<T: Clone>(value: &Option<T>, name: &str) -> anyhow::Result<T> {
    value.clone().with_context(|| format!("{name} is missing"))
}

/// Count the units here, and register the counts.
fn units(args: Args) -> anyhow::Result<ExitCode> {
    let metric: MetricSpec = given(&args.metric, "--metric")?.parse().map_err(anyhow::Error::msg)?;
    if matches!(metric.kind(), Kind::Ratio | Kind::Quantile) {
        bail!("an experiment is registered with a proportion or a mean; {} is neither", metric.name);
    }
    let query = FileQuery {
        unit: args.unit.clone(),
        arm: given(&args.arm, "arm")?,
        control: given(&args.control, "control")?,
        treatment: given(&args.treatment, "treatment")?,
        metrics: vec![metric],
        ..FileQuery::default()
    };
    let file = given(&args.file, "FILE")?;
    let analysis = analyze_file(&file, &query)?;
    let Some(metric) = analysis.metrics.first() else { bail!("the file gave no metric") };
    let command = command(&args, metric)?;
    if args.dry_run {
        output::pretty(&command)?;
        return Ok(ExitCode::SUCCESS);
    }
    block_on(async move {
        let client = Client::new(&args.server)?;
        let done: Value = client.post("/api/v1/commands", &command).await?;
        if args.json {
            output::json(&done)?;
            return Ok(ExitCode::SUCCESS);
        }
        registered(&client, &given(&args.experiment, "experiment")?).await
    })
}

/// Let the server read another tool's export.
fn export(args: Args, source: &str) -> anyhow::Result<ExitCode> {
    let file = given(&args.file, "FILE")?;
    let text =
        std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let document: Value =
        serde_json::from_str(&text).with_context(|| format!("{} is no JSON", file.display()))?;
    let mut choices = Map::new();
    for (name, value) in [
        ("experiment", json!(args.experiment)),
        ("team", json!(args.team)),
        ("ended", json!(args.ended)),
        ("metric", json!(args.metric)),
        ("control", json!(args.control)),
        ("treatment", json!(args.treatment)),
        ("direction", json!(args.direction.map(Direction::name))),
        ("unit", json!(args.unit)),
        ("title", json!(args.title)),
        ("parent", json!(args.parent)),
        ("baseline", json!(args.baseline)),
    ] {
        if !value.is_null() {
            choices.insert(name.to_owned(), value);
        }
    }
    let body = json!({"source": source, "document": document, "choices": choices, "dry_run": args.dry_run});
    block_on(async move {
        let client = Client::new(&args.server)?;
        let taken: Value = client.post("/api/v1/experiments/intake", &body).await?;
        if args.json {
            output::json(&taken)?;
            return Ok(ExitCode::SUCCESS);
        }
        for (heading, notes) in
            [("understood", "understood"), ("left aside", "ignored"), ("careful", "warnings")]
        {
            for note in taken[notes].as_array().into_iter().flatten() {
                let path = note["path"].as_str().filter(|path| !path.is_empty());
                let path = path.map(|path| format!(" ({path})")).unwrap_or_default();
                output::line(format!("{heading:<10}  {}{path}", note["says"].as_str().unwrap_or("-")));
            }
        }
        if args.dry_run {
            output::line("would give");
            for command in taken["commands"].as_array().into_iter().flatten() {
                output::pretty(command)?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        let experiment = taken["commands"][0]["with"]["experiment"].as_str().unwrap_or_default().to_owned();
        registered(&client, &experiment).await
    })
}

/// What was registered, and what can be done with it.
async fn registered(client: &Client, experiment: &str) -> anyhow::Result<ExitCode> {
    let shown: Value = client.get(&format!("/api/v1/experiments/{experiment}")).await?;
    let judged = &shown["judged"];
    output::line(format!("{experiment} is registered: {}", judged["sentence"].as_str().unwrap_or("-")));
    output::line(if judged["verdict"] == "positive" {
        format!("open a case for it: tenure do open_case case=PC-1 experiment={experiment}")
    } else {
        "it is no significant positive result, so no case can be opened for it".to_owned()
    });
    Ok(ExitCode::SUCCESS)
}

fn command(args: &Args, metric: &MetricResult) -> anyhow::Result<Value> {
    let (Some(control), Some(treatment)) = (&metric.control, &metric.treatment) else {
        bail!("{}: {}", metric.metric, metric.warnings.join("; "));
    };
    let direction = args.direction.unwrap_or(Direction::Increase).name();
    let mut with = json!({
        "experiment": args.experiment,
        "team": args.team,
        "ended": args.ended,
        "metric": {"name": metric.metric, "kind": metric.kind, "direction": direction},
        "measurement": {"control": arm(metric.kind, control), "treatment": arm(metric.kind, treatment), "planned_n": 0},
    });
    for (name, value) in [("title", &args.title), ("parent", &args.parent), ("baseline", &args.baseline)] {
        if let Some(value) = value {
            with[name] = json!(value);
        }
    }
    Ok(json!({"do": "register_experiment", "with": with}))
}

/// Counts for a proportion, a summary for a mean.
fn arm(kind: Kind, arm: &ArmSummary) -> Value {
    match kind {
        Kind::Proportion => json!([arm.n, (arm.mean * arm.n as f64).round() as u64]),
        Kind::Mean | Kind::Ratio | Kind::Quantile => {
            json!({"n": arm.n, "mean": arm.mean, "variance": arm.variance})
        }
    }
}
