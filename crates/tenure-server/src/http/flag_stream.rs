//! The stream of server-sent events by which OFREP clients learn that they should evaluate again.
//!
//! A browser's `EventSource` sends no headers, so the address carries its own proof: what may be followed, and until when,
//! signed. It is valid for one to two hours, tells nothing but that flags changed, and stays the same within an hour, so that
//! clients keep their connection. A client whose address has ended evaluates again and is told the next one.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::{Stream, StreamExt as _};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::query::Query;
use crate::flag_node::FlagNode;
use crate::problem::Problem;
use crate::selector::View;

/// How long addresses stay the same; they are valid for the next such span too.
const SPAN_S: i64 = 3_600;
/// How long a hidden page may keep its stream.
const INACTIVITY_S: u32 = 120;
/// How often a silent stream shows that it is alive.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

const ENDED: Problem = Problem::Unauthenticated(
    "the stream's address is not valid, or no longer; evaluate again to be told the next",
);

/// A stream that tells of changes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventStream {
    /// `sse`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its address, with the proof in it.
    pub url: String,
    /// After how many seconds a hidden page should close it.
    pub inactivity_delay_sec: u32,
}

/// The proof that an address carries.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Ticket {
    /// As `eventStreams` gave it.
    ticket: String,
}

/// The address of the stream of a view.
pub fn address(node: &FlagNode, view: &View, now: Timestamp) -> EventStream {
    let names = serde_json::to_vec(&(&view.environment, &view.flag_set)).unwrap_or_default();
    let ticket =
        node.stream_links.sign(&format!("{}.{}", now.as_second() / SPAN_S, URL_SAFE_NO_PAD.encode(names)));
    EventStream {
        kind: "sse",
        url: format!("{}/ofrep/v1/stream?ticket={ticket}", node.url()),
        inactivity_delay_sec: INACTIVITY_S,
    }
}

/// The environment and flag set that a ticket is for, while it is valid.
fn open(node: &FlagNode, ticket: &str) -> Option<(String, Option<String>)> {
    let (span, names) = node.stream_links.check(ticket)?.split_once('.')?;
    let age = node.clock.now().as_second() / SPAN_S - span.parse::<i64>().ok()?;
    if !(0..=1).contains(&age) {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(names).ok()?).ok()
}

/// Follow the changes of flags.
///
/// Server-sent events named `message`, each `{"type": "refetchEvaluation", "etag", "lastModified"}`: evaluate all flags again.
/// The address comes with every bulk evaluation.
#[utoipa::path(
    get, path = "/ofrep/v1/stream", tag = "ofrep", params(Ticket),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = 401), (status = 429)),
)]
pub async fn follow_flags(
    State(node): State<Arc<FlagNode>>,
    Query(Ticket { ticket }): Query<Ticket>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let (environment, flag_set) = open(&node, &ticket).ok_or(ENDED)?;
    let view = View { snapshot: node.flags(&environment), environment, flag_set };
    // The first is what the client has just evaluated.
    let changes = node.follow(&view)?.skip(1).map(|view| Ok(refetch(&view)));
    Ok(Sse::new(changes).keep_alive(KeepAlive::new().interval(SIGN_OF_LIFE)))
}

fn refetch(view: &View) -> Event {
    let data = json!({
        "type": "refetchEvaluation",
        "etag": view.snapshot.document().version(),
        "lastModified": view.snapshot.at().as_second(),
    });
    Event::default().data(data.to_string())
}
