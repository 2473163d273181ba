//! flagd's `sem_ver`: Semantic Versioning 2.0.0, read leniently (a leading `v`, missing minor and patch, plain numbers).

use std::cmp::Ordering;

use serde_json::Value as Json;

use crate::arena::Arena;
use crate::coercion::to_text;
use crate::value::Value;

/// A version, borrowed from its text. Build metadata takes no part in any comparison and is checked, not kept.
#[derive(Debug, Clone, Copy)]
struct Version<'t> {
    /// Major, minor and patch as decimal digits without leading zeros, so of any size.
    core: [&'t str; 3],
    prerelease: Option<&'t str>,
}

/// The comparisons that there are.
pub(crate) const OPERATORS: [&str; 8] = ["=", "!=", "<", "<=", ">", ">=", "^", "~"];

/// Whether a version can be read from `json`.
pub(crate) fn is_version(json: &Json) -> bool {
    text(Value::from(json), &Arena::default()).is_some_and(|text| Version::read(text).is_some())
}

/// `left operator right`; `None` when a version or the operator cannot be read.
pub(crate) fn sem_ver<'a>(
    left: Value<'a>,
    operator: &str,
    right: Value<'a>,
    arena: &'a Arena,
) -> Option<bool> {
    let left = Version::read(text(left, arena)?)?;
    let right = Version::read(text(right, arena)?)?;
    let order = left.compare(right);
    match operator {
        "=" => Some(order.is_eq()),
        "!=" => Some(order.is_ne()),
        "<" => Some(order.is_lt()),
        "<=" => Some(order.is_le()),
        ">" => Some(order.is_gt()),
        ">=" => Some(order.is_ge()),
        "^" => Some(left.core[0] == right.core[0]),
        "~" => Some(left.core[..2] == right.core[..2]),
        _ => None,
    }
}

/// Numbers stand for versions too: 1.2 is "1.2".
fn text<'a>(version: Value<'a>, arena: &'a Arena) -> Option<&'a str> {
    matches!(version, Value::Text(_) | Value::Number(_)).then(|| to_text(version, arena))
}

impl<'t> Version<'t> {
    fn read(text: &'t str) -> Option<Self> {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let (text, build) = split(text, '+');
        let (core, prerelease) = split(text, '-');
        if !build.is_none_or(|build| build.split('.').all(is_identifier)) {
            return None;
        }
        if !prerelease.is_none_or(|prerelease| prerelease.split('.').all(is_prerelease_identifier)) {
            return None;
        }
        let mut numbers = core.split('.');
        let core = [numbers.next()?, numbers.next().unwrap_or("0"), numbers.next().unwrap_or("0")];
        let whole = numbers.next().is_none() && core.into_iter().all(is_number);
        whole.then_some(Self { core, prerelease })
    }

    /// Precedence of §11 of the specification.
    fn compare(self, other: Self) -> Ordering {
        let cores = self.core.into_iter().zip(other.core);
        let core = cores.map(|(a, b)| compare_numbers(a, b)).find(|order| order.is_ne());
        core.unwrap_or_else(|| match (self.prerelease, other.prerelease) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(a), Some(b)) => compare_prereleases(a, b),
        })
    }
}

fn split(text: &str, mark: char) -> (&str, Option<&str>) {
    text.split_once(mark).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn compare_prereleases(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match (is_number(a), is_number(b)) {
                (true, true) => compare_numbers(a, b),
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) => a.cmp(b),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Decimal numbers without leading zeros: the longer is the greater.
fn compare_numbers(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'))
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Numeric identifiers have no leading zeros.
fn is_prerelease_identifier(text: &str) -> bool {
    is_identifier(text) && (is_number(text) || !text.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn versions_compare() {
        let check = |left: Json, operator: &str, right: Json, expected: Option<bool>| {
            let arena = Arena::default();
            let got = sem_ver(Value::from(&left), operator, Value::from(&right), &arena);
            assert_eq!(got, expected, "{left} {operator} {right}");
        };
        let yes = Some(true);
        let no = Some(false);
        check(json!("1.2.3"), "=", json!("1.2.3"), yes);
        check(json!("1.2.3"), "!=", json!("1.2.3"), no);
        check(json!("1.2.9"), "<", json!("1.2.10"), yes);
        check(json!("1.2.9"), ">=", json!("1.2.10"), no);
        check(json!("99999999999999999999999.0.0"), ">", json!("99999999999999999999998.0.0"), yes);
        check(json!("1.0.0-alpha"), "<", json!("1.0.0"), yes);
        check(json!("1.0.0-alpha"), "<", json!("1.0.0-alpha.1"), yes);
        check(json!("1.0.0-alpha.1"), "<", json!("1.0.0-alpha.beta"), yes);
        check(json!("1.0.0-beta.2"), "<", json!("1.0.0-beta.11"), yes);
        check(json!("1.0.0-beta.11"), "<=", json!("1.0.0-rc.1"), yes);
        check(json!("1.0.0+build.1"), "=", json!("1.0.0+other"), yes);
        check(json!("v1.0.0"), "=", json!("V1.0.0"), yes);
        check(json!("vv1.0.0"), "=", json!("1.0.0"), None);
        check(json!("1"), "=", json!("1.0.0"), yes);
        check(json!("1.2-rc.1"), "<", json!("1.2.0"), yes);
        check(json!(1.2), ">", json!("1.1"), yes);
        check(json!(2), "^", json!("2.9.9"), yes);
        check(json!("3.0.1"), "~", json!("3.0.0"), yes);
        check(json!("3.1.0"), "~", json!("3.0.0"), no);
        check(json!("3.1.0"), "^", json!("3.0.0"), yes);
        check(json!("4.0.0"), "^", json!("3.0.0"), no);
        for unreadable in [
            "",
            "v",
            "1.",
            ".1",
            "1..2",
            "01.0.0",
            "1.0.0.0",
            "1.0.0-",
            "1.0.0-a..b",
            "1.0.0-01",
            "1.0.0+",
            " 1.0.0",
            "-1",
            "1.x",
        ] {
            check(json!(unreadable), "=", json!("1.0.0"), None);
        }
        for unreadable in [json!(null), json!(true), json!([1]), json!({}), json!(-1)] {
            check(unreadable, "=", json!("1.0.0"), None);
        }
        for operator in ["===", "==", "", "> ", "~>"] {
            check(json!("1.0.0"), operator, json!("1.0.0"), None);
        }
    }
}
