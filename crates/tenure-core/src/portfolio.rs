//! The portfolio: cases by stage, won against delivered, where the days went, what is overdue and what is parked.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::case::{Case, Stage};
use crate::filter::Filter;
use crate::id::CaseId;
use crate::measurement::verdict_name;
use crate::pace::Party;
use crate::state::State;
use crate::time::{Now, days_between, days_later};

/// Amounts a year, and of building, in one currency.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Money {
    /// The benefit that the kept cases promised.
    pub won_per_year: f64,
    /// The benefit that the kept cases delivered, by their realised shares.
    pub delivered_per_year: f64,
    /// Delivered over won, of the kept cases whose delivery is measured; none when nothing with a benefit is.
    pub realised_share: Option<f64>,
    /// What building the kept cases cost.
    pub one_off_cost: f64,
    /// What keeping them costs.
    pub maintenance_per_year: f64,
    /// Months until what is delivered has paid the building; none when it does not.
    pub payback_months: Option<f64>,
    /// The benefit that waits in parked cases.
    pub parked_per_year: f64,
    #[serde(skip)]
    won_and_measured: f64,
}

/// Days between opening and keeping, over the kept cases.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "DaysToTenure")]
pub struct Tenure {
    /// How many cases are kept.
    pub cases: usize,
    /// The median of their days.
    pub median_days: Option<f64>,
    /// Mean days by who was waited on, the longest first; they sum to the mean of the whole.
    pub by_party: Vec<PartyDays>,
}

/// Days that one party was waited on.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PartyDays {
    /// Who.
    pub party: Party,
    /// Mean days a kept case.
    pub days: f64,
    /// The share of all days.
    pub share: f64,
}

/// Figures over cases.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Portfolio {
    /// How many cases are in each stage; a stage without any is left out.
    pub by_stage: BTreeMap<Stage, usize>,
    /// Verdicts of judged measurements, the latest of each case.
    pub verdicts: BTreeMap<&'static str, usize>,
    /// The currency of the amounts, where one is named.
    pub currency: Option<String>,
    /// Amounts in the currency that most cases are weighed in.
    #[serde(flatten)]
    pub money: Money,
    /// Amounts in other currencies, which are not added to those.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub other_currencies: BTreeMap<String, Money>,
    /// How many kept cases have paid their building by now.
    pub paid_back: usize,
    /// Days from opening to the keep decision, of each kept case, in ascending order.
    pub days_to_tenure: Vec<i64>,
    /// The same, split by who was waited on.
    pub tenure: Tenure,
    /// Cases whose flag should have left the code.
    pub flags_overdue: Vec<CaseId>,
    /// Cases whose warranty ends within 30 days.
    pub warranties_ending: Vec<CaseId>,
    /// Cases whose exposure is held.
    pub held: Vec<CaseId>,
    /// Cases in which something is late.
    pub late: Vec<CaseId>,
}

impl State {
    /// Figures over all cases.
    pub fn portfolio(&self, now: impl Into<Now>) -> Portfolio {
        self.portfolio_of(&Filter::default(), now)
    }

    /// Figures over the cases that a filter lets through.
    pub fn portfolio_of(&self, filter: &Filter, now: impl Into<Now>) -> Portfolio {
        let now = now.into();
        let mut fold = Fold::default();
        for case in self.cases.values().filter(|case| filter.admits(self, case, now)) {
            fold.add(self, case, now);
        }
        fold.portfolio()
    }
}

/// A portfolio while it is added up.
#[derive(Default)]
struct Fold<'a> {
    portfolio: Portfolio,
    /// By currency; no name for none. With how many cases are weighed in it.
    money: BTreeMap<&'a str, (usize, Money)>,
    seconds: BTreeMap<&'a Party, i64>,
}

impl<'a> Fold<'a> {
    fn add(&mut self, state: &State, case: &'a Case, now: Now) {
        *self.portfolio.by_stage.entry(case.stage).or_default() += 1;
        if let Some(judged) = case.measurements.judged.last() {
            *self.portfolio.verdicts.entry(verdict_name(judged.verdict)).or_default() += 1;
        }
        if case.hold.is_some() {
            self.portfolio.held.push(case.id.clone());
        }
        if state.is_late(case, now) {
            self.portfolio.late.push(case.id.clone());
        }
        self.add_money(state, case, now);
        self.add_dates(state, case, now);
    }

    fn add_money(&mut self, state: &State, case: &'a Case, now: Now) {
        let Some(weighed) = &case.cost_benefit else { return };
        let currency = weighed.weighing.as_ref().and_then(|weighing| weighing.currency.as_deref());
        let (cases, money) = self.money.entry(currency.unwrap_or_default()).or_default();
        *cases += 1;
        match (case.stage, &case.kept) {
            (Stage::Parked, _) => money.parked_per_year += weighed.benefit_per_year,
            (Stage::Productionised | Stage::Closed, Some(kept)) => {
                money.won_per_year += weighed.benefit_per_year;
                money.one_off_cost += weighed.one_off_cost;
                money.maintenance_per_year += weighed.maintenance_per_year;
                let Some(share) = case.realised_share() else { return };
                money.won_and_measured += weighed.benefit_per_year;
                money.delivered_per_year += weighed.benefit_per_year * share;
                let months = weighed.payback_months(share).filter(|months| *months < 1e6);
                let paid_on =
                    months.map(|months| days_later(kept.on, (months * 365.25 / 12.0).ceil() as i64));
                let paid = paid_on.is_some_and(|day| day <= state.today(case, now.at));
                self.portfolio.paid_back += usize::from(paid);
            }
            _ => {}
        }
    }

    fn add_dates(&mut self, state: &State, case: &'a Case, now: Now) {
        let Some(kept) = case.kept.as_ref().filter(|_| is_kept(case)) else { return };
        let opened = state.owner_date(case, case.opened.at);
        self.portfolio.days_to_tenure.push(days_between(opened, kept.on));
        for (party, seconds) in case.seconds_to_keep() {
            *self.seconds.entry(party).or_default() += seconds;
        }
        if case.stage != Stage::Productionised {
            return;
        }
        let today = state.owner_date(case, now.at);
        if today > kept.flag_gone_by && !case.codebases_not_cleared().is_empty() {
            self.portfolio.flags_overdue.push(case.id.clone());
        }
        let left = case.warranty_ends().map(|ends| days_between(today, ends));
        if left.is_some_and(|left| (0..=30).contains(&left)) {
            self.portfolio.warranties_ending.push(case.id.clone());
        }
    }

    fn portfolio(self) -> Portfolio {
        let mut portfolio = self.portfolio;
        portfolio.days_to_tenure.sort_unstable();
        portfolio.tenure = Tenure::of(&portfolio.days_to_tenure, self.seconds);
        let most = self.money.iter().max_by_key(|(_, (cases, _))| *cases).map(|(currency, _)| *currency);
        for (currency, (_, money)) in self.money {
            if Some(currency) == most {
                portfolio.currency = Some(currency.to_owned()).filter(|name| !name.is_empty());
                portfolio.money = money.shared();
            } else {
                portfolio.other_currencies.insert(currency.to_owned(), money.shared());
            }
        }
        portfolio
    }
}

fn is_kept(case: &Case) -> bool {
    matches!(case.stage, Stage::Productionised | Stage::Closed)
}

impl Money {
    fn shared(mut self) -> Self {
        let (delivered, won) = (self.delivered_per_year, self.won_and_measured);
        self.realised_share = (won > 0.0).then(|| delivered / won);
        let net = delivered - self.maintenance_per_year;
        self.payback_months = (net > 0.0).then(|| self.one_off_cost / (net / 12.0));
        self
    }
}

impl Tenure {
    fn of(ascending: &[i64], seconds: BTreeMap<&Party, i64>) -> Self {
        let (cases, all) = (ascending.len(), seconds.values().sum::<i64>() as f64);
        let middle = |at: usize| ascending.get(at).map(|days| *days as f64);
        let median_days =
            middle(cases / 2).zip(middle(cases.saturating_sub(1) / 2)).map(|(high, low)| 0.5 * (high + low));
        let mut by_party: Vec<PartyDays> = seconds
            .into_iter()
            .map(|(party, seconds)| PartyDays {
                party: party.clone(),
                days: seconds as f64 / 86_400.0 / cases as f64,
                share: seconds as f64 / all,
            })
            .collect();
        by_party.sort_by(|one, other| other.days.total_cmp(&one.days));
        Self { cases, median_days, by_party }
    }
}
