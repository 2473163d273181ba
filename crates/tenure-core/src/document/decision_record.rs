//! The decision record of a case: what was decided, in which situation, and what follows from it.
//!
//! One page of Markdown in the form that architecture decisions are kept in, to be put beside the code it is about.

use askama::Template;
use jiff::tz::TimeZone;
use tenure_stats::comparison::Absolute;
use tenure_stats::verdict::Judged;

use super::dossier::{headline, print};
use super::{CaseFile, Printed};
use crate::case::Stage;
use crate::decision::{Decision, OpenProposal};
use crate::measurement::{Measured, verdict_name};
use crate::narration::{answers, course};
use tenure_stats::number;

/// The decision record in Markdown.
pub fn markdown(file: &CaseFile, zone: &TimeZone) -> String {
    print(&DecisionRecord::of(Printed { file, zone }))
}

#[derive(Template)]
#[template(path = "decision_record.md")]
struct DecisionRecord<'a> {
    case: String,
    title: &'a str,
    status: &'static str,
    date: String,
    deciders: Vec<String>,
    context: Vec<String>,
    decision: Vec<String>,
    considered: Vec<String>,
    consequences: Vec<String>,
    outcome: Vec<String>,
    foot: String,
}

impl<'a> DecisionRecord<'a> {
    fn of(it: Printed<'a>) -> Self {
        let case = &it.file.case;
        let (standing, before) = match case.decisions.split_last() {
            Some((last, before)) => (Some(last), before),
            None => (None, &[][..]),
        };
        let at = standing.map_or(case.opened.at, |decision| decision.taken.at);
        Self {
            case: case.id.to_string(),
            title: it.file.title(),
            status: status(case.stage, standing.is_some()),
            date: it.date(at),
            deciders: standing.map(|decision| deciders(it, &decision.open)).unwrap_or_default(),
            context: context(it),
            decision: decision(it, standing),
            considered: considered(it, before),
            consequences: consequences(it),
            outcome: outcome(it),
            foot: format!("As of {}, {}.", it.minute(it.file.at), it.zone_name()),
        }
    }
}

const fn status(stage: Stage, decided: bool) -> &'static str {
    match stage {
        Stage::Preparation if decided => "to be decided again",
        Stage::Preparation => "proposed",
        Stage::Parked => "parked",
        Stage::Rerunning => "deferred: the experiment runs again",
        Stage::BuyIn | Stage::Building | Stage::Ready | Stage::RollingOut | Stage::Outcome => "accepted",
        Stage::Productionised | Stage::Closed => "accepted and productionised",
        Stage::Removing | Stage::Removed => "reversed: the feature is removed",
        Stage::Retired => "rejected",
    }
}

fn deciders(it: Printed<'_>, open: &OpenProposal) -> Vec<String> {
    open.confirmed.iter().map(|(role, account)| format!("{} ({role})", it.file.name(account))).collect()
}

fn effect(judged: &Judged) -> Option<String> {
    let absolute: &Option<Absolute> = &judged.absolute;
    let (change, interval) = headline(judged.kind, absolute, &judged.lift)?;
    Some(format!("{change} ({} interval {interval})", number::percent(judged.confidence)))
}

fn context(it: Printed<'_>) -> Vec<String> {
    let case = &it.file.case;
    let mut context = Vec::new();
    if let Some(experiment) = &it.file.experiment {
        if let Some(hypothesis) = &experiment.hypothesis {
            let part = |text: &str| text.trim().trim_end_matches('.').to_owned();
            context.push(format!(
                "We believed {}, which would result in {}, because {}.",
                part(&hypothesis.we_believe),
                part(&hypothesis.will_result_in),
                part(&hypothesis.because)
            ));
        }
        let effect = effect(&experiment.judged).map_or("an effect without a number".to_owned(), |it| it);
        context.push(format!(
            "Experiment {} of {} ended on {}. It measured {effect} on {}.",
            case.experiment,
            it.file.team(&experiment.team),
            experiment.ended,
            experiment.metric.name
        ));
    }
    for (team, consultation) in &case.consultations {
        let team = it.file.team(team);
        let codebases: Vec<String> = consultation.codebases.iter().map(ToString::to_string).collect();
        context.push(match (&consultation.answered, &consultation.advice) {
            (None, _) => format!("{team} was consulted and has not answered."),
            (Some(_), None) => format!("{team} was consulted: it touches {}.", codebases.join(", ")),
            (Some(_), Some(advice)) => {
                format!("{team} was consulted: it touches {}. Advice: {advice}", codebases.join(", "))
            }
        });
    }
    let expected: f64 = case.estimates.values().map(|estimate| estimate.expected_days()).sum();
    if !case.estimates.is_empty() {
        let low: f64 = case.estimates.values().map(|estimate| estimate.days[0]).sum();
        let high: f64 = case.estimates.values().map(|estimate| estimate.days[2]).sum();
        context.push(format!(
            "Building is estimated at {} (between {} and {}).",
            number::of(expected, "person-day", "person-days"),
            number::decimal(low, 1),
            number::decimal(high, 1)
        ));
    }
    if let Some(weighing) = &case.cost_benefit {
        let payback = match weighing.payback_months(1.0) {
            Some(months) => format!("it pays back in {}", number::of(months, "month", "months")),
            None => "it never pays back".to_owned(),
        };
        context.push(format!(
            "Expected benefit {} a year, for {} once and {} a year: {payback}.",
            number::money(weighing.benefit_per_year),
            number::money(weighing.one_off_cost),
            number::money(weighing.maintenance_per_year)
        ));
    }
    context.extend(case.warnings.iter().map(|warning| format!("To be watched: {warning}.")));
    context
}

fn decision(it: Printed<'_>, standing: Option<&Decision>) -> Vec<String> {
    let Some(decision) = standing else {
        return match &it.file.case.proposal {
            Some(open) => {
                let proposal = &open.proposal;
                vec![format!("Proposed, not confirmed: we {}. {}", course(proposal.kind), proposal.reason)]
            }
            None => vec!["Nothing is decided yet.".to_owned()],
        };
    };
    let proposal = &decision.open.proposal;
    let mut said = vec![format!("We {}. Why: {}", course(proposal.kind), proposal.reason)];
    if !proposal.unblock.is_empty() {
        let tags: Vec<&str> = proposal.unblock.iter().map(String::as_str).collect();
        said.push(format!(
            "It comes back when a platform change lands that is tagged {}.",
            tags.join(" or ")
        ));
    }
    if let Some(date) = proposal.review_on {
        said.push(format!("It is looked at again on {date}."));
    }
    if !proposal.goals.is_empty() {
        said.push(format!("The re-run varies: {}", proposal.goals.join("; ")));
    }
    said
}

fn considered(it: Printed<'_>, before: &[Decision]) -> Vec<String> {
    let earlier = before.iter().map(|decision| {
        let proposal = &decision.open.proposal;
        format!("{}: {}. Why: {}", it.date(decision.taken.at), course(proposal.kind), proposal.reason)
    });
    earlier.collect()
}

fn consequences(it: Printed<'_>) -> Vec<String> {
    let case = &it.file.case;
    let mut follows = Vec::new();
    let teams: Vec<String> = case.teams().iter().map(|team| it.file.team(team)).collect();
    if !teams.is_empty() {
        follows.push(format!("Customers meet it only with the current sign-off of {}.", teams.join(" and ")));
    }
    let codebases: Vec<String> = case.codebases().iter().map(ToString::to_string).collect();
    if !codebases.is_empty() {
        follows.push(format!("It is built by the owner process of {}.", codebases.join(" and ")));
    }
    let fidelity = &it.file.fidelity;
    follows.push(format!(
        "The build may deviate from the experiment by {} in all; {} is spent.",
        fidelity.budget, fidelity.spent
    ));
    if let Some(warranty) = &case.warranty {
        let months = number::of(warranty.months.into(), "month", "months");
        follows.push(match warranty.ends {
            Some(ends) => format!(
                "The building team is accountable for bugs through {ends}, the product owners after it."
            ),
            None => format!("The building team is accountable for bugs for {months} from the keep decision."),
        });
    }
    if let Some(accountable) = it.file.accountable {
        follows.push(format!("As of this record, {} for bugs.", answers(accountable)));
    }
    for (id, status) in &it.file.follow_ups {
        follows.push(format!("Follow-up {id} is {}.", status.name()));
    }
    follows
}

fn outcome(it: Printed<'_>) -> Vec<String> {
    let case = &it.file.case;
    let mut outcome: Vec<String> = case.measurements.judged.iter().map(measured_words).collect();
    if let Some(kept) = &case.kept {
        outcome.push(format!("Kept on {} by {}.", kept.on, it.file.name(&kept.stamp.by)));
        if let Some(why) = &kept.justification {
            outcome.push(format!("Justified, to be reviewed on {}: {}", why.review_on, why.why));
        }
    }
    outcome
}

fn measured_words(measured: &Measured) -> String {
    let effect = effect(&measured.judged).unwrap_or_default();
    let source = match &measured.self_reported {
        Some(source) => format!("self-reported: {source}"),
        None => "measured by Tenure".to_owned(),
    };
    let replication = measured
        .replication
        .as_ref()
        .map_or(String::new(), |replication| format!(" Against the experiment: {}.", replication.sentence));
    let verdict = verdict_name(measured.verdict).replace('_', " ");
    format!("Iteration {}, {}, {source}: {verdict}, {effect}.{replication}", measured.iteration, measured.on)
}
