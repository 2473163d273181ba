//! Rollouts that must not meet in one unit, and flags that must: exclusion groups with disjoint ranges of units, and salts
//! that linked rollouts share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenure_flags::{Exclusion, Share};

use super::{Plan, Wave};
use crate::baseline::surface;
use crate::case::{Case, Stage};
use crate::decide::Ask;
use crate::id::CaseId;
use crate::refusal::Refusal;
use crate::state::State;

/// A rollout's place in an exclusion group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Range {
    /// The group, by the name that its rollouts share.
    pub group: String,
    /// Where the range of units that it may admit begins, in percent of all units.
    pub from: f64,
    /// Where the range ends, in percent of all units.
    pub to: f64,
}

/// A place in an exclusion group, as it is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RangeAsked {
    /// The group, by the name that its rollouts share.
    pub group: String,
    /// Where the range begins, in percent of all units; the first place that is free and wide enough when left out.
    #[serde(default)]
    pub from: Option<f64>,
    /// Where it ends; as far as the largest wave needs when left out.
    #[serde(default)]
    pub to: Option<f64>,
}

impl Range {
    /// The range as the flag's definition has it.
    pub(crate) fn exclusion(&self) -> Option<Exclusion> {
        let share = |percent: f64| Share::from_percent(percent).ok();
        Some(Exclusion { group: self.group.clone(), from: share(self.from)?, to: share(self.to)? })
    }
}

/// The share of all units that the largest wave admits to either arm, in percent, exact to what a range can say.
fn width_needed(waves: &[Wave], treatment_share: f64) -> f64 {
    let largest = waves.iter().map(|wave| wave.percent).fold(0.0, f64::max);
    let admitted = (largest / treatment_share).min(100.0);
    (admitted * 1e4).round() / 1e4
}

/// The place of a rollout in its group: as it was asked for, where that is free, or the first that is.
pub(super) fn place(
    ask: &Ask<'_>,
    case: &Case,
    asked: &RangeAsked,
    unit: &str,
    waves: &[Wave],
    treatment_share: f64,
) -> Result<Range, Refusal> {
    let group = asked.group.trim();
    if group.is_empty() {
        return Err(Refusal::argument(
            "exclusion: the group has no name: give it one that its rollouts share",
        ));
    }
    let mut taken = others_in(ask.state, case, group);
    taken.sort_by(|(_, a), (_, b)| a.from.total_cmp(&b.from));
    let units = taken.iter().filter_map(|(other, _)| Some((other, &other.plan.as_ref()?.unit)));
    if let Some((other, theirs)) = units.into_iter().find(|(_, theirs)| *theirs != unit) {
        return Err(Refusal::argument(format!(
            "exclusion: units of group {group} are {theirs} in case {}, and {unit} here: ranges keep only units of one kind apart",
            other.id
        )));
    }
    let width = width_needed(waves, treatment_share);
    let from = asked.from.or_else(|| first_free(&taken, width)).ok_or_else(|| {
        let ranges: Vec<String> = taken.iter().map(|(other, range)| taken_by(other, range)).collect();
        Refusal::argument(format!("exclusion: group {group} has no {width} % of the units left in one piece"))
            .missing(ranges)
    })?;
    let to = asked.to.unwrap_or(((from + width) * 1e4).round() / 1e4);
    if !(0.0..=100.0).contains(&from) || !(0.0..=100.0).contains(&to) || to - from < width - 1e-9 {
        return Err(Refusal::argument(format!(
            "exclusion: {from} to {to} % does not hold the {width} % of the units that the largest wave admits"
        )));
    }
    let range = Range { group: group.to_owned(), from, to };
    match taken.iter().find(|(_, other)| range.from < other.to && other.from < range.to) {
        Some((other, theirs)) => Err(Refusal::argument(format!(
            "exclusion: {from} to {to} % meets units of another rollout of group {group}"
        ))
        .missing([taken_by(other, theirs)])),
        None => Ok(range),
    }
}

fn taken_by(case: &Case, range: &Range) -> String {
    format!("another range than {} to {} %, which is that of case {}", range.from, range.to, case.id)
}

/// Whether a case still has its place in its group: while it was built again another rollout may have taken it.
pub(super) fn still_free(state: &State, case: &Case, plan: &Plan) -> Result<(), Refusal> {
    let Some(own) = &plan.exclusion else { return Ok(()) };
    let is_rolling = |other: &Case| matches!(other.stage, Stage::RollingOut | Stage::Outcome);
    let mut others = others_in(state, case, &own.group).into_iter().filter(|(other, _)| is_rolling(other));
    match others.find(|(_, theirs)| own.from < theirs.to && theirs.from < own.to) {
        Some((other, theirs)) => Err(Refusal::wrong_state(format!(
            "case {} has {} to {} % of group {} by now, and the plan of case {} is for {} to {} %",
            other.id, theirs.from, theirs.to, own.group, case.id, own.from, own.to
        ))
        .missing(["set_rollout_plan, which takes a range that is free"])),
        None => Ok(()),
    }
}

/// The other cases that have a place in a group, and which.
fn others_in<'s>(state: &'s State, case: &Case, group: &str) -> Vec<(&'s Case, &'s Range)> {
    let holds_its_place = |other: &&Case| {
        other.id != case.id && matches!(other.stage, Stage::Ready | Stage::RollingOut | Stage::Outcome)
    };
    let range = |other: &'s Case| Some((other, other.plan.as_ref()?.exclusion.as_ref()?));
    let all = state.all_cases().filter(holds_its_place).filter_map(range);
    all.filter(|(_, range)| range.group == group).collect()
}

/// Where the first free place of a width begins, among ranges in order.
fn first_free(taken: &[(&Case, &Range)], width: f64) -> Option<f64> {
    let mut from: f64 = 0.0;
    for (_, range) in taken {
        if range.from - from >= width - 1e-9 {
            break;
        }
        from = from.max(range.to);
    }
    (100.0 - from >= width - 1e-9).then_some(from)
}

impl Plan {
    /// Whether the two can never admit the same unit.
    fn keeps_apart(&self, other: &Self) -> bool {
        let exclusion = |plan: &Self| plan.exclusion.as_ref().and_then(Range::exclusion);
        match (exclusion(self), exclusion(other)) {
            (Some(own), Some(theirs)) => self.unit == other.unit && own.is_disjoint(&theirs),
            _ => false,
        }
    }
}

impl State {
    /// Other cases that are rolled out on the same product surface now, to units that may be the same: allowed, and to be
    /// known.
    pub(crate) fn collisions(&self, case: &Case) -> Vec<CaseId> {
        let Some(here) = surface(self, case) else { return Vec::new() };
        let rolling = |other: &&Case| matches!(other.stage, Stage::RollingOut | Stage::Outcome);
        let apart = |other: &Case| match (&case.plan, &other.plan) {
            (Some(own), Some(theirs)) => own.keeps_apart(theirs),
            _ => false,
        };
        self.all_cases()
            .filter(|other| other.id != case.id && surface(self, other) == Some(here))
            .filter(rolling)
            .filter(|other| !apart(other))
            .map(|other| other.id.clone())
            .collect()
    }

    /// What is warned about when a rollout starts.
    pub(super) fn overlap_warning(&self, case: &Case) -> Option<String> {
        let others: Vec<String> = self.collisions(case).iter().map(ToString::to_string).collect();
        (!others.is_empty()).then(|| {
            format!(
                "{} {} rolled out on the same surface, and the same units may meet both: an exclusion group keeps them apart",
                others.join(", "),
                if others.len() == 1 { "is" } else { "are" }
            )
        })
    }
}
