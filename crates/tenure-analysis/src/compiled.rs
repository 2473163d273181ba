//! A query made ready for meeting events one by one: what a name, a variant or an attribute means to it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::SignedDuration;
use tenure_events::REPEAT_HORIZON;

use crate::query::{Condition, Query};

/// A UTC day, counted from 1970.
pub(crate) type Day = i32;

pub(crate) const DAY_MICROSECONDS: i64 = 86_400_000_000;

/// The day of an instant, in microseconds since 1970.
pub(crate) fn day_of(at: i64) -> Day {
    at.div_euclid(DAY_MICROSECONDS) as Day
}

/// When a day starts, in microseconds since 1970.
pub(crate) fn start_of(day: Day) -> i64 {
    i64::from(day) * DAY_MICROSECONDS
}

/// What an event about the query is to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// An exposure to a variant that is none of the arms.
    Elsewhere,
    /// An exposure to the arm at this place.
    Exposure(u16),
    /// An outcome that passes for the metrics of this class ([`Compiled::metrics_of`]).
    Outcome(u16),
}

/// A query, made ready.
pub(crate) struct Compiled {
    pub query: Query,
    /// In microseconds, like all below.
    pub as_of: i64,
    pub lateness: i64,
    pub repeat_horizon: i64,
    /// The window of each metric.
    pub windows: Vec<i64>,
    names: HashMap<String, Outcomes>,
    classes: Mutex<Classes>,
}

/// Outcomes of one name.
pub(crate) struct Outcomes {
    /// Metrics that ask for them.
    metrics: Vec<u16>,
    /// The class of all of them; none when a metric filters.
    class: Option<u16>,
}

/// Sets of metrics that an outcome may pass for, each told once.
#[derive(Default)]
struct Classes {
    sets: Vec<Vec<u16>>,
    places: HashMap<Vec<u16>, u16>,
}

impl Compiled {
    pub fn new(query: Query) -> Self {
        let mut names: HashMap<String, Outcomes> = HashMap::new();
        for (place, metric) in query.metrics.iter().enumerate() {
            let outcomes = names.entry(metric.event.clone());
            outcomes
                .or_insert_with(|| Outcomes { metrics: Vec::new(), class: None })
                .metrics
                .push(place as u16);
        }
        let mut classes = Classes::default();
        for outcomes in names.values_mut() {
            let filters = |metric: &u16| !query.metrics[usize::from(*metric)].filter.is_empty();
            if !outcomes.metrics.iter().any(filters) {
                outcomes.class = classes.place_of(outcomes.metrics.clone());
            }
        }
        Self {
            as_of: query.as_of.as_microsecond(),
            lateness: microseconds(query.lateness),
            repeat_horizon: microseconds(REPEAT_HORIZON),
            windows: query
                .metrics
                .iter()
                .map(|metric| metric.window.map_or(i64::MAX, microseconds))
                .collect(),
            names,
            classes: Mutex::new(classes),
            query,
        }
    }

    /// Outcomes of a name that some metric asks for.
    pub fn outcomes(&self, name: &str) -> Option<&Outcomes> {
        self.names.get(name)
    }

    /// What an outcome is to the query; none if there are more ways to pass than can be told apart.
    pub fn what<'a>(
        &self,
        outcomes: &Outcomes,
        value: Option<f64>,
        attribute: impl Fn(&str) -> Option<&'a str>,
    ) -> Option<What> {
        let class = match outcomes.class {
            Some(class) => Some(class),
            None => {
                let passes = |metric: &&u16| {
                    self.query.metrics[usize::from(**metric)].filter.iter().all(|condition| match condition {
                        Condition::Attribute { name, equals } => attribute(name) == Some(equals),
                        Condition::ValueAtLeast(bound) => value.is_some_and(|value| value >= *bound),
                        Condition::ValueBelow(bound) => value.is_some_and(|value| value < *bound),
                    })
                };
                self.classes().place_of(outcomes.metrics.iter().filter(passes).copied().collect())
            }
        };
        class.map(What::Outcome)
    }

    /// Whether a metric looks at attributes.
    pub fn reads_attributes(&self) -> bool {
        let attribute = |condition: &Condition| matches!(condition, Condition::Attribute { .. });
        self.query.metrics.iter().any(|metric| metric.filter.iter().any(attribute))
    }

    /// The metrics of each class met so far.
    pub fn metrics_of(&self) -> Vec<Vec<u16>> {
        self.classes().sets.clone()
    }

    fn classes(&self) -> std::sync::MutexGuard<'_, Classes> {
        self.classes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Classes {
    fn place_of(&mut self, set: Vec<u16>) -> Option<u16> {
        if let Some(place) = self.places.get(&set) {
            return Some(*place);
        }
        let place = u16::try_from(self.sets.len()).ok()?;
        self.sets.push(set.clone());
        self.places.insert(set, place);
        Some(place)
    }
}

/// As the log counts time; a duration beyond its reach is as good as endless.
pub(crate) fn microseconds(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
