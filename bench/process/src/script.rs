//! What happens in a case, and when: every command of it, from the experiment's result on, until it has its share of
//! entries.

use std::collections::VecDeque;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// How far a case gets, by its number: most are kept, as in a company that has used this for years.
const ENDS: [End; 10] = [
    End::Preparation,
    End::Parked,
    End::Building,
    End::RollingOut,
    End::RollingOut,
    End::Productionised,
    End::Productionised,
    End::Productionised,
    End::Productionised,
    End::Closed,
];
/// Looks at a rollout, two a day, before the one that judges it.
const LOOKS: u64 = 40;
/// Days after the keep by which a case that ends there is closed: its warranty is over.
const CLOSED_AFTER_DAYS: i64 = 200;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Preparation,
    Parked,
    Building,
    RollingOut,
    Productionised,
    Closed,
}

/// A command that somebody gives at an instant.
pub struct Step {
    pub at: Timestamp,
    pub by: &'static str,
    pub name: &'static str,
    pub with: Value,
}

/// What is left of a case's story.
pub struct Script {
    case: String,
    now: Timestamp,
    steps: VecDeque<Step>,
}

impl Script {
    /// The story of a case that begins at an instant, with about so many entries.
    pub fn of(number: usize, begins: Timestamp, entries: u64) -> Self {
        let end = ENDS[number % ENDS.len()];
        let mut script = Self { case: format!("PC-{number:05}"), now: begins, steps: VecDeque::new() };
        script.prepares(number, end);
        if end > End::Parked {
            script.builds(end);
        }
        if end > End::Building {
            script.rolls_out(end);
        }
        script.gathers(end, entries);
        if end == End::Closed {
            script.passes(SignedDuration::from_hours(24 * CLOSED_AFTER_DAYS));
            script.does("cas", "confirm_removed", json!({"codebase": "boards-web"}));
            script.does("dana", "close_case", json!({}));
        }
        script
    }

    /// When it goes on; none at its end.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.steps.front().map(|step| step.at)
    }

    /// What happens next.
    pub fn next(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    fn passes(&mut self, time: SignedDuration) {
        self.now += time;
    }

    fn does(&mut self, by: &'static str, name: &'static str, mut with: Value) {
        if name != "register_experiment" {
            with["case"] = json!(self.case);
        }
        self.passes(SignedDuration::from_mins(10));
        self.steps.push_back(Step { at: self.now, by, name, with });
    }

    fn prepares(&mut self, number: usize, end: End) {
        let experiment = format!("EXP-{number:05}");
        let ended = self.now.to_zoned(TimeZone::UTC).date();
        let measurement = json!({"control": [20140, 2417], "treatment": [20065, 2729], "planned_n": 0});
        let register =
            json!({"experiment": experiment, "team": "growth", "ended": ended, "measurement": measurement});
        self.does("pim", "register_experiment", register);
        self.does("dana", "open_case", json!({"experiment": experiment}));
        self.does("dana", "request_consultation", json!({"team": "boards"}));
        if end == End::Preparation {
            return;
        }
        self.does("oda", "answer_consultation", json!({"team": "boards", "codebases": ["boards-web"]}));
        let estimate = json!({"codebase": "boards-web", "days": [9, 14, 22], "maintenance_days_per_year": 4});
        self.does("dana", "submit_estimate", estimate);
        let weighing =
            json!({"benefit_per_year": 51840, "one_off_cost": 12350, "maintenance_per_year": 2600});
        self.does("pim", "set_cost_benefit", weighing);
        let decision = match end {
            End::Parked => json!({"kind": "park", "reason": "dear", "unblock": ["renderer"]}),
            _ => json!({"kind": "proceed", "reason": "it pays"}),
        };
        self.does("pim", "decide", decision);
        for driver in ["dana", "dee"] {
            self.does(driver, "confirm_decision", json!({}));
        }
    }

    fn builds(&mut self, end: End) {
        self.does("dee", "request_buy_in", json!({"team": "boards"}));
        self.does("oda", "answer_buy_in", json!({"team": "boards", "answer": "approve"}));
        self.does("dov", "log_deviation", json!({"kind": "polish", "description": "spacing"}));
        self.does("dana", "reserve_backlog", json!({"days": 14}));
        if end == End::Building {
            return;
        }
        let key = format!("flag-{}", self.case.to_lowercase());
        self.does("dov", "create_flag", json!({ "key": key }));
        for item in ["qa_demo", "pr_review"] {
            let passed = json!({"codebase": "boards-web", "item": item, "result": "passed"});
            self.does("cas", "checklist", passed);
        }
        self.does("dov", "finish_building", json!({}));
        self.does("dana", "propose_warranty", json!({"months": 6}));
        self.does("oda", "agree_warranty", json!({"team": "boards"}));
        self.does("dana", "set_rollout_plan", json!({"waves": [[5, "safety"], [50, "measure"]]}));
    }

    fn rolls_out(&mut self, end: End) {
        for _ in 0..2 {
            self.does("dana", "start_wave", json!({}));
        }
        for look in 1..=LOOKS {
            let n = 200 * look;
            self.passes(SignedDuration::from_hours(12));
            self.looks([n, n * 12 / 100], [n, n * 121 / 1000]);
        }
        if end > End::RollingOut {
            self.looks([40_000, 4_800], [40_000, 5_400]);
            self.does("pim", "decide_outcome", json!({"kind": "keep"}));
        }
    }

    fn looks(&mut self, control: [u64; 2], treatment: [u64; 2]) {
        let epochs = json!([{"epoch": 1, "control": control, "treatment": treatment}]);
        let measurement = json!({"epochs": epochs, "engine": "bench 1"});
        self.does("system", "record_measurement", json!({ "measurement": measurement }));
    }

    /// What a case gathers over the months, whatever its stage.
    fn gathers(&mut self, end: End, entries: u64) {
        let case = self.case.clone();
        for number in 0.. {
            if self.steps.len() as u64 >= entries {
                break;
            }
            self.passes(SignedDuration::from_hours(10));
            match end {
                End::RollingOut | End::Productionised | End::Closed if number % 2 == 0 => {
                    let bug = format!("BUG-{case}-{number}");
                    self.does("oda", "report_bug", json!({"bug": bug, "description": "a glitch"}));
                    self.does("dov", "fix_bug", json!({ "bug": bug }));
                }
                End::Building => {
                    let evidence = format!("https://review.example/{number}");
                    let attach = json!({"codebase": "boards-web", "item": "qa_demo", "evidence": evidence});
                    self.does("dov", "attach_evidence", attach);
                }
                _ => {
                    let follow_up = format!("FU-{case}-{number}");
                    self.does("dov", "add_follow_up", json!({ "follow_up": follow_up }));
                }
            }
        }
    }
}
