//! Experiments: what was registered, and how it was judged.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use serde_json::{Value, json};
use tenure_core::experiment::Experiment;
use tenure_core::id::ExperimentId;

use super::account::After;
use super::page::Page;
use crate::auth::{Allowed, Read};
use crate::live::Live;
use crate::problem::Problem;
use crate::text;

/// List experiments.
#[utoipa::path(
    get, path = "/api/v1/experiments", tag = "process", params(After),
    responses((status = 200, body = Page<Value>)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_experiments(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(After { after, limit }): Query<After>,
) -> Result<Json<Page<Value>>, Problem> {
    let limit = limit.clamp(1, 1_000);
    let mut items: Vec<Value> = {
        let state = live.state();
        let behind = state.experiments.iter().filter(|(id, _)| id.as_str() > after.as_str());
        behind.take(limit as usize).map(|(id, experiment)| view(id, experiment)).collect()
    };
    for item in &mut items {
        text::resolve(&live.store, item).await?;
    }
    Ok(Json(Page::of(items, limit, |item| item["experiment"].as_str().unwrap_or_default().to_owned())))
}

/// One experiment.
#[utoipa::path(
    get, path = "/api/v1/experiments/{experiment}", tag = "process",
    params(("experiment" = String, Path, description = "The experiment")),
    responses((status = 200, body = Value), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn get_experiment(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let found =
        live.state().experiments.get_key_value(id.as_str()).map(|(id, experiment)| view(id, experiment));
    let mut shown = found.ok_or(Problem::NotFound { what: "experiment", id })?;
    text::resolve(&live.store, &mut shown).await?;
    Ok(Json(shown))
}

fn view(id: &ExperimentId, experiment: &Experiment) -> Value {
    let mut shown = json!(experiment);
    shown["experiment"] = json!(id);
    shown
}
