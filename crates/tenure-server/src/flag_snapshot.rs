//! The flags of one environment as they are served: compiled once, immutable, swapped whole.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tenure_core::State;
use tenure_core::id::EnvironmentId;
use tenure_flags::authoring::Lists;
use tenure_flags::{Context, EvaluationError, FlagSet, Phase, Resolution, Rollout, Snapshot};

use crate::flag_document::FlagDocument;

/// The compiled flags of an environment.
#[derive(Debug)]
pub struct FlagSnapshot {
    compiled: Snapshot,
    /// The rollouts being measured, by flag.
    measured: Measured,
    document: FlagDocument,
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
            .filter(|rollout| rollout.phase == Phase::Measuring)
            .map(|rollout| (rollout.flag_key.clone(), MeasuredRollout::from(&rollout)))
            .collect();
        Self::of(state.flag_set(environment, lists), measured, at)
    }

    /// A flag set, with the rollouts that are being measured in it.
    pub fn of(set: FlagSet, measured: Measured, at: Timestamp) -> Self {
        Self { compiled: Snapshot::compile(&set), measured, document: FlagDocument::of(set), at }
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
