//! Cost/benefit: the weighing that a decision cites.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::case::{Case, Stage};
use crate::decide::Ask;
use crate::event::Event;
use crate::id::CaseId;
use crate::person::{Role, Seat};
use crate::refusal::{Refusal, RefusalCode};
use crate::time::Stamp;

/// A version of the weighing. Money is in the company's own currency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    pub(crate) fn moved_since_weighed(&self, _: &crate::policy::Policy) -> Option<String> {
        None
    }
}

/// Weighs cost and benefit; replaces the weighing before, and the proposal that cited it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetCostBenefit {
    /// Of which case.
    pub case: CaseId,
    /// Expected gain a year.
    pub benefit_per_year: f64,
    /// Cost of building.
    pub one_off_cost: f64,
    /// Cost of keeping it, a year.
    pub maintenance_per_year: f64,
}

/// Cost and benefit were weighed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
        for (name, amount) in [
            ("benefit_per_year", self.benefit_per_year),
            ("one_off_cost", self.one_off_cost),
            ("maintenance_per_year", self.maintenance_per_year),
        ] {
            if !amount.is_finite() || (amount < 0.0 && name != "benefit_per_year") {
                return Err(Refusal::argument(format!("{name} is {amount}: give an amount of money")));
            }
        }
        let policy = ask.state.policy_of(case);
        Ok(vec![
            CostBenefitSet {
                case: self.case.clone(),
                version: case.cost_benefit_versions + 1,
                benefit_per_year: self.benefit_per_year,
                one_off_cost: self.one_off_cost,
                maintenance_per_year: self.maintenance_per_year,
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
            stamp: Stamp { at: jiff::Timestamp::UNIX_EPOCH, by: AccountId::new("x").unwrap() },
        };
        let check = |weighing: CostBenefit, months: Option<f64>| {
            assert_eq!(weighing.payback_months(1.0).map(|m| (m * 10.0).round() / 10.0), months);
        };
        check(weighing(51_840.0, 12_350.0, 2_600.0), Some(3.0));
        check(weighing(39_690.0, 71_500.0, 15_600.0), Some(35.6));
        check(weighing(1_000.0, 10.0, 1_000.0), None);
    }
}
