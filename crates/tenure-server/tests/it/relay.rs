//! A relay beside its upstream: it serves what it was told, also alone and after a restart, and loses and doubles no event.

use std::path::Path;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tenure_server::{Clock, Config, Relay, Server, UpstreamConfig};

use crate::server::{Answer, TestServer, read};

const NOW: &str = "2026-03-02T09:00:00Z";

fn config(folder: &Path, listen: &str) -> Config {
    Config { data_dir: folder.to_owned(), listen: listen.parse().unwrap(), ..Config::default() }
}

async fn relay(folder: &Path, url: &str, token: &str) -> Relay {
    let upstream = UpstreamConfig { url: url.to_owned(), token: token.to_owned() };
    let clock = Clock::stepped(NOW.parse().unwrap());
    Relay::start(config(folder, "127.0.0.1:0"), &upstream, clock).await.unwrap()
}

async fn send(relay: &Relay, method: Method, path: &str, token: &str, body: Option<&Value>) -> Answer {
    let mut request = reqwest::Client::new().request(method, format!("http://{}{path}", relay.addr()));
    request = request.bearer_auth(token);
    if let Some(body) = body {
        request = request.json(body);
    }
    read(request.send().await.unwrap()).await
}

async fn value(relay: &Relay, key: &str, unit: &str, token: &str) -> Value {
    let body = json!({"context": {"targetingKey": unit}});
    let answer =
        send(relay, Method::POST, &format!("/ofrep/v1/evaluate/flags/{key}"), token, Some(&body)).await;
    if answer.status == StatusCode::OK { answer.body["value"].clone() } else { json!(answer.status.as_u16()) }
}

/// Ask again until it is so, within twenty seconds.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..400 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

fn banner(value: &str) -> Value {
    json!({"state": "ENABLED", "variants": {"v": value}, "defaultVariant": "v"})
}

async fn set(test: &TestServer, value: &str) {
    let put = test.send(Method::PUT, "/api/v1/flags/banner", Some(&test.admin), Some(&banner(value))).await;
    assert_eq!(put.status, StatusCode::OK, "{put:?}");
}

/// How many different events the upstream's log holds: what a query counts.
async fn events(server: &Server) -> usize {
    let log = &server.live().events;
    log.seal_all().await.unwrap();
    let view = log.view().await.unwrap();
    usize::try_from(view.events()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_goes_on_alone_and_loses_nothing() {
    let test = TestServer::start().await;
    crate::seed::company(&test).await;
    set(&test, "one").await;
    let token = test.token(&["sync", "ingest"]).await;
    let [client, sender] = [test.token(&["evaluate"]).await, test.token(&["ingest"]).await];
    let folder = tempfile::tempdir().unwrap();
    let url = format!("http://{}", test.server.addr());
    let one = relay(folder.path(), &url, &token).await;
    until("the flag is told", async || value(&one, "banner", "u1", &client).await == "one").await;
    assert_eq!(value(&one, "banner", "u1", "tnr_wrong").await, 401, "tokens are told, too");
    assert_eq!(value(&one, "banner", "u1", &sender).await, 403);
    set(&test, "two").await;
    until("the change is told", async || value(&one, "banner", "u1", &client).await == "two").await;
    let later = test.token(&["evaluate"]).await;
    until("a new token is told", async || value(&one, "banner", "u1", &later).await == "two").await;

    // The flag of a case that is being measured: meeting it at the relay exposes.
    let before = events(&test.server).await;
    for unit in 0..40 {
        let unit = format!("u{unit}");
        let met = value(&one, "invite-v2", &unit, &client).await;
        // All flags at once expose nobody.
        let body = json!({"context": {"targetingKey": unit}});
        let own = test.send(Method::POST, "/ofrep/v1/evaluate/flags", Some(&client), Some(&body)).await;
        let own =
            own.body["flags"].as_array().unwrap().iter().find(|flag| flag["key"] == "invite-v2").unwrap();
        assert_eq!(own["value"], met, "the relay puts a unit where the server does");
    }
    until("exposures arrive once", async || events(&test.server).await == before + 40).await;

    // The upstream goes.
    let addr = test.server.addr();
    let home = test.stop().await;
    let bought = |n: usize| json!({"type": "outcome", "unit": format!("u{n}"), "event": "bought", "id": format!("o{n}")});
    let given = json!([bought(1), bought(2), {"type": "outcome", "unit": "u3"}]);
    let taken = send(&one, Method::POST, "/api/v1/events", &sender, Some(&given)).await;
    assert_eq!((taken.status, &taken.body["accepted"]), (StatusCode::OK, &json!(2)), "{taken:?}");
    assert_eq!(taken.body["refused"][0]["index"], 2);
    assert_eq!(value(&one, "banner", "u1", &client).await, "two");
    let ready = send(&one, Method::GET, "/readyz", &client, None).await;
    assert_eq!((ready.status, &ready.body["snapshot_age_s"]), (StatusCode::OK, &json!(0)), "{ready:?}");
    one.stop().await;

    // The relay starts again, without upstream.
    let two = relay(folder.path(), &url, &token).await;
    assert_eq!(value(&two, "banner", "u1", &client).await, "two");
    let ready = send(&two, Method::GET, "/readyz", &client, None).await;
    assert_eq!(ready.body["upstream_connected"], false);
    assert_eq!(ready.body["events_waiting"], 2);
    let metrics = send(&two, Method::GET, "/metrics", &client, None).await;
    let metrics = metrics.body.as_str().unwrap();
    assert!(metrics.contains("tenure_relay_events_waiting 2"), "{metrics}");
    assert!(metrics.contains("tenure_relay_snapshot_age_seconds 0"), "{metrics}");
    // What was sent before is sent again, by a client that was not sure.
    send(&two, Method::POST, "/api/v1/events", &sender, Some(&json!([bought(2), bought(4)]))).await;

    // The upstream is back, at the same address.
    let back = Server::start(config(home.path(), &addr.to_string()), Clock::stepped(NOW.parse().unwrap()))
        .await
        .unwrap();
    until("the upstream is followed again", async || {
        send(&two, Method::GET, "/readyz", &client, None).await.body["upstream_connected"] == true
    })
    .await;
    until("nothing waits", async || {
        send(&two, Method::GET, "/readyz", &client, None).await.body["events_waiting"] == 0
    })
    .await;
    assert_eq!(events(&back).await, before + 43, "40 exposures and 3 outcomes, each once");
    two.stop().await;
    back.stop().await.unwrap();
}

#[tokio::test]
async fn a_relay_of_one_environment_is_told_of_no_other() {
    let test = TestServer::start().await;
    test.grant(&["developer"]).await;
    set(&test, "one").await;
    test.send(Method::PUT, "/api/v1/flags/next?environment=staging", Some(&test.admin), Some(&banner("s")))
        .await;
    let made = json!({"name": "relay", "scopes": ["sync", "ingest"], "environment": "staging"});
    let token = test.post("/api/v1/tokens", &made).await.body["token"].as_str().unwrap().to_owned();
    let made = json!({"name": "app", "scopes": ["evaluate"], "environment": "staging"});
    let client = test.post("/api/v1/tokens", &made).await.body["token"].as_str().unwrap().to_owned();
    let made = json!({"name": "other", "scopes": ["evaluate"], "environment": "production"});
    let other = test.post("/api/v1/tokens", &made).await.body["token"].as_str().unwrap().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let relay = relay(folder.path(), &format!("http://{}", test.server.addr()), &token).await;
    until("the flag is told", async || value(&relay, "next", "u1", &client).await == "s").await;
    assert_eq!(value(&relay, "next", "u1", &other).await, 401);
    let kept = std::fs::read_to_string(folder.path().join("followed.json")).unwrap();
    assert!(!kept.contains("banner") && !kept.contains("production"), "{kept}");
    relay.stop().await;
}

#[tokio::test]
async fn a_relay_that_never_heard_its_upstream_is_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    let relay = relay(folder.path(), "http://127.0.0.1:9", "tnr_x").await;
    let ready = send(&relay, Method::GET, "/readyz", "", None).await;
    assert_eq!(
        (ready.status, &ready.body["snapshot_age_s"]),
        (StatusCode::SERVICE_UNAVAILABLE, &Value::Null)
    );
    assert_eq!(send(&relay, Method::GET, "/healthz", "", None).await.status, StatusCode::OK);
    assert_eq!(send(&relay, Method::POST, "/api/v1/commands", "", None).await.status, StatusCode::NOT_FOUND);
    relay.stop().await;
}
