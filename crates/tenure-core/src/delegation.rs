//! Delegation: preparation handed to a lead developer, who has no power until they accept.
//! The development lead stays accountable.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Stage};
use crate::decide::Ask;
use crate::event::Event;
use crate::id::{AccountId, CaseId};
use crate::person::{Actor, Role, Seat};
use crate::refusal::{Refusal, RefusalCode};
use crate::time::Stamp;

/// Preparation offered to a lead developer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delegation {
    /// To whom.
    pub to: AccountId,
    /// When, and by which development lead.
    pub offered: Stamp,
    /// When it was accepted; powerless until then.
    pub accepted: Option<Stamp>,
}

impl Case {
    /// The lead developer who prepares the case, once they accepted.
    pub fn delegate(&self) -> Option<&AccountId> {
        self.delegation
            .as_ref()
            .filter(|delegation| delegation.accepted.is_some())
            .map(|delegation| &delegation.to)
    }

    /// The seats that consult and estimate.
    pub(crate) fn preparers(&self) -> Vec<Seat> {
        let mut seats = vec![Seat::Role(Role::DevelopmentLead)];
        seats.extend(self.delegate().cloned().map(Seat::Account));
        seats
    }
}

/// Offers preparation to a lead developer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DelegatePrep {
    /// Of which case.
    pub case: CaseId,
    /// To whom.
    pub to: AccountId,
}

/// Accepts the offer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AcceptDelegation {
    /// Of which case.
    pub case: CaseId,
}

/// Takes preparation back, or gives it back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RevokeDelegation {
    /// Of which case.
    pub case: CaseId,
}

/// Preparation was offered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DelegationOffered {
    /// Of which case.
    pub case: CaseId,
    /// To whom.
    pub to: AccountId,
}

/// The offer was accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DelegationAccepted {
    /// Of which case.
    pub case: CaseId,
}

/// The delegation ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DelegationRevoked {
    /// Of which case.
    pub case: CaseId,
}

impl DelegatePrep {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.may(case, &[Seat::Role(Role::DevelopmentLead)], "delegate preparation")?;
        ask.stage(case, &[Stage::Preparation])?;
        let to = Actor::of(self.to.clone());
        if !ask.state.sits(&to, &Seat::Role(Role::LeadDeveloper), Some(case.place())) {
            return Err(Refusal::new(
                RefusalCode::NotLeadDeveloper,
                format!("{} is no lead developer of this case", self.to),
            ));
        }
        if case.delegation.as_ref().is_some_and(|delegation| delegation.to == self.to) {
            return Ok(Vec::new());
        }
        Ok(vec![DelegationOffered { case: self.case.clone(), to: self.to.clone() }.into()])
    }
}

impl AcceptDelegation {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        let seats = match &case.delegation {
            Some(delegation) => vec![Seat::Account(delegation.to.clone())],
            None => vec![Seat::Role(Role::LeadDeveloper)],
        };
        ask.may(case, &seats, "accept the delegation")?;
        ask.stage(case, &[Stage::Preparation])?;
        match &case.delegation {
            None => Err(Refusal::wrong_state("preparation of this case is not offered to anybody")),
            Some(delegation) if delegation.accepted.is_some() => Ok(Vec::new()),
            Some(_) => Ok(vec![DelegationAccepted { case: self.case.clone() }.into()]),
        }
    }
}

impl RevokeDelegation {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        let mut seats = vec![Seat::Role(Role::DevelopmentLead)];
        seats.extend(case.delegation.iter().map(|delegation| Seat::Account(delegation.to.clone())));
        ask.may(case, &seats, "revoke the delegation")?;
        ask.stage(case, &[Stage::Preparation])?;
        if case.delegation.is_none() {
            return Err(Refusal::wrong_state("preparation of this case is not delegated"));
        }
        Ok(vec![DelegationRevoked { case: self.case.clone() }.into()])
    }
}

impl DelegationOffered {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        case.delegation = Some(Delegation { to: self.to.clone(), offered: stamp.clone(), accepted: None });
    }
}

impl DelegationAccepted {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        if let Some(delegation) = &mut case.delegation {
            delegation.accepted = Some(stamp.clone());
        }
    }
}

impl DelegationRevoked {
    pub(crate) fn apply(&self, case: &mut Case, _: &Stamp) {
        case.delegation = None;
    }
}
