//! Intake: experiments from elsewhere, read into the commands that would register them.
//!
//! Nothing is registered here. A reader says what it understood, what it left aside and what to be wary of, so that a dry
//! run can be judged by a person; whoever decides the commands carries them out. Pure: text in, commands out.
//!
//! How effects become arms, in this order:
//!
//! 1. counts or moments of both arms, when they are given: Tenure judges them itself;
//! 2. else the means of both arms, with the standard error that the other tool's two-sided interval implies;
//! 3. else nothing: an effect without its levels cannot be compared with a rollout, and is a fault.

use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::command::Command;
use crate::decide::decide;
use crate::event::Event;
use crate::experiment::{Hypothesis, PrimaryMetricDraft, RegisterExperiment};
use crate::id::{CaseId, ExperimentId, TeamId};
use crate::measurement::{Arm, Outside};
use crate::metric::{Direction, MetricKind};
use crate::person::Actor;
use crate::refusal::Refusal;
use crate::state::State;
use crate::time::Now;

use self::field::Field;

mod arms;
mod field;
pub mod growthbook;
mod hypothesis;
pub mod statsig;
pub mod summary;

/// Where an experiment comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Tenure's own form: counts, moments, or an effect with its interval.
    Summary,
    /// GrowthBook's API: an experiment with its results, or a snapshot.
    Growthbook,
    /// Statsig's Console API: an experiment with its pulse results.
    Statsig,
}

impl Source {
    /// Every source, with its name.
    pub const ALL: [(&'static str, Self); 3] =
        [("summary", Self::Summary), ("growthbook", Self::Growthbook), ("statsig", Self::Statsig)];
}

/// What the reader is told, where the document leaves it open or says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Choices {
    /// What the experiment is to be called; its name in the other tool when left out.
    pub experiment: Option<ExperimentId>,
    /// The team that ran it.
    pub team: Option<TeamId>,
    /// The last day it ran.
    pub ended: Option<Date>,
    /// The primary metric, by its name in the document.
    pub metric: Option<String>,
    /// The arm compared against, by name or id.
    pub control: Option<String>,
    /// The arm that won, by name or id.
    pub treatment: Option<String>,
    /// Which way of the metric is good.
    pub direction: Option<Direction>,
    /// What the metric is.
    pub kind: Option<MetricKind>,
    /// The confidence of the document's intervals, such as 0.95.
    pub confidence: Option<f64>,
    /// The context attribute that carries the unit.
    pub unit: Option<String>,
    /// The experiment's name for people.
    pub title: Option<String>,
    /// The product surface it ran on.
    pub surface: Option<String>,
    /// The experiment it re-ran.
    pub parent: Option<ExperimentId>,
    /// The kept case whose level it had to beat.
    pub baseline: Option<CaseId>,
}

/// Something said about a place in the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Note {
    /// Where: a path such as `result.results[0].metrics[1]`; empty for the whole document.
    pub path: String,
    /// What.
    pub says: String,
}

/// Why a document cannot be taken in, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, JsonSchema)]
#[error("{}{says}", if path.is_empty() { String::new() } else { format!("{path}: ") })]
pub struct Fault {
    /// Where: a path such as `result.results[0].metrics[1]`; empty for the whole document.
    pub path: String,
    /// What is wrong, and what to do about it.
    pub says: String,
}

/// A document, understood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Intake {
    /// The commands that would register what is in it.
    pub commands: Vec<Command>,
    /// What was read, and from where.
    pub understood: Vec<Note>,
    /// What was left aside.
    pub ignored: Vec<Note>,
    /// What a person should know before registering it.
    pub warnings: Vec<Note>,
}

/// Reads a document of a source.
///
/// Errors: everything that keeps it from being taken in, each with its place and the remedy.
pub fn read(source: Source, document: &Json, choices: &Choices) -> Result<Intake, Vec<Fault>> {
    match source {
        Source::Summary => summary::read(document, choices),
        Source::Growthbook => growthbook::read(document, choices),
        Source::Statsig => statsig::read(document, choices),
    }
}

/// Reads the text of a document of a source.
///
/// Errors: a text that is no JSON, and those of [`read`].
pub fn read_text(source: Source, text: &str, choices: &Choices) -> Result<Intake, Vec<Fault>> {
    let document = serde_json::from_str(text)
        .map_err(|fault| vec![Fault { path: String::new(), says: format!("this is no JSON: {fault}") }])?;
    read(source, &document, choices)
}

impl Intake {
    /// What carrying it out would record, or why it would be refused. Records nothing.
    pub fn rehearse(&self, state: &State, actor: &Actor, now: impl Into<Now>) -> Result<Vec<Event>, Refusal> {
        let now = now.into();
        let mut events = Vec::new();
        for command in &self.commands {
            events.extend(decide(state, actor, now, command)?);
        }
        Ok(events)
    }
}

/// What a reader has found out so far.
#[derive(Default)]
struct Notes {
    understood: Vec<Note>,
    ignored: Vec<Note>,
    warnings: Vec<Note>,
    faults: Vec<Fault>,
}

impl Notes {
    fn understood(&mut self, path: impl Into<String>, says: impl Into<String>) {
        self.understood.push(Note { path: path.into(), says: says.into() });
    }

    fn ignored(&mut self, path: impl Into<String>, says: impl Into<String>) {
        self.ignored.push(Note { path: path.into(), says: says.into() });
    }

    fn warn(&mut self, path: impl Into<String>, says: impl Into<String>) {
        self.warnings.push(Note { path: path.into(), says: says.into() });
    }

    /// That the arm that is compared was picked among several.
    fn picked(&mut self, path: &str, arm: &str, others: usize) {
        if others > 1 {
            self.warn(
                path,
                format!(
                    "{arm} is one of {others} arms: an effect picked as the best of several is larger than it will be again, \
                     by more than Tenure's correction for one"
                ),
            );
        }
    }

    /// What was believed, and of the rest what there is no place for.
    fn beliefs(&mut self, experiment: &Field<'_>, no_place: &[&str]) -> Option<Hypothesis> {
        for left in no_place.iter().filter_map(|name| experiment.get(name)) {
            self.ignored(left.path, "Tenure has no place for it");
        }
        let told = experiment.get("hypothesis")?;
        let believed = told.value.as_str()?;
        let read = hypothesis::read(believed);
        if read.is_none() {
            self.ignored(told.path, "it has not the form “we believe … will result in … because …”");
        }
        read
    }

    /// The value, or nothing and the fault noted.
    fn keep<T>(&mut self, read: Result<T, Fault>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(fault) => {
                self.faults.push(fault);
                None
            }
        }
    }

    fn finish(self, commands: Vec<Command>) -> Result<Intake, Vec<Fault>> {
        let Self { understood, ignored, warnings, faults } = self;
        if faults.is_empty() { Ok(Intake { commands, understood, ignored, warnings }) } else { Err(faults) }
    }
}

/// What the other tool says of an experiment beside its numbers.
#[derive(Default)]
struct About {
    name: Option<String>,
    title: Option<String>,
    hypothesis: Option<Hypothesis>,
    ended: Option<Date>,
    unit: Option<String>,
    direction: Option<Direction>,
}

/// The two arms that are compared, and what is known of their metric.
struct Compared {
    metric: String,
    kind: MetricKind,
    control: Arm,
    treatment: Arm,
    split: Option<f64>,
    source: String,
}

/// The command that registers an experiment; what is missing is a fault each.
fn register(notes: &mut Notes, choices: &Choices, about: About, compared: Compared) -> Option<Command> {
    let missing = |path: &str, says: &str| Fault { path: path.to_owned(), says: says.to_owned() };
    let experiment = match (&choices.experiment, &about.name) {
        (Some(chosen), _) => Some(chosen.clone()),
        (None, Some(name)) => notes.keep(
            ExperimentId::new(name.as_str())
                .map_err(|fault| missing("", &format!("{fault}, or choose `experiment`"))),
        ),
        (None, None) => notes.keep(Err(missing("", "nothing names the experiment: choose `experiment`"))),
    };
    let team =
        choices.team.clone().ok_or_else(|| missing("", "nothing says which team ran it: choose `team`"));
    let team = notes.keep(team);
    let ended = choices.ended.or(about.ended);
    let ended = notes.keep(ended.ok_or_else(|| missing("", "nothing says when it ended: choose `ended`")));
    let defaults = PrimaryMetricDraft::default();
    Some(
        RegisterExperiment {
            experiment: experiment?,
            team: team?,
            ended: ended?,
            measurement: Outside {
                control: compared.control,
                treatment: compared.treatment,
                planned_n: 0,
                split: compared.split,
                source: Some(compared.source),
            },
            parent: choices.parent.clone(),
            baseline: choices.baseline.clone(),
            title: choices.title.clone().or(about.title),
            hypothesis: about.hypothesis,
            metric: PrimaryMetricDraft {
                name: compared.metric,
                kind: Some(compared.kind),
                direction: choices.direction.or(about.direction).unwrap_or(defaults.direction),
                unit: choices.unit.clone().or(about.unit).unwrap_or(defaults.unit),
            },
            surface: choices.surface.clone(),
        }
        .into(),
    )
}

/// The date of a text that is a date, or an instant in UTC.
fn date_of(text: &str) -> Option<Date> {
    let instant = || text.parse::<Timestamp>().ok().map(|at| TimeZone::UTC.to_datetime(at).date());
    instant().or_else(|| text.parse().ok())
}
