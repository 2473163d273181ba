//! Tenure's own evaluator over flagd definitions.

use serde_json::{Value as Json, json};
use tenure_flags::{Context, FlagSet, Phase, Rollout, Share, Snapshot};

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
            Workload::Measured => definition = rollout(key(index)).definition().expect("a rollout").to_json(),
            _ => definition["defaultVariant"] = "on".into(),
        }
        flags[key(index)] = definition;
    }
    json!({"flags": flags})
}

fn rollout(flag_key: String) -> Rollout {
    Rollout {
        flag_key,
        name: "new-checkout".into(),
        salt: None,
        iteration: 1,
        unit_attribute: Context::TARGETING_KEY.into(),
        coverage: Share::from_percent(80.0).expect("a share"),
        exclusion: None,
        treatment_share: Share::HALF,
        treatment: true.into(),
        control: false.into(),
        phase: Phase::Measuring,
        version: "1".into(),
    }
}

pub fn subject(workload: Workload, callers: usize) -> Subject {
    let snapshot = Snapshot::compile(&FlagSet::from_json(document(workload)).expect("a flagd document"));
    assert_eq!(snapshot.faults().count(), 0);
    // As everybody's, the contexts are made beforehand; they live as long as the program.
    let contexts: Vec<Context<'static>> = (0..callers)
        .map(|caller| Box::leak(Box::new(attributes(caller, "targetingKey"))))
        .map(|attributes| Context::from_json(attributes).expect("an object"))
        .collect();
    let is_on = |value: Option<&Json>| usize::from(value == Some(&Json::Bool(true)));
    if matches!(workload, Workload::Bulk(_)) {
        return Box::new(move |caller| {
            let answers = snapshot.evaluate_all(&contexts[caller], 0);
            answers.map(|(_, answer)| is_on(answer.expect("an answer").value)).sum()
        });
    }
    let key = key(workload.asked());
    Box::new(move |caller| is_on(snapshot.evaluate(&key, &contexts[caller], 0).expect("an answer").value))
}
