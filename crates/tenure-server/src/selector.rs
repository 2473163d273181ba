//! Which flags a client asks for: flagd's selectors, and the part of a snapshot that one leaves to be seen.

use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use tenure_flags::{Context, ErrorCode, EvaluationError, Metadata, Resolution};

use crate::flag_document::FLAG_SET_ID;
use crate::flag_snapshot::FlagSnapshot;

/// The header, or metadata, that carries a selector.
pub const SELECTOR_HEADER: &str = "flagd-selector";

/// Which flags are asked for: those of an environment, of a flag set in it, or all that the caller may see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector {
    /// An environment.
    pub environment: Option<String>,
    /// A flag set (`flagSetId`): a whole environment goes by its own name.
    pub flag_set: Option<String>,
}

/// A selector that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("selector: `{0}` is not one of flagSetId=…, environment=…, or the name of a flag set alone")]
pub struct UnknownSelector(String);

impl FromStr for Selector {
    type Err = UnknownSelector;

    /// Reads `key=value` pairs with commas between; a word alone names a flag set, as does flagd's `source`.
    fn from_str(text: &str) -> Result<Self, UnknownSelector> {
        let mut selector = Self::default();
        for term in text.split(',').map(str::trim).filter(|term| !term.is_empty()) {
            let (key, value) = term.split_once('=').unwrap_or(("flagSetId", term));
            let place = match key.trim() {
                "environment" => &mut selector.environment,
                "flagSetId" | "source" => &mut selector.flag_set,
                _ => return Err(UnknownSelector(term.to_owned())),
            };
            *place = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        }
        Ok(selector)
    }
}

/// What a caller sees of an environment's flags.
#[derive(Debug, Clone)]
pub struct View {
    /// The environment.
    pub environment: String,
    /// The set whose flags alone are seen.
    pub flag_set: Option<String>,
    /// All flags of the environment.
    pub snapshot: Arc<FlagSnapshot>,
}

impl View {
    /// One flag's answer; a flag of another set is not there.
    pub fn evaluate(
        &self,
        key: &str,
        context: &Context<'_>,
        now: Timestamp,
    ) -> Result<Resolution<'_>, EvaluationError> {
        if !self.sees(key) {
            let set = self.flag_set.as_deref().unwrap_or_default();
            return Err(EvaluationError::new(
                ErrorCode::FlagNotFound,
                format!("there is no flag `{key}` in the flag set `{set}`"),
            ));
        }
        self.snapshot.evaluations().note(key, now);
        self.snapshot.evaluate(key, context, now)
    }

    /// The answers of all flags that are seen, in the order of their keys.
    pub fn evaluate_all<'s, 'c: 's>(
        &'s self,
        context: &'c Context<'c>,
        now: Timestamp,
    ) -> impl Iterator<Item = (&'s str, Result<Resolution<'s>, EvaluationError>)> {
        self.snapshot.evaluations().note_whole(now);
        self.snapshot.evaluate_all(context, now).filter(|(key, _)| self.sees(key))
    }

    /// The definitions of the flags that are seen.
    pub fn document(&self) -> Bytes {
        match &self.flag_set {
            Some(set) => self.snapshot.document().text_of_set(set),
            None => self.snapshot.document().text(),
        }
    }

    /// Metadata of the set: its name, which is the environment's where it has none of its own, and what its document adds.
    pub fn metadata(&self) -> Metadata {
        let name = self.flag_set.as_ref().unwrap_or(&self.environment);
        let mut metadata = Metadata::from_iter([(FLAG_SET_ID.to_owned(), name.as_str().into())]);
        metadata.extend(self.snapshot.document().metadata().clone());
        metadata
    }

    /// The keys of the flags that are seen now or were seen in `before`, and differ.
    pub fn changed_since(&self, before: &Self) -> Vec<String> {
        let (now, then) = (self.snapshot.document(), before.snapshot.document());
        let changed = now.changed_since(then);
        changed.iter().filter(|key| self.sees(key) || before.sees(key)).cloned().collect()
    }

    fn sees(&self, key: &str) -> bool {
        self.flag_set.as_deref().is_none_or(|set| self.snapshot.document().is_in_set(key, set))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_read() {
        let check = |text: &str, environment: Option<&str>, flag_set: Option<&str>| {
            let owned = |name: Option<&str>| name.map(str::to_owned);
            let expected = Selector { environment: owned(environment), flag_set: owned(flag_set) };
            assert_eq!(text.parse(), Ok(expected), "{text}");
        };
        check("", None, None);
        check("flagSetId=payments", None, Some("payments"));
        check("payments", None, Some("payments"));
        check("source=flags/all.json", None, Some("flags/all.json"));
        check(" environment = staging , flagSetId = payments ", Some("staging"), Some("payments"));
        check("flagSetId=", None, None);
        let wrong = "key=x".parse::<Selector>().unwrap_err();
        assert!(wrong.to_string().starts_with("selector: `key=x` is not one of flagSetId"), "{wrong}");
    }
}
