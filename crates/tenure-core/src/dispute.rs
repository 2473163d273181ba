//! Disputes: whose bug is it? The date of the report decides, and the case it is in. So a dispute is about one of the two,
//! and is settled by whoever would be accountable if it is right. Until then the bug stays where it is.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bug::{Bug, BugReported};
use crate::case::{Case, Stage};
use crate::codebase::stated;
use crate::decide::Ask;
use crate::event::Event;
use crate::id::{BugId, CaseId, TeamId};
use crate::person::{CASE_TEAM, Seat};
use crate::refusal::{Refusal, RefusalCode};
use crate::state::State;
use crate::time::Stamp;
use crate::warranty::Accountable;

/// What somebody says is wrong with the routing of a bug.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "claim", content = "is")]
pub enum Claim {
    /// It was reported earlier than is written.
    ReportedOn(Date),
    /// It is a bug of another case.
    BelongsTo(CaseId),
}

/// A dispute about a bug.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dispute {
    /// What is claimed.
    #[serde(flatten)]
    pub claim: Claim,
    /// Why.
    pub reason: String,
    /// When, and by whom.
    pub raised: Stamp,
    /// How it ended.
    pub settled: Option<Settled>,
}

/// How a dispute ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Settled {
    /// Whether the claim was right.
    pub upheld: bool,
    /// Why, where a reason was given.
    pub reason: Option<String>,
    /// When, and by whom.
    pub stamp: Stamp,
}

impl Dispute {
    /// The seats that settle it, and the team in whose place they are when that is not the case's own: whoever would be
    /// accountable if it is right.
    pub(crate) fn settlers<'a>(
        &self,
        state: &'a State,
        case: &Case,
        bug: &Bug,
    ) -> (Vec<Seat>, Option<&'a TeamId>) {
        let (home, on) = match &self.claim {
            Claim::ReportedOn(on) => (None, *on),
            Claim::BelongsTo(other) => (state.case(other), bug.on),
        };
        let side = home.unwrap_or(case).accountable_on(on);
        let seats = side.map(|side| home.unwrap_or(case).seats_of(side)).unwrap_or_default();
        (seats, home.map(|home| &home.team))
    }
}

impl Bug {
    /// The dispute that is open.
    pub fn open_dispute(&self) -> Option<&Dispute> {
        self.disputes.last().filter(|dispute| dispute.settled.is_none())
    }
}

/// Disputes where a bug was routed: it was reported on another date, or belongs to another case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DisputeBug {
    /// In which case's feature.
    pub case: CaseId,
    /// Which.
    pub bug: BugId,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// The date on which it was reported in truth, before the one that is written.
    #[serde(default)]
    pub reported_on: Option<Date>,
    /// The case it belongs to in truth.
    #[serde(default)]
    pub belongs_to: Option<CaseId>,
}

/// Settles a dispute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SettleDispute {
    /// In which case's feature.
    pub case: CaseId,
    /// About which bug.
    pub bug: BugId,
    /// Whether the claim is right.
    pub upheld: bool,
    /// Why; needed when it is not.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A bug's routing was disputed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BugDisputed {
    /// In which case's feature.
    pub case: CaseId,
    /// Which.
    pub bug: BugId,
    /// What is claimed.
    #[serde(flatten)]
    pub claim: Claim,
    /// Why.
    pub reason: String,
}

/// A dispute was settled, and this is where the bug is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DisputeSettled {
    /// In which case's feature.
    pub case: CaseId,
    /// About which bug.
    pub bug: BugId,
    /// Whether the claim was right.
    pub upheld: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The date of the report.
    pub on: Date,
    /// Who fixes it.
    pub accountable: Accountable,
    /// The case it moved to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<CaseId>,
}

/// Where a bug would be if a claim is right.
struct Home<'a> {
    case: &'a Case,
    on: Date,
    accountable: Accountable,
}

/// Where the bug would be; a refusal when the claim cannot be, or would change nothing.
fn home<'a>(
    ask: &Ask<'a>,
    case: &'a Case,
    id: &BugId,
    bug: &Bug,
    claim: &Claim,
) -> Result<Home<'a>, Refusal> {
    match claim {
        Claim::ReportedOn(on) if *on >= bug.on => Err(Refusal::argument(format!(
            "reported_on is {on}: it is written on {}, so give a date before that",
            bug.on
        ))),
        Claim::ReportedOn(on) => match case.accountable_on(*on) {
            None => Err(Refusal::argument(format!("reported_on is {on}: nobody had met the feature then"))),
            Some(accountable) if accountable == bug.accountable => Err(Refusal::argument(format!(
                "reported_on is {on}: on that date the same side was accountable"
            ))),
            Some(accountable) => Ok(Home { case, on: *on, accountable }),
        },
        Claim::BelongsTo(other) => {
            let other = ask.case(other)?;
            if other.id == case.id {
                return Err(Refusal::argument(format!("belongs_to is {}: it is there already", case.id)));
            }
            if let Some(there) = other.bugs.get(id) {
                return Err(Refusal::exists("in that case, bug", id).since(there.reported.at));
            }
            let gone = matches!(other.stage, Stage::Removed | Stage::Retired);
            let accountable = other.accountable_on(bug.on).filter(|_| !gone).ok_or_else(|| {
                Refusal::argument(format!("belongs_to is {}: nobody could meet its feature then", other.id))
            })?;
            Ok(Home { case: other, on: bug.on, accountable })
        }
    }
}

fn open_bug<'a>(case: &'a Case, id: &BugId) -> Result<&'a Bug, Refusal> {
    case.bugs.get(id).ok_or_else(|| Refusal::not_found("bug", id))
}

fn is_open(case: &Case, id: &BugId, bug: &Bug) -> Result<(), Refusal> {
    match (&bug.fixed, &bug.moved_to) {
        (Some(fixed), _) => Err(Refusal::wrong_state(format!("bug {id} is fixed")).since(fixed.at)),
        (None, Some(other)) => {
            Err(Refusal::wrong_state(format!("bug {id} moved from {} to {other}", case.id)))
        }
        (None, None) => Ok(()),
    }
}

impl DisputeBug {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        let bug = open_bug(case, &self.bug)?;
        if let Some(other) = &self.belongs_to {
            ask.case(other)?;
        }
        let mut seats = CASE_TEAM.map(Seat::Role).to_vec();
        seats.extend(case.product_owner_seats());
        ask.may(case, &seats, "dispute whose bug it is")?;
        is_open(case, &self.bug, bug)?;
        let Some(reason) = stated(Some(&self.reason)) else {
            return Err(Refusal::new(RefusalCode::ReasonMissing, "a dispute says why").missing(["reason"]));
        };
        let claim = match (self.reported_on, &self.belongs_to) {
            (Some(on), None) => Claim::ReportedOn(on),
            (None, Some(other)) => Claim::BelongsTo(other.clone()),
            _ => {
                return Err(Refusal::argument(
                    "a dispute is about the date of the report or about the case: give reported_on or belongs_to",
                ));
            }
        };
        if let Some(open) = bug.open_dispute() {
            if open.claim == claim {
                return Ok(Vec::new());
            }
            return Err(
                Refusal::wrong_state(format!("bug {} is disputed already", self.bug)).since(open.raised.at)
            );
        }
        home(ask, case, &self.bug, bug, &claim)?;
        Ok(vec![
            BugDisputed { case: self.case.clone(), bug: self.bug.clone(), claim, reason: reason.to_owned() }
                .into(),
        ])
    }
}

impl SettleDispute {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        let bug = open_bug(case, &self.bug)?;
        let Some(open) = bug.open_dispute() else {
            let mut seats = case.seats_of(Accountable::BuildingTeam);
            seats.extend(case.product_owner_seats());
            ask.may(case, &seats, "settle a dispute")?;
            return Err(Refusal::wrong_state(format!("bug {} is not disputed", self.bug)));
        };
        let home = home(ask, case, &self.bug, bug, &open.claim);
        let taken_back = !self.upheld && ask.actor.account() == open.raised.by;
        match &home {
            _ if taken_back => {}
            Ok(home) => {
                ask.may(home.case, &home.case.seats_of(home.accountable), "settle this dispute")?;
            }
            Err(_) => {
                let mut seats = case.seats_of(Accountable::BuildingTeam);
                seats.extend(case.product_owner_seats());
                ask.may(case, &seats, "settle this dispute")?;
            }
        }
        is_open(case, &self.bug, bug)?;
        let reason = stated(self.reason.as_deref()).map(str::to_owned);
        if !self.upheld {
            if reason.is_none() && !taken_back {
                return Err(Refusal::new(RefusalCode::ReasonMissing, "turning a dispute down says why")
                    .missing(["reason"]));
            }
            return Ok(vec![self.settled(reason, bug.on, bug.accountable, None).into()]);
        }
        let Home { case: home, on, accountable } = home?;
        if home.id == case.id {
            return Ok(vec![self.settled(reason, on, accountable, None).into()]);
        }
        let moved = BugReported {
            case: home.id.clone(),
            bug: self.bug.clone(),
            description: bug.description.clone(),
            on,
            accountable,
            moved_from: Some(case.id.clone()),
        };
        let settled = self.settled(reason, bug.on, bug.accountable, Some(home.id.clone()));
        Ok(vec![settled.into(), moved.into()])
    }

    fn settled(
        &self,
        reason: Option<String>,
        on: Date,
        accountable: Accountable,
        moved_to: Option<CaseId>,
    ) -> DisputeSettled {
        DisputeSettled {
            case: self.case.clone(),
            bug: self.bug.clone(),
            upheld: self.upheld,
            reason,
            on,
            accountable,
            moved_to,
        }
    }
}

impl BugDisputed {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        if let Some(bug) = case.bugs.get_mut(&self.bug) {
            bug.disputes.push(Dispute {
                claim: self.claim.clone(),
                reason: self.reason.clone(),
                raised: stamp.clone(),
                settled: None,
            });
        }
    }
}

impl DisputeSettled {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        let Some(bug) = case.bugs.get_mut(&self.bug) else { return };
        if let Some(dispute) = bug.disputes.last_mut() {
            let (upheld, reason) = (self.upheld, self.reason.clone());
            dispute.settled = Some(Settled { upheld, reason, stamp: stamp.clone() });
        }
        bug.on = self.on;
        bug.accountable = self.accountable;
        bug.moved_to.clone_from(&self.moved_to);
    }
}
