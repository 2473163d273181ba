//! Buy-in by signed link: a person without an account sees the size of the change and answers, once.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::server::{Answer, TestServer};

/// A case in buy-in, whose product team `boards` is asked.
async fn in_buy_in() -> TestServer {
    let test = TestServer::start().await;
    let roles = [
        "development_lead",
        "product_manager",
        "design_lead",
        "developer",
        "product_owner:boards",
        "codebase_owner:boards-web",
    ];
    test.grant(&roles).await;
    for (name, with) in [
        ("define_team", json!({"team": "growth"})),
        ("define_team", json!({"team": "boards"})),
        ("define_codebase", json!({"codebase": "boards-web", "items": ["qa_demo"]})),
        (
            "register_experiment",
            json!({
                "experiment": "EXP-1", "team": "growth", "ended": "2026-02-13", "title": "A calmer <invite> page",
                "measurement": {"control": [20140, 2417], "treatment": [20065, 2729], "planned_n": 0},
            }),
        ),
        ("open_case", json!({"case": "PC-1", "experiment": "EXP-1"})),
        ("request_consultation", json!({"case": "PC-1", "team": "boards"})),
        ("answer_consultation", json!({"case": "PC-1", "team": "boards", "codebases": ["boards-web"]})),
        ("submit_estimate", json!({"case": "PC-1", "codebase": "boards-web", "days": [5, 8, 13]})),
        (
            "set_cost_benefit",
            json!({"case": "PC-1", "benefit_per_year": 51840, "one_off_cost": 12350, "maintenance_per_year": 2600}),
        ),
        ("decide", json!({"case": "PC-1", "kind": "proceed", "reason": "it pays"})),
        ("request_buy_in", json!({"case": "PC-1", "team": "boards"})),
        ("log_deviation", json!({"case": "PC-1", "kind": "polish", "description": "rounder corners"})),
    ] {
        test.does(name, with).await;
    }
    test
}

/// The last part of the link of a new invitation.
async fn invite(test: &TestServer) -> (String, String) {
    let new = json!({"team": "boards", "person": "Mika of Boards"});
    let made = test.post("/api/v1/cases/PC-1/invitations", &new).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let link = made.body["link"].as_str().unwrap().rsplit_once('/').unwrap().1.to_owned();
    (link, made.body["invitation"].as_str().unwrap().to_owned())
}

async fn ask(test: &TestServer, link: &str) -> Answer {
    test.send(Method::GET, &format!("/api/v1/sign-off/{link}"), None, None).await
}

async fn answer(test: &TestServer, link: &str, body: Value) -> Answer {
    test.send(Method::POST, &format!("/api/v1/sign-off/{link}"), None, Some(&body)).await
}

async fn stage(test: &TestServer) -> Value {
    test.get("/api/v1/cases/PC-1").await.body["stage"].clone()
}

#[tokio::test]
async fn a_guest_asks_then_approves_once_and_the_case_moves_on() {
    let test = in_buy_in().await;
    let (link, _) = invite(&test).await;
    let asked = ask(&test, &link).await;
    assert_eq!(asked.status, StatusCode::OK, "{asked:?}");
    let shown = &asked.body;
    assert_eq!((&shown["status"], &shown["person"]), (&json!("open"), &json!("Mika of Boards")));
    assert_eq!(shown["deviations"][0]["description"], "rounder corners");
    assert_eq!(shown["codebases"], json!(["boards-web"]));

    let empty = answer(&test, &link, json!({"answer": "ask"})).await;
    assert_eq!((empty.status, &empty.body["field"]), (StatusCode::BAD_REQUEST, &json!("text")), "{empty:?}");
    let asked = answer(&test, &link, json!({"answer": "ask", "text": "does it work offline?"})).await;
    assert_eq!(asked.status, StatusCode::OK, "{asked:?}");
    assert_eq!(stage(&test).await, "buy_in", "a question decides nothing");
    test.does("answer_question", json!({"case": "PC-1", "team": "boards", "reply": "it does"})).await;
    let shown = ask(&test, &link).await.body;
    assert_eq!(shown["questions"][0]["reply"], "it does", "{shown}");

    let approved = answer(&test, &link, json!({"answer": "approve"})).await;
    assert_eq!(approved.status, StatusCode::OK, "{approved:?}");
    assert_eq!(stage(&test).await, "building");
    let case = test.get("/api/v1/cases/PC-1").await.body;
    assert_eq!(case["sign_off_status"][0]["self_approved"], false);
    let again = answer(&test, &link, json!({"answer": "refuse", "text": "changed my mind"})).await;
    assert_eq!((again.status, &again.body["code"]), (StatusCode::CONFLICT, &json!("invitation_void")));
    assert_eq!(ask(&test, &link).await.body["status"], "answered");
}

#[tokio::test]
async fn a_link_that_is_wrong_revoked_or_used_too_often_opens_nothing() {
    let test = in_buy_in().await;
    let (link, invitation) = invite(&test).await;
    let forged = link.replace('.', "x.");
    assert_eq!(ask(&test, &forged).await.status, StatusCode::NOT_FOUND);
    test.does("revoke_invitation", json!({"case": "PC-1", "invitation": invitation})).await;
    let refused = answer(&test, &link, json!({"answer": "approve"})).await;
    assert_eq!((refused.status, &refused.body["code"]), (StatusCode::CONFLICT, &json!("invitation_void")));
    assert_eq!(stage(&test).await, "buy_in");

    let mut last = ask(&test, &link).await;
    for _ in 0..30 {
        last = ask(&test, &link).await;
    }
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS, "{last:?}");
    assert_eq!(last.headers["retry-after"], "60");
    let (other, _) = invite(&test).await;
    assert_eq!(ask(&test, &other).await.status, StatusCode::OK, "another link has its own allowance");
}

#[tokio::test]
async fn the_page_works_without_a_script() {
    let test = in_buy_in().await;
    let (link, _) = invite(&test).await;
    let path = format!("/sign-off/{link}");
    let page = test.send(Method::GET, &path, None, None).await;
    let html = page.body.as_str().unwrap();
    for shown in
        ["Mika of Boards", "A calmer &#60;invite&#62; page", "Approve with condition", "rounder corners"]
    {
        assert!(html.contains(shown), "{shown} is not in {html}");
    }
    assert!(!html.contains("<script"), "{html}");

    let http = reqwest::Client::new();
    let form = |body: &'static str| {
        http.post(test.url(&path)).header("content-type", "application/x-www-form-urlencoded").body(body)
    };
    let refused = form("answer=approve_with_condition&text=").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let html = refused.text().await.unwrap();
    assert!(html.contains("say on which condition") && html.contains("<form"), "{html}");
    let done = form("answer=approve_with_condition&text=after+the+renderer").send().await.unwrap();
    assert_eq!(done.status(), StatusCode::OK);
    let html = done.text().await.unwrap();
    assert!(html.contains("You have answered") && !html.contains("<form"), "{html}");
    assert_eq!(stage(&test).await, "building");
    let wrong = test.send(Method::GET, "/sign-off/nothing", None, None).await;
    assert_eq!(wrong.status, StatusCode::NOT_FOUND);
    assert!(wrong.body.as_str().unwrap().contains("opens nothing"), "{wrong:?}");
}

#[tokio::test]
async fn a_link_that_cannot_be_mailed_is_good_all_the_same() {
    let test = in_buy_in().await;
    let wrong = json!({"team": "boards", "person": "Mika of Boards", "email": "not an address"});
    let refused = test.post("/api/v1/cases/PC-1/invitations", &wrong).await;
    assert_eq!((refused.status, &refused.body["field"]), (StatusCode::BAD_REQUEST, &json!("email")));
    let new = json!({"team": "boards", "person": "Mika of Boards", "email": "mika@example.com"});
    let made = test.post("/api/v1/cases/PC-1/invitations", &new).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    assert_eq!(made.body["mailed"]["delivered"], false, "this server has no mail: {made:?}");
    let link = made.body["link"].as_str().unwrap().rsplit_once('/').unwrap().1;
    assert_eq!(ask(&test, link).await.status, StatusCode::OK);
    let journal = test.get("/api/v1/journal?limit=1000").await.body.to_string();
    assert!(!journal.contains("mika@example.com"), "an address is not kept");
}
