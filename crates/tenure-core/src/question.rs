//! Questions: what a product team wants to know before it answers buy-in. A question decides nothing, and the promise to
//! answer keeps running.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::codebase::stated;
use crate::decide::Ask;
use crate::event::Event;
use crate::id::{CaseId, TeamId};
use crate::invitation::ByInvitation;
use crate::person::{BUY_IN_ASKERS, Seat};
use crate::refusal::{Refusal, RefusalCode};
use crate::sign_off::{STAGES, SignOffStatus};
use crate::time::Stamp;

/// A question back to those who asked for buy-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Question {
    /// 1 for the first of the sign-off.
    pub number: u32,
    /// What the team wants to know.
    pub question: String,
    /// The person without an account who asked it, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_invitation: Option<ByInvitation>,
    /// When it was asked, and by whom.
    pub asked: Stamp,
    /// The answer.
    pub reply: Option<Reply>,
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reply {
    /// What.
    pub reply: String,
    /// When, and by whom.
    pub stamp: Stamp,
}

impl Case {
    /// Questions of product teams that nobody has answered.
    pub fn open_questions(&self) -> impl Iterator<Item = (&TeamId, &Question)> {
        self.sign_offs.iter().flat_map(|(team, sign_off)| {
            let open = sign_off.questions.iter().filter(|question| question.reply.is_none());
            open.map(move |question| (team, question))
        })
    }
}

/// Asks something back, for a product team that was asked for buy-in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AskQuestion {
    /// About which case.
    pub case: CaseId,
    /// For which team.
    pub team: TeamId,
    /// What the team wants to know.
    #[serde(default)]
    pub question: String,
}

/// Answers a question of a product team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AnswerQuestion {
    /// About which case.
    pub case: CaseId,
    /// Of which team.
    pub team: TeamId,
    /// Which; the oldest open one when left out.
    #[serde(default)]
    pub number: Option<u32>,
    /// The answer.
    #[serde(default)]
    pub reply: String,
}

/// A product team asked something back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QuestionAsked {
    /// About which case.
    pub case: CaseId,
    /// For which team.
    pub team: TeamId,
    /// 1 for the first of the sign-off.
    pub number: u32,
    /// What the team wants to know.
    pub question: String,
    /// The person without an account who asked it, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_invitation: Option<ByInvitation>,
}

/// A question of a product team was answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QuestionAnswered {
    /// About which case.
    pub case: CaseId,
    /// Of which team.
    pub team: TeamId,
    /// Which.
    pub number: u32,
    /// The answer.
    pub reply: String,
}

impl AskQuestion {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.team(&self.team)?;
        let by_invitation = case.answers_for(ask, &self.team)?;
        ask.stage(case, &STAGES)?;
        let sign_off = case.sign_offs.get(&self.team).filter(|_| {
            matches!(case.sign_off_status(&self.team), SignOffStatus::Requested | SignOffStatus::Stale)
        });
        let Some(sign_off) = sign_off else {
            return Err(Refusal::wrong_state(format!(
                "the sign-off of {} is {}, so there is nothing to ask about",
                self.team,
                case.sign_off_status(&self.team).name()
            )));
        };
        let Some(question) = stated(Some(&self.question)) else {
            return Err(Refusal::argument("question is empty: say what to know first").missing(["question"]));
        };
        if sign_off.questions.iter().any(|open| open.reply.is_none() && open.question == question) {
            return Ok(Vec::new());
        }
        Ok(vec![
            QuestionAsked {
                case: self.case.clone(),
                team: self.team.clone(),
                number: sign_off.questions.last().map_or(1, |last| last.number + 1),
                question: question.to_owned(),
                by_invitation,
            }
            .into(),
        ])
    }
}

impl AnswerQuestion {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.team(&self.team)?;
        ask.may(case, &BUY_IN_ASKERS.map(Seat::Role), "answer a question about buy-in")?;
        ask.stage(case, &STAGES)?;
        let questions = case.sign_offs.get(&self.team).map_or(&[][..], |sign_off| &sign_off.questions);
        let question = match self.number {
            Some(number) => questions
                .iter()
                .find(|question| question.number == number)
                .ok_or_else(|| Refusal::not_found("question of this team with the number", number))?,
            None => questions.iter().find(|question| question.reply.is_none()).ok_or_else(|| {
                Refusal::wrong_state(format!("{} has asked nothing that is open", self.team))
            })?,
        };
        let Some(reply) = stated(Some(&self.reply)) else {
            return Err(Refusal::argument("reply is empty: answer the question").missing(["reply"]));
        };
        match &question.reply {
            Some(given) if given.reply == reply => Ok(Vec::new()),
            Some(given) => Err(Refusal::new(
                RefusalCode::WrongState,
                format!("question {} of {} was answered already", question.number, self.team),
            )
            .since(given.stamp.at)),
            None => Ok(vec![
                QuestionAnswered {
                    case: self.case.clone(),
                    team: self.team.clone(),
                    number: question.number,
                    reply: reply.to_owned(),
                }
                .into(),
            ]),
        }
    }
}

impl QuestionAsked {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        if let Some(sign_off) = case.sign_offs.get_mut(&self.team) {
            sign_off.questions.push(Question {
                number: self.number,
                question: self.question.clone(),
                by_invitation: self.by_invitation.clone(),
                asked: stamp.clone(),
                reply: None,
            });
        }
    }
}

impl QuestionAnswered {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        let questions = case.sign_offs.get_mut(&self.team).map(|sign_off| &mut sign_off.questions);
        let question = questions.and_then(|all| all.iter_mut().find(|one| one.number == self.number));
        if let Some(question) = question {
            question.reply = Some(Reply { reply: self.reply.clone(), stamp: stamp.clone() });
        }
    }
}
