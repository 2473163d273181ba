//! What a flag answers: reasons, values, metadata, errors.

use serde_json::{Value as Json, json};
use tenure_flags::{Context, ErrorCode, FlagSet, Reason, Snapshot, ValueType};

fn snapshot(document: Json) -> Snapshot {
    Snapshot::compile(&FlagSet::from_json(document).unwrap())
}

/// Answers of one flag with the variants `on` and `off`: variant and reason, or the error's code.
#[track_caller]
fn check(members: Json, context: Json, expected: Result<(Option<&str>, Reason), ErrorCode>) {
    let mut flag = json!({"state": "ENABLED", "variants": {"on": true, "off": false, "1.5": true}});
    flag.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let snapshot = snapshot(json!({"flags": {"f": flag}}));
    let context = Context::from_json(&context).unwrap();
    let got = snapshot.evaluate("f", &context, 0);
    let got = got.map(|answer| (answer.variant, answer.reason)).map_err(|error| error.code);
    assert_eq!(got, expected, "{members}");
}

#[test]
fn reasons() {
    let none = || json!({});
    let when_on = json!({"if": [{"var": "go"}, "on", {"var": "other"}]});
    let flag = |default: Json| json!({"defaultVariant": default, "targeting": when_on});
    check(json!({"defaultVariant": "off"}), none(), Ok((Some("off"), Reason::Static)));
    check(json!({"defaultVariant": "off", "targeting": {}}), none(), Ok((Some("off"), Reason::Static)));
    check(json!({"defaultVariant": "off", "targeting": null}), none(), Ok((Some("off"), Reason::Static)));
    check(json!({"defaultVariant": null}), none(), Ok((None, Reason::Default)));
    check(json!({"defaultVariant": ""}), none(), Ok((None, Reason::Default)));
    check(json!({}), none(), Ok((None, Reason::Default)));
    check(flag(json!("off")), json!({"go": 1}), Ok((Some("on"), Reason::TargetingMatch)));
    check(flag(json!("off")), json!({"go": 0}), Ok((Some("off"), Reason::Default)));
    check(flag(json!(null)), json!({"go": 0}), Ok((None, Reason::Default)));
    check(flag(json!("off")), json!({"other": 1.5}), Ok((Some("1.5"), Reason::TargetingMatch)));
    check(flag(json!("off")), json!({"other": "nonsense"}), Err(ErrorCode::General));
    check(flag(json!("off")), json!({"other": ""}), Err(ErrorCode::General));
    check(flag(json!("off")), json!({"other": ["on"]}), Err(ErrorCode::General));
    check(flag(json!("off")), json!({"other": {}}), Err(ErrorCode::General));
    check(flag(json!("off")), json!({"other": true}), Err(ErrorCode::General));
    check(json!({"state": "DISABLED", "defaultVariant": "off"}), none(), Ok((None, Reason::Disabled)));
    check(json!({"state": "DISABLED", "targeting": {"var": "go"}}), none(), Ok((None, Reason::Disabled)));
}

#[test]
fn a_flag_that_is_switched_off_says_so_whatever_its_rule() {
    let flag = json!({"state": "DISABLED", "targeting": {"nonsense": []}});
    check(flag, json!({}), Ok((None, Reason::Disabled)));
}

#[test]
fn a_message_does_not_repeat_the_context() {
    let snapshot = snapshot(json!({"flags": {"f": {
        "state": "ENABLED", "variants": {"on": true}, "targeting": {"var": "x"}
    }}}));
    let message = |value: Json| {
        let context = json!({"x": value});
        snapshot.evaluate("f", &Context::from_json(&context).unwrap(), 0).unwrap_err().message
    };
    assert_eq!(message(json!("none")), "targeting of flag `f` gives `none`, which is not a variant");
    assert_eq!(
        message(json!({"secret": 1})),
        "targeting of flag `f` gives an object, which is not a variant"
    );
    assert!(message(json!("x".repeat(1000))).len() < 120);
}

#[test]
fn no_context_is_an_empty_context() {
    for context in [json!(null), json!({})] {
        check(
            json!({"targeting": {"if": [{"var": ""}, "on", "off"]}}),
            context,
            Ok((Some("on"), Reason::TargetingMatch)),
        );
    }
}

#[test]
fn a_default_that_is_no_variant_fails_only_when_it_is_needed() {
    let flag = json!({"defaultVariant": "absent", "targeting": {"if": [{"var": "go"}, "on"]}});
    check(flag.clone(), json!({"go": true}), Ok((Some("on"), Reason::TargetingMatch)));
    check(flag, json!({}), Err(ErrorCode::General));
}

#[test]
fn booleans_name_the_variants_true_and_false() {
    let snapshot = snapshot(json!({"flags": {"f": {
        "state": "ENABLED", "variants": {"true": "yes", "false": "no"}, "defaultVariant": true,
        "targeting": {"if": [{"missing": "go"}, null, {"var": "go"}]}
    }}}));
    let value = |context: Json| {
        let context = Context::from_json(&context).unwrap();
        snapshot.evaluate("f", &context, 0).unwrap().value.cloned()
    };
    assert_eq!(value(json!({"go": true})), Some(json!("yes")));
    assert_eq!(value(json!({"go": false})), Some(json!("no")));
    assert_eq!(value(json!({})), Some(json!("yes")));
}

#[test]
fn one_bad_flag_harms_no_other() {
    let snapshot = snapshot(json!({"flags": {
        "bad": {"state": "ENABLED", "variants": {"on": true}, "targeting": {"nonsense": []}},
        "worse": 3,
        "good": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"},
    }}));
    let context = Context::empty();
    assert_eq!(snapshot.evaluate("good", &context, 0).unwrap().value, Some(&json!(true)));
    for key in ["bad", "worse"] {
        let error = snapshot.evaluate(key, &context, 0).unwrap_err();
        assert_eq!(error.code, ErrorCode::ParseError);
        assert!(error.message.starts_with(&format!("$.flags.{key}")), "{error}");
    }
    assert_eq!(snapshot.evaluate("absent", &context, 0).unwrap_err().code, ErrorCode::FlagNotFound);
    let all: Vec<(&str, bool)> =
        snapshot.evaluate_all(&context, 0).map(|(key, result)| (key, result.is_ok())).collect();
    assert_eq!(all, [("bad", false), ("good", true), ("worse", false)]);
    assert_eq!(snapshot.keys().collect::<Vec<_>>(), ["bad", "good", "worse"]);
}

#[test]
fn a_flags_metadata_wins_over_its_sets() {
    let snapshot = snapshot(json!({
        "metadata": {"flagSetId": "shop", "version": "1"},
        "flags": {
            "own": {"state": "ENABLED", "variants": {"on": true}, "metadata": {"version": "2", "owner": "growth"}},
            "none": {"state": "DISABLED", "variants": {"on": true}},
        }
    }));
    let metadata = |key| Json::Object(snapshot.evaluate(key, &Context::empty(), 0).unwrap().metadata.clone());
    assert_eq!(metadata("own"), json!({"flagSetId": "shop", "version": "2", "owner": "growth"}));
    assert_eq!(metadata("none"), json!({"flagSetId": "shop", "version": "1"}));
    assert_eq!(Json::Object(snapshot.metadata().clone()), json!({"flagSetId": "shop", "version": "1"}));
}

#[test]
fn expected_types() {
    let values = [json!(true), json!("x"), json!(3), json!(3.0), json!(3.5), json!({"a": 1}), json!([1])];
    let fits = |expected: ValueType| {
        values.iter().map(move |value| {
            let snapshot = snapshot(json!({"flags": {"f": {
                "state": "ENABLED", "variants": {"only": value}, "defaultVariant": "only"
            }}}));
            let answer = snapshot.evaluate("f", &Context::empty(), 0).unwrap();
            match answer.of_type(expected) {
                Ok(_) => '+',
                Err(error) => {
                    assert_eq!(error.code, ErrorCode::TypeMismatch);
                    '-'
                }
            }
        })
    };
    assert_eq!(fits(ValueType::Boolean).collect::<String>(), "+------");
    assert_eq!(fits(ValueType::String).collect::<String>(), "-+-----");
    assert_eq!(fits(ValueType::Integer).collect::<String>(), "--++---");
    assert_eq!(fits(ValueType::Float).collect::<String>(), "--+++--");
    assert_eq!(fits(ValueType::Object).collect::<String>(), "-----++");
}

#[test]
fn an_answer_without_a_value_fits_every_type() {
    let snapshot = snapshot(json!({"flags": {"f": {"state": "DISABLED", "variants": {"on": true}}}}));
    let answer = snapshot.evaluate("f", &Context::empty(), 0).unwrap();
    assert!(answer.of_type(ValueType::String).is_ok());
}

#[test]
fn the_numbers_of_a_flag_are_written_alike() {
    let value = |variants: Json| {
        let snapshot = snapshot(json!({"flags": {"f": {
            "state": "ENABLED", "variants": variants, "defaultVariant": "ten"
        }}}));
        snapshot.evaluate("f", &Context::empty(), 0).unwrap().value.unwrap().to_string()
    };
    assert_eq!(value(json!({"ten": 10, "half": 0.5})), "10.0");
    assert_eq!(value(json!({"ten": 10, "one": 1})), "10");
    assert_eq!(value(json!({"ten": 10, "other": "x", "half": 0.5})), "10");
}

#[test]
fn contexts_must_be_objects() {
    assert!(Context::from_json(&json!(null)).is_ok());
    for context in [json!([]), json!("x"), json!(1)] {
        assert_eq!(Context::from_json(&context).unwrap_err().code, ErrorCode::InvalidContext);
    }
    for (context, expected) in [
        (json!({"targetingKey": "u1"}), Ok("u1")),
        (json!({"targetingKey": ""}), Err(ErrorCode::TargetingKeyMissing)),
        (json!({"targetingKey": 7}), Err(ErrorCode::TargetingKeyMissing)),
        (json!({}), Err(ErrorCode::TargetingKeyMissing)),
    ] {
        let context = Context::from_json(&context).unwrap();
        assert_eq!(context.require_targeting_key().map_err(|error| error.code), expected);
    }
}

#[test]
fn an_explanation_holds_what_ran_and_nothing_else() {
    let snapshot = snapshot(json!({
        "$evaluators": {"german": {"==": [{"var": "country"}, "DE"]}},
        "flags": {"f": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
            "targeting": {"if": [{"$ref": "german"}, "on", {"starts_with": [{"var": "mail"}, "x"]}]}}}
    }));
    let context = json!({"country": "DE"});
    let (answer, steps) = snapshot.explain("f", &Context::from_json(&context).unwrap(), 0);
    assert_eq!(answer.unwrap().variant, Some("on"));
    assert_eq!(
        serde_json::to_value(&steps).unwrap(),
        json!([{"operator": "if", "value": "on", "steps": [
            {"operator": "$ref", "value": true, "steps": [
                {"operator": "==", "value": true, "steps": [
                    {"operator": "var", "variable": "country", "value": "DE"}
                ]}
            ]}
        ]}])
    );
    let (answer, steps) = snapshot.explain("absent", &Context::empty(), 0);
    assert_eq!(answer.unwrap_err().code, ErrorCode::FlagNotFound);
    assert_eq!(steps, []);
}

#[test]
fn an_explanation_is_bounded() {
    let snapshot = snapshot(
        json!({"flags": {"f": {"state": "ENABLED", "variants": {"on": true}, "targeting": {
            "if": [{"!": {"var": ""}}, "on", {"!": {"var": "s"}}, "on", {"some": [{"var": "l"}, {"var": "l"}]}, "on"]
        }}}}),
    );
    let many: Vec<u32> = (0..50_000).collect();
    let context = json!({"l": many, "s": "x".repeat(1_000_000), "o": {"deep": [many]}});
    let (answer, steps) = snapshot.explain("f", &Context::from_json(&context).unwrap(), 0);
    assert_eq!(answer.unwrap().reason, Reason::Default);
    assert_eq!(steps.len(), 1);
    let text = serde_json::to_string(&steps).unwrap();
    assert!(text.len() < 2_000_000, "{} bytes", text.len());
    assert!(text.contains("\"50000 elements\"") && text.contains("\"3 members\""), "{text:.500}");
}
