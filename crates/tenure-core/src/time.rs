//! Time as an argument: the instant of a command, and who acted. Arithmetic of dates.
//!
//! Knows no clock; which date an instant is, a team's [`Calendar`](crate::calendar::Calendar) says.

use std::cell::Cell;

use jiff::civil::Date;
use jiff::{SignedDuration, Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::AccountId;

/// The instant at which a command is decided or something is looked at. It has no date of its own: that is a team's
/// ([`State::today`](crate::State::today)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The instant.
    pub at: Timestamp,
}

impl From<Timestamp> for Now {
    fn from(at: Timestamp) -> Self {
        Self { at }
    }
}

/// An instant at which something is looked at, which remembers how long what was found holds: until the first instant that
/// was asked about and has not come. Whatever compares the present with another instant asks it.
#[derive(Debug)]
pub(crate) struct Moment {
    /// The instant.
    pub at: Timestamp,
    holds_until: Cell<Timestamp>,
}

impl Moment {
    pub fn of(now: impl Into<Now>) -> Self {
        Self { at: now.into().at, holds_until: Cell::new(Timestamp::MAX) }
    }

    /// Whether an instant has come.
    pub fn has_come(&self, instant: Timestamp) -> bool {
        let come = instant <= self.at;
        if !come {
            self.holds_until.set(self.holds_until.get().min(instant));
        }
        come
    }

    /// Whether so many hours have passed since an instant.
    pub fn have_passed(&self, hours: u32, since: Timestamp) -> bool {
        self.has_come(
            since.saturating_add(SignedDuration::from_hours(i64::from(hours))).unwrap_or(Timestamp::MAX),
        )
    }

    /// What is found rests on more than the case that is looked at: it holds for this once.
    pub fn passes(&self) {
        self.holds_until.set(Timestamp::MIN);
    }

    /// The first instant at which what was found may be otherwise, though nothing happens.
    pub fn holds_until(&self) -> Timestamp {
        self.holds_until.get()
    }
}

/// When something was done, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stamp {
    /// The instant.
    pub at: Timestamp,
    /// The account that acted.
    pub by: AccountId,
    /// For whom, when it acted as a deputy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acting_for: Option<AccountId>,
}

impl Stamp {
    /// Who acted, and for whom.
    pub fn who(&self) -> String {
        match &self.acting_for {
            Some(person) => format!("{} for {person}", self.by),
            None => self.by.to_string(),
        }
    }
}

/// Whole days from one date to another; negative when `to` is earlier.
pub(crate) fn days_between(from: Date, to: Date) -> i64 {
    to.duration_since(from).as_hours() / 24
}

/// The date so many months later; the last day of the month when the day does not exist there.
pub(crate) fn months_later(date: Date, months: u32) -> Date {
    Span::new()
        .try_months(i64::from(months))
        .ok()
        .and_then(|span| date.checked_add(span).ok())
        .unwrap_or(Date::MAX)
}

/// The date so many calendar days later.
pub(crate) fn days_later(date: Date, days: i64) -> Date {
    Span::new().try_days(days).ok().and_then(|span| date.checked_add(span).ok()).unwrap_or(Date::MAX)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn months_end_on_the_last_day_there_is() {
        assert_eq!(months_later(date(2026, 5, 4), 6), date(2026, 11, 4));
        assert_eq!(months_later(date(2026, 8, 31), 6), date(2027, 2, 28));
        assert_eq!(months_later(date(2026, 8, 31), 4_000_000), Date::MAX);
    }
}
