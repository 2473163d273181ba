//! OTLP over HTTP: log records and spans, in protobuf or JSON. Answers and faults are the specification's own.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prost::Message;

use super::body::Raw;
use crate::auth::{Allowed, Ingest};
use crate::live::Live;
use crate::otlp::{ExportFault, Logs, LogsExported, Signal, Traces, TracesExported, export};
use crate::problem::Problem;

/// Send log records.
///
/// OTLP/HTTP: protobuf (`application/x-protobuf`) or JSON (`application/json`), plain, gzip or zstd. Records named
/// `feature_flag.evaluation` are exposures, those named `tenure.outcome` are outcomes, any other is passed over. The answer
/// names what was rejected.
#[utoipa::path(
    post, path = "/v1/logs", tag = "events",
    request_body(content = String, description = "an ExportLogsServiceRequest of OTLP; in JSON too", content_type = "application/x-protobuf"),
    responses(
        (status = 200, body = LogsExported, description = "an ExportLogsServiceResponse of OTLP, in the encoding of the request"),
        (status = 400, body = ExportFault, description = "the body is no request of OTLP"),
        (status = 413, body = crate::problem::ProblemBody),
        (status = 429, body = ExportFault, description = "the queue is full; Retry-After says when to send again"),
    ),
    security(("token" = ["ingest"])),
)]
pub async fn export_logs(
    State(live): State<Arc<Live>>,
    _: Allowed<Ingest>,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Response {
    answer::<Logs>(&live, &headers, &body).await
}

/// Send spans.
///
/// OTLP/HTTP, as for log records. Events of spans named `feature_flag.evaluation` are exposures, those named
/// `tenure.outcome` are outcomes, anything else is passed over.
#[utoipa::path(
    post, path = "/v1/traces", tag = "events",
    request_body(content = String, description = "an ExportTraceServiceRequest of OTLP; in JSON too", content_type = "application/x-protobuf"),
    responses(
        (status = 200, body = TracesExported, description = "an ExportTraceServiceResponse of OTLP, in the encoding of the request"),
        (status = 400, body = ExportFault, description = "the body is no request of OTLP"),
        (status = 413, body = crate::problem::ProblemBody),
        (status = 429, body = ExportFault, description = "the queue is full; Retry-After says when to send again"),
    ),
    security(("token" = ["ingest"])),
)]
pub async fn export_traces(
    State(live): State<Arc<Live>>,
    _: Allowed<Ingest>,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Response {
    answer::<Traces>(&live, &headers, &body).await
}

/// How the bytes of a request, and of its answer, are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Protobuf,
    Json,
}

async fn answer<S: Signal>(live: &Live, headers: &HeaderMap, body: &[u8]) -> Response {
    let Some(encoding) = encoding(headers) else {
        return Problem::invalid("Content-Type", "send application/x-protobuf or application/json")
            .into_response();
    };
    let told = match read::<S>(encoding, body) {
        Ok(request) => export::<S>(live, &request).await,
        Err(detail) => Err(Problem::invalid("body", detail)),
    };
    match told {
        Ok(told) => match encoding {
            Encoding::Protobuf => protobuf(&S::answer(told)),
            Encoding::Json => Json(S::AnswerJson::from(told)).into_response(),
        },
        Err(problem) => fault(encoding, problem),
    }
}

fn protobuf(message: &impl Message) -> Response {
    ([(header::CONTENT_TYPE, "application/x-protobuf")], message.encode_to_vec()).into_response()
}

fn encoding(headers: &HeaderMap) -> Option<Encoding> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok())?;
    match kind.split(';').next().unwrap_or_default().trim() {
        "application/x-protobuf" | "application/protobuf" => Some(Encoding::Protobuf),
        "application/json" => Some(Encoding::Json),
        _ => None,
    }
}

fn read<S: Signal>(encoding: Encoding, body: &[u8]) -> Result<S::Request, String> {
    match encoding {
        Encoding::Protobuf => {
            S::Request::decode(body).map_err(|error| format!("it is no request of OTLP: {error}"))
        }
        Encoding::Json => {
            serde_json::from_slice(body).map_err(|error| format!("it is no request of OTLP in JSON: {error}"))
        }
    }
}

/// `google.rpc.Status`, in which OTLP tells of faults.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// The problem's status and headers with OTLP's body.
fn fault(encoding: Encoding, problem: Problem) -> Response {
    let message = problem.body().detail;
    let problem = problem.into_response();
    let code = code_of(problem.status());
    let mut response = match encoding {
        Encoding::Protobuf => protobuf(&Status { code, message }),
        Encoding::Json => Json(ExportFault { code, message }).into_response(),
    };
    *response.status_mut() = problem.status();
    if let Some(wait) = problem.headers().get(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, wait.clone());
    }
    response
}

/// gRPC's code for a status: what `google.rpc.Status` counts in.
fn code_of(status: StatusCode) -> i32 {
    match status {
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE => 3,
        StatusCode::TOO_MANY_REQUESTS => 8,
        StatusCode::SERVICE_UNAVAILABLE => 14,
        _ => 13,
    }
}
