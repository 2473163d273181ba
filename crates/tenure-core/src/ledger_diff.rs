//! What changed in the deviation ledger since a sign-off was given on it: the reason why it is stale, as people read it.
//!
//! A pure view of the ledger; it decides nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::deviation::{Deviation, DeviationKind, Ledger, Size};
use crate::id::TeamId;

/// What changed between two versions of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerDiff {
    /// The version before.
    pub since: u32,
    /// The version now.
    pub now: u32,
    /// Changes that were not there before, as they are ruled now.
    pub added: Vec<Change>,
    /// Changes that were there, and go further or less far now.
    pub ruled: Vec<Ruled>,
    /// The sum of the weights before.
    pub spent_before: u32,
    /// The sum of the weights now.
    pub spent_now: u32,
}

/// A change from the experiment that was added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "LedgerChange")]
pub struct Change {
    /// Its number in the ledger.
    pub number: u32,
    /// What was changed.
    pub description: String,
    /// How far it goes.
    pub size: Size,
}

/// A change from the experiment that was ruled on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ruled {
    /// Its number in the ledger.
    pub number: u32,
    /// What was changed.
    pub description: String,
    /// How far it was said to go before.
    pub before: Size,
    /// How far it is said to go now.
    pub now: Size,
}

impl LedgerDiff {
    /// Whether nothing changed that anybody would notice.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.ruled.is_empty()
    }

    /// The difference as lines for people: `+` was added, `~` was ruled on, and the sums last.
    pub fn lines(&self) -> Vec<String> {
        let added = self
            .added
            .iter()
            .map(|change| format!("+ {}: {} ({})", change.number, change.description, size(change.size)));
        let ruled = self.ruled.iter().map(|ruled| {
            let (before, now) = (size(ruled.before), size(ruled.now));
            format!("~ {}: {} ({now}, was {before})", ruled.number, ruled.description)
        });
        let sums = format!(
            "{} spent on version {}, {} on version {} when it was signed off",
            self.spent_now, self.now, self.spent_before, self.since
        );
        added.chain(ruled).chain([sums]).collect()
    }
}

fn size(size: Size) -> String {
    let kind = match size.kind {
        DeviationKind::Parity => "parity",
        DeviationKind::Polish => "polish",
        DeviationKind::Adjustment => "adjustment",
        DeviationKind::Redesign => "redesign",
    };
    format!("{kind}, weighs {}", size.weight)
}

impl Ledger {
    /// What changed since a version.
    pub fn since(&self, version: u32) -> LedgerDiff {
        let mut diff = LedgerDiff {
            since: version,
            now: self.version,
            added: Vec::new(),
            ruled: Vec::new(),
            spent_before: 0,
            spent_now: self.spent(),
        };
        for deviation in &self.deviations {
            let (number, description) = (deviation.number, deviation.description.clone());
            let now = Size { kind: deviation.kind, weight: deviation.weight };
            match self.size_at(deviation, version) {
                None => diff.added.push(Change { number, description, size: now }),
                Some(before) => {
                    diff.spent_before += before.weight;
                    if before != now {
                        diff.ruled.push(Ruled { number, description, before, now });
                    }
                }
            }
        }
        diff
    }

    /// How far a change was said to go at a version; none when it was not there yet.
    fn size_at(&self, deviation: &Deviation, version: u32) -> Option<Size> {
        let mut turns = self.turns.iter().filter(|turn| turn.number == deviation.number);
        turns.rfind(|turn| turn.version <= version).map(|turn| turn.size)
    }
}

impl Case {
    /// What changed since a team signed off; none when it has not, or when nothing did.
    pub fn changed_since_sign_off(&self, team: &TeamId) -> Option<LedgerDiff> {
        let answered = self.sign_offs.get(team)?.answered.as_ref()?;
        Some(self.ledger.since(answered.ledger_version)).filter(|diff| !diff.is_empty())
    }
}
