//! Segments: named sets of units that rules of any flag refer to, by list and by rule.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::condition::Condition;
use super::keys::{Keys, Lists};
use crate::fault::{Fault, Place};

/// The most alternatives of a segment.
const RULES_MAX: usize = 100;

/// A set of units: those of a list, and those that a rule takes in, without those that are excluded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// The attribute of the context that the lists name; `targetingKey` when left out.
    #[serde(default = "super::targeting_key", skip_serializing_if = "super::is_targeting_key")]
    pub by: String,
    /// Units that are in, one by one.
    #[serde(default, skip_serializing_if = "Keys::is_empty")]
    pub members: Keys,
    /// Units that are out, whatever else says that they are in.
    #[serde(default, skip_serializing_if = "Keys::is_empty")]
    pub excluded: Keys,
    /// Rules that take units in: one of them suffices, of which all conditions must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Vec<Condition>>,
}

impl Default for Segment {
    fn default() -> Self {
        Self {
            by: super::targeting_key(),
            members: Keys::default(),
            excluded: Keys::default(),
            rules: Vec::new(),
        }
    }
}

impl Segment {
    /// The segment as one of flagd's `$evaluators`.
    ///
    /// # Errors
    /// The first [`Fault`] found, with its place in what was written, such as `$.rules[0][1].values`. Segments do not
    /// refer to segments.
    pub fn rule(&self, lists: &dyn Lists) -> Result<Json, Fault> {
        let top = Place::TOP;
        if self.by.is_empty() {
            return Err(Fault::new(top.key("by"), "must not be empty: leave it out for targetingKey"));
        }
        self.members.check(top.key("members"))?;
        self.excluded.check(top.key("excluded"))?;
        let rules = top.key("rules");
        if self.rules.len() > RULES_MAX {
            return Err(Fault::new(rules, format!("must be at most {RULES_MAX}")));
        }
        let mut ways = Vec::with_capacity(self.rules.len() + 1);
        let var = json!({"var": self.by});
        if !self.members.is_empty() {
            ways.push(json!({"in": [var, self.members.resolved(lists)]}));
        }
        for (index, conditions) in self.rules.iter().enumerate() {
            ways.push(all(conditions, rules.index(index))?);
        }
        let inside = match ways.len() {
            1 => ways.remove(0),
            // Of nothing, `or` is false: a segment without lists and rules has nobody.
            _ => json!({ "or": ways }),
        };
        if self.excluded.is_empty() {
            return Ok(inside);
        }
        Ok(json!({"and": [{"!": [{"in": [var, self.excluded.resolved(lists)]}]}, inside]}))
    }

    /// The lists of keys that are kept elsewhere, by their references.
    pub fn kept_lists(&self) -> impl Iterator<Item = &str> {
        [&self.members, &self.excluded].into_iter().filter_map(Keys::kept)
    }
}

fn all(conditions: &[Condition], place: Place<'_>) -> Result<Json, Fault> {
    if conditions.is_empty() {
        return Err(Fault::new(place, "must hold at least one condition: else everybody would be in"));
    }
    let mut compiled = Vec::with_capacity(conditions.len());
    for (index, condition) in conditions.iter().enumerate() {
        let place = place.index(index);
        if condition.segment().is_some() {
            return Err(Fault::new(place, "must compare an attribute: segments do not refer to segments"));
        }
        compiled.push(condition.expression(place)?);
    }
    Ok(if compiled.len() == 1 { compiled.remove(0) } else { json!({ "and": compiled }) })
}
