//! Request bodies: JSON into a type with a fault that names the field, or bytes; both within a limit.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, JsonRejection};
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// The limit that a route's bodies are held to; set by the router as an extension beside axum's own limit.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimit {
    /// Bytes, after decompression.
    pub max_bytes: usize,
}

/// A JSON body, or a problem that says what is wrong with it.
#[derive(Debug, Clone, Copy)]
pub struct Body<T>(pub T);

/// A body as it came, after decompression.
#[derive(Debug, Clone)]
pub struct Raw(pub Bytes);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let limit = within_limit(&request)?;
        match Json::<T>::from_request(request, state).await {
            Ok(Json(value)) => Ok(Self(value)),
            Err(rejection) => Err(json_problem(&rejection, limit)),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let limit = within_limit(&request)?;
        match Bytes::from_request(request, state).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(rejection) => Err(bytes_problem(&rejection, limit)),
        }
    }
}

/// Refuse a body whose announced length is over the limit before a byte of it is read.
fn within_limit(request: &Request) -> Result<BodyLimit, Problem> {
    let limit =
        request.extensions().get::<BodyLimit>().copied().unwrap_or(BodyLimit { max_bytes: usize::MAX });
    let announced: Option<usize> =
        request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    match announced {
        Some(bytes) if bytes > limit.max_bytes => Err(Problem::TooLarge { max_bytes: limit.max_bytes }),
        _ => Ok(limit),
    }
}

fn bytes_problem(rejection: &BytesRejection, limit: BodyLimit) -> Problem {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::TooLarge { max_bytes: limit.max_bytes },
        _ => Problem::invalid("body", format!("it could not be read: {}", rejection.body_text())),
    }
}

fn json_problem(rejection: &JsonRejection, limit: BodyLimit) -> Problem {
    let text = rejection.body_text();
    match rejection {
        JsonRejection::MissingJsonContentType(_) => Problem::invalid("Content-Type", "send application/json"),
        JsonRejection::JsonDataError(_) => {
            // "Failed to deserialize the JSON body into the target type: PATH: WHAT at line 1 column 2"
            let said = text.rsplit_once("target type: ").map_or(text.as_str(), |(_, said)| said);
            let (field, detail) = match said.split_once(": ") {
                Some((path, detail)) if !path.contains(' ') => (path, detail),
                _ => ("body", said),
            };
            Problem::invalid(field, detail)
        }
        JsonRejection::JsonSyntaxError(_) => {
            let said = text.rsplit_once("JSON: ").map_or(text.as_str(), |(_, said)| said);
            Problem::invalid("body", format!("not JSON: {said}"))
        }
        JsonRejection::BytesRejection(rejection) => bytes_problem(rejection, limit),
        _ => Problem::invalid("body", text),
    }
}
