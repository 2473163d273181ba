//! What changed: the difference of a case before and after an entry, in words, the same for every kind of entry.
//!
//! A case is said as a list of facts; two lists are compared. So a message can say "estimate of boards-web: 14 days → 21
//! days" without knowing which command did it, and a fact that is added here is told by every message.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::codebase::ItemResult;
use crate::deviation::{Deviation, DeviationKind};
use crate::id::TeamId;
use crate::measurement::verdict_name;
use crate::rollout::{Plan, WaveKind};
use crate::sign_off::SignOffStatus;
use tenure_stats::number;

/// One thing that is different now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What is different.
    pub what: String,
    /// What it was; none when it is new.
    pub from: Option<String>,
    /// What it is; none when it is gone.
    pub to: Option<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, from, to } = self;
        match (from, to) {
            (Some(from), Some(to)) => write!(f, "{what}: {from} → {to}"),
            (None, Some(to)) => write!(f, "{what}: {to} (new)"),
            (Some(from), None) => write!(f, "{what}: {from} (gone)"),
            (None, None) => write!(f, "{what}"),
        }
    }
}

/// What is different after an entry, in the order of the process. Nothing for a case that was just opened: all of it is new.
pub fn between(before: Option<&Case>, after: &Case) -> Vec<Change> {
    let Some(before) = before else { return Vec::new() };
    let (was, is) = (facts(before), facts(after));
    let old: BTreeMap<&str, &str> = was.iter().map(|(what, fact)| (what.as_str(), fact.as_str())).collect();
    let kept: BTreeSet<&str> = is.iter().map(|(what, _)| what.as_str()).collect();
    let gone = was.iter().filter(|(what, _)| !kept.contains(what.as_str())).map(|(what, fact)| Change {
        what: what.clone(),
        from: Some(fact.clone()),
        to: None,
    });
    let now = is.iter().filter(|(what, fact)| old.get(what.as_str()) != Some(&fact.as_str()));
    now.map(|(what, fact)| Change {
        what: what.clone(),
        from: old.get(what.as_str()).map(|was| (*was).to_owned()),
        to: Some(fact.clone()),
    })
    .chain(gone)
    .collect()
}

/// How the build differs from the experiment beyond what a team has signed: all of it before its first sign-off.
pub fn unsigned(case: &Case, team: &TeamId) -> Vec<Change> {
    if case.sign_offs.get(team).is_none_or(|sign_off| sign_off.answered.is_none()) {
        let all = case.ledger.deviations.iter();
        return all
            .map(|one| Change { what: name(one.number), from: None, to: Some(deviation(one)) })
            .collect();
    }
    let Some(diff) = case.changed_since_sign_off(team) else { return Vec::new() };
    let added = diff.added.iter().map(|one| Change {
        what: name(one.number),
        from: None,
        to: Some(sized(&one.description, one.size.kind, one.size.weight)),
    });
    let ruled = diff.ruled.iter().map(|one| Change {
        what: name(one.number),
        from: Some(sized(&one.description, one.before.kind, one.before.weight)),
        to: Some(sized(&one.description, one.now.kind, one.now.weight)),
    });
    let weight = Change {
        what: WEIGHT.to_owned(),
        from: Some(diff.spent_before.to_string()),
        to: Some(diff.spent_now.to_string()),
    };
    added.chain(ruled).chain((diff.spent_before != diff.spent_now).then_some(weight)).collect()
}

/// What the sum of all deviations is called.
const WEIGHT: &str = "weight of all deviations";

/// Each is `what it is about` and `what is so`. The names are unique.
fn facts(case: &Case) -> Vec<(String, String)> {
    let mut facts = Facts::default();
    facts.put("stage", case.stage.name());
    facts.put("team with the onus", &case.team);
    facts.put("iteration", case.iteration);
    preparation(case, &mut facts);
    agreement(case, &mut facts);
    building(case, &mut facts);
    facts.plan(case.plan.as_ref());
    facts.put("exposure", percent(case.exposure_percent()));
    if let Some(hold) = &case.hold {
        facts.put("hold", hold.cause.sentence());
    }
    if let Some(verdict) = case.verdict() {
        facts.put("verdict", verdict_name(verdict).replace('_', " "));
    }
    afterwards(case, &mut facts);
    facts.0
}

fn preparation(case: &Case, facts: &mut Facts) {
    for (team, consultation) in &case.consultations {
        let said = match &consultation.answered {
            None => "asked".to_owned(),
            Some(_) => format!("touches {}", listed(&consultation.codebases)),
        };
        facts.put(format!("consultation of {team}"), said);
    }
    for (codebase, estimate) in &case.estimates {
        let [low, likely, high] = estimate.days.map(|days| number::decimal(days, 1));
        let maintenance = number::of(estimate.maintenance_days_per_year, "day", "days");
        facts.put(
            format!("estimate of {codebase}"),
            format!("{likely} person-days ({low} to {high}), {maintenance} of maintenance a year"),
        );
    }
    if let Some(weighing) = &case.cost_benefit {
        facts.put("benefit a year", number::money(weighing.benefit_per_year));
        facts.put("cost of building", number::money(weighing.one_off_cost));
        facts.put("cost of maintenance a year", number::money(weighing.maintenance_per_year));
    }
    if let Some(parked) = &case.parked {
        if !parked.unblock.is_empty() {
            facts.put("comes back with", listed(&parked.unblock));
        }
        if let Some(review) = parked.review_on {
            facts.put("looked at again on", review);
        }
    }
}

fn agreement(case: &Case, facts: &mut Facts) {
    for team in case.sign_offs.keys() {
        facts.put(format!("sign-off of {team}"), status(case.sign_off_status(team)));
    }
    for (team, sign_off) in &case.sign_offs {
        for condition in sign_off.answered.iter().flat_map(|answered| &answered.conditions) {
            let state = if condition.satisfied.is_some() { "satisfied" } else { "open" };
            facts.put(format!("condition of {team} “{}”", condition.text), state);
        }
    }
    for one in &case.ledger.deviations {
        facts.put(name(one.number), deviation(one));
    }
    if !case.ledger.deviations.is_empty() {
        facts.put(WEIGHT, case.ledger.spent());
    }
    if let Some(warranty) = &case.warranty {
        facts.put("warranty", number::of(f64::from(warranty.months), "month", "months"));
        for team in warranty.agreed.keys() {
            facts.put(format!("warranty with {team}"), "agreed");
        }
    }
}

fn building(case: &Case, facts: &mut Facts) {
    if let Some(backlog) = &case.backlog {
        facts.put("slot in the backlog", number::of(backlog.days, "day", "days"));
    }
    if let Some(flag) = &case.flag {
        facts.put("flag", &flag.key);
    }
    for (codebase, checklist) in &case.checklists {
        for item in &checklist.items {
            let state = match item.attempts.last().map(|last| last.result) {
                None => "open",
                Some(ItemResult::Passed) => "passed",
                Some(ItemResult::Failed) => "failed",
                Some(ItemResult::Blocked) => "blocked",
                Some(ItemResult::Waived) => "waived",
            };
            facts.put(format!("{} of {codebase}", item.name), state);
        }
    }
}

fn afterwards(case: &Case, facts: &mut Facts) {
    if let Some(ends) = case.warranty_ends() {
        facts.put("last day of the warranty", ends);
    }
    if let Some(justification) = case.kept.as_ref().and_then(|kept| kept.justification.as_ref()) {
        facts.put("review of the keep", justification.review_on);
    }
    for (id, bug) in &case.bugs {
        facts.put(format!("bug {id}"), if bug.fixed.is_some() { "fixed" } else { "open" });
    }
    for codebase in case.cleared.keys() {
        facts.put(format!("flag and losing code in {codebase}"), "gone");
    }
    for (id, follow_up) in &case.follow_ups {
        facts.put(format!("follow-up {id}"), if follow_up.started.is_some() { "started" } else { "noted" });
    }
}

/// Facts in the order they are told.
#[derive(Default)]
struct Facts(Vec<(String, String)>);

impl Facts {
    fn put(&mut self, what: impl Into<String>, fact: impl ToString) {
        self.0.push((what.into(), fact.to_string()));
    }

    fn plan(&mut self, plan: Option<&Plan>) {
        let Some(plan) = plan else { return };
        for (place, wave) in plan.waves.iter().enumerate() {
            let kind = match wave.kind {
                WaveKind::Safety => "safety",
                WaveKind::Measure => "measured",
            };
            self.put(format!("wave {}", place + 1), format!("{}, {kind}", percent(wave.percent)));
        }
        if let Some(metric) = &plan.metric {
            self.put("metric of the rollout", metric);
        }
        self.put("unit of the rollout", &plan.unit);
        self.put("share treated", number::percent(plan.treatment_share));
        self.put("days of rollout", format!("{} to {}", plan.min_days, plan.max_days));
        self.put("rollout by", if plan.automatic { "Tenure" } else { "hand" });
        for guardrail in &plan.guardrails {
            self.put(
                format!("guardrail {}", guardrail.metric),
                format!("margin {}", number::percent(guardrail.margin)),
            );
        }
    }
}

fn name(number: u32) -> String {
    format!("deviation {number}")
}

fn deviation(one: &Deviation) -> String {
    sized(&one.description, one.kind, one.weight)
}

fn sized(description: &str, kind: DeviationKind, weight: u32) -> String {
    let kind = match kind {
        DeviationKind::Parity => "parity",
        DeviationKind::Polish => "polish",
        DeviationKind::Adjustment => "adjustment",
        DeviationKind::Redesign => "redesign",
    };
    match description.trim() {
        "" => format!("{kind}, weighs {weight}"),
        said => format!("{said} ({kind}, weighs {weight})"),
    }
}

fn status(status: SignOffStatus) -> &'static str {
    match status {
        SignOffStatus::NotRequested => "not asked for",
        SignOffStatus::Requested => "asked for",
        SignOffStatus::Approved => "given",
        SignOffStatus::Stale => "given before an adjustment",
        SignOffStatus::ChangesRequested => "changes asked for",
        SignOffStatus::Refused => "refused",
    }
}

fn percent(percent: f64) -> String {
    format!("{} %", number::decimal(percent, 2))
}

fn listed<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}
