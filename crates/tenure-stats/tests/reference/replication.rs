//! Replication: corrections for selection, the rule on the difference, and secondary evidence.

use serde_json::json;
use tenure_stats::bayes::{self, Prior};
use tenure_stats::estimate::{Estimate, Scale};
use tenure_stats::evidence;
use tenure_stats::meta_analysis::{self, Combined};
use tenure_stats::replication::{Original, Rollout, correct, replicate};
use tenure_stats::selection::{self, Selected};

use crate::Method;
use crate::case::{Case, Found, json as number, json_list};

pub fn method(name: &str) -> Option<Method> {
    Some(match name {
        "replication_pair" => pair,
        "winners_curse_z_scale" => winners_curse,
        "continuous_obf_constant" => constant,
        "difference_cs_continuous_obf" => difference,
        "empirical_bayes_normal" => empirical_bayes,
        "lee_shen_total_bias" => total_bias,
        "meta_FE" => |case| combined(meta_analysis::fixed(&effects(case, "yi", "vi")).unwrap()),
        "meta_DL" => |case| combined(meta_analysis::random(&effects(case, "yi", "vi")).unwrap()),
        _ => return None,
    })
}

fn both(case: &Case) -> (Estimate, Estimate) {
    let of = |value: &str, se: &str| Estimate::new(case.number(value), case.number(se)).unwrap();
    (of("theta_o", "se_o"), of("theta_r", "se_r"))
}

fn pair(case: &Case) -> Found {
    let (original, rollout) = both(case);
    let found = evidence::weigh(&original, &rollout).unwrap();
    let rule = replicate(
        &Original::new(original.value, original.se),
        &Rollout { estimate: rollout.value, se: rollout.se, interval: None },
        Scale::Absolute,
    )
    .unwrap();
    let fixed = meta_analysis::fixed(&[original, rollout]).unwrap().estimate;
    let half = evidence::power_prior(&original, &rollout, 0.5).unwrap();
    let weight = evidence::commensurate_weight(&original, 0.25 * original.value.abs());
    let commensurate = evidence::power_prior(&original, &rollout, weight).unwrap();
    let belief = |estimate: Estimate| json!({ "mean": estimate.value, "sd": estimate.se });
    let mut commensurate_json = belief(commensurate);
    commensurate_json["equivalent_power_prior_weight"] = weight.into();
    Found::exact(json!({
        "Q": rule.q.statistic,
        "p_Q": rule.q.p_value,
        "prediction_interval_95": rule.prediction_interval,
        "relative_effect": found.relative_effect,
        "sceptical_z": found.sceptical_z,
        "sceptical_p_one_sided": found.sceptical_p,
        "small_telescopes_d33": found.small_telescope,
        "small_telescopes_p_smaller": found.small_telescope_p,
        "log_BF_rep_vs_null": found.log_bayes_factor,
        "fixed_effect": fixed.value,
        "fixed_effect_se": fixed.se,
        "log_E_difference(tau=se_o)": found.log_e_difference,
        "av_difference_ci_95(tau=se_o)": found.difference_interval,
        "tost_p(margin=0.5|o|)": found.equivalence_p,
        "retention50_z": found.half_retained_z,
        "edgington_p(one-sided, unweighted)": found.edgington_p,
        "power_prior_a0.5": belief(half),
        "commensurate_sd0.25|o|": commensurate_json,
    }))
}

fn winners_curse(case: &Case) -> Found {
    let (z, c, alpha) = (case.number("z"), case.number("c"), case.number_or("alpha", 0.05));
    let corrected = correct(z, 1.0, c).unwrap();
    let mle = |selected| number(selection::conditional_mle(z, c, selected).unwrap().unwrap_or(f64::NAN));
    let interval = |selected| selection::conditional_interval(z, c, alpha, selected).unwrap();
    Found::exact(json!({
        "cond_mle_two_sided": mle(Selected::BothSides),
        "cond_mle_one_sided": mle(Selected::Above),
        "cond_mean_two_sided": corrected.estimate,
        "cond_sd_two_sided": corrected.se,
        "average_two_sided": selection::average_of_mean_and_mle(z, c).unwrap(),
        "cond_ci_95_one_sided_selection": interval(Selected::Above),
        "cond_ci_95_two_sided_selection": interval(Selected::BothSides),
    }))
}

fn constant(case: &Case) -> Found {
    let alpha = case.number("alpha_two_sided");
    Found::exact(json!({
        "c": evidence::brownian_bound(alpha).unwrap(),
        "reflection_approx_c": tenure_stats::normal::isf(0.25 * alpha),
    }))
}

/// The rule on the difference, of an original that is not corrected.
fn difference(case: &Case) -> Found {
    let (original, rollout) = both(case);
    let c = evidence::brownian_bound(case.number_or("alpha", 0.05)).unwrap();
    let bound = |so: f64| c * (so * so + rollout.se * rollout.se) / so;
    let difference = rollout.value - original.value;
    let h = bound(original.se);
    let contrast = rollout.value - 0.5 * original.value;
    let lower = contrast - bound(0.5 * original.se);
    Found::exact(json!({
        "c": c,
        "information_fraction": original.se.powi(2) / (original.se.powi(2) + rollout.se.powi(2)),
        "difference": difference,
        "ci": [difference - h, difference + h],
        "different": difference.abs() > h,
        "retention50_contrast": contrast,
        "retention50_lower": lower,
        // An original below zero is confirmed on its own side.
        "retention50_confirmed": original.value.signum() * contrast > bound(0.5 * original.se),
    }))
}

fn empirical_bayes(case: &Case) -> Found {
    let original = Estimate::new(case.number("theta_o"), case.number("se_o")).unwrap();
    let variance = case.number("prior_sd").powi(2);
    let prior = Prior { mean: case.number("prior_mean"), variance };
    let posterior = bayes::posterior(&original, Some(prior)).unwrap();
    let shrinkage = variance / (variance + original.se * original.se);
    Found::exact(json!({ "shrinkage": shrinkage, "mean": posterior.mean, "sd": posterior.sd }))
}

fn total_bias(case: &Case) -> Found {
    let estimates = case.numbers("effects").into_iter().zip(case.numbers("ses"));
    let effects: Vec<Estimate> = estimates.map(|(value, se)| Estimate::new(value, se).unwrap()).collect();
    Found::exact(json!({ "bias": selection::total_bias(&effects, &case.numbers("cutoffs_z")).unwrap() }))
}

fn effects(case: &Case, values: &str, variances: &str) -> Vec<Estimate> {
    let pairs = case.numbers(values).into_iter().zip(case.numbers(variances));
    pairs.map(|(value, variance)| Estimate::new(value, variance.sqrt()).unwrap()).collect()
}

fn combined(combined: Combined) -> Found {
    let [b, se] = [combined.estimate.value, combined.estimate.se];
    let q = combined.heterogeneity;
    let list = json_list([b, se, q.statistic, q.p_value, combined.tau_squared]);
    Found::about_one(json!({ "b": list[0], "se": list[1], "QE": list[2], "QEp": list[3], "tau2": list[4] }))
}
