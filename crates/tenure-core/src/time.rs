//! Time as an argument: the instant of a command, its date, and who acted. Working-day arithmetic.
//!
//! Knows no clock and no time-zone database: the caller says which date an instant is.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use crate::id::AccountId;

/// The instant a command is decided, and the date it falls on for the people concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The instant.
    pub at: Timestamp,
    /// The date of that instant in the policy's time zone.
    pub today: Date,
}

impl Now {
    /// The instant with its date in a zone.
    pub fn in_zone(at: Timestamp, zone: &TimeZone) -> Self {
        Self { at, today: zone.to_datetime(at).date() }
    }
}

impl From<Timestamp> for Now {
    fn from(at: Timestamp) -> Self {
        Self::in_zone(at, &TimeZone::UTC)
    }
}

/// When something was done, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The instant.
    pub at: Timestamp,
    /// The account that acted.
    pub by: AccountId,
}

/// Whole days from one date to another; negative when `to` is earlier.
pub(crate) fn days_between(from: Date, to: Date) -> i64 {
    from.until(to).map_or(0, |span| i64::from(span.get_days()))
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

/// The date so many working days later: Saturdays, Sundays and `holidays` do not count.
pub(crate) fn working_days_later(date: Date, days: u32, holidays: &[Date]) -> Date {
    let mut day = date;
    let mut left = days;
    while left > 0 && day < Date::MAX {
        day = days_later(day, 1);
        if works(day, holidays) {
            left -= 1;
        }
    }
    day
}

/// Working days after one date up to and with another; 0 when `to` is not later.
pub(crate) fn working_days_between(from: Date, to: Date, holidays: &[Date]) -> u32 {
    let (mut day, mut count) = (from, 0);
    while day < to {
        day = days_later(day, 1);
        count += u32::from(works(day, holidays));
    }
    count
}

fn works(day: Date, holidays: &[Date]) -> bool {
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) && !holidays.contains(&day)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn working_days_skip_weekends_and_holidays() {
        let friday = date(2026, 2, 27);
        assert_eq!(working_days_later(friday, 1, &[]), date(2026, 3, 2));
        assert_eq!(working_days_later(friday, 5, &[]), date(2026, 3, 6));
        assert_eq!(working_days_later(friday, 1, &[date(2026, 3, 2)]), date(2026, 3, 3));
        assert_eq!(working_days_later(friday, 0, &[]), friday);
        assert_eq!(working_days_between(friday, date(2026, 3, 2), &[]), 1);
        assert_eq!(working_days_between(friday, date(2026, 3, 1), &[]), 0);
        assert_eq!(working_days_between(friday, date(2026, 3, 6), &[date(2026, 3, 2)]), 4);
    }

    #[test]
    fn months_end_on_the_last_day_there_is() {
        assert_eq!(months_later(date(2026, 5, 4), 6), date(2026, 11, 4));
        assert_eq!(months_later(date(2026, 8, 31), 6), date(2027, 2, 28));
        assert_eq!(months_later(date(2026, 8, 31), 4_000_000), Date::MAX);
    }

    #[test]
    fn a_date_belongs_to_a_zone() {
        let late: Timestamp = "2026-05-04T23:30:00Z".parse().unwrap();
        assert_eq!(Now::from(late).today, date(2026, 5, 4));
        assert_eq!(Now::in_zone(late, &TimeZone::fixed(jiff::tz::offset(2))).today, date(2026, 5, 5));
    }
}
