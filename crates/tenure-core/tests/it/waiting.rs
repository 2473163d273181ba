//! What is blocking, law by law: somebody is always waited on, or time is; and time is never counted twice.

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use serde_json::json;
use tenure_core::board::Board;
use tenure_core::calendar::Calendar;
use tenure_core::filter::Filter;
use tenure_core::id::{AccountId, TeamId};
use tenure_core::pace::Party;
use tenure_core::person::{Role, Seat};
use tenure_core::waiting::Wait;
use tenure_core::{Actor, Case, Command, Stage};

use crate::town::Town;

/// A case that is not at its end waits for somebody, or for a date that can be named. Every wait can be answered by a
/// command of the process.
fn somebody_or_time(town: &Town, case: &Case) {
    let (waits, until) = (town.world.state.waits(case, town.now()), town.world.state.until(case, town.now()));
    if case.stage.is_terminal() {
        assert_eq!(until, None);
        // What a feature that is handed over still needs somebody for.
        let left = ["fix_bug", "settle_dispute", "accept_succession"];
        assert!(waits.iter().all(|wait| left.contains(&wait.command)), "{waits:?}");
        return;
    }
    let named = until.is_some_and(|until| until.until.is_some() || case.stage == Stage::Parked);
    assert!(!waits.is_empty() || named, "{} in {} waits for nothing", case.id, case.stage);
    for wait in &waits {
        assert!(Command::ALL.iter().any(|(name, _)| *name == wait.command), "{wait:?}");
        assert!(wait.since <= town.now().at && !wait.who.is_empty(), "{wait:?}");
        let days = town.world.state.calendar_in(case, waited_on(case, wait));
        let today = days.date(town.now().at);
        let late = wait.due.map_or(0, |due| working_days(&days, due, today));
        assert_eq!(wait.overdue, wait.due.is_some_and(|due| due < today), "{today} {wait:?}");
        assert_eq!(wait.late_by_days, late, "{today} {wait:?}");
    }
}

/// The team by whose calendar a promise is kept: product owners go by their own, owners of code by that of the team that
/// named it, everybody else by that of the team that has the onus.
fn waited_on<'a>(case: &'a Case, wait: &'a Wait) -> &'a TeamId {
    let naming = |codebase| {
        let mut teams = case.consultations.iter().filter(|(_, asked)| asked.codebases.contains(codebase));
        teams.next().map(|(team, _)| team)
    };
    let own = wait.seats.iter().find_map(|seat| match seat {
        Seat::ProductOwner(team) => Some(team),
        Seat::CodebaseOwner(codebase) => naming(codebase),
        _ => None,
    });
    own.unwrap_or(&case.team)
}

/// Working days after a date, up to and with another, one by one.
fn working_days(days: &Calendar<'_>, after: Date, until: Date) -> u32 {
    let days =
        after.series(Span::new().days(1)).skip(1).take_while(|day| *day <= until).map(|day| days.works(day));
    days.map(u32::from).sum()
}

/// The parts of a case's time sum to the time from its opening to its latest entry, or to its end.
fn parts_sum_to_the_whole(town: &Town, case: &Case) {
    let entries = town.world.journal.iter().filter(|entry| entry.event.case() == Some(&case.id));
    let last = if case.stage.is_terminal() {
        case.stage_since
    } else {
        entries.map(|entry| entry.at).max().unwrap()
    };
    let seconds = |from: Timestamp, to: Timestamp| to.as_second() - from.as_second();
    assert_eq!(case.pace.total(), seconds(case.opened.at, last), "{:?}", case.pace);
    assert!(case.pace.seconds.values().all(|part| *part > 0), "{:?}", case.pace);
    if let Some(kept) = &case.kept {
        let split: i64 = case.seconds_to_keep().map(|(_, seconds)| seconds).sum();
        assert_eq!(split, seconds(case.opened.at, kept.stamp.at), "{:?}", case.pace);
    }
}

/// Who holds a grant is the same from either side.
fn holders_are_the_people(town: &Town) {
    let people = town.world.state.people.iter();
    let mut held: Vec<_> =
        people.flat_map(|(account, person)| person.grants.iter().map(move |it| (it, account))).collect();
    held.sort();
    let holders = town.world.state.holders.iter();
    let holders: Vec<_> =
        holders.flat_map(|(grant, accounts)| accounts.iter().map(move |it| (grant, it))).collect();
    assert_eq!(held, holders);
}

pub fn laws(town: &Town) {
    holders_are_the_people(town);
    for case in town.world.state.cases.values() {
        somebody_or_time(town, case);
        parts_sum_to_the_whole(town, case);
    }
}

fn days(case: &Case) -> Vec<(String, i64)> {
    let rounded = |seconds: i64| (seconds + 43_200) / 86_400;
    let parts = case.seconds_to_keep().map(|(party, seconds)| (party.to_string(), rounded(seconds)));
    let mut days: Vec<(String, i64)> = parts.collect();
    days.sort();
    days
}

#[test]
fn days_to_tenure_by_who_was_waited_on() {
    let town = Town::after("S01", usize::MAX);
    let expected = [
        ("design_lead", 0),
        ("developer", 20),
        ("development_lead", 6),
        ("drivers", 11),
        ("product_manager", 1),
        ("product_team:boards", 8),
        ("rollout", 31),
    ];
    assert_eq!(days(town.case()), expected.map(|(party, days)| (party.to_owned(), days)));
}

#[test]
fn a_party_reads_as_it_is_written() {
    let check = |party: Party, text: &str| {
        assert_eq!(party.to_string(), text);
        assert_eq!(text.parse::<Party>().unwrap(), party);
    };
    check(Party::Drivers, "drivers");
    check(Party::Role(Role::DesignLead), "design_lead");
    check(Party::ProductTeam(TeamId::new("boards").unwrap()), "product_team:boards");
    assert!("codebase:".parse::<Party>().is_err());
    assert!("somebody".parse::<Party>().is_err());
}

#[test]
fn a_wait_says_how_to_answer_it() {
    let town = Town::before("answer_consultation");
    let owner = Actor::of(AccountId::new("boards-owner").unwrap());
    let board = Board::of(&town.world.state, town.now());
    let desk = board.desk(&town.world.state, &owner, &Filter::default(), town.now(), 10);
    assert_eq!(desk.total, 1);
    let wait = &desk.waits[0];
    assert_eq!(json!(wait.with), json!({"case": "PC-1", "team": "boards"}));
    assert_eq!(wait.asked, ["codebases"]);
}

#[test]
fn a_late_promise_says_by_how_many_working_days() {
    let mut town = Town::before("answer_consultation");
    // Asked on Tuesday the 17th, promised by Tuesday the 24th; two Mondays later it is nine working days late.
    town.day = "2026-03-09".parse().unwrap();
    let wait = town.world.state.next(town.case(), town.now()).unwrap();
    assert_eq!((wait.overdue, wait.late_by_days), (true, 9));
    assert!(wait.line().ends_with("promised by 2026-02-24 and 9 working days late"), "{}", wait.line());
}

#[test]
fn a_kept_case_waits_for_the_end_of_its_warranty() {
    let mut town = Town::after("S16", 25);
    assert_eq!(town.case().stage, Stage::Productionised);
    town.does("boards-web-owner", "confirm_removed", json!({"codebase": "boards-web"}));
    let blocking = town.world.state.blocking(town.case(), town.now());
    assert_eq!(blocking.as_deref(), Some("the warranty runs, until 2026-11-04"));
}

#[test]
fn seats_are_taken_and_given_up() {
    let mut town = Town::before("answer_consultation");
    let holders = |town: &Town, seat: Seat| -> Vec<String> {
        let place = Some(town.case().place());
        town.world.state.sitters(&seat, place).iter().map(ToString::to_string).collect()
    };
    let boards = || Seat::ProductOwner(TeamId::new("boards").unwrap());
    assert_eq!(holders(&town, boards()), ["boards-owner"]);
    assert_eq!(holders(&town, Seat::Somewhere(Role::ProductOwner)), ["boards-owner", "identity-owner"]);
    for role in ["designer@PC-1", "designer:kestrel", "designer:heron", "designer@PC-9"] {
        town.does("system", "grant_role", json!({"account": role.replace(['@', ':'], "-"), "role": role}));
    }
    let designers = ["designer", "designer-PC-1", "designer-kestrel"];
    assert_eq!(holders(&town, Seat::Role(Role::Designer)), designers);
    town.does("system", "revoke_role", json!({"account": "boards-owner", "role": "product_owner:boards"}));
    assert_eq!(holders(&town, boards()), Vec::<String>::new());
    holders_are_the_people(&town);
}
