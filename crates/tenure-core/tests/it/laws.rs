//! Laws that hold in every run: random commands by random people, some wise and some not.
//!
//! `TENURE_SEQUENCES` raises the number of runs.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use tenure_core::id::{CaseId, TeamId};
use tenure_core::measurement::Verdict;
use tenure_core::person::{Actor, Seat};
use tenure_core::sign_off::Answer;
use tenure_core::{Command, Event, Recorded, Stage, State, apply, invariant};

use crate::golden::through_text;
use crate::town::Town;

const PEOPLE: [&str; 13] = [
    "development-lead",
    "product-manager",
    "design-lead",
    "lead-developer",
    "developer",
    "designer",
    "boards-owner",
    "boards-web-owner",
    "identity-owner",
    "identity-core-owner",
    "three-hats",
    "stranger",
    "system",
];
const TEAMS: [&str; 2] = ["boards", "identity"];
const CODEBASES: [(&str, [&str; 2]); 2] =
    [("boards-web", ["qa_demo", "pr_review"]), ("identity-core", ["pr_review", "security_review"])];

/// A stream of small choices; a short stream ends in zeros.
struct Dice<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Dice<'_> {
    fn roll(&mut self, sides: usize) -> usize {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(byte) % sides
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())]
    }

    /// True so many times in a hundred.
    fn chance(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }
}

/// Arguments for a command, mostly sensible.
fn arguments(dice: &mut Dice<'_>, state: &State, name: &str) -> Json {
    let (codebase, items) = dice.pick(&CODEBASES);
    let days = i64::try_from(state.seq).unwrap_or(0);
    let later = format!("20{}-06-15", 28 + days % 3);
    match name {
        "delegate_prep" => json!({"to": dice.pick(&["lead-developer", "designer"])}),
        "request_consultation" | "request_buy_in" | "agree_warranty" => json!({"team": dice.pick(&TEAMS)}),
        "answer_consultation" => match dice.roll(3) {
            0 => json!({"team": "identity", "codebases": ["identity-core"]}),
            1 => json!({"team": "boards", "codebases": ["boards-web", "identity-core"]}),
            _ => json!({"team": "boards", "codebases": ["boards-web"]}),
        },
        "submit_estimate" => json!({"codebase": codebase, "days": [1, 2, 3], "maintenance_days_per_year": 1}),
        "set_cost_benefit" => {
            json!({"benefit_per_year": 900, "one_off_cost": 100, "maintenance_per_year": 10})
        }
        "decide" => match dice.roll(6) {
            0 => json!({"kind": "park", "reason": "dear", "unblock": ["cheap"]}),
            1 => json!({"kind": "rerun", "reason": "dear", "goals": ["simpler"]}),
            _ => json!({"kind": "proceed", "reason": "pays"}),
        },
        "withdraw_case" | "retire_case" => json!({"reason": "over"}),
        "reopen_case" => json!({"override": true}),
        "answer_buy_in" => match dice.roll(8) {
            0 => json!({"team": dice.pick(&TEAMS), "answer": "refuse"}),
            1 => json!({"team": dice.pick(&TEAMS), "answer": "changes_requested"}),
            2 => {
                json!({"team": dice.pick(&TEAMS), "answer": "approve_with_conditions", "conditions": ["dark"]})
            }
            _ => json!({"team": dice.pick(&TEAMS), "answer": "approve"}),
        },
        "satisfy_condition" => json!({"team": dice.pick(&TEAMS), "condition": "dark"}),
        "log_deviation" => {
            json!({"kind": dice.pick(&["parity", "polish", "adjustment", "redesign"]), "description": "x"})
        }
        "rule_deviation" => json!({"number": 1, "kind": dice.pick(&["parity", "adjustment"])}),
        "add_follow_up" | "start_follow_up" => json!({"follow_up": dice.pick(&["FU-1", "FU-2"])}),
        "reserve_backlog" => json!({"days": 5}),
        "assign_builder" => json!({"developer": "developer"}),
        "checklist" => json!({
            "codebase": codebase, "item": dice.pick(&items), "reason": "seen",
            "result": dice.pick(&["passed", "passed", "passed", "waived", "failed"]),
        }),
        "propose_warranty" | "extend_warranty" => json!({"months": 1 + dice.roll(6)}),
        "set_rollout_plan" => json!({"waves": dice.pick(&[
            r#"[[5,"safety"],[50,"measure"]]"#, r#"[[50,"measure"]]"#, r#"[[5,"safety"]]"#, r#"[[100,"measure"]]"#,
        ]).parse::<Json>().unwrap()}),
        "guardrail_breach" => json!({"name": "errors"}),
        "record_measurement" => {
            let (control, treatment) = ([30_000, 3_600], dice.pick(&[3_900, 3_900, 3_610, 3_300]));
            let planned = dice.pick(&[0, 0, 0, 90_000]);
            json!({"measurement": {"control": control, "treatment": [30_000, treatment], "planned_n": planned}})
        }
        "decide_outcome" => {
            let kind = dice.pick(&["keep", "keep", "keep_justified", "iterate", "iterate", "remove"]);
            let justification =
                json!({"why": "w", "maintenance_days": 1, "who_pays": "boards", "review_on": later});
            json!({"kind": kind, "justification": justification, "product_owner_acknowledges": "boards-owner"})
        }
        "review_keep" => json!({"kind": dice.pick(&["affirm", "remove"]), "review_on": later}),
        "confirm_removed" => json!({"codebase": codebase}),
        "report_bug" | "fix_bug" => json!({"bug": dice.pick(&["BUG-1", "BUG-2"])}),
        "create_flag" => json!({"key": format!("flag-{}", dice.roll(200))}),
        "offer_onus" => json!({"team": "boards"}),
        "dismiss_suggestion" => json!({"platform_change": "CH-0"}),
        _ => json!({}),
    }
}

/// Commands that people give without being waited on.
const UNASKED: [&str; 16] = [
    "log_deviation",
    "rule_deviation",
    "add_follow_up",
    "start_follow_up",
    "stop_exposure",
    "guardrail_breach",
    "release_hold",
    "report_bug",
    "withdraw_case",
    "retire_case",
    "delegate_prep",
    "revoke_delegation",
    "acknowledge_keep",
    "extend_warranty",
    "request_consultation",
    "assign_builder",
];

/// One step: what is waited for by somebody who may, an unasked command, or anything by anybody.
fn step(dice: &mut Dice<'_>, town: &mut Town) {
    let cases: Vec<CaseId> = town.world.state.cases.keys().cloned().collect();
    let case = cases[dice.roll(cases.len())].clone();
    let (name, by) = if dice.chance(70) {
        let waits = town.world.state.waits(&town.world.state.cases[&case], town.now());
        let Some(wait) = waits.get(dice.roll(waits.len().max(1))) else { return };
        let holders: Vec<String> =
            wait.who.iter().flat_map(|who| who.accounts.iter().map(ToString::to_string)).collect();
        let by = holders.get(dice.roll(holders.len().max(1))).cloned().unwrap_or_else(|| "system".to_owned());
        (wait.command, by)
    } else if dice.chance(40) {
        (dice.pick(&UNASKED), dice.pick(&PEOPLE).to_owned())
    } else {
        (Command::ALL[dice.roll(Command::ALL.len())].0, dice.pick(&PEOPLE).to_owned())
    };
    let with = match name {
        "register_experiment" => child(dice, town, &case),
        "register_platform_change" => {
            json!({"platform_change": format!("CH-{}", dice.roll(9)), "tags": [dice.pick(&["cheap", "other"])]})
        }
        _ => {
            let mut with = arguments(dice, &town.world.state, name);
            with["case"] = json!(case);
            with
        }
    };
    // Arguments that do not fit a command are no step at all.
    if Command::parse(name, with.clone()).is_ok() {
        let _ = town.tries(&by, name, with);
    }
}

fn child(dice: &mut Dice<'_>, town: &Town, case: &CaseId) -> Json {
    let treatment = dice.pick(&[4_958, 4_958, 4_510]);
    json!({
        "experiment": format!("EXP-{}", town.world.state.seq), "team": "kestrel", "ended": town.day,
        "parent": town.world.state.cases[case].experiment,
        "measurement": {"control": [30_000, 4_500], "treatment": [30_050, treatment], "planned_n": 0},
    })
}

fn run(bytes: &[u8]) -> Town {
    let mut town = Town::after("S01", 2);
    let experiment = json!({
        "experiment": "EXP-B", "team": "kestrel", "ended": "2026-02-13",
        "measurement": {"control": [30_000, 4_500], "treatment": [30_050, 4_958], "planned_n": 0},
    });
    town.does("product-manager", "register_experiment", experiment);
    town.does("product-manager", "open_case", json!({"case": "PC-B", "experiment": "EXP-B"}));
    let mut dice = Dice { bytes, at: 0 };
    while dice.at < bytes.len() {
        if dice.chance(20) {
            let days = dice.pick(&[1, 7, 60]);
            town.later(days);
        }
        step(&mut dice, &mut town);
        let broken = invariant::of_state(&town.world.state);
        assert!(broken.is_empty(), "{broken:?} after {:?}", town.world.journal.last());
        crate::waiting::laws(&town);
    }
    town
}

/// What was consulted, approved and adjusted, read from the journal alone.
#[derive(Default)]
struct Consent {
    teams: BTreeSet<TeamId>,
    approved: BTreeMap<TeamId, u64>,
    adjusted: u64,
}

/// Replays the journal beside a book of its own: nobody met a feature that a team had not signed off as it was then, only
/// owners passed items and answered for teams, and no negative was kept.
fn check_journal(journal: &[Recorded]) {
    let mut state = State::default();
    let mut books: BTreeMap<CaseId, Consent> = BTreeMap::new();
    for recorded in journal {
        let actor = Actor::of(recorded.actor.clone());
        let holds = |seat: Seat| state.may_act(&actor, &seat, None, recorded.at);
        if let Some(case) = recorded.event.case() {
            let book = books.entry(case.clone()).or_default();
            match &recorded.event {
                Event::ConsultationRequested(event) => {
                    book.teams.insert(event.team.clone());
                }
                Event::BuyInRequested(event) => {
                    book.teams.insert(event.team.clone());
                }
                Event::BuyInAnswered(event) => {
                    assert!(holds(Seat::ProductOwner(event.team.clone())), "{recorded:?}");
                    if matches!(event.answer, Answer::Approve | Answer::ApproveWithConditions) {
                        book.approved.insert(event.team.clone(), recorded.seq);
                    } else {
                        book.approved.remove(&event.team);
                    }
                }
                Event::DeviationLogged(event) if event.weight == 3 => book.adjusted = recorded.seq,
                Event::DeviationRuled(event) if event.weight == 3 => book.adjusted = recorded.seq,
                Event::DecisionTaken(event) if event.moves_to == Stage::BuyIn => book.approved.clear(),
                Event::CaseReopened(_) | Event::CaseResumed(_) => book.approved.clear(),
                Event::ItemRecorded(event) => {
                    assert!(holds(Seat::CodebaseOwner(event.codebase.clone())), "{recorded:?}");
                }
                Event::WaveStarted(_) => {
                    for team in &book.teams {
                        let at = book.approved.get(team).copied();
                        assert!(
                            at.is_some_and(|at| at > book.adjusted),
                            "{team} had not signed off: {recorded:?}"
                        );
                    }
                }
                Event::FeatureKept(event) => {
                    let cited = state.cases[case].measurements.judged.last().unwrap();
                    assert_eq!(event.cites, cited.number);
                    assert_ne!(cited.verdict, Verdict::Negative);
                }
                _ => {}
            }
        }
        apply(&mut state, &through_text(recorded));
    }
}

fn sequences() -> u32 {
    std::env::var("TENURE_SEQUENCES").ok().and_then(|number| number.parse().ok()).unwrap_or(48)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: sequences(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_commands_keeps_the_laws(bytes in proptest::collection::vec(any::<u8>(), 900)) {
        let town = run(&bytes);
        check_journal(&town.world.journal);
        let mut replayed = State::default();
        for recorded in &town.world.journal {
            apply(&mut replayed, &through_text(recorded));
        }
        prop_assert_eq!(&replayed, &town.world.state);
        let snapshot: State =
            serde_json::from_str(&serde_json::to_string(&town.world.state).unwrap()).unwrap();
        prop_assert_eq!(snapshot, replayed);
    }
}

/// The random runs are worth something only when they go deep.
#[test]
fn random_runs_reach_every_stage() {
    let mut reached: BTreeSet<&'static str> = BTreeSet::new();
    let mut noise: u64 = 0x9E37_79B9_7F4A_7C15;
    for _ in 0..40 {
        let bytes: Vec<u8> = (0..1_500)
            .map(|_| {
                // xorshift64 [Marsaglia 2003]
                noise ^= noise << 13;
                noise ^= noise >> 7;
                noise ^= noise << 17;
                noise.to_le_bytes()[3]
            })
            .collect();
        let town = run(&bytes);
        let mut state = State::default();
        for recorded in &town.world.journal {
            apply(&mut state, recorded);
            reached.extend(state.cases.values().map(|case| case.stage.name()));
        }
    }
    let all: BTreeSet<&'static str> = Stage::ALL.iter().map(|stage| stage.name()).collect();
    assert_eq!(reached, all, "missing {:?}", all.difference(&reached).collect::<Vec<_>>());
}

/// Values at and beyond the edge of what can be meant, by the name of the argument.
fn absurd(dice: &mut Dice<'_>, name: &str) -> Json {
    let dates = ["-009999-01-01", "9999-12-31", "2026-02-29", "2026-03-30", ""];
    let numbers = [json!(0), json!(-1), json!(1e308), json!(u64::MAX), json!(0.1), json!("7"), Json::Null];
    let arms = [
        json!([0, 0]),
        json!([1, 2]),
        json!([u64::MAX, 1]),
        json!([2, 1]),
        json!({"n": 5, "mean": 1e308, "variance": 1e308}),
    ];
    match name {
        "ended" | "review_on" => json!(dice.pick(&dates)),
        "days" if dice.chance(50) => json!([numbers[dice.roll(6)], 1e308, 1e308]),
        "waves" => {
            json!([[numbers[dice.roll(7)], "measure"], [50, dice.pick(&["safety", "measure", "fun"])]])
        }
        "measurement" => json!({
            "control": arms[dice.roll(5)], "treatment": arms[dice.roll(5)],
            "planned_n": numbers[dice.roll(7)], "split": numbers[dice.roll(7)],
            dice.pick(&["x", "epochs"]): [{"epoch": 0, "control": arms[dice.roll(5)], "treatment": arms[dice.roll(5)]}],
            "units_in_two_arms": u64::MAX,
        }),
        "tags" | "unblock" | "goals" | "conditions" | "codebases" | "items" => {
            json!(["", " ", "boards-web", "boards-web"])
        }
        "kind" => json!(dice.pick(&["proceed", "keep", "parity", "keep_justified", "affirm"])),
        "justification" => {
            json!({"why": "", "maintenance_days": numbers[dice.roll(7)], "review_on": dice.pick(&dates)})
        }
        "policy" => {
            json!({"alpha": numbers[dice.roll(7)], "holidays": [dice.pick(&dates)], "look_every_hours": u32::MAX})
        }
        "case" => json!(dice.pick(&["PC-1", "PC-1", "PC-1", "", "PC-9"])),
        "team" => json!(dice.pick(&["boards", "nobody"])),
        "role" => json!(dice.pick(&["admin", "admin@", "product_owner", ":", "@"])),
        "definition" | "treatment" | "control" => numbers[dice.roll(7)].clone(),
        _ if dice.chance(50) => numbers[dice.roll(7)].clone(),
        _ => json!(dice.pick(&["", "boards-web", "EXP-1", "qa_demo", "\u{0}", "approve", "lead-developer"])),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: sequences(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn absurd_arguments_never_panic(bytes in proptest::collection::vec(any::<u8>(), 300)) {
        let mut dice = Dice { bytes: &bytes, at: 0 };
        let mut town = match dice.roll(4) {
            0 => Town::before("answer_consultation"),
            1 => Town::before("checklist"),
            2 => Town::before("set_rollout_plan"),
            _ => Town::in_measured_wave(),
        };
        let case = "PC-1".parse().unwrap();
        while dice.at < bytes.len() {
            let (name, _) = Command::ALL[dice.roll(Command::ALL.len())];
            let mut with = match name {
                "register_experiment" => child(&mut dice, &town, &case),
                "set_policy" => json!({"policy": {}}),
                "define_metric" => json!({"metric": "m", "cap": 1, "window_hours": 1, "quantile": 0.5, "kind": "quantile"}),
                "grant_role" => json!({"account": "a", "role": "developer"}),
                "define_codebase" => json!({"codebase": "c", "items": []}),
                "set_flag" => json!({"key": "k", "definition": {}}),
                _ => arguments(&mut dice, &town.world.state, name),
            };
            with["case"] = json!(case);
            let keys: Vec<String> = with.as_object().unwrap().keys().cloned().collect();
            let key = &keys[dice.roll(keys.len())];
            with[key] = absurd(&mut dice, key);
            if let Ok(command) = Command::parse(name, with) {
                // By each of them, so that a bad value gets past the question of who.
                for by in PEOPLE {
                    let now = town.now();
                    let _ = town.world.submit(&Actor::of(by.parse().unwrap()), now, &command);
                }
            }
        }
    }
}
