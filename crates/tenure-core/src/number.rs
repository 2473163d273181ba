//! Numbers as a person writes them: grouped thousands, no more decimals than they deserve, a real minus sign.
//!
//! Effects and their intervals have words of their own in `tenure_stats::sentence`; here is everything else.

/// A whole number with its thousands grouped: `41,220`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number with at most so many decimals, none of them trailing zeros: `14`, `14.5`, `−2,600`.
pub fn decimal(number: f64, decimals_max: usize) -> String {
    if !number.is_finite() {
        return "no number".to_owned();
    }
    let size = number.abs();
    if size >= 1e15 {
        return format!("{}{size:.3e}", sign(number));
    }
    let text = format!("{size:.decimals_max$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let grouped = whole.parse().map_or_else(|_| whole.to_owned(), count);
    let is_zero = grouped == "0" && fraction.is_empty();
    let sign = if is_zero { "" } else { sign(number) };
    if fraction.is_empty() { format!("{sign}{grouped}") } else { format!("{sign}{grouped}.{fraction}") }
}

/// An amount of money in the company's own currency, whole from 100 on.
pub fn money(amount: f64) -> String {
    decimal(amount, if amount.abs() >= 100.0 { 0 } else { 2 })
}

/// A share as a percentage: `78 %`, and `0.5 %` where that is needed to tell it from nothing.
pub fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    format!("{} %", decimal(percent, if percent.abs() < 10.0 { 1 } else { 0 }))
}

/// So many of a thing: `1 day`, `14 days`.
pub fn of(number: f64, one: &str, many: &str) -> String {
    let text = decimal(number, 1);
    if text == "1" { format!("1 {one}") } else { format!("{text} {many}") }
}

const fn sign(number: f64) -> &'static str {
    if number < 0.0 { "−" } else { "" }
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
        check(14.25, "14.2");
        check(-2_600.0, "−2,600");
        check(-0.04, "0");
        check(0.0, "0");
        check(1e18, "1.000e18");
        check(f64::NAN, "no number");
    }

    #[test]
    fn amounts_shares_and_things() {
        assert_eq!(money(51_840.0), "51,840");
        assert_eq!(money(12.5), "12.5");
        assert_eq!(percent(0.784), "78 %");
        assert_eq!(percent(0.005), "0.5 %");
        assert_eq!(of(1.0, "day", "days"), "1 day");
        assert_eq!(of(0.5, "day", "days"), "0.5 days");
    }
}
