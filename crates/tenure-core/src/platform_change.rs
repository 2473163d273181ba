//! Platform changes: what lands in a codebase or product, with tags, and the parked cases it brings back.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::case::{Case, Stage};
use crate::codebase::stated;
use crate::decide::Ask;
use crate::event::Event;
use crate::id::{CaseId, CodebaseId, PlatformChangeId};
use crate::person::{DRIVERS, Role, Seat};
use crate::refusal::Refusal;
use crate::state::State;
use crate::time::Stamp;

/// Something that landed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformChange {
    /// Its tags, lower case.
    pub tags: BTreeSet<String>,
    /// What it is, in words.
    pub description: Option<String>,
    /// Where it landed, when that is known.
    pub codebases: BTreeSet<CodebaseId>,
    /// When it was registered, and by whom.
    pub stamp: Stamp,
}

/// Tags as they are compared: trimmed, lower case, none empty.
pub(crate) fn normalised(tags: &BTreeSet<String>) -> BTreeSet<String> {
    tags.iter().filter_map(|tag| stated(Some(tag))).map(str::to_lowercase).collect()
}

/// Registers a platform change; every parked case that waits for one of its tags gets a suggestion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegisterPlatformChange {
    /// Its name.
    pub platform_change: PlatformChangeId,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeSet<String>,
    /// What it is, in words.
    #[serde(default)]
    pub description: Option<String>,
    /// Where it landed.
    #[serde(default)]
    pub codebases: BTreeSet<CodebaseId>,
}

/// Says that a platform change does not help a parked case; the pair never returns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DismissSuggestion {
    /// Which case.
    pub case: CaseId,
    /// Which platform change.
    pub platform_change: PlatformChangeId,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A platform change was registered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlatformChangeRegistered {
    /// Its name.
    pub platform_change: PlatformChangeId,
    /// Its tags.
    pub tags: BTreeSet<String>,
    /// What it is, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where it landed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub codebases: BTreeSet<CodebaseId>,
}

/// A parked case may have become easier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseResurfaced {
    /// Which case.
    pub case: CaseId,
    /// By which platform change.
    pub platform_change: PlatformChangeId,
    /// The tags that match.
    pub tags: BTreeSet<String>,
}

/// A suggestion was dismissed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuggestionDismissed {
    /// Which case.
    pub case: CaseId,
    /// Which platform change.
    pub platform_change: PlatformChangeId,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl RegisterPlatformChange {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        for codebase in &self.codebases {
            ask.codebase(codebase)?;
        }
        let may = [Role::CodebaseOwner, Role::ProductOwner, Role::DevelopmentLead, Role::ProductManager];
        ask.seated(&may.map(Seat::Somewhere), None, "register a platform change")?;
        if ask.state.platform_changes.contains_key(&self.platform_change) {
            return Err(Refusal::exists("platform change", &self.platform_change));
        }
        let tags = normalised(&self.tags);
        let mut events = vec![
            PlatformChangeRegistered {
                platform_change: self.platform_change.clone(),
                tags: tags.clone(),
                description: self.description.clone(),
                codebases: self.codebases.clone(),
            }
            .into(),
        ];
        events.extend(ask.state.cases.values().filter_map(|case| self.resurfaces(case, &tags)));
        Ok(events)
    }

    fn resurfaces(&self, case: &Case, tags: &BTreeSet<String>) -> Option<Event> {
        let parked = case.parked.as_ref().filter(|_| case.stage == Stage::Parked)?;
        let tags: BTreeSet<String> = parked.unblock.intersection(tags).cloned().collect();
        (!tags.is_empty() && !case.dismissed.contains(&self.platform_change)).then(|| {
            CaseResurfaced { case: case.id.clone(), platform_change: self.platform_change.clone(), tags }
                .into()
        })
    }
}

impl DismissSuggestion {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        if !ask.state.platform_changes.contains_key(&self.platform_change) {
            return Err(Refusal::not_found("platform change", &self.platform_change));
        }
        ask.may(case, &DRIVERS.map(Seat::Role), "dismiss a suggestion")?;
        ask.stage(case, &[Stage::Parked])?;
        if case.dismissed.contains(&self.platform_change) {
            return Ok(Vec::new());
        }
        if !case.suggestions.contains(&self.platform_change) {
            return Err(Refusal::not_found("open suggestion of platform change", &self.platform_change));
        }
        Ok(vec![
            SuggestionDismissed {
                case: self.case.clone(),
                platform_change: self.platform_change.clone(),
                reason: self.reason.clone(),
            }
            .into(),
        ])
    }
}

impl PlatformChangeRegistered {
    pub(crate) fn apply(&self, state: &mut State, stamp: &Stamp) {
        state.platform_changes.insert(
            self.platform_change.clone(),
            PlatformChange {
                tags: self.tags.clone(),
                description: self.description.clone(),
                codebases: self.codebases.clone(),
                stamp: stamp.clone(),
            },
        );
    }
}

impl CaseResurfaced {
    pub(crate) fn apply(&self, case: &mut Case, _: &Stamp) {
        if !case.suggestions.contains(&self.platform_change) {
            case.suggestions.push(self.platform_change.clone());
        }
    }
}

impl SuggestionDismissed {
    pub(crate) fn apply(&self, case: &mut Case, _: &Stamp) {
        case.suggestions.retain(|open| *open != self.platform_change);
        case.dismissed.insert(self.platform_change.clone());
    }
}
