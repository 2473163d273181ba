//! What a flag answers.

use std::str::FromStr;

use serde_json::Value as Json;

use crate::definition::Metadata;
use crate::error::{ErrorCode, EvaluationError};

/// The answer of one flag, borrowed from its snapshot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resolution<'s> {
    /// The flag's key.
    pub key: &'s str,
    /// The value; `None` means that the caller uses the default in their code.
    pub value: Option<&'s Json>,
    /// The name of the value's variant; `None` exactly when there is no value.
    pub variant: Option<&'s str>,
    /// Why this value.
    pub reason: Reason,
    /// Metadata of the flag and its set.
    pub metadata: &'s Metadata,
}

/// Why a flag has the value it has, in OpenFeature's words.
///
/// flagd answers `TARGETING_MATCH` for a split too, and so do we, in order to agree with its in-process clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The flag has no rule. Clients may cache the value.
    Static,
    /// The rule picked the variant.
    TargetingMatch,
    /// The rule picked none, or there is no default variant.
    Default,
    /// The flag is switched off.
    Disabled,
}

impl Reason {
    /// The reason as it is written on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Static => "STATIC",
            Self::TargetingMatch => "TARGETING_MATCH",
            Self::Default => "DEFAULT",
            Self::Disabled => "DISABLED",
        }
    }
}

/// The type a caller expects a flag to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    /// True or false.
    Boolean,
    /// A text.
    String,
    /// A number without a fraction, also when it is written with one (`10.0`).
    Integer,
    /// Any number.
    Float,
    /// An object or an array.
    Object,
}

impl ValueType {
    /// Whether `value` is of this type.
    #[must_use]
    pub fn admits(self, value: &Json) -> bool {
        match self {
            Self::Boolean => value.is_boolean(),
            Self::String => value.is_string(),
            Self::Integer => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            Self::Float => value.is_number(),
            Self::Object => value.is_object() || value.is_array(),
        }
    }

    /// The type's name, in lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::String => "string",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Object => "object",
        }
    }
}

/// The name of a type that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("type `{0}` must be one of boolean, string, integer, float, number, object")]
pub struct UnknownType(pub String);

impl FromStr for ValueType {
    type Err = UnknownType;

    /// Reads a type's name in any case; `number` is any number.
    fn from_str(name: &str) -> Result<Self, UnknownType> {
        match name.to_ascii_lowercase().as_str() {
            "boolean" => Ok(Self::Boolean),
            "string" => Ok(Self::String),
            "integer" => Ok(Self::Integer),
            "float" | "number" => Ok(Self::Float),
            "object" => Ok(Self::Object),
            _ => Err(UnknownType(name.to_owned())),
        }
    }
}

impl Resolution<'_> {
    /// This answer, if its value is of the expected type. An answer without a value fits every type.
    ///
    /// # Errors
    /// `TYPE_MISMATCH` naming the flag and both types.
    pub fn of_type(self, expected: ValueType) -> Result<Self, EvaluationError> {
        match self.value {
            Some(value) if !expected.admits(value) => Err(EvaluationError::new(
                ErrorCode::TypeMismatch,
                format!("flag `{}` is {}, not {}", self.key, type_name(value), expected.as_str()),
            )),
            _ => Ok(self),
        }
    }
}

fn type_name(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(number) if number.is_f64() => "float",
        Json::Number(_) => "integer",
        Json::String(_) => "string",
        Json::Array(_) | Json::Object(_) => "object",
    }
}
