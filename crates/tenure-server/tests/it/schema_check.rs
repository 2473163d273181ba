//! Whether a value is as a JSON Schema says: as much of it as the description of the API uses.

use serde_json::Value;

/// Everything about a value that is not as its schema says, each with its place.
pub fn faults(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(document, schema, value, "", &mut found);
    found
}

fn check(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let Some(members) = schema.as_object() else { return };
    if let Some(to) = schema["$ref"].as_str() {
        let target = document.pointer(&to[1..]).unwrap_or_else(|| panic!("{to} leads nowhere"));
        check(document, target, value, at, found);
    }
    if let Some(kinds) = members.get("type") {
        let is = |kind: &Value| match kind.as_str().unwrap_or_default() {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "object" => value.is_object(),
            "array" => value.is_array(),
            "number" => value.is_number(),
            "integer" => value.is_i64() || value.is_u64(),
            "string" => value.is_string(),
            other => panic!("{other} is no type"),
        };
        let fits = kinds.as_array().map_or_else(|| is(kinds), |kinds| kinds.iter().any(is));
        if !fits {
            found.push(format!("{at}: {value} is not {kinds}"));
            return;
        }
    }
    if members.get("const").is_some_and(|only| only != value) {
        found.push(format!("{at}: {value} is not {}", schema["const"]));
    }
    if schema["enum"].as_array().is_some_and(|known| !known.contains(value)) {
        found.push(format!("{at}: {value} is none of {}", schema["enum"]));
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        check(document, part, value, at, found);
    }
    for (key, one) in [("oneOf", true), ("anyOf", false)] {
        let Some(ways) = schema[key].as_array() else { continue };
        let tried: Vec<Vec<String>> = ways.iter().map(|way| faults(document, way, value)).collect();
        let fits = tried.iter().filter(|wrong| wrong.is_empty()).count();
        if fits == 0 || (one && fits > 1) {
            let nearest = tried.iter().filter(|wrong| !wrong.is_empty()).min_by_key(|wrong| wrong.len());
            found.push(format!("{at}: fits {fits} ways of {key}; nearest: {nearest:?}"));
        }
    }
    if let Some(object) = value.as_object() {
        for needed in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(needed) {
                found.push(format!("{at}: {needed} is missing"));
            }
        }
        for (name, inner) in object {
            let at = format!("{at}/{name}");
            let own = &schema["properties"][name];
            match (own, members.get("additionalProperties")) {
                (Value::Null, Some(Value::Bool(false))) if schema.get("patternProperties").is_none() => {
                    found.push(format!("{at}: not described"));
                }
                (Value::Null, Some(rest)) => check(document, rest, inner, &at, found),
                (own, _) => check(document, own, inner, &at, found),
            }
        }
    }
    for (index, inner) in value.as_array().into_iter().flatten().enumerate() {
        let at = format!("{at}/{index}");
        match schema["prefixItems"].get(index) {
            Some(own) => check(document, own, inner, &at, found),
            None => check(document, &schema["items"], inner, &at, found),
        }
    }
}
