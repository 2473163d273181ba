//! An experiment that is run here, from its plan to the case that is opened from its result: real evaluations are its
//! exposures, real events its outcomes, and the clockwork looks at it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tenure_server::{Clock, Config, Server};

use crate::server::TestServer;

const UNITS: usize = 600;

async fn started(clock: &Clock) -> TestServer {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        data_dir: folder.path().to_owned(),
        listen: "127.0.0.1:0".parse().unwrap(),
        ..Config::default()
    };
    let test = TestServer::claim(Server::start(config, clock.clone()).await.unwrap(), folder).await;
    test.grant(&["development_lead", "product_manager", "design_lead", "developer"]).await;
    let metric = json!({"metric": "done", "kind": "proportion", "event": "done", "window_hours": 48});
    test.does("define_metric", metric).await;
    test
}

fn plan() -> Value {
    json!({
        "experiment": "EXP-7", "team": "growth", "title": "Fewer steps", "flag": "steps", "metric": "done",
        "arms": [{"name": "control", "value": 5}, {"name": "short", "value": 3}, {"name": "long", "value": 7}],
        "level": 0.2, "planned_n": 120, "smallest_lift": 0.25,
        "hypothesis": {"we_believe": "fewer steps", "will_result_in": "more sign-ups", "because": "less to do"},
    })
}

/// The variant and value that a unit gets.
async fn evaluate(test: &TestServer, token: &str, unit: &str) -> (String, Value) {
    let context = json!({"context": {"targetingKey": unit}});
    let path = "/ofrep/v1/evaluate/flags/steps";
    let answer = test.send(Method::POST, path, Some(token), Some(&context)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    (answer.body["variant"].as_str().unwrap().to_owned(), answer.body["value"].clone())
}

/// Every unit asks for the flag; so many of ten in each arm then do what is measured. How many asked and did, by arm.
async fn traffic(test: &TestServer, rates: &[(&str, usize)]) -> BTreeMap<String, [usize; 2]> {
    let [evaluating, ingest] = [test.token(&["evaluate"]).await, test.token(&["ingest"]).await];
    let units: Vec<String> = (0..UNITS).map(|unit| format!("unit-{unit}")).collect();
    let asked = futures::stream::iter(&units).map(|unit| evaluate(test, &evaluating, unit));
    let served: Vec<(String, Value)> = asked.buffered(32).collect().await;
    let (mut counts, mut events) = (BTreeMap::<String, [usize; 2]>::new(), Vec::new());
    for (unit, (arm, _)) in units.iter().zip(&served) {
        let [met, done] = counts.entry(arm.clone()).or_default();
        let rate = rates.iter().find(|(name, _)| name == arm).unwrap().1;
        if *met % 10 < rate {
            *done += 1;
            events.push(json!({"type": "outcome", "id": unit, "unit": unit, "event": "done"}));
        }
        *met += 1;
    }
    let answer = test.send(Method::POST, "/api/v1/events", Some(&ingest), Some(&json!(events))).await;
    assert_eq!(answer.body["accepted"], events.len(), "{answer:?}");
    // Exposures are written behind the answers.
    let began = Instant::now();
    while test.server.live().events.view().await.unwrap().events() < (UNITS + events.len()) as u64 {
        assert!(began.elapsed() < Duration::from_secs(30), "exposures are missing");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    counts
}

/// The run, once it stands where it should.
async fn once(test: &TestServer, status: &str) -> Value {
    let began = Instant::now();
    loop {
        let run = test.get("/api/v1/runs/EXP-7").await.body;
        if run["status"] == status {
            return run;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "the run does not become {status}: {run}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn it_is_planned_served_judged_and_a_case_is_opened_from_it() {
    let clock = Clock::stepped("2026-03-02T09:00:00Z".parse().unwrap());
    let test = started(&clock).await;
    test.does("plan_run", plan()).await;
    let token = test.token(&["evaluate"]).await;
    assert_eq!(evaluate(&test, &token, "u").await, ("off".to_owned(), json!(5)), "before the start");
    test.does("start_run", json!({"experiment": "EXP-7"})).await;
    let flag = test.get("/api/v1/flags/steps").await.body;
    assert_eq!((&flag["experiment"], &flag["stale"]), (&json!("EXP-7"), &json!([])), "{flag}");
    assert_eq!(flag["environments"]["production"]["exposure_percent"], 100.0);

    let counts = traffic(&test, &[("control", 2), ("short", 4), ("long", 2)]).await;
    assert_eq!(counts.keys().collect::<Vec<_>>(), ["control", "long", "short"]);
    clock.step_to(clock.now().checked_add(SignedDuration::from_hours(8 * 24)).unwrap());
    let run = once(&test, "judged").await;
    assert_eq!(run["plan"]["hypothesis"]["because"], "less to do", "what people write is read back");
    let verdict = |arm: &str| run["arms"][arm]["latest"]["judged"]["verdict"].clone();
    assert_eq!((verdict("short"), verdict("long")), (json!("positive"), json!("not_significant")), "{run}");

    let looks = test.get("/api/v1/runs/EXP-7/looks").await.body;
    let last = looks["looks"].as_array().unwrap().last().unwrap();
    assert_eq!(last["measured"], run["latest"], "the last look stands in the journal");
    assert_eq!(last["measured"]["inputs"].as_str().unwrap().len(), 64);
    let by_day = &last["measured"]["arms"][0]["by_day"];
    assert_eq!(by_day["days"].as_array().unwrap().len(), 2, "a window of two days: {by_day}");
    let health = last["measured"]["health"].as_array().unwrap();
    let ratio = health.iter().find(|finding| finding["check"] == "sample_ratio").unwrap();
    assert_eq!(ratio["state"], "good", "{ratio}");

    let experiment = test.get("/api/v1/experiments/EXP-7").await.body;
    assert_eq!(experiment["measurement"]["control"], json!(counts["control"]), "each unit counts once");
    assert_eq!(experiment["measurement"]["treatment"], json!(counts["short"]));
    assert_eq!(experiment["run"]["arm"], "short");
    assert_eq!(experiment["run"]["arms"], 2, "the best of two is corrected for that");
    assert_eq!(evaluate(&test, &token, "u").await, ("off".to_owned(), json!(5)), "nobody meets it any more");
    let flag = test.get("/api/v1/flags/steps").await.body;
    assert_eq!(flag["stale"][0]["reason"], "run_ended", "{flag}");

    test.does("open_case", json!({"case": "PC-1", "experiment": "EXP-7"})).await;
    let story = test.get("/api/v1/journal?stream=run/EXP-7").await.body.to_string();
    for words in ["planned experiment EXP-7", "started experiment EXP-7", "with the result of short"] {
        assert!(story.contains(words), "{words} is missing in {story}");
    }
}

#[tokio::test]
async fn an_arm_that_does_harm_is_closed_and_moves_nobody() {
    let clock = Clock::stepped("2026-03-02T09:00:00Z".parse().unwrap());
    let test = started(&clock).await;
    let mut plan = plan();
    // So large that the other arm is not judged at the same look.
    plan["planned_n"] = json!(600);
    plan["level"] = json!(0.5);
    test.does("plan_run", plan).await;
    test.does("start_run", json!({"experiment": "EXP-7"})).await;
    let token = test.token(&["evaluate"]).await;
    let mut before = BTreeMap::new();
    for unit in 0..40 {
        let unit = format!("unit-{unit}");
        before.insert(unit.clone(), evaluate(&test, &token, &unit).await.0);
    }
    traffic(&test, &[("control", 5), ("short", 5), ("long", 1)]).await;
    clock.step_to(clock.now().checked_add(SignedDuration::from_hours(4 * 24)).unwrap());
    let began = Instant::now();
    let run = loop {
        let run = test.get("/api/v1/runs/EXP-7").await.body;
        if run["looks"].as_u64().unwrap() > 0 {
            break run;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "no look was taken: {run}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(run["status"], "running", "{run}");
    assert_eq!(run["arms"]["long"]["latest"]["judged"]["verdict"], "negative", "{run}");
    for (unit, arm) in before {
        let now = evaluate(&test, &token, &unit).await;
        match arm.as_str() {
            "long" => assert_eq!(now, ("off".to_owned(), json!(5)), "{unit}"),
            _ => assert_eq!(now.0, arm, "{unit}"),
        }
    }
    let stop = json!({"experiment": "EXP-7", "reason": "enough"});
    test.does("stop_run", stop).await;
    assert_eq!(once(&test, "stopped").await["ended"]["reason"], "enough");
    assert_eq!(test.get("/api/v1/experiments/EXP-7").await.status, StatusCode::NOT_FOUND);
}
