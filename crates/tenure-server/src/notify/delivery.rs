//! Delivering what is owed: every receiver on its own, so that a slow or dead one keeps nobody waiting.
//!
//! A receiver's deliveries go one after the other. After a failure all of them wait, longer each time; after days of
//! failure a webhook is disabled and its owner told. An attempt that was not noted is made again, under the same id.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tenure_store::{Attempted, Delivery, Owed, Webhook, account_receiver};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::content::{self, Content, Note, TellError};
use super::digest::{self, Lines};
use super::preference::{self, Place, Reader};
use super::webhook::{self, Form};
use super::{Recent, mail, reader, slack};
use crate::clock::wall_now;
use crate::live::Live;
use crate::telemetry::DeliveryLabels;

/// Receivers that are served at once; the others' turn comes.
const RECEIVERS_MAX: u32 = 256;
/// Posts, and mails, on their way at once.
const POSTS_MAX: usize = 32;
const MAILS_MAX: usize = 4;
/// Deliveries taken from the store at once for one receiver, and how long it is served before it makes room.
const BATCH: u32 = 32;
const TURN: Duration = Duration::from_secs(30);
/// Deliveries that may wait for one webhook; beyond them it is disabled.
const WAITING_MAX: u64 = 10_000;
/// The first wait after a failure, what each further one multiplies it by, and the longest.
const BACK_OFF_S: i64 = 10;
const BACK_OFF_FACTOR: i64 = 4;
const BACK_OFF_S_MAX: i64 = 6 * 3_600;
/// What the note about a disabled webhook begins with; its id follows.
const DISABLED_PREFIX: &str = "disabled-";

/// Delivers what is owed.
pub struct Deliverer {
    live: Arc<Live>,
    recent: Arc<Recent>,
    lines: Lines,
    busy: Mutex<HashSet<String>>,
    posts: Semaphore,
    mails: Semaphore,
}

/// What came of an attempt, in words too.
type Outcome = Result<String, Undelivered>;

/// Why something was not delivered.
#[derive(Debug)]
enum Undelivered {
    /// It may work later.
    Later(String),
    /// It never will.
    Never(String),
    /// The receiver is gone for good.
    Gone(String),
    /// Nobody wants it any more.
    Unwanted(&'static str),
}

impl From<TellError> for Undelivered {
    fn from(error: TellError) -> Self {
        tracing::warn!(%error, "a message cannot be made now");
        Self::Later("the message cannot be made now; the server's log says why".to_owned())
    }
}

impl From<tenure_store::StoreError> for Undelivered {
    fn from(error: tenure_store::StoreError) -> Self {
        TellError::from(error).into()
    }
}

impl Deliverer {
    /// Deliver for this live system.
    pub fn new(live: Arc<Live>, recent: Arc<Recent>) -> Arc<Self> {
        Arc::new(Self {
            live,
            recent,
            lines: Lines::default(),
            busy: Mutex::default(),
            posts: Semaphore::new(POSTS_MAX),
            mails: Semaphore::new(MAILS_MAX),
        })
    }

    /// Begin to serve every receiver with something due that is not served yet.
    pub async fn start(self: &Arc<Self>, serving: &mut JoinSet<()>) -> Result<(), TellError> {
        while serving.try_join_next().is_some() {}
        for receiver in self.live.store.receivers_due(self.live.clock.now(), RECEIVERS_MAX).await? {
            if serving.len() >= RECEIVERS_MAX as usize || !self.busy().insert(receiver.clone()) {
                continue;
            }
            let deliverer = Arc::clone(self);
            serving.spawn(async move {
                let turn = Turn { deliverer: &deliverer, receiver: &receiver };
                if let Err(error) = turn.serve().await {
                    tracing::warn!(%error, receiver, "deliveries cannot be noted; they are made again");
                }
            });
        }
        Ok(())
    }

    fn busy(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A receiver's turn. However it ends, the receiver can be served again.
struct Turn<'a> {
    deliverer: &'a Deliverer,
    receiver: &'a str,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.deliverer.busy().remove(self.receiver);
    }
}

impl Turn<'_> {
    async fn serve(&self) -> Result<(), TellError> {
        let (live, began) = (&self.deliverer.live, Instant::now());
        while began.elapsed() < TURN {
            let due = live.store.deliveries_due(self.receiver, live.clock.now(), BATCH).await?;
            if due.is_empty() {
                return Ok(());
            }
            for delivery in due {
                let outcome = self.attempt(&delivery).await;
                let now = live.clock.now();
                let attempted = self.judge(&delivery, &outcome, now);
                let said = match &outcome {
                    Ok(said) => said.as_str(),
                    Err(Undelivered::Later(said) | Undelivered::Never(said) | Undelivered::Gone(said)) => {
                        said
                    }
                    Err(Undelivered::Unwanted(why)) => why,
                };
                live.store.note_attempt(&delivery.owed, attempted, said, now).await?;
                live.telemetry.deliveries.get_or_create(&DeliveryLabels { result: result(attempted) }).inc();
                if matches!(attempted, Attempted::Again(_)) {
                    tracing::warn!(
                        receiver = self.receiver,
                        attempts = delivery.attempts + 1,
                        "a message was not delivered; it is tried again"
                    );
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn judge(&self, delivery: &Delivery, outcome: &Outcome, now: Timestamp) -> Attempted {
        match outcome {
            Ok(_) => Attempted::Delivered,
            Err(Undelivered::Never(_) | Undelivered::Gone(_)) => Attempted::Failed,
            Err(Undelivered::Unwanted(_)) => Attempted::Dropped,
            Err(Undelivered::Later(_)) if self.is_over(delivery.created_at, now) => Attempted::Failed,
            Err(Undelivered::Later(_)) => {
                let wait = back_off(delivery.attempts, chance());
                Attempted::Again(now.checked_add(wait).unwrap_or(Timestamp::MAX))
            }
        }
    }

    /// Whether something that began then has been tried for long enough.
    fn is_over(&self, since: Timestamp, now: Timestamp) -> bool {
        let days = self.deliverer.live.config.notify.give_up_days;
        now.duration_since(since) >= SignedDuration::from_hours(24 * i64::from(days))
    }

    async fn attempt(&self, delivery: &Delivery) -> Outcome {
        match self.receiver.split_once('/') {
            Some(("webhook", id)) => self.to_webhook(id, &delivery.owed).await,
            Some(("account", id)) => self.to_account(id, &delivery.owed).await,
            _ => Err(Undelivered::Unwanted("there is no such receiver")),
        }
    }

    async fn to_webhook(&self, id: &str, owed: &Owed) -> Outcome {
        let live = &self.deliverer.live;
        let Some(webhook) = live.store.webhook(id).await?.filter(|webhook| webhook.disabled.is_none()) else {
            return Err(Undelivered::Unwanted("the webhook is disabled"));
        };
        let told = self.deliverer.told(owed.seq).await?;
        let body = match Form::of(&webhook) {
            Form::Standard => content::webhook_body(live, &told).await?,
            Form::Slack => {
                let content = self.deliverer.message(&told, &owed.message).await?;
                slack::payload(&content, &live.config.url()).to_string()
            }
        };
        let posted = {
            let _slot = self.deliverer.posts.acquire().await;
            post(live, &webhook, &message_id(&webhook, &owed.message), body).await
        };
        match posted {
            Ok(said) => {
                live.store.set_webhook_failing(id, None).await?;
                Ok(said)
            }
            Err(undelivered) => Err(self.failing(&webhook, undelivered).await?),
        }
    }

    /// Note that the webhook fails, and disable it when it has failed for days, is gone, or too much waits for it.
    async fn failing(&self, webhook: &Webhook, undelivered: Undelivered) -> Result<Undelivered, TellError> {
        let live = &self.deliverer.live;
        let now = live.clock.now();
        live.store.set_webhook_failing(&webhook.id, Some(now)).await?;
        let since = webhook.failing_since.unwrap_or(now);
        let why = match &undelivered {
            Undelivered::Gone(_) => "it answered 410 Gone: it wants nothing any more".to_owned(),
            Undelivered::Later(said) if self.is_over(since, now) => {
                format!(
                    "nothing could be delivered since {}; the last answer was: {said}",
                    since.strftime("%Y-%m-%d %H:%M UTC")
                )
            }
            Undelivered::Later(_) => {
                let waiting = live.store.deliveries_waiting(self.receiver).await?;
                if waiting <= WAITING_MAX {
                    return Ok(undelivered);
                }
                format!("{waiting} messages wait for it")
            }
            Undelivered::Never(_) | Undelivered::Unwanted(_) => return Ok(undelivered),
        };
        if live.store.disable_webhook(&webhook.id, now, &why).await? {
            tracing::warn!(webhook = webhook.id, "a webhook is disabled");
            let message = format!("{DISABLED_PREFIX}{}-{}", webhook.id, now.as_second());
            let receiver = account_receiver(&webhook.account);
            let seq = live.seq();
            let note = Owed { receiver, message, from_seq: seq, seq };
            live.store.owe(reader::CURSOR, 0, &[note], now).await?;
        }
        Ok(Undelivered::Never(why))
    }

    async fn to_account(&self, id: &str, owed: &Owed) -> Outcome {
        let live = &self.deliverer.live;
        let reader = match live.store.account(id).await? {
            Some(account) => preference::reader(&live.store, account, live.senders.mailer.is_some()).await?,
            None => None,
        };
        let Some(reader) = reader else {
            return Err(Undelivered::Unwanted("the person cannot be told, or does not want to be"));
        };
        let content = self.deliverer.content(&reader, owed).await?;
        match &reader.place {
            Place::Mail(_) => {
                let _slot = self.deliverer.mails.acquire().await;
                send(live, &reader, &format!("{}/{}", owed.receiver, owed.message), &content).await
            }
            Place::Chat(_) => {
                let _slot = self.deliverer.posts.acquire().await;
                send(live, &reader, &owed.message, &content).await
            }
        }
    }
}

impl Deliverer {
    async fn told(&self, seq: i64) -> Result<Arc<content::Told>, Undelivered> {
        if let Some(told) = self.recent.get(seq) {
            return Ok(told);
        }
        let names = content::names(&self.live.store).await?;
        content::tell_again(&self.live, seq, &names)
            .await?
            .ok_or(Undelivered::Unwanted("there is no such entry"))
    }

    async fn message(&self, told: &content::Told, id: &str) -> Result<Content, Undelivered> {
        let found = told.messages.iter().find(|message| message.id == id);
        let message = found.ok_or(Undelivered::Unwanted("there is nothing to say about it any more"))?;
        Ok(Content::Message(Box::new(content::resolved(&self.live.store, message.clone()).await?)))
    }

    async fn content(&self, reader: &Reader, owed: &Owed) -> Result<Content, Undelivered> {
        if owed.message.starts_with(digest::MESSAGE_PREFIX) {
            let range = (owed.from_seq, owed.seq);
            let digest = self.lines.digest(&self.live, &reader.account, &reader.choices, range).await?;
            return digest
                .map(Content::Digest)
                .ok_or(Undelivered::Unwanted("there was nothing to say this week"));
        }
        if let Some(rest) = owed.message.strip_prefix(DISABLED_PREFIX) {
            let id = rest.rsplit_once('-').map_or(rest, |(id, _)| id);
            let webhook = self.live.store.webhook(id).await?.filter(|webhook| webhook.disabled.is_some());
            let webhook = webhook.ok_or(Undelivered::Unwanted("the webhook is enabled again"))?;
            return Ok(Content::Note(disabled_note(&webhook)));
        }
        let told = self.told(owed.seq).await?;
        self.message(&told, &owed.message).await
    }
}

fn disabled_note(webhook: &Webhook) -> Note {
    let why = webhook.disabled.as_ref().map_or("", |(_, why)| why.as_str());
    Note {
        subject: format!("Tenure: the webhook “{}” is disabled", webhook.name),
        sentences: vec![
            format!("Nothing is posted to it any more: {why}."),
            format!("When it works again: tenure webhook enable {}", webhook.id),
        ],
    }
}

/// The id that a webhook's receiver tells duplicates by. No full stop: it separates the signed parts.
fn message_id(webhook: &Webhook, message: &str) -> String {
    format!("msg_{}_{message}", webhook.id)
}

/// Post a test to a webhook, now.
pub async fn test_webhook(live: &Live, webhook: &Webhook) -> Result<String, String> {
    let now = live.clock.now();
    let body = match Form::of(webhook) {
        Form::Standard => content::test_body(now),
        Form::Slack => slack::payload(&Content::Note(content::test_note()), &live.config.url()).to_string(),
    };
    let id = message_id(webhook, &format!("test-{}", wall_now().as_microsecond()));
    post(live, webhook, &id, body).await.map_err(Undelivered::said)
}

/// Send a test to a person, now.
pub async fn test_reader(live: &Live, reader: &Reader) -> Result<String, String> {
    let id = format!("{}/test-{}", reader.account, wall_now().as_microsecond());
    send(live, reader, &id, &Content::Note(content::test_note())).await.map_err(Undelivered::said)
}

impl Undelivered {
    fn said(self) -> String {
        match self {
            Self::Later(said) | Self::Never(said) | Self::Gone(said) => said,
            Self::Unwanted(why) => why.to_owned(),
        }
    }
}

async fn post(live: &Live, webhook: &Webhook, id: &str, body: String) -> Outcome {
    let headers = match Form::of(webhook) {
        // Receivers refuse what was signed long ago, by the clock on their wall.
        Form::Standard => webhook::headers(webhook, id, &body, wall_now()),
        Form::Slack => Vec::new(),
    };
    live.senders.target.post(&webhook.url, &headers, body).await.map_err(|error| {
        if error.gone { Undelivered::Gone(error.said) } else { Undelivered::Later(error.said) }
    })
}

async fn send(live: &Live, reader: &Reader, id: &str, content: &Content) -> Outcome {
    let url = live.config.url();
    match &reader.place {
        Place::Chat(chat) => {
            let body = slack::payload(content, &url).to_string();
            live.senders.target.post(chat, &[], body).await.map_err(|error| {
                if error.gone { Undelivered::Never(error.said) } else { Undelivered::Later(error.said) }
            })
        }
        Place::Mail(address) => {
            let Some(mailer) = &live.senders.mailer else {
                return Err(Undelivered::Unwanted("no mail server is configured"));
            };
            let mail = mail::render(content, &url).map_err(|error| Undelivered::Never(error.to_string()))?;
            mailer.send(address, id, mail).await.map_err(|error| {
                if error.for_good { Undelivered::Never(error.said) } else { Undelivered::Later(error.said) }
            })
        }
    }
}

/// How long to wait after so many failures before this one: growing, bounded, and between a half and all of it by `chance`
/// (0 to 1), so that many who failed together do not come back together.
fn back_off(attempts: u32, chance: f64) -> SignedDuration {
    let whole =
        (0..attempts.min(16)).fold(BACK_OFF_S, |wait, _| (wait * BACK_OFF_FACTOR).min(BACK_OFF_S_MAX));
    let share = 0.5 + 0.5 * chance.clamp(0.0, 1.0);
    SignedDuration::from_millis((whole as f64 * 1_000.0 * share) as i64)
}

fn result(attempted: Attempted) -> &'static str {
    match attempted {
        Attempted::Delivered => "delivered",
        Attempted::Again(_) => "again",
        Attempted::Failed => "failed",
        Attempted::Dropped => "dropped",
    }
}

fn chance() -> f64 {
    let mut bytes = [0u8; 4];
    // Without randomness everybody waits the longest.
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_are_bounded() {
        let check = |attempts: u32, chance: f64, seconds: f64| {
            assert_eq!(back_off(attempts, chance).as_secs_f64(), seconds, "after {attempts}");
        };
        check(0, 1.0, 10.0);
        check(0, 0.0, 5.0);
        check(1, 1.0, 40.0);
        check(2, 0.5, 120.0);
        check(5, 1.0, 10_240.0);
        check(6, 1.0, 21_600.0);
        check(u32::MAX, 1.0, 21_600.0);
    }
}
