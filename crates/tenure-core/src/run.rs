//! Runs: experiments that are run here, from their plan to the result that they are registered with.
//!
//! Arms are drawn on a flag of the run's own, and each is compared with control as a rollout's treatment is
//! ([`comparison`](crate::comparison)). A run has one allocation: its arms keep their shares until it ends, but for one that
//! is closed because it does harm. When it ends everybody gets what control gets, and what won waits for its case.

pub mod looking;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tenure_flags::{Share, Trial, TrialArm};
use tenure_stats::estimate::{Level, Scale};
use tenure_stats::guardrail;
use tenure_stats::verdict::{self, Monitor};

use crate::case::Case;
use crate::codebase::stated;
use crate::decide::Ask;
use crate::design::Levels;
use crate::event::Event;
use crate::experiment::{Hypothesis, PrimaryMetric, is_baseline};
use crate::flag::production;
use crate::id::{CaseId, EnvironmentId, ExperimentId, FlagKey, MetricId, TeamId};
use crate::measurement::Point;
use crate::metric::{Direction, Metric, MetricKind};
use crate::person::{CASE_TEAM, DRIVERS, Place, Seat};
use crate::refusal::{Refusal, RefusalCode};
use crate::rollout::{Guardrail, guarded_once};
use crate::state::State;
use crate::time::{Moment, Stamp};
use looking::{ArmMeasured, RunMeasured};

/// The most arms, control among them.
const ARMS_MAX: usize = 10;

/// One arm of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunArm {
    /// Its name, which is also the flag's variant.
    pub name: String,
    /// What its units get.
    pub value: Json,
    /// Its part of the admitted units, over the sum of all weights.
    #[serde(default = "one")]
    pub weight: u32,
}

fn one() -> u32 {
    1
}

/// What is frozen when a run is planned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunPlan {
    /// The team that runs it.
    pub team: TeamId,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What is believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hypothesis: Option<Hypothesis>,
    /// The flag its arms are drawn on.
    pub flag: FlagKey,
    /// Where.
    pub environment: EnvironmentId,
    /// Its arms, control first.
    pub arms: Vec<RunArm>,
    /// The share of all units that is admitted to one of the arms, in percent.
    pub coverage_percent: f64,
    /// The metric it is decided by; its unit is what is drawn and counted.
    pub metric: PrimaryMetric,
    /// Hours after first exposure in which a unit's outcomes count; the metric's when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_hours: Option<u32>,
    /// Metrics that must not get worse.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guardrails: Vec<Guardrail>,
    /// The scale on which the arms are compared.
    pub scale: Scale,
    /// The level that is expected of control, by which the plan's size is reckoned.
    pub expected: Level,
    /// The smallest effect worth finding, on the scale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<f64>,
    /// Units in control at the planned end.
    pub planned_n: u64,
    /// Days before a positive verdict.
    pub min_days: u32,
    /// Days after which an open verdict is closed.
    pub max_days: u32,
    /// The experiment it is a re-run or a follow-up of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ExperimentId>,
    /// The kept case whose level it has to beat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<CaseId>,
    /// The product surface it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surface: Option<String>,
}

/// What is known of one arm that is compared with control.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedArm {
    /// The plan of its looks; none before the start.
    pub plan: Option<verdict::Plan>,
    /// What its looks remember.
    pub monitor: Monitor,
    /// How each guardrail is judged, once a look could say anything.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub guardrails: BTreeMap<MetricId, guardrail::Guardrail>,
    /// Its latest look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<ArmMeasured>,
    /// Its looks, thinned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub track: Vec<Point>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunEnd {
    /// When, and by whom; Tenure itself when the last arm was judged.
    pub stamp: Stamp,
    /// The arm that its result is of; none when there is no result.
    pub arm: Option<String>,
    /// Why it was stopped, or why there is no result.
    pub reason: Option<String>,
}

/// An experiment that is run here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// What it is called, and the experiment that it becomes.
    pub experiment: ExperimentId,
    /// Its plan.
    pub plan: RunPlan,
    /// When it was planned, and by whom.
    pub planned: Stamp,
    /// When it was started, and by whom.
    pub started: Option<Stamp>,
    /// The date it was started.
    pub started_on: Option<Date>,
    /// The arms that are compared with control, by name.
    pub arms: BTreeMap<String, ComparedArm>,
    /// How many looks there were.
    pub looks: u32,
    /// When the last one was taken.
    pub looked: Option<Timestamp>,
    /// The latest one.
    pub latest: Option<RunMeasured>,
    /// How it ended.
    pub ended: Option<RunEnd>,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Its flag gives everybody what control gets.
    Planned,
    /// Units meet its arms.
    Running,
    /// It ended with a result, which is registered as the experiment of its name.
    Judged,
    /// It ended without one.
    Stopped,
}

impl RunStatus {
    /// The status's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Judged => "judged",
            Self::Stopped => "stopped",
        }
    }
}

impl Run {
    /// Where it stands.
    pub fn status(&self) -> RunStatus {
        match (&self.ended, &self.started) {
            (Some(RunEnd { arm: Some(_), .. }), _) => RunStatus::Judged,
            (Some(RunEnd { arm: None, .. }), _) => RunStatus::Stopped,
            (None, Some(_)) => RunStatus::Running,
            (None, None) => RunStatus::Planned,
        }
    }

    /// The control arm and the others, as they are planned; none only of a plan without arms, which is refused.
    pub fn control_and_others(&self) -> Option<(&RunArm, &[RunArm])> {
        self.plan.arms.split_first()
    }

    /// The arms that units meet: control, and those that are not closed.
    pub fn open_arms(&self) -> impl Iterator<Item = &RunArm> {
        self.plan.arms.iter().filter(|arm| !self.is_closed(&arm.name))
    }

    fn is_closed(&self, arm: &str) -> bool {
        let latest = self.arms.get(arm).and_then(|arm| arm.latest.as_ref());
        latest.is_some_and(|latest| latest.closed.is_some())
    }

    /// Its flag, as it is served now.
    pub fn trial(&self) -> Option<Trial> {
        let arm = |arm: &RunArm| TrialArm {
            name: arm.name.clone(),
            value: arm.value.clone(),
            weight: arm.weight,
            closed: self.is_closed(&arm.name),
        };
        Some(Trial {
            flag_key: self.plan.flag.to_string(),
            name: self.experiment.to_string(),
            unit_attribute: self.plan.metric.unit.clone(),
            coverage: Share::from_percent(self.plan.coverage_percent).ok()?,
            arms: self.plan.arms.iter().map(arm).collect(),
            runs: self.status() == RunStatus::Running,
            version: self.revision(),
        })
    }

    /// What its exposures name it by.
    pub fn revision(&self) -> String {
        self.experiment.to_string()
    }

    fn place(&self) -> Place<'_> {
        Place { team: &self.plan.team, case: None }
    }

    /// How the error of a false verdict is shared out: evenly among the arms [Bonferroni], so that all verdicts of a run
    /// together are as sure as one rollout's.
    fn arms_compared(&self) -> usize {
        self.plan.arms.len().saturating_sub(1).max(1)
    }

    /// The looks of each arm against control, frozen at the start.
    fn plans(&self, alpha: f64) -> Result<BTreeMap<String, verdict::Plan>, Refusal> {
        let Some((control, others)) = self.control_and_others() else { return Ok(BTreeMap::new()) };
        let (metric, arms) = (&self.plan.metric, self.arms_compared() as f64);
        let levels =
            Levels { scale: self.plan.scale, control: self.plan.expected, treatment: self.plan.expected };
        let plan = |arm: &RunArm| {
            let odds = f64::from(arm.weight) / f64::from(control.weight);
            let se = levels.se_at(self.plan.planned_n, odds)?;
            let plan =
                verdict::Plan::new(metric.kind, metric.direction, self.plan.scale, alpha / arms, 1, se)?;
            let sample_ratio_alpha = plan.sample_ratio_alpha / arms;
            Ok((arm.name.clone(), verdict::Plan { sample_ratio_alpha, ..plan }))
        };
        let plans: Result<_, tenure_stats::CannotSay> = others.iter().map(plan).collect();
        plans.map_err(|fault| Refusal::argument(format!("the plan cannot be judged by: {fault}")))
    }
}

/// What is due of the runs: looks.
pub(crate) fn due<'a>(state: &'a State, moment: &Moment) -> impl Iterator<Item = &'a ExperimentId> {
    let waits = |run: &&Run| {
        let policy = state.policy_for(&run.plan.team);
        let since = run.looked.or(run.started.as_ref().map(|started| started.at));
        run.status() == RunStatus::Running
            && since.is_some_and(|since| moment.have_passed(policy.look_every_hours, since))
    };
    state.runs.values().filter(waits).map(|run| &run.experiment)
}

fn two_arms() -> Vec<RunArm> {
    let arm = |name: &str, value| RunArm { name: name.to_owned(), value: Json::Bool(value), weight: 1 };
    vec![arm("control", false), arm("treatment", true)]
}

fn all_units() -> f64 {
    100.0
}

/// Plans an experiment that is run here, or plans it anew before its start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanRun {
    /// What it is called, and the experiment that it becomes.
    pub experiment: ExperimentId,
    /// The team that runs it.
    pub team: TeamId,
    /// The flag its arms are drawn on; its own until it ends.
    pub flag: FlagKey,
    /// Where; `production` when left out.
    #[serde(default = "production")]
    pub environment: EnvironmentId,
    /// Its arms, control first; `control` gets `false` and `treatment` gets `true` when left out.
    #[serde(default = "two_arms")]
    pub arms: Vec<RunArm>,
    /// The share of all units that is admitted to one of the arms, in percent; all when left out.
    #[serde(default = "all_units")]
    pub coverage_percent: f64,
    /// The metric it is decided by.
    pub metric: MetricId,
    /// The context attribute that carries the unit; the metric's when left out.
    #[serde(default)]
    pub unit: Option<String>,
    /// Hours after first exposure in which outcomes count; the metric's when left out.
    #[serde(default)]
    pub window_hours: Option<u32>,
    /// Metrics that must not get worse.
    #[serde(default)]
    pub guardrails: Vec<Guardrail>,
    /// The level that is expected of control: a share of units, or a mean; what the parent or the baseline had when left
    /// out.
    #[serde(default)]
    pub level: Option<f64>,
    /// For a mean, the standard deviation of one unit's value.
    #[serde(default)]
    pub sd: Option<f64>,
    /// The smallest relative change worth finding, such as 0.05: with it comes the size of the plan.
    #[serde(default)]
    pub smallest_lift: Option<f64>,
    /// Units in control at the planned end, when that is known otherwise.
    #[serde(default)]
    pub planned_n: Option<u64>,
    /// Days before a positive verdict; 7 when left out.
    #[serde(default)]
    pub min_days: Option<u32>,
    /// Days after which an open verdict is closed; 90 when left out.
    #[serde(default)]
    pub max_days: Option<u32>,
    /// The experiment it is a re-run or a follow-up of.
    #[serde(default)]
    pub parent: Option<ExperimentId>,
    /// The kept case whose level it has to beat.
    #[serde(default)]
    pub baseline: Option<CaseId>,
    /// Its name for people.
    #[serde(default)]
    pub title: Option<String>,
    /// What is believed.
    #[serde(default)]
    pub hypothesis: Option<Hypothesis>,
    /// The product surface it runs on.
    #[serde(default)]
    pub surface: Option<String>,
}

/// Starts a planned run: admitted units meet their arms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StartRun {
    /// Which.
    pub experiment: ExperimentId,
}

/// Ends a run, at once. What was judged positive by then is its result; without one it has none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StopRun {
    /// Which.
    pub experiment: ExperimentId,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A run was planned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunPlanned {
    /// Which.
    pub experiment: ExperimentId,
    /// Its plan.
    pub plan: RunPlan,
}

/// A run was started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunStarted {
    /// Which.
    pub experiment: ExperimentId,
    /// The date.
    pub on: Date,
    /// What the looks of each arm go by.
    pub plans: BTreeMap<String, verdict::Plan>,
}

/// A run ended: everybody gets what control gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunEnded {
    /// Which.
    pub experiment: ExperimentId,
    /// The arm that its result is of; none when there is no result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arm: Option<String>,
    /// Why it was stopped, or why there is no result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Ask<'_> {
    fn run(&self, id: &ExperimentId) -> Result<&Run, Refusal> {
        self.state.runs.get(id).ok_or_else(|| Refusal::not_found("run", id))
    }
}

impl PlanRun {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        if let Some(parent) = &self.parent {
            ask.experiment(parent)?;
        }
        let baseline = self.baseline.as_ref().map(|baseline| ask.case(baseline)).transpose()?;
        let of_metric =
            |id: &MetricId| ask.state.metrics.get(id).ok_or_else(|| Refusal::not_found("metric", id));
        let metric = of_metric(&self.metric)?;
        for guardrail in &self.guardrails {
            if let Some(refusal) = of_metric(&guardrail.metric)?.not_live(&guardrail.metric) {
                return Err(refusal);
            }
        }
        guarded_once(Some(&self.metric), &self.guardrails)?;
        let place = Place { team: &self.team, case: None };
        ask.seated(&DRIVERS.map(Seat::Role), Some(place), "plan an experiment of this team")?;
        if let Some(there) = ask.state.experiments.get(&self.experiment) {
            return Err(Refusal::exists("experiment", &self.experiment).since(there.registered.at));
        }
        let known = ask.state.runs.get(&self.experiment);
        if let Some(run) = known.filter(|run| run.status() != RunStatus::Planned) {
            return Err(run.not(RunStatus::Planned));
        }
        baseline.map_or(Ok(()), is_baseline)?;
        ask.environment_in_use(&self.environment)?;
        if !ask.state.is_free_for(&self.flag, Some(&self.experiment)) {
            return Err(Refusal::exists("flag", &self.flag).missing(["another key"]));
        }
        let plan = self.plan(ask, metric, baseline)?;
        if known.is_some_and(|run| run.plan == plan) {
            return Ok(Vec::new());
        }
        let planned = RunPlanned { experiment: self.experiment.clone(), plan };
        let stamp = Stamp { at: ask.now.at, by: ask.actor.account(), acting_for: None };
        let run = planned.run(&stamp);
        // What could not be served or judged is refused now, and not at the start.
        let trial =
            run.trial().ok_or_else(|| Refusal::argument("coverage_percent: give above 0 and up to 100"))?;
        trial.definition().map_err(|fault| Refusal::argument(fault.to_string()))?;
        run.plans(ask.state.policy_for(&self.team).alpha)?;
        Ok(vec![planned.into()])
    }

    fn plan(&self, ask: &Ask<'_>, metric: &Metric, baseline: Option<&Case>) -> Result<RunPlan, Refusal> {
        if let Some(refusal) = metric.not_live(&self.metric) {
            return Err(refusal);
        }
        let (min_days, max_days) = (self.min_days.unwrap_or(7), self.max_days.unwrap_or(90));
        if max_days == 0 || min_days > max_days {
            return Err(Refusal::argument(format!(
                "min_days is {min_days} and max_days {max_days}: give a largest duration that holds the smallest"
            )));
        }
        let margins = self.guardrails.iter().map(|guardrail| guardrail.margin);
        if let Some(margin) = margins.into_iter().find(|margin| !(*margin > 0.0 && *margin < 1.0)) {
            return Err(Refusal::argument(format!("margin is {margin}: give a share above 0 and below 1")));
        }
        if !(self.coverage_percent > 0.0 && self.coverage_percent <= 100.0) {
            let given = self.coverage_percent;
            return Err(Refusal::argument(format!(
                "coverage_percent is {given}: give above 0 and up to 100"
            )));
        }
        if self.arms.len() > ARMS_MAX {
            return Err(Refusal::argument(format!(
                "arms: at most {ARMS_MAX}, and {} are given",
                self.arms.len()
            )));
        }
        let measured = PrimaryMetric {
            name: self.metric.to_string(),
            kind: metric.kind,
            direction: metric.direction,
            unit: self.unit.clone().unwrap_or_else(|| metric.unit.clone()),
        };
        let expected = self.expected(ask, &measured, baseline)?;
        let levels = Levels::new(expected, expected);
        let effect = self.effect(&levels, metric.direction)?;
        let planned_n = match (self.planned_n.filter(|n| *n > 0), effect) {
            (Some(n), _) => n,
            (None, Some(effect)) => self.size(&levels, effect, ask.state.policy_for(&self.team).alpha)?,
            (None, None) => {
                return Err(Refusal::argument(
                    "smallest_lift is missing: say which relative change is worth finding, or give planned_n",
                )
                .missing(["smallest_lift"]));
            }
        };
        Ok(RunPlan {
            team: self.team.clone(),
            title: self.title.clone(),
            hypothesis: self.hypothesis.clone(),
            flag: self.flag.clone(),
            environment: self.environment.clone(),
            arms: self.arms.clone(),
            coverage_percent: self.coverage_percent,
            metric: measured,
            window_hours: self.window_hours,
            guardrails: self.guardrails.clone(),
            scale: levels.scale,
            expected,
            effect,
            planned_n,
            min_days,
            max_days,
            parent: self.parent.clone(),
            baseline: self.baseline.clone(),
            surface: self.surface.clone(),
        })
    }

    /// The level expected of control: as it is told, or what the parent's control or the baseline had.
    fn expected(
        &self,
        ask: &Ask<'_>,
        metric: &PrimaryMetric,
        baseline: Option<&Case>,
    ) -> Result<Level, Refusal> {
        // So many that it is the level that decides whether it carries a lift, not how well it is known.
        const MANY: u64 = 1_000_000;
        let level = |value: f64, variance: f64| Level { n: MANY, value, variance };
        match (self.level, metric.kind, self.sd) {
            (Some(share), MetricKind::Proportion, _) if share > 0.0 && share < 1.0 => {
                return Ok(level(share, share * (1.0 - share)));
            }
            (Some(share), MetricKind::Proportion, _) => {
                return Err(Refusal::argument(format!(
                    "level is {share}: the metric is a share of units, give one between 0 and 1"
                )));
            }
            (Some(mean), _, Some(sd)) if mean.is_finite() && sd > 0.0 && sd.is_finite() => {
                return Ok(level(mean, sd * sd));
            }
            (Some(_), ..) => {
                return Err(Refusal::argument(
                    "sd: the metric is a mean, give the standard deviation of one unit's value, above 0",
                )
                .missing(["sd"]));
            }
            (None, ..) => {}
        }
        let measured_alike = |experiment: &ExperimentId| {
            let experiment = ask.state.experiments.get(experiment)?;
            let same = &experiment.metric;
            let alike = (&same.name, same.kind, &same.unit) == (&metric.name, metric.kind, &metric.unit);
            alike.then_some(experiment)
        };
        let of_parent = || measured_alike(self.parent.as_ref()?)?.measurement.control.level(metric.kind).ok();
        let of_baseline = || {
            let case = baseline?;
            measured_alike(&case.experiment)?;
            Some(case.kept.as_ref()?.level)
        };
        let had = of_baseline().or_else(of_parent).filter(|had| had.variance > 0.0);
        had.map(|had| level(had.value, had.variance)).ok_or_else(|| {
            Refusal::argument(
                "level is missing: say what is expected of control, since no parent or baseline was measured alike",
            )
            .missing(["level"])
        })
    }

    fn effect(&self, levels: &Levels, direction: Direction) -> Result<Option<f64>, Refusal> {
        let Some(lift) = self.smallest_lift else { return Ok(None) };
        if !(lift > 0.0 && lift < 1.0) {
            return Err(Refusal::argument(format!(
                "smallest_lift is {lift}: give a share above 0 and below 1, such as 0.05"
            )));
        }
        let change = direction.gain(lift);
        let effect = match levels.scale {
            Scale::Relative => change.ln_1p(),
            Scale::Absolute => change * levels.control.value.abs(),
        };
        match effect == 0.0 {
            true => {
                Err(Refusal::argument("smallest_lift: a level of 0 has no relative change, give planned_n"))
            }
            false => Ok(Some(effect)),
        }
    }

    /// Units in control with which the smallest effect is found in every arm, at that arm's share of the error.
    fn size(&self, levels: &Levels, effect: f64, alpha: f64) -> Result<u64, Refusal> {
        let Some((control, others)) = self.arms.split_first() else { return Ok(1) };
        let share = alpha / others.len().max(1) as f64;
        let units = |arm: &RunArm| {
            levels.planned_n(effect, share, f64::from(arm.weight) / f64::from(control.weight.max(1)))
        };
        let units: Result<Vec<u64>, _> = others.iter().map(units).collect();
        let units =
            units.map_err(|fault| Refusal::argument(format!("the size cannot be reckoned: {fault}")))?;
        Ok(units.into_iter().max().unwrap_or(1))
    }
}

impl Run {
    /// The refusal of a run that is not where it would have to be.
    fn not(&self, wanted: RunStatus) -> Refusal {
        let since = self.ended.as_ref().map(|end| &end.stamp).or(self.started.as_ref());
        Refusal::wrong_state(format!(
            "experiment {} is {}; this is for {}",
            self.experiment,
            self.status().name(),
            wanted.name()
        ))
        .since(since.unwrap_or(&self.planned).at)
    }
}

impl StartRun {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let run = ask.run(&self.experiment)?;
        ask.seated(&DRIVERS.map(Seat::Role), Some(run.place()), "start an experiment of this team")?;
        if run.status() != RunStatus::Planned {
            return Err(run.not(RunStatus::Planned));
        }
        ask.environment_in_use(&run.plan.environment)?;
        let baseline = run.plan.baseline.as_ref().map(|baseline| ask.case(baseline)).transpose()?;
        baseline.map_or(Ok(()), is_baseline)?;
        let plans = run.plans(ask.state.policy_for(&run.plan.team).alpha)?;
        let on = ask.state.calendar(&run.plan.team).date(ask.now.at);
        Ok(vec![RunStarted { experiment: self.experiment.clone(), on, plans }.into()])
    }
}

impl StopRun {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let run = ask.run(&self.experiment)?;
        ask.seated(&CASE_TEAM.map(Seat::Role), Some(run.place()), "stop an experiment of this team")?;
        if run.ended.is_some() {
            return Err(run.not(RunStatus::Running));
        }
        let Some(reason) = stated(self.reason.as_deref()) else {
            return Err(Refusal::new(RefusalCode::ReasonMissing, "an experiment is stopped for a reason")
                .missing(["reason"]));
        };
        let arms: Vec<&ArmMeasured> = run.arms.values().filter_map(|arm| arm.latest.as_ref()).collect();
        let won = looking::best(&arms, run.plan.metric.direction)
            .filter(|best| best.judged.verdict == verdict::Verdict::Positive);
        run.end(ask, won, run.looks, Some(reason.to_owned()))
    }
}

impl RunPlanned {
    fn run(&self, stamp: &Stamp) -> Run {
        let others = self.plan.arms.iter().skip(1);
        Run {
            experiment: self.experiment.clone(),
            plan: self.plan.clone(),
            planned: stamp.clone(),
            started: None,
            started_on: None,
            arms: others.map(|arm| (arm.name.clone(), ComparedArm::default())).collect(),
            looks: 0,
            looked: None,
            latest: None,
            ended: None,
        }
    }

    pub(crate) fn apply(&self, state: &mut State, stamp: &Stamp) {
        state.flag_runs.retain(|_, run| *run != self.experiment);
        state.flag_runs.insert(self.plan.flag.clone(), self.experiment.clone());
        state.runs.insert(self.experiment.clone(), self.run(stamp));
    }
}

impl RunStarted {
    pub(crate) fn apply(&self, state: &mut State, stamp: &Stamp) {
        let Some(run) = state.runs.get_mut(&self.experiment) else { return };
        run.started = Some(stamp.clone());
        run.started_on = Some(self.on);
        for (arm, plan) in &self.plans {
            run.arms.entry(arm.clone()).or_default().plan = Some(*plan);
        }
    }
}

impl RunEnded {
    pub(crate) fn apply(&self, state: &mut State, stamp: &Stamp) {
        let Some(run) = state.runs.get_mut(&self.experiment) else { return };
        run.ended = Some(RunEnd { stamp: stamp.clone(), arm: self.arm.clone(), reason: self.reason.clone() });
    }
}
