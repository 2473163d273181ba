//! Commands: the one way to change anything the process knows.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tenure_core::Command;
use utoipa::ToSchema;

use super::body::Body;
use super::schema::{self, Given};
use crate::auth::{Allowed, Read, Write};
use crate::live::{Done, Live, Submission};
use crate::problem::Problem;

/// A command with its arguments.
type CommandGiven = Given<Command>;
/// A JSON Schema.
type SchemaShown = schema::Shown<schemars::Schema>;

/// The longest idempotency key.
const KEY_BYTES_MAX: usize = 200;

/// A command, as in a scenario's step.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Give {
    /// The command's name, such as `open_case`; `GET /api/v1/commands` lists them.
    #[serde(rename = "do")]
    name: String,
    /// Its arguments.
    #[serde(default, rename = "with")]
    arguments: Map<String, Value>,
}

/// Give a command.
///
/// It is carried out with the roles of the caller's account, or refused: 409 with the refusal's code, who may do it and
/// what is missing. With an `Idempotency-Key` a request that is sent again has one effect and the same answer; with
/// `If-Match` (the case's ETag) it is 412 when the case has changed since.
#[utoipa::path(
    post, path = "/api/v1/commands", tag = "process", request_body = CommandGiven,
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "the same key from the same account is carried out once"),
        ("If-Match" = Option<String>, Header, description = "the ETag of the case as the caller saw it"),
    ),
    responses(
        (status = 200, body = Done),
        (status = 400, body = crate::problem::ProblemBody),
        (status = 409, body = crate::problem::ProblemBody, description = "refused, with the refusal"),
        (status = 412, body = crate::problem::ProblemBody),
    ),
    security(("token" = ["write"]), ("session" = [])),
)]
pub async fn give_command(
    State(live): State<Arc<Live>>,
    allowed: Allowed<Write>,
    headers: HeaderMap,
    Body(give): Body<Give>,
) -> Result<Json<Done>, Problem> {
    let submission = Submission {
        name: give.name,
        arguments: give.arguments,
        idempotency_key: idempotency_key(&headers)?,
        if_match: if_match(&headers)?,
        fence: None,
    };
    live.submit(&allowed.actor()?, submission).await.map(Json)
}

/// A command that can be given.
#[derive(Debug, Serialize, ToSchema)]
pub struct CommandView {
    /// Its name.
    name: &'static str,
    /// What it does.
    says: &'static str,
    /// The JSON Schema of its arguments, with all it refers to.
    #[schema(value_type = SchemaShown)]
    with: Value,
}

/// All commands.
#[utoipa::path(
    get, path = "/api/v1/commands", tag = "process",
    responses((status = 200, body = Vec<CommandView>)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_commands(_: Allowed<Read>) -> Json<Vec<CommandView>> {
    let mut schemas = schema::of_commands();
    let view = |(name, says): &(&'static str, &'static str)| CommandView {
        name,
        says,
        with: schemas.remove(*name).unwrap_or_default(),
    };
    Json(Command::ALL.iter().map(view).collect())
}

/// The request's idempotency key, if it carries one.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    match key.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= KEY_BYTES_MAX => Ok(Some(key.to_owned())),
        _ => Err(Problem::invalid("Idempotency-Key", format!("give 1 to {KEY_BYTES_MAX} plain characters"))),
    }
}

fn if_match(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(seen) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let seen = seen.to_str().unwrap_or_default().trim();
    if seen == "*" {
        return Ok(None);
    }
    seen.trim_matches('"')
        .parse()
        .map(Some)
        .map_err(|_| Problem::invalid("If-Match", "give the ETag of the case, such as \"42\""))
}
