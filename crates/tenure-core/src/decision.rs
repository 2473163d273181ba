//! Decisions: proceed, park or re-run, and withdrawing or retiring a case. One driver proposes; it is taken
//! when everybody whom the policy asks has confirmed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Parked, Stage};
use crate::codebase::stated;
use crate::decide::Ask;
use crate::event::Event;
use crate::id::{AccountId, CaseId};
use crate::person::{DRIVERS, Role, Seat};
use crate::platform_change::normalised;
use crate::policy::{Policy, WhoConfirms};
use crate::refusal::{Refusal, RefusalCode};
use crate::time::{Stamp, months_later};

/// What is decided about a case as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DecisionKind {
    /// Build it.
    Proceed,
    /// Ditch it for now, and keep it in mind.
    Park,
    /// Run the experiment again with variations that are easier to implement.
    Rerun,
    /// Give it up: parked or retired before exposure, removed after it.
    Withdraw,
    /// Give it up for good: retired before exposure or when parked, removed after exposure.
    Retire,
}

impl DecisionKind {
    /// What is decided, as a verb.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Proceed => "proceed",
            Self::Park => "park",
            Self::Rerun => "rerun",
            Self::Withdraw => "withdraw",
            Self::Retire => "retire",
        }
    }
}

/// A decision that was proposed, with what goes with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Proposal {
    /// What.
    pub kind: DecisionKind,
    /// Why.
    pub reason: String,
    /// Tags of the platform change that would bring a parked case back.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unblock: BTreeSet<String>,
    /// When a parked case is looked at again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_on: Option<Date>,
    /// What a re-run should vary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub goals: Vec<String>,
    /// The person-days a re-run's variation should be built in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_days: Option<f64>,
    /// The version of the cost/benefit it cites.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_benefit: Option<u32>,
    /// Whether a withdrawn case is retired rather than parked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub for_good: bool,
}

/// A proposal that waits for confirmations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OpenProposal {
    /// What is proposed.
    pub proposal: Proposal,
    /// When, and by whom.
    pub proposed: Stamp,
    /// The driver roles that have confirmed, and through whom.
    pub confirmed: BTreeMap<Role, AccountId>,
}

/// A decision that was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// What was proposed, and who confirmed.
    pub open: OpenProposal,
    /// When the last confirmation came.
    pub taken: Stamp,
    /// Where it moved the case.
    pub moved_to: Stage,
}

impl Case {
    /// The driver roles still to confirm the open proposal; for "any one driver" all three until one has.
    pub fn unconfirmed(&self, policy: &Policy) -> Vec<Role> {
        let Some(open) = &self.proposal else { return Vec::new() };
        let confirmed: BTreeSet<Role> = open.confirmed.keys().copied().collect();
        unconfirmed(policy, &confirmed)
    }

    pub(crate) fn drop_preparation_proposal(&mut self) {
        use DecisionKind::{Park, Proceed, Rerun};
        if self.proposal.as_ref().is_some_and(|open| matches!(open.proposal.kind, Proceed | Park | Rerun)) {
            self.proposal = None;
        }
    }
}

fn unconfirmed(policy: &Policy, confirmed: &BTreeSet<Role>) -> Vec<Role> {
    match policy.who_confirms {
        WhoConfirms::ThreeDrivers => DRIVERS.into_iter().filter(|role| !confirmed.contains(role)).collect(),
        WhoConfirms::ProductManager if confirmed.contains(&Role::ProductManager) => Vec::new(),
        WhoConfirms::ProductManager => vec![Role::ProductManager],
        WhoConfirms::OneDriver if confirmed.is_empty() => DRIVERS.to_vec(),
        WhoConfirms::OneDriver => Vec::new(),
    }
}

/// The decisions that `decide` proposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DecisionChoice")]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Build it.
    Proceed,
    /// Ditch it for now.
    Park,
    /// Run it again with easier variations.
    Rerun,
}

/// Proposes to proceed, park or re-run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decide {
    /// Which case.
    pub case: CaseId,
    /// What.
    pub kind: Choice,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// For a park: tags of the platform change that would bring it back.
    #[serde(default)]
    pub unblock: BTreeSet<String>,
    /// For a park: when to look at it again.
    #[serde(default)]
    pub review_on: Option<Date>,
    /// For a re-run: what to vary.
    #[serde(default)]
    pub goals: Vec<String>,
    /// For a re-run: the person-days the variation should be built in.
    #[serde(default)]
    pub target_days: Option<f64>,
}

/// Confirms the open proposal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfirmDecision {
    /// Of which case.
    pub case: CaseId,
}

/// Where a withdrawn case rests when nobody has met the feature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WithdrawTo {
    /// It may come back.
    #[default]
    Parked,
    /// It does not.
    Retired,
}

/// Proposes to give a case up: parked (or retired) before exposure, removed after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WithdrawCase {
    /// Which case.
    pub case: CaseId,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// Where it rests when nobody has met the feature.
    #[serde(default)]
    pub to: WithdrawTo,
    /// Tags of the platform change that would bring it back.
    #[serde(default)]
    pub unblock: BTreeSet<String>,
    /// When to look at it again.
    #[serde(default)]
    pub review_on: Option<Date>,
}

/// Proposes to give a case up for good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RetireCase {
    /// Which case.
    pub case: CaseId,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// A decision was proposed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionProposed {
    /// About which case.
    pub case: CaseId,
    /// What.
    #[serde(flatten)]
    pub proposal: Proposal,
    /// The driver roles the proposer holds, which confirm with the proposal.
    pub roles: BTreeSet<Role>,
}

/// A decision was confirmed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionConfirmed {
    /// About which case.
    pub case: CaseId,
    /// The driver roles that confirm.
    pub roles: BTreeSet<Role>,
}

/// The last confirmation came: the decision holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionTaken {
    /// About which case.
    pub case: CaseId,
    /// What.
    pub kind: DecisionKind,
    /// Where it moves the case.
    pub moves_to: Stage,
    /// When a case that is parked by it is looked at again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_on: Option<Date>,
}

impl Decide {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.may(case, &DRIVERS.map(Seat::Role), "decide")?;
        ask.stage(case, &[Stage::Preparation])?;
        let goals: Vec<String> =
            self.goals.iter().filter_map(|goal| stated(Some(goal))).map(str::to_owned).collect();
        let unblock = normalised(&self.unblock);
        let kind = match self.kind {
            Choice::Proceed => {
                case.weighing_holds(ask.state.policy_of(case))?;
                DecisionKind::Proceed
            }
            Choice::Park if unblock.is_empty() && self.review_on.is_none() => {
                return Err(Refusal::new(
                    RefusalCode::UnblockConditionMissing,
                    "nothing says what would bring this idea back",
                )
                .missing(["unblock: tags of a platform change", "or review_on: a date"]));
            }
            Choice::Park => DecisionKind::Park,
            Choice::Rerun if goals.is_empty() => {
                return Err(Refusal::new(
                    RefusalCode::VariationGoalsMissing,
                    "nothing says what the re-run should vary",
                )
                .missing(["goals: variations that are easier to implement"]));
            }
            Choice::Rerun => DecisionKind::Rerun,
        };
        let target_days = self.target_days.filter(|_| kind == DecisionKind::Rerun);
        let proposal = Proposal {
            kind,
            reason: reason(&self.reason)?,
            unblock,
            review_on: review_date(ask, case, self.review_on)?,
            goals,
            target_days: target_days.map(target).transpose()?,
            cost_benefit: case.cost_benefit.as_ref().map(|weighing| weighing.version),
            for_good: false,
        };
        propose(ask, case, proposal)
    }
}

impl WithdrawCase {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.may(case, &DRIVERS.map(Seat::Role), "withdraw the case")?;
        if case.stage.is_terminal() || matches!(case.stage, Stage::Parked | Stage::Removing) {
            return Err(ask.wrong_stage(case, "withdrawn"));
        }
        let proposal = Proposal {
            kind: DecisionKind::Withdraw,
            reason: reason(&self.reason)?,
            unblock: normalised(&self.unblock),
            review_on: review_date(ask, case, self.review_on)?,
            goals: Vec::new(),
            target_days: None,
            cost_benefit: None,
            for_good: self.to == WithdrawTo::Retired,
        };
        propose(ask, case, proposal)
    }
}

impl RetireCase {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.may(case, &DRIVERS.map(Seat::Role), "retire the case")?;
        if case.stage.is_terminal() || case.stage == Stage::Removing {
            return Err(ask.wrong_stage(case, "retired"));
        }
        let proposal = Proposal {
            kind: DecisionKind::Retire,
            reason: reason(&self.reason)?,
            unblock: BTreeSet::new(),
            review_on: None,
            goals: Vec::new(),
            target_days: None,
            cost_benefit: None,
            for_good: true,
        };
        propose(ask, case, proposal)
    }
}

impl ConfirmDecision {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.may(case, &DRIVERS.map(Seat::Role), "confirm a decision")?;
        let Some(open) = &case.proposal else {
            return Err(Refusal::wrong_state(format!(
                "no decision about {} is waiting for confirmation",
                case.id
            )));
        };
        let mine = ask.driver_roles(case);
        let mut confirmed: BTreeSet<Role> = open.confirmed.keys().copied().collect();
        if mine.is_subset(&confirmed) {
            return Ok(Vec::new());
        }
        if open.proposal.kind == DecisionKind::Proceed {
            case.weighing_holds(ask.state.policy_of(case))?;
        }
        let roles: BTreeSet<Role> = mine.difference(&confirmed).copied().collect();
        ask.acts_in(case, &roles);
        confirmed.extend(&roles);
        let mut events = vec![DecisionConfirmed { case: case.id.clone(), roles }.into()];
        events.extend(taken(ask, case, &open.proposal, &confirmed));
        Ok(events)
    }
}

fn reason(text: &str) -> Result<String, Refusal> {
    stated(Some(text))
        .map(str::to_owned)
        .ok_or_else(|| Refusal::new(RefusalCode::ReasonMissing, "a decision says why").missing(["reason"]))
}

fn target(days: f64) -> Result<f64, Refusal> {
    if days > 0.0 && days.is_finite() {
        return Ok(days);
    }
    Err(Refusal::argument(format!("target_days is {days}: give person-days above 0")))
}

fn review_date(ask: &Ask<'_>, case: &Case, date: Option<Date>) -> Result<Option<Date>, Refusal> {
    match date {
        Some(date) if date <= ask.today(case) => {
            Err(Refusal::argument(format!("review_on is {date}: give a date after today")))
        }
        date => Ok(date),
    }
}

/// Proposes; a proposal that was open is superseded.
fn propose(ask: &Ask<'_>, case: &Case, proposal: Proposal) -> Result<Vec<Event>, Refusal> {
    let roles = ask.driver_roles(case);
    ask.acts_in(case, &roles);
    let conclusion = taken(ask, case, &proposal, &roles);
    let mut events = vec![DecisionProposed { case: case.id.clone(), proposal, roles }.into()];
    events.extend(conclusion);
    Ok(events)
}

fn taken(ask: &Ask<'_>, case: &Case, proposal: &Proposal, confirmed: &BTreeSet<Role>) -> Option<Event> {
    let policy = ask.state.policy_of(case);
    if !unconfirmed(policy, confirmed).is_empty() {
        return None;
    }
    let moves_to = match proposal.kind {
        DecisionKind::Proceed => Stage::BuyIn,
        DecisionKind::Park => Stage::Parked,
        DecisionKind::Rerun => Stage::Rerunning,
        DecisionKind::Withdraw | DecisionKind::Retire if case.first_exposed.is_some() => Stage::Removing,
        DecisionKind::Withdraw if !proposal.for_good => Stage::Parked,
        DecisionKind::Withdraw | DecisionKind::Retire => Stage::Retired,
    };
    let review_on = (moves_to == Stage::Parked).then(|| {
        proposal
            .review_on
            .unwrap_or_else(|| months_later(ask.today(case), policy.deadlines.parked_review_months))
    });
    Some(DecisionTaken { case: case.id.clone(), kind: proposal.kind, moves_to, review_on }.into())
}

impl DecisionProposed {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        case.proposal = Some(OpenProposal {
            proposal: self.proposal.clone(),
            proposed: stamp.clone(),
            confirmed: self.roles.iter().map(|role| (*role, stamp.by.clone())).collect(),
        });
    }
}

impl DecisionConfirmed {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        if let Some(open) = &mut case.proposal {
            open.confirmed.extend(self.roles.iter().map(|role| (*role, stamp.by.clone())));
        }
    }
}

impl DecisionTaken {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        let Some(open) = case.proposal.take() else { return };
        match self.moves_to {
            Stage::BuyIn => case.sign_offs.clear(),
            Stage::Parked => {
                case.parked = Some(Parked {
                    reason: open.proposal.reason.clone(),
                    unblock: open.proposal.unblock.clone(),
                    review_on: self.review_on,
                    since: stamp.clone(),
                });
            }
            _ => {}
        }
        if matches!(self.kind, DecisionKind::Withdraw | DecisionKind::Retire) {
            case.withdrawn = Some(stamp.clone());
        }
        case.enter(self.moves_to, stamp);
        case.decisions.push(Decision { open, taken: stamp.clone(), moved_to: self.moves_to });
    }
}
