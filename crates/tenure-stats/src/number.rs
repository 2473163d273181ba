//! Numbers as a person writes them: grouped thousands, no more decimals than they deserve, a real minus sign.
//!
//! The one place where a number becomes text: an amount ([`decimal`], [`money`], [`of`]), a share ([`percent`]), a
//! statistic ([`figure`], [`signed`]) and a p-value ([`p`]). Sentences are made of these in [`crate::sentence`].

/// A whole number with its thousands grouped: `41,220`.
pub fn count(number: u64) -> String {
    grouped(&number.to_string())
}

/// A number with at most so many decimals, none of them trailing zeros: `14`, `14.5`, `−2,600`.
pub fn decimal(number: f64, decimals_max: usize) -> String {
    if !number.is_finite() || number.abs() >= LARGE {
        return figure(number);
    }
    let text = format!("{:.decimals_max$}", number.abs());
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    with_sign(number, text)
}

/// An amount of money in the company's own currency, whole from 100 on.
pub fn money(amount: f64) -> String {
    decimal(amount, if amount.abs() >= 100.0 { 0 } else { 2 })
}

/// A share as a percentage: `78 %`, with a decimal where that tells it from nothing or from all: `0.5 %`, `97.5 %`.
pub fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    let decimals = match percent.abs() {
        size if size < 10.0 => 1,
        size if (90.0..99.95).contains(&size) => 1,
        size if (99.95..100.0).contains(&size) => 3,
        _ => 0,
    };
    format!("{} %", decimal(percent, decimals))
}

/// So many of a thing: `1 day`, `14 days`.
pub fn of(number: f64, one: &str, many: &str) -> String {
    let text = decimal(number, 1);
    if text == "1" { format!("1 {one}") } else { format!("{text} {many}") }
}

/// A statistic: two decimals, three significant digits of what is smaller than that, whole from ten thousand on.
pub fn figure(number: f64) -> String {
    let size = number.abs();
    if number.is_nan() {
        return "no number".to_owned();
    }
    if is_plain(size) {
        return fixed(number, decimals(size));
    }
    let text = if size.is_infinite() { "∞".to_owned() } else { format!("{size:.2e}") };
    with_sign(number, &text)
}

/// A statistic with exactly so many decimals; what rounds to zero has no sign.
pub(crate) fn fixed(number: f64, decimals: usize) -> String {
    with_sign(number, &format!("{:.decimals$}", number.abs()))
}

/// The decimals that the numbers of one sentence share: those of the largest one, and more where the smallest one would
/// lose its digits. None when one is written with a power of ten, or would drown in another's digits.
pub(crate) fn shared_decimals(numbers: &[f64]) -> Option<usize> {
    let sizes = || numbers.iter().map(|number| number.abs());
    if !sizes().all(is_plain) {
        return None;
    }
    let most = decimals(sizes().fold(0.0, f64::max));
    let smallest = sizes().filter(|size| *size > 0.0).fold(f64::INFINITY, f64::min);
    // Saturates to no decimals where the digits stand before the point, and where all are zero.
    let [first, second] = [0.0, 1.0].map(|digits| (digits - smallest.log10().floor()) as usize);
    (first <= most + 2).then_some(most.max(first).max(second.min(most + 1)))
}

/// Whether a number of this size is written without a power of ten.
pub(crate) fn is_plain(size: f64) -> bool {
    size == 0.0 || (SMALL..LARGE).contains(&size)
}

/// How many decimals a number of this size takes alone.
fn decimals(size: f64) -> usize {
    if size == 0.0 || (0.095..1e4).contains(&size) {
        2
    } else if size < 1.0 {
        (2 - size.log10().floor() as i32).clamp(0, 12) as usize
    } else {
        0
    }
}

/// A statistic with its sign: `+1.20`, `−0.30`.
pub fn signed(number: f64) -> String {
    with_plus(figure(number))
}

/// A p-value: three decimals, or a power of ten below a thousandth.
pub fn p(value: f64) -> String {
    if value >= 0.0995 {
        format!("{value:.2}")
    } else if value >= 0.001 {
        format!("{value:.3}")
    } else if value > 0.0 {
        format!("{value:.0e}")
    } else {
        "0".to_owned()
    }
}

/// Text of a number with a plus where it has no minus.
pub(crate) fn with_plus(text: String) -> String {
    if text.starts_with('−') { text } else { format!("+{text}") }
}

/// Below the one, and from the other on, a number is written with a power of ten.
const SMALL: f64 = 1e-6;
const LARGE: f64 = 1e15;

/// The digits of a size with thousands grouped, and the sign of the number unless the digits say zero.
fn with_sign(number: f64, digits: &str) -> String {
    let is_zero = digits.chars().all(|digit| matches!(digit, '0' | '.'));
    let sign = if number < 0.0 && !is_zero { "−" } else { "" };
    format!("{sign}{}", grouped(digits))
}

fn grouped(digits: &str) -> String {
    let whole = digits.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(digits.len());
    let mut grouped = String::with_capacity(digits.len() + whole / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at < whole && (whole - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        let check = |number: u64, text: &str| assert_eq!(count(number), text);
        check(0, "0");
        check(999, "999");
        check(41_220, "41,220");
        check(1_000_000, "1,000,000");
    }

    #[test]
    fn decimals_are_kept_only_where_they_say_something() {
        let check = |number: f64, text: &str| assert_eq!(decimal(number, 1), text);
        check(14.0, "14");
        check(10.0, "10");
        check(14.25, "14.2");
        check(1_234.56, "1,234.6");
        check(-2_600.0, "−2,600");
        check(-0.04, "0");
        check(0.0, "0");
        check(1e18, "1.00e18");
        check(f64::INFINITY, "∞");
        check(f64::NAN, "no number");
    }

    #[test]
    fn amounts_shares_and_things() {
        assert_eq!(money(51_840.0), "51,840");
        assert_eq!(money(12.5), "12.5");
        assert_eq!(of(1.0, "day", "days"), "1 day");
        assert_eq!(of(0.5, "day", "days"), "0.5 days");
        let check = |share: f64, text: &str| assert_eq!(percent(share), text);
        check(0.784, "78 %");
        check(0.005, "0.5 %");
        check(0.95, "95 %");
        check(0.975, "97.5 %");
        check(0.9997, "99.97 %");
        check(1.0, "100 %");
        check(1.253, "125 %");
        check(-0.21, "−21 %");
    }

    #[test]
    fn statistics_have_the_digits_they_deserve() {
        let check = |number: f64, text: &str| assert_eq!(figure(number), text);
        check(1.2, "1.20");
        check(-0.000_123, "−0.000123");
        check(1_234.5, "1,234.50");
        check(-123_456.0, "−123,456");
        check(1e-9, "1.00e-9");
        check(f64::NEG_INFINITY, "−∞");
        assert_eq!(signed(0.0), "+0.00");
        assert_eq!([0.4, 0.0123, 0.000_3, 0.0].map(p), ["0.40", "0.012", "3e-4", "0"]);
    }
}
