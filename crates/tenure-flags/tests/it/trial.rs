//! The laws of a trial.

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use tenure_flags::{Context, FlagSet, Share, Snapshot, Trial, TrialArm};

fn arm(name: &str, weight: u32) -> TrialArm {
    TrialArm { name: name.into(), value: json!(format!("the {name} one")), weight, closed: false }
}

fn trial() -> Trial {
    Trial {
        flag_key: "steps".into(),
        name: "EXP-7".into(),
        unit_attribute: "tenant".into(),
        coverage: Share::ALL,
        arms: vec![arm("control", 2), arm("short", 1), arm("long", 1)],
        runs: true,
        version: "EXP-7".into(),
    }
}

/// Variant and value for a context.
fn answer(trial: &Trial, context: &Json) -> (String, Json) {
    let mut set = FlagSet::default();
    set.flags.insert(trial.flag_key.clone(), trial.definition().unwrap().into());
    let snapshot = Snapshot::compile(&set);
    assert_eq!(snapshot.faults().next(), None);
    let answer = snapshot.evaluate(&trial.flag_key, &Context::from_json(context).unwrap(), 0).unwrap();
    (answer.variant.unwrap().to_owned(), answer.value.unwrap().clone())
}

/// How many of so many units are in each arm, and in none.
fn counts(trial: &Trial, units: u32) -> Vec<u32> {
    let mut counts = vec![0; trial.arms.len() + 1];
    for unit in 0..units {
        let drawn = trial.arm(&format!("tenant-{unit}"));
        let place = trial.arms.iter().position(|arm| Some(arm.name.as_str()) == drawn);
        counts[place.unwrap_or(trial.arms.len())] += 1;
    }
    counts
}

#[test]
fn arms_are_as_large_as_their_weights() {
    let check = |coverage: f64, expected: [f64; 4]| {
        let units = 200_000;
        let trial = Trial { coverage: Share::from_percent(coverage).unwrap(), ..trial() };
        for (count, share) in counts(&trial, units).into_iter().zip(expected) {
            let (count, units) = (f64::from(count), f64::from(units));
            let chance = (units * share * (1.0 - share)).sqrt();
            assert!((count - units * share).abs() <= 4.0 * chance, "{count} at {share}");
        }
    };
    check(100.0, [0.5, 0.25, 0.25, 0.0]);
    check(20.0, [0.1, 0.05, 0.05, 0.8]);
}

#[test]
fn a_closed_arm_gets_what_everybody_gets_and_moves_nobody() {
    let mut closed = trial();
    closed.arms[1].closed = true;
    for unit in 0..2_000 {
        let unit = format!("tenant-{unit}");
        let context = json!({"tenant": unit});
        match trial().arm(&unit) {
            Some("short") => {
                assert_eq!(closed.arm(&unit), None);
                assert_eq!(answer(&closed, &context), ("off".to_owned(), json!("the control one")));
            }
            before => {
                assert_eq!(closed.arm(&unit), before);
                assert_eq!(answer(&closed, &context).0, before.unwrap());
            }
        }
    }
}

#[test]
fn before_and_after_and_without_a_unit_everybody_gets_controls_value() {
    let off = ("off".to_owned(), json!("the control one"));
    assert_eq!(answer(&Trial { runs: false, ..trial() }, &json!({"tenant": "t"})), off);
    assert_eq!(answer(&trial(), &json!({"user": "u"})), off);
    assert_eq!(trial().arm(""), None);
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let check = |change: fn(&mut Trial), says: &str| {
        let mut trial = trial();
        change(&mut trial);
        let fault = trial.definition().unwrap_err().to_string();
        assert!(fault.contains(says), "{fault}");
    };
    check(|trial| trial.arms.truncate(1), "1 is too few");
    check(|trial| trial.arms[2].name = "short".into(), "a name of its own");
    check(|trial| trial.arms[2].name = "off".into(), "none `off`");
    check(|trial| trial.arms[2].value = json!(null), "the value of long must be");
    check(|trial| trial.arms[2].value = json!(7), "the value of long is of another type");
    check(|trial| trial.arms[0].weight = 0, "whole numbers above 0");
    check(|trial| trial.arms[0].weight = u32::MAX, "whole numbers above 0");
    check(|trial| trial.flag_key = "a/b".into(), "flag key");
    check(|trial| trial.name = String::new(), "must not be empty");
}

proptest! {
    #[test]
    fn the_audit_agrees_with_the_definition(
        unit in ".{1,40}", name in ".{1,12}", coverage in 0..=1_000_000_u32,
        weights in prop::collection::vec(1..1_000_u32, 2..6), closed in 1..6_usize,
    ) {
        let arm = |(place, weight): (usize, u32)| {
            TrialArm { closed: place == closed, ..arm(&format!("arm-{place}"), weight) }
        };
        let trial = Trial {
            name,
            coverage: Share::from_millionths(coverage).unwrap(),
            arms: weights.into_iter().enumerate().map(arm).collect(),
            ..trial()
        };
        let (variant, _) = answer(&trial, &json!({"tenant": unit}));
        prop_assert_eq!(variant, trial.arm(&unit).unwrap_or("off"));
    }

    #[test]
    fn raising_coverage_moves_nobody_between_arms(
        unit in "[a-z0-9-]{1,20}", low in 0..=1_000_000_u32, high in 0..=1_000_000_u32,
    ) {
        let at = |millionths| Trial { coverage: Share::from_millionths(millionths).unwrap(), ..trial() };
        let (few, many) = (at(low.min(high)), at(low.max(high)));
        let (before, after) = (few.arm(&unit), many.arm(&unit));
        prop_assert!(before.is_none() || before == after, "{:?} became {:?}", before, after);
    }
}
