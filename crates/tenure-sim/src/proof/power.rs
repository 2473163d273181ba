//! What looking at any time costs: the largest and the expected sample, in units of the fixed design's.

use tenure_stats::estimate::{Level, Scale};
use tenure_stats::power::{self, Design, Tails};
use tenure_stats::sequential::Spending;
use tenure_stats::verdict::{ALPHA, Wave};

use super::law::{Conversion, Law};
use super::rollout::{self, Day};
use super::watch::{self, Ended};
use super::{Measure, ProofError, Setting, Study, Target, indicator};

const LOOKS: u32 = 28;
const POWER: f64 = 0.8;

pub(super) const POWER_AND_COST: Study = Study {
    name: "power",
    shows: "28 looks find the planned effect with 80 % power, at 1.15 times the fixed sample at most and 0.86 times on average",
    settings: || {
        let mut settings = vec![rollout_finds_its_effect()?];
        for (of, design) in [
            ("4 % planned + 1 % forever, normal path", Design::Standard),
            ("for contrast: group sequential, 5 %", Design::GroupSequential(Spending::ObrienFleming)),
            ("for contrast: always valid, 5 %, tuned at the horizon", Design::AlwaysValid),
            ("for contrast: Bonferroni", Design::Bonferroni),
        ] {
            settings.push(path(of, design)?);
        }
        Ok(settings)
    },
};

const MEASURES: [Measure; 3] = [
    Measure::share("a positive verdict", Target::AtLeast(POWER)),
    Measure::number("largest sample, in fixed samples", Target::AtMost(1.15)),
    Measure::number("expected sample, in fixed samples", Target::AtMost(0.86)),
];

/// A rollout through the whole engine: a conversion of 10 % lifted by 5 %.
fn rollout_finds_its_effect() -> Result<Setting, ProofError> {
    const LIFT: f64 = 0.05;
    let (control, treatment) = (Conversion(0.1), Conversion(0.1 * (1.0 + LIFT)));
    // On the scale of logarithms a unit's variance is that of its share of the mean.
    let per_unit = |law: Conversion| {
        let Level { value, variance, .. } = law.population();
        variance / (value * value)
    };
    let drift = power::drift(0.5 * ALPHA, POWER, Tails::One)?;
    let fixed = power::treatment_units(LIFT.ln_1p(), per_unit(control), per_unit(treatment), 1.0, drift)?;
    let cost = Design::Standard.cost(LOOKS, ALPHA, POWER)?;
    let units = (2.0 * fixed * cost.largest / f64::from(LOOKS)).ceil() as u64;
    let day = Day { epoch: 0, wave: Wave::Measured, units, treatment_share: 0.5, control, treatment };
    let days = vec![day; LOOKS as usize];
    let plan = rollout::plan(&days, Scale::Relative, 1)?;
    let taken = move |looks: usize| units as f64 * looks as f64 / (2.0 * fixed);
    Ok(Setting::new("10 % convert, lifted by 5 %, as planned", MEASURES, move |chance| {
        let ended = watch::judge(&plan, &rollout::looks(&days, chance)?)?;
        let looks = match ended {
            Ended::Positive(look) | Ended::Negative(look) | Ended::Held(look) => look + 1,
            Ended::Open => days.len(),
        };
        let positive = matches!(ended, Ended::Positive(_));
        Ok(vec![indicator(positive), taken(days.len()), taken(looks)])
    }))
}

/// A design by itself: its bounds against a normal path with the drift it is planned for.
fn path(of: &str, design: Design) -> Result<Setting, ProofError> {
    let bounds = design.bounds(LOOKS, ALPHA)?;
    let cost = design.cost(LOOKS, ALPHA, POWER)?;
    let ours = design == Design::Standard;
    let measures = MEASURES.map(|measure| if ours { measure } else { measure.without_target() });
    Ok(Setting::new(of, measures, move |chance| {
        let step = 1.0 / f64::from(LOOKS);
        let (mut t, mut score) = (0.0_f64, 0.0);
        for bound in &bounds {
            t += step;
            score += cost.drift * step + step.sqrt() * chance.normal();
            if let Some(bound) = bound
                && score.abs() > bound * t.sqrt()
            {
                return Ok(vec![indicator(score > 0.0), cost.largest, cost.largest * t]);
            }
        }
        Ok(vec![0.0, cost.largest, cost.largest])
    }))
}
