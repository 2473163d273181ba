//! The onus: the experiment's team keeps a case until another team accepts it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::decide::Ask;
use crate::delegation::DelegationRevoked;
use crate::event::Event;
use crate::id::{CaseId, TeamId};
use crate::person::{Place, Role, Seat};
use crate::refusal::Refusal;
use crate::time::Stamp;

/// Offers the onus of a case to another experiment team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OfferOnus {
    /// Which case.
    pub case: CaseId,
    /// To which team.
    pub team: TeamId,
}

/// Accepts the onus for the team it is offered to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AcceptOnus {
    /// Which case.
    pub case: CaseId,
}

/// The onus was offered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OnusOffered {
    /// Which case.
    pub case: CaseId,
    /// To which team.
    pub team: TeamId,
}

/// The onus was accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OnusAccepted {
    /// Which case.
    pub case: CaseId,
    /// By which team.
    pub team: TeamId,
}

impl OfferOnus {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.team(&self.team)?;
        ask.may(case, &[Seat::Role(Role::DevelopmentLead)], "offer the onus to another team")?;
        if case.stage.is_terminal() || case.team == self.team {
            return Err(ask.wrong_stage(case, "offered to that team"));
        }
        Ok(vec![OnusOffered { case: self.case.clone(), team: self.team.clone() }.into()])
    }
}

impl AcceptOnus {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        let team = case.onus_offered.as_ref().map_or(&case.team, |(team, _)| team);
        let place = Place { team, case: None };
        ask.seated(&[Seat::Role(Role::DevelopmentLead)], Some(place), "accept the onus for that team")?;
        if case.onus_offered.is_none() || case.stage.is_terminal() {
            return Err(Refusal::wrong_state(format!(
                "the onus of case {} is not offered to anybody",
                case.id
            )));
        }
        let mut events: Vec<Event> =
            vec![OnusAccepted { case: self.case.clone(), team: team.clone() }.into()];
        // Whoever delegated no longer has it to give.
        events.extend(case.delegation.as_ref().map(|_| DelegationRevoked { case: self.case.clone() }.into()));
        Ok(events)
    }
}

impl OnusOffered {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        case.onus_offered = Some((self.team.clone(), stamp.clone()));
    }
}

impl OnusAccepted {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        case.hand_onus_to(&self.team, stamp.at);
    }
}
