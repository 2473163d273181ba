//! Somebody watches: every look of a rollout is judged as production judges it, until a verdict falls.

use tenure_stats::CannotSay;
use tenure_stats::estimate::Estimate;
use tenure_stats::verdict::{self, Look, Monitor, Plan, Verdict};
use tenure_stats::{anytime, normal, wave};

/// How watching ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// A positive verdict at this look.
    Positive(usize),
    /// A negative verdict at this look.
    Negative(usize),
    /// Harm in a safety wave at this look.
    Held(usize),
    /// No bound was crossed to the last look.
    Open,
}

impl Ended {
    /// Whether a difference was seen.
    pub(super) fn by_difference(self) -> bool {
        self != Self::Open
    }
}

/// Judges look after look.
pub(super) fn judge(plan: &Plan, looks: &[Look]) -> Result<Ended, CannotSay> {
    let mut monitor = Monitor::default();
    for (index, look) in looks.iter().enumerate() {
        let (next, judged) = verdict::look(plan, &monitor, look)?;
        match judged.verdict {
            Verdict::Positive => return Ok(Ended::Positive(index)),
            Verdict::Negative => return Ok(Ended::Negative(index)),
            _ if judged.harm => return Ok(Ended::Held(index)),
            Verdict::NotSignificant | Verdict::Immature | Verdict::Invalid => monitor = next,
        }
    }
    Ok(Ended::Open)
}

/// The same as [`judge`], without judging what cannot cross a bound at any look: nine of ten rollouts without
/// effect.
pub(super) fn watch(plan: &Plan, looks: &[Look]) -> Result<Ended, CannotSay> {
    if may_cross(plan, looks)? { judge(plan, looks) } else { Ok(Ended::Open) }
}

/// The estimate at a look, as a verdict would have it; none while there is none.
pub(super) fn effect(plan: &Plan, look: &Look) -> Option<Estimate> {
    wave::stratify(plan.kind, plan.scale, &look.epochs).ok().map(|stratified| stratified.effect)
}

/// Whether a fixed test, repeated at every look, would have seen a difference.
pub(super) fn fixed_test_ever(plan: &Plan, looks: &[Look]) -> bool {
    let critical = normal::critical(verdict::ALPHA);
    looks.iter().filter_map(|look| effect(plan, look)).any(|effect| effect.z().abs() > critical)
}

/// Whether some look stands out so far that a bound might lie below it.
///
/// The bound that never expires is known at once. The planned bound `z` of a look is costly, but never below the
/// quantile of all that its side may have spent by then: of the paths beyond `z` at the look, those that stopped nowhere
/// before weigh this look's increment, and those that had stopped on either side weigh, by symmetry, at most what one
/// side had spent before. The forms for few units are wider than both.
fn may_cross(plan: &Plan, looks: &[Look]) -> Result<bool, CannotSay> {
    let side = plan.alpha_planned_side();
    let forever = plan.alpha_forever();
    let tau_squared = anytime::tau_squared(forever, plan.se_plan)?;
    let lowest = normal::isf(side).min(anytime::critical(anytime::optimal_x(forever)?, forever)?);
    let mut fraction_max = 0.0_f64;
    for look in looks {
        let Some(effect) = effect(plan, look) else { continue };
        fraction_max = fraction_max.max(effect.information() * plan.se_plan * plan.se_plan);
        let z = effect.z().abs();
        if z < lowest {
            continue;
        }
        let share = if look.largest_duration_reached { 1.0 } else { fraction_max };
        let planned = normal::isf(plan.spending.spent(side, share));
        if z >= planned || z >= anytime::critical(tau_squared * effect.information(), forever)? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::chance::Source;
    use crate::proof::law::Conversion;
    use crate::proof::rollout;
    use tenure_stats::estimate::Scale;

    #[test]
    fn what_is_not_judged_would_not_have_crossed() {
        let mut crossed = 0;
        for run in 0..300 {
            let days = rollout::alike(30, 60 + 40 * (run % 10), &Conversion(0.15));
            let plan = rollout::plan(&days, Scale::Relative, 1).unwrap();
            let looks = rollout::looks(&days, &mut Source::new(1, "watch", 0).of_run(run)).unwrap();
            let judged = judge(&plan, &looks).unwrap();
            assert_eq!(watch(&plan, &looks).unwrap(), judged);
            crossed += usize::from(judged.by_difference());
        }
        assert!(crossed > 0, "nothing crossed: the test shows nothing");
    }
}
