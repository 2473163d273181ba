//! A snapshot that is made of another answers like one that is compiled anew.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use tenure_flags::{Context, Entry, FlagSet, Snapshot};

/// A flag with a fault, one without a rule, one with its own rule, one with a shared rule.
fn flag(kind: u8) -> Json {
    let targeting = match kind % 4 {
        0 => return json!({"state": "ENABLED", "variants": 7}),
        1 => json!({}),
        2 => json!({"if": [{"==": [{"var": "plan"}, "team"]}, "on"]}),
        _ => json!({"if": [{"$ref": "beta"}, "on"]}),
    };
    let default = if kind < 4 { "on" } else { "off" };
    json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": default, "targeting": targeting})
}

fn set(flags: &BTreeMap<u8, u8>) -> FlagSet {
    let flags: serde_json::Map<String, Json> =
        flags.iter().map(|(key, kind)| (format!("flag-{key}"), flag(*kind))).collect();
    let beta = json!({"in": [{"var": "targetingKey"}, ["ann", "bob"]]});
    FlagSet::from_json(json!({"flags": flags, "$evaluators": {"beta": beta}, "metadata": {"team": "growth"}}))
        .unwrap()
}

fn answers(snapshot: &Snapshot) -> Vec<String> {
    let mut answers = Vec::new();
    for context in [json!({}), json!({"targetingKey": "ann"}), json!({"plan": "team"})] {
        let context = Context::from_json(&context).unwrap();
        for (key, answer) in snapshot.evaluate_all(&context, 0) {
            answers.push(format!("{key} {answer:?}"));
            assert_eq!(format!("{answer:?}"), format!("{:?}", snapshot.evaluate(key, &context, 0)));
        }
    }
    answers
}

proptest! {
    #[test]
    fn changes_one_by_one_come_to_the_same(
        before in prop::collection::btree_map(0_u8..20, 0_u8..8, 0..12),
        after in prop::collection::btree_map(0_u8..20, 0_u8..8, 0..12),
    ) {
        let (old, new) = (set(&before), set(&after));
        let mut changed: BTreeMap<String, Option<Entry>> = BTreeMap::new();
        for key in old.flags.keys().chain(new.flags.keys()) {
            if old.flags.get(key) != new.flags.get(key) {
                changed.insert(key.clone(), new.flags.get(key).cloned());
            }
        }
        let anew = Snapshot::compile(&new);
        for share in [false, true] {
            let known = |key: &str| anew.flag(key).filter(|_| share);
            let made = Snapshot::compile(&old).with(&changed, &new.evaluators, known);
            prop_assert_eq!(answers(&made), answers(&anew));
        }
        let made = Snapshot::compile_unknown(&new, |key| anew.flag(key));
        prop_assert_eq!(answers(&made), answers(&anew));
        let nobody = json!({});
        let unknown = made.evaluate("flag-99", &Context::from_json(&nobody).unwrap(), 0);
        prop_assert!(unknown.is_err());
    }
}
