//! `tenure analyze`: two arms of a file of units, or of a file of cumulative looks.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use serde::Serialize;
use tenure_analysis::{FileAnalysis, FileQuery, MetricSpec, analyze_file, open_looks};
use tenure_stats::comparison::ArmSummary;
use tenure_stats::estimate::{Kind, Scale};
use tenure_stats::moments::Moments;
use tenure_stats::verdict::{self, ALPHA, Direction, Look, Monitor, Plan, Verdict, Wave};
use tenure_stats::wave::Epoch;

use crate::output;

/// Compare two arms.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("input").required(true).args(["file", "looks"]))]
pub struct Args {
    /// A CSV file, plain or gzip: one row a unit, or several rows a unit with --unit
    #[arg(value_name = "FILE", requires = "arm", requires = "metrics")]
    file: Option<PathBuf>,
    /// A CSV of cumulative looks instead: columns look,arm,n,mean,variance
    #[arg(long, value_name = "FILE")]
    looks: Option<PathBuf>,
    /// The column with the unit's id; without it a row is a unit
    #[arg(long, value_name = "COL")]
    unit: Option<String>,
    /// The column with the arm's name
    #[arg(long, value_name = "COL")]
    arm: Option<String>,
    /// The arm compared against
    #[arg(long, value_name = "NAME")]
    control: String,
    /// The arm compared
    #[arg(long, value_name = "NAME")]
    treatment: String,
    /// A metric; may be given several times
    #[arg(long = "metric", value_name = "NAME=COL:proportion|mean")]
    metrics: Vec<MetricSpec>,
    /// The share an arm should have, for the sample ratio; equal shares without it
    #[arg(long = "share", value_name = "ARM=SHARE", value_parser = share)]
    shares: Vec<(String, f64)>,
    /// Confidence of the intervals
    #[arg(long, value_name = "LEVEL", default_value_t = 0.95)]
    confidence: f64,
    /// For --looks: units an arm at the planned end
    #[arg(long, value_name = "N", conflicts_with = "plan_se")]
    plan_units: Option<u64>,
    /// For --looks: the standard error at the planned end
    #[arg(long, value_name = "SE")]
    plan_se: Option<f64>,
    /// For --looks: the metric's kind
    #[arg(long, value_name = "KIND", default_value = "mean")]
    kind: KindName,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum KindName {
    Mean,
    Proportion,
}

fn share(text: &str) -> Result<(String, f64), String> {
    let (arm, share) = text.split_once('=').ok_or("write ARM=SHARE, such as control=0.5")?;
    match share.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok((arm.to_owned(), share)),
        _ => Err(format!("{share:?} is not a share between 0 and 1")),
    }
}

/// `tenure analyze`.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    if args.looks.is_some() {
        return looks(&args);
    }
    let (Some(file), Some(arm)) = (args.file, args.arm) else { bail!("give FILE and --arm, or --looks") };
    let query = FileQuery {
        unit: args.unit,
        arm,
        control: args.control,
        treatment: args.treatment,
        metrics: args.metrics,
        shares: args.shares,
        confidence: args.confidence,
    };
    let analysis = analyze_file(&file, &query)?;
    if args.json {
        output::json(&analysis)?;
    } else {
        print(&analysis, &query);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(analysis: &FileAnalysis, query: &FileQuery) {
    let units: Vec<Vec<String>> =
        analysis.arms.iter().map(|arm| vec![arm.arm.clone(), arm.units.to_string()]).collect();
    output::table(&["arm", "units"], &[1], &units);
    match analysis.sample_ratio.p_value {
        Some(p) => output::line(format!("sample ratio: p = {p:.4}")),
        None => output::line("sample ratio: cannot be said"),
    }
    analysis.sample_ratio.warnings.iter().for_each(|warning| output::line(format!("  warning: {warning}")));
    output::line("");
    let shown = |value: f64| format!("{value:+.6}");
    let mean = |arm: &Option<ArmSummary>| {
        arm.as_ref().map_or_else(|| "-".to_owned(), |arm| format!("{:.6}", arm.mean))
    };
    let rows: Vec<Vec<String>> = analysis
        .metrics
        .iter()
        .map(|metric| {
            let dash = || "-".to_owned();
            vec![
                metric.metric.clone(),
                mean(&metric.control),
                mean(&metric.treatment),
                metric.absolute.as_ref().map_or_else(dash, |absolute| shown(absolute.estimate)),
                metric.absolute.as_ref().map_or_else(dash, |absolute| {
                    format!("{} to {}", shown(absolute.interval[0]), shown(absolute.interval[1]))
                }),
                metric.relative.as_ref().map_or_else(dash, |lift| format!("{:+.2} %", 100.0 * lift.estimate)),
                metric.p_value.map_or_else(dash, |p| format!("{p:.3e}")),
            ]
        })
        .collect();
    let interval = format!("{} % interval", 100.0 * query.confidence);
    output::table(
        &["metric", &query.control, &query.treatment, "difference", &interval, "lift", "p-value"],
        &[1, 2, 3, 5, 6],
        &rows,
    );
    for metric in &analysis.metrics {
        metric.warnings.iter().for_each(|warning| output::line(format!("  {}: {warning}", metric.metric)));
    }
}

/// One look's answer, under the names that the command promises.
#[derive(Debug, Serialize)]
struct LookShown {
    look: f64,
    estimate: Option<f64>,
    se: Option<f64>,
    interval: Option<[f64; 2]>,
    information_fraction: Option<f64>,
    p_value: Option<f64>,
    verdict: Verdict,
    sample_ratio_p: Option<f64>,
    sentence: String,
    warnings: Vec<String>,
}

/// Judge a running comparison look by look, with bounds that hold however often one looks.
fn looks(args: &Args) -> anyhow::Result<ExitCode> {
    let Some(path) = &args.looks else { bail!("give --looks FILE") };
    let looks = open_looks(path, &args.control, &args.treatment)?;
    let kind = match args.kind {
        KindName::Mean => Kind::Mean,
        KindName::Proportion => Kind::Proportion,
    };
    let epochs = looks
        .iter()
        .map(|look| {
            let [control, treatment] = [look.control, look.treatment]
                .map(|arm| Moments::from_summary(arm.n, arm.mean, arm.variance));
            Ok(Epoch::of_moments(0, kind, &control?, &treatment?, 0.5)?)
        })
        .collect::<anyhow::Result<Vec<Epoch>>>()?;
    let plan = Plan::new(kind, Direction::Increase, Scale::Absolute, ALPHA, 1, se_plan(args, &epochs)?)?;
    let mut monitor = Monitor::default();
    for (number, epoch) in looks.iter().map(|look| look.look).zip(epochs) {
        let now = Look {
            epochs: vec![epoch],
            wave: Wave::Measured,
            minimum_duration_passed: true,
            largest_duration_reached: false,
            fault: None,
            original: None,
        };
        let (next, judged) = verdict::look(&plan, &monitor, &now)?;
        monitor = next;
        let shown = LookShown {
            look: number,
            estimate: judged.estimate,
            se: judged.se,
            interval: judged.interval,
            information_fraction: judged.information_fraction,
            p_value: judged.p_value,
            verdict: judged.verdict,
            sample_ratio_p: judged.sample_ratio.map(|ratio| ratio.p_chi2),
            sentence: judged.sentence,
            warnings: judged.warnings,
        };
        if args.json {
            output::json(&shown)?;
        } else {
            output::line(format!("look {number}: {}", shown.sentence));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The standard error at the planned end: as given, or of the planned units with the variance known at the first look.
/// Without a plan the last look is its end.
fn se_plan(args: &Args, epochs: &[Epoch]) -> anyhow::Result<f64> {
    if let Some(se) = args.plan_se {
        return Ok(se);
    }
    let at = |epoch: &Epoch, control, treatment| {
        Plan::se_at(Scale::Absolute, &epoch.control, &epoch.treatment, control, treatment)
    };
    match (args.plan_units, epochs.first(), epochs.last()) {
        (Some(units), Some(first), _) => Ok(at(first, units, units)?),
        (None, _, Some(last)) => Ok(at(last, last.control.n, last.treatment.n)?),
        _ => bail!("the file has no looks"),
    }
}
