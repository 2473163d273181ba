//! The journal of a release is read for ever: a committed one is replayed, and must give what it gave.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use tenure_core::{DecodeError, Event, Recorded, State, apply};

use crate::town::Town;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn line(recorded: &Recorded) -> String {
    let Recorded { seq, at, actor, event } = recorded;
    json!({
        "seq": seq, "at": at, "actor": actor, "stream": event.stream(),
        "kind": event.kind(), "version": event.version(), "body": event.body(),
    })
    .to_string()
}

fn read(line: &str) -> Recorded {
    let entry: Json = serde_json::from_str(line).unwrap();
    Recorded::decode(
        entry["seq"].as_u64().unwrap(),
        serde_json::from_value(entry["at"].clone()).unwrap(),
        serde_json::from_value(entry["actor"].clone()).unwrap(),
        entry["kind"].as_str().unwrap(),
        u32::try_from(entry["version"].as_u64().unwrap()).unwrap(),
        &entry["body"].to_string(),
    )
    .unwrap()
}

/// The scenarios whose journals are kept: together they hold most kinds of entries.
const KEPT: [&str; 4] = ["S03b", "S13", "S14", "S20"];

/// Replays what was written by the first release. To add a journal of a new release beside it, run with
/// `TENURE_WRITE_GOLDEN=1` and commit the new files; never overwrite those of a release.
#[test]
fn committed_journals_still_give_their_state() {
    for id in KEPT {
        let (journal, state) = (path(&format!("{id}.jsonl")), path(&format!("{id}.state.json")));
        if std::env::var_os("TENURE_WRITE_GOLDEN").is_some() {
            let world = Town::after(id, usize::MAX).world;
            std::fs::create_dir_all(path("")).unwrap();
            let lines: String = world.journal.iter().map(|recorded| line(recorded) + "\n").collect();
            std::fs::write(&journal, lines).unwrap();
            std::fs::write(&state, serde_json::to_string_pretty(&world.state).unwrap() + "\n").unwrap();
        }
        let mut replayed = State::default();
        for line in std::fs::read_to_string(&journal).unwrap().lines() {
            apply(&mut replayed, &read(line));
        }
        let expected: Json = serde_json::from_str(&std::fs::read_to_string(&state).unwrap()).unwrap();
        let differences = differences(&expected, &json!(replayed), id);
        assert!(differences.is_empty(), "{differences:#?}");
    }
}

/// Where `got` does not say what `expected` says. What a later release adds to the state is no difference.
fn differences(expected: &Json, got: &Json, at: &str) -> Vec<String> {
    match (expected, got) {
        (Json::Object(expected), Json::Object(got)) => expected
            .iter()
            .flat_map(|(key, value)| {
                let at = format!("{at}.{key}");
                differences(value, got.get(key).unwrap_or(&Json::Null), &at)
            })
            .collect(),
        (Json::Array(expected), Json::Array(got)) if expected.len() == got.len() => expected
            .iter()
            .zip(got)
            .enumerate()
            .flat_map(|(index, (expected, got))| differences(expected, got, &format!("{at}[{index}]")))
            .collect(),
        _ if expected == got => Vec::new(),
        _ => vec![format!("{at} is {got}, and was {expected}")],
    }
}

#[test]
fn an_unknown_kind_is_a_typed_error() {
    let unknown = |kind: &str, version: u32| match Event::decode(kind, version, "{}") {
        Err(DecodeError::Unknown { .. }) => true,
        Err(DecodeError::Body { .. }) | Ok(_) => false,
    };
    assert!(unknown("case_teleported", 1));
    assert!(unknown("case_closed", 2));
    assert!(!unknown("case_closed", 1), "a known kind with a bad body is another error");
}

#[test]
fn every_kind_is_in_the_past_tense_and_snake_case() {
    for kind in Event::KINDS {
        assert!(kind.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_'), "{kind}");
    }
    let mut kinds = Event::KINDS.to_vec();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), Event::KINDS.len());
}

pub fn through_text(recorded: &Recorded) -> Recorded {
    read(&line(recorded))
}
