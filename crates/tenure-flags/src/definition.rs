//! Flag definitions as flagd writes them: read with the place of every fault, and written back unchanged.
//!
//! A fault inside one flag is kept as that flag's own; it never takes the set down.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use crate::fault::{Fault, Place};

/// Facts about a flag or a set that travel with every answer: booleans, strings and numbers by name.
pub type Metadata = Map<String, Json>;

/// A set of flags: one flagd document.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FlagSet {
    /// The flags by key. Keys are not empty and contain no `/`.
    pub flags: BTreeMap<String, Entry>,
    /// Named rules (`$evaluators`) that targeting refers to by `{"$ref": name}`.
    pub evaluators: BTreeMap<String, Json>,
    /// Metadata of the whole set; a flag's own wins over it.
    pub metadata: Metadata,
    /// Members of the document that flagd does not define (`$schema` and the like), kept for writing back.
    pub rest: Map<String, Json>,
}

/// What stands under one flag key.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// A flag that could be read.
    Sound(Definition),
    /// A flag that could not be read: its JSON as it was, and why.
    Faulty {
        /// The JSON as it was given.
        source: Json,
        /// The first fault found in it.
        fault: Fault,
    },
}

/// One flag.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// Whether the flag answers at all.
    pub state: State,
    /// The values the flag can have, by variant name; never empty.
    pub variants: Map<String, Json>,
    /// The variant served when targeting picks none. `None` leaves the value to the caller's code.
    pub default_variant: Option<String>,
    /// The rule that picks a variant, in JsonLogic; `None` when the flag is static.
    pub targeting: Option<Json>,
    /// Metadata of this flag.
    pub metadata: Metadata,
    /// Members that flagd does not define, kept for writing back.
    pub rest: Map<String, Json>,
}

/// Whether a flag answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The flag is evaluated.
    Enabled,
    /// The flag answers nothing: callers use the default in their code.
    Disabled,
}

impl FlagSet {
    /// Reads a flagd document from text.
    ///
    /// # Errors
    /// A [`Fault`] of the document itself: not JSON, `flags` missing, bad metadata of the set. Faults inside a flag are
    /// that flag's [`Entry::Faulty`].
    pub fn from_text(text: &str) -> Result<Self, Fault> {
        let document = serde_json::from_str(text)
            .map_err(|error| Fault::new(Place::TOP, format!("must be JSON: {error}")))?;
        Self::from_json(document)
    }

    /// Reads a flagd document. `flags` may be a map by key, or, as the flagd daemon allows, an array whose members
    /// carry their `key`.
    ///
    /// # Errors
    /// As [`FlagSet::from_text`].
    pub fn from_json(document: Json) -> Result<Self, Fault> {
        let top = Place::TOP;
        let Json::Object(mut members) = document else {
            return Err(Fault::new(top, "must be an object with a member `flags`"));
        };
        let flags = match members.remove("flags") {
            Some(Json::Object(flags)) => flags_by_key(flags),
            Some(Json::Array(flags)) => flags_in_order(flags)?,
            Some(_) => return Err(Fault::new(top.key("flags"), "must be an object of flags by key")),
            None => return Err(Fault::new(top, "must have a member `flags`")),
        };
        let evaluators = match members.remove("$evaluators") {
            None | Some(Json::Null) => BTreeMap::new(),
            Some(Json::Object(rules)) => rules.into_iter().collect(),
            Some(_) => return Err(Fault::new(top.key("$evaluators"), "must be an object of rules by name")),
        };
        let metadata = read_metadata(members.remove("metadata"), top.key("metadata"))?;
        Ok(Self { flags, evaluators, metadata, rest: members })
    }

    /// The flagd document of this set, faulty flags as they were given.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut document = self.rest.clone();
        let flags = self.flags.iter().map(|(key, entry)| (key.clone(), entry.to_json())).collect();
        document.insert("flags".into(), Json::Object(flags));
        if !self.evaluators.is_empty() {
            let rules = self.evaluators.iter().map(|(name, rule)| (name.clone(), rule.clone())).collect();
            document.insert("$evaluators".into(), Json::Object(rules));
        }
        if !self.metadata.is_empty() {
            document.insert("metadata".into(), Json::Object(self.metadata.clone()));
        }
        Json::Object(document)
    }
}

impl Entry {
    /// Reads what stands under `key`.
    #[must_use]
    pub fn from_json(key: &str, source: Json) -> Self {
        match Definition::from_json(key, &source) {
            Ok(definition) => Self::Sound(definition),
            Err(fault) => Self::Faulty { source, fault },
        }
    }

    /// The JSON of the flag, without its key.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::Sound(definition) => definition.to_json(),
            Self::Faulty { source, .. } => source.clone(),
        }
    }
}

impl From<Definition> for Entry {
    fn from(definition: Definition) -> Self {
        Self::Sound(definition)
    }
}

impl Definition {
    /// Reads one flag.
    ///
    /// # Errors
    /// The first [`Fault`] found, with its place under `$.flags.<key>`.
    pub fn from_json(key: &str, source: &Json) -> Result<Self, Fault> {
        let flags = Place::TOP.key("flags");
        let place = flags.key(key);
        check_key(key).map_err(|message| Fault::new(place, message))?;
        let mut members = members_of(source, place)?.clone();
        Ok(Self {
            state: read_state(members.remove("state"), place.key("state"))?,
            variants: read_variants(members.remove("variants"), place.key("variants"))?,
            default_variant: read_default_variant(
                members.remove("defaultVariant"),
                place.key("defaultVariant"),
            )?,
            targeting: read_targeting(members.remove("targeting"), place.key("targeting"))?,
            metadata: read_metadata(members.remove("metadata"), place.key("metadata"))?,
            rest: members,
        })
    }

    /// What [`Definition::from_json`] stumbles over, in every member and not only in the first.
    pub(crate) fn faults(key: &str, source: &Json) -> Vec<Fault> {
        let flags = Place::TOP.key("flags");
        let place = flags.key(key);
        let bad_key = check_key(key).err().map(|message| Fault::new(place, message));
        let members = match members_of(source, place) {
            Ok(members) => members,
            Err(fault) => return bad_key.into_iter().chain([fault]).collect(),
        };
        let member = |name: &str| members.get(name).cloned();
        let faults = [
            bad_key,
            read_state(member("state"), place.key("state")).err(),
            read_variants(member("variants"), place.key("variants")).err(),
            read_default_variant(member("defaultVariant"), place.key("defaultVariant")).err(),
            read_targeting(member("targeting"), place.key("targeting")).err(),
            read_metadata(member("metadata"), place.key("metadata")).err(),
        ];
        faults.into_iter().flatten().collect()
    }

    /// The flagd JSON of this flag, without its key.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut members = self.rest.clone();
        let state = match self.state {
            State::Enabled => "ENABLED",
            State::Disabled => "DISABLED",
        };
        members.insert("state".into(), state.into());
        members.insert("variants".into(), Json::Object(self.variants.clone()));
        if let Some(variant) = &self.default_variant {
            members.insert("defaultVariant".into(), variant.as_str().into());
        }
        if let Some(targeting) = &self.targeting {
            members.insert("targeting".into(), targeting.clone());
        }
        if !self.metadata.is_empty() {
            members.insert("metadata".into(), Json::Object(self.metadata.clone()));
        }
        Json::Object(members)
    }
}

/// Whether `key` may name a flag.
///
/// # Errors
/// Why not. A `/` is forbidden because no OFREP client escapes it in the address.
pub fn check_key(key: &str) -> Result<(), &'static str> {
    if key.is_empty() {
        return Err("a flag key must not be empty");
    }
    if key.contains('/') {
        return Err("a flag key must not contain `/`: clients put it into an address unescaped");
    }
    Ok(())
}

fn flags_by_key(flags: Map<String, Json>) -> BTreeMap<String, Entry> {
    flags.into_iter().map(|(key, source)| (key.clone(), Entry::from_json(&key, source))).collect()
}

fn flags_in_order(flags: Vec<Json>) -> Result<BTreeMap<String, Entry>, Fault> {
    let list = Place::TOP.key("flags");
    let mut by_key = BTreeMap::new();
    for (index, mut source) in flags.into_iter().enumerate() {
        let place = list.index(index);
        let key = source.as_object_mut().and_then(|flag| flag.remove("key"));
        let Some(Json::String(key)) = key else {
            return Err(Fault::new(place, "must be an object with a string `key`"));
        };
        let entry = Entry::from_json(&key, source);
        if by_key.insert(key, entry).is_some() {
            return Err(Fault::new(place.key("key"), "names a flag that stands earlier in the list"));
        }
    }
    Ok(by_key)
}

fn members_of<'j>(source: &'j Json, place: Place<'_>) -> Result<&'j Map<String, Json>, Fault> {
    source.as_object().ok_or_else(|| Fault::new(place, "must be an object with `state` and `variants`"))
}

fn read_state(state: Option<Json>, place: Place<'_>) -> Result<State, Fault> {
    match state.as_ref().and_then(Json::as_str) {
        Some("ENABLED") => Ok(State::Enabled),
        Some("DISABLED") => Ok(State::Disabled),
        _ => Err(Fault::new(place, "must be \"ENABLED\" or \"DISABLED\"")),
    }
}

fn read_variants(variants: Option<Json>, place: Place<'_>) -> Result<Map<String, Json>, Fault> {
    let Some(Json::Object(variants)) = variants else {
        return Err(Fault::new(place, "must be an object of values by variant name"));
    };
    if variants.is_empty() {
        return Err(Fault::new(place, "must hold at least one variant"));
    }
    for (name, value) in &variants {
        if name.is_empty() {
            return Err(Fault::new(place, "a variant name must not be empty"));
        }
        if value.is_null() {
            return Err(Fault::new(place.key(name), "must be a boolean, a string, a number or an object"));
        }
    }
    Ok(variants)
}

/// flagd takes `true` and `false` for the variants named "true" and "false", and an empty name for none.
fn read_default_variant(variant: Option<Json>, place: Place<'_>) -> Result<Option<String>, Fault> {
    match variant {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(name)) if name.is_empty() => Ok(None),
        Some(Json::String(name)) => Ok(Some(name)),
        Some(Json::Bool(name)) => Ok(Some(name.to_string())),
        Some(_) => Err(Fault::new(place, "must be the name of a variant, or null for the caller's default")),
    }
}

/// An empty object is no targeting.
fn read_targeting(targeting: Option<Json>, place: Place<'_>) -> Result<Option<Json>, Fault> {
    match targeting {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Object(rule)) if rule.is_empty() => Ok(None),
        Some(rule @ Json::Object(_)) => Ok(Some(rule)),
        Some(_) => Err(Fault::new(place, "must be an object: one JsonLogic operation")),
    }
}

fn read_metadata(metadata: Option<Json>, place: Place<'_>) -> Result<Metadata, Fault> {
    let metadata = match metadata {
        None | Some(Json::Null) => return Ok(Metadata::new()),
        Some(Json::Object(metadata)) => metadata,
        Some(_) => return Err(Fault::new(place, "must be an object")),
    };
    for (name, value) in &metadata {
        if name.is_empty() {
            return Err(Fault::new(place, "a metadata name must not be empty"));
        }
        if !matches!(value, Json::Bool(_) | Json::String(_) | Json::Number(_)) {
            return Err(Fault::new(place.key(name), "must be a boolean, a string or a number"));
        }
    }
    Ok(metadata)
}
