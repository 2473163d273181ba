//! Files of cumulative looks: read, and judged as they came.

use serde_json::{Value, json};
use tenure_analysis::{PlanEnd, Running, read_looks};
use tenure_stats::estimate::Kind;

use crate::small_files::table;

fn judge(running: &Running, rows: &str) -> Vec<Value> {
    let text = format!("look,arm,n,mean,variance\n{rows}");
    let looks = read_looks(table(&text).unwrap(), "a", "b").unwrap();
    let judged = running.judge(&looks).unwrap();
    judged.iter().map(|look| serde_json::to_value(look).unwrap()).collect()
}

fn verdicts(running: &Running, rows: &str) -> Vec<String> {
    judge(running, rows).iter().map(|look| look["verdict"].as_str().unwrap().to_owned()).collect()
}

/// Looks of 1,000 more units an arm each, of variance 1, with these differences of the means.
fn looks_of(differences: &[f64]) -> String {
    let look = |(place, difference): (usize, &f64)| {
        let n = 1_000 * (place + 1);
        format!("{place},a,{n},5,1\n{place},b,{n},{},1\n", 5.0 + difference)
    };
    differences.iter().enumerate().map(look).collect()
}

#[test]
fn looks_are_read() {
    let text =
        "look,arm,n,mean,variance\n1,a,10,0.5,0.25\n1,b,11,0.6,0.24\n1,c,9,0,0\n2.5,b,21,1,\n2.5,a,20,0,1\n";
    let got = serde_json::to_value(read_looks(table(text).unwrap(), "a", "b").unwrap()).unwrap();
    assert_eq!(
        got,
        json!([
            {"look": 1, "control": {"n": 10, "mean": 0.5, "variance": 0.25}, "treatment": {"n": 11, "mean": 0.6, "variance": 0.24}},
            {"look": 2.5, "control": {"n": 20, "mean": 0.0, "variance": 1.0}, "treatment": {"n": 21, "mean": 1.0, "variance": null}},
        ])
    );
}

#[test]
fn a_look_has_the_promised_fields() {
    let running = Running { plan: PlanEnd::Units(4_000), ..Running::default() };
    let looks = judge(&running, &looks_of(&[0.05, 0.04]));
    // √(1/1000 + 1/1000), and a quarter of the planned units have a quarter of the information.
    assert!((looks[0]["se"].as_f64().unwrap() - 0.002_f64.sqrt()).abs() < 1e-15);
    assert!((looks[0]["information_fraction"].as_f64().unwrap() - 0.25).abs() < 1e-12);
    assert!((looks[1]["information_fraction"].as_f64().unwrap() - 0.5).abs() < 1e-12);
    for look in &looks {
        for field in ["look", "estimate", "se", "information_fraction", "p_value", "sample_ratio_p"] {
            assert!(look[field].is_number(), "{field} of {look}");
        }
        assert!(look["interval"][0].as_f64().unwrap() < look["interval"][1].as_f64().unwrap());
        assert_eq!(look["verdict"], "immature");
    }
}

#[test]
fn a_verdict_stays_once_it_has_fallen() {
    let running = Running { plan: PlanEnd::Units(4_000), ..Running::default() };
    let rows = looks_of(&[0.0, 0.2, 0.01, 0.0, -0.02, -0.3]);
    assert_eq!(
        verdicts(&running, &rows),
        ["immature", "positive", "positive", "positive", "positive", "positive"]
    );
    let rows = looks_of(&[0.0, 0.01, 0.0, 0.01, 0.01]);
    assert_eq!(
        verdicts(&running, &rows),
        ["immature", "immature", "immature", "not_significant", "not_significant"]
    );
}

/// After the planned end only the bound that never expires stands, which is wider and still finds.
#[test]
fn after_the_end_the_forever_bound_stands() {
    let running = Running { plan: PlanEnd::Units(3_000), ..Running::default() };
    let looks = judge(&running, &looks_of(&[0.0, 0.01, 0.01, 0.01, 0.2]));
    let bounds: Vec<&str> = looks.iter().map(|look| look["bound"].as_str().unwrap()).collect();
    assert_eq!(bounds[2..], ["planned", "forever", "forever"]);
    assert_eq!((&looks[3]["verdict"], &looks[4]["verdict"]), (&json!("not_significant"), &json!("positive")));
    let width = |look: &Value| look["interval"][1].as_f64().unwrap() - look["interval"][0].as_f64().unwrap();
    assert!(width(&looks[3]) > width(&looks[2]));
}

#[test]
fn information_never_falls() {
    // The variance of an open-ended metric grows faster than its units.
    let rows = "1,a,1000,5,1\n1,b,1000,5,1\n2,a,1500,6,4\n2,b,1500,6,4\n3,a,2000,7,1\n3,b,2000,7,1\n";
    let running = Running { plan: PlanEnd::Units(4_000), ..Running::default() };
    let fractions: Vec<f64> =
        judge(&running, rows).iter().map(|look| look["information_fraction"].as_f64().unwrap()).collect();
    assert!((fractions[1] - 0.25).abs() < 1e-12 && (fractions[2] - 0.5).abs() < 1e-12, "{fractions:?}");
}

/// What cannot be said is null, with words, at that look only.
#[test]
fn looks_without_an_estimate() {
    let rows = "1,a,0,,\n1,b,0,,\n2,a,1,3,\n2,b,0,,\n3,a,50,3,0\n3,b,50,3,0\n4,a,500,3,\n4,b,500,3,1\n5,a,900,3,1\n5,b,900,4,1\n";
    let looks = judge(&Running::default(), rows);
    for (look, words) in looks.iter().zip(["no units", "no units", "zero variance", "no variance"]) {
        assert_eq!(
            (&look["estimate"], &look["interval"], &look["se"]),
            (&Value::Null, &Value::Null, &Value::Null)
        );
        assert_eq!(look["verdict"], "immature");
        assert!(look.to_string().contains(words), "{look}");
    }
    assert_eq!(looks[4]["verdict"], "positive");
    assert!(!looks.iter().any(|look| look.to_string().contains("NaN")));
}

#[test]
fn arms_with_the_wrong_shares_are_invalid() {
    let rows = "1,a,5000,5,1\n1,b,4000,5.5,1\n";
    assert_eq!(verdicts(&Running::default(), rows), ["invalid"]);
    let meant = Running { treatment_share: 4.0 / 9.0, ..Running::default() };
    assert_eq!(verdicts(&meant, rows), ["positive"]);
}

#[test]
fn a_proportion_takes_its_variance_from_its_mean() {
    let running = Running { kind: Kind::Proportion, plan: PlanEnd::Se(0.01), ..Running::default() };
    let looks = judge(&running, "1,a,1000,0.1,7\n1,b,1000,0.12,7\n");
    let se = (0.1_f64 * 0.9 / 1000.0 + 0.12 * 0.88 / 1000.0).sqrt();
    assert!((looks[0]["se"].as_f64().unwrap() - se).abs() < 1e-15);
    assert!(looks[0]["warnings"][0].as_str().unwrap().contains("not that of a proportion"));
}

#[test]
fn plans_and_means_that_cannot_be() {
    #[track_caller]
    fn check(running: Running, expected: &str) {
        let text = "look,arm,n,mean,variance\n1,a,9,1.5,1\n1,b,9,1,1\n";
        let looks = read_looks(table(text).unwrap(), "a", "b").unwrap();
        assert_eq!(running.judge(&looks).unwrap_err().to_string(), expected);
    }
    let standard = Running::default();
    check(
        Running { plan: PlanEnd::Se(0.0), ..standard },
        "the plan ends at a standard error of 0; it must be a number above 0",
    );
    check(
        Running { plan: PlanEnd::Units(1), ..standard },
        "the plan ends at 1 units an arm; it needs 2 or more",
    );
    check(
        Running { treatment_share: 1.0, ..standard },
        "the treatment share is 1; it must lie between 0 and 1, such as 0.5",
    );
    check(
        Running { kind: Kind::Proportion, ..standard },
        "look 1: a mean of 1.5 is no proportion; it must lie between 0 and 1, or the kind be a mean",
    );
}
