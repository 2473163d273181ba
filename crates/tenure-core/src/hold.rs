//! Holds: exposure goes to 0 at once, and stays there until the hold is released or ends in iterate or remove.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Stage};
use crate::codebase::stated;
use crate::decide::Ask;
use crate::event::Event;
use crate::id::CaseId;
use crate::person::{CASE_TEAM, Seat};
use crate::refusal::{Refusal, RefusalCode};
use crate::time::Stamp;

/// Why exposure is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "cause", content = "about")]
pub enum Cause {
    /// A guardrail got worse by more than its margin.
    Guardrail(String),
    /// A safety wave showed harm on the primary metric.
    Harm(String),
    /// Somebody stopped it.
    Stopped(String),
}

/// Exposure held at 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hold {
    /// Why; the latest cause when there are several.
    #[serde(flatten)]
    pub cause: Cause,
    /// Since when, and by whom.
    pub since: Stamp,
}

impl Cause {
    /// The cause in words.
    pub fn sentence(&self) -> String {
        match self {
            Self::Guardrail(name) => format!("guardrail {name} got worse by more than its margin"),
            Self::Harm(what) => format!("the safety wave showed harm: {what}"),
            Self::Stopped(reason) => format!("somebody stopped it: {reason}"),
        }
    }
}

/// Says that a guardrail is breached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GuardrailBreach {
    /// In which case.
    pub case: CaseId,
    /// Which guardrail.
    #[serde(default)]
    pub name: String,
}

/// Pulls the feature from everybody, now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StopExposure {
    /// In which case.
    pub case: CaseId,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Lifts the hold: back to what was exposed before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReleaseHold {
    /// In which case.
    pub case: CaseId,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Exposure is held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExposureHeld {
    /// In which case.
    pub case: CaseId,
    /// Why.
    #[serde(flatten)]
    pub cause: Cause,
}

/// The hold was lifted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HoldReleased {
    /// In which case.
    pub case: CaseId,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Who may hold and release: Tenure itself, anyone in the case, or its product teams.
pub(crate) fn seats(case: &Case) -> Vec<Seat> {
    let mut seats = vec![Seat::System];
    seats.extend(CASE_TEAM.map(Seat::Role));
    seats.extend(case.product_owner_seats());
    seats.extend(case.codebases().into_iter().map(Seat::CodebaseOwner));
    seats
}

fn hold(ask: &Ask<'_>, case: &Case, cause: Cause) -> Result<Vec<Event>, Refusal> {
    ask.may(case, &seats(case), "hold exposure")?;
    if !case.can_be_held() || case.hold.is_none() && case.exposure_percent() == 0.0 {
        return Err(Refusal::wrong_state(format!(
            "case {} is in {} and exposes nobody that could be held back",
            case.id, case.stage
        )));
    }
    if case.hold.as_ref().is_some_and(|hold| hold.cause == cause) {
        return Ok(Vec::new());
    }
    Ok(vec![ExposureHeld { case: case.id.clone(), cause }.into()])
}

impl GuardrailBreach {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        let name = stated(Some(&self.name)).unwrap_or("without a name").to_owned();
        hold(ask, case, Cause::Guardrail(name))
    }
}

impl StopExposure {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        let reason = stated(self.reason.as_deref()).unwrap_or("no reason given").to_owned();
        hold(ask, case, Cause::Stopped(reason))
    }
}

impl ReleaseHold {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.may(case, &seats(case), "release a hold")?;
        if case.hold.is_none() {
            return Err(Refusal::wrong_state(format!("case {} is not held", case.id)));
        }
        let open: Vec<_> = case.open_bugs().collect();
        if let Some(oldest) = open.iter().map(|(_, bug)| bug.reported.at).min() {
            let names = open.iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>();
            return Err(Refusal::new(
                RefusalCode::BugOpen,
                format!("{} is not fixed, so the hold stays", names.join(" and ")),
            )
            .missing(names.iter().map(|name| format!("fix_bug {name}")))
            .since(oldest));
        }
        Ok(vec![HoldReleased { case: self.case.clone(), reason: self.reason.clone() }.into()])
    }
}

impl ExposureHeld {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        let since = case.hold.take().map_or_else(|| stamp.clone(), |hold| hold.since);
        case.hold = Some(Hold { cause: self.cause.clone(), since });
    }
}

impl HoldReleased {
    pub(crate) fn apply(&self, case: &mut Case, _: &Stamp) {
        case.hold = None;
    }
}

impl Case {
    /// Whether the case is in a stage in which a hold means something.
    pub fn can_be_held(&self) -> bool {
        matches!(self.stage, Stage::RollingOut | Stage::Outcome | Stage::Productionised)
    }
}
