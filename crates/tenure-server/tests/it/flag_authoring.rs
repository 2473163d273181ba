//! The authoring model over HTTP: flags in every environment, their history, segments, change requests, references, the
//! playground.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tenure_server::{Clock, Config, Server};

use crate::server::TestServer;

/// A flag with an individual target, a rule on a segment, and a rule on an attribute.
fn button(percent: u32) -> Value {
    json!({
        "type": "boolean", "variants": {"on": true, "off": false}, "default": "off",
        "targets": [{"variant": "on", "keys": ["ann", "bob"]}],
        "rules": [
            {"name": "beta", "when": [{"segment": "beta"}], "serve": "on"},
            {"when": [{"attribute": "country", "values": ["DE"]}],
             "serve": {"split": [{"variant": "on", "percent": percent}, {"variant": "off", "percent": 100 - percent}]}},
        ],
    })
}

async fn with_flags() -> TestServer {
    let test = TestServer::start().await;
    test.grant(&["developer"]).await;
    test.does("define_team", json!({"team": "growth"})).await;
    test.does(
        "set_segment",
        json!({"segment": "beta", "holds": {"members": ["cid", "dan"]}, "reason": "the first ones"}),
    )
    .await;
    for environment in ["production", "staging"] {
        let with = json!({"key": "button", "environment": environment, "authored": button(20)});
        test.does("set_flag", with).await;
    }
    let with = json!({"key": "button", "authored": button(50), "reason": "it holds"});
    test.does("set_flag", with).await;
    test
}

#[tokio::test]
async fn a_flag_stands_in_every_environment() {
    let test = with_flags().await;
    let described = json!({"key": "button", "description": "a calmer button", "tags": ["ui"], "owner": "growth", "lifetime": {"until": "2026-03-01"}});
    test.does("describe_flag", described).await;
    let other = json!({"key": "other", "environment": "staging", "definition": {
        "state": "DISABLED", "variants": {"a": "A"}, "defaultVariant": "a",
    }});
    test.does("set_flag", other).await;

    let keys = async |query: &str| -> Vec<String> {
        let page = test.get(&format!("/api/v1/flags?limit=10{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        page.body["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|flag| flag["key"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(keys("").await, ["button", "other"]);
    assert_eq!(keys("&environment=production").await, ["button"]);
    assert_eq!(keys("&tag=ui").await, ["button"]);
    assert_eq!(keys("&owner=growth").await, ["button"]);
    assert_eq!(keys("&text=OTH").await, ["other"]);
    assert_eq!(keys("&has_case=true").await, [""; 0]);
    assert_eq!(keys("&stale=true").await, ["button"]);
    assert_eq!(keys("&after=button").await, ["other"]);
    let first = test.get("/api/v1/flags?limit=1").await.body;
    assert_eq!(first["next"], "button");
    assert!(first["items"][0].get("definition").is_none(), "a definition is of an environment: {first}");

    let flag = test.get("/api/v1/flags/button?environment=staging").await.body;
    assert_eq!((&flag["description"], &flag["owner"]), (&json!("a calmer button"), &json!("growth")));
    assert_eq!(flag["stale"][0]["reason"], "past_lifetime");
    assert_eq!(flag["source"]["authored"]["rules"][0]["name"], "beta");
    let standing = &flag["environments"]["production"];
    assert_eq!((&standing["state"], &standing["targeted"]), (&json!("enabled"), &json!(true)));
    assert_eq!((&standing["reason"], &standing["by"]), (&json!("it holds"), &json!("admin")));
    // Who is in a list is read from the list.
    let list = flag["source"]["authored"]["targets"][0]["keys"]["list"].as_str().unwrap();
    let members = test.get(&format!("/api/v1/key-lists/{list}?limit=1")).await.body;
    assert_eq!(members, json!({"items": ["ann"], "next": "1"}));
    let members = test.get(&format!("/api/v1/key-lists/{list}?after=1")).await.body;
    assert_eq!(members, json!({"items": ["bob"]}));
    assert_eq!(test.get("/api/v1/key-lists/list:0").await.status, StatusCode::NOT_FOUND);

    let document = test.get("/api/v1/flag-set?environment=staging").await.body;
    assert_eq!(document["flags"].as_object().unwrap().len(), 2);
    assert!(document["$evaluators"]["beta"].is_object(), "{document}");
}

#[tokio::test]
async fn every_change_is_read_and_taken_back() {
    let test = with_flags().await;
    let history = test.get("/api/v1/flags/button/history?environment=production").await.body;
    let changes = history["items"].as_array().unwrap();
    assert_eq!(changes.len(), 2);
    assert_eq!(
        changes[0]["sentences"],
        json!(["rule 2 serves 50 % on, 50 % off instead of 20 % on, 80 % off"])
    );
    assert_eq!(changes[0]["patch"][0]["op"], "replace");
    assert_eq!((&changes[0]["reason"], &changes[0]["in_force"]), (&json!("it holds"), &json!(true)));
    assert_eq!(changes[1]["sentences"][0], "the flag is new here");

    let differing = test.get("/api/v1/flag-differences?from=staging&to=production").await.body;
    assert_eq!(differing["items"][0]["key"], "button");
    assert_eq!(differing["items"][0]["sentences"], changes[0]["sentences"]);

    let entry = changes[0]["entry"].clone();
    test.does("revert_flag", json!({"key": "button", "entry": entry, "reason": "too fast"})).await;
    let latest = test.get("/api/v1/flags/button/history?limit=1&environment=production").await.body;
    assert_eq!(latest["items"][0]["reverts"], entry);
    let next = latest["next"].as_str().unwrap();
    let older =
        test.get(&format!("/api/v1/flags/button/history?environment=production&before={next}")).await.body;
    assert_eq!(older["items"].as_array().unwrap().len(), 2);
    let same = test.get("/api/v1/flag-differences?from=staging&to=production").await.body;
    assert_eq!(same, json!({"items": []}));
    assert_eq!(test.get("/api/v1/flags/nothing/history").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_request_says_what_it_changes() {
    let test = with_flags().await;
    test.does("set_environment", json!({"environment": "production", "name": "Live", "approvals": 1})).await;
    let refused = test.give("set_flag", json!({"key": "button", "authored": button(90)})).await;
    assert_eq!((refused.status, &refused.body["code"]), (StatusCode::CONFLICT, &json!("approval_required")));
    let proposal = json!({
        "request": "CR-1", "reason": "more of them", "changes": [
            {"do": "set_flag", "with": {"key": "button", "authored": button(90)}},
            {"do": "set_segment", "with": {"segment": "beta", "holds": {"members": ["cid", "dan", "eve"]}}},
        ],
    });
    test.does("propose_change", proposal).await;
    let request = test.get("/api/v1/change-requests/CR-1").await.body;
    assert_eq!((&request["status"], &request["approvals_needed"]), (&json!("open"), &json!(1)));
    assert_eq!(request["reason"], "more of them");
    let differences = &request["differences"];
    let sentence = "rule 2 serves 90 % on, 10 % off instead of 50 % on, 50 % off";
    assert_eq!(differences[0]["sentences"], json!([sentence]));
    assert_eq!(differences[0]["patch"][0]["op"], "replace");
    assert_eq!(differences[1]["sentences"], json!(["3 units are in by list instead of 2"]));
    assert_eq!(differences[1]["changed_since"], false);

    let environments = test.get("/api/v1/environments").await.body;
    assert_eq!(environments[0]["environment"], "production");
    assert_eq!(environments[0]["known"]["approvals"], 1);
    assert_eq!((&environments[0]["open_requests"], &environments[0]["flags"]), (&json!(1), &json!(1)));

    let names = async |query: &str| -> usize {
        test.get(&format!("/api/v1/change-requests{query}")).await.body["items"].as_array().unwrap().len()
    };
    assert_eq!(names("?status=open&flag=button").await, 1);
    assert_eq!(names("?status=applied").await, 0);
    assert_eq!(names("?flag=other").await, 0);
    assert_eq!(names("?scheduled=true").await, 0);

    let own = test.give("approve_change", json!({"request": "CR-1"})).await;
    assert_eq!(own.body["code"], "own_change", "{own:?}");
    let account = json!({"id": "bea", "login": "bea@example.com"});
    let made = test.post("/api/v1/accounts", &account).await;
    assert!(made.status.is_success(), "{made:?}");
    test.does("grant_role", json!({"account": "bea", "role": "developer"})).await;
    let token = json!({"name": "bea", "scopes": ["write"], "account": "bea"});
    let token = test.post("/api/v1/tokens", &token).await;
    let token = token.body["token"].as_str().unwrap_or_else(|| panic!("{token:?}")).to_owned();
    let give = async |name: &str| {
        let command = json!({"do": name, "with": {"request": "CR-1"}});
        let done = test.send(Method::POST, "/api/v1/commands", Some(&token), Some(&command)).await;
        assert_eq!(done.status, StatusCode::OK, "{done:?}");
    };
    give("approve_change").await;
    give("apply_change").await;
    let applied = test.get("/api/v1/change-requests/CR-1").await.body;
    assert_eq!(applied["status"], "applied");
    assert_eq!(applied["differences"], *differences, "what was changed stays readable");
    let history = test.get("/api/v1/flags/button/history?limit=1").await.body;
    assert_eq!(history["items"][0]["request"], "CR-1");
    let segment = test.get("/api/v1/segments/beta").await.body;
    assert_eq!(segment["holds"]["members"]["count"], 3);
    assert_eq!(segment["used_by"].as_array().unwrap().len(), 2);
    let changes = test.get("/api/v1/segments/beta/history").await.body;
    assert_eq!(changes["items"][0]["request"], "CR-1");
    assert_eq!(changes["items"][1]["reason"], "the first ones");
    assert_eq!(changes["items"][1]["sentences"][0], "the segment is new");
    assert_eq!(test.get("/api/v1/segments").await.body["items"][0]["segment"], "beta");
}

#[tokio::test]
async fn the_playground_says_why() {
    let test = with_flags().await;
    let check = async |context: Value, variant: &str, decided_by: Value| {
        let trial = json!({"flag": "button", "context": context});
        let answer = test.post("/api/v1/playground", &trial).await;
        let flag = &answer.body["items"][0];
        assert_eq!(
            (&flag["variant"], &flag["decided_by"]),
            (&json!(variant), &decided_by),
            "{context}: {answer:?}"
        );
        // The same as an application gets.
        let body = json!({"context": context});
        let served = test.post("/ofrep/v1/evaluate/flags/button", &body).await;
        assert_eq!(served.body["variant"], variant, "{served:?}");
        assert_eq!(flag["steps"][0]["operator"], "if");
    };
    check(json!({"targetingKey": "ann"}), "on", json!({"target": 1})).await;
    check(json!({"targetingKey": "cid"}), "on", json!({"rule": {"place": 1, "name": "beta"}})).await;
    check(json!({"targetingKey": "zoe"}), "off", json!("default")).await;
    let trial = json!({"context": {"targetingKey": "zoe", "country": "DE"}});
    let all = test.post("/api/v1/playground", &trial).await.body;
    assert_eq!(all["items"][0]["decided_by"], json!({"rule": {"place": 2}}));
    let unknown = test.post("/api/v1/playground", &json!({"flag": "none"})).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let wrong = test.post("/api/v1/playground", &json!({"contxt": {}})).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn references_are_listed_by_codebase() {
    let test = with_flags().await;
    test.does("define_codebase", json!({"codebase": "web", "items": ["qa_demo"]})).await;
    let counts = json!({"button": 3, "gone": 0});
    test.does(
        "record_references",
        json!({"codebase": "web", "commit": "abc", "files": 12, "counts": counts}),
    )
    .await;
    let all = test.get("/api/v1/references").await.body;
    assert_eq!((&all["items"][0]["codebase"], &all["items"][0]["counts"]), (&json!("web"), &counts));
    let one = test.get("/api/v1/references?flag=button").await.body;
    assert_eq!(one["items"][0]["counts"], json!({"button": 3}));
    assert_eq!(test.get("/api/v1/references?flag=other").await.body, json!({"items": []}));
}

#[tokio::test]
async fn a_flag_that_nobody_asks_for_is_told() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::stepped("2026-03-02T09:00:00Z".parse().unwrap());
    let config = Config {
        data_dir: folder.path().to_owned(),
        listen: "127.0.0.1:0".parse().unwrap(),
        ..Config::default()
    };
    let server = Server::start(config.clone(), clock.clone()).await.unwrap();
    let test = TestServer::claim(server, folder).await;
    test.grant(&["developer"]).await;
    for key in ["asked", "quiet"] {
        let definition = json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on",
            "targeting": {"if": [{"==": [{"var": "plan"}, "team"]}, "off"]}});
        test.does("set_flag", json!({"key": key, "definition": definition})).await;
    }
    let ask = async |test: &TestServer| {
        let body = json!({"context": {"targetingKey": "u"}});
        let answer = test.post("/ofrep/v1/evaluate/flags/asked", &body).await;
        assert_eq!(answer.status, StatusCode::OK);
    };
    let stale = async |test: &TestServer| -> Vec<Value> {
        let page = test.get("/api/v1/flags?stale=true").await.body;
        page["items"].as_array().unwrap().iter().map(|flag| flag["key"].clone()).collect()
    };
    clock.step_to("2026-04-10T09:00:00Z".parse().unwrap());
    ask(&test).await;
    assert_eq!(stale(&test).await, ["quiet"]);
    let flag = test.get("/api/v1/flags/quiet").await.body;
    assert_eq!(flag["stale"][0]["reason"], "not_evaluated");
    let flag = test.get("/api/v1/flags/asked").await.body;
    assert_eq!(flag["environments"]["production"]["evaluated"], "2026-04-10T09:00:00Z");
    // A client that asks for all flags may be using any of them.
    test.post("/ofrep/v1/evaluate/flags", &json!({"context": {"targetingKey": "u"}})).await;
    assert!(stale(&test).await.is_empty());
    // What is known outlives the process.
    clock.step_to("2026-05-20T09:00:00Z".parse().unwrap());
    assert_eq!(stale(&test).await, ["asked", "quiet"]);
    ask(&test).await;
    let admin = test.admin.clone();
    let folder = test.stop().await;
    let server = Server::start(config, clock).await.unwrap();
    let page = reqwest::Client::new()
        .get(format!("http://{}/api/v1/flags?stale=true", server.addr()))
        .bearer_auth(&admin)
        .send()
        .await
        .unwrap();
    let page = crate::server::read(page).await.body;
    assert_eq!(page["items"][0]["key"], "quiet");
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    server.stop().await.unwrap();
    drop(folder);
}

#[tokio::test]
async fn followers_are_bounded() {
    let test = TestServer::start_with(|config| config.flag_streams_max = 1).await;
    let token = test.token(&["evaluate"]).await;
    let answer = test.send(Method::POST, "/ofrep/v1/evaluate/flags", Some(&token), Some(&json!({}))).await;
    let url = answer.body["eventStreams"][0]["url"].as_str().unwrap().to_owned();
    let first = reqwest::get(&url).await.unwrap();
    assert_eq!(first.status(), StatusCode::OK);
    let second = reqwest::get(&url).await.unwrap();
    assert_eq!(
        (second.status(), second.headers()["retry-after"].to_str().unwrap()),
        (StatusCode::TOO_MANY_REQUESTS, "10")
    );
}
