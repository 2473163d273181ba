//! Segments: named sets of units that the rules of any flag refer to, in every environment.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenure_flags::authoring::{NoLists, Segment};

use crate::codebase::stated;
use crate::decide::Ask;
use crate::event::Event;
use crate::flag::hand::flag_setters;
use crate::id::{ChangeRequestId, EnvironmentId, FlagKey, SegmentId};
use crate::refusal::{Refusal, RefusalCode};
use crate::state::State;
use crate::time::Stamp;

/// So many earlier versions of a segment are kept; older ones are in the journal.
pub const EARLIER_MAX: usize = 20;

/// A segment as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KnownSegment {
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who is in it, since when.
    #[serde(flatten)]
    pub version: SegmentVersion,
    /// Who was in it before, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<SegmentVersion>,
}

/// Who is in a segment, from an entry on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentVersion {
    /// Who is in it.
    pub holds: Segment,
    /// The entry that brought it.
    pub entry: u64,
    /// When it was set, and by whom.
    pub stamp: Stamp,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The change request it came by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<ChangeRequestId>,
}

impl KnownSegment {
    /// Who was in it from an entry on, as far as it is kept.
    pub fn version(&self, entry: u64) -> Option<&SegmentVersion> {
        self.earlier.iter().chain([&self.version]).find(|version| version.entry == entry)
    }
}

/// Sets who is in a segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SetSegment {
    /// Which.
    pub segment: SegmentId,
    /// Who is in it.
    pub holds: Segment,
    /// What it is for; as it was when left out.
    #[serde(default)]
    pub description: Option<String>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Takes a segment away that no flag refers to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArchiveSegment {
    /// Which.
    pub segment: SegmentId,
}

/// A segment was set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentSet {
    /// Which.
    pub segment: SegmentId,
    /// Who is in it.
    pub holds: Segment,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The change request it came by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<ChangeRequestId>,
}

/// A segment was taken away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentArchived {
    /// Which.
    pub segment: SegmentId,
}

impl State {
    /// Where a segment is referred to: flags, and the environments in which they do.
    pub fn users_of(&self, segment: &SegmentId) -> BTreeSet<(&FlagKey, &EnvironmentId)> {
        let mut users = BTreeSet::new();
        for (key, flag) in &self.flags {
            for (environment, version) in flag.in_force() {
                let Some(source) = version.source.as_ref().filter(|text| text.mentions(segment.as_str()))
                else {
                    continue;
                };
                if source.source().is_some_and(|source| source.segments().contains(segment.as_str())) {
                    users.insert((key, environment));
                }
            }
        }
        users
    }
}

impl State {
    /// The lists of keys that what is served refers to.
    pub fn kept_lists(&self) -> BTreeSet<String> {
        let versions = self.flags.values().flat_map(|flag| flag.in_force()).map(|(_, version)| version);
        let texts =
            versions.filter_map(|version| version.source.as_ref()).filter(|text| text.mentions("\"list\""));
        let sources: Vec<_> = texts.filter_map(|text| text.source()).collect();
        let of_flags = sources.iter().flat_map(|source| source.kept_lists());
        let of_segments = self.segments.values().flat_map(|segment| segment.version.holds.kept_lists());
        of_flags.chain(of_segments).map(str::to_owned).collect()
    }
}

/// What setting a segment records; nothing when it is so already.
pub(crate) fn set(
    ask: &Ask<'_>,
    command: &SetSegment,
    reason: Option<&str>,
    request: Option<ChangeRequestId>,
) -> Result<Vec<Event>, Refusal> {
    command.holds.rule(&NoLists).map_err(|fault| Refusal::argument(format!("holds: {fault}")))?;
    let known = ask.state.segments.get(&command.segment);
    let description = match &command.description {
        Some(description) => stated(Some(description)).map(str::to_owned),
        None => known.and_then(|known| known.description.clone()),
    };
    if known.is_some_and(|known| known.version.holds == command.holds && known.description == description) {
        return Ok(Vec::new());
    }
    let reason = stated(reason).map(str::to_owned);
    let (segment, holds) = (command.segment.clone(), command.holds.clone());
    Ok(vec![SegmentSet { segment, holds, description, reason, request }.into()])
}

impl SetSegment {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        ask.seated(&flag_setters(), None, "set a segment")?;
        for (_, environment) in ask.state.users_of(&self.segment) {
            ask.changes_directly(environment)?;
        }
        set(ask, self, self.reason.as_deref(), None)
    }
}

impl ArchiveSegment {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let known = ask.state.segments.get(&self.segment);
        let known = known.ok_or_else(|| Refusal::not_found("segment", &self.segment))?;
        ask.seated(&flag_setters(), None, "archive a segment")?;
        let users = ask.state.users_of(&self.segment);
        if !users.is_empty() {
            let users =
                users.iter().map(|(key, environment)| format!("{key} in {environment}, changed first"));
            return Err(Refusal::new(
                RefusalCode::SegmentInUse,
                format!("rules of flags refer to segment {}", self.segment),
            )
            .missing(users)
            .since(known.version.stamp.at)
            .cleared_by(ask.who_may(&flag_setters(), None)));
        }
        Ok(vec![SegmentArchived { segment: self.segment.clone() }.into()])
    }
}

impl SegmentSet {
    pub(crate) fn apply(&self, state: &mut State, stamp: &Stamp) {
        let version = SegmentVersion {
            holds: self.holds.clone(),
            entry: state.seq + 1,
            stamp: stamp.clone(),
            reason: self.reason.clone(),
            request: self.request.clone(),
        };
        let mut earlier = Vec::new();
        if let Some(known) = state.segments.remove(&self.segment) {
            earlier = known.earlier;
            earlier.push(known.version);
            earlier.drain(..earlier.len().saturating_sub(EARLIER_MAX));
        }
        let known = KnownSegment { description: self.description.clone(), version, earlier };
        state.segments.insert(self.segment.clone(), known);
    }
}

impl SegmentArchived {
    pub(crate) fn apply(&self, state: &mut State, _: &Stamp) {
        state.segments.remove(&self.segment);
    }
}
