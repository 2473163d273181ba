//! Weighing: the arithmetic of cost against benefit. What an experiment's corrected effect is worth a year, what building
//! and keeping it costs, and when the one pays the other, each with how surely.
//!
//! Knows no people and no entries: the same function answers the command, which records it, and the calculator on the
//! page, which does not.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenure_stats::estimate::{Estimate, Scale, lift_of};
use tenure_stats::{CannotSay, normal};

use crate::case::Case;
use crate::design::{Question, RolloutCost};
use crate::estimate::{self, Estimate as CodebaseEstimate};
use crate::experiment::Experiment;
use crate::id::CodebaseId;
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::state::State;

/// What people say when they weigh. Money is in one currency throughout.
///
/// A benefit is said outright, or reckoned as corrected effect × `audience_per_year` × `value_per_unit`; a cost is said
/// outright, or reckoned as estimated person-days × `day_rate`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Inputs {
    /// Expected gain a year, said outright.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub benefit_per_year: Option<f64>,
    /// Cost of building, said outright.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_off_cost: Option<f64>,
    /// Cost of keeping it, a year, said outright.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maintenance_per_year: Option<f64>,
    /// Units that would meet the feature in a year.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience_per_year: Option<f64>,
    /// What one unit of effect is worth: one more conversion for a proportion, one unit of the metric for a mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_per_unit: Option<f64>,
    /// What a person-day costs; the policy's when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day_rate: Option<f64>,
    /// The currency of all of it; the policy's when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
}

/// An amount that is not known exactly, taken as normal.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Figure {
    /// What is expected.
    pub expected: f64,
    /// Its standard deviation.
    pub sd: f64,
    /// Where it is with 95 %.
    pub interval: [f64; 2],
}

impl Figure {
    fn new(expected: f64, sd: f64) -> Self {
        let half = normal::critical(0.05) * sd;
        Self { expected, sd, interval: [expected - half, expected + half] }
    }

    fn times(self, factor: f64) -> Self {
        let [low, high] = self.interval.map(|end| end * factor);
        Self {
            expected: self.expected * factor,
            sd: self.sd * factor.abs(),
            interval: [low.min(high), low.max(high)],
        }
    }
}

/// What a codebase was estimated at when it was weighed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Counted {
    /// Expected person-days.
    pub days: f64,
    /// Person-days of maintenance a year.
    pub maintenance_days: f64,
}

/// One weighing: what was said, and everything reckoned from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Weighing {
    /// What people said.
    pub inputs: Inputs,
    /// The currency of the amounts, where one is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The estimates it rests on.
    pub estimates: BTreeMap<CodebaseId, Counted>,
    /// The gain of one unit by the experiment's corrected effect, in the metric's unit; none when it has no such effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gain_per_unit: Option<Figure>,
    /// The share of the corrected effect that is reckoned with: 1 but in a calculation of "what if".
    pub retained: f64,
    /// Gain a year.
    pub benefit_per_year: Figure,
    /// Whether the benefit is reckoned from the corrected effect, not said outright.
    pub reckoned: bool,
    /// Cost of building.
    pub one_off_cost: Figure,
    /// Cost of keeping it, a year.
    pub maintenance_per_year: f64,
    /// When the benefit has paid the building.
    pub payback: Payback,
    /// The share of the benefit that would just pay building and maintenance within a year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_even_share: Option<f64>,
    /// What a rollout would cost that looks for the corrected effect, and for half of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rollout: Vec<RolloutCost>,
}

/// When the benefit has paid the building.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payback {
    /// Months until it is expected to; none when never.
    pub months: Option<f64>,
    /// The months before which it has with 2.5 % and with 97.5 %; none when that never comes.
    pub interval: [Option<f64>; 2],
    /// The probability that it has within a year.
    pub within_a_year: f64,
}

/// Months after which a payback counts as never: a century.
const NEVER_MONTHS: f64 = 1200.0;

impl Payback {
    /// When `benefit` less `maintenance`, a year, has paid `cost`.
    ///
    /// By month t the balance is `(B − M)·t/12 − C`, normal when B and C are, so the chance that it has paid is
    /// `Φ(mean/SD)`; the interval inverts that chance, as Fieller's does for a ratio [Fieller 1954].
    pub fn new(benefit: Figure, maintenance: f64, cost: Figure) -> Self {
        let net = benefit.expected - maintenance;
        let paid_by = |months: f64| {
            let years = months / 12.0;
            let (mean, sd) = (net * years - cost.expected, (benefit.sd * years).hypot(cost.sd));
            match sd > 0.0 {
                true => normal::cdf(mean / sd),
                false => f64::from(u8::from(mean >= 0.0)),
            }
        };
        let quantile = |chance: f64| {
            if paid_by(NEVER_MONTHS) < chance {
                return None;
            }
            let (mut low, mut high) = (0.0, NEVER_MONTHS);
            for _ in 0..60 {
                let middle = 0.5 * (low + high);
                if paid_by(middle) < chance { low = middle } else { high = middle }
            }
            Some(high)
        };
        Self {
            months: (net > 0.0).then(|| cost.expected / (net / 12.0)),
            interval: [quantile(0.025), quantile(0.975)],
            within_a_year: paid_by(12.0),
        }
    }
}

/// The gain of one unit by an experiment's corrected effect: a difference in the metric's unit, in its good direction.
fn gain_per_unit(experiment: &Experiment) -> Result<Figure, CannotSay> {
    let question = Question::of(experiment)?;
    let corrected = Estimate::new(question.corrected.estimate, question.corrected.se)?;
    let base = question.levels.control.value;
    let change = |effect: f64| match question.levels.scale {
        Scale::Relative => base * lift_of(effect),
        Scale::Absolute => effect,
    };
    let slope = match question.levels.scale {
        Scale::Relative => base * (1.0 + lift_of(corrected.value)),
        Scale::Absolute => 1.0,
    };
    let gain = |effect: f64| experiment.metric.direction.gain(change(effect));
    let [low, high] = corrected.interval(0.95).map(gain);
    Ok(Figure {
        expected: gain(corrected.value),
        sd: slope.abs() * corrected.se,
        interval: [low.min(high), low.max(high)],
    })
}

/// A share of the corrected effect, and other estimates than those submitted: what a calculator varies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct WhatIf {
    /// What people say when they weigh.
    #[serde(flatten)]
    pub inputs: Inputs,
    /// Person-days (low, likely, high) by codebase, in the place of what was submitted.
    pub days: BTreeMap<CodebaseId, [f64; 3]>,
    /// The share of the corrected effect that is retained; all of it when left out.
    pub retained: Option<f64>,
}

impl State {
    /// What a weighing would say, with nothing recorded.
    pub fn what_if(&self, case: &Case, what_if: &WhatIf) -> Result<Weighing, Refusal> {
        let mut estimates: BTreeMap<CodebaseId, CodebaseEstimate> = case.estimates.clone();
        for (codebase, days) in &what_if.days {
            let days = estimate::checked(*days)?;
            let varied = estimates.get_mut(codebase);
            varied.ok_or_else(|| Refusal::not_found("estimate of codebase", codebase))?.days = days;
        }
        let retained = what_if.retained.unwrap_or(1.0);
        if !retained.is_finite() {
            return Err(Refusal::argument(
                "retained is no share: give 1 for all of the effect, 0.5 for half",
            ));
        }
        let policy = self.policy_of(case);
        weigh(&what_if.inputs, &estimates, self.experiments.get(&case.experiment), policy, retained)
    }
}

/// Weighs.
///
/// Refuses a benefit or a cost that is neither said nor can be reckoned, and amounts that cannot be meant.
pub(crate) fn weigh(
    inputs: &Inputs,
    estimates: &BTreeMap<CodebaseId, CodebaseEstimate>,
    experiment: Option<&Experiment>,
    policy: &Policy,
    retained: f64,
) -> Result<Weighing, Refusal> {
    inputs.check()?;
    let day_rate = inputs.day_rate.or(Some(policy.weighing.day_rate).filter(|rate| *rate > 0).map(f64::from));
    let gain = experiment.and_then(|experiment| gain_per_unit(experiment).ok());
    let benefit = inputs.benefit(gain)?.times(retained);
    let cost = inputs.cost(estimates, day_rate)?;
    let maintenance = inputs.maintenance(estimates, day_rate)?;
    let audience = inputs.audience_per_year;
    let rollout = experiment.and_then(|experiment| RolloutCost::of(experiment, policy.alpha, audience).ok());
    let weighing = Weighing {
        inputs: inputs.clone(),
        currency: inputs.currency.clone().or(policy.currency()),
        estimates: estimates
            .iter()
            .map(|(codebase, estimate)| (codebase.clone(), Counted::of(estimate)))
            .collect(),
        gain_per_unit: gain,
        retained,
        benefit_per_year: benefit,
        reckoned: inputs.benefit_per_year.is_none(),
        one_off_cost: cost,
        maintenance_per_year: maintenance,
        payback: Payback::new(benefit, maintenance, cost),
        break_even_share: (benefit.expected > 0.0)
            .then(|| (cost.expected + maintenance) / (benefit.expected / retained)),
        rollout: rollout.unwrap_or_default(),
    };
    let amounts = [benefit.expected, benefit.sd, cost.expected, cost.sd, maintenance];
    if amounts.iter().all(|amount| amount.is_finite()) {
        Ok(weighing)
    } else {
        Err(Refusal::argument(
            "the amounts are too large to be reckoned with: give them in a larger currency unit",
        ))
    }
}

impl Inputs {
    fn check(&self) -> Result<(), Refusal> {
        for (name, amount, may_be_negative) in [
            ("benefit_per_year", self.benefit_per_year, true),
            ("one_off_cost", self.one_off_cost, false),
            ("maintenance_per_year", self.maintenance_per_year, false),
            ("value_per_unit", self.value_per_unit, false),
            ("day_rate", self.day_rate, false),
        ] {
            if let Some(amount) =
                amount.filter(|amount| !amount.is_finite() || (*amount < 0.0 && !may_be_negative))
            {
                return Err(Refusal::argument(format!("{name} is {amount}: give an amount of money")));
            }
        }
        if let Some(units) = self.audience_per_year.filter(|units| !(units.is_finite() && *units > 0.0)) {
            return Err(Refusal::argument(format!(
                "audience_per_year is {units}: give units a year above 0"
            )));
        }
        if self.currency.as_ref().is_some_and(|currency| currency.trim().is_empty()) {
            return Err(Refusal::argument("currency is empty: name one, or leave it out"));
        }
        Ok(())
    }

    /// As it was said, as uncertain as the corrected effect is; or reckoned from that.
    fn benefit(&self, gain: Option<Figure>) -> Result<Figure, Refusal> {
        if let Some(stated) = self.benefit_per_year {
            let relative =
                gain.filter(|gain| gain.expected != 0.0).map_or(0.0, |gain| gain.sd / gain.expected.abs());
            return Ok(Figure::new(stated, stated.abs() * relative));
        }
        let (Some(audience), Some(value)) = (self.audience_per_year, self.value_per_unit) else {
            return Err(Refusal::argument(
                "benefit_per_year is missing: give it, or audience_per_year and value_per_unit to reckon it from",
            )
            .missing(["audience_per_year", "value_per_unit"]));
        };
        let gain = gain.ok_or_else(|| {
            Refusal::argument(
                "benefit_per_year is missing, and the experiment's effect cannot be corrected: give it",
            )
        })?;
        Ok(gain.times(audience * value))
    }

    /// As it was said, as uncertain as the estimates are; or reckoned from those. Codebases are taken as independent.
    fn cost(
        &self,
        estimates: &BTreeMap<CodebaseId, CodebaseEstimate>,
        day_rate: Option<f64>,
    ) -> Result<Figure, Refusal> {
        let days: f64 = estimates.values().map(CodebaseEstimate::expected_days).sum();
        let variance: f64 = estimates.values().map(CodebaseEstimate::variance).sum();
        match (self.one_off_cost, day_rate) {
            (Some(stated), _) if days > 0.0 => Ok(Figure::new(stated, stated * variance.sqrt() / days)),
            (Some(stated), _) => Ok(Figure::new(stated, 0.0)),
            (None, Some(rate)) => Ok(Figure::new(days * rate, variance.sqrt() * rate)),
            (None, None) => Err(Refusal::argument(
                "one_off_cost is missing: give it, or day_rate to reckon it from the estimates",
            )
            .missing(["day_rate"])),
        }
    }

    fn maintenance(
        &self,
        estimates: &BTreeMap<CodebaseId, CodebaseEstimate>,
        day_rate: Option<f64>,
    ) -> Result<f64, Refusal> {
        let days: f64 = estimates.values().map(|estimate| estimate.maintenance_days_per_year).sum();
        self.maintenance_per_year.or(day_rate.map(|rate| days * rate)).ok_or_else(|| {
            Refusal::argument(
                "maintenance_per_year is missing: give it, or day_rate to reckon it from the estimates",
            )
            .missing(["day_rate"])
        })
    }
}

impl Counted {
    pub(crate) fn of(estimate: &CodebaseEstimate) -> Self {
        Self { days: estimate.expected_days(), maintenance_days: estimate.maintenance_days_per_year }
    }

    /// Which of the two moved by more than a share, in words that follow the codebase's name.
    pub(crate) fn moved(&self, now: Self, share: f64) -> Option<String> {
        // Exactly the share is within it, also when the two are no round numbers in binary.
        let beyond = |before: f64, after: f64| (after - before).abs() > share * before * (1.0 + 1e-9);
        if beyond(self.days, now.days) {
            Some(format!("went from {:.1} to {:.1} person-days", self.days, now.days))
        } else if beyond(self.maintenance_days, now.maintenance_days) {
            let (before, after) = (self.maintenance_days, now.maintenance_days);
            Some(format!("went from {before:.1} to {after:.1} days of maintenance a year"))
        } else {
            None
        }
    }
}

impl Policy {
    fn currency(&self) -> Option<String> {
        Some(self.weighing.currency.clone()).filter(|currency| !currency.is_empty())
    }
}
