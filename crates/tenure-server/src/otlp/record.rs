//! One record, whether a log record or a span's event: an exposure, an outcome, or neither.
//!
//! An exposure is OpenTelemetry's `feature_flag.evaluation`, with its present attributes or the ones of before. An outcome
//! has no name there, so it has one of ours.

use std::collections::BTreeMap;

use jiff::Timestamp;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use tenure_events::{Draft, Event, Invalid, Kind, Received, TEXT_BYTES_MAX, UNIT_TYPE_DEFAULT, Unit};

use super::attribute::{number, scalar, text};
use crate::ingest::OTLP;

/// Names of the event of an evaluation, the present one and the one of before.
pub const EVALUATION_NAMES: [&str; 2] = ["feature_flag.evaluation", "feature_flag"];
/// The name of the event of an outcome.
const OUTCOME_NAME: &str = "tenure.outcome";
/// What stands before a type of unit, such as `tenure.unit.tenant`.
const UNIT_PREFIX: &str = "tenure.unit.";
/// What is ours among the attributes of an outcome.
const OWN_PREFIX: &str = "tenure.";
/// Where the default unit's id is found, in this order.
const UNIT_NAMES: [&str; 3] = ["feature_flag.context.id", "user.id", "enduser.id"];
/// What is kept of where an exposure comes from: who disagrees with us has a name and a version.
const RESOURCE_KEPT: [&str; 4] =
    ["service.name", "service.version", "telemetry.sdk.language", "telemetry.sdk.version"];

/// A record, with what stands around it.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// The name of the event.
    pub name: &'a str,
    /// When, in nanoseconds since 1970; 0 where nobody said.
    pub nanoseconds: u64,
    /// What it says.
    pub attributes: &'a [KeyValue],
    /// Who says it.
    pub origin: Origin<'a>,
}

/// Where a record comes from.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The application.
    pub resource: Option<&'a Resource>,
    /// The library in it.
    pub scope: Option<&'a InstrumentationScope>,
}

/// The name of a record: its own, or an attribute, where older clients put it.
pub fn name_of<'a>(name: &'a str, attributes: &'a [KeyValue]) -> &'a str {
    use opentelemetry_proto::tonic::common::v1::any_value::Value::StringValue;
    if !name.is_empty() {
        return name;
    }
    let attribute = attributes.iter().find(|attribute| attribute.key == "event.name");
    match attribute.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
        Some(StringValue(name)) => name,
        _ => "",
    }
}

/// The event that a record is; none if it is about something else, or about an evaluation that served no variant.
pub fn event_of(record: &Record<'_>, received: Received) -> Option<Result<Event, Invalid>> {
    let draft = if EVALUATION_NAMES.contains(&record.name) {
        exposure(record)?
    } else if record.name == OUTCOME_NAME {
        outcome(record)
    } else {
        return None;
    };
    Some(draft.and_then(|draft| Event::new(draft, received)))
}

fn exposure(record: &Record<'_>) -> Option<Result<Draft, Invalid>> {
    let said = |names: &[&str]| text(record.attributes, names);
    // Without a variant the default in the application's code was used: the unit met nothing of the flag.
    let variant = said(&["feature_flag.result.variant", "feature_flag.variant"])?;
    if said(&["error.type", "feature_flag.error.type"]).is_some() {
        return None;
    }
    let Some(flag) = said(&["feature_flag.key"]) else {
        return Some(Err(invalid("feature_flag.key", "missing; name the flag that was evaluated")));
    };
    let reason =
        said(&["feature_flag.result.reason", "feature_flag.reason", "feature_flag.evaluation.reason"]);
    Some(units(record, "set targetingKey in the evaluation context").and_then(|units| {
        Ok(Draft {
            id: None,
            at: at(record)?,
            units,
            kind: Kind::Exposure {
                flag,
                variant,
                revision: said(&["feature_flag.version"]),
                reason: reason.map(|reason| reason.to_uppercase()),
            },
            source: OTLP.to_owned(),
            attributes: origin(record),
        })
    }))
}

fn outcome(record: &Record<'_>) -> Result<Draft, Invalid> {
    let attributes = record.attributes;
    let name = text(attributes, &["tenure.outcome.name"])
        .ok_or_else(|| invalid("tenure.outcome.name", "missing; name what the unit did, such as purchase"))?;
    let value = number(attributes, "tenure.outcome.value").map_err(|found| {
        invalid("tenure.outcome.value", &format!("{found}, not a number; send a number, or leave it out"))
    })?;
    let is_kept = |attribute: &&KeyValue| {
        let key = attribute.key.as_str();
        !key.starts_with(OWN_PREFIX) && !UNIT_NAMES.contains(&key) && key != "event.name"
    };
    let kept = attributes.iter().filter(is_kept).filter_map(|attribute| {
        let value = scalar(attribute.value.as_ref()?.value.as_ref()?)?;
        Some((attribute.key.clone(), value))
    });
    Ok(Draft {
        id: text(attributes, &["tenure.outcome.id"]),
        at: at(record)?,
        units: units(record, "name whom it concerns with tenure.unit.user or user.id")?,
        kind: Kind::Outcome { name, value },
        source: OTLP.to_owned(),
        attributes: kept.collect(),
    })
}

/// The default unit first, then those of other types.
fn units(record: &Record<'_>, remedy: &str) -> Result<Vec<Unit>, Invalid> {
    let own = format!("{UNIT_PREFIX}{UNIT_TYPE_DEFAULT}");
    let user = text(record.attributes, &[own.as_str(), UNIT_NAMES[0], UNIT_NAMES[1], UNIT_NAMES[2]]);
    let mut units: Vec<Unit> = user.map(|id| Unit::new(UNIT_TYPE_DEFAULT, id)).into_iter().collect();
    for attribute in record.attributes {
        let Some(unit_type) = attribute.key.strip_prefix(UNIT_PREFIX) else { continue };
        let id = attribute.value.as_ref().and_then(|value| scalar(value.value.as_ref()?));
        if let Some(id) = id.filter(|_| unit_type != UNIT_TYPE_DEFAULT) {
            units.push(Unit::new(unit_type, id));
        }
    }
    if units.is_empty() {
        return Err(invalid(UNIT_NAMES[0], &format!("missing; {remedy}")));
    }
    Ok(units)
}

fn at(record: &Record<'_>) -> Result<Option<Timestamp>, Invalid> {
    if record.nanoseconds == 0 {
        return Ok(None);
    }
    Timestamp::from_nanosecond(i128::from(record.nanoseconds))
        .map(Some)
        .map_err(|_| invalid("time_unix_nano", "out of range; send nanoseconds since 1970"))
}

/// Who evaluated: what of it fits into an event.
fn origin(record: &Record<'_>) -> BTreeMap<String, String> {
    let of_resource = |name: &'static str| {
        let resource = record.origin.resource?;
        Some((name, text(&resource.attributes, &[name])?))
    };
    let provider = text(record.attributes, &["feature_flag.provider.name", "feature_flag.provider_name"]);
    let scope = record.origin.scope;
    let of_scope = |name: &'static str, part: Option<&String>| {
        Some((name, part.filter(|part| !part.is_empty())?.clone()))
    };
    RESOURCE_KEPT
        .into_iter()
        .filter_map(of_resource)
        .chain(provider.map(|provider| ("feature_flag.provider.name", provider)))
        .chain(of_scope("otel.scope.name", scope.map(|scope| &scope.name)))
        .chain(of_scope("otel.scope.version", scope.map(|scope| &scope.version)))
        .filter(|(_, value)| value.len() <= TEXT_BYTES_MAX)
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn invalid(field: &str, message: &str) -> Invalid {
    Invalid { field: field.to_owned(), message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn received() -> Received {
        Received { at: "2026-03-02T09:00:00Z".parse().unwrap(), index: 0 }
    }

    /// Attributes as a client sends them in JSON.
    fn attributes(of: &Value) -> Vec<KeyValue> {
        let attribute = |(key, value): (&String, &Value)| {
            let value = match value {
                Value::String(text) => json!({"stringValue": text}),
                Value::Number(number) => json!({"doubleValue": number}),
                Value::Bool(value) => json!({"boolValue": value}),
                _ => json!({"arrayValue": {"values": []}}),
            };
            serde_json::from_value(json!({"key": key, "value": value})).unwrap()
        };
        of.as_object().unwrap().iter().map(attribute).collect()
    }

    fn read(name: &str, said: &Value) -> Option<Result<Event, Invalid>> {
        let resource: Resource = serde_json::from_value(json!({
            "attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}],
        }))
        .unwrap();
        let origin = Origin { resource: Some(&resource), scope: None };
        let attributes = attributes(said);
        let record = Record { name, nanoseconds: 1_772_442_000_123_456_789, attributes: &attributes, origin };
        event_of(&record, received())
    }

    /// The event that attributes are, as the units, kind and attributes that it has.
    fn check(name: &str, said: &Value, units: &[(&str, &str)], kind: Kind, kept: &[(&str, &str)]) {
        let event = read(name, said).unwrap().unwrap();
        let found: Vec<_> =
            event.units().iter().map(|unit| (unit.unit_type.as_str(), unit.id.as_str())).collect();
        assert_eq!((found.as_slice(), event.kind()), (units, &kind), "{said}");
        assert_eq!(event.at(), "2026-03-02T09:00:00.123456Z".parse().unwrap());
        let kept: BTreeMap<String, String> =
            kept.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(event.attributes(), &kept, "{said}");
    }

    fn exposure(variant: &str, revision: Option<&str>, reason: Option<&str>) -> Kind {
        Kind::Exposure {
            flag: "checkout".to_owned(),
            variant: variant.to_owned(),
            revision: revision.map(str::to_owned),
            reason: reason.map(str::to_owned),
        }
    }

    #[test]
    fn an_evaluation_is_an_exposure_in_present_and_older_words() {
        check(
            "feature_flag.evaluation",
            &json!({
                "feature_flag.key": "checkout", "feature_flag.result.variant": "treatment",
                "feature_flag.result.reason": "split", "feature_flag.context.id": "u1",
                "feature_flag.version": "PC-1/2", "feature_flag.provider.name": "ofrep",
                "feature_flag.result.value": true,
            }),
            &[("user", "u1")],
            exposure("treatment", Some("PC-1/2"), Some("SPLIT")),
            &[("feature_flag.provider.name", "ofrep"), ("service.name", "shop")],
        );
        check(
            "feature_flag",
            &json!({
                "feature_flag.key": "checkout", "feature_flag.variant": "control",
                "feature_flag.provider_name": "flagd", "feature_flag.context.id": "u1", "tenure.unit.tenant": "t9",
            }),
            &[("user", "u1"), ("tenant", "t9")],
            exposure("control", None, None),
            &[("feature_flag.provider.name", "flagd"), ("service.name", "shop")],
        );
    }

    #[test]
    fn an_outcome_has_a_name_and_perhaps_a_size() {
        check(
            "tenure.outcome",
            &json!({
                "tenure.outcome.name": "purchase", "tenure.outcome.value": 12.5, "tenure.unit.tenant": "t9",
                "user.id": "u1", "country": "SE", "express": true, "basket": [],
            }),
            &[("user", "u1"), ("tenant", "t9")],
            Kind::Outcome { name: "purchase".to_owned(), value: Some(12.5) },
            &[("country", "SE"), ("express", "true")],
        );
        let event = read(
            "tenure.outcome",
            &json!({"tenure.outcome.name": "visit", "tenure.outcome.id": "v-1", "tenure.unit.device": "d1"}),
        );
        let event = event.unwrap().unwrap();
        assert_eq!((event.id(), event.unit().unit_type.as_str()), ("v-1", "device"));
    }

    #[test]
    fn what_meets_nothing_is_passed_over_and_what_is_wrong_is_named() {
        let passed_over = |name, said: &Value| assert!(read(name, said).is_none(), "{said}");
        passed_over("user.login", &json!({"feature_flag.key": "checkout"}));
        passed_over(
            "feature_flag.evaluation",
            &json!({"feature_flag.key": "checkout", "feature_flag.context.id": "u1", "feature_flag.result.variant": ""}),
        );
        passed_over(
            "feature_flag.evaluation",
            &json!({
                "feature_flag.key": "checkout", "feature_flag.result.variant": "treatment",
                "error.type": "type_mismatch", "feature_flag.context.id": "u1",
            }),
        );
        let wrong = |name, said: &Value, expected: &str| {
            let invalid = read(name, said).unwrap().unwrap_err();
            assert!(invalid.to_string().starts_with(expected), "{invalid}");
        };
        wrong(
            "feature_flag.evaluation",
            &json!({"feature_flag.key": "checkout", "feature_flag.result.variant": "treatment"}),
            "feature_flag.context.id: missing; set targetingKey",
        );
        wrong("tenure.outcome", &json!({"user.id": "u1"}), "tenure.outcome.name: missing");
        wrong(
            "tenure.outcome",
            &json!({"tenure.outcome.name": "purchase", "tenure.outcome.value": "much", "user.id": "u1"}),
            "tenure.outcome.value: a text, not a number",
        );
    }

    #[test]
    fn the_same_record_is_the_same_event() {
        let said = json!({"tenure.outcome.name": "purchase", "user.id": "u1"});
        let id = |said: &Value| read("tenure.outcome", said).unwrap().unwrap().id().to_owned();
        assert_eq!(id(&said), id(&said));
        assert_ne!(id(&said), id(&json!({"tenure.outcome.name": "purchase", "user.id": "u2"})));
    }
}
