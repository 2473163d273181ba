//! `tenure replicate`: is a rollout's effect the same as its experiment's?

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context, bail};
use serde::Serialize;
use serde_json::{Value, json};
use tenure_analysis::Table;
use tenure_stats::estimate::{Estimate, Kind, Scale};
use tenure_stats::evidence::{self, Evidence};
use tenure_stats::replication::{self, Original, Replication, Rollout, SELECTED_AT, Told};
use tenure_stats::sentence::{self, Line};

use crate::output;

const EXAMPLES: &str = "\
Examples:
  tenure replicate --original 0.05,0.02 --rollout 0.04,0.012

  # logarithms of ratios; the original was the best of 4 arms, and the build deviates from it
  tenure replicate --original 0.049,0.02 --rollout 0.039,0.012 --scale relative --best-of 4 --deviates

  # a file of pairs, one JSON a line
  tenure replicate --batch pairs.csv

Estimates and standard errors are those of treatment less control (absolute), or of the logarithm of their
ratio (relative): a lift of +5 % is 0.0488.";

/// Tell whether a rollout's effect is the same as the experiment's.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("input").required(true).args(["original", "batch"]), after_help = EXAMPLES)]
pub struct Args {
    /// The experiment's estimate and standard error
    #[arg(long, value_name = "EST,SE", requires = "rollout", allow_hyphen_values = true)]
    original: Option<Pair>,
    /// The rollout's estimate and standard error, on the same scale
    #[arg(long, value_name = "EST,SE", allow_hyphen_values = true)]
    rollout: Option<Pair>,
    /// The rollout's interval of the bound in force, which decides whether the effect is there;
    /// without it the fixed 95 % interval does
    #[arg(long, value_name = "LOW,HIGH", requires = "rollout", allow_hyphen_values = true)]
    rollout_interval: Option<Ends>,
    /// A CSV of pairs, plain or gzip: columns original,original_se,rollout,rollout_se; one JSON a line
    #[arg(long, value_name = "FILE", conflicts_with = "rollout")]
    batch: Option<PathBuf>,
    /// The |z| at which the experiment was selected as a winner
    #[arg(long, value_name = "Z", default_value_t = SELECTED_AT, conflicts_with = "best_of")]
    selected_at: f64,
    /// The experiment's arm was picked as the best of this many
    #[arg(long, value_name = "ARMS", value_parser = clap::value_parser!(u32).range(1..))]
    best_of: Option<u32>,
    /// The experiment stopped as soon as it was significant
    #[arg(long)]
    stopped_early: bool,
    /// The build deviates from the experiment: shows the answer with the original known less well
    #[arg(long)]
    deviates: bool,
    /// How much a deviation may change, as a share of the corrected effect
    #[arg(long, value_name = "SHARE", default_value_t = KAPPA, requires = "deviates")]
    kappa: f64,
    /// The control's level in the experiment and in the rollout: says when the baseline has moved
    #[arg(long, value_name = "EXPERIMENT,ROLLOUT", allow_hyphen_values = true)]
    baselines: Option<Ends>,
    /// The scale of both estimates
    #[arg(long, default_value = "absolute")]
    scale: ScaleName,
    /// The metric's kind: an absolute change of a proportion is shown in percentage points
    #[arg(long, default_value = "mean")]
    kind: KindName,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What a ledger of deviations that is not empty adds to the error of the corrected original.
const KAPPA: f64 = 0.25;

/// A baseline that moved by more than this makes equal shares unequal differences.
const BASELINE_MOVED: f64 = 0.1;

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ScaleName {
    /// Logarithms of ratios
    Relative,
    /// Differences
    Absolute,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum KindName {
    Mean,
    Proportion,
}

/// An estimate and its standard error, written `EST,SE`.
#[derive(Debug, Clone, Copy)]
struct Pair {
    estimate: f64,
    se: f64,
}

/// Two numbers, written `LOW,HIGH`.
#[derive(Debug, Clone, Copy)]
struct Ends([f64; 2]);

fn two(text: &str, form: &str) -> Result<[f64; 2], String> {
    let number = |part: &str| match part.trim().parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(format!("{part:?} is not a number; write {form}")),
    };
    let (one, other) = text.split_once(',').ok_or_else(|| format!("write {form}"))?;
    Ok([number(one)?, number(other)?])
}

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let [estimate, se] = two(text, "EST,SE, such as 0.0766,0.0034")?;
        if se > 0.0 {
            Ok(Self { estimate, se })
        } else {
            Err(format!("a standard error of {se} is not above 0"))
        }
    }
}

impl FromStr for Ends {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self(two(text, "two numbers, such as 0.01,0.05")?))
    }
}

/// What is asked of every pair.
struct Question {
    selected_at: f64,
    scale: Scale,
    told: Told,
    kappa: Option<f64>,
    warnings: Vec<String>,
}

/// What is shown of one pair, its label under the name that the command promises.
#[derive(Debug, Serialize)]
struct Shown {
    replication: Value,
    #[serde(flatten)]
    found: Value,
    /// What other methods say of the two, the original uncorrected. None of it decides.
    evidence: Evidence,
    /// The same in words.
    told: Vec<Line>,
    /// The answer when the original is known less well, because the build deviates.
    #[serde(skip_serializing_if = "Option::is_none")]
    deviating: Option<Deviating>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Deviating {
    kappa: f64,
    replication: Value,
    compatible_within: f64,
    sentence: String,
}

/// `tenure replicate`.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let question = question(&args)?;
    if let Some(path) = &args.batch {
        return batch(path, &question);
    }
    let (Some(original), Some(rollout)) = (args.original, args.rollout) else {
        bail!("give --original and --rollout, or --batch");
    };
    let interval = args.rollout_interval.map(|Ends(ends)| ends);
    if let Some([low, high]) = interval.filter(|[low, high]| low >= high) {
        bail!("--rollout-interval {low},{high} is empty; write the lower end first");
    }
    let rollout = Rollout { estimate: rollout.estimate, se: rollout.se, interval };
    let (found, shown) = replicate(original, &rollout, &question)?;
    if args.json {
        output::json(&shown)?;
    } else {
        print(&question.told, &found, &shown);
    }
    Ok(ExitCode::SUCCESS)
}

fn question(args: &Args) -> anyhow::Result<Question> {
    let scale = match args.scale {
        ScaleName::Relative => Scale::Relative,
        ScaleName::Absolute => Scale::Absolute,
    };
    if !(args.selected_at.is_finite() && args.selected_at >= 0.0) {
        bail!("--selected-at is {}; it must be a number, 0 or more, such as 1.96", args.selected_at);
    }
    if !(args.kappa.is_finite() && args.kappa >= 0.0) {
        bail!("--kappa is {}; it must be a share, 0 or more, such as 0.25", args.kappa);
    }
    // Any estimate will do: only the threshold is read.
    let selected_at = match args.best_of {
        Some(arms) => Original::new(1.0, 1.0).best_of(arms, 0.05).selected_at,
        None => args.selected_at,
    };
    let mut warnings = Vec::new();
    if let Some(Ends([experiment, rollout])) = args.baselines {
        let moved = rollout / experiment - 1.0;
        if moved.is_nan() || moved.abs() > BASELINE_MOVED {
            warnings.push(match scale {
                Scale::Absolute => format!(
                    "the baseline moved from {experiment} to {rollout}: the same relative effect is another difference now; \
                     compare with --scale relative"
                ),
                Scale::Relative => format!(
                    "the baseline moved from {experiment} to {rollout}: the same lift is another difference now"
                ),
            });
        }
    }
    let kind = match args.kind {
        KindName::Mean => Kind::Mean,
        KindName::Proportion => Kind::Proportion,
    };
    let told = Told { original_stopped_early: args.stopped_early, ..Told::of(kind) };
    Ok(Question { selected_at, scale, told, kappa: args.deviates.then_some(args.kappa), warnings })
}

fn batch(path: &Path, question: &Question) -> anyhow::Result<ExitCode> {
    let mut table = Table::open(path)?;
    let columns = ["original", "original_se", "rollout", "rollout_se"].map(|name| table.column(name));
    let [original, original_se, rollout, rollout_se] = columns;
    let (original, original_se, rollout, rollout_se) = (original?, original_se?, rollout?, rollout_se?);
    let mut failed = false;
    let mut number = 0;
    while let Some(row) = table.next_row()? {
        number += 1;
        let one = Pair { estimate: row.number(&original)?, se: row.number(&original_se)? };
        let other = Rollout { estimate: row.number(&rollout)?, se: row.number(&rollout_se)?, interval: None };
        match replicate(one, &other, question) {
            Ok((_, shown)) => output::json(&shown)?,
            Err(error) => {
                failed = true;
                output::json(&json!({"row": number, "line": row.line, "error": format!("{error:#}")}))?;
            }
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn replicate(pair: Pair, rollout: &Rollout, question: &Question) -> anyhow::Result<(Replication, Shown)> {
    let original = Original { estimate: pair.estimate, se: pair.se, selected_at: question.selected_at };
    let found = replication::replicate(&original, rollout, question.scale)
        .with_context(|| {
            format!("an original of {} ± {} cannot be related to a rollout", pair.estimate, pair.se)
        })?
        .told(question.told);
    let reported = Estimate::new(pair.estimate, pair.se)?;
    let delivered = Estimate::new(rollout.estimate, rollout.se)?;
    let mut warnings = question.warnings.clone();
    if reported.z().abs() < question.selected_at {
        warnings.push(format!(
            "the original's z of {:.2} is below the {:.2} at which it is said to be selected: check --original and --selected-at",
            reported.z(),
            question.selected_at
        ));
    }
    let mut members = serde_json::to_value(&found)?;
    let label = members.as_object_mut().and_then(|members| members.remove("label")).unwrap_or_default();
    let evidence = evidence::weigh(&reported, &delivered)?;
    let shown = Shown {
        replication: label,
        found: members,
        told: sentence::evidence(&found, &evidence, &question.told),
        evidence,
        deviating: question.kappa.map(|kappa| deviating(&original, rollout, question, kappa)).transpose()?,
        warnings,
    };
    Ok((found, shown))
}

fn deviating(
    original: &Original,
    rollout: &Rollout,
    question: &Question,
    kappa: f64,
) -> anyhow::Result<Deviating> {
    let found =
        replication::replicate_deviating(original, rollout, question.scale, kappa)?.told(question.told);
    Ok(Deviating {
        kappa,
        replication: serde_json::to_value(found.label)?,
        compatible_within: found.compatible_within,
        sentence: found.sentence,
    })
}

fn print(told: &Told, found: &Replication, shown: &Shown) {
    let change = |value: f64| sentence::change(told.kind, found.scale, value);
    let ends = |ends: [f64; 2]| sentence::interval(told.kind, found.scale, ends);
    let label = |label: &Value| label.as_str().unwrap_or("-").to_owned();
    output::prose(0, &found.sentence);
    output::line("");
    let row = |name: &str, value: String, more: String| vec![name.to_owned(), value, more];
    let none = String::new;
    let mut rows = vec![
        row("replication", label(&shown.replication), none()),
        row("the experiment won", change(found.original.estimate), none()),
        row(
            "corrected for its selection",
            change(found.corrected.estimate),
            format!("selected at |z| above {:.2}", found.original.selected_at),
        ),
        row("the rollout delivered", change(found.estimate), format!("interval {}", ends(found.interval))),
        row(
            "retained share",
            format!("{:.0} %", 100.0 * found.retained),
            "of the corrected effect".to_owned(),
        ),
    ];
    if let Some(deviating) = &shown.deviating {
        rows.push(row(
            "with the deviations",
            label(&deviating.replication),
            format!("when the build may change the effect by {:.0} %", 100.0 * deviating.kappa),
        ));
    }
    output::aligned(&[], &rows);
    output::line("");
    output::line("What other methods say; none of them decides:");
    for line in &shown.told {
        output::prose(4, &format!("  {}: {}", line.name, line.sentence));
    }
    shown.warnings.iter().for_each(|warning| output::prose(2, &format!("! {warning}")));
}
