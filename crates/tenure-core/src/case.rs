//! The case: the productionisation of one winning experiment, the aggregate that owns everything below it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::accountability::{Tenure, Term};
use crate::bug::Bug;
use crate::building::Backlog;
use crate::calendar::Calendar;
use crate::codebase::{Checklist, stated};
use crate::consultation::Consultation;
use crate::cost_benefit::CostBenefit;
use crate::decide::Ask;
use crate::decision::{Decision, OpenProposal};
use crate::delegation::Delegation;
use crate::deviation::Ledger;
use crate::estimate::Estimate;
use crate::event::Event;
use crate::experiment::{Experiment, REGISTRARS, RunResult};
use crate::flag::CaseFlag;
use crate::follow_up::FollowUp;
use crate::hand_over::HandOver;
use crate::hold::Hold;
use crate::id::{
    AccountId, BugId, CaseId, CodebaseId, ExperimentId, FollowUpId, InvitationId, PlatformChangeId, TeamId,
};
use crate::invitation::Invitation;
use crate::measurement::{Measurements, Verdict, verdict_name};
use crate::outcome::{Acknowledgement, Kept};
use crate::pace::Pace;
use crate::person::{DRIVERS, Place, Seat};
use crate::platform_change::Snooze;
use crate::policy::Policy;
use crate::refusal::{Refusal, RefusalCode};
use crate::rollout::{Allocation, Plan, Running};
use crate::sign_off::SignOff;
use crate::state::State;
use crate::time::{Stamp, days_between, days_later};
use crate::warranty::Warranty;

/// Where a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Consulting, estimating, weighing.
    Preparation,
    /// Asleep, until something makes it easier.
    Parked,
    /// The experiment runs again with easier variations.
    Rerunning,
    /// Winning over the product teams.
    BuyIn,
    /// Being built by the owners' process.
    Building,
    /// Built; nobody has met it in this iteration.
    Ready,
    /// Some customers meet it.
    RollingOut,
    /// Measured; what happens with it is open.
    Outcome,
    /// Kept; under warranty.
    Productionised,
    /// On its way out of the code.
    Removing,
    /// Kept, and handed over. Terminal.
    Closed,
    /// Out of the code. Terminal.
    Removed,
    /// Given up before anybody met it. Terminal.
    Retired,
}

impl Stage {
    /// Every stage, in the order of the process.
    pub const ALL: [Self; 13] = [
        Self::Preparation,
        Self::Parked,
        Self::Rerunning,
        Self::BuyIn,
        Self::Building,
        Self::Ready,
        Self::RollingOut,
        Self::Outcome,
        Self::Productionised,
        Self::Removing,
        Self::Closed,
        Self::Removed,
        Self::Retired,
    ];

    /// The stage's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Preparation => "preparation",
            Self::Parked => "parked",
            Self::Rerunning => "rerunning",
            Self::BuyIn => "buy_in",
            Self::Building => "building",
            Self::Ready => "ready",
            Self::RollingOut => "rolling_out",
            Self::Outcome => "outcome",
            Self::Productionised => "productionised",
            Self::Removing => "removing",
            Self::Closed => "closed",
            Self::Removed => "removed",
            Self::Retired => "retired",
        }
    }

    /// The stage as people read it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Rerunning => "re-running",
            Self::BuyIn => "buy-in",
            Self::RollingOut => "rolling out",
            _ => self.name(),
        }
    }

    /// Whether nothing follows.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Closed | Self::Removed | Self::Retired)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a case is asleep, and what wakes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Parked {
    /// Why.
    pub reason: String,
    /// Tags of the platform change that would bring it back.
    pub unblock: BTreeSet<String>,
    /// When it is looked at again.
    pub review_on: Option<Date>,
    /// Since when, and by whom.
    pub since: Stamp,
}

/// The productionisation of one winning experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Case {
    /// Its name.
    pub id: CaseId,
    /// What it productionises now: the experiment it was opened for, or a re-run that took its place.
    pub experiment: ExperimentId,
    /// The experiments before it, oldest first.
    pub earlier_experiments: Vec<ExperimentId>,
    /// The team that has the onus: the experiment's, until another accepts it.
    pub team: TeamId,
    /// The teams that had it before, oldest first.
    pub earlier_teams: Vec<Tenure>,
    /// The team the onus is offered to.
    pub onus_offered: Option<(TeamId, Stamp)>,
    /// The revision of the policy it was opened under.
    pub policy: usize,
    /// The team whose policy of that revision it goes by, when that team differed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_of: Option<TeamId>,
    /// The policy it was changed to while it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_policy: Option<Box<Policy>>,
    /// When it was opened, and by whom.
    pub opened: Stamp,
    /// Where it is.
    pub stage: Stage,
    /// Since when.
    pub stage_since: Timestamp,
    /// 1 until it is built again after a measurement.
    pub iteration: u32,
    /// Things that were warned about, oldest first.
    pub warnings: Vec<String>,

    /// Preparation handed to a lead developer.
    pub delegation: Option<Delegation>,
    /// Product teams asked for advice.
    pub consultations: BTreeMap<TeamId, Consultation>,
    /// Cost by codebase.
    pub estimates: BTreeMap<CodebaseId, Estimate>,
    /// The weighing in force.
    pub cost_benefit: Option<CostBenefit>,
    /// How many weighings there were.
    pub cost_benefit_versions: u32,
    /// A decision that waits for confirmations.
    pub proposal: Option<OpenProposal>,
    /// Decisions taken, oldest first.
    pub decisions: Vec<Decision>,
    /// Why it is asleep, while it is.
    pub parked: Option<Parked>,
    /// Platform changes that may have made it easier, oldest first.
    pub suggestions: Vec<PlatformChangeId>,
    /// Suggestions that were put off.
    pub snoozed: BTreeMap<PlatformChangeId, Snooze>,
    /// Platform changes that were said not to help; they never return.
    pub dismissed: BTreeSet<PlatformChangeId>,
    /// Why, where somebody said it.
    pub dismissal_reasons: BTreeMap<PlatformChangeId, String>,
    /// Every platform change that was ever suggested.
    pub resurfaced_by: BTreeSet<PlatformChangeId>,
    /// Platform changes that it was re-opened because of.
    pub reopened_for: BTreeSet<PlatformChangeId>,
    /// When it was withdrawn, and by whom.
    pub withdrawn: Option<Stamp>,

    /// Product teams whose buy-in was ever asked for; once relevant, a team stays so.
    pub asked: BTreeSet<TeamId>,
    /// Buy-in by product team.
    pub sign_offs: BTreeMap<TeamId, SignOff>,
    /// People without an account who were invited to answer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub invitations: BTreeMap<InvitationId, Invitation>,
    /// Changes from the experiment.
    pub ledger: Ledger,
    /// Ideas for next experiments.
    pub follow_ups: BTreeMap<FollowUpId, FollowUp>,
    /// Space made in the backlog for this iteration.
    pub backlog: Option<Backlog>,
    /// Who builds.
    pub builders: BTreeSet<AccountId>,
    /// The flag it is wrapped in.
    pub flag: Option<CaseFlag>,
    /// The owner process of each codebase in this iteration.
    pub checklists: BTreeMap<CodebaseId, Checklist>,

    /// The warranty.
    pub warranty: Option<Warranty>,
    /// Warranties that were cut short because it was built again, oldest first.
    pub earlier_warranties: Vec<Term>,
    /// What the product owners were given before the warranty ends.
    pub hand_over: Option<HandOver>,
    /// The plan by which the flag is raised.
    pub plan: Option<Plan>,
    /// The wave that runs.
    pub running: Option<Running>,
    /// Why exposure is at 0, while it is held.
    pub hold: Option<Hold>,
    /// What the flag showed to whom; append-only.
    pub allocations: Vec<Allocation>,
    /// When the first customer could meet it.
    pub first_exposed: Option<Timestamp>,
    /// The date of that.
    pub first_exposed_on: Option<Date>,
    /// What was measured.
    pub measurements: Measurements,
    /// A product owner's acknowledgement of a justified keep in this iteration.
    pub acknowledgement: Option<Acknowledgement>,
    /// The keep decision, while it holds.
    pub kept: Option<Kept>,
    /// Bugs found in the wild.
    pub bugs: BTreeMap<BugId, Bug>,
    /// Codebases whose owners confirmed that the flag and the losing code are gone.
    pub cleared: BTreeMap<CodebaseId, Stamp>,
    /// Deadlines that were said to be near or missed, so that each is said once.
    pub notices: BTreeSet<String>,
    /// Where its time went.
    pub pace: Pace,
}

impl Case {
    /// The place in which seats of this case are looked for.
    pub fn place(&self) -> Place<'_> {
        Place { team: &self.team, case: Some(&self.id) }
    }

    /// Whether any customer meets it now.
    pub fn is_exposing(&self) -> bool {
        self.exposure_percent() > 0.0
    }

    /// The verdict of the latest measurement, judged or not.
    pub fn verdict(&self) -> Option<Verdict> {
        self.measurements.latest.as_ref().map(|latest| latest.verdict)
    }

    pub(crate) fn enter(&mut self, stage: Stage, stamp: &Stamp) {
        if stage != Stage::Parked {
            self.parked = None;
            self.suggestions.clear();
            self.snoozed.clear();
        }
        if !matches!(stage, Stage::RollingOut | Stage::Outcome | Stage::Productionised) {
            self.hold = None;
        }
        if stage.is_terminal() || stage == Stage::Removing {
            self.proposal = None;
        }
        if stage == Stage::Removing {
            self.kept = None;
            self.cleared.clear();
        }
        self.drop_preparation_proposal();
        self.stage = stage;
        self.stage_since = stamp.at;
    }

    /// Estimates, cost/benefit and sign-offs start afresh; so does the slot in the backlog of a case that was parked while
    /// it was built.
    fn prepare_afresh(&mut self, stamp: &Stamp) {
        self.backlog = None;
        self.estimates.clear();
        self.cost_benefit = None;
        self.sign_offs.clear();
        self.delegation = None;
        self.enter(Stage::Preparation, stamp);
    }
}

/// Opens a case for a winning experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OpenCase {
    /// Its name.
    pub case: CaseId,
    /// Which experiment.
    pub experiment: ExperimentId,
}

/// Wakes a parked case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReopenCase {
    /// Which.
    pub case: CaseId,
    /// Why the experiment is trusted in spite of its age; `true` when no more is to be said.
    #[serde(default, rename = "override")]
    pub age_override: Option<AgeOverride>,
    /// The platform change that made it easier: accepts its suggestion.
    #[serde(default)]
    pub platform_change: Option<PlatformChangeId>,
}

/// An override of the age rule: a reason, or just that it is meant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "override is a reason, or true")]
pub enum AgeOverride {
    /// That it is meant.
    Meant(bool),
    /// Why.
    Because(String),
}

impl AgeOverride {
    fn reason(&self) -> Option<String> {
        match self {
            Self::Meant(true) => Some("no reason given".to_owned()),
            Self::Meant(false) => None,
            Self::Because(reason) => stated(Some(reason)).map(str::to_owned),
        }
    }
}

/// Closes a kept case after its warranty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CloseCase {
    /// Which.
    pub case: CaseId,
}

/// A case was opened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseOpened {
    /// Its name.
    pub case: CaseId,
    /// Which experiment.
    pub experiment: ExperimentId,
    /// The team that has the onus.
    pub team: TeamId,
    /// The revision of the policy that holds for it.
    pub policy: usize,
    /// The team whose policy of that revision holds for it, when that team differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_of: Option<TeamId>,
    /// What is to be watched, such as the experiment's age.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// A parked case was woken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseReopened {
    /// Which.
    pub case: CaseId,
    /// What is to be watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// Why the age rule was set aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_override: Option<String>,
    /// The platform change that made it easier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_change: Option<PlatformChangeId>,
}

/// A re-run won: the case goes on with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseResumed {
    /// Which.
    pub case: CaseId,
    /// The experiment that takes the place of the one before.
    pub experiment: ExperimentId,
}

/// A re-run did not win: the case parks itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseParked {
    /// Which.
    pub case: CaseId,
    /// Why.
    pub reason: String,
    /// When it is looked at again.
    pub review_on: Date,
}

/// A case was closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseClosed {
    /// Which.
    pub case: CaseId,
}

/// What the age rule says: nothing, a warning, or a refusal.
fn age_warning(
    policy: &Policy,
    experiment: &Experiment,
    calendar: &Calendar<'_>,
    at: Timestamp,
) -> Result<Option<String>, Refusal> {
    let age = days_between(experiment.ended, calendar.date(at));
    if age > i64::from(policy.stale_block_days) {
        return Err(Refusal::new(
            RefusalCode::ExperimentTooOld,
            format!(
                "the experiment ended {age} days ago on {}; more than {} is too old",
                experiment.ended, policy.stale_block_days
            ),
        )
        .since(calendar.ends(days_later(experiment.ended, i64::from(policy.stale_block_days)))));
    }
    Ok((age > i64::from(policy.stale_warn_days))
        .then(|| format!("the experiment ended {age} days ago; products and funnels change")))
}

impl OpenCase {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let experiment = ask.experiment(&self.experiment)?;
        let place = Place { team: &experiment.team, case: Some(&self.case) };
        ask.seated(&DRIVERS.map(Seat::Role), Some(place), "open a case for this team's experiment")?;
        if let Some(there) = ask.state.cases.get(&self.case) {
            return Err(Refusal::exists("case", &self.case).since(there.opened.at));
        }
        let twin = ask.state.all_cases().find(|case| {
            case.experiment == self.experiment && !matches!(case.stage, Stage::Removed | Stage::Retired)
        });
        if let Some(twin) = twin {
            return Err(Refusal::exists("a case for this experiment,", &twin.id).since(twin.opened.at));
        }
        if !experiment.is_successful() {
            return Err(Refusal::new(
                RefusalCode::ExperimentNotSuccessful,
                format!(
                    "experiment {} is {}: {}",
                    self.experiment,
                    verdict_name(experiment.judged.verdict),
                    experiment.judged.sentence
                ),
            )
            .missing(["register_experiment: one with a significant positive result"])
            .cleared_by(ask.who_may(&REGISTRARS.map(Seat::Role), Some(place)))
            .since(experiment.registered.at));
        }
        let warning = age_warning(
            ask.state.policy_for(&experiment.team),
            experiment,
            &ask.state.calendar(&experiment.team),
            ask.now.at,
        )
        .map_err(|too_old| {
            let who = ask.who_may(&REGISTRARS.map(Seat::Role), Some(place));
            too_old.missing(["register_experiment: one that ended lately"]).cleared_by(who)
        })?;
        let early = experiment.run.as_ref().and_then(RunResult::warning);
        let warnings: Vec<String> = warning.into_iter().chain(early).collect();
        Ok(vec![
            CaseOpened {
                case: self.case.clone(),
                experiment: self.experiment.clone(),
                team: experiment.team.clone(),
                policy: ask.state.policies.len() - 1,
                policy_of: ask.state.policies.last().and_then(|revision| {
                    revision.teams.contains_key(&experiment.team).then(|| experiment.team.clone())
                }),
                warning: (!warnings.is_empty()).then(|| warnings.join("; ")),
            }
            .into(),
        ])
    }
}

impl ReopenCase {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        if let Some(change) = &self.platform_change
            && !ask.state.platform_changes.contains_key(change)
        {
            return Err(Refusal::not_found("platform change", change));
        }
        ask.may(case, &DRIVERS.map(Seat::Role), "re-open the case")?;
        ask.stage(case, &[Stage::Parked])?;
        let experiment = ask.experiment(&case.experiment)?;
        let age_override = self.age_override.as_ref().and_then(AgeOverride::reason);
        let (warning, age_override) = match (
            age_warning(ask.state.policy_of(case), experiment, &ask.state.calendar_of(case), ask.now.at),
            age_override,
        ) {
            (Ok(warning), _) => (warning, None),
            (Err(too_old), Some(reason)) => (Some(too_old.sentence), Some(reason)),
            (Err(too_old), None) => {
                let who = ask.who_may(&DRIVERS.map(Seat::Role), Some(case.place()));
                let missing = ["override: why it is trusted all the same"];
                return Err(too_old.missing(missing).cleared_by(who));
            }
        };
        let platform_change = self.platform_change.clone();
        Ok(vec![CaseReopened { case: self.case.clone(), warning, age_override, platform_change }.into()])
    }
}

impl CloseCase {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let case = ask.case(&self.case)?;
        ask.may(case, &DRIVERS.map(Seat::Role), "close the case")?;
        ask.stage(case, &[Stage::Productionised])?;
        if let Some(last) = case.warranty_ends().filter(|last| ask.owner_date(case) <= *last) {
            return Err(Refusal::new(
                RefusalCode::WarrantyRunning,
                format!("the warranty runs through {last}"),
            ));
        }
        let bugs = case.open_warranty_bugs();
        if !bugs.is_empty() {
            let names = bugs.iter().map(ToString::to_string).collect::<Vec<_>>();
            return Err(Refusal::new(
                RefusalCode::WarrantyBugOpen,
                format!("{} was reported under the warranty and is open", names.join(" and ")),
            )
            .missing(names.iter().map(|name| format!("fix_bug {name}"))));
        }
        let flagged = case.codebases_not_cleared();
        if !flagged.is_empty() {
            return Err(Refusal::new(
                RefusalCode::FlagStillInCode,
                format!(
                    "the flag is still in {}",
                    flagged.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
                ),
            )
            .missing(
                flagged.iter().map(|codebase| format!("confirm_removed by a codebase owner of {codebase}")),
            ));
        }
        if let Some(hold) = &case.hold {
            return Err(Refusal::new(RefusalCode::Held, hold.cause.sentence()).since(hold.since.at));
        }
        Ok(vec![CaseClosed { case: self.case.clone() }.into()])
    }
}

impl CaseOpened {
    pub(crate) fn apply(&self, state: &mut State, stamp: &Stamp) {
        let case = Case {
            id: self.case.clone(),
            experiment: self.experiment.clone(),
            earlier_experiments: Vec::new(),
            team: self.team.clone(),
            earlier_teams: Vec::new(),
            onus_offered: None,
            policy: self.policy,
            policy_of: self.policy_of.clone(),
            own_policy: None,
            opened: stamp.clone(),
            stage: Stage::Preparation,
            stage_since: stamp.at,
            iteration: 1,
            warnings: self.warning.iter().cloned().collect(),
            delegation: None,
            consultations: BTreeMap::new(),
            estimates: BTreeMap::new(),
            cost_benefit: None,
            cost_benefit_versions: 0,
            proposal: None,
            decisions: Vec::new(),
            parked: None,
            suggestions: Vec::new(),
            snoozed: BTreeMap::new(),
            dismissed: BTreeSet::new(),
            dismissal_reasons: BTreeMap::new(),
            resurfaced_by: BTreeSet::new(),
            reopened_for: BTreeSet::new(),
            withdrawn: None,
            asked: BTreeSet::new(),
            sign_offs: BTreeMap::new(),
            invitations: BTreeMap::new(),
            ledger: Ledger::default(),
            follow_ups: BTreeMap::new(),
            backlog: None,
            builders: BTreeSet::new(),
            flag: None,
            checklists: BTreeMap::new(),
            warranty: None,
            earlier_warranties: Vec::new(),
            hand_over: None,
            plan: None,
            running: None,
            hold: None,
            allocations: Vec::new(),
            first_exposed: None,
            first_exposed_on: None,
            measurements: Measurements::default(),
            acknowledgement: None,
            kept: None,
            bugs: BTreeMap::new(),
            cleared: BTreeMap::new(),
            notices: BTreeSet::new(),
            pace: Pace::from(stamp.at),
        };
        state.cases.insert(self.case.clone(), Arc::new(case));
    }
}

impl CaseReopened {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        case.warnings.extend(self.warning.clone());
        case.withdrawn = None;
        case.reopened_for.extend(self.platform_change.clone());
        case.prepare_afresh(stamp);
    }
}

impl CaseResumed {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        let before = std::mem::replace(&mut case.experiment, self.experiment.clone());
        case.earlier_experiments.push(before);
        case.prepare_afresh(stamp);
    }
}

impl CaseParked {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        case.parked = Some(Parked {
            reason: self.reason.clone(),
            unblock: BTreeSet::new(),
            review_on: Some(self.review_on),
            since: stamp.clone(),
        });
        case.enter(Stage::Parked, stamp);
    }
}

impl CaseClosed {
    pub(crate) fn apply(&self, case: &mut Case, stamp: &Stamp) {
        case.enter(Stage::Closed, stamp);
    }
}
