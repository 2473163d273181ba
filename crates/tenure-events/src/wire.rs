//! Events as they come in: a JSON array, or one JSON object a line (NDJSON). A bad event is an answer of its
//! own and does not touch the others; only a body that cannot be taken apart is refused as a whole.
//!
//! ```json
//! {"type": "exposure", "unit": "u1", "flag": "checkout", "variant": "treatment", "revision": "PC-1/1"}
//! {"type": "outcome", "unit": {"user": "u1", "tenant": "t9"}, "event": "purchase", "value": 12.5,
//!  "at": "2026-03-01T12:00:00Z", "id": "order-77", "attributes": {"country": "SE"}}
//! ```
//!
//! `at` is RFC 3339 or milliseconds since the epoch. A field that is not known is refused and not passed
//! over: a misspelt `at` would otherwise move an event in time unnoticed.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::event::{Draft, Event, Invalid, Kind, Received, UNIT_TYPE_DEFAULT, Unit};
use crate::json::{Json, Reader};

/// How the events of one body came in.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The server's time of receipt.
    pub received_at: Timestamp,
    /// [`Draft::source`] of all events.
    pub source: &'a str,
    /// Events that one body may hold.
    pub events_max: usize,
}

/// An event that was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {index}: {field}: {message}")]
pub struct Malformed {
    /// Its place in the body, from 0; lines that are blank do not count.
    pub index: usize,
    /// The field.
    pub field: String,
    /// What is wrong, and the remedy.
    pub message: String,
}

/// A body of which nothing was accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is not JSON.
    #[error(
        "not JSON at line {line}, column {column} ({message}); send an array of events, or one event a line \
         as application/x-ndjson"
    )]
    NotJson {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What the parser said.
        message: String,
    },
    /// It is JSON of another shape.
    #[error("the body is {found}; send an array of events")]
    NotEvents {
        /// What it is.
        found: &'static str,
    },
    /// It holds too many events.
    #[error("more than {events_max} events; send them in several requests")]
    TooMany {
        /// The bound.
        events_max: usize,
    },
}

/// The events of a JSON body: an array, or one event alone.
pub fn parse_json(body: &[u8], origin: Origin<'_>) -> Result<Vec<Result<Event, Malformed>>, BodyError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let events = Body { origin }.deserialize(&mut json);
    let events = events.and_then(|events| json.end().map(|()| events));
    events.map_err(|error| BodyError::NotJson {
        line: error.line(),
        column: error.column(),
        message: what_of(&error),
    })?
}

/// The events of an NDJSON body. A line that is not JSON is a malformed event.
pub fn parse_ndjson(body: &[u8], origin: Origin<'_>) -> Result<Vec<Result<Event, Malformed>>, BodyError> {
    let mut events = Vec::new();
    for line in body.split(|&byte| byte == b'\n') {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let index = events.len();
        if index == origin.events_max {
            return Err(BodyError::TooMany { events_max: origin.events_max });
        }
        events.push(match serde_json::from_slice::<Json<'_>>(line) {
            Ok(event) => parse_event(event, index, origin),
            Err(error) => Err(Malformed {
                index,
                field: "line".into(),
                message: format!(
                    "not JSON at column {} ({}); send one event a line",
                    error.column(),
                    what_of(&error)
                ),
            }),
        });
    }
    Ok(events)
}

/// Takes a body apart event by event: the bound on their number holds before they are in memory.
struct Body<'a> {
    origin: Origin<'a>,
}

type Events = Result<Vec<Result<Event, Malformed>>, BodyError>;

impl<'de> DeserializeSeed<'de> for Body<'_> {
    type Value = Events;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Events, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Body<'_> {
    type Value = Events;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Events, A::Error> {
        let mut events = Vec::new();
        while events.len() < self.origin.events_max
            && let Some(event) = items.next_element::<Json<'de>>()?
        {
            events.push(parse_event(event, events.len(), self.origin));
        }
        let mut beyond = 0_usize;
        while items.next_element::<IgnoredAny>()?.is_some() {
            beyond += 1;
        }
        let events_max = self.origin.events_max;
        Ok(if beyond == 0 { Ok(events) } else { Err(BodyError::TooMany { events_max }) })
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Events, A::Error> {
        let event = Reader::default().visit_map(entries)?;
        Ok(Ok(vec![parse_event(event, 0, self.origin)]))
    }

    fn visit_unit<E>(self) -> Result<Events, E> {
        Ok(not_events(&Json::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Events, E> {
        Ok(not_events(&Json::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Events, E> {
        Ok(not_events(&Json::Number(value as f64)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Events, E> {
        Ok(not_events(&Json::Number(value as f64)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Events, E> {
        Ok(not_events(&Json::Number(value)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Events, E> {
        Ok(not_events(&Json::Text(Cow::Borrowed(text))))
    }
}

fn not_events(json: &Json<'_>) -> Events {
    Err(BodyError::NotEvents { found: json.kind() })
}

/// The parser's message without its "at line …", which is told apart.
fn what_of(error: &serde_json::Error) -> String {
    let message = error.to_string();
    message.rsplit_once(" at line ").map_or(message.clone(), |(what, _)| what.to_owned())
}

fn parse_event(json: Json<'_>, index: usize, origin: Origin<'_>) -> Result<Event, Malformed> {
    let received = Received { at: origin.received_at, index };
    let event = draft_of(json, origin.source).and_then(|draft| Event::new(draft, received));
    event.map_err(|Invalid { field, message }| Malformed { index, field, message })
}

/// The fields as sent, each taken out as it is understood; what remains is unknown.
struct Fields<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

const COMMON: [&str; 5] = ["type", "id", "at", "unit", "attributes"];
const EXPOSURE: [&str; 4] = ["flag", "variant", "revision", "reason"];
const OUTCOME: [&str; 3] = ["event", "name", "value"];

fn draft_of(json: Json<'_>, source: &str) -> Result<Draft, Invalid> {
    let Json::Object(fields) = json else {
        return Err(Invalid::new(
            "event",
            format!("{}, not an object; send {{\"type\": …, \"unit\": …}}", json.kind()),
        ));
    };
    let mut fields = Fields(fields);
    let kind = match fields.text("type")?.as_deref() {
        Some("exposure") => Kind::Exposure {
            flag: fields.required("flag", "name the flag that the unit met")?,
            variant: fields.required("variant", "name the variant that was served")?,
            revision: fields.text("revision")?.map(Cow::into_owned),
            reason: fields.text("reason")?.map(Cow::into_owned),
        },
        Some("outcome") => Kind::Outcome { name: fields.outcome_name()?, value: fields.value()? },
        Some(other) => {
            return Err(Invalid::new(
                "type",
                format!("unknown type `{}`; send exposure or outcome", clip(other)),
            ));
        }
        None => return Err(Invalid::new("type", "missing; send exposure or outcome")),
    };
    let draft = Draft {
        id: fields.text("id")?.map(Cow::into_owned),
        at: fields.time()?,
        units: fields.units()?,
        attributes: fields.attributes()?,
        source: source.to_owned(),
        kind,
    };
    match fields.0.into_iter().next() {
        None => Ok(draft),
        Some((name, _)) => Err(unknown_field(&name, &draft.kind)),
    }
}

impl<'a> Fields<'a> {
    /// Takes a field; null counts as left out. Of a field that is there twice the second stays behind as
    /// unknown.
    fn take(&mut self, name: &str) -> Option<Json<'a>> {
        let at = self.0.iter().position(|(field, _)| field == name)?;
        match self.0.remove(at).1 {
            Json::Null => None,
            value => Some(value),
        }
    }

    fn text(&mut self, name: &str) -> Result<Option<Cow<'a, str>>, Invalid> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text)),
            Some(other) => Err(not_text(name, &other)),
        }
    }

    fn required(&mut self, name: &str, remedy: &str) -> Result<String, Invalid> {
        self.text(name)?.map(Cow::into_owned).ok_or_else(|| Invalid::new(name, format!("missing; {remedy}")))
    }

    fn outcome_name(&mut self) -> Result<String, Invalid> {
        match (self.text("event")?, self.text("name")?) {
            (Some(event), Some(name)) if event != name => {
                Err(Invalid::new("name", "differs from `event`; send one of the two"))
            }
            (Some(name), _) | (None, Some(name)) => Ok(name.into_owned()),
            (None, None) => {
                Err(Invalid::new("event", "missing; name what the unit did, such as \"purchase\""))
            }
        }
    }

    fn value(&mut self) -> Result<Option<f64>, Invalid> {
        match self.take("value") {
            None => Ok(None),
            Some(Json::Number(value)) => Ok(Some(value)),
            Some(other) => Err(Invalid::new(
                "value",
                format!("{}, not a number; send a number, or leave it out", other.kind()),
            )),
        }
    }

    fn time(&mut self) -> Result<Option<Timestamp>, Invalid> {
        let not_a_time = |found: &str| {
            let remedy =
                "send RFC 3339 with an offset, such as 2026-03-01T12:00:00Z, or milliseconds since 1970";
            Invalid::new("at", format!("{found} is not a time; {remedy}"))
        };
        match self.take("at") {
            None => Ok(None),
            Some(Json::Text(text)) => {
                text.parse().map(Some).map_err(|_| not_a_time(&format!("`{}`", clip(&text))))
            }
            Some(Json::Number(milliseconds)) => time_of(milliseconds).map(Some),
            Some(other) => Err(not_a_time(other.kind())),
        }
    }

    fn units(&mut self) -> Result<Vec<Unit>, Invalid> {
        match self.take("unit") {
            None => Ok(Vec::new()),
            Some(Json::Text(id)) => Ok(vec![Unit::new(UNIT_TYPE_DEFAULT, id)]),
            Some(Json::Object(units)) => units
                .into_iter()
                .map(|(unit_type, id)| match id {
                    Json::Text(id) => Ok(Unit::new(unit_type, id)),
                    other => Err(not_text(&format!("unit.{}", clip(&unit_type)), &other)),
                })
                .collect(),
            Some(other) => Err(not_text("unit", &other)),
        }
    }

    fn attributes(&mut self) -> Result<BTreeMap<String, String>, Invalid> {
        match self.take("attributes") {
            None => Ok(BTreeMap::new()),
            Some(Json::Object(attributes)) => attributes
                .into_iter()
                .filter(|(_, value)| !matches!(value, Json::Null))
                .map(|(name, value)| match value.into_text() {
                    Ok(text) => Ok((name.into_owned(), text.into_owned())),
                    Err(other) => Err(not_text(&format!("attributes.{}", clip(&name)), &other)),
                })
                .collect(),
            Some(other) => Err(Invalid::new(
                "attributes",
                format!("{}, not an object; send {{\"name\": \"text\"}}", other.kind()),
            )),
        }
    }
}

fn time_of(milliseconds: f64) -> Result<Timestamp, Invalid> {
    let in_range = milliseconds.abs() < 1e15;
    let time = if in_range {
        Timestamp::from_microsecond((milliseconds * 1000.0).round() as i64).ok()
    } else {
        None
    };
    time.ok_or_else(|| {
        Invalid::new(
            "at",
            format!(
                "{milliseconds} is out of range; send milliseconds since 1970, not micro- or nanoseconds"
            ),
        )
    })
}

fn not_text(field: &str, found: &Json<'_>) -> Invalid {
    Invalid::new(field, format!("{}, not a text; send it in quotes", found.kind()))
}

fn unknown_field(name: &str, kind: &Kind) -> Invalid {
    let (own, other): (&[&str], &[&str]) = match kind {
        Kind::Exposure { .. } => (&EXPOSURE, &OUTCOME),
        Kind::Outcome { .. } => (&OUTCOME, &EXPOSURE),
    };
    let message = if COMMON.contains(&name) || own.contains(&name) {
        "given twice; send it once".to_owned()
    } else if other.contains(&name) {
        format!("not a field of an {}; leave it out, or put it under `attributes`", kind.as_str())
    } else {
        let known = [&COMMON[..], own].concat().join(", ");
        format!("unknown field; known are {known}; put anything else under `attributes`")
    };
    Invalid::new(clip(name), message)
}

/// Enough of a sender's text to recognise it by, so that an answer stays short.
fn clip(text: &str) -> &str {
    let end = text.char_indices().map(|(at, _)| at).nth(40).unwrap_or(text.len());
    &text[..end]
}
