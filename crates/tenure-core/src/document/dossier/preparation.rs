//! What was decided and why, what it rests on, and what it costs.

use tenure_stats::estimate::Kind;
use tenure_stats::sentence;

use super::{capital, headline, level};
use crate::cost_benefit::CostBenefit;
use crate::decision::{DecisionKind, OpenProposal};
use crate::document::Printed;
use crate::document::page::{Section, Table, Value};
use crate::experiment::Experiment;
use crate::metric::Direction;
use crate::narration::course;
use crate::weighing::Figure;
use tenure_stats::number;

/// Every decision about the case as a whole, with its reason.
pub(super) fn decisions(it: Printed<'_>) -> Section {
    let mut section = Section::new("decisions", "Decisions");
    let case = &it.file.case;
    for decision in &case.decisions {
        let proposal = &decision.open.proposal;
        section.heading(format!("{} on {}", capital(course(proposal.kind)), it.date(decision.taken.at)));
        let mut facts = proposed(it, &decision.open);
        facts.push(("Moved the case to", decision.moved_to.words().into()));
        section.facts(facts);
    }
    if let Some(open) = &case.proposal {
        section.heading(format!("Proposed: {}", course(open.proposal.kind)));
        section.facts(proposed(it, open));
    }
    if case.decisions.is_empty() && case.proposal.is_none() {
        section.text("Nothing was decided yet: proceed, park or re-run.");
    }
    if let Some(parked) = &case.parked {
        section.heading("Parked");
        let review = parked.review_on.map(|date| date.to_string()).unwrap_or_default();
        section.facts(vec![
            ("Why", parked.reason.clone().into()),
            ("Since", it.stamp(&parked.since).into()),
            ("Comes back with", listed(&parked.unblock).into()),
            ("Looked at again on", review.into()),
            (
                "Suggested by",
                case.suggestions
                    .iter()
                    .map(|change| change_words(it, change))
                    .collect::<Vec<_>>()
                    .join("; ")
                    .into(),
            ),
        ]);
    }
    section
}

fn change_words(it: Printed<'_>, change: &crate::id::PlatformChangeId) -> String {
    let about = it.file.platform_changes.get(change).and_then(|change| change.description.as_deref());
    about.map_or_else(|| change.to_string(), |about| format!("{change} ({about})"))
}

fn proposed<'a>(it: Printed<'_>, open: &OpenProposal) -> Vec<(&'a str, Value)> {
    let proposal = &open.proposal;
    let confirmed =
        open.confirmed.iter().map(|(role, account)| format!("{} as {role}", it.file.name(account)));
    let cites =
        proposal.cost_benefit.map(|version| format!("cost/benefit version {version}")).unwrap_or_default();
    let kind = if proposal.kind == DecisionKind::Withdraw && proposal.for_good { "for good" } else { "" };
    vec![
        ("Why", proposal.reason.clone().into()),
        ("Proposed by", it.stamp(&open.proposed).into()),
        ("Confirmed by", confirmed.collect::<Vec<_>>().join("; ").into()),
        ("Cites", cites.into()),
        ("Withdrawn", kind.into()),
        ("Comes back with", listed(&proposal.unblock).into()),
        ("Looked at again on", proposal.review_on.map(|date| date.to_string()).unwrap_or_default().into()),
        ("To vary", proposal.goals.join("; ").into()),
    ]
}

fn listed<T: ToString>(things: impl IntoIterator<Item = T>) -> String {
    things.into_iter().map(|thing| thing.to_string()).collect::<Vec<_>>().join(", ")
}

/// What was believed, and what was measured.
pub(super) fn experiment(it: Printed<'_>) -> Section {
    let mut section = Section::new("experiment", "Experiment");
    let Some(experiment) = &it.file.experiment else {
        section.text(format!("Experiment {} is not registered.", it.file.case.experiment));
        return section;
    };
    if let Some(hypothesis) = &experiment.hypothesis {
        section.text(format!(
            "We believe {}, which will result in {}, because {}.",
            hypothesis.we_believe.trim_end_matches('.'),
            hypothesis.will_result_in.trim_end_matches('.'),
            hypothesis.because.trim_end_matches('.')
        ));
    }
    let judged = &experiment.judged;
    let effect = headline(judged.kind, &judged.absolute, &judged.lift)
        .map(|(change, bounds)| format!("{change}, {} interval {bounds}", number::percent(judged.confidence)))
        .unwrap_or_default();
    let direction = match experiment.metric.direction {
        Direction::Increase => "more is better",
        Direction::Decrease => "less is better",
    };
    let kind = match judged.kind {
        Kind::Proportion => "a proportion",
        Kind::Mean => "a mean",
        Kind::Ratio => "a ratio",
        Kind::Quantile => "a quantile",
    };
    let text = |option: &Option<String>| option.clone().unwrap_or_default();
    section.facts(vec![
        ("Experiment", it.file.case.experiment.to_string().into()),
        ("Run by", it.file.team(&experiment.team).into()),
        ("Ended", experiment.ended.to_string().into()),
        (
            "Primary metric",
            format!("{}, {kind} per {}; {direction}", experiment.metric.name, experiment.metric.unit).into(),
        ),
        ("Effect", effect.into()),
        ("Product surface", text(&experiment.surface).into()),
        ("Source of the numbers", text(&experiment.measurement.source).into()),
        (
            "Re-run or follow-up of",
            experiment.parent.as_ref().map(ToString::to_string).unwrap_or_default().into(),
        ),
        (
            "Baseline to beat",
            experiment.baseline.as_ref().map(|case| format!("case {case}")).unwrap_or_default().into(),
        ),
    ]);
    section.table(arms(experiment), "");
    if let Some(prior) = &experiment.prior {
        let told = |value: f64| sentence::change(Kind::Mean, prior.scale, value);
        section.text(format!(
            "With experiment {} as a prior of weight {}, the effect is {} (95 % interval {}). That is shown, and decides nothing.",
            prior.parent,
            number::percent(prior.weight),
            told(prior.combined),
            sentence::interval(Kind::Mean, prior.scale, prior.interval)
        ));
    }
    section.list(judged.warnings.clone());
    for (id, earlier) in &it.file.earlier {
        section.text(format!(
            "Before it, experiment {id}, ended {}: {}.",
            earlier.ended, earlier.judged.sentence
        ));
    }
    section
}

fn arms(experiment: &Experiment) -> Table {
    let mut table = Table::new("Arms of the experiment", ["Arm", "Units#", "Level#"]);
    let kind = experiment.judged.kind;
    for (name, arm) in
        [("Control", &experiment.measurement.control), ("Treatment", &experiment.measurement.treatment)]
    {
        if let Ok(at) = arm.level(kind) {
            table.row([name.into(), number::count(at.n).into(), level(kind, &at).into()]);
        }
    }
    table
}

/// What each codebase costs, and what it all brings.
pub(super) fn cost_and_benefit(it: Printed<'_>) -> Section {
    let mut section = Section::new("cost", "Estimates, cost and benefit");
    let case = &it.file.case;
    let mut table = Table::new(
        "Estimates by codebase, in person-days",
        ["Codebase~", "Low#", "Likely#", "High#", "Expected#", "Maintenance a year#", "Estimated by~"],
    );
    let days = |days: f64| Value::from(number::decimal(days, 1));
    for (codebase, estimate) in &case.estimates {
        let [low, likely, high] = estimate.days;
        table.row([
            codebase.to_string().into(),
            days(low),
            days(likely),
            days(high),
            days(estimate.expected_days()),
            days(estimate.maintenance_days_per_year),
            it.stamp(&estimate.stamp).into(),
        ]);
    }
    if case.estimates.len() > 1 {
        let sum =
            |of: &dyn Fn(&crate::estimate::Estimate) -> f64| days(case.estimates.values().map(of).sum());
        table.row([
            "Together".into(),
            sum(&|it| it.days[0]),
            sum(&|it| it.days[1]),
            sum(&|it| it.days[2]),
            sum(&|it| it.expected_days()),
            sum(&|it| it.maintenance_days_per_year),
            "".into(),
        ]);
    }
    section.table(table, "Nothing is estimated yet.");
    let missing = case.unestimated();
    if !missing.is_empty() {
        section.notice(format!("Not estimated: {}.", listed(missing)));
    }
    let Some(weighed) = &case.cost_benefit else {
        section.text("Cost and benefit are not weighed yet.");
        return section;
    };
    if let Some(moved) = case.moved_since_weighed(&it.file.policy) {
        section.notice(format!("The weighing is stale: {moved}."));
    }
    section.heading(format!("Cost against benefit, version {}", weighed.version));
    section.facts(weighing(it, weighed));
    section
}

fn weighing<'a>(it: Printed<'_>, weighed: &CostBenefit) -> Vec<(&'a str, Value)> {
    let delivered = it.file.delivery.as_ref();
    let reckoned = weighed.weighing.as_ref();
    let currency = reckoned.and_then(|weighing| weighing.currency.as_deref());
    let currency = currency.map_or(String::new(), |currency| format!(" {currency}"));
    let money = |amount: f64| format!("{}{currency}", number::money(amount));
    let figure = |figure: &Figure| {
        let [low, high] = figure.interval.map(number::money);
        let sure = if figure.sd > 0.0 { format!(" (95 % interval {low} to {high})") } else { String::new() };
        format!("{}{sure}", money(figure.expected))
    };
    let months = |months: Option<f64>| match months {
        Some(months) => number::of(months, "month", "months"),
        None => "never".to_owned(),
    };
    let mut facts = match reckoned {
        Some(weighing) => {
            let from = if weighing.reckoned { "the experiment's corrected effect" } else { "what was said" };
            let [soon, late] = weighing.payback.interval.map(months);
            vec![
                (
                    "Benefit a year",
                    Value::from(format!("{}, from {from}", figure(&weighing.benefit_per_year))),
                ),
                ("Cost of building", figure(&weighing.one_off_cost).into()),
                ("Maintenance a year", money(weighing.maintenance_per_year).into()),
                (
                    "Payback",
                    format!("{} (95 % interval {soon} to {late})", months(weighing.payback.months)).into(),
                ),
                (
                    "Pays back within a year",
                    format!("with a probability of {}", number::percent(weighing.payback.within_a_year))
                        .into(),
                ),
            ]
        }
        None => vec![
            ("Benefit a year", money(weighed.benefit_per_year).into()),
            ("Cost of building", money(weighed.one_off_cost).into()),
            ("Maintenance a year", money(weighed.maintenance_per_year).into()),
            ("Payback", months(weighed.payback_months(1.0)).into()),
        ],
    };
    let break_even =
        weighed.break_even_share().map(|share| format!("{} of it is retained", number::percent(share)));
    let paid = delivered.filter(|delivery| delivery.realised_share.is_some());
    facts.extend([
        ("Breaks even within a year when", Value::from(break_even.unwrap_or_default())),
        (
            "Delivered a year",
            delivered.and_then(|it| it.benefit_per_year).map(money).unwrap_or_default().into(),
        ),
        (
            "Payback at what was delivered",
            paid.map(|it| months(it.payback_months)).unwrap_or_default().into(),
        ),
        ("Weighed by", it.stamp(&weighed.stamp).into()),
        ("Decision promised by", weighed.decide_by.to_string().into()),
    ]);
    facts
}
