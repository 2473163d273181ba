//! Cost/benefit: the weighing that a decision cites.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Stage};
use crate::decide::Ask;
use crate::event::Event;
use crate::id::CaseId;
use crate::person::{Role, Seat};
use crate::policy::Policy;
use crate::refusal::{Refusal, RefusalCode};
use crate::time::Stamp;
use crate::weighing::{Counted, Inputs, Weighing, weigh};

/// A version of the weighing. Money is in the company's own currency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CostBenefit {
    /// 1 for the first of the case.
    pub version: u32,
    /// Expected gain a year.
    pub benefit_per_year: f64,
    /// Cost of building.
    pub one_off_cost: f64,
    /// Cost of keeping it, a year.
    pub maintenance_per_year: f64,
    /// The date a decision is promised by.
    pub decide_by: Date,
    /// What was said and reckoned; none in what an early release recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weighing: Option<Weighing>,
    /// When, and by whom.
    pub stamp: Stamp,
}

impl CostBenefit {
    /// Months until the benefit has paid the building, when it ever does and only `realised` of it (1 = all) comes.
    pub fn payback_months(&self, realised: f64) -> Option<f64> {
        let net = self.benefit_per_year * realised - self.maintenance_per_year;
        (net > 0.0).then(|| self.one_off_cost / (net / 12.0))
    }

    /// The share of the benefit that would just pay building and maintenance within a year.
    pub fn break_even_share(&self) -> Option<f64> {
        (self.benefit_per_year > 0.0)
            .then(|| (self.one_off_cost + self.maintenance_per_year) / self.benefit_per_year)
    }
}

impl Case {
    /// Why the weighing in force is stale, in words: an estimate it rests on moved by more than the policy bears, or a
    /// codebase came or went. None when it holds, and when nothing is weighed.
    pub fn moved_since_weighed(&self, policy: &Policy) -> Option<String> {
        let rests_on = &self.cost_benefit.as_ref()?.weighing.as_ref()?.estimates;
        if let Some(new) = self.unestimated().first() {
            return Some(format!("{new} is named since, and not estimated"));
        }
        let moved = self.estimates.iter().find_map(|(codebase, estimate)| {
            let now = Counted::of(estimate);
            let moved = match rests_on.get(codebase) {
                Some(before) => before.moved(now, f64::from(policy.weighing.stale_percent) / 100.0)?,
                None => format!("came in with {:.1} person-days", now.days),
            };
            Some(format!("the estimate of {codebase} {moved}"))
        });
        let gone = || rests_on.keys().find(|codebase| !self.estimates.contains_key(*codebase));
        moved.or_else(|| gone().map(|codebase| format!("{codebase} is no longer concerned")))
    }

    /// The refusal of a decision that would rest on a weighing that does not hold.
    pub(crate) fn weighing_holds(&self, policy: &Policy) -> Result<(), Refusal> {
        let Some(weighed) = &self.cost_benefit else {
            return Err(Refusal::new(
                RefusalCode::CostBenefitMissing,
                "cost and benefit are not weighed since the case was opened or re-opened",
            )
            .missing(["set_cost_benefit by the product manager"]));
        };
        let Some(moved) = self.moved_since_weighed(policy) else { return Ok(()) };
        Err(Refusal::new(
            RefusalCode::CostBenefitMissing,
            format!("the weighing of version {} is stale: {moved}", weighed.version),
        )
        .missing(["set_cost_benefit by the product manager, a new version"])
        .since(weighed.stamp.at))
    }
}

/// Weighs cost and benefit; replaces the weighing before, and the proposal that cited it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SetCostBenefit {
    /// Of which case.
    pub case: CaseId,
    /// What is said of benefit and cost.
    #[serde(flatten)]
    pub inputs: Inputs,
}

/// Cost and benefit were weighed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CostBenefitSet {
    /// Of which case.
    pub case: CaseId,
    /// 1 for the first of the case.
    pub version: u32,
    /// Expected gain a year.
    pub benefit_per_year: f64,
    /// Cost of building.
    pub one_off_cost: f64,
    /// Cost of keeping it, a year.
    pub maintenance_per_year: f64,
    /// The date a decision is promised by.
    pub decide_by: Date,
    /// What was said and reckoned; none in what an early release recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weighing: Option<Weighing>,
}

impl SetCostBenefit {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.may(case, &[Seat::Role(Role::ProductManager)], "weigh cost and benefit")?;
        ask.stage(case, &[Stage::Preparation])?;
        if let Some((_, oldest)) = case.open_consultations().min_by_key(|(_, open)| open.asked.at) {
            let teams: Vec<_> = case.open_consultations().map(|(team, _)| team.to_string()).collect();
            return Err(Refusal::new(
                RefusalCode::ConsultationOpen,
                format!("{} did not answer the consultation yet", teams.join(" and ")),
            )
            .missing(teams.iter().map(|team| format!("answer_consultation by the product owner of {team}")))
            .since(oldest.asked.at));
        }
        let unestimated = case.unestimated();
        if case.estimates.is_empty() || !unestimated.is_empty() {
            let sentence = if unestimated.is_empty() {
                "no product team was consulted, so nothing is estimated".to_owned()
            } else {
                format!(
                    "{} is not estimated",
                    unestimated.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
                )
            };
            return Err(Refusal::new(RefusalCode::EstimateMissing, sentence)
                .missing(unestimated.iter().map(|codebase| format!("submit_estimate for {codebase}"))));
        }
        let policy = ask.state.policy_of(case);
        let experiment = ask.state.experiments.get(&case.experiment);
        let weighing = weigh(&self.inputs, &case.estimates, experiment, policy, 1.0)?;
        Ok(vec![
            CostBenefitSet {
                case: self.case.clone(),
                version: case.cost_benefit_versions + 1,
                benefit_per_year: weighing.benefit_per_year.expected,
                one_off_cost: weighing.one_off_cost.expected,
                maintenance_per_year: weighing.maintenance_per_year,
                weighing: Some(weighing),
                decide_by: ask.due(case, &case.team, policy.deadlines.decision),
            }
            .into(),
        ])
    }
}

impl CostBenefitSet {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        case.cost_benefit_versions = self.version;
        case.cost_benefit = Some(CostBenefit {
            version: self.version,
            benefit_per_year: self.benefit_per_year,
            one_off_cost: self.one_off_cost,
            maintenance_per_year: self.maintenance_per_year,
            decide_by: self.decide_by,
            weighing: self.weighing.clone(),
            stamp: stamp.clone(),
        });
        case.drop_preparation_proposal();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::AccountId;

    #[test]
    fn payback_is_cost_over_net_benefit() {
        let weighing = |benefit: f64, cost: f64, maintenance: f64| CostBenefit {
            version: 1,
            benefit_per_year: benefit,
            one_off_cost: cost,
            maintenance_per_year: maintenance,
            decide_by: Date::MIN,
            weighing: None,
            stamp: Stamp {
                at: jiff::Timestamp::UNIX_EPOCH,
                by: AccountId::new("x").unwrap(),
                acting_for: None,
            },
        };
        let check = |weighing: CostBenefit, months: Option<f64>| {
            assert_eq!(weighing.payback_months(1.0).map(|m| (m * 10.0).round() / 10.0), months);
        };
        check(weighing(51_840.0, 12_350.0, 2_600.0), Some(3.0));
        check(weighing(39_690.0, 71_500.0, 15_600.0), Some(35.6));
        check(weighing(1_000.0, 10.0, 1_000.0), None);
    }
}
