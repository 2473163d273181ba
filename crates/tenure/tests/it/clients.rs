//! Real OpenFeature clients, unmodified, against the running server: every type of flag, and a flag in a rollout.

use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};

use crate::growth_team::{GrowthTeam, node, programs, python};

const ROLLOUT: &str = "rolled-out";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn javascript_and_python_evaluate_every_type_and_a_rollout_alike() {
    let (Some(node), Some(python)) = (node(), python()) else { return };
    let team = GrowthTeam::start().await;
    load_flags(&team).await;
    start_rollout(&team).await;
    let token = team.application_token("evaluate").await;
    let javascript = run(&team, node, "ofrep.mjs", &token).await;
    let python = run(&team, python, "ofrep.py", &token).await;
    assert!(javascript.is_some(), "the JavaScript client says which arms it saw");
    assert_eq!(javascript, python, "both clients see the same arms");
    team.server.stop().await.unwrap();
}

/// Define the flags that the programs' cases use.
async fn load_flags(team: &GrowthTeam) {
    let text = std::fs::read_to_string(programs().join("flags.json")).unwrap();
    let flags: Value = serde_json::from_str(&text).unwrap();
    for (key, definition) in flags["flags"].as_object().unwrap() {
        team.ok(Method::PUT, &format!("/api/v1/flags/{key}"), team.token_of("developer"), definition).await;
    }
}

/// A case whose flag half of the units meet.
async fn start_rollout(team: &GrowthTeam) {
    let experiment = json!({
        "experiment": "EXP-1", "team": "growth", "ended": "2026-02-13", "metric": {"name": "visit"},
        "measurement": {"control": [20140, 2417], "treatment": [20065, 2729], "planned_n": 0},
    });
    team.give("product-manager", "register_experiment", experiment).await;
    team.prepare_and_build("PC-1", "EXP-1", ROLLOUT).await;
    let plan = json!({"case": "PC-1", "waves": [[30, "measure"]], "metric": "visit"});
    team.give("development-lead", "set_rollout_plan", plan).await;
    team.give("development-lead", "start_wave", json!({"case": "PC-1"})).await;
}

/// Run a client's program; the digest of the arms that it saw.
async fn run(team: &GrowthTeam, mut command: Command, program: &str, token: &str) -> Option<String> {
    command
        .arg(programs().join(program))
        .env("TENURE_URL", team.server.url())
        .env("TENURE_TOKEN", token)
        .env("TENURE_ROLLOUT_FLAG", ROLLOUT);
    let done = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{program}:\n{said}{}", String::from_utf8_lossy(&done.stderr));
    said.lines().find_map(|line| line.strip_prefix("assignments ").map(str::to_owned))
}
