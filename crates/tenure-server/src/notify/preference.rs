//! How a person wants to be told: by which channel, whether at once, when the digest comes, which cases not at all.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tenure_core::id::{AccountId, CaseId};
use tenure_core::notification::digest::{Interest, Schedule, zone_of};
use tenure_core::{State, calendar};
use tenure_store::{Account, Confidential, Preferences, Store, StoreError};
use utoipa::ToSchema;

use crate::http::schema::Shown;

/// When a digest is due.
type ScheduleShown = Shown<Schedule>;

/// By which channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// By mail, to the account's address.
    #[default]
    Mail,
    /// By the Slack-compatible incoming webhook the person gave.
    Chat,
    /// Not at all.
    None,
}

/// What a person chooses; what is left out has its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = NotificationChoices)]
#[serde(default, deny_unknown_fields)]
pub struct Choices {
    /// By which channel.
    pub channel: Channel,
    /// Whether asks, holds, negatives, bugs, parked ideas that come back and late promises are told at once.
    pub at_once: bool,
    /// Whether the rest is told once a week.
    pub digest: bool,
    /// When the digest comes: a day of the week and an hour. Monday at 9, if left out.
    #[schema(value_type = ScheduleShown)]
    pub schedule: Schedule,
    /// The time zone of that, such as `Europe/Berlin`; the team's, if left out.
    pub time_zone: Option<String>,
    /// Cases to hear of in the digest besides one's own.
    pub watched: Vec<String>,
    /// Cases not to hear of. What waits is in the digest all the same.
    pub muted: Vec<String>,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            channel: Channel::Mail,
            at_once: true,
            digest: true,
            schedule: Schedule::default(),
            time_zone: None,
            watched: Vec::new(),
            muted: Vec::new(),
        }
    }
}

impl Choices {
    /// The first thing in it that cannot be meant: its field, and why.
    pub fn fault(&self) -> Option<(&'static str, String)> {
        if self.schedule.hour > 23 {
            return Some(("schedule.hour", format!("{} is no hour; give 0 to 23", self.schedule.hour)));
        }
        if let Some(zone) = &self.time_zone
            && calendar::zone(zone).is_none()
        {
            return Some(("time_zone", format!("{zone:?} is no time zone; give one such as Europe/Berlin")));
        }
        None
    }

    /// The zone the digest's hour is meant in.
    pub fn zone(&self, state: &State, account: &str) -> TimeZone {
        let chosen = self.time_zone.as_deref().and_then(calendar::zone);
        let of_team = || AccountId::new(account).map(|account| zone_of(state, &account)).ok();
        chosen.or_else(of_team).unwrap_or(TimeZone::UTC)
    }

    /// Whether nothing is told at once about a case.
    pub fn is_quiet_about(&self, case: &CaseId) -> bool {
        !self.at_once || self.muted.iter().any(|muted| muted == case.as_str())
    }

    /// What the digest is about.
    pub fn interest(&self) -> Interest {
        let cases = |names: &[String]| names.iter().filter_map(|name| CaseId::new(name).ok()).collect();
        Interest { watched: cases(&self.watched), muted: cases(&self.muted) }
    }
}

/// A person who can be told something, and where.
#[derive(Debug, Clone)]
pub struct Reader {
    /// The account's id.
    pub account: String,
    /// What they chose.
    pub choices: Choices,
    /// Where that reaches them.
    pub place: Place,
}

/// Where a person is reached.
#[derive(Debug, Clone)]
pub enum Place {
    /// A mail address.
    Mail(String),
    /// A chat's incoming webhook.
    Chat(Confidential),
}

/// The account as a reader; none when it cannot be told anything: disabled, no address, or by its own choice.
pub async fn reader(
    store: &Store,
    account: Account,
    mail_possible: bool,
) -> Result<Option<Reader>, StoreError> {
    if account.disabled {
        return Ok(None);
    }
    let (choices, chat_url) = chosen(store, &account.id).await?;
    let place = match choices.channel {
        Channel::Mail if mail_possible => account.email.map(Place::Mail),
        Channel::Mail | Channel::None => None,
        Channel::Chat => chat_url.map(Place::Chat),
    };
    Ok(place.map(|place| Reader { account: account.id, choices, place }))
}

/// What an account chose, and its chat.
pub async fn chosen(store: &Store, account: &str) -> Result<(Choices, Option<Confidential>), StoreError> {
    let Some(kept) = store.preferences(account).await? else { return Ok((Choices::default(), None)) };
    Ok((serde_json::from_str(&kept.choices).unwrap_or_default(), kept.chat_url))
}

/// Keep what an account chose.
pub async fn choose(
    store: &Store,
    account: &str,
    choices: &Choices,
    chat_url: Option<Confidential>,
) -> Result<(), StoreError> {
    let choices = serde_json::to_string(choices).unwrap_or_default();
    store.set_preferences(account, &Preferences { choices, chat_url }).await
}
