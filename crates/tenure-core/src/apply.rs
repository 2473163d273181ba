//! `apply`: a recorded event becomes state. Total, and computes no statistic: what was concluded was recorded.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::{DecodeError, Event};
use crate::id::AccountId;
use crate::state::State;
use crate::time::Stamp;

/// An event as it stands in the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Its place in the journal, counted from 1.
    pub seq: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// Who decided it.
    pub actor: AccountId,
    /// What was decided.
    #[serde(flatten)]
    pub event: Event,
}

impl Recorded {
    /// Reads an entry from its written form.
    pub fn decode(
        seq: u64,
        at: Timestamp,
        actor: AccountId,
        kind: &str,
        version: u32,
        body: &str,
    ) -> Result<Self, DecodeError> {
        Ok(Self { seq, at, actor, event: Event::decode(kind, version, body)? })
    }
}

/// Applies one recorded event.
pub fn apply(state: &mut State, recorded: &Recorded) {
    let acting_for = state.acting_now(&recorded.event);
    let stamp = Stamp { at: recorded.at, by: recorded.actor.clone(), acting_for };
    recorded.event.apply(state, &stamp);
    state.seq = recorded.seq;
    debug_assert!(
        recorded
            .event
            .case()
            .and_then(|id| state.cases.get(id))
            .is_none_or(|case| crate::invariant::of_case(state, case).is_empty()),
        "entry {} ({}) breaks an invariant: {:?}",
        recorded.seq,
        recorded.event.kind(),
        crate::invariant::of_state(state)
    );
}
