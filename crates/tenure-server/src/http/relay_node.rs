//! What a relay answers beside flags: events are taken in for the upstream, and its health says how old its flags are.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use super::body::Raw;
use super::event::{self, Ingested};
use crate::auth::Scope;
use crate::ingest;
use crate::problem::Problem;
use crate::relay::{Heart, OutboxError};
use crate::telemetry::EventLabels;

/// Exposures and outcomes, as a server takes them. Accepted means durable here; the upstream has them when it can.
pub async fn take_events(
    State(heart): State<Arc<Heart>>,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<Json<Ingested>, Problem> {
    let node = &heart.node;
    node.admit(&headers, &axum::http::Extensions::new(), Scope::Ingest).await?;
    let (good, answer) = event::read(&headers, &body, node.clock.now(), node.config.ingest_events_max)?;
    heart.outbox.append(&good).await.map_err(|error| match error {
        OutboxError::Full { .. } => Problem::Busy { retry_after_s: 10, detail: error.to_string() },
        OutboxError::Disk(_) => Problem::Unavailable(error.to_string()),
    })?;
    for (result, count) in [("accepted", answer.accepted), ("refused", answer.refused.len())] {
        node.telemetry
            .events
            .get_or_create(&EventLabels { source: ingest::API, result })
            .inc_by(count as u64);
    }
    Ok(Json(answer))
}

/// What a relay says of itself.
#[derive(Debug, Serialize)]
pub struct RelayHealth {
    /// `ok`, or what is wrong.
    status: &'static str,
    /// The version that runs.
    version: &'static str,
    /// Is the upstream followed at this moment?
    upstream_connected: bool,
    /// Seconds since the upstream was heard; none before it ever was.
    snapshot_age_s: Option<i64>,
    /// Events that wait for the upstream.
    events_waiting: u64,
}

/// Ready as soon as there are flags to serve, however old they are.
pub async fn readyz(State(heart): State<Arc<Heart>>) -> (StatusCode, Json<RelayHealth>) {
    let age = heart.age_s();
    let (code, status) = match (age, heart.hears()) {
        (None, _) => {
            (StatusCode::SERVICE_UNAVAILABLE, "the upstream was never heard: there are no flags yet")
        }
        (Some(_), false) => (StatusCode::OK, "the upstream is away; flags are served as they were"),
        (Some(_), true) => (StatusCode::OK, "ok"),
    };
    let health = RelayHealth {
        status,
        version: env!("CARGO_PKG_VERSION"),
        upstream_connected: heart.hears(),
        snapshot_age_s: age,
        events_waiting: heart.outbox.events(),
    };
    (code, Json(health))
}

/// Counters in the Prometheus text format.
pub async fn metrics(State(heart): State<Arc<Heart>>) -> Result<Response, Problem> {
    let text = heart.metrics().map_err(|error| Problem::Internal(error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
        .into_response())
}
