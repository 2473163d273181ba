//! `tenure replicate`: is a rollout's effect the same as its experiment's?

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use tenure_stats::estimate::Scale;
use tenure_stats::replication::{self, Original, Replication, Rollout, SELECTED_AT};

use crate::output;

/// Tell whether a rollout's effect is the same as the experiment's.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("input").required(true).args(["original", "batch"]))]
pub struct Args {
    /// The experiment's estimate and standard error
    #[arg(long, value_name = "EST,SE", requires = "rollout", allow_hyphen_values = true)]
    original: Option<Pair>,
    /// The rollout's estimate and standard error, on the same scale
    #[arg(long, value_name = "EST,SE", allow_hyphen_values = true)]
    rollout: Option<Pair>,
    /// A CSV of pairs: columns original,original_se,rollout,rollout_se; one JSON a line
    #[arg(long, value_name = "FILE", conflicts_with = "rollout")]
    batch: Option<PathBuf>,
    /// The |z| at which the experiment was selected as a winner
    #[arg(long, value_name = "Z", default_value_t = SELECTED_AT)]
    selected_at: f64,
    /// The scale of both estimates
    #[arg(long, default_value = "absolute")]
    scale: ScaleName,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ScaleName {
    /// Logarithms of ratios
    Relative,
    /// Differences
    Absolute,
}

/// An estimate and its standard error, written `EST,SE`.
#[derive(Debug, Clone, Copy)]
struct Pair {
    estimate: f64,
    se: f64,
}

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |part: &str| part.trim().parse::<f64>().map_err(|_| format!("{part:?} is not a number"));
        let (estimate, se) = text.split_once(',').ok_or("write EST,SE, such as 0.0766,0.0034")?;
        Ok(Self { estimate: number(estimate)?, se: number(se)? })
    }
}

#[derive(Debug, Deserialize)]
struct Row {
    original: f64,
    original_se: f64,
    rollout: f64,
    rollout_se: f64,
}

/// `tenure replicate`.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let scale = match args.scale {
        ScaleName::Relative => Scale::Relative,
        ScaleName::Absolute => Scale::Absolute,
    };
    if let Some(path) = &args.batch {
        return batch(path, args.selected_at, scale);
    }
    let (Some(original), Some(rollout)) = (args.original, args.rollout) else {
        bail!("give --original and --rollout, or --batch");
    };
    let found = replicate(original, rollout, args.selected_at, scale)?;
    if args.json {
        output::json(&found)?;
    } else {
        print(&found);
    }
    Ok(ExitCode::SUCCESS)
}

fn batch(path: &Path, selected_at: f64, scale: Scale) -> anyhow::Result<ExitCode> {
    let file = path.display();
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(path)
        .with_context(|| format!("{file} cannot be read"))?;
    let mut failed = false;
    for (index, row) in reader.deserialize::<Row>().enumerate() {
        let row = row.with_context(|| format!("{file}, row {}", index + 1))?;
        let original = Pair { estimate: row.original, se: row.original_se };
        let rollout = Pair { estimate: row.rollout, se: row.rollout_se };
        match replicate(original, rollout, selected_at, scale) {
            Ok(found) => output::json(&found)?,
            Err(error) => {
                failed = true;
                output::json(&json!({"row": index + 1, "error": format!("{error:#}")}))?;
            }
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The replication, with its label under the name that the command promises.
fn replicate(original: Pair, rollout: Pair, selected_at: f64, scale: Scale) -> anyhow::Result<Value> {
    let original = Original { estimate: original.estimate, se: original.se, selected_at };
    let rollout = Rollout { estimate: rollout.estimate, se: rollout.se, interval: None };
    let found: Replication = replication::replicate(&original, &rollout, scale)?;
    let label = serde_json::to_value(found.label)?;
    let mut shown = serde_json::to_value(&found)?;
    if let Value::Object(members) = &mut shown {
        members.remove("label");
        members.insert("replication".to_owned(), label);
    }
    Ok(shown)
}

fn print(found: &Value) {
    let number =
        |value: &Value| value.as_f64().map_or_else(|| "-".to_owned(), |value| format!("{value:+.5}"));
    output::line(found["sentence"].as_str().unwrap_or_default());
    output::table(
        &["", "value"],
        &[1],
        &[
            vec!["replication".into(), found["replication"].as_str().unwrap_or("-").to_owned()],
            vec!["experiment, corrected for its selection".into(), number(&found["corrected"]["estimate"])],
            vec!["its standard error".into(), number(&found["corrected"]["se"])],
            vec!["rollout".into(), number(&found["estimate"])],
            vec!["retained share".into(), number(&found["retained"])],
            vec!["compatible within ±".into(), number(&found["compatible_within"])],
            vec!["a loss above this would have been noticed".into(), number(&found["noticeable_loss"])],
            vec!["Q, p-value".into(), number(&found["q"]["p_value"])],
            vec!["95 % prediction interval, from".into(), number(&found["prediction_interval"][0])],
            vec!["to".into(), number(&found["prediction_interval"][1])],
        ],
    );
}
