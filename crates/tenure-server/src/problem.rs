//! Every answer that is not a success, as `application/problem+json` (RFC 9457) with a stable code.
//!
//! One closed enum at the server's edge; every layer's error is turned into it in this file and nowhere else.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tenure_core::refusal::Refusal;
use utoipa::ToSchema;

use crate::http::schema::Shown;

/// A refusal.
type RefusalShown = Shown<Refusal>;

/// What went wrong, as the caller needs to know it.
#[derive(Debug)]
pub enum Problem {
    /// The process says no: 409, with who may do it and what is missing.
    Refused(Box<Refusal>),
    /// A field of the request is wrong: 400.
    Invalid {
        /// The field, as the caller named it.
        field: String,
        /// What is wrong with it and what would be right.
        detail: String,
    },
    /// No credential, or one that is not (or no longer) valid: 401.
    Unauthenticated(&'static str),
    /// A valid credential that does not reach this far: 403.
    Forbidden(String),
    /// There is no such thing: 404.
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// The one that was asked for.
        id: String,
    },
    /// What the caller saw has changed since: 412.
    Stale {
        /// The revision the caller should read again.
        current: String,
    },
    /// The body is over the limit: 413.
    TooLarge {
        /// The limit in bytes.
        max_bytes: usize,
    },
    /// The request was understood but conflicts with what is stored: 409.
    Conflict(String),
    /// A bounded queue is full, or a caller is too quick: 429.
    Busy {
        /// When to try again.
        retry_after_s: u64,
        /// What is full.
        detail: String,
    },
    /// A part this request needs is away: 503.
    Unavailable(String),
    /// A fault of ours. The cause is logged; the caller gets its kind only: 500.
    Internal(String),
}

/// The body of a problem.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemBody {
    /// A reference to the kind of problem: `/problems/CODE`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A few words that are the same for every problem of this code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable code. For a refusal, the refusal's code.
    pub code: String,
    /// What happened this time, and what to do about it.
    pub detail: String,
    /// The field at fault, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The refusal, whole: who may do it, what is missing, since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<RefusalShown>)]
    pub refusal: Option<Refusal>,
}

impl Problem {
    /// A field of the request is wrong.
    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), detail: detail.into() }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Refused(_) | Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Invalid { .. } => StatusCode::BAD_REQUEST,
            Self::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::Stale { .. } => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused(refusal) => refusal.code.code(),
            Self::Invalid { .. } => "invalid",
            Self::Unauthenticated(_) => "unauthenticated",
            Self::Forbidden(_) => "forbidden",
            Self::NotFound { .. } => "not_found",
            Self::Stale { .. } => "stale",
            Self::TooLarge { .. } => "too_large",
            Self::Conflict(_) => "conflict",
            Self::Busy { .. } => "busy",
            Self::Unavailable(_) => "unavailable",
            Self::Internal(_) => "internal",
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::Refused(_) => "the process refuses this",
            Self::Invalid { .. } => "the request is not valid",
            Self::Unauthenticated(_) => "not signed in",
            Self::Forbidden(_) => "not allowed",
            Self::NotFound { .. } => "not found",
            Self::Stale { .. } => "changed since it was read",
            Self::TooLarge { .. } => "too large",
            Self::Conflict(_) => "in conflict with what is stored",
            Self::Busy { .. } => "too busy",
            Self::Unavailable(_) => "not available now",
            Self::Internal(_) => "a fault of the server",
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::Refused(refusal) => refusal.sentence.clone(),
            Self::Invalid { detail, .. } | Self::Busy { detail, .. } => detail.clone(),
            Self::Unauthenticated(detail) => (*detail).to_owned(),
            Self::Forbidden(detail) | Self::Conflict(detail) | Self::Unavailable(detail) => detail.clone(),
            Self::NotFound { what, id } => format!("there is no {what} {id:?}"),
            Self::Stale { current } => {
                format!("it is at revision {current} now; read it again, then decide")
            }
            Self::TooLarge { max_bytes } => {
                format!("the body is over the limit of {max_bytes} bytes; send it in smaller parts")
            }
            Self::Internal(_) => "the request could not be carried out; the server's log says why".to_owned(),
        }
    }

    /// The body that is sent.
    pub fn body(&self) -> ProblemBody {
        ProblemBody {
            kind: format!("/problems/{}", self.code()),
            title: self.title().to_owned(),
            status: self.status().as_u16(),
            code: self.code().to_owned(),
            detail: self.detail(),
            field: match self {
                Self::Invalid { field, .. } => Some(field.clone()),
                _ => None,
            },
            refusal: match self {
                Self::Refused(refusal) => Some((**refusal).clone()),
                _ => None,
            },
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if let Self::Internal(cause) = &self {
            tracing::error!(cause, "a request failed");
        }
        let mut response = (self.status(), Json(self.body())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match &self {
            Self::Busy { retry_after_s, .. } => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(*retry_after_s));
            }
            Self::Unauthenticated(_) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<tenure_store::StoreError> for Problem {
    fn from(error: tenure_store::StoreError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<tenure_store::AppendError> for Problem {
    fn from(error: tenure_store::AppendError) -> Self {
        match error {
            tenure_store::AppendError::Fenced { .. } => Self::Conflict(error.to_string()),
            _ => Self::Internal(error.to_string()),
        }
    }
}

impl From<tenure_store::PutBlobError> for Problem {
    fn from(error: tenure_store::PutBlobError) -> Self {
        match error {
            tenure_store::PutBlobError::TooLarge { .. } => Self::invalid("with", error.to_string()),
            tenure_store::PutBlobError::Store(error) => error.into(),
        }
    }
}

impl From<crate::world::ReplayError> for Problem {
    fn from(error: crate::world::ReplayError) -> Self {
        match error {
            crate::world::ReplayError::Store(error) => error.into(),
            crate::world::ReplayError::Entry { .. } => {
                Self::Unavailable(format!("{error}; flags are served as they were, nothing is decided"))
            }
        }
    }
}

impl From<tenure_analysis::EngineError> for Problem {
    fn from(error: tenure_analysis::EngineError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<tenure_events::AppendError> for Problem {
    fn from(error: tenure_events::AppendError) -> Self {
        use tenure_events::AppendError::{Backlog, Busy, Closed, Disk, DiskFull, TooLarge};
        match &error {
            Busy { .. } | Backlog { .. } => Self::Busy { retry_after_s: 1, detail: error.to_string() },
            TooLarge { queued_bytes_max, .. } => Self::TooLarge { max_bytes: *queued_bytes_max },
            DiskFull | Disk { .. } | Closed => Self::Unavailable(error.to_string()),
            _ => Self::Internal(error.to_string()),
        }
    }
}

impl From<tenure_events::SealError> for Problem {
    fn from(error: tenure_events::SealError) -> Self {
        use tenure_events::SealError::{Closed, Store};
        match &error {
            Store(_) | Closed => Self::Unavailable(error.to_string()),
            _ => Self::Internal(error.to_string()),
        }
    }
}
