//! Laws of calendars: every instant has one date, every date ends where the next begins, and a promise falls due on a day on
//! which somebody works.

use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tenure_core::calendar::{Calendar, Weekday, zone};

/// Zones far in the east and the west, with and without clock changes, by whole hours and not, and two that left a day out.
const ZONES: [&str; 14] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Africa/Casablanca",
    "Pacific/Kiritimati",
    "Pacific/Honolulu",
    "Pacific/Chatham",
    "Pacific/Apia",
    "Pacific/Kwajalein",
];
const WEEKENDS: [&[Weekday]; 4] =
    [&[Weekday::Saturday, Weekday::Sunday], &[Weekday::Friday, Weekday::Saturday], &[Weekday::Sunday], &[]];

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn any_date() -> impl Strategy<Value = Date> {
    // 1990 to 2040, day by day.
    (0_i64..18_600).prop_map(|days| date(1990, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap())
}

fn any_days() -> impl Strategy<Value = (usize, usize, Vec<Date>)> {
    (0..ZONES.len(), 0..WEEKENDS.len(), proptest::collection::vec(any_date(), 0..40))
}

proptest! {
    #[test]
    fn a_date_is_what_lies_between_its_beginning_and_its_end(day in any_date(), (zone, ..) in any_days()) {
        let calendar = Calendar::new(ZONES[zone], &[], &[]);
        let (begins, ends) = (calendar.begins(day), calendar.ends(day));
        prop_assert!(begins <= ends);
        prop_assert_eq!(ends, calendar.begins(day.tomorrow().unwrap()), "no instant is in two dates or in none");
        let moment = SignedDuration::from_nanos(1);
        if begins < ends {
            prop_assert_eq!(calendar.date(begins), day);
            prop_assert_eq!(calendar.date(ends.checked_sub(moment).unwrap()), day);
        } else {
            // A day that the zone left out.
            prop_assert!(calendar.date(begins) > day);
        }
        prop_assert!(calendar.date(begins.checked_sub(moment).unwrap()) < day);
    }

    #[test]
    fn a_promise_falls_due_on_a_working_day(day in any_date(), days in 1_u32..60, (zone, weekend, holidays) in any_days()) {
        let calendar = Calendar::new(ZONES[zone], WEEKENDS[weekend], &holidays);
        let due = calendar.working_days_later(day, days);
        prop_assert!(calendar.works(due), "{due}");
        prop_assert_eq!(calendar.working_days_between(day, due), days, "the days between are those that were promised");
        prop_assert_eq!(calendar.working_days_later(day, days + 1), calendar.working_days_later(due, 1));
        prop_assert!(calendar.working_days_later(day.tomorrow().unwrap(), days) >= due);
    }

    #[test]
    fn a_holiday_more_never_makes_a_promise_sooner(day in any_date(), days in 1_u32..40, more in any_date(), (_, weekend, holidays) in any_days()) {
        let before = Calendar::new("UTC", WEEKENDS[weekend], &holidays).working_days_later(day, days);
        let with: Vec<Date> = holidays.iter().copied().chain([more, before]).collect();
        let after = Calendar::new("UTC", WEEKENDS[weekend], &with).working_days_later(day, days);
        prop_assert!(after > before, "{before} is a holiday now: {after}");
    }

    #[test]
    fn the_hour_of_asking_does_not_matter_within_a_day(day in any_date(), share in 0.0..1.0_f64, (zone, weekend, holidays) in any_days()) {
        let calendar = Calendar::new(ZONES[zone], WEEKENDS[weekend], &holidays);
        let (begins, ends) = (calendar.begins(day), calendar.ends(day));
        prop_assume!(begins < ends);
        let span = ends.duration_since(begins).as_secs_f64();
        let asked = begins.checked_add(SignedDuration::from_secs_f64(span * share)).unwrap();
        prop_assert_eq!(calendar.due(asked, 5), calendar.working_days_later(day, 5));
    }
}

#[test]
fn dates_over_clock_changes_and_the_date_line() {
    let check = |zone: &str, instant: &str, expected: Date| {
        assert_eq!(Calendar::new(zone, &[], &[]).date(at(instant)), expected, "{zone} {instant}");
    };
    // The night in which Berlin's clocks go on: midnight is still at 23:00Z, the next one at 22:00Z.
    check("Europe/Berlin", "2026-03-28T23:00:00Z", date(2026, 3, 29));
    check("Europe/Berlin", "2026-03-29T21:59:59Z", date(2026, 3, 29));
    check("Europe/Berlin", "2026-03-29T22:00:00Z", date(2026, 3, 30));
    check("Pacific/Kiritimati", "2026-10-14T09:59:59Z", date(2026, 10, 14));
    check("Pacific/Kiritimati", "2026-10-14T10:00:00Z", date(2026, 10, 15));
    check("Pacific/Honolulu", "2026-10-14T09:59:59Z", date(2026, 10, 13));
    // Samoa had no 30 December 2011.
    check("Pacific/Apia", "2011-12-30T09:59:59Z", date(2011, 12, 29));
    check("Pacific/Apia", "2011-12-30T10:00:00Z", date(2011, 12, 31));
}

#[test]
fn promises_over_weekends_and_holidays() {
    let check = |weekend: &[Weekday], holidays: &[Date], from: Date, days: u32, expected: Date| {
        assert_eq!(Calendar::new("UTC", weekend, holidays).working_days_later(from, days), expected);
    };
    let friday = date(2026, 2, 27);
    check(WEEKENDS[0], &[], friday, 0, friday);
    check(WEEKENDS[0], &[], friday, 1, date(2026, 3, 2));
    check(WEEKENDS[0], &[date(2026, 3, 2)], friday, 1, date(2026, 3, 3));
    check(WEEKENDS[0], &[], friday, 5, date(2026, 3, 6));
    check(WEEKENDS[1], &[], friday, 1, date(2026, 3, 1));
    check(WEEKENDS[1], &[date(2026, 3, 4)], date(2026, 2, 26), 5, date(2026, 3, 8));
    check(WEEKENDS[2], &[], friday, 1, date(2026, 2, 28));
    check(&Weekday::ALL, &[], friday, 1, Date::MAX);
}

#[test]
fn zones_are_known_by_their_names_alone() {
    for name in ZONES {
        assert!(zone(name).is_some(), "{name}");
    }
    for name in ["", "Berlin", "europe/berlin", "CEST", "+02:00", "Mars/Olympus"] {
        assert!(zone(name).is_none(), "{name}");
    }
}
