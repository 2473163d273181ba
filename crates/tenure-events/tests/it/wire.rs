//! Events as they come in: what is understood, and what a sender is told who sends something else.

use jiff::Timestamp;
use tenure_events::wire::{BodyError, Malformed, Origin, parse_json, parse_ndjson};
use tenure_events::{Event, Kind, Unit};

use crate::world::{now, seconds};

fn origin() -> Origin<'static> {
    Origin { received_at: now(), source: "api", events_max: 4 }
}

fn parse(event: &str) -> Result<Event, Malformed> {
    let mut events = parse_json(format!("[{event}]").as_bytes(), origin()).unwrap();
    assert_eq!(events.len(), 1);
    events.remove(0)
}

#[test]
fn an_exposure_is_understood() {
    let event = parse(
        r#"{"type": "exposure", "unit": "u1", "flag": "checkout", "variant": "treatment", "revision": "PC-1/1",
            "reason": "split", "id": "e1", "at": "2026-03-01T11:59:00+01:00"}"#,
    )
    .unwrap();
    assert_eq!(event.id(), "e1");
    assert_eq!(event.at(), "2026-03-01T10:59:00Z".parse::<Timestamp>().unwrap());
    assert_eq!(event.received_at(), now());
    assert_eq!(event.units(), [Unit::new("user", "u1")]);
    assert_eq!(event.source(), "api");
    let expected = Kind::Exposure {
        flag: "checkout".into(),
        variant: "treatment".into(),
        revision: Some("PC-1/1".into()),
        reason: Some("split".into()),
    };
    assert_eq!(event.kind(), &expected);
}

#[test]
fn an_outcome_is_understood_and_its_first_unit_is_the_one_that_was_sent_first() {
    let event = parse(
        r#"{"value": 12.5, "name": "purchase", "type": "outcome", "unit": {"user": "u1", "tenant": "t1", "a": "z"},
            "at": 1772366340250, "attributes": {"country": "SE", "trial": true, "seats": 3, "none": null}}"#,
    )
    .unwrap();
    assert_eq!(event.units(), [Unit::new("user", "u1"), Unit::new("tenant", "t1"), Unit::new("a", "z")]);
    assert_eq!(event.at(), "2026-03-01T11:59:00.25Z".parse::<Timestamp>().unwrap());
    assert_eq!(event.kind(), &Kind::Outcome { name: "purchase".into(), value: Some(12.5) });
    let attributes: Vec<(&str, &str)> =
        event.attributes().iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(attributes, [("country", "SE"), ("seats", "3"), ("trial", "true")]);
}

#[test]
fn identity_without_an_id_is_the_content() {
    let id = |event: &str| parse(event).unwrap().id().to_owned();
    let timed = r#"{"type":"outcome","unit":"u1","event":"login","at":"2026-03-01T11:00:00Z"}"#;
    assert_eq!(id(timed), id(timed), "sent again");
    assert_eq!(id(timed), id(&timed.replace(r#""event""#, r#""name""#)), "spelt otherwise");
    for (was, is) in [("u1", "u2"), ("login", "logout"), ("11:00", "11:01"), ("}", r#","value":0}"#)] {
        assert_ne!(id(timed), id(&timed.replacen(was, is, 1)), "{is} for {was}");
    }
    let untimed = r#"{"type":"outcome","unit":"u1","event":"login"}"#;
    let twice = format!("[{untimed},{untimed}]");
    let twice = parse_json(twice.as_bytes(), origin()).unwrap();
    let ids: Vec<&str> = twice.iter().map(|event| event.as_ref().unwrap().id()).collect();
    assert_ne!(ids[0], ids[1], "two events that only look the same");
}

/// Field and message for every way to be wrong; the message says what and how to mend it.
#[test]
fn a_malformed_event_is_told_where_and_what() {
    let long = "x".repeat(257);
    let check = |event: &str, field: &str, parts: &[&str]| {
        let malformed = parse(event).expect_err(event);
        assert_eq!(malformed.field, field, "{event}: {malformed}");
        assert_eq!(malformed.index, 0);
        for part in parts {
            assert!(malformed.message.contains(part), "{event}: {malformed}, without {part}");
        }
        assert!(malformed.message.len() < 300, "{malformed}");
    };
    let outcome = |rest: &str| format!(r#"{{"type":"outcome","unit":"u1","event":"e",{rest}}}"#);

    check("7", "event", &["a number", "not an object"]);
    check("null", "event", &["null"]);
    check(r#"{"unit":"u1"}"#, "type", &["missing", "exposure or outcome"]);
    check(r#"{"type":"click","unit":"u1"}"#, "type", &["`click`"]);
    check(r#"{"type":7,"unit":"u1"}"#, "type", &["a number"]);
    check(r#"{"type":"outcome","unit":"u1"}"#, "event", &["missing"]);
    check(r#"{"type":"outcome","unit":"u1","event":""}"#, "event", &["empty"]);
    check(r#"{"type":"outcome","unit":"u1","event":"a","name":"b"}"#, "name", &["differs", "one of the two"]);
    check(r#"{"type":"outcome","event":"e"}"#, "unit", &["no unit"]);
    check(r#"{"type":"outcome","event":"e","unit":null}"#, "unit", &["no unit"]);
    check(r#"{"type":"outcome","event":"e","unit":{}}"#, "unit", &["no unit"]);
    check(r#"{"type":"outcome","event":"e","unit":""}"#, "unit.user", &["empty"]);
    check(r#"{"type":"outcome","event":"e","unit":42}"#, "unit", &["a number", "quotes"]);
    check(r#"{"type":"outcome","event":"e","unit":{"user":42}}"#, "unit.user", &["a number", "quotes"]);
    check(r#"{"type":"outcome","event":"e","unit":{"user":"a","user":"b"}}"#, "unit", &["two ids", "`user`"]);
    check(r#"{"type":"outcome","event":"e","unit":["u1"]}"#, "unit", &["an array"]);
    check(
        r#"{"type":"outcome","event":"e","unit":{"a":"1","b":"1","c":"1","d":"1","e":"1","f":"1","g":"1","h":"1","i":"1"}}"#,
        "unit",
        &["9", "8"],
    );
    check(&format!(r#"{{"type":"outcome","event":"e","unit":"{long}"}}"#), "unit.user", &["257", "256"]);
    check(r#"{"type":"exposure","unit":"u1","variant":"on"}"#, "flag", &["missing"]);
    check(r#"{"type":"exposure","unit":"u1","flag":"f"}"#, "variant", &["missing"]);
    check(r#"{"type":"exposure","unit":"u1","flag":"f","variant":true}"#, "variant", &["true or false"]);
    check(
        r#"{"type":"exposure","unit":"u1","flag":"f","variant":"on","value":1}"#,
        "value",
        &["not a field of an exposure"],
    );
    check(&outcome(r#""flag":"f""#), "flag", &["not a field of an outcome", "attributes"]);
    check(
        &outcome(r#""timestamp":"2026-03-01T12:00:00Z""#),
        "timestamp",
        &["unknown field", "at", "attributes"],
    );
    check(&outcome(r#""value":"12""#), "value", &["a text", "number"]);
    check(&outcome(r#""value":true"#), "value", &["true or false"]);
    check(&outcome(r#""id":"a","id":"b""#), "id", &["twice"]);
    check(&outcome(r#""id":"""#), "id", &["empty"]);
    check(&outcome(&format!(r#""id":"{long}""#)), "id", &["257"]);
    check(&outcome(r#""at":"yesterday""#), "at", &["`yesterday`", "RFC 3339"]);
    check(&outcome(r#""at":"2026-03-01 12:00""#), "at", &["offset"]);
    check(&outcome(r#""at":true"#), "at", &["true or false"]);
    check(&outcome(r#""at":1772366340"#), "at", &["400 days", "milliseconds"]);
    check(&outcome(r#""at":1772366340250000"#), "at", &["out of range", "milliseconds"]);
    check(&outcome(r#""at":"2026-03-02T12:00:01Z""#), "at", &["more than a day after", "clock"]);
    check(&outcome(r#""at":"2025-01-25T11:59:59Z""#), "at", &["400 days before"]);
    check(&outcome(r#""attributes":[]"#), "attributes", &["an array"]);
    check(&outcome(r#""attributes":{"a":{}}"#), "attributes.a", &["an object"]);
    check(&outcome(&format!(r#""attributes":{{"a":"{long}"}}"#)), "attributes.a", &["257"]);
    let many: Vec<String> = (0..17).map(|number| format!(r#""a{number}":"""#)).collect();
    check(&outcome(&format!(r#""attributes":{{{}}}"#, many.join(","))), "attributes", &["17", "16"]);
}

#[test]
fn times_at_the_bounds_are_taken() {
    for at in [now() + seconds(24 * 3600), now() - seconds(400 * 24 * 3600)] {
        let event = format!(r#"{{"type":"outcome","unit":"u1","event":"e","at":"{at}"}}"#);
        assert_eq!(parse(&event).unwrap().at(), at);
    }
}

#[test]
fn a_bad_event_does_not_touch_the_others() {
    let body =
        r#"[{"type":"outcome","unit":"u1","event":"a"}, 7, {"type":"outcome","unit":"u1","event":"b"}]"#;
    let events = parse_json(body.as_bytes(), origin()).unwrap();
    assert_eq!(events.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(events[1].as_ref().unwrap_err().index, 1);

    let body = "{\"type\":\"outcome\",\"unit\":\"u1\",\"event\":\"a\"}\r\n\n{\"type\":\n \t\n7\n{\"type\":\"outcome\",\"unit\":\"u1\",\"event\":\"b\"}";
    let events = parse_ndjson(body.as_bytes(), origin()).unwrap();
    assert_eq!(events.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false, true]);
    let malformed = events[1].as_ref().unwrap_err();
    assert_eq!((malformed.index, malformed.field.as_str()), (1, "line"));
    assert!(malformed.message.contains("column"), "{malformed}");
}

#[test]
fn a_body_that_cannot_be_taken_apart_is_refused_as_a_whole() {
    let check = |body: &str, parts: &[&str]| {
        let error = parse_json(body.as_bytes(), origin()).unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{body}: {error}, without {part}");
        }
    };
    check("", &["line 1", "not JSON"]);
    check("[\n{\"type\": }]", &["line 2, column 10"]);
    check("7", &["a number", "array of events"]);
    check("[1,2,3,4,5]", &["more than 4 events"]);
    check(r#"[] []"#, &["trailing"]);
    check("\"events\"", &["a text"]);
    check("null", &["null"]);
    check("[1,2,3,4,5,]", &["not JSON"]);
    check(&"[".repeat(100_000), &["EOF"]);
    check(&r#"{"a":"#.repeat(100_000), &["recursion limit"]);
    let too_many = parse_ndjson(b"1\n2\n3\n4\n5\n", origin()).unwrap_err();
    assert_eq!(too_many, BodyError::TooMany { events_max: 4 });
    assert_eq!(parse_ndjson(b"1\n2\n3\n4\n\n", origin()).unwrap().len(), 4);
    assert_eq!(parse_json(b"[]", origin()).unwrap().len(), 0);
    assert!(parse_json(br#"{"type":"outcome","unit":"u1","event":"a"}"#, origin()).unwrap()[0].is_ok());
}

/// An event larger than any bound is refused by a bound, however large it is.
#[test]
fn an_event_of_many_fields_is_malformed() {
    let many = |count: usize, value: &str| {
        (0..count).map(|number| format!(r#""f{number}":{value}"#)).collect::<Vec<_>>().join(",")
    };
    let check = |event: String, field: &str, part: &str| {
        let malformed = parse(&event).unwrap_err();
        assert_eq!(malformed.field, field, "{malformed}");
        assert!(malformed.message.contains(part), "{malformed}");
    };
    let head = r#""type":"outcome","event":"e""#;
    check(format!(r#"{{{head},"unit":"u1",{}}}"#, many(10_000, "[1,[2]]")), "f0", "unknown field");
    check(format!(r#"{{{head},"unit":{{{}}}}}"#, many(10_000, r#""1""#)), "unit", "unit ids");
    check(
        format!(r#"{{{head},"unit":"u1","attributes":{{{}}}}}"#, many(10_000, "1")),
        "attributes",
        "attributes",
    );
}

/// What is not JSON text at all, or not UTF-8, is told and does not panic.
#[test]
fn rubbish_is_told() {
    assert!(parse_json(&[0xff, 0xfe, 0x00], origin()).is_err());
    assert!(parse_ndjson(&[0xff, b'\n', 0x00], origin()).unwrap().iter().all(Result::is_err));
    assert!(parse_json(br#"[{"type":"outcome","unit":"u1","event":"a","value":1e400}]"#, origin()).is_err());
}
