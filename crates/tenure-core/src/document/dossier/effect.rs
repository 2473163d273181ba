//! What was won, what was delivered, and whether that is the same.

use tenure_stats::comparison::{Absolute, Relative};
use tenure_stats::estimate::{Kind, Scale, lift_of};
use tenure_stats::normal;
use tenure_stats::replication::Corrected;

use super::{difference, lift_words, source};
use crate::document::page::{Section, Table, Value};
use crate::document::plot::{Mark, Plot, Row};
use crate::document::{JournalRow, Printed};
use crate::measurement::{Measured, Verdict};
use tenure_stats::number;

/// The experiment's effect and the rollout's on one axis.
pub(super) fn promise_and_delivery(it: Printed<'_>) -> Section {
    let mut section = Section::new("promise", "Promise and delivery");
    let Some(effects) = Effects::of(it) else {
        section.text("The experiment's effect cannot be told as a number with an interval.");
        return section;
    };
    let mut table = Table::new(
        "Effects with their intervals",
        ["Effect~", "Difference#", "Lift#", "Confidence#", "Source"],
    );
    for shown in &effects.rows {
        table.row([
            shown.row.label.clone().into(),
            shown.difference.clone().into(),
            shown.lift.clone().into(),
            number::percent(shown.confidence).into(),
            shown.source.clone(),
        ]);
    }
    section.blocks.push(crate::document::page::Block::Plot(effects.plot()));
    section.table(table, "");
    if it.file.case.measurements.latest.is_none() {
        section.text("Nothing of it is delivered yet: no rollout has been measured.");
    }
    section
}

/// An effect that is drawn and told.
struct Shown {
    row: Row,
    difference: String,
    lift: String,
    confidence: f64,
    source: Value,
}

/// What an axis of effects shows.
pub(super) struct Axis {
    pub what: &'static str,
    pub unit: &'static str,
    /// What a difference or lift is multiplied by.
    pub times: f64,
}

/// The axis of effects on a scale.
pub(super) const fn axis(scale: Scale, kind: Kind) -> Axis {
    match (scale, kind) {
        (Scale::Relative, _) => Axis { what: "lift", unit: "%", times: 100.0 },
        (Scale::Absolute, Kind::Proportion) => {
            Axis { what: "difference in percentage points", unit: "pp", times: 100.0 }
        }
        (Scale::Absolute, _) => Axis { what: "difference", unit: "", times: 1.0 },
    }
}

struct Effects {
    kind: Kind,
    scale: Scale,
    metric: String,
    rows: Vec<Shown>,
}

impl Effects {
    /// The effects on the scale on which the rollout is compared with the experiment, or on the one they all have.
    fn of(it: Printed<'_>) -> Option<Self> {
        let case = &it.file.case;
        let experiment = it.file.experiment.as_ref()?;
        let measured = shown_measurements(it);
        let corrected = corrected(it);
        let all_have_lifts = experiment.judged.lift.is_some()
            && measured
                .iter()
                .all(|measured| measured.judged.lift.is_some() || measured.judged.absolute.is_none());
        let scale = match &corrected {
            Some((Scale::Absolute, _)) => Scale::Absolute,
            _ if all_have_lifts => Scale::Relative,
            _ => Scale::Absolute,
        };
        let mut effects = Self {
            kind: experiment.judged.kind,
            scale,
            metric: experiment.metric.name.clone(),
            rows: Vec::new(),
        };
        let judged = &experiment.judged;
        effects.add(
            ("Won, as measured".to_owned(), Mark::Promise),
            (&judged.absolute, &judged.lift, judged.confidence),
            Value::from(format!("experiment {}", case.experiment)),
        );
        if let Some((_, corrected)) = corrected.filter(|(on, _)| *on == scale) {
            effects.add_corrected(corrected);
        }
        for measured in measured {
            let mark = match measured.verdict {
                Verdict::Positive => Mark::Good,
                Verdict::Negative => Mark::Bad,
                _ => Mark::Open,
            };
            let label = match (measured.iteration, measured.verdict.is_judged()) {
                (1, true) if case.iteration == 1 => "Delivered".to_owned(),
                (iteration, true) => format!("Delivered, iteration {iteration}"),
                (_, false) => "Latest look".to_owned(),
            };
            let judged = &measured.judged;
            let effect = (&judged.absolute, &judged.lift, judged.confidence);
            effects.add((label, mark), effect, source(measured));
        }
        (!effects.rows.is_empty()).then_some(effects)
    }

    /// Adds an effect that is told in the metric's unit, as a lift, or both.
    fn add(
        &mut self,
        (label, mark): (String, Mark),
        (absolute, lift, confidence): (&Option<Absolute>, &Option<Relative>, f64),
        source: Value,
    ) {
        let drawn = match self.scale {
            Scale::Absolute => absolute.as_ref().map(|it| (it.estimate, it.interval)),
            Scale::Relative => lift.as_ref().map(|it| (it.estimate, it.interval)),
        };
        let Some((estimate, interval)) = drawn else { return };
        let told = |words: Option<(String, String)>| {
            words.map(|(change, bounds)| format!("{change} ({bounds})")).unwrap_or_default()
        };
        let difference = told(absolute.as_ref().map(|it| difference(self.kind, it)));
        let lift = told(lift.as_ref().map(lift_words));
        let times = axis(self.scale, self.kind).times;
        let row = Row {
            label,
            note: if source.text.starts_with("self-reported") { "self-reported" } else { "" }.to_owned(),
            estimate: times * estimate,
            interval: interval.map(|end| times * end),
            says: if self.scale == Scale::Absolute { difference.clone() } else { lift.clone() },
            mark,
        };
        self.rows.push(Shown { row, difference, lift, confidence, source });
    }

    /// Adds what the experiment's effect is once its selection is taken off: it was chosen for being large.
    fn add_corrected(&mut self, it: Corrected) {
        let half = normal::critical(0.05) * it.se;
        let interval = [it.estimate - half, it.estimate + half];
        let (absolute, lift) = match self.scale {
            Scale::Absolute => (Some(Absolute { estimate: it.estimate, se: it.se, interval }), None),
            Scale::Relative => {
                let lift = Relative { estimate: lift_of(it.estimate), interval: interval.map(lift_of) };
                (None, Some(lift))
            }
        };
        let source = Value::from("the same, less what selection added");
        self.add(("Won, corrected".to_owned(), Mark::Corrected), (&absolute, &lift, 0.95), source);
    }

    fn plot(&self) -> Plot {
        let Axis { what, unit, .. } = axis(self.scale, self.kind);
        Plot {
            id: "effects",
            axis: format!("{}: {what}, treatment against control", self.metric),
            unit,
            rows: self.rows.iter().map(|shown| shown.row.clone()).collect(),
        }
    }
}

/// The experiment's effect less its selection, with the scale it is on.
fn corrected(it: Printed<'_>) -> Option<(Scale, Corrected)> {
    let measurements = &it.file.case.measurements;
    let replication = measurements.latest.as_ref().and_then(|latest| latest.replication.as_ref());
    let measured = replication.map(|replication| (replication.scale, replication.corrected));
    measured.or_else(|| measurements.design.as_ref().map(|design| (design.plan.scale, design.corrected)))
}

/// The judged measurement of each iteration, and the latest look when it is not judged.
pub(super) fn shown_measurements(it: Printed<'_>) -> Vec<&Measured> {
    let measurements = &it.file.case.measurements;
    let open = measurements.latest.iter().filter(|latest| !latest.verdict.is_judged());
    measurements.judged.iter().chain(open).collect()
}

/// Entries that say what was done with a measured feature.
const OUTCOMES: [&str; 7] = [
    "keep_acknowledged",
    "feature_kept",
    "iteration_started",
    "removal_started",
    "keep_affirmed",
    "case_removed",
    "case_closed",
];

/// What the measurements mean, and what was done about it.
pub(super) fn verdict(it: Printed<'_>, journal: &[JournalRow]) -> Section {
    let mut section = Section::new("verdict", "Verdict and replication");
    let case = &it.file.case;
    let measured = shown_measurements(it);
    if measured.is_empty() {
        section.text("There is no verdict: nothing was measured.");
    }
    for measured in measured {
        let iteration =
            format!("Iteration {}, measurement {}, {}", measured.iteration, measured.number, measured.on);
        section.heading(match &measured.self_reported {
            Some(source) => format!("{iteration}; self-reported: {source}"),
            None => iteration,
        });
        section.text(format!("{}.", super::capital(&measured.judged.sentence)));
        if let Some(replication) = &measured.replication {
            section
                .text(format!("Is it the experiment's impact? {}.", super::capital(&replication.sentence)));
        }
        if let Some(label) = measured.deviating {
            let label = super::label_value(label).text.to_lowercase();
            section.text(format!("Allowing for the deviations of the build, it would read: {label}."));
        }
        if measured.needs_justification {
            section.notice(
                "A guardrail is significantly worse than no change: keeping it needs a justification.",
            );
        }
    }
    let outcomes = journal.iter().filter(|row| OUTCOMES.contains(&row.what.as_str()));
    let outcomes: Vec<String> = outcomes.map(|row| format!("{}: {}", it.date(row.at), row.text)).collect();
    if !outcomes.is_empty() {
        section.heading("What was done about it");
        section.list(outcomes);
    }
    if let Some(kept) = &case.kept {
        let new_level = super::level(case_kind(it), &kept.level);
        let mut facts = vec![
            ("Kept on", Value::from(kept.on.to_string())),
            ("By", it.file.name(&kept.stamp.by).into()),
            ("Cites", format!("measurement {} of iteration {}", kept.cites, kept.iteration).into()),
            ("New baseline", new_level.into()),
            ("Flag gone by", kept.flag_gone_by.to_string().into()),
        ];
        if kept.recovered {
            facts.push(("Recovered", Value::watch("it was negative in an earlier iteration")));
        }
        if let Some(why) = &kept.justification {
            facts.push(("Justified by", why.why.clone().into()));
            let days = number::of(why.maintenance_days, "day", "days");
            facts.push(("Maintenance", format!("{days} a year, paid by {}", why.who_pays).into()));
            facts.push(("Reviewed on", why.review_on.to_string().into()));
        }
        if let Some(acknowledged) = &kept.acknowledgement {
            facts.push(("Acknowledged by", it.file.name(&acknowledged.by).into()));
        }
        section.facts(facts);
    }
    section
}

fn case_kind(it: Printed<'_>) -> Kind {
    let latest = it.file.case.measurements.latest.as_ref();
    latest.map_or(Kind::Mean, |latest| latest.judged.kind)
}
