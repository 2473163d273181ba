//! Filters: which cases a list or the portfolio is about, and in what order a list shows them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::baseline::surface;
use crate::case::{Case, Stage};
use crate::id::TeamId;
use crate::state::State;
use crate::time::Now;

/// Which cases. What is left out lets every case through.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Filter {
    /// The team that has the onus.
    pub team: Option<TeamId>,
    /// A product team that is concerned.
    pub product_team: Option<TeamId>,
    /// The stage.
    pub stage: Option<Stage>,
    /// The product surface.
    pub surface: Option<String>,
    /// Whether exposure is held.
    pub held: Option<bool>,
    /// Whether something is late.
    pub late: Option<bool>,
}

/// By what a list is ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Name.
    #[default]
    Case,
    /// When it was opened, the oldest first.
    Opened,
    /// How long it has been in its stage, the longest first.
    InStage,
    /// Stage, in the order of the process.
    Stage,
    /// Expected benefit, the largest first.
    Benefit,
    /// The share of the corrected effect that was delivered, the smallest first.
    RealisedShare,
}

impl Filter {
    /// Whether a case is let through, in which a promise is broken or not.
    pub(crate) fn admits(&self, state: &State, case: &Case, late: bool) -> bool {
        self.team.as_ref().is_none_or(|team| case.team == *team)
            && self.product_team.as_ref().is_none_or(|team| case.teams().contains(team))
            && self.stage.is_none_or(|stage| case.stage == stage)
            && self.surface.as_ref().is_none_or(|wanted| surface(state, case) == Some(wanted.as_str()))
            && self.held.is_none_or(|wanted| case.hold.is_some() == wanted)
            && self.late.is_none_or(|wanted| late == wanted)
    }
}

impl State {
    /// The cases that a filter lets through, in an order; equals stay in the order of their names.
    pub fn select(&self, filter: &Filter, order: Order, now: impl Into<Now>) -> Vec<&Case> {
        let now = now.into();
        let late = |case: &Case| filter.late.is_some() && self.is_late(case, now);
        let mut cases: Vec<&Case> =
            self.all_cases().filter(|case| filter.admits(self, case, late(case))).collect();
        let benefit =
            |case: &&Case| case.cost_benefit.as_ref().map_or(0.0, |weighed| weighed.benefit_per_year);
        match order {
            Order::Case => {}
            Order::Opened => cases.sort_by_key(|case| case.opened.at),
            Order::InStage => cases.sort_by_key(|case| (case.stage.is_terminal(), case.stage_since)),
            Order::Stage => cases.sort_by_key(|case| case.stage),
            Order::Benefit => cases.sort_by(|one, other| benefit(other).total_cmp(&benefit(one))),
            Order::RealisedShare => cases.sort_by(|one, other| {
                let share = |case: &Case| case.realised_share().unwrap_or(f64::INFINITY);
                share(one).total_cmp(&share(other))
            }),
        }
        cases
    }
}
