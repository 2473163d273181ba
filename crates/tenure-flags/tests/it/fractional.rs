//! The edges of `fractional`. That it hashes as flagd does is shown by the conformance cases.

use serde_json::{Value as Json, json};
use tenure_flags::{Context, FlagSet, Snapshot};

/// The variant that `{"fractional": operands}` picks, for a caller with targeting key `user-1`.
fn pick(operands: Json) -> Option<String> {
    pick_for(
        operands,
        json!({"targetingKey": "user-1", "none": null, "big": 2_147_483_647, "list": ["b", 1]}),
    )
}

fn pick_for(operands: Json, context: Json) -> Option<String> {
    let set = FlagSet::from_json(json!({"flags": {"f": {
        "state": "ENABLED", "variants": {"a": "a", "b": "b"}, "targeting": {"fractional": operands}
    }}}));
    let snapshot = Snapshot::compile(&set.unwrap());
    let answer = snapshot.evaluate("f", &Context::from_json(&context).unwrap(), 0);
    answer.unwrap().variant.map(str::to_owned)
}

#[track_caller]
fn check(operands: Json, expected: Option<&str>) {
    assert_eq!(pick(operands.clone()).as_deref(), expected, "{operands}");
}

#[test]
fn weights() {
    check(json!([["a", 1], ["b", 0]]), Some("a"));
    check(json!([["a", 0], ["b", 1]]), Some("b"));
    check(json!([["a"], ["b", 0]]), Some("a"));
    check(json!([["a", 0], ["b", 0]]), None);
    check(json!([["a", -1], ["b", -1]]), None);
    check(json!([["a", -100], ["b", 1]]), Some("b"));
    check(json!([["a", 2_147_483_647], ["b", 0]]), Some("a"));
    check(json!([["a", 2_147_483_647], ["b", 1]]), None);
    check(json!([["a", 9_223_372_036_854_775_807_i64]]), None);
    check(json!([["a", 1e300]]), None);
    check(json!([["a", -1e300], ["b", 1]]), None);
    check(json!([["a", 5.0], ["b", 0]]), Some("a"));
    check(json!([["a", 0.5], ["b", 1]]), None);
    check(json!([["a", "1"], ["b", 1]]), None);
    check(json!([["a", true], ["b", 1]]), None);
    check(json!([["a", null], ["b", 1]]), None);
    check(json!([["a", {"var": "big"}], ["b", 0]]), Some("a"));
    check(json!([["a", {"var": "big"}], ["b", 1]]), None);
    check(json!([["a", {"-": [{"var": "big"}, {"var": "big"}]}], ["b", 1]]), Some("b"));
}

#[test]
fn shares() {
    check(json!([]), None);
    check(json!([[]]), None);
    check(json!([["a", 1, 2]]), None);
    check(json!(["salt"]), None);
    check(json!("salt"), None);
    check(json!(["salt", "a"]), None);
    check(json!(["salt", ["a"]]), Some("a"));
    check(json!([[{"if": [{"var": "targetingKey"}, "b", "a"]}, 1]]), Some("b"));
    check(json!([[null, 1]]), None);
    check(json!(["salt", {"var": "list"}]), Some("b"));
    check(json!(["salt", {"var": "none"}]), None);
    // An array in the first place is a share, also when it is computed.
    check(json!([{"var": "list"}, ["a", 0]]), Some("b"));
}

#[test]
fn the_bucketing_value() {
    check(json!([{"var": "none"}, ["a"]]), None);
    check(json!([{"var": "absent"}, ["a"]]), None);
    check(json!([null, ["a"]]), None);
    check(json!([false, ["a"]]), Some("a"));
    check(json!(["", ["a"]]), Some("a"));
    check(json!([{"var": ""}, ["a"]]), Some("a"));
    for context in
        [json!({}), json!({"targetingKey": ""}), json!({"targetingKey": 7}), json!({"targetingKey": null})]
    {
        assert_eq!(pick_for(json!([["a", 1]]), context), None);
    }
}

#[test]
fn numbers_that_are_equal_fall_into_one_bucket() {
    let shares: Vec<Json> = (0..1000).map(|n| json!([if n % 2 == 0 { "a" } else { "b" }, 1])).collect();
    let bucket = |value: Json| {
        let operands: Vec<Json> = [json!({"var": "v"})].into_iter().chain(shares.clone()).collect();
        pick_for(json!(operands), json!({"v": value}))
    };
    for (integer, float) in [(json!(7), json!(7.0)), (json!(-7), json!(-7.0)), (json!(0), json!(-0.0))] {
        assert_eq!(bucket(integer.clone()), bucket(float.clone()), "{integer} and {float}");
        assert_eq!(bucket(json!({"k": [integer]})), bucket(json!({"k": [float]})));
    }
}
