//! What this project's own cases ask beside the other engines' methods: estimates from rows of data.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tenure_stats::estimate::{self, Estimate, Kind, Level, Scale};
use tenure_stats::joint::Joint;
use tenure_stats::moments::Moments;
use tenure_stats::wave::{self, Epoch};
use tenure_stats::{cluster, cuped, novelty, proportion, quantile, ratio};

use crate::Method;
use crate::case::{self, Case, Found};

pub fn method(name: &str) -> Option<Method> {
    Some(match name {
        "ratio_from_rows" => ratios,
        "proportion_gate" => gate,
        "lin_from_moments" => lin,
        "cuped_from_rows" => cuped_,
        "quantile_of_clusters" => quantile_of_clusters,
        "tenants" => tenants,
        "waves" => waves,
        "novelty" => by_day,
        _ => return None,
    })
}

fn told(level: &Level) -> Value {
    json!({ "value": level.value, "se": level.se() })
}

fn table(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(case::numbers).collect()
}

fn joint<'a>(rows: impl IntoIterator<Item = &'a Vec<f64>>, variables: usize) -> Joint {
    let mut joint = Joint::new(variables);
    rows.into_iter().for_each(|row| joint.push(row).unwrap());
    joint
}

fn ratios(case: &Case) -> Found {
    let arm = |name: &str| joint(&table(&case.input[name]), 2);
    let (control, treatment) = (arm("control"), arm("treatment"));
    let level = |arm: &Joint| ratio::level(arm, 0, 1).unwrap();
    let (c, t) = (level(&control), level(&treatment));
    let difference = estimate::difference(&c, &t).unwrap();
    let lift = estimate::log_ratio(&c, &t).unwrap();
    Found::exact(json!({
        "covariance_below_zero": control.covariance(0, 1).unwrap() < 0.0,
        "control": told(&c),
        "treatment": told(&t),
        "difference": difference.value,
        "se": difference.se,
        "df": difference.df,
        "log_ratio": lift.value,
        "log_se": lift.se,
    }))
}

fn gate(case: &Case) -> Found {
    let moments = Moments::from_counts(case.count("n"), case.count("x")).unwrap();
    let level = Level::of(Kind::Proportion, &moments).unwrap();
    Found::exact(json!({ "below": proportion::below_gate(&level) }))
}

/// The arms' joint moments of an outcome and its covariates.
fn arms(case: &Case, covariates: &[&str]) -> [Joint; 2] {
    let columns: Vec<Vec<f64>> = ["y"].iter().chain(covariates).map(|name| case.numbers(name)).collect();
    let treated = case.numbers("treat");
    let row = |unit: usize| columns.iter().map(|column| column[unit]).collect::<Vec<f64>>();
    [0.0, 1.0].map(|which| {
        let rows: Vec<Vec<f64>> = (0..treated.len()).filter(|&at| treated[at] == which).map(row).collect();
        joint(&rows, columns.len())
    })
}

fn lin(case: &Case) -> Found {
    let missing = case.input["missing_indicator"].is_array();
    let [control, treatment] = arms(case, if missing { &["x", "missing_indicator"] } else { &["x"] });
    let adjusted = cuped::lin(&control, &treatment).unwrap();
    let effect = estimate::difference(&adjusted.control, &adjusted.treatment).unwrap();
    Found::exact(json!({
        "control": told(&adjusted.control),
        "treatment": told(&adjusted.treatment),
        "ate": effect.value,
        "se": effect.se,
    }))
}

fn cuped_(case: &Case) -> Found {
    let [control, treatment] = arms(case, &["x"]);
    let adjusted = cuped::cuped(&control, &treatment).unwrap();
    let effect = estimate::difference(&adjusted.control, &adjusted.treatment).unwrap();
    Found::exact(json!({
        "theta": adjusted.theta_control,
        "control": adjusted.control.value,
        "treatment": adjusted.treatment.value,
        "se": effect.se,
        "p_value": effect.p_value(),
    }))
}

fn quantile_of_clusters(case: &Case) -> Found {
    let mut ordered = case.numbers("values");
    let (n, p, alpha) = (ordered.len(), case.number("p"), case.number("alpha"));
    let mut sorted = ordered.clone();
    sorted.sort_by(f64::total_cmp);
    let quantile = sorted[(p * n as f64).ceil() as usize - 1];
    let mut clusters: BTreeMap<u64, [f64; 2]> = BTreeMap::new();
    for (value, of) in ordered.drain(..).zip(case.numbers("cluster")) {
        let [below, rows] = clusters.entry(of as u64).or_default();
        *below += f64::from(u8::from(value <= quantile));
        *rows += 1.0;
    }
    let clusters: Vec<Vec<f64>> = clusters.values().map(|cluster| cluster.to_vec()).collect();
    let sigma = ratio::level(&joint(&clusters, 2), 0, 1).unwrap().se();
    let ranks = quantile::outer_ranks(n as u64, p, sigma, alpha).unwrap();
    let at = |rank: i64| sorted[rank as usize - 1];
    let level = quantile::level(n as u64, quantile, at(ranks.lower), at(ranks.upper), alpha).unwrap();
    Found::exact(json!({
        "quantile": quantile,
        "sigma": sigma,
        "lower_rank_1based": ranks.lower,
        "upper_rank_1based": ranks.upper,
        "se": level.se(),
    }))
}

fn tenants(case: &Case) -> Found {
    let arm = |name: &str| {
        let of = |field: &str| case::numbers(&case.input[field][name]);
        cluster::Arm::of(of("sums").into_iter().zip(of("sizes"))).unwrap()
    };
    let (control, treatment) = (arm("control"), arm("treatment"));
    let means = (control.tenant_mean().unwrap(), treatment.tenant_mean().unwrap());
    let effect = estimate::difference(&means.0, &means.1).unwrap();
    Found::exact(json!({
        "effective": { "control": control.effective(), "treatment": treatment.effective() },
        "user_mean": {
            "control": told(&control.user_mean().unwrap()),
            "treatment": told(&treatment.user_mean().unwrap()),
        },
        "tenant_mean_difference": effect.value,
        "tenant_mean_t": effect.z(),
        "tenant_mean_p": effect.p_value(),
        "tenant_mean_df": effect.df,
    }))
}

fn waves(case: &Case) -> Found {
    let scale = if case.word("scale") == "relative" { Scale::Relative } else { Scale::Absolute };
    let epoch = |(index, counts): (usize, Vec<f64>)| {
        let arm = |at: usize| Moments::from_counts(counts[at] as u64, counts[at + 1] as u64).unwrap();
        Epoch::of_moments(index as u32, Kind::Proportion, &arm(0), &arm(2), 0.5).unwrap()
    };
    let epochs: Vec<Epoch> = table(&case.input["epochs"]).into_iter().enumerate().map(epoch).collect();
    let found = wave::stratify(Kind::Proportion, scale, &epochs).unwrap();
    Found::exact(json!({
        "value": found.effect.value,
        "se": found.effect.se,
        "weights": found.strata.iter().map(|stratum| stratum.weight).collect::<Vec<_>>(),
        "q": found.heterogeneity.map(|q| json!({ "statistic": q.statistic, "df": q.df, "p_value": q.p_value })),
    }))
}

fn by_day(case: &Case) -> Found {
    let days: Vec<u32> = case.numbers("days").into_iter().map(|day| day as u32).collect();
    let arm = |name: &str| joint(&table(&case.input["rows"][name]), days.len());
    let question = novelty::Question {
        kind: Kind::Mean,
        scale: Scale::Absolute,
        confidence: case.number("confidence"),
        simultaneous: case.input["simultaneous"] == Value::Bool(true),
        counts_from: case.count("counts_from") as u32,
    };
    let found = novelty::by_day(&arm("control"), &arm("treatment"), &days, &question).unwrap();
    let told = |estimate: Option<Estimate>| estimate.map(|it| json!({ "value": it.value, "se": it.se }));
    Found::exact(json!({
        "trend": told(found.trend),
        "counted": told(found.counted),
        "before": told(found.before),
        "trend_p": found.trend_p,
        "intervals": found.days.iter().map(|day| day.interval).collect::<Vec<_>>(),
    }))
}
