//! `tenure plan`: what a question costs before it is asked: units, days, and the price of looking.

use std::process::ExitCode;

use anyhow::{bail, ensure};
use serde::Serialize;
use tenure_stats::estimate::{Kind, Scale};
use tenure_stats::forecast::{self, Forecast, Question};
use tenure_stats::power::Design;
use tenure_stats::replication::{self, Corrected, SELECTED_AT};
use tenure_stats::schedule::{Step, Traffic};
use tenure_stats::sentence;

use crate::output;

const EXAMPLES: &str = "\
Examples:
  tenure plan --baseline 0.12 --lift 0.05 --power 0.8 --daily-units 4000 --waves 5,20,50

  # a mean; the lift is that of an experiment with z = 2.5, which won and is therefore inflated
  tenure plan --baseline-mean 31.5 --sd 80 --lift 0.04 --original-z 2.5 --daily-units 9000

  # whole tenants are randomised, 40 users each on average
  tenure plan --baseline 0.3 --difference 0.02 --icc 0.05 --cluster-size 40 --cluster-cv 0.8 \\
      --effective-clusters 60";

/// Tell what a rollout's question costs: units, days, and the price of looking.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[command(group = clap::ArgGroup::new("level").required(true).args(["baseline", "baseline_mean"]))]
#[command(group = clap::ArgGroup::new("effect").required(true).args(["lift", "difference"]))]
pub struct Args {
    /// The proportion without the feature
    #[arg(long, value_name = "P")]
    baseline: Option<f64>,
    /// The mean without the feature
    #[arg(long, value_name = "MEAN", requires = "sd", allow_hyphen_values = true)]
    baseline_mean: Option<f64>,
    /// The standard deviation of a unit's value, for --baseline-mean (of its linearised value, for a ratio)
    #[arg(long, value_name = "SD", conflicts_with = "baseline")]
    sd: Option<f64>,
    /// The relative effect to find: 0.05 is +5 %
    #[arg(long, value_name = "LIFT", allow_hyphen_values = true)]
    lift: Option<f64>,
    /// The effect to find, in the metric's unit
    #[arg(long, value_name = "CHANGE", allow_hyphen_values = true)]
    difference: Option<f64>,
    /// The effect is what an experiment reported at this z: plans for what is left after its correction
    #[arg(long, value_name = "Z", allow_hyphen_values = true)]
    original_z: Option<f64>,
    /// The |z| at which the experiment was selected
    #[arg(long, value_name = "Z", default_value_t = SELECTED_AT, requires = "original_z")]
    selected_at: f64,
    /// The chance of finding it
    #[arg(long, value_name = "CHANCE", default_value_t = 0.8)]
    power: f64,
    /// The chance of finding an effect, either way, where there is none
    #[arg(long, value_name = "CHANCE", default_value_t = 0.05)]
    alpha: f64,
    /// New units a day
    #[arg(long, value_name = "UNITS")]
    daily_units: Option<f64>,
    /// The share of the admitted units that gets the feature
    #[arg(long, value_name = "SHARE", default_value_t = 0.5)]
    share: f64,
    /// The shares of all units that get the feature, wave by wave, in per cent
    #[arg(long, value_name = "PERCENT,…", value_delimiter = ',', requires = "daily_units")]
    waves: Vec<f64>,
    /// Days of each wave before the last
    #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1000))]
    wave_days: u32,
    /// Days after its first exposure in which a unit's outcome counts
    #[arg(long, value_name = "DAYS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=1000))]
    window_days: u32,
    /// Looks until the planned end
    #[arg(long, value_name = "LOOKS", default_value_t = 28, value_parser = clap::value_parser!(u32).range(1..=1000))]
    looks: u32,
    /// How alike units of one cluster are, when clusters are randomised: the intraclass correlation
    #[arg(long, value_name = "ICC")]
    icc: Option<f64>,
    /// Units of a cluster, on average
    #[arg(long, value_name = "UNITS", requires = "icc")]
    cluster_size: Option<f64>,
    /// How unequal clusters are: standard deviation of their sizes over the average
    #[arg(long, value_name = "CV", default_value_t = 0.0, requires = "cluster_size")]
    cluster_cv: f64,
    /// Clusters an arm that there are, counted as if of equal size: says when they do not suffice
    #[arg(long, value_name = "CLUSTERS", requires = "cluster_size")]
    effective_clusters: Option<f64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `tenure plan`.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let asked = Asked::of(&args)?;
    let answer = asked.answer()?;
    if args.json {
        output::json(&answer)?;
    } else {
        print(&answer);
    }
    Ok(ExitCode::SUCCESS)
}

/// What is asked, checked.
struct Asked {
    question: Question,
    original: Option<Reported>,
    clusters: Option<Clusters>,
    rollout: Option<(Traffic, Vec<Step>)>,
}

/// An experiment's effect as it was reported.
struct Reported {
    difference: f64,
    z: f64,
    /// Its correction for selection, in its standard errors.
    corrected: Corrected,
}

/// Clusters that are randomised as a whole.
struct Clusters {
    size: f64,
    cv: f64,
    design_effect: f64,
    /// As if of equal size, an arm.
    effective: Option<f64>,
}

/// What is answered.
#[derive(Debug, Serialize)]
struct Answer {
    #[serde(flatten)]
    forecast: Forecast,
    /// What the product's design finds after so many weeks.
    detectable: Vec<Detectable>,
    /// How many times the units it takes because clusters are randomised.
    #[serde(skip_serializing_if = "Option::is_none")]
    design_effect: Option<f64>,
    /// Where the effect comes from, when it is an experiment's.
    #[serde(skip_serializing_if = "Option::is_none")]
    original: Option<OriginalPrice>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Detectable {
    weeks: u32,
    /// Units of both arms whose window has passed.
    units: u64,
    /// In the metric's unit.
    effect: f64,
}

#[derive(Debug, Serialize)]
struct OriginalPrice {
    z: f64,
    /// In the metric's unit, as reported and corrected.
    reported: f64,
    corrected: f64,
    /// What it costs to find the corrected effect, and half of it.
    whole: Price,
    half: Price,
}

/// By the product's design.
#[derive(Debug, Serialize)]
struct Price {
    /// Units of both arms, at most.
    units: u64,
    days: Option<u32>,
    /// Over the experiment's own sample; looking once, and any time.
    times_experiment_fixed: f64,
    times_experiment: f64,
}

/// Weeks after which the detectable effect is told.
const WEEKS: [u32; 4] = [1, 2, 4, 8];

impl Asked {
    fn of(args: &Args) -> anyhow::Result<Self> {
        between("--alpha", args.alpha, 0.0, 1.0, "such as 0.05")?;
        between("--power", args.power, args.alpha, 1.0, "such as 0.8")?;
        between("--share", args.share, 0.0, 1.0, "such as 0.5")?;
        let (kind, baseline) = match (args.baseline, args.baseline_mean) {
            (Some(p), _) => {
                let more = "being a proportion; for a mean give --baseline-mean and --sd";
                between("--baseline", p, 0.0, 1.0, more)?;
                (Kind::Proportion, p)
            }
            (None, Some(mean)) if mean.is_finite() => (Kind::Mean, mean),
            (None, Some(mean)) => bail!("--baseline-mean is {mean}; it must be a number"),
            (None, None) => bail!("give --baseline, or --baseline-mean and --sd"),
        };
        let reported = match (args.lift, args.difference) {
            (Some(_), _) if baseline <= 0.0 => {
                bail!(
                    "--baseline-mean is {baseline}, which carries no lift; give --difference instead of --lift"
                )
            }
            (Some(lift), _) => lift * baseline,
            (None, Some(difference)) => difference,
            (None, None) => bail!("give --lift or --difference"),
        };
        ensure!(
            reported.is_finite() && reported != 0.0,
            "the effect to find is {reported}; give a --lift or --difference that is not 0"
        );
        let original = args.original_z.map(|z| original(z, args.selected_at, reported)).transpose()?;
        let left = original.as_ref().map_or(1.0, |original| original.corrected.estimate / original.z);
        let effect = left * reported;
        let (control_variance, treatment_variance) = variances(args, kind, baseline, effect)?;
        let clusters = clusters(args)?;
        let inflated = clusters.as_ref().map_or(1.0, |clusters| clusters.design_effect);
        let question = Question {
            kind,
            baseline,
            effect,
            control_variance: inflated * control_variance,
            treatment_variance: inflated * treatment_variance,
            treatment_share: args.share,
            alpha: args.alpha,
            power: args.power,
            looks: args.looks,
        };
        Ok(Self { question, original, clusters, rollout: rollout(args)? })
    }

    fn answer(&self) -> anyhow::Result<Answer> {
        let forecast = self.forecast(&self.question)?;
        let mut warnings = Vec::new();
        if self.rollout.is_none() {
            warnings.push("give --daily-units to see days".to_owned());
        }
        warnings.extend(self.clusters.as_ref().and_then(|clusters| clusters.too_few(&forecast)));
        Ok(Answer {
            detectable: self.detectable()?,
            design_effect: self.clusters.as_ref().map(|clusters| clusters.design_effect),
            original: self.original.as_ref().map(|original| self.price(original, &forecast)).transpose()?,
            forecast,
            warnings,
        })
    }

    fn forecast(&self, question: &Question) -> anyhow::Result<Forecast> {
        let rollout = self.rollout.as_ref().map(|(traffic, steps)| (traffic, steps.as_slice()));
        match forecast::forecast(question, rollout) {
            Ok(forecast) => Ok(forecast),
            Err(_) if rollout.is_some() => bail!(
                "there is no schedule of less than 100,000 days; give more --daily-units, larger --waves or a larger \
                 effect"
            ),
            Err(why) => bail!("this question has no answer: {why}"),
        }
    }

    /// What is found after some weeks.
    fn detectable(&self) -> anyhow::Result<Vec<Detectable>> {
        let Some((traffic, steps)) = &self.rollout else { return Ok(Vec::new()) };
        let mut detectable = Vec::new();
        for weeks in WEEKS {
            let days = (7 * weeks).saturating_sub(traffic.window_days);
            let treated = treated_after(days, traffic, steps);
            // Two units an arm are the fewest that have a variance.
            if treated * (1.0 / traffic.treatment_share - 1.0).min(1.0) < 2.0 {
                continue;
            }
            detectable.push(Detectable {
                weeks,
                units: (treated / traffic.treatment_share) as u64,
                effect: self
                    .question
                    .detectable_effect(Design::Standard, treated)?
                    .copysign(self.question.effect),
            });
        }
        Ok(detectable)
    }

    fn price(&self, original: &Reported, whole: &Forecast) -> anyhow::Result<OriginalPrice> {
        let price = |share: f64, forecast: &Forecast| -> anyhow::Result<Price> {
            let (alpha, power) = (self.question.alpha, self.question.power);
            let fixed = forecast::times_the_experiment(&original.corrected, 1.0, share, alpha, power)?;
            let own = &forecast.rows[0];
            Ok(Price {
                units: own.control_n + own.treatment_n,
                days: own.days,
                times_experiment_fixed: fixed,
                times_experiment: fixed * own.times_fixed,
            })
        };
        let half = self.forecast(&Question { effect: 0.5 * self.question.effect, ..self.question })?;
        Ok(OriginalPrice {
            z: original.z,
            reported: original.difference,
            corrected: self.question.effect,
            whole: price(1.0, whole)?,
            half: price(0.5, &half)?,
        })
    }
}

impl Clusters {
    /// A word when the largest sample needs more clusters than there are.
    fn too_few(&self, forecast: &Forecast) -> Option<String> {
        let own = forecast.rows.first()?;
        let most = own.control_n.max(own.treatment_n) as f64;
        let needed = (most / self.size / (1.0 + self.cv * self.cv)).ceil();
        let there = self.effective.filter(|there| *there < needed)?;
        Some(format!(
            "the plan needs {needed} effective clusters an arm, and there are {there}: find more, or plan for a larger effect"
        ))
    }
}

fn between(flag: &str, value: f64, low: f64, high: f64, more: &str) -> anyhow::Result<()> {
    ensure!(value > low && value < high, "{flag} is {value}; it must lie between {low} and {high}, {more}");
    Ok(())
}

/// A reported effect and what is left of it after the correction for its selection.
fn original(z: f64, selected_at: f64, difference: f64) -> anyhow::Result<Reported> {
    ensure!(
        z.is_finite() && z != 0.0,
        "--original-z is {z}; it must be the experiment's estimate over its standard error, such as 2.5"
    );
    ensure!(
        selected_at.is_finite() && selected_at >= 0.0,
        "--selected-at is {selected_at}; it must be a number, 0 or more, such as 1.96"
    );
    let corrected = replication::correct(z.abs(), 1.0, selected_at)?;
    Ok(Reported { difference, z: z.abs(), corrected })
}

/// Of one unit in control and in treatment.
fn variances(args: &Args, kind: Kind, baseline: f64, effect: f64) -> anyhow::Result<(f64, f64)> {
    match (kind, args.sd) {
        (Kind::Proportion, _) => {
            let treated = baseline + effect;
            ensure!(
                treated > 0.0 && treated < 1.0,
                "a baseline of {baseline} with this effect is {treated}, no proportion; give a smaller --lift or --difference"
            );
            Ok((baseline * (1.0 - baseline), treated * (1.0 - treated)))
        }
        (_, Some(sd)) => {
            ensure!(sd.is_finite() && sd > 0.0, "--sd is {sd}; it must be a number above 0");
            Ok((sd * sd, sd * sd))
        }
        (_, None) => bail!("--baseline-mean needs --sd, the standard deviation of a unit's value"),
    }
}

fn clusters(args: &Args) -> anyhow::Result<Option<Clusters>> {
    let Some(icc) = args.icc else { return Ok(None) };
    ensure!((0.0..=1.0).contains(&icc), "--icc is {icc}; it must lie between 0 and 1");
    let Some(size) = args.cluster_size else {
        bail!("--icc needs --cluster-size, the units of a cluster on average")
    };
    ensure!(size.is_finite() && size >= 1.0, "--cluster-size is {size}; it must be 1 or more");
    let cv = args.cluster_cv;
    ensure!(cv.is_finite() && cv >= 0.0, "--cluster-cv is {cv}; it must be 0 or more");
    if let Some(effective) = args.effective_clusters {
        ensure!(effective >= 2.0, "--effective-clusters is {effective}; it must be 2 or more an arm");
    }
    let design_effect = 1.0 + ((1.0 + cv * cv) * size - 1.0) * icc;
    Ok(Some(Clusters { size, cv, design_effect, effective: args.effective_clusters }))
}

/// Who comes, and the waves; one wave of all units when none are given.
fn rollout(args: &Args) -> anyhow::Result<Option<(Traffic, Vec<Step>)>> {
    let Some(daily_units) = args.daily_units else { return Ok(None) };
    ensure!(
        daily_units.is_finite() && daily_units > 0.0,
        "--daily-units is {daily_units}; it must be a number of units above 0"
    );
    let most = 100.0 * args.share;
    for percent in &args.waves {
        ensure!(
            *percent > 0.0 && *percent <= most * (1.0 + 1e-9),
            "--waves has {percent}; a wave gives the feature to more than 0 and, with a --share of {}, at most {most} % of all \
             units, because the others that it admits are the control",
            args.share
        );
    }
    ensure!(
        args.waves.windows(2).all(|pair| pair[0] < pair[1]),
        "--waves do not rise; give them from the smallest to the largest, such as 5,20,50"
    );
    let percent = if args.waves.is_empty() { vec![most] } else { args.waves.clone() };
    let mut steps = Step::of_percent(&percent);
    let last = steps.len() - 1;
    steps[..last].iter_mut().for_each(|step| step.days = Some(args.wave_days));
    let traffic =
        Traffic { treatment_share: args.share, window_days: args.window_days, ..Traffic::new(daily_units) };
    Ok(Some((traffic, steps)))
}

/// Treated units that have come in after so many days of the waves.
fn treated_after(days: u32, traffic: &Traffic, steps: &[Step]) -> f64 {
    let (mut left, mut treated) = (days, 0.0);
    for step in steps {
        let spent = step.days.map_or(left, |lasts| lasts.min(left));
        treated += f64::from(spent) * traffic.daily_units * step.exposed;
        left -= spent;
    }
    treated
}

fn print(answer: &Answer) {
    let question = &answer.forecast.question;
    let effect = |difference: f64| {
        let change = sentence::change(question.kind, Scale::Absolute, difference);
        if question.baseline > 0.0 {
            let lift =
                sentence::change(question.kind, Scale::Relative, (difference / question.baseline).ln_1p());
            format!("{lift} ({change})")
        } else {
            change
        }
    };
    output::prose(0, &answer.forecast.sentence);
    if let Some(original) = &answer.original {
        output::prose(
            0,
            &format!(
                "the experiment reported {} at z = {}, inflated by having won; {} is left after its correction",
                effect(original.reported),
                original.z,
                effect(original.corrected)
            ),
        );
    }
    if let Some(design_effect) = answer.design_effect {
        output::line(format!("clusters cost {design_effect:.2} times the units"));
    }
    output::line("");
    print_designs(&answer.forecast);
    if let Some(schedule) = &answer.forecast.schedule {
        output::line("");
        let rows = schedule.stages.iter().map(|stage| {
            vec![
                format!("{} %", (1e4 * stage.exposed).round() / 100.0),
                format!("{} %", (1e4 * stage.coverage).round() / 100.0),
                format!("{} to {}", stage.from_day, stage.to_day),
                output::count(stage.control_n + stage.treatment_n),
                format!("{:.0} %", 100.0 * stage.information),
            ]
        });
        output::table(
            &["feature", "admitted", "days", "units so far", "information"],
            &[0, 1, 2, 3, 4],
            &rows.collect::<Vec<_>>(),
        );
        output::line(format!("a verdict by day {}", schedule.verdict_by_day));
    }
    if !answer.detectable.is_empty() {
        output::line("");
        let rows = answer.detectable.iter();
        let rows = rows.map(|it| vec![it.weeks.to_string(), output::count(it.units), effect(it.effect)]);
        output::table(&["after weeks", "units", "finds"], &[0, 1, 2], &rows.collect::<Vec<_>>());
    }
    output::line("");
    let rows = answer.forecast.curve.iter().map(|point| {
        vec![
            effect(point.effect),
            format!("{:.1} %", 100.0 * point.power),
            output::count(point.expected_n as u64),
        ]
    });
    output::table(&["if it truly is", "found", "units expected"], &[0, 1, 2], &rows.collect::<Vec<_>>());
    if let Some(original) = &answer.original {
        output::line("");
        for (name, share, price) in [("it", 1.0, &original.whole), ("half of it", 0.5, &original.half)] {
            let days = price.days.map_or_else(String::new, |days| format!(" and {days} days"));
            output::prose(
                2,
                &format!(
                    "{name}, {}, takes {} units{days}: {:.1} times the experiment's sample ({:.1} looking once)",
                    effect(share * original.corrected),
                    output::count(price.units),
                    price.times_experiment,
                    price.times_experiment_fixed
                ),
            );
        }
    }
    answer.warnings.iter().for_each(|warning| output::prose(2, &format!("! {warning}")));
}

fn print_designs(forecast: &Forecast) {
    let days = |days: Option<u32>| days.map_or_else(|| "-".to_owned(), |days| days.to_string());
    let rows = forecast.rows.iter().map(|row| {
        vec![
            match row.design {
                Design::Standard => "any time, as Tenure looks",
                Design::Fixed => "once, at the end",
                Design::GroupSequential(_) => "group sequential",
                Design::AlwaysValid => "always valid only",
                Design::Bonferroni => "Bonferroni",
            }
            .to_owned(),
            output::count(row.treatment_n),
            output::count(row.control_n),
            output::count(row.treatment_n + row.control_n),
            days(row.days),
            format!("{:.2}", row.times_fixed),
            output::count(row.expected_n),
            days(row.expected_days),
            format!("{:.2}", row.expected_times_fixed),
        ]
    });
    output::table(
        &["looking", "treatment", "control", "in all", "days", "cost", "expected", "days", "cost"],
        &[1, 2, 3, 4, 5, 6, 7, 8],
        &rows.collect::<Vec<_>>(),
    );
    output::prose(0, "cost is over looking once; expected is when the effect is as planned");
}
