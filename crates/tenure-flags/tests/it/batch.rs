//! One line in, one JSON object out.

use serde_json::{Value as Json, json};
use tenure_flags::{FlagSet, Snapshot, batch};

#[track_caller]
fn check(line: &str, expected: Json) {
    let set = FlagSet::from_json(json!({"flags": {
        "banner": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
                   "targeting": {"if": [{"==": [{"var": "country"}, "DE"]}, "on"]}},
        "off": {"state": "DISABLED", "variants": {"on": true}, "defaultVariant": "on"},
        "ten": {"state": "ENABLED", "variants": {"ten": 10}, "defaultVariant": "ten"},
        "half": {"state": "ENABLED", "variants": {"half": 0.5, "two": 2}, "defaultVariant": "two"},
        "bad": {"state": "ENABLED", "variants": {"on": true}, "targeting": {"nonsense": 1}},
    }}));
    let snapshot = Snapshot::compile(&set.unwrap());
    let mut got = serde_json::to_value(batch::answer(&snapshot, line, 0)).unwrap();
    if let Some(message) = got.get_mut("message") {
        assert!(message.as_str().is_some_and(|message| !message.is_empty()));
        *message = json!("…");
    }
    // Compared as text, which tells 10 from 10.0.
    assert_eq!(got.to_string(), expected.to_string(), "{line}");
}

#[test]
fn answers() {
    check(
        r#"{"flag": "banner", "context": {"country": "DE"}}"#,
        json!({"flag": "banner", "value": true, "variant": "on", "reason": "TARGETING_MATCH"}),
    );
    check(
        r#"{"flag": "banner", "context": {}, "type": "Boolean"}"#,
        json!({"flag": "banner", "value": false, "variant": "off", "reason": "DEFAULT"}),
    );
    check(r#"{"flag": "off"}"#, json!({"flag": "off", "value": null, "variant": null, "reason": "DISABLED"}));
    check(
        r#"{"flag": "ten", "type": "INTEGER"}"#,
        json!({"flag": "ten", "value": 10, "variant": "ten", "reason": "STATIC"}),
    );
    check(
        r#"{"flag": "ten", "type": "float"}"#,
        json!({"flag": "ten", "value": 10.0, "variant": "ten", "reason": "STATIC"}),
    );
    check(
        r#"{"flag": "half", "type": "number"}"#,
        json!({"flag": "half", "value": 2.0, "variant": "two", "reason": "STATIC"}),
    );
    check(
        r#"{"flag": "half", "type": "Integer"}"#,
        json!({"flag": "half", "value": 2, "variant": "two", "reason": "STATIC"}),
    );
}

#[test]
fn failures() {
    let failed = |flag: Json, error: &str| json!({"flag": flag, "error": error, "message": "…"});
    check(r#"{"flag": "absent", "context": {}}"#, failed(json!("absent"), "FLAG_NOT_FOUND"));
    check(r#"{"flag": "bad", "context": {}}"#, failed(json!("bad"), "PARSE_ERROR"));
    check(r#"{"flag": "banner", "context": {}, "type": "string"}"#, failed(json!("banner"), "TYPE_MISMATCH"));
    check(r#"{"flag": "banner", "context": {}, "type": "date"}"#, failed(json!("banner"), "GENERAL"));
    check(r#"{"flag": "banner", "context": [1]}"#, failed(json!("banner"), "INVALID_CONTEXT"));
    check(r#"{"context": {}}"#, failed(json!(null), "PARSE_ERROR"));
    check("not JSON", failed(json!(null), "PARSE_ERROR"));
    check("", failed(json!(null), "PARSE_ERROR"));
}
