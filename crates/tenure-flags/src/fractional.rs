//! flagd's `fractional`, version 3: a value is hashed and falls into one of several weighted parts.
//!
//! `bucket = hash × total weight / 2^32`, rounded down, where the hash is MurmurHash3 of the value's deterministic CBOR.
//! Versions 1 and 2 hash otherwise and give other buckets; they are not served.

use bumpalo::collections::Vec as ArenaVec;

use crate::cbor;
use crate::evaluate::{Answer, Run, TooMuchWork};
use crate::expression::{Expression, Fractional, Part, Weight};
use crate::value::{List, Value};
use crate::visitor::Visitor;

/// Above this total weight there is no bucket.
pub(crate) const TOTAL_MAX: u32 = i32::MAX as u32;

/// A part whose weight is known, its variant not yet.
#[derive(Clone, Copy)]
enum Candidate<'a> {
    Expression(&'a Expression),
    Value(Value<'a>),
}

/// The bucket of a hash: 0 ≤ bucket < `total`.
pub(crate) fn bucket(hash: u32, total: u32) -> u32 {
    // The product is below 2^64 and its upper half below `total`.
    ((u64::from(hash) * u64::from(total)) >> 32) as u32
}

/// The variant of the part that the caller falls into. Null: no bucketing value, a weight that is not a whole number,
/// no weight at all or too much.
#[inline(never)]
pub(crate) fn pick<'a, V: Visitor>(
    run: &mut Run<'a, '_, V>,
    split: &'a Fractional,
    data: &Value<'a>,
) -> Answer<'a> {
    let bucketing = match &split.bucketing {
        Some(bucketing) => Some(run.value(bucketing, data)?),
        None => None,
    };
    // As every implementation of flagd has it, an array in the first place is a part already.
    let (hash, first_part) = match bucketing {
        Some(Value::List(part)) => (default_hash(run), Some(part)),
        Some(value) => (hash(run, value)?, None),
        None => (default_hash(run), None),
    };
    let Some(hash) = hash else { return Ok(Value::Null) };
    match (first_part, split.total) {
        (None, Some(total)) => pick_by_constants(run, split, hash, total, data),
        _ => pick_by_computed(run, split, hash, first_part, data),
    }
}

fn pick_by_constants<'a, V: Visitor>(
    run: &mut Run<'a, '_, V>,
    split: &'a Fractional,
    hash: u32,
    total: u64,
    data: &Value<'a>,
) -> Answer<'a> {
    let Some(mut bucket) = bucket_of(hash, total) else { return Ok(Value::Null) };
    for part in &split.parts {
        if let Part::Pair { variant, weight: Weight::Constant(weight) } = part {
            match bucket.checked_sub(*weight) {
                Some(beyond) => bucket = beyond,
                None => return run.value(variant, data),
            }
        }
    }
    Ok(Value::Null)
}

fn pick_by_computed<'a, V: Visitor>(
    run: &mut Run<'a, '_, V>,
    split: &'a Fractional,
    hash: u32,
    first_part: Option<List<'a>>,
    data: &Value<'a>,
) -> Answer<'a> {
    let mut parts = ArenaVec::with_capacity_in(split.parts.len() + 1, run.arena);
    if let Some(part) = first_part {
        let Some(part) = computed_part(part) else { return Ok(Value::Null) };
        parts.push(part);
    }
    for part in &split.parts {
        let Some(part) = weigh(run, part, data)? else { return Ok(Value::Null) };
        parts.push(part);
    }
    let total = parts.iter().map(|(weight, _)| u64::from(*weight)).sum();
    let Some(mut bucket) = bucket_of(hash, total) else { return Ok(Value::Null) };
    for (weight, candidate) in parts {
        match (bucket.checked_sub(weight), candidate) {
            (Some(beyond), _) => bucket = beyond,
            (None, Candidate::Expression(variant)) => return run.value(variant, data),
            (None, Candidate::Value(variant)) => return Ok(variant),
        }
    }
    Ok(Value::Null)
}

/// The bucket among `total`; `None` when there is no weight or too much.
pub(crate) fn bucket_of(hash: u32, total: u64) -> Option<u32> {
    let total = u32::try_from(total).ok().filter(|total| (1..=TOTAL_MAX).contains(total))?;
    Some(bucket(hash, total))
}

fn hash<V: Visitor>(run: &mut Run<'_, '_, V>, value: Value<'_>) -> Result<Option<u32>, TooMuchWork> {
    if matches!(value, Value::Null) {
        return Ok(None);
    }
    let Some(hash) = cbor::hash(value, run.arena) else { return Ok(None) };
    // Hashing an object sorts its members, which is more work a byte than a text is.
    run.spend(hash.length() / if matches!(value, Value::Text(_)) { 64 } else { 4 })?;
    Ok(Some(hash.finish()))
}

fn default_hash<V: Visitor>(run: &Run<'_, '_, V>) -> Option<u32> {
    let targeting_key = run.context.targeting_key()?;
    let mut hash = run.flag_hash.clone();
    cbor::write_text(&mut hash, targeting_key);
    Some(hash.finish())
}

fn weigh<'a, V: Visitor>(
    run: &mut Run<'a, '_, V>,
    part: &'a Part,
    data: &Value<'a>,
) -> Result<Option<(u32, Candidate<'a>)>, TooMuchWork> {
    Ok(match part {
        Part::Pair { variant, weight } => {
            let weight = match weight {
                Weight::Constant(weight) => Some(*weight),
                Weight::Computed(weight) => whole_weight(run.value(weight, data)?),
            };
            weight.map(|weight| (weight, Candidate::Expression(variant)))
        }
        Part::Computed(part) => match run.value(part, data)? {
            Value::List(part) => computed_part(part),
            _ => None,
        },
    })
}

/// `[variant]` or `[variant, weight]`.
fn computed_part<'a>(part: List<'a>) -> Option<(u32, Candidate<'a>)> {
    let variant = Candidate::Value(part.get(0)?);
    match part.len() {
        1 => Some((1, variant)),
        2 => Some((whole_weight(part.get(1)?)?, variant)),
        _ => None,
    }
}

/// Below 0 is 0; beyond 32 bits the total is too large anyway.
fn whole_weight(weight: Value<'_>) -> Option<u32> {
    let Value::Number(weight) = weight else { return None };
    weight.as_integer().map(|weight| u32::try_from(weight.max(0)).unwrap_or(u32::MAX))
}
