//! An entry of the journal, the limits it keeps, and the hash that chains it to the entry before.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::digest::Digest;
use crate::instant;

/// The longest actor, stream or kind, in bytes.
pub const NAME_BYTES_MAX: usize = 256;
/// The longest body, in bytes of JSON text.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// What the hash of every entry begins with. A changed encoding would be a new word here.
const ENCODING: &[u8] = b"tenure.journal.1\0";

/// An entry as it stands in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place: 1, 2, 3 … without a gap.
    pub seq: i64,
    /// When it was decided, to the microsecond.
    pub at: Timestamp,
    /// Who decided it: an account's id, or `system`.
    pub actor: String,
    /// What it belongs to, for instance one case.
    pub stream: String,
    /// What happened.
    pub kind: String,
    /// The version of the kind's body.
    pub version: u32,
    /// The JSON text that was hashed, byte for byte.
    pub body: String,
    /// The hash of the entry before; zero before the first.
    pub prev_hash: Digest,
    /// SHA-256 over all of the above.
    pub hash: Digest,
}

/// An entry that has no place in the journal yet. Cannot be constructed outside its limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    at: Timestamp,
    actor: String,
    stream: String,
    kind: String,
    version: u32,
    body: String,
}

/// Why something cannot be an entry.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// An empty or overlong name, or one with a control character.
    #[error("an entry's {field} must have 1 to {NAME_BYTES_MAX} bytes and no control character: {got:?}")]
    Name {
        /// `actor`, `stream` or `kind`.
        field: &'static str,
        /// What was given, cut to its first 80 characters.
        got: String,
    },
    /// The body does not fit.
    #[error(
        "an entry's body has {bytes} bytes, at most {BODY_BYTES_MAX} are allowed; put the large part in a blob"
    )]
    TooLarge {
        /// The bytes of its JSON text.
        bytes: usize,
    },
    /// The body has no JSON form.
    #[error("an entry's body has no JSON form: {0}")]
    Body(#[from] serde_json::Error),
}

impl NewEntry {
    /// An entry decided at `at` (cut to whole microseconds), with `body` in its JSON form.
    ///
    /// # Errors
    /// When a name is empty, too long or has a control character, or the body is too large or no JSON.
    pub fn new(
        at: Timestamp,
        actor: impl Into<String>,
        stream: impl Into<String>,
        kind: impl Into<String>,
        version: u32,
        body: &impl Serialize,
    ) -> Result<NewEntry, EntryError> {
        let body = serde_json::to_string(body)?;
        if body.len() > BODY_BYTES_MAX {
            return Err(EntryError::TooLarge { bytes: body.len() });
        }
        Ok(NewEntry {
            at: instant::to_microsecond(at),
            actor: name("actor", actor.into())?,
            stream: name("stream", stream.into())?,
            kind: name("kind", kind.into())?,
            version,
            body,
        })
    }

    /// The same entry at its place behind the entry that has `prev_hash`.
    pub(crate) fn placed(&self, seq: i64, prev_hash: Digest) -> Entry {
        let hash = hash(&Hashed {
            seq,
            at: &instant::text(self.at),
            actor: &self.actor,
            stream: &self.stream,
            kind: &self.kind,
            version: self.version,
            body: &self.body,
            prev_hash,
        });
        Entry {
            seq,
            at: self.at,
            actor: self.actor.clone(),
            stream: self.stream.clone(),
            kind: self.kind.clone(),
            version: self.version,
            body: self.body.clone(),
            prev_hash,
            hash,
        }
    }
}

impl Entry {
    /// The body read as `T`.
    ///
    /// # Errors
    /// When the text is not a `T`.
    pub fn body_as<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.body)
    }
}

fn name(field: &'static str, text: String) -> Result<String, EntryError> {
    if text.is_empty() || text.len() > NAME_BYTES_MAX || text.chars().any(char::is_control) {
        return Err(EntryError::Name { field, got: text.chars().take(80).collect() });
    }
    Ok(text)
}

/// The stored texts that an entry's hash covers.
pub(crate) struct Hashed<'a> {
    pub seq: i64,
    pub at: &'a str,
    pub actor: &'a str,
    pub stream: &'a str,
    pub kind: &'a str,
    pub version: u32,
    pub body: &'a str,
    pub prev_hash: Digest,
}

/// The hash of an entry: SHA-256 over, in this order,
///
/// 1. the 17 bytes `tenure.journal.1` and a zero byte,
/// 2. `prev_hash`, 32 bytes,
/// 3. `seq`, 8 bytes big-endian,
/// 4. `at`, `actor`, `stream`, `kind`, each as its length in bytes (8 bytes big-endian) and its UTF-8 bytes;
///    `at` has the form `2026-11-23T03:16:00.000000Z`,
/// 5. `version`, 4 bytes big-endian,
/// 6. `body`, as its length and its bytes like the others.
///
/// The lengths make the encoding injective: no two different entries hash the same bytes.
pub(crate) fn hash(entry: &Hashed<'_>) -> Digest {
    let mut sha = Sha256::new();
    let text = |sha: &mut Sha256, text: &str| {
        sha.update((text.len() as u64).to_be_bytes());
        sha.update(text.as_bytes());
    };
    sha.update(ENCODING);
    sha.update(entry.prev_hash.as_bytes());
    sha.update(entry.seq.to_be_bytes());
    for field in [entry.at, entry.actor, entry.stream, entry.kind] {
        text(&mut sha, field);
    }
    sha.update(entry.version.to_be_bytes());
    text(&mut sha, entry.body);
    Digest::from_bytes(sha.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed from the documented encoding by an independent program (Python's `hashlib` and `struct`).
    #[test]
    fn the_hash_is_the_documented_one() {
        let at = "2026-11-23T03:16:00.25Z".parse().unwrap();
        let first =
            NewEntry::new(at, "ana", "case:1", "case_opened", 1, &serde_json::json!({"team": "growth"}))
                .unwrap()
                .placed(1, Digest::ZERO);
        assert_eq!(first.body, r#"{"team":"growth"}"#);
        assert_eq!(
            first.hash.to_string(),
            "1621e050456f15133c9733ea245aff3ff4acc6cc66ea7212260318124489e9eb"
        );
        let second = NewEntry::new(at, "ana", "case:1", "é", 2, &()).unwrap().placed(2, first.hash);
        assert_eq!(
            second.hash.to_string(),
            "6f53672aebb2b949314152a98af5950d9589131a94f4e741a9cef4685ce77e48"
        );
    }

    fn check(actor: &str, expected: Result<(), &str>) {
        let entry = NewEntry::new(Timestamp::UNIX_EPOCH, actor, "s", "k", 1, &());
        assert_eq!(entry.map(drop).map_err(|e| e.to_string()), expected.map_err(str::to_owned));
    }

    #[test]
    fn names_have_bounds() {
        let refused = "an entry's actor must have 1 to 256 bytes and no control character: ";
        check("a", Ok(()));
        check(&"a".repeat(256), Ok(()));
        check("", Err(&format!("{refused}\"\"")));
        check(&"a".repeat(257), Err(&format!("{refused}{:?}", "a".repeat(80))));
        check("a\0b", Err(&format!("{refused}\"a\\0b\"")));
    }

    #[test]
    fn a_body_has_a_bound() {
        let body = |letters: usize| {
            NewEntry::new(Timestamp::UNIX_EPOCH, "a", "s", "k", 1, &"x".repeat(letters)).map(drop)
        };
        assert!(body(BODY_BYTES_MAX - 2).is_ok(), "the quotes count too");
        assert!(
            matches!(body(BODY_BYTES_MAX - 1), Err(EntryError::TooLarge { bytes }) if bytes == BODY_BYTES_MAX + 1)
        );
    }
}
