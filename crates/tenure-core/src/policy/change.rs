//! Changing the policy of a case that runs: an entry of its own, with a reason.
//!
//! Drivers may have their case go by the policy in force; what differs from that is for administrators. The error rates
//! of an iteration that customers have met stay as they were: nobody moves the bar while looking at the jump.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Overrides, Policy, refused};
use crate::case::Case;
use crate::codebase::stated;
use crate::decide::Ask;
use crate::event::Event;
use crate::id::CaseId;
use crate::person::{DRIVERS, Role, Seat};
use crate::refusal::{Refusal, RefusalCode};
use crate::time::Stamp;

/// Changes the policy that a case goes by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeCasePolicy {
    /// Which case.
    pub case: CaseId,
    /// The keys that change, with their values; when left out, the case goes by its team's policy in force.
    #[serde(default)]
    pub policy: Option<Overrides>,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// The policy that a case goes by was changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CasePolicyChanged {
    /// Which case.
    pub case: CaseId,
    /// What it goes by now, whole.
    pub policy: Policy,
    /// Why.
    pub reason: String,
}

impl ChangeCasePolicy {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        let mut seats = vec![Seat::Somewhere(Role::Admin), Seat::System];
        if self.policy.is_none() {
            seats.extend(DRIVERS.map(Seat::Role));
        }
        ask.may(case, &seats, "change the policy of a case")?;
        if case.stage.is_terminal() {
            return Err(ask.wrong_stage(case, "given another policy"));
        }
        let Some(reason) = stated(Some(&self.reason)) else {
            return Err(
                Refusal::new(RefusalCode::ReasonMissing, "a change of policy says why").missing(["reason"])
            );
        };
        let before = ask.state.policy_of(case);
        let policy = match &self.policy {
            Some(overrides) => before.with(overrides).map_err(|faults| refused("policy.", &faults))?,
            None => ask.state.policy_for(&case.team).clone(),
        };
        if let Some(running) = &case.running
            && (policy.alpha, policy.srm_p) != (before.alpha, before.srm_p)
        {
            return Err(Refusal::wrong_state(format!(
                "alpha and srm_p of iteration {} are fixed since its first wave: change them before one, or in the next iteration",
                case.iteration
            ))
            .since(running.started));
        }
        if policy == *before {
            return Ok(Vec::new());
        }
        Ok(vec![CasePolicyChanged { case: self.case.clone(), policy, reason: reason.to_owned() }.into()])
    }
}

impl CasePolicyChanged {
    pub(crate) fn apply(&self, case: &mut Case, _: &Stamp) {
        // A change of policy never decides: what it would conclude is proposed again.
        if case.proposal.is_some() && case.unconfirmed(&self.policy).is_empty() {
            case.proposal = None;
        }
        case.own_policy = Some(Box::new(self.policy.clone()));
    }
}
