//! Is the server alive, is it ready, and its counters.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::live::Live;
use crate::problem::Problem;

/// What the server says of itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`, or what is wrong.
    status: String,
    /// The version that runs.
    version: &'static str,
    /// The last entry of the journal that is applied.
    journal_seq: i64,
    /// Durable events that are not sealed yet.
    events_unsealed: u64,
}

/// Is the process alive?
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, body = String)))]
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// Is it ready to serve: is the store there?
#[utoipa::path(
    get, path = "/readyz", tag = "operation",
    responses((status = 200, body = Health), (status = 503, body = Health)),
)]
pub async fn readyz(State(live): State<Arc<Live>>) -> (StatusCode, Json<Health>) {
    let (code, status) = match live.store.head().await {
        Ok(_) => (StatusCode::OK, "ok".to_owned()),
        Err(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the store does not answer; flags are served as they were".to_owned(),
        ),
    };
    let health = Health {
        status,
        version: env!("CARGO_PKG_VERSION"),
        journal_seq: live.seq(),
        events_unsealed: live.events.stats().unsealed_events,
    };
    (code, Json(health))
}

/// Counters in the Prometheus text format.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses((status = 200, body = String)))]
pub async fn metrics(State(live): State<Arc<Live>>) -> Result<Response, Problem> {
    live.telemetry.observe_events(&live.events.stats());
    let text = live.telemetry.text().map_err(|error| Problem::Internal(error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
        .into_response())
}
