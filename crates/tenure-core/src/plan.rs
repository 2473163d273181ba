//! `plan`: what is due now. Looks and waves of automatic rollouts, and deadlines that escalate. It never decides: what it
//! names is submitted as commands and judged like any other.

use jiff::{SignedDuration, Timestamp};

use crate::case::{Case, Stage};
use crate::change_request;
use crate::command::Command;
use crate::decide::decide;
use crate::hand_over::PrepareHandOver;
use crate::id::CaseId;
use crate::notice::GiveNotice;
use crate::person::{Actor, DRIVERS, Role, Seat};
use crate::rollout::{Plan, Running, StartWave};
use crate::state::State;
use crate::time::{Now, days_between};

/// Something that is due.
#[derive(Clone, Debug, PartialEq)]
pub enum Due {
    /// Measure a rollout and record the look.
    Look {
        /// Of which case.
        case: CaseId,
    },
    /// Submit a command as Tenure itself.
    Submit(Box<Command>),
}

/// What is due now, case by case, and change requests whose time has come. Pure; a thing that was done is not due again.
pub fn plan(state: &State, now: impl Into<Now>) -> Vec<Due> {
    let now = now.into();
    let mut due = Vec::new();
    for case in state.cases.values().filter(|case| !case.stage.is_terminal()) {
        due.extend(rollout(state, case, now));
        if case.hand_over_is_due(state.owner_date(case, now.at)) {
            due.push(Due::Submit(Box::new(PrepareHandOver { case: case.id.clone() }.into())));
        }
        due.extend(notices(state, case, now).into_iter().map(|notice| Due::Submit(Box::new(notice.into()))));
    }
    due.extend(change_request::due(state, now).into_iter().map(|command| Due::Submit(Box::new(command))));
    due
}

fn rollout(state: &State, case: &Case, now: Now) -> Vec<Due> {
    let (Some(plan), Some(running)) = (&case.plan, &case.running) else { return Vec::new() };
    if !plan.automatic || case.stage != Stage::RollingOut || case.hold.is_some() {
        return Vec::new();
    }
    let mut due = Vec::new();
    let policy = state.policy_of(case);
    let looked = case.measurements.looked.map_or(running.started, |looked| looked);
    if plan.metric.is_some() && has_passed(looked, policy.look_every_hours, now.at) {
        due.push(Due::Look { case: case.id.clone() });
    }
    if wave_is_due(case, plan, running, policy.wave_min_hours, now.at) {
        let command = Command::from(StartWave { case: case.id.clone() });
        if decide(state, &Actor::System, now, &command).is_ok() {
            due.push(Due::Submit(Box::new(command)));
        }
    }
    due
}

/// Whether the gates of the wave that runs are met: its time, its units, and a look since it began.
fn wave_is_due(case: &Case, plan: &Plan, running: &Running, hours: u32, now: Timestamp) -> bool {
    let (Some(wave), Some(next)) = (plan.waves.get(running.wave), plan.waves.get(running.wave + 1)) else {
        return false;
    };
    let looked = case.measurements.looked.is_some_and(|looked| looked > running.since);
    let units =
        case.measurements.latest.as_ref().map_or(0, |latest| latest.control.n.min(latest.treatment.n));
    !next.approval
        && has_passed(running.since, wave.min_hours.unwrap_or(hours), now)
        && (looked || plan.metric.is_none())
        && wave.min_units.is_none_or(|wanted| looked && units >= wanted)
}

fn has_passed(since: Timestamp, hours: u32, now: Timestamp) -> bool {
    now.duration_since(since) >= SignedDuration::from_hours(i64::from(hours))
}

/// Notices that were not given yet: missed promises, and the end of the warranty.
fn notices(state: &State, case: &Case, now: Now) -> Vec<GiveNotice> {
    let late = state.escalations(case, now).into_iter().map(|(name, wait)| GiveNotice {
        case: case.id.clone(),
        name,
        sentence: wait.line(),
        to: wait.seats,
    });
    let ends = warranty(state, case, now).filter(|notice| !case.notices.contains(&notice.name));
    late.chain(ends).collect()
}

/// The tightest notice that applies: a server that was away says the last one only.
fn warranty(state: &State, case: &Case, now: Now) -> Option<GiveNotice> {
    let ends = case.warranty_ends().filter(|_| case.stage == Stage::Productionised)?;
    let left = days_between(state.owner_date(case, now.at), ends);
    let notices = state.policy_of(case).deadlines.warranty_notice_days.iter().map(|days| i64::from(*days));
    let before = notices.chain([0]).filter(|before| left <= *before).min()?;
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
    Some(GiveNotice {
        case: case.id.clone(),
        name: format!("warranty ends {ends}, {before} days before"),
        sentence,
        to,
    })
}
