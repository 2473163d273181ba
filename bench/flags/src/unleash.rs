//! crates.io `unleash-yggdrasil`.

use serde_json::{Value as Json, json};
use unleash_yggdrasil::{ClientFeatures, Context, EngineState};

use crate::Subject;
use crate::workload::{OTHERS, Workload, age, country, id, key, members, plan};

pub fn subject(workload: Workload, callers: usize) -> Subject {
    let features: ClientFeatures = serde_json::from_value(document(workload)).expect("features");
    let engine = EngineState::default();
    assert!(engine.apply_client_features(features).is_none());
    let contexts: Vec<Context> = (0..callers).map(context).collect();
    if matches!(workload, Workload::Bulk(_)) {
        return Box::new(move |caller| {
            let answers = engine.resolve_all(&contexts[caller], &None).expect("answers");
            answers.values().filter(|answer| answer.enabled).count()
        });
    }
    let key = key(0);
    Box::new(move |caller| usize::from(engine.is_enabled(&key, &contexts[caller], &None)))
}

fn context(caller: usize) -> Context {
    let mut properties =
        json!({"country": country(caller), "plan": plan(caller), "age": age(caller).to_string()});
    for (name, value) in OTHERS {
        properties[name] = value.into();
    }
    serde_json::from_value(json!({"userId": id(caller), "properties": properties})).expect("a context")
}

fn document(workload: Workload) -> Json {
    let mut features = Vec::new();
    let mut segments = Vec::new();
    for (index, flag) in workload.flags().into_iter().enumerate() {
        let strategy = match flag {
            Workload::Targeting => json!({"name": "default", "constraints": [
                {"contextName": "country", "operator": "IN", "values": ["DE"]},
                {"contextName": "plan", "operator": "IN", "values": ["pro", "enterprise"]},
                {"contextName": "age", "operator": "NUM_GTE", "value": "18"}
            ]}),
            Workload::Segment(keys) => {
                segments.push(json!({"id": 1, "constraints": [
                    {"contextName": "userId", "operator": "IN", "values": members(keys)}
                ]}));
                json!({"name": "default", "segments": [1]})
            }
            Workload::Rollout => json!({"name": "flexibleRollout", "parameters": {
                "rollout": "50", "stickiness": "userId", "groupId": key(index)
            }}),
            _ => json!({"name": "default"}),
        };
        features.push(json!({"name": key(index), "enabled": true, "strategies": [strategy]}));
    }
    json!({"version": 2, "features": features, "segments": segments})
}
