//! The reader of the journal: entry by entry, what is owed to whom. Its cursor moves in the same transaction, so that a
//! restart loses nothing and owes nothing twice.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tenure_core::notification::{History, Message};
use tenure_store::{Entry, Owed, PAGE_MAX, StoreError, Webhook, account_receiver, webhook_receiver};

use super::Recent;
use super::content::{self, TellError, Told};
use super::preference::{self, Reader};
use super::webhook::{Filter, Form};
use crate::live::Live;

/// The reader's name among the cursors.
pub const CURSOR: &str = "notify";
/// Notes that the reader has begun, so that an old journal's past is not told to everybody.
const BEGUN: &str = "notify/begun";
/// Entries that are owed in one transaction.
const PAGE: u32 = 100;
/// Histories of cases that are kept at hand; of another one the stream is read from its beginning.
const HISTORIES_MAX: usize = 1_024;
/// What happened longer ago is no news: it is in the digest.
const AT_ONCE_AGE_MAX: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Reads the journal, and knows the histories of the cases it met lately.
#[derive(Debug, Default)]
pub struct JournalReader {
    histories: HashMap<String, History>,
}

/// Begin at the journal's end when this store has never told anything. Before anything is served, so that nothing is missed.
pub async fn begin(live: &Live) -> Result<(), StoreError> {
    if live.store.cursor(BEGUN).await? == 0 {
        live.store.advance_cursor(CURSOR, live.seq()).await?;
        live.store.advance_cursor(BEGUN, 1).await?;
    }
    Ok(())
}

impl JournalReader {
    /// Read to the journal's end.
    pub async fn read(&mut self, live: &Live, recent: &Recent) -> Result<(), TellError> {
        loop {
            let after = live.store.cursor(CURSOR).await?;
            let page = live.store.read(after, PAGE).await?;
            let Some(last) = page.last().map(|entry| entry.seq) else { return Ok(()) };
            live.catch_up_to(last).await?;
            self.read_page(live, recent, page).await?;
        }
    }

    /// Owe what a page's entries tell; where nobody could be told, only the cursor moves. An entry that cannot be read ends it before that entry.
    async fn read_page(&mut self, live: &Live, recent: &Recent, page: Vec<Entry>) -> Result<(), TellError> {
        let webhooks = webhooks(live).await?;
        if webhooks.is_empty() && live.senders.mailer.is_none() && !live.store.has_chats().await? {
            let last = page.last().map_or(0, |entry| entry.seq);
            return Ok(live.store.advance_cursor(CURSOR, last).await?);
        }
        let names = content::names(&live.store).await?;
        let mut readers = Readers::default();
        let now = live.clock.now();
        let (mut owed, mut done, mut failed) = (Vec::new(), None, None);
        for entry in page {
            let seq = entry.seq;
            let told = match self.tell(live, entry, &names).await {
                Ok(told) => Arc::new(told),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            };
            owed.extend(webhooks.iter().flat_map(|webhook| owed_to_webhook(webhook, &told)));
            if is_news(told.entry.at, now) {
                for message in &told.messages {
                    owed.extend(readers.owed(live, message, seq).await?);
                }
            }
            recent.put(told);
            done = Some(seq);
        }
        if let Some(seq) = done {
            live.store.owe(CURSOR, seq, &owed, now).await?;
        }
        failed.map_or(Ok(()), Err)
    }

    async fn tell(
        &mut self,
        live: &Live,
        entry: Entry,
        names: &tenure_core::narration::Names,
    ) -> Result<Told, TellError> {
        // One that is ahead was applied to a page that could not be noted.
        if self.histories.get(&entry.stream).is_none_or(|kept| kept.seq() >= entry.seq.unsigned_abs()) {
            if self.histories.len() >= HISTORIES_MAX {
                self.histories.clear();
            }
            let history = content::history_before(live, &entry).await?;
            self.histories.insert(entry.stream.clone(), history);
        }
        let history = self.histories.entry(entry.stream.clone()).or_default();
        content::tell(live, entry, history, names).await
    }
}

fn is_news(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at) <= AT_ONCE_AGE_MAX
}

/// Every webhook that is not disabled.
async fn webhooks(live: &Live) -> Result<Vec<Webhook>, TellError> {
    let kept = live.store.webhooks("", PAGE_MAX).await?;
    Ok(kept.into_iter().filter(|webhook| webhook.disabled.is_none()).collect())
}

/// A standard webhook gets the entry, a chat what is said at once because of it; neither what was before it was made.
fn owed_to_webhook(webhook: &Webhook, told: &Told) -> Vec<Owed> {
    if told.entry.at < webhook.created_at {
        return Vec::new();
    }
    let filter = Filter::of(webhook);
    let (seq, kind) = (told.entry.seq, told.entry.kind.as_str());
    let case = told.case.as_ref().map(|(case, ..)| case.as_str());
    if !filter.takes(kind, case, told.teams.iter().map(String::as_str)) {
        return Vec::new();
    }
    let owed =
        |message: String| Owed { receiver: webhook_receiver(&webhook.id), message, from_seq: seq - 1, seq };
    match Form::of(webhook) {
        Form::Standard => vec![owed(format!("entry-{seq}"))],
        Form::Slack => told.messages.iter().map(|message| owed(message.id.clone())).collect(),
    }
}

/// The people met on a page, so that each is looked up once.
#[derive(Default)]
struct Readers(HashMap<String, Option<Reader>>);

impl Readers {
    async fn owed(&mut self, live: &Live, message: &Message, seq: i64) -> Result<Vec<Owed>, TellError> {
        let mut owed = Vec::new();
        for account in message.recipients() {
            let Some(reader) = self.reader(live, account.as_str()).await? else { continue };
            if message.case.as_ref().is_none_or(|case| !reader.choices.is_quiet_about(case)) {
                let receiver = account_receiver(&reader.account);
                owed.push(Owed { receiver, message: message.id.clone(), from_seq: seq - 1, seq });
            }
        }
        Ok(owed)
    }

    async fn reader(&mut self, live: &Live, account: &str) -> Result<Option<&Reader>, TellError> {
        if !self.0.contains_key(account) {
            let reader = match live.store.account(account).await? {
                Some(kept) => preference::reader(&live.store, kept, live.senders.mailer.is_some()).await?,
                None => None,
            };
            self.0.insert(account.to_owned(), reader);
        }
        Ok(self.0.get(account).and_then(Option::as_ref))
    }
}
