//! `tenure import`: register an experiment from a file of units. The units stay here; their counts are sent.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use jiff::civil::Date;
use serde_json::{Value, json};
use tenure_analysis::{FileQuery, Kind, MetricResult, MetricSpec, analyze_file};
use tenure_stats::comparison::ArmSummary;

use crate::client::{Client, Server, block_on};
use crate::output;

/// Register an experiment from a file of units.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    server: Server,
    /// A CSV file, plain or gzip: one row a unit, or several rows a unit with --unit
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The experiment's name, such as EXP-1
    #[arg(long)]
    experiment: String,
    /// The team that ran it
    #[arg(long)]
    team: String,
    /// The date it ended
    #[arg(long, value_name = "YYYY-MM-DD")]
    ended: Date,
    /// The column with the unit's id; without it a row is a unit
    #[arg(long, value_name = "COL")]
    unit: Option<String>,
    /// The column with the arm's name
    #[arg(long, value_name = "COL")]
    arm: String,
    /// The arm compared against
    #[arg(long, value_name = "NAME")]
    control: String,
    /// The arm that won
    #[arg(long, value_name = "NAME")]
    treatment: String,
    /// The primary metric
    #[arg(long, value_name = "NAME=COL:proportion|mean")]
    metric: MetricSpec,
    /// Which way of the metric is good
    #[arg(long, default_value = "increase")]
    direction: Direction,
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

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Direction {
    Increase,
    Decrease,
}

/// `tenure import`.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let query = FileQuery {
        unit: args.unit.clone(),
        arm: args.arm.clone(),
        control: args.control.clone(),
        treatment: args.treatment.clone(),
        metrics: vec![args.metric.clone()],
        ..FileQuery::default()
    };
    if matches!(args.metric.kind(), Kind::Ratio | Kind::Quantile) {
        bail!("an experiment is registered with a proportion or a mean; {} is neither", args.metric.name);
    }
    let analysis = analyze_file(&args.file, &query)?;
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
        let registered: Value = client.get(&format!("/api/v1/experiments/{}", args.experiment)).await?;
        let judged = &registered["judged"];
        output::line(format!(
            "{} is registered: {}",
            args.experiment,
            judged["sentence"].as_str().unwrap_or("-")
        ));
        if judged["verdict"] == "positive" {
            output::line(format!(
                "open a case for it: tenure do open_case case=PC-1 experiment={}",
                args.experiment
            ));
        } else {
            output::line("it is no significant positive result, so no case can be opened for it");
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn command(args: &Args, metric: &MetricResult) -> anyhow::Result<Value> {
    let (Some(control), Some(treatment)) = (&metric.control, &metric.treatment) else {
        bail!("{}: {}", metric.metric, metric.warnings.join("; "));
    };
    let direction = match args.direction {
        Direction::Increase => "increase",
        Direction::Decrease => "decrease",
    };
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
