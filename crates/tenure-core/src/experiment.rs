//! Experiments: what was believed, what was measured, and whether it is a significant positive.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenure_stats::number;
use tenure_stats::verdict::Judged;

use crate::case::{Case, CaseParked, CaseResumed, Stage};
use crate::decide::Ask;
use crate::event::Event;
use crate::id::{CaseId, ExperimentId, TeamId};
use crate::measurement::{Outside, Verdict, judge_experiment, verdict_name};
use crate::metric::{Direction, MetricKind, targeting_key};
use crate::person::{Actor, Place, Role, Seat};
use crate::refusal::{Refusal, RefusalCode};
use crate::rerun::Prior;
use crate::state::State;
use crate::time::{Stamp, months_later};

/// What was believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hypothesis {
    /// What is done.
    pub we_believe: String,
    /// What comes of it.
    pub will_result_in: String,
    /// Why it should.
    pub because: String,
}

/// The metric an experiment is decided by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PrimaryMetric {
    /// Its name.
    pub name: String,
    /// What the number is.
    pub kind: MetricKind,
    /// Which way is good.
    pub direction: Direction,
    /// The context attribute that carries the unit.
    pub unit: String,
}

/// The metric as it is told: what is left out has a default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PrimaryMetricDraft {
    /// Its name.
    #[serde(default = "primary")]
    pub name: String,
    /// What the number is; from the measurement when left out.
    #[serde(default)]
    pub kind: Option<MetricKind>,
    /// Which way is good.
    #[serde(default)]
    pub direction: Direction,
    /// The context attribute that carries the unit.
    #[serde(default = "targeting_key")]
    pub unit: String,
}

fn primary() -> String {
    "primary".to_owned()
}

impl Default for PrimaryMetricDraft {
    fn default() -> Self {
        Self { name: primary(), kind: None, direction: Direction::Increase, unit: targeting_key() }
    }
}

/// A randomised comparison and its result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Experiment {
    /// The team that ran it.
    pub team: TeamId,
    /// Its name for people.
    pub title: Option<String>,
    /// What was believed.
    pub hypothesis: Option<Hypothesis>,
    /// The metric it is decided by.
    pub metric: PrimaryMetric,
    /// The last day it ran.
    pub ended: Date,
    /// What was measured.
    pub measurement: Outside,
    /// What the statistics said when it was registered.
    pub judged: Judged,
    /// The experiment it is a re-run or a follow-up of.
    pub parent: Option<ExperimentId>,
    /// The kept case whose level it had to beat.
    pub baseline: Option<CaseId>,
    /// The product surface it ran on.
    pub surface: Option<String>,
    /// Its effect with the one of the experiment it re-runs as a prior; shown, and decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior: Option<Prior>,
    /// Of an experiment that was run here: what its result was taken from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunResult>,
    /// When it was registered, and by whom.
    pub registered: Stamp,
}

/// What the result of an experiment that was run here was taken from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunResult {
    /// The arm that it is the result of.
    pub arm: String,
    /// Of how many arms, control not counted, it is the best.
    pub arms: u32,
    /// How many looks there were.
    pub looks: u32,
    /// Information as a share of the plan's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub information_fraction: Option<f64>,
}

impl RunResult {
    /// What is to be known of a result that was there before the plan's end.
    pub(crate) fn warning(&self) -> Option<String> {
        let share = self.information_fraction.filter(|share| *share < 1.0)?;
        Some(format!(
            "the experiment ended at {} of its planned information: its effect is more inflated than the correction for its selection allows for",
            number::percent(share)
        ))
    }
}

impl Experiment {
    /// Whether it is a significant positive.
    pub fn is_successful(&self) -> bool {
        self.judged.verdict == Verdict::Positive
    }
}

/// Who registers experiments of a team.
pub(crate) const REGISTRARS: [Role; 4] =
    [Role::DevelopmentLead, Role::ProductManager, Role::DesignLead, Role::Importer];

/// Registers an experiment with its result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RegisterExperiment {
    /// Its name.
    pub experiment: ExperimentId,
    /// The team that ran it.
    pub team: TeamId,
    /// The last day it ran.
    pub ended: Date,
    /// What was measured.
    pub measurement: Outside,
    /// The experiment it is a re-run or a follow-up of.
    #[serde(default)]
    pub parent: Option<ExperimentId>,
    /// The kept case whose level it had to beat.
    #[serde(default)]
    pub baseline: Option<CaseId>,
    /// Its name for people.
    #[serde(default)]
    pub title: Option<String>,
    /// What was believed.
    #[serde(default)]
    pub hypothesis: Option<Hypothesis>,
    /// The metric it is decided by: a proportion per `targetingKey` of which more is better, when left out.
    #[serde(default)]
    pub metric: PrimaryMetricDraft,
    /// The product surface it ran on.
    #[serde(default)]
    pub surface: Option<String>,
}

/// An experiment was registered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExperimentRegistered {
    /// Its name.
    pub experiment: ExperimentId,
    /// The team that ran it.
    pub team: TeamId,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What was believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hypothesis: Option<Hypothesis>,
    /// The metric it is decided by.
    pub metric: PrimaryMetric,
    /// The last day it ran.
    pub ended: Date,
    /// What was measured.
    pub measurement: Outside,
    /// What the statistics say.
    pub judged: Box<Judged>,
    /// The experiment it is a re-run or a follow-up of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ExperimentId>,
    /// The kept case whose level it had to beat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<CaseId>,
    /// The product surface it ran on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surface: Option<String>,
    /// Its effect with the one of the experiment it re-runs as a prior.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior: Option<Prior>,
    /// Of an experiment that was run here: what its result was taken from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunResult>,
}

impl RegisterExperiment {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        if let Some(parent) = &self.parent {
            ask.experiment(parent)?;
        }
        let baseline = self.baseline.as_ref().map(|baseline| ask.case(baseline)).transpose()?;
        let place = Place { team: &self.team, case: None };
        let seats = REGISTRARS.map(Seat::Role);
        ask.seated(&seats, Some(place), "register an experiment of this team")?;
        if let Some(there) = ask.state.experiments.get(&self.experiment) {
            return Err(Refusal::exists("experiment", &self.experiment).since(there.registered.at));
        }
        if let Some(run) = ask.state.runs.get(&self.experiment) {
            return Err(
                Refusal::exists("experiment that is run here,", &self.experiment).since(run.planned.at)
            );
        }
        baseline.map_or(Ok(()), is_baseline)?;
        if self.ended > ask.state.calendar(&self.team).date(ask.now.at) {
            return Err(Refusal::argument(format!("ended is {}: give a date that has passed", self.ended)));
        }
        let policy = ask.state.policy_for(&self.team);
        let kind = self.measurement.kind(self.metric.kind.unwrap_or(MetricKind::Mean));
        let judged = judge_experiment(&self.measurement, kind, self.metric.direction, policy)?;
        let registered = ExperimentRegistered {
            experiment: self.experiment.clone(),
            team: self.team.clone(),
            title: self.title.clone(),
            hypothesis: self.hypothesis.clone(),
            metric: PrimaryMetric {
                name: self.metric.name.clone(),
                kind,
                direction: self.metric.direction,
                unit: self.metric.unit.clone(),
            },
            ended: self.ended,
            measurement: self.measurement.clone(),
            judged: Box::new(judged),
            parent: self.parent.clone(),
            baseline: self.baseline.clone(),
            surface: self.surface.clone(),
            prior: None,
            run: None,
        };
        Ok(registered.events(ask, ask.actor))
    }
}

/// Refuses a case that is not kept as the baseline of an experiment.
pub(crate) fn is_baseline(case: &Case) -> Result<(), Refusal> {
    if matches!(case.stage, Stage::Productionised | Stage::Closed) {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::OriginalNotProductionised,
        format!("case {} is in {} and is no baseline", case.id, case.stage),
    ))
}

impl ExperimentRegistered {
    /// What a result records: itself, with its parent's as a prior, and what it means for the cases that wait for it and are
    /// `by`'s to move.
    pub(crate) fn events(mut self, ask: &Ask<'_>, by: &Actor) -> Vec<Event> {
        // A follow-up on a kept baseline is another idea: its parent says nothing about its effect.
        if let (Some(id), None) = (&self.parent, &self.baseline) {
            let child = self.experiment(&Stamp { at: ask.now.at, by: by.account(), acting_for: None });
            self.prior = ask.experiment(id).ok().and_then(|parent| Prior::of(id, parent, &child).ok());
        }
        let won = self.judged.verdict == Verdict::Positive;
        let lost = format!(
            "the re-run {} is {}: {}",
            self.experiment,
            verdict_name(self.judged.verdict),
            self.judged.sentence
        );
        let (experiment, parent) = (self.experiment.clone(), self.parent.clone());
        let mut events = vec![self.into()];
        let seats = REGISTRARS.map(Seat::Role);
        let waiting = ask.state.all_cases().filter(|case| {
            let is_child = Some(&case.experiment) == parent.as_ref();
            let may = |seat| ask.state.may_act(by, seat, Some(case.place()), ask.now.at);
            case.stage == Stage::Rerunning && is_child && seats.iter().any(may)
        });
        for case in waiting {
            let months = ask.state.policy_of(case).deadlines.parked_review_months;
            events.push(if won {
                CaseResumed { case: case.id.clone(), experiment: experiment.clone() }.into()
            } else {
                let review_on = months_later(ask.today(case), months);
                CaseParked { case: case.id.clone(), reason: lost.clone(), review_on }.into()
            });
        }
        events
    }

    fn experiment(&self, stamp: &Stamp) -> Experiment {
        Experiment {
            team: self.team.clone(),
            title: self.title.clone(),
            hypothesis: self.hypothesis.clone(),
            metric: self.metric.clone(),
            ended: self.ended,
            measurement: self.measurement.clone(),
            judged: Judged::clone(&self.judged),
            parent: self.parent.clone(),
            baseline: self.baseline.clone(),
            surface: self.surface.clone(),
            prior: self.prior.clone(),
            run: self.run.clone(),
            registered: stamp.clone(),
        }
    }

    pub(crate) fn apply(&self, state: &mut State, stamp: &Stamp) {
        state.experiments.insert(self.experiment.clone(), self.experiment(stamp));
    }
}
