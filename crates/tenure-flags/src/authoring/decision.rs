//! Which of a flag's targets and rules decided an answer, told by the steps of its evaluation.
//!
//! Nothing is evaluated again: the rules compile to one chain of conditions, and the steps say what each of them gave.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use super::Authored;
use crate::explanation::Step;

/// What decided an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "RuleDecision")]
pub enum Decision {
    /// The unit is an individual target: the place of the target, from 1.
    Target(usize),
    /// A rule.
    Rule {
        /// Its place, from 1.
        place: usize,
        /// What people call it.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// No target and no rule: the default variant is served.
    Default,
}

impl Authored {
    /// What decided the answer whose evaluation took these steps ([`crate::Snapshot::explain`]).
    #[must_use]
    pub fn decision(&self, steps: &[Step]) -> Decision {
        let chain = steps.first().filter(|step| step.operator == "if");
        let conditions = chain.map_or(&[][..], |chain| &chain.steps);
        // Every condition is an operation, but that of a rule without conditions, which comes last and always holds.
        let can_say_no = self.targets.len() + self.rules.iter().filter(|rule| !rule.when.is_empty()).count();
        let met = conditions.iter().take(can_say_no).position(|step| is_met(&step.value));
        match met {
            Some(at) if at < self.targets.len() => Decision::Target(at + 1),
            Some(at) => self.rule(at - self.targets.len()),
            None if self.enabled && can_say_no < self.targets.len() + self.rules.len() => {
                self.rule(self.rules.len() - 1)
            }
            None => Decision::Default,
        }
    }

    fn rule(&self, at: usize) -> Decision {
        Decision::Rule { place: at + 1, name: self.rules.get(at).and_then(|rule| rule.name.clone()) }
    }
}

/// JsonLogic's truth of what a condition gave.
fn is_met(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(is) => *is,
        Json::Number(number) => number.as_f64() != Some(0.0),
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Object(_) => true,
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target(place) => write!(f, "individual target {place}"),
            Self::Rule { place, name: Some(name) } => write!(f, "rule {place} ({name})"),
            Self::Rule { place, name: None } => write!(f, "rule {place}"),
            Self::Default => f.write_str("no rule; the default is served"),
        }
    }
}
