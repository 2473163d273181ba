//! How the flag was raised, and what was measured.

use tenure_stats::guardrail::State as GuardrailState;

use super::effect::shown_measurements;
use super::looks::confidence_sequence;
use super::{headline, level, source, verdict_value};
use crate::document::Printed;
use crate::document::page::{Section, Table, Value};
use crate::rollout::{Plan, WaveKind};
use tenure_stats::number;

/// The flag, the plan, and the log of who met what.
pub(super) fn rollout(it: Printed<'_>) -> Section {
    let mut section = Section::new("rollout", "Rollout");
    let case = &it.file.case;
    if let Some(flag) = &case.flag {
        section.facts(vec![
            ("Flag", format!("{} in {}", flag.key, flag.environment).into()),
            ("Treatment gets", flag.treatment.to_string().into()),
            ("Everybody else gets", flag.control.to_string().into()),
            ("Created by", it.stamp(&flag.stamp).into()),
        ]);
    } else {
        section.text("The change is not wrapped in a flag yet.");
    }
    if let Some(hold) = &case.hold {
        section.notice(format!(
            "Exposure is held at 0 since {}: {}.",
            it.minute(hold.since.at),
            hold.cause.sentence()
        ));
    }
    if !it.file.collides_with.is_empty() {
        let others: Vec<String> = it.file.collides_with.iter().map(ToString::to_string).collect();
        section.notice(format!(
            "Rolled out on the same product surface at the same time: {}.",
            others.join(", ")
        ));
    }
    match &case.plan {
        Some(plan) => planned(&mut section, plan),
        None => section.text("The rollout is not planned yet."),
    }
    let mut table = Table::new(
        "Allocation log",
        ["From~", "Epoch#", "Iteration#", "Wave#", "Meet the feature#", "Control cohort#", "Admitted#"],
    );
    let percent = |share: f64| Value::from(format!("{} %", number::decimal(share, 2)));
    for allocation in &case.allocations {
        let control = if allocation.wave.is_some() {
            percent(allocation.admitted_percent - allocation.exposure_percent)
        } else {
            "none".into()
        };
        table.row([
            it.minute(allocation.at).into(),
            allocation.epoch.to_string().into(),
            allocation.iteration.to_string().into(),
            allocation.wave.map(|wave| (wave + 1).to_string()).unwrap_or_default().into(),
            percent(allocation.exposure_percent),
            control,
            percent(allocation.admitted_percent),
        ]);
    }
    section.table(table, "No customer has met the feature.");
    section
}

fn planned(section: &mut Section, plan: &Plan) {
    let share = number::percent(plan.treatment_share);
    let mut facts = vec![
        ("Unit", Value::from(plan.unit.clone())),
        ("Treatment share", format!("{share} of the units admitted").into()),
        ("Duration", format!("{} to {} days", plan.min_days, plan.max_days).into()),
        ("Raised by", if plan.automatic { "Tenure, by itself" } else { "hand" }.into()),
        ("Metric", plan.metric.as_ref().map(ToString::to_string).unwrap_or_default().into()),
        ("Mapped from the experiment by", plan.mapping.clone().unwrap_or_default().into()),
    ];
    if let Some(hours) = plan.window_hours {
        facts.push((
            "Outcomes count for",
            format!("{} after the first exposure", number::of(hours.into(), "hour", "hours")).into(),
        ));
    }
    if let Some(n) = plan.planned_n {
        facts.push(("Planned units an arm", number::count(n).into()));
    }
    section.facts(facts);
    let mut table = Table::new("Waves", ["Wave#", "Meet the feature#", "For", "Lasts at least"]);
    for (at, wave) in plan.waves.iter().enumerate() {
        let kind = match wave.kind {
            WaveKind::Safety => "safety: looks for harm, has no verdict",
            WaveKind::Measure => "measuring",
        };
        let hours = wave.min_hours.map(|hours| number::of(hours.into(), "hour", "hours"));
        let units = wave.min_units.map(|units| format!("{} units an arm", number::count(units)));
        table.row([
            (at + 1).to_string().into(),
            format!("{} %", number::decimal(wave.percent, 2)).into(),
            kind.into(),
            hours.into_iter().chain(units).collect::<Vec<_>>().join(" and ").into(),
        ]);
    }
    section.table(table, "");
    let mut table = Table::new("Guardrails", ["Metric", "Margin#"]);
    for guardrail in &plan.guardrails {
        table.row([guardrail.metric.to_string().into(), number::percent(guardrail.margin).into()]);
    }
    section.table(table, "");
}

/// What was measured, by whom, and what else is to be known of it.
pub(super) fn measurements(it: Printed<'_>) -> Section {
    let mut section = Section::new("measurements", "Measurements");
    let mut table = Table::new(
        "Measurements",
        ["No.#", "Date", "Source", "Control", "Treatment", "Effect and interval", "Verdict"],
    );
    let measured = shown_measurements(it);
    for measured in &measured {
        let judged = &measured.judged;
        let arm = |at: &crate::measurement::Level| {
            Value::from(format!("{} of {} units", level(judged.kind, at), number::count(at.n)))
        };
        let effect = headline(judged.kind, &judged.absolute, &judged.lift)
            .map(|(change, bounds)| format!("{change} ({bounds})"))
            .unwrap_or_default();
        table.row([
            measured.number.to_string().into(),
            format!("{}, iteration {}", measured.on, measured.iteration).into(),
            source(measured),
            arm(&measured.control),
            arm(&measured.treatment),
            effect.into(),
            verdict_value(measured.verdict),
        ]);
    }
    section.table(table, "Nothing was measured yet.");
    for measured in measured {
        let of = format!("Measurement {}", measured.number);
        if let Some(drift) = &measured.drift {
            let kind = measured.judged.kind;
            let at = |value| level(kind, &crate::measurement::Level { value, ..measured.control });
            let moved = if drift.p_value < 0.05 {
                "The baseline moved"
            } else {
                "The baseline did not move noticeably"
            };
            section.text(format!(
                "{of}. {moved}: the control was at {} in the experiment and at {} in the rollout (p = {}).",
                at(drift.experiment),
                at(drift.rollout),
                number::decimal(drift.p_value, 4)
            ));
        }
        if measured.drift_reported {
            section.notice(format!(
                "{of}: whoever measured says that the context changed since the experiment."
            ));
        }
        let mut notes = measured.judged.warnings.clone();
        if measured.units_in_two_arms > 0 {
            notes.push(format!(
                "{} units were seen in both arms and count in neither",
                number::count(measured.units_in_two_arms)
            ));
        }
        if measured.provisional_units > 0 {
            notes.push(format!(
                "{} units are not matured and do not count yet",
                number::count(measured.provisional_units)
            ));
        }
        if let Some(ratio) = &measured.judged.sample_ratio {
            notes.push(format!("sample ratio: p = {}", number::decimal(ratio.p_chi2, 4)));
        }
        section.list(notes.into_iter().map(|note| format!("{of}: {note}")).collect());
        section.table(guardrails(measured), "");
    }
    confidence_sequence(it, &mut section);
    section
}

fn guardrails(measured: &crate::measurement::Measured) -> Table {
    let mut table = Table::new(
        "Guardrails at this measurement",
        ["Guardrail", "State", "Change#", "Bound on the bad side#"],
    );
    for look in &measured.guardrails {
        let Some(judged) = &look.judged else {
            let why = look.cannot_say.map(|why| why.to_string()).unwrap_or_default();
            table.row([look.metric.to_string().into(), "says nothing yet".into(), why.into(), "".into()]);
            continue;
        };
        let state = match judged.state {
            GuardrailState::Safe => Value::good("safe"),
            GuardrailState::Harmed => Value::bad("worse than its margin"),
            GuardrailState::Worse => Value::watch("worse, within its margin"),
            GuardrailState::Open => Value::from("open"),
        };
        let words =
            |value| tenure_stats::sentence::change(tenure_stats::estimate::Kind::Mean, look.scale, value);
        table.row([
            look.metric.to_string().into(),
            state,
            words(judged.estimate).into(),
            words(judged.bound).into(),
        ]);
    }
    table
}
