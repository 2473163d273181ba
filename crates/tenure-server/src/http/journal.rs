//! The journal: who decided what, and the live feed of it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::{Stream, StreamExt};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenure_store::Entry;
use utoipa::{IntoParams, ToSchema};

use super::page::Page;
use crate::auth::{Allowed, Read};
use crate::live::Live;
use crate::problem::Problem;
use crate::text;

/// An entry of the journal.
#[derive(Debug, Serialize, ToSchema)]
pub struct EntryView {
    /// Its place.
    seq: i64,
    /// When it was decided.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Who decided it.
    actor: String,
    /// What it belongs to.
    stream: String,
    /// What happened.
    kind: String,
    /// The version of its body.
    version: u32,
    /// What was decided, with free text in place.
    #[schema(value_type = Object)]
    body: Value,
    /// The chain's hash after it.
    hash: String,
}

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Behind {
    /// The last seq of the page before.
    #[serde(default)]
    after: i64,
    /// How many, at most 1,000.
    #[serde(default = "limit_default")]
    limit: u32,
    /// Only entries of this stream, such as `case/PC-1`.
    stream: Option<String>,
}

fn limit_default() -> u32 {
    100
}

/// Read the journal.
#[utoipa::path(
    get, path = "/api/v1/journal", tag = "journal", params(Behind),
    responses((status = 200, body = Page<EntryView>)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_entries(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(behind): Query<Behind>,
) -> Result<Json<Page<EntryView>>, Problem> {
    let limit = behind.limit.clamp(1, tenure_store::PAGE_MAX);
    let read = match &behind.stream {
        Some(stream) => live.store.read_stream(stream, behind.after, limit).await?,
        None => live.store.read(behind.after, limit).await?,
    };
    let mut items = Vec::with_capacity(read.len());
    for entry in &read {
        items.push(view(&live, entry).await?);
    }
    Ok(Json(Page::of(items, limit, |entry| entry.seq.to_string())))
}

/// Follow the journal.
///
/// Server-sent events: every entry behind `Last-Event-ID` (or from now on), named by its kind, with its seq as id.
#[utoipa::path(
    get, path = "/api/v1/feed", tag = "journal",
    responses((status = 200, content_type = "text/event-stream", body = String)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn feed(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let last_seen =
        headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    let entries = live.store.follow(last_seen.unwrap_or_else(|| live.seq()));
    let events = entries.filter_map(move |entry| {
        let live = Arc::clone(&live);
        async move {
            let entry = entry.ok()?;
            let shown = view(&live, &entry).await.ok()?;
            let data = serde_json::to_string(&shown).ok()?;
            Some(Ok(Event::default().id(entry.seq.to_string()).event(entry.kind).data(data)))
        }
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

async fn view(live: &Live, entry: &Entry) -> Result<EntryView, Problem> {
    let mut body = serde_json::from_str(&entry.body).map_err(|error| {
        Problem::Internal(format!("entry {} has a body that is no JSON: {error}", entry.seq))
    })?;
    text::resolve(&live.store, &mut body).await?;
    Ok(EntryView {
        seq: entry.seq,
        at: entry.at,
        actor: entry.actor.clone(),
        stream: entry.stream.clone(),
        kind: entry.kind.clone(),
        version: entry.version,
        body,
        hash: entry.hash.to_string(),
    })
}
