//! Why a flag has no answer, in OpenFeature's codes.

use std::fmt;

use crate::fault::Fault;

/// An evaluation that failed: the caller uses the default in their code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvaluationError {
    /// The kind of failure.
    pub code: ErrorCode,
    /// What failed and where: lower case, no full stop.
    pub message: String,
}

impl EvaluationError {
    /// An error with this code and message.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl From<&Fault> for EvaluationError {
    fn from(fault: &Fault) -> Self {
        Self::new(ErrorCode::ParseError, fault.to_string())
    }
}

/// OpenFeature's error codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// No flag has this key.
    FlagNotFound,
    /// The flag's definition has a fault.
    ParseError,
    /// The flag's value is not of the type that was asked for.
    TypeMismatch,
    /// The caller demands a targeting key and the context has none.
    TargetingKeyMissing,
    /// The context is not an object.
    InvalidContext,
    /// Anything else: targeting named a variant that does not exist, or took too much work.
    General,
}

impl ErrorCode {
    /// The code as it is written on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FlagNotFound => "FLAG_NOT_FOUND",
            Self::ParseError => "PARSE_ERROR",
            Self::TypeMismatch => "TYPE_MISMATCH",
            Self::TargetingKeyMissing => "TARGETING_KEY_MISSING",
            Self::InvalidContext => "INVALID_CONTEXT",
            Self::General => "GENERAL",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
