//! Rollouts that Tenure measures itself: looks, guardrails, holds, the flag, and what is due.

use std::sync::Arc;

use jiff::ToSpan as _;
use serde_json::{Value as Json, json};
use tenure_core::measurement::Verdict;
use tenure_core::plan::{Due, plan};
use tenure_core::{Actor, Case, Command, Stage};
use tenure_flags::Phase;

use crate::town::Town;

fn epochs(arms: &[([u64; 2], [u64; 2])]) -> Json {
    let epoch = |(index, (control, treatment)): (usize, &([u64; 2], [u64; 2]))| json!({"epoch": index, "control": control, "treatment": treatment});
    arms.iter().enumerate().map(epoch).collect()
}

fn look(control: [u64; 2], treatment: [u64; 2]) -> Json {
    json!({"measurement": {"epochs": epochs(&[(control, treatment)]), "engine": "test 1"}})
}

const FLAT: ([u64; 2], [u64; 2]) = ([2_000, 240], [2_000, 242]);
const GAIN: ([u64; 2], [u64; 2]) = ([20_000, 2_400], [20_000, 2_800]);
const LOSS: ([u64; 2], [u64; 2]) = ([20_000, 2_400], [20_000, 1_900]);

fn verdict(town: &Town) -> Verdict {
    town.case().verdict().unwrap()
}

#[test]
fn only_tenure_itself_records_its_own_looks() {
    let mut town = Town::in_measured_wave();
    town.refuses("product-manager", "record_measurement", look(GAIN.0, GAIN.1), "forbidden");
    town.does("system", "record_measurement", look(FLAT.0, FLAT.1));
    assert_eq!(verdict(&town), Verdict::Immature);
    assert_eq!(town.case().measurements.latest.as_ref().unwrap().self_reported, None);
}

#[test]
fn a_positive_waits_for_whole_weeks_and_a_negative_waits_for_nothing() {
    let mut town = Town::in_measured_wave();
    town.later(6);
    town.does("system", "record_measurement", look(GAIN.0, GAIN.1));
    assert_eq!((verdict(&town), town.case().stage), (Verdict::Immature, Stage::RollingOut));
    town.later(1);
    town.does("system", "record_measurement", look(GAIN.0, GAIN.1));
    assert_eq!((verdict(&town), town.case().stage), (Verdict::Positive, Stage::Outcome));
    assert_eq!(town.case().exposure_percent(), 50.0);

    let mut town = Town::in_measured_wave();
    town.does("system", "record_measurement", look(LOSS.0, LOSS.1));
    assert_eq!((verdict(&town), town.case().stage), (Verdict::Negative, Stage::Outcome));
    assert_eq!(town.case().exposure_percent(), 0.0);
    town.refuses("product-manager", "decide_outcome", json!({"kind": "keep"}), "negative_cannot_be_kept");
}

#[test]
fn harm_in_a_safety_wave_holds_and_is_no_verdict() {
    let mut town = Town::in_safety_wave();
    town.does("system", "record_measurement", look(GAIN.0, GAIN.1));
    assert_eq!((verdict(&town), town.case().stage), (Verdict::Immature, Stage::RollingOut));
    town.does("system", "record_measurement", look(LOSS.0, LOSS.1));
    assert_eq!((verdict(&town), town.case().stage), (Verdict::Immature, Stage::RollingOut));
    assert!(town.case().hold.is_some());
    assert_eq!(town.case().exposure_percent(), 0.0);
    town.refuses("development-lead", "start_wave", json!({}), "held");
}

#[test]
fn a_rollout_that_runs_out_of_time_is_underpowered() {
    let mut town = Town::in_measured_wave();
    let small = ([400, 48], [400, 50]);
    town.later(60);
    town.does("system", "record_measurement", look(small.0, small.1));
    assert_eq!(verdict(&town), Verdict::Immature);
    town.later(30);
    town.does("system", "record_measurement", look(small.0, small.1));
    assert_eq!(verdict(&town), Verdict::NotSignificant);
    let judged = &town.case().measurements.judged[0].judged;
    assert_eq!(serde_json::to_value(judged.nuance).unwrap(), json!("underpowered"));
}

#[test]
fn a_first_wave_that_runs_out_of_time_is_underpowered_too() {
    let mut town = automatic();
    town.does("development-lead", "start_wave", json!({}));
    town.later(60);
    town.does("system", "record_measurement", look([40, 5], [40, 5]));
    assert_eq!(verdict(&town), Verdict::Immature);
    let until = town.world.state.until(town.case(), town.now()).unwrap();
    assert_eq!(until.until, Some(town.case().running.as_ref().unwrap().started_on.saturating_add(90.days())));
    town.later(30);
    town.does("system", "record_measurement", look([60, 7], [60, 8]));
    assert_eq!(verdict(&town), Verdict::NotSignificant);
}

#[test]
fn units_in_two_arms_make_it_invalid_above_a_share() {
    let mut town = Town::in_measured_wave();
    town.later(8);
    let with = |twice: u64| {
        let mut measurement = look(FLAT.0, FLAT.1);
        measurement["measurement"]["units_in_two_arms"] = json!(twice);
        measurement
    };
    town.does("system", "record_measurement", with(50));
    assert_eq!((verdict(&town), town.case().stage), (Verdict::Invalid, Stage::RollingOut));
    town.does("system", "record_measurement", with(30));
    assert_eq!(verdict(&town), Verdict::Immature);
}

fn guarded() -> Town {
    let mut town = Town::before("set_rollout_plan");
    town.does("development-lead", "define_metric", json!({"metric": "errors", "direction": "decrease"}));
    let waves = json!([[5, "safety"], [50, "measure"]]);
    let guardrails = json!([{"metric": "errors", "margin": 0.1}]);
    town.refuses(
        "development-lead",
        "set_rollout_plan",
        json!({"waves": waves, "guardrails": [{"metric": "unknown"}]}),
        "not_found",
    );
    town.does("development-lead", "set_rollout_plan", json!({"waves": waves, "guardrails": guardrails}));
    town.does("development-lead", "start_wave", json!({}));
    town.later(3);
    town.does("development-lead", "start_wave", json!({}));
    town.later(8);
    town
}

fn guarded_look(errors: ([u64; 2], [u64; 2])) -> Json {
    let mut measurement = look(GAIN.0, GAIN.1);
    measurement["measurement"]["guardrails"] = json!([{"metric": "errors", "epochs": epochs(&[errors])}]);
    measurement
}

#[test]
fn a_guardrail_beyond_its_margin_holds() {
    let mut town = guarded();
    town.does("system", "record_measurement", guarded_look(([20_000, 1_000], [20_000, 1_600])));
    assert_eq!(town.case().exposure_percent(), 0.0);
    assert!(town.case().hold.as_ref().unwrap().cause.sentence().contains("errors"));
}

#[test]
fn a_guardrail_holds_from_the_first_wave_and_keeps_its_definition() {
    let mut town = Town::before("set_rollout_plan");
    for metric in ["primary", "errors"] {
        town.does("development-lead", "define_metric", json!({"metric": metric, "direction": "decrease"}));
    }
    let plan = |guardrails: Json| json!({"waves": [[5, "safety"], [50, "measure"]], "metric": "primary", "mapping": "the same", "guardrails": guardrails});
    let errors = json!({"metric": "errors", "margin": 0.1});
    let twice = plan(json!([errors, errors]));
    town.refuses("development-lead", "set_rollout_plan", twice, "invalid_argument");
    town.does("development-lead", "set_rollout_plan", plan(json!([errors])));
    town.does("development-lead", "start_wave", json!({}));
    let other = json!({"metric": "errors", "direction": "increase"});
    let refusal = town.refuses("development-lead", "define_metric", other, "wrong_state");
    assert!(refusal.sentence.contains("frozen"), "{refusal}");
    town.later(3);
    town.does("system", "record_measurement", guarded_look(([20_000, 1_000], [20_000, 1_600])));
    assert_eq!(town.case().exposure_percent(), 0.0);
    assert!(town.case().hold.as_ref().unwrap().cause.sentence().contains("errors"));
}

#[test]
fn a_guardrail_that_is_worse_turns_a_positive_into_needs_justification() {
    let mut town = guarded();
    // 7 % more errors in 400,000 units: surely worse than none, not surely beyond 10 %.
    town.does("system", "record_measurement", guarded_look(([200_000, 10_000], [200_000, 10_700])));
    assert_eq!(verdict(&town), Verdict::Positive);
    assert!(town.case().measurements.judged[0].needs_justification);
    let refusal = town.refuses("product-manager", "decide_outcome", json!({"kind": "keep"}), "not_allowed");
    assert!(refusal.sentence.contains("guardrail"), "{refusal}");
    let justification =
        json!({"why": "worth it", "maintenance_days": 1, "who_pays": "boards", "review_on": "2026-10-01"});
    town.does("boards-owner", "acknowledge_keep", json!({}));
    town.does(
        "product-manager",
        "decide_outcome",
        json!({"kind": "keep_justified", "justification": justification}),
    );
    assert_eq!(town.case().stage, Stage::Productionised);
}

#[test]
fn a_design_is_frozen_with_the_first_wave_and_halves_its_error_each_iteration() {
    let mut town = Town::in_measured_wave();
    let first = town.case().measurements.design.clone().unwrap();
    assert_eq!(first.plan.alpha, 0.05);
    assert!(first.corrected.estimate < first.original.estimate, "a winner is corrected downwards");
    town.does("development-lead", "stop_exposure", json!({}));
    town.does("development-lead", "decide_outcome", json!({"kind": "iterate"}));
    assert_eq!(town.case().measurements.design, None);
    town.does("development-lead", "reserve_backlog", json!({"days": 1}));
    town.does("developer", "log_deviation", json!({"kind": "polish", "description": "x"}));
    for item in ["qa_demo", "pr_review"] {
        town.does(
            "boards-web-owner",
            "checklist",
            json!({"codebase": "boards-web", "item": item, "result": "passed"}),
        );
    }
    town.does("developer", "finish_building", json!({}));
    town.does("development-lead", "start_wave", json!({}));
    assert_eq!(town.case().measurements.design.as_ref().unwrap().plan.alpha, 0.025);
}

#[test]
fn the_flag_shows_what_the_state_says() {
    let mut town = Town::before("start_wave");
    let rollout = |town: &Town| town.case().rollout().unwrap();
    let check = |town: &Town, phase: Phase, admitted: f64| {
        let rollout = rollout(town);
        assert_eq!(rollout.phase, phase);
        assert_eq!(rollout.coverage.percent(), admitted);
        assert!(rollout.definition().is_ok());
    };
    check(&town, Phase::Nobody, 0.0);
    town.does("development-lead", "start_wave", json!({}));
    check(&town, Phase::Measuring, 10.0);
    assert_eq!(rollout(&town).version, "PC-1/1");
    town.does("development-lead", "start_wave", json!({}));
    check(&town, Phase::Measuring, 100.0);
    town.does("boards-owner", "stop_exposure", json!({"reason": "odd"}));
    check(&town, Phase::Nobody, 0.0);
    town.does("boards-owner", "release_hold", json!({}));
    check(&town, Phase::Measuring, 100.0);
    town.later(8);
    town.does("system", "record_measurement", look(GAIN.0, GAIN.1));
    town.does("product-manager", "decide_outcome", json!({"kind": "keep"}));
    check(&town, Phase::Everyone, 100.0);

    let shown: Vec<(u32, f64)> =
        town.case().allocations.iter().map(|one| (one.epoch, one.exposure_percent)).collect();
    assert_eq!(shown, [(0, 5.0), (1, 50.0), (2, 0.0), (3, 50.0), (4, 100.0)]);
    assert_eq!(town.case().epochs().map(|epoch| epoch.epoch).collect::<Vec<_>>(), [0, 1, 3]);
}

#[test]
fn an_environment_has_its_own_flags_and_those_of_its_cases() {
    let mut town = Town::before("start_wave");
    let definition =
        json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"});
    town.does("developer", "set_flag", json!({"key": "banner", "definition": definition}));
    town.does(
        "developer",
        "set_flag",
        json!({"key": "canary", "definition": definition, "environment": "staging"}),
    );
    town.refuses("observer", "set_flag", json!({"key": "x", "definition": definition}), "forbidden");
    town.refuses(
        "developer",
        "set_flag",
        json!({"key": "invite-prompt-v1", "definition": definition}),
        "already_exists",
    );
    town.refuses(
        "developer",
        "set_flag",
        json!({"key": "x", "definition": {"variants": 3}}),
        "invalid_argument",
    );
    let keys = |town: &Town, environment: &str| -> Vec<String> {
        town.world
            .state
            .flag_set(&environment.parse().unwrap(), &tenure_flags::authoring::NoLists)
            .flags
            .into_keys()
            .collect()
    };
    assert_eq!(keys(&town, "production"), ["banner", "invite-prompt-v1"]);
    assert_eq!(keys(&town, "staging"), ["canary"]);
    town.does("developer", "archive_flag", json!({"key": "canary"}));
    assert!(keys(&town, "staging").is_empty());
}

fn automatic() -> Town {
    let mut town = Town::before("set_rollout_plan");
    town.does("development-lead", "define_metric", json!({"metric": "primary"}));
    let waves = json!([{"percent": 5, "kind": "safety", "min_hours": 24, "min_units": 100}, [50, "measure"]]);
    town.does("development-lead", "set_rollout_plan", json!({"waves": waves, "automatic": true}));
    town
}

#[test]
fn an_automatic_rollout_takes_looks_and_starts_waves_when_their_gates_are_met() {
    let mut town = automatic();
    let due = |town: &Town| plan(&town.world.state, town.now());
    assert_eq!(due(&town), [], "a person starts the first wave");
    town.does("development-lead", "start_wave", json!({}));
    assert_eq!(due(&town), []);
    town.later(2);
    let case = "PC-1".parse().unwrap();
    assert_eq!(due(&town), [Due::Look { case }], "no wave without a look since the last");
    town.does("system", "record_measurement", look([90, 10], [90, 11]));
    assert_eq!(due(&town), [], "90 units are fewer than 100");
    town.later(1);
    town.does("system", "record_measurement", look([900, 100], [900, 110]));
    let [Due::Submit(command)] = <[Due; 1]>::try_from(due(&town)).unwrap() else { panic!("a wave is due") };
    assert_eq!(command.name(), "start_wave");
    let now = town.now();
    town.world.submit(&Actor::System, now, &command).unwrap();
    assert_eq!(town.case().exposure_percent(), 50.0);
    town.does("boards-owner", "stop_exposure", json!({}));
    town.later(5);
    assert!(due(&town).iter().all(|due| !matches!(due, Due::Look { .. })), "a held rollout is left alone");
}

#[test]
fn a_wave_does_not_start_on_data_that_are_not_to_be_believed() {
    let waits_for = |town: &Town| town.world.state.until(town.case(), town.now()).unwrap().what;
    let starts =
        |town: &Town| plan(&town.world.state, town.now()).iter().any(|due| matches!(due, Due::Submit(_)));
    let mut town = automatic();
    town.does("development-lead", "start_wave", json!({}));
    assert_eq!(waits_for(&town), "the wave of 5 % runs");
    town.later(2);
    assert_eq!(waits_for(&town), "the wave of 5 % runs on, because no look was taken since it began");
    town.does("system", "record_measurement", look([90, 10], [95, 11]));
    assert_eq!(waits_for(&town), "the wave of 5 % runs on, because 90 of 100 units an arm are measured");

    // One arm has far too few units: the look is invalid.
    town.later(1);
    town.does("system", "record_measurement", look([2_000, 240], [1_000, 120]));
    assert_eq!(verdict(&town), Verdict::Invalid);
    assert!(!starts(&town));
    assert!(waits_for(&town).contains("its data are not to be believed"), "{}", waits_for(&town));

    // The same for a finding about the events, though the arms are right: nothing has arrived for days.
    let mut silent = look([2_000, 240], [2_010, 241]);
    silent["measurement"]["seen"] = json!({"freshest_received_at": "2026-01-01T00:00:00Z", "outcomes": 481});
    let mut town = automatic();
    town.does("development-lead", "start_wave", json!({}));
    town.later(2);
    town.does("system", "record_measurement", silent);
    assert_eq!(verdict(&town), Verdict::Immature);
    assert!(!starts(&town));
    assert!(waits_for(&town).contains("the newest event arrived"), "{}", waits_for(&town));
    town.does("system", "record_measurement", look([2_000, 240], [2_010, 241]));
    assert!(starts(&town));
}

#[test]
fn a_wave_that_needs_approval_waits_for_somebody() {
    let mut town = Town::before("set_rollout_plan");
    town.does("development-lead", "define_metric", json!({"metric": "primary"}));
    let waves = json!([[5, "safety"], {"percent": 50, "kind": "measure", "approval": true}]);
    town.does("development-lead", "set_rollout_plan", json!({"waves": waves, "automatic": true}));
    town.does("development-lead", "start_wave", json!({}));
    town.later(5);
    town.does("system", "record_measurement", look(FLAT.0, FLAT.1));
    assert_eq!(plan(&town.world.state, town.now()), []);
    let until = town.world.state.until(town.case(), town.now()).unwrap();
    assert_eq!(until.what, "the wave of 5 % runs on, because somebody has to start the next");
    town.does("product-manager", "start_wave", json!({}));
    assert_eq!(town.case().exposure_percent(), 50.0);
}

#[test]
fn low_traffic_waits_and_says_for_how_long() {
    let mut town = Town::in_measured_wave();
    let says = |town: &Town| town.world.state.until(town.case(), town.now()).unwrap().line();
    assert_eq!(says(&town), "the rollout is measured, until 2026-06-28");
    for (day, units) in [(1, 200), (10, 900)] {
        town.later(day);
        town.does("system", "record_measurement", look([units, units / 8], [units, units / 8 + 1]));
        assert_eq!(verdict(&town), Verdict::Immature);
    }
    let planned = town.case().measurements.design.as_ref().unwrap().planned_n;
    let said = says(&town);
    assert!(said.starts_with(&format!("the rollout is measured (900 of {}", as_read(planned))), "{said}");
    assert!(said.contains("it may end as underpowered"), "{said}");
}

/// A count as people read it.
fn as_read(count: u64) -> String {
    format!("{},{:03}", count / 1_000, count % 1_000)
}

fn kept_with_a_holdback() -> Town {
    let mut town = Town::before("set_rollout_plan");
    let refused = |town: &mut Town, holdback: Json, says: &str| {
        let plan = json!({"waves": [[5, "safety"], [50, "measure"]], "holdback": holdback});
        let refusal = town.refuses("development-lead", "set_rollout_plan", plan, "invalid_argument");
        assert!(refusal.sentence.contains(says), "{refusal}");
    };
    refused(&mut town, json!({"percent": 60, "days": 30}), "at most 50");
    refused(&mut town, json!({"percent": 0, "days": 30}), "above 0");
    refused(&mut town, json!({"percent": 5, "days": 0}), "1 to 730");
    let plan = json!({"waves": [[5, "safety"], [50, "measure"]], "holdback": {"percent": 5, "days": 90}});
    town.does("development-lead", "set_rollout_plan", plan);
    for _ in 0..2 {
        town.does("development-lead", "start_wave", json!({}));
        town.later(3);
    }
    town.later(8);
    town.does("system", "record_measurement", look(GAIN.0, GAIN.1));
    town
}

#[test]
fn a_kept_feature_may_hold_some_back_for_a_while() {
    let mut town = kept_with_a_holdback();
    let measured = town.case().rollout().unwrap();
    town.does("product-manager", "decide_outcome", json!({"kind": "keep"}));
    assert_eq!(town.case().exposure_percent(), 95.0);
    let kept = town.case().rollout().unwrap();
    assert_eq!(kept.phase, Phase::Holdback);
    for unit in (0..2_000).map(|unit| format!("u{unit}")) {
        let held_back = kept.arm(&unit) != tenure_flags::Arm::Treatment;
        assert!(
            !held_back || measured.arm(&unit) == tenure_flags::Arm::Control,
            "{unit} had it and loses it"
        );
    }
    let due = |town: &Town| -> Vec<Due> {
        let ends = |due: &Due| matches!(due, Due::Submit(command) if command.name() == "end_holdback");
        plan(&town.world.state, town.now()).into_iter().filter(ends).collect()
    };
    town.does("boards-owner", "stop_exposure", json!({}));
    assert_eq!(town.case().exposure_percent(), 0.0);
    town.does("boards-owner", "release_hold", json!({}));
    assert_eq!(town.case().exposure_percent(), 95.0);
    town.later(89);
    assert_eq!(due(&town), []);
    town.later(1);
    let [Due::Submit(command)] = <[Due; 1]>::try_from(due(&town)).unwrap() else {
        panic!("a holdback is over")
    };
    let now = town.now();
    town.world.submit(&Actor::System, now, &command).unwrap();
    assert_eq!((town.case().exposure_percent(), due(&town)), (100.0, vec![]));
    assert_eq!(town.case().rollout().unwrap().phase, Phase::Everyone);
    town.refuses("product-manager", "end_holdback", json!({}), "wrong_state");
    let shown: Vec<f64> = town.case().allocations.iter().map(|one| one.exposure_percent).collect();
    assert_eq!(shown, [5.0, 50.0, 95.0, 0.0, 95.0, 100.0]);
}

#[test]
fn a_holdback_is_ended_by_a_driver_and_by_nobody_else() {
    let mut town = kept_with_a_holdback();
    town.refuses("product-manager", "end_holdback", json!({}), "wrong_state");
    town.does("product-manager", "decide_outcome", json!({"kind": "keep"}));
    town.refuses("boards-owner", "end_holdback", json!({}), "forbidden");
    town.does("development-lead", "end_holdback", json!({"reason": "long enough"}));
    assert_eq!(town.case().exposure_percent(), 100.0);
}

#[test]
fn a_kept_feature_is_served_to_all_whatever_range_its_rollout_had() {
    let mut town = Town::before("set_rollout_plan");
    let plan = json!({"waves": [[5, "safety"], [20, "measure"]], "exclusion": {"group": "checkout"}});
    town.does("development-lead", "set_rollout_plan", plan);
    for _ in 0..2 {
        town.does("development-lead", "start_wave", json!({}));
        town.later(5);
    }
    town.later(8);
    town.does("system", "record_measurement", look(GAIN.0, GAIN.1));
    town.does("product-manager", "decide_outcome", json!({"kind": "keep"}));
    let rollout = town.case().rollout().unwrap();
    assert_eq!(rollout.phase, Phase::Everyone);
    assert!(rollout.definition().is_ok(), "{:?}", rollout.definition());
}

#[test]
fn an_automatic_rollout_names_a_metric_that_is_defined() {
    let mut town = Town::before("set_rollout_plan");
    let plan = json!({"waves": [[50, "measure"]], "automatic": true});
    let refusal = town.refuses("development-lead", "set_rollout_plan", plan, "invalid_argument");
    assert!(refusal.sentence.contains("metric"), "{refusal}");
    let other = json!({"waves": [[50, "measure"]], "metric": "clicks"});
    town.does("development-lead", "define_metric", json!({"metric": "clicks"}));
    let refusal = town.refuses("development-lead", "set_rollout_plan", other, "invalid_argument");
    assert_eq!(refusal.missing, ["mapping"]);
}

#[test]
fn a_missed_deadline_is_said_once() {
    let mut town = Town::before("answer_consultation");
    let notices = |town: &Town| -> Vec<Command> {
        plan(&town.world.state, town.now())
            .into_iter()
            .filter_map(|due| match due {
                Due::Submit(command) => Some(*command),
                Due::Look { .. } | Due::LookAtRun { .. } => None,
            })
            .collect()
    };
    town.later(7);
    assert_eq!(notices(&town), [], "the promise is not broken on its own day");
    town.later(1);
    let late = notices(&town);
    assert_eq!(late.len(), 1, "{late:?}");
    let now = town.now();
    town.world.submit(&Actor::System, now, &late[0]).unwrap();
    assert_eq!(notices(&town), []);
    town.refuses("development-lead", "give_notice", json!({"name": "x", "sentence": "y"}), "forbidden");
}

#[test]
fn the_end_of_a_warranty_is_said_thrice() {
    let file: Json = serde_json::from_str(crate::town::PROCESS).unwrap();
    let steps = file["scenarios"][0]["steps"].as_array().unwrap();
    let cleared = steps.iter().position(|step| step["do"] == "confirm_removed").unwrap() + 1;
    let mut town = Town::after("S01", cleared);
    let mut said = Vec::new();
    for _ in 0..200 {
        town.later(1);
        for due in plan(&town.world.state, town.now()) {
            let Due::Submit(command) = due else { panic!("nothing is looked at") };
            let now = town.now();
            town.world.submit(&Actor::System, now, &command).unwrap();
            let given = command.name() == "give_notice";
            said.extend(given.then(|| town.day.to_string()));
        }
    }
    assert_eq!(said, ["2026-10-05", "2026-10-28", "2026-11-04"]);
}

/// The arm of many units, as the flag draws them now.
fn arms(town: &Town) -> Vec<tenure_flags::Arm> {
    let rollout = town.case().rollout().unwrap();
    (0..2_000).map(|unit| rollout.arm(&format!("u{unit}"))).collect()
}

#[test]
fn a_pause_and_what_follows_it_leave_everybody_in_their_arm() {
    let mut town = Town::in_measured_wave();
    let before = arms(&town);
    assert!(before.contains(&tenure_flags::Arm::Treatment) && before.contains(&tenure_flags::Arm::Control));
    town.does("development-lead", "stop_exposure", json!({"reason": "the button jumps"}));
    assert_eq!(town.case().rollout().unwrap().phase, Phase::Nobody);
    town.does("development-lead", "release_hold", json!({"reason": "it does not"}));
    assert_eq!(arms(&town), before, "the wave goes on, each unit in the arm it was in");
}

/// A second case on the surface of the first, ready for its plan.
fn second_case(town: &Town) -> Town {
    let mut town = town.clone();
    let mut other = Case::clone(&town.world.state.cases["PC-1"]);
    other.id = "PC-9".parse().unwrap();
    other.stage = Stage::Ready;
    (other.plan, other.running, other.hold) = (None, None, None);
    other.flag.as_mut().unwrap().key = "other".parse().unwrap();
    town.world.state.flag_cases.insert("other".parse().unwrap(), other.id.clone());
    for experiment in town.world.state.experiments.values_mut() {
        experiment.surface = Some("checkout".to_owned());
    }
    town.world.state.cases.insert(other.id.clone(), Arc::new(other));
    town
}

#[test]
fn rollouts_of_a_group_have_disjoint_units() {
    let mut town = Town::before("start_wave");
    let waves = json!([[5, "safety"], [20, "measure"]]);
    let plan = |exclusion: Json| json!({"waves": waves, "exclusion": exclusion});
    town.does("development-lead", "set_rollout_plan", plan(json!({"group": "checkout"})));
    let own = town.case().plan.clone().unwrap().exclusion.unwrap();
    assert_eq!((own.from, own.to), (0.0, 40.0), "as many as the largest wave admits");
    let mut town = second_case(&town);
    let other = |exclusion: Json| {
        let mut plan = plan(exclusion);
        plan["case"] = json!("PC-9");
        plan
    };
    for (exclusion, says) in [
        (json!({"group": "checkout", "from": 30}), "meets units of another rollout"),
        (json!({"group": "checkout", "from": 40, "to": 50}), "does not hold the 40 %"),
        (json!({"group": "checkout", "from": 70}), "does not hold the 40 %"),
        (json!({"group": " "}), "has no name"),
    ] {
        let refusal =
            town.refuses("development-lead", "set_rollout_plan", other(exclusion), "invalid_argument");
        assert!(refusal.sentence.contains(says), "{refusal}");
    }
    town.does("development-lead", "set_rollout_plan", other(json!({"group": "checkout"})));
    town.does("development-lead", "start_wave", json!({}));
    town.does("development-lead", "start_wave", json!({"case": "PC-9"}));
    assert_eq!(town.world.state.cases["PC-9"].warnings, [""; 0], "disjoint: nothing to warn about");
    let rollouts = ["PC-1", "PC-9"].map(|case| {
        let mut rollout = town.world.state.cases[case].rollout().unwrap();
        rollout.coverage = tenure_flags::Share::from_percent(40.0).unwrap();
        rollout
    });
    let admitted = |rollout: &tenure_flags::Rollout, unit: usize| {
        rollout.arm(&format!("u{unit}")) != tenure_flags::Arm::Off
    };
    let both = (0..5_000).filter(|unit| rollouts.iter().all(|rollout| admitted(rollout, *unit))).count();
    let any = (0..5_000).filter(|unit| rollouts.iter().any(|rollout| admitted(rollout, *unit))).count();
    assert_eq!(both, 0);
    assert!(any > 3_700, "{any} of 5,000 are in one of them");
}

#[test]
fn an_overlap_without_a_group_is_warned_about() {
    let mut town = Town::before("start_wave");
    town.does("development-lead", "start_wave", json!({}));
    assert_eq!(town.case().warnings, [""; 0]);
    let mut town = second_case(&town);
    let plan = json!({"case": "PC-9", "waves": [[5, "safety"], [50, "measure"]], "salt": "PC-1"});
    town.does("development-lead", "set_rollout_plan", plan);
    town.does("development-lead", "start_wave", json!({"case": "PC-9"}));
    let warning = "PC-1 is rolled out on the same surface, and the same units may meet both: an exclusion group keeps them apart";
    assert_eq!(town.world.state.cases["PC-9"].warnings, [warning]);
    // They share a salt: a unit that is in both is in the same arm of both.
    let [one, other] = ["PC-1", "PC-9"].map(|case| town.world.state.cases[case].rollout().unwrap());
    let unit = |unit: usize| format!("u{unit}");
    assert!((0..2_000).all(|at| one.arm(&unit(at)) == other.arm(&unit(at))));
}
