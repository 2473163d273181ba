//! Who is told what, at once and in the weekly digest.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;
use tenure_core::Actor;
use tenure_core::board::Board;
use tenure_core::filter::Filter;
use tenure_core::id::{AccountId, CaseId};
use tenure_core::narration::Names;
use tenure_core::notification::digest::{Interest, Schedule, digest, line};
use tenure_core::notification::{History, Message, Topic, Turn, change, messages};
use tenure_core::scenario::World;

use crate::town::Town;

/// Every message of a world, as a reader of its journal makes them.
fn all_messages(world: &World) -> Vec<Message> {
    let mut histories: BTreeMap<CaseId, History> = BTreeMap::new();
    let mut said = Vec::new();
    for recorded in &world.journal {
        let Some(case) = recorded.event.case() else {
            let turn = Turn { recorded, before: None, after: None };
            said.extend(messages(&world.state, turn, &Names::default()));
            continue;
        };
        let history = histories.entry(case.clone()).or_default();
        let before = history.case().cloned();
        history.apply(recorded);
        let turn = Turn { recorded, before: before.as_ref(), after: history.case() };
        said.extend(messages(&world.state, turn, &Names::default()));
    }
    for (case, history) in &histories {
        assert_eq!(history.case(), world.state.case(case), "a case is the fold of its own stream");
    }
    said
}

fn told(message: &Message) -> String {
    let to: Vec<&str> = message.recipients().into_iter().map(AccountId::as_str).collect();
    let topic = json!(message.topic);
    format!("{:8} {} → {}", topic.as_str().unwrap(), message.subject, to.join(", "))
}

/// What is said at once in a scenario: few things, each to those who can answer.
#[test]
fn what_is_said_at_once() {
    let mut lines = Vec::new();
    for id in ["S01", "S02", "S06", "S12", "S14", "S20"] {
        lines.push(format!("{id}:"));
        lines.extend(all_messages(&Town::after(id, usize::MAX).world).iter().map(told));
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_message_is_whole() {
    let mut town = Town::before("answer_buy_in");
    town.does("boards-owner", "log_deviation", json!({"kind": "polish", "description": "rounder corners"}));
    let said = all_messages(&town.world);
    insta::assert_json_snapshot!(said.last().unwrap());
}

/// The ids are what a receiver tells duplicates by: unique, plain, and the same when they are made again.
#[test]
fn ids_are_stable_plain_and_unique() {
    for id in ["S01", "S12", "S14"] {
        let world = Town::after(id, usize::MAX).world;
        let ids: Vec<String> = all_messages(&world).into_iter().map(|message| message.id).collect();
        let again: Vec<String> = all_messages(&world).into_iter().map(|message| message.id).collect();
        assert_eq!(ids, again);
        let unique: std::collections::BTreeSet<&String> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len());
        for id in &ids {
            let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
            assert!(id.chars().all(plain), "{id}");
        }
    }
}

fn last(world: &World, topic: Topic) -> Message {
    all_messages(world).into_iter().rfind(|message| message.topic == topic).expect("it is said")
}

fn recipients(message: &Message) -> Vec<&str> {
    message.recipients().into_iter().map(AccountId::as_str).collect()
}

#[test]
fn a_hold_reaches_drivers_builders_and_product_owners_with_what_it_did() {
    let mut town = Town::in_safety_wave();
    town.does("boards-owner", "stop_exposure", json!({"reason": "login is broken"}));
    let held = last(&town.world, Topic::Held);
    assert_eq!(held.subject, "PC-1: exposure is held at 0 %: somebody stopped it: login is broken");
    assert_eq!(
        recipients(&held),
        ["design-lead", "developer", "development-lead", "lead-developer", "product-manager", "three-hats"],
        "whoever stopped it knows"
    );
    let changed: Vec<String> = held.changed.iter().map(ToString::to_string).collect();
    assert!(changed.contains(&"exposure: 5 % → 0 %".to_owned()), "{changed:?}");
}

#[test]
fn a_changed_estimate_says_from_and_to() {
    let mut town = Town::before("set_cost_benefit");
    let before = town.case().clone();
    town.does(
        "development-lead",
        "submit_estimate",
        json!({"codebase": "boards-web", "days": [14, 21, 30], "maintenance_days_per_year": 4}),
    );
    let changed = change::between(Some(&before), town.case());
    let [change] = changed.as_slice() else { panic!("{changed:?}") };
    assert_eq!(change.what, "estimate of boards-web");
    assert_eq!(change.to.as_deref(), Some("21 person-days (14 to 30), 4 days of maintenance a year"));
    assert_ne!(change.from, change.to);
}

/// Two cases that are the same differ in nothing; a change told backwards is the change.
#[test]
fn changes_are_a_difference() {
    let town = Town::after("S20", usize::MAX);
    let [early, late] = [Town::after("S20", 12), Town::after("S20", 16)].map(|town| town.case().clone());
    assert_eq!(change::between(Some(town.case()), town.case()), []);
    let there = change::between(Some(&early), &late);
    let back = change::between(Some(&late), &early);
    assert!(!there.is_empty());
    for change in &there {
        let reverse = back.iter().find(|other| other.what == change.what).expect("both ways");
        assert_eq!((&reverse.from, &reverse.to), (&change.to, &change.from));
    }
    assert_eq!(there.len(), back.len());
}

#[test]
fn a_late_promise_reaches_whom_it_waits_on_and_the_drivers() {
    let mut town = Town::before("answer_consultation");
    town.later(8);
    for due in tenure_core::plan::plan(&town.world.state, town.now()) {
        if let tenure_core::plan::Due::Submit(command) = due {
            let now = town.now();
            town.world.submit(&Actor::System, now, &command).unwrap();
        }
    }
    let late = last(&town.world, Topic::Deadline);
    assert!(late.subject.contains("answer the consultation for boards, promised by"), "{}", late.subject);
    assert!(late.subject.ends_with("and late"), "{}", late.subject);
    let to = recipients(&late);
    for who in ["boards-owner", "development-lead", "product-manager", "design-lead"] {
        assert!(to.contains(&who), "{to:?}");
    }
    assert!(!to.contains(&"identity-owner"));
}

#[test]
fn an_ask_that_nobody_can_answer_goes_to_the_drivers() {
    let mut town = Town::before("answer_consultation");
    town.does("system", "revoke_role", json!({"account": "boards-owner", "role": "product_owner:boards"}));
    town.does("system", "define_team", json!({"team": "boards"}));
    let ask = last(&town.world, Topic::Ask);
    assert_eq!(ask.notes, ["Nobody holds product owner of boards: grant the role, or nobody can answer."]);
    assert!(recipients(&ask).contains(&"product-manager"));
}

#[test]
fn a_team_that_is_dissolved_is_told_and_its_successor_asked() {
    let mut town = Town::before("answer_buy_in");
    for (account, role) in [
        ("falcon-lead", "development_lead:falcon"),
        ("falcon-owner", "product_owner:falcon"),
        ("boards-developer", "developer:boards"),
    ] {
        town.does("system", "grant_role", json!({"account": account, "role": role}));
    }
    town.does("system", "define_team", json!({"team": "falcon"}));
    let dissolve = json!({"team": "boards", "successor": "falcon", "reason": "reorganised"});
    town.does("boards-owner", "dissolve_team", dissolve);
    let ask = last(&town.world, Topic::Ask);
    assert_eq!(ask.subject, "falcon is asked to take the place of boards, which is dissolved");
    assert_eq!(ask.answer.as_deref(), Some("tenure do accept_succession team=boards"));
    assert_eq!(recipients(&ask), ["development-lead", "falcon-lead", "falcon-owner", "three-hats"]);
    let told = last(&town.world, Topic::Team);
    assert_eq!(told.subject, "your team boards is dissolved: falcon is to take its place");
    assert_eq!(recipients(&told), ["boards-developer"], "whoever dissolved it knows");
    town.does("falcon-owner", "accept_succession", json!({"team": "boards"}));
    let told = last(&town.world, Topic::Team);
    assert_eq!(
        told.subject,
        "falcon has taken over the cases and codebases and products of your team boards"
    );
    assert_eq!(recipients(&told), ["boards-developer", "boards-owner"]);
}

#[test]
fn a_digest_holds_what_waits_on_me_and_what_happened_in_my_cases() {
    let town = Town::before("answer_buy_in");
    let lines: Vec<_> =
        town.world.journal.iter().filter_map(|recorded| line(recorded, &Names::default())).collect();
    let of = |account: &str, interest: &Interest| {
        let (state, actor) = (&town.world.state, Actor::of(account.parse().unwrap()));
        let desk = Board::of(state, town.now()).desk(state, &actor, &Filter::default(), town.now(), 10);
        digest(state, &actor, desk, interest, &lines)
    };
    insta::assert_json_snapshot!(of("boards-owner", &Interest::default()));
    assert_eq!(of("identity-owner", &Interest::default()), None, "another team's product owner");
    let case = CaseId::new("PC-1").unwrap();
    let watching = Interest { watched: [case.clone()].into(), ..Interest::default() };
    assert_eq!(of("identity-owner", &watching).unwrap().cases.len(), 1);
    let muted = of("boards-owner", &Interest { muted: [case].into(), ..Interest::default() }).unwrap();
    assert_eq!((muted.waits.len(), muted.cases.len()), (1, 0), "what waits is told all the same");
}

#[test]
fn a_digest_is_due_on_its_day_at_its_hour_where_its_reader_is() {
    let check = |zone: &str, at: &str, expected: &str| {
        let zone = TimeZone::get(zone).unwrap();
        let latest = Schedule::default().latest(at.parse().unwrap(), &zone);
        assert_eq!(latest, expected.parse::<Timestamp>().unwrap(), "{at}");
    };
    check("UTC", "2026-03-09T09:00:00Z", "2026-03-09T09:00:00Z");
    check("UTC", "2026-03-09T08:59:59Z", "2026-03-02T09:00:00Z");
    check("UTC", "2026-03-15T23:00:00Z", "2026-03-09T09:00:00Z");
    check("Australia/Sydney", "2026-03-08T22:00:00Z", "2026-03-08T22:00:00Z");
    check("Australia/Sydney", "2026-03-08T21:59:00Z", "2026-03-01T22:00:00Z");
    // The clocks went forward in the night before.
    check("Europe/Berlin", "2026-03-30T12:00:00Z", "2026-03-30T07:00:00Z");
}
