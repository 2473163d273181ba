//! Bugs: reported by anyone from the first exposure on, owned by whoever was accountable on that date.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Stage};
use crate::decide::Ask;
use crate::dispute::Dispute;
use crate::event::Event;
use crate::id::{BugId, CaseId};
use crate::refusal::Refusal;
use crate::time::Stamp;
use crate::warranty::Accountable;

/// A bug found in the wild.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Bug {
    /// What is wrong.
    pub description: Option<String>,
    /// The date of the report, which decides who is accountable.
    pub on: Date,
    /// Who fixes it.
    pub accountable: Accountable,
    /// When it was reported, and by whom.
    pub reported: Stamp,
    /// When it was fixed, and by whom.
    pub fixed: Option<Stamp>,
    /// Disputes about where it belongs, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disputes: Vec<Dispute>,
    /// The case that it belongs to, as a dispute showed; there it is open, and here no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<CaseId>,
    /// The case that it was reported in at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<CaseId>,
}

impl Bug {
    /// Whether somebody has to fix it here.
    pub fn is_open(&self) -> bool {
        self.fixed.is_none() && self.moved_to.is_none()
    }
}

impl Case {
    /// Bugs that are not fixed.
    pub fn open_bugs(&self) -> impl Iterator<Item = (&BugId, &Bug)> {
        self.bugs.iter().filter(|(_, bug)| bug.is_open())
    }

    /// Open bugs that the building team is accountable for.
    pub fn open_warranty_bugs(&self) -> Vec<&BugId> {
        self.open_bugs()
            .filter(|(_, bug)| bug.accountable == Accountable::BuildingTeam)
            .map(|(id, _)| id)
            .collect()
    }
}

/// Reports a bug.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportBug {
    /// In which case's feature.
    pub case: CaseId,
    /// Its name.
    pub bug: BugId,
    /// What is wrong.
    #[serde(default)]
    pub description: Option<String>,
}

/// Says that a bug is fixed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FixBug {
    /// In which case's feature.
    pub case: CaseId,
    /// Which.
    pub bug: BugId,
}

/// A bug was reported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BugReported {
    /// In which case's feature.
    pub case: CaseId,
    /// Its name.
    pub bug: BugId,
    /// What is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The date of the report.
    pub on: Date,
    /// Who fixes it.
    pub accountable: Accountable,
    /// The case that it was reported in at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<CaseId>,
}

/// A bug was fixed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BugFixed {
    /// In which case's feature.
    pub case: CaseId,
    /// Which.
    pub bug: BugId,
}

impl ReportBug {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        if let Some(there) = case.bugs.get(&self.bug) {
            return Err(Refusal::exists("bug", &self.bug).since(there.reported.at));
        }
        let accountable = ask
            .state
            .accountable_at(case, ask.now.at)
            .filter(|_| !matches!(case.stage, Stage::Removed | Stage::Retired))
            .ok_or_else(|| {
                Refusal::wrong_state(format!(
                    "nobody can meet the feature of {}: it is {}",
                    case.id, case.stage
                ))
            })?;
        Ok(vec![
            BugReported {
                case: self.case.clone(),
                bug: self.bug.clone(),
                description: self.description.clone(),
                on: ask.owner_date(case),
                accountable,
                moved_from: None,
            }
            .into(),
        ])
    }
}

impl FixBug {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        let bug = case.bugs.get(&self.bug).ok_or_else(|| Refusal::not_found("bug", &self.bug))?;
        if let Some(other) = &bug.moved_to {
            return Err(Refusal::wrong_state(format!("bug {} moved to case {other}", self.bug)));
        }
        if bug.fixed.is_some() {
            return Ok(Vec::new());
        }
        Ok(vec![BugFixed { case: self.case.clone(), bug: self.bug.clone() }.into()])
    }
}

impl BugReported {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        case.bugs.insert(
            self.bug.clone(),
            Bug {
                description: self.description.clone(),
                on: self.on,
                accountable: self.accountable,
                reported: stamp.clone(),
                fixed: None,
                disputes: Vec::new(),
                moved_to: None,
                moved_from: self.moved_from.clone(),
            },
        );
    }
}

impl BugFixed {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        if let Some(bug) = case.bugs.get_mut(&self.bug) {
            bug.fixed = Some(stamp.clone());
        }
    }
}
