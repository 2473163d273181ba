//! The portfolio: cases by stage, won against delivered, where the days went, what is overdue and what is parked.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

use crate::board::{Board, Card};
use crate::case::{Case, Stage};
use crate::cost_benefit::CostBenefit;
use crate::filter::Filter;
use crate::id::CaseId;
use crate::measurement::verdict_name;
use crate::outcome::Kept;
use crate::pace::Party;
use crate::state::State;
use crate::time::{Moment, Now, days_between, days_later};

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

/// What a case adds to the portfolio.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Figures {
    stage: Stage,
    verdict: Option<&'static str>,
    held: bool,
    priced: Option<Priced>,
    kept: Option<KeptFigures>,
}

/// A case that was weighed.
#[derive(Clone, Debug, PartialEq)]
struct Priced {
    currency: Option<String>,
    benefit_per_year: f64,
    one_off_cost: f64,
    maintenance_per_year: f64,
    /// The share of the benefit that was delivered, of a kept case whose delivery is measured.
    share: Option<f64>,
    /// Whether that has paid the building by now.
    paid_back: bool,
}

/// A case that is kept.
#[derive(Clone, Debug, PartialEq)]
struct KeptFigures {
    days: i64,
    seconds: Vec<(Party, i64)>,
    flag_overdue: bool,
    warranty_ends_soon: bool,
}

impl Figures {
    pub fn of(state: &State, case: &Case, moment: &Moment) -> Self {
        Self {
            stage: case.stage,
            verdict: case.measurements.judged.last().map(|judged| verdict_name(judged.verdict)),
            held: case.hold.is_some(),
            priced: case.cost_benefit.as_ref().map(|weighed| Priced::of(state, case, weighed, moment)),
            kept: kept(case).map(|kept| KeptFigures::of(state, case, kept, moment)),
        }
    }
}

impl Priced {
    fn of(state: &State, case: &Case, weighed: &CostBenefit, moment: &Moment) -> Self {
        let share = kept(case).and_then(|_| case.realised_share());
        let paid_on = kept(case).zip(share).and_then(|(kept, share)| {
            let months = weighed.payback_months(share).filter(|months| *months < 1e6)?;
            Some(days_later(kept.on, (months * 365.25 / 12.0).ceil() as i64))
        });
        let paid_back = paid_on.is_some_and(|day| state.calendar_of(case).has_begun(day, moment));
        let currency = weighed.weighing.as_ref().and_then(|weighing| weighing.currency.clone());
        let CostBenefit { benefit_per_year, one_off_cost, maintenance_per_year, .. } = *weighed;
        Self { currency, benefit_per_year, one_off_cost, maintenance_per_year, share, paid_back }
    }
}

impl KeptFigures {
    fn of(state: &State, case: &Case, kept: &Kept, moment: &Moment) -> Self {
        let opened = state.owner_date(case, case.opened.at);
        let awake = case.stage == Stage::Productionised;
        let has_begun = |date: Date| state.owners_have_begun(case, date, moment);
        let in_code = awake && !case.codebases_not_cleared().is_empty();
        let ends = case.warranty_ends().filter(|_| awake);
        Self {
            days: days_between(opened, kept.on),
            seconds: case.seconds_to_keep().map(|(party, seconds)| (party.clone(), seconds)).collect(),
            flag_overdue: in_code && has_begun(days_later(kept.flag_gone_by, 1)),
            warranty_ends_soon: ends
                .is_some_and(|ends| has_begun(days_later(ends, -30)) && !has_begun(days_later(ends, 1))),
        }
    }
}

impl Board {
    /// Figures over the cases that a filter lets through.
    pub fn portfolio(&self, state: &State, filter: &Filter, now: impl Into<Now>) -> Portfolio {
        let mut fold = Fold::default();
        let cards: Vec<_> = self.cards(state, filter, now.into()).collect();
        for (case, card) in &cards {
            fold.add(case, card);
        }
        fold.portfolio()
    }
}

impl State {
    /// Figures over all cases. Looks at every case: whoever asks often asks a [`Board`].
    pub fn portfolio(&self, now: impl Into<Now>) -> Portfolio {
        let now = now.into();
        Board::of(self, now).portfolio(self, &Filter::default(), now)
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
    fn add(&mut self, case: &CaseId, card: &'a Card) {
        let figures = &card.figures;
        *self.portfolio.by_stage.entry(figures.stage).or_default() += 1;
        if let Some(verdict) = figures.verdict {
            *self.portfolio.verdicts.entry(verdict).or_default() += 1;
        }
        if figures.held {
            self.portfolio.held.push(case.clone());
        }
        if card.late {
            self.portfolio.late.push(case.clone());
        }
        if let Some(priced) = &figures.priced {
            self.add_money(priced, figures);
        }
        let Some(kept) = &figures.kept else { return };
        self.portfolio.days_to_tenure.push(kept.days);
        for (party, seconds) in &kept.seconds {
            *self.seconds.entry(party).or_default() += seconds;
        }
        if kept.flag_overdue {
            self.portfolio.flags_overdue.push(case.clone());
        }
        if kept.warranty_ends_soon {
            self.portfolio.warranties_ending.push(case.clone());
        }
    }

    fn add_money(&mut self, priced: &'a Priced, figures: &Figures) {
        let (cases, money) = self.money.entry(priced.currency.as_deref().unwrap_or_default()).or_default();
        *cases += 1;
        if figures.stage == Stage::Parked {
            money.parked_per_year += priced.benefit_per_year;
        } else if figures.kept.is_some() {
            money.won_per_year += priced.benefit_per_year;
            money.one_off_cost += priced.one_off_cost;
            money.maintenance_per_year += priced.maintenance_per_year;
            let Some(share) = priced.share else { return };
            money.won_and_measured += priced.benefit_per_year;
            money.delivered_per_year += priced.benefit_per_year * share;
            self.portfolio.paid_back += usize::from(priced.paid_back);
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

/// The keep decision of a case that is kept now.
fn kept(case: &Case) -> Option<&Kept> {
    case.kept.as_ref().filter(|_| matches!(case.stage, Stage::Productionised | Stage::Closed))
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
