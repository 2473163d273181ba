//! What an exporter is answered, in OTLP's JSON: nothing more than "done", or what was rejected and why.

use serde::Serialize;
use utoipa::ToSchema;

use super::Told;

/// The answer to log records.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogsExported {
    /// What was not accepted, or what the developer should know; left out when all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    partial_success: Option<LogsRejected>,
}

/// Log records that were not accepted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogsRejected {
    /// How many, as OTLP's JSON writes whole numbers: in quotes.
    rejected_log_records: String,
    /// Why, and what would be right.
    error_message: String,
}

/// The answer to spans.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TracesExported {
    /// What was not accepted, or what the developer should know; left out when all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    partial_success: Option<TracesRejected>,
}

/// Spans of which something was not accepted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TracesRejected {
    /// How many, as OTLP's JSON writes whole numbers: in quotes.
    rejected_spans: String,
    /// Why, and what would be right.
    error_message: String,
}

/// A fault, as OTLP tells of it: `google.rpc.Status`.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExportFault {
    /// gRPC's code.
    pub code: i32,
    /// What is wrong and what would be right.
    pub message: String,
}

impl From<Option<Told>> for LogsExported {
    fn from(told: Option<Told>) -> Self {
        let partial_success = told.map(|told| LogsRejected {
            rejected_log_records: told.rejected.to_string(),
            error_message: told.message,
        });
        Self { partial_success }
    }
}

impl From<Option<Told>> for TracesExported {
    fn from(told: Option<Told>) -> Self {
        let partial_success = told.map(|told| TracesRejected {
            rejected_spans: told.rejected.to_string(),
            error_message: told.message,
        });
        Self { partial_success }
    }
}
