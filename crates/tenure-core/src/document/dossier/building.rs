//! What product teams and codebase owners said, and what was changed on the way.

use super::capital;
use crate::codebase::{Item, ItemResult};
use crate::deviation::DeviationKind;
use crate::document::Printed;
use crate::document::page::{Block, Meter, Section, Table, Tone, Value};
use crate::sign_off::SignOffStatus;
use tenure_stats::number;

/// Consultations and buy-in, by product team.
pub(super) fn sign_offs(it: Printed<'_>) -> Section {
    let mut section = Section::new("sign-offs", "Consultations and sign-offs");
    let case = &it.file.case;
    let mut table =
        Table::new("Consultations", ["Product team~", "Asked~", "Answered~", "Codebases~", "Advice"]);
    for (team, consultation) in &case.consultations {
        let answered = match &consultation.answered {
            Some(stamp) => Value::from(it.stamp(stamp)),
            None => Value::watch(format!("not yet, promised by {}", consultation.due)),
        };
        let codebases: Vec<String> = consultation.codebases.iter().map(ToString::to_string).collect();
        table.row([
            it.file.team(team).into(),
            it.stamp(&consultation.asked).into(),
            answered,
            codebases.join(", ").into(),
            consultation.advice.clone().unwrap_or_default().into(),
        ]);
    }
    section.table(table, "No product team was consulted yet.");
    let mut table = Table::new(
        "Sign-offs",
        ["Product team~", "Status~", "Answered by~", "On ledger version#", "Said with it"],
    );
    let mut conditions = Vec::new();
    let mut questions = Vec::new();
    for shown in &it.file.sign_offs {
        let sign_off = case.sign_offs.get(&shown.team);
        let answered = sign_off.and_then(|sign_off| sign_off.answered.as_ref());
        let mut by = answered.map(|answered| it.stamp(&answered.stamp)).unwrap_or_default();
        if let Some(guest) = answered.and_then(|answered| answered.by_invitation.as_ref()) {
            by = format!("{} by invitation, {by}", guest.person);
        }
        if shown.self_approved {
            by.push_str(" (self-approved)");
        }
        let team = it.file.team(&shown.team);
        for condition in answered.iter().flat_map(|answered| &answered.conditions) {
            let state = match &condition.satisfied {
                Some(stamp) => format!("satisfied: {}", it.stamp(stamp)),
                None => "open".to_owned(),
            };
            conditions.push(format!("{team}: {} ({state})", condition.text));
        }
        for question in sign_off.iter().flat_map(|sign_off| &sign_off.questions) {
            let reply = question.reply.as_ref().map_or("not answered yet", |reply| reply.reply.as_str());
            questions.push(format!("{team} asked: {} – {reply}", question.question));
        }
        table.row([
            team.into(),
            status(shown.status),
            by.into(),
            answered.map(|answered| answered.ledger_version.to_string()).unwrap_or_default().into(),
            answered.and_then(|answered| answered.comment.clone()).unwrap_or_default().into(),
        ]);
    }
    section.table(table, "Nobody was asked for buy-in yet.");
    for shown in &it.file.sign_offs {
        if let Some(diff) = shown.changed_since.as_ref().filter(|diff| !diff.is_empty()) {
            section.heading(format!("Changed since the sign-off of {}", it.file.team(&shown.team)));
            section.list(diff.lines());
        }
    }
    if !conditions.is_empty() {
        section.heading("Conditions");
        section.list(conditions);
    }
    if !questions.is_empty() {
        section.heading("Questions");
        section.list(questions);
    }
    section
}

fn status(status: SignOffStatus) -> Value {
    let words = capital(&status.name().replace('_', " "));
    match status {
        SignOffStatus::Approved => Value::good(words),
        SignOffStatus::NotRequested | SignOffStatus::Requested => Value::from(words),
        SignOffStatus::Stale | SignOffStatus::ChangesRequested => Value::watch(words),
        SignOffStatus::Refused => Value::bad(words),
    }
}

/// The ledger, weighed, and the ideas that were too big for it.
pub(super) fn deviations(it: Printed<'_>) -> Section {
    let mut section = Section::new("deviations", "Deviations and follow-ups");
    let case = &it.file.case;
    let fidelity = &it.file.fidelity;
    let used = 1.0 - fidelity.fidelity;
    section.blocks.push(Block::Meter(Meter {
        text: format!(
            "{} of {} spent; ledger version {}",
            fidelity.spent, fidelity.budget, case.ledger.version
        ),
        filled: used,
        tone: if used >= 1.0 { Tone::Watch } else { Tone::Plain },
    }));
    let mut table = Table::new(
        "Deviations from the experiment",
        ["No.#", "What is changed", "Size", "Weight#", "Iteration#", "Logged by~"],
    );
    for deviation in &case.ledger.deviations {
        let kind = match deviation.kind {
            DeviationKind::Parity => "parity",
            DeviationKind::Polish => "polish",
            DeviationKind::Adjustment => "adjustment",
            DeviationKind::Redesign => "redesign",
        };
        table.row([
            deviation.number.to_string().into(),
            deviation.description.clone().into(),
            kind.into(),
            deviation.weight.to_string().into(),
            deviation.iteration.to_string().into(),
            it.stamp(&deviation.stamp).into(),
        ]);
    }
    section.table(table, "The build does not deviate from the experiment, as far as the ledger says.");
    let mut table = Table::new("Follow-ups", ["Follow-up", "What it is about", "Status", "Added by~"]);
    for (id, follow_up) in &case.follow_ups {
        let status = it.file.follow_ups.get(id).map(|status| status.name()).unwrap_or_default();
        table.row([
            id.to_string().into(),
            follow_up.description.clone().unwrap_or_default().into(),
            status.into(),
            it.stamp(&follow_up.added).into(),
        ]);
    }
    section.table(table, "");
    section
}

/// Who builds, and how the owners' checklists went.
pub(super) fn owner_process(it: Printed<'_>) -> Section {
    let mut section = Section::new("owner-process", "Building and the owner process");
    let case = &it.file.case;
    let builders: Vec<String> = case.builders.iter().map(|account| it.file.name(account)).collect();
    let backlog = case.backlog.as_ref().map(|backlog| {
        format!("{} ({})", number::of(backlog.days, "person-day", "person-days"), it.stamp(&backlog.stamp))
    });
    section.facts(vec![
        ("Builders", builders.join(", ").into()),
        ("Backlog", backlog.unwrap_or_default().into()),
    ]);
    if case.checklists.is_empty() {
        section.text("Building has not begun: there is no owner process to follow yet.");
    }
    for (codebase, checklist) in &case.checklists {
        section.heading(codebase.to_string());
        let mut table =
            Table::new("Owner process", ["Item", "Result~", "By~", "Attempts#", "Evidence and reasons"]);
        for item in &checklist.items {
            let last = item.attempts.last();
            table.row([
                item.name.clone().into(),
                last.map_or(Value::watch("open"), |last| result(last.result)),
                last.map(|last| it.stamp(&last.stamp)).unwrap_or_default().into(),
                item.attempts.len().to_string().into(),
                shown(it, item).into(),
            ]);
        }
        section.table(table, "Its owners ask for nothing.");
    }
    section
}

fn result(result: ItemResult) -> Value {
    match result {
        ItemResult::Passed => Value::good("passed"),
        ItemResult::Waived => Value::watch("waived"),
        ItemResult::Failed => Value::bad("failed"),
        ItemResult::Blocked => Value::bad("blocked"),
    }
}

fn shown(it: Printed<'_>, item: &Item) -> String {
    let attached = item.evidence.iter().map(|one| format!("{} ({})", one.evidence, it.stamp(&one.stamp)));
    let given =
        item.attempts.iter().flat_map(|attempt| attempt.evidence.iter().chain(&attempt.reason).cloned());
    attached.chain(given).collect::<Vec<_>>().join("; ")
}
