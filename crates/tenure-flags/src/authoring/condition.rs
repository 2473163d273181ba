//! Conditions of a rule: an attribute of the context compared with values, or membership in a segment.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::fault::{Fault, Place};
use crate::semver::is_version;

/// The most values of a condition.
const VALUES_MAX: usize = 1_000;

/// A condition: either `attribute`, `is` and `values`, or `segment`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The attribute of the context; dots descend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    /// How the attribute is compared; `one_of` when left out.
    #[serde(default, skip_serializing_if = "is_one_of")]
    pub is: Operator,
    /// What it is compared with: one of them suffices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Json>,
    /// The segment that the unit must be in, instead of an attribute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// Turns the condition round. A context without the attribute meets a condition that is turned round.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not: bool,
}

/// How an attribute is compared. A context without the attribute meets none of them but `missing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// Equal to one of the values, of the same type.
    #[default]
    OneOf,
    /// A text that starts with one of the values.
    StartsWith,
    /// A text that ends with one of the values.
    EndsWith,
    /// A text that holds one of the values, or a list that does.
    Contains,
    /// A smaller number.
    Less,
    /// A number that is not greater.
    AtMost,
    /// A greater number.
    Greater,
    /// A number that is not smaller.
    AtLeast,
    /// The same version, by Semantic Versioning.
    VersionIs,
    /// An older version.
    VersionBefore,
    /// A newer version, or the same.
    VersionFrom,
    /// A version with the same major number.
    VersionSameMajor,
    /// A version with the same major and minor number.
    VersionSameMinor,
    /// The context has the attribute.
    Present,
    /// The context has not got the attribute.
    Missing,
}

/// What an operator is compared with.
enum Operands {
    Any,
    Texts,
    Number,
    Version,
    Nothing,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_one_of(operator: &Operator) -> bool {
    *operator == Operator::OneOf
}

impl Operator {
    const fn operands(self) -> Operands {
        match self {
            Self::OneOf => Operands::Any,
            Self::StartsWith | Self::EndsWith | Self::Contains => Operands::Texts,
            Self::Less | Self::AtMost | Self::Greater | Self::AtLeast => Operands::Number,
            Self::VersionIs
            | Self::VersionBefore
            | Self::VersionFrom
            | Self::VersionSameMajor
            | Self::VersionSameMinor => Operands::Version,
            Self::Present | Self::Missing => Operands::Nothing,
        }
    }

    /// Between the attribute and the values, as people read it.
    const fn words(self) -> &'static str {
        match self {
            Self::OneOf => "is",
            Self::StartsWith => "starts with",
            Self::EndsWith => "ends with",
            Self::Contains => "contains",
            Self::Less => "is less than",
            Self::AtMost => "is at most",
            Self::Greater => "is greater than",
            Self::AtLeast => "is at least",
            Self::VersionIs => "is version",
            Self::VersionBefore => "is a version before",
            Self::VersionFrom => "is version or later",
            Self::VersionSameMajor => "has the major version of",
            Self::VersionSameMinor => "has the minor version of",
            Self::Present => "is there",
            Self::Missing => "is missing",
        }
    }
}

impl Condition {
    /// The segment it asks for, when it asks for one.
    #[must_use]
    pub fn segment(&self) -> Option<&str> {
        self.segment.as_deref()
    }

    /// The condition in JsonLogic.
    ///
    /// # Errors
    /// The first [`Fault`] found.
    pub(crate) fn expression(&self, place: Place<'_>) -> Result<Json, Fault> {
        let plain = match (&self.attribute, &self.segment) {
            (Some(attribute), None) => self.comparison(attribute, place)?,
            (None, Some(segment)) if !segment.is_empty() && self.values.is_empty() => {
                json!({"$ref": segment})
            }
            _ => return Err(Fault::new(place, "must have either an attribute with values, or a segment")),
        };
        Ok(if self.not { json!({ "!": [plain] }) } else { plain })
    }

    fn comparison(&self, attribute: &str, place: Place<'_>) -> Result<Json, Fault> {
        if attribute.is_empty() {
            return Err(Fault::new(place.key("attribute"), "must not be empty"));
        }
        self.check_values(place.key("values"))?;
        let var = json!({"var": attribute});
        // JsonLogic takes what is missing for 0 in a comparison; here it meets none.
        let number = |operator: &str| {
            any(&self.values, |value| json!({"and": [{"!==": [var, null]}, {operator: [var, value]}]}))
        };
        let version = |operator: &str| any(&self.values, |value| json!({"sem_ver": [var, operator, value]}));
        Ok(match self.is {
            Operator::OneOf => json!({"in": [var, self.values]}),
            Operator::StartsWith => any(&self.values, |value| json!({"starts_with": [var, value]})),
            Operator::EndsWith => any(&self.values, |value| json!({"ends_with": [var, value]})),
            Operator::Contains => any(&self.values, |value| json!({"in": [value, var]})),
            Operator::Less => number("<"),
            Operator::AtMost => number("<="),
            Operator::Greater => number(">"),
            Operator::AtLeast => number(">="),
            Operator::VersionIs => version("="),
            Operator::VersionBefore => version("<"),
            Operator::VersionFrom => version(">="),
            Operator::VersionSameMajor => version("^"),
            Operator::VersionSameMinor => version("~"),
            Operator::Present => json!({"!==": [var, null]}),
            Operator::Missing => json!({"===": [var, null]}),
        })
    }

    fn check_values(&self, place: Place<'_>) -> Result<(), Fault> {
        let operands = self.is.operands();
        let wanted = match operands {
            Operands::Nothing if self.values.is_empty() => return Ok(()),
            Operands::Nothing => {
                return Err(Fault::new(place, format!("must be left out: an attribute {}", self.is.words())));
            }
            _ if self.values.is_empty() => return Err(Fault::new(place, "must hold at least one value")),
            _ if self.values.len() > VALUES_MAX => {
                return Err(Fault::new(place, format!("must hold at most {VALUES_MAX}: use a segment")));
            }
            Operands::Number | Operands::Version if self.values.len() > 1 => {
                return Err(Fault::new(place, "must hold one value: there is one bound"));
            }
            Operands::Any => "a boolean, a string or a number",
            Operands::Texts => "a string",
            Operands::Number => "a number",
            Operands::Version => "a version such as \"2.1.0\"",
        };
        let fits = |value: &Json| match operands {
            Operands::Any => matches!(value, Json::Bool(_) | Json::String(_) | Json::Number(_)),
            Operands::Texts => value.as_str().is_some_and(|text| !text.is_empty()),
            Operands::Number => value.is_number(),
            Operands::Version => value.is_string() && is_version(value),
            Operands::Nothing => false,
        };
        match self.values.iter().position(|value| !fits(value)) {
            Some(index) => Err(Fault::new(place.index(index), format!("must be {wanted}"))),
            None => Ok(()),
        }
    }
}

fn any(values: &[Json], each: impl Fn(&Json) -> Json) -> Json {
    match values {
        [one] => each(one),
        _ => json!({ "or": values.iter().map(each).collect::<Vec<_>>() }),
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = if self.not { "not " } else { "" };
        match (&self.attribute, &self.segment) {
            (_, Some(segment)) => write!(f, "{not}in segment {segment}"),
            (attribute, None) => {
                write!(f, "{not}{} {}", attribute.as_deref().unwrap_or("?"), self.is.words())?;
                if !self.values.is_empty() {
                    write!(f, " {}", alternatives(&self.values))?;
                }
                Ok(())
            }
        }
    }
}

/// At most so many values are spelled out for people.
const SHOWN_MAX: usize = 5;

fn alternatives(values: &[Json]) -> String {
    let plain = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut shown: Vec<String> = values.iter().take(SHOWN_MAX).map(plain).collect();
    if values.len() > SHOWN_MAX {
        shown.push(format!("{} more", values.len() - SHOWN_MAX));
    }
    match shown.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => shown.concat(),
    }
}
