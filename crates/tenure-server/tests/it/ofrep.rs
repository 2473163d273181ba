//! OFREP's own rules: what bulk evaluation carries, streams that tell of changes, limits, and browsers.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tenure_server::Clock;

use crate::server::{Answer, TestServer};

const BULK: &str = "/ofrep/v1/evaluate/flags";

async fn set(test: &TestServer, key: &str, value: &str) {
    let flag = json!({"state": "ENABLED", "variants": {"v": value}, "defaultVariant": "v"});
    let path = format!("/api/v1/flags/{key}");
    let put = test.send(Method::PUT, &path, Some(&test.admin), Some(&flag)).await;
    assert_eq!(put.status, StatusCode::OK, "{put:?}");
}

async fn bulk(test: &TestServer, token: &str, query: &str, seen: &str) -> Answer {
    let body = json!({"context": {"targetingKey": "u1"}});
    let headers = [("if-none-match", seen)];
    test.send_with(Method::POST, &format!("{BULK}{query}"), Some(token), Some(&body), &headers).await
}

#[tokio::test]
async fn a_bulk_answer_names_its_set_and_its_stream() {
    let test = TestServer::start().await;
    test.grant(&["developer"]).await;
    set(&test, "banner", "one").await;
    let token = test.token(&["evaluate"]).await;
    let answer = bulk(&test, &token, "", "").await;
    assert_eq!(answer.body["metadata"], json!({"flagSetId": "production"}));
    let stream = &answer.body["eventStreams"][0];
    assert_eq!((&stream["type"], &stream["inactivityDelaySec"]), (&json!("sse"), &json!(120)));
    let url = stream["url"].as_str().unwrap();
    assert!(url.starts_with(&test.url("/ofrep/v1/stream?ticket=")), "{url}");
    assert!(!url.contains(&token), "the token is not in the address");

    let mut events = reqwest::get(url).await.unwrap();
    assert_eq!(events.status(), StatusCode::OK);
    set(&test, "banner", "two").await;
    let chunk =
        tokio::time::timeout(Duration::from_secs(20), events.chunk()).await.unwrap().unwrap().unwrap();
    let text = String::from_utf8(chunk.to_vec()).unwrap();
    let data: Value = serde_json::from_str(text.strip_prefix("data: ").unwrap().trim()).unwrap();
    assert_eq!(data["type"], "refetchEvaluation");
    let etag = data["etag"].as_str().unwrap();
    let modified = data["lastModified"].as_i64().unwrap();

    let seen = answer.headers["etag"].to_str().unwrap().to_owned();
    let query = format!("?flagConfigEtag={etag}&flagConfigLastModified={modified}");
    let again = bulk(&test, &token, &query, &seen).await;
    assert_eq!((again.status, &again.body["flags"][0]["value"]), (StatusCode::OK, &json!("two")));
    // A version that this node never sees is waited for, but not for long.
    let query = format!("?flagConfigEtag=elsewhere&flagConfigLastModified={}", modified + 3_600);
    let started = std::time::Instant::now();
    assert_eq!(bulk(&test, &token, &query, "").await.status, StatusCode::OK);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_streams_address_ends_and_the_next_answer_has_another() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::stepped("2026-03-02T09:30:00Z".parse().unwrap());
    let config = tenure_server::Config {
        data_dir: folder.path().to_owned(),
        listen: "127.0.0.1:0".parse().unwrap(),
        ..tenure_server::Config::default()
    };
    let server = tenure_server::Server::start(config, clock.clone()).await.unwrap();
    let test = TestServer::claim(server, folder).await;
    let token = test.token(&["evaluate"]).await;
    let first = bulk(&test, &token, "", "").await;
    let seen = first.headers["etag"].to_str().unwrap().to_owned();
    let url = first.body["eventStreams"][0]["url"].as_str().unwrap().to_owned();
    let opens = async |url: &str| reqwest::get(url).await.unwrap().status();
    let check = async |at: &str, unchanged: bool, open: StatusCode| {
        clock.step_to(at.parse().unwrap());
        let again = bulk(&test, &token, "", &seen).await;
        assert_eq!(again.status == StatusCode::NOT_MODIFIED, unchanged, "{at}");
        assert_eq!(opens(&url).await, open, "{at}");
    };
    check("2026-03-02T09:59:00Z", true, StatusCode::OK).await;
    check("2026-03-02T10:01:00Z", false, StatusCode::OK).await;
    check("2026-03-02T11:01:00Z", false, StatusCode::UNAUTHORIZED).await;
    assert_eq!(opens(&format!("{url}x")).await, StatusCode::UNAUTHORIZED, "a changed ticket");
}

#[tokio::test]
async fn a_credential_that_asks_too_often_is_told_when_to_come_back() {
    let test = TestServer::start_with(|config| config.evaluations_per_second_max = 5).await;
    let [hasty, other] = [test.token(&["evaluate"]).await, test.token(&["evaluate"]).await];
    let mut refused = None;
    for _ in 0..50 {
        let answer = bulk(&test, &hasty, "", "").await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(
        bulk(&test, &other, "", "").await.status,
        StatusCode::OK,
        "another credential has its own limit"
    );
    let body = json!({"flagKey": "x"});
    let answer = test
        .send(Method::POST, "/flagd.evaluation.v2.Service/ResolveString", Some(&hasty), Some(&body))
        .await;
    assert_eq!(answer.body["code"], "resource_exhausted", "{answer:?}");
}

#[tokio::test]
async fn browsers_of_other_origins_may_send_what_clients_send() {
    let test =
        TestServer::start_with(|config| config.cors_origins = vec!["https://shop.example".to_owned()]).await;
    let asked = "authorization,content-type,if-none-match,x-api-key,flagd-selector,connect-protocol-version,x-grpc-web";
    let preflight = |origin: &'static str| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", asked),
        ];
        let test = &test;
        async move { test.send_with(Method::OPTIONS, BULK, None, None, &headers).await }
    };
    let allowed = preflight("https://shop.example").await;
    let headers = allowed.headers["access-control-allow-headers"].to_str().unwrap();
    assert!(asked.split(',').all(|name| headers.contains(name)), "{headers}");
    assert_eq!(preflight("https://evil.example").await.headers.get("access-control-allow-origin"), None);

    let token = test.token(&["evaluate"]).await;
    let answer = test
        .send_with(Method::POST, BULK, Some(&token), Some(&json!({})), &[("origin", "https://shop.example")])
        .await;
    let exposed = answer.headers["access-control-expose-headers"].to_str().unwrap();
    assert!(exposed.contains("etag") && exposed.contains("retry-after"), "{exposed}");
}

#[tokio::test]
async fn a_key_in_its_own_header_is_a_credential_too() {
    let test = TestServer::start().await;
    let token = test.token(&["evaluate"]).await;
    let answer = test.send_with(Method::POST, BULK, None, Some(&json!({})), &[("x-api-key", &token)]).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_under_load_is_seen_whole_or_not_at_all() {
    let test = TestServer::start().await;
    test.grant(&["developer"]).await;
    // Two variants and the rule that picks one change together: a mixture would fail or give the wrong pair.
    let version = |n: u32| {
        json!({
            "state": "ENABLED", "variants": {(format!("v{n}")): n, "other": 0}, "defaultVariant": "other",
            "targeting": {"if": [true, format!("v{n}")]}, "metadata": {"n": n},
        })
    };
    let put = async |n: u32| {
        let path = "/api/v1/flags/moving";
        let done = test.send(Method::PUT, path, Some(&test.admin), Some(&version(n))).await;
        assert_eq!(done.status, StatusCode::OK, "{done:?}");
    };
    put(1).await;
    let token = test.token(&["evaluate"]).await;
    let changing = async {
        for n in 2..40 {
            put(n).await;
        }
    };
    let asking = async {
        let (mut last, mut asked) = (0, 0);
        while last < 39 {
            let answer = test
                .send(Method::POST, "/ofrep/v1/evaluate/flags/moving", Some(&token), Some(&json!({})))
                .await;
            assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
            let n = answer.body["value"].as_u64().unwrap();
            assert_eq!(answer.body["variant"], format!("v{n}"));
            assert_eq!(answer.body["metadata"]["n"], n);
            assert!(n >= last, "it went back from {last} to {n}");
            (last, asked) = (n, asked + 1);
        }
        asked
    };
    let ((), asked) = tokio::join!(changing, asking);
    assert!(asked > 38, "{asked} requests were answered while it changed");
}
