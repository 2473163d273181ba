//! Deterministic CBOR (RFC 8949 §4.2.1) of a bucketing value, fed straight into the hash.
//!
//! As flagd asks: a float without a fraction is written as the integer it is, when that fits 64 bits.

use bumpalo::collections::Vec as ArenaVec;
use serde_json::{Map, Value as Json};

use crate::arena::Arena;
use crate::murmur::Murmur;
use crate::value::{List, Number, Value};

/// A value nested deeper than this has no bucket; JSON read from text is never that deep.
const DEPTH_MAX: usize = 128;

const UNSIGNED: u8 = 0 << 5;
const NEGATIVE: u8 = 1 << 5;
const TEXT: u8 = 3 << 5;
const ARRAY: u8 = 4 << 5;
const MAP: u8 = 5 << 5;
const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;
const NULL: u8 = 0xf6;
const FLOAT_16: u8 = 0xf9;
const FLOAT_32: u8 = 0xfa;
const FLOAT_64: u8 = 0xfb;

/// Feeds the CBOR of `value` to a hash. `None`: nested too deep.
pub(crate) fn hash(value: Value<'_>, arena: &Arena) -> Option<Murmur> {
    let mut hash = Murmur::default();
    write(&mut hash, value, arena, 0)?;
    Some(hash)
}

/// Begins the hash of an array of two texts: only the second, by [`write_text`], is missing.
pub(crate) fn begin_pair(first: &str) -> Murmur {
    let mut hash = Murmur::default();
    head(&mut hash, ARRAY, 2);
    write_text(&mut hash, first);
    hash
}

/// Hashes the CBOR of one text, given in pieces.
pub(crate) fn hash_text(pieces: &[&str]) -> u32 {
    let mut hash = Murmur::default();
    head(&mut hash, TEXT, pieces.iter().map(|piece| piece.len() as u64).sum());
    pieces.iter().for_each(|piece| hash.write(piece.as_bytes()));
    hash.finish()
}

fn write(hash: &mut Murmur, value: Value<'_>, arena: &Arena, depth: usize) -> Option<()> {
    if depth > DEPTH_MAX {
        return None;
    }
    match value {
        Value::Null => hash.push(NULL),
        Value::Bool(flag) => hash.push(if flag { TRUE } else { FALSE }),
        Value::Number(number) => write_number(hash, number),
        Value::Text(text) => write_text(hash, text),
        Value::List(list) => write_list(hash, list, arena, depth)?,
        Value::Object(members) => write_object(hash, members, arena, depth)?,
        Value::Record(members) => {
            let members = members.iter().map(|(name, value)| (*name, *value));
            write_members(hash, ArenaVec::from_iter_in(members, arena), arena, depth)?;
        }
    }
    Some(())
}

fn write_list(hash: &mut Murmur, list: List<'_>, arena: &Arena, depth: usize) -> Option<()> {
    head(hash, ARRAY, list.len() as u64);
    list.iter().try_for_each(|item| write(hash, item, arena, depth + 1))
}

fn write_object(hash: &mut Murmur, members: &Map<String, Json>, arena: &Arena, depth: usize) -> Option<()> {
    let members = members.iter().map(|(name, value)| (name.as_str(), Value::from(value)));
    write_members(hash, ArenaVec::from_iter_in(members, arena), arena, depth)
}

/// Keys in the order of their encodings: since an encoding begins with the length, the shorter key comes first.
fn write_members<'a>(
    hash: &mut Murmur,
    mut members: ArenaVec<'_, (&'a str, Value<'a>)>,
    arena: &Arena,
    depth: usize,
) -> Option<()> {
    members.sort_unstable_by_key(|(name, _)| (name.len(), *name));
    head(hash, MAP, members.len() as u64);
    members.iter().try_for_each(|(name, value)| {
        write_text(hash, name);
        write(hash, *value, arena, depth + 1)
    })
}

/// Feeds one text to a hash.
pub(crate) fn write_text(hash: &mut Murmur, text: &str) {
    head(hash, TEXT, text.len() as u64);
    hash.write(text.as_bytes());
}

fn write_number(hash: &mut Murmur, number: Number) {
    // Integers of a `Number` lie in -2^63..2^64, so neither cast can cut. CBOR counts negatives from -1 downwards.
    match number.as_integer() {
        Some(integer) if integer >= 0 => head(hash, UNSIGNED, integer as u64),
        Some(integer) => head(hash, NEGATIVE, (-1 - integer) as u64),
        None => write_float(hash, number.as_f64()),
    }
}

/// The shortest of the three widths that keeps the value.
fn write_float(hash: &mut Murmur, float: f64) {
    if float.is_nan() {
        return hash.write(&[FLOAT_16, 0x7e, 0x00]);
    }
    let single = float as f32;
    if f64::from(single) != float {
        hash.write(&[FLOAT_64]);
        return hash.write(&float.to_be_bytes());
    }
    match to_half(single) {
        Some(half) => {
            hash.write(&[FLOAT_16]);
            hash.write(&half.to_be_bytes());
        }
        None => {
            hash.write(&[FLOAT_32]);
            hash.write(&single.to_be_bytes());
        }
    }
}

/// The IEEE 754 half that equals `single`, if there is one. `single` is not NaN.
fn to_half(single: f32) -> Option<u16> {
    let bits = single.to_bits();
    let sign = (bits >> 16) as u16 & 0x8000;
    let exponent = ((bits >> 23) & 0xff) as i32;
    let fraction = bits & 0x007f_ffff;
    match exponent - 127 {
        128 => Some(sign | 0x7c00),
        -127 if fraction == 0 => Some(sign),
        power @ -14..=15 if fraction.trailing_zeros() >= 13 => {
            Some(sign | ((power + 15) as u16) << 10 | (fraction >> 13) as u16)
        }
        // Subnormal halves: multiples of 2^-24.
        power @ -24..=-15 => {
            let significand = fraction | 0x0080_0000;
            let drop = (-1 - power) as u32;
            (significand.trailing_zeros() >= drop).then(|| sign | (significand >> drop) as u16)
        }
        _ => None,
    }
}

/// The initial byte of an item and its argument in the shortest form.
#[inline]
fn head(hash: &mut Murmur, major: u8, argument: u64) {
    match u8::try_from(argument) {
        Ok(small @ 0..=23) => hash.push(major | small),
        _ => long_head(hash, major, argument),
    }
}

fn long_head(hash: &mut Murmur, major: u8, argument: u64) {
    let bytes = argument.to_be_bytes();
    match argument {
        0..=0xff => hash.write(&[major | 24, bytes[7]]),
        0x100..=0xffff => hash.write(&[major | 25, bytes[6], bytes[7]]),
        0x1_0000..=0xffff_ffff => {
            hash.write(&[major | 26]);
            hash.write(&bytes[4..]);
        }
        _ => {
            hash.write(&[major | 27]);
            hash.write(&bytes);
        }
    }
}
