//! Deputies, beyond what the scenarios show: what the entries say, what the desk holds, and that power never grows.

use proptest::prelude::*;
use serde_json::json;
use tenure_core::person::{Grant, Seat};
use tenure_core::{Actor, Event, Recorded, State, apply};

use crate::golden::through_text;
use crate::town::Town;

fn actor(name: &str) -> Actor {
    Actor::of(name.parse().unwrap())
}

#[test]
fn the_entries_of_a_deputy_say_for_whom() {
    let mut town = Town::before("answer_consultation");
    town.does("system", "grant_role", json!({"account": "stand-in", "role": "observer"}));
    let until = town.day.checked_add(jiff::Span::new().days(9)).unwrap();
    town.does("boards-owner", "name_deputy", json!({"deputy": "stand-in", "until": until, "reason": "away"}));
    let desk = town.world.state.desk(&actor("stand-in"), town.now());
    assert_eq!(desk.iter().map(|wait| wait.command).collect::<Vec<_>>(), ["answer_consultation"]);
    assert!(
        desk[0].line().contains(&format!("boards-owner or stand-in for boards-owner until {until}")),
        "{}",
        desk[0].line()
    );

    let entries = town.world.journal.len();
    town.does("stand-in", "answer_consultation", json!({"team": "boards", "codebases": ["boards-web"]}));
    let written: Vec<&str> = town.world.journal[entries..].iter().map(|entry| entry.event.kind()).collect();
    assert_eq!(written, ["deputy_acted", "consultation_answered"]);
    let Event::DeputyActed(acted) = &town.world.journal[entries].event else { panic!("a deputy acted") };
    assert_eq!(
        (acted.acting_for.as_str(), acted.command.as_str(), acted.entries),
        ("boards-owner", "answer_consultation", 1)
    );
    let answered = town.case().consultations.values().next().unwrap().answered.as_ref().unwrap();
    assert_eq!(answered.who(), "stand-in for boards-owner");
    // The next entry, by somebody for themselves, is for nobody else.
    town.does("development-lead", "submit_estimate", json!({"codebase": "boards-web", "days": [1, 2, 3]}));
    assert_eq!(town.case().estimates.values().next().unwrap().stamp.who(), "development-lead");
    assert!(town.world.state.acting.is_none());

    let mut replayed = State::default();
    for recorded in &town.world.journal {
        apply(&mut replayed, &through_text(recorded));
    }
    assert_eq!(replayed, town.world.state);
    let text = serde_json::to_string(&town.world.state).unwrap();
    assert_eq!(serde_json::from_str::<State>(&text).unwrap(), town.world.state);
}

#[test]
fn a_refused_driver_is_told_why() {
    let mut town = Town::before("answer_consultation");
    let until = town.day.checked_add(jiff::Span::new().days(9)).unwrap();
    town.does("boards-owner", "name_deputy", json!({"deputy": "design-lead", "until": until}));
    let with = json!({"team": "boards", "codebases": ["boards-web"]});
    let refusal = town.refuses("design-lead", "answer_consultation", with, "forbidden");
    assert!(refusal.sentence.contains("a driver of the case cannot act for its product owner"), "{refusal}");
}

const PEOPLE: [&str; 6] =
    ["development-lead", "product-manager", "boards-owner", "boards-web-owner", "developer", "stranger"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever names whom, for however long: an act that somebody could not do by a role of their own is one that a person
    /// they act for can do by a role of their own; and no driver becomes a product owner.
    #[test]
    fn nobody_gets_more_than_the_people_they_act_for(
        named in proptest::collection::vec((0..6_usize, 0..6_usize, 0..5_i64, 0..9_i64), 0..12),
        day in 0..12_i64,
    ) {
        let mut town = Town::before("answer_consultation");
        let stranger = json!({"account": "stranger", "role": "observer"});
        town.does("system", "grant_role", stranger);
        let on = |days: i64| town.day.checked_add(jiff::Span::new().days(days)).unwrap();
        let all: Vec<_> = named
            .iter()
            .map(|(person, deputy, from, days)| (PEOPLE[*person], json!({"deputy": PEOPLE[*deputy], "from": on(*from), "until": on(from + days)})))
            .collect();
        for (by, with) in all {
            let _ = town.tries(by, "name_deputy", with);
        }
        town.later(day);
        let (state, at) = (&town.world.state, town.now().at);
        let place = Some(town.case().place());
        for role in ["development_lead", "product_manager", "developer", "product_owner:boards", "codebase_owner:boards-web"] {
            let grant: Grant = role.parse().unwrap();
            let seat = match role.split_once(':') {
                Some(("product_owner", team)) => Seat::ProductOwner(team.parse().unwrap()),
                Some((_, codebase)) => Seat::CodebaseOwner(codebase.parse().unwrap()),
                None => Seat::Role(grant.role),
            };
            for name in PEOPLE {
                let person = actor(name);
                if state.sits(&person, &seat, place) {
                    continue;
                }
                let Some(acting_for) = state.acts_for(&person, &seat, place, at) else { continue };
                prop_assert!(state.sits(&Actor::of(acting_for.clone()), &seat, place));
                let away = &state.deputies[name][acting_for];
                prop_assert!(away.from <= town.day && town.day <= away.until);
                if matches!(seat, Seat::ProductOwner(_)) {
                    for driver in ["development_lead", "product_manager", "design_lead"] {
                        let driver: Grant = driver.parse().unwrap();
                        prop_assert!(!state.may_act(&person, &Seat::Role(driver.role), place, at), "{name} drives");
                    }
                }
            }
        }
    }
}

#[test]
fn a_recorded_entry_without_a_deputy_is_as_it_was() {
    let town = Town::after("S01", usize::MAX);
    let acting = |recorded: &Recorded| serde_json::to_string(recorded).unwrap().contains("acting_for");
    assert!(!town.world.journal.iter().any(acting));
    assert!(!serde_json::to_string(&town.world.state).unwrap().contains("acting_for"));
}
