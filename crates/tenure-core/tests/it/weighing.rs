//! Cost against benefit: what is reckoned, and when it no longer holds.

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use tenure_core::weighing::{Figure, Payback, WhatIf};
use tenure_core::{RefusalCode, Stage};

use crate::town::Town;

fn what_if(town: &Town, with: Json) -> tenure_core::weighing::Weighing {
    let what_if: WhatIf = serde_json::from_value(with).unwrap();
    town.world.state.what_if(town.case(), &what_if).unwrap()
}

fn near(got: f64, expected: f64, tolerance: f64) {
    assert!((got - expected).abs() <= tolerance, "{got} is not {expected}");
}

/// An experiment of 12.0 % against 13.6 %, z 4.80, corrected 0.1237 ± 0.0273 log-relative: 1.58 pp of 3.24 million units.
/// The figures were reckoned apart, by quadrature of the conditional likelihood.
#[test]
fn benefit_is_corrected_effect_times_audience_times_value() {
    let mut town = Town::before("set_cost_benefit");
    let inputs =
        json!({"audience_per_year": 3_240_000, "value_per_unit": 1, "day_rate": 650, "currency": "EUR"});
    town.does("product-manager", "set_cost_benefit", inputs.clone());
    let weighed = town.case().cost_benefit.clone().unwrap();
    let weighing = weighed.weighing.clone().unwrap();
    near(weighing.gain_per_unit.unwrap().expected, 0.015_802_87, 1e-7);
    near(weighing.benefit_per_year.expected, 51_201.3, 0.5);
    near(weighing.benefit_per_year.interval[0], 28_276.2, 1.0);
    near(weighing.benefit_per_year.interval[1], 75_386.4, 1.0);
    assert!(weighing.reckoned);
    near(weighing.one_off_cost.expected, 9_425.0, 1e-9);
    near(weighing.one_off_cost.sd, 650.0 * 13.0 / 6.0, 1e-9);
    near(weighing.maintenance_per_year, 2_600.0, 1e-9);
    near(weighing.payback.months.unwrap(), 2.327_10, 1e-4);
    near(weighing.payback.interval[0].unwrap(), 1.374_34, 1e-3);
    near(weighing.payback.interval[1].unwrap(), 4.706_96, 1e-3);
    near(weighing.payback.within_a_year, 0.999_401, 1e-5);
    near(weighing.break_even_share.unwrap(), 0.234_857, 1e-5);
    assert_eq!(weighing.currency.as_deref(), Some("EUR"));
    near(weighed.benefit_per_year, weighing.benefit_per_year.expected, 0.0);

    // The calculator is the same code.
    assert_eq!(what_if(&town, inputs), weighing);
    let [all, half] = &weighing.rollout[..] else { panic!("{:?}", weighing.rollout) };
    assert!(all.times_experiment < 1.0 && half.times_experiment > 1.0, "{all:?} {half:?}");
    near(half.largest_days.unwrap(), half.largest_units as f64 / (3_240_000.0 / 365.0), 0.01);
}

#[test]
fn what_is_said_outright_is_taken_as_it_is() {
    let mut town = Town::before("set_cost_benefit");
    let said = json!({"benefit_per_year": 51_840, "one_off_cost": 12_350, "maintenance_per_year": 2_600});
    town.does("product-manager", "set_cost_benefit", said);
    let weighed = town.case().cost_benefit.clone().unwrap();
    let weighing = weighed.weighing.unwrap();
    assert_eq!(
        (weighed.benefit_per_year, weighed.one_off_cost, weighed.maintenance_per_year),
        (51_840.0, 12_350.0, 2_600.0)
    );
    assert!(!weighing.reckoned && weighing.payback.within_a_year > 0.99);
    // It is as uncertain as the effect and the estimates are.
    let relative = |figure: Figure| figure.sd / figure.expected;
    near(relative(weighing.benefit_per_year), relative(weighing.gain_per_unit.unwrap()), 1e-12);
    near(relative(weighing.one_off_cost), (13.0 / 6.0) / 14.5, 1e-12);
}

#[test]
fn what_is_neither_said_nor_reckoned_is_asked_for() {
    let mut town = Town::before("set_cost_benefit");
    let mut check = |with: Json, says: &str| {
        let refusal = town.refuses("product-manager", "set_cost_benefit", with, "invalid_argument");
        assert!(refusal.sentence.contains(says), "{refusal}");
    };
    check(json!({}), "benefit_per_year is missing");
    check(json!({"benefit_per_year": 1}), "one_off_cost is missing");
    check(json!({"benefit_per_year": 1, "one_off_cost": 1}), "maintenance_per_year is missing");
    check(json!({"audience_per_year": 5, "day_rate": 650}), "benefit_per_year is missing");
    check(json!({"audience_per_year": 0, "value_per_unit": 1, "day_rate": 650}), "audience_per_year is 0");
    check(json!({"benefit_per_year": 1, "day_rate": -1}), "day_rate is -1");
    check(json!({"benefit_per_year": 1e308, "value_per_unit": 1, "day_rate": 1e308}), "too large");
}

fn weighed() -> Town {
    let mut town = Town::before("set_cost_benefit");
    let said = json!({"benefit_per_year": 51_840, "one_off_cost": 12_350, "maintenance_per_year": 2_600});
    town.does("product-manager", "set_cost_benefit", said);
    town
}

fn estimates(town: &mut Town, days: Json, maintenance: f64) {
    let with = json!({"codebase": "boards-web", "days": days, "maintenance_days_per_year": maintenance});
    town.does("development-lead", "submit_estimate", with);
}

/// Weighed at 14.5 expected days: a quarter more is 18.125.
#[test]
fn an_estimate_that_moves_makes_a_weighing_stale() {
    let check = |days: Json, maintenance: f64, stale: bool| {
        let mut town = weighed();
        estimates(&mut town, days, maintenance);
        let proceed = json!({"kind": "proceed", "reason": "pays"});
        if stale {
            let refusal = town.refuses("product-manager", "decide", proceed, "cost_benefit_missing");
            assert!(refusal.sentence.contains("stale: the estimate of boards-web went from"), "{refusal}");
            assert_eq!(town.world.state.next(town.case(), town.now()).unwrap().command, "set_cost_benefit");
        } else {
            town.does("product-manager", "decide", proceed);
        }
    };
    check(json!([9, 14, 22]), 4.0, false);
    check(json!([9, 18.125, 27.25]), 4.0, false);
    check(json!([9, 18.13, 27.25]), 4.0, true);
    check(json!([4, 10, 20]), 4.0, true);
    check(json!([9, 14, 22]), 5.0, false);
    check(json!([9, 14, 22]), 5.1, true);
}

#[test]
fn a_stale_proposal_is_not_confirmed_and_a_new_version_is() {
    let mut town = weighed();
    town.does("product-manager", "decide", json!({"kind": "proceed", "reason": "pays"}));
    estimates(&mut town, json!([40, 60, 90]), 26.0);
    let refusal = town.refuses("development-lead", "confirm_decision", json!({}), "cost_benefit_missing");
    assert_eq!(refusal.missing, ["set_cost_benefit by the product manager, a new version"]);
    let said = json!({"benefit_per_year": 51_840, "day_rate": 650});
    town.does("product-manager", "set_cost_benefit", said);
    assert!(town.case().proposal.is_none(), "the proposal cited the version before");
    for by in ["product-manager", "development-lead", "design-lead"] {
        let with = json!({"kind": "proceed", "reason": "still pays"});
        match by {
            "product-manager" => town.does(by, "decide", with),
            _ => town.does(by, "confirm_decision", json!({})),
        }
    }
    assert_eq!(town.case().stage, Stage::BuyIn);
    let cited = town.case().decisions.last().unwrap().open.proposal.cost_benefit;
    assert_eq!(cited, Some(2));
}

#[test]
fn a_codebase_that_came_in_since_makes_it_stale_and_parking_needs_no_weighing() {
    let mut town = weighed();
    town.does("development-lead", "request_consultation", json!({"team": "identity"}));
    town.does(
        "identity-owner",
        "answer_consultation",
        json!({"team": "identity", "codebases": ["identity-core"]}),
    );
    let proceed = json!({"kind": "proceed", "reason": "pays"});
    town.refuses("product-manager", "decide", proceed.clone(), "cost_benefit_missing");
    let with = json!({"codebase": "identity-core", "days": [1, 1, 1]});
    town.does("development-lead", "submit_estimate", with);
    let refusal = town.refuses("product-manager", "decide", proceed, "cost_benefit_missing");
    assert!(refusal.sentence.contains("identity-core came in with 1.0 person-days"), "{refusal}");
    assert_eq!(refusal.code, RefusalCode::CostBenefitMissing);
    town.does("product-manager", "decide", json!({"kind": "park", "reason": "dear", "unblock": ["cheap"]}));
}

#[test]
fn the_calculator_varies_days_and_what_is_retained() {
    let town = Town::before("set_cost_benefit");
    let with = |more: Json| {
        let mut with = json!({"audience_per_year": 1_000_000, "value_per_unit": 2, "day_rate": 650});
        with.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        what_if(&town, with)
    };
    let plain = with(json!({}));
    let dearer = with(json!({"days": {"boards-web": [20, 30, 40]}}));
    near(dearer.one_off_cost.expected, 30.0 * 650.0, 1e-9);
    assert!(dearer.payback.months > plain.payback.months);
    // What would have to be retained to break even does: it pays at the end of the year, as likely as not.
    let even = with(json!({"retained": plain.break_even_share}));
    near(even.payback.months.unwrap(), 12.0, 1e-9);
    near(even.payback.within_a_year, 0.5, 1e-9);
    near(even.break_even_share.unwrap(), plain.break_even_share.unwrap(), 1e-12);
    assert_eq!(town.case().cost_benefit, None, "nothing is recorded");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn payback_is_ordered_and_dearer_is_later(
        benefit in -1e5..1e6f64, spread in 0.0..1.0f64, maintenance in 0.0..1e5f64,
        cost in 1.0..1e6f64, doubt in 0.0..0.3f64, more in 1.01..3.0f64,
    ) {
        let figure = |expected: f64, relative: f64| {
            let sd = expected.abs() * relative;
            Figure { expected, sd, interval: [expected - 1.96 * sd, expected + 1.96 * sd] }
        };
        let of = |cost: f64| Payback::new(figure(benefit, spread), maintenance, figure(cost, doubt));
        let payback = of(cost);
        prop_assert!((0.0..=1.0).contains(&payback.within_a_year));
        let late = |months: Option<f64>| months.unwrap_or(f64::INFINITY);
        let [early, end] = payback.interval.map(late);
        prop_assert!(early <= end);
        if payback.months.is_some_and(|months| months < 1199.0) {
            prop_assert!(early <= late(payback.months) + 1e-9 && late(payback.months) <= end + 1e-9);
        }
        let dearer = of(cost * more);
        prop_assert!(late(dearer.months) >= late(payback.months));
        if benefit > maintenance + cost * more {
            prop_assert!(dearer.within_a_year <= payback.within_a_year + 1e-12);
        }
    }
}
