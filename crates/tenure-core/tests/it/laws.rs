//! Laws that hold in every run: random commands by random people, some wise and some not.
//!
//! `TENURE_SEQUENCES` says how many runs; the invariants themselves are checked by `apply`, after each entry.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde::{Deserialize as _, Serialize as _};
use serde_json::{Value as Json, json};
use tenure_core::snapshot::Part;
use tenure_core::{Actor, Command, Recorded, RefusalCode, Stage, State, apply, decide, invariant};

use crate::books::Books;
use crate::dice::{Dice, PEOPLE, arguments, child, step};
use crate::golden::through_text;
use crate::town::Town;

/// Commands in a run, after its beginning.
const COMMANDS: usize = 60;
/// Streams of random numbers: how runs are shared among threads does not change what they are.
const STREAMS: u8 = 16;
/// Runs from which on it is asked what they reached.
const RUNS_TO_COUNT: u32 = 5_000;

fn sequences() -> u32 {
    std::env::var("TENURE_SEQUENCES").ok().and_then(|number| number.parse().ok()).unwrap_or(10_000)
}

fn kept_and_read(state: &State) -> State {
    State::from_parts(state.clone().into_parts().iter().map(written_and_read))
}

/// As the store writes and reads it.
fn written_and_read(part: &Part) -> Part {
    let mut written = Vec::new();
    let mut writer = rmp_serde::Serializer::new(&mut written).with_struct_map().with_human_readable();
    part.serialize(&mut writer).unwrap();
    Part::deserialize(&mut rmp_serde::Deserializer::from_read_ref(&written).with_human_readable()).unwrap()
}

/// Where runs begin: a case just opened, and cases far along, each beside a second one and experiments that open none.
fn beginnings() -> &'static [(Town, Books)] {
    static TOWNS: OnceLock<Vec<(Town, Books)>> = OnceLock::new();
    TOWNS.get_or_init(|| {
        let scenes = [
            ("S01", "request_consultation", 1),
            ("S01", "request_consultation", 1),
            ("S01", "request_buy_in", 1),
            ("S01", "reserve_backlog", 1),
            ("S01", "set_rollout_plan", 1),
            ("S01", "start_wave", 2),
            ("S01", "decide_outcome", 1),
            ("S01", "confirm_removed", 1),
            ("S09", "decide_outcome", 1),
            ("S12", "decide_outcome", 1),
            ("S13", "decide_outcome", 2),
            ("S02", "register_platform_change", 1),
            ("S02", "reopen_case", 1),
            ("S02", "reopen_case", 1),
            ("S03", "register_experiment", 2),
            ("S10", "finish_building", 2),
            ("S14", "close_case", 1),
            ("S15", "close_case", 1),
            ("S15", "close_case", 1),
            ("S15", "close_case", 1),
        ];
        let mut towns: Vec<Town> =
            scenes.into_iter().map(|(id, command, nth)| beginning(id, command, nth)).collect();
        towns.extend([
            on_a_condition(),
            after_its_warranty(),
            after_its_warranty(),
            after_its_warranty(),
            after_its_warranty(),
            disputed(),
            holding_some_back(),
            running_experiments(),
            running_experiments(),
        ]);
        towns.into_iter().map(|town| (town.clone(), Books::of(&town.world.journal))).collect()
    })
}

/// A case just opened, and experiments that are run here.
fn running_experiments() -> Town {
    let mut town = beginning("S01", "request_consultation", 1);
    town.does("development-lead", "define_metric", json!({"metric": "primary"}));
    for experiment in ["RUN-0", "RUN-1", "RUN-2", "RUN-3"] {
        let plan = json!({
            "experiment": experiment, "team": "kestrel", "flag": experiment, "metric": "primary", "level": 0.15,
            "smallest_lift": 0.1, "max_days": 30,
        });
        town.does("development-lead", "plan_run", plan);
        town.does("development-lead", "start_run", json!({"experiment": experiment}));
    }
    town
}

/// Kept, with a few who go on without it.
fn holding_some_back() -> Town {
    let mut town = beginning("S01", "set_rollout_plan", 1);
    let plan = json!({"waves": [[5, "safety"], [50, "measure"]], "holdback": {"percent": 5, "days": 20}});
    town.does("development-lead", "set_rollout_plan", plan);
    for _ in 0..2 {
        town.does("development-lead", "start_wave", json!({}));
        town.later(10);
    }
    let counts = json!({"control": [41220, 4905], "treatment": [41310, 5412], "planned_n": 30000});
    town.does("product-manager", "record_measurement", json!({"measurement": counts}));
    town.does("product-manager", "decide_outcome", json!({"kind": "keep"}));
    town
}

/// Handed over, with a bug that the product owners may say was reported before.
fn after_its_warranty() -> Town {
    let mut town = beginning("S14", "close_case", 1);
    town.does("stranger", "report_bug", json!({"bug": "BUG-1"}));
    town
}

/// The same, and the product owners have said so.
fn disputed() -> Town {
    let mut town = after_its_warranty();
    let claim = json!({"bug": "BUG-1", "reason": "our mail", "reported_on": "2026-10-30"});
    town.does("boards-owner", "dispute_bug", claim);
    town
}

/// Built and ready, and signed off anew on a condition that is open.
fn on_a_condition() -> Town {
    let mut town = beginning("S01", "start_wave", 1);
    town.does("developer", "log_deviation", json!({"kind": "adjustment", "description": "another place"}));
    let answer = json!({"team": "boards", "answer": "approve_with_conditions", "conditions": ["dark"]});
    town.does("boards-owner", "answer_buy_in", answer);
    town
}

/// The world of a scenario on the day of its nth step with this command, and just before it.
fn beginning(id: &str, command: &str, nth: usize) -> Town {
    let file: Json = serde_json::from_str(crate::town::PROCESS).unwrap();
    let scenario =
        file["scenarios"].as_array().unwrap().iter().find(|scenario| scenario["id"] == id).unwrap();
    let steps = scenario["steps"].as_array().unwrap();
    let mut those = steps.iter().enumerate().filter(|(_, step)| step["do"] == command).map(|(at, _)| at);
    let at = those.nth(nth - 1).unwrap();
    let mut town = Town::after(id, at);
    town.day = steps[at]["at"].as_str().unwrap().parse().unwrap();
    let experiment = |name: &str, ended: &str, treatment: u64| {
        json!({
            "experiment": name, "team": "kestrel", "ended": ended,
            "measurement": {"control": [30_000, 4_500], "treatment": [30_050, treatment], "planned_n": 0},
        })
    };
    for (name, ended, treatment) in
        [("EXP-B", "2026-02-13", 4_958), ("EXP-LOST", "2026-02-13", 4_510), ("EXP-OLD", "2024-02-13", 4_958)]
    {
        town.does("product-manager", "register_experiment", experiment(name, ended, treatment));
    }
    town.does("product-manager", "open_case", json!({"case": "PC-B", "experiment": "EXP-B"}));
    flags(&mut town);
    town.does("system", "grant_role", json!({"account": "admin", "role": "admin"}));
    for role in ["development_lead:falcon", "product_owner:falcon"] {
        town.does("system", "grant_role", json!({"account": "falcon-lead", "role": role}));
    }
    town
}

/// A flag set by hand that refers to a segment, and a change of it that waits for approval.
fn flags(town: &mut Town) {
    town.does("developer", "set_segment", json!({"segment": "beta", "holds": {"members": ["ann"]}}));
    let flag = json!({
        "type": "boolean", "variants": {"on": true, "off": false}, "default": "off",
        "rules": [{"when": [{"segment": "beta"}], "serve": "on"}],
    });
    town.does("developer", "set_flag", json!({"key": "hand", "environment": "production", "authored": flag}));
    town.does("system", "set_environment", json!({"environment": "staging", "approvals": 1}));
    let change = json!({"do": "set_flag", "with": {"key": "hand", "authored": flag}});
    town.does(
        "developer",
        "propose_change",
        json!({"request": "CR-0", "environment": "staging", "changes": [change], "reason": "as elsewhere"}),
    );
}

/// What runs reached.
#[derive(Default)]
struct Reached {
    runs: u64,
    commands: u64,
    stages: BTreeMap<&'static str, u64>,
    done: BTreeMap<&'static str, u64>,
    refused: BTreeMap<&'static str, u64>,
}

impl Reached {
    fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.commands += other.commands;
        for (into, from) in [
            (&mut self.stages, &other.stages),
            (&mut self.done, &other.done),
            (&mut self.refused, &other.refused),
        ] {
            for (name, times) in from {
                *into.entry(name).or_default() += times;
            }
        }
    }
}

fn run(bytes: &[u8], reached: &mut Reached) -> Town {
    let mut dice = Dice { bytes, at: 0 };
    let beginnings = beginnings();
    let (mut town, mut books) = beginnings[dice.roll(beginnings.len())].clone();
    let (mut commands, mut tries) = (0, 0);
    while commands < COMMANDS && tries < 20 * COMMANDS {
        tries += 1;
        if dice.chance(20) {
            let days = dice.pick(&[1, 7, 60]);
            town.later(days);
        }
        let Some((by, command)) = step(&mut dice, &town) else { continue };
        commands += 1;
        let now = town.now();
        match decide(&town.world.state, &by, now, &command) {
            Ok(events) => {
                *reached.done.entry(command.name()).or_default() += 1;
                for event in events {
                    let seq = town.world.state.seq + 1;
                    let recorded = Recorded { seq, at: now.at, actor: by.account(), event };
                    books.record(&mut town.world.state, &recorded);
                    town.world.journal.push(recorded);
                }
            }
            Err(refusal) => *reached.refused.entry(refusal.code.code()).or_default() += 1,
        }
        for case in town.world.state.cases.values() {
            *reached.stages.entry(case.stage.name()).or_default() += 1;
        }
        if commands % 20 == 0 {
            crate::waiting::laws(&town);
            crate::boards::law(&books.board, &town.world.state, now);
            if dice.chance(50) {
                books.board.turn(&town.world.state, now);
            }
        }
    }
    let broken = invariant::of_state(&town.world.state);
    assert!(broken.is_empty(), "{broken:?}");
    if reached.runs.is_multiple_of(20) {
        assert_eq!(kept_and_read(&town.world.state), town.world.state, "a snapshot says the same");
    }
    reached.runs += 1;
    reached.commands += commands as u64;
    town
}

/// The journal gives the state again, through its written form, and so does a snapshot.
fn check_replay(town: &Town) {
    let mut replayed = State::default();
    for recorded in &town.world.journal {
        apply(&mut replayed, &through_text(recorded));
    }
    assert_eq!(replayed, town.world.state);
    let snapshot: State = serde_json::from_str(&serde_json::to_string(&town.world.state).unwrap()).unwrap();
    assert_eq!(snapshot, replayed);
}

/// Runs of one stream of random numbers.
fn stream(number: u8, runs: u32) -> Reached {
    let reached = std::cell::RefCell::new(Reached::default());
    let config = ProptestConfig { cases: runs, failure_persistence: None, ..ProptestConfig::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[number + 1; 32]);
    TestRunner::new_with_rng(config, rng)
        .run(&proptest::collection::vec(any::<u8>(), 600), |bytes| {
            let town = run(&bytes, &mut reached.borrow_mut());
            if bytes[0] % 16 == 0 {
                check_replay(&town);
            }
            Ok(())
        })
        .unwrap_or_else(|fault| panic!("stream {number}: {fault}"));
    reached.into_inner()
}

#[test]
fn any_sequence_of_commands_keeps_the_laws() {
    let (runs, next) = (sequences(), AtomicU8::new(0));
    let each = runs.div_ceil(u32::from(STREAMS));
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(usize::from(STREAMS));
    let mut reached = Reached::default();
    std::thread::scope(|scope| {
        let work = || {
            let mut reached = Reached::default();
            while let number @ 0..STREAMS = next.fetch_add(1, Ordering::Relaxed) {
                reached.add(&stream(number, each));
            }
            reached
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            reached.add(&worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    });
    println!("{} runs, {} commands", reached.runs, reached.commands);
    println!("stages {:?}\ndone {:?}\nrefused {:?}", reached.stages, reached.done, reached.refused);
    assert!(reached.runs >= u64::from(runs) && reached.commands >= reached.runs * COMMANDS as u64 * 99 / 100);
    if runs >= RUNS_TO_COUNT {
        went_everywhere(&reached);
    }
}

/// Random runs are worth something only when they reach every stage, carry out every command and meet every refusal.
fn went_everywhere(reached: &Reached) {
    let often = reached.runs / 1_000;
    let seldom = |counts: &BTreeMap<&'static str, u64>, names: &[&'static str]| -> Vec<&'static str> {
        names.iter().copied().filter(|name| counts.get(name).copied().unwrap_or(0) < often).collect()
    };
    let stages = seldom(&reached.stages, &Stage::ALL.map(Stage::name));
    let commands: Vec<&str> = Command::ALL.iter().map(|(name, _)| *name).collect();
    let done = seldom(&reached.done, &commands);
    let codes: Vec<&str> = RefusalCode::ALL.iter().map(|code| code.code()).collect();
    let refused = seldom(&reached.refused, &codes);
    assert!(
        stages.is_empty() && done.is_empty() && refused.is_empty(),
        "seldom: {stages:?} {done:?} {refused:?}"
    );
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
        "arms" => json!([
            {"name": dice.pick(&["control", "off", ""]), "value": numbers[dice.roll(7)], "weight": numbers[dice.roll(7)]},
            {"name": "b", "value": numbers[dice.roll(7)], "weight": u32::MAX},
        ]),
        "look" => json!({
            "arms": [{"arm": "control", "primary": arms[dice.roll(5)]}, {"arm": "treatment", "primary": arms[dice.roll(5)]}],
            "units_in_two_arms": u64::MAX,
        }),
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

fn absurdities() -> u32 {
    std::env::var("TENURE_SEQUENCES").ok().and_then(|number| number.parse().ok()).unwrap_or(200).min(200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: absurdities(), failure_persistence: None, ..ProptestConfig::default() })]

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
        while dice.has_more() {
            let (name, _) = Command::ALL[dice.roll(Command::ALL.len())];
            let mut with = match name {
                "register_experiment" => child(&mut dice, &town, &case),
                "set_policy" => json!({"policy": {}}),
                "define_metric" => json!({"metric": "m", "cap": 1, "window_hours": 1, "quantile": 0.5, "kind": "quantile"}),
                "grant_role" => json!({"account": "a", "role": "developer"}),
                "define_codebase" => json!({"codebase": "c", "items": []}),
                "set_flag" => json!({"key": "k", "definition": {}}),
                _ => arguments(&mut dice, &town, name),
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
