//! crates.io `flagsmith-flag-engine`. Its one function evaluates all flags of an environment for one identity.

use flagsmith_flag_engine::engine::get_evaluation_result;
use flagsmith_flag_engine::engine_eval::context::EngineEvaluationContext;
use serde_json::{Value as Json, json};

use crate::Subject;
use crate::workload::{Workload, attributes, id, key, members};

pub fn subject(workload: Workload, callers: usize) -> Subject {
    let document = document(workload);
    let contexts: Vec<EngineEvaluationContext> = (0..callers)
        .map(|caller| {
            let mut document = document.clone();
            let traits = attributes(caller, "id");
            document["identity"] = json!({"identifier": id(caller), "key": id(caller), "traits": traits});
            serde_json::from_value(document).expect("a context")
        })
        .collect();
    Box::new(move |caller| {
        get_evaluation_result(&contexts[caller]).flags.values().filter(|flag| flag.enabled).count()
    })
}

fn document(workload: Workload) -> Json {
    let mut features = json!({});
    let mut segments = json!({});
    for (index, flag) in workload.flags().into_iter().enumerate() {
        let key = key(index);
        let feature = |enabled: bool, priority: Json| {
            json!({
                "key": key, "name": key, "enabled": enabled, "value": "", "priority": priority,
                "metadata": {"feature_id": index, "feature_type": "STANDARD"}
            })
        };
        let condition = |property: &str, operator: &str, value: Json| json!({"property": property, "operator": operator, "value": value});
        let conditions = match flag {
            Workload::Targeting => vec![
                condition("country", "EQUAL", json!("DE")),
                condition("plan", "IN", json!(["pro", "enterprise"])),
                condition("age", "GREATER_THAN_INCLUSIVE", json!("18")),
            ],
            Workload::Segment(keys) => vec![condition("id", "IN", json!(members(keys)))],
            Workload::Rollout => vec![condition("", "PERCENTAGE_SPLIT", json!("50"))],
            _ => Vec::new(),
        };
        features[&key] = feature(conditions.is_empty(), Json::Null);
        if !conditions.is_empty() {
            segments[&key] = json!({
                "key": key, "name": key, "rules": [{"type": "ALL", "conditions": conditions, "rules": []}],
                "overrides": [feature(true, json!(1.0))]
            });
        }
    }
    json!({"environment": {"key": "bench", "name": "bench"}, "features": features, "segments": segments})
}
