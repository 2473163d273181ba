//! What most conditions of most rules are: one attribute of the context beside a constant. Such a test is answered at once,
//! without the general run of its operands. Long texts, whose work is counted, and types that JavaScript would convert
//! first are left to the general run.

use serde_json::Value as Json;

use crate::context::Context;
use crate::expression::{Affix, Expression};
use crate::index::is_same;
use crate::value::{Number, Value};

/// The longest text that costs no more than the operation itself.
const TEXT_BYTES_MAX: usize = 64;

/// A test that was answered.
pub(crate) struct Answered<'a> {
    pub attribute: &'a Expression,
    pub value: &'a Value<'a>,
    pub truth: bool,
}

/// Answers `test`, if it is of such a form and the attribute of the constant's type.
#[inline(always)]
pub(crate) fn answer<'a>(test: &'a Expression, context: &'a Context<'a>) -> Option<Answered<'a>> {
    let (attribute, value, truth) = match test {
        Expression::Compare(comparison, operands) => {
            let [attribute, Expression::Constant(constant)] = operands.as_ref() else { return None };
            let value = value(attribute, context)?;
            let truth = match (value, constant) {
                (Value::Text(text), Json::String(constant))
                    if comparison.is_of_equality() && constant.len() <= TEXT_BYTES_MAX =>
                {
                    is_same(text.as_bytes(), constant.as_bytes()) == comparison.is_positive()
                }
                (Value::Number(number), Json::Number(constant)) => {
                    comparison.accepts(number.compare(Number::from(constant)))
                }
                _ => return None,
            };
            (attribute, value, truth)
        }
        Expression::InTexts(membership) => {
            let (attribute, texts) = membership.as_ref();
            let value = value(attribute, context)?;
            (attribute, value, texts.contains(short(value)?))
        }
        Expression::Affix(affix, operands) => {
            let [attribute, Expression::Constant(Json::String(part))] = operands.as_ref() else {
                return None;
            };
            let value = value(attribute, context)?;
            let text = short(value)?;
            let truth = match affix {
                Affix::Prefix => text.starts_with(part.as_str()),
                Affix::Suffix => text.ends_with(part.as_str()),
            };
            (attribute, value, truth)
        }
        _ => return None,
    };
    Some(Answered { attribute, value, truth })
}

#[inline]
fn value<'a>(expression: &Expression, context: &'a Context<'a>) -> Option<&'a Value<'a>> {
    match expression {
        Expression::Attribute(attribute) => context.listed(attribute.mark, &attribute.name),
        _ => None,
    }
}

#[inline]
fn short<'a>(value: &Value<'a>) -> Option<&'a str> {
    match value {
        Value::Text(text) if text.len() <= TEXT_BYTES_MAX => Some(text),
        _ => None,
    }
}
