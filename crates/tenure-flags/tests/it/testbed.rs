//! flagd's testbed: the cases parsed from its Gherkin, kept in `conformance/testbed.json`, and run through the evaluator.
//!
//! Clients that speak to a running server are driven over the same table. It is made from the testbed that crates.io
//! `open-feature-flagd` 0.3.0 carries; `scripts/testbed` fetches it, and `TENURE_TESTBED_DIR` may name another checkout.
//! `TENURE_WRITE_GENERATED=1` writes the table anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use tenure_flags::{Context, FlagSet, Snapshot, ValueType};

use crate::gherkin::{Scenario, quoted, scenarios};

/// A moment between the two that the time-based cases compare with.
const NOW: i64 = 1_767_225_600;

/// Earlier versions of `fractional` put units into other buckets; the features have every case again for version 3.
const OTHER_VERSIONS: [&str; 2] = ["@fractional-v1", "@fractional-v2"];

/// The document of the features under `evaluator/`.
const EVALUATOR: &str = "evaluator";

/// What flagd serves unless a selector asks for one source.
const ALL: &str = "all";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Table {
    /// Where it comes from.
    source: String,
    /// flagd documents by the name that cases give.
    documents: BTreeMap<String, Json>,
    /// What the testbed's flagd adds to every context (its `context-value`); not for the document `evaluator`.
    enrichment: Map<String, Json>,
    cases: Vec<Case>,
}

/// One scenario with its outline filled in.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Case {
    file: String,
    scenario: String,
    /// Counts the scenarios of the file from 1: with the file, the name of the case.
    number: usize,
    tags: Vec<String>,
    /// Why the case does not apply to an evaluation.
    #[serde(skip_serializing_if = "Option::is_none")]
    inapplicable: Option<String>,
    document: String,
    flag: String,
    #[serde(rename = "type")]
    expected_type: String,
    /// The default in the caller's code.
    default: Json,
    context: Map<String, Json>,
    expect: Expected,
}

/// What a provider answers; what is absent is not compared.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Expected {
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<String>,
    /// Metadata that is there, among others.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Map<String, Json>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_metadata: Option<bool>,
}

#[test]
fn the_table_is_what_the_features_say() {
    let Some(folder) = checkout() else { return };
    let table = read_features(&folder);
    let path = root().join("conformance/testbed.json");
    if env::var_os("TENURE_WRITE_GENERATED").is_some() {
        fs::write(&path, written(&table)).unwrap();
    }
    assert!(table == committed(), "{} is stale: run again with TENURE_WRITE_GENERATED=1", path.display());
}

#[test]
fn every_case_that_applies_passes() {
    let table = committed();
    let snapshots: BTreeMap<&str, Snapshot> = table
        .documents
        .iter()
        .map(|(name, document)| {
            (name.as_str(), Snapshot::compile(&FlagSet::from_json(document.clone()).unwrap()))
        })
        .collect();
    let mut counts = BTreeMap::<String, usize>::new();
    let mut failures = Vec::new();
    for case in &table.cases {
        if let Some(why) = &case.inapplicable {
            println!("inapplicable, {why}: {} {} {}", case.file, case.number, case.scenario);
            let kind = why.split(':').next().unwrap();
            *counts.entry(kind.to_owned()).or_default() += 1;
            continue;
        }
        let folder = if case.document == EVALUATOR { "evaluator passed" } else { "provider passed" };
        match run(case, &snapshots[case.document.as_str()], &table.enrichment) {
            Ok(()) => *counts.entry(folder.to_owned()).or_default() += 1,
            Err(failure) => failures.push(failure),
        }
    }
    println!("of {} cases: {counts:#?}", table.cases.len());
    assert!(failures.is_empty(), "{} fail:\n{}", failures.len(), failures.join("\n"));
    insta::assert_debug_snapshot!(counts);
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn committed() -> Table {
    serde_json::from_str(&fs::read_to_string(root().join("conformance/testbed.json")).unwrap()).unwrap()
}

/// One case a line, so that a change reads as what it is.
fn written(table: &Table) -> String {
    let documents: Vec<String> =
        table.documents.iter().map(|(name, document)| format!("    {}: {document}", json!(name))).collect();
    let cases: Vec<String> = table.cases.iter().map(|case| format!("    {}", json!(case))).collect();
    format!(
        "{{\n  \"source\": {},\n  \"documents\": {{\n{}\n  }},\n  \"enrichment\": {},\n  \"cases\": [\n{}\n  ]\n}}\n",
        json!(table.source),
        documents.join(",\n"),
        json!(table.enrichment),
        cases.join(",\n"),
    )
}

/// The testbed itself: named, or where `scripts/testbed` puts it.
fn checkout() -> Option<PathBuf> {
    let cache = || match env::var_os("TENURE_CACHE") {
        Some(cache) => Some(PathBuf::from(cache)),
        None => Some(PathBuf::from(env::var_os("HOME")?).join(".cache/tenure")),
    };
    let folder = env::var_os("TENURE_TESTBED_DIR")
        .map(PathBuf::from)
        .or_else(|| Some(cache()?.join("testbed/flagd-testbed")));
    let folder = folder.filter(|folder| folder.join("gherkin").is_dir());
    assert!(
        folder.is_some() || env::var_os("TENURE_REQUIRE_CLIENTS").is_none(),
        "the flagd testbed is not there: run scripts/testbed"
    );
    if folder.is_none() {
        println!("skipped: the flagd testbed is not there; run scripts/testbed or set TENURE_TESTBED_DIR");
    }
    folder
}

fn read_features(folder: &Path) -> Table {
    let version = fs::read_to_string(folder.join("version.txt")).unwrap();
    let mut documents = documents(&folder.join("flags"));
    documents.insert(EVALUATOR.to_owned(), read_json(&folder.join("evaluator/flags/testkit-flags.json")));
    let config = read_json(&folder.join("launchpad/configs/default.json"));
    let mut cases = Vec::new();
    for features in ["gherkin", "evaluator/gherkin"] {
        for path in files(&folder.join(features)) {
            let file = format!("{features}/{}", path.file_name().unwrap().to_str().unwrap());
            let scenarios = scenarios(&fs::read_to_string(path).unwrap());
            cases.extend(scenarios.into_iter().enumerate().map(|(index, scenario)| Case {
                file: file.clone(),
                number: index + 1,
                ..read_scenario(scenario)
            }));
        }
    }
    Table {
        source: format!(
            "flagd-testbed {} (Apache-2.0), from crates.io open-feature-flagd 0.3.0",
            version.trim()
        ),
        documents,
        enrichment: config["context-value"].as_object().unwrap().clone(),
        cases,
    }
}

/// As the testbed's launcher combines them: each `selector-` file by itself, all the others as one.
fn documents(folder: &Path) -> BTreeMap<String, Json> {
    let mut documents = BTreeMap::new();
    let mut all = json!({});
    for path in files(folder) {
        let document = read_json(&path);
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.starts_with("selector-") {
            documents.insert(name.to_owned(), document);
        } else {
            merge(&mut all, document);
        }
    }
    documents.insert(ALL.to_owned(), all);
    documents
}

fn merge(into: &mut Json, from: Json) {
    match (into, from) {
        (Json::Object(into), Json::Object(from)) => {
            for (name, value) in from {
                match into.get_mut(&name) {
                    Some(own) => merge(own, value),
                    None => drop(into.insert(name, value)),
                }
            }
        }
        (into, from) => *into = from,
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn read_json(path: &Path) -> Json {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn read_scenario(scenario: Scenario) -> Case {
    let mut case = Case { scenario: scenario.name, tags: scenario.tags, ..Case::default() };
    let mut evaluated = false;
    for step in &scenario.steps {
        let text = step.text.as_str();
        let known = match text {
            "the flag was evaluated with details" => !std::mem::replace(&mut evaluated, true),
            "the resolved metadata is empty" => {
                case.expect.no_metadata = Some(true);
                true
            }
            "the resolved metadata should contain" => {
                let rows = step.table[1..].iter().map(|row| (row[0].clone(), typed(&row[1], &row[2])));
                case.expect.metadata = Some(rows.collect());
                true
            }
            _ => ask(&mut case, text) || expect(&mut case, text),
        };
        if !known && case.inapplicable.is_none() {
            case.inapplicable = Some(format!("provider behaviour: {text}"));
        }
    }
    let other = OTHER_VERSIONS.into_iter().find(|version| case.tags.iter().any(|tag| tag == version));
    if let Some(version) = other {
        case.inapplicable =
            Some(format!("another version of fractional: {}", version.trim_start_matches('@')));
    }
    // The testbed has these again with reason DEFAULT: flag, default in the code.
    let deprecated = case.tags.iter().any(|tag| tag == "@deprecated");
    if deprecated && case.expect.error_code.as_deref() == Some("FLAG_NOT_FOUND") {
        case.inapplicable = Some("superseded: the code default without an error".to_owned());
    }
    case
}

/// A step that says what is asked, and of which flags.
fn ask(case: &mut Case, step: &str) -> bool {
    let quoted = quoted(step);
    let texts: Vec<&str> = quoted.iter().map(String::as_str).collect();
    match texts.as_slice() {
        [] if step == "an evaluator" => case.document = EVALUATOR.to_owned(),
        [] if ["a stable flagd provider", "a syncpayload flagd provider"].contains(&step) => {
            if case.document.is_empty() {
                case.document = ALL.to_owned();
            }
        }
        [] if step == "a metadata flagd provider" => {}
        ["cache", _, "disabled"] => {}
        ["selector", _, "flags/allFlags.json"] => case.document = ALL.to_owned(),
        ["selector", _, source] => case.document = source.trim_start_matches("rawflags/").to_owned(),
        [key, ..] if step.contains("-flag with key") => {
            let name = step.trim_start_matches("a ").split("-flag").next().unwrap();
            case.flag = (*key).to_owned();
            case.expected_type = name.to_lowercase();
            case.default = typed(name, &last_text(step, " value "));
        }
        [key, name, ..] if step.contains("a context containing a key") => {
            case.context.insert((*key).to_owned(), typed(name, &last_text(step, " with value ")));
        }
        [outer, inner, ..] if step.contains("a nested property") => {
            case.context.insert((*outer).to_owned(), json!({*inner: last_text(step, " with value ")}));
        }
        [_] if step.contains("a targeting key") => {
            case.context.insert(Context::TARGETING_KEY.to_owned(), last_text(step, " with value ").into());
        }
        _ => return false,
    }
    true
}

/// A step that says what is answered.
fn expect(case: &mut Case, step: &str) -> bool {
    let Some((what, _)) = step.split_once(" should be \"") else { return false };
    let text = last_text(step, " should be ");
    match what {
        "the resolved details value" => case.expect.value = Some(typed(&case.expected_type, &text)),
        "the variant" => case.expect.variant = Some(text),
        "the reason" => case.expect.reason = Some(text),
        // The deprecated outline has an empty cell where there is no error.
        "the error-code" => case.expect.error_code = Some(text),
        _ => return false,
    }
    true
}

/// The last text of a step, up to the last quote: objects stand there with quotes of their own.
fn last_text(step: &str, before: &str) -> String {
    let text = step.rsplit_once(before).unwrap().1.trim();
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap().replace("\\\"", "\"")
}

fn typed(name: &str, text: &str) -> Json {
    match name.to_lowercase().as_str() {
        "string" => text.into(),
        _ => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    }
}

/// What a provider makes of the evaluator's answer, against what is expected.
fn run(case: &Case, snapshot: &Snapshot, enrichment: &Map<String, Json>) -> Result<(), String> {
    let mut context = case.context.clone();
    if case.document != EVALUATOR {
        context.extend(enrichment.clone());
    }
    let expected_type: ValueType = case.expected_type.parse().unwrap();
    let result = snapshot.evaluate(&case.flag, &Context::new(&context), NOW);
    let result = result.and_then(|answer| answer.of_type(expected_type));
    let nothing = Map::new();
    let (value, variant, reason, code, metadata) = match &result {
        Ok(answer) => (
            answer.value.unwrap_or(&case.default),
            answer.variant.unwrap_or(""),
            answer.reason.as_str(),
            "",
            answer.metadata,
        ),
        Err(error) => (&case.default, "", "ERROR", error.code.as_str(), &nothing),
    };
    let expect = &case.expect;
    let right = expect.value.as_ref().is_none_or(|expected| same(expected, value))
        && expect.variant.as_ref().is_none_or(|expected| expected == variant)
        && expect.reason.as_ref().is_none_or(|expected| expected == reason)
        && expect.error_code.as_ref().is_none_or(|expected| expected == code)
        && expect.no_metadata.is_none_or(|_| metadata.is_empty())
        && expect.metadata.as_ref().is_none_or(|expected| {
            expected.iter().all(|(name, value)| metadata.get(name).is_some_and(|own| same(own, value)))
        });
    if right {
        return Ok(());
    }
    let Case { file, number, scenario, flag, .. } = case;
    Err(format!("{file} {number} {scenario}: {flag} gives {value} {variant} {reason} {code}"))
}

/// JSON does not tell 1 from 1.0.
fn same(a: &Json, b: &Json) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}
