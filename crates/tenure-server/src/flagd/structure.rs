//! JSON to and from `google.protobuf.Struct`, whose only number is the double.

use buffa::MessageField;
use buffa_types::google::protobuf::__buffa::view::oneof::value::Kind;
use buffa_types::google::protobuf::__buffa::view::{ListValueView, StructView, ValueView};
use buffa_types::google::protobuf::{ListValue, Struct, Value as ProtoValue};
use serde_json::{Map, Number, Value};

/// The largest whole number below which a double holds every other one too.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// The attributes of a context. Nothing is the empty one.
pub fn attributes(context: Option<&StructView<'_>>) -> Map<String, Value> {
    context.map(object).unwrap_or_default()
}

fn object(view: &StructView<'_>) -> Map<String, Value> {
    view.fields.iter().map(|(name, value)| ((*name).to_owned(), json(value))).collect()
}

fn list(view: &ListValueView<'_>) -> Value {
    view.values.iter().map(json).collect()
}

fn json(view: &ValueView<'_>) -> Value {
    match &view.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(value)) => Value::Bool(*value),
        Some(Kind::NumberValue(value)) => number(*value),
        Some(Kind::StringValue(value)) => Value::String((*value).to_owned()),
        Some(Kind::StructValue(value)) => Value::Object(object(value)),
        Some(Kind::ListValue(value)) => list(value),
    }
}

/// A whole number is one again: a unit `7` is the same whether it came as JSON or as a double.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() <= EXACT_MAX {
        return Value::from(value as i64);
    }
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

/// A message field that holds these members.
pub fn field(members: &Map<String, Value>) -> MessageField<Struct, buffa::Inline<Struct>> {
    MessageField::some(structure(members))
}

/// An object as a message.
pub fn structure(members: &Map<String, Value>) -> Struct {
    members.iter().map(|(name, value)| (name.clone(), message(value))).collect()
}

fn message(value: &Value) -> ProtoValue {
    match value {
        Value::Null => ProtoValue::null(),
        Value::Bool(value) => ProtoValue::from(*value),
        Value::Number(value) => ProtoValue::from(value.as_f64().unwrap_or(f64::NAN)),
        Value::String(value) => ProtoValue::from(value.as_str()),
        Value::Array(values) => ProtoValue::from(ListValue::from_values(values.iter().map(message))),
        Value::Object(members) => ProtoValue::from(structure(members)),
    }
}

#[cfg(test)]
mod tests {
    use buffa::{Message as _, MessageView as _};
    use serde_json::json;

    use super::*;

    #[test]
    fn json_goes_over_the_wire_and_back() {
        let check = |sent: Value, received: Value| {
            let bytes = structure(sent.as_object().unwrap()).encode_to_vec();
            let view = StructView::decode_view(&bytes).unwrap();
            assert_eq!(Value::Object(attributes(Some(&view))), received);
        };
        let every_type =
            json!({"t": "ü", "n": 1.5, "b": true, "z": null, "l": [1, "2", [false]], "o": {"a": {}}});
        check(every_type.clone(), every_type);
        check(json!({}), json!({}));
        check(json!({"whole": 7.0, "large": 1e300}), json!({"whole": 7, "large": 1e300}));
    }
}
