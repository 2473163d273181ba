//! The dossier: a case on one page, self-contained, for screen and paper.
//!
//! Every section is there in every stage of a case; one that has nothing to tell yet says so.

use askama::Template;
use jiff::tz::TimeZone;
use tenure_stats::comparison::{Absolute, Relative};
use tenure_stats::estimate::{Kind, Level, Scale};
use tenure_stats::replication::Label;
use tenure_stats::sentence;

use super::page::{Block, Column, Section, Tone, Value};
use super::{CaseFile, JournalRow, Printed};
use crate::case::Stage;
use crate::measurement::{Measured, Verdict, verdict_name};
use crate::time::days_between;
use tenure_stats::number;

mod building;
mod effect;
mod keeping;
mod looks;
mod preparation;
mod rollout;

/// The dossier as one self-contained HTML page: no script, nothing loaded, light and dark, A4 on paper.
pub fn html(file: &CaseFile, journal: &[JournalRow], zone: &TimeZone) -> String {
    print(&Html { page: &Page::of(Printed { file, zone }, journal) })
}

/// The dossier as one Markdown file.
pub fn markdown(file: &CaseFile, journal: &[JournalRow], zone: &TimeZone) -> String {
    print(&Markdown { page: &Page::of(Printed { file, zone }, journal) })
}

/// A template's text.
pub(super) fn print(template: &impl Template) -> String {
    #[expect(
        clippy::expect_used,
        reason = "writing to a string does not fail, and nothing printed here does"
    )]
    template.render().expect("a document is text")
}

#[derive(Template)]
#[template(path = "dossier.html")]
struct Html<'a> {
    page: &'a Page,
}

#[derive(Template)]
#[template(path = "dossier.md")]
struct Markdown<'a> {
    page: &'a Page,
}

/// A dossier, ready to be laid out.
struct Page {
    title: String,
    /// Case, team and when it was opened.
    under: String,
    badges: Vec<Value>,
    rail: Vec<(&'static str, Passed)>,
    figures: Vec<Figure>,
    next: Vec<String>,
    /// What it waits for when nobody is waited on.
    rests: String,
    warnings: Vec<String>,
    sections: Vec<Section>,
    journal: Vec<Line>,
    foot: String,
}

/// Whether a stage of the rail is behind, here or ahead.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Passed {
    Behind,
    Here,
    Ahead,
}

impl Passed {
    const fn class(self) -> &'static str {
        match self {
            Self::Behind => "behind",
            Self::Here => "here",
            Self::Ahead => "ahead",
        }
    }
}

/// A figure at the head of the page.
struct Figure {
    name: &'static str,
    value: Value,
    under: String,
}

/// A line of the journal.
struct Line {
    seq: u64,
    at: String,
    text: String,
}

impl Page {
    fn of(it: Printed<'_>, journal: &[JournalRow]) -> Self {
        let Printed { file, .. } = it;
        let case = &file.case;
        let team = file.team(&case.team);
        Self {
            title: file.title().to_owned(),
            under: format!(
                "Case {} of {team}, opened {} by {}",
                case.id,
                it.date(case.opened.at),
                file.name(&case.opened.by)
            ),
            badges: badges(file),
            rail: rail(case.stage),
            figures: figures(it),
            next: file.waits.clone(),
            rests: match &file.until {
                Some(until) => format!("Nobody is waited on: {until}."),
                None => "Nothing waits on anybody.".to_owned(),
            },
            warnings: case.warnings.clone(),
            sections: vec![
                effect::promise_and_delivery(it),
                effect::verdict(it, journal),
                preparation::decisions(it),
                preparation::experiment(it),
                preparation::cost_and_benefit(it),
                building::sign_offs(it),
                building::deviations(it),
                building::owner_process(it),
                rollout::rollout(it),
                rollout::measurements(it),
                keeping::warranty(it),
                keeping::lineage(it),
            ],
            journal: journal
                .iter()
                .map(|row| Line { seq: row.seq, at: it.minute(row.at), text: row.text.clone() })
                .collect(),
            foot: format!(
                "As of {}, entry {} of the journal. Times in {}. Money in the company's own currency.",
                it.minute(file.at),
                journal.last().map_or(0, |row| row.seq),
                it.zone_name()
            ),
        }
    }
}

const MAIN_WAY: [Stage; 8] = [
    Stage::Preparation,
    Stage::BuyIn,
    Stage::Building,
    Stage::Ready,
    Stage::RollingOut,
    Stage::Outcome,
    Stage::Productionised,
    Stage::Closed,
];

/// The main way through the process; a case that has left it stands at its end alone.
fn rail(stage: Stage) -> Vec<(&'static str, Passed)> {
    let Some(here) = MAIN_WAY.iter().position(|at| *at == stage) else {
        let ahead = MAIN_WAY.iter().map(|stage| (stage.words(), Passed::Ahead));
        return ahead.chain([(stage.words(), Passed::Here)]).collect();
    };
    let passed = |at: usize| match at.cmp(&here) {
        std::cmp::Ordering::Less => Passed::Behind,
        std::cmp::Ordering::Equal => Passed::Here,
        std::cmp::Ordering::Greater => Passed::Ahead,
    };
    MAIN_WAY.iter().enumerate().map(|(at, stage)| (stage.words(), passed(at))).collect()
}

fn badges(file: &CaseFile) -> Vec<Value> {
    let case = &file.case;
    let mut badges = vec![Value::from(capital(case.stage.words()))];
    if case.iteration > 1 {
        badges.push(format!("Iteration {}", case.iteration).into());
    }
    if let Some(delivery) = &file.delivery {
        badges.push(verdict_value(delivery.verdict));
        badges.extend(delivery.replication.map(label_value));
        if delivery.self_reported.is_some() {
            badges.push(Value::watch("Self-reported"));
        }
    }
    if case.hold.is_some() {
        badges.push(Value::bad("Exposure held at 0"));
    }
    if case.kept.as_ref().is_some_and(|kept| kept.recovered) {
        badges.push(Value::watch("Recovered"));
    }
    if file.sign_offs.iter().any(|sign_off| sign_off.self_approved) {
        badges.push(Value::watch("Self-approved"));
    }
    badges
}

fn figures(it: Printed<'_>) -> Vec<Figure> {
    let Printed { file, .. } = it;
    let case = &file.case;
    let nothing = || Value::from("–");
    let effect = |absolute: &Option<Absolute>, lift: &Option<Relative>, kind, sure: f64| {
        let words = headline(kind, absolute, lift)?;
        Some((words.0, format!("{} interval {}", number::percent(sure), words.1)))
    };
    let promise = file.promise.as_ref().zip(file.experiment.as_ref()).and_then(|(promise, experiment)| {
        effect(&promise.absolute, &promise.lift, experiment.judged.kind, experiment.judged.confidence)
    });
    let latest = case.measurements.latest.as_ref();
    let delivery = latest.and_then(|latest| {
        let judged = &latest.judged;
        let (value, mut under) = effect(&judged.absolute, &judged.lift, judged.kind, judged.confidence)?;
        if latest.self_reported.is_some() {
            under.push_str(", self-reported");
        }
        Some((Value { text: value, tone: verdict_tone(latest.verdict) }, under))
    });
    let share = file.delivery.as_ref().and_then(|delivery| delivery.realised_share);
    let months = |months: Option<f64>| months.map(|months| number::of(months, "month", "months"));
    let promised = months(file.promise.as_ref().and_then(|promise| promise.payback_months));
    let realised = months(file.delivery.as_ref().and_then(|delivery| delivery.payback_months));
    let (payback, payback_under) = match (promised, realised, &case.cost_benefit) {
        (Some(promised), Some(realised), _) => (realised.into(), format!("promised {promised}")),
        (Some(promised), None, _) if share.is_some() => (Value::bad("never"), format!("promised {promised}")),
        (Some(promised), None, _) => (promised.into(), "as promised; nothing is delivered yet".to_owned()),
        (None, _, Some(_)) => (Value::bad("never"), "maintenance costs more than it brings".to_owned()),
        (None, _, None) => (nothing(), "cost and benefit are not weighed".to_owned()),
    };
    let fidelity = &file.fidelity;
    let since = |to| days_between(it.zone.to_datetime(case.opened.at).date(), to);
    let days = match &case.kept {
        Some(kept) => (since(kept.on), "from opening to the keep decision"),
        None => (since(file.today), "since the case was opened"),
    };
    let (promise, promise_under) =
        promise.map_or((nothing(), "no effect is known".to_owned()), |(value, under)| (value.into(), under));
    let (delivery, delivery_under) = delivery.unwrap_or((nothing(), "not measured yet".to_owned()));
    vec![
        Figure { name: "Won", value: promise, under: promise_under },
        Figure { name: "Delivered", value: delivery, under: delivery_under },
        Figure {
            name: "Realised share",
            value: share.map_or_else(nothing, |share| number::percent(share).into()),
            under: "of the effect corrected for its selection".to_owned(),
        },
        Figure { name: "Payback", value: payback, under: payback_under },
        Figure {
            name: "Deviation",
            value: format!("{} of {}", fidelity.spent, fidelity.budget).into(),
            under: "of the budget is spent".to_owned(),
        },
        Figure {
            name: "Days",
            value: number::count(u64::try_from(days.0).unwrap_or(0)).into(),
            under: days.1.to_owned(),
        },
    ]
}

/// Effect and interval in words: in the metric's unit, else as a lift.
pub(super) fn headline(
    kind: Kind,
    absolute: &Option<Absolute>,
    lift: &Option<Relative>,
) -> Option<(String, String)> {
    absolute.as_ref().map(|it| difference(kind, it)).or_else(|| lift.as_ref().map(lift_words))
}

fn difference(kind: Kind, it: &Absolute) -> (String, String) {
    sentence::change_and_interval(kind, Scale::Absolute, it.estimate, it.interval)
}

fn lift_words(it: &Relative) -> (String, String) {
    let interval = it.interval.map(f64::ln_1p);
    sentence::change_and_interval(Kind::Mean, Scale::Relative, it.estimate.ln_1p(), interval)
}

/// A level with its unit: `11.90 %`, `23.4`.
fn level(kind: Kind, level: &Level) -> String {
    match kind {
        Kind::Proportion => format!("{:.2} %", 100.0 * level.value),
        _ => number::decimal(level.value, if level.value.abs() < 1.0 { 5 } else { 2 }),
    }
}

/// Who measured: Tenure, or somebody else, which is said wherever a measurement is named.
fn source(measured: &Measured) -> Value {
    match &measured.self_reported {
        Some(source) => Value::watch(format!("self-reported: {source}")),
        None => Value::from("Tenure"),
    }
}

const fn verdict_tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Positive => Tone::Good,
        Verdict::NotSignificant | Verdict::Invalid => Tone::Watch,
        Verdict::Negative => Tone::Bad,
        Verdict::Immature => Tone::Plain,
    }
}

fn verdict_value(verdict: Verdict) -> Value {
    Value { text: capital(&verdict_name(verdict).replace('_', " ")), tone: verdict_tone(verdict) }
}

fn label_value(label: Label) -> Value {
    match label {
        Label::Confirmed => Value::good("Confirmed"),
        Label::Exceeded => Value::good("Exceeded"),
        Label::Compatible => Value::from("Compatible"),
        Label::Undecided => Value::from("Undecided"),
        Label::Diminished => Value::watch("Diminished"),
        Label::Lost => Value::bad("Lost"),
        Label::Contradicted => Value::bad("Contradicted"),
    }
}

/// With a capital letter at its beginning.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}
