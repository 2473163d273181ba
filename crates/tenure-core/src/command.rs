//! Commands: everything that can be asked for. As JSON `{"do": NAME, "with": {…}}`.
//!
//! The list is here; the rule of each command stands with its noun.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bug::{FixBug, ReportBug};
use crate::building::{AssignBuilder, FinishBuilding, ReserveBacklog};
use crate::calendar::SetCalendar;
use crate::case::{CloseCase, OpenCase, ReopenCase};
use crate::change_request::{
    ApplyChange, ApproveChange, EditChange, ProposeChange, RejectChange, WithdrawChange,
};
use crate::code_reference::RecordReferences;
use crate::codebase::{AttachEvidence, DefineCodebase, RecordItem};
use crate::consultation::{AnswerConsultation, RequestConsultation};
use crate::cost_benefit::SetCostBenefit;
use crate::decide::Ask;
use crate::decision::{ConfirmDecision, Decide, RetireCase, WithdrawCase};
use crate::delegation::{AcceptDelegation, DelegatePrep, RevokeDelegation};
use crate::deputy::{NameDeputy, RevokeDeputy};
use crate::deviation::{LogDeviation, RuleDeviation};
use crate::dispute::{DisputeBug, SettleDispute};
use crate::environment::{ArchiveEnvironment, SetEnvironment};
use crate::estimate::SubmitEstimate;
use crate::event::Event;
use crate::experiment::RegisterExperiment;
use crate::flag::CreateFlag;
use crate::flag::hand::{ArchiveFlag, DescribeFlag, RevertFlag, SetFlag};
use crate::follow_up::{AddFollowUp, StartFollowUp};
use crate::hand_over::{AcknowledgeHandOver, PrepareHandOver};
use crate::hold::{GuardrailBreach, ReleaseHold, StopExposure};
use crate::invitation::{InviteSignOff, RevokeInvitation};
use crate::measurement::RecordMeasurement;
use crate::metric::DefineMetric;
use crate::notice::GiveNotice;
use crate::onus::{AcceptOnus, OfferOnus};
use crate::outcome::{AcknowledgeKeep, ConfirmRemoved, DecideOutcome, ReviewKeep};
use crate::person::{GrantRole, RevokeRole};
use crate::platform_change::{DismissSuggestion, RegisterPlatformChange, ReviewParked, SnoozeSuggestion};
use crate::policy::SetPolicy;
use crate::policy::change::ChangeCasePolicy;
use crate::question::{AnswerQuestion, AskQuestion};
use crate::refusal::Refusal;
use crate::rollout::holdback::EndHoldback;
use crate::rollout::{SetRolloutPlan, StartWave};
use crate::run::looking::RecordRun;
use crate::run::{PlanRun, StartRun, StopRun};
use crate::segment::{ArchiveSegment, SetSegment};
use crate::sign_off::{AnswerBuyIn, RequestBuyIn, SatisfyCondition};
use crate::succession::{AcceptSuccession, DissolveTeam};
use crate::team::DefineTeam;
use crate::warranty::{AgreeWarranty, ExtendWarranty, ProposeWarranty};

macro_rules! commands {
    ($($name:ident($arguments:ty) = $text:literal, $says:literal;)+) => {
        /// Everything that can be asked for.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "do", content = "with")]
        pub enum Command {
            $(#[doc = $says] #[serde(rename = $text)] $name($arguments),)+
        }

        impl Command {
            /// The name of every command, with what it does, in the order of the process.
            pub const ALL: &[(&str, &str)] = &[$(($text, $says)),+];

            /// The command's name.
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => $text),+ }
            }

            pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
                match self { $(Self::$name(command) => command.decide(ask)),+ }
            }
        }

        $(impl From<$arguments> for Command {
            fn from(arguments: $arguments) -> Self {
                Self::$name(arguments)
            }
        })+
    };
}

commands! {
    RegisterExperiment(RegisterExperiment) = "register_experiment", "Registers an experiment with its result.";
    PlanRun(PlanRun) = "plan_run", "Plans an experiment that is run here.";
    StartRun(StartRun) = "start_run", "Starts an experiment that is run here.";
    RecordRun(RecordRun) = "record_run", "Records a look at an experiment that is run here.";
    StopRun(StopRun) = "stop_run", "Ends an experiment that is run here, at once.";
    OpenCase(OpenCase) = "open_case", "Opens a case for a winning experiment.";
    OfferOnus(OfferOnus) = "offer_onus", "Offers the onus of a case to another experiment team.";
    AcceptOnus(AcceptOnus) = "accept_onus", "Accepts the onus for the team it is offered to.";
    DelegatePrep(DelegatePrep) = "delegate_prep", "Offers preparation to a lead developer.";
    AcceptDelegation(AcceptDelegation) = "accept_delegation", "Accepts the delegation of preparation.";
    RevokeDelegation(RevokeDelegation) = "revoke_delegation", "Ends the delegation of preparation.";
    RequestConsultation(RequestConsultation) = "request_consultation", "Asks a product team for advice.";
    AnswerConsultation(AnswerConsultation) = "answer_consultation", "Answers a consultation, naming codebases.";
    SubmitEstimate(SubmitEstimate) = "submit_estimate", "Estimates one codebase.";
    SetCostBenefit(SetCostBenefit) = "set_cost_benefit", "Weighs cost against benefit.";
    Decide(Decide) = "decide", "Proposes to proceed, park or re-run.";
    ConfirmDecision(ConfirmDecision) = "confirm_decision", "Confirms the open proposal.";
    WithdrawCase(WithdrawCase) = "withdraw_case", "Proposes to give a case up.";
    RetireCase(RetireCase) = "retire_case", "Proposes to give a case up for good.";
    RegisterPlatformChange(RegisterPlatformChange) = "register_platform_change", "Registers a platform change.";
    DismissSuggestion(DismissSuggestion) = "dismiss_suggestion", "Says that a platform change does not help.";
    SnoozeSuggestion(SnoozeSuggestion) = "snooze_suggestion", "Puts a suggestion off until a date.";
    ReviewParked(ReviewParked) = "review_parked", "Looks at a parked case again and leaves it parked.";
    ReopenCase(ReopenCase) = "reopen_case", "Wakes a parked case.";
    RequestBuyIn(RequestBuyIn) = "request_buy_in", "Asks a product team for buy-in.";
    AnswerBuyIn(AnswerBuyIn) = "answer_buy_in", "Answers buy-in for a product team.";
    InviteSignOff(InviteSignOff) = "invite_sign_off", "Invites a person without an account to answer buy-in.";
    RevokeInvitation(RevokeInvitation) = "revoke_invitation", "Takes an invitation back.";
    AskQuestion(AskQuestion) = "ask_question", "Asks something back before answering buy-in.";
    AnswerQuestion(AnswerQuestion) = "answer_question", "Answers what a product team asked back.";
    SatisfyCondition(SatisfyCondition) = "satisfy_condition", "Confirms that a condition is satisfied.";
    LogDeviation(LogDeviation) = "log_deviation", "Writes a change from the experiment into the ledger.";
    RuleDeviation(RuleDeviation) = "rule_deviation", "Rules on how far a change goes.";
    AddFollowUp(AddFollowUp) = "add_follow_up", "Adds an idea for a next experiment.";
    StartFollowUp(StartFollowUp) = "start_follow_up", "Starts a follow-up.";
    ReserveBacklog(ReserveBacklog) = "reserve_backlog", "Makes space in the backlog.";
    AssignBuilder(AssignBuilder) = "assign_builder", "Says who builds.";
    CreateFlag(CreateFlag) = "create_flag", "Wraps a case in a flag.";
    RecordItem(RecordItem) = "checklist", "Says how an item of the owner process went.";
    AttachEvidence(AttachEvidence) = "attach_evidence", "Attaches to an item what shows how it is done.";
    FinishBuilding(FinishBuilding) = "finish_building", "Says that everything is built.";
    ProposeWarranty(ProposeWarranty) = "propose_warranty", "Proposes a warranty.";
    AgreeWarranty(AgreeWarranty) = "agree_warranty", "Agrees the warranty for a product team.";
    ExtendWarranty(ExtendWarranty) = "extend_warranty", "Makes a running warranty longer.";
    SetRolloutPlan(SetRolloutPlan) = "set_rollout_plan", "Sets the plan by which the flag is raised.";
    StartWave(StartWave) = "start_wave", "Starts the next wave.";
    GuardrailBreach(GuardrailBreach) = "guardrail_breach", "Says that a guardrail is breached; holds exposure.";
    StopExposure(StopExposure) = "stop_exposure", "Holds exposure at 0, at once.";
    ReleaseHold(ReleaseHold) = "release_hold", "Lifts a hold.";
    RecordMeasurement(RecordMeasurement) = "record_measurement", "Records a measurement of a rollout.";
    DecideOutcome(DecideOutcome) = "decide_outcome", "Keeps, iterates or removes.";
    EndHoldback(EndHoldback) = "end_holdback", "Ends a holdback: everybody meets the kept feature.";
    AcknowledgeKeep(AcknowledgeKeep) = "acknowledge_keep", "Acknowledges a justified keep as a product owner.";
    ConfirmRemoved(ConfirmRemoved) = "confirm_removed", "Confirms that flag and losing code are gone.";
    ReviewKeep(ReviewKeep) = "review_keep", "Reviews a justified keep.";
    ReportBug(ReportBug) = "report_bug", "Reports a bug.";
    FixBug(FixBug) = "fix_bug", "Says that a bug is fixed.";
    DisputeBug(DisputeBug) = "dispute_bug", "Disputes whose bug it is.";
    SettleDispute(SettleDispute) = "settle_dispute", "Settles whose bug it is.";
    PrepareHandOver(PrepareHandOver) = "prepare_hand_over", "Draws up what the product owners get before the warranty ends.";
    AcknowledgeHandOver(AcknowledgeHandOver) = "acknowledge_hand_over", "Acknowledges the hand-over for a product team.";
    CloseCase(CloseCase) = "close_case", "Closes a kept case after its warranty.";
    DefineTeam(DefineTeam) = "define_team", "Defines a team.";
    DissolveTeam(DissolveTeam) = "dissolve_team", "Dissolves a team: another is to take its place.";
    AcceptSuccession(AcceptSuccession) = "accept_succession", "Accepts the place of a team that is dissolved.";
    DefineCodebase(DefineCodebase) = "define_codebase", "Defines a codebase and its owner process.";
    GrantRole(GrantRole) = "grant_role", "Gives an account a role.";
    RevokeRole(RevokeRole) = "revoke_role", "Takes a role from an account.";
    NameDeputy(NameDeputy) = "name_deputy", "Names who acts for somebody who is away.";
    RevokeDeputy(RevokeDeputy) = "revoke_deputy", "Ends that somebody acts for another.";
    SetPolicy(SetPolicy) = "set_policy", "Sets the policy for new cases.";
    ChangeCasePolicy(ChangeCasePolicy) = "change_case_policy", "Changes the policy a running case goes by.";
    SetCalendar(SetCalendar) = "set_calendar", "Sets a team's time zone, weekend and holidays.";
    DefineMetric(DefineMetric) = "define_metric", "Defines a metric.";
    SetFlag(SetFlag) = "set_flag", "Sets a flag by hand.";
    ArchiveFlag(ArchiveFlag) = "archive_flag", "Takes a flag that was set by hand away.";
    RevertFlag(RevertFlag) = "revert_flag", "Takes changes of a flag back, to before an entry.";
    DescribeFlag(DescribeFlag) = "describe_flag", "Says what a flag is for, whose it is and how long it lives.";
    SetSegment(SetSegment) = "set_segment", "Sets who is in a segment.";
    ArchiveSegment(ArchiveSegment) = "archive_segment", "Takes a segment away that no flag refers to.";
    SetEnvironment(SetEnvironment) = "set_environment", "Creates, renames or protects an environment.";
    ArchiveEnvironment(ArchiveEnvironment) = "archive_environment", "Archives an environment: it serves nothing.";
    ProposeChange(ProposeChange) = "propose_change", "Proposes changes of flags, to be approved or made at a time.";
    EditChange(EditChange) = "edit_change", "Edits a change request; it needs approval again.";
    ApproveChange(ApproveChange) = "approve_change", "Approves a change request.";
    RejectChange(RejectChange) = "reject_change", "Rejects a change request.";
    WithdrawChange(WithdrawChange) = "withdraw_change", "Gives a change request up.";
    ApplyChange(ApplyChange) = "apply_change", "Makes the changes of a change request.";
    RecordReferences(RecordReferences) = "record_references", "Records where flags stand in a codebase's code.";
    GiveNotice(GiveNotice) = "give_notice", "Says once that a deadline is near or missed.";
}

/// A text that is no command.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadCommand(String);

impl Command {
    /// Reads a command from its name and arguments, naming what is wrong.
    pub fn parse(name: &str, arguments: serde_json::Value) -> Result<Self, BadCommand> {
        if !Self::ALL.iter().any(|(known, _)| *known == name) {
            return Err(BadCommand(format!("there is no command `{name}`")));
        }
        serde_json::from_value(serde_json::json!({"do": name, "with": arguments}))
            .map_err(|fault| BadCommand(format!("{name}: {fault}")))
    }
}
