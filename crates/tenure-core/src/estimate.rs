//! Estimates: what a codebase would cost to change, and to maintain.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Stage};
use crate::decide::Ask;
use crate::event::Event;
use crate::id::{CaseId, CodebaseId};
use crate::refusal::Refusal;
use crate::time::Stamp;

/// The cost of one codebase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// Person-days: low, likely, high.
    pub days: [f64; 3],
    /// Person-days of maintenance a year.
    pub maintenance_days_per_year: f64,
    /// When, and by whom.
    pub stamp: Stamp,
}

impl Estimate {
    /// Expected person-days: `(low + 4 likely + high) / 6` [Malcolm et al. 1959, PERT].
    pub fn expected_days(&self) -> f64 {
        let [low, likely, high] = self.days;
        (low + 4.0 * likely + high) / 6.0
    }

    /// Variance of the person-days: `((high − low) / 6)²` [Malcolm et al. 1959, PERT].
    pub fn variance(&self) -> f64 {
        let [low, _, high] = self.days;
        ((high - low) / 6.0).powi(2)
    }
}

/// Person-days that can be meant.
pub(crate) fn checked(days: [f64; 3]) -> Result<[f64; 3], Refusal> {
    let [low, likely, high] = days;
    if 0.0 <= low && low <= likely && likely <= high && high.is_finite() {
        return Ok(days);
    }
    Err(Refusal::argument(format!(
        "days is [{low}, {likely}, {high}]: give person-days as low, likely, high"
    )))
}

impl Case {
    /// Codebases that an answer names and nobody has estimated.
    pub fn unestimated(&self) -> Vec<CodebaseId> {
        let unestimated = self.named().filter(|codebase| !self.estimates.contains_key(*codebase));
        unestimated.collect::<BTreeSet<_>>().into_iter().cloned().collect()
    }
}

/// Estimates one codebase; a second estimate replaces the first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SubmitEstimate {
    /// For which case.
    pub case: CaseId,
    /// Which codebase.
    pub codebase: CodebaseId,
    /// Person-days: low, likely, high.
    pub days: [f64; 3],
    /// Person-days of maintenance a year.
    #[serde(default)]
    pub maintenance_days_per_year: f64,
}

/// A codebase was estimated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EstimateSubmitted {
    /// For which case.
    pub case: CaseId,
    /// Which codebase.
    pub codebase: CodebaseId,
    /// Person-days: low, likely, high.
    pub days: [f64; 3],
    /// Person-days of maintenance a year.
    pub maintenance_days_per_year: f64,
}

impl SubmitEstimate {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.codebase(&self.codebase)?;
        ask.may(case, &case.preparers(), "estimate")?;
        ask.stage(case, &[Stage::Preparation])?;
        if !case.codebases().contains(&self.codebase) {
            return Err(Refusal::not_found("answer to a consultation that names codebase", &self.codebase));
        }
        let days = checked(self.days)?;
        if !(self.maintenance_days_per_year >= 0.0 && self.maintenance_days_per_year.is_finite()) {
            return Err(Refusal::argument("maintenance_days_per_year is no number of days: give 0 or more"));
        }
        Ok(vec![
            EstimateSubmitted {
                case: self.case.clone(),
                codebase: self.codebase.clone(),
                days,
                maintenance_days_per_year: self.maintenance_days_per_year,
            }
            .into(),
        ])
    }
}

impl EstimateSubmitted {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        case.estimates.insert(
            self.codebase.clone(),
            Estimate {
                days: self.days,
                maintenance_days_per_year: self.maintenance_days_per_year,
                stamp: stamp.clone(),
            },
        );
    }
}
