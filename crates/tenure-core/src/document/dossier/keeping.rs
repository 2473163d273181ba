//! Who answers for the feature, what broke, and what it builds on.

use tenure_stats::estimate::Scale;
use tenure_stats::sentence;

use super::level;
use crate::baseline::Change;
use crate::document::Printed;
use crate::document::page::{Section, Table, Value};
use crate::hand_over::HandOverStatus;
use crate::narration::answers;
use crate::warranty::Accountable;
use tenure_stats::number;

const fn side(accountable: Accountable) -> &'static str {
    match accountable {
        Accountable::BuildingTeam => "the building team",
        Accountable::ProductOwners => "the product owners",
    }
}

/// The warranty, its bugs, and the codebases the flag has left.
pub(super) fn warranty(it: Printed<'_>) -> Section {
    let mut section = Section::new("warranty", "Warranty and bugs");
    let case = &it.file.case;
    match &case.warranty {
        None => section.text("No warranty is proposed yet."),
        Some(warranty) => {
            let agreed = warranty
                .agreed
                .iter()
                .map(|(team, stamp)| format!("{} ({})", it.file.team(team), it.stamp(stamp)));
            let missing: Vec<String> =
                case.teams_without_warranty().iter().map(|team| it.file.team(team)).collect();
            let missing =
                if missing.is_empty() { Value::default() } else { Value::watch(missing.join(", ")) };
            section.facts(vec![
                ("Length", number::of(warranty.months.into(), "month", "months").into()),
                ("Proposed by", it.stamp(&warranty.proposed).into()),
                ("Agreed by", agreed.collect::<Vec<_>>().join("; ").into()),
                ("Not agreed by", missing),
                (
                    "Counts from",
                    case.kept
                        .as_ref()
                        .map(|kept| format!("{}, the keep decision", kept.on))
                        .unwrap_or_default()
                        .into(),
                ),
                (
                    "Last day",
                    warranty.ends.map(|ends| format!("{ends}, included")).unwrap_or_default().into(),
                ),
            ]);
        }
    }
    hand_over(it, &mut section);
    section.list(onus(it));
    section.text(match it.file.accountable {
        Some(accountable) => format!("As of this dossier, {} for bugs.", answers(accountable)),
        None => "Nobody has met the feature, so nobody is accountable for bugs yet.".to_owned(),
    });
    let mut table = Table::new("Bugs", ["Bug~", "What is wrong", "Reported~", "Accountable~", "Fixed~"]);
    for (id, bug) in &case.bugs {
        let fixed = match (&bug.fixed, &bug.moved_to) {
            (Some(stamp), _) => it.stamp(stamp).into(),
            (None, Some(case)) => Value::watch(format!("moved to case {case}")),
            (None, None) => Value::bad("open"),
        };
        table.row([
            id.to_string().into(),
            bug.description.clone().unwrap_or_default().into(),
            format!("{}, {}", it.file.name(&bug.reported.by), bug.on).into(),
            side(bug.accountable).into(),
            fixed,
        ]);
    }
    section.table(table, "No bug was reported.");
    let disputes =
        case.bugs.iter().flat_map(|(id, bug)| bug.disputes.iter().map(move |dispute| (id, dispute)));
    let disputes = disputes.map(|(id, dispute)| {
        let ended = dispute.settled.as_ref().map_or("open".to_owned(), |settled| {
            let upheld = if settled.upheld { "upheld" } else { "rejected" };
            format!("{upheld}: {}", it.stamp(&settled.stamp))
        });
        format!("{id} is disputed by {}: {} ({ended})", it.stamp(&dispute.raised), dispute.reason)
    });
    section.list(disputes.collect());
    let mut table = Table::new("Flag and losing code", ["Codebase~", "Gone~"]);
    for codebase in case.codebases() {
        let gone =
            case.cleared.get(&codebase).map_or(Value::from("not confirmed"), |stamp| it.stamp(stamp).into());
        table.row([codebase.to_string().into(), gone]);
    }
    section.table(table, "");
    section
}

/// What the product owners were given, and who has acknowledged it.
fn hand_over(it: Printed<'_>, section: &mut Section) {
    let case = &it.file.case;
    let (Some(hand_over), Some(status)) = (&case.hand_over, it.file.hand_over) else { return };
    let acknowledged = hand_over
        .acknowledged
        .iter()
        .map(|(team, stamp)| format!("{} ({})", it.file.team(team), it.stamp(stamp)));
    let missing: Vec<String> = case.teams_without_hand_over().iter().map(|team| it.file.team(team)).collect();
    let standing = match status {
        HandOverStatus::Prepared => Value::watch("the pack waits to be acknowledged"),
        HandOverStatus::Acknowledged => Value::good("acknowledged by every product team"),
        HandOverStatus::Effective => "in effect: the warranty is over".into(),
    };
    section.facts(vec![
        ("Hand-over", standing),
        ("Pack drawn up by", it.stamp(&hand_over.prepared).into()),
        ("For the warranty through", hand_over.ends.to_string().into()),
        ("Pack acknowledged by", acknowledged.collect::<Vec<_>>().join("; ").into()),
        ("Pack not acknowledged by", missing.join(", ").into()),
    ]);
}

/// The teams that had the onus, where it has moved.
fn onus(it: Printed<'_>) -> Vec<String> {
    let case = &it.file.case;
    let earlier = case
        .earlier_teams
        .iter()
        .map(|held| format!("{} had the onus until {}", it.file.team(&held.team), it.minute(held.until)));
    let last = case.earlier_teams.last();
    let now =
        last.map(|held| format!("{} has had it since {}", it.file.team(&case.team), it.date(held.until)));
    earlier.chain(now).collect()
}

/// The chain of kept cases that led to this one.
pub(super) fn lineage(it: Printed<'_>) -> Section {
    let mut section = Section::new("lineage", "Lineage");
    let Some(lineage) = &it.file.lineage else {
        section.text("Nothing of this line is kept yet, so there is no baseline to beat.");
        return section;
    };
    let kind = lineage.metric.kind;
    let change = |change: &Change| {
        let Change { difference, interval, .. } = *change;
        let (change, interval) = sentence::change_and_interval(kind, Scale::Absolute, difference, interval);
        format!("{change} ({interval})")
    };
    let told = |told: &Option<Change>| told.as_ref().map(change).unwrap_or_default();
    let mut table = Table::new(
        "Kept cases, oldest first",
        ["Case~", "Experiment~", "Kept on~", "Moved before#", "From#", "To#", "Delivered#", "Measured by"],
    );
    for link in &lineage.links {
        table.row([
            link.case.to_string().into(),
            link.experiment.to_string().into(),
            link.on.to_string().into(),
            told(&link.moved_before).into(),
            level(kind, &link.from).into(),
            level(kind, &link.to).into(),
            told(&link.delivered).into(),
            if link.self_reported { Value::watch("self-reported") } else { Value::from("Tenure") },
        ]);
    }
    section.table(table, "");
    let whole = Change { difference: lineage.difference, interval: lineage.interval };
    section.text(format!(
        "Verified effect of the line on {}: {}, a 95 % interval. It is read off rollout levels, last treatment against \
         first control, and is never the sum of experiments' lifts.",
        lineage.metric.name,
        change(&whole)
    ));
    let apart = lineage
        .apart
        .iter()
        .map(|apart| format!("Case {} is measured by {} and stands apart.", apart.case, apart.metric.name));
    let gone = lineage.gone.iter().map(|case| format!("Case {case} is no longer kept."));
    section.list(apart.chain(gone).collect());
    section
}
