//! OpenTelemetry as a way in: OTLP over HTTP and over gRPC-Web, in protobuf and JSON, as exporters send it.

use std::io::Write as _;

use jiff::{SignedDuration, Timestamp};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use reqwest::{StatusCode, header};
use serde_json::{Value, json};
use tenure_analysis::{Epoch, Query};

use crate::server::{Answer, TestServer, read};

const LOGS_OVER_GRPC: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
/// 2026-03-02T09:00:00Z, which is what the server's clock says.
const NOW_NANOSECONDS: u64 = 1_772_442_000_000_000_000;

fn attributes(of: &Value) -> Value {
    let attribute = |(key, value): (&String, &Value)| json!({"key": key, "value": {"stringValue": value}});
    of.as_object().unwrap().iter().map(attribute).collect()
}

fn evaluation(unit: &str, variant: &str, nanoseconds: u64) -> Value {
    let said = json!({
        "feature_flag.key": "checkout", "feature_flag.result.variant": variant,
        "feature_flag.context.id": unit, "feature_flag.version": "PC-1/1",
    });
    json!({
        "timeUnixNano": nanoseconds.to_string(), "eventName": "feature_flag.evaluation", "attributes": attributes(&said),
    })
}

fn logs(records: &[Value]) -> Value {
    json!({"resourceLogs": [{"resource": {"attributes": []}, "scopeLogs": [{"scope": {"name": "test"}, "logRecords": records}]}]})
}

fn protobuf<M: Message + serde::de::DeserializeOwned>(request: Value) -> Vec<u8> {
    serde_json::from_value::<M>(request).unwrap().encode_to_vec()
}

/// Send bytes as they are.
async fn send(
    test: &TestServer,
    path: &str,
    token: &str,
    kind: &str,
    gzip: bool,
    body: Vec<u8>,
) -> reqwest::Response {
    let request =
        reqwest::Client::new().post(test.url(path)).bearer_auth(token).header(header::CONTENT_TYPE, kind);
    let request = if gzip {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&body).unwrap();
        request.header(header::CONTENT_ENCODING, "gzip").body(packed.finish().unwrap())
    } else {
        request.body(body)
    };
    request.send().await.unwrap()
}

/// Units in each arm of a revision, control first, as the engine counts them.
async fn units(test: &TestServer, revision: Option<&str>) -> [u64; 2] {
    let live = test.server.live();
    let query = Query {
        flag: "checkout".to_owned(),
        revision: revision.map(str::to_owned),
        unit_type: "user".to_owned(),
        arms: vec!["control".to_owned(), "treatment".to_owned()],
        epochs: vec![Epoch { index: 1, starts_at: Timestamp::UNIX_EPOCH }],
        as_of: live.clock.now() + SignedDuration::from_hours(1),
        lateness: SignedDuration::from_hours(24),
        days: 0,
        metrics: vec![tenure_analysis::Metric {
            name: "purchase".to_owned(),
            event: "purchase".to_owned(),
            filter: Vec::new(),
            aggregation: tenure_analysis::Aggregation::Any,
            window: None,
            cap: None,
        }],
    };
    let answer = live.engine.measure(&query).await.unwrap();
    [0, 1].map(|arm: usize| answer.epochs[0].arms[arm].units)
}

#[tokio::test]
async fn exposures_arrive_whichever_way_they_are_framed() {
    let test = TestServer::start().await;
    let token = test.token(&["ingest"]).await;
    let http = async |kind: &str, gzip, unit: &str, variant: &str| {
        let request = logs(&[evaluation(unit, variant, NOW_NANOSECONDS)]);
        let body = match kind {
            "application/json" => serde_json::to_vec(&request).unwrap(),
            _ => protobuf::<ExportLogsServiceRequest>(request),
        };
        let answer = send(&test, "/v1/logs", &token, kind, gzip, body).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], kind);
    };
    http("application/json", false, "u1", "control").await;
    http("application/json", true, "u2", "treatment").await;
    http("application/x-protobuf", false, "u3", "treatment").await;
    http("application/x-protobuf", true, "u4", "treatment").await;
    // An exporter that had no answer sends the same again.
    http("application/x-protobuf", true, "u4", "treatment").await;
    assert_eq!(units(&test, Some("PC-1/1")).await, [1, 3]);
    assert_eq!(units(&test, Some("PC-1/2")).await, [0, 0]);

    let event = |unit: &str| {
        let mut event = evaluation(unit, "control", NOW_NANOSECONDS);
        event["name"] = event["eventName"].take();
        event
    };
    let spans = json!({"resourceSpans": [{"scopeSpans": [{"spans": [
        {"name": "GET /checkout", "events": [{"name": "exception", "timeUnixNano": "1"}, event("u5")]},
        {"name": "GET /checkout", "events": [event("u6")]},
    ]}]}]});
    let body = protobuf::<ExportTraceServiceRequest>(spans);
    let answer = send(&test, "/v1/traces", &token, "application/x-protobuf", false, body).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(units(&test, None).await, [3, 3]);
}

#[tokio::test]
async fn grpc_is_served_beside_http() {
    let test = TestServer::start().await;
    let token = test.token(&["ingest"]).await;
    let message = protobuf::<ExportLogsServiceRequest>(logs(&[evaluation("u1", "control", NOW_NANOSECONDS)]));
    let mut framed = vec![0];
    framed.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    framed.extend(message);
    let call = async |token: &str, body: Vec<u8>| {
        let answer = send(&test, LOGS_OVER_GRPC, token, "application/grpc-web+proto", false, body).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let status = answer.headers().get("grpc-status").map(|status| status.to_str().unwrap().to_owned());
        let body = answer.bytes().await.unwrap();
        // The status is a header where nothing else is said, else the last frame.
        status.unwrap_or_else(|| {
            let text = String::from_utf8_lossy(&body).into_owned();
            let at = text.find("grpc-status:").unwrap() + "grpc-status:".len();
            text[at..].trim_start().split(['\r', '\n']).next().unwrap().to_owned()
        })
    };
    assert_eq!(call(&token, framed.clone()).await, "0");
    assert_eq!(units(&test, Some("PC-1/1")).await, [1, 0]);
    assert_eq!(call("tnr_wrong", framed.clone()).await, "16", "unauthenticated");
    let reader = test.token(&["read"]).await;
    assert_eq!(call(&reader, framed).await, "7", "permission denied");
    assert_eq!(call(&token, vec![0, 0, 0, 0, 2, 0x0a, 0x7f]).await, "3", "invalid argument");
}

#[tokio::test]
async fn what_is_wrong_is_told_and_the_rest_is_accepted() {
    let test = TestServer::start().await;
    let token = test.token(&["ingest"]).await;
    let mut nobody = evaluation("u1", "control", NOW_NANOSECONDS);
    nobody["attributes"] =
        attributes(&json!({"feature_flag.key": "checkout", "feature_flag.result.variant": "control"}));
    let long_ago = evaluation("u2", "control", 1_000_000_000);
    let other = json!({"body": {"stringValue": "a line of a log"}, "severityNumber": 9});
    let records = logs(&[nobody, long_ago, other, evaluation("u3", "treatment", NOW_NANOSECONDS)]);

    let json =
        send(&test, "/v1/logs", &token, "application/json", false, serde_json::to_vec(&records).unwrap())
            .await;
    let Answer { status, body, .. } = read(json).await;
    assert_eq!(
        (status, &body["partialSuccess"]["rejectedLogRecords"]),
        (StatusCode::OK, &json!("2")),
        "{body}"
    );
    let message = body["partialSuccess"]["errorMessage"].as_str().unwrap();
    assert!(
        message.contains("feature_flag.context.id: missing") && message.contains("400 days"),
        "{message}"
    );
    assert!(message.contains("flag checkout: no flag has this key"), "{message}");

    let answer = send(
        &test,
        "/v1/logs",
        &token,
        "application/x-protobuf",
        false,
        protobuf::<ExportLogsServiceRequest>(records),
    )
    .await;
    let told =
        ExportLogsServiceResponse::decode(answer.bytes().await.unwrap()).unwrap().partial_success.unwrap();
    assert_eq!((told.rejected_log_records, told.error_message.as_str()), (2, message));
    assert_eq!(units(&test, None).await, [0, 1]);

    let all_is_well = json!({"resourceLogs": []});
    let answer =
        send(&test, "/v1/logs", &token, "application/json", false, serde_json::to_vec(&all_is_well).unwrap())
            .await;
    assert_eq!(read(answer).await.body, json!({}));
    for (kind, body, status) in [
        ("application/json", &b"{"[..], StatusCode::BAD_REQUEST),
        ("application/x-protobuf", &[0x0a, 0x7f][..], StatusCode::BAD_REQUEST),
        ("text/plain", &b""[..], StatusCode::BAD_REQUEST),
    ] {
        let answer = send(&test, "/v1/logs", &token, kind, false, body.to_vec()).await;
        assert_eq!(answer.status(), status, "{kind}");
    }
}
