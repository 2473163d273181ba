//! gbstats: fixed, sequential and Bayesian answers on means, proportions, ratios, CUPED and quantiles, each in
//! its own conventions (first-order relative effects, `p(1 − p)` for proportions, an error for a dead metric).

use serde_json::{Value, json};
use tenure_stats::anytime;
use tenure_stats::bayes::{self, Prior};
use tenure_stats::estimate::{self, Estimate, Kind, Level};
use tenure_stats::joint::Joint;
use tenure_stats::moments::Moments;
use tenure_stats::{CannotSay, quantile, ratio};

use crate::Method;
use crate::case::{self, Case, Found, json as number};

pub fn method(name: &str) -> Option<Method> {
    Some(match name {
        "fixed_two_sided_t" => two_sided,
        "fixed_one_sided_greater_t" => greater,
        "asymptotic_cs_two_sided" => sequential,
        "bayes_effect" => bayesian,
        _ => return None,
    })
}

fn two_sided(case: &Case) -> Found {
    answer(case, |effect| {
        let interval = effect.estimate.interval(1.0 - case.number_or("alpha", 0.05));
        let off = Estimate { value: effect.estimate.value - test_value(case), ..effect.estimate };
        json!({ "ci": interval, "p_value": off.p_value() })
    })
}

/// What the effect is tested against: 0 unless the case says otherwise.
fn test_value(case: &Case) -> f64 {
    case::number(&case.input["test_value"]).unwrap_or(0.0)
}

fn greater(case: &Case) -> Found {
    answer(case, |effect| {
        let critical = effect.estimate.critical(case.number_or("alpha", 0.05));
        let low = effect.estimate.value - critical * effect.estimate.se;
        json!({ "ci": [number(low), number(f64::INFINITY)], "p_value": effect.estimate.p_above(test_value(case)) })
    })
}

/// The always-valid interval tuned at a number of units by the closed approximation.
fn sequential(case: &Case) -> Found {
    answer(case, |effect| {
        let alpha = case.number_or("alpha", 0.05);
        let tuned = anytime::optimal_x_approximate(alpha).unwrap();
        let x = tuned * effect.units / case.number("sequential_tuning_parameter");
        let interval = effect.estimate.within(anytime::critical(x, alpha).unwrap());
        let off = (effect.estimate.value - test_value(case)) / effect.estimate.se;
        json!({ "ci": interval, "p_value": anytime::p_of_log_e(anytime::log_e(off, x)) })
    })
}

fn bayesian(case: &Case) -> Found {
    let is = |word: &Value, expected: &str| word == expected;
    let relative = is(&case.input["difference_type"], "relative");
    // A relative prior is scaled by the baseline, of an absolute effect too.
    let scaled = !is(&case.input["prior"]["prior_type"], "absolute");
    match effect(case, relative) {
        Ok(effect) if effect.baseline == 0.0 && scaled => cannot_say(CannotSay::MeanNotPositive),
        Ok(effect) => posterior(case, &effect),
        Err(error) => cannot_say(error),
    }
}

fn posterior(case: &Case, effect: &Effect) -> Found {
    let prior = &case.input["prior"];
    let prior = (prior["proper"] == Value::Bool(true)).then(|| {
        // A prior on the other scale is brought to the effect's by the baseline.
        let scale = match (case.word("difference_type"), prior["prior_type"].as_str()) {
            ("absolute", Some("relative")) => effect.baseline.abs(),
            ("relative", Some("absolute")) => effect.baseline.abs().recip(),
            _ => 1.0,
        };
        let of = |field: &str| case::number(&prior[field]).unwrap();
        Prior { mean: of("mean") * scale, variance: of("variance") * scale * scale }
    });
    let found = bayes::posterior(&effect.estimate, prior).unwrap();
    let inverse = case.input["inverse"] == Value::Bool(true);
    let chance = found.chance_above_zero();
    let (dropped, kept) = (found.loss_if_dropped(), found.loss_if_kept());
    Found::about_one(json!({
        "expected": found.mean,
        "stddev": found.sd,
        "ci": found.interval(1.0 - case.number_or("alpha", 0.05)),
        "chance_to_win": if inverse { 1.0 - chance } else { chance },
        "risk": if inverse { [kept, dropped] } else { [dropped, kept] },
    }))
}

fn answer(case: &Case, more: impl Fn(&Effect) -> Value) -> Found {
    match effect(case, true) {
        Ok(effect) => {
            let mut found = more(&effect);
            found["expected"] = effect.estimate.value.into();
            found["stddev"] = effect.estimate.se.into();
            Found::about_one(found)
        }
        Err(error) => cannot_say(error),
    }
}

fn cannot_say(error: CannotSay) -> Found {
    let class = match error {
        CannotSay::EmptyArm | CannotSay::ZeroDenominator | CannotSay::MeanNotPositive => "baseline",
        CannotSay::OneUnit | CannotSay::ZeroVariance => "variance",
        _ => "other",
    };
    Found::CannotSay { class }
}

struct Effect {
    estimate: Estimate,
    /// The unadjusted level of control.
    baseline: f64,
    units: f64,
}

/// An arm: its level, and its level before adjustment.
struct Arm {
    level: Level,
    unadjusted: f64,
}

/// The effect in gbstats' conventions: a baseline of zero has none (where `needs_baseline`), nor has an arm without variance,
/// which one unit, an empty arm and a dead denominator are.
fn effect(case: &Case, needs_baseline: bool) -> Result<Effect, CannotSay> {
    let slope = slope(case);
    let baseline = mean(&case.input["control"]);
    if baseline == 0.0 && needs_baseline {
        return Err(CannotSay::MeanNotPositive);
    }
    let side = |name: &str| arm(&case.input[name], slope).map_err(|_| CannotSay::ZeroVariance);
    let (control, treatment) = (side("control")?, side("treatment")?);
    if control.level.variance <= 0.0 || treatment.level.variance <= 0.0 {
        return Err(CannotSay::ZeroVariance);
    }
    let absolute = estimate::difference(&control.level, &treatment.level)?;
    let estimate = if case.word("difference_type") == "absolute" {
        absolute
    } else {
        // The adjusted difference over the unadjusted baseline, its variance at the unadjusted levels.
        let at = |arm: &Arm| Level { value: arm.unadjusted, ..arm.level };
        let delta = estimate::relative_delta(&at(&control), &at(&treatment))?;
        Estimate { value: absolute.value / control.unadjusted, ..delta }
    };
    let units = (control.level.n + treatment.level.n) as f64;
    Ok(Effect { estimate, baseline, units })
}

/// The level before adjustment; 0 where there is nothing to divide by.
fn mean(arm: &Value) -> f64 {
    let over = |above: f64, below: f64| if below == 0.0 { 0.0 } else { above / below };
    match arm["kind"].as_str().unwrap_or_default() {
        "ratio" => over(of(&arm["m"], "sum"), of(&arm["d"], "sum")),
        "regression_adjusted" => over(of(&arm["post"], "sum"), units(arm) as f64),
        "quantile" | "quantile_clustered" => of(arm, "quantile_hat"),
        _ => over(of(arm, "sum"), units(arm) as f64),
    }
}

fn arm(arm: &Value, slope: f64) -> Result<Arm, CannotSay> {
    let level = match arm["kind"].as_str().unwrap_or_default() {
        "proportion" => Level::of(
            Kind::Proportion,
            &Moments::from_counts(units(arm), case::count(&arm["sum"]).unwrap()).unwrap(),
        )?,
        "mean" => {
            let (sum, squares) = (of(arm, "sum"), of(arm, "sum_squares"));
            Level::of(Kind::Mean, &Moments::from_sums(units(arm), sum, squares).unwrap())?
        }
        "ratio" => ratio::level(&pair(arm, "m", "d", "m_d_sum_of_products")?, 0, 1)?,
        "regression_adjusted" => {
            let joint = post_and_pre(arm)?;
            let residual = joint.combination(&[1.0, -slope]).map_err(|_| CannotSay::OutOfRange)?;
            let level = Level { n: joint.n(), value: residual.mean(), variance: residual.variance()? };
            return Ok(Arm { level, unadjusted: joint.mean(0) });
        }
        "quantile" => quantile_level(arm, sigma_independent(arm))?,
        "quantile_clustered" => quantile_level(arm, sigma_clustered(arm)?)?,
        other => panic!("no statistic of kind {other}"),
    };
    Ok(Arm { level, unadjusted: level.value })
}

/// The slope over all units of both arms: their covariance over the covariate's variance, which is `p(1 − p)`
/// when the covariate is a proportion.
fn slope(case: &Case) -> f64 {
    let (control, treatment) = (&case.input["control"], &case.input["treatment"]);
    if control["kind"] != "regression_adjusted" {
        return 0.0;
    }
    let n = (units(control) + units(treatment)) as f64;
    let total = |part: &str, field: &str| of(&control[part], field) + of(&treatment[part], field);
    let (post, pre) = (total("post", "sum"), total("pre", "sum"));
    let products = of(control, "post_pre_sum_of_products") + of(treatment, "post_pre_sum_of_products");
    let covariance = (products - post * pre / n) / (n - 1.0);
    let variance = if control["pre"]["kind"] == "proportion" {
        pre / n * (1.0 - pre / n)
    } else {
        (total("pre", "sum_squares") - pre * pre / n) / (n - 1.0)
    };
    if variance == 0.0 { 0.0 } else { covariance / variance }
}

fn post_and_pre(arm: &Value) -> Result<Joint, CannotSay> {
    pair(arm, "post", "pre", "post_pre_sum_of_products")
}

/// Two statistics of the same units: sample variances for means, `p(1 − p)` for proportions.
fn pair(arm: &Value, one: &str, other: &str, products: &str) -> Result<Joint, CannotSay> {
    let n = units(arm);
    let part = |part: &Value| -> Result<Level, CannotSay> {
        Ok(match part["kind"].as_str() {
            Some("proportion") => {
                let moments = Moments::from_counts(n, case::count(&part["sum"]).unwrap()).unwrap();
                Level::of(Kind::Proportion, &moments)?
            }
            _ => Level::of(
                Kind::Mean,
                &Moments::from_sums(n, of(part, "sum"), of(part, "sum_squares")).unwrap(),
            )?,
        })
    };
    let (a, b) = (part(&arm[one])?, part(&arm[other])?);
    let count = n as f64;
    let covariance = (of(arm, products) - count * a.value * b.value) / (count - 1.0);
    let matrix = [a.variance, covariance, covariance, b.variance];
    Joint::from_summary(n, &[a.value, b.value], &matrix).map_err(|_| CannotSay::OutOfRange)
}

/// A quantile from the values at its outer ranks, which were taken for independent values of `n_star` units.
fn quantile_level(arm: &Value, sigma: f64) -> Result<Level, CannotSay> {
    let (n, n_star, nu) = (units(arm), case::count(&arm["n_star"]).unwrap(), of(arm, "nu"));
    // gbstats bounds a quantile whose interval, as a share of the sample, lies within it.
    let reach = 1.959_963_984_540_054 * quantile::sigma_independent(n, nu);
    if nu + reach >= 1.0 || nu - reach <= 0.0 {
        return Err(CannotSay::OneUnit);
    }
    let level = quantile::level(
        n,
        of(arm, "quantile_hat"),
        of(arm, "quantile_lower"),
        of(arm, "quantile_upper"),
        0.05,
    )?;
    let shrink = (sigma / quantile::sigma_independent(n_star, nu)).powi(2);
    let variance = level.variance * shrink * (n - 1) as f64 / n as f64;
    // Nor does it believe that many values do not vary at all.
    match n {
        0..100 => Ok(Level { variance, ..level }),
        100..1000 if variance <= 0.0 => Err(CannotSay::ZeroVariance),
        _ => Ok(Level { variance: variance.max(1e-5), ..level }),
    }
}

/// The error of the share below the quantile, as gbstats scales it to the units that are there.
fn sigma_independent(arm: &Value) -> f64 {
    let n_star = case::count(&arm["n_star"]).unwrap();
    let shrink = n_star as f64 / units(arm) as f64;
    quantile::sigma_independent(n_star, of(arm, "nu")) * shrink.sqrt()
}

/// The cluster-robust error of the share below the quantile.
fn sigma_clustered(arm: &Value) -> Result<f64, CannotSay> {
    let clusters = case::count(&arm["n_clusters"]).unwrap();
    let sums = [of(arm, "main_sum"), of(arm, "denominator_sum")];
    let product = of(arm, "main_denominator_sum_product");
    let products = [of(arm, "main_sum_squares"), product, product, of(arm, "denominator_sum_squares")];
    let joint = Joint::from_sums(clusters, &sums, &products).map_err(|_| CannotSay::OutOfRange)?;
    Ok(ratio::level(&joint, 0, 1)?.se())
}

fn units(arm: &Value) -> u64 {
    case::count(&arm["n"]).unwrap()
}

fn of(value: &Value, field: &str) -> f64 {
    match case::number(&value[field]) {
        Some(number) => number,
        // A proportion is its own sum of squares.
        None if field == "sum_squares" => of(value, "sum"),
        None => panic!("no {field} in {value}"),
    }
}
