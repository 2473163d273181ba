//! The flags of one environment as they are served: compiled once, immutable, swapped whole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tenure_core::State;
use tenure_core::flag::ComparedOn;
use tenure_core::id::{EnvironmentId, FlagKey};
use tenure_flags::authoring::Lists;
use tenure_flags::{
    Arm, CompiledFlag, Context, Directory, Entry, EvaluationError, FlagSet, Keyed, Metadata, Resolution,
    Snapshot, Step,
};

use crate::flag_document::{FlagDocument, Written};
use crate::flag_evaluations::Evaluations;

/// The compiled flags of an environment.
#[derive(Debug)]
pub struct FlagSnapshot {
    compiled: Snapshot,
    /// What is being compared, by flag.
    measured: Arc<Measured>,
    document: FlagDocument,
    /// When each flag was evaluated last, by this version and those before.
    evaluations: Arc<Evaluations>,
    /// When this version was compiled.
    at: Timestamp,
}

/// What is being compared, by the keys of the flags.
pub type Measured = BTreeMap<String, MeasuredRollout>;

/// What has to be known of a rollout, or an experiment that is run here, to record who met it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasuredRollout {
    /// The attribute of the context that carries the unit.
    pub unit_attribute: String,
    /// Case and iteration, such as `PC-1/2`, or the experiment.
    pub revision: String,
    /// The variants that are arms; those of a rollout in what an earlier server wrote.
    #[serde(default = "arms_of_a_rollout")]
    pub arms: Vec<String>,
}

fn arms_of_a_rollout() -> Vec<String> {
    [Arm::Control, Arm::Treatment].map(|arm| arm.as_str().to_owned()).to_vec()
}

impl From<ComparedOn> for MeasuredRollout {
    fn from(compared: ComparedOn) -> Self {
        let ComparedOn { unit_attribute, revision, arms } = compared;
        Self { unit_attribute, revision, arms }
    }
}

/// Snapshots of other environments that were compiled with the segments as they are: a flag that is defined there as here is
/// kept once.
#[derive(Debug, Clone, Copy)]
pub struct Siblings<'s>(pub &'s [Arc<FlagSnapshot>]);

impl Siblings<'_> {
    /// A definition, theirs when it is the same.
    fn written(self, key: &str, entry: &Entry) -> Arc<Written> {
        let own = Written::of(key, entry);
        self.0.iter().find_map(|other| other.document.same(&own)).cloned().unwrap_or(own)
    }

    /// What they compiled of a definition, in a set of such metadata.
    fn compiled(self, written: &Written, metadata: &Metadata) -> Option<CompiledFlag> {
        let alike = self.0.iter().filter(|other| other.document.metadata() == metadata);
        let mut holding = alike.filter(|other| other.document.same(written).is_some());
        holding.next()?.compiled.flag(written.key())
    }
}

impl FlagSnapshot {
    /// The flags of an environment as the state has them, with who is in lists.
    pub fn compile(
        state: &State,
        environment: &EnvironmentId,
        lists: &dyn Lists,
        at: Timestamp,
        siblings: Siblings<'_>,
    ) -> Self {
        let compared = |key: &FlagKey| Some((key.to_string(), state.compared_on(key, environment)?.into()));
        let measured = state.flag_cases.keys().chain(state.flag_runs.keys()).filter_map(compared).collect();
        Self::among(siblings, state.flag_set(environment, lists), measured, at)
    }

    /// The same flags but for some, as the state has those now. Segments must be as they were.
    pub fn with(
        &self,
        state: &State,
        environment: &EnvironmentId,
        keys: &BTreeSet<FlagKey>,
        lists: &dyn Lists,
        at: Timestamp,
        siblings: Siblings<'_>,
    ) -> Self {
        if self.document.is_empty() {
            // The segments that a first flag may refer to are not in the document of an environment without flags.
            return Self::compile(state, environment, lists, at, siblings);
        }
        let entry = |key: &FlagKey| (key.to_string(), state.flag_in(key, environment, lists));
        let changed: BTreeMap<String, Option<Entry>> = keys.iter().map(entry).collect();
        let written = |(key, entry): (&'_ String, &'_ Option<Entry>)| {
            entry.as_ref().map(|entry| siblings.written(key, entry))
        };
        let written: BTreeMap<&str, Option<Arc<Written>>> =
            changed.iter().map(|flag| (flag.0.as_str(), written(flag))).collect();
        let document = self.document.with(&written);
        if document.is_empty() {
            return Self::compile(state, environment, lists, at, siblings);
        }
        let mut measured = Arc::clone(&self.measured);
        for key in keys {
            let compared = state.compared_on(key, environment).map(MeasuredRollout::from);
            if compared.as_ref() != measured.get(key.as_str()) {
                let measured = Arc::make_mut(&mut measured);
                match compared {
                    Some(compared) => measured.insert(key.to_string(), compared),
                    None => measured.remove(key.as_str()),
                };
            }
        }
        let evaluators = state.evaluators_of(keys, environment, lists);
        let known = |key: &str| siblings.compiled(written.get(key)?.as_ref()?, document.metadata());
        let compiled = self.compiled.with(&changed, &evaluators, known);
        let evaluations =
            self.evaluations.with(changed.iter().map(|(key, entry)| (key.as_str(), entry.is_some())));
        Self { compiled, measured, document, evaluations: Arc::new(evaluations), at }
    }

    /// A flag set, with what is being compared in it.
    pub fn of(set: FlagSet, measured: Measured, at: Timestamp) -> Self {
        Self::among(Siblings(&[]), set, measured, at)
    }

    fn among(siblings: Siblings<'_>, set: FlagSet, measured: Measured, at: Timestamp) -> Self {
        let written = Directory::of(set.flags.iter().map(|(key, entry)| siblings.written(key, entry)));
        let known = |key: &str| siblings.compiled(written.get(key)?, &set.metadata);
        let compiled = Snapshot::compile_unknown(&set, known);
        let evaluations = Arc::new(Evaluations::new(compiled.keys(), at));
        let document = FlagDocument::of(set, written);
        Self { compiled, measured: Arc::new(measured), document, evaluations, at }
    }

    /// The same, with what was noted of the version before it.
    #[must_use]
    pub fn succeeding(self, before: &Self) -> Self {
        let evaluations = Arc::new(before.evaluations.of_keys(self.compiled.keys()));
        Self { evaluations, ..self }
    }

    /// When each flag was evaluated last.
    pub fn evaluations(&self) -> &Evaluations {
        &self.evaluations
    }

    /// An environment without flags.
    pub fn empty() -> Self {
        Self::of(FlagSet::default(), Measured::new(), Timestamp::UNIX_EPOCH)
    }

    /// One flag's answer.
    pub fn evaluate(
        &self,
        key: &str,
        context: &Context<'_>,
        now: Timestamp,
    ) -> Result<Resolution<'_>, EvaluationError> {
        self.compiled.evaluate(key, context, now.as_second())
    }

    /// Every flag's answer, in the order of their keys.
    pub fn evaluate_all<'s, 'c>(
        &'s self,
        context: &'c Context<'c>,
        now: Timestamp,
    ) -> impl Iterator<Item = (&'s str, Result<Resolution<'s>, EvaluationError>)> + use<'s, 'c> {
        self.compiled.evaluate_all(context, now.as_second())
    }

    /// One flag's answer, and what its rule did.
    pub fn explain(
        &self,
        key: &str,
        context: &Context<'_>,
        now: Timestamp,
    ) -> (Result<Resolution<'_>, EvaluationError>, Vec<Step>) {
        self.compiled.explain(key, context, now.as_second())
    }

    /// The keys of all flags, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.compiled.keys()
    }

    /// What is being compared on a flag.
    pub fn measured(&self, key: &str) -> Option<&MeasuredRollout> {
        self.measured.get(key)
    }

    /// Everything that is being compared.
    pub fn all_measured(&self) -> &Measured {
        &self.measured
    }

    /// The definitions, as clients fetch them.
    pub fn document(&self) -> &FlagDocument {
        &self.document
    }

    /// When this version was compiled.
    pub fn at(&self) -> Timestamp {
        self.at
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_is_defined_alike_is_kept_once() {
        let flag = |default: &str| json!({"state": "ENABLED", "variants": {"a": 1, "b": 2}, "defaultVariant": default});
        let set = |flags: Value, team: &str| {
            FlagSet::from_json(json!({"flags": flags, "metadata": {"team": team}})).unwrap()
        };
        let check = |here: FlagSet, there: FlagSet, shared: &[&str]| {
            let at = Timestamp::UNIX_EPOCH;
            let here = [Arc::new(FlagSnapshot::of(here, Measured::new(), at))];
            let alone = FlagSnapshot::of(there.clone(), Measured::new(), at);
            let there = FlagSnapshot::among(Siblings(&here), there, Measured::new(), at);
            assert_eq!(there.document.version(), alone.document.version());
            let context = Context::from_json(&Value::Null).unwrap();
            let is_shared = |key: &&str| {
                let [here, there, alone] =
                    [&*here[0], &there, &alone].map(|flags| flags.evaluate(key, &context, at).ok());
                assert_eq!(format!("{there:?}"), format!("{alone:?}"), "{key}");
                // The key that an answer names is the compiled flag's own.
                here.zip(there).is_some_and(|(here, there)| std::ptr::eq(here.key, there.key))
            };
            assert_eq!(there.keys().filter(is_shared).collect::<Vec<_>>(), shared);
        };
        let [a, b] = ["a", "b"].map(flag);
        check(
            set(json!({"same": a, "other": a, "gone": a}), "x"),
            set(json!({"same": a, "other": b, "new": a}), "x"),
            &["same"],
        );
        check(set(json!({"same": a}), "x"), set(json!({"same": a}), "y"), &[]);
    }
}
