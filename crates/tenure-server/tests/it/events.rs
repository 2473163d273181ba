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
