//! The short way through most rules: conditions on attributes beside constants, and percentages, laid out beforehand as a walk from
//! test to test that ends at a variant.
//!
//! It only leaves out what a run would do on its way to the same answer. What it cannot tell at once is left to the run:
//! operands that are computed, long texts, whose work is counted, and types that JavaScript would convert first.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::cbor;
use crate::context::{Context, Mark};
use crate::expression::{Affix, Attribute, Comparison, Expression, Fractional, Part, Texts, Weight};
use crate::fractional::bucket_of;
use crate::index::is_same;
use crate::murmur::Murmur;
use crate::value::{Number, Value};

/// The longest text that costs no more than the operation itself.
const TEXT_BYTES_MAX: usize = 64;

/// A rule of more tests is left to the run; named rules that refer to each other can unfold to any number.
const STEPS_MAX: usize = 1_000;

/// A rule as a walk. Every step leads to one that was laid before it, so that it ends.
#[derive(Debug)]
pub(crate) struct Shortcut {
    steps: Box<[Step]>,
    splits: Box<[Split]>,
    start: Target,
}

/// One test, and where it leads.
#[derive(Debug)]
struct Step {
    mark: Mark,
    name: Box<str>,
    test: Test,
    yes: Target,
    no: Target,
}

#[derive(Debug)]
enum Test {
    /// Equal to a text, or not.
    Text(Box<str>, bool),
    Number(Comparison, Number),
    In(Arc<(Expression, Texts)>),
    Affix(Affix, Box<str>),
}

/// A percentage of the default bucketing value: weights, each with where it leads.
#[derive(Debug)]
struct Split {
    total: u64,
    parts: Box<[(u32, Target)]>,
}

#[derive(Debug, Clone, Copy)]
enum Target {
    Step(u32),
    Split(u32),
    /// The variant at this place.
    Variant(u32),
    /// The rule picks none.
    Nothing,
    /// This cannot be told at once.
    Run,
}

/// What a walk ends at.
pub(crate) enum Told {
    /// The variant at this place.
    Variant(usize),
    /// The rule picks none.
    Nothing,
}

impl Shortcut {
    /// Lays the way through a rule; `variant` tells the place of a name. None where the run would be needed at once.
    pub(crate) fn of(rule: &Expression, variant: impl Fn(&str) -> Option<usize>) -> Option<Self> {
        let mut laying = Laying { variant, steps: Vec::new(), splits: Vec::new() };
        let start = laying.target(rule)?;
        if matches!(start, Target::Run) {
            return None;
        }
        Some(Self { steps: laying.steps.into(), splits: laying.splits.into(), start })
    }

    /// Walks along for a context. `flag_hash` is that of the default bucketing value, up to the targeting key. None: the run
    /// has to say.
    #[inline]
    pub(crate) fn walk(&self, context: &Context<'_>, flag_hash: &Murmur) -> Option<Told> {
        let mut at = self.start;
        loop {
            at = match at {
                Target::Step(place) => {
                    let step = self.steps.get(place as usize)?;
                    if step.holds(context)? { step.yes } else { step.no }
                }
                Target::Split(place) => match self.splits.get(place as usize)?.part(context, flag_hash) {
                    Some(target) => target,
                    None => return Some(Told::Nothing),
                },
                Target::Variant(place) => return Some(Told::Variant(place as usize)),
                Target::Nothing => return Some(Told::Nothing),
                Target::Run => return None,
            }
        }
    }
}

impl Step {
    /// Whether the test holds, if that can be told at once.
    #[inline]
    fn holds(&self, context: &Context<'_>) -> Option<bool> {
        let value = context.listed(self.mark, &self.name);
        match (&self.test, value) {
            (Test::Text(own, positive), Some(Value::Text(text))) => {
                Some(is_same(text.as_bytes(), own.as_bytes()) == *positive)
            }
            (Test::Number(comparison, own), Some(Value::Number(number))) => {
                Some(comparison.accepts(number.compare(*own)))
            }
            (Test::In(membership), Some(Value::Text(text))) if text.len() <= TEXT_BYTES_MAX => {
                Some(membership.1.contains(text))
            }
            (Test::Affix(affix, part), Some(Value::Text(text))) if text.len() <= TEXT_BYTES_MAX => {
                Some(match affix {
                    Affix::Prefix => text.starts_with(part.as_ref()),
                    Affix::Suffix => text.ends_with(part.as_ref()),
                })
            }
            // Null is equal to no text, and in no list of them.
            (Test::Text(_, positive), None) if context.is_listed() => Some(!positive),
            (Test::In(_) | Test::Affix(..), None) if context.is_listed() => Some(false),
            _ => None,
        }
    }
}

impl Split {
    /// Where the caller's part leads; none without a targeting key or a weight.
    fn part(&self, context: &Context<'_>, flag_hash: &Murmur) -> Option<Target> {
        let mut hash = flag_hash.clone();
        cbor::write_text(&mut hash, context.targeting_key()?);
        let mut bucket = bucket_of(hash.finish(), self.total)?;
        for (weight, target) in &self.parts {
            match bucket.checked_sub(*weight) {
                Some(beyond) => bucket = beyond,
                None => return Some(*target),
            }
        }
        None
    }
}

/// A way that is being laid. Nothing is laid where it would get too long.
struct Laying<F> {
    variant: F,
    steps: Vec<Step>,
    splits: Vec<Split>,
}

impl<F: Fn(&str) -> Option<usize>> Laying<F> {
    /// Where the value of an expression leads.
    fn target(&mut self, expression: &Expression) -> Option<Target> {
        Some(match expression {
            Expression::Constant(Json::Null) => Target::Nothing,
            Expression::Constant(Json::String(name)) => self.named(name),
            Expression::Constant(Json::Bool(flag)) => self.named(if *flag { "true" } else { "false" }),
            Expression::If(branches) => {
                let (pairs, last) = branches.as_chunks::<2>();
                // An `if` without an "else" comes to null.
                let mut otherwise = last.first().map_or(Some(Target::Nothing), |last| self.target(last))?;
                for [condition, consequence] in pairs.iter().rev() {
                    let consequence = self.target(consequence)?;
                    otherwise = self.condition(condition, consequence, otherwise)?;
                }
                otherwise
            }
            Expression::Fractional(split) => self.split(split)?,
            Expression::Shared(rule) => self.target(rule)?,
            _ => Target::Run,
        })
    }

    fn named(&self, name: &str) -> Target {
        let place = (self.variant)(name).and_then(|place| u32::try_from(place).ok());
        place.map_or(Target::Run, Target::Variant)
    }

    fn split(&mut self, split: &Fractional) -> Option<Target> {
        let Fractional { bucketing: None, parts, total: Some(total) } = split else {
            return Some(Target::Run);
        };
        let mut laid = Vec::with_capacity(parts.len());
        for part in parts {
            let Part::Pair { variant, weight: Weight::Constant(weight) } = part else {
                return Some(Target::Run);
            };
            laid.push((*weight, self.target(variant)?));
        }
        self.splits.push(Split { total: *total, parts: laid.into() });
        self.is_short().then_some(Target::Split(self.splits.len() as u32 - 1))
    }

    /// Where a condition leads.
    fn condition(&mut self, condition: &Expression, yes: Target, no: Target) -> Option<Target> {
        match condition {
            // Nothing at all is null.
            Expression::And(operands) if operands.is_empty() => Some(no),
            Expression::And(operands) => {
                operands.iter().rev().try_fold(yes, |then, operand| self.condition(operand, then, no))
            }
            Expression::Or(operands) => {
                operands.iter().rev().try_fold(no, |then, operand| self.condition(operand, yes, then))
            }
            Expression::Not(operand) => self.condition(operand, no, yes),
            Expression::Truth(operand) => self.condition(operand, yes, no),
            Expression::Shared(rule) => self.condition(rule, yes, no),
            test => match test_of(test) {
                None => Some(Target::Run),
                Some((Attribute { mark, name }, test)) => {
                    self.steps.push(Step { mark: *mark, name: name.clone(), test, yes, no });
                    self.is_short().then_some(Target::Step(self.steps.len() as u32 - 1))
                }
            },
        }
    }

    fn is_short(&self) -> bool {
        self.steps.len() + self.splits.len() <= STEPS_MAX
    }
}

/// The test of an attribute that a condition is, if it is one.
fn test_of(condition: &Expression) -> Option<(&Attribute, Test)> {
    match condition {
        Expression::Compare(comparison, operands) => {
            let [Expression::Attribute(attribute), Expression::Constant(constant)] = operands.as_ref() else {
                return None;
            };
            let test = match constant {
                Json::String(text) if comparison.is_of_equality() && text.len() <= TEXT_BYTES_MAX => {
                    Test::Text(text.as_str().into(), comparison.is_positive())
                }
                Json::Number(number) => Test::Number(*comparison, Number::from(number)),
                _ => return None,
            };
            Some((attribute, test))
        }
        Expression::InTexts(membership) => match &membership.0 {
            Expression::Attribute(attribute) => Some((attribute, Test::In(Arc::clone(membership)))),
            _ => None,
        },
        Expression::Affix(affix, operands) => match operands.as_ref() {
            [Expression::Attribute(attribute), Expression::Constant(Json::String(part))] => {
                Some((attribute, Test::Affix(*affix, part.as_str().into())))
            }
            _ => None,
        },
        _ => None,
    }
}
