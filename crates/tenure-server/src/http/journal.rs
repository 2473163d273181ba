//! The journal: who decided what, and the live feed of it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::{Stream, StreamExt};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenure_core::document::JournalRow;
use tenure_core::narration::Names;
use tenure_store::{Entry, Verified, VerifyError};
use utoipa::{IntoParams, ToSchema};

use super::document::names;
use super::page::Page;
use super::query::Query;
use super::schema::Shown;
use crate::auth::{Allowed, Read};
use crate::live::Live;
use crate::problem::Problem;
use crate::world::decode;

/// An entry of the journal.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EntryView {
    /// Its place.
    seq: i64,
    /// When it was decided.
    at: Timestamp,
    /// Who decided it: the account's id.
    actor: String,
    /// The same by name.
    who: String,
    /// What it belongs to, such as `case/PC-1`.
    stream: String,
    /// What happened, in a sentence.
    sentence: String,
    /// What happened, and what was decided, with free text in place.
    #[serde(flatten)]
    #[schemars(with = "tenure_core::Event")]
    what: What,
    /// The version of its body.
    version: u32,
    /// The chain's hash after it.
    hash: String,
}

/// The kind of an entry and its body, as they are stored.
#[derive(Debug, Serialize)]
struct What {
    kind: String,
    body: Value,
}

/// An entry of the journal.
type EntryShown = Shown<EntryView>;

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Behind {
    /// The last seq of the page before.
    after: Option<i64>,
    /// Which comes first.
    #[serde(default)]
    #[param(inline)]
    order: JournalOrder,
    /// How many, at most 1,000.
    #[serde(default = "limit_default")]
    limit: u32,
    /// Only entries of this stream, such as `case/PC-1`.
    stream: Option<String>,
    /// Only entries of this case.
    case: Option<String>,
    /// Only what this account decided; `system` is Tenure itself.
    actor: Option<String>,
    /// Only entries of this kind, such as `wave_started`.
    kind: Option<String>,
    /// Only entries whose sentence holds these words, in any case of letters.
    #[serde(default)]
    text: String,
    /// Only entries from this instant on, RFC 3339.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Only entries before this instant, RFC 3339.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

/// Which entries come first.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JournalOrder {
    /// The oldest.
    #[default]
    Oldest,
    /// The newest.
    Newest,
}

/// Entries that one search looks at; the page then says where to go on.
const SEARCHED_MAX: usize = 20_000;

impl Behind {
    /// Whether an entry is wanted, but for the words of its sentence.
    fn admits(&self, entry: &Entry) -> bool {
        self.actor.as_ref().is_none_or(|actor| entry.actor == *actor)
            && self.kind.as_ref().is_none_or(|kind| entry.kind == *kind)
            && self.from.is_none_or(|from| entry.at >= from)
            && self.to.is_none_or(|to| entry.at < to)
    }

    fn stream(&self) -> Result<Option<String>, Problem> {
        match (&self.stream, &self.case) {
            (Some(_), Some(_)) => Err(Problem::invalid("case", "give `case` or `stream`, not both")),
            (stream, None) => Ok(stream.clone()),
            (None, Some(case)) => Ok(Some(format!("case/{case}"))),
        }
    }
}

fn limit_default() -> u32 {
    100
}

/// How long one follows before the credential is looked at anew.
const FOLLOWED_AT_MOST: Duration = Duration::from_secs(3_600);

/// What is followed.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Followed {
    /// Only entries of this stream, such as `case/PC-1`.
    stream: Option<String>,
}

/// Read the journal, or search it.
///
/// A page may hold fewer entries than asked for, or none, and still have a `next`: a search looks at 20,000 entries at a time.
#[utoipa::path(
    get, path = "/api/v1/journal", tag = "journal", params(Behind),
    responses((status = 200, body = Page<EntryShown>), (status = 400, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_entries(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(behind): Query<Behind>,
) -> Result<Json<Page<EntryShown>>, Problem> {
    let limit = behind.limit.clamp(1, tenure_store::PAGE_MAX) as usize;
    let (stream, names) = (behind.stream()?, names(&live).await?);
    let words: Vec<String> = behind.text.split_whitespace().map(str::to_lowercase).collect();
    let (mut items, mut searched) = (Vec::new(), 0);
    let mut after = behind.after.unwrap_or(match behind.order {
        JournalOrder::Oldest => 0,
        JournalOrder::Newest => i64::MAX,
    });
    loop {
        let read = match (behind.order, &stream) {
            (JournalOrder::Newest, stream) => {
                live.store.read_back(stream.as_deref(), after, tenure_store::PAGE_MAX).await?
            }
            (JournalOrder::Oldest, Some(stream)) => {
                live.store.read_stream(stream, after, tenure_store::PAGE_MAX).await?
            }
            (JournalOrder::Oldest, None) => live.store.read(after, tenure_store::PAGE_MAX).await?,
        };
        let at_the_end = read.len() < tenure_store::PAGE_MAX as usize;
        searched += read.len();
        for entry in &read {
            after = entry.seq;
            if !behind.admits(entry) {
                continue;
            }
            let shown = view(entry, &names)?.resolved(&live.store).await?;
            if shown.holds(&words) {
                items.push(shown);
            }
            if items.len() == limit {
                let is_last = at_the_end && read.last().is_some_and(|last| last.seq == after);
                return Ok(Json(Page { items, next: (!is_last).then(|| after.to_string()) }));
            }
        }
        if at_the_end || searched >= SEARCHED_MAX {
            return Ok(Json(Page { items, next: (!at_the_end).then(|| after.to_string()) }));
        }
    }
}

impl EntryShown {
    /// Whether its sentence holds all words.
    fn holds(&self, words: &[String]) -> bool {
        let sentence = self.json()["sentence"].as_str().unwrap_or_default().to_lowercase();
        words.iter().all(|word| sentence.contains(word))
    }
}

/// What a check of the chain found.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChainView {
    /// Whether every entry is where it was, says what it said, and is linked to the one before.
    verified: bool,
    /// How many entries were checked, when it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    entries: Option<i64>,
    /// The last entry's hash, when it is. Whoever notes it elsewhere can tell later that nobody rewrote the journal whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<String>,
    /// The first entry at which the chain does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<i64>,
    /// What is wrong there.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Check the journal's chain of hashes, from its first entry to its last.
///
/// The same as `tenure journal verify`. It reads the whole journal, some 100,000 entries a second, and one is made at a time.
#[utoipa::path(
    get, path = "/api/v1/journal/verify", tag = "journal",
    responses(
        (status = 200, body = ChainView),
        (status = 429, body = crate::problem::ProblemBody, description = "the journal is being checked for somebody else"),
    ),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn verify_journal(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
) -> Result<Json<ChainView>, Problem> {
    let Ok(_one) = live.verifying.try_lock() else {
        return Err(Problem::Busy {
            retry_after_s: 10,
            detail: "the journal is being checked for somebody else; ask again".to_owned(),
        });
    };
    Ok(Json(match live.store.verify().await {
        Ok(Verified { entries, head }) => ChainView {
            verified: true,
            entries: Some(entries),
            head: Some(head.to_string()),
            entry: None,
            problem: None,
        },
        Err(VerifyError::Broken(broken)) => ChainView {
            verified: false,
            entries: None,
            head: None,
            entry: Some(broken.seq),
            problem: Some(broken.to_string()),
        },
        Err(VerifyError::Store(error)) => return Err(error.into()),
    }))
}

/// Follow the journal.
///
/// Server-sent events: every entry behind `Last-Event-ID` (or from now on) as it is decided. The event is named by the entry's
/// kind, its id is the entry's seq, its data is the entry, on one line. `stream` says what has changed and is to be read
/// again: `case/PC-1`, `experiment/EXP-1`, `flag/KEY`, `team/…`, `person/…`. A comment is sent every 15 seconds; after an hour
/// the stream ends, and a client that comes back with the last id it saw misses nothing.
#[utoipa::path(
    get, path = "/api/v1/feed", tag = "journal",
    params(
        ("Last-Event-ID" = Option<i64>, Header, description = "the seq of the last entry that was seen"),
        Followed,
    ),
    responses(
        (status = 200, content_type = "text/event-stream", body = EntryShown, description = "the data of each event"),
        (status = 429, body = crate::problem::ProblemBody, description = "as many follow the journal as the server bears"),
    ),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn feed(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(Followed { stream }): Query<Followed>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let follower = Arc::clone(&live.followers).try_acquire_owned().map_err(|_| Problem::Busy {
        retry_after_s: 10,
        detail: "as many follow the journal as the server bears".to_owned(),
    })?;
    let last_seen =
        headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    let entries = live.store.follow(last_seen.unwrap_or_else(|| live.seq()));
    let events = entries.filter_map(move |entry| {
        let (live, stream) = (Arc::clone(&live), stream.clone());
        let _held = &follower;
        async move {
            let entry = entry.ok()?;
            if stream.is_some_and(|stream| stream != entry.stream) {
                return None;
            }
            let names = names(&live).await.ok()?;
            let shown = view(&entry, &names).ok()?.resolved(&live.store).await.ok()?;
            let data = serde_json::to_string(&shown).ok()?;
            Some(Ok(Event::default().id(entry.seq.to_string()).event(entry.kind).data(data)))
        }
    });
    let events = events.take_until(tokio::time::sleep(FOLLOWED_AT_MOST));
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

fn view(entry: &Entry, names: &Names) -> Result<EntryShown, Problem> {
    let body = serde_json::from_str(&entry.body).map_err(|error| {
        Problem::Internal(format!("entry {} has a body that is no JSON: {error}", entry.seq))
    })?;
    // An entry of a later release is shown as it is.
    let told = decode(entry).ok().map(|recorded| JournalRow::of(&recorded, names));
    let (who, sentence) =
        told.map_or_else(|| (entry.actor.clone(), entry.kind.clone()), |row| (row.who, row.text));
    Ok(Shown::of(&EntryView {
        seq: entry.seq,
        at: entry.at,
        actor: entry.actor.clone(),
        who,
        stream: entry.stream.clone(),
        sentence,
        what: What { kind: entry.kind.clone(), body },
        version: entry.version,
        hash: entry.hash.to_string(),
    }))
}
