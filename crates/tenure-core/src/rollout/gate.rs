//! Gates: what stands between the wave that runs and the next, when Tenure starts it by itself.

use jiff::Timestamp;

use crate::case::Case;
use crate::health::DataStanding;
use crate::measurement::{Measured, Verdict};
use crate::rollout::{Plan, Running, Wave};
use crate::time::Moment;

/// One thing that the next wave waits for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Gate {
    /// The wave that runs has not lasted its hours.
    Time,
    /// No look was taken since it began.
    Look,
    /// Too few matured units in the smaller arm.
    Units {
        /// So many there are.
        measured: u64,
        /// So many it takes.
        wanted: u64,
    },
    /// What the last look saw is not to be believed, in words.
    Health(String),
    /// The next wave is started by a person.
    Approval,
}

impl Gate {
    /// What it waits for.
    pub fn sentence(&self) -> String {
        match self {
            Self::Time => "it has not lasted its hours".to_owned(),
            Self::Look => "no look was taken since it began".to_owned(),
            Self::Units { measured, wanted } => {
                format!("{measured} of {wanted} units an arm are measured")
            }
            Self::Health(fault) => format!("its data are not to be believed: {fault}"),
            Self::Approval => "somebody has to start the next".to_owned(),
        }
    }
}

/// Every gate that is shut, in the order in which they open.
pub(crate) fn shut(
    case: &Case,
    plan: &Plan,
    running: &Running,
    wave_min_hours: u32,
    moment: &Moment,
) -> Vec<Gate> {
    let (Some(wave), Some(next)) = (plan.waves.get(running.wave), plan.waves.get(running.wave + 1)) else {
        return Vec::new();
    };
    let mut shut = Vec::new();
    let hours = wave.min_hours.unwrap_or(wave_min_hours);
    if !moment.have_passed(hours, running.since) {
        shut.push(Gate::Time);
    }
    let looked = case.measurements.looked.is_some_and(|looked| looked > running.since);
    let latest = case.measurements.latest.as_ref().filter(|_| looked);
    if plan.metric.is_some() && latest.is_none() {
        shut.push(Gate::Look);
    }
    let measured = latest.map_or(0, |latest| latest.control.n.min(latest.treatment.n));
    // A look at nobody's outcomes shows neither harm nor a guardrail beyond its margin.
    let wanted = wave.min_units.unwrap_or(u64::from(plan.metric.is_some() && latest.is_some()));
    if measured < wanted {
        shut.push(Gate::Units { measured, wanted });
    }
    shut.extend(latest.and_then(fault).map(Gate::Health));
    if next.approval {
        shut.push(Gate::Approval);
    }
    shut
}

/// When a wave has lasted its hours.
pub(crate) fn ends(wave: &Wave, running: &Running, wave_min_hours: u32) -> Timestamp {
    let hours = i64::from(wave.min_hours.unwrap_or(wave_min_hours));
    running.since.saturating_add(jiff::SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MAX)
}

/// Why a look is not to be believed.
fn fault(measured: &Measured) -> Option<String> {
    let bad = measured.health.iter().find(|finding| finding.state == DataStanding::Bad);
    match (measured.verdict, bad) {
        (Verdict::Invalid, _) => {
            Some(measured.judged.fault.clone().unwrap_or_else(|| "the last look is invalid".to_owned()))
        }
        (_, Some(bad)) => Some(bad.sentence.clone()),
        _ => None,
    }
}
