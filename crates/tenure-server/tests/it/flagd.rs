//! flagd's protocols on the wire: Connect over HTTP/1.1 here, gRPC by the real clients in the command's own tests.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tenure_server::listener::{Credential, FlagListener};
use tenure_server::tls::Tls;

use crate::server::{Answer, TestServer};

const V1: &str = "flagd.evaluation.v1.Service";
const V2: &str = "flagd.evaluation.v2.Service";
const SYNC: &str = "flagd.sync.v1.FlagSyncService";

async fn with_flags() -> TestServer {
    let test = TestServer::start().await;
    test.grant(&["developer"]).await;
    let flags = json!({
        "switch": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"},
        "price": {"state": "ENABLED", "variants": {"low": 10.0, "high": 12.5}, "defaultVariant": "low"},
        "limit": {"state": "ENABLED", "variants": {"few": 3, "many": 9_007_199_254_740_993_i64}, "defaultVariant": "many"},
        "theme": {
            "state": "ENABLED", "variants": {"dark": {"radius": 8, "tags": ["a", null]}}, "defaultVariant": "dark",
            "metadata": {"owner": "discovery", "flagSetId": "looks"},
        },
        "plan-page": {
            "state": "ENABLED", "variants": {"new": "n", "old": "o"}, "defaultVariant": "old",
            "targeting": {"if": [{"==": [{"var": "customer.seats"}, 7]}, "new"]},
        },
        "undecided": {"state": "ENABLED", "variants": {"a": "A"}, "defaultVariant": null},
        "retired": {"state": "DISABLED", "variants": {"a": "A"}, "defaultVariant": "a"},
        "wrong": {"state": "ENABLED", "variants": {"a": "A"}, "defaultVariant": "a", "targeting": {"cat": ["no", "ne"]}},
    });
    for (key, definition) in flags.as_object().unwrap() {
        let path = format!("/api/v1/flags/{key}");
        let put = test.send(Method::PUT, &path, Some(&test.admin), Some(definition)).await;
        assert_eq!(put.status, StatusCode::OK, "{key}: {put:?}");
    }
    test
}

async fn call(test: &TestServer, method: &str, token: Option<&str>, body: &Value) -> Answer {
    test.send(Method::POST, &format!("/{method}"), token, Some(body)).await
}

#[tokio::test]
async fn every_type_is_resolved_in_both_versions() {
    let test = with_flags().await;
    let token = test.token(&["evaluate"]).await;
    let check = async |method: &str, key: &str, context: Value, v1: Value, v2: Value| {
        for (service, expected) in [(V1, v1), (V2, v2)] {
            let body = json!({"flagKey": key, "context": context});
            let answer = call(&test, &format!("{service}/{method}"), Some(&token), &body).await;
            assert_eq!(answer.status, StatusCode::OK, "{service}/{method} {key}: {answer:?}");
            assert_eq!(answer.body, expected, "{service}/{method} {key}");
        }
    };
    let both = |value: Value| (value.clone(), value);
    let is = |value: Value, reason: &str, variant: &str, metadata: Value| {
        both(json!({"value": value, "reason": reason, "variant": variant, "metadata": metadata}))
    };
    let context = json!({"targetingKey": "u1"});
    let (v1, v2) = is(json!(true), "STATIC", "on", json!({}));
    check("ResolveBoolean", "switch", context.clone(), v1, v2).await;
    let (v1, v2) = is(json!(10.0), "STATIC", "low", json!({}));
    check("ResolveFloat", "price", context.clone(), v1, v2).await;
    // A 64-bit integer is a text in JSON, so that none of its digits is lost.
    let (v1, v2) = is(json!("9007199254740993"), "STATIC", "many", json!({}));
    check("ResolveInt", "limit", context.clone(), v1, v2).await;
    let (v1, v2) = is(json!("10"), "STATIC", "low", json!({}));
    check("ResolveInt", "price", context.clone(), v1, v2).await;
    let theme = json!({"radius": 8.0, "tags": ["a", null]});
    let (v1, v2) = is(theme, "STATIC", "dark", json!({"owner": "discovery", "flagSetId": "looks"}));
    check("ResolveObject", "theme", context.clone(), v1, v2).await;
    let (v1, v2) = is(json!("n"), "TARGETING_MATCH", "new", json!({}));
    check("ResolveString", "plan-page", json!({"customer": {"seats": 7}}), v1, v2).await;
    let (v1, v2) = is(json!("o"), "DEFAULT", "old", json!({}));
    check("ResolveString", "plan-page", json!({}), v1, v2).await;
    // The default in the caller's code: no variant, and no value.
    for (key, reason) in [("undecided", "DEFAULT"), ("retired", "DISABLED")] {
        let (v1, v2) = both(json!({"reason": reason, "metadata": {}}));
        check("ResolveString", key, context.clone(), v1, v2).await;
    }
}

#[tokio::test]
async fn failures_have_the_codes_that_clients_know() {
    let test = with_flags().await;
    let token = test.token(&["evaluate"]).await;
    let sync = test.token(&["sync"]).await;
    let check = async |token: Option<&str>, method: &str, body: Value, code: &str, says: &str| {
        let answer = call(&test, method, token, &body).await;
        assert_eq!(answer.body["code"], code, "{method} {body}: {answer:?}");
        let message = answer.body["message"].as_str().unwrap_or_default();
        assert!(message.contains(says), "{method} {body}: {message}");
    };
    let string = format!("{V2}/ResolveString");
    let token = Some(token.as_str());
    check(token, &string, json!({"flagKey": "nowhere"}), "not_found", "there is no flag `nowhere`").await;
    check(token, &string, json!({"flagKey": "switch"}), "invalid_argument", "is boolean, not string").await;
    check(token, &string, json!({"flagKey": "wrong"}), "internal", "`none`, which is not a variant").await;
    check(token, &string, json!({"flagKey": 7}), "invalid_argument", "").await;
    check(token, &format!("{V2}/ResolveAll"), json!({}), "unimplemented", "").await;
    check(None, &string, json!({"flagKey": "switch"}), "unauthenticated", "no credential").await;
    check(Some("tnr_wrong"), &string, json!({"flagKey": "switch"}), "unauthenticated", "not known here")
        .await;
    check(
        Some(&sync),
        &string,
        json!({"flagKey": "switch"}),
        "permission_denied",
        "needs the scope evaluate",
    )
    .await;
    for method in ["FetchAllFlags", "GetMetadata"] {
        check(token, &format!("{SYNC}/{method}"), json!({}), "permission_denied", "needs the scope sync")
            .await;
    }
    let huge = json!({"flagKey": "switch", "context": {"note": "x".repeat(2 << 20)}});
    check(token, &format!("{V2}/ResolveBoolean"), huge, "resource_exhausted", "").await;
}

#[tokio::test]
async fn malformed_and_deep_messages_are_refused() {
    let test = with_flags().await;
    let token = test.token(&["evaluate"]).await;
    let send = async |body: Vec<u8>| {
        let request = reqwest::Client::new().post(test.url(&format!("/{V1}/ResolveBoolean")));
        let request = request.bearer_auth(&token).header("content-type", "application/proto").body(body);
        crate::server::read(request.send().await.unwrap()).await
    };
    // Field 1 of 5 bytes, of which 2 are there.
    let cut = send(vec![0x0a, 0x05, b's', b'w']).await;
    assert_eq!(
        (cut.status, &cut.body["code"]),
        (StatusCode::BAD_REQUEST, &json!("invalid_argument")),
        "{cut:?}"
    );
    // A list in a list in a list …: each level wraps the one below as Value.list_value and ListValue.values.
    let wrap = |tag: u8, inner: Vec<u8>| {
        let mut outer = vec![tag];
        let mut length = inner.len();
        while length >= 0x80 {
            outer.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        outer.push(length as u8);
        outer.extend(inner);
        outer
    };
    let mut value = vec![0x08, 0x00];
    for _ in 0..5_000 {
        value = wrap(0x32, wrap(0x0a, value));
    }
    let mut entry = wrap(0x0a, b"a".to_vec());
    entry.extend(wrap(0x12, value));
    let mut request = wrap(0x0a, b"switch".to_vec());
    request.extend(wrap(0x12, wrap(0x0a, entry)));
    let deep = send(request).await;
    assert_eq!(
        (deep.status, &deep.body["code"]),
        (StatusCode::BAD_REQUEST, &json!("invalid_argument")),
        "{deep:?}"
    );
}

#[tokio::test]
async fn all_flags_are_resolved_at_once_in_the_first_version() {
    let test = with_flags().await;
    let token = test.token(&["evaluate"]).await;
    let all = call(&test, &format!("{V1}/ResolveAll"), Some(&token), &json!({"context": {}})).await;
    let flags = &all.body["flags"];
    assert_eq!(
        flags["switch"],
        json!({"reason": "STATIC", "variant": "on", "metadata": {}, "boolValue": true})
    );
    assert_eq!(flags["price"]["doubleValue"], 10.0);
    assert_eq!(flags["plan-page"]["stringValue"], "o");
    assert_eq!(flags["theme"]["objectValue"]["radius"], 8.0);
    assert_eq!(flags["undecided"], json!({"reason": "DEFAULT", "metadata": {}}));
    assert_eq!(flags.get("wrong"), None, "a flag that fails has no place in the message");
    assert_eq!(all.body["metadata"]["flagSetId"], "production");
}

#[tokio::test]
async fn selectors_narrow_what_is_seen() {
    let test = with_flags().await;
    let staging = json!({"state": "ENABLED", "variants": {"a": true}, "defaultVariant": "a"});
    let put = test
        .send(Method::PUT, "/api/v1/flags/next?environment=staging", Some(&test.admin), Some(&staging))
        .await;
    assert_eq!(put.status, StatusCode::OK, "{put:?}");
    let free = test.token(&["sync", "evaluate"]).await;
    let bound = test
        .post("/api/v1/tokens", &json!({"name": "t", "scopes": ["sync"], "environment": "production"}))
        .await;
    let bound = bound.body["token"].as_str().unwrap();
    let keys = async |token: &str, header: Option<&str>, field: &str| {
        let body = json!({"selector": field});
        let headers: Vec<(&str, &str)> = header.map(|value| ("flagd-selector", value)).into_iter().collect();
        let path = format!("/{SYNC}/FetchAllFlags");
        let answer = test.send_with(Method::POST, &path, Some(token), Some(&body), &headers).await;
        let Some(text) = answer.body["flagConfiguration"].as_str() else {
            return answer.body["code"].as_str().unwrap().to_owned();
        };
        let document: Value = serde_json::from_str(text).unwrap();
        document["flags"].as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
    };
    let everything = "limit plan-page price retired switch theme undecided wrong";
    assert_eq!(keys(bound, None, "").await, everything);
    assert_eq!(keys(bound, None, "flagSetId=looks").await, "theme");
    assert_eq!(
        keys(bound, Some("flagSetId=production"), "flagSetId=looks").await,
        everything,
        "the header wins"
    );
    assert_eq!(keys(bound, Some("looks"), "").await, "theme");
    assert_eq!(keys(bound, Some("environment=staging"), "").await, "permission_denied");
    assert_eq!(keys(bound, Some("colour=red"), "").await, "invalid_argument");
    assert_eq!(keys(&free, Some("environment=staging"), "").await, "next");
    assert_eq!(keys(&free, Some("flagSetId=staging"), "").await, "next");
    let body = json!({"flagKey": "switch"});
    let headers = [("flagd-selector", "flagSetId=looks")];
    let path = format!("/{V2}/ResolveBoolean");
    let answer = test.send_with(Method::POST, &path, Some(&free), Some(&body), &headers).await;
    assert_eq!(answer.body["code"], "not_found", "{answer:?}");
}

/// A gRPC-Web call with messages in JSON: its message, and the trailers that follow in the body.
pub async fn grpc_web(
    client: &reqwest::Client,
    url: &str,
    token: Option<&str>,
    message: &Value,
) -> (Option<Value>, String) {
    let message = message.to_string();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let body = [&[0][..], &length, message.as_bytes()].concat();
    let mut request = client.post(url).header("content-type", "application/grpc-web+json").body(body);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    // A failure before the first message has its status in the head.
    let status = response.headers().get("grpc-status").map(|status| status.to_str().unwrap().to_owned());
    let bytes = response.bytes().await.unwrap();
    let (mut rest, mut message, mut trailers) = (&bytes[..], None, String::new());
    while let [kind, a, b, c, d, after @ ..] = rest {
        let (frame, behind) = after.split_at(u32::from_be_bytes([*a, *b, *c, *d]) as usize);
        match kind {
            0 => message = Some(serde_json::from_slice(frame).unwrap()),
            _ => trailers.push_str(std::str::from_utf8(frame).unwrap()),
        }
        rest = behind;
    }
    if let Some(status) = status {
        trailers.push_str(&format!("grpc-status: {status}"));
    }
    (message, trailers.replace(": ", ":"))
}

#[tokio::test]
async fn browsers_speak_grpc_web() {
    let test = with_flags().await;
    let token = test.token(&["evaluate"]).await;
    let client = reqwest::Client::new();
    for service in [V1, V2] {
        let url = test.url(&format!("/{service}/ResolveString"));
        let asked = json!({"flagKey": "plan-page", "context": {"customer": {"seats": 7}}});
        let (message, trailers) = grpc_web(&client, &url, Some(&token), &asked).await;
        assert_eq!(message.unwrap()["value"], "n");
        assert!(trailers.contains("grpc-status:0"), "{trailers}");
        let (message, trailers) = grpc_web(&client, &url, Some(&token), &json!({"flagKey": "none"})).await;
        assert_eq!(message, None);
        assert!(trailers.contains("grpc-status:5"), "not found: {trailers}");
        let (_, trailers) = grpc_web(&client, &url, None, &asked).await;
        assert!(trailers.contains("grpc-status:16"), "unauthenticated: {trailers}");
    }
}

#[tokio::test]
async fn a_single_evaluation_exposes_and_one_of_all_does_not() {
    let test = TestServer::start().await;
    crate::seed::company(&test).await;
    let token = test.token(&["evaluate", "sync"]).await;
    let client = reqwest::Client::new();
    let events = async || test.server.live().events.view().await.unwrap().events();
    let before = events().await;
    let context = |unit: usize| json!({"targetingKey": format!("u{unit}")});
    for unit in 0..20 {
        let all = test.url(&format!("/{V1}/ResolveAll"));
        grpc_web(&client, &all, Some(&token), &json!({"context": context(unit)})).await;
    }
    grpc_web(&client, &test.url(&format!("/{SYNC}/FetchAllFlags")), Some(&token), &json!({})).await;
    let mut admitted = 0;
    for unit in 0..20 {
        let url = test.url(&format!("/{V2}/ResolveBoolean"));
        let asked = json!({"flagKey": "invite-v2", "context": context(unit)});
        // The second time adds nothing.
        for _ in 0..2 {
            let (message, _) = grpc_web(&client, &url, Some(&token), &asked).await;
            let variant = message.unwrap()["variant"].clone();
            assert!(variant == "treatment" || variant == "control" || variant == "off", "{variant}");
            admitted += usize::from(variant != "off");
        }
    }
    let expected = before + admitted as u64 / 2;
    for _ in 0..400 {
        if events().await >= expected {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert!(admitted > 0);
    assert_eq!(events().await, expected);
}

/// The messages of a Connect stream as they come.
struct Messages {
    response: reqwest::Response,
    buffer: Vec<u8>,
}

impl Messages {
    async fn open(test: &TestServer, method: &str, token: &str) -> Self {
        let request = reqwest::Client::new().post(test.url(&format!("/{method}"))).bearer_auth(token);
        // An envelope: no flags, four bytes of length, an empty message.
        let request =
            request.header("content-type", "application/connect+json").body(b"\0\0\0\0\x02{}".to_vec());
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        Self { response, buffer: Vec::new() }
    }

    async fn next(&mut self) -> Value {
        loop {
            if let Some(length) = self.buffer.get(1..5) {
                let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
                if self.buffer.len() >= 5 + length {
                    let message = self.buffer.drain(..5 + length).skip(5).collect::<Vec<u8>>();
                    return serde_json::from_slice(&message).unwrap();
                }
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.response.chunk()).await;
            self.buffer.extend(chunk.unwrap().unwrap().unwrap());
        }
    }
}

#[tokio::test]
async fn streams_tell_of_changes() {
    let test = with_flags().await;
    let token = test.token(&["evaluate", "sync"]).await;
    let mut events = [
        Messages::open(&test, &format!("{V1}/EventStream"), &token).await,
        Messages::open(&test, &format!("{V2}/EventStream"), &token).await,
    ];
    let mut sync = Messages::open(&test, &format!("{SYNC}/SyncFlags"), &token).await;
    for events in &mut events {
        assert_eq!(events.next().await, json!({"type": "provider_ready", "data": {}}));
    }
    let document = |message: &Value| -> Value {
        serde_json::from_str(message["flagConfiguration"].as_str().unwrap()).unwrap()
    };
    assert_eq!(document(&sync.next().await)["flags"]["switch"]["defaultVariant"], "on");

    let off = json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off"});
    test.send(Method::PUT, "/api/v1/flags/switch", Some(&test.admin), Some(&off)).await;
    for events in &mut events {
        let change =
            json!({"type": "configuration_change", "data": {"flags": {"switch": {"type": "update"}}}});
        assert_eq!(events.next().await, change);
    }
    assert_eq!(document(&sync.next().await)["flags"]["switch"]["defaultVariant"], "off");
    // Streams do not keep a server from stopping.
    let started = std::time::Instant::now();
    drop(test.stop().await);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_listener_of_an_environment_asks_for_nothing() {
    let listener = |credential, environment: &str| FlagListener {
        listen: "127.0.0.1:0".parse().unwrap(),
        credential,
        environment: environment.to_owned(),
        tls: Tls::default(),
    };
    let test = TestServer::start_with(|config| {
        config.flag_listeners =
            vec![listener(Credential::None, "staging"), listener(Credential::Token, "production")];
        config.flag_context.insert("region".to_owned(), json!("eu"));
    })
    .await;
    test.grant(&["developer"]).await;
    let flag = json!({
        "state": "ENABLED", "variants": {"eu": "EU", "us": "US"}, "defaultVariant": "us",
        "targeting": {"if": [{"==": [{"var": "region"}, "eu"]}, "eu"]},
    });
    test.send(Method::PUT, "/api/v1/flags/place?environment=staging", Some(&test.admin), Some(&flag)).await;
    let [open, closed] = test.server.flag_addrs() else { unreachable!("two listeners") };
    let post = async |addr: &std::net::SocketAddr, path: &str, body: Value| {
        let request = reqwest::Client::new().post(format!("http://{addr}{path}")).json(&body);
        crate::server::read(request.send().await.unwrap()).await
    };
    let resolve = format!("/{V2}/ResolveString");
    // What stands in every context stands above the caller's own.
    let body = json!({"flagKey": "place", "context": {"region": "us"}});
    let answer = post(open, &resolve, body.clone()).await;
    assert_eq!(answer.body["value"], "EU", "{answer:?}");
    let answer = post(open, &format!("/{SYNC}/GetMetadata"), json!({})).await;
    assert_eq!(answer.body["metadata"], json!({"region": "eu"}), "{answer:?}");
    let answer =
        post(open, "/ofrep/v1/evaluate/flags/place", json!({"context": {"targetingKey": "u"}})).await;
    assert_eq!(answer.body["value"], "EU", "{answer:?}");
    assert_eq!(post(open, "/api/v1/commands", json!({})).await.status, StatusCode::NOT_FOUND, "flags alone");
    assert_eq!(post(closed, &resolve, body).await.status, StatusCode::UNAUTHORIZED);
}
