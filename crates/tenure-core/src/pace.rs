//! Pace: where the time of a case went, by who was waited on.
//!
//! Every second from opening belongs to exactly one party: when several are waited on at once they share it equally, so
//! that the parts sum to the whole. Counted as entries are applied, from what was open just before each.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Stage};
use crate::id::{BadId, CaseId, CodebaseId, TeamId};
use crate::person::{DRIVERS, Role, Seat};
use crate::state::State;
use crate::task::{Open, Task, open};
use crate::time::Moment;

/// Who had the ball.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub enum Party {
    /// Any of the drivers.
    Drivers,
    /// One role of the case's team.
    Role(Role),
    /// The product owners of a team.
    ProductTeam(TeamId),
    /// The owners of a codebase.
    Codebase(CodebaseId),
    /// Nobody: customers meet it, and it is measured.
    Rollout,
    /// Nobody: the experiment runs again.
    Rerun,
    /// Nobody: it was parked.
    Parked,
    /// Nobody: it was kept, and came back.
    InUse,
}

const PRODUCT_TEAM: &str = "product_team:";
const CODEBASE: &str = "codebase:";

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drivers => f.write_str("drivers"),
            Self::Role(role) => f.write_str(role.name()),
            Self::ProductTeam(team) => write!(f, "{PRODUCT_TEAM}{team}"),
            Self::Codebase(codebase) => write!(f, "{CODEBASE}{codebase}"),
            Self::Rollout => f.write_str("rollout"),
            Self::Rerun => f.write_str("rerun"),
            Self::Parked => f.write_str("parked"),
            Self::InUse => f.write_str("in_use"),
        }
    }
}

impl From<Party> for String {
    fn from(party: Party) -> String {
        party.to_string()
    }
}

/// A text that names no party.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadParty {
    /// No such party.
    #[error("party `{0}` is unknown")]
    Unknown(String),
    /// The team or codebase is no name.
    #[error(transparent)]
    BadId(#[from] BadId),
}

impl FromStr for Party {
    type Err = BadParty;

    fn from_str(text: &str) -> Result<Self, BadParty> {
        if let Some(team) = text.strip_prefix(PRODUCT_TEAM) {
            return Ok(Self::ProductTeam(TeamId::new(team)?));
        }
        if let Some(codebase) = text.strip_prefix(CODEBASE) {
            return Ok(Self::Codebase(CodebaseId::new(codebase)?));
        }
        let nobody = [Self::Drivers, Self::Rollout, Self::Rerun, Self::Parked, Self::InUse];
        let roles = Role::ALL.into_iter().map(Self::Role);
        nobody
            .into_iter()
            .chain(roles)
            .find(|party| party.to_string() == text)
            .ok_or_else(|| BadParty::Unknown(text.to_owned()))
    }
}

impl TryFrom<String> for Party {
    type Error = BadParty;

    fn try_from(text: String) -> Result<Self, BadParty> {
        text.parse()
    }
}

/// Where the time of a case went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pace {
    /// The instant up to which time is counted: the case's latest entry.
    pub counted: Timestamp,
    /// Seconds by party.
    pub seconds: BTreeMap<Party, i64>,
}

impl From<Timestamp> for Pace {
    fn from(opened: Timestamp) -> Self {
        Self { counted: opened, seconds: BTreeMap::new() }
    }
}

impl Pace {
    /// Everything counted, in seconds.
    pub fn total(&self) -> i64 {
        self.seconds.values().sum()
    }

    fn share(&mut self, seconds: i64, among: &BTreeSet<Party>) {
        let parts = i64::try_from(among.len()).unwrap_or(i64::MAX).max(1);
        for (at, party) in (0..).zip(among) {
            let part = seconds / parts + i64::from(at < seconds % parts);
            if part > 0 {
                *self.seconds.entry(party.clone()).or_default() += part;
            }
        }
    }
}

impl Case {
    /// Seconds from opening to the keep decision by who was waited on; nothing while it is not kept. They sum to the
    /// whole.
    pub fn seconds_to_keep(&self) -> impl Iterator<Item = (&Party, i64)> {
        let since_keep =
            self.kept.as_ref().map(|kept| self.pace.counted.as_second() - kept.stamp.at.as_second());
        let parts = since_keep.into_iter().flat_map(|since| {
            self.pace.seconds.iter().map(move |(party, seconds)| match party {
                Party::InUse => (party, seconds - since),
                _ => (party, *seconds),
            })
        });
        parts.filter(|(_, seconds)| *seconds > 0)
    }
}

impl State {
    /// Gives the time since a case's latest entry to whom it waited for.
    pub(crate) fn count_time(&mut self, id: &CaseId, at: Timestamp) {
        let Some(case) = self.cases.get(id).filter(|case| !case.stage.is_terminal()) else { return };
        let elapsed = at.as_second() - case.pace.counted.as_second();
        if elapsed <= 0 {
            return;
        }
        let among = self.had_the_ball(case);
        if let Some(case) = self.case_mut(id) {
            case.pace.share(elapsed, &among);
            case.pace.counted = at;
        }
    }

    fn had_the_ball(&self, case: &Case) -> BTreeSet<Party> {
        let nobody = match case.stage {
            Stage::Parked => Some(Party::Parked),
            Stage::Rerunning => Some(Party::Rerun),
            Stage::Productionised => Some(Party::InUse),
            Stage::RollingOut if case.hold.is_none() => Some(Party::Rollout),
            _ => None,
        };
        if let Some(nobody) = nobody {
            return BTreeSet::from([nobody]);
        }
        let open = open(self, case, &Moment::of(case.stage_since));
        let of = |one: &Open<'_>| Party::of(&one.task, case);
        let among: BTreeSet<Party> =
            open.iter().filter(|one| !is_aside(&one.task, case.stage)).filter_map(of).collect();
        match among.is_empty() {
            true => open.first().and_then(of).or(Some(Party::Drivers)).into_iter().collect(),
            false => among,
        }
    }
}

/// Whether the case would move on without it.
fn is_aside(task: &Task<'_>, stage: Stage) -> bool {
    match task {
        Task::AcceptOnus { .. }
        | Task::AcceptSuccession { .. }
        | Task::FixBug { .. }
        | Task::SettleDispute { .. }
        | Task::AcknowledgeHandOver { .. } => true,
        Task::ProposeWarranty | Task::AgreeWarranty { .. } => stage == Stage::Building,
        _ => false,
    }
}

impl Party {
    /// Whom a task waits for; none for Tenure itself.
    fn of(task: &Task<'_>, case: &Case) -> Option<Self> {
        // Before anything is shown to the owners, the builders build.
        if let Task::PassItems { shown: false, .. } = task {
            return Some(Self::Role(Role::Developer));
        }
        let seats = task.seats(case);
        let drivers = seats.iter().filter(|seat| matches!(seat, Seat::Role(role) if DRIVERS.contains(role)));
        if seats.len() > 1 && drivers.count() == seats.len() {
            return Some(Self::Drivers);
        }
        match seats.into_iter().next()? {
            Seat::Role(role) | Seat::Somewhere(role) => Some(Self::Role(role)),
            Seat::ProductOwner(team) => Some(Self::ProductTeam(team)),
            Seat::CodebaseOwner(codebase) => Some(Self::Codebase(codebase)),
            Seat::Account(_) => Some(Self::Role(Role::LeadDeveloper)),
            Seat::System => None,
        }
    }
}
