//! Lists of unit keys. Who is in one is personal data, so that a list may be kept elsewhere and only referred to.

use std::collections::HashSet;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::fault::{Fault, Place};

/// The most keys of a list.
pub const KEYS_MAX: usize = 100_000;
/// The longest key.
const KEY_BYTES_MAX: usize = 200;

/// A list of unit keys: given, or kept elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "must be a list of texts")]
pub enum Keys {
    /// As they are.
    Given(Vec<String>),
    /// By reference.
    Kept {
        /// What refers to the list.
        list: String,
        /// How many keys it has.
        count: usize,
    },
}

/// Where lists that are kept elsewhere are found.
pub trait Lists {
    /// The keys of a list; none when it is not there (any more): nobody is in it then.
    fn keys(&self, list: &str) -> Option<Arc<[String]>>;
}

/// Knows no list: every list that is kept elsewhere is empty.
#[derive(Debug, Clone, Copy)]
pub struct NoLists;

impl Lists for NoLists {
    fn keys(&self, _: &str) -> Option<Arc<[String]>> {
        None
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self::Given(Vec::new())
    }
}

impl Keys {
    /// How many keys there are.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::Given(keys) => keys.len(),
            Self::Kept { count, .. } => *count,
        }
    }

    /// Whether nobody is in the list.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// What refers to the list, when it is kept elsewhere.
    #[must_use]
    pub fn kept(&self) -> Option<&str> {
        match self {
            Self::Given(_) => None,
            Self::Kept { list, .. } => Some(list),
        }
    }

    /// The keys as a JSON array.
    pub(crate) fn resolved(&self, lists: &dyn Lists) -> Json {
        match self {
            Self::Given(keys) => keys.iter().map(String::as_str).collect(),
            Self::Kept { list, .. } => {
                let keys = lists.keys(list);
                keys.iter().flat_map(|keys| keys.iter()).map(String::as_str).collect()
            }
        }
    }

    /// Whether the list is within bounds and names nobody twice.
    ///
    /// # Errors
    /// The first [`Fault`] found.
    pub(crate) fn check(&self, place: Place<'_>) -> Result<(), Fault> {
        if self.count() > KEYS_MAX {
            return Err(Fault::new(
                place,
                format!("must hold at most {KEYS_MAX} keys, not {}", self.count()),
            ));
        }
        let Self::Given(keys) = self else { return Ok(()) };
        let mut seen = HashSet::with_capacity(keys.len());
        for (index, key) in keys.iter().enumerate() {
            if key.is_empty() || key.len() > KEY_BYTES_MAX {
                return Err(Fault::new(place.index(index), format!("must have 1 to {KEY_BYTES_MAX} bytes")));
            }
            if !seen.insert(key.as_str()) {
                return Err(Fault::new(place.index(index), "stands in the list already"));
            }
        }
        Ok(())
    }
}
