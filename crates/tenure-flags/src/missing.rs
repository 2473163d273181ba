//! `missing` and `missing_some`: which keys have no variable, or one that is null or empty.

use bumpalo::collections::Vec as ArenaVec;

use crate::coercion::to_number;
use crate::evaluate::{Answer, Run, TooMuchWork};
use crate::expression::{Attribute, Expression, Scope};
use crate::value::{List, Value};
use crate::visitor::Visitor;

/// Of keys that are given one by one, or as one array.
#[inline(never)]
pub(crate) fn missing<'a, V: Visitor>(
    run: &mut Run<'a, '_, V>,
    scope: Scope,
    keys: &'a [Expression],
    data: &Value<'a>,
) -> Answer<'a> {
    let keys = run.values(keys, data)?;
    let keys = match keys.first() {
        Some(Value::List(keys)) => *keys,
        _ => List::Made(keys),
    };
    Ok(Value::List(of_keys(run, scope, keys, data)?))
}

/// Of attributes that the rule names.
#[inline(never)]
pub(crate) fn attributes<'a, V: Visitor>(
    run: &mut Run<'a, '_, V>,
    attributes: &'a [Attribute],
) -> Answer<'a> {
    run.spend(attributes.len())?;
    let context = run.context;
    let mut missing = attributes
        .iter()
        .filter(|attribute| is_missing(Some(context.value(attribute.mark, &attribute.name))))
        .map(|attribute| Value::Text(&attribute.name))
        .peekable();
    // Mostly none is, and nothing has to be made.
    if missing.peek().is_none() {
        return Ok(Value::List(List::Made(&[])));
    }
    Ok(Value::List(List::Made(ArenaVec::from_iter_in(missing, run.arena).into_bump_slice())))
}

/// Nothing if at least so many of the keys are there, else those that are missing.
#[inline(never)]
pub(crate) fn some<'a, V: Visitor>(
    run: &mut Run<'a, '_, V>,
    scope: Scope,
    [needed, keys]: &'a [Expression; 2],
    data: &Value<'a>,
) -> Answer<'a> {
    let needed = run.value(needed, data)?;
    let Value::List(keys) = run.value(keys, data)? else {
        return Ok(Value::List(List::Made(&[])));
    };
    let missing = of_keys(run, scope, keys, data)?;
    let present = (keys.len() - missing.len()) as f64;
    let enough = present >= to_number(needed, run.arena).as_f64();
    Ok(Value::List(if enough { List::Made(&[]) } else { missing }))
}

fn of_keys<'a, V: Visitor>(
    run: &mut Run<'a, '_, V>,
    scope: Scope,
    keys: List<'a>,
    data: &Value<'a>,
) -> Result<List<'a>, TooMuchWork> {
    let mut missing = ArenaVec::new_in(run.arena);
    for key in keys.iter() {
        run.spend(1)?;
        if is_missing(run.lookup(key, scope, data)?) {
            missing.push(key);
        }
    }
    Ok(List::Made(missing.into_bump_slice()))
}

fn is_missing(found: Option<Value<'_>>) -> bool {
    matches!(found, None | Some(Value::Null | Value::Text("")))
}
