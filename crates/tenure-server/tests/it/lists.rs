//! Lists let through what is asked for, in the order that is asked for, page by page.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::TestServer;

/// The names in a list, following its pages.
async fn names(test: &TestServer, path: &str, name: &str) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let page = test.get(&format!("{path}{after}")).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {page:?}");
        let items = page.body["items"].as_array().unwrap();
        found.extend(items.iter().map(|item| item[name].as_str().unwrap().to_owned()));
        let Some(next) = page.body["next"].as_str() else { return found };
        after = format!("&after={next}");
    }
}

#[tokio::test]
async fn cases_are_filtered_ordered_and_paged() {
    let test = TestServer::start().await;
    crate::seed::company(&test).await;
    let check = async |query: &str, expect: &[&str]| {
        for limit in [1, 100] {
            let path = format!("/api/v1/cases?limit={limit}{query}");
            assert_eq!(names(&test, &path, "id").await, expect, "{path}");
        }
    };
    check("", &["PC-1", "PC-2", "PC-3"]).await;
    check("&stage=parked", &["PC-3"]).await;
    check("&team=growth&product_team=boards", &["PC-1", "PC-2"]).await;
    check("&team=nobody", &[]).await;
    check("&surface=invite&order=stage", &["PC-2", "PC-1"]).await;
    check("&text=CALMER%20invite-v2", &["PC-2"]).await;
    check("&text=calmer", &["PC-1", "PC-2"]).await;
    check("&held=true", &[]).await;
    check("&order=opened", &["PC-1", "PC-2", "PC-3"]).await;

    for (query, field) in [("stage=on_the_moon", "stage"), ("limit=many", "limit"), ("held=perhaps", "held")]
    {
        let wrong = test.get(&format!("/api/v1/cases?{query}")).await;
        assert_eq!(
            (wrong.status, &wrong.body["field"]),
            (StatusCode::BAD_REQUEST, &Value::from(field)),
            "{wrong:?}"
        );
        assert_eq!(wrong.headers["content-type"], "application/problem+json");
    }
    let gone = test.get("/api/v1/cases?order=stage&after=PC-9").await;
    assert_eq!((gone.status, &gone.body["field"]), (StatusCode::BAD_REQUEST, &Value::from("after")));
}

#[tokio::test]
async fn the_desk_and_the_portfolio_are_of_the_cases_asked_for() {
    let test = TestServer::start().await;
    crate::seed::company(&test).await;
    let desk = test.get("/api/v1/desk?limit=1").await.body;
    assert_eq!(desk["waits"].as_array().unwrap().len(), 1);
    let total = desk["total"].as_u64().unwrap();
    assert!(total > 1, "{desk}");
    let parked = test.get("/api/v1/desk?stage=parked").await.body;
    assert!(parked["total"].as_u64().unwrap() < total);
    assert!(parked["waits"].as_array().unwrap().iter().all(|wait| wait["case"] == "PC-3"), "{parked}");
    let all = test.get("/api/v1/portfolio").await.body;
    assert_eq!(all["by_stage"], serde_json::json!({"productionised": 1, "rolling_out": 1, "parked": 1}));
    let one = test.get("/api/v1/portfolio?stage=parked").await.body;
    assert_eq!(one["by_stage"], serde_json::json!({"parked": 1}));
}

#[tokio::test]
async fn the_journal_is_searched() {
    let test = TestServer::start().await;
    crate::seed::company(&test).await;
    let check = async |query: &str, expect: &[&str]| {
        for limit in [1, 1_000] {
            let path = format!("/api/v1/journal?limit={limit}{query}");
            assert_eq!(names(&test, &path, "kind").await, expect, "{path}");
        }
    };
    check("&case=PC-3&kind=decision_taken", &["decision_taken"]).await;
    check("&case=PC-1&kind=wave_started", &["wave_started", "wave_started"]).await;
    check("&case=PC-3&actor=nobody", &[]).await;
    check("&text=rounder%20CORNERS&case=PC-2", &["deviation_logged"]).await;
    check("&kind=bug_reported&to=2026-03-02T09:00:00Z", &[]).await;
    check("&kind=bug_reported&from=2026-03-02T09:00:00Z", &["bug_reported"]).await;
    check("&case=PC-3&kind=case_opened&order=newest", &["case_opened"]).await;
    let seqs = async |order: &str| {
        let page = test.get(&format!("/api/v1/journal?limit=1000&case=PC-1&order={order}")).await.body;
        page["items"].as_array().unwrap().iter().map(|item| item["seq"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    let mut newest = seqs("newest").await;
    newest.reverse();
    assert_eq!(newest, seqs("oldest").await);
    let last = test.get("/api/v1/journal?limit=1&order=newest").await.body;
    assert_eq!(last["items"][0]["seq"], test.server.live().seq());
    assert_eq!(last["next"], last["items"][0]["seq"].to_string());
    let both = test.get("/api/v1/journal?case=PC-1&stream=case/PC-1").await;
    assert_eq!(both.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_journal_is_checked_whole() {
    let test = TestServer::start().await;
    crate::seed::company(&test).await;
    let checked = test.get("/api/v1/journal/verify").await;
    let head = test.server.live().store.head().await.unwrap();
    let expected = json!({"verified": true, "entries": head.seq, "head": head.hash.to_string()});
    assert_eq!((checked.status, checked.body), (StatusCode::OK, expected));
}

#[tokio::test]
async fn experiments_are_filtered() {
    let test = TestServer::start().await;
    crate::seed::company(&test).await;
    let check = async |query: &str, expect: &[&str]| {
        let path = format!("/api/v1/experiments?limit=1{query}");
        assert_eq!(names(&test, &path, "experiment").await, expect, "{path}");
    };
    check("&surface=invite", &["EXP-1", "EXP-2"]).await;
    check("&has_case=false", &[]).await;
    check("&team=growth", &["EXP-1", "EXP-2", "EXP-3"]).await;
}
