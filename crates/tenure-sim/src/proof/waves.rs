//! Rollouts in waves, while the baseline moves: the allocation changes together with the level, which is how pooled
//! data make an effect out of nothing.

use tenure_stats::anytime;
use tenure_stats::estimate::{self, Level, Scale};
use tenure_stats::verdict::{ALPHA, Look, Plan, Wave};
use tenure_stats::wave::Epoch;

use super::chance::Chance;
use super::law::Conversion;
use super::rollout::{self, Day};
use super::{Measure, ProofError, Setting, Study, Target, indicator, watch};

pub(super) const WAVES: Study = Study {
    name: "waves",
    shows: "waves while the baseline drifts, no effect: at most 5 % of rollouts are called different or harmful",
    settings: || {
        let drifting = |day: usize| (0.10 + 0.04 * day as f64 / 55.0) * if day % 7 < 5 { 1.0 } else { 0.85 };
        [
            (EVEN, Scale::Relative),
            (EVEN, Scale::Absolute),
            (RAMPED, Scale::Relative),
            (RAMPED, Scale::Absolute),
        ]
        .map(|(steps, scale)| waves("from 10 to 14 %, lower at weekends", steps, drifting, scale))
        .into_iter()
        .collect()
    },
};

pub(super) const DRIFT: Study = Study {
    name: "drift",
    shows: "waves while the baseline jumps eightfold, no effect: at most 5 % of rollouts are called different or harmful",
    settings: || {
        let jumping = |day: usize| [0.05, 0.40, 0.05][wave_of(day)];
        [
            (EVEN, Scale::Relative),
            (EVEN, Scale::Absolute),
            (RAMPED, Scale::Relative),
            (RAMPED, Scale::Absolute),
        ]
        .map(|(steps, scale)| waves("5, 40, 5 %", steps, jumping, scale))
        .into_iter()
        .collect()
    },
};

/// Units that come in a day.
const TRAFFIC: f64 = 2_000.0;

/// Three waves.
struct Steps {
    of: &'static str,
    /// Of each wave: its days, the share of the traffic that is admitted, and the share of those that is treated.
    waves: [(usize, f64, f64); 3],
}

/// As our rollouts are: coverage grows, and the treated share stays.
const EVEN: Steps = Steps {
    of: "10, 40, 100 % admitted, half of them treated",
    waves: [(7, 0.1, 0.5), (14, 0.4, 0.5), (35, 1.0, 0.5)],
};

/// As other rollouts are: the treated share grows.
const RAMPED: Steps = Steps {
    of: "all admitted, 5, 20, 50 % of them treated",
    waves: [(7, 1.0, 0.05), (14, 1.0, 0.2), (35, 1.0, 0.5)],
};

/// Which wave a day belongs to, in either.
fn wave_of(day: usize) -> usize {
    usize::from(day >= 7) + usize::from(day >= 21)
}

fn waves(
    levels: &str,
    steps: Steps,
    baseline: impl Fn(usize) -> f64,
    scale: Scale,
) -> Result<Setting, ProofError> {
    let mut days = Vec::new();
    for (epoch, (count, coverage, treatment_share)) in (0..).zip(steps.waves) {
        for _ in 0..count {
            let law = Conversion(baseline(days.len()));
            let wave = if epoch == 0 { Wave::Safety } else { Wave::Measured };
            let units = (TRAFFIC * coverage) as u64;
            days.push(Day { epoch, wave, units, treatment_share, control: law, treatment: law });
        }
    }
    let plan = rollout::plan(&days, scale, 1)?;
    let measures = [
        Measure::share("a difference or harm is declared", Target::AtMost(ALPHA)),
        Measure::contrast("an always-valid 5 % interval of the pooled arms would have"),
    ];
    let scale = match scale {
        Scale::Relative => "relative",
        Scale::Absolute => "absolute",
    };
    Ok(Setting::new(format!("{levels}; {}; {scale}", steps.of), measures, move |chance: &mut Chance| {
        let looks = rollout::looks(&days, chance)?;
        let ended = watch::watch(&plan, &looks)?;
        Ok(vec![indicator(ended.by_difference()), indicator(pooled_ever(&plan, &looks)?)])
    }))
}

/// Whether the arms pooled over epochs would have been called different, by an interval that is always valid.
fn pooled_ever(plan: &Plan, looks: &[Look]) -> Result<bool, ProofError> {
    let tau_squared = anytime::tau_squared(ALPHA, plan.se_plan)?;
    for look in looks {
        let (control, treatment) =
            (pooled(&look.epochs, |epoch| epoch.control), pooled(&look.epochs, |epoch| epoch.treatment));
        let Ok(effect) = estimate::effect(plan.scale, &control, &treatment) else { continue };
        if effect.z().abs() > anytime::critical(tau_squared * effect.information(), ALPHA)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn pooled(epochs: &[Epoch], arm: impl Fn(&Epoch) -> Level) -> Level {
    let n: u64 = epochs.iter().map(|epoch| arm(epoch).n).sum();
    let successes: f64 = epochs.iter().map(&arm).map(|level| level.n as f64 * level.value).sum();
    let value = successes / n.max(1) as f64;
    Level { n, value, variance: value * (1.0 - value) }
}
