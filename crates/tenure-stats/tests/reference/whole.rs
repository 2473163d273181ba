//! What this project's own cases ask beside the other engines' methods: whole answers, from a look to a schedule.

use serde_json::{Value, json};
use tenure_stats::estimate::{Estimate, Kind, Level, Scale};
use tenure_stats::forecast::times_the_experiment;
use tenure_stats::guardrail::{self, Guardrail};
use tenure_stats::replication::{Corrected, Original, Rollout, correct, replicate};
use tenure_stats::schedule::{Step, Traffic, schedule};
use tenure_stats::verdict::{self, Direction, Look, Monitor, Plan, Wave};
use tenure_stats::wave::Epoch;
use tenure_stats::{bayes, multiplicity};

use crate::Method;
use crate::case::{self, Case, Found};

pub fn method(name: &str) -> Option<Method> {
    Some(match name {
        "look_path" => look_path,
        "guardrail" => guard,
        "selection_corrected" => corrected,
        "replication_label" => label,
        "times_the_experiment" => times,
        "e_bh" => e_benjamini_hochberg,
        "schedule" => waves,
        "posterior" => posterior,
        _ => return None,
    })
}

/// A measurement of a mean on the absolute scale, look by look, its estimates and errors as the case has them.
fn look_path(case: &Case) -> Found {
    let (direction, scale) = (Direction::Increase, Scale::Absolute);
    let plan = Plan::new(Kind::Mean, direction, scale, 0.05, 1, case.number("se_plan")).unwrap();
    let n = case.count("units_per_arm");
    let mut monitor = Monitor::default();
    let looks = case.input["path"].as_array().unwrap().iter().map(case::numbers);
    let rows = looks.map(|look| {
        // Each arm carries half of the squared error.
        let level = |value: f64| Level { n, value, variance: 0.5 * look[1] * look[1] * n as f64 };
        let epoch =
            Epoch { index: 0, control: level(10.0), treatment: level(10.0 + look[0]), treatment_share: 0.5 };
        let now = Look {
            epochs: vec![epoch],
            wave: Wave::Measured,
            minimum_duration_passed: true,
            largest_duration_reached: false,
            fault: None,
            original: None,
        };
        let (after, judged) = verdict::look(&plan, &monitor, &now).unwrap();
        monitor = after;
        json!({
            "critical": judged.critical,
            "interval": judged.interval,
            "verdict": judged.verdict,
            "p_value": judged.p_value,
            "information_fraction": judged.information_fraction,
        })
    });
    Found::exact(json!({ "rows": rows.collect::<Vec<_>>() }))
}

fn guard(case: &Case) -> Found {
    let direction =
        if case.word("direction") == "decrease" { Direction::Decrease } else { Direction::Increase };
    let guardrails = case.count("guardrails") as u32;
    let guardrail =
        Guardrail::new(direction, case.number("margin"), guardrails, case.number("se_plan")).unwrap();
    let estimate = Estimate::new(case.number("estimate"), case.number("se")).unwrap();
    let judged = guardrail::judge(&guardrail, &estimate).unwrap();
    Found::about_one(json!({ "state": judged.state, "bound": judged.bound, "log_e_harm": judged.log_e_harm }))
}

fn corrected(case: &Case) -> Found {
    let Corrected { estimate, se } =
        correct(case.number("estimate"), case.number("se"), case.number("selected_at")).unwrap();
    Found::exact(json!({ "estimate": estimate, "se": se }))
}

fn label(case: &Case) -> Found {
    let original = Original::new(case.number("theta_o"), case.number("se_o"));
    let rollout = Rollout { estimate: case.number("theta_r"), se: case.number("se_r"), interval: None };
    let found = replicate(&original, &rollout, Scale::Absolute).unwrap();
    Found::exact(json!({
        "label": found.label,
        "corrected": found.corrected.estimate,
        "corrected_se": found.corrected.se,
        "retained": found.retained,
        "within": found.compatible_within,
        "half_shown": found.at_least_half_shown,
        "too_imprecise": found.too_imprecise_to_refute,
        "noticeable_loss": found.noticeable_loss,
    }))
}

fn times(case: &Case) -> Found {
    let corrected = correct(case.number("z"), 1.0, tenure_stats::replication::SELECTED_AT).unwrap();
    let (share, alpha, power) = (case.number("share"), case.number("alpha"), case.number("power"));
    Found::exact(json!({ "times": times_the_experiment(&corrected, 1.0, share, alpha, power).unwrap() }))
}

fn e_benjamini_hochberg(case: &Case) -> Found {
    let reject = multiplicity::e_benjamini_hochberg(&case.numbers("log_e"), case.number("alpha")).unwrap();
    Found::exact(json!({ "reject": reject }))
}

fn waves(case: &Case) -> Found {
    let traffic = Traffic {
        treatment_share: case.number("treatment_share"),
        ..Traffic::new(case.number("daily_units"))
    };
    let laid_out =
        schedule(case.number("units"), &traffic, &Step::of_percent(&case.numbers("waves"))).unwrap();
    let stages = laid_out.stages.iter().map(|stage| json!([stage.from_day, stage.to_day, stage.information]));
    Found::exact(
        json!({ "stages": stages.collect::<Vec<Value>>(), "verdict_by_day": laid_out.verdict_by_day }),
    )
}

fn posterior(case: &Case) -> Found {
    let estimate = Estimate::new(case.number("value"), case.number("se")).unwrap();
    let prior = case::number(&case.input["prior_mean"])
        .map(|mean| bayes::Prior { mean, variance: case.number("prior_variance") });
    let found = bayes::posterior(&estimate, prior).unwrap();
    Found::exact(json!({
        "mean": found.mean,
        "sd": found.sd,
        "chance": found.chance_above_zero(),
        "loss_if_kept": found.loss_if_kept(),
        "loss_if_dropped": found.loss_if_dropped(),
    }))
}
