//! Lineage: the chains of kept cases on a product surface, and what they add up to.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use tenure_core::baseline::{self, SurfaceLineage};

use super::schema::Shown;
use crate::auth::{Allowed, Read};
use crate::live::Live;
use crate::problem::Problem;

/// The chains of a product surface.
type LineageShown = Shown<SurfaceLineage>;

/// List product surfaces.
#[utoipa::path(
    get, path = "/api/v1/surfaces", tag = "process",
    responses((status = 200, body = Vec<String>)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_surfaces(State(live): State<Arc<Live>>, _: Allowed<Read>) -> Json<Vec<String>> {
    Json(baseline::surfaces(&live.state()))
}

/// The baselines of a product surface, and the cumulative verified effect of each chain with its interval.
#[utoipa::path(
    get, path = "/api/v1/surfaces/{surface}", tag = "process",
    params(("surface" = String, Path, description = "The product surface")),
    responses((status = 200, body = LineageShown), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn get_surface(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Path(surface): Path<String>,
) -> Result<Json<LineageShown>, Problem> {
    let state = live.state();
    if !baseline::surfaces(&state).contains(&surface) {
        return Err(Problem::NotFound { what: "product surface", id: surface });
    }
    Ok(Json(Shown::of(&baseline::of_surface(&state, &surface))))
}
