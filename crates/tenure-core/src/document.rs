//! Documents of a case: the dossier, the decision record and the release note, printed from one value.
//!
//! A [`CaseFile`] holds everything they say and nothing of the rest of the world. It survives JSON, so that whoever keeps
//! free text elsewhere can put it in place before printing. Printing is pure: no clock, no file, no network, and what
//! comes out loads nothing.
//!
//! ```
//! use jiff::tz::TimeZone;
//! use tenure_core::document::{JournalRow, dossier};
//! use tenure_core::narration::Names;
//! # use tenure_core::scenario::run_one;
//! # let process = include_str!("../../../scenarios/process.json");
//! # let (_, world) = run_one(process, "S01")?.ok_or("no such scenario")?;
//! # let now: jiff::Timestamp = "2026-11-06T09:00:00Z".parse()?;
//! let case = world.state.cases.get("PC-1").ok_or("no such case")?;
//! let names = Names::default();
//! let file = world.state.case_file(case, now, &names);
//! let journal: Vec<JournalRow> = world.journal.iter().map(|entry| JournalRow::of(entry, &names)).collect();
//! let page = dossier::html(&file, &journal, &TimeZone::UTC);
//! assert!(page.starts_with("<!doctype html>"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::apply::Recorded;
use crate::baseline::{self, Cumulative};
use crate::case::Case;
use crate::codebase::Codebase;
use crate::experiment::Experiment;
use crate::follow_up::FollowUpStatus;
use crate::hand_over::HandOverStatus;
use crate::id::{AccountId, CaseId, CodebaseId, ExperimentId, FollowUpId, PlatformChangeId, TeamId};
use crate::narration::{Names, narrate};
use crate::platform_change::PlatformChange;
use crate::policy::Policy;
use crate::state::State;
use crate::time::{Now, Stamp};
use crate::view::{Delivery, Fidelity, Promise, SignOffView};
use crate::warranty::Accountable;

pub mod decision_record;
pub mod dossier;
pub(crate) mod markdown;
mod page;
mod plot;
pub mod release_note;

/// Everything the documents of a case say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseFile {
    /// The instant it was put together.
    pub at: Timestamp,
    /// The date of that for the team that has the onus.
    pub today: Date,
    /// Everything recorded of the case.
    pub case: Case,
    /// The policy it was opened under.
    pub policy: Policy,
    /// Its experiment.
    pub experiment: Option<Experiment>,
    /// The experiments before it.
    pub earlier: BTreeMap<ExperimentId, Experiment>,
    /// Teams' names for people, where they have any.
    pub teams: BTreeMap<TeamId, String>,
    /// The codebases it touches.
    pub codebases: BTreeMap<CodebaseId, Codebase>,
    /// Platform changes that were suggested to it.
    pub platform_changes: BTreeMap<PlatformChangeId, PlatformChange>,
    /// What was won.
    pub promise: Option<Promise>,
    /// What was delivered.
    pub delivery: Option<Delivery>,
    /// The deviation ledger, weighed.
    pub fidelity: Fidelity,
    /// Sign-offs, with where they stand.
    pub sign_offs: Vec<SignOffView>,
    /// Where each follow-up stands.
    pub follow_ups: BTreeMap<FollowUpId, FollowUpStatus>,
    /// What waits on somebody, the most pressing first, a line each.
    pub waits: Vec<String>,
    /// What it waits for that is time alone.
    pub until: Option<String>,
    /// Who answers for the feature at that instant.
    pub accountable: Option<Accountable>,
    /// Where the hand-over to the product owners stands.
    #[serde(default)]
    pub hand_over: Option<HandOverStatus>,
    /// The chain of kept cases that led to it.
    pub lineage: Option<Cumulative>,
    /// Other cases that are rolled out on the same product surface.
    pub collides_with: Vec<CaseId>,
    /// What accounts are called.
    pub names: Names,
}

/// An entry of the journal, ready to be printed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JournalRow {
    /// Its place in the journal.
    pub seq: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// Who decided it, by name.
    pub who: String,
    /// What happened: the event's kind.
    pub what: String,
    /// The same in one sentence.
    pub text: String,
}

impl JournalRow {
    /// The row of an entry.
    pub fn of(recorded: &Recorded, names: &Names) -> Self {
        Self {
            seq: recorded.seq,
            at: recorded.at,
            who: names.of(&recorded.actor).to_owned(),
            what: recorded.event.kind().to_owned(),
            text: narrate(recorded, names),
        }
    }
}

impl State {
    /// Everything the documents of a case say, as of an instant.
    pub fn case_file(&self, case: &Case, now: impl Into<Now>, names: &Names) -> CaseFile {
        let now = now.into();
        let experiment = |id: &ExperimentId| Some((id.clone(), self.experiments.get(id)?.clone()));
        let suggested = case.suggestions.iter().chain(&case.dismissed);
        CaseFile {
            at: now.at,
            today: self.today(case, now.at),
            policy: self.policy_of(case).clone(),
            experiment: self.experiments.get(&case.experiment).cloned(),
            earlier: case.earlier_experiments.iter().filter_map(experiment).collect(),
            teams: self.teams.iter().map(|(id, team)| (id.clone(), team.name.clone())).collect(),
            codebases: case
                .codebases()
                .into_iter()
                .filter_map(|id| Some((id.clone(), self.codebases.get(&id)?.clone())))
                .collect(),
            platform_changes: suggested
                .filter_map(|id| Some((id.clone(), self.platform_changes.get(id)?.clone())))
                .collect(),
            promise: self.promise(case),
            delivery: self.delivery(case),
            fidelity: self.fidelity(case),
            sign_offs: case.sign_off_views(),
            follow_ups: case.follow_up_statuses(),
            waits: self.waits(case, now).iter().map(|wait| wait.line_with(names)).collect(),
            until: self.until(case, now).map(|until| until.line()),
            accountable: self.accountable_at(case, now.at),
            hand_over: case.hand_over_status(self.owner_date(case, now.at)),
            lineage: baseline::cumulative(self, case),
            collides_with: self.collisions(case),
            names: names.clone(),
            case: case.clone(),
        }
    }
}

impl CaseFile {
    /// What the feature is called: its experiment's title, or its name.
    pub(crate) fn title(&self) -> &str {
        let title = self.experiment.as_ref().and_then(|experiment| experiment.title.as_deref());
        title.unwrap_or_else(|| self.case.experiment.as_str())
    }

    pub(crate) fn name(&self, account: &AccountId) -> String {
        self.names.of(account).to_owned()
    }

    pub(crate) fn team(&self, team: &TeamId) -> String {
        self.teams.get(team).cloned().unwrap_or_else(|| team.to_string())
    }
}

/// A file with the zone its instants are printed in.
#[derive(Clone, Copy)]
pub(crate) struct Printed<'a> {
    pub file: &'a CaseFile,
    pub zone: &'a TimeZone,
}

impl Printed<'_> {
    /// The date of an instant.
    pub fn date(&self, at: Timestamp) -> String {
        self.zone.to_datetime(at).date().to_string()
    }

    /// Date and minute of an instant.
    pub fn minute(&self, at: Timestamp) -> String {
        self.zone.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// Who, and on which date.
    pub fn stamp(&self, stamp: &Stamp) -> String {
        let acting_for = stamp.acting_for.as_ref().map(|account| format!(" for {}", self.file.name(account)));
        format!("{}{}, {}", self.file.name(&stamp.by), acting_for.unwrap_or_default(), self.date(stamp.at))
    }

    /// The zone's name, for the foot of a page.
    pub fn zone_name(&self) -> String {
        match self.zone.iana_name() {
            Some(name) => name.to_owned(),
            None if *self.zone == TimeZone::UTC => "UTC".to_owned(),
            None => format!("UTC{}", self.zone.to_offset(self.file.at)),
        }
    }
}
