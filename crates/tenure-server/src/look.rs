//! Taking a look: from the plan of a rollout, or of an experiment that is run here, to a query; from its answer to what the
//! process judges.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use tenure_analysis::{Aggregation, Answer, EngineError, Epoch, LATENESS_DEFAULT, MetricAnswer, Query};
use tenure_core::health::{DataSeen, ExposedUnits};
use tenure_core::id::{CaseId, ExperimentId, MetricId};
use tenure_core::look::DaysSeen;
use tenure_core::measurement::{Arm, EpochArms, GuardrailArms, Measurement, OwnLook, Verdict, verdict_name};
use tenure_core::metric::{self, MetricKind};
use tenure_core::run::RunStatus;
use tenure_core::run::looking::{ArmSeen, RunLook};
use tenure_core::{Actor, Case, Stage, State};
use tenure_flags::Context;
use tenure_stats::joint::Joint;
use tenure_store::Fence;

use crate::ingest;
use crate::live::{Live, Submission};
use crate::problem::Problem;
use crate::telemetry::VerdictLabels;

/// The type of unit that a context attribute carries, as events name it.
pub fn unit_type(attribute: &str) -> &str {
    if attribute == Context::TARGETING_KEY { tenure_events::UNIT_TYPE_DEFAULT } else { attribute }
}

/// Why a look could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// There is nothing to look at.
    #[error("{subject} {why}")]
    NotMeasurable {
        /// The case or the experiment.
        subject: String,
        /// What is missing.
        why: String,
    },
    /// The engine gave no answer.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The measurement was not accepted.
    #[error("{0}")]
    Refused(String),
}

/// Look at a rollout now, and record what was seen.
pub async fn take(live: &Live, case: &CaseId, fence: Option<&Fence>) -> Result<(), LookError> {
    let started = Instant::now();
    let now = live.clock.now();
    let asked = {
        let state = live.state();
        ask(&state, case, now)?
    };
    let before = latest_verdict(live, case);
    let answer = live.engine.measure(&asked.query).await?;
    let measurement =
        Measurement::Own(OwnLook { seen: Some(seen(live, &asked.query, &answer)), ..asked.read(&answer) });
    let arguments = [("case", json!(case)), ("measurement", json!(measurement))];
    record(live, "record_measurement", arguments, fence).await?;
    observe(live, started, case.as_str(), &asked.query, &answer);
    if let Some(verdict) = latest_verdict(live, case) {
        count(live, before, verdict);
    }
    Ok(())
}

/// Look at an experiment that is run here now, and record what was seen.
pub async fn take_at_run(
    live: &Live,
    experiment: &ExperimentId,
    fence: Option<&Fence>,
) -> Result<(), LookError> {
    let started = Instant::now();
    let now = live.clock.now();
    let asked = {
        let state = live.state();
        ask_of_run(&state, experiment, now)?
    };
    let before = verdicts_of_run(live, experiment);
    let answer = live.engine.measure(&asked.query).await?;
    let look = RunLook { seen: Some(seen(live, &asked.query, &answer)), ..asked.read_of_run(&answer) };
    let arguments = [("experiment", json!(experiment)), ("look", json!(look))];
    record(live, "record_run", arguments, fence).await?;
    observe(live, started, experiment.as_str(), &asked.query, &answer);
    for (arm, verdict) in verdicts_of_run(live, experiment) {
        count(live, before.get(&arm).copied(), verdict);
    }
    Ok(())
}

/// Submits what was seen, as Tenure itself.
async fn record(
    live: &Live,
    name: &str,
    arguments: [(&str, Value); 2],
    fence: Option<&Fence>,
) -> Result<(), LookError> {
    let arguments = arguments.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
    let submission =
        Submission { name: name.to_owned(), arguments, fence: fence.cloned(), ..Submission::default() };
    live.submit(&Actor::System, submission).await.map(drop).map_err(|problem| match problem {
        Problem::Refused(refusal) => LookError::Refused(refusal.to_string()),
        other => LookError::Refused(other.body().detail),
    })
}

/// Counts a look that was taken: how long it took, and when the newest event of what it looked at had arrived. Without any event
/// that is when it began.
fn observe(live: &Live, started: Instant, subject: &str, query: &Query, answer: &Answer) {
    live.telemetry.look_seconds.observe(started.elapsed().as_secs_f64());
    let newest = answer.health.freshest_received_at.or(query.epochs.first().map(|epoch| epoch.starts_at));
    if let Some(newest) = newest {
        live.telemetry.looked_at(subject, newest);
    }
}

/// Counts a verdict, and whether it is another one than before; without a look before there was no verdict yet.
fn count(live: &Live, before: Option<Verdict>, verdict: Verdict) {
    let labels = VerdictLabels { verdict: verdict_name(verdict).to_owned() };
    live.telemetry.verdicts.get_or_create(&labels).inc();
    if before.unwrap_or(Verdict::Immature) != verdict {
        live.telemetry.verdict_changes.get_or_create(&labels).inc();
    }
}

/// The names of what is measured now: cases whose rollout runs, and experiments that run here.
pub fn measuring(state: &State) -> BTreeSet<String> {
    let rolling =
        |case: &&Case| case.stage == Stage::RollingOut && case.running.is_some() && case.hold.is_none();
    let cases = state.all_cases().filter(rolling).map(|case| case.id.to_string());
    let runs = state.runs.iter().filter(|(_, run)| run.status() == RunStatus::Running);
    cases.chain(runs.map(|(experiment, _)| experiment.to_string())).collect()
}

fn verdicts_of_run(live: &Live, experiment: &ExperimentId) -> BTreeMap<String, Verdict> {
    let state = live.state();
    let arms = state.runs.get(experiment).into_iter().flat_map(|run| &run.arms);
    arms.filter_map(|(arm, of)| Some((arm.clone(), of.latest.as_ref()?.judged.verdict))).collect()
}

fn latest_verdict(live: &Live, case: &CaseId) -> Option<Verdict> {
    live.state().cases.get(case)?.measurements.latest.as_ref().map(|measured| measured.verdict)
}

/// A query, and what is needed to read its answer.
struct Asked {
    query: Query,
    primary: MetricKind,
    guardrails: Vec<(MetricId, MetricKind)>,
}

/// What a case's plan asks of the event log.
fn ask(state: &State, id: &CaseId, now: Timestamp) -> Result<Asked, LookError> {
    let subject = format!("case {id}");
    let missing = |why: &str| LookError::NotMeasurable { subject: subject.clone(), why: why.to_owned() };
    let case = state.cases.get(id).ok_or_else(|| missing("does not exist"))?;
    let plan = case.plan.as_ref().ok_or_else(|| missing("has no rollout plan"))?;
    let rollout = case.rollout().ok_or_else(|| missing("has no flag"))?;
    let primary = plan.metric.as_ref().ok_or_else(|| {
        missing("names no metric in its plan, so its events are not known; define one and plan again")
    })?;
    let epochs: Vec<Epoch> =
        case.epochs().map(|epoch| Epoch { index: epoch.epoch, starts_at: epoch.at }).collect();
    if epochs.is_empty() {
        return Err(missing("has not been exposed in this iteration"));
    }
    let guardrails = plan.guardrails.iter().map(|guardrail| &guardrail.metric);
    let metrics = std::iter::once(primary)
        .chain(guardrails.clone())
        .map(|metric| queried(state, &subject, plan.window_hours, metric))
        .collect::<Result<Vec<_>, _>>()?;
    let arms = vec!["control".to_owned(), "treatment".to_owned()];
    Ok(Asked {
        query: Query {
            flag: rollout.flag_key,
            revision: Some(rollout.version),
            unit_type: unit_type(&plan.unit).to_owned(),
            arms,
            epochs,
            as_of: now,
            lateness: LATENESS_DEFAULT,
            days: days_of(&metrics),
            metrics,
        },
        primary: kind_of(state, primary),
        guardrails: guardrails.map(|metric| (metric.clone(), kind_of(state, metric))).collect(),
    })
}

/// What an experiment that is run here asks of the event log: every arm, since its start.
fn ask_of_run(state: &State, id: &ExperimentId, now: Timestamp) -> Result<Asked, LookError> {
    let subject = format!("experiment {id}");
    let missing = |why: &str| LookError::NotMeasurable { subject: subject.clone(), why: why.to_owned() };
    let run = state.runs.get(id).ok_or_else(|| missing("is not run here"))?;
    let since = run.started.as_ref().ok_or_else(|| missing("has not started"))?.at;
    let plan = &run.plan;
    let primary = MetricId::new(&plan.metric.name).map_err(|_| missing("names no metric"))?;
    let guardrails = plan.guardrails.iter().map(|guardrail| &guardrail.metric);
    let metrics = std::iter::once(&primary)
        .chain(guardrails.clone())
        .map(|metric| queried(state, &subject, plan.window_hours, metric))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Asked {
        query: Query {
            flag: plan.flag.to_string(),
            revision: Some(run.revision()),
            unit_type: unit_type(&plan.metric.unit).to_owned(),
            arms: plan.arms.iter().map(|arm| arm.name.clone()).collect(),
            epochs: vec![Epoch { index: 0, starts_at: since }],
            as_of: now,
            lateness: LATENESS_DEFAULT,
            days: days_of(&metrics),
            metrics,
        },
        primary: plan.metric.kind,
        guardrails: guardrails.map(|metric| (metric.clone(), kind_of(state, metric))).collect(),
    })
}

fn kind_of(state: &State, metric: &MetricId) -> MetricKind {
    state.metrics.get(metric).map_or(MetricKind::Proportion, |metric| metric.kind)
}

fn queried(
    state: &State,
    subject: &str,
    window_hours: Option<u32>,
    id: &MetricId,
) -> Result<tenure_analysis::Metric, LookError> {
    let missing = |why: String| LookError::NotMeasurable { subject: subject.to_owned(), why };
    let metric = state
        .metrics
        .get(id)
        .ok_or_else(|| missing(format!("names the metric {id}, which is not defined")))?;
    if matches!(metric.kind, MetricKind::Ratio | MetricKind::Quantile) {
        return Err(missing(format!("measures {id}; ratios and quantiles are judged from files, not live")));
    }
    let hours = window_hours.or(metric.window_hours);
    Ok(tenure_analysis::Metric {
        name: id.to_string(),
        event: metric.event(id).to_owned(),
        filter: Vec::new(),
        aggregation: match metric.aggregation() {
            metric::Aggregation::Any => Aggregation::Any,
            metric::Aggregation::Count => Aggregation::Count,
            metric::Aggregation::Sum => Aggregation::Sum,
            metric::Aggregation::Mean => Aggregation::Mean,
            metric::Aggregation::Last => Aggregation::Last,
        },
        window: hours.map(|hours| SignedDuration::from_hours(i64::from(hours))),
        cap: metric.cap,
    })
}

impl Asked {
    /// The answer as a measurement: the primary metric first, then the guardrails, in the query's order.
    fn read(&self, answer: &Answer) -> OwnLook {
        let arms = |place: usize, kind: MetricKind| {
            answer
                .epochs
                .iter()
                .filter_map(|epoch| {
                    let [control, treatment] = epoch.arms.as_slice() else { return None };
                    let (control, treatment) = (control.metrics.get(place)?, treatment.metrics.get(place)?);
                    Some(EpochArms {
                        epoch: epoch.epoch,
                        control: arm(control, kind),
                        treatment: arm(treatment, kind),
                    })
                })
                .collect::<Vec<_>>()
        };
        OwnLook {
            epochs: arms(0, self.primary),
            guardrails: self
                .guardrails
                .iter()
                .zip(1..)
                .map(|((metric, kind), place)| GuardrailArms {
                    metric: metric.clone(),
                    epochs: arms(place, *kind),
                })
                .collect(),
            provisional_units: provisional_units(answer),
            units_in_two_arms: answer.health.units_in_two_arms,
            fault: None,
            engine: ENGINE.to_owned(),
            seen: None,
            inputs: digest(answer),
            by_day: self.by_day(answer).map(Box::new),
        }
    }

    /// The primary metric by day since first exposure, over all epochs.
    fn by_day(&self, answer: &Answer) -> Option<DaysSeen> {
        let [control, treatment] = [0, 1].map(|arm| by_day_of(answer, arm));
        let days = (1..=self.query.days).collect();
        Some(DaysSeen { days, control: control?, treatment: treatment? })
    }

    /// The answer as a look at every arm of an experiment.
    fn read_of_run(&self, answer: &Answer) -> RunLook {
        let answered = answer.epochs.first().map(|epoch| epoch.arms.as_slice()).unwrap_or_default();
        let seen = |(place, name): (usize, &String)| {
            let of = |metric: usize, kind: MetricKind| {
                let answered = answered.get(place).and_then(|arm| arm.metrics.get(metric));
                answered.map_or(Arm::Counts([0, 0]), |metric| arm(metric, kind))
            };
            let guardrails = self.guardrails.iter().zip(1..);
            ArmSeen {
                arm: name.clone(),
                primary: of(0, self.primary),
                by_day: by_day_of(answer, place),
                guardrails: guardrails
                    .map(|((metric, kind), place)| (metric.clone(), of(place, *kind)))
                    .collect(),
            }
        };
        RunLook {
            arms: self.query.arms.iter().enumerate().map(seen).collect(),
            provisional_units: provisional_units(answer),
            units_in_two_arms: answer.health.units_in_two_arms,
            fault: None,
            engine: ENGINE.to_owned(),
            inputs: digest(answer),
            seen: None,
        }
    }
}

/// An arm's values by day since first exposure, over all epochs: the share of the arms is the same in each.
fn by_day_of(answer: &Answer, arm: usize) -> Option<Joint> {
    let epochs = answer.epochs.iter().filter_map(|epoch| epoch.arms.get(arm)?.by_day.as_ref());
    epochs.fold(None, |sum: Option<Joint>, of_epoch| match sum {
        None => Some(of_epoch.clone()),
        Some(mut sum) => sum.merge(of_epoch).is_ok().then_some(sum),
    })
}

/// The days that are told apart: those of the primary metric's window. A single one has nothing to be compared with.
fn days_of(metrics: &[tenure_analysis::Metric]) -> u32 {
    metrics.first().map(tenure_analysis::Metric::days).filter(|days| *days > 1).unwrap_or(0)
}

/// What took a look.
const ENGINE: &str = concat!("tenure ", env!("CARGO_PKG_VERSION"), ", embedded engine");

/// Units whose window has not passed, by the primary metric.
fn provisional_units(answer: &Answer) -> u64 {
    let arms = answer.epochs.iter().flat_map(|epoch| &epoch.arms);
    arms.filter_map(|arm| arm.metrics.first()).map(|metric| metric.immature.n()).sum()
}

/// A digest of what was answered.
fn digest(answer: &Answer) -> Option<String> {
    serde_json::to_vec(answer).ok().map(|bytes| hex::encode(Sha256::digest(bytes)))
}

/// What was seen of the data beside the moments.
fn seen(live: &Live, query: &Query, answer: &Answer) -> DataSeen {
    let health = &answer.health;
    let [accepted, refused] = ingest::totals(&live.telemetry);
    let exposed = answer.epochs.iter().filter_map(|epoch| {
        let [control, treatment, further @ ..] = epoch.arms.as_slice() else { return None };
        Some(ExposedUnits {
            epoch: epoch.epoch,
            control: control.units,
            treatment: treatment.units,
            further: further.iter().map(|arm| arm.units).collect(),
        })
    });
    let revision = query.revision.as_deref().unwrap_or_default();
    DataSeen {
        exposed: exposed.collect(),
        exposures: health.exposures,
        outcomes: health.outcomes,
        duplicates: health.duplicates,
        late: health.late,
        without_unit: health.without_unit,
        units_before_epochs: health.units_before_epochs,
        refused,
        accepted,
        freshest_received_at: health.freshest_received_at,
        disagreements: live.audit.disagreements(&query.flag, revision),
    }
}

/// Matured units of one arm.
fn arm(metric: &MetricAnswer, kind: MetricKind) -> Arm {
    let (n, mean) = (metric.moments.n(), metric.moments.mean());
    match kind {
        MetricKind::Proportion => Arm::Counts([n, (mean * n as f64).round() as u64]),
        _ => Arm::Summary { n, mean, variance: metric.moments.variance().unwrap_or(0.0) },
    }
}
