//! Always-valid intervals and e-values.

use serde_json::json;
use tenure_stats::{anytime, normal, regression};

use crate::Method;
use crate::case::{self, Case, Found, json as number, json_list};

pub fn method(name: &str) -> Option<Method> {
    Some(match name {
        "asymptotic_cs_information_form" => interval,
        "evalue" => e_value,
        "tuning" => tuning,
        "anytime_path" => path,
        "avlm_radius" => radius,
        "avlm_pvalue" => t_p_value,
        "savvi_avlm_rls" => regression_rows,
        "normal_mixture_boundary" => boundary,
        _ => return None,
    })
}

fn interval(case: &Case) -> Found {
    let (se, alpha) = (case.number("se"), case.number_or("alpha", 0.05));
    let x = case.number("tau2") / (se * se);
    Found::exact(json!({
        "x": x,
        "half_width_two_sided": se * anytime::critical(x, alpha).unwrap(),
        "half_width_one_sided_closed": se * anytime::critical_one_sided_closed(x, alpha).unwrap(),
        "half_width_one_sided_exact": se * anytime::critical_one_sided(x, alpha).unwrap(),
    }))
}

fn e_value(case: &Case) -> Found {
    let (z, x) = (case.number("z"), case.number("x"));
    let (two, one) = (anytime::log_e(z, x), anytime::log_e_above(z, x));
    Found::exact(json!({
        "log_e_two_sided": two,
        "p_two_sided": anytime::p_of_log_e(two),
        "log_e_one_sided_greater": one,
        "p_one_sided_greater": anytime::p_of_log_e(one),
    }))
}

fn tuning(case: &Case) -> Found {
    let (alpha, at) = (case.number_or("alpha", 0.05), case.number("optimise_at_n_or_information"));
    let exact = anytime::optimal_x(alpha).unwrap();
    let approximate = anytime::optimal_x_approximate(alpha).unwrap();
    let critical = anytime::critical(exact, alpha).unwrap();
    Found::exact(json!({
        "x_exact": exact,
        "x_approx": approximate,
        "rho_exact": (exact / at).sqrt(),
        "rho_approx": (approximate / at).sqrt(),
        "critical_z_at_optimum": critical,
        "width_ratio_vs_fixed_at_optimum": critical / normal::critical(alpha),
    }))
}

fn path(case: &Case) -> Found {
    let (tau2, alpha) = (case.number("tau2"), case.number_or("alpha", 0.05));
    let mut p_running = 1.0_f64;
    let mut running = [f64::NEG_INFINITY, f64::INFINITY];
    let looks = case.input["path"].as_array().unwrap().iter().map(case::numbers);
    let rows = looks.map(|look| {
        let (estimate, se) = (look[0], look[1]);
        let x = tau2 / (se * se);
        let half = se * anytime::critical(x, alpha).unwrap();
        let (lower, upper) = (estimate - half, estimate + half);
        let p = anytime::p_of_log_e(anytime::log_e(estimate / se, x));
        p_running = p_running.min(p);
        running = [running[0].max(lower), running[1].min(upper)];
        json!({
            "estimate": estimate, "se": se, "lower": lower, "upper": upper,
            "p_now": p, "p_running": p_running, "running_intersection": running,
        })
    });
    Found::exact(json!({ "rows": rows.collect::<Vec<_>>() }))
}

fn radius(case: &Case) -> Found {
    let (g, n, alpha) = (case.number("g"), case.number("n"), case.number_or("alpha", 0.05));
    Found::exact(json!({
        "t_radius": number(anytime::t_radius(g, n, n - case.number("n_coef"), alpha).unwrap()),
        "z_radius": anytime::z_radius(g, n, alpha).unwrap(),
    }))
}

fn t_p_value(case: &Case) -> Found {
    let n = case.number("n");
    let log_e = anytime::log_e_t(case.number("t"), case.number("g"), n, n - case.number("n_coef"));
    Found::exact(json!({ "log_e": log_e, "p": anytime::p_of_log_e(log_e) }))
}

/// Least squares after each n rows, with the any-time interval of every coefficient in savvi's convention:
/// degrees of freedom one too small, and a prior precision per coefficient instead of per unit.
fn regression_rows(case: &Case) -> Found {
    let y = case.numbers("y");
    let x: Vec<Vec<f64>> = case.input["X"].as_array().unwrap().iter().map(case::numbers).collect();
    let (alpha, phi) = (case.number_or("alpha", 0.05), case.number("phi"));
    let rows = case.expected["rows"].as_array().unwrap().iter().map(|row| {
        let n = row["n"].as_u64().unwrap() as usize;
        let fit = regression::fit(&x[..n], &y[..n]).unwrap();
        let df = fit.df() - 1.0;
        let (mut p_value, mut ci) = (Vec::new(), Vec::new());
        for (at, beta) in fit.beta.iter().enumerate() {
            let se = fit.se(at, regression::Robust::Classic).unwrap();
            let information = 1.0 / fit.unscaled_variance(at);
            let log_e = anytime::log_e_t(beta / se, phi, information, df);
            p_value.push((-log_e).exp());
            let half = se * anytime::t_radius(phi, information, df, alpha).unwrap();
            ci.push(json_list([beta - half, beta + half]));
        }
        json!({ "n": n, "beta": fit.beta, "p_value": p_value, "ci": ci })
    });
    Found::about_one(json!({ "rows": rows.collect::<Vec<_>>() }))
}

fn boundary(case: &Case) -> Found {
    let (v, v_opt, alpha) = (case.number("v"), case.number("v_opt"), case.number_or("alpha", 0.05));
    let rho_two = v_opt / anytime::optimal_x_approximate(alpha).unwrap();
    let rho_one = v_opt / anytime::optimal_x_approximate(2.0 * alpha).unwrap();
    Found::exact(json!({
        "rho_two": rho_two,
        "rho_one": rho_one,
        "two_sided_bound": v.sqrt() * anytime::critical(v / rho_two, alpha).unwrap(),
        "one_sided_bound": v.sqrt() * anytime::critical_one_sided(v / rho_one, alpha).unwrap(),
        "log_superMG_two(s=2sqrt(v))": anytime::log_e(2.0, v / rho_two),
        "log_superMG_one(s=2sqrt(v))": anytime::log_e_above(2.0, v / rho_one),
    }))
}
