//! Environments that flags are served in. One exists from its first flag on; an administrator gives it a name, and says how
//! many people approve a change there.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::codebase::stated;
use crate::decide::Ask;
use crate::event::Event;
use crate::flag::hand::flag_setters;
use crate::flag::production;
use crate::id::EnvironmentId;
use crate::person::Actor;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::State;
use crate::time::Stamp;

/// The most approvals that can be asked for.
const APPROVALS_MAX: u32 = 10;

/// What was said about an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// What people call it; its id when none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many people, none of them an author, approve a change of a flag; 0 lets flags be changed directly.
    #[serde(default)]
    pub approvals: u32,
    /// When it was archived, and by whom: it serves nothing since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<Stamp>,
    /// When it was set last, and by whom.
    pub stamp: Stamp,
}

/// Creates, renames or protects an environment. What is left out stays as it is; an archived one comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SetEnvironment {
    /// Which.
    pub environment: EnvironmentId,
    /// What people call it.
    #[serde(default)]
    pub name: Option<String>,
    /// How many people approve a change of a flag, at most 10.
    #[serde(default)]
    pub approvals: Option<u32>,
}

/// Archives an environment: it serves nothing, and what it served is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArchiveEnvironment {
    /// Which.
    pub environment: EnvironmentId,
}

/// An environment was created, renamed or protected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EnvironmentSet {
    /// Which.
    pub environment: EnvironmentId,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How many people approve a change of a flag.
    pub approvals: u32,
}

/// An environment was archived.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EnvironmentArchived {
    /// Which.
    pub environment: EnvironmentId,
}

impl State {
    /// Every environment that is not archived: those that were set, those with a flag, and `production`.
    pub fn environments(&self) -> BTreeSet<EnvironmentId> {
        let plain = self.flags.values().flat_map(|flag| flag.in_force()).map(|(environment, _)| environment);
        let cases = self.all_cases().filter_map(|case| case.flag.as_ref()).map(|flag| &flag.environment);
        let runs = self.runs.values().map(|run| &run.plan.environment);
        let all = plain.chain(cases).chain(runs).chain(self.environments.keys());
        let all = all.cloned().chain([production()]);
        all.filter(|environment| !self.is_archived(environment)).collect()
    }

    /// Whether an environment was archived.
    pub fn is_archived(&self, environment: &EnvironmentId) -> bool {
        self.environments.get(environment).is_some_and(|known| known.archived.is_some())
    }

    /// How many people approve a change in an environment.
    pub fn approvals_of(&self, environment: &EnvironmentId) -> u32 {
        self.environments.get(environment).map_or(0, |known| known.approvals)
    }
}

impl Ask<'_> {
    /// Refuses an environment that was archived.
    pub fn environment_in_use(&self, environment: &EnvironmentId) -> Result<(), Refusal> {
        match self.state.environments.get(environment).and_then(|known| known.archived.as_ref()) {
            Some(archived) => Err(Refusal::wrong_state(format!("environment {environment} is archived"))
                .missing([format!("set_environment {environment}, which brings it back")])
                .since(archived.at)),
            None => Ok(()),
        }
    }

    /// Refuses a direct change where changes need approvals.
    pub fn changes_directly(&self, environment: &EnvironmentId) -> Result<(), Refusal> {
        match self.state.environments.get(environment) {
            Some(known) if known.approvals > 0 && *self.actor != Actor::System => {
                let people = if known.approvals == 1 { "person approves" } else { "people approve" };
                let sentence = format!("{} {people} a change in {environment}", known.approvals);
                Err(Refusal::new(RefusalCode::ApprovalRequired, sentence)
                    .missing(["propose_change with the same change"])
                    .since(known.stamp.at)
                    .cleared_by(self.who_may(&flag_setters(), None)))
            }
            _ => Ok(()),
        }
    }
}

impl SetEnvironment {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        ask.admin()?;
        let known = ask.state.environments.get(&self.environment);
        let approvals = self.approvals.or(known.map(|known| known.approvals)).unwrap_or(0);
        if approvals > APPROVALS_MAX {
            return Err(Refusal::argument(format!("approvals: at most {APPROVALS_MAX}, not {approvals}")));
        }
        let name = match &self.name {
            Some(name) => stated(Some(name)).map(str::to_owned),
            None => known.and_then(|known| known.name.clone()),
        };
        let same = |known: &Environment| {
            known.archived.is_none() && known.name == name && known.approvals == approvals
        };
        if known.is_some_and(same) {
            return Ok(Vec::new());
        }
        Ok(vec![EnvironmentSet { environment: self.environment.clone(), name, approvals }.into()])
    }
}

impl ArchiveEnvironment {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let is_known = ask.state.environments.contains_key(&self.environment)
            || ask.state.environments().contains(&self.environment);
        if !is_known {
            return Err(Refusal::not_found("environment", &self.environment));
        }
        ask.admin()?;
        if ask.state.is_archived(&self.environment) {
            return Ok(Vec::new());
        }
        let raised = ask.state.all_cases().find_map(|case| {
            let flag = case.flag.as_ref().filter(|flag| flag.environment == self.environment)?;
            (!case.stage.is_terminal()).then_some((case, flag))
        });
        if let Some((case, flag)) = raised {
            return Err(Refusal::wrong_state(format!(
                "the flag {} of case {} is raised in {}",
                flag.key, case.id, self.environment
            ))
            .missing([format!("case {} at its end", case.id)])
            .since(flag.stamp.at));
        }
        let mut runs = ask.state.runs.values().filter(|run| run.ended.is_none());
        if let Some(run) = runs.find(|run| run.plan.environment == self.environment) {
            return Err(Refusal::wrong_state(format!(
                "experiment {} is run on flag {} in {}",
                run.experiment, run.plan.flag, self.environment
            ))
            .missing([format!("experiment {} at its end", run.experiment)])
            .since(run.planned.at));
        }
        Ok(vec![EnvironmentArchived { environment: self.environment.clone() }.into()])
    }
}

impl EnvironmentSet {
    pub(crate) fn apply(&self, state: &mut State, stamp: &Stamp) {
        let set = Environment {
            name: self.name.clone(),
            approvals: self.approvals,
            archived: None,
            stamp: stamp.clone(),
        };
        state.environments.insert(self.environment.clone(), set);
    }
}

impl EnvironmentArchived {
    pub(crate) fn apply(&self, state: &mut State, stamp: &Stamp) {
        let set = Environment { name: None, approvals: 0, archived: None, stamp: stamp.clone() };
        let known = state.environments.entry(self.environment.clone()).or_insert(set);
        known.archived = Some(stamp.clone());
    }
}
