//! `tenure plan`: what a question costs before it is asked: units, days, and the price of looking.

use std::process::ExitCode;

use anyhow::{bail, ensure};
use serde::Serialize;
use tenure_stats::CannotSay;
use tenure_stats::estimate::{Kind, Scale};
use tenure_stats::power::{self, Cost, Design, Tails};
use tenure_stats::replication::{self, SELECTED_AT};
use tenure_stats::sentence;
use tenure_stats::sequential::{self, Sides, Spending};

use crate::output;

const EXAMPLES: &str = "\
Examples:
  tenure plan --baseline 0.12 --lift 0.05 --power 0.8 --daily-units 4000 --waves 5,20,50

  # a mean; the lift is that of an experiment with z = 2.5, which won and is therefore inflated
  tenure plan --baseline-mean 31.5 --sd 80 --lift 0.04 --original-z 2.5 --daily-units 9000

  # whole tenants are randomised, 40 users each on average
  tenure plan --baseline 0.3 --difference 0.02 --icc 0.05 --cluster-size 40 --cluster-cv 0.8";

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
    #[arg(long, value_name = "DAYS", default_value_t = 7.0)]
    wave_days: f64,
    /// Days after its first exposure in which a unit's outcome counts
    #[arg(long, value_name = "DAYS", default_value_t = 0.0)]
    window_days: f64,
    /// Looks until the planned end
    #[arg(long, value_name = "LOOKS", default_value_t = 28, value_parser = clap::value_parser!(u32).range(1..=1000))]
    looks: u32,
    /// How alike units of one cluster are, when clusters are randomised: the intraclass correlation
    #[arg(long, value_name = "ICC")]
    icc: Option<f64>,
    /// Units of a cluster, on average
    #[arg(long, value_name = "UNITS", requires = "icc", conflicts_with = "effective_clusters")]
    cluster_size: Option<f64>,
    /// How unequal clusters are: standard deviation of their sizes over the average
    #[arg(long, value_name = "CV", default_value_t = 0.0, requires = "cluster_size")]
    cluster_cv: f64,
    /// Clusters an arm that there are, counted as if of equal size; there will be no more
    #[arg(long, value_name = "CLUSTERS", requires = "icc")]
    effective_clusters: Option<f64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `tenure plan`.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let question = Question::of(&args)?;
    let answer = question.answer()?;
    if args.json {
        output::json(&answer)?;
    } else {
        print(&question, &answer);
    }
    Ok(ExitCode::SUCCESS)
}

/// What is asked, checked.
struct Question {
    kind: Kind,
    baseline: f64,
    /// The effect to find, in the metric's unit.
    difference: f64,
    noise: Noise,
    original: Option<Reported>,
    power: f64,
    alpha: f64,
    share: f64,
    daily_units: Option<f64>,
    waves: Vec<f64>,
    wave_days: f64,
    window_days: f64,
    looks: u32,
}

/// An experiment's effect as it was reported.
struct Reported {
    difference: f64,
    z: f64,
    /// The share of it that is left after correction for selection.
    left: f64,
}

/// How a sample's size becomes a squared standard error.
struct Noise {
    control_variance: f64,
    treatment_variance: f64,
    /// Control units for each treatment unit.
    kappa: f64,
    clusters: Clusters,
}

enum Clusters {
    /// Units are randomised.
    None,
    /// Clusters are, and there are as many as it takes: times this many units.
    Many { design_effect: f64 },
    /// Clusters are, and there are no more than these an arm.
    Few { icc: f64, effective: f64 },
}

impl Noise {
    fn per_unit(&self) -> f64 {
        self.treatment_variance + self.control_variance / self.kappa
    }

    fn se(&self, treatment_n: f64) -> f64 {
        let independent = self.per_unit() / treatment_n;
        match self.clusters {
            Clusters::None => independent,
            Clusters::Many { design_effect } => design_effect * independent,
            Clusters::Few { icc, effective } => self.between(icc, effective) + (1.0 - icc) * independent,
        }
        .sqrt()
    }

    /// The squared standard error that more units of the same clusters do not lower.
    fn between(&self, icc: f64, effective: f64) -> f64 {
        icc * (self.treatment_variance + self.control_variance) / effective
    }

    /// Treatment units at which an effect stands `drift` standard errors above zero; none when the clusters never
    /// suffice.
    fn units(&self, effect: f64, drift: f64) -> Result<Option<f64>, CannotSay> {
        let n = |scale: f64, drift: f64| {
            let (control, treatment) = (self.control_variance, self.treatment_variance);
            Ok(Some(scale * power::treatment_units(effect, control, treatment, self.kappa, drift)?))
        };
        match self.clusters {
            Clusters::None => n(1.0, drift),
            Clusters::Many { design_effect } => n(design_effect, drift),
            Clusters::Few { icc, effective } => {
                let left = (effect / drift).powi(2) - self.between(icc, effective);
                if left > 0.0 { n(1.0 - icc, effect.abs() / left.sqrt()) } else { Ok(None) }
            }
        }
    }
}

/// What is answered.
#[derive(Debug, Serialize)]
struct Answer {
    kind: Kind,
    baseline: f64,
    /// The effect planned for.
    difference: f64,
    lift: f64,
    power: f64,
    alpha: f64,
    treatment_share: f64,
    daily_units: Option<f64>,
    looks: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    design_effect: Option<f64>,
    /// What each design costs; the first is the product's own.
    designs: Vec<Price>,
    /// What can be found after so many weeks, by the product's design.
    detectable: Vec<Detectable>,
    /// The chance of a positive verdict when the effect is another one.
    power_curve: Vec<PowerAt>,
    waves: Vec<WavePlan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    original: Option<OriginalPrice>,
    warnings: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
struct Price {
    design: &'static str,
    /// The largest sample, and the expected one when the effect is as planned, over the fixed design's.
    largest_factor: f64,
    expected_factor: f64,
    /// None when the clusters never suffice.
    largest: Option<Sample>,
    expected: Option<Sample>,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Sample {
    treatment: u64,
    control: u64,
    total: u64,
    /// Until the last unit's window has passed.
    days: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Detectable {
    weeks: u32,
    /// Units whose window has passed.
    units: u64,
    difference: f64,
    lift: f64,
}

#[derive(Debug, Serialize)]
struct PowerAt {
    /// The effect over the one planned for.
    share: f64,
    difference: f64,
    lift: f64,
    power: f64,
}

#[derive(Debug, Serialize)]
struct WavePlan {
    /// The share of all units that gets the feature, and the one that is admitted, in per cent.
    percent: f64,
    admitted_percent: f64,
    /// From the rollout's start.
    from_day: f64,
    days: f64,
    /// Units admitted in it.
    units: u64,
    /// At its end, over the plan's.
    information_fraction: f64,
}

#[derive(Debug, Serialize)]
struct OriginalPrice {
    z: f64,
    reported_difference: f64,
    reported_lift: f64,
    corrected_difference: f64,
    corrected_lift: f64,
    /// What it costs to find the corrected effect, and half of it, by the product's design.
    corrected: Costs,
    half: Costs,
}

#[derive(Debug, Serialize)]
struct Costs {
    sample: Option<Sample>,
    /// Over the experiment's own sample: the fixed design, and the product's.
    times_experiment_fixed: f64,
    times_experiment: f64,
}

/// Weeks after which the detectable effect is told.
const WEEKS: [u32; 4] = [1, 2, 4, 8];

/// Effects, over the planned one, of the power curve.
const CURVE: [f64; 7] = [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5];

impl Question {
    fn of(args: &Args) -> anyhow::Result<Self> {
        between("--power", args.power, args.alpha, 1.0, "such as 0.8, and be above --alpha")?;
        between("--alpha", args.alpha, 0.0, 1.0, "such as 0.05")?;
        between("--share", args.share, 0.0, 1.0, "such as 0.5")?;
        for (flag, days) in [("--wave-days", args.wave_days), ("--window-days", args.window_days)] {
            ensure!(
                days.is_finite() && days >= 0.0,
                "{flag} is {days}; it must be a number of days, 0 or more"
            );
        }
        if let Some(units) = args.daily_units {
            ensure!(
                units.is_finite() && units > 0.0,
                "--daily-units is {units}; it must be a number of units above 0"
            );
        }
        let (kind, baseline) = match (args.baseline, args.baseline_mean) {
            (Some(p), _) => {
                between(
                    "--baseline",
                    p,
                    0.0,
                    1.0,
                    "being a proportion; for a mean give --baseline-mean and --sd",
                )?;
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
        let difference = original.as_ref().map_or(reported, |original| original.left * reported);
        let noise = noise(args, kind, baseline, difference)?;
        for percent in &args.waves {
            let most = 100.0 * args.share;
            ensure!(
                *percent > 0.0 && *percent <= most,
                "--waves has {percent}; a wave gives the feature to above 0 and, with a --share of {}, at most {most} % of all \
                 units, because the others it admits are the control",
                args.share
            );
        }
        ensure!(
            args.waves.windows(2).all(|pair| pair[0] < pair[1]),
            "--waves do not rise; give them from the smallest to the largest, such as 5,20,50"
        );
        Ok(Self {
            kind,
            baseline,
            difference,
            noise,
            original,
            power: args.power,
            alpha: args.alpha,
            share: args.share,
            daily_units: args.daily_units,
            waves: args.waves.clone(),
            wave_days: args.wave_days,
            window_days: args.window_days,
            looks: args.looks,
        })
    }

    fn answer(&self) -> anyhow::Result<Answer> {
        let designs = [
            ("standard", Design::Standard),
            ("fixed", Design::Fixed),
            ("group_sequential", Design::GroupSequential(Spending::ObrienFleming)),
            ("always_valid", Design::AlwaysValid),
            ("bonferroni", Design::Bonferroni),
        ];
        let prices = designs.map(|(name, design)| self.price(name, design));
        let prices = prices.into_iter().collect::<anyhow::Result<Vec<Price>>>()?;
        let own = Design::Standard.cost(self.looks, self.alpha, self.power)?;
        let mut warnings = Vec::new();
        let largest = prices[0].largest;
        if largest.is_none() {
            warnings.push(self.too_few_clusters(own.drift));
        }
        if self.daily_units.is_none() {
            warnings.push("give --daily-units to see days".to_owned());
        }
        if let Some(days) = largest.and_then(|sample| sample.days).filter(|days| *days < 7.0) {
            warnings.push(format!(
                "{days:.1} days are less than a week: run whole weeks, because weekdays differ"
            ));
        }
        Ok(Answer {
            kind: self.kind,
            baseline: self.baseline,
            difference: self.difference,
            lift: self.difference / self.baseline,
            power: self.power,
            alpha: self.alpha,
            treatment_share: self.share,
            daily_units: self.daily_units,
            looks: self.looks,
            design_effect: match self.noise.clusters {
                Clusters::Many { design_effect } => Some(design_effect),
                _ => None,
            },
            detectable: self.detectable(own.drift),
            power_curve: self.power_curve(&own)?,
            waves: largest.map_or_else(Vec::new, |sample| self.schedule(sample)),
            original: self
                .original
                .as_ref()
                .map(|original| self.original_price(original, &own))
                .transpose()?,
            designs: prices,
            warnings,
        })
    }

    fn price(&self, name: &'static str, design: Design) -> anyhow::Result<Price> {
        let cost = design.cost(self.looks, self.alpha, self.power)?;
        let largest = self.noise.units(self.difference, cost.drift)?;
        let expected = largest.map(|n| n * cost.expected / cost.largest);
        Ok(Price {
            design: name,
            largest_factor: cost.largest,
            expected_factor: cost.expected,
            largest: largest.map(|n| self.sample(n)),
            expected: expected.map(|n| self.sample(n)),
        })
    }

    fn sample(&self, treatment: f64) -> Sample {
        let treatment = treatment.ceil().max(2.0);
        let control = (treatment * self.noise.kappa).ceil().max(2.0);
        let total = treatment + control;
        Sample {
            treatment: treatment as u64,
            control: control as u64,
            total: total as u64,
            days: self.days(total),
        }
    }

    /// Days until so many units have come in and their windows have passed.
    fn days(&self, total: f64) -> Option<f64> {
        let daily = self.daily_units?;
        let mut left = total;
        let mut day = 0.0;
        for wave in self.waves.iter().take(self.waves.len().saturating_sub(1)) {
            let units = daily * self.admitted(*wave) * self.wave_days;
            if units >= left {
                break;
            }
            left -= units;
            day += self.wave_days;
        }
        let at = if self.waves.is_empty() { 1.0 } else { self.admitted(self.wave_of(day)) };
        Some(day + left / (daily * at) + self.window_days)
    }

    fn wave_of(&self, day: f64) -> f64 {
        let place = if self.wave_days > 0.0 { (day / self.wave_days).round() as usize } else { usize::MAX };
        self.waves[place.min(self.waves.len() - 1)]
    }

    /// The share of all units that a wave admits.
    fn admitted(&self, percent: f64) -> f64 {
        percent / 100.0 / self.share
    }

    fn schedule(&self, largest: Sample) -> Vec<WavePlan> {
        let Some(daily) = self.daily_units else { return Vec::new() };
        let (mut plans, mut day, mut units) = (Vec::new(), 0.0, 0.0);
        for (place, percent) in self.waves.iter().enumerate() {
            let a_day = daily * self.admitted(*percent);
            let left = ((largest.total as f64 - units) / a_day).max(0.0);
            let days = if place + 1 == self.waves.len() { left } else { self.wave_days };
            units += days * a_day;
            plans.push(WavePlan {
                percent: *percent,
                admitted_percent: 100.0 * self.admitted(*percent),
                from_day: day,
                days,
                units: (days * a_day).ceil() as u64,
                information_fraction: units / largest.total as f64,
            });
            day += days;
        }
        plans
    }

    fn detectable(&self, drift: f64) -> Vec<Detectable> {
        let Some(daily) = self.daily_units else { return Vec::new() };
        let after = |weeks: u32| {
            let open = (7.0 * f64::from(weeks) - self.window_days).max(0.0);
            let units = self.units_after(open, daily);
            let difference = drift * self.noise.se(units * self.share);
            let lift = difference / self.baseline.abs();
            (units >= 4.0).then_some(Detectable { weeks, units: units as u64, difference, lift })
        };
        WEEKS.into_iter().filter_map(after).collect()
    }

    /// Units that have come in after so many days, through the waves.
    fn units_after(&self, days: f64, daily: f64) -> f64 {
        let (mut left, mut units) = (days, 0.0);
        for (place, percent) in self.waves.iter().enumerate() {
            let spent = if place + 1 == self.waves.len() { left } else { left.min(self.wave_days) };
            units += spent * daily * self.admitted(*percent);
            left -= spent;
        }
        if self.waves.is_empty() { days * daily } else { units }
    }

    fn power_curve(&self, own: &Cost) -> anyhow::Result<Vec<PowerAt>> {
        let z = Design::Standard.bounds(self.looks, self.alpha)?;
        let fractions: Vec<f64> =
            (1..=self.looks).map(|look| f64::from(look) / f64::from(self.looks)).collect();
        let at = |share: f64| {
            let exits = sequential::exit_probabilities(&fractions, &z, share * own.drift, Sides::Both)?;
            let difference = share * self.difference;
            let power = exits.iter().map(|exit| exit.above).sum();
            Ok(PowerAt { share, difference, lift: difference / self.baseline, power })
        };
        CURVE.into_iter().map(at).collect()
    }

    fn original_price(&self, original: &Reported, own: &Cost) -> anyhow::Result<OriginalPrice> {
        let fixed = power::drift(0.5 * self.alpha, self.power, Tails::One)?;
        let costs = |share: f64| -> anyhow::Result<Costs> {
            // The experiment's effect stood z standard errors above zero; this share of it must stand `drift`.
            let times = |drift: f64| (drift / (share * original.left * original.z)).powi(2);
            let sample = self.noise.units(share * self.difference, own.drift)?.map(|n| self.sample(n));
            Ok(Costs { sample, times_experiment_fixed: times(fixed), times_experiment: times(own.drift) })
        };
        Ok(OriginalPrice {
            z: original.z,
            reported_difference: original.difference,
            reported_lift: original.difference / self.baseline,
            corrected_difference: self.difference,
            corrected_lift: self.difference / self.baseline,
            corrected: costs(1.0)?,
            half: costs(0.5)?,
        })
    }

    fn too_few_clusters(&self, drift: f64) -> String {
        let Clusters::Few { icc, effective } = self.noise.clusters else { return String::new() };
        let between = self.noise.between(icc, 1.0);
        format!(
            "{effective} clusters an arm never suffice, however many units they have: it takes more than {:.0}; find more, or \
             plan for a larger effect",
            between * (drift / self.difference).powi(2)
        )
    }
}

fn between(flag: &str, value: f64, low: f64, high: f64, more: &str) -> anyhow::Result<()> {
    ensure!(value > low && value < high, "{flag} is {value}; it must lie between {low} and {high}, {more}");
    Ok(())
}

/// What is left of a reported effect after the correction for its selection.
fn original(z: f64, selected_at: f64, difference: f64) -> anyhow::Result<Reported> {
    ensure!(
        z.is_finite() && z != 0.0,
        "--original-z is {z}; it must be the experiment's estimate over its standard error"
    );
    ensure!(
        selected_at.is_finite() && selected_at >= 0.0,
        "--selected-at is {selected_at}; it must be a number, 0 or more, such as 1.96"
    );
    let z = z.abs();
    let left = replication::correct(z, 1.0, selected_at)?.estimate / z;
    Ok(Reported { difference, z, left })
}

fn noise(args: &Args, kind: Kind, baseline: f64, difference: f64) -> anyhow::Result<Noise> {
    let (control_variance, treatment_variance) = match (kind, args.sd) {
        (Kind::Proportion, _) => {
            let treated = baseline + difference;
            ensure!(
                treated > 0.0 && treated < 1.0,
                "a baseline of {baseline} with this effect is {treated}, no proportion; give a smaller --lift or --difference"
            );
            (baseline * (1.0 - baseline), treated * (1.0 - treated))
        }
        (_, Some(sd)) => {
            ensure!(sd.is_finite() && sd > 0.0, "--sd is {sd}; it must be a number above 0");
            (sd * sd, sd * sd)
        }
        (_, None) => bail!("--baseline-mean needs --sd, the standard deviation of a unit's value"),
    };
    let clusters = match (args.icc, args.cluster_size, args.effective_clusters) {
        (None, ..) => Clusters::None,
        (Some(icc), ..) if !(0.0..=1.0).contains(&icc) => {
            bail!("--icc is {icc}; it must lie between 0 and 1")
        }
        (Some(icc), Some(size), _) => {
            ensure!(size.is_finite() && size >= 1.0, "--cluster-size is {size}; it must be 1 or more");
            let cv = args.cluster_cv;
            ensure!(cv.is_finite() && cv >= 0.0, "--cluster-cv is {cv}; it must be 0 or more");
            Clusters::Many { design_effect: 1.0 + ((1.0 + cv * cv) * size - 1.0) * icc }
        }
        (Some(icc), None, Some(effective)) => {
            ensure!(
                effective.is_finite() && effective >= 2.0,
                "--effective-clusters is {effective}; it must be 2 or more an arm"
            );
            Clusters::Few { icc, effective }
        }
        (Some(_), None, None) => bail!("--icc needs --cluster-size, or --effective-clusters"),
    };
    let kappa = (1.0 - args.share) / args.share;
    Ok(Noise { control_variance, treatment_variance, kappa, clusters })
}

fn print(question: &Question, answer: &Answer) {
    let change = |value: f64| sentence::change(question.kind, Scale::Absolute, value);
    let lift = |lift: f64| sentence::change(question.kind, Scale::Relative, lift.ln_1p());
    let effect = |difference: f64| {
        if question.baseline > 0.0 {
            format!("{} ({})", lift(difference / question.baseline), change(difference))
        } else {
            change(difference)
        }
    };
    let days = |sample: &Sample| sample.days.map_or_else(|| "-".to_owned(), |days| format!("{:.1}", days));
    let total = |sample: &Option<Sample>| {
        sample.as_ref().map_or_else(|| "never".to_owned(), |sample| output::count(sample.total))
    };
    let level = match question.kind {
        Kind::Proportion => format!("{} %", 100.0 * question.baseline),
        _ => question.baseline.to_string(),
    };
    output::line(format!(
        "To find {} on {level} with {} % power at a two-sided error of {} %:",
        effect(answer.difference),
        100.0 * answer.power,
        100.0 * answer.alpha
    ));
    if let Some(original) = &answer.original {
        output::prose(
            0,
            &format!(
                "the experiment reported {} at z = {}, inflated by having won; this is what is left after its correction",
                effect(original.reported_difference),
                original.z
            ),
        );
    }
    if let Some(design_effect) = answer.design_effect {
        output::line(format!("clusters cost {design_effect:.2} times the units"));
    }
    output::line("");
    let rows = answer.designs.iter().map(|price| {
        let arm = |of: fn(&Sample) -> u64| {
            price.largest.as_ref().map_or_else(|| "never".to_owned(), |it| output::count(of(it)))
        };
        vec![
            match price.design {
                "standard" => "any time, as Tenure looks",
                "fixed" => "once, at the end",
                "group_sequential" => "group sequential",
                "always_valid" => "always valid only",
                _ => "Bonferroni",
            }
            .to_owned(),
            arm(|it| it.treatment),
            arm(|it| it.control),
            total(&price.largest),
            price.largest.as_ref().map_or_else(|| "-".to_owned(), days),
            format!("{:.2}", price.largest_factor),
            total(&price.expected),
            price.expected.as_ref().map_or_else(|| "-".to_owned(), days),
            format!("{:.2}", price.expected_factor),
        ]
    });
    output::table(
        &["looking", "treatment", "control", "in all", "days", "cost", "expected", "days", "cost"],
        &[1, 2, 3, 4, 5, 6, 7, 8],
        &rows.collect::<Vec<_>>(),
    );
    output::prose(
        0,
        &format!(
            "cost is over looking once; expected is when the effect is as planned, with {} looks until the end",
            answer.looks
        ),
    );
    print_waves(answer);
    if !answer.detectable.is_empty() {
        output::line("");
        let rows = answer.detectable.iter();
        let rows = rows.map(|it| vec![it.weeks.to_string(), output::count(it.units), effect(it.difference)]);
        output::table(&["weeks", "units", "finds"], &[0, 1, 2], &rows.collect::<Vec<_>>());
    }
    if answer.designs[0].largest.is_some() {
        print_power(answer, effect);
    }
    if let Some(original) = &answer.original {
        output::line("");
        for (name, share, costs) in [("it", 1.0, &original.corrected), ("half of it", 0.5, &original.half)] {
            output::prose(
                2,
                &format!(
                    "{name}, {}, takes {} units, {:.1} times the experiment's sample ({:.1} looking once)",
                    effect(share * answer.difference),
                    total(&costs.sample),
                    costs.times_experiment,
                    costs.times_experiment_fixed
                ),
            );
        }
    }
    answer.warnings.iter().for_each(|warning| output::prose(2, &format!("! {warning}")));
}

fn print_power(answer: &Answer, effect: impl Fn(f64) -> String) {
    output::line("");
    let rows = answer.power_curve.iter();
    let rows = rows.map(|it| vec![effect(it.difference), format!("{:.1} %", 100.0 * it.power)]);
    output::table(&["if it truly is", "chance of positive"], &[0, 1], &rows.collect::<Vec<_>>());
}

fn print_waves(answer: &Answer) {
    if answer.waves.is_empty() {
        return;
    }
    output::line("");
    let rows = answer.waves.iter().map(|wave| {
        vec![
            format!("{} %", wave.percent),
            format!("{:.0} %", wave.admitted_percent),
            format!("{:.0}", wave.from_day),
            format!("{:.1}", wave.days),
            output::count(wave.units),
            format!("{:.0} %", 100.0 * wave.information_fraction),
        ]
    });
    output::table(
        &["feature", "admitted", "from day", "days", "units", "information"],
        &[0, 1, 2, 3, 4, 5],
        &rows.collect::<Vec<_>>(),
    );
}
