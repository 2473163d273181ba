//! A snapshot: the state in parts, each to be written and read by itself, so that a start with many cases can use every processor.
//!
//! Knows nothing about how parts are written, where they are kept, nor who works on them. Another version of this crate may
//! divide the state otherwise: it is the journal that lasts.

use std::mem;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::case::Case;
use crate::state::State;

/// How many cases are in a part: a few megabytes of text.
const CASES: usize = 128;

/// A part of a state.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Everything but the cases.
    Rest(Box<State>),
    /// Some of the cases.
    Cases(Vec<Arc<Case>>),
}

impl State {
    /// The state in parts. Cases are not copied.
    pub fn into_parts(mut self) -> Vec<Part> {
        let cases: Vec<_> = mem::take(&mut self.cases).into_values().collect();
        let cases = cases.chunks(CASES).map(|some| Part::Cases(some.to_vec()));
        [Part::Rest(Box::new(self))].into_iter().chain(cases).collect()
    }

    /// The state of which these are all the parts, in any order.
    pub fn from_parts(parts: impl IntoIterator<Item = Part>) -> Self {
        let (mut state, mut all) = (Self::default(), Vec::new());
        for part in parts {
            match part {
                Part::Rest(rest) => state = *rest,
                Part::Cases(cases) => all.extend(cases),
            }
        }
        state.cases = all.into_iter().map(|case| (case.id.clone(), case)).collect();
        state
    }
}
