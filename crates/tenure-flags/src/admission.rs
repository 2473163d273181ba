//! What every comparison on a flag does alike, a rollout's and a trial's: one hash of the unit says whether it is admitted,
//! another, on another salt, into which arm it goes.
//!
//! Only operations that all implementations of flagd agree on: a boolean split as a condition, and a text as the bucketing
//! value.

use serde_json::{Value as Json, json};

use crate::cbor;
use crate::rollout::{Arm, Share};

/// Which units a comparison admits.
pub(crate) struct Admission<'a> {
    /// The salt of the hash, in two pieces, since a great many units may be asked for.
    pub salt: [&'a str; 2],
    /// The attribute of the context that carries the unit.
    pub unit_attribute: &'a str,
    /// The part of all units that is admitted.
    pub coverage: Share,
    /// Where the admitted units begin among all units in the order of the hash.
    pub first: Share,
}

impl Admission<'_> {
    /// Whether a unit is admitted, by the same hash as [`targeting`](Self::targeting).
    pub fn admits(&self, unit: &str) -> bool {
        let [salt, purpose] = self.salt;
        !unit.is_empty() && self.coverage.holds(cbor::hash_text(&[salt, purpose, unit]), self.first)
    }

    /// The rule of a flag: who is admitted gets what `admitted` says, everybody else the variant that is not compared. A
    /// context without a unit gets the default.
    pub fn targeting(&self, admitted: Json) -> Json {
        let before = self.first.millionths();
        let mut admission = vec![salted(&self.salt.concat(), self.unit_attribute)];
        if before > 0 {
            admission.push(json!([false, before]));
        }
        admission.push(json!([true, self.coverage.millionths()]));
        admission.push(json!([false, self.coverage.rest() - before]));
        json!({"if": [
            {"missing": [self.unit_attribute]},
            null,
            {"fractional": admission},
            admitted,
            Arm::Off.as_str()
        ]})
    }
}

/// The arm of a unit that is admitted: variants with their weights, in the order of the hash.
pub(crate) fn split<'v>(
    salt: &str,
    unit_attribute: &str,
    weights: impl IntoIterator<Item = (&'v str, u32)>,
) -> Json {
    let parts = weights.into_iter().map(|(variant, weight)| json!([variant, weight]));
    let members: Vec<Json> = std::iter::once(salted(salt, unit_attribute)).chain(parts).collect();
    json!({ "fractional": members })
}

fn salted(salt: &str, unit_attribute: &str) -> Json {
    json!({"cat": [salt, {"var": unit_attribute}]})
}
