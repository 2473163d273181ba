//! Platform changes: what lands in a codebase or product, with tags, and the parked cases it brings back.
//!
//! A suggestion is dismissed (the pair never returns), snoozed (it comes back on a date), or accepted: the case is
//! re-opened because of it.

use std::collections::BTreeSet;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Stage};
use crate::codebase::stated;
use crate::decide::Ask;
use crate::event::Event;
use crate::id::{CaseId, CodebaseId, PlatformChangeId};
use crate::person::{DRIVERS, Role, Seat};
use crate::platform_fit::common;
use crate::refusal::Refusal;
use crate::state::State;
use crate::time::{Stamp, months_later};

/// Something that landed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// A suggestion put off until a date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Snooze {
    /// The date it comes back.
    pub until: Date,
    /// When it was put off, and by whom.
    pub stamp: Stamp,
}

/// Tags as they are compared: trimmed, lower case, none empty.
pub(crate) fn normalised(tags: &BTreeSet<String>) -> BTreeSet<String> {
    tags.iter().filter_map(|tag| stated(Some(tag))).map(str::to_lowercase).collect()
}

/// Registers a platform change; every parked case that waits for one of its tags gets a suggestion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DismissSuggestion {
    /// Which case.
    pub case: CaseId,
    /// Which platform change.
    pub platform_change: PlatformChangeId,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Puts a suggestion off; it comes back on a date.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SnoozeSuggestion {
    /// Which case.
    pub case: CaseId,
    /// Which platform change.
    pub platform_change: PlatformChangeId,
    /// The date it comes back.
    pub until: Date,
}

/// Looks at a parked case again and leaves it parked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewParked {
    /// Which case.
    pub case: CaseId,
    /// When it is looked at next; after the policy's months when left out.
    #[serde(default)]
    pub review_on: Option<Date>,
    /// Tags of the platform change that would bring it back; those before when left out.
    #[serde(default)]
    pub unblock: Option<BTreeSet<String>>,
    /// Why it stays parked.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A platform change was registered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseResurfaced {
    /// Which case.
    pub case: CaseId,
    /// By which platform change.
    pub platform_change: PlatformChangeId,
    /// The tags that match.
    pub tags: BTreeSet<String>,
    /// The codebases that match.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub codebases: BTreeSet<CodebaseId>,
}

/// A suggestion was put off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SuggestionSnoozed {
    /// Which case.
    pub case: CaseId,
    /// Which platform change.
    pub platform_change: PlatformChangeId,
    /// The date it comes back.
    pub until: Date,
}

/// A parked case was looked at again and stays parked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ParkedReviewed {
    /// Which case.
    pub case: CaseId,
    /// When it is looked at next.
    pub review_on: Date,
    /// Tags of the platform change that would bring it back.
    pub unblock: BTreeSet<String>,
    /// Why it stays parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A suggestion was dismissed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
        if let Some(there) = ask.state.platform_changes.get(&self.platform_change) {
            return Err(Refusal::exists("platform change", &self.platform_change).since(there.stamp.at));
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
        events.extend(ask.state.all_cases().filter_map(|case| self.resurfaces(case, &tags)));
        Ok(events)
    }

    fn resurfaces(&self, case: &Case, tags: &BTreeSet<String>) -> Option<Event> {
        let common = common(case, tags, &self.codebases);
        (common.is_some() && !case.dismissed.contains(&self.platform_change)).then(|| {
            CaseResurfaced {
                case: case.id.clone(),
                platform_change: self.platform_change.clone(),
                tags: common.tags,
                codebases: common.codebases,
            }
            .into()
        })
    }
}

impl SnoozeSuggestion {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        if !ask.state.platform_changes.contains_key(&self.platform_change) {
            return Err(Refusal::not_found("platform change", &self.platform_change));
        }
        ask.may(case, &DRIVERS.map(Seat::Role), "put a suggestion off")?;
        ask.stage(case, &[Stage::Parked])?;
        if !case.suggestions.contains(&self.platform_change) {
            return Err(Refusal::not_found("open suggestion of platform change", &self.platform_change));
        }
        if self.until <= ask.today(case) {
            return Err(Refusal::argument(format!("until is {}: give a date after today", self.until)));
        }
        if case.snoozed.get(&self.platform_change).is_some_and(|snooze| snooze.until == self.until) {
            return Ok(Vec::new());
        }
        Ok(vec![
            SuggestionSnoozed {
                case: self.case.clone(),
                platform_change: self.platform_change.clone(),
                until: self.until,
            }
            .into(),
        ])
    }
}

impl ReviewParked {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.may(case, &DRIVERS.map(Seat::Role), "review the parked idea")?;
        ask.stage(case, &[Stage::Parked])?;
        let months = ask.state.policy_of(case).deadlines.parked_review_months;
        let review_on = self.review_on.unwrap_or_else(|| months_later(ask.today(case), months));
        if review_on <= ask.today(case) {
            return Err(Refusal::argument(format!("review_on is {review_on}: give a date after today")));
        }
        let before = case.parked.as_ref().map(|parked| parked.unblock.clone()).unwrap_or_default();
        Ok(vec![
            ParkedReviewed {
                case: self.case.clone(),
                review_on,
                unblock: self.unblock.as_ref().map_or(before, normalised),
                reason: stated(self.reason.as_deref()).map(str::to_owned),
            }
            .into(),
        ])
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
                reason: stated(self.reason.as_deref()).map(str::to_owned),
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
        case.resurfaced_by.insert(self.platform_change.clone());
    }
}

impl SuggestionDismissed {
    pub(crate) fn apply(&self, case: &mut Case, _: &Stamp) {
        case.suggestions.retain(|open| *open != self.platform_change);
        case.snoozed.remove(&self.platform_change);
        case.dismissed.insert(self.platform_change.clone());
        if let Some(reason) = &self.reason {
            case.dismissal_reasons.insert(self.platform_change.clone(), reason.clone());
        }
    }
}

impl SuggestionSnoozed {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        let snooze = Snooze { until: self.until, stamp: stamp.clone() };
        case.snoozed.insert(self.platform_change.clone(), snooze);
    }
}

impl ParkedReviewed {
    pub(crate) fn apply(&self, case: &mut Case, _: &Stamp) {
        if let Some(parked) = &mut case.parked {
            parked.review_on = Some(self.review_on);
            parked.unblock.clone_from(&self.unblock);
        }
    }
}
