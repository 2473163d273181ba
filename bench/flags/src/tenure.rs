//! Tenure's own evaluator over flagd definitions.

use serde_json::{Value as Json, json};
use tenure_flags::{Context, FlagSet, Snapshot};

use crate::Subject;
use crate::workload::{Workload, attributes, key, members};

/// The flagd document of a workload; `flagd-evaluation-engine` reads the same.
pub fn document(workload: Workload) -> Json {
    let mut flags = json!({});
    for (index, flag) in workload.flags().into_iter().enumerate() {
        let mut definition =
            json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off"});
        match flag {
            Workload::Targeting => {
                definition["targeting"] = json!({"if": [{"and": [
                    {"==": [{"var": "country"}, "DE"]},
                    {"in": [{"var": "plan"}, ["pro", "enterprise"]]},
                    {">=": [{"var": "age"}, 18]}
                ]}, "on", "off"]});
            }
            Workload::Segment(keys) => {
                definition["targeting"] =
                    json!({"if": [{"in": [{"var": "targetingKey"}, members(keys)]}, "on", "off"]});
            }
            Workload::Rollout => definition["targeting"] = json!({"fractional": [["on", 50], ["off", 50]]}),
            _ => definition["defaultVariant"] = "on".into(),
        }
        flags[key(index)] = definition;
    }
    json!({"flags": flags})
}

pub fn subject(workload: Workload, callers: usize) -> Subject {
    let snapshot = Snapshot::compile(&FlagSet::from_json(document(workload)).expect("a flagd document"));
    assert_eq!(snapshot.faults().count(), 0);
    let contexts: Vec<Json> = (0..callers).map(|caller| attributes(caller, "targetingKey")).collect();
    let is_on = |value: Option<&Json>| usize::from(value == Some(&Json::Bool(true)));
    if matches!(workload, Workload::Bulk(_)) {
        return Box::new(move |caller| {
            let context = Context::from_json(&contexts[caller]).expect("an object");
            snapshot
                .evaluate_all(&context, 0)
                .map(|(_, answer)| is_on(answer.expect("an answer").value))
                .sum()
        });
    }
    let key = key(0);
    Box::new(move |caller| {
        let context = Context::from_json(&contexts[caller]).expect("an object");
        is_on(snapshot.evaluate(&key, &context, 0).expect("an answer").value)
    })
}
