//! The laws of a rollout.

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use tenure_flags::{Arm, Context, Exclusion, FlagSet, Phase, Reason, Rollout, RolloutFault, Share, Snapshot};

const UNITS: u32 = 1_000_000;

/// Enough where many rollouts are looked at.
const FEW_UNITS: usize = 100_000;

/// Four standard deviations of chance.
const SIGMAS: f64 = 4.0;

/// χ² with one degree of freedom exceeds this once in 15,787 times, as often as 4σ is exceeded.
const CHI_SQUARED_MAX: f64 = SIGMAS * SIGMAS;

fn rollout() -> Rollout {
    Rollout {
        flag_key: "checkout".into(),
        name: "case-7".into(),
        salt: None,
        iteration: 1,
        unit_attribute: Context::TARGETING_KEY.into(),
        coverage: Share::ALL,
        exclusion: None,
        treatment_share: Share::HALF,
        treatment: json!("new"),
        control: json!("old"),
        phase: Phase::Measuring,
        version: "7.1".into(),
    }
}

fn percent(percent: f64) -> Share {
    Share::from_percent(percent).unwrap()
}

fn covering(coverage: f64) -> Rollout {
    Rollout { coverage: percent(coverage), ..rollout() }
}

/// A place in the group `checkout-page`.
fn range(from: f64, to: f64) -> Option<Exclusion> {
    Some(Exclusion { group: "checkout-page".into(), from: percent(from), to: percent(to) })
}

fn units() -> impl Iterator<Item = String> {
    (0..UNITS).map(|number| format!("user-{number}"))
}

fn snapshot(rollout: &Rollout) -> Snapshot {
    let mut set = FlagSet::default();
    set.flags.insert(rollout.flag_key.clone(), rollout.definition().unwrap().into());
    let snapshot = Snapshot::compile(&set);
    assert_eq!(snapshot.faults().next(), None);
    snapshot
}

/// Variant, value and reason for a context.
fn answer(rollout: &Rollout, context: &Json) -> (String, Json, Reason) {
    let snapshot = snapshot(rollout);
    let answer = snapshot.evaluate(&rollout.flag_key, &Context::from_json(context).unwrap(), 0).unwrap();
    (answer.variant.unwrap().to_owned(), answer.value.unwrap().clone(), answer.reason)
}

/// χ² of independence in a table of two rows and two columns.
fn chi_squared(table: [[u32; 2]; 2]) -> f64 {
    let cells = table.map(|row| row.map(f64::from));
    let rows = cells.map(|row| row[0] + row[1]);
    let columns = [0, 1].map(|column| cells[0][column] + cells[1][column]);
    let total = rows[0] + rows[1];
    let mut sum = 0.0;
    for row in 0..2 {
        for column in 0..2 {
            let expected = rows[row] * columns[column] / total;
            sum += (cells[row][column] - expected).powi(2) / expected;
        }
    }
    sum
}

fn table(pairs: impl Iterator<Item = (bool, bool)>) -> [[u32; 2]; 2] {
    let mut table = [[0; 2]; 2];
    pairs.for_each(|(row, column)| table[usize::from(row)][usize::from(column)] += 1);
    table
}

fn is_treatment(rollout: &Rollout, unit: &str) -> bool {
    rollout.arm(unit) == Arm::Treatment
}

#[test]
fn each_arm_serves_its_value() {
    let rollout = covering(50.0);
    let snapshot = snapshot(&rollout);
    let mut met = [false; 3];
    for unit in units().take(200) {
        let context = json!({"targetingKey": unit});
        let answer = snapshot.evaluate("checkout", &Context::from_json(&context).unwrap(), 0).unwrap();
        let arm = rollout.arm(&unit);
        met[arm as usize] = true;
        assert_eq!(answer.variant, Some(arm.as_str()));
        assert_eq!(answer.value, Some(&json!(if arm == Arm::Treatment { "new" } else { "old" })));
        assert_eq!(answer.reason, Reason::TargetingMatch);
        assert_eq!(answer.metadata.get("version"), Some(&json!("7.1")));
        assert_eq!(answer.metadata.get("rollout"), Some(&json!("case-7")));
        assert_eq!(answer.metadata.get("iteration"), Some(&json!(1)));
    }
    assert_eq!(met, [true; 3]);
}

proptest! {
    #[test]
    fn the_audit_agrees_with_the_definition(
        unit in ".{1,40}", number in any::<i64>(), name in ".{1,12}", iteration in 1..9_u32,
        coverage in 0..=1_000_000_u32, treatment in 1..1_000_000_u32,
        salt in prop::option::of(".{1,12}"), before in prop::option::of(0..=1_000_000_u32),
    ) {
        let share = |millionths| Share::from_millionths(millionths).unwrap();
        let rollout = Rollout {
            name, iteration, salt,
            unit_attribute: "ids.user".into(),
            coverage: share(coverage.min(1_000_000 - before.unwrap_or(0))),
            exclusion: before.map(|before| Exclusion { group: "g".into(), from: share(before), to: Share::ALL }),
            treatment_share: Share::from_millionths(treatment).unwrap(),
            ..rollout()
        };
        for unit in [json!(unit), json!(number)] {
            let context = json!({"ids": {"user": unit}});
            let found = rollout.unit(&Context::from_json(&context).unwrap()).unwrap();
            let (variant, ..) = answer(&rollout, &context);
            prop_assert_eq!(variant, rollout.arm(&found).as_str());
        }
    }

    #[test]
    fn raising_coverage_moves_nobody_between_arms(
        unit in "[a-z0-9-]{1,20}", low in 0..=1_000_000_u32, high in 0..=1_000_000_u32, before in 0..90_u32,
    ) {
        let exclusion = if before < 30 { None } else { range(f64::from(before), 100.0) };
        let room = exclusion.as_ref().map_or(Share::ALL, Exclusion::width).millionths();
        let (low, high) = (low.min(high).min(room), low.max(high).min(room));
        let at = |millionths| {
            let coverage = Share::from_millionths(millionths).unwrap();
            Rollout { coverage, exclusion: exclusion.clone(), ..rollout() }.arm(&unit)
        };
        let (before, after) = (at(low), at(high));
        prop_assert!(before == after || before == Arm::Off, "{:?} became {:?}", before, after);
    }
}

#[test]
fn splits_are_as_asked_within_four_sigma() {
    #[track_caller]
    fn check(rollout: &Rollout) {
        let near = |hits: u32, trials: u32, share: Share| {
            let p = share.percent() / 100.0;
            let n = f64::from(trials);
            (f64::from(hits) - n * p).abs() <= SIGMAS * (n * p * (1.0 - p)).sqrt()
        };
        let mut counts = [0_u32; 3];
        units().take(FEW_UNITS).for_each(|unit| counts[rollout.arm(&unit) as usize] += 1);
        let [treatment, control, off] = counts;
        let admitted = treatment + control;
        assert!(near(admitted, admitted + off, rollout.coverage), "{counts:?}");
        assert!(near(treatment, admitted, rollout.treatment_share), "{counts:?}");
    }
    for coverage in [0.0, 0.1, 5.0, 50.0, 99.9, 100.0] {
        check(&covering(coverage));
        check(&Rollout { treatment_share: percent(10.0), ..covering(coverage) });
        check(&Rollout { name: "another".into(), iteration: 3, ..covering(coverage) });
    }
}

#[test]
fn the_arm_is_independent_of_admission() {
    let everyone = covering(100.0);
    let treated: Vec<bool> = units().map(|unit| is_treatment(&everyone, &unit)).collect();
    for coverage in [5.0, 60.0] {
        let rollout = covering(coverage);
        let admitted = units().map(|unit| rollout.arm(&unit) != Arm::Off);
        let pairs = admitted.zip(treated.iter().copied());
        let chi_squared = chi_squared(table(pairs));
        assert!(chi_squared < CHI_SQUARED_MAX, "at {coverage} %: {chi_squared}");
    }
}

#[test]
fn arms_are_independent_of_other_iterations_and_rollouts() {
    let first = rollout();
    let treated: Vec<bool> = units().map(|unit| is_treatment(&first, &unit)).collect();
    let others = [
        Rollout { iteration: 2, ..rollout() },
        Rollout { name: "case-8".into(), ..rollout() },
        Rollout { name: "case-71".into(), ..rollout() },
    ];
    for other in others {
        let pairs = treated.iter().copied().zip(units().map(|unit| is_treatment(&other, &unit)));
        let chi_squared = chi_squared(table(pairs));
        assert!(chi_squared < CHI_SQUARED_MAX, "{} {}: {chi_squared}", other.name, other.iteration);
    }
}

#[test]
fn only_name_iteration_and_shares_decide_the_arm() {
    let other = Rollout {
        flag_key: "other".into(),
        unit_attribute: "user".into(),
        treatment: json!(true),
        control: json!(false),
        phase: Phase::Nobody,
        version: "9".into(),
        ..rollout()
    };
    assert!(units().take(1000).all(|unit| rollout().arm(&unit) == other.arm(&unit)));
}

#[test]
fn a_group_shares_out_its_units() {
    let first = Rollout { coverage: percent(30.0), exclusion: range(0.0, 40.0), ..rollout() };
    let rest = |name: &str, from, to, coverage| Rollout {
        name: name.into(),
        coverage: percent(coverage),
        exclusion: range(from, to),
        ..rollout()
    };
    let group = [first.clone(), rest("case-8", 40.0, 55.5, 15.5), rest("case-9", 55.5, 100.0, 44.5)];
    let mut admitted = [0_u32; 3];
    for unit in units().take(FEW_UNITS) {
        let hits = group.each_ref().map(|rollout| rollout.arm(&unit) != Arm::Off);
        assert!(hits.iter().filter(|hit| **hit).count() <= 1, "{unit} is in two rollouts of one group");
        hits.iter().zip(&mut admitted).for_each(|(hit, count)| *count += u32::from(*hit));
    }
    for (rollout, admitted) in group.iter().zip(admitted) {
        let p = rollout.coverage.percent() / 100.0;
        let n = FEW_UNITS as f64;
        assert!(
            (f64::from(admitted) - n * p).abs() <= SIGMAS * (n * p * (1.0 - p)).sqrt(),
            "{admitted} at {p}"
        );
    }
    // The arms are those that the rollout would draw outside of the group.
    let alone = Rollout { exclusion: None, coverage: Share::ALL, ..first.clone() };
    assert!(units().take(2000).all(|unit| match first.arm(&unit) {
        Arm::Off => true,
        arm => arm == alone.arm(&unit),
    }));
    // Over ranges of different groups, admission is independent.
    let elsewhere = Exclusion { group: "search-page".into(), from: Share::NONE, to: percent(40.0) };
    let other = Rollout { name: "case-10".into(), exclusion: Some(elsewhere), ..first.clone() };
    let pairs =
        units().take(FEW_UNITS).map(|unit| (first.arm(&unit) != Arm::Off, other.arm(&unit) != Arm::Off));
    let chi_squared = chi_squared(table(pairs));
    assert!(chi_squared < CHI_SQUARED_MAX, "{chi_squared}");
}

#[test]
fn ranges_know_whether_they_are_disjoint() {
    let check = |a: (f64, f64), b: (f64, f64), expected: bool| {
        let (a, b) = (range(a.0, a.1).unwrap(), range(b.0, b.1).unwrap());
        assert_eq!((a.is_disjoint(&b), b.is_disjoint(&a)), (expected, expected), "{a:?} {b:?}");
    };
    check((0.0, 50.0), (50.0, 100.0), true);
    check((0.0, 50.0001), (50.0, 100.0), false);
    check((10.0, 20.0), (0.0, 100.0), false);
    check((10.0, 10.0), (0.0, 100.0), true);
    let elsewhere = Exclusion { group: "search-page".into(), from: percent(50.0), to: Share::ALL };
    assert!(!elsewhere.is_disjoint(&range(0.0, 50.0).unwrap()), "another group is another hash");
}

#[test]
fn linked_flags_with_one_salt_have_one_assignment() {
    let linked = |flag_key: &str, name: &str| Rollout {
        flag_key: flag_key.into(),
        name: name.into(),
        salt: Some("redesign".into()),
        ..covering(40.0)
    };
    let (web, app) = (linked("web", "case-7"), linked("app", "case-8"));
    assert!(units().take(2000).all(|unit| web.arm(&unit) == app.arm(&unit)));
    assert!(units().take(2000).any(|unit| web.arm(&unit) != covering(40.0).arm(&unit)));
}

#[test]
fn a_pause_and_a_restart_change_nothing_in_between() {
    let running = covering(40.0);
    let served = |rollout: &Rollout| -> Vec<(String, Json, Reason)> {
        units().take(300).map(|unit| answer(rollout, &json!({"targetingKey": unit}))).collect()
    };
    let before = served(&running);
    let paused = Rollout { phase: Phase::Nobody, ..running.clone() };
    assert!(served(&paused).iter().all(|(_, value, _)| *value == json!("old")));
    let resumed = Rollout { phase: Phase::Measuring, ..paused };
    assert_eq!(served(&resumed), before);
    let restarted = Rollout { version: "7.1 after a restart".into(), ..covering(40.0) };
    assert_eq!(served(&restarted), before);
}

#[test]
fn without_a_unit_the_old_value_is_served() {
    let rollout = Rollout { unit_attribute: "tenant.id".into(), ..rollout() };
    let old = ("off".to_owned(), json!("old"), Reason::Default);
    for context in [
        json!(null),
        json!({}),
        json!({"targetingKey": "user-1"}),
        json!({"tenant": "acme"}),
        json!({"tenant": {"id": ""}}),
        json!({"tenant": {"id": null}}),
    ] {
        assert_eq!(answer(&rollout, &context), old, "{context}");
        assert_eq!(rollout.unit(&Context::from_json(&context).unwrap()), None);
    }
    for (unit, expected) in [
        (json!("acme"), Some("acme")),
        (json!(42), Some("42")),
        (json!(42.0), Some("42")),
        (json!(["a"]), None),
    ] {
        let context = json!({"tenant": {"id": unit}});
        assert_eq!(rollout.unit(&Context::from_json(&context).unwrap()).as_deref(), expected);
    }
}

#[test]
fn everyone_and_nobody_are_never_static() {
    let everyone = Rollout { phase: Phase::Everyone, ..rollout() };
    let nobody = Rollout { phase: Phase::Nobody, ..rollout() };
    for context in [json!({}), json!({"targetingKey": "user-1"})] {
        assert_eq!(
            answer(&everyone, &context),
            ("treatment".to_owned(), json!("new"), Reason::TargetingMatch)
        );
        assert_eq!(answer(&nobody, &context), ("off".to_owned(), json!("old"), Reason::Default));
    }
}

#[test]
fn who_is_held_back_was_in_control_and_everybody_else_gets_the_new_value() {
    let measured = covering(100.0);
    let kept = Rollout { phase: Phase::Holdback, treatment_share: percent(95.0), ..measured.clone() };
    let mut held_back = 0;
    for index in 0..4_000 {
        let context = json!({"targetingKey": format!("user-{index}")});
        let (variant, value, _) = answer(&kept, &context);
        let (before, ..) = answer(&measured, &context);
        match variant.as_str() {
            "control" => {
                assert_eq!((before.as_str(), value), ("control", json!("old")), "{context}");
                held_back += 1;
            }
            _ => assert_eq!((variant.as_str(), value), ("treatment", json!("new")), "{context}"),
        }
    }
    assert!((120..280).contains(&held_back), "{held_back} of 4,000 where 5 % are held back");
    assert_eq!(answer(&kept, &json!({})).0, "treatment", "without a unit nobody is held back");
}

#[test]
fn impossible_rollouts_are_refused() {
    #[track_caller]
    fn check(rollout: Rollout, message: &str) {
        let fault = rollout.definition().unwrap_err();
        assert!(fault.to_string().contains(message), "{fault}");
    }
    check(Rollout { flag_key: "a/b".into(), ..rollout() }, "flag key");
    check(Rollout { name: String::new(), ..rollout() }, "rollout");
    check(Rollout { salt: Some(String::new()), ..rollout() }, "salt");
    check(Rollout { exclusion: range(20.0, 60.0), ..covering(40.1) }, "40 percent of the range");
    check(Rollout { exclusion: range(60.0, 20.0), ..covering(0.1) }, "0 percent of the range");
    let nameless = Exclusion { group: String::new(), from: Share::NONE, to: Share::ALL };
    check(Rollout { exclusion: Some(nameless), ..rollout() }, "exclusion group");
    check(Rollout { unit_attribute: String::new(), ..rollout() }, "unit attribute");
    check(Rollout { treatment_share: Share::NONE, ..rollout() }, "both arms");
    check(Rollout { treatment_share: Share::ALL, ..rollout() }, "both arms");
    check(Rollout { treatment: Json::Null, ..rollout() }, "treatment value");
    check(Rollout { control: Json::Null, ..rollout() }, "control value");
    check(Rollout { control: json!(1), ..rollout() }, "same type");
    for wrong in [-0.1, 100.1, f64::NAN, f64::INFINITY] {
        assert!(matches!(Share::from_percent(wrong), Err(RolloutFault::Share { .. })));
    }
    assert!(Share::from_millionths(1_000_001).is_err());
    assert_eq!(percent(12.5).millionths(), 125_000);
    assert_eq!(percent(0.0001).percent(), 0.0001);
}

#[test]
fn the_definition_reads_like_this() {
    insta::assert_json_snapshot!(covering(10.0).definition().unwrap().to_json());
    let grouped = Rollout { exclusion: range(40.0, 60.0), salt: Some("redesign".into()), ..covering(10.0) };
    let targeting = grouped.definition().unwrap().targeting.unwrap();
    assert_eq!(
        targeting["if"][2],
        json!({"fractional": [
            {"cat": ["checkout-page:group:", {"var": "targetingKey"}]}, [false, 400_000], [true, 100_000], [false, 500_000]
        ]})
    );
    assert_eq!(targeting["if"][3]["fractional"][0]["cat"][0], "redesign:1:arm:");
}
