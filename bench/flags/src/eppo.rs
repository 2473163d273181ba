//! crates.io `eppo_core`.

use std::sync::Arc;

use eppo_core::eval::get_assignment;
use eppo_core::ufc::{AssignmentValue, UniversalFlagConfig};
use eppo_core::{Attributes, Configuration, SdkMetadata, Str};
use serde_json::{Value as Json, json};

use crate::Subject;
use crate::workload::{OTHERS, Workload, age, country, id, key, members, plan};

pub fn subject(workload: Workload, callers: usize) -> Subject {
    let metadata = SdkMetadata { name: "bench", version: "0" };
    let config = UniversalFlagConfig::from_json(metadata, document(workload).to_string().into_bytes());
    let configuration = Configuration::from_server_response(config.expect("a configuration"), None);
    let subjects: Vec<(Str, Arc<Attributes>)> = (0..callers).map(attributes).collect();
    let keys: Vec<String> = (0..workload.flags().len()).map(key).collect();
    let now = chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_000);
    Box::new(move |caller| {
        let (subject, attributes) = &subjects[caller];
        let is_on = |key: &String| {
            let answer = get_assignment(Some(&configuration), key, subject, attributes, None, now);
            let assignment = answer.expect("an answer").expect("an assignment");
            usize::from(matches!(assignment.value, AssignmentValue::Boolean(true)))
        };
        keys.iter().map(is_on).sum()
    })
}

fn attributes(caller: usize) -> (Str, Arc<Attributes>) {
    let mut attributes = Attributes::new();
    attributes.insert("country".into(), country(caller).into());
    attributes.insert("plan".into(), plan(caller).into());
    attributes.insert("age".into(), (age(caller) as f64).into());
    for (name, value) in OTHERS {
        attributes.insert(name.into(), value.into());
    }
    (id(caller).into(), Arc::new(attributes))
}

fn document(workload: Workload) -> Json {
    let mut flags = json!({});
    for (index, flag) in workload.flags().into_iter().enumerate() {
        let all = |variation: &str| json!([{"variationKey": variation, "shards": []}]);
        let rule = |conditions: Json| json!([{"conditions": conditions}]);
        let allocations = match flag {
            Workload::Targeting => json!([
                {"key": "matched", "rules": rule(json!([
                    {"attribute": "country", "operator": "ONE_OF", "value": ["DE"]},
                    {"attribute": "plan", "operator": "ONE_OF", "value": ["pro", "enterprise"]},
                    {"attribute": "age", "operator": "GTE", "value": 18}
                ])), "splits": all("on"), "doLog": false},
                {"key": "rest", "splits": all("off"), "doLog": false}
            ]),
            Workload::Segment(keys) => json!([
                {"key": "members", "rules": rule(json!([
                    {"attribute": "id", "operator": "ONE_OF", "value": members(keys)}
                ])), "splits": all("on"), "doLog": false},
                {"key": "rest", "splits": all("off"), "doLog": false}
            ]),
            Workload::Rollout => json!([{"key": "half", "doLog": false, "splits": [
                {"variationKey": "on", "shards": [{"salt": key(index), "ranges": [{"start": 0, "end": 5000}]}]},
                {"variationKey": "off", "shards": []}
            ]}]),
            _ => json!([{"key": "all", "splits": all("on"), "doLog": false}]),
        };
        flags[key(index)] = json!({
            "key": key(index), "enabled": true, "variationType": "BOOLEAN", "totalShards": 10_000,
            "variations": {"on": {"key": "on", "value": true}, "off": {"key": "off", "value": false}},
            "allocations": allocations
        });
    }
    json!({"createdAt": "2024-04-17T19:40:53.716Z", "format": "SERVER", "environment": {"name": "bench"}, "flags": flags})
}
