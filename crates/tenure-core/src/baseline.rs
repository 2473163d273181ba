//! Baselines and lineage: a kept case's level in its rollout is what the next experiment has to beat.
//!
//! A cumulative effect is read off rollout levels, last treatment against first control. It is never the sum of
//! experiment lifts, which were selected for being large.

use serde::{Deserialize, Serialize};
use tenure_stats::estimate::{self, Level};

use crate::case::Case;
use crate::id::{CaseId, ExperimentId};
use crate::state::State;

/// One kept case in a chain, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// Which case.
    pub case: CaseId,
    /// The experiment it productionised.
    pub experiment: ExperimentId,
    /// The control's level in its rollout.
    pub from: Level,
    /// The treatment's level in its rollout: the baseline it set.
    pub to: Level,
}

/// The verified effect of a chain of kept cases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cumulative {
    /// The chain, oldest first.
    pub links: Vec<Link>,
    /// Last treatment level less first control level, in the metric's unit.
    pub difference: f64,
    /// Its 95 % interval.
    pub interval: [f64; 2],
}

/// The case whose baseline a case's experiment had to beat.
fn before<'a>(state: &'a State, case: &Case) -> Option<&'a Case> {
    let baseline = state.experiments.get(&case.experiment)?.baseline.as_ref()?;
    state.cases.get(baseline)
}

/// The cases of the chain that leads to a case, newest first, cut after as many as there are cases.
fn chain<'a>(state: &'a State, case: &'a Case) -> impl Iterator<Item = &'a Case> {
    std::iter::successors(Some(case), |case| before(state, case)).take(state.cases.len() + 1)
}

pub(crate) fn lineage_ends(state: &State, case: &Case) -> bool {
    chain(state, case).count() <= state.cases.len()
}

/// The kept cases that led to a case and the case itself when it is kept, oldest first.
pub fn lineage(state: &State, case: &Case) -> Vec<Link> {
    let mut links: Vec<Link> = chain(state, case)
        .filter_map(|case| {
            case.kept.as_ref().map(|kept| Link {
                case: case.id.clone(),
                experiment: case.experiment.clone(),
                from: kept.control_level,
                to: kept.level,
            })
        })
        .collect();
    links.reverse();
    links
}

/// The verified effect of the chain that leads to a case; none when no case of it is kept.
pub fn cumulative(state: &State, case: &Case) -> Option<Cumulative> {
    let links = lineage(state, case);
    let (first, last) = (links.first()?, links.last()?);
    let effect = estimate::difference(&first.from, &last.to).ok()?;
    let (difference, interval) = (effect.value, effect.normal().interval(0.95));
    Some(Cumulative { links, difference, interval })
}
