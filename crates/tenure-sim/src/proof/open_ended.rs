//! A metric without a window: units come for a few days and then go on acting, so that information grows while their
//! number stands still. What spends the error must be information, not units.

use rand_distr::{Gamma, Poisson};
use tenure_stats::estimate::{Kind, Level, Scale};
use tenure_stats::moments::Moments;
use tenure_stats::sequential::{self, Sides, Spending};
use tenure_stats::verdict::{ALPHA, Direction, Look, Plan, Wave};
use tenure_stats::wave::Epoch;

use super::{Measure, ProofError, Setting, Study, Target, indicator, watch};

pub(super) const OPEN_ENDED: Study = Study {
    name: "open-ended",
    shows: "orders that go on after the last unit came, no effect: at most 5 % are called different, as information counts and not units",
    settings: || {
        Ok(vec![
            orders("orders at a rate of each unit's own, 270 units an arm", 0.5)?,
            orders("the same with rates nearly alike", 20.0)?,
        ])
    },
};

const LOOKS: usize = 28;
const DAYS_OF_ENTRY: usize = 9;
const UNITS_A_DAY: usize = 30;

/// Orders of a unit in a day, on average.
const RATE: f64 = 0.3;

/// Rates are gamma distributed; the smaller the shape, the more they differ.
fn orders(of: &str, shape: f64) -> Result<Setting, ProofError> {
    let rates = Gamma::new(shape, RATE / shape).map_err(|_| ProofError::Law("a gamma"))?;
    let plan = plan(shape)?;
    let by_units = by_units(&plan)?;
    let measures = [
        Measure::share("a difference is declared", Target::AtMost(ALPHA)),
        Measure::contrast("a group-sequential 5 % bound by counts of units would have"),
    ];
    Ok(Setting::new(of, measures, move |chance| {
        // Per arm and unit: its orders so far, and those of a day.
        let mut arms: [Vec<(f64, Poisson<f64>)>; 2] = Default::default();
        let mut looks = Vec::with_capacity(LOOKS);
        for day in 0..LOOKS {
            for arm in &mut arms {
                for _ in 0..if day < DAYS_OF_ENTRY { UNITS_A_DAY } else { 0 } {
                    // A rate that is no number above zero, however small, cannot be drawn from.
                    let rate: f64 = chance.draw(&rates).max(1e-9);
                    arm.push((0.0, Poisson::new(rate).map_err(|_| ProofError::Law("a Poisson"))?));
                }
                arm.iter_mut().for_each(|(orders, a_day)| *orders += chance.draw(a_day));
            }
            let level = |arm: &[(f64, Poisson<f64>)]| {
                let (sum, squares) = arm.iter().fold((0.0, 0.0), |(sum, squares), (orders, _)| {
                    (sum + orders, squares + orders * orders)
                });
                let moments = Moments::from_sums(arm.len() as u64, sum, squares)?;
                Ok::<_, ProofError>(Level::of(Kind::Mean, &moments)?)
            };
            let (control, treatment) = (level(&arms[0])?, level(&arms[1])?);
            looks.push(Look {
                epochs: vec![Epoch { index: 0, control, treatment, treatment_share: 0.5 }],
                wave: Wave::Measured,
                minimum_duration_passed: true,
                largest_duration_reached: day + 1 == LOOKS,
                fault: None,
                original: None,
            });
        }
        let ended = watch::watch(&plan, &looks)?;
        let beyond = |(look, bound): (&Look, &Option<f64>)| {
            let effect = watch::effect(&plan, look);
            effect.zip(*bound).is_some_and(|(effect, bound)| effect.z().abs() > bound)
        };
        let crossed_by_units = looks.iter().zip(&by_units).any(beyond);
        Ok(vec![indicator(ended.by_difference()), indicator(crossed_by_units)])
    }))
}

/// At the end a unit's orders have its days' Poisson noise and the spread of rates.
fn plan(shape: f64) -> Result<Plan, ProofError> {
    let units = (DAYS_OF_ENTRY * UNITS_A_DAY) as u64;
    let days = LOOKS as f64 - 0.5 * (DAYS_OF_ENTRY - 1) as f64;
    let mean = RATE * days;
    let level = Level { n: 1, value: mean, variance: mean + mean * mean / shape };
    let se = Plan::se_at(Scale::Relative, &level, &level, units, units)?;
    Ok(Plan::new(Kind::Mean, Direction::Increase, Scale::Relative, ALPHA, 1, se)?)
}

/// The bounds of somebody who takes the share of units for the share of information: all is spent when all units are
/// there, and the last bound is met again every day after.
fn by_units(plan: &Plan) -> Result<Vec<Option<f64>>, ProofError> {
    let shares: Vec<f64> = (1..=DAYS_OF_ENTRY).map(|day| day as f64 / DAYS_OF_ENTRY as f64).collect();
    let bounds = sequential::bounds(Spending::ObrienFleming, 0.5 * plan.alpha, &shares, Sides::Both)?;
    let last = bounds.z[DAYS_OF_ENTRY - 1];
    Ok(bounds.z.into_iter().chain(std::iter::repeat(last)).take(LOOKS).collect())
}
