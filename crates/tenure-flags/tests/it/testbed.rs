//! flagd's evaluator features, parsed from the Gherkin itself.
//!
//! `TENURE_TESTBED_DIR` names a checkout of flagd-testbed; crates.io `open-feature-flagd` 0.3.0 carries 3.10 in the folder
//! `flagd-testbed`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::{Map, Value as Json, json};
use tenure_flags::{Context, FlagSet, Snapshot, ValueType};

use crate::gherkin::{Scenario, Step, quoted, scenarios};

/// Scenarios that do not apply: earlier versions of `fractional` put units into other buckets. The provider features have
/// them again for version 3.
const OTHER_VERSIONS: [&str; 2] = ["@fractional-v1", "@fractional-v2"];

#[test]
fn evaluator_features_of_the_flagd_testbed() {
    let Some(folder) = env::var_os("TENURE_TESTBED_DIR").map(PathBuf::from) else {
        println!("skipped: TENURE_TESTBED_DIR does not name a checkout of flagd-testbed");
        return;
    };
    let flags = fs::read_to_string(folder.join("evaluator/flags/testkit-flags.json")).unwrap();
    let snapshot = Snapshot::compile(&FlagSet::from_text(&flags).unwrap());
    let mut counts = BTreeMap::<&str, usize>::new();
    let mut failures = Vec::new();
    for scenario in features(&folder.join("evaluator/gherkin")) {
        if let Some(version) =
            OTHER_VERSIONS.into_iter().find(|tag| scenario.tags.iter().any(|own| own == tag))
        {
            *counts.entry(version).or_default() += 1;
            continue;
        }
        *counts.entry("run").or_default() += 1;
        failures.extend(run(&snapshot, &scenario).err());
    }
    println!("evaluator scenarios: {counts:?}");
    assert!(failures.is_empty(), "{} fail:\n{}", failures.len(), failures.join("\n"));
    assert!(counts.contains_key("run"));
}

fn features(folder: &Path) -> Vec<Scenario> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().flat_map(|path| scenarios(&fs::read_to_string(path).unwrap())).collect()
}

/// One caller of one flag.
#[derive(Default)]
struct Question {
    flag: String,
    expected_type: Option<ValueType>,
    default: Json,
    context: Map<String, Json>,
}

/// What a provider makes of the evaluator's answer.
struct Details {
    value: Json,
    reason: &'static str,
    code: &'static str,
    metadata: Map<String, Json>,
}

fn run(snapshot: &Snapshot, scenario: &Scenario) -> Result<(), String> {
    let mut question = Question::default();
    let mut details = None;
    for step in &scenario.steps {
        if step.text == "the flag was evaluated with details" {
            details = Some(evaluate(snapshot, &question));
        } else if let Some(details) = &details {
            let right = holds(details, step, question.expected_type.unwrap());
            if !right {
                let Details { value, reason, code, .. } = details;
                return Err(format!(
                    "{}: {}: {}, got {value} {reason} {code}",
                    scenario.name, question.flag, step.text
                ));
            }
        } else {
            ask(&mut question, &step.text);
        }
    }
    Ok(())
}

fn ask(question: &mut Question, step: &str) {
    let quoted = quoted(step);
    let texts: Vec<&str> = quoted.iter().map(String::as_str).collect();
    match texts.as_slice() {
        _ if step == "an evaluator" => {}
        [key, default] if step.contains("-flag with key") => {
            let name = step.trim_start_matches("a ").split("-flag").next().unwrap();
            question.flag = (*key).to_owned();
            question.expected_type = Some(name.parse().unwrap());
            question.default = typed(name, default);
        }
        [key, name, value] if step.contains("a context containing a key") => {
            question.context.insert((*key).to_owned(), typed(name, value));
        }
        [outer, inner, value] if step.contains("a nested property") => {
            question.context.insert((*outer).to_owned(), json!({*inner: value}));
        }
        [key] if step.contains("a targeting key") => {
            question.context.insert(Context::TARGETING_KEY.to_owned(), (*key).into());
        }
        _ => panic!("unknown step: {step}"),
    }
}

fn evaluate(snapshot: &Snapshot, question: &Question) -> Details {
    let context = Context::new(&question.context);
    let result = snapshot.evaluate(&question.flag, &context, 0);
    match result.and_then(|answer| answer.of_type(question.expected_type.unwrap())) {
        Ok(answer) => Details {
            value: answer.value.unwrap_or(&question.default).clone(),
            reason: answer.reason.as_str(),
            code: "",
            metadata: answer.metadata.clone(),
        },
        Err(error) => Details {
            value: question.default.clone(),
            reason: "ERROR",
            code: error.code.as_str(),
            metadata: Map::new(),
        },
    }
}

fn holds(details: &Details, step: &Step, expected_type: ValueType) -> bool {
    let quoted = quoted(&step.text);
    let text = quoted.first().map_or("", String::as_str);
    match step.text.split('"').next().unwrap().trim() {
        "the resolved details value should be" => same(&details.value, &typed(expected_type.as_str(), text)),
        "the reason should be" => details.reason == text,
        "the error-code should be" => details.code == text,
        "the resolved metadata is empty" => details.metadata.is_empty(),
        "the resolved metadata should contain" => step.table[1..].iter().all(|row| {
            details.metadata.get(&row[0]).is_some_and(|value| same(value, &typed(&row[1], &row[2])))
        }),
        unknown => panic!("unknown step: {unknown}"),
    }
}

fn typed(name: &str, text: &str) -> Json {
    match name.to_lowercase().as_str() {
        "string" => text.into(),
        _ => serde_json::from_str(text).unwrap_or_else(|error| panic!("{name} {text}: {error}")),
    }
}

/// JSON does not tell 1 from 1.0.
fn same(a: &Json, b: &Json) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}
