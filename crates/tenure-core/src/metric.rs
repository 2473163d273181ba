//! Metrics: how outcomes become one number per unit.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::Stage;
use crate::decide::Ask;
use crate::event::Event;
use crate::id::MetricId;
use crate::person::{Role, Seat};
use crate::refusal::Refusal;
use crate::run::{Run, RunStatus};
use crate::state::State;
use crate::time::Stamp;

/// What the number is: a proportion, a mean, a ratio or a quantile over units.
pub use tenure_stats::estimate::Kind as MetricKind;
/// Which way is good.
pub use tenure_stats::verdict::Direction;

/// How a unit's outcomes become its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Aggregation {
    /// 1 when there is any.
    Any,
    /// How many there are.
    Count,
    /// The sum of their values.
    Sum,
    /// The mean of their values.
    Mean,
    /// The value of the last.
    Last,
}

/// How outcomes become one number per unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Metric {
    /// Its name for people; the id when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What the number is; a proportion when left out.
    #[serde(default = "proportion")]
    pub kind: MetricKind,
    /// The outcome event it counts; the metric's id when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// How a unit's outcomes become its number; by kind when left out: any, or sum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregation: Option<Aggregation>,
    /// Which way is good.
    #[serde(default)]
    pub direction: Direction,
    /// The context attribute that carries the unit.
    #[serde(default = "targeting_key")]
    pub unit: String,
    /// Hours after first exposure in which outcomes count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_hours: Option<u32>,
    /// The largest value a unit may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<f64>,
    /// For a ratio: the event of the denominator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denominator: Option<String>,
    /// For a quantile: which, between 0 and 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantile: Option<f64>,
}

fn proportion() -> MetricKind {
    MetricKind::Proportion
}

/// The context attribute that carries the unit when nothing else is said.
pub(crate) fn targeting_key() -> String {
    "targetingKey".to_owned()
}

impl Metric {
    /// How a unit's outcomes become its number.
    pub fn aggregation(&self) -> Aggregation {
        self.aggregation.unwrap_or(match self.kind {
            MetricKind::Proportion => Aggregation::Any,
            MetricKind::Mean | MetricKind::Ratio | MetricKind::Quantile => Aggregation::Sum,
        })
    }

    /// The outcome event it counts.
    pub fn event<'m>(&'m self, id: &'m MetricId) -> &'m str {
        self.event.as_deref().unwrap_or(id.as_str())
    }

    /// Why no look can measure it on the events of a rollout or an experiment that runs here, if none can.
    pub(crate) fn not_live(&self, id: &MetricId) -> Option<Refusal> {
        matches!(self.kind, MetricKind::Ratio | MetricKind::Quantile).then(|| {
            Refusal::argument(format!(
                "metric {id} is a {}: ratios and quantiles are judged from files, not live",
                if self.kind == MetricKind::Ratio { "ratio" } else { "quantile" }
            ))
            .missing(["a metric that is a proportion or a mean"])
        })
    }

    fn fault(&self) -> Option<String> {
        if self.unit.trim().is_empty() {
            return Some("unit is empty: name the context attribute that carries it".to_owned());
        }
        if let Some(cap) = self.cap.filter(|cap| !(cap.is_finite() && *cap > 0.0)) {
            return Some(format!("cap is {cap}: give a value above 0"));
        }
        if self.kind == MetricKind::Proportion && self.aggregation() != Aggregation::Any {
            return Some("aggregation: a proportion counts whether there is any; make the kind mean to count or to sum".to_owned());
        }
        match (self.kind, self.quantile, &self.denominator) {
            (MetricKind::Quantile, Some(q), _) if q > 0.0 && q < 1.0 => None,
            (MetricKind::Quantile, ..) => Some("quantile is missing: give one between 0 and 1".to_owned()),
            (MetricKind::Ratio, _, None) => Some("denominator is missing: name its event".to_owned()),
            _ => None,
        }
    }
}

/// Defines a metric, or replaces its definition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DefineMetric {
    /// Its name.
    pub metric: MetricId,
    /// How outcomes become one number.
    #[serde(flatten)]
    pub definition: Metric,
}

/// A metric was defined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricDefined {
    /// Its name.
    pub metric: MetricId,
    /// How outcomes become one number.
    #[serde(flatten)]
    pub definition: Metric,
}

impl DefineMetric {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let may = [Role::Admin, Role::DevelopmentLead, Role::ProductManager].map(Seat::Somewhere);
        ask.seated(&[&may[..], &[Seat::System]].concat(), None, "define a metric")?;
        if let Some(fault) = self.definition.fault() {
            return Err(Refusal::argument(fault));
        }
        let measuring = ask.state.all_cases().find(|case| {
            case.stage == Stage::RollingOut
                && case.plan.as_ref().is_some_and(|plan| {
                    let guarded = plan.guardrails.iter().map(|guardrail| &guardrail.metric);
                    plan.metric.iter().chain(guarded).any(|metric| *metric == self.metric)
                })
        });
        if ask.state.metrics.get(&self.metric) == Some(&self.definition) {
            return Ok(Vec::new());
        }
        if let Some(case) = measuring {
            return Err(Refusal::wrong_state(format!(
                "case {} is measuring {}: its definition is frozen until the verdict",
                case.id, self.metric
            )));
        }
        let runs = ask.state.runs.values().filter(|run| run.status() == RunStatus::Running);
        let measures = |run: &&Run| {
            run.plan.metric.name == self.metric.as_str()
                || run.plan.guardrails.iter().any(|guardrail| guardrail.metric == self.metric)
        };
        if let Some(run) = runs.into_iter().find(measures) {
            let since = run.started.as_ref().unwrap_or(&run.planned).at;
            return Err(Refusal::wrong_state(format!(
                "experiment {} is measuring {}: its definition is frozen until it ends",
                run.experiment, self.metric
            ))
            .since(since));
        }
        Ok(vec![MetricDefined { metric: self.metric.clone(), definition: self.definition.clone() }.into()])
    }
}

impl MetricDefined {
    pub(crate) fn apply(&self, state: &mut State, _: &Stamp) {
        state.metrics.insert(self.metric.clone(), self.definition.clone());
    }
}
