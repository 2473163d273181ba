//! The state: the fold of the journal, held in memory. Everything in it was decided; nothing in it is looked up
//! elsewhere.

use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::calendar::TeamCalendar;
use crate::case::Case;
use crate::change_request::ChangeRequest;
use crate::code_reference::Scan;
use crate::codebase::Codebase;
use crate::deputy::{Acting, Deputyship};
use crate::environment::Environment;
use crate::experiment::Experiment;
use crate::flag::hand::PlainFlag;
use crate::id::{
    AccountId, CaseId, ChangeRequestId, CodebaseId, EnvironmentId, ExperimentId, FlagKey, MetricId,
    PlatformChangeId, SegmentId, TeamId,
};
use crate::metric::Metric;
use crate::person::{Grant, Person};
use crate::platform_change::PlatformChange;
use crate::policy::Revision;
use crate::run::Run;
use crate::segment::KnownSegment;
use crate::succession::Succession;
use crate::team::Team;

/// Everything that was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The number of the last entry applied; 0 before the first.
    pub seq: u64,
    /// Accounts and the roles they hold.
    pub people: BTreeMap<AccountId, Person>,
    /// The same the other way round: who holds each grant that somebody holds.
    pub holders: BTreeMap<Grant, BTreeSet<AccountId>>,
    /// Teams.
    pub teams: BTreeMap<TeamId, Team>,
    /// Teams that are being dissolved, or are, with who takes their place.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub successions: BTreeMap<TeamId, Succession>,
    /// Codebases and their owner processes.
    pub codebases: BTreeMap<CodebaseId, Codebase>,
    /// Metrics.
    pub metrics: BTreeMap<MetricId, Metric>,
    /// Experiments.
    pub experiments: BTreeMap<ExperimentId, Experiment>,
    /// Experiments that are run here, those that ended too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub runs: BTreeMap<ExperimentId, Run>,
    /// Cases, shared with whoever keeps a snapshot of them: an entry copies the one case that it changes.
    pub cases: BTreeMap<CaseId, Arc<Case>>,
    /// Platform changes.
    pub platform_changes: BTreeMap<PlatformChangeId, PlatformChange>,
    /// Flags set by hand.
    pub flags: BTreeMap<FlagKey, Arc<PlainFlag>>,
    /// The case each case flag belongs to.
    pub flag_cases: BTreeMap<FlagKey, CaseId>,
    /// The run that was planned last on each flag of a run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub flag_runs: BTreeMap<FlagKey, ExperimentId>,
    /// What was said about environments.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environments: BTreeMap<EnvironmentId, Environment>,
    /// Segments that rules of flags refer to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub segments: BTreeMap<SegmentId, KnownSegment>,
    /// Requests to change flags, those that came to their end too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub change_requests: BTreeMap<ChangeRequestId, ChangeRequest>,
    /// The last scan of each codebase for flags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scans: BTreeMap<CodebaseId, Scan>,
    /// Every policy there was, oldest first; never empty. The last is in force for new cases.
    pub policies: Vec<Revision>,
    /// What teams say about their days.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub calendars: BTreeMap<TeamId, TeamCalendar>,
    /// Who acts for whom while they are away: by deputy, then by the person who is away.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub deputies: BTreeMap<AccountId, BTreeMap<AccountId, Deputyship>>,
    /// For whom the next entries are made, between the entry of a deputy and the last that it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acting: Option<Acting>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            seq: 0,
            people: BTreeMap::new(),
            holders: BTreeMap::new(),
            teams: BTreeMap::new(),
            successions: BTreeMap::new(),
            codebases: BTreeMap::new(),
            metrics: BTreeMap::new(),
            experiments: BTreeMap::new(),
            runs: BTreeMap::new(),
            cases: BTreeMap::new(),
            platform_changes: BTreeMap::new(),
            flags: BTreeMap::new(),
            flag_cases: BTreeMap::new(),
            flag_runs: BTreeMap::new(),
            environments: BTreeMap::new(),
            segments: BTreeMap::new(),
            change_requests: BTreeMap::new(),
            scans: BTreeMap::new(),
            policies: vec![Revision::default()],
            calendars: BTreeMap::new(),
            deputies: BTreeMap::new(),
            acting: None,
        }
    }
}

impl State {
    /// A case.
    pub fn case<I: Ord + ?Sized>(&self, id: &I) -> Option<&Case>
    where
        CaseId: Borrow<I>,
    {
        self.cases.get(id).map(Arc::as_ref)
    }

    /// Every case.
    pub fn all_cases(&self) -> impl Iterator<Item = &Case> {
        self.cases.values().map(Arc::as_ref)
    }

    pub(crate) fn case_mut(&mut self, id: &CaseId) -> Option<&mut Case> {
        self.cases.get_mut(id).map(Arc::make_mut)
    }
}
