//! `+ - * / %`, `min` and `max`, in doubles as in JavaScript.

use crate::arena::Arena;
use crate::coercion::{parse_float, to_number};
use crate::expression::Calculation;
use crate::value::Value;

/// Addition and multiplication read the numeric beginning of a text (`parseFloat`), the others the whole (`Number`).
/// An absent operand is NaN, except that `-` with one operand negates.
#[inline(never)]
pub(crate) fn calculate<'a>(calculation: Calculation, operands: &[Value<'a>], arena: &'a Arena) -> Value<'a> {
    let number = |value: &Value<'a>| to_number(*value, arena).as_f64();
    let parsed = |value: &Value<'a>| parse_float(*value, arena).as_f64();
    let binary = |apply: fn(f64, f64) -> f64| match operands {
        [a, b, ..] => apply(number(a), number(b)),
        _ => f64::NAN,
    };
    let result = match (calculation, operands) {
        (Calculation::Add, _) => operands.iter().map(parsed).fold(0.0, |sum, term| sum + term),
        (Calculation::Multiply, [alone]) => return *alone,
        (Calculation::Multiply, _) => operands.iter().map(parsed).product(),
        (Calculation::Subtract, [alone]) => -number(alone),
        (Calculation::Subtract, _) => binary(|a, b| a - b),
        (Calculation::Divide, _) => binary(|a, b| a / b),
        (Calculation::Remainder, _) => binary(|a, b| a % b),
        (Calculation::Minimum, _) => operands.iter().map(number).fold(f64::INFINITY, minimum),
        (Calculation::Maximum, _) => {
            -operands.iter().map(|value| -number(value)).fold(f64::INFINITY, minimum)
        }
    };
    Value::float(result)
}

/// Unlike `f64::min`, NaN if either is.
fn minimum(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }
}
