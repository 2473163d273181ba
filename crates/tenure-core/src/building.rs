//! Building: the slot in the backlog, the builder, and when it is finished.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Stage};
use crate::codebase::no_backlog_slot;
use crate::decide::Ask;
use crate::event::Event;
use crate::id::{AccountId, CaseId};
use crate::person::{Role, Seat};
use crate::refusal::{Refusal, RefusalCode};
use crate::time::Stamp;

/// Space made in the backlog for one iteration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Backlog {
    /// Person-days reserved.
    pub days: f64,
    /// When, and by which development lead.
    pub stamp: Stamp,
}

/// Makes space in the backlog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReserveBacklog {
    /// For which case.
    pub case: CaseId,
    /// Person-days.
    pub days: f64,
}

/// Says who builds: the experiment's developers, or others with the right skill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AssignBuilder {
    /// Which case.
    pub case: CaseId,
    /// Who.
    pub developer: AccountId,
}

/// Says that everything is built.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FinishBuilding {
    /// Which case.
    pub case: CaseId,
}

/// Space was made in the backlog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BacklogReserved {
    /// For which case.
    pub case: CaseId,
    /// Person-days.
    pub days: f64,
}

/// Somebody builds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BuilderAssigned {
    /// Which case.
    pub case: CaseId,
    /// Who.
    pub developer: AccountId,
}

/// Everything is built.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BuildingFinished {
    /// Which case.
    pub case: CaseId,
}

impl ReserveBacklog {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.may(case, &[Seat::Role(Role::DevelopmentLead)], "make space in the backlog")?;
        ask.stage(case, &[Stage::Building])?;
        if !(self.days > 0.0 && self.days.is_finite()) {
            return Err(Refusal::argument(format!("days is {}: give person-days above 0", self.days)));
        }
        Ok(vec![BacklogReserved { case: self.case.clone(), days: self.days }.into()])
    }
}

impl AssignBuilder {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        if !ask.state.people.contains_key(&self.developer) {
            return Err(Refusal::not_found("account", &self.developer));
        }
        ask.may(case, &[Seat::Role(Role::DevelopmentLead)], "assign a builder")?;
        ask.stage(case, &[Stage::Building])?;
        if case.builders.contains(&self.developer) {
            return Ok(Vec::new());
        }
        Ok(vec![BuilderAssigned { case: self.case.clone(), developer: self.developer.clone() }.into()])
    }
}

impl FinishBuilding {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.may(case, &[Role::DevelopmentLead, Role::Developer].map(Seat::Role), "finish building")?;
        ask.stage(case, &[Stage::Building])?;
        if case.backlog.is_none() {
            return Err(no_backlog_slot());
        }
        if case.flag.is_none() {
            return Err(Refusal::new(RefusalCode::NoFlag, "the change is not wrapped in a feature flag")
                .missing(["create_flag by a developer"]));
        }
        let unfinished = case.unfinished_items();
        if !unfinished.is_empty() {
            return Err(Refusal::new(
                RefusalCode::OwnerProcessIncomplete,
                format!("the owner process is not complete: {}", unfinished.join(", ")),
            )
            .missing(unfinished)
            .since(case.stage_since));
        }
        if case.iteration > 1 && !case.ledger.deviations.iter().any(|one| one.iteration == case.iteration) {
            return Err(Refusal::new(
                RefusalCode::IterationWithoutDeviation,
                format!("nothing is logged as changed in iteration {}", case.iteration),
            )
            .missing(["log_deviation: what was changed since the last measurement"]));
        }
        Ok(vec![BuildingFinished { case: self.case.clone() }.into()])
    }
}

impl BacklogReserved {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        case.backlog = Some(Backlog { days: self.days, stamp: stamp.clone() });
    }
}

impl BuilderAssigned {
    pub(crate) fn apply(&self, case: &mut Case, _: &Stamp) {
        case.builders.insert(self.developer.clone());
    }
}

impl BuildingFinished {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        case.enter(Stage::Ready, stamp);
    }
}
