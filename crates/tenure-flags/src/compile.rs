//! JsonLogic in JSON → [`Expression`]. Everything that can be wrong with a rule itself is found here, with its place.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value as Json;

use crate::expression::{
    Affix, Attribute, Calculation, Comparison, Expression, Fractional, Iteration, Part, Path, Scope, Texts,
    Variable, Weight,
};
use crate::fault::{Fault, Place};
use crate::value::Number;

/// Operations inside operations, through references too. It bounds the stack of compiling and of running.
pub(crate) const DEPTH_MAX: usize = 100;

/// Compiles the rules of one flag set.
#[derive(Debug)]
pub(crate) struct Compiler<'s> {
    evaluators: &'s BTreeMap<String, Json>,
    shared: HashMap<(&'s str, Scope), Shared>,
}

/// A named rule on its way.
#[derive(Debug)]
enum Shared {
    /// It is being compiled: meeting it again is a cycle.
    Begun,
    Done {
        rule: Arc<Expression>,
        height: usize,
    },
}

/// A position in the reading: where, how deep, over which data.
#[derive(Debug, Clone, Copy)]
struct Cursor<'p> {
    place: Place<'p>,
    depth: usize,
    scope: Scope,
}

/// An expression and how many operations it nests.
type Compiled = (Expression, usize);

impl<'s> Compiler<'s> {
    pub(crate) fn new(evaluators: &'s BTreeMap<String, Json>) -> Self {
        Self { evaluators, shared: HashMap::new() }
    }

    /// Compiles one flag's `targeting`.
    pub(crate) fn targeting(&mut self, rule: &Json, place: Place<'_>) -> Result<Expression, Fault> {
        if only_member(rule).is_none() {
            return Err(Fault::new(place, "must be one operation: an object with one member"));
        }
        let cursor = Cursor { place, depth: 0, scope: Scope::Root };
        self.expression(rule, cursor).map(|(expression, _)| expression)
    }

    /// Compiles a named rule by itself, as targeting would use it.
    pub(crate) fn named(&mut self, name: &str) -> Result<(), Fault> {
        let evaluators = Place::TOP.key("$evaluators");
        let cursor = Cursor { place: evaluators, depth: 0, scope: Scope::Root };
        self.reference(&name.into(), cursor).map(drop)
    }

    fn expression(&mut self, json: &Json, at: Cursor<'_>) -> Result<Compiled, Fault> {
        if at.depth >= DEPTH_MAX {
            return Err(at.fault(format!("nests more than {DEPTH_MAX} operations")));
        }
        match json {
            Json::Array(items) if items.iter().all(is_data) => Ok((Expression::Constant(json.clone()), 1)),
            Json::Array(_) => {
                let mut height = 0;
                let items = self.operands(json, at, &mut height)?;
                Ok((Expression::List(items), height + 1))
            }
            _ => match only_member(json) {
                Some(("$ref", name)) => self.reference(name, at),
                Some((operator, operands)) => {
                    let at = Cursor { place: at.place.key(operator), ..at };
                    let mut height = 0;
                    let expression = self.operation(operator, operands, at, &mut height)?;
                    Ok((expression, height + 1))
                }
                None => Ok((Expression::Constant(json.clone()), 1)),
            },
        }
    }

    fn operation(
        &mut self,
        operator: &str,
        operands: &Json,
        at: Cursor<'_>,
        height: &mut usize,
    ) -> Result<Expression, Fault> {
        match operator {
            "var" => self.variable(operands, at, height),
            "map" => self.iteration(Iteration::Map, operands, at, height),
            "filter" => self.iteration(Iteration::Filter, operands, at, height),
            "all" => self.iteration(Iteration::All, operands, at, height),
            "none" => self.iteration(Iteration::None, operands, at, height),
            "some" => self.iteration(Iteration::Some, operands, at, height),
            "reduce" => self.reduction(operands, at, height),
            "fractional" => self.fractional(operands, at, height),
            _ => {
                let operands = self.operands(operands, at, height)?;
                plain_operation(operator, operands, at.scope).ok_or_else(|| {
                    at.fault(format!("`{operator}` is not an operation of JsonLogic or flagd"))
                })
            }
        }
    }

    /// The operands of an operation; one that is not an array stands alone.
    fn operands(
        &mut self,
        operands: &Json,
        at: Cursor<'_>,
        height: &mut usize,
    ) -> Result<Box<[Expression]>, Fault> {
        let Json::Array(operands) = operands else {
            return Ok(Box::new([self.operand(operands, at.deeper(), height)?]));
        };
        let each = operands.iter().enumerate();
        each.map(|(index, operand)| self.operand(operand, at.operand(index), height)).collect()
    }

    fn operand(&mut self, json: &Json, at: Cursor<'_>, height: &mut usize) -> Result<Expression, Fault> {
        let (expression, own) = self.expression(json, at)?;
        *height = own.max(*height);
        Ok(expression)
    }

    fn variable(&mut self, operands: &Json, at: Cursor<'_>, height: &mut usize) -> Result<Expression, Fault> {
        let mut operands = self.operands(operands, at, height)?.into_iter();
        let path = match operands.next() {
            None => Path::Whole,
            Some(Expression::Constant(path)) => constant_path(&path, at)?,
            Some(path) => Path::Computed(path),
        };
        let default = operands.next();
        if at.scope == Scope::Root {
            match &path {
                Path::Key(name) if default.is_none() => {
                    return Ok(Expression::Attribute(Attribute::named(name)));
                }
                Path::Steps(steps) if is_path(steps, ["$flagd", "flagKey"]) => {
                    return Ok(Expression::FlagKey);
                }
                Path::Steps(steps) if is_path(steps, ["$flagd", "timestamp"]) => {
                    return Ok(Expression::Timestamp);
                }
                _ => {}
            }
        }
        Ok(Expression::Variable(Box::new(Variable { path, scope: at.scope, default })))
    }

    fn iteration(
        &mut self,
        iteration: Iteration,
        operands: &Json,
        at: Cursor<'_>,
        height: &mut usize,
    ) -> Result<Expression, Fault> {
        let [list, body] = [0, 1].map(|index| operand_at(operands, index));
        let list = self.operand(list, at.operand(0), height)?;
        let body = self.operand(body, at.operand(1).over_elements(), height)?;
        Ok(Expression::Iterate(iteration, Box::new([list, body])))
    }

    fn reduction(
        &mut self,
        operands: &Json,
        at: Cursor<'_>,
        height: &mut usize,
    ) -> Result<Expression, Fault> {
        let [list, body, start] = [0, 1, 2].map(|index| operand_at(operands, index));
        let list = self.operand(list, at.operand(0), height)?;
        let body = self.operand(body, at.operand(1).over_elements(), height)?;
        let start = self.operand(start, at.operand(2), height)?;
        Ok(Expression::Reduce(Box::new([list, body, start])))
    }

    /// Without a bucketing value (the first operand is already a part) the flag and targeting keys are hashed.
    fn fractional(
        &mut self,
        operands: &Json,
        at: Cursor<'_>,
        height: &mut usize,
    ) -> Result<Expression, Fault> {
        let operands = match operands {
            Json::Array(operands) => operands.as_slice(),
            alone => std::slice::from_ref(alone),
        };
        let bucketing = match operands.first() {
            None | Some(Json::Array(_)) => None,
            Some(bucketing) => Some(self.operand(bucketing, at.operand(0), height)?),
        };
        let parts = operands.iter().enumerate().skip(usize::from(bucketing.is_some()));
        let parts = parts.map(|(index, part)| self.part(part, at.operand(index), height));
        let parts = parts.collect::<Result<Box<[Part]>, _>>()?;
        let total = parts.iter().map(Part::constant_weight).sum();
        Ok(Expression::Fractional(Box::new(Fractional { bucketing, parts, total })))
    }

    fn part(&mut self, part: &Json, at: Cursor<'_>, height: &mut usize) -> Result<Part, Fault> {
        let (variant, weight) = match part.as_array().map(Vec::as_slice) {
            Some([variant]) => (variant, Weight::Constant(1)),
            Some([variant, weight]) => match constant_weight(weight) {
                Some(constant) => (variant, Weight::Constant(constant)),
                None => (variant, Weight::Computed(self.operand(weight, at.operand(1), height)?)),
            },
            _ => return self.operand(part, at, height).map(Part::Computed),
        };
        let variant = self.operand(variant, at.operand(0), height)?;
        Ok(Part::Pair { variant, weight })
    }

    /// `{"$ref": name}`: the named rule, compiled once per kind of data it is used over.
    fn reference(&mut self, name: &Json, at: Cursor<'_>) -> Result<Compiled, Fault> {
        let evaluators = self.evaluators;
        let named = name.as_str().and_then(|name| evaluators.get_key_value(name));
        let Some((name, rule)) = named else {
            return Err(at.fault(format!("refers to {name}, which is not in `$evaluators`")));
        };
        let key = (name.as_str(), at.scope);
        let (rule, height) = match self.shared.get(&key) {
            Some(Shared::Done { rule, height }) => (Arc::clone(rule), *height),
            Some(Shared::Begun) => return Err(at.fault(format!("`{name}` refers to itself"))),
            None => self.begin_shared(key, rule, at.depth + 1)?,
        };
        if at.depth + 1 + height > DEPTH_MAX {
            return Err(at.fault(format!("nests more than {DEPTH_MAX} operations through `{name}`")));
        }
        Ok((Expression::Shared(rule), height + 1))
    }

    fn begin_shared(
        &mut self,
        key: (&'s str, Scope),
        rule: &Json,
        depth: usize,
    ) -> Result<(Arc<Expression>, usize), Fault> {
        self.shared.insert(key, Shared::Begun);
        let (name, scope) = key;
        let evaluators = Place::TOP.key("$evaluators");
        let cursor = Cursor { place: evaluators.key(name), depth, scope };
        // A failure is not kept: whether a rule nests too deep depends on who refers to it.
        let (rule, height) = self.expression(rule, cursor).inspect_err(|_| drop(self.shared.remove(&key)))?;
        let rule = Arc::new(rule);
        self.shared.insert(key, Shared::Done { rule: Arc::clone(&rule), height });
        Ok((rule, height))
    }
}

impl<'p> Cursor<'p> {
    fn fault(&self, message: String) -> Fault {
        Fault::new(self.place, message)
    }

    fn deeper(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }

    fn operand(&'p self, index: usize) -> Cursor<'p> {
        Cursor { place: self.place.index(index), depth: self.depth + 1, scope: self.scope }
    }

    fn over_elements(self) -> Self {
        Self { scope: Scope::Element, ..self }
    }
}

/// An operation whose operands are all read alike. Apart from the reading, which nests, so that its many cases take no
/// room on the stack while it does.
fn plain_operation(operator: &str, operands: Box<[Expression]>, scope: Scope) -> Option<Expression> {
    Some(match operator {
        "missing" => match attributes(scope, &operands) {
            Some(attributes) => Expression::MissingAttributes(attributes),
            None => Expression::Missing(scope, operands),
        },
        "missing_some" => Expression::MissingSome(scope, Box::new(padded(operands))),
        "if" | "?:" => Expression::If(operands),
        "and" => Expression::And(operands),
        "or" => Expression::Or(operands),
        "!" => Expression::Not(Box::new(first(operands))),
        "!!" => Expression::Truth(Box::new(first(operands))),
        "==" => comparison(Comparison::Equal, operands),
        "!=" => comparison(Comparison::NotEqual, operands),
        "===" => comparison(Comparison::StrictlyEqual, operands),
        "!==" => comparison(Comparison::StrictlyNotEqual, operands),
        "<" => comparison(Comparison::Less, operands),
        "<=" => comparison(Comparison::LessOrEqual, operands),
        ">" => comparison(Comparison::Greater, operands),
        ">=" => comparison(Comparison::GreaterOrEqual, operands),
        "+" => Expression::Calculate(Calculation::Add, operands),
        "-" => Expression::Calculate(Calculation::Subtract, operands),
        "*" => Expression::Calculate(Calculation::Multiply, operands),
        "/" => Expression::Calculate(Calculation::Divide, operands),
        "%" => Expression::Calculate(Calculation::Remainder, operands),
        "min" => Expression::Calculate(Calculation::Minimum, operands),
        "max" => Expression::Calculate(Calculation::Maximum, operands),
        "merge" => Expression::Merge(operands),
        "in" => membership(padded(operands)),
        "cat" => Expression::Cat(operands),
        "substr" => Expression::Substring(operands),
        // Writing to a log is no part of an answer: the operand passes through.
        "log" => first(operands),
        "starts_with" => Expression::Affix(Affix::Prefix, operands),
        "ends_with" => Expression::Affix(Affix::Suffix, operands),
        "sem_ver" => Expression::SemVer(operands),
        _ => return None,
    })
}

/// An operation is an object with one member; an object with more, or none, is data.
pub(crate) fn only_member(json: &Json) -> Option<(&str, &Json)> {
    let mut members = json.as_object()?.iter();
    let (name, value) = members.next()?;
    members.next().is_none().then_some((name.as_str(), value))
}

/// Whether `json` holds no operation at any depth that JsonLogic would look at.
fn is_data(json: &Json) -> bool {
    match json {
        Json::Array(items) => items.iter().all(is_data),
        _ => only_member(json).is_none(),
    }
}

fn operand_at(operands: &Json, index: usize) -> &Json {
    match operands {
        Json::Array(operands) => operands.get(index).unwrap_or(&Json::Null),
        alone if index == 0 => alone,
        _ => &Json::Null,
    }
}

fn first(operands: Box<[Expression]>) -> Expression {
    operands.into_iter().next().unwrap_or(Expression::Constant(Json::Null))
}

/// The first `N` operands, null where there are fewer.
fn padded<const N: usize>(operands: Box<[Expression]>) -> [Expression; N] {
    let mut operands = operands.into_iter();
    std::array::from_fn(|_| operands.next().unwrap_or(Expression::Constant(Json::Null)))
}

fn constant_path(path: &Json, at: Cursor<'_>) -> Result<Path, Fault> {
    let text = match path {
        Json::Null => return Ok(Path::Whole),
        Json::String(text) if text.is_empty() => return Ok(Path::Whole),
        Json::String(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        Json::Bool(flag) => flag.to_string(),
        _ => return Err(at.fault("the path of a variable must be a text or a number".to_owned())),
    };
    if text.contains('.') || text == "$flagd" {
        return Ok(Path::Steps(text.split('.').map(Box::from).collect()));
    }
    Ok(Path::Key(text.into()))
}

fn is_path(steps: &[Box<str>], path: [&str; 2]) -> bool {
    steps.iter().map(AsRef::as_ref).eq(path)
}

impl Part {
    fn constant_weight(&self) -> Option<u64> {
        match self {
            Self::Pair { weight: Weight::Constant(weight), .. } => Some((*weight).into()),
            _ => None,
        }
    }
}

/// A weight that is a whole number: below 0 it is 0, and beyond 32 bits the total is too large anyway.
fn constant_weight(weight: &Json) -> Option<u32> {
    let weight = Number::from(weight.as_number()?).as_integer()?;
    Some(u32::try_from(weight.max(0)).unwrap_or(u32::MAX))
}

fn comparison(comparison: Comparison, operands: Box<[Expression]>) -> Expression {
    match operands.try_into() {
        Ok(two) => Expression::Compare(comparison, two),
        Err(others) => Expression::CompareMany(comparison, others),
    }
}

/// The attributes that these keys name, if all of them are known already and none descends.
fn attributes(scope: Scope, keys: &[Expression]) -> Option<Box<[Attribute]>> {
    let attribute = |key: &Expression| match key {
        Expression::Constant(Json::String(name))
            if scope == Scope::Root && !name.is_empty() && !name.contains('.') && name != "$flagd" =>
        {
            Some(Attribute::named(name))
        }
        _ => None,
    };
    keys.iter().map(attribute).collect()
}

fn membership([needle, list]: [Expression; 2]) -> Expression {
    let texts = match &list {
        Expression::Constant(Json::Array(items)) => items.iter().map(Json::as_str).collect::<Option<Texts>>(),
        _ => None,
    };
    match texts {
        Some(texts) => Expression::InTexts(Arc::new((needle, texts))),
        None => Expression::In(Box::new([needle, list])),
    }
}
