//! What people write: typed flags with variants, individual targets and rules in order, compiled to flagd definitions.
//!
//! A [`Source`] is how a flag was written in one environment: as rules ([`Authored`]), or by hand as a flagd definition.
//! Both compile to a [`Definition`], so that nothing behind this module knows the difference. [`Segment`]s compile to
//! flagd's `$evaluators`, so that a list of 100,000 keys is there once, however many flags refer to it. Who is in a list may
//! be kept elsewhere ([`Keys`]): whoever compiles brings the [`Lists`].

mod condition;
mod decision;
mod difference;
mod keys;
mod rule;
mod segment;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::context::Context;
use crate::definition::{Definition, Entry, FlagSet, Metadata, State};
use crate::fault::{Fault, Place};
use crate::snapshot::Snapshot;

pub use condition::{Condition, Operator};
pub use decision::Decision;
pub use difference::{Difference, difference, segment_difference};
pub use keys::{KEYS_MAX, Keys, Lists, NoLists};
pub use rule::{Portion, Rule, Serve};
pub use segment::Segment;

/// The most rules of a flag.
const RULES_MAX: usize = 200;

/// How a flag was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "FlagSource")]
pub enum Source {
    /// By hand, as a flagd definition.
    Definition(Json),
    /// As variants, targets and rules.
    Authored(Box<Authored>),
}

/// The type that all variants of a flag have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FlagType {
    /// On or off.
    Boolean,
    /// A text.
    String,
    /// A number.
    Number,
    /// An object with members, or a list.
    Object,
}

/// A flag as people write it, in one environment.
///
/// Individual targets come first, then the rules in order; the first that matches decides. When none does, `default` is
/// served.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Authored {
    /// The type of every variant.
    #[serde(rename = "type")]
    pub kind: FlagType,
    /// The values the flag can have, by variant name.
    pub variants: Map<String, Json>,
    /// The variant that is served when no target and no rule decides.
    pub default: String,
    /// Whether the flag answers at all; callers use the default in their code while it does not.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub enabled: bool,
    /// The attribute of the context that individual targets name, and that splits go by; `targetingKey` when left out.
    #[serde(default = "targeting_key", skip_serializing_if = "is_targeting_key")]
    pub unit: String,
    /// Variants for units named one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
    /// The rules, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Facts that travel with every answer: booleans, texts and numbers by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Metadata,
}

/// Units named one by one, and the variant they get.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The variant.
    pub variant: String,
    /// The units.
    pub keys: Keys,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_true(is: &bool) -> bool {
    *is
}

pub(crate) fn targeting_key() -> String {
    Context::TARGETING_KEY.to_owned()
}

pub(crate) fn is_targeting_key(attribute: &String) -> bool {
    attribute == Context::TARGETING_KEY
}

impl Source {
    /// The flagd definition of flag `key`; with its individual targets as `lists` has them.
    ///
    /// # Errors
    /// The first [`Fault`] found: of a flagd definition with its place under `$.flags.<key>`, of rules with their place in
    /// what was written, such as `$.rules[0].when[1].values`.
    pub fn definition(&self, key: &str, lists: &dyn Lists) -> Result<Definition, Fault> {
        match self {
            Self::Definition(definition) => Definition::from_json(key, definition),
            Self::Authored(authored) => authored.definition(key, lists),
        }
    }

    /// Whether the flag can be served beside `segments`: it is well-formed, its rule compiles, and what the rule refers to
    /// is there.
    ///
    /// # Errors
    /// As [`Source::definition`], and what compiling its rule finds.
    pub fn check<'s>(
        &self,
        key: &str,
        segments: impl IntoIterator<Item = (&'s str, &'s Segment)>,
    ) -> Result<FlagType, Fault> {
        let definition = self.definition(key, &NoLists)?;
        let kind = FlagType::of_variants(key, &definition)?;
        let mut set = FlagSet::default();
        let used = self.segments();
        for (name, segment) in segments.into_iter().filter(|(name, _)| used.contains(*name)) {
            set.evaluators.insert(name.to_owned(), segment.rule(&NoLists)?);
        }
        set.flags.insert(key.to_owned(), Entry::Sound(definition));
        match Snapshot::compile(&set).faults().next() {
            Some((_, fault)) => Err(fault.clone()),
            None => Ok(kind),
        }
    }

    /// The source as it was given: a flagd definition, or the JSON of what was written.
    #[must_use]
    pub fn json(&self) -> Json {
        match self {
            Self::Definition(definition) => definition.clone(),
            Self::Authored(authored) => json!(authored),
        }
    }

    /// The segments it refers to.
    #[must_use]
    pub fn segments(&self) -> BTreeSet<String> {
        match self {
            Self::Authored(authored) => {
                let conditions = authored.rules.iter().flat_map(|rule| &rule.when);
                conditions.filter_map(Condition::segment).map(str::to_owned).collect()
            }
            Self::Definition(definition) => {
                let mut found = BTreeSet::new();
                references(&definition["targeting"], &mut found);
                found
            }
        }
    }

    /// The lists of keys that are kept elsewhere, by their references.
    pub fn kept_lists(&self) -> impl Iterator<Item = &str> {
        let targets = match self {
            Self::Authored(authored) => authored.targets.as_slice(),
            Self::Definition(_) => &[],
        };
        targets.iter().filter_map(|target| target.keys.kept())
    }
}

/// The names in every `{"$ref": NAME}` of a rule.
fn references(rule: &Json, found: &mut BTreeSet<String>) {
    match rule {
        Json::Array(items) => items.iter().for_each(|item| references(item, found)),
        Json::Object(members) => {
            found.extend(members.get("$ref").and_then(Json::as_str).map(str::to_owned));
            members.values().for_each(|member| references(member, found));
        }
        _ => {}
    }
}

impl FlagType {
    /// Whether a value is of this type.
    #[must_use]
    pub fn admits(self, value: &Json) -> bool {
        Self::of(value) == Some(self)
    }

    /// The type of a value; none of null.
    #[must_use]
    pub fn of(value: &Json) -> Option<Self> {
        match value {
            Json::Null => None,
            Json::Bool(_) => Some(Self::Boolean),
            Json::String(_) => Some(Self::String),
            Json::Number(_) => Some(Self::Number),
            Json::Object(_) | Json::Array(_) => Some(Self::Object),
        }
    }

    /// The type as it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::String => "string",
            Self::Number => "number",
            Self::Object => "object",
        }
    }

    /// The one type that all variants of a definition have.
    fn of_variants(key: &str, definition: &Definition) -> Result<Self, Fault> {
        let flags = Place::TOP.key("flags");
        let flag = flags.key(key);
        let place = flag.key("variants");
        let mut types = definition.variants.iter().map(|(name, value)| (name, Self::of(value)));
        let Some((_, Some(first))) = types.next() else {
            return Err(Fault::new(place, "must hold at least one variant with a value"));
        };
        match types.find(|(_, other)| *other != Some(first)) {
            Some((name, _)) => Err(Fault::new(
                place.key(name),
                format!("must be a {}, as the first variant is: a flag has one type", first.name()),
            )),
            None => Ok(first),
        }
    }
}

impl Authored {
    fn definition(&self, key: &str, lists: &dyn Lists) -> Result<Definition, Fault> {
        let top = Place::TOP;
        self.check_variants(top)?;
        if self.unit.is_empty() {
            return Err(Fault::new(top.key("unit"), "must not be empty: leave it out for targetingKey"));
        }
        let mut chain = Vec::with_capacity(2 * (self.targets.len() + self.rules.len()));
        let targets = top.key("targets");
        for (index, target) in self.targets.iter().enumerate() {
            let place = targets.index(index);
            self.check_variant(&target.variant, place.key("variant"))?;
            target.keys.check(place.key("keys"))?;
            chain.push(json!({"in": [{"var": self.unit}, target.keys.resolved(lists)]}));
            chain.push(json!(target.variant));
        }
        self.add_rules(key, top.key("rules"), &mut chain)?;
        Ok(Definition {
            state: if self.enabled { State::Enabled } else { State::Disabled },
            variants: self.variants.clone(),
            default_variant: Some(self.default.clone()),
            targeting: (!chain.is_empty()).then(|| json!({ "if": chain })),
            metadata: self.metadata.clone(),
            rest: Map::new(),
        })
    }

    fn add_rules(&self, key: &str, place: Place<'_>, chain: &mut Vec<Json>) -> Result<(), Fault> {
        if self.rules.len() > RULES_MAX {
            return Err(Fault::new(place, format!("must be at most {RULES_MAX}: use a segment")));
        }
        let always = self.rules.iter().position(|rule| rule.when.is_empty());
        if let Some(always) = always.filter(|always| always + 1 < self.rules.len()) {
            let message =
                format!("is never reached: rule {} has no condition and always decides", always + 1);
            return Err(Fault::new(place.index(always + 1), message));
        }
        for (index, rule) in self.rules.iter().enumerate() {
            let place = place.index(index);
            chain.push(rule.condition(place)?);
            chain.push(rule.serve.expression(self, key, place.key("serve"))?);
        }
        Ok(())
    }

    fn check_variants(&self, top: Place<'_>) -> Result<(), Fault> {
        let place = top.key("variants");
        if self.variants.is_empty() {
            return Err(Fault::new(place, "must hold at least one variant"));
        }
        for (name, value) in &self.variants {
            if name.is_empty() {
                return Err(Fault::new(place, "a variant name must not be empty"));
            }
            if !self.kind.admits(value) {
                let message = format!("must be a {}, the flag's type", self.kind.name());
                return Err(Fault::new(place.key(name), message));
            }
        }
        for (name, value) in &self.metadata {
            if name.is_empty() || !matches!(value, Json::Bool(_) | Json::String(_) | Json::Number(_)) {
                let metadata = top.key("metadata");
                return Err(Fault::new(metadata.key(name), "must be a named boolean, string or number"));
            }
        }
        self.check_variant(&self.default, top.key("default"))
    }

    fn check_variant(&self, variant: &str, place: Place<'_>) -> Result<(), Fault> {
        if self.variants.contains_key(variant) {
            return Ok(());
        }
        let known = self.variants.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        Err(Fault::new(place, format!("must be one of the variants ({known}), not `{variant}`")))
    }
}
