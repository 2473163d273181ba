//! Events: everything that can be recorded, and its written form of kind, version and body.
//!
//! A kind and version, once written, is decoded for ever: a new form gets a new version beside the old one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::bug::{BugFixed, BugReported};
use crate::building::{BacklogReserved, BuilderAssigned, BuildingFinished};
use crate::calendar::CalendarSet;
use crate::case::{CaseClosed, CaseOpened, CaseParked, CaseReopened, CaseResumed};
use crate::change_request::{
    ChangeApplied, ChangeApproved, ChangeEdited, ChangeProposed, ChangeRejected, ChangeWithdrawn,
};
use crate::code_reference::CodeScanned;
use crate::codebase::{CodebaseDefined, EvidenceAttached, ItemRecorded};
use crate::consultation::{ConsultationAnswered, ConsultationRequested};
use crate::cost_benefit::CostBenefitSet;
use crate::decision::{DecisionConfirmed, DecisionProposed, DecisionTaken};
use crate::delegation::{DelegationAccepted, DelegationOffered, DelegationRevoked};
use crate::deputy::{DeputyActed, DeputyNamed, DeputyRevoked};
use crate::deviation::{DeviationLogged, DeviationRuled};
use crate::dispute::{BugDisputed, DisputeSettled};
use crate::environment::{EnvironmentArchived, EnvironmentSet};
use crate::estimate::EstimateSubmitted;
use crate::experiment::ExperimentRegistered;
use crate::flag::FlagCreated;
use crate::flag::hand::{FlagArchived, FlagDescribed, FlagSetByHand};
use crate::follow_up::{FollowUpAdded, FollowUpStarted};
use crate::hand_over::{HandOverAcknowledged, HandOverPrepared};
use crate::hold::{ExposureHeld, HoldReleased};
use crate::id::{CaseId, ExperimentId};
use crate::invitation::{InvitationRevoked, SignOffInvited};
use crate::measurement::MeasurementRecorded;
use crate::metric::MetricDefined;
use crate::notice::NoticeGiven;
use crate::onus::{OnusAccepted, OnusOffered};
use crate::outcome::{
    CaseRemoved, CodebaseCleared, FeatureKept, IterationStarted, KeepAcknowledged, KeepAffirmed,
    RemovalStarted,
};
use crate::person::{RoleGranted, RoleRevoked};
use crate::platform_change::{
    CaseResurfaced, ParkedReviewed, PlatformChangeRegistered, SuggestionDismissed, SuggestionSnoozed,
};
use crate::policy::PolicySet;
use crate::policy::change::CasePolicyChanged;
use crate::question::{QuestionAnswered, QuestionAsked};
use crate::rollout::holdback::HoldbackEnded;
use crate::rollout::{RolloutPlanSet, WaveStarted};
use crate::run::looking::RunLooked;
use crate::run::{RunEnded, RunPlanned, RunStarted};
use crate::segment::{SegmentArchived, SegmentSet};
use crate::sign_off::{BuildingStarted, BuyInAnswered, BuyInFailed, BuyInRequested, ConditionSatisfied};
use crate::state::State;
use crate::succession::{SuccessionAccepted, SuccessionProposed};
use crate::team::TeamDefined;
use crate::time::Stamp;
use crate::warranty::{WarrantyAgreed, WarrantyExtended, WarrantyProposed};

/// An entry that this code cannot read. Whoever meets one keeps serving and stops deciding.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A kind or version from a later release.
    #[error("entry kind {kind} version {version} is unknown: upgrade this node to decide again")]
    Unknown {
        /// The kind.
        kind: String,
        /// The version.
        version: u32,
    },
    /// A known kind whose body does not fit it.
    #[error("entry kind {kind} version {version} has a body that does not fit: {fault}")]
    Body {
        /// The kind.
        kind: String,
        /// The version.
        version: u32,
        /// What does not fit.
        fault: serde_json::Error,
    },
}

macro_rules! events {
    (
        world { $($world:ident = $world_kind:literal;)+ }
        case { $($case:ident = $case_kind:literal;)+ }
    ) => {
        /// Everything that can be recorded.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "kind", content = "body")]
        pub enum Event {
            $(#[doc = $world_kind] #[serde(rename = $world_kind)] $world($world),)+
            $(#[doc = $case_kind] #[serde(rename = $case_kind)] $case($case),)+
        }

        impl Event {
            /// Every kind.
            pub const KINDS: &[&str] = &[$($world_kind,)+ $($case_kind),+];

            /// The kind, in snake case and the past tense.
            pub const fn kind(&self) -> &'static str {
                match self {
                    $(Self::$world(_) => $world_kind,)+
                    $(Self::$case(_) => $case_kind,)+
                }
            }

            /// The body as JSON.
            pub fn body(&self) -> Json {
                let body = match self {
                    $(Self::$world(event) => serde_json::to_value(event),)+
                    $(Self::$case(event) => serde_json::to_value(event),)+
                };
                // Bodies are maps with text keys and finite numbers, which JSON can hold.
                body.expect("a body is JSON")
            }

            /// Reads an event from its written form, whose body is JSON.
            pub fn decode(kind: &str, version: u32, body: &str) -> Result<Self, DecodeError> {
                let read = match (kind, version) {
                    $(($world_kind, 1) => serde_json::from_str(body).map(Self::$world),)+
                    $(($case_kind, 1) => serde_json::from_str(body).map(Self::$case),)+
                    _ => return Err(DecodeError::Unknown { kind: kind.to_owned(), version }),
                };
                read.map_err(|fault| DecodeError::Body { kind: kind.to_owned(), version, fault })
            }

            /// The case an event is about, when it is about one that exists.
            pub fn case(&self) -> Option<&CaseId> {
                match self {
                    $(Self::$case(event) => Some(&event.case),)+
                    Self::CaseOpened(event) => Some(&event.case),
                    Self::FlagCreated(event) => Some(&event.case),
                    Self::DeputyActed(event) => event.case.as_ref(),
                    _ => None,
                }
            }

            pub(crate) fn apply(&self, state: &mut State, stamp: &Stamp) {
                if let Some(case) = self.case() {
                    state.count_time(case, stamp.at);
                }
                match self {
                    $(Self::$world(event) => event.apply(state, stamp),)+
                    $(Self::$case(event) => {
                        if let Some(case) = state.case_mut(&event.case) {
                            event.apply(case, stamp);
                            case.log_allocation(stamp.at);
                        }
                    })+
                }
            }
        }

        $(impl From<$world> for Event {
            fn from(event: $world) -> Self {
                Self::$world(event)
            }
        })+
        $(impl From<$case> for Event {
            fn from(event: $case) -> Self {
                Self::$case(event)
            }
        })+
    };
}

impl Event {
    /// The version of the written form.
    pub const fn version(&self) -> u32 {
        1
    }

    /// The lists of keys that what it sets refers to.
    pub fn kept_lists(&self) -> Vec<String> {
        match self {
            Self::FlagSetByHand(set) => {
                let targets = set.writing.authored.iter().flat_map(|authored| &authored.targets);
                targets.filter_map(|target| target.keys.kept()).map(str::to_owned).collect()
            }
            Self::SegmentSet(set) => set.holds.kept_lists().map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// The experiment that is run here, when an event is about one.
    pub const fn run(&self) -> Option<&ExperimentId> {
        match self {
            Self::RunPlanned(event) => Some(&event.experiment),
            Self::RunStarted(event) => Some(&event.experiment),
            Self::RunLooked(event) => Some(&event.experiment),
            Self::RunEnded(event) => Some(&event.experiment),
            _ => None,
        }
    }

    /// The stream of the journal it belongs to: its case, its run, or the noun it is about.
    pub fn stream(&self) -> String {
        match (self.case(), self.run()) {
            (Some(case), _) => format!("case/{case}"),
            (None, Some(run)) => format!("run/{run}"),
            (None, None) => match self.kind().split_once('_') {
                Some((noun, _)) => noun.to_owned(),
                None => self.kind().to_owned(),
            },
        }
    }
}

events! {
    world {
        RoleGranted = "role_granted";
        RoleRevoked = "role_revoked";
        TeamDefined = "team_defined";
        SuccessionProposed = "succession_proposed";
        SuccessionAccepted = "succession_accepted";
        CodebaseDefined = "codebase_defined";
        MetricDefined = "metric_defined";
        PolicySet = "policy_set";
        CalendarSet = "calendar_set";
        DeputyNamed = "deputy_named";
        DeputyRevoked = "deputy_revoked";
        DeputyActed = "deputy_acted";
        FlagSetByHand = "flag_set";
        FlagArchived = "flag_archived";
        FlagDescribed = "flag_described";
        SegmentSet = "segment_set";
        SegmentArchived = "segment_archived";
        EnvironmentSet = "environment_set";
        EnvironmentArchived = "environment_archived";
        ChangeProposed = "change_proposed";
        ChangeEdited = "change_edited";
        ChangeApproved = "change_approved";
        ChangeRejected = "change_rejected";
        ChangeWithdrawn = "change_withdrawn";
        ChangeApplied = "change_applied";
        CodeScanned = "code_scanned";
        FlagCreated = "flag_created";
        ExperimentRegistered = "experiment_registered";
        RunPlanned = "run_planned";
        RunStarted = "run_started";
        RunLooked = "run_looked";
        RunEnded = "run_ended";
        PlatformChangeRegistered = "platform_change_registered";
        CaseOpened = "case_opened";
    }
    case {
        OnusOffered = "onus_offered";
        OnusAccepted = "onus_accepted";
        DelegationOffered = "delegation_offered";
        DelegationAccepted = "delegation_accepted";
        DelegationRevoked = "delegation_revoked";
        ConsultationRequested = "consultation_requested";
        ConsultationAnswered = "consultation_answered";
        EstimateSubmitted = "estimate_submitted";
        CostBenefitSet = "cost_benefit_set";
        DecisionProposed = "decision_proposed";
        DecisionConfirmed = "decision_confirmed";
        DecisionTaken = "decision_taken";
        CaseParked = "case_parked";
        CaseResumed = "case_resumed";
        CaseResurfaced = "case_resurfaced";
        SuggestionDismissed = "suggestion_dismissed";
        SuggestionSnoozed = "suggestion_snoozed";
        ParkedReviewed = "parked_reviewed";
        CaseReopened = "case_reopened";
        BuyInRequested = "buy_in_requested";
        BuyInAnswered = "buy_in_answered";
        SignOffInvited = "sign_off_invited";
        InvitationRevoked = "invitation_revoked";
        QuestionAsked = "question_asked";
        QuestionAnswered = "question_answered";
        ConditionSatisfied = "condition_satisfied";
        BuyInFailed = "buy_in_failed";
        BuildingStarted = "building_started";
        DeviationLogged = "deviation_logged";
        DeviationRuled = "deviation_ruled";
        FollowUpAdded = "follow_up_added";
        FollowUpStarted = "follow_up_started";
        BacklogReserved = "backlog_reserved";
        BuilderAssigned = "builder_assigned";
        ItemRecorded = "item_recorded";
        EvidenceAttached = "evidence_attached";
        BuildingFinished = "building_finished";
        WarrantyProposed = "warranty_proposed";
        WarrantyAgreed = "warranty_agreed";
        WarrantyExtended = "warranty_extended";
        RolloutPlanSet = "rollout_plan_set";
        WaveStarted = "wave_started";
        ExposureHeld = "exposure_held";
        HoldReleased = "hold_released";
        MeasurementRecorded = "measurement_recorded";
        KeepAcknowledged = "keep_acknowledged";
        FeatureKept = "feature_kept";
        HoldbackEnded = "holdback_ended";
        IterationStarted = "iteration_started";
        RemovalStarted = "removal_started";
        CodebaseCleared = "codebase_cleared";
        CaseRemoved = "case_removed";
        KeepAffirmed = "keep_affirmed";
        BugReported = "bug_reported";
        BugFixed = "bug_fixed";
        BugDisputed = "bug_disputed";
        DisputeSettled = "dispute_settled";
        HandOverPrepared = "hand_over_prepared";
        HandOverAcknowledged = "hand_over_acknowledged";
        CaseClosed = "case_closed";
        NoticeGiven = "notice_given";
        CasePolicyChanged = "case_policy_changed";
    }
}
