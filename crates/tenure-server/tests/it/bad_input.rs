//! What nobody should send: each is answered clearly, costs bounded memory, and other work goes on meanwhile.

use std::io::Write as _;
use std::time::Duration;

use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::server::{TestServer, read};

/// The only event that was refused of a batch of one, by its field and message; none if it was accepted.
async fn refused(test: &TestServer, token: &str, event: &Value) -> Option<(String, String)> {
    let answer = test.send(Method::POST, "/api/v1/events", Some(token), Some(&json!([event]))).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let refused = answer.body["refused"].as_array().unwrap();
    assert_eq!(answer.body["accepted"], 1 - refused.len(), "{answer:?}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    refused.first().map(|refused| (text(&refused["field"]), text(&refused["message"])))
}

/// The server's clock stands at 2026-03-02T09:00:00Z.
#[tokio::test]
async fn clocks_may_differ_by_a_day_and_history_is_400_days_long() {
    let test = TestServer::start().await;
    let token = test.token(&["ingest"]).await;
    let check = async |at: Value, expected: Option<&str>| {
        let event = json!({"type": "outcome", "unit": "u1", "event": "visit", "at": at.clone()});
        match (refused(&test, &token, &event).await, expected) {
            (None, None) => {}
            (Some((field, message)), Some(words)) => {
                assert_eq!(field, "at", "{at}");
                assert!(message.contains(words), "{at}: {message}");
            }
            (refused, _) => panic!("{at}: {refused:?}"),
        }
    };
    check(json!("2026-03-03T08:59:00Z"), None).await;
    check(json!("2026-03-03T09:01:00Z"), Some("more than a day after its receipt")).await;
    check(json!("9999-01-01T00:00:00Z"), Some("check the sender's clock")).await;
    check(json!("2025-01-27T09:00:00Z"), None).await;
    check(json!("2025-01-26T08:00:00Z"), Some("more than 400 days before its receipt")).await;
    check(json!("0001-01-01T00:00:00Z"), Some("check the sender's clock")).await;
    check(json!(1_772_442_000_000_i64), None).await;
    check(json!(1_772_442_000_000_000_i64), Some("not micro- or nanoseconds")).await;
    check(json!("yesterday"), Some("is not a time")).await;
    check(json!("2026-03-02T09:00:00"), Some("RFC 3339 with an offset")).await;
    check(json!(true), Some("is not a time")).await;
}

#[tokio::test]
async fn a_value_of_the_wrong_type_names_its_field() {
    let test = TestServer::start().await;
    let token = test.token(&["ingest"]).await;
    let outcome = json!({"type": "outcome", "unit": "u1", "event": "visit"});
    for (field, value) in [
        ("unit", json!(7)),
        ("unit", json!({"user": 7})),
        ("event", json!(["visit"])),
        ("value", json!("12.5")),
        ("value", json!(true)),
        ("attributes", json!("se")),
        ("attributes", json!({"country": {"code": "SE"}})),
        ("type", json!("click")),
        ("id", json!(7)),
    ] {
        let mut event = outcome.clone();
        event[field] = value.clone();
        let (named, message) = refused(&test, &token, &event).await.unwrap();
        assert!(named.starts_with(field), "{field} {value}: {named}: {message}");
    }
    // What is no number in JSON is no JSON.
    let body = r#"[{"type": "outcome", "unit": "u1", "event": "visit", "value": NaN}]"#;
    let request = test.http.post(test.url("/api/v1/events")).bearer_auth(&token).body(body);
    let answer = read(request.header(header::CONTENT_TYPE, "application/json").send().await.unwrap()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
}

#[tokio::test]
async fn unknown_flags_and_events_are_kept_and_told() {
    let test = TestServer::start().await;
    let token = test.token(&["ingest"]).await;
    let batch = json!([
        {"type": "exposure", "unit": "u1", "flag": "chekout", "variant": "treatment"},
        {"type": "outcome", "unit": "u1", "event": "purchse"},
        {"type": "outcome", "unit": "u2", "event": "purchse"},
    ]);
    let answer = test.send(Method::POST, "/api/v1/events", Some(&token), Some(&batch)).await;
    assert_eq!(answer.body["accepted"], 3, "{answer:?}");
    let mut told: Vec<_> = answer.body["unknown"].as_array().unwrap().iter().collect();
    told.sort_by_key(|unknown| unknown["field"].as_str().unwrap());
    assert_eq!((&told[0]["name"], &told[0]["events"]), (&json!("purchse"), &json!(2)));
    assert_eq!((&told[1]["name"], &told[1]["events"]), (&json!("chekout"), &json!(1)));
    for unknown in told {
        assert!(unknown["message"].as_str().unwrap().contains("check the spelling"), "{unknown}");
    }
}

/// A stream of 64 MB in chunks, whose length nobody announced, ends in an answer long before its end; others are served
/// meanwhile.
#[tokio::test]
async fn a_stream_without_end_is_cut_short() {
    let test = TestServer::start().await;
    let token = test.token(&["ingest"]).await;
    let mut stream = TcpStream::connect(test.server.addr()).await.unwrap();
    let head = format!(
        "POST /api/v1/events HTTP/1.1\r\nHost: tenure\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let line = "{\"type\":\"outcome\",\"unit\":\"u1\",\"event\":\"visit\"}\n";
    let lines = line.repeat((1 << 20) / line.len());
    let chunk = format!("{:x}\r\n{lines}\r\n", lines.len());
    let mut sent = 0;
    for place in 0..64 {
        // Over the bound the server closes its side.
        let written = tokio::time::timeout(Duration::from_secs(5), stream.write_all(chunk.as_bytes())).await;
        if !matches!(written, Ok(Ok(()))) {
            break;
        }
        sent += lines.len();
        if place % 16 == 0 {
            assert_eq!(test.get("/healthz").await.status, StatusCode::OK);
        }
    }
    let mut answer = String::new();
    // A reset may take the answer with it when much of the stream was still under way.
    let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_string(&mut answer)).await;
    assert!(sent < 64 << 20 || answer.contains("413"), "{sent} bytes were read: {answer}");
    assert!(answer.is_empty() || answer.contains("413 Payload Too Large"), "{answer}");
    assert_eq!(test.server.live().events.view().await.unwrap().events(), 0);
    let event = json!({"type": "outcome", "unit": "u1", "event": "visit"});
    assert_eq!(refused(&test, &token, &event).await, None);
}

/// 256 MB of blanks, a quarter of a megabyte when packed.
#[tokio::test]
async fn a_packed_body_counts_by_what_is_in_it() {
    let test = TestServer::start().await;
    let token = test.token(&["ingest"]).await;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let blanks = vec![b' '; 1 << 20];
    for _ in 0..256 {
        packed.write_all(&blanks).unwrap();
    }
    let request = test.http.post(test.url("/api/v1/events")).bearer_auth(&token);
    let request =
        request.header(header::CONTENT_TYPE, "application/x-ndjson").header(header::CONTENT_ENCODING, "gzip");
    let answer = read(request.body(packed.finish().unwrap()).send().await.unwrap()).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{answer:?}");
    assert_eq!(answer.body["code"], "too_large");
}
