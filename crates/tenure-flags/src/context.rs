//! What is known about whom a flag is evaluated for.

use bumpalo::Bump;
use serde_json::{Map, Value as Json};

use crate::coercion::to_text;
use crate::error::{ErrorCode, EvaluationError};
use crate::value::{Value, attribute};

/// A context of more attributes than this is looked up in its map.
const LISTED_MAX: usize = 16;

/// The attributes of one caller, borrowed from their JSON. Make it once and ask as many flags as you like.
#[derive(Debug, Clone, Default)]
pub struct Context<'c> {
    attributes: Option<&'c Map<String, Json>>,
    /// The same attributes side by side, from the first on: looking through a few is quicker than the map is.
    listed: [Option<(&'c str, &'c Json)>; LISTED_MAX],
}

impl<'c> Context<'c> {
    /// The name of the attribute that carries the unit by default.
    pub const TARGETING_KEY: &'static str = "targetingKey";

    /// A context with these attributes; `targetingKey` is one of them.
    #[must_use]
    pub fn new(attributes: &'c Map<String, Json>) -> Self {
        let mut listed = [None; LISTED_MAX];
        if attributes.len() <= LISTED_MAX {
            for (slot, (name, value)) in listed.iter_mut().zip(attributes) {
                *slot = Some((name.as_str(), value));
            }
        }
        Self { attributes: Some(attributes), listed }
    }

    /// A context without attributes.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Reads a context from any JSON; null is the empty context.
    ///
    /// # Errors
    /// `INVALID_CONTEXT` when it is neither an object nor null.
    pub fn from_json(context: &'c Json) -> Result<Self, EvaluationError> {
        match context {
            Json::Object(attributes) => Ok(Self::new(attributes)),
            Json::Null => Ok(Self::empty()),
            _ => Err(EvaluationError::new(ErrorCode::InvalidContext, "context must be an object")),
        }
    }

    /// The attribute `name`, if it is there. `name` is taken whole: dots do not descend.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'c Json> {
        let attributes = self.attributes?;
        if attributes.len() > LISTED_MAX {
            return attributes.get(name);
        }
        // The list ends with the first empty place.
        self.listed.iter().map_while(|slot| *slot).find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    /// The targeting key, if it is a string that is not empty.
    #[must_use]
    pub fn targeting_key(&self) -> Option<&'c str> {
        self.get(Self::TARGETING_KEY)?.as_str().filter(|key| !key.is_empty())
    }

    /// The targeting key, for callers that demand one.
    ///
    /// # Errors
    /// `TARGETING_KEY_MISSING` when there is none, or it is not a string, or empty.
    pub fn require_targeting_key(&self) -> Result<&'c str, EvaluationError> {
        self.targeting_key().ok_or_else(|| {
            EvaluationError::new(
                ErrorCode::TargetingKeyMissing,
                "context.targetingKey must be a non-empty string",
            )
        })
    }

    /// The unit that an attribute carries; dots descend. `None`: the attribute is absent, empty, or neither a text nor a
    /// number.
    #[must_use]
    pub fn unit(&self, name: &str) -> Option<String> {
        let unit = attribute(self.attributes?, name)?;
        if !matches!(unit, Value::Text(_) | Value::Number(_)) {
            return None;
        }
        let arena = Bump::new();
        Some(to_text(unit, &arena).to_owned()).filter(|unit| !unit.is_empty())
    }

    pub(crate) fn attributes(&self) -> Option<&'c Map<String, Json>> {
        self.attributes
    }
}
