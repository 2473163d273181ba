//! The release note of a case: what customers meet, how sure its effect is, and whom to ask.

use askama::Template;
use jiff::tz::TimeZone;

use super::dossier::{headline, print};
use super::{CaseFile, Printed};
use crate::case::Stage;
use crate::deviation::DeviationKind;
use crate::measurement::Measured;
use crate::narration::answers;
use tenure_stats::number;

/// The release note in Markdown.
pub fn markdown(file: &CaseFile, zone: &TimeZone) -> String {
    print(&ReleaseNote::of(Printed { file, zone }))
}

#[derive(Template)]
#[template(path = "release_note.md")]
struct ReleaseNote<'a> {
    title: &'a str,
    availability: String,
    about: Option<String>,
    effect: Vec<String>,
    changes: Vec<String>,
    known: Vec<String>,
    contact: Vec<String>,
    foot: String,
}

impl<'a> ReleaseNote<'a> {
    fn of(it: Printed<'a>) -> Self {
        let case = &it.file.case;
        let hypothesis = it.file.experiment.as_ref().and_then(|experiment| experiment.hypothesis.as_ref());
        Self {
            title: it.file.title(),
            availability: availability(it),
            about: hypothesis.map(|hypothesis| {
                let part = |text: &str| text.trim().trim_end_matches('.').to_owned();
                format!("{}, because {}.", capital(&part(&hypothesis.we_believe)), part(&hypothesis.because))
            }),
            effect: effect(it),
            changes: changes(it),
            known: known(it),
            contact: contact(it),
            foot: format!("Case {}, as of {}, {}.", case.id, it.minute(it.file.at), it.zone_name()),
        }
    }
}

fn capital(text: &str) -> String {
    super::dossier::capital(text)
}

/// Who meets it, since when, behind which flag.
fn availability(it: Printed<'_>) -> String {
    let case = &it.file.case;
    let flag = case.flag.as_ref().map_or(String::new(), |flag| format!(", behind the flag {}", flag.key));
    let latest = case.allocations.last();
    let since = latest.map_or(String::new(), |latest| format!(" since {}", it.date(latest.at)));
    match case.stage {
        Stage::Productionised | Stage::Closed if case.hold.is_none() => {
            format!("Everyone has it{since}{flag}.")
        }
        Stage::Removing | Stage::Removed if case.first_exposed.is_some() => {
            format!("It is withdrawn{since}: nobody has it any more.")
        }
        _ if case.hold.is_some() => {
            format!("It is switched off for everyone{since}, while a fault is looked into.")
        }
        _ if case.exposure_percent() > 0.0 => {
            let percent = number::decimal(case.exposure_percent(), 2);
            format!("{percent} % have it{since}{flag}.")
        }
        _ => "It is not released: nobody has it.".to_owned(),
    }
}

fn effect(it: Printed<'_>) -> Vec<String> {
    let case = &it.file.case;
    let mut effect = Vec::new();
    let metric = it.file.experiment.as_ref().map_or("its metric", |experiment| &experiment.metric.name);
    if let Some(latest) = case.measurements.judged.last().filter(|latest| latest.iteration == case.iteration)
    {
        effect.push(format!("Measured in the rollout on {metric}: {}.", told(latest)));
    }
    if let Some(experiment) = &it.file.experiment {
        let judged = &experiment.judged;
        if let Some((change, interval)) = headline(judged.kind, &judged.absolute, &judged.lift) {
            effect.push(format!("Measured in experiment {}: {change} ({interval}).", case.experiment));
        }
    }
    if let Some(share) = it.file.delivery.as_ref().and_then(|delivery| delivery.realised_share) {
        let share = number::percent(share);
        effect.push(format!("That is {share} of what the experiment promised, corrected for its selection."));
    }
    effect
}

fn told(measured: &Measured) -> String {
    let judged = &measured.judged;
    let sure = number::percent(judged.confidence);
    let effect = match headline(judged.kind, &judged.absolute, &judged.lift) {
        Some((change, interval)) => format!("{change} ({sure} interval {interval})"),
        None => "no effect that can be told as a number".to_owned(),
    };
    match &measured.self_reported {
        Some(source) => format!("{effect}; self-reported: {source}"),
        None => effect,
    }
}

fn changes(it: Printed<'_>) -> Vec<String> {
    let visible = |kind: DeviationKind| kind != DeviationKind::Parity;
    let ledger = &it.file.case.ledger;
    ledger.deviations.iter().filter(|one| visible(one.kind)).map(|one| one.description.clone()).collect()
}

fn known(it: Printed<'_>) -> Vec<String> {
    let bugs = it.file.case.open_bugs().map(|(id, bug)| {
        let about = bug.description.as_deref().unwrap_or("no description");
        format!("{id}: {about} (reported on {}; {})", bug.on, answers(bug.accountable))
    });
    bugs.collect()
}

fn contact(it: Printed<'_>) -> Vec<String> {
    let case = &it.file.case;
    let mut contact = Vec::new();
    if let Some(accountable) = it.file.accountable {
        contact.push(format!("As of this note, {} for bugs.", answers(accountable)));
    }
    if let Some(ends) = case.warranty_ends() {
        contact.push(format!("The warranty runs through {ends}; after it the product owners answer."));
    }
    contact.push(format!("Carried by {}.", it.file.team(&case.team)));
    contact
}
