//! Small files whose answer can be worked out by hand.

use std::io::Cursor;

use serde_json::{Value, json};
use tenure_analysis::{FileError, FileQuery, Table, analyze_table};

pub(crate) fn query(unit: Option<&str>, metrics: &[&str]) -> FileQuery {
    FileQuery {
        unit: unit.map(str::to_owned),
        arm: "arm".into(),
        control: "a".into(),
        treatment: "b".into(),
        metrics: metrics.iter().map(|spec| spec.parse().unwrap()).collect(),
        ..FileQuery::default()
    }
}

pub(crate) fn table(text: &str) -> Result<Table, tenure_analysis::TableError> {
    Table::read("t.csv", Cursor::new(text.to_owned()))
}

pub(crate) fn analyze(text: &str, query: &FileQuery) -> Result<Value, FileError> {
    analyze_table(table(text)?, query).map(|analysis| serde_json::to_value(analysis).unwrap())
}

#[test]
fn the_answer_has_the_promised_fields() {
    let got = analyze("arm,y\na,1\nb,4\na,3\nb,6\nc,9\n", &query(None, &["m=y:mean"])).unwrap();
    assert_eq!(
        got["arms"],
        json!([{"arm": "a", "units": 2}, {"arm": "b", "units": 2}, {"arm": "c", "units": 1}])
    );
    let metric = &got["metrics"][0];
    assert_eq!(metric["metric"], "m");
    assert_eq!(metric["kind"], "mean");
    assert_eq!(metric["control"], json!({"n": 2, "mean": 2.0, "variance": 2.0}));
    assert_eq!(metric["treatment"], json!({"n": 2, "mean": 5.0, "variance": 2.0}));
    assert_eq!(metric["absolute"]["estimate"], 3.0);
    assert_eq!(metric["absolute"]["se"], 2.0_f64.sqrt());
    // Student's t with 2 degrees of freedom: 4.302653 standard errors.
    let interval =
        [&metric["absolute"]["interval"][0], &metric["absolute"]["interval"][1]].map(|v| v.as_f64().unwrap());
    assert!((interval[0] - (3.0 - 4.302_652_729_7 * 2.0_f64.sqrt())).abs() < 1e-8, "{interval:?}");
    assert!((interval[1] - (3.0 + 4.302_652_729_7 * 2.0_f64.sqrt())).abs() < 1e-8, "{interval:?}");
    assert!(metric["p_value"].is_f64() && metric["method"].is_string() && metric["warnings"].is_array());
    assert!(got["sample_ratio"]["p_value"].is_f64());
}

#[test]
fn rows_of_a_unit_are_summed_for_a_mean_and_any_for_a_proportion() {
    let text = "u,arm,y,p\n1,a,1,0\n2,a,5,0\n1,a,2,1\n3,b,7,1\n4,b,0,0\n4,b,1,no\n1,a,-1,0\n";
    let got = analyze(text, &query(Some("u"), &["y=y:mean", "p=p:proportion"])).unwrap();
    assert_eq!(got["arms"], json!([{"arm": "a", "units": 2}, {"arm": "b", "units": 2}]));
    assert_eq!(got["metrics"][0]["control"], json!({"n": 2, "mean": 3.5, "variance": 4.5}));
    assert_eq!(got["metrics"][0]["treatment"], json!({"n": 2, "mean": 4.0, "variance": 18.0}));
    assert_eq!(got["metrics"][1]["control"], json!({"n": 2, "mean": 0.5, "variance": 0.25}));
    assert_eq!(got["metrics"][1]["treatment"], json!({"n": 2, "mean": 0.5, "variance": 0.25}));
}

#[test]
fn what_cannot_be_said_is_null_with_the_reason_and_spares_the_other_metrics() {
    let text = "arm,zero,y\na,0,1\na,0,2\nb,0,3\nb,0,5\n";
    let got = analyze(text, &query(None, &["zero=zero:mean", "y=y:mean"])).unwrap();
    let zero = &got["metrics"][0];
    assert_eq!(zero["control"], json!({"n": 2, "mean": 0.0, "variance": 0.0}));
    assert_eq!((&zero["absolute"], &zero["p_value"]), (&Value::Null, &Value::Null));
    assert_eq!(zero["warnings"].as_array().unwrap().len(), 1);
    assert!(got["metrics"][1]["p_value"].is_f64());
}

#[test]
fn the_sample_ratio_is_of_all_arms_alike_unless_shares_are_given() {
    let text = format!("arm,y\n{}{}{}", "a,1\n".repeat(80), "b,1\n".repeat(20), "c,1\n".repeat(50));
    let p = |query: &FileQuery| analyze(&text, query).unwrap()["sample_ratio"]["p_value"].as_f64().unwrap();
    let mut query = query(None, &["y=y:proportion"]);
    // 80, 20 and 50 against 50 each: chi-squared 36 with 2 degrees of freedom, p = exp(-18).
    assert!((p(&query) / (-18.0_f64).exp() - 1.0).abs() < 1e-9);
    query.shares = vec![("a".into(), 4.0), ("b".into(), 1.0)];
    assert!((p(&query) - 1.0).abs() < 1e-12);
}
