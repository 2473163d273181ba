//! Invitations: a named person without an account answers buy-in for one team, once, by a link.
//!
//! Here is who was invited by whom, for what, and until when. How a link is signed, and how often it may be tried, is the
//! business of whoever serves it: the link leads to an [`Actor::Guest`](crate::Actor::Guest), who may do nothing else.

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::codebase::stated;
use crate::decide::Ask;
use crate::event::Event;
use crate::id::{CaseId, InvitationId, TeamId};
use crate::person::{Actor, BUY_IN_ASKERS, Seat};
use crate::refusal::{Refusal, RefusalCode};
use crate::sign_off::{STAGES, SignOffStatus};
use crate::state::State;
use crate::time::{Stamp, days_later};

/// The longest an invitation is good for, in days.
pub const DAYS_MAX: i64 = 90;

/// An invitation to answer buy-in for one product team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Invitation {
    /// For which team the person answers.
    pub team: TeamId,
    /// Who is invited, in the inviter's words.
    pub person: String,
    /// The last day it is good for.
    pub until: Date,
    /// When the buy-in that it answers was asked for.
    pub asked: Timestamp,
    /// When it was given, and by whom.
    pub invited: Stamp,
    /// When it was taken back, and by whom.
    pub revoked: Option<Stamp>,
    /// When the final answer came.
    pub answered: Option<Timestamp>,
}

/// Where an invitation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvitationStatus {
    /// It can be answered.
    Open,
    /// It was answered, finally.
    Answered,
    /// It was taken back.
    Revoked,
    /// Its last day has passed.
    Expired,
    /// Buy-in was asked for again since, or is not asked for any more.
    Superseded,
}

/// An invitation that was answered by a person without an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ByInvitation {
    /// Which.
    pub invitation: InvitationId,
    /// The person it was given to, in the inviter's words.
    pub person: String,
}

impl Case {
    /// Where an invitation of this case stands on a date.
    pub fn invitation_status(&self, invitation: &Invitation, today: Date) -> InvitationStatus {
        let asked = self.sign_offs.get(&invitation.team).map(|sign_off| sign_off.asked.at);
        if invitation.answered.is_some() {
            InvitationStatus::Answered
        } else if invitation.revoked.is_some() {
            InvitationStatus::Revoked
        } else if today > invitation.until {
            InvitationStatus::Expired
        } else if asked != Some(invitation.asked) {
            InvitationStatus::Superseded
        } else {
            InvitationStatus::Open
        }
    }

    /// Whoever may answer for a team: its product owner, or a guest whose invitation is good.
    pub(crate) fn answers_for(&self, ask: &Ask<'_>, team: &TeamId) -> Result<Option<ByInvitation>, Refusal> {
        let invited = match ask.actor {
            Actor::Guest(id) => self.invitations.get_key_value(id).filter(|(_, found)| found.team == *team),
            Actor::Account(_) | Actor::System => None,
        };
        let Some((id, invitation)) = invited else {
            ask.may(self, &[Seat::ProductOwner(team.clone())], "answer for that team")?;
            return Ok(None);
        };
        match self.invitation_status(invitation, ask.state.calendar_in(self, team).date(ask.now.at)) {
            InvitationStatus::Open => {
                Ok(Some(ByInvitation { invitation: id.clone(), person: invitation.person.clone() }))
            }
            closed => Err(void(id, invitation, closed)),
        }
    }
}

impl State {
    /// An invitation and its case, wherever it is.
    pub fn invitation(&self, id: &InvitationId) -> Option<(&Case, &Invitation)> {
        self.all_cases().find_map(|case| case.invitations.get(id).map(|found| (case, found)))
    }
}

fn void(id: &InvitationId, invitation: &Invitation, status: InvitationStatus) -> Refusal {
    let (why, since) = match status {
        InvitationStatus::Answered => ("was answered already".to_owned(), invitation.answered),
        InvitationStatus::Revoked => {
            ("was taken back".to_owned(), invitation.revoked.as_ref().map(|stamp| stamp.at))
        }
        InvitationStatus::Expired => (format!("was good until {}", invitation.until), None),
        InvitationStatus::Superseded | InvitationStatus::Open => {
            ("is for an earlier question: buy-in is asked for anew".to_owned(), None)
        }
    };
    let mut refusal = Refusal::new(RefusalCode::InvitationVoid, format!("invitation {id} {why}"))
        .missing(["invite_sign_off by the product manager or the design lead"]);
    refusal.since = since;
    refusal
}

/// Invites a person without an account to answer buy-in for a product team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InviteSignOff {
    /// For which case.
    pub case: CaseId,
    /// For which team.
    pub team: TeamId,
    /// Its name, unlike any other's.
    pub invitation: InvitationId,
    /// Who is invited: a name, as people would know it.
    #[serde(default)]
    pub person: String,
    /// The last day it is good for; the day the answer is promised by, or two weeks when that is past.
    #[serde(default)]
    pub until: Option<Date>,
}

/// Takes an invitation back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RevokeInvitation {
    /// Of which case.
    pub case: CaseId,
    /// Which.
    pub invitation: InvitationId,
}

/// A person without an account was invited to answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SignOffInvited {
    /// For which case.
    pub case: CaseId,
    /// For which team.
    pub team: TeamId,
    /// Its name.
    pub invitation: InvitationId,
    /// Who is invited.
    pub person: String,
    /// The last day it is good for.
    pub until: Date,
}

/// An invitation was taken back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InvitationRevoked {
    /// Of which case.
    pub case: CaseId,
    /// Which.
    pub invitation: InvitationId,
}

impl InviteSignOff {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.team(&self.team)?;
        ask.may(case, &BUY_IN_ASKERS.map(Seat::Role), "invite somebody to answer buy-in")?;
        if let Some(there) = ask.state.invitation(&self.invitation) {
            return Err(Refusal::exists("invitation", &self.invitation).since(there.1.invited.at));
        }
        ask.stage(case, &STAGES)?;
        let sign_off = case.sign_offs.get(&self.team).filter(|_| {
            matches!(case.sign_off_status(&self.team), SignOffStatus::Requested | SignOffStatus::Stale)
        });
        let Some(sign_off) = sign_off else {
            return Err(Refusal::wrong_state(format!(
                "the sign-off of {} is {}, so there is nothing to answer",
                self.team,
                case.sign_off_status(&self.team).name()
            ))
            .missing(["request_buy_in by the product manager or the design lead"]));
        };
        let Some(person) = stated(Some(&self.person)) else {
            return Err(Refusal::argument("person is empty: say who is invited").missing(["person"]));
        };
        let first = ask.state.calendar_in(case, &self.team).date(ask.now.at);
        let last = days_later(first, DAYS_MAX);
        let promised = if sign_off.due > first { sign_off.due } else { days_later(first, 14) };
        let until = self.until.unwrap_or(promised);
        if until < first || until > last {
            return Err(Refusal::argument(format!("until is {until}: give a date from {first} to {last}")));
        }
        Ok(vec![
            SignOffInvited {
                case: self.case.clone(),
                team: self.team.clone(),
                invitation: self.invitation.clone(),
                person: person.to_owned(),
                until,
            }
            .into(),
        ])
    }
}

impl RevokeInvitation {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        let invitation = case
            .invitations
            .get(&self.invitation)
            .ok_or_else(|| Refusal::not_found("invitation", &self.invitation))?;
        ask.may(case, &BUY_IN_ASKERS.map(Seat::Role), "take an invitation back")?;
        if let Some(answered) = invitation.answered {
            return Err(Refusal::wrong_state(format!("invitation {} was answered already", self.invitation))
                .since(answered));
        }
        if invitation.revoked.is_some() {
            return Ok(Vec::new());
        }
        Ok(vec![InvitationRevoked { case: self.case.clone(), invitation: self.invitation.clone() }.into()])
    }
}

impl SignOffInvited {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        let asked = case.sign_offs.get(&self.team).map_or(stamp.at, |sign_off| sign_off.asked.at);
        case.invitations.insert(
            self.invitation.clone(),
            Invitation {
                team: self.team.clone(),
                person: self.person.clone(),
                until: self.until,
                asked,
                invited: stamp.clone(),
                revoked: None,
                answered: None,
            },
        );
    }
}

impl InvitationRevoked {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        if let Some(invitation) = case.invitations.get_mut(&self.invitation) {
            invitation.revoked = Some(stamp.clone());
        }
    }
}
