//! Events over HTTP: the good ones are accepted, each bad one is named, and every bound answers clearly.

use reqwest::{StatusCode, header};
use serde_json::json;

use crate::server::{TestServer, read};

#[tokio::test]
async fn a_bad_event_is_named_and_the_others_are_accepted() {
    let test = TestServer::start().await;
    let token = test.token(&["ingest"]).await;
    let batch = json!([
        {"type": "outcome", "id": "1", "unit": "u1", "event": "purchase", "value": 12.5},
        {"type": "outcome", "id": "2", "unit": "u2", "event": "purchase", "value": "much"},
        {"type": "outcome", "id": "3", "unit": "u3", "event": "purchase"},
    ]);
    let answer = test.send(reqwest::Method::POST, "/api/v1/events", Some(&token), Some(&batch)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.body["accepted"], 2);
    assert_eq!(answer.body["refused"][0]["index"], 1);
    assert_eq!(answer.body["refused"][0]["field"], "value");
    assert_eq!(test.server.live().events.view().await.unwrap().events(), 2);
}

#[tokio::test]
async fn lines_and_gzip_are_read() {
    let test = TestServer::start().await;
    let token = test.token(&["ingest"]).await;
    let lines = "{\"type\":\"outcome\",\"unit\":\"u1\",\"event\":\"visit\"}\nno json\n{\"type\":\"outcome\",\"unit\":\"u2\",\"event\":\"visit\"}\n";
    let answer = reqwest::Client::new()
        .post(test.url("/api/v1/events"))
        .bearer_auth(&token)
        .header(header::CONTENT_TYPE, "application/x-ndjson")
        .body(lines)
        .send()
        .await
        .unwrap();
    let answer = read(answer).await;
    assert_eq!((answer.status, &answer.body["accepted"]), (StatusCode::OK, &json!(2)), "{answer:?}");
    assert_eq!(answer.body["refused"][0]["index"], 1);

    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, lines.as_bytes()).unwrap();
    let answer = reqwest::Client::new()
        .post(test.url("/api/v1/events"))
        .bearer_auth(&token)
        .header(header::CONTENT_TYPE, "application/x-ndjson")
        .header(header::CONTENT_ENCODING, "gzip")
        .body(gzip.finish().unwrap())
        .send()
        .await
        .unwrap();
    let answer = read(answer).await;
    assert_eq!((answer.status, &answer.body["accepted"]), (StatusCode::OK, &json!(2)), "{answer:?}");
}

#[tokio::test]
async fn what_is_over_a_bound_is_refused_before_it_is_read() {
    let test = TestServer::start_with(|config| {
        config.ingest_body_bytes_max = 4_096;
        config.ingest_events_max = 3;
    })
    .await;
    let token = test.token(&["ingest"]).await;
    let send = async |body: Vec<u8>| {
        let request = reqwest::Client::new()
            .post(test.url("/api/v1/events"))
            .bearer_auth(&token)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body);
        read(request.send().await.unwrap()).await
    };
    let huge = send(vec![b' '; 5_000]).await;
    assert_eq!(
        (huge.status, &huge.body["code"]),
        (StatusCode::PAYLOAD_TOO_LARGE, &json!("too_large")),
        "{huge:?}"
    );
    assert!(huge.body["detail"].as_str().unwrap().contains("4096 bytes"), "{huge:?}");
    let event = json!({"type": "outcome", "unit": "u1", "event": "visit"});
    let many = send(serde_json::to_vec(&json!([event, event, event, event])).unwrap()).await;
    assert_eq!(many.status, StatusCode::BAD_REQUEST);
    assert!(many.body["detail"].as_str().unwrap().contains("more than 3 events"), "{many:?}");
    let none = send(b"{\"type\": ".to_vec()).await;
    assert_eq!(none.status, StatusCode::BAD_REQUEST);
    assert!(none.body["detail"].as_str().unwrap().contains("not JSON at line 1"), "{none:?}");
    assert_eq!(test.server.live().events.view().await.unwrap().events(), 0);
}

#[tokio::test]
async fn a_zstd_body_is_read_and_what_nobody_defined_is_told() {
    let test = TestServer::start().await;
    let token = test.token(&["ingest"]).await;
    // A frame of one raw block: zstd without a compressor at hand.
    let body = br#"{"type":"outcome","unit":{"tenant":"t9","user":"u1"},"event":"purchse"}"#;
    let size = u32::try_from(body.len()).unwrap();
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x20, u8::try_from(size).unwrap()];
    frame.extend_from_slice(&((size << 3) | 1).to_le_bytes()[..3]);
    frame.extend_from_slice(body);
    let answer = reqwest::Client::new()
        .post(test.url("/api/v1/events"))
        .bearer_auth(&token)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONTENT_ENCODING, "zstd")
        .body(frame)
        .send()
        .await
        .unwrap();
    let answer = read(answer).await;
    assert_eq!((answer.status, &answer.body["accepted"]), (StatusCode::OK, &json!(1)), "{answer:?}");
    assert_eq!(answer.body["unknown"][0]["field"], "event");
    assert_eq!(answer.body["unknown"][0]["name"], "purchse");
    test.does("define_metric", json!({"metric": "buys", "kind": "proportion", "event": "purchse"})).await;
    let known = json!({"type": "outcome", "unit": "u1", "event": "purchse"});
    let answer = test.send(reqwest::Method::POST, "/api/v1/events", Some(&token), Some(&known)).await;
    assert_eq!(answer.body.get("unknown"), None, "{answer:?}");
}

#[tokio::test]
async fn a_units_events_are_erased_and_nobody_elses() {
    let test = TestServer::start().await;
    let token = test.token(&["ingest"]).await;
    let batch = json!([
        {"type": "outcome", "id": "1", "unit": {"user": "u1", "tenant": "t9"}, "event": "visit"},
        {"type": "outcome", "id": "2", "unit": {"user": "u2", "tenant": "t9"}, "event": "visit"},
        {"type": "outcome", "id": "3", "unit": {"user": "t9"}, "event": "visit"},
    ]);
    test.send(reqwest::Method::POST, "/api/v1/events", Some(&token), Some(&batch)).await;
    let erase = async |query: &str| {
        let path = format!("/api/v1/events?{query}");
        test.send(reqwest::Method::DELETE, &path, Some(&test.admin), None).await
    };
    assert_eq!(erase("unit=u1").await.body["events"], 1);
    assert_eq!(erase("unit=u1").await.body["events"], 0);
    assert_eq!(test.server.live().events.view().await.unwrap().events(), 2);
    assert_eq!(erase("unit=t9&type=tenant").await.body["events"], 1);
    assert_eq!(test.server.live().events.view().await.unwrap().events(), 1);
    let nobody = erase("type=tenant").await;
    assert_eq!(nobody.status, StatusCode::BAD_REQUEST, "{nobody:?}");
    assert!(nobody.body["detail"].as_str().unwrap().contains("unit"), "{nobody:?}");
}
