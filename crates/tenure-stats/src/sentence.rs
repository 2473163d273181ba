//! Words made from the numbers: the one place where a statistic becomes a sentence.

use crate::estimate::{Kind, Scale, lift_of};
use crate::replication::{Label, Replication};
use crate::verdict::{Direction, Judged, Nuance, Verdict};

/// A change with its sign, in the unit a reader expects: percentage points for a proportion, per cent for a
/// lift, the metric's own unit otherwise.
pub fn change(kind: Kind, scale: Scale, value: f64) -> String {
    let (number, unit) = scaled(kind, scale, value);
    format!("{}{unit}", signed(number))
}

/// An interval in the unit of [`change`].
pub fn interval(kind: Kind, scale: Scale, [low, high]: [f64; 2]) -> String {
    let ((low, _), (high, _)) = (scaled(kind, scale, low), scaled(kind, scale, high));
    format!("{} to {}", plain(low), plain(high))
}

fn scaled(kind: Kind, scale: Scale, value: f64) -> (f64, &'static str) {
    match (scale, kind) {
        (Scale::Relative, _) => (100.0 * lift_of(value), " %"),
        (Scale::Absolute, Kind::Proportion) => (100.0 * value, " pp"),
        (Scale::Absolute, _) => (value, ""),
    }
}

fn signed(number: f64) -> String {
    if number < 0.0 { plain(number) } else { format!("+{}", plain(number)) }
}

/// Two decimals, or three significant digits for what is smaller than that or larger than a thousand.
fn plain(number: f64) -> String {
    let size = number.abs();
    let text = if size == 0.0 || (0.095..1e4).contains(&size) {
        format!("{size:.2}")
    } else if (1e-6..0.095).contains(&size) {
        let decimals = (2 - size.log10().floor() as i32).clamp(0, 12) as usize;
        format!("{size:.decimals$}")
    } else if (1e4..1e15).contains(&size) {
        format!("{size:.0}")
    } else {
        format!("{size:.2e}")
    };
    let is_zero = text.chars().all(|digit| matches!(digit, '0' | '.'));
    if number < 0.0 && !is_zero { format!("−{text}") } else { text }
}

/// The verdict at one look.
pub(crate) fn verdict(judged: &Judged, direction: Direction) -> String {
    let measured = match (judged.estimate, judged.interval) {
        (Some(estimate), Some(bounds)) => format!(
            "{} ({} % interval {})",
            change(judged.kind, judged.scale, estimate),
            percent(judged.confidence),
            interval(judged.kind, judged.scale, bounds)
        ),
        _ => match judged.cannot_say {
            Some(why) => format!("no estimate: {why}"),
            None => "no estimate".to_owned(),
        },
    };
    let toward = match direction {
        Direction::Increase => "an increase was wanted",
        Direction::Decrease => "a decrease was wanted",
    };
    match (judged.verdict, judged.nuance) {
        (Verdict::Positive, _) => format!("positive: {measured}; zero is excluded on the good side"),
        (Verdict::Negative, _) => format!("negative: {measured}; zero is excluded on the bad side, {toward}"),
        (Verdict::NotSignificant, Some(Nuance::Flat)) => {
            format!("not significant, flat: {measured}; zero is inside and the expected effect is excluded")
        }
        (Verdict::NotSignificant, _) => {
            format!(
                "not significant, underpowered: {measured}; neither zero nor the expected effect is excluded"
            )
        }
        (Verdict::Immature, _) if judged.harm => {
            format!(
                "harm: {measured}; zero is excluded on the bad side in a safety wave, which holds the rollout"
            )
        }
        (Verdict::Immature, _) => format!("no verdict yet: {measured}"),
        (Verdict::Invalid, _) => {
            format!(
                "invalid: {}; {measured}",
                judged.fault.as_deref().unwrap_or("a check of the data failed")
            )
        }
    }
}

/// How a rollout relates to its original.
pub(crate) fn replication(found: &Replication) -> String {
    let show = |value: f64| change(Kind::Mean, found.scale, value);
    let delivered = format!(
        "delivered {} (interval {}); won {}, {} after correction for selection",
        show(found.estimate),
        interval(Kind::Mean, found.scale, found.interval),
        show(found.original.estimate),
        show(found.corrected.estimate)
    );
    let label = match found.label {
        Label::Confirmed => "confirmed",
        Label::Compatible => "compatible, not told apart from the original",
        Label::Diminished => "diminished",
        Label::Exceeded => "exceeded",
        Label::Lost => "lost",
        Label::Undecided => "undecided",
        Label::Contradicted => "contradicted",
    };
    let mut parts = vec![delivered, format!("{label}, {} % retained", percent(found.retained))];
    if found.at_least_half_shown {
        parts.push("at least half is kept".to_owned());
    }
    if found.too_imprecise_to_refute && matches!(found.label, Label::Compatible | Label::Undecided) {
        parts.push("the original was too imprecise to be refuted".to_owned());
    }
    if matches!(found.label, Label::Confirmed | Label::Compatible | Label::Undecided) {
        let noticed = match found.scale {
            Scale::Relative => format!("{} %", plain(100.0 * -lift_of(-found.noticeable_loss))),
            Scale::Absolute => plain(found.noticeable_loss),
        };
        parts.push(format!("a loss above {noticed} would have been noticed"));
    }
    parts.join("; ")
}

/// A share in per cent, without decimals unless it needs them.
fn percent(share: f64) -> String {
    let value = 100.0 * share;
    let sign = if value <= -0.05 { "−" } else { "" };
    let value = value.abs();
    if (value - value.round()).abs() < 0.05 || value > 100.0 {
        format!("{sign}{value:.0}")
    } else {
        format!("{sign}{value:.1}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, scale: Scale, value: f64, expected: &str) {
        assert_eq!(change(kind, scale, value), expected);
    }

    #[test]
    fn numbers_read_as_a_person_writes_them() {
        check(Kind::Proportion, Scale::Absolute, 0.012, "+1.20 pp");
        check(Kind::Proportion, Scale::Absolute, -0.012, "−1.20 pp");
        check(Kind::Mean, Scale::Relative, (1.05f64).ln(), "+5.00 %");
        check(Kind::Mean, Scale::Absolute, 0.000123, "+0.000123");
        check(Kind::Mean, Scale::Absolute, 0.0, "+0.00");
        check(Kind::Mean, Scale::Absolute, -123456.0, "−123456");
        assert_eq!(interval(Kind::Proportion, Scale::Absolute, [0.0075, 0.0165]), "0.75 to 1.65");
    }
}
