//! Sample ratio: χ² and the sequential multinomial test, one epoch and several.

use serde_json::{Value, json};
use tenure_stats::sample_ratio::{self, chi_square, chi_square_over_epochs, log_e, p_of_log_e};

use crate::Method;
use crate::case::{Case, Found, count, numbers};

/// Two sources have a method of the name `srm`; this is the one over counts.
pub fn method(case: &Case) -> Option<Method> {
    Some(match case.method.as_str() {
        "srm" if case.input["counts"].is_array() => one,
        "srm_path" => path,
        "srm_epochs_chi2" => epochs,
        "srm_chi2" => gbstats,
        _ => return None,
    })
}

fn counts(value: &Value) -> Vec<u64> {
    value.as_array().map(|values| values.iter().filter_map(count).collect()).unwrap_or_default()
}

fn one(case: &Case) -> Found {
    let (counts, shares) = (counts(&case.input["counts"]), case.numbers("theta0"));
    let chi2 = chi_square(&counts, &shares).unwrap();
    let log_e = log_e(&counts, &shares, case.number_or("k", sample_ratio::CONCENTRATION)).unwrap();
    Found::exact(json!({
        "chi2": chi2.statistic, "p_chi2": chi2.p_value, "log_e": log_e, "p_sequential": p_of_log_e(log_e),
    }))
}

fn path(case: &Case) -> Found {
    let shares = case.numbers("theta0");
    let mut total = vec![0; shares.len()];
    let mut p_running = 1.0_f64;
    let rows = case.input["batches"].as_array().unwrap().iter().map(|batch| {
        total.iter_mut().zip(counts(batch)).for_each(|(total, batch)| *total += batch);
        let log_e = log_e(&total, &shares, case.number_or("k", sample_ratio::CONCENTRATION)).unwrap();
        p_running = p_running.min(p_of_log_e(log_e));
        json!({ "batch": batch, "bayes_factor_inverse": (-log_e).exp(), "p_running": p_running })
    });
    Found::exact(json!({ "rows": rows.collect::<Vec<_>>() }))
}

fn epochs(case: &Case) -> Found {
    let epochs = case.input["epochs"].as_array().unwrap().iter();
    let tests: Vec<sample_ratio::ChiSquare> = epochs
        .map(|epoch| chi_square(&counts(&epoch["counts"]), &numbers(&epoch["theta0"])).unwrap())
        .collect();
    let whole = chi_square_over_epochs(&tests);
    Found::exact(json!({ "chi2": whole.statistic, "df": whole.df, "p": whole.p_value }))
}

fn gbstats(case: &Case) -> Found {
    // gbstats leaves out arms without weight.
    let arms = counts(&case.input["observed"]).into_iter().zip(case.numbers("weights"));
    let (observed, weights): (Vec<_>, Vec<_>) = arms.filter(|(_, weight)| *weight > 0.0).unzip();
    let test = chi_square(&observed, &weights).unwrap();
    Found::exact(json!({ "p_value": test.p_value }))
}
