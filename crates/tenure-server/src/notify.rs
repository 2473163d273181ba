//! Notifications: the reader of the journal that owes messages, and their way to webhooks, chats and mailboxes.
//!
//! Who is told what is decided in `tenure_core::notification`. Here it is noted who is owed what ([`reader`], [`digest`]), what
//! is sent is made from the journal ([`content`]), and it is brought there ([`delivery`]) by mail ([`mail`]), to a chat
//! ([`slack`]) or to a program ([`webhook`]). Of several nodes the one on shift does it.

pub mod content;
pub mod delivery;
pub mod digest;
pub mod mail;
pub mod preference;
pub mod reader;
pub mod slack;
pub mod target;
pub mod webhook;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::content::{TellError, Told};
use self::delivery::Deliverer;
use self::digest::Digests;
use self::mail::Mailer;
use self::reader::JournalReader;
use self::target::Target;
use crate::config::Config;
use crate::live::Live;

/// How many told entries are kept at hand.
const RECENT_MAX: usize = 256;
/// How often it is looked whether something is due, on the server's own clock …
const LOOK_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// … and between which bounds on the wall's.
const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// How long a delivery that is over is kept in the log.
const DELIVERIES_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What a company sets about notifications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Notify {
    /// Whether webhooks and chats may be on private, loopback or link-local addresses.
    pub private_addresses_allowed: bool,
    /// Days of failure after which a webhook is disabled and a message given up.
    pub give_up_days: u32,
}

impl Default for Notify {
    fn default() -> Self {
        Self { private_addresses_allowed: false, give_up_days: 5 }
    }
}

/// The ways out of the server.
#[derive(Debug)]
pub struct Senders {
    /// To web addresses.
    pub target: Target,
    /// To the mail server, where one is configured.
    pub mailer: Option<Mailer>,
}

impl Senders {
    /// The ways out that the configuration names.
    pub fn of(config: &Config) -> Self {
        let mailer = config.smtp.mailer().unwrap_or_else(|(key, error)| {
            tracing::error!(key, error, "no mail is sent");
            None
        });
        Self { target: Target::new(config.notify.private_addresses_allowed), mailer }
    }
}

/// Entries that were told lately: most are delivered at once.
#[derive(Debug, Default)]
pub struct Recent(Mutex<HashMap<i64, Arc<Told>>>);

impl Recent {
    fn put(&self, told: Arc<Told>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= RECENT_MAX {
            kept.clear();
        }
        kept.insert(told.entry.seq, told);
    }

    fn get(&self, seq: i64) -> Option<Arc<Told>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&seq).cloned()
    }
}

/// Tell until the server stops, while this node is on shift.
pub async fn run(live: Arc<Live>, mut on_shift: watch::Receiver<bool>, mut stopped: watch::Receiver<bool>) {
    let mut feed = live.feed();
    let mut round = Round::new(Arc::clone(&live));
    while !*stopped.borrow() {
        if *on_shift.borrow_and_update()
            && let Err(error) = round.turn().await
        {
            tracing::warn!(%error, "nothing is told for now; it is tried again");
        }
        let pause = live.clock.on_the_wall(LOOK_EVERY).clamp(PAUSE_MIN, PAUSE_MAX);
        // Whichever comes first: an entry, the end of the pause, another shift, or the server's stop.
        tokio::select! {
            _ = feed.recv() => {}
            () = tokio::time::sleep(pause) => {}
            _ = on_shift.changed() => {}
            _ = stopped.changed() => {}
        }
    }
    // What is on its way may arrive and not be noted: it is sent again after the next start, under the same id.
    round.serving.shutdown().await;
}

struct Round {
    live: Arc<Live>,
    recent: Arc<Recent>,
    reader: JournalReader,
    digests: Digests,
    deliverer: Arc<Deliverer>,
    serving: JoinSet<()>,
    forgot_on: Option<jiff::civil::Date>,
}

impl Round {
    fn new(live: Arc<Live>) -> Self {
        let recent = Arc::new(Recent::default());
        Self {
            deliverer: Deliverer::new(Arc::clone(&live), Arc::clone(&recent)),
            live,
            recent,
            reader: JournalReader::default(),
            digests: Digests::default(),
            serving: JoinSet::new(),
            forgot_on: None,
        }
    }

    /// Owe what is new, then begin to deliver what is due. An entry that cannot be told holds up those behind it, not what is
    /// owed already.
    async fn turn(&mut self) -> Result<(), TellError> {
        let read = self.reader.read(&self.live, &self.recent).await;
        self.digests.owe_due(&self.live).await?;
        self.deliverer.start(&mut self.serving).await?;
        self.forget().await?;
        read
    }

    /// Forget old deliveries, once a day.
    async fn forget(&mut self) -> Result<(), TellError> {
        let now = self.live.clock.now();
        let today = jiff::tz::TimeZone::UTC.to_datetime(now).date();
        if self.forgot_on != Some(today) {
            let before = now.checked_sub(DELIVERIES_KEPT).unwrap_or(jiff::Timestamp::MIN);
            self.live.store.forget_deliveries(before).await?;
            self.forgot_on = Some(today);
        }
        Ok(())
    }
}
