//! Why a flag answered as it did: the operations that ran, as a tree, with what each of them gave.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use crate::expression::{Expression, Path, Variable};
use crate::value::Value;
use crate::visitor::Visitor;

/// An explanation stops growing after so many steps.
const STEPS_MAX: usize = 10_000;

/// A value of more characters and elements than this is abridged: a text is cut, an array or object only counted.
const VALUE_MAX: usize = 2_000;

/// One operation that ran. Operands that were not needed are not there.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "EvaluationStep")]
pub struct Step {
    /// The operator's name in JsonLogic.
    pub operator: &'static str,
    /// For `var`, the path of the variable, where the rule spells it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variable: Option<String>,
    /// What the operation gave; large values are abridged. Null also when the run was cut short in it.
    pub value: Json,
    /// The operations that ran inside it, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
}

/// Collects the steps of one run.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    open: Vec<Step>,
    done: Vec<Step>,
    count: usize,
    /// Steps begun beyond the limit and not done yet.
    skipped: usize,
}

impl Trace {
    /// The outermost steps; those that a cut left open are closed.
    pub(crate) fn finish(mut self) -> Vec<Step> {
        while !self.open.is_empty() {
            self.close(Json::Null);
        }
        self.done
    }

    fn close(&mut self, value: Json) {
        let Some(mut step) = self.open.pop() else { return };
        step.value = value;
        match self.open.last_mut() {
            Some(parent) => parent.steps.push(step),
            None => self.done.push(step),
        }
    }
}

impl Visitor for Trace {
    const WATCHES: bool = true;

    fn enter(&mut self, expression: &Expression) {
        let Some(operator) = expression.operator() else { return };
        if self.count >= STEPS_MAX {
            self.skipped += 1;
            return;
        }
        self.count += 1;
        self.open.push(Step {
            operator,
            variable: variable(expression),
            value: Json::Null,
            steps: Vec::new(),
        });
    }

    fn leave(&mut self, expression: &Expression, value: Value<'_>) {
        if expression.operator().is_none() {
            return;
        }
        match self.skipped.checked_sub(1) {
            Some(skipped) => self.skipped = skipped,
            None => self.close(abridged(value)),
        }
    }
}

fn variable(expression: &Expression) -> Option<String> {
    match expression {
        Expression::FlagKey => Some("$flagd.flagKey".to_owned()),
        Expression::Timestamp => Some("$flagd.timestamp".to_owned()),
        Expression::Attribute(attribute) => Some(attribute.name.to_string()),
        Expression::Variable(variable) => match variable.as_ref() {
            Variable { path: Path::Steps(steps), .. } => Some(steps.join(".")),
            Variable { path: Path::Key(key), .. } => Some(key.to_string()),
            Variable { path: Path::Whole, .. } => Some(String::new()),
            Variable { path: Path::Computed(_), .. } => None,
        },
        _ => None,
    }
}

fn abridged(value: Value<'_>) -> Json {
    let mut left = VALUE_MAX;
    if fits(value, &mut left) {
        return value.to_json();
    }
    match value {
        Value::Text(text) => text.chars().take(VALUE_MAX / 10).chain(['…']).collect::<String>().into(),
        Value::List(list) => format!("{} elements", list.len()).into(),
        Value::Object(members) => format!("{} members", members.len()).into(),
        Value::Record(members) => format!("{} members", members.len()).into(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_json(),
    }
}

/// Whether `value` uses up no more than what is `left`. It stops looking as soon as it does.
fn fits(value: Value<'_>, left: &mut usize) -> bool {
    let own = if let Value::Text(text) = value { 1 + text.len() } else { 1 };
    let Some(rest) = left.checked_sub(own) else { return false };
    *left = rest;
    match value {
        Value::List(list) => list.iter().all(|item| fits(item, left)),
        Value::Object(members) => members
            .iter()
            .all(|(name, member)| fits(Value::Text(name), left) && fits(Value::from(member), left)),
        Value::Record(members) => members.iter().all(|(_, member)| fits(*member, left)),
        _ => true,
    }
}
