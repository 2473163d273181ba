//! Summary statistics, in Tenure's own form: counts, moments, or an effect with its interval beside the arms' means.
//!
//! One experiment, or a list of them. Of an experiment: `experiment`, `team`, `ended`, and what is optional (`title`,
//! `hypothesis` as three parts or one text, `surface`, `parent`, `baseline`, `source`, `split`); `metric` with `name`, `kind`,
//! `direction` and `unit`; and the arms `control` and `treatment`, each with `n` and
//!
//! - `successes`, or
//! - `mean` with one of `variance`, `sd` and `se`, or
//! - `mean` alone, where `effect` says how sure the difference is: `difference` or `lift`, with `se`, or with `interval` and
//!   its `confidence` (0.95 when left out).

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::arms::{Reported, Side, arms, se_of};
use super::field::Field;
use super::{About, Choices, Compared, Fault, Intake, Notes, date_of, hypothesis, register};
use crate::command::Command;

/// Reads summary statistics.
///
/// Errors: everything that keeps them from being taken in, each with its place and the remedy.
pub fn read(document: &Json, choices: &Choices) -> Result<Intake, Vec<Fault>> {
    let mut notes = Notes::default();
    let root = Field::root(document);
    let list: Vec<Field<'_>> = match document.as_array() {
        Some(items) => {
            items.iter().enumerate().map(|(at, value)| Field { path: format!("[{at}]"), value }).collect()
        }
        None => vec![root],
    };
    let mut commands = Vec::new();
    for experiment in &list {
        commands.extend(one(&mut notes, experiment, choices));
    }
    notes.finish(commands)
}

const KNOWN: [&str; 14] = [
    "experiment",
    "team",
    "ended",
    "title",
    "hypothesis",
    "surface",
    "parent",
    "baseline",
    "source",
    "split",
    "metric",
    "control",
    "treatment",
    "effect",
];

fn one(notes: &mut Notes, at: &Field<'_>, choices: &Choices) -> Option<Command> {
    for name in at.value.as_object().into_iter().flat_map(|members| members.keys()) {
        if !KNOWN.contains(&name.as_str()) {
            let path = if at.path.is_empty() { name.clone() } else { format!("{}.{name}", at.path) };
            notes.ignored(path, "no member of this form");
        }
    }
    let metric = at.get("metric");
    let of_metric = |name: &str| metric.as_ref().and_then(|metric| metric.get(name));
    let choices = Choices {
        experiment: choices.experiment.clone().or_else(|| notes.keep(named(at.get("experiment")))?),
        team: choices.team.clone().or_else(|| notes.keep(named(at.get("team")))?),
        parent: choices.parent.clone().or_else(|| notes.keep(named(at.get("parent")))?),
        baseline: choices.baseline.clone().or_else(|| notes.keep(named(at.get("baseline")))?),
        surface: choices.surface.clone().or_else(|| at.text("surface")),
        kind: choices.kind.or_else(|| notes.keep(named(of_metric("kind")))?),
        direction: choices.direction.or_else(|| notes.keep(named(of_metric("direction")))?),
        ..choices.clone()
    };
    let ended = at.get("ended").map(|field| {
        let date = field.value.as_str().and_then(date_of);
        date.ok_or_else(|| field.fault(format!("{} is no date: write YYYY-MM-DD", field.value)))
    });
    let about = About {
        title: at.text("title"),
        hypothesis: at.get("hypothesis").and_then(|field| believed(notes, &field)),
        ended: ended.and_then(|ended| notes.keep(ended)),
        unit: of_metric("unit").and_then(|unit| unit.value.as_str().map(str::to_owned)),
        ..About::default()
    };
    let compared = compared(notes, at, &choices);
    let compared = notes.keep(compared)?;
    register(notes, &choices, about, compared)
}

/// A member that has a form of its own, such as a name.
fn named<T: DeserializeOwned>(field: Option<Field<'_>>) -> Result<Option<T>, Fault> {
    field.map(|field| T::deserialize(field.value).map_err(|fault| field.fault(fault.to_string()))).transpose()
}

fn believed(notes: &mut Notes, field: &Field<'_>) -> Option<crate::experiment::Hypothesis> {
    let Some(text) = field.value.as_str() else { return notes.keep(named(Some(field.clone())))? };
    let read = hypothesis::read(text);
    if read.is_none() {
        notes.ignored(&field.path, "it has not the form “we believe … will result in … because …”");
    }
    read
}

fn compared(notes: &mut Notes, at: &Field<'_>, choices: &Choices) -> Result<Compared, Fault> {
    let sides = [side(&at.need("control")?)?, side(&at.need("treatment")?)?];
    let reported = at.get("effect").map(|effect| reported(&effect, choices)).transpose()?;
    let found = arms(notes, &at.path, choices.kind, sides, reported);
    let (kind, control, treatment) = found.map_err(|says| at.fault(says))?;
    let metric = at
        .get("metric")
        .and_then(|metric| metric.text("name").or_else(|| metric.value.as_str().map(str::to_owned)));
    let split = at.get("split").map(|field| {
        let share = field.number()?;
        let fits = share > 0.0 && share < 1.0;
        if fits {
            Ok(share)
        } else {
            Err(field.fault(format!("{share} is no share: give the treatment's, between 0 and 1")))
        }
    });
    Ok(Compared {
        metric: choices.metric.clone().or(metric).unwrap_or_else(|| "primary".to_owned()),
        kind,
        control,
        treatment,
        split: split.transpose()?,
        source: at.text("source").unwrap_or_else(|| "summary statistics".to_owned()),
    })
}

fn side(at: &Field<'_>) -> Result<Side, Fault> {
    let n = at.need("n")?.count()?;
    let square = |name: &str| Ok::<_, Fault>(at.number_of(name)?.map(|it| it * it));
    let variance = match (at.number_of("variance")?, square("sd")?, square("se")?) {
        (Some(variance), _, _) => Some(variance),
        (None, Some(variance), _) => Some(variance),
        (None, None, Some(squared)) => Some(squared * n as f64),
        (None, None, None) => None,
    };
    if variance.is_some_and(|variance| variance < 0.0) {
        return Err(at.fault("variance is below 0"));
    }
    let successes = at.get("successes").map(|field| field.count()).transpose()?;
    Ok(Side { n, successes, mean: at.number_of("mean")?, variance })
}

fn reported(at: &Field<'_>, choices: &Choices) -> Result<Reported, Fault> {
    let (estimate, is_lift) = match (at.number_of("difference")?, at.number_of("lift")?) {
        (Some(difference), None) => (difference, false),
        (None, Some(lift)) => (lift, true),
        _ => return Err(at.fault("give either difference or lift (0.05 is +5 %)")),
    };
    if let Some(se) = at.number_of("se")? {
        let se = Some(se)
            .filter(|se| *se > 0.0)
            .ok_or_else(|| at.fault(format!("se is {se}: give one above 0")))?;
        return Ok(Reported { estimate, is_lift, se: Some(se) });
    }
    let Some(interval) = at.get("interval") else { return Ok(Reported { estimate, is_lift, se: None }) };
    let bounds = at.items("interval");
    let bound = |which: usize, otherwise: f64| {
        bounds.get(which).map_or(otherwise, |bound| bound.number().unwrap_or(otherwise))
    };
    let confidence = at.number_of("confidence")?.or(choices.confidence).unwrap_or(0.95);
    let bounds = [bound(0, f64::NEG_INFINITY), bound(1, f64::INFINITY)];
    let se = se_of(estimate, bounds, confidence).map_err(|says| interval.fault(says))?;
    Ok(Reported { estimate, is_lift, se: Some(se) })
}
