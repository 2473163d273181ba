//! The description of the API says what every body looks like, and real answers look like that.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::schema_check::faults;
use crate::server::TestServer;

/// Places where any JSON may stand, and why. Nothing else in the description is without a type.
const ANYTHING: &[&str] = &[
    "components/Authored/metadata",          // a flag's own
    "components/Authored/variants",          // what a flag serves
    "components/BulkEvaluation/metadata",    // a set's own
    "components/CaseFlag/control",           // what a flag serves
    "components/CaseFlag/treatment",         // the same
    "components/ChangeDifference/patch",     // a JSON patch of any definition
    "components/Condition/values",           // compared with attributes of any kind
    "components/CreateFlag/control",         // what a flag serves
    "components/CreateFlag/treatment",       // the same
    "components/EvaluationRequest/context",  // attributes of whoever asks
    "components/EvaluationStep/value",       // what a rule came to
    "components/EvaluationSuccess/metadata", // a flag's own
    "components/EvaluationSuccess/value",    // what a flag serves
    "components/Explained/value",            // what a flag serves
    "components/FlagChange/definition",      // checked by flagd's own rules, with the place of each fault
    "components/FlagChangeView/patch",       // a JSON patch of any definition
    "components/FlagCreated/control",        // what a flag serves
    "components/FlagCreated/treatment",      // the same
    "components/FlagDefinition/metadata",    // a flag's own
    "components/FlagDefinition/targeting",   // JsonLogic
    "components/FlagDefinition/variants",    // what a flag serves
    "components/FlagDifference/patch",       // a JSON patch of any definition
    "components/FlagSetByHand/definition",   // as it was recorded, of any age
    "components/FlagSetView/$evaluators",    // JsonLogic by name
    "components/FlagSetView/metadata",       // a set's own
    "components/FlagSource/definition",      // as it was recorded, of any age
    "components/Given/document",             // another tool's export
    "components/RunArm/value",               // what an arm serves
    "components/RunArmInput/value",          // the same
    "components/Schema",                     // a JSON Schema
    "components/SegmentChange/patch",        // a JSON patch of any definition
    "components/SetFlag/definition",         // checked by flagd's own rules, with the place of each fault
    "components/Trial/context",              // attributes of whoever asks
    "components/Wait/with",                  // arguments of whichever command answers
];

fn description() -> Value {
    serde_json::from_str(&tenure_server::openapi_json().unwrap()).unwrap()
}

/// Whether a schema says nothing.
fn says_nothing(schema: &Value) -> bool {
    match schema {
        Value::Bool(_) => true,
        Value::Object(members) => {
            members.keys().all(|key| ["description", "title", "default"].contains(&key.as_str()))
        }
        _ => false,
    }
}

/// Every place under a schema where nothing is said of what stands there.
fn untyped(at: &str, schema: &Value, found: &mut BTreeSet<String>) {
    if says_nothing(schema) {
        found.insert(at.to_owned());
        return;
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        untyped(&format!("{at}/{name}"), property, found);
    }
    let is_object = schema["type"] == "object" || schema["type"][0] == "object";
    let members = ["properties", "additionalProperties", "patternProperties", "oneOf", "anyOf", "allOf"];
    if is_object && members.iter().all(|member| schema.get(*member).is_none()) {
        found.insert(at.to_owned());
    }
    for key in ["items", "additionalProperties"] {
        // `additionalProperties: false` closes an object, and says so.
        if let Some(inner) = schema.get(key).filter(|inner| **inner != json!(false)) {
            untyped(at, inner, found);
        }
    }
    for key in ["oneOf", "anyOf", "allOf", "prefixItems"] {
        for inner in schema[key].as_array().into_iter().flatten() {
            untyped(at, inner, found);
        }
    }
}

#[test]
fn nothing_is_without_a_type() {
    let described = description();
    let mut found = BTreeSet::new();
    for (name, schema) in described["components"]["schemas"].as_object().unwrap() {
        untyped(&format!("components/{name}"), schema, &mut found);
    }
    for (path, operations) in described["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            let answers = responses.iter().map(|(status, answer)| (status.as_str(), answer));
            for (what, body) in answers.chain([("request", &operation["requestBody"])]) {
                for media in body["content"].as_object().into_iter().flatten().map(|(_, media)| media) {
                    untyped(&format!("{method} {path} {what}"), &media["schema"], &mut found);
                }
            }
        }
    }
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), ANYTHING);
}

#[test]
fn every_success_says_what_it_answers() {
    let described = description();
    let mut silent = Vec::new();
    for (path, operations) in described["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            for (status, answer) in operation["responses"].as_object().unwrap() {
                let has_body = answer["content"].as_object().is_some_and(|content| !content.is_empty());
                if status.starts_with('2') && status != "204" && status != "202" && !has_body {
                    silent.push(format!("{method} {path} {status}"));
                }
            }
        }
    }
    assert_eq!(silent, [""; 0]);
}

#[test]
fn every_reference_leads_somewhere() {
    fn references<'v>(value: &'v Value, found: &mut BTreeSet<&'v str>) {
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    match value {
                        Value::String(to) if key == "$ref" => {
                            found.insert(to);
                        }
                        _ => references(value, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let described = description();
    let mut found = BTreeSet::new();
    references(&described, &mut found);
    assert!(found.len() > 200, "{} references", found.len());
    let dead: Vec<_> = found.into_iter().filter(|to| described.pointer(&to[1..]).is_none()).collect();
    assert_eq!(dead, [""; 0]);
    assert!(!described.to_string().contains("x-bundle"), "a component still carries others");
}

#[test]
fn a_command_is_a_union_told_apart_by_its_name() {
    let described = description();
    let body = &described["paths"]["/api/v1/commands"]["post"]["requestBody"]["content"]["application/json"]
        ["schema"];
    let command = described.pointer(&body["$ref"].as_str().unwrap()[1..]).unwrap();
    let names: Vec<&str> = command["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["properties"]["do"]["const"].as_str().unwrap())
        .collect();
    let all: Vec<&str> = tenure_core::Command::ALL.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, all);
}

#[tokio::test]
async fn real_answers_are_as_described() {
    let test = TestServer::start().await;
    crate::seed::company(&test).await;
    let described = description();
    let mut checked = 0;
    for (path, operations) in described["paths"].as_object().unwrap() {
        let content = &operations["get"]["responses"]["200"]["content"]["application/json"];
        let Some(schema) = content.get("schema") else { continue };
        let Some(address) = crate::seed::address(path) else { continue };
        let answer = test.get(&address).await;
        assert_eq!(answer.status, 200, "{address}: {answer:?}");
        let wrong = faults(&described, schema, &answer.body);
        assert!(wrong.is_empty(), "{address} is not as described:\n{}", wrong.join("\n"));
        checked += 1;
    }
    assert!(checked >= 25, "{checked} answers were checked");
    let wrong = faults(
        &described,
        &json!({"$ref": "#/components/schemas/Summary"}),
        &json!({"id": "PC-1", "stage": "on the moon"}),
    );
    assert!(wrong.len() > 3, "the check finds what is wrong: {wrong:?}");
}

#[test]
fn cases_of_every_scenario_are_as_described() {
    let described = description();
    let file = include_str!("../../../../scenarios/process.json");
    let ids: Value = serde_json::from_str(file).unwrap();
    let ids = ids["scenarios"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap());
    let mut cases = 0;
    for id in ids {
        let (_, world) = tenure_core::scenario::run_one(file, id).unwrap().unwrap();
        let now: jiff::Timestamp = "2026-12-01T12:00:00Z".parse().unwrap();
        for case in world.state.cases.values() {
            let actor = tenure_core::Actor::of(case.opened.by.clone());
            let checks = [
                ("CaseView", json!(world.state.view(case, &actor, now))),
                ("Summary", json!(world.state.summary(case, now))),
                ("Portfolio", json!(world.state.portfolio(now))),
                ("Desk", json!(world.state.desk_top(&actor, now, 100))),
            ];
            for (name, value) in checks {
                let schema = json!({"$ref": format!("#/components/schemas/{name}")});
                let wrong = faults(&described, &schema, &value);
                assert!(
                    wrong.is_empty(),
                    "{id}: {name} of {} is not as described:\n{}",
                    case.id,
                    wrong.join("\n")
                );
            }
            cases += 1;
        }
    }
    assert!(cases >= 20, "{cases} cases were checked");
}
