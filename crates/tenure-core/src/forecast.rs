//! Forecast: how long a rollout goes on being measured at its present pace. It never aborts anything: little traffic only
//! takes longer, and what is open at the plan's largest duration ends as underpowered.

use jiff::civil::Date;
use tenure_stats::number::count;

use crate::case::Case;
use crate::state::State;
use crate::time::{days_between, days_later};

/// How far a rollout's measurement is, and when it will be there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Forecast {
    /// Matured units in the smaller arm.
    pub units: u64,
    /// Units an arm that are planned.
    pub planned: u64,
    /// Units an arm that come a day, as the wave that runs admits them.
    pub per_day: f64,
    /// The date at which the plan is over, whatever was seen.
    pub ends: Date,
}

impl Forecast {
    /// Days until the planned units are there; none when none come.
    fn days_left(&self) -> Option<i64> {
        let left = self.planned.saturating_sub(self.units) as f64 / self.per_day;
        left.is_finite().then(|| left.ceil().clamp(0.0, 1e6) as i64)
    }

    /// The same in words, seen on a date.
    pub fn sentence(&self, today: Date) -> String {
        let so_far = format!("{} of {} units an arm are there", count(self.units), count(self.planned));
        match self.days_left() {
            _ if self.units >= self.planned => {
                format!("the {} planned units an arm are there", count(self.planned))
            }
            Some(days) if days_later(today, days) <= self.ends => {
                format!("{so_far}, and the rest by {} at this pace", days_later(today, days))
            }
            Some(_) => {
                let days = days_between(today, self.ends).max(0) as f64;
                let at_end = self.units + (self.per_day * days) as u64;
                format!(
                    "{so_far}, and {} when it ends at this pace: it may end as underpowered",
                    count(at_end)
                )
            }
            None => format!("{so_far}, and no more come: it ends as underpowered unless they do"),
        }
    }
}

impl State {
    /// The forecast of a rollout that Tenure measures; none before its second look in the wave that runs.
    pub(crate) fn forecast(&self, case: &Case) -> Option<Forecast> {
        let (plan, running) = (case.plan.as_ref()?, case.running.as_ref()?);
        let design = case.measurements.design.as_ref()?;
        let latest = case.measurements.latest.as_ref()?;
        // The arms of the first looks of a wave are those of the wave before: a unit's window has to pass.
        let mut own = case.measurements.track.iter().filter(|point| point.own && point.at > running.since);
        let (first, last) = (own.next()?, own.next_back()?);
        let days = last.at.duration_since(first.at).as_secs_f64() / 86_400.0;
        let both = last.units.saturating_sub(first.units) as f64;
        let smaller = plan.treatment_share.min(1.0 - plan.treatment_share);
        Some(Forecast {
            units: latest.control.n.min(latest.treatment.n),
            planned: design.planned_n,
            per_day: both * smaller / days.max(1e-9),
            ends: days_later(running.started_on, i64::from(plan.max_days)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_long_and_when_it_will_not_do() {
        let date = |text: &str| text.parse::<Date>().unwrap();
        let check = |units: u64, per_day: f64, says: &str| {
            let forecast = Forecast { units, planned: 8_000, per_day, ends: date("2026-06-01") };
            assert_eq!(forecast.sentence(date("2026-05-01")), says);
        };
        check(9_000, 500.0, "the 8,000 planned units an arm are there");
        check(2_000, 600.0, "2,000 of 8,000 units an arm are there, and the rest by 2026-05-11 at this pace");
        check(
            2_000,
            10.0,
            "2,000 of 8,000 units an arm are there, and 2,310 when it ends at this pace: it may end as underpowered",
        );
        check(
            2_000,
            0.0,
            "2,000 of 8,000 units an arm are there, and no more come: it ends as underpowered unless they do",
        );
    }
}
