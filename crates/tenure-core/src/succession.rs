//! Succession: a team is dissolved, and another takes its place. What it answers for moves when the successor accepts it,
//! and not before: nobody is ever left without an owner, and nobody is made one unasked.
//!
//! Two parts move, each accepted by whoever will carry it: the onus of its cases, with their warranties and its codebases,
//! by a development lead of the successor; and its place as a product team, by a product owner of the successor.

use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Stage};
use crate::codebase::stated;
use crate::decide::Ask;
use crate::event::Event;
use crate::id::TeamId;
use crate::person::{Place, Role, Seat};
use crate::refusal::{Refusal, RefusalCode};
use crate::state::State;
use crate::time::Stamp;

/// A team that is being dissolved, or is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Succession {
    /// Who takes its place.
    pub successor: TeamId,
    /// Why.
    pub reason: String,
    /// When it was proposed, and by whom.
    pub proposed: Stamp,
    /// When the onus of its cases and its codebases were accepted, and by whom.
    pub onus: Option<Stamp>,
    /// When its place as a product team was accepted, and by whom.
    pub product: Option<Stamp>,
}

impl Succession {
    /// Whether everything has moved, and the team is no more.
    pub fn is_complete(&self) -> bool {
        self.onus.is_some() && self.product.is_some()
    }
}

impl State {
    /// The team that has a team's onus now: itself, or whoever took its place.
    pub fn onus_heir<'a>(&'a self, team: &'a TeamId) -> &'a TeamId {
        self.heir(team, |succession| succession.onus.is_some())
    }

    /// The team that has a team's place as a product team now: itself, or whoever took it.
    pub fn product_heir<'a>(&'a self, team: &'a TeamId) -> &'a TeamId {
        self.product_heir_at(team, None)
    }

    pub(crate) fn product_heir_at<'a>(&'a self, team: &'a TeamId, at: Option<Timestamp>) -> &'a TeamId {
        self.heir(team, |succession| {
            succession.product.as_ref().is_some_and(|accepted| at.is_none_or(|at| accepted.at <= at))
        })
    }

    fn heir<'a>(&'a self, team: &'a TeamId, moved: impl Fn(&Succession) -> bool) -> &'a TeamId {
        let next = |team: &&'a TeamId| {
            let succession = self.successions.get(*team)?;
            moved(succession).then_some(&succession.successor)
        };
        // No chain is longer than there are successions: a successor that is dissolving is refused.
        let chain = std::iter::successors(Some(team), next).take(self.successions.len() + 1);
        chain.last().unwrap_or(team)
    }

    /// Whether a team has the onus of a case that is not at its end, or a codebase.
    fn has_onus(&self, team: &TeamId) -> bool {
        let of_case = self.all_cases().any(|case| case.team == *team && !case.stage.is_terminal());
        of_case || self.codebases.values().any(|codebase| codebase.team.as_ref() == Some(team))
    }

    /// Whether a team is a product team of a case that is not out of the code.
    fn has_product(&self, team: &TeamId) -> bool {
        let gone = |case: &Case| matches!(case.stage, Stage::Removed | Stage::Retired);
        let concerns = |of: &TeamId| self.product_heir(of) == team;
        self.all_cases().any(|case| !gone(case) && case.teams().iter().any(concerns))
    }
}

/// Dissolves a team: another is to take its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DissolveTeam {
    /// Which.
    pub team: TeamId,
    /// Who takes its place.
    pub successor: TeamId,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// Accepts the place of a team that is dissolved, as far as the actor may.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AcceptSuccession {
    /// The team that is dissolved.
    pub team: TeamId,
}

/// A team is to be dissolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SuccessionProposed {
    /// Which.
    pub team: TeamId,
    /// Who takes its place.
    pub successor: TeamId,
    /// Why.
    pub reason: String,
}

/// A successor accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SuccessionAccepted {
    /// The team that is dissolved.
    pub team: TeamId,
    /// Who takes its place.
    pub successor: TeamId,
    /// Whether the onus of its cases and its codebases move with this.
    pub onus: bool,
    /// Whether its place as a product team moves with this.
    pub product: bool,
}

impl DissolveTeam {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        ask.team(&self.team)?;
        ask.team(&self.successor)?;
        let seats = [
            Seat::Role(Role::DevelopmentLead),
            Seat::ProductOwner(self.team.clone()),
            Seat::Somewhere(Role::Admin),
            Seat::System,
        ];
        ask.seated(&seats, Some(Place { team: &self.team, case: None }), "dissolve this team")?;
        if let Some(before) = ask.state.successions.get(&self.team) {
            if before.successor == self.successor {
                return Ok(Vec::new());
            }
            if let Some(accepted) = before.onus.as_ref().or(before.product.as_ref()) {
                return Err(Refusal::wrong_state(format!(
                    "{} has accepted the place of {} already",
                    before.successor, self.team
                ))
                .since(accepted.at));
            }
        }
        if let Some(going) = ask.state.successions.get(&self.successor) {
            return Err(Refusal::wrong_state(format!(
                "{} is itself being dissolved; name {}",
                self.successor, going.successor
            ))
            .since(going.proposed.at));
        }
        let Some(reason) = stated(Some(&self.reason)) else {
            return Err(
                Refusal::new(RefusalCode::ReasonMissing, "dissolving a team says why").missing(["reason"])
            );
        };
        if self.team == self.successor {
            return Err(Refusal::argument(format!("successor is {}: name another team", self.successor)));
        }
        let nobody = self.nobody_could_accept(ask);
        if !nobody.is_empty() {
            return Err(Refusal::argument(format!("nobody at {} could accept its part", self.successor))
                .missing(nobody.iter().map(|seat| format!("a {seat} of {}", self.successor))));
        }
        Ok(vec![
            SuccessionProposed {
                team: self.team.clone(),
                successor: self.successor.clone(),
                reason: reason.to_owned(),
            }
            .into(),
        ])
    }
}

impl DissolveTeam {
    /// Roles that somebody of the successor would need, and nobody holds.
    fn nobody_could_accept(&self, ask: &Ask<'_>) -> Vec<Role> {
        let place = Some(Place { team: &self.successor, case: None });
        let parts = [
            (ask.state.has_onus(&self.team), Role::DevelopmentLead, Seat::Role(Role::DevelopmentLead)),
            (
                ask.state.has_product(&self.team),
                Role::ProductOwner,
                Seat::ProductOwner(self.successor.clone()),
            ),
        ];
        let nobody = |seat: &Seat| ask.state.sitters(seat, place).is_empty();
        parts
            .into_iter()
            .filter(|(wanted, _, seat)| *wanted && nobody(seat))
            .map(|(_, role, _)| role)
            .collect()
    }
}

impl AcceptSuccession {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        ask.team(&self.team)?;
        let Some(succession) = ask.state.successions.get(&self.team) else {
            ask.seated(
                &[Seat::Somewhere(Role::DevelopmentLead), Seat::Somewhere(Role::ProductOwner)],
                None,
                "accept a team's place",
            )?;
            return Err(Refusal::wrong_state(format!("team {} is not being dissolved", self.team)));
        };
        let place = Some(Place { team: &succession.successor, case: None });
        let (lead, owner) =
            (Seat::Role(Role::DevelopmentLead), Seat::ProductOwner(succession.successor.clone()));
        let open = |wanted: bool, accepted: &Option<Stamp>| wanted && accepted.is_none();
        let onus_open = open(ask.state.has_onus(&self.team), &succession.onus);
        let product_open = open(ask.state.has_product(&self.team), &succession.product);
        let seats: Vec<Seat> = match (onus_open, product_open) {
            (true, false) => vec![lead.clone()],
            (false, true) => vec![owner.clone()],
            _ => vec![lead.clone(), owner.clone()],
        };
        ask.seated(&seats, place, &format!("accept the place of {}", self.team))?;
        // A part that there is nothing of moves with the other.
        let onus = succession.onus.is_none() && (!onus_open || ask.sits(&lead, place));
        let product = succession.product.is_none() && (!product_open || ask.sits(&owner, place));
        if !onus && !product {
            return Ok(Vec::new());
        }
        Ok(vec![
            SuccessionAccepted {
                team: self.team.clone(),
                successor: succession.successor.clone(),
                onus,
                product,
            }
            .into(),
        ])
    }
}

impl SuccessionProposed {
    pub(crate) fn apply(&self, state: &mut State, stamp: &Stamp) {
        state.successions.insert(
            self.team.clone(),
            Succession {
                successor: self.successor.clone(),
                reason: self.reason.clone(),
                proposed: stamp.clone(),
                onus: None,
                product: None,
            },
        );
    }
}

impl SuccessionAccepted {
    pub(crate) fn apply(&self, state: &mut State, stamp: &Stamp) {
        if let Some(succession) = state.successions.get_mut(&self.team) {
            if self.onus {
                succession.onus = Some(stamp.clone());
            }
            if self.product {
                succession.product = Some(stamp.clone());
            }
        }
        if !self.onus {
            return;
        }
        for case in state.cases.values_mut().filter(|case| case.team == self.team).map(Arc::make_mut) {
            case.hand_onus_to(&self.successor, stamp.at);
        }
        for codebase in state.codebases.values_mut() {
            if codebase.team.as_ref() == Some(&self.team) {
                codebase.team = Some(self.successor.clone());
            }
        }
    }
}
