//! Exposures and outcomes over HTTP. Accepted means durable: the answer follows the sync.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use serde::Serialize;
use tenure_events::wire::{self, BodyError, Origin};
use utoipa::ToSchema;

use super::body::Raw;
use crate::auth::{Allowed, Ingest};
use crate::live::Live;
use crate::problem::Problem;
use crate::telemetry::EventLabels;

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ingested {
    /// Events that are on disk.
    accepted: usize,
    /// Events that are not, and why.
    refused: Vec<RefusedEvent>,
}

/// An event that was not accepted.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusedEvent {
    /// Its place in the batch, from 0.
    index: usize,
    /// The field at fault.
    field: String,
    /// What is wrong with it and what would be right.
    message: String,
}

/// Send exposures and outcomes.
///
/// A JSON array, one event alone, or one event a line (`application/x-ndjson`); plain or gzip. A malformed event is named
/// in the answer and the others are accepted. The same unit and id counts once.
#[utoipa::path(
    post, path = "/api/v1/events", tag = "events", request_body = Value,
    responses(
        (status = 200, body = Ingested),
        (status = 400, body = crate::problem::ProblemBody, description = "the body is no list of events"),
        (status = 413, body = crate::problem::ProblemBody),
        (status = 429, body = crate::problem::ProblemBody, description = "the queue is full; Retry-After says when to send again"),
    ),
    security(("token" = ["ingest"])),
)]
pub async fn ingest_events(
    State(live): State<Arc<Live>>,
    _: Allowed<Ingest>,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<Json<Ingested>, Problem> {
    let origin =
        Origin { received_at: live.clock.now(), source: "api", events_max: live.config.ingest_events_max };
    let read =
        if is_ndjson(&headers) { wire::parse_ndjson(&body, origin) } else { wire::parse_json(&body, origin) };
    let read = read.map_err(|error| match error {
        BodyError::TooMany { .. } => Problem::invalid("body", error.to_string()),
        BodyError::NotJson { .. } | BodyError::NotEvents { .. } => {
            Problem::invalid("body", error.to_string())
        }
    })?;
    let (mut good, mut refused) = (Vec::with_capacity(read.len()), Vec::new());
    for event in read {
        match event {
            Ok(event) => good.push(event),
            Err(bad) => {
                refused.push(RefusedEvent { index: bad.index, field: bad.field, message: bad.message });
            }
        }
    }
    let accepted = if good.is_empty() { 0 } else { live.events.append(good).await?.events };
    live.telemetry.events.get_or_create(&EventLabels { result: "accepted" }).inc_by(accepted as u64);
    live.telemetry.events.get_or_create(&EventLabels { result: "refused" }).inc_by(refused.len() as u64);
    Ok(Json(Ingested { accepted, refused }))
}

fn is_ndjson(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.starts_with("application/x-ndjson") || kind.starts_with("application/jsonl")
}
