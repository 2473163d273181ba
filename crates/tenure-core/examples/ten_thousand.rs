//! How long the reads of a large company take: builds it by real commands, then times a desk, the portfolio and a snapshot.
//!
//! `cargo run --profile demo -p tenure-core --example ten_thousand -- [CASES] [ENTRIES A CASE]`, by default 10000 and 60.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a program that measures: it reads the clock, prints, and stops at the first fault"
)]

use std::time::{Duration, Instant};

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde_json::{Value as Json, json};
use tenure_core::filter::Filter;
use tenure_core::{Actor, Command, Now, Recorded, State, apply, decide};

const TEAMS: usize = 25;
const PRODUCTS: usize = 40;

/// A company that grows by commands; its journal is written out and let go, as a server does.
struct Company {
    state: State,
    day: Date,
    entries: u64,
    journal_bytes: usize,
}

impl Company {
    fn now(&self) -> Now {
        let morning = TimeZone::UTC.to_timestamp(self.day.at(9, 0, 0, 0)).unwrap();
        let within_the_day = i64::try_from(self.entries % 30_000).unwrap();
        let at: Timestamp = morning.checked_add(Span::new().seconds(within_the_day)).unwrap();
        Now::from(at)
    }

    fn later(&mut self, days: i64) {
        self.day = self.day.checked_add(Span::new().days(days)).unwrap();
    }

    fn does(&mut self, by: &str, name: &str, with: Json) {
        let command = Command::parse(name, with).unwrap();
        let (actor, now) = (Actor::of(by.parse().unwrap()), self.now());
        for event in decide(&self.state, &actor, now, &command).unwrap() {
            let recorded = Recorded { seq: self.state.seq + 1, at: now.at, actor: actor.account(), event };
            self.journal_bytes += recorded.event.body().to_string().len();
            apply(&mut self.state, &recorded);
            self.entries += 1;
        }
    }

    fn people(&mut self) {
        let mut grant = |account: String, role: String| {
            self.does("system", "grant_role", json!({"account": account, "role": role}));
        };
        for team in 0..TEAMS {
            for role in ["development_lead", "product_manager", "design_lead", "developer"] {
                grant(format!("{role}-{team}"), format!("{role}:team-{team}"));
            }
        }
        for product in 0..PRODUCTS {
            grant(format!("owner-{product}"), format!("product_owner:product-{product}"));
            grant(format!("coder-{product}"), format!("codebase_owner:code-{product}"));
        }
        for role in ["development_lead", "product_manager", "design_lead"] {
            grant("everywhere".to_owned(), role.to_owned());
        }
        for product in 0..PRODUCTS {
            let items = json!({"codebase": format!("code-{product}"), "items": ["qa_demo", "pr_review"]});
            self.does("system", "define_codebase", items);
        }
    }

    /// A case that goes `far` along the process, with looks at its rollout until it has so many entries.
    fn case(&mut self, number: usize, far: usize, entries: u64) {
        let (team, product) = (number % TEAMS, number % PRODUCTS);
        let by = |role: &str| format!("{role}-{team}");
        let (lead, manager, design) = (by("development_lead"), by("product_manager"), by("design_lead"));
        let (owner, coder) = (format!("owner-{product}"), format!("coder-{product}"));
        let (case, codebase) = (format!("PC-{number}"), format!("code-{product}"));
        let before = self.entries;
        let measured = |control: u64, treatment: u64, planned: u64| json!({"control": [20_140, control], "treatment": [20_065, treatment], "planned_n": planned});
        let experiment = json!({
            "experiment": format!("EXP-{number}"), "team": format!("team-{team}"), "ended": self.day,
            "title": format!("Experiment {number}"), "surface": format!("surface-{product}"),
            "measurement": measured(2_417, 2_729, 0),
        });
        self.does(&manager, "register_experiment", experiment);
        self.does(&lead, "open_case", json!({"case": case, "experiment": format!("EXP-{number}")}));
        let product = format!("product-{product}");
        let keep = json!({"case": case, "kind": "keep"});
        let weighed = json!({"case": case, "audience_per_year": 3e6, "value_per_unit": 1, "day_rate": 650});
        let plan = json!({"case": case, "waves": [[5, "safety"], [50, "measure"]]});
        let item = |item: &str| json!({"case": case, "codebase": codebase, "item": item, "result": "passed"});
        let steps: [(&str, &str, Json); 20] = [
            (&lead, "request_consultation", json!({"case": case, "team": product})),
            (&owner, "answer_consultation", json!({"case": case, "team": product, "codebases": [codebase]})),
            (&lead, "submit_estimate", json!({"case": case, "codebase": codebase, "days": [9, 14, 22]})),
            (&manager, "set_cost_benefit", weighed),
            (&manager, "decide", json!({"case": case, "kind": "proceed", "reason": "pays"})),
            (&lead, "confirm_decision", json!({"case": case})),
            (&design, "confirm_decision", json!({"case": case})),
            (&design, "request_buy_in", json!({"case": case, "team": product})),
            (&owner, "answer_buy_in", json!({"case": case, "team": product, "answer": "approve"})),
            (&lead, "reserve_backlog", json!({"case": case, "days": 14})),
            (&by("developer"), "create_flag", json!({"case": case, "key": format!("flag-{number}")})),
            (&coder, "checklist", item("qa_demo")),
            (&coder, "checklist", item("pr_review")),
            (&lead, "finish_building", json!({"case": case})),
            (&lead, "propose_warranty", json!({"case": case, "months": 6})),
            (&owner, "agree_warranty", json!({"case": case, "team": product})),
            (&lead, "set_rollout_plan", plan),
            (&lead, "start_wave", json!({"case": case})),
            (&lead, "start_wave", json!({"case": case})),
            (&manager, "decide_outcome", keep),
        ];
        for (at, (by, name, with)) in steps.into_iter().enumerate().take(far) {
            if at == 19 {
                while self.entries - before < entries {
                    let look = json!({"case": case, "measurement": measured(2_417, 2_600, 1_000_000)});
                    self.does(&manager, "record_measurement", look);
                }
                let last = json!({"case": case, "measurement": measured(2_417, 2_729, 0)});
                self.does(&manager, "record_measurement", last);
            }
            self.does(by, name, with);
        }
    }
}

/// The median time of several runs, and the least: a machine that does other things shows in their distance.
fn time<T>(run: impl Fn() -> T) -> String {
    let mut times: Vec<Duration> = (0..21)
        .map(|_| {
            let started = Instant::now();
            std::hint::black_box(run());
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    format!("{:.1?} (least {:.1?})", times[10], times[0])
}

fn resident_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kib| kib / 1024.0)
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>().unwrap());
    let cases = arguments.next().unwrap_or(10_000);
    let entries = arguments.next().unwrap_or(60) as u64;
    let mut company =
        Company { state: State::default(), day: date(2024, 1, 8), entries: 0, journal_bytes: 0 };
    let started = Instant::now();
    company.people();
    for number in 0..cases {
        // Four of ten are kept; the others stand anywhere before that.
        let far = if number % 10 < 4 { 20 } else { (number * 7 + number / 40) % 20 };
        company.case(number, far, entries);
        if number % (cases / 600).max(1) == 0 {
            company.later(1);
        }
    }
    let built = started.elapsed();
    let (state, now) = (&company.state, company.now());
    println!(
        "{cases} cases, {} entries ({:.0} MB as JSON), built in {:.0} s",
        company.entries,
        company.journal_bytes as f64 / 1e6,
        built.as_secs_f64()
    );
    let desk_of = |name: &str| (Actor::of(name.parse().unwrap()), name.to_owned());
    for (actor, name) in ["owner-3", "product_manager-3", "everywhere"].map(desk_of) {
        let total = state.desk_top(&actor, now, 0).total;
        let top = time(|| state.desk_top(&actor, now, 100));
        println!(
            "desk of {name}: {top} for the oldest 100 of {total}; {} for all",
            time(|| state.desk(&actor, now))
        );
    }
    println!("portfolio: {}", time(|| state.portfolio(now)));
    let team = Filter { team: Some("team-3".parse().unwrap()), ..Filter::default() };
    println!("portfolio of one team: {}", time(|| state.portfolio_of(&team, now)));
    let case = state.cases.values().nth(cases / 2).unwrap();
    let manager = Actor::of("everywhere".parse().unwrap());
    println!("summary of a case: {}", time(|| state.summary(case, now)));
    println!(
        "view of a case: {:.1?}",
        time(|| serde_json::to_vec(&state.view(case, &manager, now)).unwrap())
    );
    println!("plan: {}", time(|| tenure_core::plan::plan(state, now)));
    let snapshot = serde_json::to_vec(state).unwrap();
    println!("snapshot: {:.0} MB", snapshot.len() as f64 / 1e6);
    drop(snapshot);
    if let Some(resident) = resident_mib() {
        println!("resident: {resident:.0} MiB");
    }
}
