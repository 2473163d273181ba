//! Words made from the numbers: the one place where a statistic becomes a sentence.

use serde::{Deserialize, Serialize};

use crate::bayes::Posterior;
use crate::estimate::{Estimate, Kind, Scale, lift_of};
use crate::evidence::Evidence;
use crate::forecast::Forecast;
use crate::guardrail::{self, Guardrail, State};
use crate::novelty::{Novelty, Question};
use crate::number::{count, figure, fixed, is_plain, p, percent, shared_decimals, signed, with_plus};
use crate::replication::{Label, Replication, Told};
use crate::sample_ratio::{SampleRatio, p_of_log_e};
use crate::verdict::{Direction, Judged, Nuance, Verdict};
use crate::wave::Heterogeneity;

/// A change with its sign, in the unit a reader expects: percentage points for a proportion, per cent for a
/// lift, the metric's own unit otherwise.
pub fn change(kind: Kind, scale: Scale, value: f64) -> String {
    let (number, unit) = scaled(kind, scale, value);
    format!("{}{unit}", signed(number))
}

/// An interval in the unit of [`change`], without it: "0.75 to 1.65". Both ends have as many decimals.
pub fn interval(kind: Kind, scale: Scale, ends: [f64; 2]) -> String {
    let ends = ends.map(|end| scaled(kind, scale, end).0);
    between(ends, shared_decimals(&ends))
}

fn between(ends: [f64; 2], decimals: Option<usize>) -> String {
    let [low, high] = ends.map(|end| decimals.map_or_else(|| figure(end), |decimals| fixed(end, decimals)));
    format!("{low} to {high}")
}

fn scaled(kind: Kind, scale: Scale, value: f64) -> (f64, &'static str) {
    match (scale, kind) {
        (Scale::Relative, _) => (100.0 * lift_of(value), " %"),
        (Scale::Absolute, Kind::Proportion) => (100.0 * value, " pp"),
        (Scale::Absolute, _) => (value, ""),
    }
}

/// A change with its interval: "+1.20 pp (95 % interval 0.75 to 1.65)".
///
/// ```
/// use tenure_stats::estimate::{Kind, Scale};
/// use tenure_stats::sentence;
///
/// let told = sentence::measured(Kind::Proportion, Scale::Absolute, 0.012, [0.0075, 0.0165], 0.95);
/// assert_eq!(told, "+1.20 pp (95 % interval 0.75 to 1.65)");
/// ```
pub fn measured(kind: Kind, scale: Scale, value: f64, bounds: [f64; 2], confidence: f64) -> String {
    let (change, interval) = change_and_interval(kind, scale, value, bounds);
    format!("{change} ({} interval {interval})", percent(confidence))
}

/// [`change`] and [`interval`] of one estimate, with as many decimals as one another.
pub fn change_and_interval(kind: Kind, scale: Scale, value: f64, bounds: [f64; 2]) -> (String, String) {
    let (number, unit) = scaled(kind, scale, value);
    let ends = bounds.map(|end| scaled(kind, scale, end).0);
    let shared = shared_decimals(&ends).filter(|_| is_plain(number.abs()));
    let number = shared.map_or_else(|| signed(number), |decimals| with_plus(fixed(number, decimals)));
    (format!("{number}{unit}"), between(ends, shared))
}

/// The verdict at one look.
pub(crate) fn verdict(judged: &Judged, direction: Direction) -> String {
    let measured = match (judged.estimate, judged.interval) {
        (Some(estimate), Some(bounds)) => {
            measured(judged.kind, judged.scale, estimate, bounds, judged.confidence)
        }
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
pub(crate) fn replication(found: &Replication, how: &Told) -> String {
    let show = |value: f64| change(how.kind, found.scale, value);
    let delivered = format!(
        "delivered {}; won {}, {} after correction for selection",
        measured(how.kind, found.scale, found.estimate, found.interval, how.confidence),
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
    let mut parts = vec![delivered, format!("{label}, {} retained", percent(found.retained))];
    if found.at_least_half_shown {
        parts.push("at least half is kept".to_owned());
    }
    if found.too_imprecise_to_refute && matches!(found.label, Label::Compatible | Label::Undecided) {
        parts.push("the original was too imprecise to be refuted".to_owned());
    }
    let noticed = match (found.scale, how.kind) {
        (Scale::Relative, _) => format!("{} %", figure(100.0 * -lift_of(-found.noticeable_loss))),
        (Scale::Absolute, Kind::Proportion) => format!("{} pp", figure(100.0 * found.noticeable_loss)),
        (Scale::Absolute, _) => figure(found.noticeable_loss),
    };
    parts.push(format!("we would have noticed a loss above {noticed}"));
    if how.original_stopped_early {
        parts.push(
            "the original stopped early, so it is more inflated than the correction takes out".to_owned(),
        );
    }
    parts.join("; ")
}

/// One piece of evidence in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Line {
    /// What the method is called.
    pub name: String,
    /// What it says here.
    pub sentence: String,
}

/// Everything beside the label of a replication, a sentence each. None of it decides.
pub fn evidence(found: &Replication, seen: &Evidence, how: &Told) -> Vec<Line> {
    let show = |value: f64| change(how.kind, found.scale, value);
    let range = |ends: [f64; 2]| interval(how.kind, found.scale, ends);
    let line = |name: &str, sentence: String| Line { name: name.to_owned(), sentence };
    let [low, high] = found.prediction_interval;
    let inside = (low..=high).contains(&found.estimate);
    let sure =
        |p: f64, level: f64, yes: &str, no: &str| if p < level { yes.to_owned() } else { no.to_owned() };
    let zero_inside = seen.difference_interval[0] <= 0.0 && seen.difference_interval[1] >= 0.0;
    vec![
        line(
            "prediction interval",
            format!(
                "95 % of exact repeats of the experiment would land at {}; this one lies {}",
                range([low, high]),
                if inside { "inside" } else { "outside" }
            ),
        ),
        line(
            "Cochran's Q",
            format!(
                "the two effects as reported differ by {} (Q = {}, p = {})",
                sure(found.q.p_value, 0.05, "more than chance explains", "no more than chance explains"),
                figure(found.q.statistic),
                p(found.q.p_value)
            ),
        ),
        line(
            "sceptical p-value",
            format!(
                "{} for somebody who doubts the experiment (p = {})",
                sure(
                    seen.sceptical_p,
                    0.025,
                    "both together are convincing",
                    "both together are not convincing yet"
                ),
                p(seen.sceptical_p)
            ),
        ),
        line(
            "small telescopes",
            format!(
                "{} (p = {})",
                sure(
                    seen.small_telescope_p,
                    0.05,
                    "the effect is too small for the experiment to have been able to see it",
                    "the effect is not shown to be too small for the experiment to have seen it"
                ),
                p(seen.small_telescope_p)
            ),
        ),
        line("replication Bayes factor", bayes_factor(seen.log_bayes_factor)),
        line(
            "difference at any look",
            format!(
                "delivered less won as reported is within {}, at any look; zero is {}",
                range(seen.difference_interval),
                if zero_inside { "inside" } else { "outside" }
            ),
        ),
        line(
            "equivalence",
            format!(
                "{} (p = {})",
                sure(
                    seen.equivalence_p,
                    0.05,
                    "the two are shown to be equal to within half of what was reported",
                    "the two are not shown to be equal to within half of what was reported"
                ),
                p(seen.equivalence_p)
            ),
        ),
        line(
            "half retained",
            format!(
                "{} ({} standard errors above half)",
                if seen.half_retained_z_own_side() > SURE_ONE_SIDED {
                    "more than half of what was reported is shown"
                } else {
                    "more than half of what was reported is not shown"
                },
                signed(seen.half_retained_z_own_side())
            ),
        ),
        line(
            "Edgington's combined p-value",
            format!(
                "{} (p = {})",
                sure(
                    seen.edgington_p_own_side(),
                    0.025,
                    "both together exclude that there is no effect",
                    "both together do not exclude that there is no effect"
                ),
                p(seen.edgington_p_own_side())
            ),
        ),
        line(
            "combined estimate",
            format!(
                "counting the experiment at half its information, the effect is {}",
                measured(how.kind, found.scale, seen.combined.value, seen.combined.interval(0.95), 0.95)
            ),
        ),
        line(
            "as reported",
            format!(
                "{} of the {} that was reported, without correction",
                percent(seen.relative_effect),
                show(seen.original.value)
            ),
        ),
    ]
}

/// The one-sided 5 % point of the normal distribution.
const SURE_ONE_SIDED: f64 = 1.6448536269514722;

fn bayes_factor(log: f64) -> String {
    let times = log.abs().exp();
    let times = if times > 1e6 { "over a million".to_owned() } else { figure(times) };
    if log >= 0.0 {
        format!("the rollout is {times} times likelier under the effect that was reported than under none")
    } else {
        format!("the rollout is {times} times likelier under no effect than under the one that was reported")
    }
}

/// A guardrail at one look.
pub fn guardrail(rule: &Guardrail, judged: &guardrail::Judged, kind: Kind, scale: Scale) -> String {
    let estimate = change(kind, scale, judged.estimate);
    let margin = change(kind, scale, rule.direction.gain(-rule.margin));
    let bound = change(kind, scale, judged.bound);
    match judged.state {
        State::Safe => format!("safe: {estimate}, and no worse than {bound}; {margin} is allowed"),
        State::Harmed => {
            format!("harmed: {estimate} is worse than the {margin} that is allowed, at any look")
        }
        State::Worse => {
            format!("worse: {estimate} is below no change, and not shown to be beyond the {margin} allowed")
        }
        State::Open => format!("open: {estimate}, at worst {bound} so far; {margin} is allowed"),
    }
}

/// The Bayesian display.
pub fn bayes(posterior: &Posterior, direction: Direction, kind: Kind, scale: Scale) -> String {
    let above = posterior.chance_above_zero();
    let (chance, loss) = match direction {
        Direction::Increase => (above, posterior.loss_if_kept()),
        Direction::Decrease => (1.0 - above, posterior.loss_if_dropped()),
    };
    let loss = change(kind, scale, loss);
    format!(
        "chance to be better {}; expected loss when kept {} (shown, decides nothing)",
        percent(chance),
        loss.trim_start_matches('+')
    )
}

/// The tests of the sample ratio, at the level of the sequential one.
pub fn sample_ratio(seen: &SampleRatio, alpha: f64) -> String {
    let sequential = p_of_log_e(seen.log_e);
    let says = if sequential <= alpha {
        "the arms do not have the shares that were planned"
    } else {
        "the arms have the shares that were planned, as far as can be told"
    };
    format!("{says} (sequential p = {}, χ² p = {})", p(sequential), p(seen.p_chi2))
}

/// What a measurement costs.
pub(crate) fn forecast(found: &Forecast) -> String {
    let question = &found.question;
    let level = match question.kind {
        Kind::Proportion => format!("{} %", figure(100.0 * question.baseline)),
        _ => figure(question.baseline),
    };
    let effect = change(question.kind, Scale::Absolute, question.effect);
    let Some(own) = found.rows.first() else { return String::new() };
    let looks = if question.looks == 1 { "1 look".to_owned() } else { format!("{} looks", question.looks) };
    let mut words = format!(
        "to find {effect} of {level} with {} power, {looks} cost at most {} units an arm ({} times a single look), {} \
         on average when the effect is real",
        percent(question.power),
        count(own.control_n.max(own.treatment_n)),
        figure(own.times_fixed),
        count(own.expected_n.div_ceil(2)),
    );
    if let (Some(days), Some(expected)) = (own.days, own.expected_days) {
        words.push_str(&format!("; that is {expected} days on average and {days} at most"));
    }
    words
}

/// The effect by days since exposure.
pub(crate) fn novelty(found: &Novelty, question: &Question) -> String {
    let show = |effect: &Estimate| {
        let bounds = effect.interval(question.confidence);
        measured(question.kind, question.scale, effect.value, bounds, question.confidence)
    };
    let mut parts = Vec::new();
    match (&found.trend, found.trend_p) {
        (Some(trend), Some(p_value)) if p_value < 0.05 => {
            let whole = found.counted.or(found.before).map_or(0.0, |effect| effect.value);
            let how = if trend.value * whole < 0.0 { "fades" } else { "grows" };
            let change = change(question.kind, question.scale, trend.value);
            parts.push(format!("the effect {how} with use: {change} a day (p = {})", p(p_value)));
        }
        (Some(_), Some(p_value)) => {
            parts.push(format!("the effect does not move with days since exposure (p = {})", p(p_value)));
        }
        _ => parts.push("a trend over days cannot be told".to_owned()),
    }
    let from = question.counts_from;
    match (&found.counted, &found.before) {
        (Some(counted), Some(before)) => {
            parts.push(format!("from day {from} on {}, before {}", show(counted), show(before)));
        }
        (Some(counted), None) => parts.push(format!("over all days {}", show(counted))),
        (None, Some(before)) => {
            parts.push(format!("before day {from} {}; no unit has reached it yet", show(before)));
        }
        (None, None) => {}
    }
    parts.join("; ")
}

/// Cochran's Q over epochs.
pub fn heterogeneity(q: &Heterogeneity) -> String {
    let says = if q.p_value < 0.05 {
        "the effect differs between epochs"
    } else {
        "the effect does not differ between epochs by more than chance"
    };
    format!("{says} (Q = {} on {}, p = {})", figure(q.statistic), q.df, p(q.p_value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::weigh;
    use crate::replication::{Original, Rollout, replicate};

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
        check(Kind::Mean, Scale::Absolute, -123456.0, "−123,456");
    }

    #[test]
    fn an_interval_has_one_number_of_decimals() {
        let check = |value: f64, ends: [f64; 2], expected: &str| {
            assert_eq!(measured(Kind::Mean, Scale::Absolute, value, ends, 0.95), expected);
        };
        check(1.2, [0.75, 1.65], "+1.20 (95 % interval 0.75 to 1.65)");
        check(0.87, [0.0833, 1.65], "+0.870 (95 % interval 0.083 to 1.650)");
        check(0.05, [-0.02, 0.12], "+0.050 (95 % interval −0.020 to 0.120)");
        check(0.0691, [0.0273, 0.111], "+0.069 (95 % interval 0.027 to 0.111)");
        check(0.00123, [-0.00012, 0.0025], "+0.00123 (95 % interval −0.00012 to 0.00250)");
        // An end beside zero is told from zero.
        check(6.0, [0.0012, 12.0], "+6.000 (95 % interval 0.001 to 12.000)");
        check(0.0, [-1.0, 1.0], "+0.00 (95 % interval −1.00 to 1.00)");
        check(15_000.0, [9_000.0, 21_000.0], "+15,000 (95 % interval 9,000 to 21,000)");
        // One end that would drown in the digits of the other is written as it would be alone.
        check(6.0, [0.000012, 12.0], "+6.00 (95 % interval 0.0000120 to 12.00)");
        check(6.0, [f64::NEG_INFINITY, 12.0], "+6.00 (95 % interval −∞ to 12.00)");
    }

    fn related(original: (f64, f64), rollout: (f64, f64), scale: Scale) -> (Replication, Evidence) {
        let found = replicate(
            &Original::new(original.0, original.1),
            &Rollout { estimate: rollout.0, se: rollout.1, interval: None },
            scale,
        );
        let estimate = |(value, se)| Estimate::new(value, se).unwrap();
        (found.unwrap(), weigh(&estimate(original), &estimate(rollout)).unwrap())
    }

    #[test]
    fn a_replication_reads_as_a_person_would_say_it() {
        let (found, seen) = related((0.0160, 0.0030), (0.0120, 0.0023), Scale::Absolute);
        let told = Told { original_stopped_early: true, ..Told::of(Kind::Proportion) };
        assert_eq!(
            found.clone().told(told).sentence,
            "delivered +1.20 pp (95 % interval 0.75 to 1.65); won +1.60 pp, +1.59 pp after correction for \
             selection; confirmed, 75 % retained; we would have noticed a loss above 1.40 pp; the original stopped early, so it is more inflated than the correction takes out"
        );
        let lines = evidence(&found, &seen, &told);
        let said = |name: &str| lines.iter().find(|line| line.name == name).unwrap().sentence.as_str();
        assert_eq!(
            said("prediction interval"),
            "95 % of exact repeats of the experiment would land at 0.86 to 2.34; this one lies inside"
        );
        assert_eq!(
            said("sceptical p-value"),
            "both together are convincing for somebody who doubts the experiment (p = 3e-4)"
        );
        assert_eq!(
            said("combined estimate"),
            "counting the experiment at half its information, the effect is +1.29 pp (95 % interval 0.89 to 1.69)"
        );
    }

    #[test]
    fn evidence_is_told_on_the_side_of_the_original() {
        let (found, seen) = related((-0.0160, 0.0030), (-0.0120, 0.0023), Scale::Absolute);
        let (mirror, seen_mirrored) = related((0.0160, 0.0030), (0.0120, 0.0023), Scale::Absolute);
        let told = Told::of(Kind::Proportion);
        for (line, other) in
            evidence(&found, &seen, &told).iter().zip(evidence(&mirror, &seen_mirrored, &told))
        {
            let numbers =
                ["prediction interval", "difference at any look", "combined estimate", "as reported"];
            assert!(
                numbers.contains(&line.name.as_str()) || line.sentence == other.sentence,
                "{line:?} {other:?}"
            );
        }
    }

    #[test]
    fn guardrails_and_beliefs_have_words() {
        let errors = Guardrail::new(Direction::Decrease, 0.01, 2, 0.002).unwrap();
        let judged = guardrail::judge(&errors, &Estimate::new(0.030, 0.002).unwrap()).unwrap();
        assert_eq!(
            guardrail(&errors, &judged, Kind::Proportion, Scale::Absolute),
            "harmed: +3.00 pp is worse than the +1.00 pp that is allowed, at any look"
        );
        let posterior = Posterior { mean: -0.01, sd: 0.01 };
        assert_eq!(
            bayes(&posterior, Direction::Decrease, Kind::Proportion, Scale::Absolute),
            "chance to be better 84 %; expected loss when kept 0.0833 pp (shown, decides nothing)"
        );
        let seen = SampleRatio { p_chi2: 0.4, log_e: -1.0 };
        assert_eq!(
            sample_ratio(&seen, 0.001),
            "the arms have the shares that were planned, as far as can be told (sequential p = 1.00, χ² p = 0.40)"
        );
    }
}
