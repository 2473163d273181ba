//! Time as an argument: the instant of a command, and who acted. Arithmetic of dates.
//!
//! Knows no clock; which date an instant is, a team's [`Calendar`](crate::calendar::Calendar) says.

use jiff::civil::Date;
use jiff::{Span, Timestamp};
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
