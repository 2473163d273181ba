//! OpenTelemetry as a way in: which log records and span events are exposures and outcomes, and what they say.
//!
//! An application's whole telemetry may be pointed here. What is no flag evaluation and no outcome is passed over, not
//! rejected: exporters report a rejection as a fault. A retried export counts once, since the identity of an event is a
//! digest of what it says. How requests are framed is left to `http/otlp.rs` and `otlp/grpc.rs`.

mod answer;
mod attribute;
pub mod grpc;
mod record;

use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use tenure_events::{Event, Invalid, Received};

use crate::ingest::{self, Batch};
use crate::live::Live;
use crate::problem::Problem;

pub use answer::{ExportFault, LogsExported, TracesExported};
use record::{EVALUATION_NAMES, Origin, Record, event_of};

/// Reasons that one answer names at most.
const REASONS_MAX: usize = 5;

/// A kind of telemetry that is exported in requests of its own.
pub trait Signal: 'static {
    /// What is exported.
    type Request: prost::Message + Default + serde::de::DeserializeOwned + Send + 'static;
    /// What is answered …
    type Answer: prost::Message;
    /// … and the same in OTLP's JSON.
    type AnswerJson: From<Option<Told>> + serde::Serialize;
    /// The gRPC service and its method.
    const METHOD: &'static str;

    /// The events of a request.
    fn read(request: &Self::Request, received_at: jiff::Timestamp) -> Reading;
    /// The answer: what was rejected of how many, and a message to the developer.
    fn answer(told: Option<Told>) -> Self::Answer;
}

/// Log records.
#[derive(Debug, Clone, Copy)]
pub struct Logs;

/// Spans.
#[derive(Debug, Clone, Copy)]
pub struct Traces;

/// What a request held.
#[derive(Debug, Default)]
pub struct Reading {
    events: Vec<Event>,
    /// Log records or spans of which something was not accepted.
    rejected: i64,
    reasons: Vec<String>,
    refused_events: usize,
}

/// What an exporter is told beside "done".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    rejected: i64,
    message: String,
}

/// Accept a request's events. When this returns, they are on disk.
///
/// # Errors
/// The queue is full, or the disk fails: the exporter should send the request again.
pub async fn export<S: Signal>(live: &Live, request: &S::Request) -> Result<Option<Told>, Problem> {
    let Reading { events, rejected, mut reasons, refused_events } = S::read(request, live.clock.now());
    let accepted =
        ingest::accept(live, Batch { source: ingest::OTLP, events, refused: refused_events }).await?;
    let unknown = accepted.unknown.into_iter();
    reasons.extend(unknown.map(|unknown| format!("{} {}: {}", unknown.field, unknown.name, unknown.message)));
    reasons.truncate(REASONS_MAX);
    Ok((!reasons.is_empty()).then(|| Told { rejected, message: reasons.join("; ") }))
}

impl Signal for Logs {
    type Request = ExportLogsServiceRequest;
    type Answer = ExportLogsServiceResponse;
    type AnswerJson = LogsExported;
    const METHOD: &'static str = "opentelemetry.proto.collector.logs.v1.LogsService/Export";

    fn read(request: &Self::Request, received_at: jiff::Timestamp) -> Reading {
        let mut reading = Reading::default();
        for resource in &request.resource_logs {
            for scope in &resource.scope_logs {
                let origin = Origin { resource: resource.resource.as_ref(), scope: scope.scope.as_ref() };
                for log in &scope.log_records {
                    let nanoseconds = [log.time_unix_nano, log.observed_time_unix_nano];
                    let record = Record {
                        name: record::name_of(&log.event_name, &log.attributes),
                        nanoseconds: nanoseconds.into_iter().find(|time| *time > 0).unwrap_or_default(),
                        attributes: &log.attributes,
                        origin,
                    };
                    if reading.add(&record, received_at).is_err() {
                        reading.rejected += 1;
                    }
                }
            }
        }
        reading
    }

    fn answer(told: Option<Told>) -> Self::Answer {
        ExportLogsServiceResponse {
            partial_success: told.map(|told| ExportLogsPartialSuccess {
                rejected_log_records: told.rejected,
                error_message: told.message,
            }),
        }
    }
}

impl Signal for Traces {
    type Request = ExportTraceServiceRequest;
    type Answer = ExportTraceServiceResponse;
    type AnswerJson = TracesExported;
    const METHOD: &'static str = "opentelemetry.proto.collector.trace.v1.TraceService/Export";

    fn read(request: &Self::Request, received_at: jiff::Timestamp) -> Reading {
        let mut reading = Reading::default();
        for resource in &request.resource_spans {
            for scope in &resource.scope_spans {
                let origin = Origin { resource: resource.resource.as_ref(), scope: scope.scope.as_ref() };
                for span in &scope.spans {
                    let mut whole = true;
                    for record in records_of(span, origin) {
                        whole &= reading.add(&record, received_at).is_ok();
                    }
                    reading.rejected += i64::from(!whole);
                }
            }
        }
        reading
    }

    fn answer(told: Option<Told>) -> Self::Answer {
        ExportTraceServiceResponse {
            partial_success: told.map(|told| ExportTracePartialSuccess {
                rejected_spans: told.rejected,
                error_message: told.message,
            }),
        }
    }
}

/// What a span tells: by its events, and as a whole where a client makes one span an evaluation.
fn records_of<'a>(span: &'a Span, origin: Origin<'a>) -> impl Iterator<Item = Record<'a>> {
    let whole = EVALUATION_NAMES.contains(&span.name.as_str()).then_some(Record {
        name: &span.name,
        nanoseconds: span.end_time_unix_nano,
        attributes: &span.attributes,
        origin,
    });
    let events = span.events.iter().map(move |event| Record {
        name: record::name_of(&event.name, &event.attributes),
        nanoseconds: event.time_unix_nano,
        attributes: &event.attributes,
        origin,
    });
    whole.into_iter().chain(events)
}

impl Reading {
    /// Takes a record in; says when it was to be an event and is not a valid one.
    fn add(&mut self, record: &Record<'_>, received_at: jiff::Timestamp) -> Result<(), ()> {
        let received = Received { at: received_at, index: self.events.len() + self.refused_events };
        match event_of(record, received) {
            None => Ok(()),
            Some(Ok(event)) => {
                self.events.push(event);
                Ok(())
            }
            Some(Err(invalid)) => {
                self.refused_events += 1;
                self.note(&invalid);
                Err(())
            }
        }
    }

    fn note(&mut self, invalid: &Invalid) {
        let reason = invalid.to_string();
        if self.reasons.len() < REASONS_MAX && !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }
}
