//! A world to test in: one that a scenario has reached, and goes on from.

use std::sync::OnceLock;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde_json::{Value as Json, json};
use tenure_core::id::AccountId;
use tenure_core::scenario::{World, run_one};
use tenure_core::{Actor, Case, Command, Now, Refusal};

pub const PROCESS: &str = include_str!("../../../../scenarios/process.json");

/// A world, and the day it is.
#[derive(Clone)]
pub struct Town {
    pub world: World,
    pub day: Date,
}

impl Town {
    /// The world after so many steps of a scenario of `process.json`.
    pub fn after(id: &str, steps: usize) -> Self {
        static FILE: OnceLock<Json> = OnceLock::new();
        let file = FILE.get_or_init(|| serde_json::from_str(PROCESS).unwrap());
        let scenarios = file["scenarios"].as_array().unwrap();
        let mut scenario = scenarios.iter().find(|scenario| scenario["id"] == id).unwrap().clone();
        let list = scenario["steps"].as_array_mut().unwrap();
        list.truncate(steps);
        let day = list.last().unwrap()["at"].as_str().unwrap().parse().unwrap();
        let alone = json!({
            "people": file["people"], "codebases": file["codebases"], "policy": file["policy"], "scenarios": [scenario],
        });
        let (outcome, world) = run_one(&alone.to_string(), id).unwrap().unwrap();
        assert!(outcome.passed, "{outcome:?}");
        Self { world, day }
    }

    /// The world of S01 just before its first step with this command.
    pub fn before(command: &str) -> Self {
        let file: Json = serde_json::from_str(PROCESS).unwrap();
        let steps = file["scenarios"][0]["steps"].as_array().unwrap();
        let at = steps.iter().position(|step| step["do"] == command).unwrap();
        Self::after("S01", at)
    }

    /// The world of S01 at its first wave, and at its measured wave.
    pub fn in_safety_wave() -> Self {
        let mut town = Self::before("start_wave");
        town.does("development-lead", "start_wave", json!({}));
        town
    }

    pub fn in_measured_wave() -> Self {
        let mut town = Self::in_safety_wave();
        town.later(3);
        town.does("development-lead", "start_wave", json!({}));
        town
    }

    pub fn later(&mut self, days: i64) {
        self.day = self.day.checked_add(Span::new().days(days)).unwrap();
    }

    pub fn now(&self) -> Now {
        let noon = TimeZone::UTC.to_timestamp(self.day.at(12, 0, 0, 0)).unwrap();
        let seconds = i64::try_from(self.world.state.seq).unwrap();
        let at: Timestamp = noon.checked_add(Span::new().seconds(seconds)).unwrap();
        Now::from(at)
    }

    /// Tries a command on case PC-1.
    pub fn tries(&mut self, by: &str, name: &str, mut with: Json) -> Result<(), Refusal> {
        if with.get("case").is_none()
            && !matches!(
                name,
                "define_metric" | "set_flag" | "set_policy" | "set_calendar" | "name_deputy" | "grant_role"
            )
        {
            with["case"] = json!("PC-1");
        }
        let command = Command::parse(name, with).unwrap();
        let actor = Actor::of(AccountId::new(by).unwrap());
        let now = self.now();
        self.world.submit(&actor, now, &command)
    }

    pub fn does(&mut self, by: &str, name: &str, with: Json) {
        self.tries(by, name, with).unwrap_or_else(|refusal| panic!("{by} {name}: {refusal}"));
    }

    pub fn refuses(&mut self, by: &str, name: &str, with: Json, code: &str) -> Refusal {
        let before = self.world.clone();
        let refusal = self.tries(by, name, with).expect_err("refused");
        assert_eq!(refusal.code.code(), code, "{refusal}");
        assert_eq!(self.world, before, "a refusal changes nothing");
        refusal
    }

    pub fn case(&self) -> &Case {
        self.world.state.cases.get("PC-1").unwrap()
    }
}
