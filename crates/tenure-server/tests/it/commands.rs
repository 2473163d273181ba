//! Commands over HTTP: refusals said whole, one effect for a repeated request, and free text kept out of the journal.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::server::{Answer, TestServer};

const EXPERIMENT: &str = r#"{"experiment": "EXP-1", "team": "growth", "ended": "2026-02-13",
    "measurement": {"control": [20140, 2417], "treatment": [20065, 2729], "planned_n": 0}}"#;

async fn with_experiment() -> TestServer {
    let test = TestServer::start().await;
    test.grant(&["development_lead", "product_manager", "design_lead"]).await;
    let done = test.give("define_team", json!({"team": "growth"})).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    let done = test.give("register_experiment", serde_json::from_str(EXPERIMENT).unwrap()).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    test
}

#[tokio::test]
async fn a_refusal_says_its_code_and_who_may() {
    let test = with_experiment().await;
    let done = test.give("open_case", json!({"case": "PC-1", "experiment": "EXP-1"})).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    assert_eq!(done.body["entries"][0]["kind"], "case_opened");
    let refused = test.give("confirm_removed", json!({"case": "PC-1", "codebase": "web"})).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(refused.headers["content-type"], "application/problem+json");
    assert_eq!(refused.body["code"], "not_found", "{refused:?}");
    let missing = test.give("decide", json!({"case": "PC-1", "kind": "proceed", "reason": "it pays"})).await;
    assert_eq!(missing.body["code"], "cost_benefit_missing", "{missing:?}");
    assert!(!missing.body["refusal"]["missing"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_bad_command_names_what_is_wrong() {
    let test = with_experiment().await;
    let check = |answer: Answer, says: &str| {
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.contains(says), "{detail}");
    };
    check(test.give("fly", json!({})).await, "there is no command `fly`");
    check(test.give("open_case", json!({"experiment": "EXP-1"})).await, "case");
    check(test.post("/api/v1/commands", &json!({"doo": "open_case"})).await, "doo");
    check(test.post("/api/v1/commands", &json!([])).await, "");
}

#[tokio::test]
async fn the_same_request_has_one_effect_and_one_answer() {
    let test = with_experiment().await;
    let open = json!({"do": "open_case", "with": {"case": "PC-1", "experiment": "EXP-1"}});
    let key = [("idempotency-key", "click-1")];
    let send = async |body: &Value| {
        test.send_with(Method::POST, "/api/v1/commands", Some(&test.admin), Some(body), &key).await
    };
    let first = send(&open).await;
    let again = send(&open).await;
    assert_eq!((first.status, again.status), (StatusCode::OK, StatusCode::OK), "{again:?}");
    assert_eq!(first.body, again.body);
    let without_key = test.post("/api/v1/commands", &open).await;
    assert_eq!(without_key.body["code"], "already_exists");
    let other = json!({"do": "open_case", "with": {"case": "PC-2", "experiment": "EXP-1"}});
    assert_eq!(send(&other).await.body["code"], "conflict", "a key is for one request");
}

#[tokio::test]
async fn a_double_click_and_two_people_at_once_have_one_effect() {
    let test = with_experiment().await;
    let open = json!({"do": "open_case", "with": {"case": "PC-1", "experiment": "EXP-1"}});
    let key = [("idempotency-key", "click-1")];
    let click = || test.send_with(Method::POST, "/api/v1/commands", Some(&test.admin), Some(&open), &key);
    let before = test.server.live().seq();
    let clicks = futures::future::join_all((0..16).map(|_| click())).await;
    assert!(clicks.iter().all(|click| click.status == StatusCode::OK), "{clicks:?}");
    assert!(clicks.iter().all(|click| click.body == clicks[0].body), "one answer for all of them");
    let opened = clicks[0].body["entries"].as_array().unwrap().len();
    assert_eq!(test.server.live().seq(), before + opened as i64);

    // Each without a key, as different people's requests are: one is carried out, the others are refused.
    let idea = json!({"do": "add_follow_up", "with": {"case": "PC-1", "follow_up": "FU-1", "title": "a bolder page"}});
    let answers = futures::future::join_all((0..16).map(|_| test.post("/api/v1/commands", &idea))).await;
    let done = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
    let refused = answers.iter().filter(|answer| answer.body["code"] == "already_exists").count();
    assert_eq!((done, refused), (1, 15), "{answers:?}");

    // All saw the same case: with If-Match only the first write counts, whatever it says.
    let seen = test.get("/api/v1/cases/PC-1").await.headers["etag"].to_str().unwrap().to_owned();
    let header = [("if-match", seen.as_str())];
    let ideas: Vec<Value> = (2..10)
        .map(|n| json!({"do": "add_follow_up", "with": {"case": "PC-1", "follow_up": format!("FU-{n}")}}))
        .collect();
    let send =
        |body| test.send_with(Method::POST, "/api/v1/commands", Some(&test.admin), Some(body), &header);
    let answers = futures::future::join_all(ideas.iter().map(send)).await;
    let count = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(StatusCode::OK), count(StatusCode::PRECONDITION_FAILED)), (1, 7), "{answers:?}");
}

#[tokio::test]
async fn every_command_is_listed_and_reachable() {
    let test = with_experiment().await;
    let listed = test.get("/api/v1/commands").await.body;
    let listed: Vec<&str> =
        listed.as_array().unwrap().iter().map(|command| command["name"].as_str().unwrap()).collect();
    let all: Vec<&str> = tenure_core::Command::ALL.iter().map(|(name, _)| *name).collect();
    assert_eq!(listed, all);
    for name in all {
        // Whatever it needs is missing: the answer is about its arguments or a refusal, never that there is no such command.
        let answer = test.give(name, json!({"case": "PC-9"})).await;
        let detail = answer.body["detail"].as_str().unwrap_or_default();
        let known = match answer.status {
            StatusCode::BAD_REQUEST => detail.starts_with(&format!("{name}: ")),
            StatusCode::CONFLICT => answer.body["refusal"]["code"].is_string(),
            status => status == StatusCode::OK,
        };
        assert!(known, "{name}: {answer:?}");
    }
}

#[tokio::test]
async fn a_command_on_a_case_that_changed_is_refused_when_asked_to() {
    let test = with_experiment().await;
    test.give("open_case", json!({"case": "PC-1", "experiment": "EXP-1"})).await;
    let seen = test.get("/api/v1/cases/PC-1").await.headers["etag"].to_str().unwrap().to_owned();
    let send = async |command: &Value| {
        let header = [("if-match", seen.as_str())];
        test.send_with(Method::POST, "/api/v1/commands", Some(&test.admin), Some(command), &header).await
    };
    let idea = |id: &str| json!({"do": "add_follow_up", "with": {"case": "PC-1", "follow_up": id}});
    assert_eq!(send(&idea("FU-1")).await.status, StatusCode::OK);
    let stale = send(&idea("FU-2")).await;
    assert_eq!((stale.status, &stale.body["code"]), (StatusCode::PRECONDITION_FAILED, &json!("stale")));
}

#[tokio::test]
async fn free_text_is_read_back_and_stays_out_of_the_chain() {
    let test = with_experiment().await;
    test.give("open_case", json!({"case": "PC-1", "experiment": "EXP-1"})).await;
    let done = test
        .give(
            "decide",
            json!({"case": "PC-1", "kind": "park", "reason": "a secret supplier", "unblock": ["renderer"]}),
        )
        .await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    let shown = test.get("/api/v1/cases/PC-1").await.body.to_string();
    assert!(shown.contains("a secret supplier"), "{shown}");
    for entry in test.server.live().store.read(0, 1_000).await.unwrap() {
        assert!(!entry.body.contains("secret supplier"), "{}", entry.body);
    }
    let journal = test.get("/api/v1/journal?stream=case/PC-1").await.body.to_string();
    assert!(journal.contains("a secret supplier"), "{journal}");
}

#[tokio::test]
async fn the_state_is_the_same_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let config = tenure_server::Config {
        data_dir: folder.path().to_owned(),
        listen: "127.0.0.1:0".parse().unwrap(),
        ..Default::default()
    };
    let clock = tenure_server::Clock::stepped("2026-03-02T09:00:00Z".parse().unwrap());
    let server = tenure_server::Server::start(config.clone(), clock.clone()).await.unwrap();
    let submission = tenure_server::Submission {
        name: "define_team".to_owned(),
        arguments: json!({"team": "growth"}).as_object().unwrap().clone(),
        ..Default::default()
    };
    server.live().submit(&tenure_core::Actor::System, submission).await.unwrap();
    let before = server.live().state().clone();
    let held = tenure_server::Server::start(config.clone(), clock.clone()).await.err().unwrap().to_string();
    assert!(held.contains("held") || held.contains("another"), "{held}");
    server.stop().await.unwrap();
    let server = tenure_server::Server::start(config, clock).await.unwrap();
    assert_eq!(*server.live().state(), before);
}
