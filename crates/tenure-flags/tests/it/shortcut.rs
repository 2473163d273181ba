//! A test of an attribute beside a constant has a shortcut; the same test of a variable with a default has none. Both answer alike.

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

fn is_on(attribute: Json, (operator, constant): &(String, Json), context: &Json) -> bool {
    let targeting = json!({"if": [{operator: [attribute, constant]}, "on", "off"]});
    let document = json!({"flags": {"f": {
        "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": targeting
    }}});
    let snapshot = Snapshot::compile(&FlagSet::from_json(document).unwrap());
    let context = Context::from_json(context).unwrap();
    let answer = snapshot.evaluate("f", &context, 0).unwrap().value.cloned();
    let (explained, _) = snapshot.explain("f", &context, 0);
    assert_eq!(explained.unwrap().value.cloned(), answer, "explained otherwise than evaluated");
    answer == Some(json!(true))
}

proptest! {
    #[test]
    fn a_shortcut_leads_where_the_long_way_does(test in test(), value in value(), others in 0..20_usize) {
        let mut context = json!({"attribute": value});
        for other in 0..others {
            context[format!("other{other}")] = json!(other);
        }
        let short = is_on(json!({"var": "attribute"}), &test, &context);
        let long = is_on(json!({"var": ["attribute", null]}), &test, &context);
        prop_assert_eq!(short, long, "{:?} of {}", test, context);
    }
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
