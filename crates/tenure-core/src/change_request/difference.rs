//! What a change request changes: each change beside what it replaces, in sentences and as a JSON patch.

use schemars::JsonSchema;
use serde::Serialize;
use tenure_flags::authoring::{Difference, difference, segment_difference};

use super::{Change, ChangeRequest, FlagChange, FlagRemoval, FlagReversal, RequestStatus};
use crate::id::EnvironmentId;
use crate::state::State;

/// What one change of a request changes.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ChangeDifference {
    /// `flag` or `segment`.
    pub noun: &'static str,
    /// Its key or name.
    pub name: String,
    /// What is different from what it replaces.
    #[serde(flatten)]
    pub difference: Difference,
    /// Whether what it replaces was changed since, so that the request must be edited before it can be applied.
    pub changed_since: bool,
}

impl State {
    /// What each change of a request changes, in order.
    pub fn differences(&self, request: &ChangeRequest) -> Vec<ChangeDifference> {
        let one = |(change, base): (&Change, &u64)| {
            let (noun, name) = change.target();
            let is_open = request.status == RequestStatus::Open;
            ChangeDifference {
                noun,
                name: name.to_owned(),
                difference: self.difference_of(change, *base, &request.environment),
                changed_since: is_open && change.base(self, &request.environment) != *base,
            }
        };
        request.changes.iter().zip(&request.bases).map(one).collect()
    }

    fn difference_of(&self, change: &Change, base: u64, environment: &EnvironmentId) -> Difference {
        match change {
            Change::SetFlag(FlagChange { key, .. })
            | Change::ArchiveFlag(FlagRemoval { key })
            | Change::RevertFlag(FlagReversal { key, .. }) => {
                let flag = self.flags.get(key);
                let version = |entry: u64| flag.and_then(|flag| flag.version(environment, entry));
                if base != 0 && version(base).is_none() {
                    return not_kept();
                }
                let before = version(base).and_then(|version| version.source.as_ref()?.source());
                let after = match change {
                    Change::SetFlag(change) => change.writing.source().ok(),
                    Change::RevertFlag(change) => {
                        match flag.and_then(|flag| flag.before(environment, change.entry)) {
                            Some(source) => source,
                            None => return not_kept(),
                        }
                    }
                    _ => None,
                };
                difference(before.as_ref(), after.as_ref())
            }
            Change::SetSegment(change) => {
                let known = self.segments.get(&change.segment);
                let before = known.and_then(|known| known.version(base));
                if base != 0 && before.is_none() {
                    return not_kept();
                }
                segment_difference(before.map(|version| &version.holds), Some(&change.holds))
            }
        }
    }
}

/// What it replaced is only in the journal by now.
fn not_kept() -> Difference {
    let sentence = "what it replaces is older than the versions that are kept; the journal has it";
    Difference { sentences: vec![sentence.to_owned()], patch: Vec::new() }
}
