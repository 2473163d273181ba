//! Exposures and outcomes over HTTP. Accepted means durable: the answer follows the sync.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tenure_events::wire::{self, Origin};
use tenure_events::{Event, UNIT_TYPE_DEFAULT, Unit};
use utoipa::{IntoParams, ToSchema};

use super::body::Raw;
use super::query::Query;
use crate::auth::{Admin, Allowed, Ingest};
use crate::ingest::{self, Batch as Coming, Unknown};
use crate::live::Live;
use crate::problem::Problem;

/// An exposure: a unit met a flag. Or an outcome: something it did. Alone, or in an array of them.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
pub enum Batch {
    /// One event.
    One(EventGiven),
    /// Several.
    Many(Vec<EventGiven>),
}

/// An event.
#[derive(Debug, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EventGiven {
    /// A unit met a flag.
    Exposure {
        /// Who: an id, or one of each type of unit.
        unit: UnitGiven,
        /// Which flag.
        flag: String,
        /// What it got.
        variant: String,
        /// The revision of the flag, as its metadata names it.
        revision: Option<String>,
        /// When; now, if left out.
        at: Option<AtGiven>,
        /// The same unit and id counts once.
        id: Option<String>,
        /// What else is known.
        attributes: Option<BTreeMap<String, String>>,
    },
    /// A unit did something.
    Outcome {
        /// Who: an id, or one of each type of unit.
        unit: UnitGiven,
        /// What it did, such as `purchase`.
        event: String,
        /// How much.
        value: Option<f64>,
        /// When; now, if left out.
        at: Option<AtGiven>,
        /// The same unit and id counts once.
        id: Option<String>,
        /// What else is known.
        attributes: Option<BTreeMap<String, String>>,
    },
}

/// A unit: its id, or an id by type of unit.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
pub enum UnitGiven {
    /// The id of a user.
    Id(String),
    /// By type, such as `{"user": "u1", "tenant": "t9"}`.
    Ids(BTreeMap<String, String>),
}

/// An instant: RFC 3339, or milliseconds since 1970.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
pub enum AtGiven {
    /// RFC 3339 with an offset.
    Text(String),
    /// Milliseconds since 1970.
    Milliseconds(f64),
}

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ingested {
    /// Events that are on disk.
    pub accepted: usize,
    /// Events that are not, and why.
    pub refused: Vec<RefusedEvent>,
    /// What accepted events name that is not defined here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unknown: Vec<Unknown>,
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
/// A JSON array, one event alone, or one event a line (`application/x-ndjson`); plain, gzip or zstd. A malformed event
/// is named in the answer and the others are accepted. What names a flag or an event that nobody defined is kept, and the
/// answer says so. The same unit and id counts once.
#[utoipa::path(
    post, path = "/api/v1/events", tag = "events", request_body = Batch,
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
    let (events, mut answer) = read(&headers, &body, live.clock.now(), live.config.ingest_events_max)?;
    let coming = Coming { source: ingest::API, events, refused: answer.refused.len() };
    let accepted = ingest::accept(&live, coming).await?;
    (answer.accepted, answer.unknown) = (accepted.events, accepted.unknown);
    Ok(Json(answer))
}

/// The events of a body, and the answer once they are durable.
pub(super) fn read(
    headers: &HeaderMap,
    body: &[u8],
    received_at: Timestamp,
    events_max: usize,
) -> Result<(Vec<Event>, Ingested), Problem> {
    let origin = Origin { received_at, source: ingest::API, events_max };
    let read =
        if is_ndjson(headers) { wire::parse_ndjson(body, origin) } else { wire::parse_json(body, origin) };
    let read = read.map_err(|error| Problem::invalid("body", error.to_string()))?;
    let (mut events, mut refused) = (Vec::with_capacity(read.len()), Vec::new());
    for event in read {
        match event {
            Ok(event) => events.push(event),
            Err(bad) => {
                refused.push(RefusedEvent { index: bad.index, field: bad.field, message: bad.message });
            }
        }
    }
    let accepted = events.len();
    Ok((events, Ingested { accepted, refused, unknown: Vec::new() }))
}

/// Whose events are erased.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Erasure {
    /// The unit's id.
    unit: String,
    /// The type of the unit; `user`, if left out.
    #[serde(rename = "type")]
    unit_type: Option<String>,
}

/// What was erased.
#[derive(Debug, Serialize, ToSchema)]
pub struct Erased {
    /// Events that are gone.
    events: u64,
    /// Files that were rewritten or removed.
    files: u64,
    /// Old files that an analysis still reads; they go with the next sealing.
    files_in_use: usize,
}

/// Erase every event of one unit.
///
/// Whether it is the first of an event's units or another. What has been concluded from the events stays in the journal,
/// which holds sums and no units. An event that arrives after this is a new one.
#[utoipa::path(
    delete, path = "/api/v1/events", tag = "events", params(Erasure),
    responses(
        (status = 200, body = Erased),
        (status = 503, body = crate::problem::ProblemBody, description = "the object store is away"),
    ),
    security(("token" = ["admin"])),
)]
pub async fn erase_events(
    State(live): State<Arc<Live>>,
    _: Allowed<Admin>,
    Query(Erasure { unit, unit_type }): Query<Erasure>,
) -> Result<Json<Erased>, Problem> {
    let unit_type = unit_type.unwrap_or_else(|| UNIT_TYPE_DEFAULT.to_owned());
    let removed = live.events.erase_unit(&Unit::new(unit_type, unit)).await?;
    live.engine.forget()?;
    tracing::info!(events = removed.events, files = removed.files, "a unit's events were erased");
    Ok(Json(Erased { events: removed.events, files: removed.files, files_in_use: removed.files_in_use }))
}

fn is_ndjson(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.starts_with("application/x-ndjson") || kind.starts_with("application/jsonl")
}
