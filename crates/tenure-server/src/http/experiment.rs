//! Experiments: what was registered, and how it was judged.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use serde_json::{Value, json};
use tenure_core::experiment::Experiment;
use tenure_core::id::ExperimentId;

use super::page::{After, Page};
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
    Query(after): Query<After>,
) -> Result<Json<Page<Value>>, Problem> {
    let page = Page::of_map(&live.state().experiments, &after, view);
    page.resolved(&live.store).await.map(Json)
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
