//! Re-runs: the experiment again, with variations that are easier to implement. What was asked of it, and what its parent
//! says about its effect.
//!
//! The parent's result is a prior that is shown beside the child's own; it decides nothing. The child alone moves its case
//! on or parks it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenure_stats::estimate::{Estimate, Scale};
use tenure_stats::{CannotSay, evidence};

use crate::case::Case;
use crate::decision::DecisionKind;
use crate::design::Question;
use crate::experiment::Experiment;
use crate::id::ExperimentId;

/// How far a variation's effect may differ from its parent's, relative to it: the same allowance as for a build that
/// deviates from its experiment.
pub const KAPPA: f64 = 0.25;

/// A child's effect with its parent's as a prior. Effects are on `scale`: log-relative or absolute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Prior {
    /// The experiment whose result is the prior.
    pub parent: ExperimentId,
    /// The scale of every effect here.
    pub scale: Scale,
    /// The parent's effect less its selection.
    pub parent_effect: f64,
    /// Its standard error.
    pub parent_se: f64,
    /// The share of the parent's information that counts, because a variation is not the parent.
    pub weight: f64,
    /// The child's own effect.
    pub child_effect: f64,
    /// Its standard error.
    pub child_se: f64,
    /// Both combined.
    pub combined: f64,
    /// Its standard error.
    pub combined_se: f64,
    /// Its 95 % interval.
    pub interval: [f64; 2],
}

impl Prior {
    /// A child's effect with its parent's, corrected for selection and widened for the variation, as a power prior
    /// [Ibrahim, Chen 2000] of commensurate weight [Hobbs et al. 2011]: `so²/(so² + (κθo*)²)`.
    ///
    /// Errors: experiments that are not measured alike, effects that have no answer.
    pub(crate) fn of(id: &ExperimentId, parent: &Experiment, child: &Experiment) -> Result<Self, CannotSay> {
        let (old, new) = (Question::of(parent)?, Question::of(child)?);
        if parent.metric != child.metric || old.levels.scale != new.levels.scale {
            return Err(CannotSay::OutOfRange);
        }
        let prior = Estimate::new(old.corrected.estimate, old.corrected.se)?;
        let own = Estimate::new(new.original.estimate, new.original.se)?;
        let weight = evidence::commensurate_weight(&prior, KAPPA * prior.value);
        let combined = evidence::power_prior(&prior, &own, weight)?;
        Ok(Self {
            parent: id.clone(),
            scale: old.levels.scale,
            parent_effect: prior.value,
            parent_se: prior.se,
            weight,
            child_effect: own.value,
            child_se: own.se,
            combined: combined.value,
            combined_se: combined.se,
            interval: combined.interval(0.95),
        })
    }
}

/// What a re-run was asked to make easier, and whether it did.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RerunView {
    /// What to vary.
    pub goals: Vec<String>,
    /// The person-days the variation should be built in.
    pub target_days: Option<f64>,
    /// The person-days its experiment is estimated at, once every codebase is.
    pub expected_days: Option<f64>,
    /// Whether that meets the target; none while either is unknown.
    pub met: Option<bool>,
}

impl Case {
    /// What the latest re-run was asked to make easier; none when there was none.
    pub fn rerun(&self) -> Option<RerunView> {
        let decided = self.decisions.iter().rev().map(|decision| &decision.open.proposal);
        let asked = decided.into_iter().find(|proposal| proposal.kind == DecisionKind::Rerun)?;
        let estimated = !self.estimates.is_empty() && self.unestimated().is_empty();
        let expected = self.estimates.values().map(crate::estimate::Estimate::expected_days).sum();
        let expected_days = estimated.then_some(expected);
        Some(RerunView {
            goals: asked.goals.clone(),
            target_days: asked.target_days,
            expected_days,
            met: asked.target_days.zip(expected_days).map(|(target, expected)| expected <= target),
        })
    }
}
