//! What the process's own types look like in JSON: their schemas, as components of the API's description.
//!
//! A type of the process derives [`JsonSchema`] beside its serde form and enters a route as [`Shown`] (an answer) or
//! [`Given`] (a request). A type that is used both ways has two schemas where the two differ: what may be left out of a
//! request is always there in an answer. The request's is then called `…Input`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;

use schemars::JsonSchema;
use schemars::generate::{Contract, SchemaSettings};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use tenure_core::Command;
use tenure_store::Store;
use utoipa::openapi::RefOr;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::schema::{ObjectBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::problem::Problem;
use crate::text;

/// Where components stand in the description.
const COMPONENTS: &str = "#/components/schemas/";
/// What the name of a request's component begins with until all are known.
const REQUEST: &str = "given.";
/// Under what a component carries its schema and all it refers to, until all are known.
const BUNDLE: &str = "x-bundle";

/// The JSON form of a `T`, as an answer.
#[derive(Debug, Clone)]
pub struct Shown<T> {
    json: Value,
    of: PhantomData<fn() -> T>,
}

/// A `T` as a request writes it. Describes a body; what reads it is [`Body`](super::body::Body).
#[derive(Debug, Clone, Copy)]
pub struct Given<T>(PhantomData<fn() -> T>);

impl<T: Serialize> Shown<T> {
    /// The form of a thing. What people wrote stays by reference until [`Shown::resolved`].
    pub fn of(thing: &T) -> Self {
        Self { json: json!(thing), of: PhantomData }
    }

    /// The form as it is.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// The form with what people wrote in place.
    pub async fn resolved(mut self, store: &Store) -> Result<Self, Problem> {
        text::resolve(store, &mut self.json).await?;
        Ok(self)
    }

    /// The same of several: one question to the store, however many there are.
    pub async fn resolved_all(mut forms: Vec<Self>, store: &Store) -> Result<Vec<Self>, Problem> {
        text::resolve_each(store, forms.iter_mut().map(|form| &mut form.json).collect()).await?;
        Ok(forms)
    }
}

impl<T> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(to)
    }
}

impl<T: JsonSchema> PartialSchema for Shown<T> {
    fn schema() -> RefOr<Schema> {
        bundle::<T>(&Self::name(), Contract::Serialize)
    }
}

impl<T: JsonSchema> ToSchema for Shown<T> {
    fn name() -> Cow<'static, str> {
        T::schema_name()
    }
}

impl<T: JsonSchema> PartialSchema for Given<T> {
    fn schema() -> RefOr<Schema> {
        bundle::<T>(&Self::name(), Contract::Deserialize)
    }
}

impl<T: JsonSchema> ToSchema for Given<T> {
    fn name() -> Cow<'static, str> {
        format!("{REQUEST}{}", T::schema_name()).into()
    }
}

/// The schema of each command's arguments, by name, with everything it refers to: each stands on its own.
pub fn of_commands() -> BTreeMap<String, Value> {
    const DEFINITIONS: &str = "#/$defs/";
    let schema = json!(SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Command>());
    let commands = schema["oneOf"].as_array().into_iter().flatten();
    let alone = |command: &Value| {
        let name = command["properties"]["do"]["const"].as_str()?;
        let arguments = &command["properties"]["with"];
        let (mut needed, mut open) = (Map::new(), refers_to(arguments, DEFINITIONS));
        while let Some(name) = open.pop() {
            let definition = &schema["$defs"][name];
            if needed.insert(name.to_owned(), definition.clone()).is_none() {
                open.extend(refers_to(definition, DEFINITIONS));
            }
        }
        let mut alone = arguments.clone();
        alone["$schema"] = schema["$schema"].clone();
        alone["$defs"] = needed.into();
        Some((name.to_owned(), alone))
    };
    commands.filter_map(alone).collect()
}

/// A component that carries the schema of `T` and of everything it refers to. utoipa's own schemas cannot hold all of JSON
/// Schema, so [`complete`] puts them in place when the description is written.
fn bundle<T: JsonSchema>(name: &str, contract: Contract) -> RefOr<Schema> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
        settings.contract = contract;
    });
    let mut generator = settings.into_generator();
    let root = generator.subschema_for::<T>();
    let mut schemas = generator.take_definitions(false);
    schemas.entry(T::schema_name()).or_insert_with(|| json!(root));
    let carried: Extensions = [(BUNDLE, json!({"name": name, "schemas": schemas}))].into_iter().collect();
    RefOr::T(Schema::Object(ObjectBuilder::new().extensions(Some(carried)).build()))
}

/// Types of one name, or names that were made up to tell them apart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("several types have one name in the description: give each `#[schemars(rename = …)]` but one: {}", .0.join(", "))]
pub struct NamesTaken(Vec<String>);

/// Schemas by name, and the names that were wanted twice.
#[derive(Debug, Default)]
struct Schemas {
    named: BTreeMap<String, Value>,
    taken: BTreeSet<String>,
}

impl Schemas {
    fn add(&mut self, name: &str, schema: Value) {
        match self.named.get(name) {
            Some(known) if *known != schema => {
                self.taken.insert(name.to_owned());
            }
            _ => {
                self.named.insert(name.to_owned(), schema);
            }
        }
    }
}

/// Puts the schemas that components carry in their place, and every reference right.
pub fn complete(description: &mut Value) -> Result<(), NamesTaken> {
    let (mut all, mut requests) = (Schemas::default(), Schemas::default());
    unpack(description, &mut all, &mut requests);
    let Some(components) = description.pointer_mut("/components/schemas").and_then(Value::as_object_mut)
    else {
        return Ok(());
    };
    // What was a bundle is a reference to itself now.
    let own = std::mem::take(components);
    let own = own.into_iter().filter(|(name, schema)| schema["$ref"] != format!("{COMPONENTS}{name}"));
    let names = request_names(&all.named, &requests.named);
    own.for_each(|(name, schema)| all.add(&name, schema));
    for (name, mut schema) in requests.named {
        rename(&mut schema, &|name| names.get(name).cloned());
        all.add(&names[&name], schema);
    }
    let made_up = all.named.keys().filter(|name| is_made_up(name, &all.named)).cloned();
    let taken: BTreeSet<String> = made_up.chain(all.taken).chain(requests.taken).collect();
    if !taken.is_empty() {
        return Err(NamesTaken(taken.into_iter().collect()));
    }
    all.named.values_mut().for_each(plain_links);
    *components = all.named.into_iter().collect();
    rename(description, &|name| names.get(name.strip_prefix(REQUEST)?).cloned());
    Ok(())
}

/// Takes every bundle apart and leaves a reference in its place.
fn unpack(value: &mut Value, answers: &mut Schemas, requests: &mut Schemas) {
    if let Some(bundle) = value.get_mut(BUNDLE).map(Value::take) {
        let name = bundle["name"].as_str().unwrap_or_default();
        let into = if name.starts_with(REQUEST) { requests } else { answers };
        for (name, schema) in bundle["schemas"].as_object().into_iter().flatten() {
            into.add(name, schema.clone());
        }
        *value = json!({"$ref": format!("{COMPONENTS}{name}")});
        return;
    }
    match value {
        Value::Object(members) => members.values_mut().for_each(|member| unpack(member, answers, requests)),
        Value::Array(items) => items.iter_mut().for_each(|item| unpack(item, answers, requests)),
        _ => {}
    }
}

/// What each schema of requests is called: as in answers where it is the same there, and so is all it refers to.
fn request_names(
    answers: &BTreeMap<String, Value>,
    requests: &BTreeMap<String, Value>,
) -> BTreeMap<String, String> {
    let mut other: BTreeSet<&str> = requests
        .iter()
        .filter(|(name, schema)| answers.get(*name).is_some_and(|answer| answer != *schema))
        .map(|(name, _)| name.as_str())
        .collect();
    loop {
        let more: Vec<&str> = requests
            .iter()
            .filter(|(name, _)| !other.contains(name.as_str()) && answers.contains_key(*name))
            .filter(|(_, schema)| refers_to(schema, COMPONENTS).iter().any(|name| other.contains(name)))
            .map(|(name, _)| name.as_str())
            .collect();
        if more.is_empty() {
            break;
        }
        other.extend(more);
    }
    let named =
        |name: &String| if other.contains(name.as_str()) { format!("{name}Input") } else { name.clone() };
    requests.keys().map(|name| (name.clone(), named(name))).collect()
}

fn refers_to<'s>(schema: &'s Value, place: &str) -> Vec<&'s str> {
    match schema {
        Value::Object(members) => members
            .iter()
            .flat_map(|(key, value)| match value {
                Value::String(to) if key == "$ref" => to.strip_prefix(place).into_iter().collect(),
                _ => refers_to(value, place),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(|item| refers_to(item, place)).collect(),
        _ => Vec::new(),
    }
}

/// Gives references other names, where `named` knows one.
fn rename(schema: &mut Value, named: &dyn Fn(&str) -> Option<String>) {
    match schema {
        Value::Object(members) => {
            for (key, value) in members {
                match value {
                    Value::String(to) if key == "$ref" => {
                        if let Some(name) = to.strip_prefix(COMPONENTS).and_then(named) {
                            *to = format!("{COMPONENTS}{name}");
                        }
                    }
                    _ => rename(value, named),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, named)),
        _ => {}
    }
}

/// Whether a name is another's with a number behind: schemars tells two types of one name apart so.
fn is_made_up(name: &str, all: &BTreeMap<String, Value>) -> bool {
    let base = name.trim_end_matches(|c: char| c.is_ascii_digit());
    base != name && all.contains_key(base)
}

/// Links to items of the source mean nothing here: their text alone stays.
fn plain_links(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for (key, value) in members {
                match value {
                    Value::String(text) if key == "description" => *text = without_links(text),
                    _ => plain_links(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(plain_links),
        _ => {}
    }
}

fn without_links(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, link)) = rest.split_once("[`") {
        let Some((inside, behind)) = link.split_once("`]") else { break };
        plain.push_str(before);
        let name = inside.rsplit("::").next().unwrap_or(inside);
        plain.push_str(&format!("`{name}`"));
        rest = match behind.strip_prefix('(').and_then(|target| target.split_once(')')) {
            Some((_, behind)) => behind,
            None => behind,
        };
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use utoipa::openapi::Ref;

    use super::*;

    /// What is built.
    #[derive(Serialize, Deserialize, JsonSchema)]
    struct House {
        /// See [`crate::Door`](crate::Door).
        door: Door,
        colour: Colour,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Door {
        #[serde(default)]
        open: bool,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Colour {
        red: u8,
    }

    fn describe(components: &[(String, RefOr<Schema>)]) -> Value {
        let components: Map<String, Value> =
            components.iter().map(|(name, schema)| (name.clone(), json!(schema))).collect();
        json!({
            "answer": Ref::from_schema_name(Shown::<House>::name()),
            "request": Ref::from_schema_name(Given::<House>::name()),
            "components": {"schemas": components},
        })
    }

    #[test]
    fn a_request_has_its_own_schema_only_where_it_differs() {
        let mut described = describe(&[
            (Shown::<House>::name().into_owned(), Shown::<House>::schema()),
            (Given::<House>::name().into_owned(), Given::<House>::schema()),
        ]);
        complete(&mut described).unwrap();
        let components = described["components"]["schemas"].as_object().unwrap();
        let names: Vec<&String> = components.keys().collect();
        assert_eq!(names, ["Colour", "Door", "DoorInput", "House", "HouseInput"]);
        assert_eq!(described["request"]["$ref"], "#/components/schemas/HouseInput");
        assert_eq!(described["answer"]["$ref"], "#/components/schemas/House");
        let refers = |name: &str| refers_to(&components[name], COMPONENTS).join(" ");
        assert_eq!(refers("House"), "Colour Door");
        assert_eq!(refers("HouseInput"), "Colour DoorInput");
        assert_eq!(components["House"]["properties"]["door"]["description"], "See `Door`.");
    }

    #[test]
    fn two_types_of_one_name_are_found() {
        #[derive(JsonSchema)]
        #[schemars(rename = "Colour")]
        #[expect(dead_code, reason = "only its schema matters")]
        struct Other {
            blue: u8,
        }
        let mut described = describe(&[
            ("House".to_owned(), Shown::<House>::schema()),
            ("Other".to_owned(), Shown::<Other>::schema()),
        ]);
        assert_eq!(complete(&mut described), Err(NamesTaken(vec!["Colour".to_owned()])));
    }
}
