//! The company as the process knows it: people and their roles, teams, codebases, metrics, platform changes. All of it is
//! changed by commands.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tenure_core::codebase;
use utoipa::ToSchema;

use super::body::Body;
use super::page::{After, Page};
use crate::auth::{Allowed, Read};
use crate::live::Live;
use crate::problem::Problem;

/// Something by its name: the name as a member beside what is known of it.
fn named(kind: &str, id: impl Serialize, known: impl Serialize) -> Value {
    let mut shown = json!(known);
    shown[kind] = json!(id);
    shown
}

/// List people: who holds which role, and who stands in for whom.
#[utoipa::path(
    get, path = "/api/v1/people", tag = "process", params(After),
    responses((status = 200, body = Page<Value>)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_people(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(after): Query<After>,
) -> Result<Json<Page<Value>>, Problem> {
    let page = Page::of_map(&live.state().people, &after, |id, known| named("person", id, known));
    page.resolved(&live.store).await.map(Json)
}

/// List teams: experiment teams and product teams.
#[utoipa::path(
    get, path = "/api/v1/teams", tag = "process", params(After),
    responses((status = 200, body = Page<Value>)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_teams(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(after): Query<After>,
) -> Result<Json<Page<Value>>, Problem> {
    let page = Page::of_map(&live.state().teams, &after, |id, known| named("team", id, known));
    page.resolved(&live.store).await.map(Json)
}

/// List codebases: code with owners and their checklist.
#[utoipa::path(
    get, path = "/api/v1/codebases", tag = "process", params(After),
    responses((status = 200, body = Page<Value>)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_codebases(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(after): Query<After>,
) -> Result<Json<Page<Value>>, Problem> {
    let page = Page::of_map(&live.state().codebases, &after, |id, known| named("codebase", id, known));
    page.resolved(&live.store).await.map(Json)
}

/// A file of owner processes to check.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnerProcesses {
    /// The file's text, in TOML.
    toml: String,
}

/// What a file of owner processes says.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckedProcesses {
    /// What cannot be meant, with its line; none when the file is good.
    faults: Vec<String>,
    /// The arguments of the `define_codebase` commands that put it in force, when it is good.
    #[schema(value_type = Vec<Object>)]
    define_codebase: Vec<Value>,
}

/// Check a file of owner processes: every fault with its line, or the commands that define its codebases.
#[utoipa::path(
    post, path = "/api/v1/codebases/check", tag = "process", request_body = OwnerProcesses,
    responses((status = 200, body = CheckedProcesses)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn check_codebases(_: Allowed<Read>, Body(given): Body<OwnerProcesses>) -> Json<CheckedProcesses> {
    Json(match codebase::file::parse(&given.toml) {
        Ok(file) => CheckedProcesses {
            faults: Vec::new(),
            define_codebase: file.codebases.iter().map(|entry| json!(entry.define)).collect(),
        },
        Err(faults) => CheckedProcesses {
            faults: faults.iter().map(ToString::to_string).collect(),
            define_codebase: Vec::new(),
        },
    })
}

/// List metrics: how outcomes become one number per unit.
#[utoipa::path(
    get, path = "/api/v1/metrics", tag = "process", params(After),
    responses((status = 200, body = Page<Value>)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_metrics(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(after): Query<After>,
) -> Result<Json<Page<Value>>, Problem> {
    let page = Page::of_map(&live.state().metrics, &after, |id, known| named("metric", id, known));
    page.resolved(&live.store).await.map(Json)
}

/// List platform changes: what landed and may wake a parked case.
#[utoipa::path(
    get, path = "/api/v1/platform-changes", tag = "process", params(After),
    responses((status = 200, body = Page<Value>)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_platform_changes(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(after): Query<After>,
) -> Result<Json<Page<Value>>, Problem> {
    let page =
        Page::of_map(&live.state().platform_changes, &after, |id, known| named("platform_change", id, known));
    page.resolved(&live.store).await.map(Json)
}
