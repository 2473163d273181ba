//! The items of an owner process, as a codebase's owners define them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::Deadlines;

/// What an item is, which says how soon its owners answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// The feature is shown and tried.
    QaDemo,
    /// The change is read.
    PullRequest,
    /// Anything else the owners ask for.
    Custom,
}

impl ItemKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::QaDemo, Self::PullRequest, Self::Custom];

    /// The kind's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::QaDemo => "qa_demo",
            Self::PullRequest => "pull_request",
            Self::Custom => "custom",
        }
    }

    /// What an item of this name is, when nobody says.
    pub fn of(name: &str) -> Self {
        let name = name.to_lowercase();
        let words: Vec<&str> = name.split(|letter: char| !letter.is_alphanumeric()).collect();
        if words.contains(&"pr") || words.windows(2).any(|pair| pair == ["pull", "request"]) {
            Self::PullRequest
        } else if words.contains(&"qa") || words.contains(&"demo") {
            Self::QaDemo
        } else {
            Self::Custom
        }
    }
}

/// One item of an owner process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Form", into = "Form")]
pub struct ItemTemplate {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: ItemKind,
    /// Working days in which its owners answer; the policy's for its kind when left out.
    pub within_days: Option<u32>,
}

impl ItemTemplate {
    /// An item of which only the name is given.
    pub fn named(name: impl Into<String>) -> Self {
        let name = name.into();
        Self { kind: ItemKind::of(&name), name, within_days: None }
    }

    /// Working days in which its owners promise to answer.
    pub fn promise(&self, deadlines: &Deadlines) -> Option<u32> {
        self.within_days.or(match self.kind {
            ItemKind::QaDemo => Some(deadlines.qa_demo),
            ItemKind::PullRequest => Some(deadlines.pull_request),
            ItemKind::Custom => None,
        })
    }
}

/// The two ways of writing an item: its name, or an object.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "an item is its name or {name, kind, within_days}")]
enum Form {
    Name(String),
    Whole {
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<ItemKind>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        within_days: Option<u32>,
    },
}

impl From<Form> for ItemTemplate {
    fn from(form: Form) -> Self {
        match form {
            Form::Name(name) => Self::named(name),
            Form::Whole { name, kind, within_days } => {
                Self { kind: kind.unwrap_or_else(|| ItemKind::of(&name)), name, within_days }
            }
        }
    }
}

impl From<ItemTemplate> for Form {
    fn from(item: ItemTemplate) -> Self {
        let plain = item == ItemTemplate::named(item.name.clone());
        let ItemTemplate { name, kind, within_days } = item;
        if plain { Self::Name(name) } else { Self::Whole { name, kind: Some(kind), within_days } }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    #[test]
    fn a_name_is_enough_and_is_written_as_it_was() {
        let check = |written: Json, kind: ItemKind, days: Option<u32>| {
            let item: ItemTemplate = serde_json::from_value(written.clone()).unwrap();
            assert_eq!((item.kind, item.promise(&Deadlines::default())), (kind, days));
            assert_eq!(serde_json::to_value(&item).unwrap(), written);
        };
        check(json!("qa_demo"), ItemKind::QaDemo, Some(5));
        check(json!("pr_review"), ItemKind::PullRequest, Some(2));
        check(json!("security_review"), ItemKind::Custom, None);
        check(
            json!({"name": "accessibility", "kind": "qa_demo", "within_days": 3}),
            ItemKind::QaDemo,
            Some(3),
        );
        let short: ItemTemplate = serde_json::from_value(json!({"name": "qa_demo"})).unwrap();
        assert_eq!(short, ItemTemplate::named("qa_demo"));
    }
}
