//! crates.io `launchdarkly-server-sdk`: its client over test data, without events.

use std::time::Duration;

use launchdarkly_server_sdk::{
    Client, ConfigBuilder, Context, ContextBuilder, FlagDetailConfig, NullEventProcessorBuilder, TestData,
};
use serde_json::{Value as Json, json};

use crate::workload::{OTHERS, Workload, age, country, id, key, members, plan};
use crate::{Subject, runtime};

pub fn subject(workload: Workload, callers: usize) -> Subject {
    let data = TestData::new();
    for (index, flag) in workload.flags().into_iter().enumerate() {
        data.use_preconfigured_flag(serde_json::from_value(definition(index, flag)).expect("a flag"));
        if let Workload::Segment(keys) = flag {
            let segment = json!({
                "key": "members", "included": members(keys), "excluded": [], "rules": [], "salt": "s", "version": 1
            });
            data.use_preconfigured_segment(serde_json::from_value(segment).expect("a segment"));
        }
    }
    let config = ConfigBuilder::new("key")
        .data_source(&data)
        .event_processor(&NullEventProcessorBuilder::new())
        .build()
        .expect("a configuration");
    let client = Client::build(config).expect("a client");
    runtime().block_on(async {
        client.start_with_default_executor();
        client.wait_for_initialization(Duration::from_secs(10)).await.expect("initialised");
    });
    let contexts: Vec<Context> = (0..callers).map(context).collect();
    if matches!(workload, Workload::Bulk(_)) {
        return Box::new(move |caller| {
            let answers = client.all_flags_detail(&contexts[caller], FlagDetailConfig::new());
            if !CHECKING.get() {
                std::hint::black_box(&answers);
                return 0;
            }
            // The answers can only be read as JSON, among other members; writing that is not what is measured.
            let json = serde_json::to_value(&answers).expect("JSON");
            let members = json.as_object().expect("flags").iter();
            members.filter(|(name, value)| name.starts_with("flag-") && **value == Json::Bool(true)).count()
        });
    }
    let key = key(0);
    Box::new(move |caller| usize::from(client.bool_variation(&contexts[caller], &key, false)))
}

thread_local! {
    /// Whether answers are compared now, rather than timed.
    pub static CHECKING: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

fn context(caller: usize) -> Context {
    let mut builder = ContextBuilder::new(id(caller));
    builder.set_string("country", country(caller)).set_string("plan", plan(caller));
    builder.set_float("age", age(caller) as f64);
    for (name, value) in OTHERS {
        builder.set_string(name, value);
    }
    builder.build().expect("a context")
}

fn definition(index: usize, flag: Workload) -> Json {
    let clause = |attribute: &str, operator: &str, values: Json| json!({"attribute": attribute, "op": operator, "values": values, "negate": false, "contextKind": "user"});
    let rule = |clauses: Vec<Json>| json!([{"id": "rule", "variation": 0, "clauses": clauses, "trackEvents": false}]);
    let off = json!({"variation": 1});
    let (rules, otherwise) = match flag {
        Workload::Targeting => (
            rule(vec![
                clause("country", "in", json!(["DE"])),
                clause("plan", "in", json!(["pro", "enterprise"])),
                clause("age", "greaterThanOrEqual", json!([18])),
            ]),
            off,
        ),
        Workload::Segment(_) => (rule(vec![clause("", "segmentMatch", json!(["members"]))]), off),
        Workload::Rollout => (
            json!([]),
            json!({"rollout": {"contextKind": "user", "variations": [
                {"variation": 0, "weight": 50_000}, {"variation": 1, "weight": 50_000}
            ]}}),
        ),
        _ => (json!([]), json!({"variation": 0})),
    };
    json!({
        "key": key(index), "version": 1, "on": true, "variations": [true, false], "offVariation": 1, "targets": [],
        "prerequisites": [], "rules": rules, "fallthrough": otherwise, "salt": "salt", "trackEvents": false,
        "trackEventsFallthrough": false, "debugEventsUntilDate": null,
        "clientSideAvailability": {"usingMobileKey": false, "usingEnvironmentId": false}
    })
}
