//! Lists come in pages: some items, and where to go on.

use serde::Serialize;
use utoipa::ToSchema;

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
