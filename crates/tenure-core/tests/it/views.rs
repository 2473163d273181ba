//! What people see: the next action, the desk, choices, and the portfolio.

use std::collections::BTreeSet;

use serde_json::json;
use tenure_core::board::Board;
use tenure_core::filter::{Filter, Order};
use tenure_core::id::AccountId;
use tenure_core::{Actor, Command, Stage};

use crate::town::Town;

fn actor(name: &str) -> Actor {
    Actor::of(AccountId::new(name).unwrap())
}

fn next(town: &Town) -> String {
    town.world.state.summary(town.case(), town.now()).next.unwrap_or_default()
}

/// The case's next action after each step of S01, as a person reads it.
#[test]
fn what_is_blocking_through_a_whole_case() {
    let mut lines = Vec::new();
    for steps in 2..=29 {
        let town = Town::after("S01", steps);
        let line = next(&town);
        if lines.last() != Some(&line) {
            lines.push(line);
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_desk_holds_what_waits_on_me_and_nothing_else() {
    let mut town = Town::before("answer_consultation");
    let desk = |town: &Town, name: &str| -> Vec<&'static str> {
        town.world.state.desk(&actor(name), town.now()).into_iter().map(|wait| wait.command).collect()
    };
    assert_eq!(desk(&town, "boards-owner"), ["answer_consultation"]);
    assert_eq!(desk(&town, "identity-owner"), Vec::<&str>::new());
    assert_eq!(desk(&town, "product-manager"), Vec::<&str>::new());
    town.does("boards-owner", "answer_consultation", json!({"team": "boards", "codebases": ["boards-web"]}));
    assert_eq!(desk(&town, "boards-owner"), Vec::<&str>::new());
    assert_eq!(desk(&town, "development-lead"), ["submit_estimate"]);
}

#[test]
fn choices_come_from_decide_and_refused_ones_say_why() {
    let mut town = Town::in_measured_wave();
    town.later(28);
    let measurement = json!({"control": [35200, 4224], "treatment": [35150, 3831], "planned_n": 30000});
    town.does("product-manager", "record_measurement", json!({"measurement": measurement}));
    assert_eq!(town.case().stage, Stage::Outcome);
    let choices = town.world.state.choices(town.case(), &actor("product-manager"), town.now());
    let find = |kind: &str| {
        choices.iter().find(|choice| choice.command == "decide_outcome" && choice.kind == Some(kind)).unwrap()
    };
    for kept in ["keep", "keep_justified"] {
        assert_eq!(find(kept).refusal.as_ref().unwrap().code.code(), "negative_cannot_be_kept");
    }
    assert!(find("iterate").allowed && find("remove").allowed);
    let observer = town.world.state.choices(town.case(), &actor("stranger"), town.now());
    let allowed: Vec<_> =
        observer.iter().filter(|choice| choice.allowed).map(|choice| choice.command).collect();
    assert_eq!(allowed, ["report_bug"], "anyone may report a bug");
}

/// Commands that are about no case, and the one that only Tenure itself gives.
const NOT_IN_A_CASE: [&str; 34] = [
    "register_experiment",
    "plan_run",
    "start_run",
    "record_run",
    "stop_run",
    "open_case",
    "register_platform_change",
    "define_team",
    "dissolve_team",
    "accept_succession",
    "define_codebase",
    "grant_role",
    "revoke_role",
    "name_deputy",
    "revoke_deputy",
    "set_policy",
    "set_calendar",
    "define_metric",
    "set_flag",
    "archive_flag",
    "describe_flag",
    "revert_flag",
    "record_references",
    "set_environment",
    "archive_environment",
    "set_segment",
    "archive_segment",
    "propose_change",
    "edit_change",
    "approve_change",
    "reject_change",
    "withdraw_change",
    "apply_change",
    "give_notice",
];

#[test]
fn every_command_of_a_case_is_among_the_choices() {
    let mut offered = BTreeSet::new();
    let mut look = |town: &Town| {
        let choices = town.world.state.choices(town.case(), &actor("product-manager"), town.now());
        offered.extend(choices.into_iter().map(|choice| choice.command));
    };
    for id in ["S01", "S02", "S04", "S14", "S20"] {
        for steps in 2..36 {
            let mut town = Town::after(id, steps);
            town.does("system", "define_team", json!({"team": "falcon"}));
            look(&town);
        }
    }
    let mut town = Town::before("answer_buy_in");
    town.does("boards-owner", "ask_question", json!({"team": "boards", "question": "when"}));
    let link = json!({"team": "boards", "invitation": "INV-1", "person": "Grace"});
    town.does("design-lead", "invite_sign_off", link);
    look(&town);
    let answer = json!({"team": "boards", "answer": "approve_with_conditions", "conditions": ["dark"]});
    town.does("boards-owner", "answer_buy_in", answer);
    look(&town);
    let wanted: BTreeSet<&str> =
        Command::ALL.iter().map(|(name, _)| *name).filter(|name| !NOT_IN_A_CASE.contains(name)).collect();
    assert_eq!(wanted.difference(&offered).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn a_driver_may_take_over_the_policy_in_force_and_an_administrator_may_give_another() {
    let mut town = Town::before("answer_consultation");
    town.does("system", "grant_role", json!({"account": "ada", "role": "admin"}));
    let change = |town: &Town, who: &str| {
        let choices = town.world.state.choices(town.case(), &actor(who), town.now());
        choices.into_iter().find(|choice| choice.command == "change_case_policy").unwrap()
    };
    let (driver, admin, owner) =
        (change(&town, "product-manager"), change(&town, "ada"), change(&town, "boards-owner"));
    assert!(!driver.allowed && admin.allowed && !owner.allowed, "nothing else is in force");
    assert_eq!(owner.refusal.unwrap().code.code(), "forbidden");
    town.does("ada", "set_policy", json!({"policy": {"deviation_budget": 9}}));
    assert!(change(&town, "product-manager").allowed);
}

#[test]
fn won_against_delivered() {
    let town = Town::after("S21", usize::MAX);
    let summary = town.world.state.summary(town.case(), town.now());
    let (promise, delivery) = (summary.promise.unwrap(), summary.delivery.unwrap());
    let percentage_points = |absolute: Option<tenure_stats::comparison::Absolute>| {
        absolute.map(|absolute| (absolute.estimate * 1e4).round() / 1e2).unwrap()
    };
    assert_eq!(percentage_points(promise.absolute), 1.6);
    assert_eq!(percentage_points(delivery.absolute), 0.5);
    assert_eq!(promise.payback_months.map(|months| months.round()), Some(3.0));
    assert!(delivery.realised_share.unwrap() < 0.5);
    assert!(delivery.payback_months.unwrap() > promise.payback_months.unwrap());
    assert!(summary.self_reported);

    let portfolio = town.world.state.portfolio(town.now());
    assert_eq!(portfolio.by_stage.get(&Stage::Productionised), Some(&1));
    assert_eq!((portfolio.money.won_per_year, portfolio.currency.as_deref()), (51_840.0, None));
    assert_eq!(portfolio.money.realised_share, delivery.realised_share);
    assert_eq!(portfolio.tenure.cases, 1);
    assert_eq!(portfolio.tenure.median_days, Some(77.0));
    let days: f64 = portfolio.tenure.by_party.iter().map(|part| part.days).sum();
    assert!((days - 77.0).abs() < 0.01, "{:?}", portfolio.tenure);
    assert_eq!(portfolio.days_to_tenure, [77]);
}

#[test]
fn accountable_at_any_instant() {
    let town = Town::after("S14", usize::MAX);
    let check = |date: &str, accountable: Option<&str>| {
        let got = town.case().accountable_on(date.parse().unwrap());
        assert_eq!(got.map(|side| side.name()), accountable, "{date}");
    };
    check("2026-03-29", None);
    check("2026-03-30", Some("building_team"));
    check("2026-11-04", Some("building_team"));
    check("2026-11-05", Some("product_owners"));
}

#[test]
fn a_chain_of_kept_cases_is_read_off_rollout_levels() {
    let town = Town::after("S16", usize::MAX);
    let second = town.world.state.cases.get("PC-2").unwrap();
    let chain = tenure_core::baseline::cumulative(&town.world.state, second).unwrap();
    assert_eq!(chain.links.len(), 1);
    let (control, treatment) = (4905.0 / 41220.0, 5412.0 / 41310.0);
    assert!((chain.difference - (treatment - control)).abs() < 1e-12);
    assert!(chain.interval[0] < chain.difference && chain.difference < chain.interval[1]);
}

#[test]
fn a_case_view_is_whole() {
    let town = Town::after("S09", usize::MAX);
    let view =
        serde_json::to_value(town.world.state.view(town.case(), &actor("product-manager"), town.now()))
            .unwrap();
    let shown = json!({
        "id": view["id"], "stage": view["stage"], "next": view["next"], "exposure": view["exposure_percent"],
        "sign_offs": view["sign_off_status"], "fidelity": view["fidelity"], "accountability": view["accountability"],
        "kept": view["kept"]["justification"], "verdict": view["delivery"]["verdict"],
        "sentence": view["delivery"]["sentence"], "replication": view["delivery"]["replication"],
        "allowed": view["choices"].as_array().unwrap().iter().filter(|c| c["allowed"] == true)
            .map(|c| c["command"].clone()).collect::<Vec<_>>(),
    });
    insta::assert_json_snapshot!(shown);
}

/// Two cases of one team on one surface, and one of another currency that is parked.
#[test]
fn a_portfolio_of_some_cases_and_a_list_in_an_order() {
    let mut town = Town::after("S16", usize::MAX);
    let experiment = json!({
        "experiment": "EXP-9", "team": "kestrel", "ended": "2026-08-07", "surface": "boards/new",
        "measurement": {"control": [40_000, 5_240], "treatment": [40_100, 5_614], "planned_n": 0},
    });
    town.does("product-manager", "register_experiment", experiment);
    town.does("product-manager", "open_case", json!({"case": "PC-3", "experiment": "EXP-9"}));
    let state = &town.world.state;
    let names = |filter: serde_json::Value, order: Order| -> Vec<String> {
        let filter: Filter = serde_json::from_value(filter).unwrap();
        state.select(&filter, order, town.now()).iter().map(|case| case.id.to_string()).collect()
    };
    assert_eq!(names(json!({}), Order::Case), ["PC-1", "PC-2", "PC-3"]);
    assert_eq!(names(json!({"stage": "preparation"}), Order::Case), ["PC-2", "PC-3"]);
    assert_eq!(names(json!({"surface": "boards/new"}), Order::Case), ["PC-3"]);
    assert_eq!(names(json!({"product_team": "boards"}), Order::Case), ["PC-1"]);
    assert_eq!(names(json!({"team": "heron"}), Order::Case), Vec::<String>::new());
    assert_eq!(names(json!({"late": true}), Order::Case), ["PC-1"], "the flag should have left the code");
    assert_eq!(names(json!({}), Order::Stage), ["PC-2", "PC-3", "PC-1"]);
    assert_eq!(names(json!({}), Order::Benefit)[0], "PC-1");
    assert_eq!(names(json!({}), Order::RealisedShare)[0], "PC-1");
    let board = Board::of(state, town.now());
    let of_one = |filter: serde_json::Value| {
        let filter = serde_json::from_value(filter).unwrap();
        board.portfolio(state, &filter, town.now()).by_stage.values().sum::<usize>()
    };
    assert_eq!((of_one(json!({})), of_one(json!({"stage": "productionised"}))), (3, 1));
}

#[test]
fn amounts_in_two_currencies_are_not_added() {
    let mut town = Town::before("set_cost_benefit");
    let said = |currency: &str| json!({"benefit_per_year": 1_000, "one_off_cost": 10, "maintenance_per_year": 0, "currency": currency});
    town.does("product-manager", "set_cost_benefit", said("EUR"));
    let park = json!({"kind": "park", "reason": "later", "unblock": ["cheap"]});
    town.does("three-hats", "decide", park);
    let portfolio = town.world.state.portfolio(town.now());
    assert_eq!((portfolio.currency.as_deref(), portfolio.money.parked_per_year), (Some("EUR"), 1_000.0));
    assert!(portfolio.other_currencies.is_empty());
}
