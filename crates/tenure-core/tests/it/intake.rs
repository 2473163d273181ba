//! Documents of other tools, read: what would be registered, and why a document is not taken in.

use serde_json::{Value as Json, json};
use tenure_core::intake::{Choices, Source, read, read_text};
use tenure_core::{Actor, Now};

use crate::town::Town;

const RESULTS: &str = include_str!("../data/intake/growthbook_results.json");
const SNAPSHOT: &str = include_str!("../data/intake/growthbook_snapshot.json");
const BAYESIAN: &str = include_str!("../data/intake/growthbook_bayesian.json");
const PULSE: &str = include_str!("../data/intake/statsig_pulse.json");
const DEVIATIONS: &str = include_str!("../data/intake/statsig_deviations.json");
const SUMMARY: &str = include_str!("../data/intake/summary.json");

fn choices(more: Json) -> Choices {
    let mut all = json!({"team": "kestrel"});
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(all).unwrap()
}

/// The arguments of the one command that a document would give.
fn taken(source: Source, document: &str, more: Json) -> Json {
    let intake = read_text(source, document, &choices(more)).unwrap();
    assert_eq!(intake.commands.len(), 1);
    serde_json::to_value(&intake.commands[0]).unwrap()["with"].clone()
}

fn refused(source: Source, document: &Json, more: Json, path: &str, says: &str) {
    let faults = read(source, document, &choices(more)).unwrap_err();
    let found = faults.iter().any(|fault| fault.path == path && fault.says.contains(says));
    assert!(found, "no `{says}` at `{path}` in {faults:#?}");
}

fn changed(document: &str, at: &str, value: Json) -> Json {
    let mut document: Json = serde_json::from_str(document).unwrap();
    *document.pointer_mut(at).unwrap() = value;
    document
}

#[test]
fn what_is_understood_is_told() {
    let told = |source, document, more| {
        let intake = read_text(source, document, &choices(more)).unwrap();
        json!(intake)
    };
    insta::assert_json_snapshot!("growthbook_results", told(Source::Growthbook, RESULTS, json!({})));
    insta::assert_json_snapshot!("growthbook_snapshot", told(Source::Growthbook, SNAPSHOT, json!({})));
    insta::assert_json_snapshot!("statsig_pulse", told(Source::Statsig, PULSE, json!({})));
    insta::assert_json_snapshot!("summary", told(Source::Summary, SUMMARY, json!({})));
}

/// What is read is judged by the same statistics as anything else, and the effect is the one the tool reported.
#[test]
fn what_is_read_can_be_registered() {
    let check = |source, document: &str, more: Json, verdict: &str, estimate: f64, se: f64| {
        let town = Town::after("S01", 1);
        let mut all = choices(more);
        all.experiment = Some("EXP-900".parse().unwrap());
        let intake = read_text(source, document, &all).unwrap();
        let by = Actor::of("product-manager".parse().unwrap());
        let now: Now = town.now();
        let events = intake.rehearse(&town.world.state, &by, now).unwrap();
        let judged = events[0].body()["judged"].clone();
        assert_eq!(judged["verdict"], verdict, "{judged}");
        let near = |key: &str, wanted: f64| {
            let got = judged["absolute"][key].as_f64().unwrap();
            assert!((got - wanted).abs() < 0.01 * wanted.abs(), "{key} is {got}, not {wanted}");
        };
        near("estimate", estimate);
        near("se", se);
    };
    let late = json!({"ended": "2026-02-13"});
    check(Source::Growthbook, RESULTS, late.clone(), "positive", 0.015998, 0.0033317);
    // Adjusted for a covariate: +6 % of 12, not the +5 % of the means; 2 % is its standard error.
    check(Source::Growthbook, SNAPSHOT, late.clone(), "positive", 0.72, 0.02 * 12.0 * 0.966);
    check(Source::Statsig, PULSE, late.clone(), "not_significant", -0.56566, 1.0403);
    check(Source::Statsig, DEVIATIONS, late, "positive", 0.015998, 0.0033317);
}

#[test]
fn counts_are_taken_as_counts_wherever_they_are() {
    let counts = json!([[20140, 2417], [20065, 2729]]);
    for (source, document) in [(Source::Growthbook, RESULTS), (Source::Statsig, DEVIATIONS)] {
        let with = taken(source, document, json!({"experiment": "E"}));
        assert_eq!(json!([with["measurement"]["control"], with["measurement"]["treatment"]]), counts);
        assert_eq!(with["metric"]["kind"], "proportion");
        assert_eq!(with["ended"], "2026-02-13");
    }
}

#[test]
fn the_unequal_split_of_a_snapshot_is_kept() {
    let with = taken(Source::Growthbook, SNAPSHOT, json!({}));
    assert_eq!(with["measurement"]["split"], 0.6);
    assert_eq!(with["experiment"], "exp_revenue");
}

#[test]
fn choices_come_before_the_document() {
    let more = json!({"experiment": "EXP-5", "title": "Other", "ended": "2026-02-01", "direction": "decrease", "unit": "tenant",
        "surface": "board", "metric": "met_errors", "kind": "mean"});
    let with = taken(Source::Growthbook, RESULTS, more);
    let metric = json!({"name": "met_errors", "kind": "mean", "direction": "decrease", "unit": "tenant"});
    assert_eq!(with["metric"], metric);
    assert_eq!(
        json!([with["experiment"], with["title"], with["ended"], with["surface"]]),
        json!(["EXP-5", "Other", "2026-02-01", "board"])
    );
}

#[test]
fn a_bayesian_result_needs_moments() {
    let document: Json = serde_json::from_str(BAYESIAN).unwrap();
    let place = "result.results[0].metrics[0].variations[1].analyses[0]";
    refused(Source::Growthbook, &document, json!({}), place, "Bayesian result without moments");
    // With the deviations of a unit beside it, it is judged by its moments, and its p-value of 0 means nothing.
    let mut document = document;
    for arm in [0, 1] {
        *document
            .pointer_mut(&format!("/result/results/0/metrics/0/variations/{arm}/analyses/0/stddev"))
            .unwrap() = json!(9.0);
    }
    let intake = read(Source::Growthbook, &document, &choices(json!({}))).unwrap();
    assert!(
        intake.warnings.iter().any(|warning| warning.says.contains("Bayesian")),
        "{:#?}",
        intake.warnings
    );
    let with = serde_json::to_value(&intake.commands[0]).unwrap();
    assert_eq!(with["with"]["measurement"]["treatment"], json!({"n": 1000, "mean": 5.5, "variance": 81.0}));
}

#[test]
fn a_growthbook_document_that_leaves_something_open_says_what() {
    let third = json!([
        {"variationId": "var_0", "key": "0", "name": "Control"}, {"variationId": "var_1", "key": "1", "name": "Prompt"},
        {"variationId": "var_2", "key": "2", "name": "Banner"}
    ]);
    let mut three = changed(RESULTS, "/experiment/variations", third);
    let arms = three.pointer_mut("/result/results/0/metrics/0/variations").unwrap().as_array_mut().unwrap();
    let mut extra = arms[1].clone();
    extra["variationId"] = json!("var_2");
    arms.push(extra);
    let won = read(Source::Growthbook, &three, &choices(json!({}))).unwrap();
    assert!(won.warnings.iter().any(|warning| warning.says.contains("one of 2 arms")));
    *three.pointer_mut("/experiment/resultSummary").unwrap() = json!(null);
    refused(Source::Growthbook, &three, json!({}), "", "choose `treatment` among Control, Prompt, Banner");
    refused(Source::Growthbook, &three, json!({"treatment": "Popup"}), "", "there is no arm `Popup`");
    assert!(read(Source::Growthbook, &three, &choices(json!({"treatment": "banner"}))).is_ok());

    let goals = json!([{"metricId": "met_shared"}, {"metricId": "met_errors"}]);
    let two_goals = changed(RESULTS, "/result/settings/goals", goals);
    refused(Source::Growthbook, &two_goals, json!({}), "", "choose `metric` among met_shared, met_errors");
    refused(Source::Growthbook, &two_goals, json!({"metric": "x"}), "", "there is no metric `x`");

    let alone = json!({"experiment": {"id": "x"}});
    refused(Source::Growthbook, &alone, json!({}), "", "there are no results");
    let word = changed(RESULTS, "/result/results/0/metrics/0/variations/1/analyses/0/mean", json!("many"));
    let place = "result.results[0].metrics[0].variations[1].analyses[0].mean";
    refused(Source::Growthbook, &word, json!({}), place, "is no number");
    let sliced = changed(RESULTS, "/result/results/0/dimension", json!("chrome"));
    assert!(read(Source::Growthbook, &sliced, &choices(json!({}))).is_ok(), "one result alone is the whole");
}

#[test]
fn a_one_sided_interval_is_no_standard_error() {
    // Without deviations only the interval says how sure it is, and this one has an end that is not there.
    let mut document: Json = serde_json::from_str(SNAPSHOT).unwrap();
    for arm in [0, 1] {
        let stats = format!("/analyses/1/results/0/variations/{arm}/metrics/met_revenue/stats/stddev");
        *document.pointer_mut(&stats).unwrap() = json!(0);
    }
    assert!(read(Source::Growthbook, &document, &choices(json!({}))).is_ok());
    let ci = "/analyses/1/results/0/variations/1/metrics/met_revenue/ci";
    *document.pointer_mut(ci).unwrap() = json!([0.02, null]);
    let place = "analyses[1].results[0].variations[1].metrics.met_revenue";
    refused(Source::Growthbook, &document, json!({}), place, "how sure it is");
}

#[test]
fn a_statsig_document_that_leaves_something_open_says_what() {
    let metric = "data.primaryMetrics[0]";
    let mut open: Json = serde_json::from_str(DEVIATIONS).unwrap();
    *open.pointer_mut("/data/primaryMetrics/0/confidenceIntervalDelta").unwrap() = json!(0.03);
    *open.pointer_mut("/data/primaryMetrics/0/pValue").unwrap() = json!(0.2);
    let experiment = json!({"experiment": "E"});
    refused(
        Source::Statsig,
        &open,
        experiment.clone(),
        metric,
        "neither the interval nor the p-value says which",
    );
    let missing = changed(DEVIATIONS, "/data/primaryMetrics/0/testUnits", json!(null));
    refused(
        Source::Statsig,
        &missing,
        experiment.clone(),
        metric,
        "controlUnits is missing".replace("control", "test").as_str(),
    );
    let none = changed(DEVIATIONS, "/data", json!({}));
    refused(Source::Statsig, &none, experiment, "", "there are no pulse results");
    let groups =
        json!([{"name": "Control", "size": 34}, {"name": "A", "size": 33}, {"name": "B", "size": 33}]);
    let three = changed(PULSE, "/experiment/data/groups", groups);
    refused(Source::Statsig, &three, json!({}), "experiment.data", "choose `treatment` among Control, A, B");
    let chosen = read(Source::Statsig, &three, &choices(json!({"treatment": "A"}))).unwrap();
    assert!(chosen.warnings.iter().any(|warning| warning.says.contains("one of 2 arms")));
}

#[test]
fn a_summary_that_cannot_be_meant_says_where() {
    let arms = |control: Json, treatment: Json| json!({"experiment": "E", "ended": "2026-01-01", "control": control, "treatment": treatment});
    let check =
        |document: &Json, path: &str, says: &str| refused(Source::Summary, document, json!({}), path, says);
    check(
        &arms(json!({"n": 10, "successes": 11}), json!({"n": 10, "successes": 1})),
        "",
        "more successes than units",
    );
    check(&arms(json!({"n": 1.5}), json!({"n": 10})), "control.n", "no count");
    check(&arms(json!({"n": 100, "mean": 1}), json!({"n": 100, "mean": 2})), "", "how sure it is");
    let mut lifted = arms(json!({"n": 100}), json!({"n": 100}));
    lifted["effect"] = json!({"lift": 0.1, "se": 0.02});
    check(&lifted, "", "means of the arms are missing");
    lifted["effect"] = json!({"lift": 0.1, "interval": [0.05, null]});
    check(&lifted, "effect.interval", "one side only");
    check(
        &json!({"control": {"n": 9, "successes": 1}, "treatment": {"n": 9, "successes": 2}}),
        "",
        "choose `experiment`",
    );
    check(&json!([{"experiment": "E", "ended": "soon"}]), "[0].ended", "no date");
    let text = read_text(Source::Summary, "{", &choices(json!({}))).unwrap_err();
    assert!(text[0].says.contains("no JSON"));
    let homeless = read(
        Source::Summary,
        &serde_json::from_str::<Json>(SUMMARY).unwrap()[1],
        &choices(json!({"team": null})),
    )
    .unwrap();
    assert_eq!(homeless.commands.len(), 1, "the summary names its team itself");
}
