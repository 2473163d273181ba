//! Follow-ups: ideas too big for this case, blocked until the original is productionised.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Stage};
use crate::decide::Ask;
use crate::event::Event;
use crate::id::{CaseId, FollowUpId};
use crate::person::{CASE_TEAM, Seat};
use crate::refusal::{Refusal, RefusalCode};
use crate::time::Stamp;

/// An idea for a next experiment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FollowUp {
    /// What it is about.
    pub description: Option<String>,
    /// When it was added, and by whom.
    pub added: Stamp,
    /// When it was started, and by whom.
    pub started: Option<Stamp>,
}

/// Where a follow-up stands; it depends on the case alone, until it is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FollowUpStatus {
    /// The original is not productionised.
    Blocked,
    /// It can start.
    Ready,
    /// It was started.
    Started,
    /// The original is gone.
    Orphaned,
}

impl FollowUpStatus {
    /// The status's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Ready => "ready",
            Self::Started => "started",
            Self::Orphaned => "orphaned",
        }
    }
}

impl Case {
    /// Where a follow-up of this case stands.
    pub fn follow_up_status(&self, follow_up: &FollowUp) -> FollowUpStatus {
        match self.stage {
            Stage::Removing | Stage::Removed | Stage::Retired => FollowUpStatus::Orphaned,
            _ if follow_up.started.is_some() => FollowUpStatus::Started,
            Stage::Productionised | Stage::Closed => FollowUpStatus::Ready,
            _ => FollowUpStatus::Blocked,
        }
    }
}

/// Adds an idea.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AddFollowUp {
    /// To which case.
    pub case: CaseId,
    /// Its name.
    pub follow_up: FollowUpId,
    /// What it is about.
    #[serde(default)]
    pub description: Option<String>,
}

/// Starts it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StartFollowUp {
    /// Of which case.
    pub case: CaseId,
    /// Which.
    pub follow_up: FollowUpId,
}

/// An idea was added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FollowUpAdded {
    /// To which case.
    pub case: CaseId,
    /// Its name.
    pub follow_up: FollowUpId,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// It was started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FollowUpStarted {
    /// Of which case.
    pub case: CaseId,
    /// Which.
    pub follow_up: FollowUpId,
}

impl AddFollowUp {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.may(case, &CASE_TEAM.map(Seat::Role), "add a follow-up")?;
        if let Some(there) = case.follow_ups.get(&self.follow_up) {
            return Err(Refusal::exists("follow-up", &self.follow_up).since(there.added.at));
        }
        Ok(vec![
            FollowUpAdded {
                case: self.case.clone(),
                follow_up: self.follow_up.clone(),
                description: self.description.clone(),
            }
            .into(),
        ])
    }
}

impl StartFollowUp {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        let follow_up = case
            .follow_ups
            .get(&self.follow_up)
            .ok_or_else(|| Refusal::not_found("follow-up", &self.follow_up))?;
        ask.may(case, &CASE_TEAM.map(Seat::Role), "start a follow-up")?;
        match case.follow_up_status(follow_up) {
            FollowUpStatus::Ready => Ok(vec![
                FollowUpStarted { case: self.case.clone(), follow_up: self.follow_up.clone() }.into(),
            ]),
            FollowUpStatus::Started => {
                Err(Refusal::wrong_state(format!("follow-up {} was started already", self.follow_up)))
            }
            FollowUpStatus::Orphaned => Err(Refusal::new(
                RefusalCode::OriginalNotProductionised,
                format!("case {} is {} and will not be productionised", case.id, case.stage),
            )),
            FollowUpStatus::Blocked => Err(Refusal::new(
                RefusalCode::OriginalNotProductionised,
                format!("case {} is in {} and not productionised yet", case.id, case.stage),
            )
            .since(follow_up.added.at)),
        }
    }
}

impl FollowUpAdded {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        case.follow_ups.insert(
            self.follow_up.clone(),
            FollowUp { description: self.description.clone(), added: stamp.clone(), started: None },
        );
    }
}

impl FollowUpStarted {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        if let Some(follow_up) = case.follow_ups.get_mut(&self.follow_up) {
            follow_up.started = Some(stamp.clone());
        }
    }
}
