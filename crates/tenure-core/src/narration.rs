//! Narration: every recorded event as one sentence, the same in a dossier, on screen, in a message and on the command line.
//!
//! A sentence starts with who acted and ends without a full stop, because it may end in words that a person wrote.
//! Dates in it are as they were recorded; whoever prints a sentence prints its instant beside it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::apply::Recorded;
use crate::codebase::ItemResult;
use crate::decision::{DecisionKind, DecisionProposed};
use crate::deviation::DeviationKind;
use crate::dispute::Claim;
use crate::event::Event;
use crate::hold::Cause;
use crate::id::AccountId;
use crate::invitation::ByInvitation;
use crate::measurement::Measured;
use crate::outcome::FeatureKept;
use crate::person::{Grant, SYSTEM, Scope};
use crate::rollout::{Plan, WaveKind};
use crate::sign_off::{Answer, BuyInAnswered};
use crate::warranty::Accountable;
use tenure_stats::number;

/// What accounts are called. An account without a name is called by its id, and `system` is Tenure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names(BTreeMap<AccountId, String>);

impl Names {
    /// What an account is called.
    pub fn of<'a>(&'a self, account: &'a AccountId) -> &'a str {
        match self.0.get(account) {
            Some(name) => name,
            None if account.as_str() == SYSTEM => "Tenure",
            None => account.as_str(),
        }
    }
}

impl FromIterator<(AccountId, String)> for Names {
    fn from_iter<T: IntoIterator<Item = (AccountId, String)>>(names: T) -> Self {
        Self(names.into_iter().collect())
    }
}

/// What happened, in one sentence.
pub fn narrate(recorded: &Recorded, names: &Names) -> String {
    let by = names.of(&recorded.actor);
    match &recorded.event {
        Event::RoleGranted(it) => format!("{by} made {} {}", names.of(&it.account), grant(&it.role)),
        Event::RoleRevoked(it) => {
            format!("{by} ended that {} is {}", names.of(&it.account), grant(&it.role))
        }
        Event::TeamDefined(it) => format!("{by} defined team {} as {}", it.team, it.name),
        Event::SuccessionProposed(it) => {
            format!(
                "{by} dissolved team {}, and {} is to take its place: {}",
                it.team, it.successor, it.reason
            )
        }
        Event::SuccessionAccepted(it) => {
            let parts = [(it.onus, "cases and codebases"), (it.product, "products")];
            let parts = parts.into_iter().filter(|(moves, _)| *moves).map(|(_, part)| part);
            format!("{by} accepted the {} of {} for {}", listed(parts), it.team, it.successor)
        }
        Event::CodebaseDefined(it) => {
            format!(
                "{by} defined the owner process of {}: {}",
                it.codebase,
                listed(it.items.iter().map(|item| &item.name))
            )
        }
        Event::MetricDefined(it) => format!("{by} defined the metric {}", it.metric),
        Event::PolicySet(_) => format!("{by} set the policy for new cases"),
        Event::CasePolicyChanged(it) => {
            format!("{by} changed the policy that the case goes by: {}", it.reason)
        }
        Event::CalendarSet(it) => {
            let zone = it.calendar.time_zone.as_ref().map(|zone| format!(", in {zone}"));
            format!("{by} set the working days of {}{}", it.team, zone.unwrap_or_default())
        }
        Event::DeputyNamed(it) => {
            let (account, deputy) = (names.of(&it.account), names.of(&it.deputy));
            format!("{by} named {deputy} deputy of {account} from {} until {}", it.from, it.until)
        }
        Event::DeputyRevoked(it) => {
            format!("{by} ended that {} acts for {}", names.of(&it.deputy), names.of(&it.account))
        }
        Event::DeputyActed(it) => {
            let seats: Vec<String> = it.seats.iter().map(ToString::to_string).collect();
            format!("{by} acted for {} as {}: {}", names.of(&it.acting_for), seats.join(", "), it.command)
        }
        Event::FlagSetByHand(it) => {
            let what = it.reverts.map_or_else(
                || format!("set flag {} in {} by hand", it.key, it.environment),
                |entry| format!("set flag {} in {} back to before entry {entry}", it.key, it.environment),
            );
            format!("{by} {what}{}", said(it.reason.as_deref()))
        }
        Event::FlagArchived(it) => {
            let place = it.environment.as_ref().map_or("everywhere".to_owned(), |it| format!("in {it}"));
            format!("{by} took flag {} away {place}{}", it.key, said(it.reason.as_deref()))
        }
        Event::FlagDescribed(it) => {
            let owner = it.about.owner.as_ref().map_or_else(String::new, |owner| format!(" of {owner}"));
            format!("{by} described flag {}{owner}{}", it.key, said(it.about.description.as_deref()))
        }
        Event::SegmentSet(it) => {
            let members = number::of(it.holds.members.count() as f64, "member", "members");
            let reason = said(it.reason.as_deref());
            format!("{by} set segment {} to {members} and {} rules{reason}", it.segment, it.holds.rules.len())
        }
        Event::SegmentArchived(it) => format!("{by} took segment {} away", it.segment),
        Event::EnvironmentSet(it) => {
            let name = it.name.as_ref().map_or_else(String::new, |name| format!(", called {name}"));
            match it.approvals {
                0 => format!("{by} set environment {}{name}: flags are changed directly", it.environment),
                1 => format!("{by} set environment {}{name}: one person approves a change", it.environment),
                some => {
                    format!("{by} set environment {}{name}: {some} people approve a change", it.environment)
                }
            }
        }
        Event::EnvironmentArchived(it) => format!("{by} archived environment {}", it.environment),
        Event::ChangeProposed(it) => {
            let at = it.at.map_or_else(String::new, |at| format!(", for {at}"));
            let (request, environment) = (&it.request, &it.environment);
            format!("{by} proposed change request {request} in {environment}{at}: {}", it.reason)
        }
        Event::ChangeEdited(it) => {
            format!("{by} edited change request {}, now revision {}: {}", it.request, it.revision, it.reason)
        }
        Event::ChangeApproved(it) => {
            format!("{by} approved revision {} of change request {}", it.revision, it.request)
        }
        Event::ChangeRejected(it) => format!("{by} rejected change request {}: {}", it.request, it.reason),
        Event::ChangeWithdrawn(it) => {
            format!("{by} withdrew change request {}{}", it.request, said(it.reason.as_deref()))
        }
        Event::ChangeApplied(it) => format!("{by} applied change request {}", it.request),
        Event::CodeScanned(it) => {
            let found: u64 = it.counts.values().sum();
            let commit = it.commit.as_ref().map_or_else(String::new, |commit| format!(" at commit {commit}"));
            let (codebase, flags) = (&it.codebase, it.counts.len());
            format!("{by} scanned {codebase}{commit} for {flags} flags: {found} references")
        }
        Event::FlagCreated(it) => format!("{by} wrapped the change in flag {} in {}", it.key, it.environment),
        Event::ExperimentRegistered(it) => {
            let title = it.title.as_ref().map_or(String::new(), |title| format!(" ({title})"));
            format!("{by} registered experiment {}{title}: {}", it.experiment, it.judged.sentence)
        }
        Event::RunPlanned(it) => format!(
            "{by} planned experiment {} on flag {}: {} against {}, by {}",
            it.experiment,
            it.plan.flag,
            listed(it.plan.arms.iter().skip(1).map(|arm| &arm.name)),
            listed(it.plan.arms.iter().take(1).map(|arm| &arm.name)),
            it.plan.metric.name
        ),
        Event::RunStarted(it) => format!("{by} started experiment {}", it.experiment),
        Event::RunLooked(it) => {
            let arms = it.measured.arms.iter().map(|arm| format!("{}: {}", arm.arm, arm.judged.sentence));
            let arms: Vec<String> = arms.collect();
            format!("{by} looked at experiment {}: {}", it.experiment, arms.join("; "))
        }
        Event::RunEnded(it) => {
            let reason = said(it.reason.as_deref());
            match &it.arm {
                Some(arm) => {
                    format!("{by} ended experiment {} with the result of {arm}{reason}", it.experiment)
                }
                None => format!("{by} ended experiment {} without a result{reason}", it.experiment),
            }
        }
        Event::PlatformChangeRegistered(it) => {
            let about = said(it.description.as_deref());
            format!(
                "{by} registered platform change {}, tagged {}{about}",
                it.platform_change,
                listed(&it.tags)
            )
        }
        Event::CaseOpened(it) => {
            let (case, experiment, team) = (&it.case, &it.experiment, &it.team);
            let warning = it.warning.as_ref().map_or(String::new(), |warning| format!("; {warning}"));
            format!("{by} opened case {case} for experiment {experiment} of {team}{warning}")
        }
        Event::OnusOffered(it) => format!("{by} offered the case to {}", it.team),
        Event::OnusAccepted(it) => format!("{by} accepted the case for {}", it.team),
        Event::DelegationOffered(it) => format!("{by} offered preparation to {}", names.of(&it.to)),
        Event::DelegationAccepted(_) => format!("{by} accepted to prepare the case"),
        Event::DelegationRevoked(_) => format!("{by} ended the delegation of preparation"),
        Event::ConsultationRequested(it) => {
            format!(
                "{by} consulted {}, answer promised by {}{}",
                it.team,
                it.due,
                said(it.question.as_deref())
            )
        }
        Event::ConsultationAnswered(it) => {
            let advice = said(it.advice.as_deref());
            format!("{by} answered for {}: it touches {}{advice}", it.team, listed(&it.codebases))
        }
        Event::EstimateSubmitted(it) => {
            let [low, likely, high] = it.days.map(|days| number::decimal(days, 1));
            let maintenance = number::of(it.maintenance_days_per_year, "day", "days");
            format!(
                "{by} estimated {}: {likely} person-days ({low} to {high}), and {maintenance} of maintenance a year",
                it.codebase
            )
        }
        Event::CostBenefitSet(it) => format!(
            "{by} weighed cost and benefit (version {}): {} a year for {} once and {} a year; decision promised by {}",
            it.version,
            number::money(it.benefit_per_year),
            number::money(it.one_off_cost),
            number::money(it.maintenance_per_year),
            it.decide_by
        ),
        Event::DecisionProposed(it) => proposed(by, it),
        Event::DecisionConfirmed(it) => format!("{by} confirmed the decision as {}", listed(&it.roles)),
        Event::DecisionTaken(it) => {
            let review =
                it.review_on.map_or(String::new(), |date| format!(", to be looked at again on {date}"));
            format!(
                "The decision to {} stands: the case moves to {}{review}",
                course(it.kind),
                it.moves_to.words()
            )
        }
        Event::CaseParked(it) => {
            format!("The case was parked, to be looked at again on {}: {}", it.review_on, it.reason)
        }
        Event::CaseResumed(it) => format!("The re-run {} won, and the case goes on with it", it.experiment),
        Event::CaseResurfaced(it) => {
            let codebases = it.codebases.iter().map(ToString::to_string);
            let common: Vec<String> = it.tags.iter().cloned().chain(codebases).collect();
            format!("Platform change {} may have made it easier: {}", it.platform_change, listed(&common))
        }
        Event::SuggestionDismissed(it) => {
            let reason = said(it.reason.as_deref());
            format!("{by} said that platform change {} does not help{reason}", it.platform_change)
        }
        Event::SuggestionSnoozed(it) => {
            format!("{by} put platform change {} off until {}", it.platform_change, it.until)
        }
        Event::ParkedReviewed(it) => {
            let reason = said(it.reason.as_deref());
            format!("{by} left the case parked, to be looked at again on {}{reason}", it.review_on)
        }
        Event::CaseReopened(it) => {
            let because = it
                .platform_change
                .as_ref()
                .map_or(String::new(), |change| format!(" because platform change {change} makes it easier"));
            match (&it.warning, &it.age_override) {
                (Some(warning), Some(reason)) => {
                    format!("{by} re-opened the case{because} although {warning}: {reason}")
                }
                (Some(warning), None) => format!("{by} re-opened the case{because}; {warning}"),
                (None, _) => format!("{by} re-opened the case{because}"),
            }
        }
        Event::BuyInRequested(it) => {
            format!("{by} asked {} for buy-in, answer promised by {}", it.team, it.due)
        }
        Event::BuyInAnswered(it) => answered(by, it),
        Event::SignOffInvited(it) => format!(
            "{by} invited {} to answer buy-in for {}, by link {} that is good until {}",
            it.person, it.team, it.invitation, it.until
        ),
        Event::InvitationRevoked(it) => format!("{by} took invitation {} back", it.invitation),
        Event::QuestionAsked(it) => {
            let by = guest(by, it.by_invitation.as_ref());
            format!("{by} asked back for {}, question {}: {}", it.team, it.number, it.question)
        }
        Event::QuestionAnswered(it) => {
            format!("{by} answered question {} of {}: {}", it.number, it.team, it.reply)
        }
        Event::ConditionSatisfied(it) => {
            format!("{by} confirmed for {} that the condition is satisfied: {}", it.team, it.condition)
        }
        Event::BuyInFailed(it) => format!("{} refused, so the case goes back to preparation", it.team),
        Event::BuildingStarted(it) => {
            format!("Every product team approved: building begins in {}", listed(it.processes.keys()))
        }
        Event::DeviationLogged(it) => {
            let (kind, weight) = (deviation(it.kind), it.weight);
            format!("{by} logged deviation {}, {kind} that weighs {weight}: {}", it.number, it.description)
        }
        Event::DeviationRuled(it) => {
            let (kind, weight) = (deviation(it.kind), it.weight);
            format!("{by} ruled that deviation {} is {kind} and weighs {weight}", it.number)
        }
        Event::FollowUpAdded(it) => {
            format!("{by} added follow-up {}{}", it.follow_up, said(it.description.as_deref()))
        }
        Event::FollowUpStarted(it) => format!("{by} started follow-up {}", it.follow_up),
        Event::BacklogReserved(it) => {
            format!("{by} made space for {} in the backlog", number::of(it.days, "person-day", "person-days"))
        }
        Event::BuilderAssigned(it) => format!("{by} assigned {} to build it", names.of(&it.developer)),
        Event::ItemRecorded(it) => {
            let result = item(it.result);
            let (reason, shown) = (said(it.reason.as_deref()), shown(it.evidence.as_deref()));
            format!("{by} {result} {} of {}{reason}{shown}", it.item, it.codebase)
        }
        Event::EvidenceAttached(it) => {
            let file = it.attachment.as_ref().map(|attachment| attachment.file.as_str());
            let shown =
                [Some(it.evidence.as_str()), file].into_iter().flatten().filter(|text| !text.is_empty());
            format!("{by} attached to {} of {}: {}", it.item, it.codebase, listed(shown))
        }
        Event::BuildingFinished(_) => format!("{by} finished building"),
        Event::WarrantyProposed(it) => {
            format!("{by} proposed a warranty of {}", number::of(it.months.into(), "month", "months"))
        }
        Event::WarrantyAgreed(it) => format!("{by} agreed the warranty for {}", it.team),
        Event::WarrantyExtended(it) => format!(
            "{by} extended the warranty to {} in all, through {}",
            number::of(it.months.into(), "month", "months"),
            it.ends
        ),
        Event::RolloutPlanSet(it) => format!("{by} planned the rollout: {}", waves(&it.plan)),
        Event::WaveStarted(it) => {
            let percent = number::decimal(it.percent, 2);
            let warning = it.warning.as_ref().map_or(String::new(), |warning| format!("; {warning}"));
            format!(
                "{by} started wave {}: {percent} % meet the feature, {}{warning}",
                it.wave + 1,
                purpose(it.kind)
            )
        }
        Event::ExposureHeld(it) => match &it.cause {
            Cause::Stopped(reason) => format!("{by} stopped exposure: {reason}"),
            cause => format!("{by} held exposure at 0: {}", cause.sentence()),
        },
        Event::HoldReleased(it) => format!("{by} released the hold{}", said(it.reason.as_deref())),
        Event::MeasurementRecorded(it) => measured(by, &it.measured),
        Event::KeepAcknowledged(it) => {
            let owner = names.of(&it.by);
            let says = if owner == by { String::new() } else { format!(", as {by} says") };
            format!("{owner} acknowledged for the product that it is kept without a significant effect{says}")
        }
        Event::FeatureKept(it) => kept(by, it),
        Event::HoldbackEnded(it) => {
            format!("{by} ended the holdback: everybody meets the feature{}", said(it.reason.as_deref()))
        }
        Event::IterationStarted(it) => {
            format!("{by} started iteration {}: exposure is 0{}", it.iteration, said(it.reason.as_deref()))
        }
        Event::RemovalStarted(it) => {
            format!("{by} decided to remove the feature: exposure is 0{}", said(it.reason.as_deref()))
        }
        Event::CodebaseCleared(it) => {
            let shown = shown(it.shown_by.as_deref());
            format!("{by} confirmed that flag and losing code are gone from {}{shown}", it.codebase)
        }
        Event::CaseRemoved(_) => "Everything is out of the code: the case is removed".to_owned(),
        Event::KeepAffirmed(it) => {
            let reason = said(it.reason.as_deref());
            format!("{by} affirmed the justified keep until {}{reason}", it.review_on)
        }
        Event::BugReported(it) => {
            let (accountable, about) = (answers(it.accountable), said(it.description.as_deref()));
            format!("{by} reported bug {}, which {accountable} for{about}", it.bug)
        }
        Event::BugDisputed(it) => {
            let claim = match &it.claim {
                Claim::ReportedOn(on) => format!("it was reported on {on}"),
                Claim::BelongsTo(case) => format!("it belongs to case {case}"),
            };
            format!("{by} disputed bug {}, because {claim}: {}", it.bug, it.reason)
        }
        Event::DisputeSettled(it) => {
            let reason = said(it.reason.as_deref());
            match (&it.moved_to, it.upheld) {
                (Some(case), _) => format!("{by} agreed that bug {} belongs to case {case}{reason}", it.bug),
                (None, true) => {
                    format!(
                        "{by} agreed that bug {} was reported on {}: {}{reason}",
                        it.bug,
                        it.on,
                        answers(it.accountable)
                    )
                }
                (None, false) => {
                    format!("The dispute about bug {} ended: {}{reason}", it.bug, answers(it.accountable))
                }
            }
        }
        Event::HandOverPrepared(it) => {
            format!("{by} drew up the hand-over pack: the warranty runs through {}", it.ends)
        }
        Event::HandOverAcknowledged(it) => format!("{by} acknowledged the hand-over for {}", it.team),
        Event::BugFixed(it) => format!("{by} fixed bug {}", it.bug),
        Event::CaseClosed(_) => {
            format!("{by} closed the case: the product owners are accountable from here on")
        }
        Event::NoticeGiven(it) => format!("{by} gave notice: {}", it.sentence),
    }
}

fn proposed(by: &str, it: &DecisionProposed) -> String {
    let proposal = &it.proposal;
    let mut with = Vec::new();
    if !proposal.unblock.is_empty() {
        with.push(format!("it comes back with {}", listed(&proposal.unblock)));
    }
    if let Some(date) = proposal.review_on {
        with.push(format!("it is looked at again on {date}"));
    }
    if !proposal.goals.is_empty() {
        with.push(format!("to vary: {}", proposal.goals.join("; ")));
    }
    if let Some(version) = proposal.cost_benefit {
        with.push(format!("citing cost/benefit version {version}"));
    }
    let with = if with.is_empty() { String::new() } else { format!(" ({})", with.join(", ")) };
    format!("{by} proposed to {}{with}: {}", course(proposal.kind), proposal.reason)
}

fn answered(by: &str, it: &BuyInAnswered) -> String {
    let answer = match it.answer {
        Answer::Approve => "approved".to_owned(),
        Answer::ApproveWithConditions => format!("approved on condition that {}", it.conditions.join("; ")),
        Answer::ChangesRequested => "asked for changes".to_owned(),
        Answer::Refuse => "refused".to_owned(),
    };
    let own = if it.self_approved { " (self-approved)" } else { "" };
    let (by, version) = (guest(by, it.by_invitation.as_ref()), it.ledger_version);
    let comment = said(it.comment.as_deref());
    format!("{by} {answer} for {}{own}, on version {version} of the deviation ledger{comment}", it.team)
}

/// The person behind an invitation, who has no account.
fn guest(by: &str, invited: Option<&ByInvitation>) -> String {
    invited.map_or(by.to_owned(), |by| {
        format!("{} (without an account, by invitation {})", by.person, by.invitation)
    })
}

fn measured(by: &str, it: &Measured) -> String {
    let reported = match &it.self_reported {
        Some(source) => format!(" (self-reported, {source})"),
        None => String::new(),
    };
    format!("{by} recorded measurement {}{reported}: {}", it.number, it.judged.sentence)
}

fn kept(by: &str, it: &FeatureKept) -> String {
    let recovered = if it.recovered { ", recovered from a negative" } else { "" };
    let justified = it.justification.as_ref().map_or(String::new(), |justification| {
        format!("; justified until a review on {}: {}", justification.review_on, justification.why)
    });
    let meets = it.holdback.as_ref().map_or("everyone meets it".to_owned(), |held_back| {
        let percent = number::decimal(held_back.percent, 2);
        format!("everyone meets it but {percent} % who are held back until {}", held_back.until)
    });
    format!(
        "{by} kept the feature on measurement {}{recovered}: {meets}, and the warranty runs through {}{justified}",
        it.cites, it.warranty_ends
    )
}

fn waves(plan: &Plan) -> String {
    let waves = plan.waves.iter().map(|wave| {
        let kind = match wave.kind {
            WaveKind::Safety => "for safety",
            WaveKind::Measure => "measured",
        };
        format!("{} % {kind}", number::decimal(wave.percent, 2))
    });
    let held_back = plan.holdback.as_ref().map_or(String::new(), |holdback| {
        let days = number::of(holdback.days.into(), "day", "days");
        format!("; {} % are held back for {days} after a keep", number::decimal(holdback.percent, 2))
    });
    format!("{}, per {}{held_back}", waves.collect::<Vec<_>>().join(", then "), plan.unit)
}

fn grant(grant: &Grant) -> String {
    let role = grant.role;
    match &grant.scope {
        Scope::Everywhere => format!("{role} everywhere"),
        Scope::Team(team) => format!("{role} of {team}"),
        Scope::Case(case) => format!("{role} in case {case}"),
        Scope::Codebase(codebase) => format!("{role} of {codebase}"),
    }
}

/// What is decided, after "to".
pub(crate) const fn course(kind: DecisionKind) -> &'static str {
    match kind {
        DecisionKind::Proceed => "proceed",
        DecisionKind::Park => "park",
        DecisionKind::Rerun => "re-run the experiment",
        DecisionKind::Withdraw => "withdraw the case",
        DecisionKind::Retire => "retire the case",
    }
}

const fn deviation(kind: DeviationKind) -> &'static str {
    match kind {
        DeviationKind::Parity => "a parity change",
        DeviationKind::Polish => "a polish",
        DeviationKind::Adjustment => "an adjustment",
        DeviationKind::Redesign => "a redesign",
    }
}

const fn item(result: ItemResult) -> &'static str {
    match result {
        ItemResult::Passed => "passed",
        ItemResult::Failed => "failed",
        ItemResult::Blocked => "blocked",
        ItemResult::Waived => "waived",
    }
}

const fn purpose(kind: WaveKind) -> &'static str {
    match kind {
        WaveKind::Safety => "to look for harm",
        WaveKind::Measure => "to be measured",
    }
}

/// Which side answers.
pub(crate) const fn answers(accountable: Accountable) -> &'static str {
    match accountable {
        Accountable::BuildingTeam => "the building team answers",
        Accountable::ProductOwners => "the product owners answer",
    }
}

fn listed<T: ToString>(things: impl IntoIterator<Item = T>) -> String {
    let things: Vec<String> = things.into_iter().map(|thing| thing.to_string()).collect();
    enumerated(&things)
}

/// `a`, `a and b`, `a, b and c`.
fn enumerated(things: &[String]) -> String {
    match things {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// What a person wrote, after a colon.
fn said(text: Option<&str>) -> String {
    text.map(str::trim).filter(|text| !text.is_empty()).map_or(String::new(), |text| format!(": {text}"))
}

fn shown(evidence: Option<&str>) -> String {
    evidence.map_or(String::new(), |evidence| format!(" (shown by {evidence})"))
}
