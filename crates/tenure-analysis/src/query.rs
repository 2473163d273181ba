//! What is asked of an engine: the moments of every metric of one flag revision, per allocation epoch and
//! arm. Plain data; it knows no engine and no storage.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::by_day::DAYS_MAX;

/// Events that arrive later than this after they happened are reported, not counted, unless a query says otherwise.
pub const LATENESS_DEFAULT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// One question about one revision of one flag. All its metrics are answered in one pass over the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// The flag's key.
    pub flag: String,
    /// The case and iteration that the exposures carry, such as `PC-1/1`; `None` takes every revision.
    pub revision: Option<String>,
    /// What is randomised and counted: `user`, `tenant`, `device`.
    pub unit_type: String,
    /// The variants that are compared, control first. Exposures to other variants are counted apart.
    pub arms: Vec<String>,
    /// The allocation log. A unit belongs to the epoch of its first exposure; one that was exposed before the
    /// first epoch is left out and counted.
    pub epochs: Vec<Epoch>,
    /// The instant of the look: the log as it was known then. What happened or was received later is not seen.
    pub as_of: Timestamp,
    /// How long after it happened an event may arrive and still count.
    pub lateness: SignedDuration,
    /// What is measured.
    pub metrics: Vec<Metric>,
    /// Of how many days since a unit's first exposure its values of the first metric are told apart; none when 0. Its window
    /// holds all of them, so that the units that count are seen on every day.
    #[serde(default)]
    pub days: u32,
}

/// A stretch of unchanged coverage; it lasts until the next one starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Epoch {
    /// Its number in the allocation log.
    pub index: u32,
    /// When its coverage took effect.
    pub starts_at: Timestamp,
}

/// How the outcomes of a unit become one number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name in the answer.
    pub name: String,
    /// The outcome's name in the log.
    pub event: String,
    /// Only outcomes that pass all of these count.
    #[serde(default)]
    pub filter: Vec<Condition>,
    /// How several outcomes become one number.
    pub aggregation: Aggregation,
    /// How long after its first exposure a unit is watched: from the exposure, included, to its end, excluded.
    /// A unit is *matured* when the window has elapsed. Without a window it is watched until the look and
    /// counts as matured at once.
    #[serde(default)]
    pub window: Option<SignedDuration>,
    /// A unit's number is never taken larger than this.
    #[serde(default)]
    pub cap: Option<f64>,
}

/// How a unit's outcomes become one number. A unit without outcomes has 0. Outcomes without a value take part in
/// `any` and `count` only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregation {
    /// 1 if there is an outcome, else 0: a proportion.
    Any,
    /// The number of outcomes.
    Count,
    /// The sum of their values.
    Sum,
    /// The mean of their values.
    Mean,
    /// The value of the last one; of several at the same instant, the one with the largest event id, then value.
    Last,
}

/// What an outcome must satisfy to be counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// An attribute of the event has exactly this value.
    Attribute {
        /// The attribute's name.
        name: String,
        /// The value it must have.
        equals: String,
    },
    /// The outcome's value is at least this.
    ValueAtLeast(f64),
    /// The outcome's value is below this.
    ValueBelow(f64),
}

/// Why a query makes no sense, whatever the data.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum QueryError {
    /// More days are to be told apart than units are watched.
    #[error("the query tells {days} days apart; the first metric's window and the engine allow {days_max}")]
    Days {
        /// So many were asked for.
        days: u32,
        /// So many can be told apart.
        days_max: u32,
    },
    /// A list that must not be empty is.
    #[error("the query names no {what}; name at least one")]
    Nothing {
        /// `arms`, `epochs` or `metrics`.
        what: &'static str,
    },
    /// Two things of the same name.
    #[error("the query names {what} `{name}` twice; names must differ")]
    Repeated {
        /// `arm` or `metric`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The epochs are out of order.
    #[error(
        "epoch {index} starts at {starts_at}, not after the epoch before it; order the epochs by their start"
    )]
    EpochOrder {
        /// The epoch.
        index: u32,
        /// Its start.
        starts_at: Timestamp,
    },
    /// A window, a cap or a lateness that cannot be used.
    #[error("metric `{metric}` has {field} {value}; {remedy}")]
    Metric {
        /// The metric.
        metric: String,
        /// `window`, `cap` or `filter`.
        field: &'static str,
        /// What was given.
        value: String,
        /// What would do.
        remedy: &'static str,
    },
    /// A negative lateness.
    #[error("the lateness is {0:#}; it must not be negative")]
    Lateness(SignedDuration),
}

impl Query {
    /// Checks what an engine relies on. Engines call it first.
    pub fn check(&self) -> Result<(), QueryError> {
        for (what, empty) in [
            ("arms", self.arms.is_empty()),
            ("epochs", self.epochs.is_empty()),
            ("metrics", self.metrics.is_empty()),
        ] {
            if empty {
                return Err(QueryError::Nothing { what });
            }
        }
        check_distinct("arm", self.arms.iter())?;
        check_distinct("metric", self.metrics.iter().map(|metric| &metric.name))?;
        for pair in self.epochs.windows(2) {
            let [before, Epoch { index, starts_at }] = pair else { continue };
            if *starts_at <= before.starts_at {
                return Err(QueryError::EpochOrder { index: *index, starts_at: *starts_at });
            }
        }
        if self.lateness.is_negative() {
            return Err(QueryError::Lateness(self.lateness));
        }
        self.metrics.iter().try_for_each(Metric::check)?;
        let seen_max = self.metrics.first().map_or(0, Metric::days);
        if self.days > seen_max {
            return Err(QueryError::Days { days: self.days, days_max: seen_max });
        }
        Ok(())
    }
}

impl Metric {
    /// The whole days since first exposure that its window holds, as far as they can be told apart; none without a window.
    pub fn days(&self) -> u32 {
        let hours = self.window.map_or(0, |window| window.as_hours());
        u32::try_from(hours / 24).unwrap_or(DAYS_MAX).min(DAYS_MAX)
    }

    fn check(&self) -> Result<(), QueryError> {
        let bad = |field, value: String, remedy| {
            Err(QueryError::Metric { metric: self.name.clone(), field, value, remedy })
        };
        if let Some(window) = self.window
            && window <= SignedDuration::ZERO
        {
            return bad("window", format!("{window:#}"), "it must be longer than nothing");
        }
        if let Some(cap) = self.cap
            && !(cap.is_finite() && cap > 0.0)
        {
            return bad("cap", cap.to_string(), "it must be a positive number");
        }
        for condition in &self.filter {
            if let Condition::ValueAtLeast(bound) | Condition::ValueBelow(bound) = condition
                && !bound.is_finite()
            {
                return bad("filter", bound.to_string(), "it must be a finite number");
            }
        }
        Ok(())
    }
}

fn check_distinct<'a>(what: &'static str, names: impl Iterator<Item = &'a String>) -> Result<(), QueryError> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(QueryError::Repeated { what, name: name.clone() });
        }
    }
    Ok(())
}
