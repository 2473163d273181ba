//! `tenure analyze`: two arms of a file of units, or of a file of cumulative looks.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use tenure_analysis::{
    Allocation, ArmUnits, Cap, Covariate, FileAnalysis, FileQuery, JudgedLook, Kind, MetricResult,
    MetricSpec, PlanEnd, Running, SpecError, analyze_file, open_looks,
};
use tenure_stats::estimate::{self, Scale};
use tenure_stats::sentence;
use tenure_stats::verdict::Direction;

use crate::output;

const EXAMPLES: &str = "\
Examples:
  tenure analyze units.csv.gz --unit user --arm variant --control a --treatment b \\
      --metric bought=bought:proportion --metric spend=spend:mean --cap spend=0.999

  # what was known before takes out noise; tenants were randomised as a whole
  tenure analyze units.csv --arm variant --control a --treatment b \\
      --metric spend=spend:mean --covariate spend=spend_before --cluster tenant

  # ratios, quantiles, rows of totals; the sample ratio day by day
  tenure analyze daily.csv --arm arm --control a --treatment b --by date --count visits \\
      --metric conversion=orders/visits:counts
  tenure analyze requests.csv --unit user --arm arm --control a --treatment b \\
      --metric 'orders a visit=orders/visits:ratio' --metric p90=ms:quantile:0.9

  # cumulative looks at a comparison that runs
  tenure analyze --looks looks.csv --control a --treatment b --plan-units 20000 --kind proportion

An empty cell of a metric is an outcome that is not there yet: its unit is counted as immature.";

/// Compare two arms.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("input").required(true).args(["file", "looks"]), after_help = EXAMPLES)]
pub struct Args {
    /// A CSV file, plain or gzip: one row a unit, or several rows a unit with --unit
    #[arg(value_name = "FILE", requires = "arm", requires = "metrics")]
    file: Option<PathBuf>,
    /// A CSV of cumulative looks instead: columns look,arm,n,mean,variance
    #[arg(long, value_name = "FILE", conflicts_with_all = ["unit", "cluster", "arm", "metrics", "covariates", "caps", "caps_at", "by", "count"])]
    looks: Option<PathBuf>,
    /// The column with the unit's id; without it a row is a unit
    #[arg(long, value_name = "COL")]
    unit: Option<String>,
    /// The column with the tenant or cluster, when these were randomised as a whole
    #[arg(long, value_name = "COL")]
    cluster: Option<String>,
    /// The column with the arm's name
    #[arg(long, value_name = "COL")]
    arm: Option<String>,
    /// The arm compared against
    #[arg(long, value_name = "NAME")]
    control: String,
    /// The arm compared
    #[arg(long, value_name = "NAME")]
    treatment: String,
    /// A metric, may be given several times: NAME=COL:proportion, NAME=COL:mean, NAME=NUM/DEN:ratio,
    /// NAME=SUCCESSES/TRIALS:counts (rows of totals) or NAME=COL:quantile:0.9
    #[arg(long = "metric", value_name = "NAME=COL:KIND")]
    metrics: Vec<MetricSpec>,
    /// What was known of the units before they entered; adjusts the metric
    #[arg(long = "covariate", value_name = "METRIC=COL")]
    covariates: Vec<Covariate>,
    /// The quantile of all arms' units above which a unit's value counts as that quantile
    #[arg(long = "cap", value_name = "METRIC=QUANTILE")]
    caps: Vec<Cap>,
    /// The same at a value that was frozen before, as a rollout must have it
    #[arg(long = "cap-at", value_name = "METRIC=VALUE", value_parser = cap_at)]
    caps_at: Vec<Cap>,
    /// A column of strata, such as days: tests the sample ratio in each, and estimates within them too.
    /// Without it the first column of dates is tested
    #[arg(long, value_name = "COL")]
    by: Option<String>,
    /// The column that says how many units a row stands for, for the sample ratio of rows of totals
    #[arg(long, value_name = "COL")]
    count: Option<String>,
    /// The share an arm should have, for the sample ratio; equal shares without it
    #[arg(long = "share", value_name = "ARM=SHARE", value_parser = share)]
    shares: Vec<(String, f64)>,
    /// Confidence of the intervals
    #[arg(long, value_name = "LEVEL", default_value_t = 0.95, conflicts_with = "looks")]
    confidence: f64,
    /// For --looks: units an arm at the planned end
    #[arg(long, value_name = "N", conflicts_with_all = ["plan_se", "file"])]
    plan_units: Option<u64>,
    /// For --looks: the standard error at the planned end
    #[arg(long, value_name = "SE", conflicts_with = "file")]
    plan_se: Option<f64>,
    /// For --looks: the metric's kind
    #[arg(long, value_name = "KIND", default_value = "mean", conflicts_with = "file")]
    kind: KindName,
    /// For --looks: which way of the metric is good
    #[arg(long, value_name = "WAY", default_value = "increase", conflicts_with = "file")]
    direction: DirectionName,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum KindName {
    Mean,
    Proportion,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum DirectionName {
    Increase,
    Decrease,
}

fn share(text: &str) -> Result<(String, f64), String> {
    let (arm, share) = text.split_once('=').ok_or("write ARM=SHARE, such as control=0.5")?;
    match share.parse() {
        Ok(share) if share > 0.0 && share < 1.0 => Ok((arm.to_owned(), share)),
        _ => Err(format!("{share:?} is not a share between 0 and 1")),
    }
}

fn cap_at(text: &str) -> Result<Cap, SpecError> {
    Cap::frozen(text)
}

/// `tenure analyze`.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    if let Some(path) = &args.looks {
        return looks(path, &args);
    }
    let (Some(file), Some(arm)) = (args.file, args.arm) else { bail!("give FILE and --arm, or --looks") };
    let query = FileQuery {
        unit: args.unit,
        cluster: args.cluster,
        arm,
        control: args.control,
        treatment: args.treatment,
        metrics: args.metrics,
        covariates: args.covariates,
        caps: [args.caps, args.caps_at].concat(),
        by: args.by,
        count: args.count,
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
    let arm = |arm: &ArmUnits| {
        let units = output::counted(arm.units, "unit");
        let clusters = arm.clusters.map(|clusters| format!(" in {}", output::counted(clusters, "cluster")));
        vec![arm.arm.clone(), format!("{units}{}", clusters.unwrap_or_default())]
    };
    output::aligned(&[], &analysis.arms.iter().map(arm).collect::<Vec<_>>());
    match analysis.sample_ratio.p_value {
        Some(p) => output::line(format!("sample ratio: p = {}", output::p_value(p))),
        None => output::line("sample ratio: cannot be said"),
    }
    warnings(&analysis.sample_ratio.warnings);
    if let Some(allocation) = &analysis.allocation {
        print_allocation(allocation);
    }
    for metric in &analysis.metrics {
        output::line("");
        print_metric(metric, query);
    }
}

/// Strata that a person reads; the JSON has them all.
const STRATA_SHOWN: usize = 14;

fn print_allocation(allocation: &Allocation) {
    if let Some(test) = &allocation.independence {
        output::line(format!("sample ratio by {}: p = {}", allocation.column, output::p_value(test.p_value)));
    }
    warnings(&allocation.warnings);
    let rows = allocation.strata.iter().take(STRATA_SHOWN).map(|stratum| {
        let units: Vec<String> = stratum.units.iter().map(|units| output::count(*units)).collect();
        let p = stratum.p_value.map_or_else(|| "-".to_owned(), output::p_value);
        vec![format!("  {}", stratum.stratum), units.join(" : "), p]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    if !rows.is_empty() {
        output::table(&[&format!("  {}", allocation.column), "units", "p-value"], &[1, 2], &rows);
    }
    let more = allocation.strata.len().saturating_sub(STRATA_SHOWN);
    if more > 0 {
        output::line(format!("  and {more} more, in --json"));
    }
}

fn print_metric(metric: &MetricResult, query: &FileQuery) {
    let kind = estimate::Kind::from(metric.kind);
    let percent = 100.0 * query.confidence;
    let told = |scale: Scale, value: f64, ends: [f64; 2]| {
        let (change, interval) = sentence::change_and_interval(kind, scale, value, ends);
        (change, format!("{percent} % interval {interval}"))
    };
    output::line(format!("{} ({})", metric.metric, metric.kind));
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (name, arm) in [(&query.control, &metric.control), (&query.treatment, &metric.treatment)] {
        if let Some(arm) = arm {
            let of = if metric.clusters.is_some() { "cluster" } else { "unit" };
            rows.push(vec![
                format!("  {name}"),
                level(metric.kind, arm.mean),
                format!("of {}", output::counted(arm.n, of)),
            ]);
        }
    }
    if let Some(absolute) = &metric.absolute {
        let (change, interval) = told(Scale::Absolute, absolute.estimate, absolute.interval);
        rows.push(vec!["  difference".to_owned(), change, interval]);
    }
    match &metric.relative {
        Some(lift) => {
            let (change, interval) =
                told(Scale::Relative, lift.estimate.ln_1p(), lift.interval.map(f64::ln_1p));
            rows.push(vec!["  lift".to_owned(), change, interval]);
        }
        None if metric.absolute.is_some() => {
            rows.push(vec!["  lift".to_owned(), "-".to_owned(), "read the difference".to_owned()]);
        }
        None => {}
    }
    if let Some(p) = metric.p_value {
        rows.push(vec![
            "  p-value".to_owned(),
            output::p_value(p),
            metric.method.clone().unwrap_or_default(),
        ]);
    }
    if let Some(adjustment) = &metric.adjustment {
        rows.push(vec![
            "  unadjusted".to_owned(),
            sentence::change(kind, Scale::Absolute, adjustment.unadjusted.estimate),
            format!(
                "p-value {}; the covariate takes out {:.1} % of the variance",
                output::p_value(adjustment.unadjusted.p_value),
                100.0 * adjustment.variance_reduction
            ),
        ]);
    }
    if let Some(stratified) = &metric.stratified {
        let by = query.by.as_deref().unwrap_or("stratum");
        let (change, interval) = told(Scale::Absolute, stratified.estimate, stratified.interval);
        let p_value = output::p_value(stratified.p_value);
        rows.push(vec![format!("  by {by}"), change, format!("{interval}, p-value {p_value}")]);
    }
    if let Some(clusters) = &metric.clusters {
        for (name, arm) in [(&query.control, &clusters.control), (&query.treatment, &clusters.treatment)] {
            rows.push(vec![
                format!("  clusters of {name}"),
                output::count(arm.count),
                format!(
                    "as good as {:.1} of equal size, the largest has {:.0} %",
                    arm.effective,
                    100.0 * arm.largest_share
                ),
            ]);
        }
    }
    if let Some(omnibus) = &metric.omnibus {
        rows.push(vec![
            "  all arms alike".to_owned(),
            output::p_value(omnibus.p_value),
            format!("chi-squared {:.2} with {} degrees of freedom", omnibus.statistic, omnibus.df),
        ]);
    }
    if !rows.is_empty() {
        output::aligned(&[1], &rows);
    }
    warnings(&metric.warnings);
}

/// A level in the unit a reader expects: per cent, or four digits.
fn level(kind: Kind, value: f64) -> String {
    if kind == Kind::Proportion {
        return format!("{:.2} %", 100.0 * value);
    }
    let size = value.abs();
    match size {
        0.0 => "0".to_owned(),
        1e-6..1e6 => format!("{value:.*}", (3 - size.log10().floor() as i32).clamp(0, 9) as usize),
        _ => format!("{value:.3e}"),
    }
}

fn warnings(warnings: &[String]) {
    warnings.iter().for_each(|warning| output::prose(4, &format!("  ! {warning}")));
}

/// Judge a running comparison look by look, with bounds that hold however often one looks.
fn looks(path: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let looks = open_looks(path, &args.control, &args.treatment)?;
    let running = Running {
        kind: match args.kind {
            KindName::Mean => estimate::Kind::Mean,
            KindName::Proportion => estimate::Kind::Proportion,
        },
        direction: match args.direction {
            DirectionName::Increase => Direction::Increase,
            DirectionName::Decrease => Direction::Decrease,
        },
        treatment_share: treatment_share(args)?,
        plan: match (args.plan_se, args.plan_units) {
            (Some(se), _) => PlanEnd::Se(se),
            (None, Some(units)) => PlanEnd::Units(units),
            (None, None) => PlanEnd::LastLook,
        },
        ..Running::default()
    };
    let judged = running.judge(&looks)?;
    if args.json {
        judged.iter().try_for_each(output::json)?;
    } else {
        print_looks(&judged, &running);
    }
    Ok(ExitCode::SUCCESS)
}

/// The treatment's share of the two arms, as declared for both of them or for neither.
fn treatment_share(args: &Args) -> anyhow::Result<f64> {
    let share = |arm: &str| args.shares.iter().find(|(name, _)| name == arm).map(|(_, share)| *share);
    match (share(&args.control), share(&args.treatment)) {
        (Some(control), Some(treatment)) => Ok(treatment / (control + treatment)),
        (None, None) if args.shares.is_empty() => Ok(0.5),
        _ => bail!(
            "--share names one arm of the two, or others; give it for {} and {}",
            args.control,
            args.treatment
        ),
    }
}

fn print_looks(judged: &[JudgedLook], running: &Running) {
    let dash = || "-".to_owned();
    let row = |look: &JudgedLook| {
        vec![
            look.look.to_string(),
            format!("{} : {}", output::count(look.control_n), output::count(look.treatment_n)),
            look.judged
                .information_fraction
                .map_or_else(dash, |fraction| format!("{:.0} %", 100.0 * fraction)),
            look.judged
                .estimate
                .map_or_else(dash, |value| sentence::change(running.kind, running.scale, value)),
            look.judged
                .interval
                .map_or_else(dash, |ends| sentence::interval(running.kind, running.scale, ends)),
            look.judged.p_value.map_or_else(dash, output::p_value),
            look.sample_ratio_p.map_or_else(dash, output::p_value),
            serde_json::to_value(look.judged.verdict)
                .ok()
                .and_then(|it| it.as_str().map(|it| it.replace('_', " ")))
                .unwrap_or_default(),
        ]
    };
    output::table(
        &["look", "units", "information", "difference", "interval", "p-value", "sample ratio", "verdict"],
        &[0, 1, 2, 3, 4, 5, 6],
        &judged.iter().map(row).collect::<Vec<_>>(),
    );
    if running.plan == PlanEnd::LastLook {
        output::prose(
            0,
            "no plan was given, so the last look is taken as its end: right for a comparison that is over; while one runs give \
             --plan-units or --plan-se",
        );
    }
    if let Some(last) = judged.last() {
        output::prose(0, &last.judged.sentence);
        warnings(&last.judged.warnings);
    }
}
