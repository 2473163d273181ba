//! Are units really in the arms that the server gives them? Every exposure that a client tells of is compared with the
//! server's own answer for that unit. A client that hashes another way would put half of its units into the other arm.
//!
//! It counts since the start, in bounded memory, and keeps nobody: who is in two arms is found in the events themselves.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::{Map, Value};
use tenure_core::health::Disagreement;
use tenure_events::{Event, Kind};
use tenure_flags::Context;

use crate::flag_node::Flags;
use crate::flag_snapshot::FlagSnapshot;
use crate::look::unit_type;

/// Clients that are told apart, over all flags; those beyond are counted together.
const CLIENTS_MAX: usize = 1_000;
/// What clients beyond the bound are called.
const OTHERS: &str = "other clients";
/// The attributes that name a client, as far as an event has them.
const NAMES: [&str; 6] = [
    "feature_flag.provider.name",
    "telemetry.sdk.language",
    "otel.scope.name",
    "otel.scope.version",
    "service.name",
    "service.version",
];

/// What clients told, compared.
#[derive(Debug, Default)]
pub struct Audit {
    counts: Mutex<BTreeMap<Key, Counts>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    flag: String,
    revision: String,
    client: String,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    other_arm: u64,
    compared: u64,
}

impl Audit {
    /// Compare what events tell with what the flags say.
    pub fn compare(&self, flags: &Flags, events: &[Event], now: Timestamp) {
        for event in events {
            if let Some((key, agrees)) = compared(flags, event, now) {
                self.count(key, agrees);
            }
        }
    }

    /// The clients that told of another arm than the server's, of one revision of a flag.
    pub fn disagreements(&self, flag: &str, revision: &str) -> Vec<Disagreement> {
        let counts = self.counts();
        let of_flag = counts
            .iter()
            .filter(|(key, counts)| key.flag == flag && key.revision == revision && counts.other_arm > 0);
        of_flag
            .map(|(key, counts)| Disagreement {
                client: key.client.clone(),
                exposures: counts.other_arm,
                of: counts.compared,
            })
            .collect()
    }

    fn count(&self, mut key: Key, agrees: bool) {
        let mut counts = self.counts();
        if counts.len() >= CLIENTS_MAX && !counts.contains_key(&key) {
            key.client = OTHERS.to_owned();
        }
        let counts = counts.entry(key).or_default();
        counts.compared += 1;
        counts.other_arm += u64::from(!agrees);
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<Key, Counts>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose exposure it is and whether its arm is the server's; none where there is nothing to compare.
fn compared(flags: &Flags, event: &Event, now: Timestamp) -> Option<(Key, bool)> {
    let Kind::Exposure { flag, variant, revision, .. } = event.kind() else { return None };
    let snapshot = flags.values().find(|snapshot| snapshot.measured(flag).is_some())?;
    let rollout = snapshot.measured(flag)?;
    let is_arm = |variant: &String| rollout.arms.contains(variant);
    if revision.as_deref() != Some(rollout.revision.as_str()) || !is_arm(variant) {
        return None;
    }
    let of = unit_type(&rollout.unit_attribute);
    let unit = event.units().iter().find(|unit| unit.unit_type == of)?;
    let own = own_variant(snapshot, flag, &rollout.unit_attribute, &unit.id, now)?;
    // A unit that is not admitted now may have been before exposure was lowered.
    is_arm(&own).then(|| {
        let key = Key { flag: flag.clone(), revision: rollout.revision.clone(), client: client(event) };
        (key, own == *variant)
    })
}

fn own_variant(
    snapshot: &FlagSnapshot,
    flag: &str,
    unit_attribute: &str,
    unit: &str,
    now: Timestamp,
) -> Option<String> {
    // Where a rule looks for it: dots descend.
    let nested = |inner: Value, name: &str| Value::Object(Map::from_iter([(name.to_owned(), inner)]));
    let Value::Object(mut attributes) = unit_attribute.rsplit('.').fold(Value::from(unit), nested) else {
        return None;
    };
    attributes.entry(Context::TARGETING_KEY).or_insert_with(|| Value::from(unit));
    let answer = snapshot.evaluate(flag, &Context::new(&attributes), now).ok()?;
    answer.variant.map(str::to_owned)
}

/// Who told: what an event says of its client, or the way it came.
fn client(event: &Event) -> String {
    let named: Vec<&str> =
        NAMES.iter().filter_map(|name| event.attributes().get(*name)).map(String::as_str).collect();
    if named.is_empty() { format!("a sender by {}", event.source()) } else { named.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_counted_apart_up_to_a_bound() {
        let audit = Audit::default();
        let key = |client: &str| Key {
            flag: "checkout".to_owned(),
            revision: "PC-1/1".to_owned(),
            client: client.to_owned(),
        };
        for number in 0..3_000 {
            audit.count(key(&format!("client {number}")), false);
        }
        audit.count(key("client 0"), true);
        let told = audit.disagreements("checkout", "PC-1/1");
        assert_eq!(told.len(), CLIENTS_MAX + 1);
        let of = |client: &str| {
            told.iter().find(|told| told.client == client).map(|told| (told.exposures, told.of))
        };
        assert_eq!(of("client 0"), Some((1, 2)));
        assert_eq!(of(OTHERS), Some((2_000, 2_000)));
        assert_eq!(audit.disagreements("checkout", "PC-1/2"), []);
    }
}
