//! The weekly digest: when it is due for whom, and what is in it.
//!
//! That it is due is noted in the transaction that owes it, under the date it was due: however often and wherever it is asked,
//! one goes out.

use std::sync::Arc;

use jiff::Timestamp;
use tenure_core::Actor;
use tenure_core::filter::Filter;
use tenure_core::id::AccountId;
use tenure_core::notification::digest::{self, Digest, Line};
use tenure_store::{Account, Owed, PAGE_MAX, account_receiver};
use tokio::sync::Mutex;

use super::content::{self, TellError};
use super::preference;
use crate::live::Live;
use crate::world::decode;

/// What the message of a digest begins with; its date follows.
pub const MESSAGE_PREFIX: &str = "digest-";
/// How often it is asked who is due: hours begin at every quarter somewhere.
const ASK_EVERY_S: i64 = 15 * 60;
/// Sentences kept for one range of the journal; a busier week loses its beginning.
const LINES_MAX: usize = 50_000;
/// How much of what waits on somebody is in one digest.
const WAITS_MAX: usize = 50;

/// Owes digests as they become due.
#[derive(Debug, Default)]
pub struct Digests {
    asked: Option<i64>,
}

impl Digests {
    /// Owe a digest to everybody whose day and hour it is. Asks once a quarter of an hour.
    pub async fn owe_due(&mut self, live: &Live) -> Result<(), TellError> {
        let now = live.clock.now();
        let quarter = now.as_second().div_euclid(ASK_EVERY_S);
        if self.asked == Some(quarter) {
            return Ok(());
        }
        let mut after = String::new();
        loop {
            let page = live.store.accounts(&after, PAGE_MAX).await?;
            let Some(last) = page.last() else { break };
            after = last.id.clone();
            for account in page {
                owe(live, account, now).await?;
            }
        }
        self.asked = Some(quarter);
        Ok(())
    }
}

/// Owe the account its digest if one is due. The first one begins when the account is first seen here.
async fn owe(live: &Live, account: Account, now: Timestamp) -> Result<(), TellError> {
    let (id, seq) = (account.id.clone(), live.seq());
    let Some((from_seq, at)) = live.store.last_digest(&id).await? else {
        return Ok(live.store.owe_digest(&id, seq, None, now).await?);
    };
    let Some(reader) = preference::reader(&live.store, account, live.senders.mailer.is_some()).await? else {
        return Ok(());
    };
    let zone = reader.choices.zone(&live.state(), &id);
    let due = reader.choices.schedule.latest(now, &zone);
    if !reader.choices.digest || due <= at {
        return Ok(());
    }
    let message = format!("{MESSAGE_PREFIX}{}", zone.to_datetime(due).date());
    let owed = Owed { receiver: account_receiver(&id), message, from_seq, seq };
    Ok(live.store.owe_digest(&id, seq, Some(&owed), now).await?)
}

/// The sentences of the range of the journal that was asked for last: on a Monday morning many ask for the same.
#[derive(Debug, Default)]
pub struct Lines(Mutex<Option<Range>>);

/// From behind an entry up to another, and the sentences of that range.
type Range = (i64, i64, Arc<Vec<Line>>);

impl Lines {
    /// A person's digest of the entries behind `from` up to `to`; none when there is nothing to say.
    pub async fn digest(
        &self,
        live: &Live,
        account: &str,
        choices: &preference::Choices,
        (from, to): (i64, i64),
    ) -> Result<Option<Digest>, TellError> {
        let lines = self.between(live, from, to).await?;
        let Ok(account) = AccountId::new(account) else { return Ok(None) };
        let actor = Actor::of(account);
        let desk = live.desk(&actor, &Filter::default(), WAITS_MAX);
        let digest = digest::digest(&live.state(), &actor, desk, &choices.interest(), &lines);
        match digest {
            Some(digest) => Ok(Some(content::resolved(&live.store, digest).await?)),
            None => Ok(None),
        }
    }

    async fn between(&self, live: &Live, from: i64, to: i64) -> Result<Arc<Vec<Line>>, TellError> {
        let mut kept = self.0.lock().await;
        if let Some((kept_from, kept_to, lines)) = kept.as_ref()
            && (*kept_from, *kept_to) == (from, to)
        {
            return Ok(Arc::clone(lines));
        }
        let names = content::names(&live.store).await?;
        let mut lines = std::collections::VecDeque::new();
        let mut after = from;
        while after < to {
            let page = live.store.read(after, PAGE_MAX).await?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            for entry in page.iter().filter(|entry| entry.seq <= to) {
                if lines.len() == LINES_MAX {
                    lines.pop_front();
                }
                lines.extend(digest::line(&decode(entry)?, &names));
            }
        }
        let lines = Arc::new(Vec::from(lines));
        *kept = Some((from, to, Arc::clone(&lines)));
        Ok(lines)
    }
}
