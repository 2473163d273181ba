//! Remedies: what a refusal says beyond its rule's own words: who can clear the way, what they would do, and since when it is
//! blocked. Read off the case by the refusal's code, so that no rule has to say it, and none forgets.
//!
//! What only whoever asks can mend, such as a missing reason, has no remedy by others.

use jiff::Timestamp;

use crate::case::Case;
use crate::decide::Ask;
use crate::hold;
use crate::measurement::Verdict;
use crate::person::{BUY_IN_ASKERS, CASE_TEAM, DRIVERS, Role, Seat};
use crate::refusal::{Refusal, RefusalCode};
use crate::sign_off::SignOffStatus;
use crate::task::{BUILDERS, PLANNERS};
use crate::warranty::Accountable;

/// What clears the way.
#[derive(Default)]
struct Remedy {
    seats: Vec<Seat>,
    missing: Vec<String>,
    since: Option<Timestamp>,
}

impl Remedy {
    fn by(seats: impl IntoIterator<Item = Seat>) -> Self {
        Self { seats: seats.into_iter().collect(), ..Self::default() }
    }

    fn roles(roles: impl IntoIterator<Item = Role>) -> Self {
        Self::by(roles.into_iter().map(Seat::Role))
    }

    fn doing(mut self, what: impl Into<String>) -> Self {
        self.missing.push(what.into());
        self
    }

    fn since(mut self, at: impl Into<Option<Timestamp>>) -> Self {
        self.since = at.into();
        self
    }
}

/// The refusal with everything that the case says about it. What the rule said itself stays.
pub(crate) fn explained(ask: &Ask<'_>, mut refusal: Refusal) -> Refusal {
    let about = ask.about.borrow().clone();
    let Some(case) = about.and_then(|id| ask.state.cases.get(&id)) else { return refusal };
    if matches!(refusal.code, RefusalCode::WrongState | RefusalCode::OriginalNotProductionised) {
        return comes_first(ask, case, refusal);
    }
    let remedy = remedy(ask, case, refusal.code);
    if refusal.who_may.is_empty() {
        refusal.who_may = ask.who_may(&remedy.seats, Some(case.place()));
    }
    if refusal.missing.is_empty() {
        refusal.missing = remedy.missing;
    }
    refusal.since = refusal.since.or(remedy.since);
    refusal
}

/// What has to happen before: the case's next action.
fn comes_first(ask: &Ask<'_>, case: &Case, mut refusal: Refusal) -> Refusal {
    let next = ask.state.next(case, ask.now);
    if refusal.missing.is_empty() {
        let until = || ask.state.until(case, ask.now).map(|until| until.line());
        let next = next.as_ref().map(|wait| format!("{}: {}", wait.command, wait.what));
        refusal.missing.extend(next.or_else(until));
    }
    if refusal.who_may.is_empty() {
        refusal.who_may = next.map(|wait| wait.who).unwrap_or_default();
    }
    refusal.since = refusal.since.or(Some(case.stage_since));
    refusal
}

fn remedy(ask: &Ask<'_>, case: &Case, code: RefusalCode) -> Remedy {
    use RefusalCode as Code;
    match code {
        // Cleared by whoever asks, or not at all.
        Code::NotFound
        | Code::AlreadyExists
        | Code::Forbidden
        | Code::InvalidArgument
        | Code::ExperimentNotSuccessful
        | Code::ExperimentTooOld
        | Code::UnblockConditionMissing
        | Code::VariationGoalsMissing
        | Code::ReasonMissing
        | Code::JustificationIncomplete
        | Code::NoMeasuredWave
        // Of flags and environments, which are no case's: their rules say it themselves.
        | Code::ApprovalRequired
        | Code::ApprovalMissing
        | Code::OwnChange
        | Code::ChangedSince
        | Code::SegmentInUse => Remedy::default(),
        Code::FullRolloutNeedsVerdict => Remedy::default().doing("a last wave below 100 %"),
        Code::NoControlCohort => Remedy::default().doing("a lower wave, or a larger treatment_share"),
        // The next action of the case.
        Code::WrongState | Code::OriginalNotProductionised => Remedy::default(),

        Code::NotLeadDeveloper => {
            Remedy::roles([Role::LeadDeveloper]).doing("to: an account that is a lead developer")
        }
        Code::ConsultationOpen => {
            let teams = case.open_consultations().map(|(team, _)| Seat::ProductOwner(team.clone()));
            Remedy::by(teams)
        }
        Code::EstimateMissing => Remedy::by(case.preparers())
            .doing("request_consultation by the development lead")
            .since(answered(case).unwrap_or(case.stage_since)),
        Code::CostBenefitMissing => Remedy::roles([Role::ProductManager]).since(case.stage_since),
        Code::InvitationVoid => Remedy::roles(BUY_IN_ASKERS),
        Code::TooBigMakeFollowUp => Remedy::roles(CASE_TEAM).doing("add_follow_up"),
        Code::DeviationBudgetExceeded => Remedy::roles([Role::DesignLead])
            .doing("rule_deviation: a smaller size for one that is logged; or add_follow_up")
            .since(case.ledger.deviations.last().map(|last| last.stamp.at)),
        Code::NoBacklogSlot => Remedy::roles([Role::DevelopmentLead]).since(case.stage_since),
        Code::NoFlag => Remedy::roles([Role::Developer])
            .since(case.backlog.as_ref().map_or(case.stage_since, |backlog| backlog.stamp.at)),
        Code::OwnerProcessIncomplete => {
            let open = case.checklists.iter().filter(|(_, checklist)| !checklist.is_complete());
            Remedy::by(open.map(|(codebase, _)| Seat::CodebaseOwner(codebase.clone())))
                .since(case.stage_since)
        }
        Code::IterationWithoutDeviation => {
            Remedy::roles([Role::Developer, Role::Designer]).since(case.stage_since)
        }
        Code::WarrantyNotAgreed => match &case.warranty {
            None => Remedy::roles([Role::DevelopmentLead]).since(case.stage_since),
            Some(warranty) => Remedy::by(case.teams_without_warranty().into_iter().map(Seat::ProductOwner))
                .since(warranty.proposed.at),
        },
        Code::BuyInNotCurrent => buy_in(case),
        Code::ConditionOpen => conditions(case),
        Code::Held => Remedy::by(hold::seats(case))
            .doing("release_hold, or decide_outcome: iterate or remove")
            .since(case.hold.as_ref().map(|hold| hold.since.at)),
        Code::BugOpen => bugs(case, true),
        Code::WarrantyBugOpen => bugs(case, false),
        Code::SafetyWaveHasNoVerdict => Remedy::roles(PLANNERS)
            .doing("start_wave: a measured one")
            .since(case.running.as_ref().map(|running| running.since)),
        Code::NegativeCannotBeKept | Code::NotAllowed => {
            Remedy::roles(DRIVERS).doing(allowed(ask, case)).since(case.stage_since)
        }
        Code::PoAckMissing => Remedy::by(case.product_owner_seats()).since(case.stage_since),
        Code::WarrantyRunning => {
            let ends = case.warranty_ends().map(|last| format!("the warranty's last day, {last}"));
            let missing = ends.into_iter().collect();
            Remedy { missing, ..Remedy::default() }.since(case.kept.as_ref().map(|kept| kept.stamp.at))
        }
        Code::FlagStillInCode => {
            Remedy::by(case.codebases_not_cleared().into_iter().map(Seat::CodebaseOwner))
                .since(case.kept.as_ref().map(|kept| kept.stamp.at))
        }
    }
}

fn answered(case: &Case) -> Option<Timestamp> {
    case.consultations.values().filter_map(|one| one.answered.as_ref()).map(|stamp| stamp.at).max()
}

fn buy_in(case: &Case) -> Remedy {
    let mut remedy = Remedy::default();
    for team in case.teams_not_signed_off() {
        let asked = case.sign_offs.get(&team).map(|sign_off| sign_off.asked.at);
        let (seats, since) = match case.sign_off_status(&team) {
            SignOffStatus::Requested => (vec![Seat::ProductOwner(team)], asked),
            SignOffStatus::Stale => {
                (vec![Seat::ProductOwner(team)], case.ledger.deviations.last().map(|last| last.stamp.at))
            }
            _ => (BUY_IN_ASKERS.map(Seat::Role).to_vec(), asked),
        };
        remedy.seats.extend(seats);
        remedy.since = [remedy.since, since.or(Some(case.stage_since))].into_iter().flatten().min();
    }
    remedy.seats.dedup();
    remedy
}

fn conditions(case: &Case) -> Remedy {
    let mut remedy = Remedy::default();
    for (team, sign_off) in &case.sign_offs {
        let Some(answered) = &sign_off.answered else { continue };
        if answered.conditions.iter().any(|condition| condition.satisfied.is_none()) {
            remedy.seats.push(Seat::ProductOwner(team.clone()));
            remedy.since = [remedy.since, Some(answered.stamp.at)].into_iter().flatten().min();
        }
    }
    remedy
}

/// Whoever is accountable for what is open, of all bugs or of those of the building team only.
fn bugs(case: &Case, all: bool) -> Remedy {
    let mut remedy = Remedy::default();
    for (_, bug) in case.open_bugs().filter(|(_, bug)| all || bug.accountable == Accountable::BuildingTeam) {
        let seats = match bug.accountable {
            Accountable::BuildingTeam => BUILDERS.map(Seat::Role).to_vec(),
            Accountable::ProductOwners => case.product_owner_seats(),
        };
        remedy
            .seats
            .extend(seats.into_iter().filter(|seat| !remedy.seats.contains(seat)).collect::<Vec<_>>());
        remedy.since = [remedy.since, Some(bug.reported.at)].into_iter().flatten().min();
    }
    remedy
}

/// The outcome decisions that are left.
fn allowed(ask: &Ask<'_>, case: &Case) -> String {
    let policy = ask.state.policy_of(case);
    let iterate =
        case.measurements.negatives() < policy.max_negative && case.iteration < policy.max_iterations;
    let keep = case.measurements.judged_in(case.iteration).and_then(|measured| match measured.verdict {
        Verdict::Positive if !measured.needs_justification => Some("keep"),
        Verdict::Positive | Verdict::NotSignificant => Some("keep_justified"),
        _ => None,
    });
    let left: Vec<&str> = keep.into_iter().chain(iterate.then_some("iterate")).chain(["remove"]).collect();
    format!("decide_outcome: {}", left.join(" or "))
}
