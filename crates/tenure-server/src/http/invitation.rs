//! Invitations: a product owner without an account answers buy-in by a signed link.
//!
//! The link opens one invitation and nothing else. Whether it may still be answered is the process's business; how often
//! it may be tried is bounded here.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tenure_core::Actor;
use tenure_core::deviation::DeviationKind;
use tenure_core::experiment::Hypothesis;
use tenure_core::id::InvitationId;
use tenure_core::invitation::InvitationStatus;
use utoipa::ToSchema;

use super::body::Body;
use super::schema::Shown;
use super::webhook::Tested;
use crate::auth::{Allowed, Write, secret};
use crate::live::{Done, Live, Submission};
use crate::notify::mail;
use crate::problem::Problem;
use crate::text;

type StatusShown = Shown<InvitationStatus>;
type HypothesisShown = Shown<Hypothesis>;
type DeviationKindShown = Shown<DeviationKind>;

/// Whom to invite.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// The product team that the person answers for.
    team: String,
    /// Who is invited: a name, as people would know it.
    person: String,
    /// The last day the link is good for; the day the answer is promised by, if left out.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Date)]
    until: Option<Date>,
    /// Where to mail the link; it is mailed to nobody, if left out. The address is used once and not kept.
    #[serde(default)]
    email: Option<String>,
}

/// An invitation, with the link to hand to the person.
#[derive(Debug, Serialize, ToSchema)]
pub struct Invited {
    /// Its name, to take it back by (`revoke_invitation`).
    invitation: String,
    /// The page that opens without an account. Whoever has it can answer: hand it to nobody else.
    link: String,
    /// The last day it is good for.
    #[schema(value_type = String, format = Date)]
    until: Date,
    /// What came of mailing the link, where that was asked for. The link is good whatever came of it.
    mailed: Option<Tested>,
}

/// Invite a product owner without an account to answer buy-in.
#[utoipa::path(
    post, path = "/api/v1/cases/{case}/invitations", tag = "process", request_body = NewInvitation,
    params(("case" = String, Path, description = "The case")),
    responses(
        (status = 201, body = Invited),
        (status = 409, body = crate::problem::ProblemBody, description = "refused, with the refusal"),
    ),
    security(("token" = ["write"]), ("session" = [])),
)]
pub async fn invite(
    State(live): State<Arc<Live>>,
    allowed: Allowed<Write>,
    Path(case): Path<String>,
    Body(new): Body<NewInvitation>,
) -> Result<(StatusCode, Json<Invited>), Problem> {
    let email = new.email.as_deref().map(str::trim).filter(|email| !email.is_empty());
    if let Some(email) = email {
        email
            .parse::<lettre::Address>()
            .map_err(|_| Problem::invalid("email", format!("{email:?} is no mail address")))?;
    }
    let random = secret::generate("").map_err(|error| Problem::Internal(error.to_string()))?;
    let short: String = random.chars().filter(char::is_ascii_alphanumeric).take(10).collect();
    let invitation = format!("inv-{}", short.to_lowercase());
    let mut arguments = Map::new();
    for (name, value) in [
        ("case", json!(case)),
        ("team", json!(new.team)),
        ("person", json!(new.person)),
        ("invitation", json!(invitation)),
        ("until", json!(new.until)),
    ] {
        arguments.insert(name.to_owned(), value);
    }
    let submission = Submission { name: "invite_sign_off".to_owned(), arguments, ..Submission::default() };
    live.submit(&allowed.actor()?, submission).await?;
    let until = {
        let state = live.state();
        let id = InvitationId::new(&invitation).map_err(|error| Problem::Internal(error.to_string()))?;
        state.invitation(&id).map(|(_, invitation)| invitation.until)
    };
    let until = until.ok_or_else(|| Problem::Internal("the invitation is not there".to_owned()))?;
    let link = format!("{}/sign-off/{}", live.config.url(), live.sign_off_links.sign(&invitation));
    let mailed = match email {
        Some(email) => Some(Tested::of(send(&live, email, &invitation, &link).await?)),
        None => None,
    };
    Ok((StatusCode::CREATED, Json(Invited { invitation, link, until, mailed })))
}

/// Mail the link, and say what the mail server answered.
async fn send(
    live: &Live,
    to: &str,
    invitation: &str,
    link: &str,
) -> Result<Result<String, String>, Problem> {
    let Some(mailer) = &live.senders.mailer else {
        return Ok(Err(
            "this server sends no mail: hand the link over yourself, or configure `smtp`".to_owned()
        ));
    };
    let id = InvitationId::new(invitation).map_err(|error| Problem::Internal(error.to_string()))?;
    let asked = asked(live, &id).await?;
    let invited = mail::Invitation {
        title: asked.title.unwrap_or(asked.case),
        person: asked.person,
        team: asked.team,
        link: link.to_owned(),
        until: asked.until,
    };
    let mail = mail::render_invitation(&invited).map_err(|error| Problem::Internal(error.to_string()))?;
    Ok(mailer.send(to, invitation, mail).await.map_err(|not| not.said))
}

/// What a person without an account is asked.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Asked {
    /// The invitation.
    pub invitation: String,
    /// Whether it can still be answered.
    #[schema(value_type = StatusShown)]
    pub status: InvitationStatus,
    /// Who is invited.
    pub person: String,
    /// The team they answer for.
    pub team: String,
    /// The last day.
    #[schema(value_type = String, format = Date)]
    pub until: Date,
    /// The case.
    pub case: String,
    /// What it is about.
    pub title: Option<String>,
    /// The experiment's hypothesis.
    #[schema(value_type = Option<HypothesisShown>)]
    pub hypothesis: Option<Hypothesis>,
    /// What the experiment found, in words.
    pub won: Option<String>,
    /// Codebases of the change.
    pub codebases: Vec<String>,
    /// Expected person-days of all codebases.
    pub expected_days: f64,
    /// Changes from the experiment so far.
    pub deviations: Vec<AskedDeviation>,
    /// What the deviations weigh, of how much.
    pub deviations_spent: u32,
    /// What the policy allows them to weigh.
    pub deviations_budget: u32,
    /// What the team asked back, with the answers.
    pub questions: Vec<AskedBack>,
}

/// A change from the experiment.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AskedDeviation {
    /// 1 for the first of the case.
    pub number: u32,
    /// How far it goes.
    #[schema(value_type = DeviationKindShown)]
    pub kind: DeviationKind,
    /// What it weighs.
    pub weight: u32,
    /// What was changed.
    pub description: String,
}

/// What the team asked back.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AskedBack {
    /// 1 for the first of the sign-off.
    pub number: u32,
    /// What the team wants to know.
    pub question: String,
    /// The answer, once there is one.
    pub reply: Option<String>,
}

/// An answer by link.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SignOffAnswer)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Which of the four.
    pub answer: AnswerKind,
    /// The condition, the question or the reason: what the answer needs.
    #[serde(default)]
    pub text: String,
}

/// The four answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnswerKind {
    /// Buy in.
    Approve,
    /// Buy in on a condition, said in `text`.
    ApproveWithCondition,
    /// Ask something back; decides nothing.
    Ask,
    /// Refuse, with the reason in `text`.
    Refuse,
}

/// What a signed link asks.
#[utoipa::path(
    get, path = "/api/v1/sign-off/{link}", tag = "process",
    params(("link" = String, Path, description = "The last part of the link")),
    responses((status = 200, body = Asked), (status = 404, body = crate::problem::ProblemBody), (status = 429, body = crate::problem::ProblemBody)),
)]
pub async fn sign_off_asked(
    State(live): State<Arc<Live>>,
    Path(link): Path<String>,
) -> Result<Json<Asked>, Problem> {
    asked(&live, &opened(&live, &link)?).await.map(Json)
}

/// Answer by a signed link.
#[utoipa::path(
    post, path = "/api/v1/sign-off/{link}", tag = "process", request_body = Answer,
    params(("link" = String, Path, description = "The last part of the link")),
    responses(
        (status = 200, body = Done),
        (status = 404, body = crate::problem::ProblemBody),
        (status = 409, body = crate::problem::ProblemBody, description = "answered, expired or taken back"),
        (status = 429, body = crate::problem::ProblemBody),
    ),
)]
pub async fn sign_off_answered(
    State(live): State<Arc<Live>>,
    Path(link): Path<String>,
    Body(answer): Body<Answer>,
) -> Result<Json<Done>, Problem> {
    answered(&live, opened(&live, &link)?, answer).await.map(Json)
}

/// The invitation a link opens. A wrong link and a link of something that is gone look the same.
pub fn opened(live: &Live, link: &str) -> Result<InvitationId, Problem> {
    let id = live.sign_off_links.check(link);
    // Wrong links share one allowance, so that guessing never costs the invited person theirs.
    if !live.link_uses.allow(id.unwrap_or("wrong link")) {
        return Err(Problem::Busy {
            retry_after_s: 60,
            detail: "the link was used too often in the last minute".to_owned(),
        });
    }
    id.and_then(|id| InvitationId::new(id).ok())
        .ok_or_else(|| Problem::NotFound { what: "invitation", id: "of this link".to_owned() })
}

/// What the invited person needs to know, and no more.
pub async fn asked(live: &Live, id: &InvitationId) -> Result<Asked, Problem> {
    let mut shown = {
        let state = live.state();
        let (case, invitation) = state
            .invitation(id)
            .ok_or_else(|| Problem::NotFound { what: "invitation", id: id.to_string() })?;
        let experiment = state.experiments.get(&case.experiment);
        let ledger = &case.ledger;
        let deviations = ledger.deviations.iter().map(|deviation| AskedDeviation {
            number: deviation.number,
            kind: deviation.kind,
            weight: deviation.weight,
            description: deviation.description.clone(),
        });
        let questions = case.sign_offs.get(&invitation.team).map(|sign_off| sign_off.questions.as_slice());
        let questions = questions.unwrap_or_default().iter().map(|asked| AskedBack {
            number: asked.number,
            question: asked.question.clone(),
            reply: asked.reply.as_ref().map(|reply| reply.reply.clone()),
        });
        json!(Asked {
            invitation: id.to_string(),
            status: case.invitation_status(invitation, state.today(case, live.clock.now())),
            person: invitation.person.clone(),
            team: invitation.team.to_string(),
            until: invitation.until,
            case: case.id.to_string(),
            title: experiment.and_then(|experiment| experiment.title.clone()),
            hypothesis: experiment.and_then(|experiment| experiment.hypothesis.clone()),
            won: experiment.map(|experiment| experiment.judged.sentence.clone()),
            codebases: case.codebases().iter().map(ToString::to_string).collect(),
            expected_days: case.estimates.values().map(|estimate| estimate.expected_days()).sum(),
            deviations: deviations.collect(),
            deviations_spent: ledger.spent(),
            deviations_budget: state.policy_of(case).deviation_budget,
            questions: questions.collect(),
        })
    };
    text::resolve(&live.store, &mut shown).await?;
    serde_json::from_value(shown).map_err(|error| Problem::Internal(error.to_string()))
}

/// Give the answer as the guest.
pub async fn answered(live: &Live, id: InvitationId, answer: Answer) -> Result<Done, Problem> {
    let (case, team) = {
        let state = live.state();
        let (case, invitation) = state
            .invitation(&id)
            .ok_or_else(|| Problem::NotFound { what: "invitation", id: id.to_string() })?;
        (case.id.to_string(), invitation.team.to_string())
    };
    let text = answer.text.trim();
    let needed = match answer.answer {
        AnswerKind::Approve => None,
        AnswerKind::ApproveWithCondition => Some("say on which condition"),
        AnswerKind::Ask => Some("say what you want to know"),
        AnswerKind::Refuse => Some("say why, so that it can be done better"),
    };
    if let Some(needed) = needed.filter(|_| text.is_empty()) {
        return Err(Problem::invalid("text", needed));
    }
    let (name, mut with) = match answer.answer {
        AnswerKind::Approve => ("answer_buy_in", json!({"answer": "approve"})),
        AnswerKind::ApproveWithCondition => {
            ("answer_buy_in", json!({"answer": "approve_with_conditions", "conditions": [text]}))
        }
        AnswerKind::Ask => ("ask_question", json!({"question": text})),
        AnswerKind::Refuse => ("answer_buy_in", json!({"answer": "refuse"})),
    };
    if name == "answer_buy_in" && answer.answer != AnswerKind::ApproveWithCondition && !text.is_empty() {
        with["comment"] = json!(text);
    }
    with["case"] = json!(case);
    with["team"] = json!(team);
    let Value::Object(arguments) = with else { return Err(Problem::Internal("no arguments".to_owned())) };
    let submission = Submission { name: name.to_owned(), arguments, ..Submission::default() };
    live.submit(&Actor::Guest(id), submission).await
}
