//! One run of a compiled rule over one context. What the run makes itself (joined texts, filtered arrays) lives in its arena.

use std::cmp::Ordering;

use bumpalo::{collections::String as ArenaString, collections::Vec as ArenaVec};
use serde_json::Value as Json;

use crate::arena::Arena;
use crate::coercion::{append_text, compare, loosely_equal, strictly_equal, to_number, to_text};
use crate::context::Context;
use crate::expression::{Affix, Attribute, Comparison, Expression, Iteration, Path, Scope, Variable};
use crate::index::is_same;
use crate::murmur::Murmur;
use crate::semver::sem_ver;
use crate::value::{List, Number, Value};
use crate::visitor::Visitor;
use crate::{arithmetic, fractional, missing};

/// How much one evaluation may do: about one unit for an operation, an element, or 64 bytes of text. Far more than any
/// honest rule needs, and some tens of milliseconds and megabytes at the worst.
pub(crate) const WORK_MAX: u32 = 250_000;

/// Joined texts are mostly a salt and a unit, which fit without growing.
const CAT_BYTES: usize = 64;

/// The run did more than [`WORK_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMuchWork;

pub(crate) type Answer<'a> = Result<Value<'a>, TooMuchWork>;

/// The state of one run.
///
/// Operations call [`Run::value`] on their operands, so it nests. What is rarely used or large is kept out of line, in order
/// that its frame stays small.
pub(crate) struct Run<'a, 'v, V> {
    pub(crate) flag_key: &'a str,
    /// The hash of the default bucketing value, up to the targeting key.
    pub(crate) flag_hash: &'a Murmur,
    /// Seconds since 1970.
    pub(crate) now: i64,
    pub(crate) context: &'a Context<'a>,
    pub(crate) arena: &'a Arena,
    pub(crate) visitor: &'v mut V,
    pub(crate) work_left: u32,
}

impl<'a, V: Visitor> Run<'a, '_, V> {
    /// Runs a rule over the whole context.
    pub(crate) fn targeting(&mut self, rule: &'a Expression) -> Answer<'a> {
        let root = self.context.attributes().map_or(Value::Record(&[]), Value::Object);
        self.value(rule, &root)
    }

    /// The value of `expression`, where `data` is what variables are looked up in.
    ///
    /// Inlined into the operations, so that the leaves of a rule cost no call of an operation.
    #[inline(always)]
    pub(crate) fn value(&mut self, expression: &'a Expression, data: &Value<'a>) -> Answer<'a> {
        match expression {
            Expression::Constant(json) => {
                self.spend(1)?;
                Ok(Value::from(json))
            }
            Expression::Attribute(attribute) => {
                self.spend(1)?;
                Ok(self.attribute(expression, attribute))
            }
            operation => self.operation(operation, data),
        }
    }

    #[inline(always)]
    fn attribute(&mut self, expression: &'a Expression, attribute: &Attribute) -> Value<'a> {
        self.visitor.enter(expression);
        let value = self.context.value(attribute.mark, &attribute.name);
        self.visitor.leave(expression, value);
        value
    }

    #[inline(never)]
    fn operation(&mut self, operation: &'a Expression, data: &Value<'a>) -> Answer<'a> {
        if operation.is_test() {
            return self.truth(operation, data).map(Value::Bool);
        }
        self.spend(1)?;
        self.visitor.enter(operation);
        let value = self.operate(operation, data)?;
        self.visitor.leave(operation, value);
        Ok(value)
    }

    /// Whether an expression is true, for whoever needs no more: a truth stays in a register, a value goes through memory.
    /// To the visitor, too, `and` and `or` are then no more than true or false.
    fn truth(&mut self, expression: &'a Expression, data: &Value<'a>) -> Result<bool, TooMuchWork> {
        if !expression.is_test() && !matches!(expression, Expression::And(_) | Expression::Or(_)) {
            return Ok(self.value(expression, data)?.is_truthy());
        }
        self.spend(1)?;
        self.visitor.enter(expression);
        let truth = self.test(expression, data)?;
        self.visitor.leave(expression, Value::Bool(truth));
        Ok(truth)
    }

    /// The truth of an operation, where it is one of those that ask for it.
    #[inline(always)]
    fn test(&mut self, expression: &'a Expression, data: &Value<'a>) -> Result<bool, TooMuchWork> {
        match expression {
            Expression::And(operands) => {
                for operand in operands {
                    if !self.truth(operand, data)? {
                        return Ok(false);
                    }
                }
                // Nothing at all is null.
                Ok(!operands.is_empty())
            }
            Expression::Or(operands) => {
                for operand in operands {
                    if self.truth(operand, data)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Expression::Not(operand) => Ok(!self.truth(operand, data)?),
            Expression::Truth(operand) => self.truth(operand, data),
            Expression::Compare(comparison, operands) => self.compare(*comparison, operands, data),
            Expression::CompareMany(comparison, operands) => self.compare_many(*comparison, operands, data),
            Expression::InTexts(membership) => {
                let (needle, texts) = membership.as_ref();
                let Value::Text(needle) = self.value(needle, data)? else { return Ok(false) };
                self.spend_text(needle.len())?;
                Ok(texts.contains(needle))
            }
            Expression::In(operands) => self.is_in(operands, data),
            other => Ok(self.value(other, data)?.is_truthy()),
        }
    }

    #[inline(always)]
    fn operate(&mut self, expression: &'a Expression, data: &Value<'a>) -> Answer<'a> {
        Ok(match expression {
            Expression::Constant(json) => Value::from(json),
            Expression::Attribute(attribute) => self.context.value(attribute.mark, &attribute.name),
            Expression::Variable(variable) => return self.variable(variable, data),
            Expression::FlagKey => Value::Text(self.flag_key),
            Expression::Timestamp => Value::Number(Number::Whole(self.now)),
            Expression::If(branches) => return self.choose(branches, data),
            Expression::And(operands) => return self.until(operands, data, |value| !value.is_truthy()),
            Expression::Or(operands) => return self.until(operands, data, Value::is_truthy),
            Expression::Not(_)
            | Expression::Truth(_)
            | Expression::Compare(..)
            | Expression::CompareMany(..)
            | Expression::InTexts(_)
            | Expression::In(_) => Value::Bool(self.truth(expression, data)?),
            Expression::Affix(affix, operands) => return self.affix(*affix, operands, data),
            Expression::SemVer(operands) => return self.sem_ver(operands, data),
            Expression::Fractional(split) => return fractional::pick(self, split, data),
            Expression::Shared(rule) => return self.value(rule, data),
            Expression::Calculate(calculation, operands) => {
                let operands = self.values(operands, data)?;
                arithmetic::calculate(*calculation, operands, self.arena)
            }
            Expression::List(items) => Value::List(List::Made(self.values(items, data)?)),
            Expression::Missing(scope, keys) => return missing::missing(self, *scope, keys, data),
            Expression::MissingAttributes(names) => return missing::attributes(self, names),
            Expression::MissingSome(scope, operands) => return missing::some(self, *scope, operands, data),
            Expression::Iterate(iteration, operands) => return self.iterate(*iteration, operands, data),
            Expression::Reduce(operands) => return self.reduce(operands, data),
            Expression::Merge(operands) => return self.merge(operands, data),
            Expression::Cat(operands) => return self.cat(operands, data),
            Expression::Substring(operands) => return self.substring(operands, data),
        })
    }

    /// Counts work done.
    pub(crate) fn spend(&mut self, work: usize) -> Result<(), TooMuchWork> {
        let work = u32::try_from(work).map_err(|_| TooMuchWork)?;
        self.work_left = self.work_left.checked_sub(work).ok_or(TooMuchWork)?;
        Ok(())
    }

    /// Counts the work of reading or writing a text of so many bytes.
    pub(crate) fn spend_text(&mut self, bytes: usize) -> Result<(), TooMuchWork> {
        self.spend(bytes / 64)
    }

    #[inline(never)]
    pub(crate) fn values(
        &mut self,
        operands: &'a [Expression],
        data: &Value<'a>,
    ) -> Result<&'a [Value<'a>], TooMuchWork> {
        let mut values = ArenaVec::with_capacity_in(operands.len(), self.arena);
        for operand in operands {
            values.push(self.value(operand, data)?);
        }
        Ok(values.into_bump_slice())
    }

    /// The value of an operand that may be absent, which JavaScript calls undefined.
    fn operand(
        &mut self,
        operands: &'a [Expression],
        index: usize,
        data: &Value<'a>,
    ) -> Result<Option<Value<'a>>, TooMuchWork> {
        operands.get(index).map(|operand| self.value(operand, data)).transpose()
    }

    fn variable(&mut self, variable: &'a Variable, data: &Value<'a>) -> Answer<'a> {
        let found = match &variable.path {
            Path::Whole => Some(*data),
            Path::Key(key) => data.member(key),
            Path::Steps(steps) => self.descend(steps.iter().map(AsRef::as_ref), variable.scope, data)?,
            Path::Computed(path) => {
                let path = self.value(path, data)?;
                self.lookup(path, variable.scope, data)?
            }
        };
        match (found, &variable.default) {
            (Some(value), _) => Ok(value),
            (None, Some(default)) => self.value(default, data),
            (None, None) => Ok(Value::Null),
        }
    }

    /// The variable whose dotted path is a value.
    #[inline(never)]
    pub(crate) fn lookup(
        &mut self,
        path: Value<'a>,
        scope: Scope,
        data: &Value<'a>,
    ) -> Result<Option<Value<'a>>, TooMuchWork> {
        if matches!(path, Value::Null | Value::Text("")) {
            return Ok(Some(*data));
        }
        let path = to_text(path, self.arena);
        self.spend_text(path.len())?;
        self.descend(path.split('.'), scope, data)
    }

    fn descend<'p>(
        &mut self,
        mut steps: impl Iterator<Item = &'p str>,
        scope: Scope,
        data: &Value<'a>,
    ) -> Result<Option<Value<'a>>, TooMuchWork> {
        let Some(step) = steps.next() else { return Ok(Some(*data)) };
        let top =
            if scope == Scope::Root && step == "$flagd" { Some(self.flagd()) } else { data.member(step) };
        let Some(mut value) = top else { return Ok(None) };
        for step in steps {
            self.spend(1)?;
            let Some(member) = value.member(step) else { return Ok(None) };
            value = member;
        }
        Ok(Some(value))
    }

    /// The `$flagd` object of the context.
    #[inline(never)]
    fn flagd(&self) -> Value<'a> {
        let timestamp = Value::Number(Number::Whole(self.now));
        let members = [("flagKey", Value::Text(self.flag_key)), ("timestamp", timestamp)];
        Value::Record(self.arena.alloc_slice_copy(&members))
    }

    #[inline(always)]
    fn choose(&mut self, branches: &'a [Expression], data: &Value<'a>) -> Answer<'a> {
        let (pairs, last) = branches.as_chunks::<2>();
        for [condition, consequence] in pairs {
            if self.truth(condition, data)? {
                return self.value(consequence, data);
            }
        }
        match last.first() {
            Some(otherwise) => self.value(otherwise, data),
            None => Ok(Value::Null),
        }
    }

    /// The first operand that is decisive, or the last one.
    fn until(
        &mut self,
        operands: &'a [Expression],
        data: &Value<'a>,
        decisive: impl Fn(Value<'a>) -> bool,
    ) -> Answer<'a> {
        let mut last = Value::Null;
        for operand in operands {
            last = self.value(operand, data)?;
            if decisive(last) {
                break;
            }
        }
        Ok(last)
    }

    #[inline(always)]
    fn compare(
        &mut self,
        comparison: Comparison,
        [a, b]: &'a [Expression; 2],
        data: &Value<'a>,
    ) -> Result<bool, TooMuchWork> {
        let (a, b) = (self.value(a, data)?, self.value(b, data)?);
        self.holds(comparison, &a, &b)
    }

    /// `a < b < c`. An absent operand is JavaScript's undefined: equal to null, ordered with nothing.
    #[inline(never)]
    fn compare_many(
        &mut self,
        comparison: Comparison,
        operands: &'a [Expression],
        data: &Value<'a>,
    ) -> Result<bool, TooMuchWork> {
        let a = self.operand(operands, 0, data)?;
        let b = self.operand(operands, 1, data)?;
        let (Some(a), Some(b)) = (a, b) else {
            let present = a.or(b).unwrap_or(Value::Null);
            return Ok(comparison.is_of_equality() && self.holds(comparison, &present, &Value::Null)?);
        };
        let between = matches!(comparison, Comparison::Less | Comparison::LessOrEqual);
        if between && let Some(c) = self.operand(operands, 2, data)? {
            let lower = self.holds(comparison, &a, &b)?;
            return Ok(lower && self.holds(comparison, &b, &c)?);
        }
        self.holds(comparison, &a, &b)
    }

    #[inline(always)]
    fn holds(&mut self, comparison: Comparison, a: &Value<'a>, b: &Value<'a>) -> Result<bool, TooMuchWork> {
        match (a, b) {
            (Value::Text(a), Value::Text(b)) => {
                self.spend_text(a.len().min(b.len()))?;
                Ok(if comparison.is_of_equality() {
                    is_same(a.as_bytes(), b.as_bytes()) == comparison.is_positive()
                } else {
                    comparison.accepts(Some(a.cmp(b)))
                })
            }
            (Value::Number(a), Value::Number(b)) => Ok(comparison.accepts(a.compare(*b))),
            _ => self.holds_converted(comparison, *a, *b),
        }
    }

    #[inline(never)]
    fn holds_converted(
        &mut self,
        comparison: Comparison,
        a: Value<'a>,
        b: Value<'a>,
    ) -> Result<bool, TooMuchWork> {
        self.spend(size(a) + size(b))?;
        let equal = |equal: bool| equal.then_some(Ordering::Equal);
        let order = match comparison {
            Comparison::Equal | Comparison::NotEqual => equal(loosely_equal(a, b, self.arena)),
            Comparison::StrictlyEqual | Comparison::StrictlyNotEqual => equal(strictly_equal(a, b)),
            Comparison::Less | Comparison::LessOrEqual | Comparison::Greater | Comparison::GreaterOrEqual => {
                compare(a, b, self.arena)
            }
        };
        Ok(comparison.accepts(order))
    }

    /// An element of an array (without conversion) or a part of a text; of an empty text nothing is, in JsonLogic.
    #[inline(never)]
    fn is_in(&mut self, [needle, hay]: &'a [Expression; 2], data: &Value<'a>) -> Result<bool, TooMuchWork> {
        let needle = self.value(needle, data)?;
        match self.value(hay, data)? {
            Value::Text(hay) => {
                self.spend_text(hay.len())?;
                Ok(!hay.is_empty() && hay.contains(to_text(needle, self.arena)))
            }
            Value::List(list) => {
                self.spend(list.len() / 8)?;
                Ok(list.iter().any(|item| strictly_equal(item, needle)))
            }
            _ => Ok(false),
        }
    }

    /// Null unless both operands are texts.
    #[inline(never)]
    fn affix(&mut self, affix: Affix, operands: &'a [Expression], data: &Value<'a>) -> Answer<'a> {
        let [text, part] = operands else { return Ok(Value::Null) };
        let (text, part) = (self.value(text, data)?, self.value(part, data)?);
        let (Value::Text(text), Value::Text(part)) = (text, part) else { return Ok(Value::Null) };
        self.spend_text(part.len())?;
        Ok(Value::Bool(match affix {
            Affix::Prefix => text.starts_with(part),
            Affix::Suffix => text.ends_with(part),
        }))
    }

    #[inline(never)]
    fn sem_ver(&mut self, operands: &'a [Expression], data: &Value<'a>) -> Answer<'a> {
        let [left, operator, right] = operands else { return Ok(Value::Null) };
        let left = self.value(left, data)?;
        let operator = self.value(operator, data)?;
        let right = self.value(right, data)?;
        let Value::Text(operator) = operator else { return Ok(Value::Null) };
        self.spend(size(left) + size(right))?;
        Ok(sem_ver(left, operator, right, self.arena).map_or(Value::Null, Value::Bool))
    }

    #[inline(never)]
    fn iterate(
        &mut self,
        iteration: Iteration,
        [list, body]: &'a [Expression; 2],
        data: &Value<'a>,
    ) -> Answer<'a> {
        let list = match self.value(list, data)? {
            Value::List(list) => list,
            _ => List::Made(&[]),
        };
        match iteration {
            Iteration::Map | Iteration::Filter => {
                let mut kept = ArenaVec::new_in(self.arena);
                for item in list.iter() {
                    let value = self.value(body, &item)?;
                    if iteration == Iteration::Map {
                        kept.push(value);
                    } else if value.is_truthy() {
                        kept.push(item);
                    }
                }
                Ok(Value::List(List::Made(kept.into_bump_slice())))
            }
            // Of nothing, neither all nor some hold.
            Iteration::All if list.len() == 0 => Ok(Value::Bool(false)),
            Iteration::All => Ok(Value::Bool(!self.any(list, body, false)?)),
            Iteration::None => Ok(Value::Bool(!self.any(list, body, true)?)),
            Iteration::Some => Ok(Value::Bool(self.any(list, body, true)?)),
        }
    }

    /// Whether `body` has this truth for any element.
    fn any(&mut self, list: List<'a>, body: &'a Expression, truth: bool) -> Result<bool, TooMuchWork> {
        for item in list.iter() {
            if self.truth(body, &item)? == truth {
                return Ok(true);
            }
        }
        Ok(false)
    }

    #[inline(never)]
    fn reduce(&mut self, [list, body, start]: &'a [Expression; 3], data: &Value<'a>) -> Answer<'a> {
        let list = self.value(list, data)?;
        let mut accumulator = self.value(start, data)?;
        let Value::List(list) = list else { return Ok(accumulator) };
        for current in list.iter() {
            let members = [("current", current), ("accumulator", accumulator)];
            let pair = Value::Record(self.arena.alloc_slice_copy(&members));
            accumulator = self.value(body, &pair)?;
        }
        Ok(accumulator)
    }

    /// One array of all operands, arrays spread one level.
    #[inline(never)]
    fn merge(&mut self, operands: &'a [Expression], data: &Value<'a>) -> Answer<'a> {
        let mut merged = ArenaVec::new_in(self.arena);
        for operand in operands {
            match self.value(operand, data)? {
                Value::List(list) => {
                    self.spend(list.len())?;
                    merged.extend(list.iter());
                }
                value => merged.push(value),
            }
        }
        Ok(Value::List(List::Made(merged.into_bump_slice())))
    }

    #[inline(never)]
    fn cat(&mut self, operands: &'a [Expression], data: &Value<'a>) -> Answer<'a> {
        let mut text = ArenaString::with_capacity_in(CAT_BYTES, self.arena);
        for operand in operands {
            let value = self.value(operand, data)?;
            self.spend(size(value))?;
            match value {
                Value::Text(more) => text.push_str(more),
                other => append_text(&mut text, other),
            }
        }
        Ok(Value::Text(text.into_bump_str()))
    }

    /// Part of a text, counted in characters; a negative start counts from the end, a negative length leaves so many off.
    #[inline(never)]
    fn substring(&mut self, operands: &'a [Expression], data: &Value<'a>) -> Answer<'a> {
        let text = self.operand(operands, 0, data)?.unwrap_or(Value::Null);
        let start = self.operand(operands, 1, data)?.unwrap_or(Value::Null);
        let length = self.operand(operands, 2, data)?;
        self.spend(size(text))?;
        let text = to_text(text, self.arena);
        self.spend_text(text.len())?;
        let count = text.chars().count() as f64;
        // JavaScript cuts fractions off and takes NaN for 0.
        let whole = |value| {
            let number = to_number(value, self.arena).as_f64().trunc();
            if number.is_nan() { 0.0 } else { number }
        };
        let start = whole(start);
        let start = if start < 0.0 { (count + start).max(0.0) } else { start.min(count) };
        let end = match length.map(whole) {
            None => count,
            Some(length) if length < 0.0 => count + length,
            Some(length) => (start + length).min(count),
        };
        if end <= start {
            return Ok(Value::Text(""));
        }
        // Both lie in 0..=count, so neither cast can cut.
        Ok(Value::Text(characters(text, start as usize, end as usize)))
    }
}

/// About how much work converting a value to text is, beyond the operation itself.
fn size(value: Value<'_>) -> usize {
    match value {
        Value::Text(text) => text.len() / 64,
        Value::List(List::Given(items)) => items.iter().map(json_size).sum(),
        Value::List(List::Made(items)) => items.iter().map(|item| 1 + size(*item)).sum(),
        _ => 0,
    }
}

fn json_size(json: &Json) -> usize {
    match json {
        Json::String(text) => 1 + text.len() / 64,
        Json::Array(items) => 1 + items.iter().map(json_size).sum::<usize>(),
        _ => 1,
    }
}

/// The characters from `start` up to `end`.
fn characters(text: &str, start: usize, end: usize) -> &str {
    let offset = |index| text.char_indices().nth(index).map_or(text.len(), |(offset, _)| offset);
    text.get(offset(start)..offset(end)).unwrap_or("")
}
