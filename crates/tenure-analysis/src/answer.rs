//! What an engine answers: moments per epoch and arm, and what was seen of the log while making them.
//! The same data give the same answer, byte for byte.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tenure_stats::joint::Joint;
use tenure_stats::moments::Moments;

/// The answer to one [`crate::Query`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// One for each epoch of the query, in its order, also where no unit was met.
    pub epochs: Vec<EpochAnswer>,
    /// What a reader of the moments should know about the log.
    pub health: Health,
}

/// The units that were first exposed in one epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochAnswer {
    /// The epoch's number in the allocation log.
    pub epoch: u32,
    /// One for each arm of the query, in its order.
    pub arms: Vec<ArmAnswer>,
}

/// One arm in one epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmAnswer {
    /// The variant.
    pub arm: String,
    /// All exposed units, matured or not: what a sample-ratio test counts.
    pub units: u64,
    /// One for each metric of the query, in its order.
    pub metrics: Vec<MetricAnswer>,
    /// The first metric's values by day since first exposure, of units whose window has elapsed, when days were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_day: Option<Joint>,
}

/// One metric of one arm in one epoch; every exposed unit is in exactly one of the two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricAnswer {
    /// The metric's name.
    pub name: String,
    /// Of the units whose window has elapsed: what a verdict may use.
    pub moments: Moments,
    /// Of the units still being watched, as far as they have come: provisional.
    pub immature: Moments,
}

/// What was seen of the log: every event about the query is in exactly one of the first six counts. Events about it are those about the query: exposures to its flag and revision, and outcomes
/// that one of its metrics names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Exposures that counted: to one of the arms, each once.
    pub exposures: u64,
    /// Exposures to other variants, such as `off`.
    pub other_exposures: u64,
    /// Outcomes, each once, whether or not they fell into a window.
    pub outcomes: u64,
    /// Repeats of an event already counted, by its unit and id, that the log still holds: it drops them when it can.
    pub duplicates: u64,
    /// Events that arrived after the lateness had passed; not counted.
    pub late: u64,
    /// Events that carry no unit of the query's type; not counted.
    pub without_unit: u64,
    /// Units exposed to more than one arm; in no arm of the answer.
    pub units_in_two_arms: u64,
    /// Units first exposed before the first epoch; in no arm of the answer.
    pub units_before_epochs: u64,
    /// When the newest event happened.
    pub freshest_at: Option<Timestamp>,
    /// When the newest event was received.
    pub freshest_received_at: Option<Timestamp>,
}
