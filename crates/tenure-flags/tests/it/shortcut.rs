//! Conditions on attributes beside constants have a short way through a rule. The same of a variable with a default have none, and
//! explaining takes the long one: all answer alike.

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use tenure_flags::{Context, FlagSet, Snapshot};

const COMPARISONS: [&str; 8] = ["==", "!=", "===", "!==", "<", "<=", ">", ">="];

/// Values that are often equal, of equal length, or of equal number.
fn value() -> impl Strategy<Value = Json> {
    let texts =
        ["", "0", "1", "a", "ab", "abc", "abd", "abcd", "abcde", "abcdefgh", "abcdefghi", "1.0", "true"];
    let long = "x".repeat(70);
    let list = json!(["a", "abc"]);
    prop_oneof![
        4 => prop::sample::select(texts.to_vec()).prop_map(Json::from),
        1 => prop::sample::select(vec![long.clone(), format!("{long}a"), "x".repeat(17)]).prop_map(Json::from),
        2 => prop::sample::select(vec![json!(0), json!(1), json!(1.0), json!(-1), json!(0.5), json!(u64::MAX)]),
        1 => prop::sample::select(vec![json!(true), json!(false), Json::Null, list, json!({})]),
    ]
}

fn test() -> impl Strategy<Value = (String, Json)> {
    let names = COMPARISONS.iter().chain(&["starts_with", "ends_with"]).map(|name| (*name).to_owned());
    let names: Vec<String> = names.collect();
    let texts = prop::collection::vec("[ab]{0,3}", 1..12).prop_map(|texts| ("in".to_owned(), json!(texts)));
    prop_oneof![4 => (prop::sample::select(names), value()), 1 => texts]
}

/// A condition of up to three tests, of an attribute that is written so.
fn condition(attribute: &Json, tests: &[(String, Json)], form: usize) -> Json {
    let mut tests: Vec<Json> =
        tests.iter().map(|(operator, constant)| json!({operator: [attribute, constant]})).collect();
    match form {
        0 => tests.remove(0),
        1 => json!({"and": tests}),
        2 => json!({"or": tests}),
        3 => json!({"!": [{"and": tests}]}),
        4 => json!({"and": [{"$ref": "named"}, {"or": tests}]}),
        _ => json!({"and": [{"!": {"$ref": "named"}}, {"and": tests}]}),
    }
}

fn is_on(attribute: &Json, tests: &[(String, Json)], form: usize, context: &Json) -> bool {
    let condition = condition(attribute, tests, form);
    let targeting = json!({"if": [condition, "on", {"==": [attribute, "none"]}, "none", {"if": [condition, "on", "off"]}]});
    let document = json!({
        "$evaluators": {"named": {"!=": [attribute, "abd"]}},
        "flags": {"f": {
            "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": targeting
        }}
    });
    let snapshot = Snapshot::compile(&FlagSet::from_json(document).unwrap());
    let context = Context::from_json(context).unwrap();
    let answer = snapshot.evaluate("f", &context, 0).unwrap();
    let (explained, steps) = snapshot.explain("f", &context, 0);
    assert_eq!(explained, Ok(answer), "explained otherwise than evaluated");
    assert_eq!(steps[0].operator, "if", "an explanation begins with the rule");
    answer.value == Some(&json!(true))
}

/// The variant that a split gives, written so that it is picked at once or by a run.
fn split_variant(weights: &[u32], nested: bool, is_computed: bool, context: &Json) -> Option<String> {
    let weight = |weight: &u32| if is_computed { json!({"+": [weight, 0]}) } else { json!(weight) };
    let inner =
        json!({"if": [{"==": [{"var": "country"}, "DE"]}, "a", {"==": [{"var": "country"}, "FR"]}, "b"]});
    let variant = |at: usize| if nested && at == 1 { inner.clone() } else { json!(["a", "b", "c"][at % 3]) };
    let parts: Vec<Json> =
        weights.iter().enumerate().map(|(at, own)| json!([variant(at), weight(own)])).collect();
    let document = json!({"flags": {"f": {
        "state": "ENABLED", "variants": {"a": 1, "b": 2, "c": 3}, "defaultVariant": "c", "targeting": {"fractional": parts}
    }}});
    let snapshot = Snapshot::compile(&FlagSet::from_json(document).unwrap());
    let context = Context::from_json(context).unwrap();
    let answer = snapshot.evaluate("f", &context, 0).unwrap();
    assert_eq!(snapshot.explain("f", &context, 0).0, Ok(answer), "explained otherwise than evaluated");
    Some(format!("{:?} {:?}", answer.variant?, answer.reason))
}

proptest! {
    #[test]
    fn a_split_is_the_same_at_once_and_by_a_run(
        weights in prop::collection::vec(prop_oneof![0..4_u32, Just(u32::MAX / 2)], 1..5), nested: bool,
        key in prop::option::of("[a-z]{0,9}"), country in prop::sample::select(vec!["DE", "FR", "US"])
    ) {
        let context = json!({"targetingKey": key, "country": country});
        let at_once = split_variant(&weights, nested, false, &context);
        prop_assert_eq!(at_once, split_variant(&weights, nested, true, &context), "{:?} for {}", weights, context);
    }

    #[test]
    fn the_short_way_leads_where_the_long_one_does(
        tests in prop::collection::vec(test(), 1..4), value in prop::option::weighted(0.9, value()), form in 0..6_usize,
        others in 0..20_usize
    ) {
        let mut context = json!({});
        if let Some(value) = value {
            context["attribute"] = value;
        }
        for other in 0..others {
            context[format!("other{other}")] = json!(other);
        }
        let short = is_on(&json!({"var": "attribute"}), &tests, form, &context);
        let long = is_on(&json!({"var": ["attribute", null]}), &tests, form, &context);
        prop_assert_eq!(short, long, "{:?} of {}", tests, context);
    }
}

#[test]
fn named_rules_that_unfold_without_end_are_bounded() {
    let mut evaluators = json!({"rule0": {"==": [{"var": "a"}, 1]}});
    for level in 1..40 {
        let below = format!("rule{}", level - 1);
        evaluators[format!("rule{level}")] = json!({"and": [{"$ref": below}, {"$ref": below}]});
    }
    let document = json!({"$evaluators": evaluators, "flags": {"f": {
        "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
        "targeting": {"if": [{"$ref": "rule39"}, "on"]}
    }}});
    let snapshot = Snapshot::compile(&FlagSet::from_json(document).unwrap());
    let context = json!({"a": 1});
    let error = snapshot.evaluate("f", &Context::from_json(&context).unwrap(), 0).unwrap_err();
    assert!(error.message.contains("too much work"), "{error}");
}

#[test]
fn missing_attributes_are_found_short_and_long() {
    let check = |context: Json, expected: bool| {
        for keys in [json!(["a", "b"]), json!([["a", "b"]]), json!([{"var": ["none", "a"]}, "b"])] {
            let targeting = json!({"if": [{"missing": keys}, "on", "off"]});
            let document = json!({"flags": {"f": {
                "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": targeting
            }}});
            let snapshot = Snapshot::compile(&FlagSet::from_json(document).unwrap());
            let given = Context::from_json(&context).unwrap();
            let answer = snapshot.evaluate("f", &given, 0).unwrap();
            assert_eq!(answer.value, Some(&json!(expected)), "{keys} of {context}");
        }
    };
    check(json!({"a": 1, "b": 0}), false);
    check(json!({"a": 1}), true);
    check(json!({"a": 1, "b": null}), true);
    check(json!({"a": "", "b": 1}), true);
    check(json!({"a": false, "b": []}), false);
    check(json!({}), true);
}
