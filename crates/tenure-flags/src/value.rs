//! Values while a rule runs: small, copied freely, borrowed from the definition, the context or the run's arena.

use std::cmp::Ordering;

use serde_json::{Map, Value as Json};

/// One value. `'a` is the shortest of definition, context and arena.
///
/// The tag is a whole word: with a byte the compiler copies values in unaligned pieces, and rules run a third slower.
#[derive(Debug, Clone, Copy)]
#[repr(u64)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(&'a str),
    List(List<'a>),
    Object(&'a Map<String, Json>),
    /// An object made by the run: the scope of `reduce`, and `$flagd`.
    Record(&'a [(&'static str, Value<'a>)]),
}

/// An array, given or made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum List<'a> {
    /// The vector, not its slice: empty slices of different arrays may be at one address.
    Given(&'a Vec<Json>),
    Made(&'a [Value<'a>]),
}

/// A number that keeps the integers of JSON exact. Integers that fit `i64` are always `Whole`.
#[derive(Debug, Clone, Copy)]
#[repr(u64)]
pub(crate) enum Number {
    Whole(i64),
    Huge(u64),
    Float(f64),
}

impl<'a> From<&'a Json> for Value<'a> {
    /// A text, which most values are, at once; the rest out of line.
    #[inline(always)]
    fn from(json: &'a Json) -> Self {
        if let Json::String(text) = json { Self::Text(text) } else { Self::of_other(json) }
    }
}

impl<'a> Value<'a> {
    #[inline(never)]
    fn of_other(json: &'a Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(flag) => Self::Bool(*flag),
            Json::Number(number) => Self::Number(Number::from(number)),
            Json::String(text) => Self::Text(text),
            Json::Array(items) => Self::List(List::Given(items)),
            Json::Object(members) => Self::Object(members),
        }
    }
}

impl From<&serde_json::Number> for Number {
    fn from(number: &serde_json::Number) -> Self {
        if let Some(whole) = number.as_i64() {
            return Self::Whole(whole);
        }
        if let Some(huge) = number.as_u64() {
            return Self::Huge(huge);
        }
        Self::Float(number.as_f64().unwrap_or(f64::NAN))
    }
}

impl Number {
    pub(crate) fn as_f64(self) -> f64 {
        match self {
            Self::Whole(whole) => whole as f64,
            Self::Huge(huge) => huge as f64,
            Self::Float(float) => float,
        }
    }

    /// The exact integer, also of a float without a fraction, if it fits 64 bits (signed or not).
    pub(crate) fn as_integer(self) -> Option<i128> {
        // The bounds are powers of two and hence exact; 2^64 itself is out.
        const MIN: f64 = -9_223_372_036_854_775_808.0;
        const END: f64 = 18_446_744_073_709_551_616.0;
        match self {
            Self::Whole(whole) => Some(whole.into()),
            Self::Huge(huge) => Some(huge.into()),
            Self::Float(float) if float.fract() == 0.0 && (MIN..END).contains(&float) => Some(float as i128),
            Self::Float(_) => None,
        }
    }

    /// Integers compare exactly, everything else as doubles; NaN with nothing.
    pub(crate) fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Float(_), _) | (_, Self::Float(_)) => self.as_f64().partial_cmp(&other.as_f64()),
            (Self::Whole(a), Self::Whole(b)) => Some(a.cmp(&b)),
            (Self::Whole(_), Self::Huge(_)) => Some(Ordering::Less),
            (Self::Huge(_), Self::Whole(_)) => Some(Ordering::Greater),
            (Self::Huge(a), Self::Huge(b)) => Some(a.cmp(&b)),
        }
    }
}

impl<'a> List<'a> {
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Given(items) => items.len(),
            Self::Made(items) => items.len(),
        }
    }

    pub(crate) fn get(self, index: usize) -> Option<Value<'a>> {
        match self {
            Self::Given(items) => items.get(index).map(Value::from),
            Self::Made(items) => items.get(index).copied(),
        }
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Value<'a>> {
        (0..self.len()).filter_map(move |index| self.get(index))
    }

    /// Whether both are one array in memory. Of empty arrays that the run made, this cannot be told.
    pub(crate) fn is_same(self, other: Self) -> bool {
        match (self, other) {
            (Self::Given(a), Self::Given(b)) => std::ptr::eq(a, b),
            (Self::Made(a), Self::Made(b)) => !a.is_empty() && std::ptr::eq(a, b),
            _ => false,
        }
    }
}

impl<'a> Value<'a> {
    pub(crate) fn float(value: f64) -> Self {
        Self::Number(Number::Float(value))
    }

    pub(crate) fn whole(value: usize) -> Self {
        Self::Number(Number::Whole(i64::try_from(value).unwrap_or(i64::MAX)))
    }

    /// JsonLogic's truth: JavaScript's, except that an empty array is false.
    pub(crate) fn is_truthy(self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(flag) => flag,
            Self::Number(number) => {
                let float = number.as_f64();
                float != 0.0 && !float.is_nan()
            }
            Self::Text(text) => !text.is_empty(),
            Self::List(list) => list.len() > 0,
            Self::Object(_) | Self::Record(_) => true,
        }
    }

    /// The member or element that JavaScript's `value[step]` finds; `None` is its `undefined`.
    pub(crate) fn member(self, step: &str) -> Option<Value<'a>> {
        match self {
            Self::Object(members) => members.get(step).map(Value::from),
            Self::Record(members) => members.iter().find(|(name, _)| *name == step).map(|(_, value)| *value),
            Self::List(list) if step == "length" => Some(Self::whole(list.len())),
            Self::List(list) => list.get(element(step)?),
            Self::Text(text) if step == "length" => Some(Self::whole(text.chars().count())),
            Self::Text(text) => {
                let (start, character) = text.char_indices().nth(element(step)?)?;
                text.get(start..start + character.len_utf8()).map(Self::Text)
            }
            Self::Null | Self::Bool(_) | Self::Number(_) => None,
        }
    }

    /// The value as JSON, for explanations. A number that JSON cannot write becomes null.
    pub(crate) fn to_json(self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(flag) => flag.into(),
            Self::Number(Number::Whole(whole)) => whole.into(),
            Self::Number(Number::Huge(huge)) => huge.into(),
            Self::Number(number @ Number::Float(float)) => match number.as_integer() {
                Some(integer) => i64::try_from(integer).map_or_else(|_| float.into(), Json::from),
                None => float.into(),
            },
            Self::Text(text) => text.into(),
            Self::List(List::Given(items)) => Json::Array(items.to_vec()),
            Self::List(list) => list.iter().map(Value::to_json).collect(),
            Self::Object(members) => Json::Object(members.clone()),
            Self::Record(members) => {
                members.iter().map(|(name, value)| ((*name).to_owned(), value.to_json())).collect()
            }
        }
    }
}

/// The attribute of a context at a dotted path.
pub(crate) fn attribute<'a>(attributes: &'a Map<String, Json>, path: &str) -> Option<Value<'a>> {
    let mut steps = path.split('.');
    let top = attributes.get(steps.next()?).map(Value::from)?;
    steps.try_fold(top, Value::member)
}

/// An array index in its one spelling: `0`, `1`, `12`; not `01`, not `+1`.
fn element(step: &str) -> Option<usize> {
    let canonical = step == "0" || step.bytes().next().is_some_and(|b| (b'1'..=b'9').contains(&b));
    if canonical { step.parse().ok() } else { None }
}
