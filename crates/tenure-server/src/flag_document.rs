//! A flag set as clients fetch it: its definitions as text, which of them two versions differ in, and which belong to
//! which set.
//!
//! It knows nothing about evaluation.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tenure_flags::{Entry, FlagSet, Metadata};

/// The metadata by which flagd tells flag sets apart.
pub const FLAG_SET_ID: &str = "flagSetId";

/// The definitions of a flag set.
#[derive(Debug)]
pub struct FlagDocument {
    /// Each flag's definition, as JSON.
    flags: BTreeMap<String, Box<str>>,
    /// The flags that name a set of their own.
    own_sets: BTreeMap<String, String>,
    metadata: Metadata,
    /// The members of the document beside `flags`, as the inside of a JSON object; empty when there are none.
    frame: String,
    text: OnceLock<Bytes>,
    version: String,
    /// The version that was last asked about, and what changed since: all followers of a set ask about the same one.
    last_asked: Mutex<Option<(String, Arc<[String]>)>>,
}

impl FlagDocument {
    /// The document of a flag set.
    pub fn of(mut set: FlagSet) -> Self {
        let own_sets =
            set.flags.iter().filter_map(|(key, entry)| Some((key.clone(), own_set(entry)?))).collect();
        let flags = std::mem::take(&mut set.flags)
            .into_iter()
            .map(|(key, entry)| (key, entry.to_json().to_string().into_boxed_str()))
            .collect();
        let frame = frame(&set);
        let version = version(&flags, &frame);
        Self {
            flags,
            own_sets,
            metadata: set.metadata,
            frame,
            text: OnceLock::new(),
            version,
            last_asked: Mutex::default(),
        }
    }

    /// Changes with every definition: a digest of them all.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Metadata of the set.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The whole document. Written once and shared.
    pub fn text(&self) -> Bytes {
        self.text.get_or_init(|| self.write(|_| true).into()).clone()
    }

    /// The document with the flags of one set only.
    pub fn text_of_set(&self, set: &str) -> Bytes {
        self.write(|key| self.is_in_set(key, set)).into()
    }

    /// Does the flag belong to that set: by its own metadata, or else by its document's?
    pub fn is_in_set(&self, key: &str, set: &str) -> bool {
        let own = self.own_sets.get(key).map(String::as_str);
        own.or_else(|| self.metadata.get(FLAG_SET_ID)?.as_str()) == Some(set)
    }

    /// The keys of the flags that are new, changed or gone since `before`, sorted. Where something changed that flags
    /// share, that is all of them.
    pub fn changed_since(&self, before: &Self) -> Arc<[String]> {
        if self.version == before.version {
            return Arc::default();
        }
        let mut last_asked = self.last_asked.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last_asked {
            Some((version, changed)) if *version == before.version => Arc::clone(changed),
            _ => {
                let changed: Arc<[String]> = self.compare(before).into();
                *last_asked = Some((before.version.clone(), Arc::clone(&changed)));
                changed
            }
        }
    }

    fn compare(&self, before: &Self) -> Vec<String> {
        if self.frame != before.frame {
            return self.flags.keys().cloned().collect();
        }
        let gone = before.flags.keys().filter(|key| !self.flags.contains_key(*key));
        let changed = self.flags.iter().filter(|(key, text)| before.flags.get(*key) != Some(*text));
        let mut keys: Vec<String> = gone.chain(changed.map(|(key, _)| key)).cloned().collect();
        keys.sort_unstable();
        keys
    }

    fn write(&self, wanted: impl Fn(&str) -> bool) -> String {
        let length: usize = self.flags.iter().map(|(key, text)| key.len() + text.len() + 4).sum();
        let mut document = String::with_capacity(length + self.frame.len() + 16);
        document.push_str("{\"flags\":{");
        let mut first = true;
        for (key, text) in self.flags.iter().filter(|(key, _)| wanted(key)) {
            if !std::mem::take(&mut first) {
                document.push(',');
            }
            document.push_str(&Value::from(key.as_str()).to_string());
            document.push(':');
            document.push_str(text);
        }
        document.push('}');
        if !self.frame.is_empty() {
            document.push(',');
            document.push_str(&self.frame);
        }
        document.push('}');
        document
    }
}

fn own_set(entry: &Entry) -> Option<String> {
    match entry {
        Entry::Sound(definition) => definition.metadata.get(FLAG_SET_ID)?.as_str().map(str::to_owned),
        Entry::Faulty { .. } => None,
    }
}

/// What stands beside the flags, from a set whose flags were taken.
fn frame(set: &FlagSet) -> String {
    let Value::Object(mut members) = set.to_json() else { return String::new() };
    members.remove("flags");
    let text = Value::Object(members).to_string();
    text[1..text.len() - 1].to_owned()
}

fn version(flags: &BTreeMap<String, Box<str>>, frame: &str) -> String {
    let mut digest = Sha256::new();
    for part in flags.iter().flat_map(|(key, text)| [key.as_str(), text]).chain([frame]) {
        digest.update(part.len().to_le_bytes());
        digest.update(part.as_bytes());
    }
    hex::encode(&digest.finalize()[..16])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(text: Value) -> FlagDocument {
        FlagDocument::of(FlagSet::from_json(text).unwrap())
    }

    fn flag(default: &str, metadata: Value) -> Value {
        json!({"state": "ENABLED", "variants": {"a": "A", "b": "B"}, "defaultVariant": default, "metadata": metadata})
    }

    #[test]
    fn the_text_is_the_document() {
        let text = json!({
            "$schema": "https://flagd.dev/schema/v0/flags.json",
            "flags": {"one": flag("a", json!({})), "\"odd\" key": flag("b", json!({"flagSetId": "mine"})), "bad": 7},
            "$evaluators": {"rule": {"==": [1, 1]}},
            "metadata": {"flagSetId": "shop"},
        });
        let read = |text: Bytes| FlagSet::from_text(std::str::from_utf8(&text).unwrap()).unwrap();
        let written = document(text.clone());
        assert_eq!(read(written.text()), FlagSet::from_json(text).unwrap());
        let keys = |set: &str| read(written.text_of_set(set)).flags.into_keys().collect::<Vec<_>>();
        assert_eq!(keys("shop"), ["bad", "one"]);
        assert_eq!(keys("mine"), ["\"odd\" key"]);
        assert_eq!(keys("other"), [""; 0]);
        assert_eq!(document(json!({"flags": {}})).text(), "{\"flags\":{}}");
    }

    #[test]
    fn what_changed_is_named() {
        let check = |before: Value, after: Value, changed: &[&str]| {
            let (before, after) = (document(before), document(after));
            assert_eq!(*after.changed_since(&before), *changed);
            assert_eq!(after.version() == before.version(), changed.is_empty());
        };
        let [a, b] = ["a", "b"].map(|default| flag(default, json!({})));
        check(json!({"flags": {"x": a}}), json!({"flags": {"x": a}}), &[]);
        check(json!({"flags": {"x": a, "y": a}}), json!({"flags": {"x": a, "y": b}}), &["y"]);
        check(json!({"flags": {"x": a}}), json!({"flags": {"y": a}}), &["x", "y"]);
        check(
            json!({"flags": {"x": a, "y": a}, "$evaluators": {"r": 1}}),
            json!({"flags": {"x": a, "y": a}, "$evaluators": {"r": 2}}),
            &["x", "y"],
        );
    }
}
