//! OFREP 0.3: flags for OpenFeature clients, one at a time and in bulk.
//!
//! The answers are the specification's own, not problem+json: clients read `errorCode` and `errorDetails`. What real
//! clients choke on is avoided: `variant` is always a string, `reason` always a standard one, `errorDetails` always there.
//! A single evaluation of a flag with a rollout is an exposure and is recorded; a bulk one only assigns.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tenure_flags::{Context, EvaluationError, Resolution};
use utoipa::ToSchema;

use crate::auth::{Allowed, Evaluate};
use crate::live::Live;
use crate::telemetry::EvaluationLabels;

/// What a client sends.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body; it is read field by field for OFREP's own errors")]
pub struct EvaluationRequest {
    /// Attributes of the caller; `targetingKey` names the unit.
    #[schema(value_type = Object)]
    context: Value,
}

/// One flag's answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct EvaluationSuccess {
    /// The flag.
    pub key: String,
    /// STATIC, TARGETING_MATCH, SPLIT, DISABLED, DEFAULT or UNKNOWN.
    pub reason: String,
    /// The variant; empty where there is none.
    pub variant: String,
    /// The value; left out where the default in the caller's code applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub value: Option<Value>,
    /// Metadata of the flag and of its set.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
}

/// One flag's failure.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EvaluationFailure {
    /// The flag; empty where the whole request failed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// FLAG_NOT_FOUND, PARSE_ERROR, TARGETING_KEY_MISSING, INVALID_CONTEXT, TYPE_MISMATCH or GENERAL.
    pub error_code: String,
    /// What is wrong.
    pub error_details: String,
}

/// All flags' answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkEvaluation {
    /// An answer or a failure per flag.
    #[schema(value_type = Vec<EvaluationSuccess>)]
    pub flags: Vec<Answer>,
}

/// An answer or a failure.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// The flag has an answer.
    Success(EvaluationSuccess),
    /// The flag has none.
    Failure(EvaluationFailure),
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
    State(live): State<Arc<Live>>,
    allowed: Allowed<Evaluate>,
    Path(key): Path<String>,
    body: Bytes,
) -> Response {
    live.telemetry.evaluations.get_or_create(&EvaluationLabels { kind: "single" }).inc();
    let context = match read_context(&body) {
        Ok(context) => context,
        Err(error) => return failure(&key, &error),
    };
    let snapshot = live.flags(allowed.environment());
    let context = Context::new(&context);
    match snapshot.evaluate(&key, &context, live.clock.now()) {
        Ok(resolution) => {
            if let (Some(rollout), Some(variant)) = (snapshot.measured(&key), resolution.variant) {
                live.record_exposure(rollout, variant, resolution.reason.as_str(), &context);
            }
            Json(success(&key, &resolution)).into_response()
        }
        Err(error) => failure(&key, &error),
    }
}

/// Evaluate all flags.
///
/// The `ETag` covers the definitions and the context; with `If-None-Match` an unchanged answer is 304. Nothing is recorded.
#[utoipa::path(
    post, path = "/ofrep/v1/evaluate/flags", tag = "ofrep",
    request_body = EvaluationRequest,
    responses(
        (status = 200, body = BulkEvaluation), (status = 304),
        (status = 400, body = EvaluationFailure), (status = 401), (status = 403), (status = 429),
    ),
    security(("token" = ["evaluate"]), ("api_key" = ["evaluate"])),
)]
pub async fn evaluate_flags(
    State(live): State<Arc<Live>>,
    allowed: Allowed<Evaluate>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    live.telemetry.evaluations.get_or_create(&EvaluationLabels { kind: "bulk" }).inc();
    let context = match read_context(&body) {
        Ok(context) => context,
        Err(error) => return failure("", &error),
    };
    let snapshot = live.flags(allowed.environment());
    let context = Context::new(&context);
    let answers: Vec<Answer> = snapshot
        .evaluate_all(&context, live.clock.now())
        .map(|(key, answer)| match answer {
            Ok(resolution) => Answer::Success(success(key, &resolution)),
            Err(error) => Answer::Failure(failed(key, &error)),
        })
        .collect();
    let body = BulkEvaluation { flags: answers };
    let etag = etag(allowed.environment(), &body);
    let unchanged = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|seen| seen.split(',').any(|seen| seen.trim() == etag));
    let mut response =
        if unchanged { StatusCode::NOT_MODIFIED.into_response() } else { Json(body).into_response() };
    if let Ok(value) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

/// The answer's own digest: it changes with the definitions, with the context, and with time where a rule reads it.
fn etag(environment: &str, body: &BulkEvaluation) -> String {
    let mut digest = Sha256::new();
    digest.update(environment.as_bytes());
    digest.update(serde_json::to_vec(body).unwrap_or_default());
    format!("\"{}\"", hex::encode(&digest.finalize()[..16]))
}

fn read_context(body: &[u8]) -> Result<Map<String, Value>, EvaluationError> {
    use tenure_flags::ErrorCode;
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    let body: Value = serde_json::from_slice(body).map_err(|error| {
        EvaluationError::new(ErrorCode::ParseError, format!("the body is not JSON: {error}"))
    })?;
    let Value::Object(mut body) = body else {
        return Err(EvaluationError::new(
            ErrorCode::InvalidContext,
            "the body must be an object with a context",
        ));
    };
    match body.remove("context") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(context)) => match context.get(Context::TARGETING_KEY) {
            None | Some(Value::String(_) | Value::Null) => Ok(context),
            Some(_) => {
                Err(EvaluationError::new(ErrorCode::InvalidContext, "context.targetingKey must be a string"))
            }
        },
        Some(_) => Err(EvaluationError::new(ErrorCode::InvalidContext, "context must be an object")),
    }
}

fn success(key: &str, resolution: &Resolution<'_>) -> EvaluationSuccess {
    EvaluationSuccess {
        key: key.to_owned(),
        reason: resolution.reason.as_str().to_owned(),
        variant: resolution.variant.unwrap_or_default().to_owned(),
        value: resolution.value.cloned(),
        metadata: resolution.metadata.clone(),
    }
}

fn failed(key: &str, error: &EvaluationError) -> EvaluationFailure {
    EvaluationFailure {
        key: key.to_owned(),
        error_code: error.code.as_str().to_owned(),
        error_details: error.message.clone(),
    }
}

fn failure(key: &str, error: &EvaluationError) -> Response {
    let status = match error.code {
        tenure_flags::ErrorCode::FlagNotFound => StatusCode::NOT_FOUND,
        _ => StatusCode::BAD_REQUEST,
    };
    (status, Json(failed(key, error))).into_response()
}
