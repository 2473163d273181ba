//! Which parked ideas a platform change may have made easier: by tag and codebase, which decides, and by words, which
//! only hints.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use crate::case::{Case, Stage};
use crate::id::{CaseId, CodebaseId, PlatformChangeId};
use crate::platform_change::PlatformChange;
use crate::state::State;

/// What a platform change and a parked case have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Common {
    /// Tags of the change that the case waits for.
    pub tags: BTreeSet<String>,
    /// Codebases that the change landed in, and the case would be built in.
    pub codebases: BTreeSet<CodebaseId>,
}

impl Common {
    /// Whether that makes a suggestion.
    pub fn is_some(&self) -> bool {
        !self.tags.is_empty() || !self.codebases.is_empty()
    }
}

/// What a platform change has in common with a case, when it is parked.
pub(crate) fn common(case: &Case, tags: &BTreeSet<String>, codebases: &BTreeSet<CodebaseId>) -> Common {
    let Some(parked) = case.parked.as_ref().filter(|_| case.stage == Stage::Parked) else {
        return Common::default();
    };
    Common {
        tags: parked.unblock.intersection(tags).cloned().collect(),
        codebases: case.codebases().intersection(codebases).cloned().collect(),
    }
}

/// Where the pair of a platform change and a case stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It waits for somebody to say whether it helps.
    Suggested,
    /// It comes back on a date.
    Snoozed,
    /// It does not help.
    Dismissed,
    /// The case was re-opened because of it.
    Accepted,
    /// The case left its sleep in another way.
    Passed,
}

/// A case that a platform change was suggested to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fit {
    /// Which case.
    pub case: CaseId,
    /// Where the pair stands.
    pub standing: Standing,
    /// When a snoozed one comes back.
    pub until: Option<Date>,
    /// Why it was dismissed.
    pub reason: Option<String>,
}

impl Case {
    /// Suggestions that wait on somebody on a date: those that are not snoozed.
    pub fn open_suggestions(
        &self,
        has_begun: impl Fn(Date) -> bool,
    ) -> impl Iterator<Item = &PlatformChangeId> {
        let sleeps = move |change: &PlatformChangeId| {
            self.snoozed.get(change).is_some_and(|snooze| !has_begun(snooze.until))
        };
        self.suggestions.iter().filter(move |change| !sleeps(change))
    }

    fn standing(&self, change: &PlatformChangeId, today: Date) -> Option<Standing> {
        if self.dismissed.contains(change) {
            Some(Standing::Dismissed)
        } else if self.reopened_for.contains(change) {
            Some(Standing::Accepted)
        } else if self.open_suggestions(|until| until <= today).any(|open| open == change) {
            Some(Standing::Suggested)
        } else if self.suggestions.contains(change) {
            Some(Standing::Snoozed)
        } else {
            self.resurfaced_by.contains(change).then_some(Standing::Passed)
        }
    }
}

impl State {
    /// Every case that a platform change was suggested to, with where the pair stands.
    pub fn fits(&self, change: &PlatformChangeId, today: Date) -> Vec<Fit> {
        let fit = |case: &Case| {
            let standing = case.standing(change, today)?;
            let until = case.snoozed.get(change).map(|snooze| snooze.until);
            Some(Fit {
                case: case.id.clone(),
                standing,
                until: until.filter(|_| standing == Standing::Snoozed),
                reason: case.dismissal_reasons.get(change).cloned(),
            })
        };
        self.all_cases().filter_map(fit).collect()
    }

    /// Parked cases to which a platform change was not suggested by tag or codebase, with words that both use: they may
    /// fit. `idea` gives a case's text, such as its title, hypothesis and why it was parked; the best comes first.
    pub fn may_fit(
        &self,
        id: &PlatformChangeId,
        change: &PlatformChange,
        text: &str,
        idea: impl Fn(&Case) -> String,
    ) -> Vec<MayFit> {
        let asleep = self.all_cases().filter(|case| {
            case.stage == Stage::Parked
                && !case.resurfaced_by.contains(id)
                && !common(case, &change.tags, &change.codebases).is_some()
        });
        let ideas: Vec<(CaseId, String)> = asleep.map(|case| (case.id.clone(), idea(case))).collect();
        by_words(text, &ideas)
    }
}

/// A case that shares words with a platform change.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MayFit {
    /// Which case.
    pub case: CaseId,
    /// The words that both use, the most telling first.
    pub words: Vec<String>,
    /// How telling they are: the sum of ln(ideas / ideas that use the word) over the words, plus one for each.
    pub score: f64,
}

/// Words shorter than this tell nothing.
const WORD_LETTERS_MIN: usize = 4;
/// So many words have to be shared: one alone is chance.
const WORDS_MIN: usize = 2;
/// Words that every idea uses.
const COMMON_WORDS: [&str; 32] = [
    "about",
    "after",
    "against",
    "because",
    "before",
    "build",
    "change",
    "changes",
    "customer",
    "customers",
    "easier",
    "experiment",
    "feature",
    "from",
    "have",
    "into",
    "make",
    "makes",
    "more",
    "parked",
    "product",
    "result",
    "show",
    "team",
    "than",
    "that",
    "their",
    "this",
    "users",
    "when",
    "will",
    "with",
];

/// The ideas that share at least two telling words with a text, the best first.
pub fn by_words(text: &str, ideas: &[(CaseId, String)]) -> Vec<MayFit> {
    let wanted = words(text);
    let ideas: Vec<(&CaseId, BTreeSet<String>)> =
        ideas.iter().map(|(case, idea)| (case, words(idea))).collect();
    let mut used: BTreeMap<&String, usize> = BTreeMap::new();
    for word in ideas.iter().flat_map(|(_, words)| words) {
        *used.entry(word).or_default() += 1;
    }
    let telling = |word: &String| {
        let by = used.get(word).copied().unwrap_or(1).max(1);
        1.0 + (ideas.len().max(1) as f64 / by as f64).ln()
    };
    let mut fits: Vec<MayFit> = ideas
        .iter()
        .filter_map(|(case, idea)| {
            let mut words: Vec<String> = idea.intersection(&wanted).cloned().collect();
            words.sort_by(|a, b| telling(b).total_cmp(&telling(a)).then_with(|| a.cmp(b)));
            let score = words.iter().map(telling).sum();
            (words.len() >= WORDS_MIN).then(|| MayFit { case: (*case).clone(), words, score })
        })
        .collect();
    fits.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.case.cmp(&b.case)));
    fits
}

/// The telling words of a text: lower case, of at least four letters, without a plural's `s`.
fn words(text: &str) -> BTreeSet<String> {
    text.split(|letter: char| !letter.is_alphanumeric())
        .map(str::to_lowercase)
        .filter(|word| word.chars().count() >= WORD_LETTERS_MIN && !COMMON_WORDS.contains(&word.as_str()))
        .map(|word| match word.strip_suffix('s') {
            Some(singular) if !singular.ends_with('s') => singular.to_owned(),
            _ => word,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_hint_and_the_most_telling_come_first() {
        let idea = |case: &str, text: &str| (CaseId::new(case).unwrap(), text.to_owned());
        let ideas = [
            idea("PC-1", "Inline previews of attachments, parked because the renderer is slow"),
            idea("PC-2", "Attachments in the invitation mail"),
            idea("PC-3", "A shorter sign-up form"),
        ];
        let check = |text: &str, expected: &[(&str, &[&str])]| {
            let fits = by_words(text, &ideas);
            let got: Vec<(&str, Vec<&str>)> = fits
                .iter()
                .map(|fit| (fit.case.as_str(), fit.words.iter().map(String::as_str).collect()))
                .collect();
            let expected: Vec<_> = expected.iter().map(|(case, words)| (*case, words.to_vec())).collect();
            assert_eq!(got, expected, "{text}");
        };
        check(
            "A renderer that shows attachment previews inline",
            &[("PC-1", &["inline", "preview", "renderer", "attachment"])],
        );
        check("Attachments, and an invitation by mail", &[("PC-2", &["invitation", "mail", "attachment"])]);
        check("The form", &[]);
        check("", &[]);
    }
}
