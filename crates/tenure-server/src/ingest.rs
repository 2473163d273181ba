//! What every way in has in common: exposures get the revision they were of, events are appended, counted, and their
//! sender is told what nobody here knows. It does not know how events are spelt on the wire.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use tenure_core::State;
use tenure_core::id::FlagKey;
use tenure_events::{Event, Kind};
use utoipa::ToSchema;

use crate::live::Live;
use crate::problem::Problem;
use crate::telemetry::{EventLabels, Telemetry};

/// The ways in.
pub const API: &str = "api";
/// OpenTelemetry's.
pub const OTLP: &str = "otlp";
const SOURCES: [&str; 2] = [API, OTLP];
/// Names that one answer tells of at most.
const UNKNOWN_NAMES_MAX: usize = 20;

/// Events as they came in together.
pub struct Batch {
    /// The way they came: `api`, `otlp`.
    pub source: &'static str,
    /// The valid ones.
    pub events: Vec<Event>,
    /// How many others there were.
    pub refused: usize,
}

/// What was accepted, durably.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// How many events.
    pub events: usize,
    /// What they name that is not defined here.
    pub unknown: Vec<Unknown>,
}

/// Accepted events that name what is not defined here: kept, and counted as soon as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Unknown {
    /// `flag`, or `event`: an outcome that no metric measures.
    pub field: String,
    /// The name as it was sent.
    pub name: String,
    /// How many of the accepted events have it.
    pub events: usize,
    /// What that means and what to do.
    pub message: String,
}

/// Accept events: when this returns, they are on disk.
///
/// # Errors
/// The queue is full, or the disk fails: none of the events is accepted.
pub async fn accept(live: &Live, batch: Batch) -> Result<Accepted, Problem> {
    let Batch { source, mut events, refused } = batch;
    let unknown = {
        let state = live.state();
        complete(&state, &mut events);
        unknown(&state, &events)
    };
    live.audit.compare(&live.node.all_flags(), &events, live.clock.now());
    let count = |result, count: usize| {
        live.telemetry.events.get_or_create(&EventLabels { source, result }).inc_by(count as u64);
    };
    count("refused", refused);
    let sound = events.len();
    let events = if events.is_empty() {
        0
    } else {
        let receipt = live.events.append(events).await;
        receipt.inspect_err(|_| count("refused", sound))?.events
    };
    count("accepted", events);
    Ok(Accepted { events, unknown })
}

/// How many events were accepted and how many refused since the server started, whichever way they came.
pub fn totals(telemetry: &Telemetry) -> [u64; 2] {
    ["accepted", "refused"].map(|result| {
        let of = |source| telemetry.events.get_or_create(&EventLabels { source, result }).get();
        SOURCES.into_iter().map(of).sum()
    })
}

/// Gives exposures without a revision the one that their flag had when they happened. Some clients' telemetry leaves it
/// out; without it a new iteration would be blamed for what an older one showed.
fn complete(state: &State, events: &mut [Event]) {
    for event in events {
        if let Kind::Exposure { flag, revision: None, .. } = event.kind()
            && let Some(revision) = revision_at(state, flag, event.at())
        {
            event.complete_revision(revision);
        }
    }
}

/// The revision of what was compared on a flag at an instant: a run, or a rollout as far as its present iteration reaches
/// back.
fn revision_at(state: &State, flag: &str, at: Timestamp) -> Option<String> {
    let key = FlagKey::new(flag).ok()?;
    if let Some(run) = state.run_of_flag(&key) {
        return (run.started.as_ref()?.at <= at).then(|| run.revision());
    }
    let case = state.case_of_flag(&key)?;
    let since = case.epochs().next()?.at;
    (since <= at).then(|| case.rollout()).flatten().map(|rollout| rollout.version)
}

fn unknown(state: &State, events: &[Event]) -> Vec<Unknown> {
    let mut counts: BTreeMap<(&'static str, &str), usize> = BTreeMap::new();
    for event in events {
        let name = match event.kind() {
            Kind::Exposure { flag, .. } => ("flag", flag.as_str()),
            Kind::Outcome { name, .. } => ("event", name.as_str()),
        };
        *counts.entry(name).or_default() += 1;
    }
    let measured = |name: &str| state.metrics.iter().any(|(id, metric)| metric.event(id) == name);
    let is_unknown = |field, name: &str| match field {
        "flag" => !is_flag(state, name),
        _ => !measured(name),
    };
    counts
        .into_iter()
        .filter(|((field, name), _)| is_unknown(*field, name))
        .take(UNKNOWN_NAMES_MAX)
        .map(|((field, name), events)| Unknown {
            field: field.to_owned(),
            name: name.to_owned(),
            events,
            message: match field {
                "flag" => "no flag has this key; kept, and counted as soon as a rollout of it asks; check the spelling",
                _ => "no metric measures this event; kept, and counted as soon as one does; check the spelling",
            }
            .to_owned(),
        })
        .collect()
}

fn is_flag(state: &State, key: &str) -> bool {
    let is_known = |key: &FlagKey| {
        state.flags.contains_key(key)
            || state.flag_cases.contains_key(key)
            || state.flag_runs.contains_key(key)
    };
    FlagKey::new(key).is_ok_and(|key| is_known(&key))
}
