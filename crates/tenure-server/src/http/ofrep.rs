//! OFREP 0.3: flags for OpenFeature clients, one at a time and in bulk.
//!
//! The answers are the specification's own, not problem+json: clients read `errorCode` and `errorDetails`. What real
//! clients choke on is avoided: `variant` is always a string, `reason` always a standard one, `errorDetails` always there.
//! A single evaluation of a flag with a rollout is an exposure and is recorded; a bulk one only assigns.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tenure_flags::{Context, ErrorCode, EvaluationError, Resolution};
use utoipa::{IntoParams, ToSchema};

use super::body::Raw;
use super::flag_stream::{self, EventStream};
use super::query::Query;
use crate::auth::{Allowed, Evaluate};
use crate::flag_node::FlagNode;
use crate::problem::Problem;
use crate::selector::View;
use crate::telemetry::EvaluationLabels;

/// How long a client that knows of a newer version is kept waiting for it.
const CATCH_UP_MAX: Duration = Duration::from_secs(1);

/// What a client sends.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; it is read field by field for OFREP's own errors")]
pub struct EvaluationRequest {
    /// Attributes of the caller; `targetingKey` names the unit.
    #[schema(value_type = Object)]
    context: Value,
}

/// One flag's answer.
// Written straight from the compiled flags: of a thousand answers, none is copied.
#[derive(Debug, Serialize, ToSchema)]
pub struct EvaluationSuccess<'a> {
    /// The flag.
    pub key: &'a str,
    /// STATIC, TARGETING_MATCH, SPLIT, DISABLED, DEFAULT or UNKNOWN.
    pub reason: &'static str,
    /// The variant; empty where there is none.
    pub variant: &'a str,
    /// The value; left out where the default in the caller's code applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub value: Option<&'a Value>,
    /// Metadata of the flag and of its set.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub metadata: &'a Map<String, Value>,
}

/// One flag's failure.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EvaluationFailure<'a> {
    /// The flag; empty where the whole request failed.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub key: &'a str,
    /// FLAG_NOT_FOUND, PARSE_ERROR, TARGETING_KEY_MISSING, INVALID_CONTEXT, TYPE_MISMATCH or GENERAL.
    pub error_code: &'static str,
    /// What is wrong.
    pub error_details: String,
}

/// All flags' answers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BulkEvaluation<'a> {
    /// An answer or a failure per flag.
    #[schema(value_type = Vec<EvaluationSuccess>)]
    pub flags: Vec<Answer<'a>>,
    /// Metadata of the flag set.
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
    /// Where a client learns that it should evaluate again.
    pub event_streams: Vec<EventStream>,
}

/// What a client knows that was told of a change by an event stream.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
pub struct Known {
    /// The version that the stream told of.
    flag_config_etag: Option<String>,
    /// When that version came about, in seconds since 1970.
    flag_config_last_modified: Option<i64>,
}

/// An answer or a failure.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer<'a> {
    /// The flag has an answer.
    Success(EvaluationSuccess<'a>),
    /// The flag has none.
    Failure(EvaluationFailure<'a>),
}

/// Evaluate one flag.
///
/// For a flag with a rollout this records the exposure of the unit.
#[utoipa::path(
    post, path = "/ofrep/v1/evaluate/flags/{key}", tag = "ofrep",
    params(("key" = String, Path, description = "The flag")),
    request_body = EvaluationRequest,
    responses(
        (status = 200, body = EvaluationSuccess),
        (status = 400, body = EvaluationFailure),
        (status = 401), (status = 403),
        (status = 404, body = EvaluationFailure),
        (status = 429),
    ),
    security(("token" = ["evaluate"]), ("api_key" = ["evaluate"])),
)]
pub async fn evaluate_flag(
    State(node): State<Arc<FlagNode>>,
    allowed: Allowed<Evaluate>,
    Path(key): Path<String>,
    headers: HeaderMap,
    Attributes(attributes): Attributes,
) -> Result<Response, Problem> {
    node.telemetry.evaluations.get_or_create(&EvaluationLabels { kind: "single" }).inc();
    let view = node.select(&allowed.principal, &headers, "")?;
    let attributes = match attributes {
        Ok(attributes) => node.attributes(attributes),
        Err(error) => return Ok(failure(&key, error)),
    };
    let context = Context::new(&attributes);
    Ok(match view.evaluate(&key, &context, node.clock.now()) {
        Ok(resolution) => {
            node.record_exposure(&view, &resolution, &context, "ofrep");
            Json(success(&resolution)).into_response()
        }
        Err(error) => failure(&key, error),
    })
}

/// Evaluate all flags.
///
/// The `ETag` covers the definitions and the context; with `If-None-Match` an unchanged answer is 304. Nothing is recorded.
/// `flagConfigEtag` and `flagConfigLastModified` come from an event stream: a node that is behind waits a moment for that version.
#[utoipa::path(
    post, path = "/ofrep/v1/evaluate/flags", tag = "ofrep", params(Known),
    request_body = EvaluationRequest,
    responses(
        (status = 200, body = BulkEvaluation), (status = 304),
        (status = 400, body = EvaluationFailure), (status = 401), (status = 403), (status = 429),
    ),
    security(("token" = ["evaluate"]), ("api_key" = ["evaluate"])),
)]
pub async fn evaluate_flags(
    State(node): State<Arc<FlagNode>>,
    allowed: Allowed<Evaluate>,
    Query(known): Query<Known>,
    headers: HeaderMap,
    Attributes(attributes): Attributes,
) -> Result<Response, Problem> {
    node.telemetry.evaluations.get_or_create(&EvaluationLabels { kind: "bulk" }).inc();
    let attributes = match attributes {
        Ok(attributes) => node.attributes(attributes),
        Err(error) => return Ok(failure("", error)),
    };
    let view = node.select(&allowed.principal, &headers, "")?;
    let view = caught_up(&node, view, &known).await;
    let context = Context::new(&attributes);
    let now = node.clock.now();
    let flags = view
        .evaluate_all(&context, now)
        .map(|(key, answer)| match answer {
            Ok(resolution) => Answer::Success(success(&resolution)),
            Err(error) => Answer::Failure(failed(key, error)),
        })
        .collect();
    let event_streams = vec![flag_stream::address(&node, &view, now)];
    let answer = BulkEvaluation { flags, metadata: view.metadata(), event_streams };
    let body = serde_json::to_vec(&answer).map_err(|error| Problem::Internal(error.to_string()))?;
    let etag = etag(&view, &attributes, &body);
    let mut response = match headers.get(header::IF_NONE_MATCH) {
        Some(seen) if matches(seen, &etag) => StatusCode::NOT_MODIFIED.into_response(),
        _ => ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response(),
    };
    if let Ok(value) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    Ok(response)
}

/// The flags at least as new as the version that the client was told of, or as they are after a short wait.
async fn caught_up(node: &Arc<FlagNode>, view: View, known: &Known) -> View {
    let Some(told) = &known.flag_config_etag else { return view };
    let is_behind = |view: &View| {
        let at: Timestamp = view.snapshot.at();
        view.snapshot.document().version() != told
            && known.flag_config_last_modified.is_some_and(|modified| at.as_second() < modified)
    };
    if !is_behind(&view) {
        return view;
    }
    let Ok(newer) = node.follow(&view) else { return view };
    let mut newer = std::pin::pin!(newer.skip_while(|view| futures::future::ready(is_behind(view))));
    match tokio::time::timeout(CATCH_UP_MAX, newer.next()).await {
        Ok(Some(newer)) => newer,
        _ => node.renewed(&view),
    }
}

/// Changes with the definitions, with the context, with the answers where a rule reads the clock, and with the address of
/// the event stream.
fn etag(view: &View, attributes: &Map<String, Value>, body: &[u8]) -> String {
    let mut digest = Sha256::new();
    let context = serde_json::to_vec(attributes).unwrap_or_default();
    for part in [view.environment.as_bytes(), view.snapshot.document().version().as_bytes(), &context, body] {
        digest.update(part.len().to_le_bytes());
        digest.update(part);
    }
    format!("\"{}\"", hex::encode(&digest.finalize()[..16]))
}

/// Is the tag among those of `If-None-Match`? A proxy that compressed the answer may have made it a weak one.
fn matches(seen: &HeaderValue, etag: &str) -> bool {
    let seen = seen.to_str().unwrap_or_default();
    seen.split(',').map(str::trim).any(|seen| seen == "*" || seen.strip_prefix("W/").unwrap_or(seen) == etag)
}

/// The attributes of a request's context, or OFREP's own word for what is wrong with them.
pub struct Attributes(Result<Map<String, Value>, EvaluationError>);

impl<S: Send + Sync> FromRequest<S> for Attributes {
    type Rejection = Infallible;

    async fn from_request(request: Request, state: &S) -> Result<Self, Infallible> {
        Ok(Self(match Raw::from_request(request, state).await {
            Ok(Raw(body)) => read_context(&body),
            Err(problem) => Err(EvaluationError::new(ErrorCode::InvalidContext, problem.body().detail)),
        }))
    }
}

fn read_context(body: &[u8]) -> Result<Map<String, Value>, EvaluationError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    let invalid = |message: &str| EvaluationError::new(ErrorCode::InvalidContext, message);
    let body: Value = serde_json::from_slice(body).map_err(|error| {
        EvaluationError::new(ErrorCode::ParseError, format!("the body is not JSON: {error}"))
    })?;
    let Value::Object(mut body) = body else {
        return Err(invalid("the body must be an object with a context"));
    };
    match body.remove("context") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(context)) => match context.get(Context::TARGETING_KEY) {
            None | Some(Value::String(_) | Value::Null) => Ok(context),
            Some(_) => Err(invalid("context.targetingKey must be a string")),
        },
        Some(_) => Err(invalid("context must be an object")),
    }
}

fn success<'a>(resolution: &Resolution<'a>) -> EvaluationSuccess<'a> {
    EvaluationSuccess {
        key: resolution.key,
        reason: resolution.reason.as_str(),
        variant: resolution.variant.unwrap_or_default(),
        value: resolution.value,
        metadata: resolution.metadata,
    }
}

fn failed(key: &str, error: EvaluationError) -> EvaluationFailure<'_> {
    EvaluationFailure { key, error_code: error.code.as_str(), error_details: error.message }
}

fn failure(key: &str, error: EvaluationError) -> Response {
    let status = match error.code {
        ErrorCode::FlagNotFound => StatusCode::NOT_FOUND,
        _ => StatusCode::BAD_REQUEST,
    };
    (status, Json(failed(key, error))).into_response()
}
