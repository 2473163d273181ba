//! An answer is given without allocating.

use serde_json::{Value as Json, json};
use tenure_flags::{Context, FlagSet, Phase, Rollout, Share, Snapshot};

/// Heap allocations of one evaluation, after a first one of the same kind on this thread.
fn allocations(flag: &Json, context: &Json) -> u64 {
    let document = json!({
        "$evaluators": {"adult": {">=": [{"var": "age"}, 18]}},
        "metadata": {"flagSetId": "shop"},
        "flags": {"f": flag}
    });
    let snapshot = Snapshot::compile(&FlagSet::from_json(document).unwrap());
    assert_eq!(snapshot.faults().next(), None);
    let context = Context::from_json(context).unwrap();
    let evaluate = || {
        let answer = snapshot.evaluate("f", &context, 1_700_000_000).unwrap();
        assert!(answer.value.is_some());
    };
    evaluate();
    allocation_counter::measure(evaluate).count_total
}

#[track_caller]
fn check(targeting: Json) {
    let flag = json!({
        "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": targeting
    });
    let context = json!({
        "targetingKey": "5c3d8535-f81a-4478-a6d3-afaa4d51199e",
        "country": "DE", "age": 40, "version": "1.2.3", "mail": "user@example.com", "tags": ["a", "b", "c"]
    });
    assert_eq!(allocations(&flag, &context), 0, "{targeting}");
}

#[test]
fn counting_works() {
    assert_eq!(allocation_counter::measure(|| drop(std::hint::black_box(Box::new(1)))).count_total, 1);
}

#[test]
fn an_answer_allocates_nothing() {
    let keys: Vec<String> = (0..10_000).map(|number| format!("key-{number}")).collect();
    check(json!(null));
    check(json!({"if": [{"==": [{"var": "country"}, "DE"]}, "on"]}));
    check(json!({"if": [{"and": [
        {"in": [{"var": "country"}, ["DE", "FR"]]},
        {"<": [10, {"var": "age"}, 50]},
        {"sem_ver": [{"var": "version"}, "^", "1.0"]},
        {"ends_with": [{"var": "mail"}, "@example.com"]},
        {"$ref": "adult"}
    ]}, "on"]}));
    check(json!({"if": [{"in": [{"var": "targetingKey"}, keys]}, "on", "off"]}));
    check(json!({"fractional": [["on", 50], ["off", 50]]}));
    check(
        json!({"fractional": [{"cat": [{"var": "$flagd.flagKey"}, {"var": "targetingKey"}]}, ["on", 50], ["off", 50]]}),
    );
    check(json!({"fractional": [["on", {"if": [{"var": "age"}, 50, 0]}], ["off", 50]]}));
}

#[test]
fn what_a_rule_makes_on_the_way_reuses_the_arena_of_its_thread() {
    check(json!({"if": [{"missing": ["country", "absent"]}, "on", "off"]}));
    check(
        json!({"if": [{"==": [{"substr": [{"cat": [{"var": "mail"}, {"var": "age"}]}, -2]}, "40"]}, "on"]}),
    );
    check(json!({"if": [{"in": ["B", {"map": [{"var": "tags"}, {"cat": [{"var": ""}, "!"]}]}]}, "on"]}));
    check(
        json!({"if": [{"reduce": [{"var": "tags"}, {"cat": [{"var": "accumulator"}, {"var": "current"}]}, ""]}, "on"]}),
    );
}

#[test]
fn a_rollout_allocates_nothing() {
    let rollout = Rollout {
        flag_key: "f".into(),
        name: "checkout".into(),
        salt: None,
        iteration: 1,
        unit_attribute: "targetingKey".into(),
        coverage: Share::ALL,
        exclusion: None,
        treatment_share: Share::HALF,
        treatment: json!(true),
        control: json!(false),
        phase: Phase::Measuring,
        version: "1".into(),
    };
    let flag = rollout.definition().unwrap().to_json();
    assert_eq!(allocations(&flag, &json!({"targetingKey": "user-1"})), 0);
    assert_eq!(allocations(&flag, &json!({})), 0);
}
