//! One real experiment through the whole loop: imported, walked over HTTP, served to a real OpenFeature client for
//! 20,000 units, measured, judged, and kept; and the same with a harmful treatment, which nobody can keep.

use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::growth_team::{GrowthTeam, node, programs};

const CASE: &str = "PC-1";
const FLAG: &str = "mens-email";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_winner_is_rolled_out_and_kept() {
    let Some(case) = roll_out("0.150").await else { return };
    let RolledOut { team, outcome } = case;
    assert_eq!(outcome["stage"], "outcome", "{outcome}");
    assert_eq!(outcome["delivery"]["verdict"], "positive", "{}", outcome["delivery"]);
    assert_eq!(outcome["exposure_percent"], 50.0);
    assert!(outcome["delivery"]["replication"].is_string(), "{}", outcome["delivery"]);
    looks_are_kept_whole(&team).await;

    team.give("product-manager", "decide_outcome", json!({"case": CASE, "kind": "keep"})).await;
    let kept = team.case(CASE).await;
    assert_eq!(kept["stage"], "productionised");
    assert_eq!(kept["exposure_percent"], 100.0);
    assert_eq!(kept["accountability"]["accountable"], "building_team");
    team.server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_harmful_one_drops_to_nobody_and_cannot_be_kept() {
    let Some(case) = roll_out("0.080").await else { return };
    let RolledOut { team, outcome } = case;
    assert_eq!(outcome["delivery"]["verdict"], "negative", "{}", outcome["delivery"]);
    assert_eq!(outcome["exposure_percent"], 0.0);
    let justification =
        json!({"why": "strategic", "maintenance_days": 4, "who_pays": "boards", "review_on": "2026-10-30"});
    for driver in ["development-lead", "product-manager", "design-lead"] {
        let keep = json!({"case": CASE, "kind": "keep"});
        assert_eq!(team.refused(driver, "decide_outcome", keep).await, "negative_cannot_be_kept");
        let justified = json!({
            "case": CASE, "kind": "keep_justified", "justification": justification,
            "product_owner_acknowledges": "boards-owner",
        });
        assert_eq!(team.refused(driver, "decide_outcome", justified).await, "negative_cannot_be_kept");
    }
    team.give("product-manager", "decide_outcome", json!({"case": CASE, "kind": "remove"})).await;
    assert_eq!(team.case(CASE).await["stage"], "removing");
    team.server.stop().await.unwrap();
}

/// Every look stands in the journal with what it was judged by, and with a word on its data.
async fn looks_are_kept_whole(team: &GrowthTeam) {
    let path = format!("/api/v1/cases/{CASE}/looks");
    let answer = team.ok(reqwest::Method::GET, &path, &team.admin, &Value::Null).await;
    let looks = answer["looks"].as_array().unwrap();
    assert!(looks.len() >= 2, "a look of the safety wave and one that judged: {answer}");
    assert_eq!(looks.last().unwrap()["measured"], answer["latest"]);
    for look in looks {
        let measured = &look["measured"];
        assert_eq!(measured["inputs"].as_str().unwrap().len(), 64, "{measured}");
        assert!(measured["engine"].as_str().unwrap().ends_with("embedded engine"), "{measured}");
        assert!(!measured["moments"].as_array().unwrap().is_empty(), "{measured}");
        let health = measured["health"].as_array().unwrap();
        let checks: Vec<_> = health.iter().map(|finding| finding["check"].as_str().unwrap()).collect();
        for check in
            ["sample_ratio", "assignment", "freshness", "outcomes", "completeness", "refused", "baseline"]
        {
            assert!(checks.contains(&check), "{check} is missing in {health:#?}");
        }
        for finding in health {
            let wrong = finding["state"] != "good";
            assert_eq!(finding["remedy"].is_string(), wrong, "what is wrong has a remedy: {finding}");
        }
    }
    let behind = format!("{path}?after={}", looks.last().unwrap()["seq"]);
    let rest = team.ok(reqwest::Method::GET, &behind, &team.admin, &Value::Null).await;
    assert_eq!(rest["looks"], json!([]));
}

struct RolledOut {
    team: GrowthTeam,
    outcome: Value,
}

/// From the experiment's file to a verdict, with customers who act at these rates.
async fn roll_out(treatment_rate: &str) -> Option<RolledOut> {
    node()?;
    let team = GrowthTeam::start().await;
    import_experiment(&team).await;
    team.prepare_and_build(CASE, "EXP-1", FLAG).await;
    let plan = json!({
        "case": CASE, "metric": "visit", "automatic": true, "planned_n": 9_000, "min_days": 7, "max_days": 60,
        "waves": [{"percent": 5, "kind": "safety", "min_hours": 24}, {"percent": 50, "kind": "measure"}],
    });
    team.give("development-lead", "set_rollout_plan", plan).await;
    team.give("development-lead", "start_wave", json!({"case": CASE})).await;

    let first = traffic(&team, 0, 2_000, treatment_rate).await;
    let (treated, off) =
        (first["variants"]["treatment"].as_u64().unwrap(), first["variants"]["off"].as_u64().unwrap());
    assert!((50..=150).contains(&treated) && off > 1_600, "a safety wave of 5 %: {first}");
    // The units' window of a day passes, a look is taken, and the next wave starts by itself.
    team.pass(SignedDuration::from_hours(49), CASE, |case| case["exposure_percent"] == 50.0).await;

    let second = traffic(&team, 2_000, 18_000, treatment_rate).await;
    assert_eq!(second["variants"]["off"].as_u64().unwrap_or(0), 0, "everybody is admitted now: {second}");
    let outcome =
        team.pass(SignedDuration::from_hours(8 * 24), CASE, |case| case["stage"] != "rolling_out").await;
    Some(RolledOut { team, outcome })
}

/// `tenure import` of the published experiment; of units like it where the file is not at hand.
async fn import_experiment(team: &GrowthTeam) {
    let folder = tempfile::tempdir().unwrap();
    let file = published().unwrap_or_else(|| units_like_it(folder.path()));
    let done = Command::new(env!("CARGO_BIN_EXE_tenure"))
        .arg("import")
        .arg(file)
        .args(["--url", &team.server.url(), "--token", team.token_of("product-manager")])
        .args(["--experiment", "EXP-1", "--team", "growth", "--ended", "2026-02-13"])
        .args(["--arm", "segment", "--control", "No E-Mail", "--treatment", "Mens E-Mail"])
        .args(["--metric", "visit=visit:proportion"])
        .output()
        .unwrap();
    let (said, error) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}{error}");
    assert!(said.contains("open a case for it"), "{said}");
}

fn published() -> Option<PathBuf> {
    let folder = std::env::var_os("TENURE_DATA_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let file = folder.join("hillstrom.csv.gz");
    if !file.exists() {
        eprintln!("the published file is not at {}; units with its counts are made instead", file.display());
    }
    file.exists().then_some(file)
}

fn units_like_it(folder: &Path) -> PathBuf {
    let mut text = String::from("segment,visit\n");
    for (arm, units, visits) in [("No E-Mail", 21_306, 2_262), ("Mens E-Mail", 21_307, 3_894)] {
        (0..units).for_each(|unit| text.push_str(&format!("{arm},{}\n", u8::from(unit < visits))));
    }
    let file = folder.join("units.csv");
    std::fs::write(&file, text).unwrap();
    file
}

/// Customers who reach the flag through the real OpenFeature SDK, and send what they do.
async fn traffic(team: &GrowthTeam, first: u32, units: u32, treatment_rate: &str) -> Value {
    let (evaluate, ingest) =
        (team.application_token("evaluate").await, team.application_token("ingest").await);
    let mut command = node().unwrap();
    command
        .arg(programs().join("traffic.mjs"))
        .env("TENURE_URL", team.server.url())
        .env("TENURE_TOKEN", evaluate)
        .env("TENURE_INGEST_TOKEN", ingest)
        .envs([
            ("FLAG", FLAG),
            ("EVENT", "visit"),
            ("CONTROL_RATE", "0.106"),
            ("TREATMENT_RATE", treatment_rate),
        ])
        .envs([("SEED", "7"), ("CONCURRENCY", "32")])
        .env("FIRST_UNIT", first.to_string())
        .env("UNITS", units.to_string());
    let done = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let error = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{}{error}", String::from_utf8_lossy(&done.stdout));
    serde_json::from_slice(&done.stdout).unwrap()
}
