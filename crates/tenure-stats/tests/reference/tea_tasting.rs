//! tea-tasting: means and ratios with and without CUPED, log-ratio intervals, exact tests of proportions,
//! sample ratio and power.

use serde_json::{Value, json};
use tenure_stats::cuped;
use tenure_stats::estimate::{self, Estimate, Kind, Level};
use tenure_stats::exact::{self, Counts};
use tenure_stats::joint::Joint;
use tenure_stats::moments::Moments;
use tenure_stats::power::{self, Tails};
use tenure_stats::{CannotSay, normal, ratio};

use crate::Method;
use crate::case;
use crate::case::{Case, Found, count, json as number};

pub fn method(name: &str) -> Option<Method> {
    Some(match name {
        "mean" | "mean_cuped" | "ratio" | "ratio_cuped" => compare,
        "proportion_z" => proportion_z,
        "proportion_fisher" => |case| exact_test(case, exact::fisher),
        "proportion_barnard" => |case| exact_test(case, exact::barnard),
        "proportion_boschloo" => |case| exact_test(case, exact::boschloo),
        "srm" => sample_ratio,
        "solve_power" => solve_power,
        _ => return None,
    })
}

fn compare(case: &Case) -> Found {
    let (control, treatment) = levels(case);
    let equal = case.input["equal_var"] == Value::Bool(true);
    let t = |estimate: Estimate| match (case.input["use_t"] != Value::Bool(false), equal) {
        (false, _) => estimate.normal(),
        (true, true) => estimate.with_df((control.n + treatment.n - 2) as f64),
        (true, false) => estimate,
    };
    let pooled = |scale_control: f64, scale_treatment: f64| {
        if equal {
            pooled(&control, &treatment, scale_control, scale_treatment)
        } else {
            (control, treatment)
        }
    };
    let (plain_control, plain_treatment) = pooled(1.0, 1.0);
    let absolute = t(estimate::difference(&plain_control, &plain_treatment).unwrap());
    // On the logarithm the variances are equal, if at all, relative to the squared levels.
    let (log_control, log_treatment) = pooled(control.value, treatment.value);
    let relative = t(estimate::log_ratio(&log_control, &log_treatment).unwrap());
    let [low, high] = bounds(case, &absolute);
    let [rel_low, rel_high] = bounds(case, &relative);
    Found::about_one(json!({
        "control": control.value,
        "treatment": treatment.value,
        "effect_size": absolute.value,
        "effect_size_ci_lower": number(low),
        "effect_size_ci_upper": number(high),
        "rel_effect_size": estimate::lift_of(relative.value),
        "rel_effect_size_ci_lower": number(lowest(rel_low)),
        "rel_effect_size_ci_upper": number(estimate::lift_of(rel_high)),
        "pvalue": p_value(case, &absolute),
        "statistic": absolute.z(),
    }))
}

/// The lift of a lower end; tea-tasting leaves an open end open instead of writing −100 %.
fn lowest(log_ratio: f64) -> f64 {
    if log_ratio == f64::NEG_INFINITY { log_ratio } else { estimate::lift_of(log_ratio) }
}

fn bounds(case: &Case, estimate: &Estimate) -> [f64; 2] {
    let confidence = case.number_or("confidence_level", 0.95);
    let one = estimate.critical(1.0 - confidence) * estimate.se;
    match case.word("alternative") {
        "greater" => [estimate.value - one, f64::INFINITY],
        "less" => [f64::NEG_INFINITY, estimate.value + one],
        _ => estimate.interval(confidence),
    }
}

fn p_value(case: &Case, estimate: &Estimate) -> f64 {
    match case.word("alternative") {
        "greater" => estimate.p_above(0.0),
        "less" => estimate.p_below(0.0),
        _ => estimate.p_value(),
    }
}

/// Both arms with one variance, which is equal in units of the scales' squares.
fn pooled(control: &Level, treatment: &Level, scale_control: f64, scale_treatment: f64) -> (Level, Level) {
    let weight = |level: &Level| (level.n - 1) as f64;
    let scaled = |level: &Level, scale: f64| level.variance / (scale * scale);
    let variance = (weight(control) * scaled(control, scale_control)
        + weight(treatment) * scaled(treatment, scale_treatment))
        / (weight(control) + weight(treatment));
    let back = |level: &Level, scale: f64| Level { variance: variance * scale * scale, ..*level };
    (back(control, scale_control), back(treatment, scale_treatment))
}

/// The columns of a metric, in the order this crate wants them: outcome, denominator, their covariates.
fn columns(input: &Value) -> (Vec<&str>, bool, bool) {
    let column = |field: &str| input[field].as_str();
    let (ratio, adjusted) = (column("denom").is_some(), column("numer_cov").is_some());
    let mut columns: Vec<&str> =
        ["numer", "denom", "numer_cov", "denom_cov"].into_iter().filter_map(column).collect();
    // A ratio's covariate may be a mean: a ratio over ones.
    if ratio && adjusted && column("denom_cov").is_none() {
        columns.push(ONES);
    }
    (columns, ratio, adjusted)
}

/// The column that is 1 for every unit.
const ONES: &str = "1";

fn joint(arm: &Value, columns: &[&str]) -> Joint {
    let n = count(&arm["n"]).unwrap();
    let mean =
        |column: &&str| if *column == ONES { 1.0 } else { case::number(&arm["mean"][column]).unwrap() };
    let means: Vec<f64> = columns.iter().map(mean).collect();
    let covariance = columns.iter().flat_map(|a| columns.iter().map(move |b| (a, b))).map(|(a, b)| {
        let either = [&arm["cov"][format!("{a}|{b}")], &arm["cov"][format!("{b}|{a}")]];
        match a {
            _ if *a == ONES || *b == ONES => 0.0,
            _ if a == b => case::number(&arm["var"][a]).unwrap(),
            _ => either.into_iter().find_map(case::number).unwrap(),
        }
    });
    Joint::from_summary(n, &means, &covariance.collect::<Vec<_>>()).unwrap()
}

fn levels(case: &Case) -> (Level, Level) {
    let (columns, ratio, adjusted) = columns(&case.input);
    let (control, treatment) =
        (joint(&case.input["control"], &columns), joint(&case.input["treatment"], &columns));
    let adjusted = match (ratio, adjusted) {
        (false, false) => return (mean(&control), mean(&treatment)),
        (true, false) => {
            return (ratio::level(&control, 0, 1).unwrap(), ratio::level(&treatment, 0, 1).unwrap());
        }
        (false, true) => cuped::cuped(&control, &treatment),
        (true, true) => cuped::cuped_ratio(&control, &treatment),
    };
    let adjusted = adjusted.unwrap();
    (adjusted.control, adjusted.treatment)
}

fn mean(joint: &Joint) -> Level {
    Level::of(Kind::Mean, &joint.alone(0).unwrap()).unwrap()
}

/// The z test of two proportions, with its continuity correction.
fn proportion_z(case: &Case) -> Found {
    let level = |n: &str, x: &str| {
        Level::of(Kind::Proportion, &Moments::from_counts(case.count(n), case.count(x)).unwrap()).unwrap()
    };
    let (control, treatment) = (level("n_control", "x_control"), level("n_treatment", "x_treatment"));
    let is = |field: &str| case.input[field] == Value::Bool(true);
    let (nc, nt) = (control.n as f64, treatment.n as f64);
    let correction = if is("correction") { 0.5 / nc + 0.5 / nt } else { 0.0 };
    let difference = treatment.value - control.value;
    let (se, log_se) = if is("equal_var") {
        let pooled = (nc * control.value + nt * treatment.value) / (nc + nt);
        let se = (pooled * (1.0 - pooled) * (1.0 / nc + 1.0 / nt)).sqrt();
        (se, ((1.0 - pooled) / pooled * (1.0 / nc + 1.0 / nt)).sqrt())
    } else {
        let log_se = estimate::log_ratio(&control, &treatment).map_or(f64::NAN, |log_ratio| log_ratio.se);
        (estimate::difference(&control, &treatment).unwrap().se, log_se)
    };
    let log_ratio = (treatment.value / control.value).ln();
    let confidence = case.number_or("confidence_level", 0.95);
    let alternative = case.word("alternative");
    let critical = if alternative == "two-sided" {
        normal::critical(1.0 - confidence)
    } else {
        normal::isf(1.0 - confidence)
    };
    let within = |value: f64, half: f64, [least, most]: [f64; 2]| match alternative {
        "greater" => [value - half, most],
        "less" => [least, value + half],
        _ => [value - half, value + half],
    };
    let [low, high] = within(difference, critical * se + correction, [-1.0, 1.0]);
    let [low, high] = [low.max(-1.0), high.min(1.0)];
    let log_correction = if correction == 0.0 { 0.0 } else { correction / control.value };
    let relative_half = critical * log_se + log_correction;
    let [rel_low, rel_high] = within(log_ratio, relative_half, [f64::NEG_INFINITY, f64::INFINITY]);
    // The correction moves a difference towards zero, never across it, and not away from it.
    let z = if difference == 0.0 {
        0.0
    } else {
        difference.signum() * (difference.abs() - correction).max(0.0) / se
    };
    let (for_greater, for_less) = (
        if difference > 0.0 { z } else { difference / se },
        if difference < 0.0 { z } else { difference / se },
    );
    let p = match alternative {
        "greater" => normal::sf(for_greater),
        "less" => normal::cdf(for_less),
        _ => normal::two_sided((difference.abs() - correction).max(0.0) / se),
    };
    Found::about_one(json!({
        "control": control.value,
        "treatment": treatment.value,
        "effect_size": difference,
        "effect_size_ci_lower": low,
        "effect_size_ci_upper": high,
        "rel_effect_size": number(treatment.value / control.value - 1.0),
        "rel_effect_size_ci_lower": number(estimate::lift_of(rel_low)),
        "rel_effect_size_ci_upper": number(if rel_high.is_nan() { f64::INFINITY } else { estimate::lift_of(rel_high) }),
        "pvalue": p,
    }))
}

fn exact_test(case: &Case, test: fn(&Counts) -> Result<f64, CannotSay>) -> Found {
    let counts = Counts {
        control_n: case.count("n_control"),
        control_successes: case.count("x_control"),
        treatment_n: case.count("n_treatment"),
        treatment_successes: case.count("x_treatment"),
    };
    let rate = |successes: u64, n: u64| successes as f64 / n as f64;
    let control = rate(counts.control_successes, counts.control_n);
    let treatment = rate(counts.treatment_successes, counts.treatment_n);
    Found::about_one(json!({
        "control": control,
        "treatment": treatment,
        "effect_size": treatment - control,
        "rel_effect_size": number(treatment / control - 1.0),
        "pvalue": test(&counts).unwrap(),
    }))
}

fn sample_ratio(case: &Case) -> Found {
    let (control, treatment) = (case.count("n_control"), case.count("n_treatment"));
    let ratio = case.number_or("ratio_t_over_c", 1.0);
    let (n, share) = ((control + treatment) as f64, ratio / (1.0 + ratio));
    let p = match case.word("method") {
        "binom" => exact::binomial(control + treatment, treatment, share).unwrap(),
        _ => {
            let correction = if case.input["correction"] == Value::Bool(true) { 0.5 } else { 0.0 };
            let off = ((treatment as f64 - n * share).abs() - correction).max(0.0);
            normal::two_sided(off / (n * share * (1.0 - share)).sqrt())
        }
    };
    Found::about_one(json!({ "control": control, "treatment": treatment, "pvalue": p }))
}

/// Power, effect or units of a two-sided test, from the moments of one sample.
fn solve_power(case: &Case) -> Found {
    let (columns, ratio, adjusted) = columns(&case.input);
    let sample = joint(&case.input["data"], &columns);
    let level = match (ratio, adjusted) {
        (false, false) => mean(&sample),
        (true, false) => ratio::level(&sample, 0, 1).unwrap(),
        (false, true) => {
            cuped::cuped(&sample, &Joint::new(columns.len())).unwrap_or_else(|_| alone(&sample)).control
        }
        (true, true) => cuped::cuped_ratio(&sample, &sample).unwrap().control,
    };
    let baseline = if ratio { sample.mean(0) / sample.mean(1) } else { sample.mean(0) };
    let (alpha, kappa) = (case.number_or("alpha", 0.05), case.number_or("ratio", 1.0));
    // The ratio is treatment over control; the units are of both.
    let se = |units: f64| {
        let control = units / (1.0 + kappa);
        (level.variance * (1.0 / control + 1.0 / (units - control))).sqrt()
    };
    // Welch's degrees of freedom of arms with one variance.
    let df = |units: f64| {
        let arms = [units / (1.0 + kappa), units * kappa / (1.0 + kappa)];
        let sum: f64 = arms.iter().map(|n| 1.0 / n).sum();
        sum * sum / arms.iter().map(|n| 1.0 / (n * n * (n - 1.0))).sum::<f64>()
    };
    let power_of = |effect: f64, units: f64| {
        power::t_power(effect.abs() / se(units), df(units), alpha, Tails::Two).unwrap()
    };
    let wanted = case.number_or("power", 0.8);
    let mut effect = case.number("rel_effect_size") * baseline;
    let mut units = case.number("n_obs_total");
    let mut reached = wanted;
    match case.word("parameter") {
        "power" => reached = power_of(effect, units),
        "effect_size" | "rel_effect_size" => {
            effect = rising_root(0.0, 20.0 * se(units), |effect| power_of(effect, units) - wanted);
        }
        "n_obs" => {
            let least = 2.5 * (1.0 + kappa.max(1.0 / kappa));
            units = rising_root(least, 1e9, |units| power_of(effect, units) - wanted).ceil();
        }
        other => panic!("{}: no parameter {other}", case.id),
    }
    Found::about_one(json!([{
        "power": reached,
        "effect_size": effect,
        "rel_effect_size": effect / baseline,
        "n_obs": units,
    }]))
}

/// One sample adjusted by itself.
fn alone(sample: &Joint) -> cuped::Adjusted {
    cuped::cuped(sample, sample).unwrap()
}

fn rising_root(low: f64, high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (low, high);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if f(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}
