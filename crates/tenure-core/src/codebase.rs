//! Codebases: their owner process, and the checklist a case works through for each.
//!
//! A case follows the process that was in force when its building began, so that changing a process never
//! makes finished building unfinished.

pub mod codeowners;
pub mod file;
mod template;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Stage};
use crate::decide::Ask;
use crate::event::Event;
use crate::id::{CaseId, CodebaseId, TeamId};
use crate::person::{Role, Seat};
use crate::policy::Deadlines;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::State;
use crate::time::Stamp;

pub use template::{ItemKind, ItemTemplate};

/// Code with owners and their ordered checklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Codebase {
    /// The owner process, in order.
    pub items: Vec<ItemTemplate>,
    /// The product team it belongs to, when that is known.
    pub team: Option<TeamId>,
}

/// What an owner says of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemResult {
    /// Done to the owners' satisfaction.
    Passed,
    /// Tried, and not good enough.
    Failed,
    /// Cannot be tried now.
    Blocked,
    /// Not needed, for a stated reason.
    Waived,
}

/// One attempt at an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// What the owner said.
    pub result: ItemResult,
    /// Why, where a reason was given.
    pub reason: Option<String>,
    /// What shows it, such as a link to the pull request.
    pub evidence: Option<String>,
    /// When, and which owner.
    pub stamp: Stamp,
}

/// One item and every attempt at it, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Item {
    /// The item's name.
    pub name: String,
    /// What it is, and how soon its owners answer.
    pub template: ItemTemplate,
    /// What the builders attached to it, such as a link to the pull request.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// Attempts, oldest first.
    pub attempts: Vec<Attempt>,
}

/// Something that shows how an item is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// A link, or a text.
    pub evidence: String,
    /// A file, kept beside the journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment: Option<Attachment>,
    /// When, and by whom.
    pub stamp: Stamp,
}

/// A file that shows something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attachment {
    /// The file's name.
    pub file: String,
    /// What it is, as a media type such as `image/png`.
    pub media_type: String,
    /// Where its bytes are kept; opaque here.
    pub blob: String,
}

/// A codebase's owner process in one iteration of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Checklist {
    /// The items, in order.
    pub items: Vec<Item>,
}

impl Item {
    /// Whether the latest attempt passed or was waived.
    pub fn is_done(&self) -> bool {
        self.attempts
            .last()
            .is_some_and(|last| matches!(last.result, ItemResult::Passed | ItemResult::Waived))
    }

    /// Since when its owners are asked for it: the evidence that came after the latest attempt.
    pub fn asked(&self) -> Option<Timestamp> {
        let tried = self.attempts.last().map(|attempt| attempt.stamp.at);
        self.evidence
            .iter()
            .map(|evidence| evidence.stamp.at)
            .find(|asked| tried.is_none_or(|tried| *asked > tried))
    }

    /// The working days in which its owners promise to answer. Of a pull request it is the first response.
    pub(crate) fn promise(&self, deadlines: &Deadlines) -> Option<u32> {
        let responded = self.template.kind == ItemKind::PullRequest && !self.attempts.is_empty();
        if responded { None } else { self.template.promise(deadlines) }
    }
}

impl Checklist {
    pub(crate) fn of(items: &[ItemTemplate]) -> Self {
        let item = |template: &ItemTemplate| Item {
            name: template.name.clone(),
            template: template.clone(),
            evidence: Vec::new(),
            attempts: Vec::new(),
        };
        Self { items: items.iter().map(item).collect() }
    }

    /// Whether every item is done.
    pub fn is_complete(&self) -> bool {
        self.items.iter().all(Item::is_done)
    }
}

impl Case {
    /// Items of the owner process that are not done, as `codebase: item`.
    pub fn unfinished_items(&self) -> Vec<String> {
        self.checklists
            .iter()
            .flat_map(|(codebase, checklist)| {
                checklist
                    .items
                    .iter()
                    .filter(|item| !item.is_done())
                    .map(move |item| format!("{codebase}: {}", item.name))
            })
            .collect()
    }
}

/// The owner processes that hold for a case when its building begins.
pub(crate) fn processes(state: &State, case: &Case) -> BTreeMap<CodebaseId, Vec<ItemTemplate>> {
    case.codebases()
        .into_iter()
        .map(|codebase| {
            let items = state.codebases.get(&codebase).map(|known| known.items.clone()).unwrap_or_default();
            (codebase, items)
        })
        .collect()
}

/// Defines a codebase and its owner process, or replaces the process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DefineCodebase {
    /// Which.
    pub codebase: CodebaseId,
    /// The owner process, in order: names, or `{name, kind, within_days}`.
    #[serde(default)]
    pub items: Vec<ItemTemplate>,
    /// The product team it belongs to; the one before when left out.
    #[serde(default)]
    pub team: Option<TeamId>,
}

/// Says how an item of the owner process went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordItem {
    /// In which case.
    pub case: CaseId,
    /// Of which codebase.
    pub codebase: CodebaseId,
    /// Which item.
    pub item: String,
    /// How it went.
    pub result: ItemResult,
    /// Why; a waiver needs it.
    #[serde(default)]
    pub reason: Option<String>,
    /// What shows it.
    #[serde(default)]
    pub evidence: Option<String>,
}

/// Attaches to an item what shows how it is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AttachEvidence {
    /// In which case.
    pub case: CaseId,
    /// Of which codebase.
    pub codebase: CodebaseId,
    /// To which item.
    pub item: String,
    /// A link, or a text.
    #[serde(default)]
    pub evidence: String,
    /// A file, kept beside the journal.
    #[serde(default)]
    pub attachment: Option<Attachment>,
}

/// A codebase's owner process was defined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CodebaseDefined {
    /// Which.
    pub codebase: CodebaseId,
    /// The owner process, in order.
    pub items: Vec<ItemTemplate>,
    /// The product team it belongs to, when that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<TeamId>,
}

/// An owner said how an item went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ItemRecorded {
    /// In which case.
    pub case: CaseId,
    /// Of which codebase.
    pub codebase: CodebaseId,
    /// Which item.
    pub item: String,
    /// How it went.
    pub result: ItemResult,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

/// Something was attached to an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceAttached {
    /// In which case.
    pub case: CaseId,
    /// Of which codebase.
    pub codebase: CodebaseId,
    /// To which item.
    pub item: String,
    /// A link, or a text.
    pub evidence: String,
    /// A file, kept beside the journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachment: Option<Attachment>,
}

impl DefineCodebase {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        ask.seated(
            &[Seat::CodebaseOwner(self.codebase.clone()), Seat::Somewhere(Role::Admin), Seat::System],
            None,
            "define its owner process",
        )?;
        if let Some(fault) = item_fault(&self.items) {
            return Err(Refusal::argument(fault));
        }
        let known = ask.state.codebases.get(&self.codebase);
        let team = self.team.clone().or_else(|| known.and_then(|known| known.team.clone()));
        let defined = Codebase { items: self.items.clone(), team };
        if known == Some(&defined) {
            return Ok(Vec::new());
        }
        let Codebase { items, team } = defined;
        Ok(vec![CodebaseDefined { codebase: self.codebase.clone(), items, team }.into()])
    }
}

/// What is wrong with the items of an owner process.
fn item_fault(items: &[ItemTemplate]) -> Option<String> {
    let named = |at: usize| items[..at].iter().any(|before| before.name == items[at].name);
    if let Some(item) = items.iter().find(|item| item.name.trim().is_empty()) {
        return Some(format!("items holds `{}`: name every item of the owner process", item.name));
    }
    (0..items.len()).any(named).then(|| "items names one item twice: give each its own name".to_owned())
}

impl RecordItem {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        item_exists(ask, case, &self.codebase, &self.item)?;
        ask.may(case, &[Seat::CodebaseOwner(self.codebase.clone())], "pass, fail, block or waive its items")?;
        ask.stage(case, &[Stage::Building])?;
        item_is_pinned(case, &self.codebase, &self.item)?;
        if case.backlog.is_none() {
            return Err(no_backlog_slot());
        }
        let reason = stated(self.reason.as_deref());
        if self.result == ItemResult::Waived && reason.is_none() {
            return Err(Refusal::new(
                RefusalCode::ReasonMissing,
                format!("waiving {} of {} needs a reason", self.item, self.codebase),
            )
            .missing(["reason"]));
        }
        Ok(vec![
            ItemRecorded {
                case: self.case.clone(),
                codebase: self.codebase.clone(),
                item: self.item.clone(),
                result: self.result,
                reason: reason.map(str::to_owned),
                evidence: self.evidence.clone(),
            }
            .into(),
        ])
    }
}

impl AttachEvidence {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        item_exists(ask, case, &self.codebase, &self.item)?;
        ask.may(case, &[Role::Developer, Role::Designer].map(Seat::Role), "attach evidence")?;
        ask.stage(case, &[Stage::Building])?;
        item_is_pinned(case, &self.codebase, &self.item)?;
        let Some(evidence) = stated(Some(&self.evidence)).or(self.attachment.as_ref().map(|_| "")) else {
            return Err(Refusal::argument("evidence is empty: give a link, a text or a file"));
        };
        Ok(vec![
            EvidenceAttached {
                case: self.case.clone(),
                codebase: self.codebase.clone(),
                item: self.item.clone(),
                evidence: evidence.to_owned(),
                attachment: self.attachment.clone(),
            }
            .into(),
        ])
    }
}

/// The codebase is known, and the item is or was a part of its owner process.
fn item_exists(ask: &Ask<'_>, case: &Case, codebase: &CodebaseId, item: &str) -> Result<(), Refusal> {
    let known = ask.codebase(codebase)?;
    if item_is_pinned(case, codebase, item).is_ok() || known.items.iter().any(|known| known.name == item) {
        return Ok(());
    }
    Err(Refusal::not_found("item of this owner process called", item))
}

/// The item is a part of the owner process that the case follows.
fn item_is_pinned(case: &Case, codebase: &CodebaseId, item: &str) -> Result<(), Refusal> {
    let pinned = case.checklists.get(codebase);
    if pinned.is_some_and(|checklist| checklist.items.iter().any(|known| known.name == item)) {
        return Ok(());
    }
    Err(Refusal::not_found("item of this case called", format!("{item} in {codebase}")))
}

pub(crate) fn no_backlog_slot() -> Refusal {
    Refusal::new(RefusalCode::NoBacklogSlot, "no days are reserved in the backlog for this iteration")
        .missing(["reserve_backlog by the development lead"])
}

/// A text that says something.
pub(crate) fn stated(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

impl CodebaseDefined {
    pub(crate) fn apply(&self, state: &mut State, _: &Stamp) {
        let codebase = Codebase { items: self.items.clone(), team: self.team.clone() };
        state.codebases.insert(self.codebase.clone(), codebase);
    }
}

fn item_mut<'a>(case: &'a mut Case, codebase: &CodebaseId, name: &str) -> Option<&'a mut Item> {
    case.checklists.get_mut(codebase)?.items.iter_mut().find(|item| item.name == name)
}

impl EvidenceAttached {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        if let Some(item) = item_mut(case, &self.codebase, &self.item) {
            item.evidence.push(Evidence {
                evidence: self.evidence.clone(),
                attachment: self.attachment.clone(),
                stamp: stamp.clone(),
            });
        }
    }
}

impl ItemRecorded {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        if let Some(item) = item_mut(case, &self.codebase, &self.item) {
            item.attempts.push(Attempt {
                result: self.result,
                reason: self.reason.clone(),
                evidence: self.evidence.clone(),
                stamp: stamp.clone(),
            });
        }
    }
}
