//! The portfolio: cases by stage, won against delivered, what is overdue and what is parked.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::case::{Case, Stage};
use crate::id::CaseId;
use crate::measurement::verdict_name;
use crate::state::State;
use crate::time::{Now, days_between};

/// Figures over all cases. Money is in the company's own currency, a year.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Portfolio {
    /// How many cases are in each stage; a stage without any is left out.
    pub by_stage: BTreeMap<Stage, usize>,
    /// Verdicts of judged measurements, the latest of each case.
    pub verdicts: BTreeMap<&'static str, usize>,
    /// The benefit that the kept cases promised.
    pub won_per_year: f64,
    /// The benefit that the kept cases delivered, by their realised shares.
    pub delivered_per_year: f64,
    /// Delivered over won; none when nothing with a benefit is kept.
    pub realised_share: Option<f64>,
    /// The benefit that waits in parked cases.
    pub parked_per_year: f64,
    /// Days from opening to the keep decision, of each kept case, in ascending order.
    pub days_to_tenure: Vec<i64>,
    /// Cases whose flag should have left the code.
    pub flags_overdue: Vec<CaseId>,
    /// Cases whose warranty ends within 30 days.
    pub warranties_ending: Vec<CaseId>,
    /// Cases in which something is late.
    pub late: Vec<CaseId>,
}

impl State {
    /// Figures over all cases.
    pub fn portfolio(&self, now: impl Into<Now>) -> Portfolio {
        let now = now.into();
        let mut portfolio = Portfolio::default();
        for case in self.cases.values() {
            *portfolio.by_stage.entry(case.stage).or_default() += 1;
            if let Some(judged) = case.measurements.judged.last() {
                *portfolio.verdicts.entry(verdict_name(judged.verdict)).or_default() += 1;
            }
            portfolio.money(self, case);
            portfolio.dates(self, case, now);
            if self.is_late(case, now) {
                portfolio.late.push(case.id.clone());
            }
        }
        portfolio.days_to_tenure.sort_unstable();
        let (won, delivered) = (portfolio.won_per_year, portfolio.delivered_per_year);
        portfolio.realised_share = (won > 0.0).then(|| delivered / won);
        portfolio
    }
}

impl Portfolio {
    fn money(&mut self, state: &State, case: &Case) {
        let benefit = case.cost_benefit.as_ref().map_or(0.0, |weighing| weighing.benefit_per_year);
        match case.stage {
            Stage::Productionised | Stage::Closed => {
                self.won_per_year += benefit;
                let share = state.delivery(case).and_then(|delivery| delivery.realised_share);
                self.delivered_per_year += benefit * share.unwrap_or(0.0);
            }
            Stage::Parked => self.parked_per_year += benefit,
            _ => {}
        }
    }

    fn dates(&mut self, state: &State, case: &Case, now: Now) {
        let Some(kept) = &case.kept else { return };
        self.days_to_tenure.push(days_between(state.owner_date(case, case.opened.at), kept.on));
        if case.stage != Stage::Productionised {
            return;
        }
        let today = state.owner_date(case, now.at);
        if today > kept.flag_gone_by && !case.codebases_not_cleared().is_empty() {
            self.flags_overdue.push(case.id.clone());
        }
        let left = case.warranty_ends().map(|ends| days_between(today, ends));
        if left.is_some_and(|left| (0..=30).contains(&left)) {
            self.warranties_ending.push(case.id.clone());
        }
    }
}
