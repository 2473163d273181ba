//! Intake: an experiment from a summary or another tool's export, tried first and registered when asked to.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tenure_core::intake::{self, Choices, Fault, Intake, Note, Source};
use tenure_core::{Command, Event};
use utoipa::ToSchema;

use super::body::Body;
use super::schema::{Given as Form, Shown};
use crate::auth::{Allowed, Write};
use crate::live::{Live, Submission, Written};
use crate::problem::Problem;

type SourceGiven = Form<Source>;
type ChoicesGiven = Form<Choices>;
type CommandGiven = Form<Command>;
type EventShown = Shown<Event>;
type NoteShown = Shown<Note>;

/// A document to take in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// Where it comes from: `summary`, `growthbook` or `statsig`.
    #[schema(value_type = SourceGiven)]
    source: Source,
    /// The document, as that tool exports it.
    #[schema(value_type = Object)]
    document: Value,
    /// What the document leaves open, or what is meant otherwise: `experiment`, `team`, `ended`, `metric`, `control`, `treatment`,
    /// `direction`, `kind`, `confidence`, `unit`, `title`, `surface`, `parent`, `baseline`.
    #[serde(default)]
    #[schema(value_type = ChoicesGiven)]
    choices: Choices,
    /// Say what would be registered, and register nothing.
    #[serde(default)]
    dry_run: bool,
}

/// What was taken in.
#[derive(Debug, Serialize, ToSchema)]
pub struct TakenIn {
    /// The commands that register it.
    #[schema(value_type = Vec<CommandGiven>)]
    commands: Vec<Command>,
    /// What they record, or would record: the name of each entry, with its content.
    #[schema(value_type = Vec<EventShown>)]
    records: Vec<Event>,
    /// What was read, and from where.
    #[schema(value_type = Vec<NoteShown>)]
    understood: Vec<Note>,
    /// What was left aside.
    #[schema(value_type = Vec<NoteShown>)]
    ignored: Vec<Note>,
    /// What a person should know before registering it.
    #[schema(value_type = Vec<NoteShown>)]
    warnings: Vec<Note>,
    /// The entries that were written; none after a dry run.
    entries: Vec<Written>,
}

/// Take in an experiment from a summary, GrowthBook or Statsig.
///
/// With `dry_run` nothing is registered: the answer shows what would be, what was understood, what was left aside and what to
/// be wary of.
#[utoipa::path(
    post, path = "/api/v1/experiments/intake", tag = "process", request_body = Given,
    responses(
        (status = 200, body = TakenIn),
        (status = 400, body = crate::problem::ProblemBody, description = "what keeps the document from being taken in, by its place"),
        (status = 409, body = crate::problem::ProblemBody, description = "refused, with the refusal"),
    ),
    security(("token" = ["write"]), ("session" = [])),
)]
pub async fn take_in(
    State(live): State<Arc<Live>>,
    allowed: Allowed<Write>,
    Body(given): Body<Given>,
) -> Result<Json<TakenIn>, Problem> {
    let intake =
        intake::read(given.source, &given.document, &given.choices).map_err(|faults| refuse(&faults))?;
    let actor = allowed.actor()?;
    let events = intake.rehearse(&live.state(), &actor, live.clock.now())?;
    let mut entries = Vec::new();
    if !given.dry_run {
        for command in &intake.commands {
            let Value::Object(mut form) = json!(command) else { continue };
            let Some(Value::Object(arguments)) = form.remove("with") else { continue };
            let submission =
                Submission { name: command.name().to_owned(), arguments, ..Submission::default() };
            entries.extend(live.submit(&actor, submission).await?.entries);
        }
    }
    let Intake { commands, understood, ignored, warnings } = intake;
    Ok(Json(TakenIn { commands, records: events, understood, ignored, warnings, entries }))
}

/// All faults in one problem; its field is the place of the first.
fn refuse(faults: &[Fault]) -> Problem {
    let field = faults.first().map(|fault| fault.path.as_str()).filter(|path| !path.is_empty());
    let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
    Problem::invalid(field.unwrap_or("document"), said.join("; "))
}
