//! What the documents of a case say, in every stage, and what they never do.

use std::collections::BTreeSet;
use std::path::Path;

use jiff::tz::TimeZone;
use serde_json::json;
use tenure_core::document::{CaseFile, JournalRow, decision_record, dossier, release_note};
use tenure_core::id::AccountId;
use tenure_core::narration::Names;
use tenure_core::scenario::{World, run_one};
use tenure_core::{Recorded, Stage, State, apply};

use crate::scenarios::{json_files, root, shared};
use crate::town::Town;

const CASES: &str = include_str!("../data/document.json");

/// Every heading of a dossier, in order.
const HEADINGS: [&str; 13] = [
    "Promise and delivery",
    "Verdict and replication",
    "Decisions",
    "Experiment",
    "Estimates, cost and benefit",
    "Consultations and sign-offs",
    "Deviations and follow-ups",
    "Building and the owner process",
    "Rollout",
    "Measurements",
    "Warranty and bugs",
    "Lineage",
    "Journal",
];

fn names() -> Names {
    let names = [
        ("dana", "Dana Ilic"),
        ("priya", "Priya Nair"),
        ("deniz", "Deniz Aydın"),
        ("lee", "Lee Park"),
        ("bo", "Bo Alvarez"),
        ("wren", "Wren Osei"),
    ];
    names.map(|(account, name)| (AccountId::new(account).unwrap(), name.to_owned())).into_iter().collect()
}

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

/// A case of a world as its last entry left it, and the entries about it.
fn of_world(state: &State, journal: &[Recorded], case: &str) -> (CaseFile, Vec<JournalRow>) {
    let case = state.cases.get(case).unwrap();
    let at = journal.last().unwrap().at;
    let file = state.case_file(case, at, &names());
    let about = journal.iter().filter(|entry| entry.event.case() == Some(&case.id));
    (file, about.map(|entry| JournalRow::of(entry, &names())).collect())
}

fn case_of(id: &str) -> (CaseFile, Vec<JournalRow>) {
    let (outcome, world) = run_one(CASES, id).unwrap().unwrap();
    assert!(outcome.passed, "{outcome:?}");
    of_world(&world.state, &world.journal, "PC-1")
}

#[test]
fn a_whole_case_in_markdown() {
    let (file, journal) = case_of("D1");
    insta::assert_snapshot!("dossier", dossier::markdown(&file, &journal, &berlin()));
    insta::assert_snapshot!("decision_record", decision_record::markdown(&file, &berlin()));
    insta::assert_snapshot!("release_note", release_note::markdown(&file, &berlin()));
}

#[test]
fn a_case_that_has_just_begun() {
    let (file, journal) = case_of("D2");
    insta::assert_snapshot!("dossier_begun", dossier::markdown(&file, &journal, &TimeZone::UTC));
    insta::assert_snapshot!("decision_record_begun", decision_record::markdown(&file, &TimeZone::UTC));
    insta::assert_snapshot!("release_note_begun", release_note::markdown(&file, &TimeZone::UTC));
}

/// A part of a Markdown file, from one heading to another.
fn part<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let begins = text.find(&format!("\n## {from}\n")).unwrap();
    &text[begins..begins + text[begins..].find(&format!("\n## {to}\n")).unwrap()]
}

/// A rollout that Tenure measured itself, look by look; kept, given to another team, and near the end of its warranty.
#[test]
fn a_case_that_was_watched_and_is_handed_over() {
    let mut town = Town::in_measured_wave();
    for day in 1..=18_u32 {
        town.later(1);
        let (n, day) = (900 * day, f64::from(day));
        let lift = 0.125 + 0.01 / day;
        let of = |share: f64| (f64::from(n) * share).round() as u32;
        let epochs = json!([{"epoch": 2, "control": [n, of(0.111)], "treatment": [n, of(lift)]}]);
        let look = json!({"measurement": {"epochs": epochs, "engine": "e 1"}});
        town.does("system", "record_measurement", look);
        if town.case().stage != Stage::RollingOut {
            break;
        }
    }
    town.does("product-manager", "decide_outcome", json!({"kind": "keep"}));
    town.does("boards-web-owner", "confirm_removed", json!({"codebase": "boards-web"}));
    town.does("system", "define_team", json!({"team": "falcon"}));
    town.does("system", "grant_role", json!({"account": "falcon-lead", "role": "development_lead:falcon"}));
    town.later(40);
    town.does("development-lead", "offer_onus", json!({"team": "falcon"}));
    town.does("falcon-lead", "accept_onus", json!({}));
    town.later(120);
    town.does("system", "prepare_hand_over", json!({}));
    town.does("boards-owner", "acknowledge_hand_over", json!({"team": "boards"}));
    let (file, journal) = of_world(&town.world.state, &town.world.journal, "PC-1");
    check_documents(&file, &journal);
    let text = dossier::markdown(&file, &journal, &TimeZone::UTC);
    insta::assert_snapshot!("dossier_looks", part(&text, "Measurements", "Warranty and bugs"));
    insta::assert_snapshot!("dossier_hand_over", part(&text, "Warranty and bugs", "Lineage"));
}

/// What a page would have to hold to load anything or run anything.
fn loads_nothing(page: &str) {
    for load in [
        "<script",
        "src=",
        "href=\"http",
        "url(",
        "@import",
        "<iframe",
        "<object",
        "<img",
        "onload=",
        "javascript:",
    ] {
        assert!(!page.contains(load), "the page holds `{load}`");
    }
    let links: Vec<&str> = page.match_indices("<link").map(|(at, _)| &page[at..at + 30]).collect();
    assert_eq!(links, ["<link rel=\"icon\" href=\"data:,\""]);
}

/// Tags that are opened are closed, in order.
fn is_well_formed(page: &str) {
    let mut open: Vec<&str> = Vec::new();
    let style = page.find("<style>").unwrap()..page.find("</style>").unwrap();
    for (at, _) in page.match_indices('<').filter(|(at, _)| *at <= style.start || *at >= style.end) {
        let tag = &page[at + 1..at + page[at..].find('>').unwrap()];
        let name = tag.split([' ', '/']).next().unwrap();
        match tag {
            _ if tag.starts_with('!') || ["meta", "link"].contains(&name) || tag.ends_with('/') => {}
            _ if tag.starts_with('/') => assert_eq!(open.pop(), Some(&tag[1..]), "at {at}"),
            _ => open.push(name),
        }
    }
    assert!(open.is_empty(), "not closed: {open:?}");
}

fn check_documents(file: &CaseFile, journal: &[JournalRow]) {
    let page = dossier::html(file, journal, &TimeZone::UTC);
    let text = dossier::markdown(file, journal, &TimeZone::UTC);
    let mut from = 0;
    for heading in HEADINGS {
        let at = page[from..].find(&format!(">{heading}</h2>"));
        from += at.unwrap_or_else(|| panic!("no {heading} in {}", file.case.stage));
        assert!(text.contains(&format!("\n## {heading}\n")), "no {heading} in {}", file.case.stage);
    }
    loads_nothing(&page);
    is_well_formed(&page);
    assert!(
        page.matches("<th scope=").count() == page.matches("<th").count() - page.matches("<thead").count()
    );
    assert!(!text.contains("\n\n\n"), "{text}");
    let record = decision_record::markdown(file, &TimeZone::UTC);
    let note = release_note::markdown(file, &TimeZone::UTC);
    for document in [&text, &record, &note] {
        assert!(document.starts_with("# ") && document.contains("\n---\n"), "{document}");
    }
    let reported = file.case.measurements.judged.iter().any(|measured| measured.self_reported.is_some());
    if reported {
        assert!(page.matches("elf-reported").count() >= 3 && text.matches("elf-reported").count() >= 3);
        assert!(record.contains("self-reported"), "{record}");
    }
}

/// Replays a journal and prints every case that a step touched after that step; looks closely where its stage is new.
fn check_every_step(world: &World, seen: &mut BTreeSet<Stage>) {
    let mut state = State::default();
    let mut looked_at = None;
    for (at, entry) in world.journal.iter().enumerate() {
        apply(&mut state, entry);
        let step_goes_on = world.journal.get(at + 1).is_some_and(|next| next.at == entry.at);
        let Some(case) = entry.event.case().filter(|_| !step_goes_on) else { continue };
        let (file, journal) = of_world(&state, &world.journal[..=at], case.as_str());
        let here = (file.case.id.clone(), file.case.stage);
        if at + 1 == world.journal.len() || looked_at.as_ref() != Some(&here) {
            check_documents(&file, &journal);
            seen.insert(file.case.stage);
            looked_at = Some(here);
        } else {
            assert!(!dossier::html(&file, &journal, &TimeZone::UTC).is_empty());
        }
    }
}

fn check_folder(folder: &Path, seen: &mut BTreeSet<Stage>) {
    for path in json_files(folder) {
        let text = std::fs::read_to_string(&path).unwrap();
        let file: serde_json::Value = serde_json::from_str(&text).unwrap();
        for scenario in file["scenarios"].as_array().unwrap() {
            let (_, world) = run_one(&text, scenario["id"].as_str().unwrap()).unwrap().unwrap();
            check_every_step(&world, seen);
        }
    }
}

#[test]
fn every_section_is_there_after_every_step_of_every_scenario() {
    let mut seen = BTreeSet::new();
    check_folder(&root().join("scenarios"), &mut seen);
    assert_eq!(seen, Stage::ALL.into_iter().collect(), "every stage was printed");
    match shared() {
        Some(folder) => check_folder(&folder, &mut seen),
        None => println!("skipped: no shared scenarios; set TENURE_SCENARIO_DIR"),
    }
}

#[test]
fn what_people_write_stays_text() {
    let hostile = "</style><script>alert(\"x\")</script> & 'q' | b\n# c ![i](http://e.example/x.png) `d`";
    let (mut file, mut journal) = case_of("D1");
    for row in &mut journal {
        row.text = hostile.to_owned();
    }
    let mut told = serde_json::to_value(&file).unwrap();
    let mut replaced = 0;
    soil(&mut told, hostile, &mut replaced);
    assert!(replaced > 20, "only {replaced} texts were replaced");
    file = serde_json::from_value(told).unwrap();
    check_documents(&file, &journal);
    let page = dossier::html(&file, &journal, &TimeZone::UTC);
    assert!(page.contains("&#60;script&#62;alert(&#34;x&#34;)"), "escaped, and still to be read");
    for text in [
        dossier::markdown(&file, &journal, &TimeZone::UTC),
        decision_record::markdown(&file, &TimeZone::UTC),
        release_note::markdown(&file, &TimeZone::UTC),
    ] {
        assert!(text.contains("\\<script>") && !text.replace("\\<", "").contains("<script"), "{text}");
        assert!(!text.contains("\n# c") && !text.contains("!["), "{text}");
    }
}

/// Puts a text wherever people write.
fn soil(value: &mut serde_json::Value, text: &str, replaced: &mut usize) {
    const WRITTEN: [&str; 15] = [
        "advice",
        "comment",
        "description",
        "evidence",
        "goals",
        "mapping",
        "question",
        "reason",
        "reply",
        "sentence",
        "text",
        "title",
        "why",
        "we_believe",
        "because",
    ];
    match value {
        serde_json::Value::Object(members) => {
            for (name, member) in members {
                match member {
                    serde_json::Value::String(written) if WRITTEN.contains(&name.as_str()) => {
                        text.clone_into(written);
                        *replaced += 1;
                    }
                    other => soil(other, text, replaced),
                }
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| soil(item, text, replaced)),
        _ => {}
    }
}

#[test]
fn a_case_file_survives_json() {
    let (file, _) = case_of("D1");
    let json = serde_json::to_string(&file).unwrap();
    assert_eq!(serde_json::from_str::<CaseFile>(&json).unwrap(), file);
}

#[test]
fn dates_are_those_of_the_zone() {
    let (mut file, journal) = case_of("D1");
    file.case.opened.at = "2026-02-16T23:30:00Z".parse().unwrap();
    assert!(dossier::html(&file, &journal, &TimeZone::UTC).contains("opened 2026-02-16 by Dana Ilic"));
    assert!(dossier::html(&file, &journal, &berlin()).contains("opened 2026-02-17 by Dana Ilic"));
}
