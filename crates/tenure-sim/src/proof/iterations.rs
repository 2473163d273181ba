//! Trying again: a feature without effect is measured, iterated and measured anew, up to three times; a keep is
//! false whenever one of them is positive.

use tenure_stats::estimate::Scale;
use tenure_stats::verdict::{ALPHA, Look, Plan};

use super::law::Conversion;
use super::watch::{self, Ended};
use super::{Measure, ProofError, Setting, Study, Target, indicator, rollout};

pub(super) const ITERATIONS: Study = Study {
    name: "iterations",
    shows: "up to three iterations of a feature without effect: at most 5 % are kept",
    settings: || {
        Ok(vec![up_to_three("10 % convert, 28 looks each time, half the error of the time before")?])
    },
};

const LOOKS: usize = 28;
const UNITS_A_DAY: u64 = 1_000;

/// Iterations after which no other is allowed, and negative verdicts likewise.
const ITERATIONS_MAX: u32 = 3;
const NEGATIVES_MAX: usize = 2;

fn up_to_three(of: &str) -> Result<Setting, ProofError> {
    let days = rollout::alike(LOOKS, UNITS_A_DAY, &Conversion(0.1));
    let plan = |iteration| rollout::plan(&days, Scale::Relative, iteration);
    let plans: Vec<Plan> = (1..=ITERATIONS_MAX).map(plan).collect::<Result<_, _>>()?;
    let always_the_first = vec![plans[0]; plans.len()];
    let measures = [
        Measure::share("kept by mistake", Target::AtMost(ALPHA)),
        Measure::contrast("would have been, at the full error each time"),
    ];
    Ok(Setting::new(of, measures, move |chance| {
        let iterations: Vec<Vec<Look>> =
            plans.iter().map(|_| rollout::looks(&days, chance)).collect::<Result<_, _>>()?;
        Ok(vec![
            indicator(is_kept(&plans, &iterations)?),
            indicator(is_kept(&always_the_first, &iterations)?),
        ])
    }))
}

/// Whether one of the iterations is positive before trying again is no longer allowed.
fn is_kept(plans: &[Plan], iterations: &[Vec<Look>]) -> Result<bool, ProofError> {
    let mut negatives = 0;
    for (plan, looks) in plans.iter().zip(iterations) {
        match watch::watch(plan, looks)? {
            Ended::Positive(_) => return Ok(true),
            Ended::Negative(_) => negatives += 1,
            Ended::Held(_) | Ended::Open => {}
        }
        if negatives == NEGATIVES_MAX {
            break;
        }
    }
    Ok(false)
}
