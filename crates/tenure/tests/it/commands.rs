//! The command itself, as scripts use it: what it prints, and how it exits.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

pub(crate) fn tenure(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tenure"))
        .args(arguments)
        .env_remove("TENURE_URL")
        .env_remove("TENURE_TOKEN")
        .output()
        .unwrap()
}

/// A file with this text, in a folder that goes with it.
pub(crate) fn file(name: &str, text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

fn lines(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn fails(output: &Output, code: i32, says: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert!(error.contains(says), "{error}");
}

#[test]
fn analyze_gives_the_promised_fields_and_names_what_is_wrong() {
    let mut text = String::from("user,arm,bought,spent\n");
    for unit in 0..400 {
        let arm = if unit % 2 == 0 { "a" } else { "b" };
        text.push_str(&format!("u{unit},{arm},{},{}.5\n", u8::from(unit % 5 == 0), unit % 7));
    }
    let (_folder, path) = file("units.csv", &text);
    let base = ["analyze", &path, "--unit", "user", "--arm", "arm", "--control", "a", "--treatment", "b"];
    let with = |more: &[&str]| tenure(&[&base[..], more].concat());
    let got =
        &lines(&with(&["--metric", "bought=bought:proportion", "--metric", "spent=spent:mean", "--json"]))[0];
    assert_eq!(got["arms"], serde_json::json!([{"arm": "a", "units": 200}, {"arm": "b", "units": 200}]));
    assert_eq!(got["sample_ratio"]["p_value"], 1.0);
    for metric in got["metrics"].as_array().unwrap() {
        for place in [
            "/control/n",
            "/control/mean",
            "/control/variance",
            "/absolute/estimate",
            "/absolute/se",
            "/absolute/interval/1",
            "/relative/estimate",
            "/p_value",
        ] {
            assert!(metric.pointer(place).is_some_and(Value::is_number), "{place} of {metric}");
        }
    }
    fails(&with(&["--metric", "x=boughtt:proportion"]), 1, "bought");
    fails(&with(&["--metric", "x=user:mean"]), 1, "user");
    fails(&with(&["--metric", "x"]), 2, "NAME=COLUMN:KIND");
}

#[test]
fn analyze_judges_looks() {
    let (_folder, path) = file(
        "looks.csv",
        "look,arm,n,mean,variance\n1,c,1000,0.10,0.09\n1,t,1000,0.11,0.0979\n2,c,9000,0.10,0.09\n2,t,9000,0.13,0.1131\n",
    );
    let got = lines(&tenure(&[
        "analyze",
        "--looks",
        &path,
        "--control",
        "c",
        "--treatment",
        "t",
        "--plan-units",
        "9000",
        "--kind",
        "proportion",
        "--json",
    ]));
    let verdicts: Vec<&str> = got.iter().map(|look| look["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["immature", "positive"]);
    assert!(got[0]["information_fraction"].as_f64().unwrap() < 0.2);
}

#[test]
fn replicate_gives_the_promised_fields_one_by_one_and_in_a_batch() {
    let one = lines(&tenure(&["replicate", "--original", "0.05,0.02", "--rollout", "0.04,0.012", "--json"]));
    for place in [
        "/corrected/estimate",
        "/corrected/se",
        "/retained",
        "/compatible_within",
        "/q/statistic",
        "/q/p_value",
        "/prediction_interval/0",
    ] {
        assert!(one[0].pointer(place).is_some_and(Value::is_number), "{place} of {}", one[0]);
    }
    assert_eq!(one[0]["replication"], "confirmed");
    let (_folder, path) = file(
        "pairs.csv",
        "original,original_se,rollout,rollout_se\n0.05,0.02,0.04,0.012\n0.05,0.02,-0.04,0.012\n",
    );
    let got = lines(&tenure(&["replicate", "--batch", &path]));
    assert_eq!(got[0], one[0]);
    assert_eq!(got[1]["replication"], "contradicted");
    fails(&tenure(&["replicate", "--original", "0.05", "--rollout", "0.04,0.012"]), 2, "EST,SE");
}

#[test]
fn simulate_measures_beside_targets_and_repeats_itself() {
    let listed = tenure(&["simulate"]);
    assert!(String::from_utf8_lossy(&listed.stdout).contains("coverage"), "{listed:?}");
    let on_threads = |threads: &str| {
        Command::new(env!("CARGO_BIN_EXE_tenure"))
            .args(["simulate", "coverage", "--runs", "600", "--seed", "7", "--json"])
            .env("RAYON_NUM_THREADS", threads)
            .output()
            .unwrap()
    };
    let one = on_threads("1");
    assert_eq!(one.stdout, on_threads("3").stdout);
    let report = &lines(&one)[0];
    assert_eq!(
        (&report["study"], &report["runs"], &report["seed"]),
        (&"coverage".into(), &600.into(), &7.into())
    );
    let first = &report["measures"][0];
    assert_eq!(first["target"]["between"], serde_json::json!([0.945, 0.965]));
    assert!(first["measured"].is_number() && first["held"].is_boolean(), "{first}");
    fails(&tenure(&["simulate", "astrology"]), 1, "`tenure simulate` lists them");
    fails(&tenure(&["simulate", "coverage", "--runs", "0"]), 2, "--runs");
}

#[test]
fn evaluate_answers_every_line() {
    let (_flags, flags) = file(
        "flags.json",
        r#"{"flags": {"banner": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"}}}"#,
    );
    let (_batch, batch) =
        file("batch.ndjson", "{\"flag\":\"banner\",\"context\":{}}\n{\"flag\":\"none\",\"context\":{}}\n");
    let got = lines(&tenure(&["evaluate", "--flags", &flags, "--batch", &batch]));
    assert_eq!(
        got[0],
        serde_json::json!({"flag": "banner", "value": true, "variant": "on", "reason": "STATIC"})
    );
    assert_eq!((&got[1]["flag"], &got[1]["error"]), (&"none".into(), &"FLAG_NOT_FOUND".into()));
}

#[test]
fn scenarios_run_and_a_failed_one_is_told() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let got = lines(&tenure(&["scenario", "run", path.to_str().unwrap(), "--json"]));
            assert!(
                !got.is_empty() && got.iter().all(|outcome| outcome["passed"] == true),
                "{}",
                path.display()
            );
        }
    }
    let wrong = r#"{"people": {"ana": ["development_lead"]}, "codebases": {}, "policy": {}, "scenarios": [{"id": "X", "title": "t", "covers": [],
        "steps": [{"at": "2026-02-16", "by": "ana", "do": "open_case", "with": {"case": "PC-1", "experiment": "EXP-1"}, "expect": "ok"}]}]}"#;
    let (_folder, path) = file("wrong.json", wrong);
    let output = tenure(&["scenario", "run", &path, "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&outcome["passed"], &outcome["step"]), (&false.into(), &1.into()), "{outcome}");
    assert_eq!(outcome["got"], "refused:not_found");
}

#[test]
fn journal_verify_needs_a_journal() {
    let folder = tempfile::tempdir().unwrap();
    fails(&tenure(&["journal", "verify", "--data-dir", folder.path().to_str().unwrap()]), 1, "no journal");
}
