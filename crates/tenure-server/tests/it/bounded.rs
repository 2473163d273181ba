//! Whatever comes in, work is bounded and the answer says what is wrong: deep rules, unknown references, keys that no client can
//! ask for, huge and deep contexts, rules that do too much. (Of flagd's messages, `flagd.rs` tells.)

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::server::{Answer, TestServer, read};

fn flag(targeting: Value) -> Value {
    json!({
        "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": targeting
    })
}

async fn put(test: &TestServer, key: &str, targeting: Value) -> Answer {
    let path = format!("/api/v1/flags/{key}");
    test.send(Method::PUT, &path, Some(&test.admin), Some(&flag(targeting))).await
}

/// So many operations, one inside the other.
fn nested(depth: usize) -> String {
    format!("{}true{}", r#"{"!":"#.repeat(depth), "}".repeat(depth))
}

#[tokio::test]
async fn a_definition_that_cannot_be_is_refused_with_its_place() {
    let test = TestServer::start().await;
    test.grant(&["developer"]).await;
    let check = async |targeting: Value, says: &[&str]| {
        let answer = put(&test, "banner", targeting).await;
        assert!(answer.status.is_client_error(), "{answer:?}");
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(says.iter().all(|part| detail.contains(part)), "{detail}");
    };
    let deep = serde_json::from_str(&nested(110)).unwrap();
    check(deep, &["targeting", "nests more than 100 operations"]).await;
    check(json!({"if": [{"$ref": "nobody"}, "on"]}), &["targeting", "nobody"]).await;
    check(json!({"if": [{"$ref": "banner"}, {"$ref": "banner"}]}), &["targeting", "banner"]).await;
    check(json!({"fractional": {"on": 50}, "if": []}), &["targeting", "one operation"]).await;

    // Deeper than JSON is read at all.
    let text = flag(json!("RULE")).to_string().replace("\"RULE\"", &nested(100_000));
    let request = test.http.put(test.url("/api/v1/flags/banner")).bearer_auth(&test.admin);
    let answer = request.header("content-type", "application/json").body(text).send().await.unwrap();
    let answer = read(answer).await;
    assert!(answer.status.is_client_error(), "{answer:?}");
    assert!(answer.body["detail"].as_str().unwrap().contains("recursion limit"), "{answer:?}");

    // A client would ask for another path.
    let answer = put(&test, "shop%2Fbanner", json!({"if": [true, "on"]})).await;
    assert!(answer.status.is_client_error(), "{answer:?}");
    assert!(answer.body["detail"].as_str().unwrap().contains('/'), "{answer:?}");
    let answer = test.get("/api/v1/flags").await;
    assert_eq!(answer.body["items"], json!([]), "none of them is there");
}

#[tokio::test]
async fn a_context_that_is_too_large_or_too_deep_is_refused() {
    let test = TestServer::start().await;
    test.grant(&["developer"]).await;
    let token = test.token(&["evaluate"]).await;
    assert_eq!(put(&test, "banner", json!({"if": [{"var": "beta"}, "on"]})).await.status, StatusCode::OK);
    let ask = async |path: &str, body: String| {
        let request =
            test.http.post(test.url(&format!("/ofrep/v1/evaluate/flags{path}"))).bearer_auth(&token);
        read(request.header("content-type", "application/json").body(body).send().await.unwrap()).await
    };
    for path in ["", "/banner"] {
        let check = async |body: String, code: &str, says: &str| {
            let answer = ask(path, body).await;
            let got = (answer.status, answer.body["errorCode"].as_str().unwrap());
            assert_eq!(got, (StatusCode::BAD_REQUEST, code), "{answer:?}");
            assert!(answer.body["errorDetails"].as_str().unwrap().contains(says), "{answer:?}");
        };
        let large = json!({"context": {"note": "x".repeat(2 << 20)}}).to_string();
        check(large, "INVALID_CONTEXT", "bytes").await;
        let deep = format!(r#"{{"context":{{"note":{}}}}}"#, nested(10_000));
        check(deep, "PARSE_ERROR", "recursion limit").await;
        check("{\"context\":".to_owned(), "PARSE_ERROR", "not JSON").await;
        check("[]".to_owned(), "INVALID_CONTEXT", "an object").await;
    }
    // Many attributes are no fault.
    let mut many: serde_json::Map<String, Value> =
        (0..10_000).map(|number| (format!("attribute{number}"), json!(number))).collect();
    many.insert("beta".to_owned(), json!(true));
    let answer = ask("/banner", json!({"context": many}).to_string()).await;
    assert_eq!((answer.status, &answer.body["value"]), (StatusCode::OK, &json!(true)), "{answer:?}");
    // Nor is a key that cannot be, where one is asked for.
    let answer = ask("/shop%2Fbanner", "{}".to_owned()).await;
    let got = (answer.status, &answer.body["errorCode"]);
    assert_eq!(got, (StatusCode::NOT_FOUND, &json!("FLAG_NOT_FOUND")), "{answer:?}");
}

#[tokio::test]
async fn a_rule_that_does_too_much_answers_with_an_error_and_delays_no_other_flag() {
    let test = TestServer::start().await;
    test.grant(&["developer"]).await;
    let token = test.token(&["evaluate"]).await;
    let found = json!({"some": [{"var": ""}, {"===": [{"var": ""}, 1]}]});
    let rows = json!({"if": [{"some": [{"var": "rows"}, found]}, "on", "off"]});
    assert_eq!(put(&test, "rows", rows).await.status, StatusCode::OK);
    assert_eq!(put(&test, "sound", json!({"if": [true, "on"]})).await.status, StatusCode::OK);
    let body = json!({"context": {"rows": vec![vec![0; 600]; 600]}});
    let begun = Instant::now();
    let all = test.send(Method::POST, "/ofrep/v1/evaluate/flags", Some(&token), Some(&body)).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(all.status, StatusCode::OK);
    let [rows, sound] = all.body["flags"].as_array().unwrap().as_slice() else { panic!("{all:?}") };
    assert_eq!((&rows["key"], &rows["errorCode"]), (&json!("rows"), &json!("GENERAL")));
    assert!(rows["errorDetails"].as_str().unwrap().contains("too much work"), "{rows}");
    assert_eq!((&sound["key"], &sound["value"]), (&json!("sound"), &json!(true)));
}
