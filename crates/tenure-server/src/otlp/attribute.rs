//! Attributes of OpenTelemetry: lists of names and values of any type, read as text or number.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;

/// The value of the first attribute with one of these names, newest name first.
fn value<'a>(attributes: &'a [KeyValue], names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| {
        let attribute = attributes.iter().find(|attribute| attribute.key == *name)?;
        attribute.value.as_ref()?.value.as_ref()
    })
}

/// A scalar as text; none for anything else, and for an empty text, which clients send where there is nothing.
pub fn text(attributes: &[KeyValue], names: &[&str]) -> Option<String> {
    value(attributes, names).and_then(scalar)
}

/// A number, also one that was sent as text. `Err` is what was there instead.
pub fn number(attributes: &[KeyValue], name: &str) -> Result<Option<f64>, &'static str> {
    match value(attributes, &[name]) {
        None => Ok(None),
        Some(Value::DoubleValue(number)) => Ok(Some(*number)),
        Some(Value::IntValue(number)) => Ok(Some(*number as f64)),
        Some(Value::StringValue(text)) => text.trim().parse().map(Some).map_err(|_| "a text"),
        Some(Value::BoolValue(_)) => Err("true or false"),
        Some(_) => Err("no single value"),
    }
}

/// A value as text, if it is a scalar.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::StringValue(text) => (!text.is_empty()).then(|| text.clone()),
        Value::BoolValue(value) => Some(value.to_string()),
        Value::IntValue(value) => Some(value.to_string()),
        Value::DoubleValue(value) => Some(value.to_string()),
        _ => None,
    }
}
