//! Guardrails: how often harm is called at any look when the metric is just at its margin, and how often such a
//! metric is called safe at the end.

use tenure_stats::estimate::Scale;
use tenure_stats::guardrail::{self, Guardrail, State};
use tenure_stats::verdict::{Direction, Look, Plan};
use tenure_stats::wave;

use super::law::{Conversion, Law, Revenue};
use super::rollout;
use super::{Measure, ProofError, Setting, Study, Target, indicator};

pub(super) const GUARDRAILS: Study = Study {
    name: "guardrails",
    shows: "guardrails just at their margin: at most 5 % of rollouts are held for harm, and at most 5 % called safe",
    settings: || {
        let revenue = |buyers| Revenue { buyers, sigma: 1.0, cap: f64::INFINITY };
        let errors = (Conversion(0.05), Conversion(0.055));
        Ok(vec![
            at_margin("one: errors of 5 % that rise by 10 %", 1, 2_000, errors)?,
            at_margin("three of these", 3, 2_000, errors)?,
            at_margin("one: log-normal cost that rises by 10 %", 1, 200, (revenue(0.5), revenue(0.55)))?,
        ])
    },
};

const LOOKS: usize = 100;
const MARGIN: f64 = 0.1;

/// `count` guardrails of the same law, where less is better, each worse by exactly its margin.
fn at_margin<L: Law + Send + Sync + 'static>(
    of: &str,
    count: u32,
    units_a_day: u64,
    (control, treatment): (L, L),
) -> Result<Setting, ProofError> {
    let mut days = rollout::alike(LOOKS, units_a_day, &control);
    let plan = rollout::plan(&days, Scale::Relative, 1)?;
    days.iter_mut().for_each(|day| day.treatment = treatment.clone());
    let design = Guardrail::new(Direction::Decrease, MARGIN.ln_1p(), count, plan.se_plan)?;
    let measures = [
        Measure::share("harm is called, by any", Target::AtMost(0.05)),
        Measure::share("safe is called at the end, by the first", Target::AtMost(0.05)),
    ];
    Ok(Setting::new(of, measures, move |chance| {
        let (mut harmed, mut safe) = (false, None);
        for _ in 0..count {
            let looks = rollout::looks(&days, chance)?;
            let states = states(&design, &plan, &looks)?;
            harmed |= states.contains(&State::Harmed);
            safe.get_or_insert(states.last() == Some(&State::Safe));
        }
        Ok(vec![indicator(harmed), indicator(safe == Some(true))])
    }))
}

/// What it says at each look that can say anything.
fn states(design: &Guardrail, plan: &Plan, looks: &[Look]) -> Result<Vec<State>, ProofError> {
    let mut states = Vec::with_capacity(looks.len());
    for look in looks {
        if let Ok(stratified) = wave::stratify(plan.kind, plan.scale, &look.epochs) {
            states.push(guardrail::judge(design, &stratified.effect)?.state);
        }
    }
    Ok(states)
}
