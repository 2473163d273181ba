//! What is known about whom a flag is evaluated for.

use serde_json::{Map, Value as Json};

use crate::arena::Arena;
use crate::coercion::to_text;
use crate::error::{ErrorCode, EvaluationError};
use crate::index::is_same;
use crate::value::{Value, attribute};

/// A context of more attributes than this is looked up in its map.
const LISTED_MAX: usize = 16;

/// The attributes of one caller, borrowed from their JSON. Make it once and ask as many flags as you like.
#[derive(Debug, Clone)]
pub struct Context<'c> {
    attributes: Option<&'c Map<String, Json>>,
    /// The same attributes side by side, if they are few: a scan of their marks is quicker than the map.
    marks: [Mark; LISTED_MAX],
    listed: [(&'c str, Value<'c>); LISTED_MAX],
}

/// What tells names apart at a glance: the length of a name in the top byte (255 stands for more), and up to seven of its bytes.
/// Of a name of up to seven bytes, that is all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark(u64);

impl Mark {
    /// Of no name, since an empty one ends with zeros.
    const NONE: Self = Self(1);

    pub(crate) const fn of(name: &str) -> Self {
        let name = name.as_bytes();
        // Of a long name the first three bytes and the last four.
        let (head, tail) = if name.len() <= 7 { (name.len(), 0) } else { (3, 4) };
        let mut bits = if name.len() < 255 { name.len() as u64 } else { 255 };
        let mut index = 0;
        while index < head + tail {
            let at = if index < head { index } else { name.len() - head - tail + index };
            bits = bits << 8 | name[at] as u64;
            index += 1;
        }
        Self(bits << (8 * (7 - index)))
    }

    /// Whether names of this mark are one name.
    fn is_whole(self) -> bool {
        self.0 >> 56 <= 7
    }
}

impl Default for Context<'_> {
    fn default() -> Self {
        Self { attributes: None, marks: [Mark::NONE; LISTED_MAX], listed: [("", Value::Null); LISTED_MAX] }
    }
}

impl<'c> Context<'c> {
    /// The name of the attribute that carries the unit by default.
    pub const TARGETING_KEY: &'static str = "targetingKey";

    /// A context with these attributes; `targetingKey` is one of them.
    #[must_use]
    pub fn new(attributes: &'c Map<String, Json>) -> Self {
        let mut context = Self { attributes: Some(attributes), ..Self::default() };
        if attributes.len() <= LISTED_MAX {
            for (index, (name, value)) in attributes.iter().enumerate() {
                context.marks[index] = Mark::of(name);
                context.listed[index] = (name, Value::from(value));
            }
        }
        context
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
        self.attributes?.get(name)
    }

    /// The targeting key, if it is a string that is not empty.
    #[must_use]
    pub fn targeting_key(&self) -> Option<&'c str> {
        const MARK: Mark = Mark::of(Context::TARGETING_KEY);
        match self.value(MARK, Self::TARGETING_KEY) {
            Value::Text(key) if !key.is_empty() => Some(key),
            _ => None,
        }
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
        let arena = Arena::default();
        Some(to_text(unit, &arena).to_owned()).filter(|unit| !unit.is_empty())
    }

    /// The attribute `name`, whose mark this is; null if it is absent.
    #[inline]
    pub(crate) fn value(&self, mark: Mark, name: &str) -> Value<'c> {
        match self.listed(mark, name) {
            Some(value) => *value,
            None => self.unlisted(name),
        }
    }

    /// The same, of a context of few attributes. By reference: that stays in a register.
    #[inline]
    pub(crate) fn listed(&self, mark: Mark, name: &str) -> Option<&Value<'c>> {
        for (own, (own_name, value)) in self.marks.iter().zip(&self.listed) {
            if *own == mark && (mark.is_whole() || is_same(own_name.as_bytes(), name.as_bytes())) {
                return Some(value);
            }
        }
        None
    }

    /// Whether what [`Context::listed`] does not find is not there.
    #[inline]
    pub(crate) fn is_listed(&self) -> bool {
        self.attributes.is_none_or(|attributes| attributes.len() <= LISTED_MAX)
    }

    #[inline(never)]
    fn unlisted(&self, name: &str) -> Value<'c> {
        match self.attributes {
            Some(attributes) if attributes.len() > LISTED_MAX => {
                attributes.get(name).map_or(Value::Null, Value::from)
            }
            _ => Value::Null,
        }
    }

    pub(crate) fn attributes(&self) -> Option<&'c Map<String, Json>> {
        self.attributes
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_attribute_is_found_by_its_whole_name() {
        let names = [
            "",
            "\0",
            "a",
            "a\0",
            "b",
            "ab",
            "country",
            "countrx",
            "language",
            "lanxuage",
            "lan-uage",
            "targetingKey",
            "targetingkey",
        ];
        for count in [names.len(), 17] {
            let mut attributes: Map<String, Json> =
                names.iter().map(|name| ((*name).to_owned(), json!(name))).collect();
            attributes.extend((names.len()..count).map(|number| (format!("n{number}"), json!(number))));
            let context = Context::new(&attributes);
            for name in names {
                let found = context.value(Mark::of(name), name);
                assert!(matches!(found, Value::Text(text) if text == name), "{name:?}: {found:?}");
            }
            for name in ["c", "abc", "countries", "lan_uage", "targetingKez", "\0\0"] {
                assert!(matches!(context.value(Mark::of(name), name), Value::Null), "{name:?}");
            }
        }
    }
}
