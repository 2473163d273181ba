//! The flags of one environment as they are served: compiled once, immutable, swapped whole.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tenure_core::State;
use tenure_core::id::EnvironmentId;
use tenure_flags::authoring::Lists;
use tenure_flags::{Context, EvaluationError, FlagSet, Phase, Resolution, Rollout, Snapshot};

/// The compiled flags of an environment.
#[derive(Debug)]
pub struct FlagSnapshot {
    compiled: Snapshot,
    /// The rollouts being measured, by flag.
    measured: BTreeMap<String, Rollout>,
}

impl FlagSnapshot {
    /// The flags of an environment as the state has them, with who is in lists.
    pub fn compile(state: &State, environment: &EnvironmentId, lists: &dyn Lists) -> Self {
        let set = state.flag_set(environment, lists);
        let measured = state
            .flag_cases
            .values()
            .filter_map(|case| state.cases.get(case))
            .filter(|_| !state.is_archived(environment))
            .filter(|case| case.flag.as_ref().is_some_and(|flag| flag.environment == *environment))
            .filter_map(|case| case.rollout())
            .filter(|rollout| rollout.phase == Phase::Measuring)
            .map(|rollout| (rollout.flag_key.clone(), rollout))
            .collect();
        Self { compiled: Snapshot::compile(&set), measured }
    }

    /// An environment without flags.
    pub fn empty() -> Self {
        Self { compiled: Snapshot::compile(&FlagSet::default()), measured: BTreeMap::new() }
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
    pub fn measured(&self, key: &str) -> Option<&Rollout> {
        self.measured.get(key)
    }
}
