//! Views: a case as people read it: next action and blocker, promise and delivery, and what may be done.
//!
//! Everything here is derived from the state; nothing here decides.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenure_stats::comparison::{Absolute, Relative};
use tenure_stats::replication::Label;
use tenure_stats::verdict::{Judged, Nuance};

use crate::baseline::{self, Cumulative};
use crate::case::{Case, Stage};
use crate::choice::Choice;
use crate::design::RolloutCost;
use crate::experiment::Experiment;
use crate::follow_up::FollowUpStatus;
use crate::hand_over::HandOverStatus;
use crate::id::{CaseId, CodebaseId, ExperimentId, FlagKey, FollowUpId, TeamId};
use crate::ledger_diff::LedgerDiff;
use crate::measurement::Verdict;
use crate::metric::MetricKind;
use crate::person::Actor;
use crate::rerun::RerunView;
use crate::sign_off::SignOffStatus;
use crate::state::State;
use crate::time::{Now, days_between};
use crate::waiting::{Until, Wait};
use crate::warranty::Accountable;
use crate::weighing::Payback;

/// A case in a list.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Summary {
    /// Its name.
    pub id: CaseId,
    /// The name of its experiment, for people.
    pub title: Option<String>,
    /// Its experiment.
    pub experiment: ExperimentId,
    /// The team that has the onus.
    pub team: TeamId,
    /// Where it is.
    pub stage: Stage,
    /// Since when.
    pub stage_since: Timestamp,
    /// Which iteration.
    pub iteration: u32,
    /// What comes next, and on whom it waits, in one line.
    pub next: Option<String>,
    /// The same, for programs.
    pub blocker: Option<Wait>,
    /// What it waits for that is time alone.
    pub until: Option<Until>,
    /// The share of all units that meet the feature, in percent.
    pub exposure_percent: f64,
    /// Whether exposure is held.
    pub held: bool,
    /// The verdict of the latest measurement.
    pub verdict: Option<Verdict>,
    /// Whether that was made outside.
    pub self_reported: bool,
    /// The key of its flag.
    pub flag: Option<FlagKey>,
    /// The last day of its warranty.
    pub warranty_ends: Option<Date>,
    /// What its metric is: the unit of every effect.
    #[serde(default)]
    pub metric_kind: Option<MetricKind>,
    /// What was won.
    pub promise: Option<Promise>,
    /// What was delivered.
    pub delivery: Option<Delivery>,
    /// Open platform-change suggestions.
    pub suggestions: usize,
    /// Open bugs.
    pub open_bugs: usize,
    /// Who answers for the feature today; nobody before the first exposure.
    pub accountable: Option<Accountable>,
    /// The teams of that side.
    pub accountable_teams: Vec<TeamId>,
}

/// What the experiment promised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Promise {
    /// The difference, in the metric's unit.
    pub absolute: Option<Absolute>,
    /// The lift.
    pub lift: Option<Relative>,
    /// The lift or difference less its selection, once a rollout is designed or measured.
    pub corrected: Option<f64>,
    /// Expected gain a year.
    pub benefit_per_year: Option<f64>,
    /// Where that is with 95 %.
    pub benefit_interval: Option<[f64; 2]>,
    /// Months until it has paid the building.
    pub payback_months: Option<f64>,
    /// That with its interval, and how likely it is within a year.
    pub payback: Option<Payback>,
}

/// What the rollout delivered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// The verdict.
    pub verdict: Verdict,
    /// What a "not significant" means.
    pub nuance: Option<Nuance>,
    /// The difference, in the metric's unit.
    pub absolute: Option<Absolute>,
    /// The lift.
    pub lift: Option<Relative>,
    /// Whether it is the same impact.
    pub replication: Option<Label>,
    /// The share of the corrected effect that was delivered.
    pub realised_share: Option<f64>,
    /// The gain a year that this share stands for.
    pub benefit_per_year: Option<f64>,
    /// Months until that has paid the building.
    pub payback_months: Option<f64>,
    /// Who measured it, when it was made outside.
    pub self_reported: Option<String>,
    /// The verdict in words.
    pub sentence: String,
}

/// The deviation ledger, weighed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fidelity {
    /// The sum of the weights.
    pub spent: u32,
    /// The largest sum the policy allows.
    pub budget: u32,
    /// 1 for a build that is exactly the experiment, 0 for one that used the budget up.
    pub fidelity: f64,
}

/// A sign-off, with where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SignOffView {
    /// Whose.
    pub team: TeamId,
    /// Where it stands.
    pub status: SignOffStatus,
    /// Whether the product owner is also a driver of the case.
    pub self_approved: bool,
    /// What changed in the deviation ledger since it was given.
    pub changed_since: Option<LedgerDiff>,
    /// The date the answer is promised by, while it is open.
    pub due: Option<Date>,
}

/// Who answers for the feature now.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct WarrantyView {
    /// Who is accountable today; nobody before the first exposure.
    pub accountable: Option<Accountable>,
    /// The teams that is.
    pub teams: Vec<TeamId>,
    /// Where the hand-over stands; none before its pack is drawn up.
    pub hand_over: Option<HandOverStatus>,
    /// The last day.
    pub ends: Option<Date>,
    /// Days until then; negative after it.
    pub days_left: Option<i64>,
}

/// A case, whole.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CaseView {
    /// Everything recorded of it.
    #[serde(flatten)]
    pub case: Case,
    /// Its experiment.
    pub of_experiment: Option<Experiment>,
    /// What comes next, and on whom it waits, in one line.
    pub next: Option<String>,
    /// Everything that waits on somebody.
    pub waits: Vec<Wait>,
    /// What it waits for that is time alone.
    pub until: Option<Until>,
    /// What was won.
    pub promise: Option<Promise>,
    /// What was delivered.
    pub delivery: Option<Delivery>,
    /// Why the weighing in force is stale, while it is.
    pub weighing_stale: Option<String>,
    /// What a rollout would cost that looks for the corrected effect, and for half of it; until one has started.
    pub rollout_cost: Vec<RolloutCost>,
    /// What the latest re-run was asked to make easier.
    pub rerun: Option<RerunView>,
    /// The share of all units that meet the feature, in percent.
    pub exposure_percent: f64,
    /// The share of all units that are admitted to either arm, in percent.
    pub admitted_percent: f64,
    /// The deviation ledger, weighed.
    pub fidelity: Fidelity,
    /// Sign-offs, with where they stand.
    pub sign_off_status: Vec<SignOffView>,
    /// Follow-ups, with where they stand.
    pub follow_up_status: BTreeMap<FollowUpId, FollowUpStatus>,
    /// Codebases in which the flag or the losing code still is.
    pub codebases_not_cleared: Vec<CodebaseId>,
    /// Who answers for it.
    pub accountability: WarrantyView,
    /// The chain of kept cases that led to it.
    pub lineage: Option<Cumulative>,
    /// Other cases that are rolled out on the same product surface now.
    pub collides_with: Vec<CaseId>,
    /// What the actor may do, and why not.
    pub choices: Vec<Choice>,
}

impl State {
    /// A case in a list.
    pub fn summary(&self, case: &Case, now: impl Into<Now>) -> Summary {
        let now = now.into();
        let (blocker, until) = (self.next(case, now), self.until(case, now));
        let latest = case.measurements.latest.as_ref();
        let owner = self.owner_at(case, now.at);
        Summary {
            id: case.id.clone(),
            title: self.experiments.get(&case.experiment).and_then(|experiment| experiment.title.clone()),
            experiment: case.experiment.clone(),
            team: case.team.clone(),
            stage: case.stage,
            stage_since: case.stage_since,
            iteration: case.iteration,
            next: blocker.as_ref().map(Wait::line).or_else(|| until.as_ref().map(Until::line)),
            blocker,
            until,
            exposure_percent: case.exposure_percent(),
            held: case.hold.is_some(),
            verdict: case.verdict(),
            self_reported: latest.is_some_and(|latest| latest.self_reported.is_some()),
            flag: case.flag.as_ref().map(|flag| flag.key.clone()),
            warranty_ends: case.warranty_ends(),
            metric_kind: self.experiments.get(&case.experiment).map(|experiment| experiment.metric.kind),
            promise: self.promise(case),
            delivery: self.delivery(case),
            suggestions: case.open_suggestions(|until| until <= self.today(case, now.at)).count(),
            open_bugs: case.open_bugs().count(),
            accountable: owner.as_ref().map(|owner| owner.side),
            accountable_teams: owner.map(|owner| owner.teams).unwrap_or_default(),
        }
    }

    /// A case, whole, as an actor sees it.
    pub fn view(&self, case: &Case, actor: &Actor, now: impl Into<Now>) -> CaseView {
        let now = now.into();
        let (waits, until) = (self.waits(case, now), self.until(case, now));
        CaseView {
            case: case.clone(),
            of_experiment: self.experiments.get(&case.experiment).cloned(),
            next: waits.first().map(Wait::line).or_else(|| until.as_ref().map(Until::line)),
            waits,
            until,
            promise: self.promise(case),
            delivery: self.delivery(case),
            weighing_stale: case.moved_since_weighed(self.policy_of(case)),
            rollout_cost: self.rollout_cost(case),
            rerun: case.rerun(),
            exposure_percent: case.exposure_percent(),
            admitted_percent: case.admitted_percent(),
            fidelity: self.fidelity(case),
            sign_off_status: case.sign_off_views(),
            follow_up_status: case.follow_up_statuses(),
            codebases_not_cleared: case.codebases_not_cleared(),
            accountability: WarrantyView {
                accountable: self.accountable_at(case, now.at),
                teams: self.owner_at(case, now.at).map(|owner| owner.teams).unwrap_or_default(),
                hand_over: case.hand_over_status(self.owner_date(case, now.at)),
                ends: case.warranty_ends(),
                days_left: case.warranty_ends().map(|ends| days_between(self.owner_date(case, now.at), ends)),
            },
            lineage: baseline::cumulative(self, case),
            collides_with: self.collisions(case),
            choices: self.choices(case, actor, now),
        }
    }

    /// What the experiment promised.
    pub fn promise(&self, case: &Case) -> Option<Promise> {
        let experiment = self.experiments.get(&case.experiment)?;
        let Judged { absolute, lift, .. } = &experiment.judged;
        let measured = case.measurements.latest.as_ref().and_then(|latest| latest.replication.as_ref());
        let designed = case.measurements.design.as_ref().map(|design| design.corrected.estimate);
        let weighing = case.cost_benefit.as_ref();
        let reckoned = weighing.and_then(|weighing| weighing.weighing.as_ref());
        Some(Promise {
            absolute: *absolute,
            lift: *lift,
            corrected: measured.map(|replication| replication.corrected.estimate).or(designed),
            benefit_per_year: weighing.map(|weighing| weighing.benefit_per_year),
            benefit_interval: reckoned.map(|weighing| weighing.benefit_per_year.interval),
            payback_months: weighing.and_then(|weighing| weighing.payback_months(1.0)),
            payback: reckoned.map(|weighing| weighing.payback),
        })
    }

    /// What the rollout delivered; before it is judged, what the latest look says.
    pub fn delivery(&self, case: &Case) -> Option<Delivery> {
        let latest = case.measurements.latest.as_ref()?;
        let replication = latest.replication.as_ref();
        let share = case.realised_share();
        let weighing = case.cost_benefit.as_ref();
        Some(Delivery {
            verdict: latest.verdict,
            nuance: latest.judged.nuance,
            absolute: latest.judged.absolute,
            lift: latest.judged.lift,
            replication: replication.map(|replication| replication.label),
            realised_share: share,
            benefit_per_year: weighing.zip(share).map(|(weighing, share)| weighing.benefit_per_year * share),
            payback_months: weighing.zip(share).and_then(|(weighing, share)| weighing.payback_months(share)),
            self_reported: latest.self_reported.clone(),
            sentence: latest.judged.sentence.clone(),
        })
    }

    /// What a rollout would cost: as it was reckoned with the weighing in force, or without an audience before that.
    fn rollout_cost(&self, case: &Case) -> Vec<RolloutCost> {
        if case.first_exposed.is_some() {
            return Vec::new();
        }
        let weighed = case.cost_benefit.as_ref().and_then(|weighed| weighed.weighing.as_ref());
        let reckoned = || {
            let experiment = self.experiments.get(&case.experiment)?;
            RolloutCost::of(experiment, self.policy_of(case).alpha, None).ok()
        };
        weighed.map(|weighing| weighing.rollout.clone()).or_else(reckoned).unwrap_or_default()
    }

    pub(crate) fn fidelity(&self, case: &Case) -> Fidelity {
        let (spent, budget) = (case.ledger.spent(), self.policy_of(case).deviation_budget);
        let used = if spent == 0 { 0.0 } else { f64::from(spent) / f64::from(budget.max(1)) };
        Fidelity { spent, budget, fidelity: (1.0 - used).max(0.0) }
    }
}

impl Case {
    /// The share of the corrected effect that the rollout delivered, by the latest measurement.
    pub fn realised_share(&self) -> Option<f64> {
        let latest = self.measurements.latest.as_ref()?;
        latest.replication.as_ref().map(|replication| replication.retained)
    }

    /// Every team's sign-off, with where it stands.
    pub(crate) fn sign_off_views(&self) -> Vec<SignOffView> {
        let view = |team: TeamId| {
            let sign_off = self.sign_offs.get(&team);
            let answered = sign_off.and_then(|sign_off| sign_off.answered.as_ref());
            let status = self.sign_off_status(&team);
            let open = matches!(status, SignOffStatus::Requested | SignOffStatus::Stale);
            SignOffView {
                status,
                changed_since: self.changed_since_sign_off(&team),
                due: sign_off.filter(|_| open).map(|sign_off| sign_off.due),
                self_approved: answered.is_some_and(|answered| answered.self_approved),
                team,
            }
        };
        self.teams().into_iter().map(view).collect()
    }

    /// Where each follow-up stands.
    pub(crate) fn follow_up_statuses(&self) -> BTreeMap<FollowUpId, FollowUpStatus> {
        let status = |follow_up| self.follow_up_status(follow_up);
        self.follow_ups.iter().map(|(id, follow_up)| (id.clone(), status(follow_up))).collect()
    }
}
