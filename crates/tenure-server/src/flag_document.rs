//! A flag set as clients fetch it: its definitions as text, which of them two versions differ in, and which belong to
//! which set.
//!
//! It knows nothing about evaluation.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tenure_flags::{Directory, Entry, FlagSet, Keyed, Metadata};

/// The metadata by which flagd tells flag sets apart.
pub const FLAG_SET_ID: &str = "flagSetId";

/// The definitions of a flag set.
#[derive(Debug)]
pub struct FlagDocument {
    /// Each flag's definition. A document that is made of another shares those that are as they were.
    flags: Directory<Written>,
    digests: Digests,
    metadata: Metadata,
    /// The members of the document beside `flags`, as the inside of a JSON object; empty when there are none.
    frame: Arc<str>,
    text: OnceLock<Bytes>,
    version: String,
    /// The version that was last asked about, and what changed since: all followers of a set ask about the same one.
    last_asked: Mutex<Option<(String, Arc<[String]>)>>,
}

/// A flag's definition as it is written. Documents of several sets share it.
#[derive(Debug)]
pub struct Written {
    key: Box<str>,
    /// JSON.
    text: Box<str>,
    /// Of key and text, and of whether the definition is sound.
    digest: [u8; 32],
    /// The set that it names itself.
    own_set: Option<Box<str>>,
}

impl Keyed for Written {
    fn key(&self) -> &str {
        &self.key
    }
}

impl Written {
    /// A flag's definition.
    pub fn of(key: &str, entry: &Entry) -> Arc<Self> {
        let text = entry.to_json().to_string().into_boxed_str();
        let is_sound = matches!(entry, Entry::Sound(_));
        let digest = Sha256::new()
            .chain_update(key.len().to_le_bytes())
            .chain_update(key)
            .chain_update([u8::from(is_sound)])
            .chain_update(&*text);
        let own_set = own_set(entry).map(String::into_boxed_str);
        Arc::new(Self { key: key.into(), text, digest: digest.finalize().into(), own_set })
    }
}

/// The sum of digests: what comes or goes is added or taken away, and all others are not read again. It tells versions apart;
/// it does not withstand an author who searches for two that are alike.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Digests([u64; 4]);

impl Digests {
    fn add(&mut self, written: &Written) {
        self.each(written, u64::wrapping_add);
    }

    fn take(&mut self, written: &Written) {
        self.each(written, u64::wrapping_sub);
    }

    fn each(&mut self, written: &Written, with: fn(u64, u64) -> u64) {
        let (words, _) = written.digest.as_chunks();
        for (sum, word) in self.0.iter_mut().zip(words) {
            *sum = with(*sum, u64::from_le_bytes(*word));
        }
    }
}

impl FlagDocument {
    /// The document of a flag set, whose flags are written already.
    pub fn of(mut set: FlagSet, flags: Directory<Written>) -> Self {
        set.flags.clear();
        let mut digests = Digests::default();
        flags.iter().for_each(|written| digests.add(written));
        let frame = frame(&set);
        Self::made(flags, digests, set.metadata, frame)
    }

    /// The same document but for some flags: each as it is written, or without that none.
    pub fn with(&self, changed: &BTreeMap<&str, Option<Arc<Written>>>) -> Self {
        let mut digests = self.digests;
        for (key, written) in changed {
            if let Some(before) = self.flags.get(key) {
                digests.take(before);
            }
            if let Some(written) = written {
                digests.add(written);
            }
        }
        let flags = self.flags.with(changed.iter().map(|(key, written)| (key, written.clone())));
        Self::made(flags, digests, self.metadata.clone(), self.frame.clone())
    }

    /// The definition here that is the same as another, if there is one.
    pub fn same(&self, written: &Written) -> Option<&Arc<Written>> {
        self.flags.get(&written.key).filter(|own| own.digest == written.digest)
    }

    fn made(flags: Directory<Written>, digests: Digests, metadata: Metadata, frame: Arc<str>) -> Self {
        let version = version(&digests, &frame);
        let (text, last_asked) = (OnceLock::new(), Mutex::default());
        Self { flags, digests, metadata, frame, text, version, last_asked }
    }

    /// Has it no flag?
    pub fn is_empty(&self) -> bool {
        self.flags.is_empty()
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
        let own = self.flags.get(key).and_then(|written| written.own_set.as_deref());
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
        let changed = if self.frame == before.frame {
            self.flags.differing(&before.flags, |was, is| was.digest == is.digest)
        } else {
            self.flags.iter().map(|written| written.key()).collect()
        };
        changed.into_iter().map(str::to_owned).collect()
    }

    fn write(&self, wanted: impl Fn(&str) -> bool) -> String {
        let length: usize = self.flags.iter().map(|written| written.key.len() + written.text.len() + 4).sum();
        let mut document = String::with_capacity(length + self.frame.len() + 16);
        document.push_str("{\"flags\":{");
        let mut first = true;
        for Written { key, text, .. } in
            self.flags.iter().map(Arc::as_ref).filter(|written| wanted(&written.key))
        {
            if !std::mem::take(&mut first) {
                document.push(',');
            }
            document.push_str(&Value::from(key.as_ref()).to_string());
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
fn frame(set: &FlagSet) -> Arc<str> {
    let Value::Object(mut members) = set.to_json() else { return Arc::from("") };
    members.remove("flags");
    let text = Value::Object(members).to_string();
    Arc::from(&text[1..text.len() - 1])
}

fn version(Digests(sum): &Digests, frame: &str) -> String {
    let mut digest = Sha256::new();
    sum.iter().for_each(|word| digest.update(word.to_le_bytes()));
    digest.update(frame.as_bytes());
    hex::encode(&digest.finalize()[..16])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(text: Value) -> FlagDocument {
        let set = FlagSet::from_json(text).unwrap();
        let flags = Directory::of(set.flags.iter().map(|(key, entry)| Written::of(key, entry)));
        FlagDocument::of(set, flags)
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

    #[test]
    fn a_document_made_of_another_is_the_same_as_one_made_anew() {
        let [a, b] = ["a", "b"].map(|default| flag(default, json!({"flagSetId": default})));
        let (before, after) = (json!({"flags": {"x": a, "y": a}}), json!({"flags": {"x": b, "z": b}}));
        let anew = document(after);
        let mut changed: BTreeMap<&str, Option<Arc<Written>>> =
            anew.flags.iter().map(|written| (written.key(), Some(Arc::clone(written)))).collect();
        changed.insert("y", None);
        let made = document(before).with(&changed);
        assert_eq!((made.version(), made.text()), (anew.version(), anew.text()));
        assert!(made.is_in_set("z", "b") && !made.is_in_set("y", "a"));
    }
}
