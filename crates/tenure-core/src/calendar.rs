//! Calendars: where a team's days begin, which of them it works, and when a promise given in working days falls due.
//!
//! A date is always a team's: the same instant is Monday for one and Sunday for another. Zones come from the database
//! inside the program, so that a date does not depend on the machine.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::decide::Ask;
use crate::event::Event;
use crate::id::TeamId;
use crate::person::{DRIVERS, Place, Role, Seat};
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::state::State;
use crate::time::{Moment, Stamp, days_between, days_later};

/// The most holidays a calendar may list.
pub const HOLIDAYS_MAX: usize = 1_000;
/// The most working days a promise may have.
pub const WORKING_DAYS_MAX: u32 = 250;

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Weekday {
    /// Monday.
    Monday,
    /// Tuesday.
    Tuesday,
    /// Wednesday.
    Wednesday,
    /// Thursday.
    Thursday,
    /// Friday.
    Friday,
    /// Saturday.
    Saturday,
    /// Sunday.
    Sunday,
}

impl Weekday {
    /// Every day of the week, Monday first.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// The day of the week a date is.
    pub fn of(date: Date) -> Self {
        Self::ALL[usize::from(date.weekday().to_monday_zero_offset().unsigned_abs()) % 7]
    }
}

/// What a team says about its days; what it leaves out is as in its policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TeamCalendar {
    /// IANA name of its time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Days of the week on which it does not work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weekend: Option<Vec<Weekday>>,
    /// Dates on which it does not work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holidays: Option<Vec<Date>>,
}

/// A team's days.
#[derive(Clone, Debug)]
pub struct Calendar<'a> {
    zone: TimeZone,
    weekend: &'a [Weekday],
    holidays: &'a [Date],
}

/// The time zone of an IANA name; none when there is no such zone.
pub fn zone(name: &str) -> Option<TimeZone> {
    static DATABASE: OnceLock<TimeZoneDatabase> = OnceLock::new();
    if name == "UTC" {
        return Some(TimeZone::UTC);
    }
    // The database would take any case of letters; a name is one way of writing.
    let known = DATABASE.get_or_init(TimeZoneDatabase::bundled).get(name).ok()?;
    (known.iana_name() == Some(name)).then_some(known)
}

impl<'a> Calendar<'a> {
    /// A calendar from its parts; an unknown zone counts as UTC.
    pub fn new(time_zone: &str, weekend: &'a [Weekday], holidays: &'a [Date]) -> Self {
        Self { zone: zone(time_zone).unwrap_or(TimeZone::UTC), weekend, holidays }
    }

    /// The time zone.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The date an instant falls on.
    pub fn date(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(at).date()
    }

    /// The first instant of a date; of one that a clock change or a move across the date line left out, the first after.
    pub fn begins(&self, date: Date) -> Timestamp {
        date.to_zoned(self.zone.clone()).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
    }

    /// The instant at which a date is over: the first that is not in it.
    pub fn ends(&self, date: Date) -> Timestamp {
        self.begins(days_later(date, 1))
    }

    /// Whether a date has begun.
    pub(crate) fn has_begun(&self, date: Date, moment: &Moment) -> bool {
        moment.has_come(self.begins(date))
    }

    /// Whether a date is over.
    pub(crate) fn is_over(&self, date: Date, moment: &Moment) -> bool {
        moment.has_come(self.ends(date))
    }

    /// Whether a date is a working day.
    pub fn works(&self, date: Date) -> bool {
        !self.weekend.contains(&Weekday::of(date)) && !self.holidays.contains(&date)
    }

    /// The date so many working days after another. The day itself never counts; with 0 it is the answer.
    pub fn working_days_later(&self, date: Date, days: u32) -> Date {
        let mut day = date;
        let mut left = days;
        // Were every day free, the promise would never fall due: a century is enough to say so.
        for _ in 0..36_525 {
            if left == 0 {
                return day;
            }
            day = day.tomorrow().unwrap_or(Date::MAX);
            left -= u32::from(self.works(day));
        }
        Date::MAX
    }

    /// Working days after one date up to and with another; 0 when `to` is not later.
    pub fn working_days_between(&self, from: Date, to: Date) -> u32 {
        let days = days_between(from, to).max(0);
        let a_week = 7 - self.weekend.iter().collect::<BTreeSet<_>>().len();
        let free = |day: &&Date| from < **day && **day <= to && !self.weekend.contains(&Weekday::of(**day));
        let holidays = self.holidays.iter().filter(free).count();
        let whole_weeks = usize::try_from(days / 7).unwrap_or(usize::MAX).saturating_mul(a_week);
        let mut day = days_later(from, days / 7 * 7);
        let mut rest = 0;
        while day < to {
            day = day.tomorrow().unwrap_or(Date::MAX);
            rest += usize::from(!self.weekend.contains(&Weekday::of(day)));
        }
        u32::try_from((whole_weeks + rest).saturating_sub(holidays)).unwrap_or(u32::MAX)
    }

    /// The date by which something asked for at an instant is promised.
    pub fn due(&self, asked: Timestamp, working_days: u32) -> Date {
        self.working_days_later(self.date(asked), working_days)
    }
}

/// What cannot be meant in a time zone, a weekend or a list of holidays, in words.
pub(crate) fn zone_fault(name: &str) -> Option<String> {
    if zone(name).is_some() {
        return None;
    }
    let guess = TimeZoneDatabase::bundled()
        .available()
        .map(|known| known.as_str().to_owned())
        .min_by_key(|known| crate::policy::file::distance(name, known))
        .unwrap_or_default();
    Some(format!("there is no time zone `{name}`: give an IANA name such as {guess}"))
}

pub(crate) fn weekend_fault(weekend: &[Weekday]) -> Option<String> {
    if weekend.iter().enumerate().any(|(at, day)| weekend[..at].contains(day)) {
        return Some("a day of the weekend is named twice: name each once".to_owned());
    }
    (weekend.len() >= 7).then(|| "no working day is left: name at most six days".to_owned())
}

pub(crate) fn holidays_fault(holidays: &[Date]) -> Option<String> {
    if holidays.len() > HOLIDAYS_MAX {
        return Some(format!("{} holidays are listed: give at most {HOLIDAYS_MAX}", holidays.len()));
    }
    let twice = holidays.iter().enumerate().find(|(at, day)| holidays[..*at].contains(day));
    twice.map(|(_, day)| format!("holiday {day} is listed twice: list it once"))
}

impl State {
    /// A team's days under a policy.
    fn calendar_under<'a>(&'a self, policy: &'a Policy, team: &TeamId) -> Calendar<'a> {
        let own = self.calendars.get(team);
        Calendar::new(
            own.and_then(|own| own.time_zone.as_deref()).unwrap_or(&policy.time_zone),
            own.and_then(|own| own.weekend.as_deref()).unwrap_or(&policy.weekend),
            own.and_then(|own| own.holidays.as_deref()).unwrap_or(&policy.holidays),
        )
    }

    /// The company's days.
    pub fn company_calendar(&self) -> Calendar<'_> {
        let policy = self.policy();
        Calendar::new(&policy.time_zone, &policy.weekend, &policy.holidays)
    }

    /// A team's days, outside any case.
    pub fn calendar(&self, team: &TeamId) -> Calendar<'_> {
        self.calendar_under(self.policy_for(team), team)
    }

    /// The days of the team that has the onus of a case: what its drivers' promises go by.
    pub fn calendar_of<'a>(&'a self, case: &'a Case) -> Calendar<'a> {
        self.calendar_in(case, &case.team)
    }

    /// A team's days in a case: what that team's promises in it go by.
    pub fn calendar_in<'a>(&'a self, case: &'a Case, team: &TeamId) -> Calendar<'a> {
        self.calendar_under(self.policy_in(case, team), team)
    }

    /// The date of an instant for the team that has the onus of a case.
    pub fn today(&self, case: &Case, at: Timestamp) -> Date {
        self.calendar_of(case).date(at)
    }

    /// The date of an instant for the owners of the product a case is in. Of several teams the one whose day began last:
    /// a day is over when it is over for all of them.
    pub fn owner_date(&self, case: &Case, at: Timestamp) -> Date {
        let teams = case.consultations.keys().chain(&case.asked);
        let dates = teams.map(|team| self.calendar_in(case, team).date(at));
        dates.min().unwrap_or_else(|| self.today(case, at))
    }

    /// Whether a date has begun for the owners of the product a case is in: for all of their teams.
    pub(crate) fn owners_have_begun(&self, case: &Case, date: Date, moment: &Moment) -> bool {
        let teams = case.consultations.keys().chain(&case.asked);
        let begins = teams.map(|team| self.calendar_in(case, team).begins(date));
        moment.has_come(begins.max().unwrap_or_else(|| self.calendar_of(case).begins(date)))
    }
}

/// Sets a team's days; with nothing but the team, they are as in its policy again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SetCalendar {
    /// Whose.
    pub team: TeamId,
    /// What it says about them.
    #[serde(flatten)]
    pub calendar: TeamCalendar,
}

/// A team's days were set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CalendarSet {
    /// Whose.
    pub team: TeamId,
    /// What it says about them.
    #[serde(flatten)]
    pub calendar: TeamCalendar,
}

impl SetCalendar {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        ask.team(&self.team)?;
        let mut seats =
            vec![Seat::ProductOwner(self.team.clone()), Seat::Somewhere(Role::Admin), Seat::System];
        seats.extend(DRIVERS.map(Seat::Role));
        ask.seated(&seats, Some(Place { team: &self.team, case: None }), "set the calendar of that team")?;
        let TeamCalendar { time_zone, weekend, holidays } = &self.calendar;
        let faults = [
            time_zone.as_deref().and_then(zone_fault).map(|fault| format!("time_zone: {fault}")),
            weekend.as_deref().and_then(weekend_fault).map(|fault| format!("weekend: {fault}")),
            holidays.as_deref().and_then(holidays_fault).map(|fault| format!("holidays: {fault}")),
        ];
        let faults: Vec<String> = faults.into_iter().flatten().collect();
        if !faults.is_empty() {
            return Err(Refusal::argument(faults.join("; ")));
        }
        if ask.state.calendars.get(&self.team).unwrap_or(&TeamCalendar::default()) == &self.calendar {
            return Ok(Vec::new());
        }
        Ok(vec![CalendarSet { team: self.team.clone(), calendar: self.calendar.clone() }.into()])
    }
}

impl CalendarSet {
    pub(crate) fn apply(&self, state: &mut State, _: &Stamp) {
        if self.calendar == TeamCalendar::default() {
            state.calendars.remove(&self.team);
        } else {
            state.calendars.insert(self.team.clone(), self.calendar.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn working_days_between_two_dates_are_counted_day_by_day() {
        let weekends = [vec![], vec![Weekday::Saturday, Weekday::Sunday], vec![Weekday::Friday]];
        let from = Date::constant(2026, 2, 24);
        let holidays = [3, 4, 11, 12, 30].map(|days| days_later(from, days));
        for weekend in &weekends {
            let days = Calendar::new("UTC", weekend, &holidays);
            let mut count = 0;
            for after in 0..40 {
                let to = days_later(from, after);
                count += u32::from(after > 0 && days.works(to));
                assert_eq!(days.working_days_between(from, to), count, "{to}");
            }
            assert_eq!(days.working_days_between(from, days_later(from, -3)), 0);
        }
    }
}
