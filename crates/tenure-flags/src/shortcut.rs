//! The short way through most rules: conditions on attributes beside constants, which need no run.
//!
//! It only leaves out what a run would do on its way to the same answer. What it cannot tell at once is left to the run:
//! operands that are computed, long texts, whose work is counted, and types that JavaScript would convert first.

use serde_json::Value as Json;

use crate::context::Context;
use crate::expression::{Affix, Expression};
use crate::index::is_same;
use crate::value::{Number, Value};

/// The longest text that costs no more than the operation itself.
const TEXT_BYTES_MAX: usize = 64;

/// So many conditions are looked at; named rules that refer to each other can unfold to any number.
const CONDITIONS_MAX: u32 = 1_000;

/// What an `if` without an "else" comes to.
static NOTHING: Expression = Expression::Constant(Json::Null);

/// The branch that a rule takes, and the one that this takes in turn, as far as the conditions can be told at once: running
/// it gives what running the rule would.
pub(crate) fn followed<'a>(rule: &'a Expression, context: &Context<'_>) -> &'a Expression {
    let (mut at, mut left) = (rule, CONDITIONS_MAX);
    while let Expression::If(branches) = at {
        match branch(branches, context, &mut left) {
            Some(branch) => at = branch,
            None => break,
        }
    }
    at
}

fn branch<'a>(branches: &'a [Expression], context: &Context<'_>, left: &mut u32) -> Option<&'a Expression> {
    let (pairs, last) = branches.as_chunks::<2>();
    for [condition, consequence] in pairs {
        if truth(condition, context, left)? {
            return Some(consequence);
        }
    }
    Some(last.first().unwrap_or(&NOTHING))
}

/// Whether a condition is true, if that can be told at once.
fn truth(condition: &Expression, context: &Context<'_>, left: &mut u32) -> Option<bool> {
    *left = left.checked_sub(1)?;
    match condition {
        Expression::And(operands) => {
            for operand in operands {
                if !truth(operand, context, left)? {
                    return Some(false);
                }
            }
            // Nothing at all is null.
            Some(!operands.is_empty())
        }
        Expression::Or(operands) => {
            for operand in operands {
                if truth(operand, context, left)? {
                    return Some(true);
                }
            }
            Some(false)
        }
        Expression::Not(operand) => truth(operand, context, left).map(|truth| !truth),
        Expression::Shared(rule) => truth(rule, context, left),
        test => holds(test, context),
    }
}

/// Whether a test of an attribute holds.
#[inline(always)]
fn holds(test: &Expression, context: &Context<'_>) -> Option<bool> {
    match test {
        Expression::Compare(comparison, operands) => {
            let [attribute, Expression::Constant(constant)] = operands.as_ref() else { return None };
            match (value(attribute, context)?, constant) {
                (Value::Text(text), Json::String(constant))
                    if comparison.is_of_equality() && constant.len() <= TEXT_BYTES_MAX =>
                {
                    Some(is_same(text.as_bytes(), constant.as_bytes()) == comparison.is_positive())
                }
                (Value::Number(number), Json::Number(constant)) => {
                    Some(comparison.accepts(number.compare(Number::from(constant))))
                }
                _ => None,
            }
        }
        Expression::InTexts(membership) => {
            let (attribute, texts) = membership.as_ref();
            Some(texts.contains(short(value(attribute, context)?)?))
        }
        Expression::Affix(affix, operands) => {
            let [attribute, Expression::Constant(Json::String(part))] = operands.as_ref() else {
                return None;
            };
            let text = short(value(attribute, context)?)?;
            Some(match affix {
                Affix::Prefix => text.starts_with(part.as_str()),
                Affix::Suffix => text.ends_with(part.as_str()),
            })
        }
        _ => None,
    }
}

#[inline(always)]
fn value<'a>(expression: &Expression, context: &'a Context<'_>) -> Option<&'a Value<'a>> {
    match expression {
        Expression::Attribute(attribute) => context.listed(attribute.mark, &attribute.name),
        _ => None,
    }
}

#[inline(always)]
fn short<'a>(value: &Value<'a>) -> Option<&'a str> {
    match value {
        Value::Text(text) if text.len() <= TEXT_BYTES_MAX => Some(text),
        _ => None,
    }
}
