//! Baselines and lineage: a kept case's level in its rollout is what the next experiment has to beat.
//!
//! A cumulative effect is read off rollout levels, last treatment against first control, on one yardstick. It is never the
//! sum of experiment lifts, which were selected for being large; what the level did between two rollouts is shown beside
//! what they delivered, so that the parts add up to the whole.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenure_stats::estimate::{self, Level};

use crate::case::Case;
use crate::experiment::{Experiment, PrimaryMetric};
use crate::id::{CaseId, ExperimentId};
use crate::state::State;

/// One kept case in a chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    /// Which case.
    pub case: CaseId,
    /// The experiment it productionised.
    pub experiment: ExperimentId,
    /// The day it was kept.
    pub on: Date,
    /// The control's level in its rollout.
    pub from: Level,
    /// The treatment's level in its rollout: the baseline it set.
    pub to: Level,
    /// What it delivered in its rollout, with its 95 % interval; none when that cannot be said.
    pub delivered: Option<Change>,
    /// What the control's level moved by since the baseline before it; none for the first.
    pub moved_before: Option<Change>,
    /// Whether somebody outside measured it.
    pub self_reported: bool,
}

/// A change of a level, in the metric's unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "LevelChange")]
pub struct Change {
    /// The change.
    pub difference: f64,
    /// Its 95 % interval.
    pub interval: [f64; 2],
}

/// A kept case of a lineage that is measured by another yardstick, so that its level cannot be compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Apart {
    /// Which case.
    pub case: CaseId,
    /// The metric it was kept by.
    pub metric: PrimaryMetric,
    /// The level it set.
    pub level: Level,
}

/// The verified effect of a chain of kept cases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cumulative {
    /// What all of it is measured by.
    pub metric: PrimaryMetric,
    /// The chain, oldest first.
    pub links: Vec<Link>,
    /// Last treatment level less first control level, in the metric's unit.
    pub difference: f64,
    /// Its 95 % interval.
    pub interval: [f64; 2],
    /// Kept cases of the lineage that are measured by another yardstick.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apart: Vec<Apart>,
    /// Cases of the lineage that are no longer kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<CaseId>,
}

/// Every chain of kept cases on one product surface.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SurfaceLineage {
    /// The surface.
    pub surface: String,
    /// One chain a metric, in the order in which the cases were kept. The last level of each is the baseline to beat.
    pub chains: Vec<Cumulative>,
}

/// The experiments that led to one: itself, then what it is a re-run of, and so on.
fn ancestry<'a>(state: &'a State, experiment: &ExperimentId) -> impl Iterator<Item = &'a Experiment> {
    let parent = |experiment: &&'a Experiment| state.experiments.get(experiment.parent.as_ref()?);
    // A parent was registered before its child, so this ends; the bound keeps a damaged journal from hanging.
    std::iter::successors(state.experiments.get(experiment), parent).take(state.experiments.len())
}

/// The case whose baseline a case's experiment had to beat; a re-run that names none has its parent's.
fn before<'a>(state: &'a State, case: &Case) -> Option<&'a Case> {
    let baseline = ancestry(state, &case.experiment).find_map(|experiment| experiment.baseline.as_ref())?;
    state.case(baseline).filter(|before| before.id != case.id)
}

/// The cases of the chain that leads to a case, newest first, cut after as many as there are cases.
fn chain<'a>(state: &'a State, case: &'a Case) -> impl Iterator<Item = &'a Case> {
    std::iter::successors(Some(case), |case| before(state, case)).take(state.cases.len() + 1)
}

pub(crate) fn lineage_ends(state: &State, case: &Case) -> bool {
    chain(state, case).count() <= state.cases.len()
}

/// The product surface of a case: its experiment's, or the one of what that re-runs or builds on.
pub fn surface<'a>(state: &'a State, case: &'a Case) -> Option<&'a str> {
    chain(state, case).find_map(|case| {
        ancestry(state, &case.experiment).find_map(|experiment| experiment.surface.as_deref())
    })
}

/// The verified effect of the chain that leads to a case; none when no case of it is kept.
pub fn cumulative(state: &State, case: &Case) -> Option<Cumulative> {
    let mut cases: Vec<&Case> = chain(state, case).collect();
    cases.reverse();
    let unkept = cases.iter().filter(|other| other.kept.is_none() && other.id != case.id);
    let gone = unkept.map(|case| case.id.clone()).collect();
    Some(Cumulative { gone, ..of_kept(state, &cases)? })
}

/// Every chain of kept cases on a product surface, by metric.
pub fn of_surface(state: &State, name: &str) -> SurfaceLineage {
    let mut by_metric: BTreeMap<String, Vec<&Case>> = BTreeMap::new();
    for case in state.all_cases().filter(|case| case.kept.is_some() && surface(state, case) == Some(name)) {
        if let Some(metric) = metric(state, case) {
            let yardstick =
                format!("{} {:?} {:?} {}", metric.name, metric.kind, metric.direction, metric.unit);
            by_metric.entry(yardstick).or_default().push(case);
        }
    }
    let chains = by_metric.into_values().filter_map(|mut cases| {
        cases.sort_by_key(|case| case.kept.as_ref().map(|kept| kept.stamp.at));
        of_kept(state, &cases)
    });
    SurfaceLineage { surface: name.to_owned(), chains: chains.collect() }
}

/// Every product surface with a case on it.
pub fn surfaces(state: &State) -> Vec<String> {
    let mut names: Vec<String> =
        state.all_cases().filter_map(|case| surface(state, case)).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

fn metric<'a>(state: &'a State, case: &Case) -> Option<&'a PrimaryMetric> {
    state.experiments.get(&case.experiment).map(|experiment| &experiment.metric)
}

/// The effect of kept cases, oldest first, on the yardstick of the newest.
fn of_kept(state: &State, cases: &[&Case]) -> Option<Cumulative> {
    let newest = cases.iter().rev().find(|case| case.kept.is_some())?;
    let yardstick = metric(state, newest)?;
    let (mut links, mut apart): (Vec<Link>, Vec<Apart>) = (Vec::new(), Vec::new());
    for case in cases {
        let (Some(kept), Some(metric)) = (&case.kept, metric(state, case)) else { continue };
        if metric != yardstick {
            apart.push(Apart { case: case.id.clone(), metric: metric.clone(), level: kept.level });
            continue;
        }
        links.push(Link {
            case: case.id.clone(),
            experiment: case.experiment.clone(),
            on: kept.on,
            from: kept.control_level,
            to: kept.level,
            delivered: Change::between(&kept.control_level, &kept.level),
            moved_before: links.last().and_then(|before| Change::between(&before.to, &kept.control_level)),
            self_reported: case
                .measurements
                .judged_in(kept.iteration)
                .is_some_and(|judged| judged.self_reported.is_some()),
        });
    }
    let Change { difference, interval } = Change::between(&links.first()?.from, &links.last()?.to)?;
    Some(Cumulative { metric: yardstick.clone(), links, difference, interval, apart, gone: Vec::new() })
}

impl Change {
    fn between(from: &Level, to: &Level) -> Option<Self> {
        let change = estimate::difference(from, to).ok()?;
        Some(Self { difference: change.value, interval: change.normal().interval(0.95) })
    }
}
