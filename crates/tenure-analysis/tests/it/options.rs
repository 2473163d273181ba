//! Ratios, quantiles, caps, covariates, clusters, strata: small files against the statistics themselves, and what does
//! not go together.

use std::io::Cursor;

use proptest::prelude::*;
use serde_json::{Value, json};
use tenure_analysis::{Cap, FileQuery, MetricResult, Table, analyze_table};
use tenure_stats::estimate::{self, Kind, Level};
use tenure_stats::joint::Joint;
use tenure_stats::moments::Moments;
use tenure_stats::regression::{self, Robust};
use tenure_stats::{cluster, ratio};

use crate::small_files::{analyze, query, table};

/// A number that looks random and is not: the fractional part of a multiple of the golden ratio.
fn noise(seed: usize) -> f64 {
    (seed as f64 * 0.618_033_988_749_895).fract()
}

fn metric(text: &str, query: &FileQuery) -> MetricResult {
    analyze_table(table(text).unwrap(), query).unwrap().metrics.remove(0)
}

#[track_caller]
fn near(got: f64, expected: f64) {
    assert!((got - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{got}, expected {expected}");
}

#[track_caller]
fn warns(metric: &MetricResult, of: &str) {
    assert!(metric.warnings.iter().any(|warning| warning.contains(of)), "{:#?}", metric.warnings);
}

/// 400 units, `b` with its probability, with a covariate that explains most of the outcome.
fn explained(share_of_b: f64) -> String {
    let row = |unit: usize| {
        let arm = if noise(7 * unit + 3) < share_of_b { "b" } else { "a" };
        let before = noise(unit);
        let effect = f64::from(u8::from(arm == "b")) * (0.1 + 0.5 * before);
        format!("{unit},{arm},{},{before}\n", 3.0 * before + 0.2 * noise(31 * unit + 5) + effect)
    };
    format!("u,arm,y,x\n{}", (0..400).map(row).collect::<String>())
}

fn adjusted(text: &str) -> MetricResult {
    let mut query = query(None, &["y=y:mean"]);
    query.covariates = vec!["y=x".parse().unwrap()];
    metric(text, &query)
}

#[test]
fn a_ratio_is_of_sums_with_its_error_over_units() {
    let text = "u,arm,m,d\n1,a,1,2\n1,a,2,3\n2,a,0,1\n3,a,4,4\n4,b,5,2\n5,b,1,1\n6,b,2,2\n";
    let got = metric(text, &query(Some("u"), &["r=m/d:ratio"]));
    let joint = |units: &[[f64; 2]]| {
        let mut joint = Joint::new(2);
        units.iter().for_each(|unit| joint.push(unit).unwrap());
        ratio::level(&joint, 0, 1).unwrap()
    };
    let control = joint(&[[3.0, 5.0], [0.0, 1.0], [4.0, 4.0]]);
    let treatment = joint(&[[5.0, 2.0], [1.0, 1.0], [2.0, 2.0]]);
    let expected = estimate::difference(&control, &treatment).unwrap();
    near(got.absolute.unwrap().estimate, 8.0 / 5.0 - 7.0 / 10.0);
    near(got.absolute.unwrap().se, expected.se);
    near(got.p_value.unwrap(), expected.p_value());
    assert_eq!(got.method.as_deref(), Some("delta method, welch t"));
}

#[test]
fn totals_are_proportions_of_their_trials() {
    let text = "arm,wins,tries\na,10,100\na,20,100\nb,50,200\n";
    let got = metric(text, &query(None, &["w=wins/tries:counts"]));
    assert_eq!(
        serde_json::to_value(got.control).unwrap(),
        json!({"n": 200, "mean": 0.15, "variance": 0.1275})
    );
    near(got.absolute.unwrap().estimate, 0.1);
}

#[test]
fn a_quantile_is_of_rows_that_belong_together_by_unit() {
    // Each unit has four equal rows: as good as one.
    let rows = |times: usize| {
        let row = |unit: usize| {
            let arm = if unit.is_multiple_of(2) { "a" } else { "b" };
            format!("{unit},{arm},{}\n", noise(unit) * 100.0).repeat(times)
        };
        format!("u,arm,ms\n{}", (0..600).map(row).collect::<String>())
    };
    let once = metric(&rows(1), &query(None, &["p=ms:quantile:0.9"]));
    let repeated = metric(&rows(4), &query(Some("u"), &["p=ms:quantile:0.9"]));
    let naive = metric(&rows(4), &query(None, &["p=ms:quantile:0.9"]));
    assert!((once.control.unwrap().mean - 90.0).abs() < 2.0, "{once:?}");
    assert_eq!((once.control.unwrap().n, repeated.control.unwrap().n), (300, 300));
    let [once, repeated, naive] = [once, repeated, naive].map(|metric| metric.absolute.unwrap().se);
    assert!((repeated / once - 1.0).abs() < 0.2, "{repeated} {once}");
    assert!(naive < 0.7 * repeated, "{naive} {repeated}");
    let few = metric("arm,ms\na,1\na,2\nb,3\nb,4\n", &query(None, &["p=ms:quantile:0.99"]));
    assert_eq!(few.absolute, None);
    warns(&few, "2 values in an arm are too few");
    let ties = format!("arm,ms\n{}", "a,1\nb,1\n".repeat(500));
    warns(&metric(&ties, &query(None, &["p=ms:quantile:0.5"])), "all equal");
}

#[test]
fn a_cap_is_at_the_quantile_of_all_arms_and_may_be_frozen() {
    let rows: String = (1..=99).map(|value| format!("a,{value}\nb,{value}\nc,{value}\n")).collect();
    let text = format!("arm,y\n{rows}a,100\nb,5000\nc,100\n");
    let mut query = query(None, &["y=y:mean"]);
    let plain = metric(&text, &query);
    warns(&plain, "one unit with 5000 holds");
    query.caps = vec!["y=0.9".parse().unwrap()];
    let capped = metric(&text, &query);
    let cap = capped.cap.unwrap();
    assert!((cap.value - 90.0).abs() <= 1.0, "{cap:?}");
    near(capped.absolute.unwrap().estimate, 0.0);
    assert_eq!(capped.method.as_deref(), Some("welch t, capped"));
    warns(&capped, &format!("--cap-at y={}", cap.value));
    query.caps = vec![Cap::frozen(&format!("y={}", cap.value)).unwrap()];
    assert_eq!(metric(&text, &query).absolute, capped.absolute);
}

#[test]
fn a_covariate_takes_out_what_it_explains() {
    let got = adjusted(&explained(0.5));
    assert_eq!(got.method.as_deref(), Some("cuped, welch t"));
    let adjustment = got.adjustment.unwrap();
    assert!(adjustment.variance_reduction > 0.95, "{adjustment:?}");
    assert!((got.absolute.unwrap().estimate - 0.35).abs() < 0.02, "{got:?}");
}

/// Arms of unequal size: the estimate and error of the interacted regression on the rows.
#[test]
fn unequal_arms_take_the_interacted_regression() {
    let text = explained(0.2);
    let got = adjusted(&text);
    assert_eq!(got.method.as_deref(), Some("lin's interacted regression with hc2, welch t"));
    let cells: Vec<Vec<&str>> = text.lines().skip(1).map(|row| row.split(',').collect()).collect();
    let number = |place: usize| cells.iter().map(|row| row[place].parse().unwrap()).collect::<Vec<f64>>();
    let treated: Vec<f64> = cells.iter().map(|row| f64::from(u8::from(row[1] == "b"))).collect();
    let rows = regression::lin_rows(&treated, &[&number(3)]).unwrap();
    let fit = regression::fit(&rows, &number(2)).unwrap();
    assert!((got.absolute.unwrap().estimate / fit.beta[1] - 1.0).abs() < 1e-9);
    assert!((got.absolute.unwrap().se / fit.se(1, Robust::Hc2).unwrap() - 1.0).abs() < 1e-9);
    let treatment = treated.iter().sum::<f64>() as u64;
    assert_eq!((got.treatment.unwrap().n, got.control.unwrap().n), (treatment, 400 - treatment));
}

#[test]
fn a_missing_covariate_keeps_its_unit() {
    let mut number = 0;
    let text: String = explained(0.5)
        .lines()
        .map(|row| {
            number += 1;
            let missing = number > 1 && number % 5 == 0;
            if missing { format!("{},\n", row.rsplit_once(',').unwrap().0) } else { format!("{row}\n") }
        })
        .collect();
    let got = adjusted(&text);
    assert_eq!(got.control.unwrap().n + got.treatment.unwrap().n, 400);
    assert_eq!(got.adjustment.unwrap().missing, 80);
    assert_eq!(got.method.as_deref(), Some("lin's interacted regression with hc2, welch t"));
    warns(&got, "missing for 80 units");
    assert!(got.adjustment.unwrap().variance_reduction > 0.3);
}

#[test]
fn a_covariate_that_says_nothing_or_came_later_is_said() {
    let flat: String = explained(0.5)
        .lines()
        .map(|row| format!("{},{}\n", row, if row.starts_with('u') { "k" } else { "1" }))
        .collect();
    let mut query = query(None, &["y=y:mean"]);
    query.covariates = vec!["y=k".parse().unwrap()];
    warns(&metric(&flat, &query), "gains nothing");
    query.covariates = vec!["y=y".parse().unwrap()];
    let moved = explained(0.5).replace(",b,", ",b,1");
    warns(&metric(&moved, &query), "differs between the arms");
    query.covariates = vec!["y=x".parse().unwrap()];
    query.unit = Some("u".into());
    let error = analyze("u,arm,y,x\n1,a,1,2\n2,b,3,4\n1,a,1,5\n", &query).unwrap_err().to_string();
    assert!(
        error.starts_with("t.csv, line 4: column `x` has 5 where an earlier row of the same unit has 2"),
        "{error}"
    );
}

/// Tenants of unequal size with their own levels.
fn tenants(arms: &[(&str, usize)], size: impl Fn(usize) -> usize) -> String {
    let mut text = String::from("arm,tenant,y\n");
    let mut number = 0;
    for (arm, count) in arms {
        for _ in 0..*count {
            number += 1;
            let own = 10.0 * noise(number);
            for user in 0..size(number) {
                text.push_str(&format!("{arm},t{number},{}\n", own + noise(97 * number + 13 * user)));
            }
        }
    }
    text
}

fn clustered(text: &str) -> MetricResult {
    let mut query = query(None, &["y=y:mean"]);
    query.cluster = Some("tenant".into());
    metric(text, &query)
}

#[test]
fn clusters_are_what_counts() {
    let text = tenants(&[("a", 30), ("b", 30)], |number| 5 + number % 4);
    let got = clustered(&text);
    assert_eq!(got.method.as_deref(), Some("delta method over clusters, welch t"));
    assert_eq!((got.control.unwrap().n, got.treatment.unwrap().n), (30, 30));
    let arm = |name: &str| {
        let mut sums: std::collections::BTreeMap<&str, (f64, f64)> = Default::default();
        for row in text.lines().filter(|row| row.starts_with(name)) {
            let cells: Vec<&str> = row.split(',').collect();
            let sum = sums.entry(cells[1]).or_default();
            *sum = (sum.0 + cells[2].parse::<f64>().unwrap(), sum.1 + 1.0);
        }
        cluster::Arm::of(sums.into_values()).unwrap()
    };
    let (control, treatment) = (arm("a,"), arm("b,"));
    let expected =
        estimate::difference(&control.user_mean().unwrap(), &treatment.user_mean().unwrap()).unwrap();
    assert!((got.absolute.unwrap().se / expected.se - 1.0).abs() < 1e-9);
    assert!((got.clusters.unwrap().control.effective / control.effective() - 1.0).abs() < 1e-9);
    // As if users had been randomised, the error would look far too small.
    let naive = metric(&text, &query(None, &["y=y:mean"]));
    assert!(naive.absolute.unwrap().se < 0.6 * got.absolute.unwrap().se);
}

#[test]
fn few_clusters_count_once_each() {
    let got = clustered(&tenants(&[("a", 6), ("b", 7)], |number| if number == 2 { 60 } else { 4 }));
    assert_eq!(got.method.as_deref(), Some("mean of cluster means, welch t"));
    warns(&got, "each cluster counts once");
    warns(&got, "6 clusters in an arm are few");
    assert!(got.clusters.unwrap().control.largest_share > 0.2);
}

#[test]
fn the_sample_ratio_of_clusters_counts_clusters() {
    let text = tenants(&[("a", 20), ("b", 20)], |number| if number > 20 { 30 } else { 3 });
    let mut query = query(None, &["y=y:mean"]);
    query.cluster = Some("tenant".into());
    let got = analyze(&text, &query).unwrap();
    assert_eq!(got["arms"][0], json!({"arm": "a", "units": 60, "clusters": 20}));
    assert_eq!(got["sample_ratio"]["p_value"], 1.0);
    let two = "arm,tenant,y\na,t1,1\nb,t2,2\nb,t1,3\n";
    let error = analyze(two, &query).unwrap_err().to_string();
    assert!(
        error.starts_with("t.csv, line 4: cluster `t1` is in arm `b`, but in arm `a` on line 2"),
        "{error}"
    );
}

#[test]
fn options_combine() {
    let mut text = String::from("arm,tenant,spend,visits,before,day\n");
    for unit in 0..1_200_usize {
        let tenant = unit % 120;
        let arm = if tenant.is_multiple_of(2) { "a" } else { "b" };
        let before = noise(tenant) + noise(unit);
        text.push_str(&format!(
            "{arm},{tenant},{},{},{before},2026-03-0{}\n",
            before * 3.0 + noise(unit * 3),
            1 + tenant % 4,
            1 + unit % 3
        ));
    }
    let mut query = query(None, &["spend=spend:mean", "a visit=spend/visits:ratio"]);
    query.covariates = ["spend=before", "a visit=before"].map(|it| it.parse().unwrap()).to_vec();
    query.caps = ["spend=0.99", "a visit=0.99"].map(|it| it.parse().unwrap()).to_vec();
    query.cluster = Some("tenant".into());
    query.by = Some("day".into());
    let got = analyze(&text, &query).unwrap();
    for metric in got["metrics"].as_array().unwrap() {
        assert_eq!(metric["method"], "delta method over clusters, cuped, welch t, capped");
        assert!(metric["adjustment"]["variance_reduction"].as_f64().unwrap() > 0.2, "{metric}");
        assert!(metric["stratified"]["p_value"].is_number(), "{metric}");
    }
}

#[test]
fn an_empty_outcome_is_one_that_is_not_there_yet() {
    let text = "u,arm,y\n1,a,1\n2,a,\n3,a,3\n4,b,4\n5,b,5\n6,b,\n6,b,1\n";
    let got = metric(text, &query(Some("u"), &["y=y:mean"]));
    assert_eq!((got.control.unwrap().n, got.treatment.unwrap().n), (2, 2));
    assert_eq!(serde_json::to_value(got.immature).unwrap(), json!({"control": 1, "treatment": 1}));
    warns(&got, "the first empty cell is on line 3");
    let text = format!("arm,y\n{}{}", "a,1\na,2\nb,1\n".repeat(60), "b,\n".repeat(60));
    warns(&metric(&text, &query(None, &["y=y:mean"])), "missing more often in one arm");
}

#[test]
fn a_column_of_days_is_tested_without_asking() {
    let file = |first_day: f64| {
        let row = |unit: usize| {
            let day = 1 + unit % 4;
            let arm = if noise(unit) < (if day == 1 { first_day } else { 0.5 }) { "a" } else { "b" };
            format!("{arm},{},2026-03-0{day}T10:00:00Z\n", unit % 7)
        };
        format!("arm,y,at\n{}", (0..2_000).map(row).collect::<String>())
    };
    let text = file(0.8);
    let mut query = query(None, &["y=y:mean"]);
    let got = analyze(&text, &query).unwrap();
    assert_eq!(got["allocation"]["column"], "at");
    assert_eq!(got["allocation"]["strata"].as_array().unwrap().len(), 4);
    assert!(got["allocation"]["warnings"][0].as_str().unwrap().contains("--by at"));
    query.by = Some("y".into());
    let got = analyze(&text, &query).unwrap();
    assert_eq!(got["allocation"]["warnings"], json!([]));
    assert_eq!(got["allocation"]["strata"].as_array().unwrap().len(), 7);
    // Days that hold are not worth a word.
    query.by = None;
    assert_eq!(analyze(&file(0.5), &query).unwrap()["allocation"], Value::Null);
}

#[test]
fn what_does_not_go_together_is_refused() {
    #[track_caller]
    fn check(query: FileQuery, expected: &str) {
        let error = analyze("arm,y,n\na,1,2\nb,2,2\n", &query).unwrap_err().to_string();
        assert_eq!(error, expected);
    }
    let caps =
        |metric: &str, cap: &str| FileQuery { caps: vec![cap.parse().unwrap()], ..query(None, &[metric]) };
    let covariates = |metric: &str, covariate: &str| FileQuery {
        covariates: vec![covariate.parse().unwrap()],
        ..query(None, &[metric])
    };
    check(
        caps("spend=y:mean", "spent=0.99"),
        "there is no metric `spent` for --cap (did you mean `spend`?); name one of `spend`",
    );
    check(
        caps("p=y:proportion", "p=0.99"),
        "metric `p` is a proportion, which has nothing to cap; leave out --cap, or declare it a mean",
    );
    check(
        caps("q=y:quantile:0.5", "q=0.99"),
        "metric `q` is a quantile, which a cap above it leaves as it is; leave out --cap",
    );
    check(
        covariates("q=y:quantile:0.5", "q=n"),
        "metric `q` is a quantile, which covariates do not adjust; leave out --covariate, or declare it a mean",
    );
    check(
        covariates("c=y/n:counts", "c=n"),
        "metric `c` is of totals, which have no covariate a unit; leave out --covariate, or declare it a ratio",
    );
    check(
        FileQuery { count: Some("n".into()), ..query(Some("arm"), &["y=y:mean"]) },
        "column `n` counts the units of a row, and --unit and --cluster name them; keep one of them",
    );
    check(
        query(None, &["c=n/y:counts"]),
        "t.csv, line 2: `n` is 2, more than 1 of `y`; each trial is a success at most once",
    );
}

fn level(values: &[f64]) -> Level {
    Level::of(Kind::Mean, &values.iter().copied().collect::<Moments>()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the file, an answer or an error, and no number that is not one.
    #[test]
    fn no_file_makes_it_panic(
        rows in prop::collection::vec(
            (
                prop::sample::select(vec!["a", "b", "c", ""]),
                prop::sample::select(vec!["1", "0", "-3", "", "1e308", "-1e308", "x", "NaN", "5e-324", "7", "7.5"]),
                prop::sample::select(vec!["1", "2", "", "0", "1e300"]),
                prop::sample::select(vec!["t1", "t2", "t3", "2026-01-01", ""]),
            ),
            0..40,
        ),
        with_unit in any::<bool>(),
        with_cluster in any::<bool>(),
        with_by in any::<bool>(),
    ) {
        let rows: String = rows.iter().map(|(arm, y, x, t)| format!("{arm},{y},{x},{t}\n")).collect();
        for metric in ["m=y:mean", "m=y:proportion", "m=y/x:ratio", "m=x/y:counts", "m=y:quantile:0.5"] {
            let mut query = query(with_unit.then_some("t"), &[metric]);
            query.cluster = with_cluster.then(|| "t".to_owned());
            query.by = with_by.then(|| "t".to_owned());
            if metric.ends_with("mean") || metric.ends_with("ratio") {
                query.caps = vec!["m=0.9".parse().unwrap()];
                query.covariates = vec!["m=x".parse().unwrap()];
            }
            let table = Table::read("t.csv", Cursor::new(format!("arm,y,x,t\n{rows}"))).unwrap();
            if let Ok(analysis) = analyze_table(table, &query) {
                for found in &analysis.metrics {
                    let numbers = found.absolute.iter().flat_map(|it| [it.estimate, it.se, it.interval[0], it.interval[1]]);
                    prop_assert!(numbers.chain(found.p_value).all(f64::is_finite), "{found:?}");
                }
            }
        }
    }

    #[test]
    fn a_mean_is_welchs(
        a in prop::collection::vec(-50.0..50.0f64, 3..30),
        b in prop::collection::vec(-50.0..50.0f64, 3..30),
    ) {
        let rows = |arm: &str, values: &[f64]| values.iter().map(|y| format!("{arm},{y}\n")).collect::<String>();
        let got = metric(&format!("arm,y\n{}{}", rows("a", &a), rows("b", &b)), &query(None, &["y=y:mean"]));
        let expected = estimate::difference(&level(&a), &level(&b)).unwrap();
        prop_assert!((got.absolute.unwrap().estimate - expected.value).abs() < 1e-9);
        prop_assert!((got.p_value.unwrap() - expected.p_value()).abs() < 1e-9);
    }
}
