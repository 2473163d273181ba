//! How the domain says no: a stable code, a sentence, who may, what is missing, and since when.
//!
//! A refusal is not an error. Its codes are one closed list, from which the reference page is made.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::deputy::StandIn;
use crate::id::AccountId;
use crate::narration::Names;
use crate::person::{Place, Seat};
use crate::state::State;

/// A command was not carried out, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// The stable code.
    pub code: RefusalCode,
    /// One sentence for a person.
    pub sentence: String,
    /// Who may do it instead, when the fault is who asked; else who can do what is missing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub who_may: Vec<WhoMay>,
    /// What has to be there first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Since when the obstacle stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// A seat that may do something, and the accounts that hold it now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WhoMay {
    /// The seat in words, such as `product owner of boards`.
    pub seat: String,
    /// The accounts that hold it; empty when nobody does.
    pub accounts: Vec<AccountId>,
    /// Those who act for one of them now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deputies: Vec<StandIn>,
}

impl WhoMay {
    /// Everybody who may, as a person reads it.
    pub fn names(&self) -> Vec<String> {
        self.names_with(&Names::default())
    }

    /// The same with people by their names.
    pub fn names_with(&self, names: &Names) -> Vec<String> {
        let deputy = |it: &StandIn| {
            format!("{} for {} until {}", names.of(&it.deputy), names.of(&it.acting_for), it.until)
        };
        let accounts = self.accounts.iter().map(|account| names.of(account).to_owned());
        accounts.chain(self.deputies.iter().map(deputy)).collect()
    }

    /// The accounts of everybody who may.
    pub fn told(&self) -> impl Iterator<Item = &AccountId> {
        self.accounts.iter().chain(self.deputies.iter().map(|it| &it.deputy))
    }
}

impl State {
    /// A seat in words, with the accounts that hold it and those who act for them.
    pub(crate) fn who_may(
        &self,
        seat: &Seat,
        words: String,
        place: Option<Place<'_>>,
        at: Timestamp,
    ) -> WhoMay {
        let (accounts, deputies) = (self.sitters(seat, place), self.stand_ins(seat, place, at));
        WhoMay { seat: words, accounts, deputies }
    }
}

impl Refusal {
    /// A refusal with a code and a sentence.
    pub fn new(code: RefusalCode, sentence: impl Into<String>) -> Self {
        Self { code, sentence: sentence.into(), who_may: Vec::new(), missing: Vec::new(), since: None }
    }

    /// Adds what has to be there first.
    pub fn missing<T: fmt::Display>(mut self, things: impl IntoIterator<Item = T>) -> Self {
        self.missing.extend(things.into_iter().map(|thing| thing.to_string()));
        self
    }

    /// Adds since when the obstacle stands.
    pub fn since(mut self, at: Timestamp) -> Self {
        self.since = Some(at);
        self
    }

    /// Adds who can clear the way.
    pub(crate) fn cleared_by(mut self, who: Vec<WhoMay>) -> Self {
        self.who_may = who;
        self
    }

    pub(crate) fn not_found(noun: &str, name: impl fmt::Display) -> Self {
        let refusal = Self::new(RefusalCode::NotFound, format!("there is no {noun} {name}"));
        let makes = match noun {
            "case" => "open_case",
            "experiment" => "register_experiment",
            "team" => "define_team",
            "codebase" => "define_codebase",
            "metric" => "define_metric",
            "account" => "grant_role",
            "platform change" => "register_platform_change",
            "bug" => "report_bug",
            "follow-up" => "add_follow_up",
            "flag" => "set_flag",
            "segment" => "set_segment",
            "environment" => "set_environment",
            "change request" => "propose_change",
            _ => return refusal,
        };
        refusal.missing([format!("{makes} {name}, unless another name was meant")])
    }

    pub(crate) fn exists(noun: &str, name: impl fmt::Display) -> Self {
        Self::new(RefusalCode::AlreadyExists, format!("{noun} {name} is there already"))
    }

    pub(crate) fn argument(sentence: impl Into<String>) -> Self {
        Self::new(RefusalCode::InvalidArgument, sentence)
    }

    pub(crate) fn wrong_state(sentence: impl Into<String>) -> Self {
        Self::new(RefusalCode::WrongState, sentence)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.code(), self.sentence)
    }
}

macro_rules! codes {
    ($($name:ident $code:literal $meaning:literal $remedy:literal;)+) => {
        /// Every reason the domain has to say no.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum RefusalCode {
            $(#[doc = $meaning] #[serde(rename = $code)] $name,)+
        }

        impl RefusalCode {
            /// Every code, in the order of the process.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The stable text of the code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// What the code means.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning),+ }
            }

            /// What to do about it.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy),+ }
            }
        }
    };
}

codes! {
    NotFound "not_found"
        "Something the command names does not exist, or is no part of this case."
        "Check the name; register or request the thing first.";
    AlreadyExists "already_exists"
        "Something with this name is there already."
        "Choose another name, or use what is there.";
    Forbidden "forbidden"
        "The account holds no role that may do this here."
        "Ask one of those who may, or have the role granted.";
    WrongState "wrong_state"
        "The case, or the thing in it, is not in a state in which this can happen."
        "Do what comes before it; the case's next action says what that is.";
    InvalidArgument "invalid_argument"
        "An argument has a value that cannot be meant."
        "Correct the argument the sentence names.";
    ExperimentNotSuccessful "experiment_not_successful"
        "A case needs a significant positive experiment, and this one is not."
        "Run the experiment to its planned end, or productionise another.";
    ExperimentTooOld "experiment_too_old"
        "The experiment ended too long ago to be trusted."
        "Run it again; when re-opening a case, an override with its reason is recorded instead.";
    NotLeadDeveloper "not_lead_developer"
        "Preparation can be delegated to a lead developer only."
        "Offer it to somebody who holds that role.";
    ConsultationOpen "consultation_open"
        "A product team was asked and has not answered."
        "Wait for the answer; silence is not one.";
    EstimateMissing "estimate_missing"
        "A codebase that an answer names has no estimate."
        "Submit an estimate for every codebase named.";
    CostBenefitMissing "cost_benefit_missing"
        "To proceed, a decision cites a cost/benefit, and there is none."
        "The product manager sets it from the estimates.";
    UnblockConditionMissing "unblock_condition_missing"
        "An idea is parked with the platform change that would bring it back, or with a review date."
        "Give tags of the change to wait for, or a review date.";
    VariationGoalsMissing "variation_goals_missing"
        "A re-run says which variations would be easier to implement, and none is given."
        "Give at least one variation goal.";
    InvitationVoid "invitation_void"
        "The invitation was answered, taken back, or has expired, or buy-in was asked for anew since."
        "Ask whoever sent it for another.";
    TooBigMakeFollowUp "too_big_make_follow_up"
        "A redesign is not a deviation: it would be another experiment."
        "Add it as a follow-up; it can start when this case is productionised.";
    DeviationBudgetExceeded "deviation_budget_exceeded"
        "The deviations together would go further from the experiment than the policy allows."
        "Leave something out, or make it a follow-up.";
    OriginalNotProductionised "original_not_productionised"
        "The original is not productionised, so nothing can be built on it."
        "Wait until the original is kept.";
    NoBacklogSlot "no_backlog_slot"
        "No space was made in the backlog for this iteration."
        "The development lead reserves days in the backlog.";
    ReasonMissing "reason_missing"
        "This needs a reason, and none is given."
        "Say why in one sentence.";
    NoFlag "no_flag"
        "The change is not wrapped in a feature flag."
        "A developer creates the flag.";
    OwnerProcessIncomplete "owner_process_incomplete"
        "An item of a codebase's owner process is neither passed nor waived."
        "Its codebase owners pass or waive each item.";
    IterationWithoutDeviation "iteration_without_deviation"
        "Measuring again needs something changed, and no deviation was logged in this iteration."
        "Log what was changed since the last measurement.";
    NoMeasuredWave "no_measured_wave"
        "A plan without a measured wave can have no verdict."
        "Give at least one wave of kind measure.";
    FullRolloutNeedsVerdict "full_rollout_needs_verdict"
        "Everyone sees it only after a verdict and a decision to keep it."
        "End the plan with a wave that leaves a control cohort.";
    NoControlCohort "no_control_cohort"
        "The wave exposes more than the treatment share leaves room for, so no control cohort could be kept."
        "Lower the wave, or raise the treatment share.";
    WarrantyNotAgreed "warranty_not_agreed"
        "A product team has not agreed the warranty."
        "The development lead proposes one; each product owner agrees.";
    BuyInNotCurrent "buy_in_not_current"
        "A product team has not signed off what would be exposed now."
        "Ask that team to answer again.";
    ConditionOpen "condition_open"
        "A sign-off was given on a condition that is not satisfied."
        "Its product owner confirms that the condition is satisfied.";
    Held "held"
        "Exposure is held."
        "Release the hold, or end it by iterating or removing.";
    BugOpen "bug_open"
        "A bug is open, so the hold stays."
        "Fix the bug first.";
    SafetyWaveHasNoVerdict "safety_wave_has_no_verdict"
        "A safety wave looks for harm; it has no verdict."
        "Start a measured wave first.";
    NegativeCannotBeKept "negative_cannot_be_kept"
        "A feature that was measured negative is never kept, whoever asks."
        "Iterate and measure again, or remove it.";
    NotAllowed "not_allowed"
        "The outcome does not allow this decision."
        "Choose one that it allows; the sentence says which.";
    JustificationIncomplete "justification_incomplete"
        "A justified keep says why, what it costs to maintain, who pays, and when it is reviewed."
        "Give what is missing.";
    PoAckMissing "po_ack_missing"
        "A justified keep needs the acknowledgement of a product owner."
        "Have a product owner of the case acknowledge it.";
    WarrantyRunning "warranty_running"
        "The warranty has not ended."
        "Close the case after the warranty's last day.";
    WarrantyBugOpen "warranty_bug_open"
        "A bug reported under the warranty is open."
        "The building team fixes it first.";
    FlagStillInCode "flag_still_in_code"
        "A codebase's owners have not confirmed that the flag is gone from the code, or its last scan still finds it."
        "Remove the flag; an owner of each codebase confirms it.";
    ApprovalRequired "approval_required"
        "Changes of flags in this environment are approved by others first."
        "Propose the same change as a change request.";
    ApprovalMissing "approval_missing"
        "The change request has fewer approvals than its environment asks for."
        "Have somebody who is no author of it approve it.";
    OwnChange "own_change"
        "An author of a change request does not approve it."
        "Ask somebody else who may change flags.";
    ChangedSince "changed_since"
        "The change request was edited, or what it changes was changed, since it was read."
        "Read it again; edit it where what it changes is different by now.";
    SegmentInUse "segment_in_use"
        "Rules of flags refer to the segment."
        "Change those flags first.";
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The reference page of refusal codes, in Markdown.
pub fn reference_page() -> String {
    let mut page = String::from(
        "# Refusal codes\n\n\
         A refusal is no error: the process says no, and the same object says so everywhere. It has a `code`, a `sentence`, \
         and where there is somebody or something to name: `who_may` (each seat with the accounts that hold it now, and the \
         deputies who act for them), `missing` (what has to be there or done first) and `since` (the instant since when it \
         is blocked).\n\n\
         | code | meaning | remedy |\n|---|---|---|\n",
    );
    for code in RefusalCode::ALL {
        page.push_str(&format!("| `{}` | {} | {} |\n", code.code(), code.meaning(), code.remedy()));
    }
    page
}
