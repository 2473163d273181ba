//! Flags over HTTP: set, served over OFREP, changed while they are served.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::server::TestServer;

fn banner(default: &str) -> Value {
    json!({
        "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": default,
        "targeting": {"if": [{"==": [{"var": "plan"}, "team"]}, "on"]},
    })
}

#[tokio::test]
async fn a_flag_is_set_served_and_archived() {
    let test = TestServer::start().await;
    test.grant(&["developer"]).await;
    let token = test.token(&["evaluate"]).await;
    let evaluate = async |context: Value| {
        let body = json!({"context": context});
        test.send(Method::POST, "/ofrep/v1/evaluate/flags/banner", Some(&token), Some(&body)).await
    };
    let unknown = evaluate(json!({"targetingKey": "u1"})).await;
    assert_eq!(
        (unknown.status, &unknown.body["errorCode"]),
        (StatusCode::NOT_FOUND, &json!("FLAG_NOT_FOUND"))
    );

    let put = test.send(Method::PUT, "/api/v1/flags/banner", Some(&test.admin), Some(&banner("off"))).await;
    assert_eq!(put.status, StatusCode::OK, "{put:?}");
    let answer = evaluate(json!({"targetingKey": "u1"})).await;
    assert_eq!(
        (&answer.body["value"], &answer.body["reason"]),
        (&json!(false), &json!("DEFAULT")),
        "{answer:?}"
    );
    let answer = evaluate(json!({"targetingKey": "u1", "plan": "team"})).await;
    assert_eq!((&answer.body["value"], &answer.body["reason"]), (&json!(true), &json!("TARGETING_MATCH")));
    assert_eq!(answer.body["variant"], "on");

    for (context, code) in [(json!("x"), "INVALID_CONTEXT"), (json!({"targetingKey": 7}), "INVALID_CONTEXT")]
    {
        let answer = evaluate(context).await;
        assert_eq!(
            (answer.status, &answer.body["errorCode"]),
            (StatusCode::BAD_REQUEST, &json!(code)),
            "{answer:?}"
        );
        assert!(answer.body["errorDetails"].is_string());
    }

    let gone = test.send(Method::DELETE, "/api/v1/flags/banner", Some(&test.admin), None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{gone:?}");
    assert_eq!(evaluate(json!({})).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_faulty_definition_is_refused_with_its_place() {
    let test = TestServer::start().await;
    test.grant(&["developer"]).await;
    let faulty = json!({"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on", "targeting": {"nonsense": []}});
    let answer = test.send(Method::PUT, "/api/v1/flags/banner", Some(&test.admin), Some(&faulty)).await;
    assert!(answer.status.is_client_error(), "{answer:?}");
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(detail.contains("targeting"), "{detail}");
}

#[tokio::test]
async fn the_etag_of_all_flags_covers_definitions_and_context() {
    let test = TestServer::start().await;
    test.grant(&["developer"]).await;
    let token = test.token(&["evaluate"]).await;
    test.send(Method::PUT, "/api/v1/flags/banner", Some(&test.admin), Some(&banner("off"))).await;
    let all = async |context: Value, seen: &str| {
        let body = json!({"context": context});
        let headers = [("if-none-match", seen)];
        test.send_with(Method::POST, "/ofrep/v1/evaluate/flags", Some(&token), Some(&body), &headers).await
    };
    let first = all(json!({"targetingKey": "u1"}), "").await;
    assert_eq!(first.status, StatusCode::OK);
    assert_eq!(first.body["flags"][0]["key"], "banner");
    let etag = first.headers["etag"].to_str().unwrap();
    assert_eq!(all(json!({"targetingKey": "u1"}), etag).await.status, StatusCode::NOT_MODIFIED);
    assert_eq!(all(json!({"targetingKey": "u1", "plan": "team"}), etag).await.status, StatusCode::OK);
    test.send(Method::PUT, "/api/v1/flags/banner", Some(&test.admin), Some(&banner("on"))).await;
    assert_eq!(all(json!({"targetingKey": "u1"}), etag).await.status, StatusCode::OK);
}
