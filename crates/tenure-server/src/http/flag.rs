//! Flags: those set by hand, and those that cases are wrapped in, as flagd definitions of one environment.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tenure_core::Actor;
use tenure_core::State as Known;
use tenure_core::id::{EnvironmentId, FlagKey};
use tenure_flags::Entry;
use utoipa::{IntoParams, ToSchema};

use super::body::Body;
use super::page::Page;
use super::query::Query;
use crate::auth::{Allowed, Read, Write};
use crate::live::{Done, Live, Submission};
use crate::problem::Problem;

/// A flag of an environment.
#[derive(Debug, Serialize, ToSchema)]
pub struct FlagView {
    /// Its key.
    key: String,
    /// Its flagd definition, as it is served now.
    #[schema(value_type = FlagDefinition)]
    definition: Value,
    /// The case that is wrapped in it; its exposure decides what the flag serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<String>,
    /// Why it cannot be served, if it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

/// The flagd definition of a flag.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the body; flagd's rules for it are kept by tenure-flags")]
pub struct FlagDefinition {
    /// Whether it is evaluated.
    state: FlagState,
    /// Its values by name, all of one type: truth, text, number or object.
    #[schema(value_type = BTreeMap<String, AnyValue>)]
    variants: Map<String, Value>,
    /// The variant where targeting names none.
    default_variant: Option<String>,
    /// A JsonLogic rule that names a variant.
    #[schema(value_type = Option<AnyValue>)]
    targeting: Option<Value>,
    /// What is said of it beside its value.
    #[schema(value_type = Option<BTreeMap<String, AnyValue>>)]
    metadata: Option<Map<String, Value>>,
}

/// Whether a flag is evaluated.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "UPPERCASE")]
pub enum FlagState {
    /// It is.
    Enabled,
    /// It is not: the default in the caller's code applies.
    Disabled,
}

/// Any JSON: what a flag serves is its user's business.
#[derive(Debug, ToSchema)]
#[schema(value_type = Value)]
#[expect(dead_code, reason = "describes a body")]
pub struct AnyValue(Value);

/// Which flags.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Wanted {
    /// The environment.
    #[serde(default = "production")]
    environment: String,
    /// The last key of the page before.
    #[serde(default)]
    after: String,
    /// How many, at most 1,000.
    #[serde(default = "limit_default")]
    limit: u32,
}

/// Which environment.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Where {
    /// The environment.
    #[serde(default = "production")]
    environment: String,
}

fn production() -> String {
    "production".to_owned()
}

fn limit_default() -> u32 {
    100
}

/// List the flags of an environment.
#[utoipa::path(
    get, path = "/api/v1/flags", tag = "flags", params(Wanted),
    responses((status = 200, body = Page<FlagView>)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_flags(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page<FlagView>>, Problem> {
    let limit = wanted.limit.clamp(1, 1_000);
    let environment = environment_id(&wanted.environment)?;
    let state = live.state();
    let keys = state.flag_keys(&environment).into_iter().filter(|key| key.as_str() > wanted.after.as_str());
    let flags = keys.take(limit as usize).filter_map(|key| view(&live, &state, key, &environment)).collect();
    Ok(Json(Page::of(flags, limit, |flag| flag.key.clone())))
}

/// One flag.
#[utoipa::path(
    get, path = "/api/v1/flags/{key}", tag = "flags",
    params(("key" = String, Path, description = "The flag"), Where),
    responses((status = 200, body = FlagView), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn get_flag(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Path(key): Path<String>,
    Query(Where { environment }): Query<Where>,
) -> Result<Json<FlagView>, Problem> {
    let environment = environment_id(&environment)?;
    let found = FlagKey::new(&key).ok().and_then(|key| view(&live, &live.state(), &key, &environment));
    found.map(Json).ok_or(Problem::NotFound { what: "flag", id: key })
}

/// Set a flag by hand.
///
/// The body is the flag's flagd definition. A definition with a fault is refused, with its place.
#[utoipa::path(
    put, path = "/api/v1/flags/{key}", tag = "flags", request_body = FlagDefinition,
    params(("key" = String, Path, description = "The flag"), Where),
    responses(
        (status = 200, body = Done),
        (status = 400, body = crate::problem::ProblemBody),
        (status = 409, body = crate::problem::ProblemBody, description = "refused, with the refusal"),
    ),
    security(("token" = ["write"]), ("session" = [])),
)]
pub async fn put_flag(
    State(live): State<Arc<Live>>,
    allowed: Allowed<Write>,
    Path(key): Path<String>,
    Query(Where { environment }): Query<Where>,
    Body(definition): Body<Value>,
) -> Result<Json<Done>, Problem> {
    let arguments = json!({"key": key, "environment": environment, "definition": definition});
    give(&live, &allowed.actor()?, "set_flag", arguments).await
}

/// Archive a flag that was set by hand: it is no longer served.
#[utoipa::path(
    delete, path = "/api/v1/flags/{key}", tag = "flags",
    params(("key" = String, Path, description = "The flag"), Where),
    responses((status = 204), (status = 409, body = crate::problem::ProblemBody)),
    security(("token" = ["write"]), ("session" = [])),
)]
pub async fn archive_flag(
    State(live): State<Arc<Live>>,
    allowed: Allowed<Write>,
    Path(key): Path<String>,
    Query(Where { environment }): Query<Where>,
) -> Result<StatusCode, Problem> {
    let arguments = json!({"key": key, "environment": environment});
    give(&live, &allowed.actor()?, "archive_flag", arguments).await.map(|_| StatusCode::NO_CONTENT)
}

async fn give(live: &Live, actor: &Actor, name: &str, arguments: Value) -> Result<Json<Done>, Problem> {
    let arguments = match arguments {
        Value::Object(arguments) => arguments,
        _ => Map::new(),
    };
    let submission = Submission { name: name.to_owned(), arguments, ..Submission::default() };
    live.submit(actor, submission).await.map(Json)
}

fn view(live: &Live, state: &Known, key: &FlagKey, environment: &EnvironmentId) -> Option<FlagView> {
    let entry = state.flag_in(key, environment, &live.key_lists)?;
    Some(FlagView {
        key: key.to_string(),
        case: state.flag_cases.get(key).map(ToString::to_string),
        fault: match &entry {
            Entry::Faulty { fault, .. } => Some(fault.to_string()),
            Entry::Sound(_) => None,
        },
        definition: entry.to_json(),
    })
}

fn environment_id(environment: &str) -> Result<EnvironmentId, Problem> {
    environment.parse().map_err(|error| Problem::invalid("environment", format!("{error}")))
}
