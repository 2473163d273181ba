//! Code references: how often each flag's key stands in a codebase, as a scan of a checkout found it. The last scan of each
//! codebase is kept; it is the evidence that a flag is gone from the code, or is not.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::decide::Ask;
use crate::event::Event;
use crate::id::{CodebaseId, FlagKey};
use crate::person::{Role, Seat};
use crate::refusal::{Refusal, RefusalCode};
use crate::state::State;
use crate::time::Stamp;

/// The longest name of a commit.
const COMMIT_BYTES_MAX: usize = 100;

/// The last scan of a codebase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scan {
    /// The commit that was scanned, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// How many files were read.
    pub files: u64,
    /// How often each flag's key stands in them. A flag that is not here was looked for and not found, when it was there to
    /// be looked for.
    pub counts: BTreeMap<FlagKey, u64>,
    /// When, and by whom.
    pub stamp: Stamp,
}

/// Records what a scan of a codebase found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecordReferences {
    /// Which codebase.
    pub codebase: CodebaseId,
    /// The commit that was scanned, when it is known.
    #[serde(default)]
    pub commit: Option<String>,
    /// How many files were read.
    pub files: u64,
    /// How often each flag's key stands in them; every key that was looked for, also with 0.
    pub counts: BTreeMap<FlagKey, u64>,
}

/// A codebase was scanned for flags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CodeScanned {
    /// Which codebase.
    pub codebase: CodebaseId,
    /// The commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// How many files were read.
    pub files: u64,
    /// How often each flag's key stands in them.
    pub counts: BTreeMap<FlagKey, u64>,
}

impl Scan {
    /// The scan as evidence of how often a flag's key stands in the code; none when the flag was not looked for.
    pub fn evidence(&self, key: &FlagKey) -> Option<String> {
        let count = self.counts.get(key)?;
        let at = self.commit.as_ref().map_or_else(String::new, |commit| format!(" at commit {commit}"));
        Some(format!(
            "the scan of {}{at}: {count} references to {key} in {} files",
            self.stamp.at, self.files
        ))
    }
}

/// What the last scan of a codebase says of the flag of a case: evidence that it is gone, nothing, or a refusal.
pub(crate) fn gone(ask: &Ask<'_>, case: &Case, codebase: &CodebaseId) -> Result<Option<String>, Refusal> {
    let (Some(flag), Some(scan)) = (&case.flag, ask.state.scans.get(codebase)) else { return Ok(None) };
    let Some(evidence) = scan.evidence(&flag.key) else { return Ok(None) };
    if scan.counts.get(&flag.key).is_none_or(|count| *count == 0) {
        return Ok(Some(evidence));
    }
    let sentence = format!("the flag {} still stands in {codebase}, says {evidence}", flag.key);
    Err(Refusal::new(RefusalCode::FlagStillInCode, sentence)
        .missing([format!("record_references of {codebase} without the flag: remove it, scan again")])
        .since(scan.stamp.at)
        .cleared_by(ask.who_may(&scanners(codebase), None)))
}

fn scanners(codebase: &CodebaseId) -> Vec<Seat> {
    let mut seats = [Role::Admin, Role::Developer, Role::Importer].map(Seat::Somewhere).to_vec();
    seats.push(Seat::CodebaseOwner(codebase.clone()));
    seats
}

impl RecordReferences {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        ask.codebase(&self.codebase)?;
        ask.seated(&scanners(&self.codebase), None, "record references of flags in code")?;
        if self.commit.as_ref().is_some_and(|commit| commit.is_empty() || commit.len() > COMMIT_BYTES_MAX) {
            return Err(Refusal::argument(format!(
                "commit: 1 to {COMMIT_BYTES_MAX} characters, or left out"
            )));
        }
        Ok(vec![
            CodeScanned {
                codebase: self.codebase.clone(),
                commit: self.commit.clone(),
                files: self.files,
                counts: self.counts.clone(),
            }
            .into(),
        ])
    }
}

impl CodeScanned {
    pub(crate) fn apply(&self, state: &mut State, stamp: &Stamp) {
        let scan = Scan {
            commit: self.commit.clone(),
            files: self.files,
            counts: self.counts.clone(),
            stamp: stamp.clone(),
        };
        state.scans.insert(self.codebase.clone(), scan);
    }
}
