//! A snapshot: the state in parts, each to be written and read by itself, so that a start with many cases or
//! flags can use every processor.
//!
//! Knows nothing about how parts are written, where they are kept, nor who works on them. Another version of this crate may
//! divide the state otherwise: it is the journal that lasts.

use std::mem;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::flag::hand::PlainFlag;
use crate::id::FlagKey;
use crate::state::State;

/// How many cases are in a part: a few megabytes of text …
const CASES: usize = 128;
/// … and how many flags.
const FLAGS: usize = 1_024;

/// A part of a state.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Everything but the cases and the flags set by hand.
    Rest(Box<State>),
    /// Some of the cases.
    Cases(Vec<Arc<Case>>),
    /// Some of the flags set by hand.
    Flags(Vec<(FlagKey, Arc<PlainFlag>)>),
}

impl State {
    /// The state in parts. Cases and flags are not copied.
    pub fn into_parts(mut self) -> Vec<Part> {
        let cases: Vec<_> = mem::take(&mut self.cases).into_values().collect();
        let cases = cases.chunks(CASES).map(|some| Part::Cases(some.to_vec()));
        let flags: Vec<_> = mem::take(&mut self.flags).into_iter().collect();
        let flags = flags.chunks(FLAGS).map(|some| Part::Flags(some.to_vec()));
        [Part::Rest(Box::new(self))].into_iter().chain(cases).chain(flags).collect()
    }

    /// The state of which these are all the parts, in any order.
    pub fn from_parts(parts: impl IntoIterator<Item = Part>) -> Self {
        let (mut state, mut all_cases, mut all_flags) = (Self::default(), Vec::new(), Vec::new());
        for part in parts {
            match part {
                Part::Rest(rest) => state = *rest,
                Part::Cases(cases) => all_cases.extend(cases),
                Part::Flags(flags) => all_flags.extend(flags),
            }
        }
        state.cases.extend(all_cases.into_iter().map(|case| (case.id.clone(), case)));
        let shared = |flag: Arc<PlainFlag>| Arc::new(Arc::unwrap_or_clone(flag).shared());
        state.flags.extend(all_flags.into_iter().map(|(key, flag)| (key, shared(flag))));
        state
    }
}
