//! JavaScript's conversions and comparisons, as JsonLogic uses them (ECMAScript 2024, §7.1 and §7.2).

use std::cmp::Ordering;
use std::fmt::{self, Write};

use bumpalo::collections::String as ArenaString;

use crate::arena::Arena;
use crate::value::{Number, Value};

/// Arrays deeper than this convert to nothing; JSON read from text is never that deep.
const DEPTH_MAX: usize = 128;

/// JavaScript's `String(value)`. Text is borrowed, everything else is written into the arena.
pub(crate) fn to_text<'a>(value: Value<'a>, arena: &'a Arena) -> &'a str {
    match value {
        Value::Text(text) => text,
        Value::Null => "null",
        Value::Bool(true) => "true",
        Value::Bool(false) => "false",
        Value::Object(_) | Value::Record(_) => "[object Object]",
        Value::Number(_) | Value::List(_) => {
            let mut text = ArenaString::new_in(arena);
            append_text(&mut text, value);
            text.into_bump_str()
        }
    }
}

/// Appends `String(value)`, where null counts as nothing, as in JavaScript's `Array.prototype.join`.
pub(crate) fn append_text(text: &mut ArenaString<'_>, value: Value<'_>) {
    append_nested(text, value, 0);
}

fn append_nested(text: &mut ArenaString<'_>, value: Value<'_>, depth: usize) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => text.push_str(if flag { "true" } else { "false" }),
        Value::Text(more) => text.push_str(more),
        // Writing into an arena text cannot fail.
        Value::Number(number) => write_number(text, number).unwrap_or(()),
        Value::Object(_) | Value::Record(_) => text.push_str("[object Object]"),
        Value::List(_) if depth >= DEPTH_MAX => {}
        Value::List(list) => {
            for (index, item) in list.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                append_nested(text, item, depth + 1);
            }
        }
    }
}

fn write_number(text: &mut ArenaString<'_>, number: Number) -> fmt::Result {
    let float = match number {
        Number::Whole(whole) => return write!(text, "{whole}"),
        Number::Huge(huge) => return write!(text, "{huge}"),
        Number::Float(float) => float,
    };
    if float.is_infinite() {
        return text.write_str(if float > 0.0 { "Infinity" } else { "-Infinity" });
    }
    if float == 0.0 {
        return text.write_str("0");
    }
    if float.is_nan() || (1e-6..1e21).contains(&float.abs()) {
        return write!(text, "{float}");
    }
    // Rust writes 1e21, JavaScript 1e+21; negative exponents agree.
    let start = text.len();
    write!(text, "{float:e}")?;
    if let Some(exponent) = text[start..].find('e')
        && !text[start + exponent + 1..].starts_with('-')
    {
        text.insert(start + exponent + 1, '+');
    }
    Ok(())
}

/// JavaScript's `Number(value)`.
pub(crate) fn to_number<'a>(value: Value<'a>, arena: &'a Arena) -> Number {
    match value {
        Value::Number(number) => number,
        Value::Null | Value::Bool(false) => Number::Whole(0),
        Value::Bool(true) => Number::Whole(1),
        Value::Text(text) => text_to_number(text),
        Value::List(_) => text_to_number(to_text(value, arena)),
        Value::Object(_) | Value::Record(_) => Number::Float(f64::NAN),
    }
}

/// JavaScript's `parseFloat(value)`: the longest numeric prefix of the text of a value.
pub(crate) fn parse_float<'a>(value: Value<'a>, arena: &'a Arena) -> Number {
    if let Value::Number(number) = value {
        return number;
    }
    let text = to_text(value, arena).trim_start();
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if unsigned.starts_with("Infinity") {
        return Number::Float(sign * f64::INFINITY);
    }
    let prefix = &text[..text.len() - unsigned.len() + decimal_length(unsigned)];
    prefix.parse().map_or(Number::Float(f64::NAN), Number::Float)
}

/// The length of the longest unsigned decimal literal that `text` begins with, 0 if it begins with none.
fn decimal_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let whole = digits(0);
    let mut end = whole;
    if bytes.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        if whole + fraction == 0 {
            return 0;
        }
        end += 1 + fraction;
    }
    if end > 0 && matches!(bytes.get(end), Some(b'e' | b'E')) {
        let signed = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = if signed <= bytes.len() { digits(signed) } else { 0 };
        if exponent > 0 {
            end = signed + exponent;
        }
    }
    end
}

/// JavaScript's StringToNumber: surrounding blanks go, nothing is 0, the whole text must be a literal.
fn text_to_number(text: &str) -> Number {
    const NAN: Number = Number::Float(f64::NAN);
    let text = text.trim();
    if text.is_empty() {
        return Number::Whole(0);
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Number::Whole(whole);
    }
    let radix = match text.get(..2) {
        Some("0x" | "0X") => Some(16),
        Some("0o" | "0O") => Some(8),
        Some("0b" | "0B") => Some(2),
        _ => None,
    };
    if let Some(radix) = radix {
        return radix_to_number(&text[2..], radix);
    }
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if unsigned == "Infinity" {
        return Number::Float(sign * f64::INFINITY);
    }
    if decimal_length(unsigned) != unsigned.len() {
        return NAN;
    }
    unsigned.parse::<f64>().map_or(NAN, |float| Number::Float(sign * float))
}

fn radix_to_number(digits: &str, radix: u32) -> Number {
    let value = digits.chars().try_fold(0.0, |value: f64, digit| {
        digit.to_digit(radix).map(|digit| value.mul_add(f64::from(radix), f64::from(digit)))
    });
    match value {
        Some(value) if !digits.is_empty() => Number::Float(value),
        _ => Number::Float(f64::NAN),
    }
}

/// JavaScript's `===`: no conversion; arrays and objects are equal only to themselves.
pub(crate) fn strictly_equal(a: Value<'_>, b: Value<'_>) -> bool {
    match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Number(a), Value::Number(b)) => a.compare(b) == Some(Ordering::Equal),
        (Value::Text(a), Value::Text(b)) => a == b,
        (Value::List(a), Value::List(b)) => a.is_same(b),
        (Value::Object(a), Value::Object(b)) => std::ptr::eq(a, b),
        (Value::Record(a), Value::Record(b)) => std::ptr::eq(a, b),
        _ => false,
    }
}

/// JavaScript's `==`.
pub(crate) fn loosely_equal<'a>(a: Value<'a>, b: Value<'a>, arena: &'a Arena) -> bool {
    use Value::{Bool, List, Null, Number, Object, Record, Text};
    match (a, b) {
        (Text(a), Text(b)) => a == b,
        (Null, _) | (_, Null) => matches!((a, b), (Null, Null)),
        (List(_) | Object(_) | Record(_), List(_) | Object(_) | Record(_)) => strictly_equal(a, b),
        (List(_) | Object(_) | Record(_), Text(text)) | (Text(text), List(_) | Object(_) | Record(_)) => {
            let other = if matches!(a, Text(_)) { b } else { a };
            to_text(other, arena) == text
        }
        (Bool(a), Bool(b)) => a == b,
        (Number(_) | Bool(_), _) | (_, Number(_) | Bool(_)) => {
            to_number(a, arena).compare(to_number(b, arena)) == Some(Ordering::Equal)
        }
    }
}

/// The order of JavaScript's `<` and its kin: texts by code point, everything else as numbers; `None` with NaN.
///
/// JavaScript orders texts by UTF-16 units, which differs from code points only beyond U+FFFF; every other
/// implementation of flagd orders by code points.
pub(crate) fn compare<'a>(a: Value<'a>, b: Value<'a>, arena: &'a Arena) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => return a.compare(b),
        (Value::Text(a), Value::Text(b)) => return Some(a.cmp(b)),
        _ => {}
    }
    let is_text =
        |value| matches!(value, Value::Text(_) | Value::List(_) | Value::Object(_) | Value::Record(_));
    if is_text(a) && is_text(b) {
        return Some(to_text(a, arena).cmp(to_text(b, arena)));
    }
    to_number(a, arena).compare(to_number(b, arena))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        let check = |number: f64, expected: &str| {
            let arena = Arena::default();
            assert_eq!(to_text(Value::float(number), &arena), expected);
        };
        check(1.0, "1");
        check(-0.0, "0");
        check(1.5, "1.5");
        check(0.1 + 0.2, "0.30000000000000004");
        check(1e20, "100000000000000000000");
        check(1e21, "1e+21");
        check(-1.25e22, "-1.25e+22");
        check(1e-6, "0.000001");
        check(1.5e-7, "1.5e-7");
        check(f64::NAN, "NaN");
        check(f64::NEG_INFINITY, "-Infinity");
    }

    #[test]
    fn text_is_read_as_a_number_as_javascript_reads_it() {
        let check = |text: &str, number: f64, prefix: f64| {
            let arena = Arena::default();
            let same = |a: f64, b: f64| a == b || (a.is_nan() && b.is_nan());
            let got = to_number(Value::Text(text), &arena).as_f64();
            assert!(same(got, number), "Number({text:?}) is {got}, not {number}");
            let got = parse_float(Value::Text(text), &arena).as_f64();
            assert!(same(got, prefix), "parseFloat({text:?}) is {got}, not {prefix}");
        };
        check("", 0.0, f64::NAN);
        check("  12 ", 12.0, 12.0);
        check("3.5", 3.5, 3.5);
        check("-.5", -0.5, -0.5);
        check("5.", 5.0, 5.0);
        check(".", f64::NAN, f64::NAN);
        check("3px", f64::NAN, 3.0);
        check("1e3", 1000.0, 1000.0);
        check("1e", f64::NAN, 1.0);
        check("1e+", f64::NAN, 1.0);
        check("0x1F", 31.0, 0.0);
        check("0b101", 5.0, 0.0);
        check("0x", f64::NAN, 0.0);
        check("inf", f64::NAN, f64::NAN);
        check("nan", f64::NAN, f64::NAN);
        check("-Infinity", f64::NEG_INFINITY, f64::NEG_INFINITY);
        check("1_000", f64::NAN, 1.0);
        check("é", f64::NAN, f64::NAN);
        check("0é", f64::NAN, 0.0);
    }

    #[test]
    fn loose_equality_is_javascripts() {
        let check = |a: serde_json::Value, b: serde_json::Value, expected: bool| {
            let arena = Arena::default();
            assert_eq!(loosely_equal(Value::from(&a), Value::from(&b), &arena), expected, "{a} == {b}");
            assert_eq!(loosely_equal(Value::from(&b), Value::from(&a), &arena), expected, "{b} == {a}");
        };
        check(json!(1), json!("1"), true);
        check(json!(1), json!(1.0), true);
        check(json!(true), json!("1"), true);
        check(json!(true), json!("true"), false);
        check(json!(0), json!(""), true);
        check(json!(false), json!(""), true);
        check(json!(null), json!(0), false);
        check(json!(null), json!(false), false);
        check(json!(null), json!(null), true);
        check(json!([1]), json!(1), true);
        check(json!([1, 2]), json!("1,2"), true);
        check(json!([]), json!(""), true);
        check(json!([1]), json!([1]), false);
        check(json!({}), json!("[object Object]"), true);
        check(json!({}), json!({}), false);
        check(json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_992_i64), false);
    }
}
