//! Teams: of experimenters, and of products.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decide::Ask;
use crate::event::Event;
use crate::id::TeamId;
use crate::person::{Grant, Role, Scope};
use crate::refusal::Refusal;
use crate::state::State;
use crate::time::Stamp;

/// A team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Team {
    /// Its name for people.
    pub name: String,
}

/// Defines a team, or renames it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DefineTeam {
    /// Which.
    pub team: TeamId,
    /// Its name for people; the id when left out.
    #[serde(default)]
    pub name: Option<String>,
}

/// A team was defined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TeamDefined {
    /// Which.
    pub team: TeamId,
    /// Its name for people.
    pub name: String,
}

impl DefineTeam {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        ask.admin()?;
        let name = self.name.clone().unwrap_or_else(|| self.team.to_string());
        if ask.state.teams.get(&self.team).is_some_and(|team| team.name == name) {
            return Ok(Vec::new());
        }
        Ok(vec![TeamDefined { team: self.team.clone(), name }.into()])
    }
}

impl TeamDefined {
    pub(crate) fn apply(&self, state: &mut State, _: &Stamp) {
        state.teams.insert(self.team.clone(), Team { name: self.name.clone() });
    }
}

impl State {
    /// Whether the team is known: it was defined, or somebody holds a role in it.
    pub fn knows_team(&self, team: &TeamId) -> bool {
        self.teams.contains_key(team)
            || Role::ALL
                .into_iter()
                .any(|role| self.holders.contains_key(&Grant { role, scope: Scope::Team(team.clone()) }))
    }
}

impl State {
    /// Every team that somebody is a product owner of.
    pub fn product_teams(&self) -> impl Iterator<Item = TeamId> {
        self.holding(Role::ProductOwner).filter_map(|(grant, _)| match &grant.scope {
            Scope::Team(team) => Some(team.clone()),
            _ => None,
        })
    }
}
