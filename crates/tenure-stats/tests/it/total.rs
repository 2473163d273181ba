//! The function that is fuzzed and property-tested: bytes become moments (of the nastiest kind), moments go through
//! every entry point, and each must answer with numbers that are numbers or with a typed reason. It panics when one
//! does not.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tenure_stats::CannotSay;
use tenure_stats::bayes::{self, Prior};
use tenure_stats::cluster;
use tenure_stats::comparison::compare;
use tenure_stats::cuped;
use tenure_stats::estimate::{self, Estimate, Kind, Level, Scale};
use tenure_stats::evidence;
use tenure_stats::forecast::{self, Question};
use tenure_stats::guardrail::{self, Guardrail};
use tenure_stats::joint::Joint;
use tenure_stats::meta_analysis;
use tenure_stats::moments::{Moments, MomentsError};
use tenure_stats::novelty;
use tenure_stats::proportion;
use tenure_stats::quantile;
use tenure_stats::ratio;
use tenure_stats::replication::{self, Original, Rollout, Told};
use tenure_stats::sample_ratio;
use tenure_stats::schedule::{Step, Traffic, schedule};
use tenure_stats::sentence;
use tenure_stats::verdict::{self, Direction, Look, Monitor, Outside, Plan, Wave};
use tenure_stats::wave::{self, Epoch};

const KINDS: [Kind; 4] = [Kind::Proportion, Kind::Mean, Kind::Ratio, Kind::Quantile];
const SCALES: [Scale; 2] = [Scale::Relative, Scale::Absolute];

/// Runs every entry point on what the bytes say.
pub fn check(bytes: &[u8]) {
    let mut draw = Draw { bytes };
    let (control, treatment) = (moments(&mut draw), moments(&mut draw));
    if let (Some(control), Some(treatment)) = (control, treatment) {
        arms(&mut draw, control, treatment);
    }
    pairs(&mut draw);
    joints(&mut draw);
    plans(&mut draw);
}

/// One metric in two arms: compared, stratified, looked at twice.
fn arms(draw: &mut Draw<'_>, control: Moments, treatment: Moments) {
    let mut merged = control;
    merged.merge(&treatment);
    let mut other_way = treatment;
    other_way.merge(&control);
    if merged.variance().is_ok() {
        assert_eq!(merged, other_way, "merging is commutative");
    }
    for kind in KINDS {
        whole("compare", compare(kind, &control, &treatment, 0.95));
        let level = |arm: &Moments| Level::of(kind, arm);
        if let (Ok(control), Ok(treatment)) = (level(&control), level(&treatment)) {
            levels(kind, &control, &treatment);
        }
        for direction in [Direction::Increase, Direction::Decrease] {
            let judged = verdict::judge_outside(&Outside::new(kind, direction, control, treatment));
            words(&whole("judge_outside", judged).map(|judged| judged.sentence));
        }
        for scale in SCALES {
            looks(draw, kind, scale, &[control, treatment, merged]);
        }
    }
}

fn levels(kind: Kind, control: &Level, treatment: &Level) {
    let estimates = [
        ("difference", estimate::difference(control, treatment)),
        ("log_ratio", estimate::log_ratio(control, treatment)),
        ("relative_delta", estimate::relative_delta(control, treatment)),
    ];
    for (name, estimate) in estimates {
        let Some(estimate) = whole(name, estimate) else { continue };
        assert!(estimate.se > 0.0, "{name}: {estimate:?}");
        assert!((0.0..=1.0).contains(&estimate.p_value()), "{name}: {estimate:?}");
        let [low, high] = estimate.interval(0.95);
        assert!(low <= high, "{name}: {estimate:?}");
        let Some(rule) = whole("guardrail", Guardrail::new(Direction::Increase, 0.01, 3, 0.01)) else {
            continue;
        };
        if let Some(judged) = whole("guardrail", guardrail::judge(&rule, &estimate)) {
            words(&Some(sentence::guardrail(&rule, &judged, kind, Scale::Absolute)));
        }
        let prior = Prior { mean: 0.0, variance: 1.0 };
        for prior in [None, Some(prior)] {
            let Some(posterior) = whole("posterior", bayes::posterior(&estimate, prior)) else { continue };
            assert!((0.0..=1.0).contains(&posterior.chance_above_zero()), "{posterior:?}");
            assert!(posterior.loss_if_kept() >= 0.0, "{posterior:?}");
            words(&Some(sentence::bayes(&posterior, Direction::Decrease, kind, Scale::Relative)));
        }
    }
    if kind == Kind::Proportion
        && (0.0..=1.0).contains(&control.value)
        && (0.0..=1.0).contains(&treatment.value)
    {
        numbers("newcombe", proportion::newcombe(control, treatment, 0.95).map(Vec::from));
        numbers("score", proportion::score(control, treatment).map(|z| vec![z]));
    }
}

fn looks(draw: &mut Draw<'_>, kind: Kind, scale: Scale, arms: &[Moments; 3]) {
    let epoch = |index: u32, control: &Moments, treatment: &Moments| {
        Epoch::of_moments(index, kind, control, treatment, 0.5).ok()
    };
    let epochs: Vec<Epoch> =
        [epoch(0, &arms[0], &arms[1]), epoch(1, &arms[1], &arms[2])].into_iter().flatten().collect();
    whole("stratify", wave::stratify(kind, scale, &epochs));
    let se_plan = draw.positive();
    let Some(plan) = whole("plan", Plan::new(kind, Direction::Increase, scale, 0.05, 1, se_plan)) else {
        return;
    };
    let mut monitor = Monitor::default();
    for wave in [Wave::Safety, Wave::Measured, Wave::Measured] {
        let now = Look {
            epochs: epochs.clone(),
            wave,
            minimum_duration_passed: true,
            largest_duration_reached: draw.byte().is_multiple_of(4),
            fault: None,
            original: None,
        };
        let (next, judged) = match verdict::look(&plan, &monitor, &now) {
            Ok(looked) => looked,
            Err(why) => panic!("a look answers for any data: {why}"),
        };
        round_trip("look", &judged);
        round_trip("monitor", &next);
        assert!(judged.p_value.is_none_or(|p| (0.0..=1.0).contains(&p)), "{judged:?}");
        assert!(monitor.latched.is_none_or(|latched| latched == judged.verdict), "{judged:?}");
        words(&Some(judged.sentence));
        monitor = next;
    }
}

/// An original and its rollout.
fn pairs(draw: &mut Draw<'_>) {
    let [original, original_se, rollout, rollout_se] = [(); 4].map(|()| draw.number());
    let selected_at = draw.number();
    for scale in SCALES {
        let original = Original { estimate: original, se: original_se, selected_at };
        let rollout = Rollout { estimate: rollout, se: rollout_se, interval: None };
        let found = whole("replicate", replication::replicate(&original, &rollout, scale));
        whole("deviating", replication::replicate_deviating(&original, &rollout, scale, 0.25));
        let estimate = |value: f64, se: f64| whole("estimate", Estimate::new(value, se));
        let (Some(old), Some(new)) =
            (estimate(original.estimate, original.se), estimate(rollout.estimate, rollout.se))
        else {
            continue;
        };
        let seen = whole("weigh", evidence::weigh(&old, &new));
        if let (Some(found), Some(seen)) = (&found, &seen) {
            for line in sentence::evidence(found, seen, &Told::of(Kind::Proportion)) {
                words(&Some(line.sentence));
            }
        }
        let combined = [meta_analysis::fixed(&[old, new]), meta_analysis::random(&[old, new])];
        for combined in combined.into_iter().flatten() {
            round_trip("combined", &combined.estimate);
            assert!((0.0..=1.0).contains(&combined.heterogeneity.p_value), "{combined:?}");
        }
    }
}

/// Several values a unit: ratios, covariates, tenants, days.
fn joints(draw: &mut Draw<'_>) {
    let (Some(control), Some(treatment)) = (joint(draw), joint(draw)) else { return };
    for arm in [&control, &treatment] {
        whole("ratio", ratio::level(arm, 0, 1));
    }
    for adjusted in [
        cuped::cuped(&control, &treatment),
        cuped::lin(&control, &treatment),
        cuped::with_slopes(&control, &treatment, [draw.number(), draw.number()]),
        cuped::cuped_ratio(&control, &treatment),
    ] {
        let Ok(adjusted) = adjusted.inspect_err(|why| reason(&why.to_string())) else { continue };
        round_trip("adjusted", &adjusted.control);
        round_trip("adjusted", &adjusted.treatment);
    }
    let days: Vec<u32> = (1..=control.variables() as u32).collect();
    for scale in SCALES {
        let question = novelty::Question {
            kind: Kind::Mean,
            scale,
            confidence: 0.95,
            simultaneous: true,
            counts_from: 2,
        };
        whole("by_day", novelty::by_day(&control, &treatment, &days, &question));
    }
    let tenants = |draw: &mut Draw<'_>| {
        let tenants: Vec<(f64, f64)> = (0..draw.byte() % 8).map(|_| (draw.number(), draw.number())).collect();
        cluster::Arm::of(tenants)
    };
    if let (Ok(control), Ok(treatment)) = (tenants(draw), tenants(draw)) {
        let headline = cluster::headline(&control, &treatment);
        for arm in [&control, &treatment] {
            if let Ok(level) = arm.level(headline).inspect_err(|why| reason(&why.to_string())) {
                round_trip("tenants", &level);
            }
        }
        assert!(control.effective() >= 0.0 && control.effective().is_finite());
    }
    let [quantile, lower, upper] = [(); 3].map(|()| draw.number());
    whole("quantile", quantile::level(draw.count(), quantile, lower, upper, 0.05));
    let counts = [draw.count(), draw.count()];
    let shares = [draw.number(), draw.number()];
    if let Ok(test) = sample_ratio::chi_square(&counts, &shares) {
        assert!(
            (0.0..=1.0).contains(&test.p_value) && test.statistic >= 0.0,
            "{counts:?} {shares:?} {test:?}"
        );
    }
    numbers("log_e", sample_ratio::log_e(&counts, &shares, draw.positive()).map(|log_e| vec![log_e]));
}

/// Questions about what is to come.
fn plans(draw: &mut Draw<'_>) {
    let [baseline, lift, sd] = [(); 3].map(|()| draw.number());
    for question in [Question::proportion(baseline, lift), Question::mean(baseline, sd, lift)] {
        let Some(question) = whole("question", question) else { continue };
        numbers("units", question.treatment_units_fixed().map(|units| vec![units]));
    }
    let corrected = replication::correct(baseline, sd, 1.96);
    if let Some(corrected) = whole("correct", corrected) {
        let times = forecast::times_the_experiment(&corrected, sd, 0.5, 0.05, 0.8);
        numbers("times", times.map(|times| vec![times]));
    }
    let traffic = Traffic::new(draw.number());
    let steps: Vec<Step> =
        (0..draw.byte() % 4).map(|_| Step { exposed: draw.number(), days: None }).collect();
    whole("schedule", schedule(draw.number(), &traffic, &steps));
}

fn moments(draw: &mut Draw<'_>) -> Option<Moments> {
    let made = match draw.byte() % 5 {
        0 => Moments::from_counts(draw.count(), draw.count()),
        1 => Moments::from_summary(draw.count(), draw.number(), draw.number()),
        2 => Moments::from_sums(draw.count(), draw.number(), draw.number()),
        3 => Moments::from_centred(draw.count(), draw.number(), draw.number()),
        _ => Ok((0..draw.byte() % 6).map(|_| draw.number()).collect()),
    };
    made.inspect_err(|why: &MomentsError| reason(&why.to_string())).ok()
}

fn joint(draw: &mut Draw<'_>) -> Option<Joint> {
    let k = usize::from(draw.byte() % 3) + 2;
    if draw.byte().is_multiple_of(2) {
        let mut joint = Joint::new(k);
        for _ in 0..draw.byte() % 7 {
            let row: Vec<f64> = (0..k).map(|_| draw.number()).collect();
            joint.push(&row).ok()?;
        }
        return Some(joint);
    }
    let means: Vec<f64> = (0..k).map(|_| draw.number()).collect();
    let matrix: Vec<f64> = (0..k * k).map(|_| draw.number()).collect();
    Joint::from_summary(draw.count(), &means, &matrix).ok()
}

/// Every number in an answer is a number, every refusal has words.
fn whole<T>(what: &str, answer: Result<T, CannotSay>) -> Option<T>
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    match answer {
        Ok(value) => {
            round_trip(what, &value);
            Some(value)
        }
        Err(why) => {
            reason(&why.to_string());
            None
        }
    }
}

/// JSON has no way to write what is not a number: what comes back the same had none.
fn round_trip<T>(what: &str, value: &T)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let json = serde_json::to_string(value).unwrap_or_default();
    match serde_json::from_str::<T>(&json) {
        Ok(back) => assert_eq!(&back, value, "{what}: {json}"),
        Err(error) => panic!("{what} gave what is no number ({error}): {value:?}"),
    }
}

fn numbers(what: &str, answer: Result<Vec<f64>, CannotSay>) {
    match answer {
        Ok(values) => assert!(values.iter().all(|value| value.is_finite()), "{what}: {values:?}"),
        Err(why) => reason(&why.to_string()),
    }
}

/// A refusal may quote what was wrong, "NaN" too.
fn reason(why: &str) {
    assert!(why.len() > 10, "no words: {why:?}");
}

fn words(sentence: &Option<String>) {
    if let Some(sentence) = sentence {
        assert!(sentence.len() > 10, "no words: {sentence:?}");
        for wrong in ["NaN", "inf "] {
            assert!(!sentence.contains(wrong), "{sentence}");
        }
    }
}

/// Numbers drawn from bytes; when they run out, zeros.
struct Draw<'a> {
    bytes: &'a [u8],
}

/// Numbers at the edges of arithmetic.
const EDGES: [f64; 16] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    1e-3,
    1e-9,
    1e9,
    f64::MIN_POSITIVE,
    5e-324,
    f64::MAX,
    f64::MIN,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    1e160,
];

impl Draw<'_> {
    fn byte(&mut self) -> u8 {
        match self.bytes.split_first() {
            Some((first, rest)) => {
                self.bytes = rest;
                *first
            }
            None => 0,
        }
    }

    fn word(&mut self) -> u64 {
        (0..8).fold(0, |word, _| (word << 8) | u64::from(self.byte()))
    }

    /// Any double: an everyday number, one at the edge, or any bits at all.
    fn number(&mut self) -> f64 {
        match self.byte() {
            first @ 0..128 => {
                let second = f64::from(self.byte());
                (f64::from(first) - 64.0) / 8.0 + second / 256.0
            }
            edge @ 128..192 => EDGES[usize::from(edge) % EDGES.len()],
            _ => f64::from_bits(self.word()),
        }
    }

    fn positive(&mut self) -> f64 {
        self.number().abs()
    }

    fn count(&mut self) -> u64 {
        match self.byte() {
            few @ 0..32 => u64::from(few),
            some @ 32..192 => u64::from(some) * (1 + u64::from(self.byte()) * 97),
            192..224 => (1 << 53) - 1 + u64::from(self.byte() % 3),
            _ => self.word(),
        }
    }
}
