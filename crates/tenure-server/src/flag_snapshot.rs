//! The flags of one environment as they are served: compiled once, immutable, swapped whole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tenure_core::State;
use tenure_core::flag::ComparedOn;
use tenure_core::id::{EnvironmentId, FlagKey};
use tenure_flags::authoring::Lists;
use tenure_flags::{Arm, Context, Entry, EvaluationError, FlagSet, Resolution, Snapshot, Step};

use crate::flag_document::FlagDocument;
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

impl FlagSnapshot {
    /// The flags of an environment as the state has them, with who is in lists.
    pub fn compile(state: &State, environment: &EnvironmentId, lists: &dyn Lists, at: Timestamp) -> Self {
        let compared = |key: &FlagKey| Some((key.to_string(), state.compared_on(key, environment)?.into()));
        let measured = state.flag_cases.keys().chain(state.flag_runs.keys()).filter_map(compared).collect();
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
        let compiled = self.compiled.with(&changed, &evaluators);
        let evaluations =
            self.evaluations.with(changed.iter().map(|(key, entry)| (key.as_str(), entry.is_some())));
        Self { compiled, measured, document, evaluations: Arc::new(evaluations), at }
    }

    /// A flag set, with what is being compared in it.
    pub fn of(set: FlagSet, measured: Measured, at: Timestamp) -> Self {
        let compiled = Snapshot::compile(&set);
        let evaluations = Arc::new(Evaluations::new(compiled.keys(), at));
        Self { compiled, measured: Arc::new(measured), document: FlagDocument::of(set), evaluations, at }
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
