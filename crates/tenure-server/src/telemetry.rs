//! What the server counts about itself, in the Prometheus text format.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// The server's counters. Cloning shares them.
#[derive(Clone)]
pub struct Telemetry {
    registry: Arc<Registry>,
    /// HTTP answers by route and status.
    pub requests: Family<RequestLabels, Counter>,
    /// Flag evaluations by how they came.
    pub evaluations: Family<EvaluationLabels, Counter>,
    /// Events by what became of them.
    pub events: Family<EventLabels, Counter>,
    /// Exposures of remote evaluations that could not be queued.
    pub exposures_refused: Counter,
    /// Commands by what became of them.
    pub commands: Family<CommandLabels, Counter>,
    /// Attempts to deliver a message by what became of them.
    pub deliveries: Family<DeliveryLabels, Counter>,
    /// Verdicts of looks.
    pub verdicts: Family<VerdictLabels, Counter>,
    /// Seconds a look took.
    pub look_seconds: Histogram,
    /// Looks that failed.
    pub looks_failed: Counter,
    /// Last entry of the journal.
    pub journal_seq: Gauge,
    /// Looks whose verdict is another one than that of the look before.
    pub verdict_changes: Family<VerdictLabels, Counter>,
    /// When the newest event of what is measured had arrived, as of its last look, in seconds since 1970.
    newest_events: Family<SubjectLabels, Gauge>,
    /// What those are of.
    looked_at: Arc<Mutex<BTreeSet<String>>>,
    /// Events that are durable but not sealed yet.
    pub events_unsealed: Gauge,
    /// Bytes that are durable but not sealed yet.
    pub events_unsealed_bytes: Gauge,
    /// Bytes of events that wait to be made durable.
    pub events_queued_bytes: Gauge,
    /// Commits of the event log that failed.
    pub event_commits_failed: Gauge,
}

/// Labels of [`Telemetry::requests`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// The route's pattern, never the path: bounded.
    pub route: String,
    /// HTTP status.
    pub status: u16,
}

/// Labels of [`Telemetry::evaluations`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct EvaluationLabels {
    /// `single` or `bulk`.
    pub kind: &'static str,
}

/// Labels of [`Telemetry::events`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct EventLabels {
    /// The way they came: `api`, `otlp`.
    pub source: &'static str,
    /// `accepted` or `refused`.
    pub result: &'static str,
}

/// Labels of [`Telemetry::commands`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CommandLabels {
    /// `ok`, or the refusal's code.
    pub result: String,
}

/// Labels of [`Telemetry::deliveries`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct DeliveryLabels {
    /// `delivered`, `again`, `failed` or `dropped`.
    pub result: &'static str,
}

/// Labels of what is measured.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SubjectLabels {
    /// The case or the experiment.
    subject: String,
}

/// Labels of [`Telemetry::verdicts`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct VerdictLabels {
    /// The verdict.
    pub verdict: String,
}

/// What a relay says of itself beside its counters. Cloning shares them.
#[derive(Debug, Clone, Default)]
pub struct RelayGauges {
    age_seconds: Gauge,
    connected: Gauge,
    events_waiting: Gauge,
}

impl RelayGauges {
    fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "relay_snapshot_age",
            "Since the upstream was heard; -1 before it ever was",
            Unit::Seconds,
            self.age_seconds.clone(),
        );
        registry.register(
            "relay_upstream_connected",
            "1 while the upstream is followed",
            self.connected.clone(),
        );
        registry.register(
            "relay_events_waiting",
            "Events that wait for the upstream",
            self.events_waiting.clone(),
        );
    }

    /// As it is now.
    pub fn set(&self, age_s: Option<i64>, connected: bool, events_waiting: u64) {
        self.age_seconds.set(age_s.unwrap_or(-1));
        self.connected.set(i64::from(connected));
        self.events_waiting.set(i64::try_from(events_waiting).unwrap_or(i64::MAX));
    }
}

impl Telemetry {
    /// Counters at zero.
    pub fn new() -> Self {
        Self::in_registry(Registry::with_prefix("tenure"))
    }

    /// Counters of a relay at zero, and what it says of itself beside them.
    pub fn of_relay() -> (Self, RelayGauges) {
        let (mut registry, gauges) = (Registry::with_prefix("tenure"), RelayGauges::default());
        gauges.register(&mut registry);
        (Self::in_registry(registry), gauges)
    }

    fn in_registry(mut registry: Registry) -> Self {
        let requests = Family::default();
        registry.register("http_requests", "HTTP answers by route and status", requests.clone());
        let evaluations = Family::default();
        registry.register("flag_evaluations", "Flag evaluations over OFREP", evaluations.clone());
        let events = Family::default();
        registry.register("events", "Events by what became of them", events.clone());
        let exposures_refused = Counter::default();
        registry.register(
            "exposures_refused",
            "Exposures of remote evaluations that could not be queued",
            exposures_refused.clone(),
        );
        let commands = Family::default();
        registry.register("commands", "Commands by what became of them", commands.clone());
        let deliveries = Family::default();
        registry.register(
            "deliveries",
            "Attempts to deliver a message by what became of them",
            deliveries.clone(),
        );
        let verdicts = Family::default();
        registry.register("look_verdicts", "Verdicts of looks", verdicts.clone());
        let look_seconds = Histogram::new(exponential_buckets(0.01, 2.0, 14));
        registry.register_with_unit(
            "look_duration",
            "How long a look took",
            Unit::Seconds,
            look_seconds.clone(),
        );
        let looks_failed = Counter::default();
        registry.register("looks_failed", "Looks that failed", looks_failed.clone());
        let journal_seq = Gauge::default();
        registry.register("journal_seq", "Last entry of the journal", journal_seq.clone());
        let verdict_changes = Family::default();
        registry.register(
            "look_verdict_changes",
            "Looks whose verdict is another one than that of the look before, by the new verdict",
            verdict_changes.clone(),
        );
        let newest_events = Family::default();
        registry.register_with_unit(
            "look_newest_event_timestamp",
            "When the newest event of a rollout or an experiment had arrived, as of its last look; how long ago is the lag",
            Unit::Seconds,
            newest_events.clone(),
        );
        let mut gauge = |name: &str, help: &str| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let events_unsealed = gauge("events_unsealed", "Durable events not yet sealed");
        let events_unsealed_bytes = gauge("events_unsealed_bytes", "Bytes of durable events not yet sealed");
        let events_queued_bytes =
            gauge("events_queued_bytes", "Bytes of events that wait to be made durable");
        let event_commits_failed =
            gauge("event_commits_failed", "Commits of the event log that failed since the start");
        Self {
            registry: Arc::new(registry),
            requests,
            evaluations,
            events,
            exposures_refused,
            commands,
            deliveries,
            verdicts,
            look_seconds,
            looks_failed,
            journal_seq,
            verdict_changes,
            newest_events,
            looked_at: Arc::default(),
            events_unsealed,
            events_unsealed_bytes,
            events_queued_bytes,
            event_commits_failed,
        }
    }

    /// A look at a case or an experiment saw its newest event.
    pub fn looked_at(&self, subject: &str, newest: Timestamp) {
        let labels = SubjectLabels { subject: subject.to_owned() };
        self.newest_events.get_or_create(&labels).set(newest.as_second());
        self.looked_at.lock().unwrap_or_else(PoisonError::into_inner).insert(labels.subject);
    }

    /// Only these are measured now: nobody is alerted about others.
    pub fn keep_looks_of(&self, subjects: &BTreeSet<String>) {
        self.looked_at.lock().unwrap_or_else(PoisonError::into_inner).retain(|subject| {
            let stays = subjects.contains(subject);
            if !stays {
                self.newest_events.remove(&SubjectLabels { subject: subject.clone() });
            }
            stays
        });
    }

    /// Take over how the event log is now.
    pub fn observe_events(&self, stats: &tenure_events::Stats) {
        let set = |gauge: &Gauge, value: u64| gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        set(&self.events_unsealed, stats.unsealed_events);
        set(&self.events_unsealed_bytes, stats.unsealed_bytes);
        set(&self.events_queued_bytes, stats.queued_bytes as u64);
        set(&self.event_commits_failed, stats.commits_failed);
    }

    /// All of them, in the text format.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        text::encode(&mut out, &self.registry)?;
        Ok(out)
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Telemetry")
    }
}
