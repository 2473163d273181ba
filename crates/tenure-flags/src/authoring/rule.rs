//! Rules: when all conditions hold, a variant is served, or a percentage split.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::Authored;
use super::condition::Condition;
use crate::fault::{Fault, Place};

/// Percentages are exact to a millionth of all units.
const MILLION: i64 = 1_000_000;

/// One rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What must hold, all of it; a rule without conditions always decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Condition>,
    /// What is served then.
    pub serve: Serve,
}

/// What a rule serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "must be a variant's name, or an object with `split`: [{variant, percent}]")]
pub enum Serve {
    /// One variant.
    Variant(String),
    /// Variants by percentage. A unit keeps its variant; a context without a unit gets the flag's default.
    Split {
        /// The parts, in order; together they are 100 percent.
        split: Vec<Portion>,
        /// The attribute that carries the unit; the flag's unit when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// Flags that share a salt put the same units into the same part; the flag's key when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        salt: Option<String>,
    },
}

/// A part of a split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Portion {
    /// The variant.
    pub variant: String,
    /// Its part of the units, in percent.
    pub percent: f64,
}

impl Rule {
    pub(crate) fn condition(&self, place: Place<'_>) -> Result<Json, Fault> {
        let when = place.key("when");
        let conditions = self.when.iter().enumerate();
        let mut conditions = conditions
            .map(|(index, condition)| condition.expression(when.index(index)))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(match conditions.len() {
            0 => Json::Bool(true),
            1 => conditions.remove(0),
            _ => json!({ "and": conditions }),
        })
    }
}

impl Serve {
    pub(crate) fn expression(&self, flag: &Authored, key: &str, place: Place<'_>) -> Result<Json, Fault> {
        match self {
            Self::Variant(variant) => {
                flag.check_variant(variant, place)?;
                Ok(json!(variant))
            }
            Self::Split { split, by, salt } => {
                let parts = millionths(flag, split, place.key("split"))?;
                let by = by.as_deref().unwrap_or(&flag.unit);
                if by.is_empty() {
                    return Err(Fault::new(place.key("by"), "must not be empty"));
                }
                let salt = salt.as_deref().unwrap_or(key);
                let bucket = json!({"cat": [format!("{salt}:"), {"var": by}]});
                let split: Vec<Json> = [bucket].into_iter().chain(parts).collect();
                // Without a unit everybody would be in one part: nothing is decided then.
                Ok(json!({"if": [{"missing": [by]}, null, {"fractional": split}]}))
            }
        }
    }
}

fn millionths(flag: &Authored, split: &[Portion], place: Place<'_>) -> Result<Vec<Json>, Fault> {
    let (mut parts, mut sum) = (Vec::with_capacity(split.len()), 0);
    for (index, portion) in split.iter().enumerate() {
        let place = place.index(index);
        flag.check_variant(&portion.variant, place.key("variant"))?;
        if !(0.0..=100.0).contains(&portion.percent) {
            return Err(Fault::new(place.key("percent"), "must be between 0 and 100"));
        }
        // Between 0 and a million, so the cast cannot cut.
        let millionths = (portion.percent * 1e4).round() as i64;
        sum += millionths;
        parts.push(json!([portion.variant, millionths]));
    }
    if sum != MILLION {
        let percent = sum as f64 / 1e4;
        return Err(Fault::new(place, format!("must make 100 percent together, not {percent}")));
    }
    Ok(parts)
}

impl fmt::Display for Serve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variant(variant) => f.write_str(variant),
            Self::Split { split, by, salt } => {
                let parts: Vec<String> =
                    split.iter().map(|part| format!("{} % {}", part.percent, part.variant)).collect();
                f.write_str(&parts.join(", "))?;
                if let Some(by) = by {
                    write!(f, " by {by}")?;
                }
                match salt {
                    Some(salt) => write!(f, " (salt {salt})"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when: Vec<String> = self.when.iter().map(ToString::to_string).collect();
        match when.as_slice() {
            [] => write!(f, "always serve {}", self.serve),
            when => write!(f, "when {}, serve {}", when.join(" and "), self.serve),
        }
    }
}
