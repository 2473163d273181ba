//! Cases: what is known of each, what waits on whom, and the looks at its rollout.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tenure_core::Case;
use tenure_core::weighing::WhatIf;
use utoipa::{IntoParams, ToSchema};

use super::body::Body;
use super::page::{After, Page};
use crate::auth::{Allowed, Read};
use crate::live::Live;
use crate::problem::Problem;
use crate::text;

/// The looks at a rollout.
#[derive(Debug, Serialize, ToSchema)]
pub struct Looks {
    /// The confidence sequence of this iteration: when, units, estimate and interval on the plan's scale.
    #[schema(value_type = Vec<Object>)]
    track: Value,
    /// The latest look, whole: moments, interval, verdict, replication, guardrails.
    #[schema(value_type = Option<Object>)]
    latest: Value,
    /// The judged measurements of all iterations.
    #[schema(value_type = Vec<Object>)]
    judged: Value,
}

/// At which instant.
#[derive(Debug, Deserialize, IntoParams)]
pub struct At {
    /// RFC 3339; now, if left out.
    #[param(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
}

/// List cases.
#[utoipa::path(
    get, path = "/api/v1/cases", tag = "process", params(After),
    responses((status = 200, body = Page<Value>)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_cases(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(after): Query<After>,
) -> Result<Json<Page<Value>>, Problem> {
    let page = {
        let (state, now) = (live.state(), live.clock.now());
        Page::of_map(&state.cases, &after, |_, case| json!(state.summary(case, now)))
    };
    page.resolved(&live.store).await.map(Json)
}

/// One case, whole.
///
/// Its `ETag` is its revision: send it as `If-Match` with a command, to be told when the case has changed since.
#[utoipa::path(
    get, path = "/api/v1/cases/{case}", tag = "process",
    params(("case" = String, Path, description = "The case")),
    responses((status = 200, body = Value), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn get_case(
    State(live): State<Arc<Live>>,
    allowed: Allowed<Read>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let mut shown = {
        let state = live.state();
        let case = find(&state, &id)?;
        json!(state.view(case, &allowed.actor()?, live.clock.now()))
    };
    text::resolve(&live.store, &mut shown).await?;
    let revision = live.revision(&id).unwrap_or_default();
    let etag =
        HeaderValue::from_str(&format!("\"{revision}\"")).map_err(|e| Problem::Internal(e.to_string()))?;
    Ok(([(header::ETAG, etag)], Json(shown)).into_response())
}

/// The looks at a case's rollout.
#[utoipa::path(
    get, path = "/api/v1/cases/{case}/looks", tag = "process",
    params(("case" = String, Path, description = "The case")),
    responses((status = 200, body = Looks), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_looks(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Path(id): Path<String>,
) -> Result<Json<Looks>, Problem> {
    let state = live.state();
    let measurements = &find(&state, &id)?.measurements;
    Ok(Json(Looks {
        track: json!(measurements.track),
        latest: json!(measurements.latest),
        judged: json!(measurements.judged),
    }))
}

/// Who is accountable for a feature at an instant.
#[utoipa::path(
    get, path = "/api/v1/cases/{case}/accountable", tag = "process",
    params(("case" = String, Path, description = "The case"), At),
    responses((status = 200, body = Value), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn accountable(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Path(id): Path<String>,
    Query(At { at }): Query<At>,
) -> Result<Json<Value>, Problem> {
    let at = at.unwrap_or_else(|| live.clock.now());
    let state = live.state();
    let accountable = state.accountable_at(find(&state, &id)?, at);
    Ok(Json(json!({"case": id, "at": at, "accountable": accountable})))
}

/// What a weighing would say if its numbers were others.
///
/// The reckoning of `set_cost_benefit`, with nothing recorded: numbers left out are those of the case, or follow from them.
#[utoipa::path(
    post, path = "/api/v1/cases/{case}/what-if", tag = "process", request_body = Value,
    params(("case" = String, Path, description = "The case")),
    responses(
        (status = 200, body = Value),
        (status = 404, body = crate::problem::ProblemBody),
        (status = 409, body = crate::problem::ProblemBody, description = "numbers that cannot be weighed"),
    ),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn what_if(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Path(id): Path<String>,
    Body(what_if): Body<WhatIf>,
) -> Result<Json<Value>, Problem> {
    let state = live.state();
    Ok(Json(json!(state.what_if(find(&state, &id)?, &what_if)?)))
}

/// What waits on the caller, oldest first.
#[utoipa::path(
    get, path = "/api/v1/desk", tag = "process",
    responses((status = 200, body = Vec<Value>)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn desk(State(live): State<Arc<Live>>, allowed: Allowed<Read>) -> Result<Json<Value>, Problem> {
    let mut waiting = json!(live.state().desk(&allowed.actor()?, live.clock.now()));
    text::resolve(&live.store, &mut waiting).await?;
    Ok(Json(waiting))
}

/// The portfolio: cases by stage, won against delivered, what is overdue.
#[utoipa::path(
    get, path = "/api/v1/portfolio", tag = "process",
    responses((status = 200, body = Value)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn portfolio(State(live): State<Arc<Live>>, _: Allowed<Read>) -> Json<Value> {
    Json(json!(live.state().portfolio(live.clock.now())))
}

fn find<'s>(state: &'s tenure_core::State, id: &str) -> Result<&'s Case, Problem> {
    state.cases.get(id).ok_or_else(|| Problem::NotFound { what: "case", id: id.to_owned() })
}
