//! The flags of one environment as they are served: compiled once, immutable, swapped whole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tenure_core::State;
use tenure_core::id::{EnvironmentId, FlagKey};
use tenure_flags::authoring::Lists;
use tenure_flags::{Context, Entry, EvaluationError, FlagSet, Resolution, Rollout, Snapshot, Step};

use crate::flag_document::FlagDocument;
use crate::flag_evaluations::Evaluations;

/// The compiled flags of an environment.
#[derive(Debug)]
pub struct FlagSnapshot {
    compiled: Snapshot,
    /// The rollouts being measured, by flag.
    measured: Measured,
    document: FlagDocument,
    /// When each flag was evaluated last, by this version and those before.
    evaluations: Arc<Evaluations>,
    /// When this version was compiled.
    at: Timestamp,
}

/// The rollouts being measured, by the keys of their flags.
pub type Measured = BTreeMap<String, MeasuredRollout>;

/// What has to be known of a rollout to record who met it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasuredRollout {
    /// The attribute of the context that carries the unit.
    pub unit_attribute: String,
    /// Case and iteration, such as `PC-1/2`.
    pub revision: String,
}

impl From<&Rollout> for MeasuredRollout {
    fn from(rollout: &Rollout) -> Self {
        Self { unit_attribute: rollout.unit_attribute.clone(), revision: rollout.version.clone() }
    }
}

impl FlagSnapshot {
    /// The flags of an environment as the state has them, with who is in lists.
    pub fn compile(state: &State, environment: &EnvironmentId, lists: &dyn Lists, at: Timestamp) -> Self {
        let measured = state
            .flag_cases
            .values()
            .filter_map(|case| state.cases.get(case))
            .filter(|_| !state.is_archived(environment))
            .filter(|case| case.flag.as_ref().is_some_and(|flag| flag.environment == *environment))
            .filter_map(|case| case.rollout())
            .filter(|rollout| rollout.phase.compares())
            .map(|rollout| (rollout.flag_key.clone(), MeasuredRollout::from(&rollout)))
            .collect();
        Self::of(state.flag_set(environment, lists), measured, at)
    }

    /// The same flags but for some, as the state has those now. Segments must be as they were.
    pub fn with(
        &self,
        state: &State,
        environment: &EnvironmentId,
        keys: &BTreeSet<FlagKey>,
        lists: &dyn Lists,
        at: Timestamp,
    ) -> Self {
        if self.document.is_empty() {
            // The segments that a first flag may refer to are not in the document of an environment without flags.
            return Self::compile(state, environment, lists, at);
        }
        let entry = |key: &FlagKey| (key.to_string(), state.flag_in(key, environment, lists));
        let changed: BTreeMap<String, Option<Entry>> = keys.iter().map(entry).collect();
        let document = self.document.with(&changed);
        if document.is_empty() {
            return Self::compile(state, environment, lists, at);
        }
        let mut measured = self.measured.clone();
        for key in keys {
            let here = state
                .case_of_flag(key)
                .filter(|case| case.flag.as_ref().is_some_and(|flag| flag.environment == *environment));
            match here.and_then(|case| case.rollout()).filter(|rollout| rollout.phase.compares()) {
                Some(rollout) => measured.insert(key.to_string(), MeasuredRollout::from(&rollout)),
                None => measured.remove(key.as_str()),
            };
        }
        let evaluators = state.evaluators_of(keys, environment, lists);
        let compiled = self.compiled.with(&changed, &evaluators);
        Self { compiled, measured, document, evaluations: Arc::clone(&self.evaluations), at }.succeeding(self)
    }

    /// A flag set, with the rollouts that are being measured in it.
    pub fn of(set: FlagSet, measured: Measured, at: Timestamp) -> Self {
        let compiled = Snapshot::compile(&set);
        let evaluations = Arc::new(Evaluations::new(compiled.keys(), at));
        Self { compiled, measured, document: FlagDocument::of(set), evaluations, at }
    }

    /// The same, with what was noted of the version before it.
    #[must_use]
    pub fn succeeding(self, before: &Self) -> Self {
        let same = self.compiled.keys().len() == before.compiled.keys().len()
            && self.compiled.keys().eq(before.compiled.keys());
        let evaluations = if same {
            Arc::clone(&before.evaluations)
        } else {
            Arc::new(before.evaluations.of_keys(self.compiled.keys()))
        };
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

    /// The rollout that a flag is being measured in.
    pub fn measured(&self, key: &str) -> Option<&MeasuredRollout> {
        self.measured.get(key)
    }

    /// All rollouts that are being measured.
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
