//! How often a rollout without effect is called a difference, when somebody looks a hundred times.

use tenure_stats::estimate::{Level, Scale};
use tenure_stats::moments::Moments;
use tenure_stats::verdict::{ALPHA, Direction, Plan};

use super::law::{Conversion, Law, OrdersPerVisit, Revenue};
use super::rollout::{self, Day};
use super::{Measure, ProofError, Setting, Study, Target, indicator, watch};
use crate::proof::chance::Chance;

const LOOKS: usize = 100;

pub(super) const BERNOULLI: Study = Study {
    name: "bernoulli",
    shows: "100 looks at a conversion of 10 %, no effect: at most 5 % of rollouts are called different",
    settings: || Ok(vec![alike("10 % convert, 20,000 units an arm", 400, &Conversion(0.1))?]),
};

pub(super) const RARE: Study = Study {
    name: "rare",
    shows: "100 looks at a conversion of 0.5 %, no effect: at most 5 % of rollouts are called different",
    settings: || {
        Ok(vec![
            alike("0.5 % convert, 200,000 units an arm", 4_000, &Conversion(0.005))?,
            alike("0.5 % convert, 40,000 units an arm", 800, &Conversion(0.005))?,
        ])
    },
};

pub(super) const REVENUE: Study = Study {
    name: "revenue",
    shows: "100 looks at log-normal revenue, no effect: at most 5 % of rollouts are called different",
    settings: || {
        let everybody = Revenue { buyers: 1.0, sigma: 1.0, cap: f64::INFINITY };
        let some = Revenue { buyers: 0.1, sigma: 1.2, cap: f64::INFINITY };
        Ok(vec![
            alike("all buy, σ of the logarithm 1, 5,000 units an arm", 100, &everybody)?,
            alike("10 % buy, σ of the logarithm 1.2, 20,000 units an arm", 400, &some)?,
        ])
    },
};

pub(super) const CAPPED: Study = Study {
    name: "capped-revenue",
    shows: "100 looks at revenue capped at the experiment's 99.9th percentile, no effect: at most 5 % of rollouts are called different",
    settings: || {
        let law = Revenue { buyers: 0.1, sigma: 1.2, cap: f64::INFINITY };
        Ok(vec![Setting::new(
            "10 % buy, σ of the logarithm 1.2, 20,000 units an arm",
            MEASURES,
            move |chance| {
                let (days, plan) = after_experiment(chance, &law, 400)?;
                run(chance, &days, &plan)
            },
        )])
    },
};

pub(super) const RATIO: Study = Study {
    name: "ratio",
    shows: "100 looks at orders per visit, no effect: at most 5 % of rollouts are called different",
    settings: || {
        let law = OrdersPerVisit::new()?;
        Ok(vec![alike("orders per visit, 5,000 units an arm", 100, &law)?])
    },
};

const MEASURES: [Measure; 2] = [
    Measure::share("a difference is declared", Target::AtMost(ALPHA)),
    Measure::contrast("a fixed 5 % test at every look would have"),
];

/// A hundred days alike.
fn alike<L: Law + Send + Sync + 'static>(of: &str, units_a_day: u64, law: &L) -> Result<Setting, ProofError> {
    let days = rollout::alike(LOOKS, units_a_day, law);
    let plan = rollout::plan(&days, Scale::Relative, 1)?;
    Ok(Setting::new(of, MEASURES, move |chance| run(chance, &days, &plan)))
}

fn run<L: Law>(chance: &mut Chance, days: &[Day<L>], plan: &Plan) -> Result<Vec<f64>, ProofError> {
    let looks = rollout::looks(days, chance)?;
    let ended = watch::watch(plan, &looks)?;
    Ok(vec![indicator(ended.by_difference()), indicator(watch::fixed_test_ever(plan, &looks))])
}

/// Draws the original experiment, as large as the rollout will be. Its capped values make cap and plan, both frozen.
fn after_experiment(
    chance: &mut Chance,
    law: &Revenue,
    units_a_day: u64,
) -> Result<(Vec<Day<Revenue>>, Plan), ProofError> {
    let units = LOOKS as u64 * units_a_day;
    let buyers = law.buying(chance, units)?;
    let mut amounts: Vec<f64> = (0..buyers).map(|_| law.amount(chance)).collect();
    // The pooled 99.9th percentile of all units, of whom most bought nothing: the value that a thousandth exceeds.
    let above = (units / 1_000) as usize;
    let at = amounts.len().checked_sub(above + 1).ok_or(ProofError::Law("a percentile of so few buyers"))?;
    let cap = *amounts.select_nth_unstable_by(at, f64::total_cmp).1;

    let (mut sum, mut squares) = (0.0, 0.0);
    for amount in amounts.iter().map(|amount| amount.min(cap)) {
        sum += amount;
        squares += amount * amount;
    }
    let level = Level::of(Revenue::KIND, &Moments::from_sums(units, sum, squares)?)?;
    let se = Plan::se_at(Scale::Relative, &level, &level, units / 2, units / 2)?;
    let plan = Plan::new(Revenue::KIND, Direction::Increase, Scale::Relative, ALPHA, 1, se)?;
    Ok((rollout::alike(LOOKS, units_a_day, &Revenue { cap, ..*law }), plan))
}
