//! Lists come in pages: some items, and where to go on.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::ops::Bound;

use serde::{Deserialize, Serialize};
use tenure_store::Store;
use utoipa::{IntoParams, ToSchema};

use super::schema::Shown;
use crate::problem::Problem;

/// The most items of a page.
const ITEMS_MAX: u32 = 1_000;

/// Where a list goes on.
#[derive(Debug, Deserialize, IntoParams)]
pub struct After {
    /// The last id of the page before.
    #[serde(default)]
    pub after: String,
    /// How many, at most 1,000.
    #[serde(default = "limit_default")]
    pub limit: u32,
}

fn limit_default() -> u32 {
    100
}

impl After {
    /// How many items, within bounds.
    pub fn items_max(&self) -> usize {
        self.limit.clamp(1, ITEMS_MAX) as usize
    }
}

/// A page of a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// What to send as `after` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A page that was cut at `limit` items; `cursor` names an item.
    pub fn of(items: Vec<T>, limit: u32, cursor: impl Fn(&T) -> String) -> Self {
        let full = items.len() >= limit as usize;
        let next = items.last().filter(|_| full).map(cursor);
        Self { items, next }
    }
}

impl<T: Serialize> Page<Shown<T>> {
    /// A page of something the process holds by id. Free text stays by reference until [`Page::resolved`].
    pub fn of_map<K: Borrow<str> + Ord, V>(
        map: &BTreeMap<K, V>,
        after: &After,
        view: impl Fn(&K, &V) -> Shown<T>,
    ) -> Self {
        Self::of_those(map, after, |_, _| true, view)
    }

    /// The same of those that are let through.
    pub fn of_those<K: Borrow<str> + Ord, V>(
        map: &BTreeMap<K, V>,
        after: &After,
        admits: impl Fn(&K, &V) -> bool,
        view: impl Fn(&K, &V) -> Shown<T>,
    ) -> Self {
        let behind = map.range::<str, _>((Bound::Excluded(after.after.as_str()), Bound::Unbounded));
        let mut behind = behind.filter(|(id, item)| admits(id, item));
        let page: Vec<(&K, &V)> = behind.by_ref().take(after.items_max()).collect();
        let next = behind.next().and(page.last()).map(|(id, _)| Borrow::<str>::borrow(*id).to_owned());
        Self { items: page.into_iter().map(|(id, item)| view(id, item)).collect(), next }
    }

    /// The page with what people wrote in place.
    pub async fn resolved(self, store: &Store) -> Result<Self, Problem> {
        Ok(Self { items: Shown::resolved_all(self.items, store).await?, next: self.next })
    }
}
