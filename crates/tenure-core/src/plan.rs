//! `plan`: what is due now. Looks and waves of automatic rollouts, and deadlines that escalate. It never decides: what it
//! names is submitted as commands and judged like any other.

use crate::case::{Case, Stage};
use crate::change_request;
use crate::command::Command;
use crate::decide::decide;
use crate::hand_over::{self, PrepareHandOver};
use crate::id::{CaseId, ExperimentId};
use crate::notice::GiveNotice;
use crate::person::{Actor, DRIVERS, Role, Seat};
use crate::rollout::holdback::EndHoldback;
use crate::rollout::{StartWave, gate};
use crate::run;
use crate::state::State;
use crate::task::{Open, open};
use crate::time::{Moment, Now, days_between, days_later};

/// Something that is due.
#[derive(Clone, Debug, PartialEq)]
pub enum Due {
    /// Measure a rollout and record the look.
    Look {
        /// Of which case.
        case: CaseId,
    },
    /// Measure the arms of an experiment that is run here and record the look.
    LookAtRun {
        /// Which.
        experiment: ExperimentId,
    },
    /// Submit a command as Tenure itself.
    Submit(Box<Command>),
}

/// What is due now, case by case, of experiments that are run here, and change requests whose time has come. Pure; a thing that was done is not due again.
pub fn plan(state: &State, now: impl Into<Now>) -> Vec<Due> {
    of(state, state.all_cases(), now.into())
}

/// What is due in some cases, in every run, and change requests whose time has come.
pub(crate) fn of<'a>(state: &State, cases: impl Iterator<Item = &'a Case>, now: Now) -> Vec<Due> {
    let moment = Moment::of(now);
    let mut due: Vec<Due> =
        cases.flat_map(|case| of_case(state, case, &open(state, case, &moment), &moment)).collect();
    due.extend(run::due(state, &moment).map(|experiment| Due::LookAtRun { experiment: experiment.clone() }));
    due.extend(change_request::due(state, now).into_iter().map(|command| Due::Submit(Box::new(command))));
    due
}

/// What is due in a case in which this is open.
pub(crate) fn of_case(state: &State, case: &Case, open: &[Open<'_>], moment: &Moment) -> Vec<Due> {
    if case.stage.is_terminal() {
        return Vec::new();
    }
    let mut due = rollout(state, case, moment);
    if holdback_is_over(state, case, moment) {
        due.push(Due::Submit(Box::new(EndHoldback { case: case.id.clone(), reason: None }.into())));
    }
    if hand_over_is_due(state, case, moment) {
        due.push(Due::Submit(Box::new(PrepareHandOver { case: case.id.clone() }.into())));
    }
    let notices = notices(state, case, open, moment);
    due.extend(notices.into_iter().map(|notice| Due::Submit(Box::new(notice.into()))));
    due
}

fn rollout(state: &State, case: &Case, moment: &Moment) -> Vec<Due> {
    let (Some(plan), Some(running)) = (&case.plan, &case.running) else { return Vec::new() };
    if !plan.automatic || case.stage != Stage::RollingOut || case.hold.is_some() {
        return Vec::new();
    }
    let mut due = Vec::new();
    let policy = state.policy_of(case);
    let looked = case.measurements.looked.map_or(running.started, |looked| looked);
    if plan.metric.is_some() && moment.have_passed(policy.look_every_hours, looked) {
        due.push(Due::Look { case: case.id.clone() });
    }
    let another = running.wave + 1 < plan.waves.len();
    if another && gate::shut(case, plan, running, policy.wave_min_hours, moment).is_empty() {
        let command = Command::from(StartWave { case: case.id.clone() });
        if decide(state, &Actor::System, moment.at, &command).is_ok() {
            due.push(Due::Submit(Box::new(command)));
        }
    }
    due
}

/// Whether those who are held back from a kept feature are to meet it now.
fn holdback_is_over(state: &State, case: &Case, moment: &Moment) -> bool {
    case.held_back().is_some_and(|held_back| state.owners_have_begun(case, held_back.until, moment))
}

/// Whether the pack of the running warranty is to be drawn up now.
fn hand_over_is_due(state: &State, case: &Case, moment: &Moment) -> bool {
    let Some(ends) = case.warranty_ends().filter(|_| case.stage == Stage::Productionised) else {
        return false;
    };
    case.hand_over.as_ref().is_none_or(|before| before.ends != ends)
        && state.owners_have_begun(case, days_later(ends, -hand_over::DAYS_BEFORE), moment)
}

/// Notices that were not given yet: missed promises, and the end of the warranty.
fn notices(state: &State, case: &Case, open: &[Open<'_>], moment: &Moment) -> Vec<GiveNotice> {
    let late = state.escalations(case, open, moment).into_iter().map(|(name, wait)| GiveNotice {
        case: case.id.clone(),
        name,
        sentence: wait.line(),
        to: wait.seats,
    });
    late.chain(warranty(state, case, moment)).collect()
}

/// The tightest notice that applies, unless it was given: a server that was away says the last one only.
fn warranty(state: &State, case: &Case, moment: &Moment) -> Option<GiveNotice> {
    let ends = case.warranty_ends().filter(|_| case.stage == Stage::Productionised)?;
    let notices = state.policy_of(case).deadlines.warranty_notice_days.iter().map(|days| i64::from(*days));
    let applies = |before: &i64| state.owners_have_begun(case, days_later(ends, -before), moment);
    let before = notices.chain([0]).filter(applies).min()?;
    let name = format!("warranty ends {ends}, {before} days before");
    if case.notices.contains(&name) {
        return None;
    }
    let left = days_between(state.owner_date(case, moment.at), ends);
    let sentence = match left {
        ..0 => format!("the warranty of {} ended on {ends}: the product owners are accountable", case.id),
        0 => format!(
            "the warranty of {} ends today; from tomorrow the product owners are accountable",
            case.id
        ),
        _ => format!("the warranty of {} ends in {left} days, on {ends}", case.id),
    };
    let mut to: Vec<Seat> = DRIVERS.map(Seat::Role).to_vec();
    to.push(Seat::Role(Role::Developer));
    to.extend(case.product_owner_seats());
    Some(GiveNotice { case: case.id.clone(), name, sentence, to })
}
