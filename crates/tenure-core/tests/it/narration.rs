//! Every entry is one sentence that names who acted and what happened.

use serde_json::json;
use tenure_core::Recorded;
use tenure_core::id::AccountId;
use tenure_core::narration::{Names, narrate};
use tenure_core::scenario::run_one;

use crate::town::{PROCESS, Town};

fn names() -> Names {
    [("development-lead", "Dana"), ("product-manager", "Priya"), ("boards-owner", "Bo Alvarez")]
        .into_iter()
        .map(|(account, name)| (AccountId::new(account).unwrap(), name.to_owned()))
        .collect()
}

fn told(journal: &[Recorded]) -> String {
    let lines = journal.iter().map(|entry| format!("{} {}", entry.event.kind(), narrate(entry, &names())));
    lines.collect::<Vec<_>>().join("\n")
}

/// The way from an experiment to a second iteration that fails, as it is told.
#[test]
fn a_case_is_told() {
    insta::assert_snapshot!(told(&Town::after("S13", usize::MAX).world.journal[16..]));
}

#[test]
fn what_other_cases_tell() {
    let file: serde_json::Value = serde_json::from_str(PROCESS).unwrap();
    let mut told_kinds = std::collections::BTreeMap::new();
    for scenario in file["scenarios"].as_array().unwrap() {
        let (_, world) = run_one(PROCESS, scenario["id"].as_str().unwrap()).unwrap().unwrap();
        for entry in &world.journal {
            let sentence = narrate(entry, &names());
            assert!(!sentence.contains('\n') && !sentence.ends_with('.'), "{sentence}");
            assert!(!sentence.contains("  ") && !sentence.ends_with(": "), "{sentence}");
            told_kinds.entry(entry.event.kind()).or_insert(sentence);
        }
    }
    let lines: Vec<String> =
        told_kinds.iter().map(|(kind, sentence)| format!("{kind}: {sentence}")).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn an_account_without_a_name_is_called_by_its_id() {
    let check = |account: &str, name: &str| {
        assert_eq!(names().of(&AccountId::new(account).unwrap()), name);
    };
    check("development-lead", "Dana");
    check("stranger", "stranger");
    check("system", "Tenure");
}

#[test]
fn an_outside_measurement_is_told_as_self_reported() {
    let mut town = Town::in_measured_wave();
    town.later(28);
    let measurement = json!({"control": [35200, 4224], "treatment": [35150, 3831], "planned_n": 30000});
    town.does(
        "product-manager",
        "record_measurement",
        json!({"measurement": measurement, "source": "Amplitude"}),
    );
    let sentence = narrate(town.world.journal.last().unwrap(), &names());
    assert!(sentence.contains("self-reported, Amplitude"), "{sentence}");
}
