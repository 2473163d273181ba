//! What must hold after every entry. Run after each in tests, in the simulator and in debug builds.

use std::collections::BTreeSet;
use std::fmt;

use crate::case::{Case, Stage};
use crate::codebase::ItemResult;
use crate::follow_up::FollowUpStatus;
use crate::id::CaseId;
use crate::measurement::Verdict;
use crate::rollout::WaveKind;
use crate::sign_off::SignOffStatus;
use crate::state::State;
use crate::time::days_later;
use crate::warranty::Accountable;

/// A rule that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The number of the rule in the list of what must hold after every entry.
    pub rule: u8,
    /// The case it is broken in.
    pub case: CaseId,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {} is broken in case {}: {}", self.rule, self.case, self.what)
    }
}

/// Every rule that does not hold in any case.
pub fn of_state(state: &State) -> Vec<Broken> {
    state.all_cases().flat_map(|case| of_case(state, case)).collect()
}

/// Every rule that does not hold in a case. Rules 5, 12 and 13 are properties of decisions and of the journal, not of a
/// state; they are tested where those are.
pub fn of_case(state: &State, case: &Case) -> Vec<Broken> {
    let mut broken = Vec::new();
    let mut must = |rule: u8, holds: bool, what: &dyn Fn() -> String| {
        if !holds {
            broken.push(Broken { rule, case: case.id.clone(), what: what() });
        }
    };
    let exposure = case.exposure_percent();
    let kept = matches!(case.stage, Stage::Productionised | Stage::Closed);

    let latest_judged = case.measurements.judged.last().map(|measured| measured.verdict);
    must(1, !(kept && latest_judged == Some(Verdict::Negative)), &|| "a negative is kept".to_owned());
    must(1, exposure == 0.0 || latest_judged_here(case) != Some(Verdict::Negative), &|| {
        format!("{exposure} % meet a negative")
    });

    if exposure > 0.0 {
        must(2, case.flag.is_some(), &|| "exposed without a flag".to_owned());
        must(2, signed_off(case), &|| format!("exposed without sign-off: {:?}", case.teams_not_signed_off()));
        must(2, case.open_conditions().is_empty(), &|| "exposed with an open condition".to_owned());
        must(2, case.warranty.is_some() && case.teams_without_warranty().is_empty(), &|| {
            "exposed without an agreed warranty".to_owned()
        });
        must(2, case.unfinished_items().is_empty() && !case.checklists.is_empty(), &|| {
            format!("exposed with an unfinished owner process: {:?}", case.unfinished_items())
        });
        must(2, case.hold.is_none(), &|| "exposed while held".to_owned());
    }
    must(2, case.hold.is_none() || case.can_be_held(), &|| format!("held in {}", case.stage));

    let cites = case.kept.as_ref().map(|kept| (kept.cites, kept.iteration));
    let cited =
        case.measurements.judged_in(case.iteration).map(|measured| (measured.number, measured.iteration));
    let everybody = exposure == 100.0 || kept && exposure > 0.0;
    must(3, !everybody || (kept && cites.is_some() && cites == cited), &|| {
        format!("{exposure} % while in {}, citing {cites:?} where {cited:?} was judged", case.stage)
    });
    must(3, !kept || case.kept.is_some(), &|| "productionised without a keep".to_owned());

    let iterations: BTreeSet<u32> =
        case.measurements.judged.iter().map(|measured| measured.iteration).collect();
    must(4, iterations.len() == case.measurements.judged.len(), &|| {
        "an iteration was judged twice".to_owned()
    });
    must(4, case.iteration == 1 || !exposed_in(case) || changed_in(case), &|| {
        format!("iteration {} is measured without a deviation", case.iteration)
    });

    let waived_without_reason = case.checklists.values().flat_map(|list| &list.items).any(|item| {
        item.attempts.iter().any(|attempt| attempt.result == ItemResult::Waived && attempt.reason.is_none())
    });
    must(5, !waived_without_reason, &|| "an item is waived without a reason".to_owned());

    for (id, follow_up) in &case.follow_ups {
        let status = case.follow_up_status(follow_up);
        let ready = status == FollowUpStatus::Ready;
        must(6, !ready || kept, &|| format!("follow-up {id} is ready in {}", case.stage));
    }

    must(7, (case.stage == Stage::Parked) == case.parked.is_some(), &|| {
        "parked without saying so".to_owned()
    });
    if let Some(parked) = &case.parked {
        must(7, !parked.unblock.is_empty() || parked.review_on.is_some(), &|| {
            "parked with nothing to wake it".to_owned()
        });
    }
    must(7, case.stage == Stage::Parked || case.suggestions.is_empty(), &|| {
        "suggestions while awake".to_owned()
    });

    must(8, exposure == 0.0 || case.first_exposed_on.is_some(), &|| "exposed, but since when".to_owned());
    must(8, !kept || case.warranty_ends().is_some(), &|| "kept without a warranty's end".to_owned());
    if let Some(first) = case.first_exposed_on {
        must(8, case.accountable_on(first).is_some(), &|| "exposed and nobody accountable".to_owned());
        let sides = [Accountable::BuildingTeam, Accountable::ProductOwners];
        let last = case.warranty_ends().map(|last| [last, days_later(last, 1)]);
        must(8, last.is_none_or(|days| days.map(|day| case.accountable_on(day)) == sides.map(Some)), &|| {
            "accountability does not pass at the end of the warranty".to_owned()
        });
        for (id, bug) in case.bugs.iter().filter(|(_, bug)| bug.is_open()) {
            // On the day a warranty is cut short, both sides are accountable for a part of it.
            let cut = case.earlier_warranties.iter().any(|term| term.cut == bug.on);
            let routed = case.accountable_on(bug.on.max(first));
            must(8, cut || routed == Some(bug.accountable), &|| {
                format!("bug {id} of {} is with {}, and not {routed:?}", bug.on, bug.accountable.name())
            });
        }
    }
    if kept {
        must(8, !case.teams().is_empty(), &|| "kept with no product owners to answer for it".to_owned());
    }

    if let (Some(plan), Some(experiment)) = (&case.plan, state.experiments.get(&case.experiment)) {
        let other_metric =
            plan.metric.as_ref().is_some_and(|metric| metric.as_str() != experiment.metric.name);
        let other = other_metric || plan.unit != experiment.metric.unit;
        must(9, !other || plan.mapping.is_some(), &|| "another metric or unit without a mapping".to_owned());
        must(10, plan.treatment_share > 0.0 && plan.treatment_share < 1.0, &|| "no control arm".to_owned());
        let measured = plan.waves.iter().any(|wave| wave.kind == WaveKind::Measure);
        must(10, measured, &|| "a plan without a measured wave".to_owned());
    }
    if matches!(case.stage, Stage::RollingOut | Stage::Outcome) && exposure > 0.0 {
        must(10, case.admitted_percent() > exposure, &|| "no concurrent control cohort".to_owned());
    }

    must(11, crate::baseline::lineage_ends(state, case), &|| "the chain of baselines has a cycle".to_owned());

    let epochs_grow = case.allocations.windows(2).all(|pair| pair[0].epoch + 1 == pair[1].epoch);
    must(12, epochs_grow, &|| "the allocation log has a gap".to_owned());
    let shown = case.allocations.last().map_or(0.0, |last| last.exposure_percent);
    must(12, shown == exposure, &|| {
        format!("the allocation log says {shown} %, and {exposure} % are exposed")
    });
    broken
}

fn latest_judged_here(case: &Case) -> Option<Verdict> {
    case.measurements.judged_in(case.iteration).map(|measured| measured.verdict)
}

/// After the keep a sign-off has done its work; before it, every team's must be current.
fn signed_off(case: &Case) -> bool {
    case.teams().iter().all(|team| case.sign_off_status(team) == SignOffStatus::Approved)
}

fn exposed_in(case: &Case) -> bool {
    case.running.is_some()
}

fn changed_in(case: &Case) -> bool {
    case.ledger.deviations.iter().any(|deviation| deviation.iteration == case.iteration)
}
