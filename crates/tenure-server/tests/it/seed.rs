//! A small company with a kept case, one in the middle of its rollout, a parked one, and something in every list.

use serde_json::json;

use crate::server::TestServer;

const ROLES: &[&str] = &[
    "development_lead",
    "product_manager",
    "design_lead",
    "developer",
    "product_owner:boards",
    "codebase_owner:boards-web",
    "importer",
];

/// Everything a case needs until it is built; its roles too.
pub async fn to_building(test: &TestServer, case: &str, experiment: &str, flag: &str) {
    test.grant(ROLES).await;
    for (name, with) in [
        ("define_team", json!({"team": "growth"})),
        ("define_team", json!({"team": "boards", "name": "Boards"})),
        ("define_codebase", json!({"codebase": "boards-web", "items": ["qa_demo"], "team": "boards"})),
        (
            "register_experiment",
            json!({
                "experiment": experiment, "team": "growth", "ended": "2026-02-13", "title": "A calmer page", "surface": "invite",
                "hypothesis": {"we_believe": "a calmer page", "will_result_in": "more invites", "because": "less noise"},
                "measurement": {"control": [20140, 2417], "treatment": [20065, 2729], "planned_n": 0},
            }),
        ),
        ("open_case", json!({"case": case, "experiment": experiment})),
        ("request_consultation", json!({"case": case, "team": "boards"})),
        (
            "answer_consultation",
            json!({"case": case, "team": "boards", "codebases": ["boards-web"], "advice": "mind the cache"}),
        ),
        (
            "submit_estimate",
            json!({"case": case, "codebase": "boards-web", "days": [9, 14, 22], "maintenance_days_per_year": 4}),
        ),
        (
            "set_cost_benefit",
            json!({"case": case, "audience_per_year": 400_000, "value_per_unit": 2.5, "day_rate": 650, "currency": "EUR"}),
        ),
        ("decide", json!({"case": case, "kind": "proceed", "reason": "payback 3 months"})),
        ("request_buy_in", json!({"case": case, "team": "boards"})),
        ("log_deviation", json!({"case": case, "kind": "polish", "description": "rounder corners"})),
        ("answer_buy_in", json!({"case": case, "team": "boards", "answer": "approve"})),
        ("add_follow_up", json!({"case": case, "follow_up": format!("FU-{case}"), "title": "a bolder page"})),
        ("reserve_backlog", json!({"case": case, "days": 14})),
        ("create_flag", json!({"case": case, "key": flag})),
    ] {
        test.does(name, with).await;
    }
}

/// Everything a case needs until its second wave.
async fn to_the_measured_wave(test: &TestServer, case: &str, experiment: &str, flag: &str) {
    to_building(test, case, experiment, flag).await;
    for (name, with) in [
        ("checklist", json!({"case": case, "codebase": "boards-web", "item": "qa_demo", "result": "passed"})),
        ("finish_building", json!({"case": case})),
        ("propose_warranty", json!({"case": case, "months": 6})),
        ("agree_warranty", json!({"case": case, "team": "boards"})),
        ("set_rollout_plan", json!({"case": case, "waves": [[5, "safety"], [50, "measure"]]})),
        ("start_wave", json!({"case": case})),
        ("start_wave", json!({"case": case})),
    ] {
        test.does(name, with).await;
    }
}

/// Fill a server.
pub async fn company(test: &TestServer) {
    to_the_measured_wave(test, "PC-1", "EXP-1", "invite-v1").await;
    for (name, with) in [
        ("define_metric", json!({"metric": "invited", "kind": "proportion"})),
        (
            "set_flag",
            json!({"key": "banner", "environment": "production", "definition": {
                "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
            }}),
        ),
    ] {
        test.does(name, with).await;
    }
    let rules = json!({
        "type": "boolean", "variants": {"on": true, "off": false}, "default": "off",
        "rules": [{"name": "first ones", "when": [{"segment": "beta"}], "serve": "on"}],
    });
    for (name, with) in [
        (
            "set_segment",
            json!({"segment": "beta", "holds": {"members": ["ann"]}, "description": "those who asked"}),
        ),
        (
            "set_flag",
            json!({"key": "calm", "environment": "staging", "authored": rules, "reason": "to try it"}),
        ),
        (
            "propose_change",
            json!({"request": "CR-1", "environment": "staging", "reason": "the old one goes",
                   "changes": [{"do": "archive_flag", "with": {"key": "calm"}}]}),
        ),
        ("record_references", json!({"codebase": "boards-web", "files": 10, "counts": {"banner": 2}})),
        ("define_metric", json!({"metric": "sign-up", "event": "signed_up"})),
        (
            "plan_run",
            json!({
                "experiment": "EXP-9", "team": "growth", "title": "Fewer steps", "flag": "steps", "metric": "sign-up",
                "level": 0.2, "smallest_lift": 0.05,
            }),
        ),
        ("start_run", json!({"experiment": "EXP-9"})),
    ] {
        test.does(name, with).await;
    }
    for (name, with) in [
        (
            "record_measurement",
            json!({"case": "PC-1", "measurement": {
                "control": [41220, 4905], "treatment": [41310, 5412], "planned_n": 30000, "source": "the warehouse",
            }}),
        ),
        ("decide_outcome", json!({"case": "PC-1", "kind": "keep"})),
        ("report_bug", json!({"case": "PC-1", "bug": "BUG-1", "description": "the button jumps"})),
    ] {
        test.does(name, with).await;
    }
    to_the_measured_wave(test, "PC-2", "EXP-2", "invite-v2").await;
    for (name, with) in [
        (
            "register_experiment",
            json!({
                "experiment": "EXP-3", "team": "growth", "ended": "2026-02-13",
                "measurement": {"control": [20140, 2417], "treatment": [20065, 2729], "planned_n": 0},
            }),
        ),
        ("open_case", json!({"case": "PC-3", "experiment": "EXP-3"})),
        (
            "decide",
            json!({"case": "PC-3", "kind": "park", "reason": "the old renderer", "unblock": ["renderer-v2"]}),
        ),
        (
            "register_platform_change",
            json!({"platform_change": "CH-1", "tags": ["renderer-v2"], "codebases": ["boards-web"]}),
        ),
    ] {
        test.does(name, with).await;
    }
    let webhook = json!({"name": "chat", "url": "https://hooks.example.com/1", "form": "slack"});
    let made = test.post("/api/v1/webhooks", &webhook).await;
    assert_eq!(made.status, 201, "{made:?}");
}

/// Where a route of the description is found in that company; none for what is spoken to otherwise.
pub fn address(path: &str) -> Option<String> {
    let names = [
        ("{case}", "PC-1"),
        ("/runs/{experiment}", "/runs/EXP-9"),
        ("{experiment}", "EXP-1"),
        ("{surface}", "invite"),
        ("{key}", "invite-v1"),
        ("{segment}", "beta"),
        ("{request}", "CR-1"),
    ];
    let filled = names.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value));
    (!filled.contains('{')).then_some(filled)
}
