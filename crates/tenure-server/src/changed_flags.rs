//! Which flags an entry may change, so that those alone are compiled anew.

use std::collections::{BTreeMap, BTreeSet};

use tenure_core::flag::hand::FlagArchived;
use tenure_core::id::{EnvironmentId, FlagKey};
use tenure_core::{Event, State};
use tenure_flags::{Rollout, Trial};

/// What is to be compiled anew, by environment.
pub type Changed = BTreeMap<EnvironmentId, Part>;

/// A part of an environment's flags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// These flags; segments and all other flags are as they were.
    Flags(BTreeSet<FlagKey>),
    /// Everything.
    All,
}

impl Default for Part {
    fn default() -> Self {
        Self::Flags(BTreeSet::new())
    }
}

impl Part {
    /// One flag.
    pub fn one(key: &FlagKey) -> Self {
        Self::Flags(BTreeSet::from([key.clone()]))
    }

    /// This and more.
    pub fn add(&mut self, more: Self) {
        match (self, more) {
            (Self::Flags(keys), Self::Flags(more)) => keys.extend(more),
            (part, _) => *part = Self::All,
        }
    }
}

/// Where an entry could change what is served, and which part of it. An archived flag may have been served anywhere, and
/// every environment's document holds the segments.
pub fn served_by(state: &State, event: &Event) -> Vec<(EnvironmentId, Part)> {
    match event {
        Event::FlagSetByHand(set) => vec![(set.environment.clone(), Part::one(&set.key))],
        Event::FlagArchived(FlagArchived { key, environment: Some(environment), .. }) => {
            vec![(environment.clone(), Part::one(key))]
        }
        Event::FlagArchived(FlagArchived { key, environment: None, .. }) => {
            state.environments().into_iter().map(|environment| (environment, Part::one(key))).collect()
        }
        Event::EnvironmentSet(set) => vec![(set.environment.clone(), Part::All)],
        Event::EnvironmentArchived(archived) => vec![(archived.environment.clone(), Part::All)],
        Event::SegmentSet(_) | Event::SegmentArchived(_) => {
            state.environments().into_iter().map(|environment| (environment, Part::All)).collect()
        }
        _ => {
            let of_case = || {
                let flag = state.cases.get(event.case()?)?.flag.as_ref()?;
                Some((flag.environment.clone(), Part::one(&flag.key)))
            };
            let of_run = || {
                let plan = &state.runs.get(event.run()?)?.plan;
                Some((plan.environment.clone(), Part::one(&plan.flag)))
            };
            of_case().or_else(of_run).into_iter().collect()
        }
    }
}

/// What the case or the run that an entry is about makes of its flag.
#[derive(Debug, Clone, PartialEq)]
pub enum Raised {
    /// A case's rollout.
    Rollout(Rollout),
    /// An experiment that is run here.
    Trial(Trial),
}

/// What is raised by the case or the run that an entry is about: most of their entries leave the flag as it is.
pub fn raised_by(state: &State, event: &Event) -> Option<Raised> {
    if let Some(run) = event.run() {
        return state.runs.get(run)?.trial().map(Raised::Trial);
    }
    state.cases.get(event.case()?)?.rollout().map(Raised::Rollout)
}
