//! Sign-offs: a product team's buy-in, pinned to a version of the deviation ledger. Silence is never consent.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Stage};
use crate::codebase::{Checklist, ItemTemplate, processes, stated};
use crate::decide::Ask;
use crate::event::Event;
use crate::id::{CaseId, CodebaseId, TeamId};
use crate::invitation::ByInvitation;
use crate::person::{BUY_IN_ASKERS, Seat};
use crate::question::Question;
use crate::refusal::Refusal;
use crate::time::Stamp;

/// What a product owner answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Build it.
    Approve,
    /// Build it; it reaches customers when the conditions are satisfied.
    ApproveWithConditions,
    /// Not like this; ask again.
    ChangesRequested,
    /// No.
    Refuse,
}

/// A condition a sign-off was given on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SignOffCondition")]
pub struct Condition {
    /// What has to be so.
    pub text: String,
    /// When its product owner confirmed that it is.
    pub satisfied: Option<Stamp>,
}

/// An answer, and what it was given on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answered {
    /// What.
    pub answer: Answer,
    /// Conditions, where it was given on some.
    pub conditions: Vec<Condition>,
    /// What was said with it.
    pub comment: Option<String>,
    /// The version of the ledger it was given on.
    pub ledger_version: u32,
    /// Whether the product owner is also a driver of the case.
    pub self_approved: bool,
    /// The person without an account who answered, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_invitation: Option<ByInvitation>,
    /// When, and by which product owner or guest.
    pub stamp: Stamp,
}

/// A product team's buy-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignOff {
    /// When it was last asked for, and by whom.
    pub asked: Stamp,
    /// The date the answer is promised by.
    pub due: Date,
    /// The latest answer.
    pub answered: Option<Answered>,
    /// What the team asked back, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<Question>,
}

/// Where a sign-off stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignOffStatus {
    /// Not asked for yet.
    NotRequested,
    /// Asked for, not answered.
    Requested,
    /// Given, and current.
    Approved,
    /// Given, before an adjustment.
    Stale,
    /// Changes were asked for.
    ChangesRequested,
    /// Refused.
    Refused,
}

impl SignOffStatus {
    /// The status's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotRequested => "not_requested",
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::Stale => "stale",
            Self::ChangesRequested => "changes_requested",
            Self::Refused => "refused",
        }
    }
}

impl Case {
    /// The product teams whose buy-in the case needs: those consulted, and any asked besides, ever. So a team that refused
    /// is not got around by deciding again.
    pub fn teams(&self) -> BTreeSet<TeamId> {
        self.consultations.keys().chain(&self.asked).cloned().collect()
    }

    /// The seats of the product owners of the case.
    pub(crate) fn product_owner_seats(&self) -> Vec<Seat> {
        self.teams().into_iter().map(Seat::ProductOwner).collect()
    }

    /// Where a team's sign-off stands.
    pub fn sign_off_status(&self, team: &TeamId) -> SignOffStatus {
        let Some(sign_off) = self.sign_offs.get(team) else { return SignOffStatus::NotRequested };
        match &sign_off.answered {
            None => SignOffStatus::Requested,
            Some(answered) => match answered.answer {
                Answer::Refuse => SignOffStatus::Refused,
                Answer::ChangesRequested => SignOffStatus::ChangesRequested,
                Answer::Approve | Answer::ApproveWithConditions
                    if self.ledger.adjusted_at > answered.ledger_version =>
                {
                    SignOffStatus::Stale
                }
                Answer::Approve | Answer::ApproveWithConditions => SignOffStatus::Approved,
            },
        }
    }

    /// Teams whose sign-off is not current.
    pub fn teams_not_signed_off(&self) -> Vec<TeamId> {
        self.teams()
            .into_iter()
            .filter(|team| self.sign_off_status(team) != SignOffStatus::Approved)
            .collect()
    }

    /// Conditions that are not satisfied, as `team: condition`.
    pub fn open_conditions(&self) -> Vec<String> {
        self.sign_offs
            .iter()
            .flat_map(|(team, sign_off)| {
                let conditions = sign_off.answered.iter().flat_map(|answered| &answered.conditions);
                conditions
                    .filter(|condition| condition.satisfied.is_none())
                    .map(move |condition| format!("{team}: {}", condition.text))
            })
            .collect()
    }
}

/// Asks a product team for buy-in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequestBuyIn {
    /// For which case.
    pub case: CaseId,
    /// Which team.
    pub team: TeamId,
}

/// Answers for a product team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AnswerBuyIn {
    /// For which case.
    pub case: CaseId,
    /// For which team.
    pub team: TeamId,
    /// What.
    pub answer: Answer,
    /// On which conditions.
    #[serde(default)]
    pub conditions: Vec<String>,
    /// What to say with it.
    #[serde(default)]
    pub comment: Option<String>,
}

/// Confirms that a condition is satisfied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SatisfyCondition {
    /// Of which case.
    pub case: CaseId,
    /// Of which team's sign-off.
    pub team: TeamId,
    /// Which condition, in the words it was given in.
    pub condition: String,
}

/// A product team was asked for buy-in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BuyInRequested {
    /// For which case.
    pub case: CaseId,
    /// Which team.
    pub team: TeamId,
    /// The date the answer is promised by.
    pub due: Date,
}

/// A product team answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BuyInAnswered {
    /// For which case.
    pub case: CaseId,
    /// For which team.
    pub team: TeamId,
    /// What.
    pub answer: Answer,
    /// On which conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<String>,
    /// What was said with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The version of the ledger it was given on.
    pub ledger_version: u32,
    /// Whether the product owner is also a driver of the case.
    pub self_approved: bool,
    /// The person without an account who answered, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_invitation: Option<ByInvitation>,
}

/// A condition is satisfied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConditionSatisfied {
    /// Of which case.
    pub case: CaseId,
    /// Of which team's sign-off.
    pub team: TeamId,
    /// Which condition.
    pub condition: String,
}

/// A product team refused: the case goes back to preparation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BuyInFailed {
    /// Which case.
    pub case: CaseId,
    /// Who refused.
    pub team: TeamId,
}

/// Every product team approved: building begins, by these owner processes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BuildingStarted {
    /// Which case.
    pub case: CaseId,
    /// The owner process of each codebase, as it is now.
    pub processes: BTreeMap<CodebaseId, Vec<ItemTemplate>>,
}

/// The stages in which buy-in is given or renewed.
pub(crate) const STAGES: [Stage; 3] = [Stage::BuyIn, Stage::Building, Stage::Ready];

impl RequestBuyIn {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.team(&self.team)?;
        ask.may(case, &BUY_IN_ASKERS.map(Seat::Role), "ask for buy-in")?;
        ask.stage(case, &STAGES)?;
        if case.sign_off_status(&self.team) == SignOffStatus::Requested {
            return Ok(Vec::new());
        }
        let policy = ask.state.policy_of(case);
        Ok(vec![
            BuyInRequested {
                case: self.case.clone(),
                team: self.team.clone(),
                due: ask.due(case, &self.team, policy.deadlines.buy_in),
            }
            .into(),
        ])
    }
}

impl AnswerBuyIn {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.team(&self.team)?;
        let by_invitation = case.answers_for(ask, &self.team)?;
        ask.stage(case, &STAGES)?;
        let status = case.sign_off_status(&self.team);
        if status == SignOffStatus::NotRequested {
            return Err(Refusal::wrong_state(format!("{} was not asked for buy-in on this case", self.team)));
        }
        if status == SignOffStatus::Approved && case.stage != Stage::BuyIn {
            return Err(Refusal::wrong_state(format!(
                "the sign-off of {} is current, so there is nothing to renew",
                self.team
            )));
        }
        let conditions = self.conditions()?;
        let mut events = vec![
            BuyInAnswered {
                case: self.case.clone(),
                team: self.team.clone(),
                answer: self.answer,
                conditions,
                comment: self.comment.clone(),
                ledger_version: case.ledger.version,
                self_approved: ask.drives(case),
                by_invitation,
            }
            .into(),
        ];
        if case.stage == Stage::BuyIn {
            events.extend(self.moves(ask, case));
        }
        Ok(events)
    }

    fn conditions(&self) -> Result<Vec<String>, Refusal> {
        let conditions: Vec<String> =
            self.conditions.iter().filter_map(|text| stated(Some(text))).map(str::to_owned).collect();
        match self.answer {
            Answer::ApproveWithConditions if conditions.is_empty() => {
                Err(Refusal::argument("conditions is empty: say what the approval depends on, or approve")
                    .missing(["conditions"]))
            }
            Answer::ApproveWithConditions => Ok(conditions),
            _ if !conditions.is_empty() => {
                Err(Refusal::argument("conditions go with the answer approve_with_conditions only"))
            }
            _ => Ok(Vec::new()),
        }
    }

    fn moves(&self, ask: &Ask<'_>, case: &Case) -> Option<Event> {
        let approves = matches!(self.answer, Answer::Approve | Answer::ApproveWithConditions);
        let others_approved = case.teams_not_signed_off().iter().all(|team| *team == self.team);
        match self.answer {
            Answer::Refuse => Some(BuyInFailed { case: case.id.clone(), team: self.team.clone() }.into()),
            _ if approves && others_approved => {
                Some(BuildingStarted { case: case.id.clone(), processes: processes(ask.state, case) }.into())
            }
            _ => None,
        }
    }
}

impl SatisfyCondition {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.team(&self.team)?;
        ask.may(case, &[Seat::ProductOwner(self.team.clone())], "confirm a condition of that team")?;
        ask.stage(case, &STAGES)?;
        let condition = case
            .sign_offs
            .get(&self.team)
            .and_then(|sign_off| sign_off.answered.as_ref())
            .and_then(|answered| answered.conditions.iter().find(|known| known.text == self.condition.trim()))
            .ok_or_else(|| Refusal::not_found("condition of this sign-off", &self.condition))?;
        if condition.satisfied.is_some() {
            return Ok(Vec::new());
        }
        Ok(vec![
            ConditionSatisfied {
                case: self.case.clone(),
                team: self.team.clone(),
                condition: condition.text.clone(),
            }
            .into(),
        ])
    }
}

impl BuyInRequested {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        use SignOffStatus::{ChangesRequested, Refused};
        case.asked.insert(self.team.clone());
        let reset = matches!(case.sign_off_status(&self.team), ChangesRequested | Refused);
        let (answered, questions) = case
            .sign_offs
            .remove(&self.team)
            .map_or((None, Vec::new()), |before| (before.answered.filter(|_| !reset), before.questions));
        let asked = stamp.clone();
        case.sign_offs.insert(self.team.clone(), SignOff { asked, due: self.due, answered, questions });
    }
}

impl BuyInAnswered {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        let Some(sign_off) = case.sign_offs.get_mut(&self.team) else { return };
        if let Some(by) = &self.by_invitation
            && let Some(invitation) = case.invitations.get_mut(&by.invitation)
        {
            invitation.answered = Some(stamp.at);
        }
        sign_off.answered = Some(Answered {
            answer: self.answer,
            conditions: self
                .conditions
                .iter()
                .map(|text| Condition { text: text.clone(), satisfied: None })
                .collect(),
            comment: self.comment.clone(),
            ledger_version: self.ledger_version,
            self_approved: self.self_approved,
            by_invitation: self.by_invitation.clone(),
            stamp: stamp.clone(),
        });
    }
}

impl ConditionSatisfied {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        let answered = case.sign_offs.get_mut(&self.team).and_then(|sign_off| sign_off.answered.as_mut());
        let condition = answered
            .and_then(|answered| answered.conditions.iter_mut().find(|known| known.text == self.condition));
        if let Some(condition) = condition {
            condition.satisfied = Some(stamp.clone());
        }
    }
}

impl BuyInFailed {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        case.enter(Stage::Preparation, stamp);
    }
}

impl BuildingStarted {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        case.checklists = checklists(&self.processes);
        case.enter(Stage::Building, stamp);
    }
}

pub(crate) fn checklists(
    processes: &BTreeMap<CodebaseId, Vec<ItemTemplate>>,
) -> BTreeMap<CodebaseId, Checklist> {
    processes.iter().map(|(codebase, items)| (codebase.clone(), Checklist::of(items))).collect()
}
