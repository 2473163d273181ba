//! flagd's own provider cases, as JSON: `vectors-provider.json` over `testbed-allFlags.json`.
//!
//! The cases describe a *provider*: `default` is the default in the caller's code, which applies when the evaluator gives
//! no value or an error. They are read from `TENURE_CONFORMANCE_DIR`, by default `../shared/conformance` beside the
//! workspace.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use tenure_flags::{Context, FlagSet, Snapshot, ValueType};

/// A moment between the two that the time-based cases compare with.
const NOW: i64 = 1_767_225_600;

/// Cases that do not apply: earlier versions of `fractional` put units into other buckets.
const OTHER_VERSIONS: [&str; 2] = ["@fractional-v1", "@fractional-v2"];

/// Cases that expect FLAG_NOT_FOUND where a flag has no default variant. The testbed tags them deprecated and carries the
/// same cases again with reason DEFAULT: flag, default in the code.
const SUPERSEDED: [(&str, &str); 6] = [
    ("null-default-flag", "true"),
    ("null-default-flag", "false"),
    ("undefined-default-flag", "100"),
    ("no-default-flag-null-targeting-variant", "\"Inventor\""),
    ("no-default-flag-null-targeting-variant", "\"Founder\""),
    ("no-default-flag-undefined-targeting-variant", "\"Retired\""),
];

/// Flags of the case file that the flag document lacks: they stand in a file of their own in the testbed.
const METADATA_FLAG: &str = "metadata-flag";

#[derive(Deserialize)]
struct Case {
    scenario: String,
    tags: Vec<String>,
    context: Json,
    expect: Expected,
    #[serde(rename = "type")]
    expected_type: String,
    flag: String,
    default: Json,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Expected {
    value: Option<Json>,
    reason: Option<String>,
    error_code: Option<String>,
    metadata: Option<Map<String, Json>>,
}

#[test]
fn provider_cases_of_the_flagd_testbed() {
    let Some(folder) = folder() else { return };
    let snapshot = Snapshot::compile(&testbed(&folder));
    let cases: Vec<Case> =
        serde_json::from_str(&fs::read_to_string(folder.join("vectors-provider.json")).unwrap()).unwrap();

    let mut counts = BTreeMap::<&str, usize>::new();
    let mut failures = Vec::new();
    for case in &cases {
        if let Some(version) = OTHER_VERSIONS.into_iter().find(|tag| case.tags.iter().any(|own| own == tag)) {
            *counts.entry(version).or_default() += 1;
        } else if is_superseded(case) {
            *counts.entry("superseded").or_default() += 1;
        } else {
            *counts.entry("run").or_default() += 1;
            failures.extend(check(&snapshot, case));
        }
    }
    assert!(failures.is_empty(), "{} of {} fail:\n{}", failures.len(), cases.len(), failures.join("\n"));
    assert_eq!(counts.get("superseded"), Some(&SUPERSEDED.len()), "every superseded case is met once");
    assert_eq!(counts.values().sum::<usize>(), cases.len());
    println!("of {} cases: {counts:?}", cases.len());
}

pub fn folder() -> Option<PathBuf> {
    let default = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance");
    let folder = std::env::var_os("TENURE_CONFORMANCE_DIR").map_or_else(default, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {} is not there; set TENURE_CONFORMANCE_DIR", folder.display());
    None
}

fn testbed(folder: &std::path::Path) -> FlagSet {
    let mut document: Json =
        serde_json::from_str(&fs::read_to_string(folder.join("testbed-allFlags.json")).unwrap()).unwrap();
    document["flags"].as_object_mut().unwrap().entry(METADATA_FLAG).or_insert(json!({
        "state": "ENABLED",
        "variants": {"true": true, "false": false},
        "defaultVariant": "false",
        "metadata": {"string": "a", "integer": 1, "float": 1.2, "boolean": true}
    }));
    FlagSet::from_json(document).unwrap()
}

fn is_superseded(case: &Case) -> bool {
    case.expect.error_code.as_deref() == Some("FLAG_NOT_FOUND")
        && SUPERSEDED.contains(&(case.flag.as_str(), &case.default.to_string()))
}

/// What a provider would answer against what is expected.
fn check(snapshot: &Snapshot, case: &Case) -> Option<String> {
    let expected_type: ValueType = case.expected_type.parse().unwrap();
    let context = Context::from_json(&case.context).unwrap();
    let result =
        snapshot.evaluate(&case.flag, &context, NOW).and_then(|answer| answer.of_type(expected_type));
    let (value, reason, code, metadata) = match &result {
        Ok(answer) => {
            (answer.value.unwrap_or(&case.default), answer.reason.as_str(), "", answer.metadata.clone())
        }
        Err(error) => (&case.default, "ERROR", error.code.as_str(), Map::new()),
    };
    let expect = &case.expect;
    let right = expect.value.as_ref().is_none_or(|expected| same(expected, value))
        && expect.reason.as_ref().is_none_or(|expected| expected == reason)
        && expect.error_code.as_ref().is_none_or(|expected| expected == code)
        && expect.metadata.as_ref().is_none_or(|expected| *expected == metadata);
    (!right).then(|| {
        format!("{}: {} with {} gives {value} {reason} {code}", case.scenario, case.flag, case.context)
    })
}

/// JSON does not tell 1 from 1.0.
fn same(a: &Json, b: &Json) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}
