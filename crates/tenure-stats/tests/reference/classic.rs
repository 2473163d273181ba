//! Classic tests: power, multiplicity, raw data, proportions, regression, clusters, quantile ranks.

use serde_json::json;
use tenure_stats::cluster;
use tenure_stats::estimate::{self, Kind, Level};
use tenure_stats::moments::Moments;
use tenure_stats::multiplicity::{self, Correction};
use tenure_stats::power::{self, Tails};
use tenure_stats::regression::{self, Fit, Robust};
use tenure_stats::{normal, proportion, quantile};

use crate::Method;
use crate::case::{Case, Found, not_compared};

pub fn method(name: &str) -> Option<Method> {
    Some(match name {
        "z_sample_size" => sample_size,
        "t_power_noncentral" => t_power,
        "prop_sample_size" => proportion_sample_size,
        "multiplicity" => adjusted,
        "welch_raw" => welch,
        "prop_two_sample_cis" => proportion_intervals,
        "lin_regression_adjustment" => lin,
        "cluster_ratio" => clusters,
        "quantile_outer_ci_ranks" => ranks,
        _ => return None,
    })
}

fn sample_size(case: &Case) -> Found {
    let tails = if matches!(case.word("alternative"), "larger" | "smaller" | "greater" | "less") {
        Tails::One
    } else {
        Tails::Two
    };
    let drift = power::drift(case.number_or("alpha", 0.05), case.number_or("power", 0.8), tails).unwrap();
    let ratio = case.number_or("ratio_n2_over_n1", 1.0);
    Found::exact(
        json!({ "n1": power::treatment_units(case.number("std_effect"), 1.0, 1.0, ratio, drift).unwrap() }),
    )
}

fn t_power(case: &Case) -> Found {
    let (n, alpha) = (case.number("n_per_arm"), case.number_or("alpha", 0.05));
    let drift = case.number("std_effect") * (0.5 * n).sqrt();
    Found::exact(json!({
        "power": power::t_power(drift, 2.0 * n - 2.0, alpha, Tails::Two).unwrap(),
        "power_z": power::power_at(drift, alpha, Tails::Two),
    }))
}

fn proportion_sample_size(case: &Case) -> Found {
    let (p0, p1) = (case.number("p0"), case.number("p1"));
    let (alpha, power) = (case.number_or("alpha", 0.05), case.number_or("power", 0.8));
    // The arcsine row counts power in both tails, the other one on the good side only.
    let both = power::drift(alpha, power, Tails::Two).unwrap();
    let good = power::drift(0.5 * alpha, power, Tails::One).unwrap();
    let h = proportion::cohen_h(p0, p1);
    Found::exact(json!({
        "cohen_h": h,
        "n_per_arm_arcsine": power::treatment_units(h, 1.0, 1.0, 1.0, both).unwrap(),
        "n_per_arm_unpooled": power::treatment_units(p1 - p0, p0 * (1.0 - p0), p1 * (1.0 - p1), 1.0, good).unwrap(),
    }))
}

fn adjusted(case: &Case) -> Found {
    let correction = match case.word("method") {
        "bonferroni" | "b" => Correction::Bonferroni,
        "sidak" | "s" => Correction::Sidak,
        "holm" | "h" => Correction::Holm,
        "holm-sidak" | "hs" => Correction::HolmSidak,
        "simes-hochberg" | "sh" => Correction::Hochberg,
        "hommel" | "ho" => Correction::Hommel,
        "fdr_bh" | "fdr_i" => Correction::BenjaminiHochberg,
        "fdr_by" | "fdr_n" => Correction::BenjaminiYekutieli,
        other => panic!("{}: no correction {other}", case.id),
    };
    let adjusted = multiplicity::adjust(correction, &case.numbers("p")).unwrap();
    let alpha = case.number_or("alpha", 0.05);
    let reject: Vec<bool> = adjusted.iter().map(|p| *p <= alpha).collect();
    Found::about_one(json!({ "adjusted": adjusted, "reject": reject }))
}

fn welch(case: &Case) -> Found {
    let moments = |arm: &str| case.numbers(arm).into_iter().collect::<Moments>();
    let (control, treatment) = (moments("control"), moments("treatment"));
    let level = |moments: &Moments| Level::of(Kind::Mean, moments).unwrap();
    let found = estimate::difference(&level(&control), &level(&treatment)).unwrap();
    let margin = control.variance().unwrap().sqrt();
    Found::exact(json!({
        "diff": found.value,
        "t": found.z(),
        "df": found.df,
        "p": found.p_value(),
        "ci": found.interval(0.95),
        "tost_p_margin_1sd": found.p_above(-margin).max(found.p_below(margin)),
    }))
}

fn proportion_intervals(case: &Case) -> Found {
    let level = |n: &str, x: &str| {
        Level::of(Kind::Proportion, &Moments::from_counts(case.count(n), case.count(x)).unwrap()).unwrap()
    };
    let (control, treatment) = (level("n_control", "x_control"), level("n_treatment", "x_treatment"));
    // Without a success, or without a failure, in both arms nothing varies, and these two have no answer.
    let nothing = || not_compared("nothing varies in either arm: cannot say");
    let wald = estimate::difference(&control, &treatment).ok();
    let score = proportion::score(&control, &treatment).ok();
    let ratio = estimate::log_ratio(&control, &treatment).ok();
    Found::about_one(json!({
        "wald": wald.map_or_else(nothing, |wald| json!(wald.normal().interval(0.95))),
        "newcomb": proportion::newcombe(&control, &treatment, 0.95).unwrap(),
        "agresti-caffo": proportion::agresti_caffo(&control, &treatment, 0.95),
        "score_p_pooled": score.map_or_else(nothing, |score| normal::two_sided(score).into()),
        "ratio_log_ci": ratio.map(|ratio| ratio.normal().interval(0.95).map(f64::exp)),
        "wilson_control": proportion::wilson(&control, 0.95),
    }))
}

fn lin(case: &Case) -> Found {
    let (y, treated, x) = (case.numbers("y"), case.numbers("treat"), case.numbers("x"));
    let missing = case.numbers("missing_indicator");
    let covariates: Vec<&[f64]> = if missing.is_empty() { vec![&x] } else { vec![&x, &missing] };
    let interacted = regression::lin_rows(&treated, &covariates).unwrap();
    let additive: Vec<Vec<f64>> = interacted.iter().map(|row| row[..2 + covariates.len()].to_vec()).collect();
    let lin = regression::fit(&interacted, &y).unwrap();
    let ancova = regression::fit(&additive, &y).unwrap();
    let se = |fit: &Fit, robust| fit.se(1, robust).unwrap();
    Found::exact(json!({
        "ate": lin.beta[1],
        "HC0": se(&lin, Robust::Hc0),
        "HC1": se(&lin, Robust::Hc1),
        "HC2": se(&lin, Robust::Hc2),
        "HC3": se(&lin, Robust::Hc3),
        "se_classic": se(&lin, Robust::Classic),
        "ancova_ate": ancova.beta[1],
        "ancova_HC1": se(&ancova, Robust::Hc1),
    }))
}

fn clusters(case: &Case) -> Found {
    let (sums, sizes) = (case.numbers("cluster_sum"), case.numbers("cluster_n"));
    let treated = case.numbers("cluster_treat");
    let arm = |which: f64| {
        let tenants = sums.iter().zip(&sizes).zip(&treated).filter(|(_, treated)| **treated == which);
        cluster::Arm::of(tenants.map(|((sum, size), _)| (*sum, *size))).unwrap()
    };
    let (control, treatment) = (arm(0.0), arm(1.0));
    let levels = (control.user_mean().unwrap(), treatment.user_mean().unwrap());
    let delta = estimate::difference(&levels.0, &levels.1).unwrap();

    let cluster_of_row: Vec<u64> = case.numbers("cluster_of_row").into_iter().map(|at| at as u64).collect();
    let rows: Vec<Vec<f64>> = cluster_of_row.iter().map(|&at| vec![1.0, treated[at as usize]]).collect();
    let fit = regression::fit(&rows, &case.numbers("y")).unwrap();
    let clustered = fit.cluster_se(1, &cluster_of_row, true).unwrap();
    let naive = fit.se(1, Robust::Hc1).unwrap();
    Found::exact(json!({
        "diff": fit.beta[1],
        "se_CR1_stata": clustered,
        "se_CR0": fit.cluster_se(1, &cluster_of_row, false).unwrap(),
        "delta_diff": delta.value,
        "delta_se": delta.se,
        "delta_df_min_clusters": control.tenants.n().min(treatment.tenants.n()) - 1,
        "naive_iid_se": fit.se(1, Robust::Classic).unwrap(),
        "design_effect": (delta.se / naive).powi(2),
    }))
}

fn ranks(case: &Case) -> Found {
    let (n, p, alpha) = (case.count("n"), case.number("p"), case.number_or("alpha", 0.05));
    let sigma = quantile::sigma_independent(n, p);
    let outer = quantile::outer_ranks(n, p, sigma, alpha).unwrap();
    let exact = quantile::exact_ranks(n, p, alpha).unwrap();
    Found::exact(json!({
        "lower_rank_1based": outer.lower,
        "upper_rank_1based": outer.upper,
        "sigma_p_iid": sigma,
        "exact_binom_lower": exact.lower,
        "exact_binom_upper": exact.upper,
    }))
}
