//! One event: something a unit met (an exposure) or did (an outcome). [`Event::new`] is the only way to
//! one, and holds every bound, so that whatever comes later — encoding, sealing, querying — meets no
//! surprise. It does not know which flags or metrics exist.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

/// The type of a unit whose sender named none.
pub const UNIT_TYPE_DEFAULT: &str = "user";

/// Unit ids that one event may carry.
pub const UNITS_MAX: usize = 8;
/// Attributes that one event may carry.
pub const ATTRIBUTES_MAX: usize = 16;
/// Length of a unit's id, an event's id, a flag's key, an outcome's name, an attribute's value.
pub const TEXT_BYTES_MAX: usize = 256;
/// Length of a unit's type, a variant, a revision, a reason, a source, an attribute's name.
pub const WORD_BYTES_MAX: usize = 128;
/// How far an event's own time may lie after its receipt: a badly set clock, not more.
pub const FUTURE_MAX: SignedDuration = SignedDuration::from_hours(24);
/// How far an event's own time may lie before its receipt: the longest history worth importing.
pub const PAST_MAX: SignedDuration = SignedDuration::from_hours(400 * 24);

/// A valid event. Times are kept to the microsecond.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    id: String,
    at: Timestamp,
    received_at: Timestamp,
    units: Vec<Unit>,
    kind: Kind,
    source: String,
    attributes: BTreeMap<String, String>,
}

/// What an event is built from: the same fields, not yet checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The sender's identity of the event, unique per unit. Without one a digest of the content stands in.
    pub id: Option<String>,
    /// When it happened; when it was received, if the sender does not say.
    pub at: Option<Timestamp>,
    /// Whom it concerns. The first unit is the one the event is sorted and deduplicated by.
    pub units: Vec<Unit>,
    /// What happened.
    pub kind: Kind,
    /// The way it came in: `ofrep`, `api`, `otlp`, `import` …
    pub source: String,
    /// What else the sender wants to keep, to filter by.
    pub attributes: BTreeMap<String, String>,
}

/// One id of whom an event concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// `user`, `tenant`, `device`: the context attribute that carries the id.
    pub unit_type: String,
    /// The id itself, opaque.
    pub id: String,
}

impl Unit {
    /// A unit of the type given.
    pub fn new(unit_type: impl Into<String>, id: impl Into<String>) -> Self {
        Self { unit_type: unit_type.into(), id: id.into() }
    }
}

/// What an event says.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// The unit really met a variant of a flag.
    Exposure {
        /// The flag's key.
        flag: String,
        /// The variant that was served.
        variant: String,
        /// What the flag was compiled from, such as `PC-1/1` (case and iteration).
        revision: Option<String>,
        /// Why this variant, in OpenFeature's words.
        reason: Option<String>,
    },
    /// The unit did something.
    Outcome {
        /// What it did.
        name: String,
        /// How much of it; finite.
        value: Option<f64>,
    },
}

impl Kind {
    /// The word for it on the wire and in the log: `exposure` or `outcome`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Exposure { .. } => "exposure",
            Self::Outcome { .. } => "outcome",
        }
    }
}

/// When, and as which one of its request, an event was received.
#[derive(Debug, Clone, Copy)]
pub struct Received {
    /// The server's time.
    pub at: Timestamp,
    /// Position in the request; tells apart events that bring neither id nor time.
    pub index: usize,
}

/// Why a draft is not an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Invalid {
    /// The field, as the wire spells it.
    pub field: String,
    /// What is wrong with it, and the remedy.
    pub message: String,
}

impl Invalid {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

impl Event {
    /// Checks every bound of this module and gives the event its identity.
    ///
    /// Without an id the identity is a digest of what the event says: units, kind and time, and attributes.
    /// Where the time is missing too, the receipt takes its place, so that such an event is never taken for
    /// a repeat of another: a sender that retries should send an id or a time.
    pub fn new(draft: Draft, received: Received) -> Result<Self, Invalid> {
        let Draft { id, at, units, kind, source, attributes } = draft;
        check_units(&units)?;
        check_kind(&kind)?;
        check_attributes(&attributes)?;
        check_text("source", &source, WORD_BYTES_MAX)?;
        let received_at = to_microsecond(received.at);
        let stated_at = at.map(to_microsecond);
        if let Some(at) = stated_at {
            check_time(at, received_at)?;
        }
        let id = match id {
            Some(id) => {
                check_text("id", &id, TEXT_BYTES_MAX)?;
                id
            }
            None => content_digest(&units, &kind, &attributes, stated_at, received_at, received.index),
        };
        Ok(Self { id, at: stated_at.unwrap_or(received_at), received_at, units, kind, source, attributes })
    }

    /// Gives an exposure that names no revision the one it was of, as the receiver knows it. Its identity stays what the
    /// sender said. Anything else, and a revision that no event can carry, leaves the event as it is.
    pub fn complete_revision(&mut self, known: String) {
        if let Kind::Exposure { revision: revision @ None, .. } = &mut self.kind
            && check_text("revision", &known, WORD_BYTES_MAX).is_ok()
        {
            *revision = Some(known);
        }
    }

    /// Unique per unit: an event counts once per (unit, id).
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When it happened, by the sender's clock.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// When it was received, by the server's clock.
    pub fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// The first unit: the one the event is sorted and deduplicated by.
    pub fn unit(&self) -> &Unit {
        &self.units[0]
    }

    /// All units, at least one, of distinct types.
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// What happened.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The way it came in.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What else was sent.
    pub fn attributes(&self) -> &BTreeMap<String, String> {
        &self.attributes
    }

    /// About how much memory and log the event takes, in bytes: what bounds the queue.
    pub fn weight(&self) -> usize {
        let units: usize = self.units.iter().map(|unit| unit.unit_type.len() + unit.id.len()).sum();
        let attributes: usize = self.attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
        let kind = match &self.kind {
            Kind::Exposure { flag, variant, revision, reason } => {
                let optional = |text: &Option<String>| text.as_ref().map_or(0, String::len);
                flag.len() + variant.len() + optional(revision) + optional(reason)
            }
            Kind::Outcome { name, .. } => name.len() + 8,
        };
        96 + self.id.len() + self.source.len() + units + attributes + kind
    }
}

fn check_units(units: &[Unit]) -> Result<(), Invalid> {
    if units.is_empty() {
        return Err(Invalid::new(
            "unit",
            "no unit; name whom the event concerns, such as \"u1\" or {\"user\": \"u1\"}",
        ));
    }
    if units.len() > UNITS_MAX {
        return Err(Invalid::new(
            "unit",
            format!("{} unit ids, more than {UNITS_MAX}; send the ones that rollouts use", units.len()),
        ));
    }
    for (index, unit) in units.iter().enumerate() {
        check_text("unit", &unit.unit_type, WORD_BYTES_MAX)?;
        check_text(&format!("unit.{}", unit.unit_type), &unit.id, TEXT_BYTES_MAX)?;
        if units[..index].iter().any(|earlier| earlier.unit_type == unit.unit_type) {
            return Err(Invalid::new(
                "unit",
                format!("two ids of type `{}`; send one id a type", unit.unit_type),
            ));
        }
    }
    Ok(())
}

fn check_kind(kind: &Kind) -> Result<(), Invalid> {
    match kind {
        Kind::Exposure { flag, variant, revision, reason } => {
            check_text("flag", flag, TEXT_BYTES_MAX)?;
            check_text("variant", variant, WORD_BYTES_MAX)?;
            if let Some(revision) = revision {
                check_text("revision", revision, WORD_BYTES_MAX)?;
            }
            if let Some(reason) = reason {
                check_text("reason", reason, WORD_BYTES_MAX)?;
            }
        }
        Kind::Outcome { name, value } => {
            check_text("event", name, TEXT_BYTES_MAX)?;
            if value.is_some_and(|value| !value.is_finite()) {
                return Err(Invalid::new("value", "not a finite number; send a number, or leave it out"));
            }
        }
    }
    Ok(())
}

fn check_attributes(attributes: &BTreeMap<String, String>) -> Result<(), Invalid> {
    if attributes.len() > ATTRIBUTES_MAX {
        let count = attributes.len();
        return Err(Invalid::new(
            "attributes",
            format!("{count} attributes, more than {ATTRIBUTES_MAX}; send the ones that metrics filter by"),
        ));
    }
    for (name, value) in attributes {
        check_text("attributes", name, WORD_BYTES_MAX)?;
        if value.len() > TEXT_BYTES_MAX {
            return Err(too_long(&format!("attributes.{name}"), value.len(), TEXT_BYTES_MAX));
        }
    }
    Ok(())
}

fn check_text(field: &str, text: &str, bytes_max: usize) -> Result<(), Invalid> {
    if text.is_empty() {
        return Err(Invalid::new(field, "empty; send a text or leave the field out"));
    }
    if text.len() > bytes_max {
        return Err(too_long(field, text.len(), bytes_max));
    }
    Ok(())
}

fn too_long(field: &str, bytes: usize, bytes_max: usize) -> Invalid {
    Invalid::new(
        field,
        format!("{bytes} bytes long, more than {bytes_max}; send a shorter text or its digest"),
    )
}

fn check_time(at: Timestamp, received_at: Timestamp) -> Result<(), Invalid> {
    let lead = at.duration_since(received_at);
    if lead > FUTURE_MAX {
        return Err(Invalid::new(
            "at",
            format!(
                "{at} is more than a day after its receipt at {received_at}; check the sender's clock, and \
                 that numbers are milliseconds"
            ),
        ));
    }
    if lead < -PAST_MAX {
        return Err(Invalid::new(
            "at",
            format!(
                "{at} is more than 400 days before its receipt at {received_at}; check the sender's clock, and \
                 that numbers are milliseconds"
            ),
        ));
    }
    Ok(())
}

/// The log's resolution; what an event says and what is read back are then the same.
fn to_microsecond(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// 128 bits of SHA-256 in hexadecimal, over the fields with their lengths, so that no two contents
/// run together.
fn content_digest(
    units: &[Unit],
    kind: &Kind,
    attributes: &BTreeMap<String, String>,
    stated_at: Option<Timestamp>,
    received_at: Timestamp,
    index: usize,
) -> String {
    let mut digest = Sha256::new();
    let mut field = |bytes: &[u8]| {
        digest.update((bytes.len() as u64).to_le_bytes());
        digest.update(bytes);
    };
    field(&(units.len() as u64).to_le_bytes());
    for unit in units {
        field(unit.unit_type.as_bytes());
        field(unit.id.as_bytes());
    }
    field(kind.as_str().as_bytes());
    match kind {
        Kind::Exposure { flag, variant, revision, reason } => {
            field(flag.as_bytes());
            field(variant.as_bytes());
            field(revision.as_deref().unwrap_or_default().as_bytes());
            field(reason.as_deref().unwrap_or_default().as_bytes());
        }
        Kind::Outcome { name, value } => {
            field(name.as_bytes());
            field(&value.map(|value| value.to_bits().to_le_bytes().to_vec()).unwrap_or_default());
        }
    }
    for (name, value) in attributes {
        field(name.as_bytes());
        field(value.as_bytes());
    }
    match stated_at {
        Some(at) => field(&at.as_microsecond().to_le_bytes()),
        None => {
            field(&received_at.as_microsecond().to_le_bytes());
            field(&(index as u64).to_le_bytes());
        }
    }
    hex::encode(&digest.finalize()[..16])
}
