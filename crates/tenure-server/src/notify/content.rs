//! What is said: an entry as a webhook gets it, and a message, a digest or a note as a person reads it. Made from the journal
//! whenever it is sent, with what people wrote in place, so that nothing is kept twice and what was erased stays so.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tenure_core::id::AccountId;
use tenure_core::narration::{Names, narrate};
use tenure_core::notification::digest::Digest;
use tenure_core::notification::{self, Change, History, Message, Turn};
use tenure_core::{Recorded, Stage};
use tenure_store::{Entry, PAGE_MAX, Store, StoreError};

use crate::live::Live;
use crate::problem::Problem;
use crate::text;
use crate::world::{ReplayError, decode};

/// What a person is sent.
#[derive(Debug, Clone)]
pub enum Content {
    /// Something that is said at once.
    Message(Box<Message>),
    /// A weekly digest.
    Digest(Digest),
    /// Something about the server itself, such as a webhook that was disabled.
    Note(Note),
}

/// Something about the server itself.
#[derive(Debug, Clone)]
pub struct Note {
    /// One line.
    pub subject: String,
    /// What there is to say.
    pub sentences: Vec<String>,
}

/// An entry with everything that can be said about it. Texts that people wrote are still keys of blobs.
#[derive(Debug, Clone)]
pub struct Told {
    /// The entry as it is kept.
    pub entry: Entry,
    /// What happened, in one sentence.
    pub sentence: String,
    /// The case: where it is, and the title of its experiment.
    pub case: Option<(String, Stage, Option<String>)>,
    /// What changed in it.
    pub changed: Vec<Change>,
    /// What is said at once.
    pub messages: Vec<Message>,
    /// The teams concerned.
    pub teams: BTreeSet<String>,
}

/// Why an entry cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum TellError {
    /// The journal cannot be read.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// This node is behind.
    #[error("this node cannot catch up with the journal: {0:?}")]
    Behind(Problem),
}

/// The case before an entry and after it, as far as it is known: the history goes on with the next entry.
pub async fn tell(
    live: &Live,
    entry: Entry,
    history: &mut History,
    names: &Names,
) -> Result<Told, TellError> {
    let recorded = decode(&entry)?;
    let before = history.case().cloned();
    if recorded.event.case().is_some() {
        history.apply(&recorded);
    }
    let turn = Turn { recorded: &recorded, before: before.as_ref(), after: history.case() };
    Ok(told(live, entry, &recorded, turn, names))
}

fn told(live: &Live, entry: Entry, recorded: &Recorded, turn: Turn<'_>, names: &Names) -> Told {
    let state = live.state();
    let messages = notification::messages(&state, turn, names);
    let mut teams: BTreeSet<String> = turn.after.iter().map(|case| case.team.to_string()).collect();
    teams.extend(messages.iter().flat_map(|message| &message.teams).map(ToString::to_string));
    Told {
        entry,
        sentence: narrate(recorded, names),
        case: turn.after.map(|case| {
            let experiment = state.experiments.get(&case.experiment);
            (case.id.to_string(), case.stage, experiment.and_then(|experiment| experiment.title.clone()))
        }),
        changed: turn.after.map_or_else(Vec::new, |case| notification::change::between(turn.before, case)),
        messages,
        teams,
    }
}

/// The case's history up to (and without) an entry of it.
pub async fn history_before(live: &Live, entry: &Entry) -> Result<History, TellError> {
    let mut history = History::default();
    if !entry.stream.starts_with("case/") {
        return Ok(history);
    }
    let mut after = 0;
    loop {
        let page = live.store.read_stream(&entry.stream, after, PAGE_MAX).await?;
        for earlier in &page {
            if earlier.seq >= entry.seq {
                return Ok(history);
            }
            history.apply(&decode(earlier)?);
            after = earlier.seq;
        }
        if page.is_empty() {
            return Ok(history);
        }
    }
}

/// An entry of the journal, told anew.
pub async fn tell_again(live: &Live, seq: i64, names: &Names) -> Result<Option<Arc<Told>>, TellError> {
    let Some(entry) = live.store.read(seq - 1, 1).await?.pop().filter(|entry| entry.seq == seq) else {
        return Ok(None);
    };
    let mut history = history_before(live, &entry).await?;
    Ok(Some(Arc::new(tell(live, entry, &mut history, names).await?)))
}

/// The body of a webhook's message.
pub async fn webhook_body(live: &Live, told: &Told) -> Result<String, StoreError> {
    let entry = &told.entry;
    let body: Value = serde_json::from_str(&entry.body).unwrap_or_default();
    let asks: Vec<Value> = told
        .messages
        .iter()
        .map(|message| json!({"topic": message.topic, "subject": message.subject, "waits": message.waits, "to": message.to}))
        .collect();
    let case = told.case.as_ref().map(|(id, stage, title)| {
        json!({"id": id, "stage": stage, "title": title, "url": format!("{}/cases/{id}", live.config.url())})
    });
    let mut message = json!({
        "type": entry.kind,
        "timestamp": entry.at,
        "data": {
            "seq": entry.seq, "stream": entry.stream, "actor": entry.actor, "version": entry.version,
            "sentence": told.sentence, "case": case, "changed": told.changed, "asks": asks, "body": body,
        },
    });
    text::resolve(&live.store, &mut message).await?;
    Ok(message.to_string())
}

/// The body of a test message.
pub fn test_body(at: Timestamp) -> String {
    json!({"type": "test", "timestamp": at, "data": {"sentence": TEST}}).to_string()
}

const TEST: &str = "This is a test message from Tenure: what is told arrives here.";

/// A test for a person.
pub fn test_note() -> Note {
    Note { subject: "Tenure: a test message".to_owned(), sentences: vec![TEST.to_owned()] }
}

/// With what people wrote in place of the keys of blobs.
pub async fn resolved<T: Serialize + DeserializeOwned>(store: &Store, shown: T) -> Result<T, StoreError> {
    let Ok(mut value) = serde_json::to_value(&shown) else { return Ok(shown) };
    text::resolve(store, &mut value).await?;
    Ok(serde_json::from_value(value).unwrap_or(shown))
}

/// What accounts are called.
pub async fn names(store: &Store) -> Result<Names, StoreError> {
    let mut named = Vec::new();
    let mut after = String::new();
    loop {
        let page = store.accounts(&after, PAGE_MAX).await?;
        let Some(last) = page.last() else { return Ok(named.into_iter().collect()) };
        after = last.id.clone();
        let of = page.into_iter().filter(|account| !account.display_name.is_empty());
        named
            .extend(of.filter_map(|account| Some((AccountId::new(&account.id).ok()?, account.display_name))));
    }
}
