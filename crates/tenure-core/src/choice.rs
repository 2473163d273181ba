//! Choices: what an actor may do in a case now, and why not where not. The answer comes from asking `decide`, never
//! from a second table of rules.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::bug::{FixBug, ReportBug};
use crate::building::{AssignBuilder, FinishBuilding, ReserveBacklog};
use crate::case::{AgeOverride, Case, CloseCase, ReopenCase};
use crate::codebase::{AttachEvidence, ItemResult, RecordItem};
use crate::command::Command;
use crate::consultation::{AnswerConsultation, RequestConsultation};
use crate::cost_benefit::SetCostBenefit;
use crate::decide::decide;
use crate::decision::{Choice as Course, ConfirmDecision, Decide, RetireCase, WithdrawCase, WithdrawTo};
use crate::delegation::{AcceptDelegation, DelegatePrep, RevokeDelegation};
use crate::deviation::{DeviationKind, LogDeviation, RuleDeviation};
use crate::dispute::{DisputeBug, SettleDispute};
use crate::estimate::SubmitEstimate;
use crate::flag::CreateFlag;
use crate::follow_up::{AddFollowUp, StartFollowUp};
use crate::hand_over::{AcknowledgeHandOver, PrepareHandOver};
use crate::hold::{GuardrailBreach, ReleaseHold, StopExposure};
use crate::id::{BugId, FlagKey, FollowUpId, InvitationId};
use crate::invitation::{InviteSignOff, RevokeInvitation};
use crate::measurement::{Arm, Measurement, Outside, RecordMeasurement};
use crate::onus::{AcceptOnus, OfferOnus};
use crate::outcome::{
    AcknowledgeKeep, Acknowledgers, ConfirmRemoved, DecideOutcome, JustificationDraft, OutcomeKind, Review,
    ReviewKeep,
};
use crate::person::{Actor, Role, Seat};
use crate::platform_change::{DismissSuggestion, ReviewParked, SnoozeSuggestion};
use crate::policy::Overrides;
use crate::policy::change::ChangeCasePolicy;
use crate::question::{AnswerQuestion, AskQuestion};
use crate::refusal::Refusal;
use crate::rollout::holdback::EndHoldback;
use crate::rollout::{SetRolloutPlan, StartWave, Wave, WaveKind};
use crate::sign_off::{Answer, AnswerBuyIn, RequestBuyIn, SatisfyCondition};
use crate::state::State;
use crate::time::{Now, days_later};
use crate::warranty::{AgreeWarranty, ExtendWarranty, ProposeWarranty};
use crate::weighing::Inputs;

/// Something that can be asked for in a case.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Choice {
    /// The command.
    pub command: &'static str,
    /// Which of its kinds, for a command that has some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// Whether it would be carried out with sensible arguments.
    pub allowed: bool,
    /// Why it would not; none either when it would change nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
}

impl State {
    /// What an actor may do in a case now, in the order of the process, with the reason where they may not.
    pub fn choices(&self, case: &Case, actor: &Actor, now: impl Into<Now>) -> Vec<Choice> {
        let now = now.into();
        let mut choices: Vec<Choice> = Vec::new();
        for (kind, probe) in probes(self, case, now) {
            let (allowed, refusal) = match decide(self, actor, now, &probe) {
                Ok(events) => (!events.is_empty(), None),
                Err(refusal) => (false, Some(refusal)),
            };
            let command = probe.name();
            match choices.iter_mut().find(|known| known.command == command && known.kind == kind) {
                Some(known) if allowed && !known.allowed => {
                    known.allowed = true;
                    known.refusal = None;
                }
                Some(_) => {}
                None => choices.push(Choice { command, kind, allowed, refusal }),
            }
        }
        choices
    }
}

type Probe = (Option<&'static str>, Command);

/// Every command of a case with arguments that are refused only for reasons that matter, one for each thing in
/// the case it could be about.
fn probes(state: &State, case: &Case, now: Now) -> Vec<Probe> {
    let mut probes = Vec::new();
    preparation(state, case, now, &mut probes);
    buying_in(state, case, &mut probes);
    building(state, case, &mut probes);
    rolling_out(case, &mut probes);
    outcome(state, case, now, &mut probes);
    probes
}

fn plain(probes: &mut Vec<Probe>, command: impl Into<Command>) {
    probes.push((None, command.into()));
}

const WHY: &str = "why";

fn preparation(state: &State, case: &Case, now: Now, probes: &mut Vec<Probe>) {
    let id = &case.id;
    let mut teams: BTreeSet<_> = case.teams();
    teams.extend(state.product_teams());
    for to in state.sitters(&Seat::Role(Role::LeadDeveloper), Some(case.place())) {
        plain(probes, DelegatePrep { case: id.clone(), to });
    }
    plain(probes, AcceptDelegation { case: id.clone() });
    plain(probes, RevokeDelegation { case: id.clone() });
    if let Some(team) = state.teams.keys().find(|team| **team != case.team).cloned() {
        plain(probes, OfferOnus { case: id.clone(), team });
    }
    plain(probes, AcceptOnus { case: id.clone() });
    for team in teams {
        plain(probes, RequestConsultation { case: id.clone(), team, question: None });
    }
    for team in case.consultations.keys() {
        let codebases = state.codebases.keys().take(1).cloned().collect();
        plain(probes, AnswerConsultation { case: id.clone(), team: team.clone(), codebases, advice: None });
    }
    for codebase in case.codebases() {
        let days = [1.0, 1.0, 1.0];
        plain(probes, SubmitEstimate { case: id.clone(), codebase, days, maintenance_days_per_year: 0.0 });
    }
    plain(
        probes,
        SetCostBenefit {
            case: id.clone(),
            inputs: Inputs {
                benefit_per_year: Some(1.0),
                one_off_cost: Some(1.0),
                maintenance_per_year: Some(0.0),
                ..Inputs::default()
            },
        },
    );
    let later = Some(days_later(state.today(case, now.at), 1));
    for (name, kind) in [("proceed", Course::Proceed), ("park", Course::Park), ("rerun", Course::Rerun)] {
        let decide = Decide {
            case: id.clone(),
            kind,
            reason: WHY.to_owned(),
            unblock: BTreeSet::new(),
            review_on: later,
            goals: vec![WHY.to_owned()],
            target_days: None,
        };
        probes.push((Some(name), decide.into()));
    }
    plain(probes, ConfirmDecision { case: id.clone() });
    let age_override = Some(AgeOverride::Meant(true));
    plain(probes, ReopenCase { case: id.clone(), age_override, platform_change: None });
    plain(probes, ReviewParked { case: id.clone(), review_on: later, unblock: None, reason: None });
    for platform_change in case.suggestions.iter().cloned() {
        let until = days_later(state.today(case, now.at), 1);
        plain(probes, SnoozeSuggestion { case: id.clone(), platform_change: platform_change.clone(), until });
        plain(probes, DismissSuggestion { case: id.clone(), platform_change, reason: None });
    }
    plain(
        probes,
        WithdrawCase {
            case: id.clone(),
            reason: WHY.to_owned(),
            to: WithdrawTo::Parked,
            unblock: BTreeSet::new(),
            review_on: None,
        },
    );
    plain(probes, RetireCase { case: id.clone(), reason: WHY.to_owned() });
    // The policy in force, which drivers may take over, and one of its own, which administrators may give it.
    let budget = if state.policy_of(case).deviation_budget == 5 { 6 } else { 5 };
    let own = Overrides([("deviation_budget".to_owned(), budget.into())].into_iter().collect());
    for policy in [None, Some(own)] {
        plain(probes, ChangeCasePolicy { case: id.clone(), policy, reason: WHY.to_owned() });
    }
}

fn buying_in(state: &State, case: &Case, probes: &mut Vec<Probe>) {
    let id = &case.id;
    let mut teams: BTreeSet<_> = case.teams();
    teams.extend(state.product_teams());
    for team in &teams {
        plain(probes, RequestBuyIn { case: id.clone(), team: team.clone() });
    }
    for team in case.sign_offs.keys().cloned() {
        let answer = Answer::ChangesRequested;
        plain(probes, AnswerBuyIn { case: id.clone(), team, answer, conditions: Vec::new(), comment: None });
    }
    for team in case.sign_offs.keys().cloned() {
        let question = WHY.to_owned();
        plain(probes, AskQuestion { case: id.clone(), team, question });
    }
    for (team, question) in case.open_questions() {
        let number = Some(question.number);
        plain(probes, AnswerQuestion { case: id.clone(), team: team.clone(), number, reply: WHY.to_owned() });
    }
    let free = |name: &str| name.parse().is_ok_and(|name| state.invitation(&name).is_none());
    if let Some(invitation) = unused::<InvitationId>("invitation", free) {
        for team in case.sign_offs.keys().cloned() {
            let (invitation, person) = (invitation.clone(), WHY.to_owned());
            plain(probes, InviteSignOff { case: id.clone(), team, invitation, person, until: None });
        }
    }
    for invitation in case.invitations.keys().cloned() {
        plain(probes, RevokeInvitation { case: id.clone(), invitation });
    }
    for (team, sign_off) in &case.sign_offs {
        for condition in sign_off.answered.iter().flat_map(|answered| &answered.conditions) {
            let condition = condition.text.clone();
            plain(probes, SatisfyCondition { case: id.clone(), team: team.clone(), condition });
        }
    }
}

fn building(state: &State, case: &Case, probes: &mut Vec<Probe>) {
    let id = &case.id;
    plain(
        probes,
        LogDeviation { case: id.clone(), kind: DeviationKind::Parity, description: WHY.to_owned() },
    );
    for deviation in &case.ledger.deviations {
        let kind = if deviation.kind == DeviationKind::Parity {
            DeviationKind::Polish
        } else {
            DeviationKind::Parity
        };
        plain(probes, RuleDeviation { case: id.clone(), number: deviation.number, kind });
    }
    if let Some(follow_up) = unused::<FollowUpId>("follow-up", |name| !case.follow_ups.contains_key(name)) {
        plain(probes, AddFollowUp { case: id.clone(), follow_up, description: None });
    }
    for follow_up in case.follow_ups.keys().cloned() {
        plain(probes, StartFollowUp { case: id.clone(), follow_up });
    }
    plain(probes, ReserveBacklog { case: id.clone(), days: 1.0 });
    for developer in state.sitters(&Seat::Role(Role::Developer), Some(case.place())) {
        plain(probes, AssignBuilder { case: id.clone(), developer });
    }
    let taken = |key: &str| state.flag_cases.contains_key(key) || state.flag_runs.contains_key(key);
    let free = |key: &str| !state.flags.contains_key(key) && !taken(key);
    if let Some(key) = unused::<FlagKey>("flag", free) {
        let environment = crate::flag::production();
        plain(
            probes,
            CreateFlag { case: id.clone(), key, treatment: true.into(), control: false.into(), environment },
        );
    }
    for (codebase, checklist) in &case.checklists {
        for item in &checklist.items {
            let (codebase, name) = (codebase.clone(), item.name.clone());
            plain(
                probes,
                AttachEvidence {
                    case: id.clone(),
                    codebase,
                    item: name,
                    evidence: WHY.to_owned(),
                    attachment: None,
                },
            );
        }
        for item in &checklist.items {
            plain(
                probes,
                RecordItem {
                    case: id.clone(),
                    codebase: codebase.clone(),
                    item: item.name.clone(),
                    result: ItemResult::Passed,
                    reason: None,
                    evidence: None,
                },
            );
        }
    }
    plain(probes, FinishBuilding { case: id.clone() });
    // Another length than the present one, so that the probe would change something.
    let months = case.warranty.as_ref().map_or(6, |warranty| if warranty.months == 6 { 12 } else { 6 });
    plain(probes, ProposeWarranty { case: id.clone(), months: Some(months) });
    for team in case.teams() {
        plain(probes, AgreeWarranty { case: id.clone(), team });
    }
}

fn rolling_out(case: &Case, probes: &mut Vec<Probe>) {
    let id = &case.id;
    let wave =
        Wave { percent: 49.0, kind: WaveKind::Measure, min_hours: None, min_units: None, approval: false };
    let plan = SetRolloutPlan {
        case: id.clone(),
        waves: vec![wave],
        unit: case.plan.as_ref().map(|plan| plan.unit.clone()),
        metric: None,
        mapping: Some(WHY.to_owned()),
        window_hours: None,
        planned_n: None,
        min_days: None,
        max_days: None,
        treatment_share: None,
        automatic: false,
        environment: None,
        guardrails: Vec::new(),
        salt: None,
        exclusion: None,
        holdback: None,
    };
    plain(probes, plan);
    plain(probes, StartWave { case: id.clone() });
    plain(probes, StopExposure { case: id.clone(), reason: Some(WHY.to_owned()) });
    plain(probes, GuardrailBreach { case: id.clone(), name: WHY.to_owned() });
    plain(probes, ReleaseHold { case: id.clone(), reason: None });
    plain(probes, EndHoldback { case: id.clone(), reason: None });
    let arm = Arm::Counts([1_000, 100]);
    let outside = Outside { control: arm, treatment: arm, planned_n: 0, split: None, source: None };
    plain(
        probes,
        RecordMeasurement {
            case: id.clone(),
            measurement: Measurement::Outside(outside),
            drift: false,
            source: Some(WHY.to_owned()),
        },
    );
}

fn outcome(state: &State, case: &Case, now: Now, probes: &mut Vec<Probe>) {
    let id = &case.id;
    let later = Some(days_later(state.today(case, now.at), 1));
    let owners: Vec<_> =
        case.product_owner_seats().iter().flat_map(|seat| state.sitters(seat, Some(case.place()))).collect();
    let justification = JustificationDraft {
        why: Some(WHY.to_owned()),
        maintenance_days: Some(1.0),
        who_pays: Some(WHY.to_owned()),
        review_on: later,
    };
    for (name, kind) in [
        ("keep", OutcomeKind::Keep),
        ("keep_justified", OutcomeKind::KeepJustified),
        ("iterate", OutcomeKind::Iterate),
        ("remove", OutcomeKind::Remove),
    ] {
        let decide = DecideOutcome {
            case: id.clone(),
            kind,
            reason: None,
            justification: Some(justification.clone()),
            product_owner_acknowledges: Some(Acknowledgers::Several(owners.clone())),
        };
        probes.push((Some(name), decide.into()));
    }
    plain(probes, AcknowledgeKeep { case: id.clone() });
    for codebase in case.codebases() {
        plain(probes, ConfirmRemoved { case: id.clone(), codebase });
    }
    for (name, kind) in [("affirm", Review::Affirm), ("remove", Review::Remove)] {
        probes
            .push((Some(name), ReviewKeep { case: id.clone(), kind, review_on: later, reason: None }.into()));
    }
    plain(probes, ExtendWarranty { case: id.clone(), months: 1 });
    if let Some(bug) = unused::<BugId>("bug", |name| !case.bugs.contains_key(name)) {
        plain(probes, ReportBug { case: id.clone(), bug, description: None });
    }
    for (bug, report) in &case.bugs {
        plain(probes, FixBug { case: id.clone(), bug: bug.clone() });
        // A day before is the nearest claim that can be made.
        let (reason, reported_on) = (WHY.to_owned(), Some(days_later(report.on, -1)));
        plain(
            probes,
            DisputeBug { case: id.clone(), bug: bug.clone(), reason, reported_on, belongs_to: None },
        );
        let reason = Some(WHY.to_owned());
        plain(probes, SettleDispute { case: id.clone(), bug: bug.clone(), upheld: false, reason });
    }
    plain(probes, PrepareHandOver { case: id.clone() });
    for team in case.teams() {
        plain(probes, AcknowledgeHandOver { case: id.clone(), team });
    }
    plain(probes, CloseCase { case: id.clone() });
}

/// A name that nothing has yet.
fn unused<T: std::str::FromStr>(noun: &str, free: impl Fn(&str) -> bool) -> Option<T> {
    (1..).map(|number| format!("{noun}-{number}")).find(|name| free(name)).and_then(|name| name.parse().ok())
}
