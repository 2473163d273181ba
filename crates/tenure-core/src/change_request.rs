//! Change requests: changes of one environment that are proposed with a reason, approved by others where the environment asks
//! for it, and applied at once or at a time. A scheduled change is a request with a time.
//!
//! An approval is of one revision: a request that is edited needs approval again. What a request changes must be as it was
//! when it was proposed or last edited, so that what is applied is what was read.

pub mod difference;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::codebase::stated;
use crate::decide::Ask;
use crate::event::Event;
use crate::flag::hand::{self, Because, PlainFlag, Writing, flag_setters};
use crate::id::{AccountId, ChangeRequestId, EnvironmentId, FlagKey};
use crate::person::{Actor, Seat};
use crate::refusal::{Refusal, RefusalCode};
use crate::segment::{self, SetSegment};
use crate::state::State;
use crate::time::Stamp;

/// The most changes of one request.
const CHANGES_MAX: usize = 50;

/// One change, written as the command that would make it directly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", content = "with", rename_all = "snake_case")]
pub enum Change {
    /// Sets a flag.
    SetFlag(FlagChange),
    /// Takes a flag away.
    ArchiveFlag(FlagRemoval),
    /// Takes changes of a flag back.
    RevertFlag(FlagReversal),
    /// Sets a segment.
    SetSegment(SetSegment),
}

/// A flag, as it is to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlagChange {
    /// Its key.
    pub key: FlagKey,
    /// What it serves: `definition` or `authored`.
    #[serde(flatten)]
    pub writing: Writing,
}

/// A flag that is to be taken away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlagRemoval {
    /// Its key.
    pub key: FlagKey,
}

/// A flag that is to be as it was before an entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlagReversal {
    /// Its key.
    pub key: FlagKey,
    /// The entry of the first change to take back.
    pub entry: u64,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RequestStatus {
    /// It can be approved, edited, applied.
    Open,
    /// Its changes were made.
    Applied,
    /// Somebody said no.
    Rejected,
    /// Its author gave it up.
    Withdrawn,
}

/// A request to change flags of an environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeRequest {
    /// Where.
    pub environment: EnvironmentId,
    /// What is to change, in order.
    pub changes: Vec<Change>,
    /// For each change, the entry of what it replaces; 0 for nothing.
    pub bases: Vec<u64>,
    /// Why.
    pub reason: String,
    /// When it is applied by Tenure itself; by hand when none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// Counts from 1; every edit adds one.
    pub revision: u32,
    /// Who proposed it, and who edited it.
    pub authors: BTreeSet<AccountId>,
    /// Approvals of this revision.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub approvals: BTreeMap<AccountId, Stamp>,
    /// Where it stands.
    pub status: RequestStatus,
    /// When it was proposed, and by whom.
    pub proposed: Stamp,
    /// When it was edited last, or came to its end.
    pub changed: Stamp,
    /// Why it was rejected or withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

impl ChangeRequest {
    /// A segment that its changes refer to and that was changed since they were read: other units would get them.
    fn moved_segment(&self, state: &State) -> Option<String> {
        let named = self.changes.iter().flat_map(|change| change.segments(state, &self.environment));
        let moved = |name: &String| {
            let segment = state.segments.get(name.as_str());
            segment.is_some_and(|segment| segment.version.stamp.at > self.changed.at)
        };
        named.into_iter().find(moved)
    }
}

/// Proposes changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProposeChange {
    /// The request's name.
    pub request: ChangeRequestId,
    /// Where; `production` when left out.
    #[serde(default = "crate::flag::production")]
    pub environment: EnvironmentId,
    /// What is to change, in order.
    pub changes: Vec<Change>,
    /// Why.
    pub reason: String,
    /// When it is to be applied; by hand when left out.
    #[serde(default)]
    pub at: Option<Timestamp>,
}

/// Edits a request; it needs approval again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EditChange {
    /// Which.
    pub request: ChangeRequestId,
    /// What is to change, in order.
    pub changes: Vec<Change>,
    /// Why; as it was when left out.
    #[serde(default)]
    pub reason: Option<String>,
    /// When it is to be applied; by hand when left out.
    #[serde(default)]
    pub at: Option<Timestamp>,
}

/// Approves a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApproveChange {
    /// Which.
    pub request: ChangeRequestId,
    /// The revision that was read; the latest when left out.
    #[serde(default)]
    pub revision: Option<u32>,
}

/// Rejects a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RejectChange {
    /// Which.
    pub request: ChangeRequestId,
    /// Why.
    pub reason: String,
}

/// Gives a request up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WithdrawChange {
    /// Which.
    pub request: ChangeRequestId,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Makes the changes of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApplyChange {
    /// Which.
    pub request: ChangeRequestId,
}

/// Changes were proposed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeProposed {
    /// The request's name.
    pub request: ChangeRequestId,
    /// Where.
    pub environment: EnvironmentId,
    /// What is to change.
    pub changes: Vec<Change>,
    /// For each change, the entry of what it replaces; 0 for nothing.
    pub bases: Vec<u64>,
    /// Why.
    pub reason: String,
    /// When it is applied by Tenure itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// A request was edited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeEdited {
    /// Which.
    pub request: ChangeRequestId,
    /// The revision it is now.
    pub revision: u32,
    /// What is to change.
    pub changes: Vec<Change>,
    /// For each change, the entry of what it replaces; 0 for nothing.
    pub bases: Vec<u64>,
    /// Why.
    pub reason: String,
    /// When it is applied by Tenure itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// A request was approved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeApproved {
    /// Which.
    pub request: ChangeRequestId,
    /// The revision that was approved.
    pub revision: u32,
}

/// A request was rejected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeRejected {
    /// Which.
    pub request: ChangeRequestId,
    /// Why.
    pub reason: String,
}

/// A request was given up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeWithdrawn {
    /// Which.
    pub request: ChangeRequestId,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The changes of a request were made, by the entries that follow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeApplied {
    /// Which.
    pub request: ChangeRequestId,
}

impl Change {
    /// What it is about: a flag's key, or a segment.
    pub fn target(&self) -> (&'static str, &str) {
        match self {
            Self::SetFlag(change) => ("flag", change.key.as_str()),
            Self::ArchiveFlag(change) => ("flag", change.key.as_str()),
            Self::RevertFlag(change) => ("flag", change.key.as_str()),
            Self::SetSegment(change) => ("segment", change.segment.as_str()),
        }
    }

    /// The entry of what it replaces in an environment; 0 for nothing.
    fn base(&self, state: &State, environment: &EnvironmentId) -> u64 {
        let flag = |key: &FlagKey| state.flags.get(key).and_then(|flag| flag.latest(environment));
        match self {
            Self::SetFlag(FlagChange { key, .. })
            | Self::ArchiveFlag(FlagRemoval { key })
            | Self::RevertFlag(FlagReversal { key, .. }) => flag(key).map_or(0, |version| version.entry),
            Self::SetSegment(change) => {
                state.segments.get(&change.segment).map_or(0, |segment| segment.version.entry)
            }
        }
    }

    /// The segments that what it brings refers to.
    fn segments(&self, state: &State, environment: &EnvironmentId) -> BTreeSet<String> {
        let source = match self {
            Self::SetFlag(change) => change.writing.source().ok(),
            Self::RevertFlag(change) => {
                let before = |flag: &Arc<PlainFlag>| flag.before(environment, change.entry).flatten();
                state.flags.get(&change.key).and_then(before)
            }
            Self::ArchiveFlag(_) | Self::SetSegment(_) => None,
        };
        source.map(|source| source.segments()).unwrap_or_default()
    }

    /// What making it records.
    fn events(
        &self,
        ask: &Ask<'_>,
        environment: &EnvironmentId,
        request: &ChangeRequestId,
        reason: &str,
    ) -> Result<Vec<Event>, Refusal> {
        let because = || Because { reason: Some(reason.to_owned()), request: Some(request.clone()) };
        match self {
            Self::SetFlag(change) => hand::set(ask, &change.key, environment, &change.writing, because()),
            Self::ArchiveFlag(change) => hand::archive(ask, &change.key, Some(environment), because()),
            Self::RevertFlag(change) => hand::revert(ask, &change.key, environment, change.entry, because()),
            Self::SetSegment(change) => {
                let reason = change.reason.as_deref().unwrap_or(reason);
                segment::set(ask, change, Some(reason), Some(request.clone()))
            }
        }
    }
}

impl State {
    /// How many people, none of them an author, approve changes of an environment. A segment is in every environment whose
    /// rules refer to it.
    pub fn approvals_needed(&self, environment: &EnvironmentId, changes: &[Change]) -> u32 {
        let elsewhere = changes.iter().flat_map(|change| match change {
            Change::SetSegment(change) => {
                self.users_of(&change.segment).into_iter().map(|(_, environment)| environment).collect()
            }
            _ => Vec::new(),
        });
        elsewhere.chain([environment]).map(|environment| self.approvals_of(environment)).max().unwrap_or(0)
    }

    /// Requests whose time has come.
    pub(crate) fn requests_due(&self, now: Timestamp) -> impl Iterator<Item = &ChangeRequestId> {
        let due = move |request: &ChangeRequest| {
            request.status == RequestStatus::Open && request.at.is_some_and(|at| at <= now)
        };
        self.change_requests.iter().filter(move |(_, request)| due(request)).map(|(id, _)| id)
    }
}

/// Checks that every change could be made now, and says what each replaces.
fn checked(
    ask: &Ask<'_>,
    environment: &EnvironmentId,
    request: &ChangeRequestId,
    changes: &[Change],
    reason: &str,
) -> Result<Vec<u64>, Refusal> {
    ask.environment_in_use(environment)?;
    if stated(Some(reason)).is_none() {
        return Err(Refusal::new(RefusalCode::ReasonMissing, "a change is proposed with a reason")
            .missing(["reason: why"]));
    }
    if changes.is_empty() || changes.len() > CHANGES_MAX {
        return Err(Refusal::argument(format!("changes: 1 to {CHANGES_MAX}, not {}", changes.len())));
    }
    let mut targets = BTreeSet::new();
    for change in changes {
        let (noun, name) = change.target();
        if !targets.insert((noun, name)) {
            return Err(Refusal::argument(format!("changes: {noun} {name} is changed twice: say it once")));
        }
        change.events(ask, environment, request, reason)?;
    }
    Ok(changes.iter().map(|change| change.base(ask.state, environment)).collect())
}

/// A time that has not come yet.
fn later(ask: &Ask<'_>, at: Option<Timestamp>) -> Result<(), Refusal> {
    match at.filter(|at| *at <= ask.now.at) {
        Some(at) => Err(Refusal::argument(format!("at: {at} is past; leave it out to apply it by hand"))),
        None => Ok(()),
    }
}

fn open<'a>(ask: &Ask<'a>, id: &ChangeRequestId, what: &str) -> Result<&'a ChangeRequest, Refusal> {
    let request =
        ask.state.change_requests.get(id).ok_or_else(|| Refusal::not_found("change request", id))?;
    ask.seated(&flag_setters(), None, what)?;
    if request.status == RequestStatus::Open {
        return Ok(request);
    }
    let ended = match request.status {
        RequestStatus::Applied => "applied",
        RequestStatus::Rejected => "rejected",
        _ => "withdrawn",
    };
    Err(Refusal::wrong_state(format!("change request {id} was {ended}")).since(request.changed.at))
}

impl ProposeChange {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        ask.seated(&flag_setters(), None, "propose a change")?;
        if let Some(there) = ask.state.change_requests.get(&self.request) {
            return Err(Refusal::exists("change request", &self.request).since(there.proposed.at));
        }
        let bases = checked(ask, &self.environment, &self.request, &self.changes, &self.reason)?;
        later(ask, self.at)?;
        Ok(vec![
            ChangeProposed {
                request: self.request.clone(),
                environment: self.environment.clone(),
                changes: self.changes.clone(),
                bases,
                reason: self.reason.clone(),
                at: self.at,
            }
            .into(),
        ])
    }
}

impl EditChange {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let request = open(ask, &self.request, "edit a change request")?;
        let reason = self.reason.as_ref().unwrap_or(&request.reason);
        let bases = checked(ask, &request.environment, &self.request, &self.changes, reason)?;
        later(ask, self.at)?;
        let same = self.changes == request.changes && *reason == request.reason;
        let moved = request.moved_segment(ask.state).is_some();
        if same && !moved && bases == request.bases && self.at == request.at {
            return Ok(Vec::new());
        }
        Ok(vec![
            ChangeEdited {
                request: self.request.clone(),
                revision: request.revision + 1,
                changes: self.changes.clone(),
                bases,
                reason: reason.clone(),
                at: self.at,
            }
            .into(),
        ])
    }
}

/// The request was edited since, or what it changes was changed.
fn changed_since(ask: &Ask<'_>, sentence: String, missing: &str, since: Timestamp) -> Refusal {
    Refusal::new(RefusalCode::ChangedSince, sentence)
        .missing([missing])
        .since(since)
        .cleared_by(ask.who_may(&flag_setters(), None))
}

impl ApproveChange {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let request = open(ask, &self.request, "approve a change request")?;
        let account = ask.actor.account();
        if request.authors.contains(&account) {
            return Err(Refusal::new(
                RefusalCode::OwnChange,
                format!("{account} is an author of change request {}", self.request),
            )
            .missing(["approve_change by somebody else"])
            .since(request.proposed.at)
            .cleared_by(ask.who_may(&flag_setters(), None)));
        }
        if self.revision.is_some_and(|read| read != request.revision) {
            let sentence =
                format!("change request {} is at revision {} by now", self.request, request.revision);
            return Err(changed_since(ask, sentence, "approve_change of the latest", request.changed.at));
        }
        if request.approvals.contains_key(&account) {
            return Ok(Vec::new());
        }
        Ok(vec![ChangeApproved { request: self.request.clone(), revision: request.revision }.into()])
    }
}

impl RejectChange {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        open(ask, &self.request, "reject a change request")?;
        if stated(Some(&self.reason)).is_none() {
            return Err(Refusal::new(
                RefusalCode::ReasonMissing,
                "a change request is rejected with a reason",
            )
            .missing(["reason: why"]));
        }
        Ok(vec![ChangeRejected { request: self.request.clone(), reason: self.reason.clone() }.into()])
    }
}

impl WithdrawChange {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let request = open(ask, &self.request, "withdraw a change request")?;
        let mut seats: Vec<Seat> = request.authors.iter().cloned().map(Seat::Account).collect();
        seats.push(Seat::Somewhere(crate::person::Role::Admin));
        ask.seated(&seats, None, "withdraw a change request of others")?;
        let reason = stated(self.reason.as_deref()).map(str::to_owned);
        Ok(vec![ChangeWithdrawn { request: self.request.clone(), reason }.into()])
    }
}

impl ApplyChange {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let request = open(ask, &self.request, "apply a change request")?;
        let environment = &request.environment;
        ask.environment_in_use(environment)?;
        let needed = ask.state.approvals_needed(environment, &request.changes);
        let given = u32::try_from(request.approvals.len()).unwrap_or(u32::MAX);
        if given < needed {
            let sentence = format!("change request {} has {given} of {needed} approvals", self.request);
            return Err(Refusal::new(RefusalCode::ApprovalMissing, sentence)
                .missing(["approve_change by somebody who is no author"])
                .since(request.changed.at)
                .cleared_by(ask.who_may(&flag_setters(), None)));
        }
        if let Some(at) = request.at.filter(|at| *at > ask.now.at) {
            return Err(Refusal::wrong_state(format!("change request {} is applied at {at}", self.request))
                .missing(["edit_change without a time, to apply it by hand"])
                .since(request.changed.at));
        }
        let approved = request.approvals.values().map(|stamp| stamp.at).max();
        if let (Some(at), Some(approved)) = (request.at, approved)
            && *ask.actor == Actor::System
            && approved > at
        {
            let sentence = format!("change request {} was approved after {at}, its time", self.request);
            return Err(Refusal::wrong_state(sentence)
                .missing(["apply_change by somebody, or edit_change with a time to come"])
                .since(approved));
        }
        for (change, base) in request.changes.iter().zip(&request.bases) {
            if change.base(ask.state, environment) != *base {
                let (noun, name) = change.target();
                let sentence = format!("{noun} {name} was changed since change request {} was", self.request);
                return Err(changed_since(
                    ask,
                    sentence,
                    "edit_change, on what it is now",
                    request.changed.at,
                ));
            }
        }
        if let Some(segment) = request.moved_segment(ask.state) {
            let sentence = format!(
                "segment {segment}, which change request {} refers to, was changed since",
                self.request
            );
            let remedy = "edit_change, on what it is now";
            return Err(changed_since(ask, sentence, remedy, request.changed.at));
        }
        let mut events = vec![ChangeApplied { request: self.request.clone() }.into()];
        for change in &request.changes {
            events.extend(change.events(ask, environment, &self.request, &request.reason)?);
        }
        Ok(events)
    }
}

impl ChangeProposed {
    pub(crate) fn apply(&self, state: &mut State, stamp: &Stamp) {
        let request = ChangeRequest {
            environment: self.environment.clone(),
            changes: self.changes.clone(),
            bases: self.bases.clone(),
            reason: self.reason.clone(),
            at: self.at,
            revision: 1,
            authors: BTreeSet::from([stamp.by.clone()]),
            approvals: BTreeMap::new(),
            status: RequestStatus::Open,
            proposed: stamp.clone(),
            changed: stamp.clone(),
            because: None,
        };
        state.change_requests.insert(self.request.clone(), request);
    }
}

impl ChangeEdited {
    pub(crate) fn apply(&self, state: &mut State, stamp: &Stamp) {
        let Some(request) = state.change_requests.get_mut(&self.request) else { return };
        request.revision = self.revision;
        request.changes.clone_from(&self.changes);
        request.bases.clone_from(&self.bases);
        request.reason.clone_from(&self.reason);
        request.at = self.at;
        request.authors.insert(stamp.by.clone());
        request.approvals.clear();
        request.changed = stamp.clone();
    }
}

impl ChangeApproved {
    pub(crate) fn apply(&self, state: &mut State, stamp: &Stamp) {
        if let Some(request) = state.change_requests.get_mut(&self.request) {
            request.approvals.insert(stamp.by.clone(), stamp.clone());
        }
    }
}

impl State {
    fn end_request(
        &mut self,
        id: &ChangeRequestId,
        status: RequestStatus,
        because: Option<&str>,
        stamp: &Stamp,
    ) {
        if let Some(request) = self.change_requests.get_mut(id) {
            request.status = status;
            request.because = because.map(str::to_owned);
            request.changed = stamp.clone();
        }
    }
}

impl ChangeRejected {
    pub(crate) fn apply(&self, state: &mut State, stamp: &Stamp) {
        state.end_request(&self.request, RequestStatus::Rejected, Some(&self.reason), stamp);
    }
}

impl ChangeWithdrawn {
    pub(crate) fn apply(&self, state: &mut State, stamp: &Stamp) {
        state.end_request(&self.request, RequestStatus::Withdrawn, self.reason.as_deref(), stamp);
    }
}

impl ChangeApplied {
    pub(crate) fn apply(&self, state: &mut State, stamp: &Stamp) {
        state.end_request(&self.request, RequestStatus::Applied, None, stamp);
    }
}

/// The request of Tenure itself to apply what is due.
pub(crate) fn due(state: &State, now: crate::time::Now) -> Vec<crate::command::Command> {
    state
        .requests_due(now.at)
        .map(|request| crate::command::Command::from(ApplyChange { request: request.clone() }))
        .filter(|command| crate::decide::decide(state, &Actor::System, now, command).is_ok())
        .collect()
}
