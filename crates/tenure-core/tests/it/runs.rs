//! Experiments that are run here: how the error is shared among their arms, what their flags serve, what their looks record.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};
use tenure_core::flag::ComparedOn;
use tenure_core::id::EnvironmentId;
use tenure_core::look::TWO_ARMS_SHARE_MAX;
use tenure_core::plan::{Due, plan};
use tenure_core::run::{Run, RunStatus};
use tenure_core::scenario::World;
use tenure_core::{Actor, Command, Event};
use tenure_stats::estimate::{Kind, Level};
use tenure_stats::moments::Moments;
use tenure_stats::verdict::{self, Look, Verdict, Wave};
use tenure_stats::wave::Epoch;

use crate::golden::through_text;

const START: &str = "2026-03-02T09:00:00Z";

/// A world in which `lead` may run experiments, and the instant it is.
struct Lab {
    world: World,
    now: Timestamp,
}

impl Lab {
    fn new() -> Self {
        let mut lab = Self { world: World::default(), now: START.parse().unwrap() };
        for role in ["development_lead", "product_manager", "design_lead"] {
            lab.does("system", "grant_role", json!({"account": "lead", "role": role}));
        }
        for (metric, direction) in [("activation", "increase"), ("errors", "decrease")] {
            let with = json!({"metric": metric, "event": metric, "direction": direction});
            lab.does("lead", "define_metric", with);
        }
        lab
    }

    /// With an experiment that has started.
    fn running(change: Json) -> Self {
        let mut lab = Self::new();
        lab.does("lead", "plan_run", planned(change));
        lab.does("lead", "start_run", json!({"experiment": "EXP-1"}));
        lab
    }

    fn does(&mut self, by: &str, name: &str, with: Json) {
        let command = Command::parse(name, with).unwrap();
        let by = Actor::of(by.parse().unwrap());
        self.world
            .submit(&by, self.now, &command)
            .unwrap_or_else(|refusal| panic!("{name}: {}", refusal.sentence));
    }

    fn later(&mut self, days: i64) {
        self.now = self.now.checked_add(SignedDuration::from_hours(24 * days)).unwrap();
    }

    /// A look at these arms.
    fn look(&mut self, arms: &[(&str, [u64; 2])]) {
        let arms: Vec<Json> =
            arms.iter().map(|(arm, counts)| json!({"arm": arm, "primary": counts})).collect();
        self.does("system", "record_run", json!({"experiment": "EXP-1", "look": {"arms": arms}}));
    }

    fn run(&self) -> &Run {
        self.world.state.runs.get("EXP-1").unwrap()
    }

    fn compared(&self) -> Option<ComparedOn> {
        self.world.state.compared_on(&"steps".parse().unwrap(), &"production".parse().unwrap())
    }
}

/// The plan of an experiment with two arms against control, changed in some places.
fn planned(change: Json) -> Json {
    let mut plan = json!({
        "experiment": "EXP-1", "team": "kestrel", "flag": "steps", "metric": "activation",
        "arms": [
            {"name": "control", "value": 5, "weight": 2}, {"name": "short", "value": 3}, {"name": "long", "value": 7},
        ],
        "level": 0.12, "smallest_lift": 0.1,
    });
    for (key, value) in change.as_object().unwrap() {
        plan[key] = value.clone();
    }
    plan
}

/// All verdicts of a run together are as sure as one rollout's: each arm has its share of the error, of the sample ratio's
/// false alarms, and of the guardrails'.
#[test]
fn arms_share_the_error() {
    let guardrails = json!([{"metric": "errors", "margin": 0.1}]);
    let mut lab = Lab::running(json!({"guardrails": guardrails}));
    let seen = |arm: &str, n: u64, done: u64, failed: u64| json!({"arm": arm, "primary": [n, done], "guardrails": {"errors": [n, failed]}});
    let arms =
        [seen("control", 8_000, 960, 400), seen("short", 4_000, 490, 200), seen("long", 4_000, 470, 200)];
    lab.does("system", "record_run", json!({"experiment": "EXP-1", "look": {"arms": arms}}));
    for arm in ["short", "long"] {
        let arm = &lab.run().arms[arm];
        let plan = arm.plan.unwrap();
        assert_eq!((plan.alpha, plan.sample_ratio_alpha), (0.025, 0.0005));
        let guardrail = arm.guardrails.values().next().unwrap();
        assert_eq!(guardrail.alpha_harm, 0.025);
    }
}

/// The size of a plan finds the smallest effect in the arm with the fewest units.
#[test]
fn a_plan_is_as_large_as_its_smallest_arm_needs() {
    let size = |change: Json| Lab::running(change).run().plan.planned_n;
    let arm = |name: &str, weight: u32| json!({"name": name, "value": name, "weight": weight});
    let even = size(json!({"arms": [arm("a", 1), arm("b", 1)]}));
    // Two-sided 5 %, 80 % power, 10 % on 12 %, looked at 28 times: 12 % more than a single look.
    let (variance, effect) = (2.0 * 0.88 / 0.12, 1.1_f64.ln());
    let single = variance * ((1.959964 + 0.841621) / effect).powi(2);
    assert!((even as f64 / single - 1.12).abs() < 0.01, "{even} {single}");
    assert!(size(json!({"arms": [arm("a", 1), arm("b", 1), arm("c", 1)]})) > even, "the error is shared");
    let uneven = size(json!({"arms": [arm("a", 4), arm("b", 1)]}));
    // 1/n + 1/(n/4) in the place of 2/n.
    assert!((uneven as f64 / even as f64 - 2.5).abs() < 0.01, "{uneven} {even}");
}

/// A look at an arm is a look at a rollout: the same rule, with the arm's share of units and of error.
#[test]
fn an_arm_is_judged_as_a_rollout_is() {
    let mut lab = Lab::running(json!({}));
    lab.later(8);
    let plan = lab.run().arms["short"].plan.unwrap();
    lab.look(&[("control", [8_000, 960]), ("short", [4_000, 700]), ("long", [4_000, 480])]);
    let level =
        |n, successes| Level::of(Kind::Proportion, &Moments::from_counts(n, successes).unwrap()).unwrap();
    let epoch = Epoch {
        index: 0,
        control: level(8_000, 960),
        treatment: level(4_000, 700),
        treatment_share: 1.0 / 3.0,
    };
    let look = Look {
        epochs: vec![epoch],
        wave: Wave::Measured,
        minimum_duration_passed: true,
        largest_duration_reached: false,
        fault: None,
        original: None,
    };
    let (monitor, judged) = verdict::look(&plan, &verdict::Monitor::default(), &look).unwrap();
    let arm = &lab.run().arms["short"];
    assert_eq!((&arm.monitor, &arm.latest.as_ref().unwrap().judged), (&monitor, &judged));
    assert_eq!(judged.verdict, Verdict::Positive);
}

#[test]
fn a_flag_compares_its_open_arms_while_it_runs() {
    let mut lab = Lab::new();
    lab.does("lead", "plan_run", planned(json!({})));
    assert_eq!((lab.run().status(), lab.compared()), (RunStatus::Planned, None));
    lab.does("lead", "start_run", json!({"experiment": "EXP-1"}));
    let arms = |lab: &Lab| lab.compared().unwrap().arms;
    assert_eq!(arms(&lab), ["control", "short", "long"]);
    assert_eq!(lab.compared().unwrap().revision, "EXP-1");
    lab.look(&[("control", [8_000, 960]), ("short", [4_000, 490]), ("long", [4_000, 240])]);
    assert_eq!(arms(&lab), ["control", "short"], "what does harm is closed");
    lab.does("lead", "stop_run", json!({"experiment": "EXP-1", "reason": "enough"}));
    assert_eq!(lab.compared(), None);
    // Its flag is for whoever comes next.
    let by_hand = json!({"state": "ENABLED", "variants": {"on": 3}, "defaultVariant": "on"});
    lab.does("lead", "set_flag", json!({"key": "steps", "definition": by_hand}));
}

#[test]
fn an_environment_is_not_archived_under_an_experiment() {
    let mut lab = Lab::running(json!({"environment": "beta"}));
    let beta: EnvironmentId = "beta".parse().unwrap();
    assert!(
        lab.world.state.environments().contains(&beta),
        "its flag is served there from the start of a server on"
    );
    let archive = Command::parse("archive_environment", json!({"environment": "beta"})).unwrap();
    let refusal = lab.world.submit(&Actor::System, lab.now, &archive).unwrap_err();
    assert!(refusal.sentence.contains("experiment EXP-1"), "{}", refusal.sentence);
    lab.does("lead", "stop_run", json!({"experiment": "EXP-1", "reason": "enough"}));
    lab.does("system", "archive_environment", json!({"environment": "beta"}));
    assert_eq!(lab.compared(), None);
}

#[test]
fn looks_are_due_while_it_runs() {
    let mut lab = Lab::running(json!({}));
    let due = |lab: &Lab| plan(&lab.world.state, lab.now);
    assert_eq!(due(&lab), []);
    lab.later(1);
    assert_eq!(due(&lab), [Due::LookAtRun { experiment: "EXP-1".parse().unwrap() }]);
    lab.look(&[("control", [800, 96]), ("short", [400, 49]), ("long", [400, 48])]);
    assert_eq!(due(&lab), [], "it was looked at just now");
    lab.later(1);
    lab.does("lead", "stop_run", json!({"experiment": "EXP-1", "reason": "enough"}));
    assert_eq!(due(&lab), []);
}

/// What ended before its planned end is more inflated than its correction allows for, and its case says so.
#[test]
fn a_case_is_told_that_its_experiment_ended_early() {
    let mut lab = Lab::running(json!({}));
    lab.later(8);
    lab.look(&[("control", [8_000, 960]), ("short", [4_000, 700]), ("long", [4_000, 480])]);
    lab.does("lead", "stop_run", json!({"experiment": "EXP-1", "reason": "clear enough"}));
    let experiment = lab.world.state.experiments.get("EXP-1").unwrap();
    let run = experiment.run.as_ref().unwrap();
    assert_eq!((run.arm.as_str(), run.arms, run.looks), ("short", 2, 1));
    assert_eq!(experiment.measurement.split, Some(1.0 / 3.0));
    lab.does("lead", "open_case", json!({"case": "PC-1", "experiment": "EXP-1"}));
    let warnings = &lab.world.state.cases.get("PC-1").unwrap().warnings;
    assert!(warnings.iter().any(|warning| warning.contains("of its planned information")), "{warnings:?}");
}

#[test]
fn units_in_two_arms_make_a_look_invalid() {
    let mut lab = Lab::running(json!({}));
    lab.later(8);
    let twice = (16_000.0 * TWO_ARMS_SHARE_MAX * 1.2) as u64;
    let arms = [("control", [8_000, 960]), ("short", [4_000, 700]), ("long", [4_000, 480])];
    let arms = arms.map(|(arm, counts)| json!({"arm": arm, "primary": counts}));
    let look = json!({"arms": arms, "units_in_two_arms": twice});
    lab.does("system", "record_run", json!({"experiment": "EXP-1", "look": look}));
    let judged = &lab.run().arms["short"].latest.as_ref().unwrap().judged;
    assert_eq!(judged.verdict, Verdict::Invalid);
    assert_eq!(lab.run().status(), RunStatus::Running, "mended data may be judged");
}

#[test]
fn what_is_recorded_reads_back() {
    let mut lab = Lab::running(json!({}));
    lab.later(8);
    lab.look(&[("control", [8_000, 960]), ("short", [4_000, 700]), ("long", [4_000, 240])]);
    let of_run = lab.world.journal.iter().filter(|recorded| recorded.event.run().is_some());
    let kinds: Vec<&str> = of_run.clone().map(|recorded| recorded.event.kind()).collect();
    assert_eq!(kinds, ["run_planned", "run_started", "run_looked", "run_ended"]);
    for recorded in &lab.world.journal {
        assert_eq!(through_text(recorded), *recorded);
    }
    assert!(of_run.clone().all(|recorded| recorded.event.stream() == "run/EXP-1"));
    assert!(matches!(lab.world.journal.last().unwrap().event, Event::ExperimentRegistered(_)));
}
