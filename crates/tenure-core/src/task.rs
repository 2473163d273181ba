//! Tasks: what a case waits for, of whom, since when and by which promise, in each of its stages.
//!
//! The one source of a case's next action, of everybody's desk, of the deadlines that escalate and of where the time
//! went. It borrows, and puts nothing in words until it is asked to: it is asked of every case for every desk.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value as Json, json};

use crate::case::{Case, Stage};
use crate::codebase::Checklist;
use crate::decision::DecisionKind;
use crate::dispute::Claim;
use crate::hold::Hold;
use crate::id::{AccountId, BugId, CodebaseId, PlatformChangeId, TeamId};
use crate::measurement::Verdict;
use crate::person::{BUY_IN_ASKERS, DRIVERS, Role, Seat};
use crate::policy::Policy;
use crate::question::Question;
use crate::sign_off::SignOffStatus;
use crate::state::State;
use crate::time::{Moment, days_later, months_later};
use crate::warranty::Accountable;

/// Something that is open.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Open<'a> {
    pub task: Task<'a>,
    /// Since when.
    pub since: Timestamp,
    /// By when.
    pub promise: Promise,
}

/// When a task is promised to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Nobody promised.
    None,
    /// By a date.
    By(Date),
    /// In so many working days from when it was opened.
    Within(u32),
}

/// What is open, by the one it is about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Task<'a> {
    ConfirmDecision { kind: DecisionKind, role: Role },
    AcceptOnus { team: &'a TeamId },
    AcceptSuccession { of: TeamId, successor: &'a TeamId, seat: Seat },
    AcceptDelegation { to: &'a AccountId },
    Consult,
    AnswerConsultation { team: &'a TeamId },
    Estimate { codebase: CodebaseId },
    Weigh,
    WeighAgain { moved: String },
    Decide,
    ConsiderChange { change: &'a PlatformChangeId },
    ReviewParked,
    RunAgain,
    AnswerQuestion { team: &'a TeamId, question: &'a Question },
    AskBuyIn { team: TeamId },
    AnswerBuyIn { team: TeamId },
    RenewSignOff { team: TeamId },
    SettleWith { team: TeamId },
    SatisfyCondition { team: &'a TeamId, condition: &'a str },
    ProposeWarranty,
    AgreeWarranty { team: TeamId, months: u32 },
    ReserveBacklog,
    CreateFlag,
    RespondTo { codebase: &'a CodebaseId, item: &'a str },
    PassItems { codebase: &'a CodebaseId, items: Vec<&'a str>, shown: bool },
    LogChange,
    FinishBuilding,
    PlanRollout,
    StartFirstWave,
    RaiseTo { percent: f64, by_itself: bool },
    Measure { by_itself: bool },
    Release { hold: &'a Hold },
    DecideOutcome { verdict: Option<Verdict> },
    ReviewKeep,
    ClearCode { codebase: CodebaseId },
    Close,
    FixBug { bug: &'a BugId, accountable: Accountable },
    SettleDispute { bug: &'a BugId, seats: Vec<Seat>, team: Option<&'a TeamId> },
    AcknowledgeHandOver { team: TeamId },
}

pub(crate) const PLANNERS: [Role; 2] = [Role::DevelopmentLead, Role::ProductManager];
pub(crate) const BUILDERS: [Role; 2] = [Role::Developer, Role::DevelopmentLead];

fn roles(roles: impl IntoIterator<Item = Role>) -> Vec<Seat> {
    roles.into_iter().map(Seat::Role).collect()
}

impl Task<'_> {
    /// The command that does it.
    pub fn command(&self) -> &'static str {
        match self {
            Self::ConfirmDecision { .. } => "confirm_decision",
            Self::AcceptOnus { .. } => "accept_onus",
            Self::AcceptDelegation { .. } => "accept_delegation",
            Self::Consult => "request_consultation",
            Self::AnswerConsultation { .. } => "answer_consultation",
            Self::Estimate { .. } => "submit_estimate",
            Self::Weigh | Self::WeighAgain { .. } => "set_cost_benefit",
            Self::Decide => "decide",
            Self::ConsiderChange { .. } => "reopen_case",
            Self::ReviewParked => "review_parked",
            Self::RunAgain => "register_experiment",
            Self::AnswerQuestion { .. } => "answer_question",
            Self::AskBuyIn { .. } | Self::SettleWith { .. } => "request_buy_in",
            Self::AnswerBuyIn { .. } | Self::RenewSignOff { .. } => "answer_buy_in",
            Self::SatisfyCondition { .. } => "satisfy_condition",
            Self::ProposeWarranty => "propose_warranty",
            Self::AgreeWarranty { .. } => "agree_warranty",
            Self::ReserveBacklog => "reserve_backlog",
            Self::CreateFlag => "create_flag",
            Self::RespondTo { .. } | Self::PassItems { .. } => "checklist",
            Self::LogChange => "log_deviation",
            Self::FinishBuilding => "finish_building",
            Self::PlanRollout => "set_rollout_plan",
            Self::StartFirstWave | Self::RaiseTo { .. } => "start_wave",
            Self::Measure { .. } => "record_measurement",
            Self::Release { .. } => "release_hold",
            Self::DecideOutcome { .. } => "decide_outcome",
            Self::ReviewKeep => "review_keep",
            Self::ClearCode { .. } => "confirm_removed",
            Self::Close => "close_case",
            Self::FixBug { .. } => "fix_bug",
            Self::SettleDispute { .. } => "settle_dispute",
            Self::AcknowledgeHandOver { .. } => "acknowledge_hand_over",
            Self::AcceptSuccession { .. } => "accept_succession",
        }
    }

    /// The seats that may do it.
    pub fn seats(&self, case: &Case) -> Vec<Seat> {
        match self {
            Self::ConfirmDecision { role, .. } => vec![Seat::Role(*role)],
            Self::AcceptOnus { .. } | Self::ProposeWarranty | Self::ReserveBacklog => {
                vec![Seat::Role(Role::DevelopmentLead)]
            }
            Self::AcceptDelegation { to } => vec![Seat::Account((*to).clone())],
            Self::Consult | Self::Estimate { .. } => case.preparers(),
            Self::AnswerConsultation { team } | Self::SatisfyCondition { team, .. } => {
                vec![Seat::ProductOwner((*team).clone())]
            }
            Self::AnswerBuyIn { team } | Self::RenewSignOff { team } | Self::AgreeWarranty { team, .. } => {
                vec![Seat::ProductOwner(team.clone())]
            }
            Self::Weigh | Self::WeighAgain { .. } => vec![Seat::Role(Role::ProductManager)],
            Self::AnswerQuestion { .. } | Self::AskBuyIn { .. } | Self::SettleWith { .. } => {
                roles(BUY_IN_ASKERS)
            }
            Self::CreateFlag => vec![Seat::Role(Role::Developer)],
            Self::RespondTo { codebase, .. } | Self::PassItems { codebase, .. } => {
                vec![Seat::CodebaseOwner((*codebase).clone())]
            }
            Self::ClearCode { codebase } => vec![Seat::CodebaseOwner(codebase.clone())],
            Self::LogChange => roles([Role::Developer, Role::Designer]),
            Self::FinishBuilding => roles(BUILDERS),
            Self::PlanRollout | Self::StartFirstWave => roles(PLANNERS),
            Self::RaiseTo { by_itself: true, .. } | Self::Measure { by_itself: true } => vec![Seat::System],
            Self::RaiseTo { .. } => roles(PLANNERS),
            Self::Measure { .. } => roles([Role::ProductManager, Role::Importer]),
            Self::FixBug { accountable, .. } => case.fixers(*accountable),
            Self::SettleDispute { seats, .. } => seats.clone(),
            Self::AcknowledgeHandOver { team } => vec![Seat::ProductOwner(team.clone())],
            Self::AcceptSuccession { seat, .. } => vec![seat.clone()],
            Self::Decide
            | Self::ConsiderChange { .. }
            | Self::ReviewParked
            | Self::RunAgain
            | Self::Release { .. }
            | Self::DecideOutcome { .. }
            | Self::ReviewKeep
            | Self::Close => roles(DRIVERS),
        }
    }

    /// The team in whose place the seats are held, when it is not the case's own.
    pub fn team(&self) -> Option<&TeamId> {
        match self {
            Self::AcceptOnus { team } => Some(team),
            Self::AcceptSuccession { successor, .. } => Some(successor),
            Self::SettleDispute { team, .. } => *team,
            _ => None,
        }
    }

    /// The team by whose days it is promised, when it is not the case's own. The days of a codebase's owners are those of
    /// the product team that named it.
    pub fn days_of<'a>(&'a self, case: &'a Case) -> Option<&'a TeamId> {
        let naming = |codebase: &CodebaseId| {
            let mut named = case.consultations.iter().filter(|(_, one)| one.codebases.contains(codebase));
            named.next().map(|(team, _)| team)
        };
        match self {
            Self::AcceptOnus { team }
            | Self::AnswerConsultation { team }
            | Self::SatisfyCondition { team, .. } => Some(team),
            Self::AnswerBuyIn { team }
            | Self::RenewSignOff { team }
            | Self::AgreeWarranty { team, .. }
            | Self::AcknowledgeHandOver { team } => Some(team),
            Self::RespondTo { codebase, .. } | Self::PassItems { codebase, .. } => naming(codebase),
            Self::ClearCode { codebase } => naming(codebase),
            _ => None,
        }
    }

    /// Whether its date is that of a review: when it begins, not by when it should be done.
    pub fn is_review(&self) -> bool {
        matches!(self, Self::ReviewParked | Self::ReviewKeep)
    }

    /// What to do, in words that follow "to".
    pub fn what(&self, stage: Stage) -> String {
        match self {
            Self::ConfirmDecision { kind, .. } => format!("confirm the decision to {}", kind.verb()),
            Self::AcceptOnus { team } => format!("accept the case for {team}"),
            Self::AcceptDelegation { .. } => "accept the delegation".to_owned(),
            Self::Consult => "consult the product teams concerned".to_owned(),
            Self::AnswerConsultation { team } => format!("answer the consultation for {team}"),
            Self::Estimate { codebase } => format!("estimate {codebase}"),
            Self::Weigh => "weigh cost and benefit".to_owned(),
            Self::WeighAgain { moved } => format!("weigh cost and benefit again: {moved}"),
            Self::Decide => "decide to proceed, park or re-run".to_owned(),
            Self::ConsiderChange { change } => {
                format!("say whether {change} makes it easier: re-open it, or dismiss the suggestion")
            }
            Self::ReviewParked => "look at the parked idea again".to_owned(),
            Self::RunAgain => "run the experiment again and register its result".to_owned(),
            Self::AnswerQuestion { team, question } => {
                format!("answer question {} of {team}: {}", question.number, question.question)
            }
            Self::AskBuyIn { team } => format!("ask {team} for buy-in"),
            Self::AnswerBuyIn { team } => format!("answer buy-in for {team}"),
            Self::RenewSignOff { team } => {
                format!("renew the sign-off of {team}, which an adjustment made stale")
            }
            Self::SettleWith { team } => format!("settle with {team} what it asked for, and ask again"),
            Self::SatisfyCondition { condition, .. } => {
                format!("confirm that the condition is satisfied: {condition}")
            }
            Self::ProposeWarranty => "propose a warranty".to_owned(),
            Self::AgreeWarranty { team, months } => {
                format!("agree the warranty of {months} months for {team}")
            }
            Self::ReserveBacklog => "make space in the backlog".to_owned(),
            Self::CreateFlag => "wrap the change in a flag".to_owned(),
            Self::RespondTo { codebase, item } => format!("respond to {item} of {codebase}"),
            Self::PassItems { codebase, items, .. } => {
                format!("pass or waive {} of {codebase}", items.join(", "))
            }
            Self::LogChange => "log what is changed in this iteration".to_owned(),
            Self::FinishBuilding => "say that building is finished".to_owned(),
            Self::PlanRollout => "plan the rollout".to_owned(),
            Self::StartFirstWave => "start the first wave".to_owned(),
            Self::RaiseTo { percent, .. } => format!("raise exposure to {percent} %"),
            Self::Measure { .. } => "measure until there is a verdict".to_owned(),
            Self::Release { hold } => {
                format!("release the hold, iterate or remove: {}", hold.cause.sentence())
            }
            Self::DecideOutcome { verdict: Some(Verdict::Negative) } => {
                "iterate or remove: it cannot be kept".to_owned()
            }
            Self::DecideOutcome { verdict: Some(Verdict::Positive) } => "keep it, or say why not".to_owned(),
            Self::DecideOutcome { .. } => "justify keeping it, iterate or remove".to_owned(),
            Self::ReviewKeep => {
                "review the justified keep: affirm it with a new date, or remove it".to_owned()
            }
            Self::ClearCode { codebase } if stage == Stage::Removing => {
                format!("take the code out of {codebase} and confirm it")
            }
            Self::ClearCode { codebase } => {
                format!("take the flag and the losing code out of {codebase} and confirm it")
            }
            Self::Close => "close the case: the warranty is over".to_owned(),
            Self::FixBug { bug, .. } => format!("fix bug {bug}"),
            Self::SettleDispute { bug, .. } => format!("settle whose bug {bug} is"),
            Self::AcknowledgeHandOver { team } => {
                format!("read the hand-over pack and acknowledge it for {team}")
            }
            Self::AcceptSuccession { of, successor, .. } => {
                format!("accept the place of {of}, which is dissolved, for {successor}")
            }
        }
    }

    /// The arguments of the command that are known, beside the case.
    pub fn known(&self, case: &Case) -> Json {
        match self {
            Self::AnswerConsultation { team } => json!({ "team": team }),
            Self::SatisfyCondition { team, condition } => json!({ "team": team, "condition": condition }),
            Self::AnswerQuestion { team, question } => json!({ "team": team, "number": question.number }),
            Self::AskBuyIn { team }
            | Self::AnswerBuyIn { team }
            | Self::RenewSignOff { team }
            | Self::SettleWith { team }
            | Self::AgreeWarranty { team, .. } => json!({ "team": team }),
            Self::Estimate { codebase } | Self::ClearCode { codebase } => json!({ "codebase": codebase }),
            Self::RespondTo { codebase, item } => json!({ "codebase": codebase, "item": item }),
            Self::PassItems { codebase, items, .. } => json!({ "codebase": codebase, "item": items.first() }),
            Self::ConsiderChange { change } => json!({ "platform_change": change }),
            Self::RunAgain => json!({ "parent": case.experiment, "team": case.team }),
            Self::FixBug { bug, .. } | Self::SettleDispute { bug, .. } => json!({ "bug": bug }),
            Self::AcknowledgeHandOver { team } => json!({ "team": team }),
            Self::AcceptSuccession { of, .. } => json!({ "team": of }),
            _ => json!({}),
        }
    }

    /// The arguments that whoever answers has to give.
    pub fn asked(&self) -> &'static [&'static str] {
        match self {
            Self::Consult => &["team"],
            Self::AnswerConsultation { .. } => &["codebases"],
            Self::Estimate { .. } => &["days", "maintenance_days_per_year"],
            Self::Weigh | Self::WeighAgain { .. } => &["audience_per_year", "value_per_unit", "day_rate"],
            Self::Decide => &["kind", "reason"],
            Self::RunAgain => &["experiment", "ended", "measurement"],
            Self::AnswerQuestion { .. } => &["reply"],
            Self::AnswerBuyIn { .. } | Self::RenewSignOff { .. } => &["answer"],
            Self::ProposeWarranty => &["months"],
            Self::ReserveBacklog => &["days"],
            Self::CreateFlag => &["key"],
            Self::RespondTo { .. } | Self::PassItems { .. } => &["result"],
            Self::LogChange => &["kind", "description"],
            Self::PlanRollout => &["waves"],
            Self::Measure { .. } => &["measurement"],
            Self::DecideOutcome { .. } => &["kind"],
            Self::ReviewKeep => &["kind", "review_on"],
            _ => &[],
        }
    }
}

/// What a case waits for, the most pressing first.
pub(crate) fn open<'a>(state: &'a State, case: &'a Case, moment: &Moment) -> Vec<Open<'a>> {
    let mut list = List { state, case, policy: state.policy_of(case), moment, open: Vec::new() };
    list.decisions();
    match case.stage {
        Stage::Preparation => list.preparation(),
        Stage::Parked => list.parked(),
        Stage::Rerunning => list.add(Task::RunAgain, case.stage_since, Promise::None),
        Stage::BuyIn => list.sign_offs(),
        Stage::Building => list.building(),
        Stage::Ready => list.ready(),
        Stage::RollingOut => list.rolling_out(),
        Stage::Outcome => list.outcome(),
        Stage::Productionised => list.productionised(),
        Stage::Removing => list.code(case.stage_since, Promise::None),
        Stage::Closed | Stage::Removed | Stage::Retired => {}
    }
    list.bugs();
    list.open
}

struct List<'a, 'm> {
    state: &'a State,
    case: &'a Case,
    policy: &'a Policy,
    moment: &'m Moment,
    open: Vec<Open<'a>>,
}

impl<'a> List<'a, '_> {
    fn add(&mut self, task: Task<'a>, since: Timestamp, promise: Promise) {
        self.open.push(Open { task, since, promise });
    }

    /// Whether a date has begun for the team that has the onus.
    fn has_begun(&self, date: Date) -> bool {
        self.state.calendar_of(self.case).has_begun(date, self.moment)
    }

    fn decisions(&mut self) {
        let case = self.case;
        if let Some(proposal) = &case.proposal {
            // A proposal to proceed on a weighing that is stale cannot be confirmed: it is weighed again.
            let kind = proposal.proposal.kind;
            let stale = kind == DecisionKind::Proceed && case.moved_since_weighed(self.policy).is_some();
            let weighing = case.cost_benefit.as_ref().filter(|_| case.stage == Stage::Preparation);
            let promise = weighing.map_or(Promise::None, |weighing| Promise::By(weighing.decide_by));
            for role in case.unconfirmed(self.policy).into_iter().filter(|_| !stale) {
                self.add(Task::ConfirmDecision { kind, role }, proposal.proposed.at, promise);
            }
        }
        if let Some((team, offered)) = case.onus_offered.as_ref().filter(|_| !case.stage.is_terminal()) {
            self.add(Task::AcceptOnus { team }, offered.at, Promise::None);
        }
        if !self.state.successions.is_empty() && !matches!(case.stage, Stage::Removed | Stage::Retired) {
            self.successions();
        }
    }

    fn successions(&mut self) {
        let (state, case) = (self.state, self.case);
        if let Some(moving) = state.successions.get(&case.team).filter(|moving| moving.onus.is_none()) {
            let (of, seat) = (case.team.clone(), Seat::Role(Role::DevelopmentLead));
            let task = Task::AcceptSuccession { of, successor: &moving.successor, seat };
            self.add(task, moving.proposed.at, Promise::None);
        }
        for team in case.teams() {
            let heir = state.product_heir(&team);
            if let Some(moving) = state.successions.get(heir).filter(|moving| moving.product.is_none()) {
                let seat = Seat::ProductOwner(moving.successor.clone());
                let task = Task::AcceptSuccession { of: heir.clone(), successor: &moving.successor, seat };
                self.add(task, moving.proposed.at, Promise::None);
            }
        }
    }

    fn preparation(&mut self) {
        let case = self.case;
        if let Some(delegation) = case.delegation.as_ref().filter(|delegation| delegation.accepted.is_none())
        {
            self.add(Task::AcceptDelegation { to: &delegation.to }, delegation.offered.at, Promise::None);
        }
        if case.consultations.is_empty() {
            self.add(Task::Consult, case.stage_since, Promise::None);
            return;
        }
        let mut unanswered = false;
        for (team, asked) in case.open_consultations() {
            unanswered = true;
            self.add(Task::AnswerConsultation { team }, asked.asked.at, Promise::By(asked.due));
        }
        let answered =
            case.consultations.values().filter_map(|one| one.answered.as_ref()).map(|stamp| stamp.at).max();
        let named = answered.unwrap_or(case.stage_since).max(case.stage_since);
        let unestimated = case.unestimated();
        let wait = unanswered || !unestimated.is_empty();
        for codebase in unestimated {
            self.add(Task::Estimate { codebase }, named, Promise::Within(self.policy.deadlines.estimate));
        }
        if wait {
            return;
        }
        let estimated = case.estimates.values().map(|estimate| estimate.stamp.at).max().unwrap_or(named);
        match (&case.cost_benefit, case.moved_since_weighed(self.policy)) {
            (None, _) => self.add(Task::Weigh, estimated, Promise::None),
            (Some(_), Some(moved)) => self.add(Task::WeighAgain { moved }, estimated, Promise::None),
            (Some(weighing), None) if case.proposal.is_none() => {
                self.add(Task::Decide, weighing.stamp.at, Promise::By(weighing.decide_by));
            }
            (Some(_), None) => {}
        }
    }

    fn parked(&mut self) {
        let case = self.case;
        let since = case.parked.as_ref().map_or(case.stage_since, |parked| parked.since.at);
        let open: Vec<_> = case.open_suggestions(|until| self.has_begun(until)).collect();
        for change in open {
            let landed = self.state.platform_changes.get(change).map_or(since, |change| change.stamp.at);
            let promise = case.snoozed.get(change).map_or(Promise::None, |snooze| Promise::By(snooze.until));
            self.add(Task::ConsiderChange { change }, landed, promise);
        }
        let review = case.parked.as_ref().and_then(|parked| parked.review_on);
        let every = self.policy.deadlines.parked_review_months;
        if let Some(review) = review.and_then(|first| self.latest_review(first, every)) {
            self.add(Task::ReviewParked, since, Promise::By(review));
        }
    }

    fn sign_offs(&mut self) {
        let case = self.case;
        for (team, question) in case.open_questions() {
            let promise =
                case.sign_offs.get(team).map_or(Promise::None, |sign_off| Promise::By(sign_off.due));
            self.add(Task::AnswerQuestion { team, question }, question.asked.at, promise);
        }
        for team in case.teams() {
            match (case.sign_off_status(&team), case.sign_offs.get(&team)) {
                (SignOffStatus::Approved, _) => {}
                (SignOffStatus::Requested, Some(sign_off)) => {
                    self.add(Task::AnswerBuyIn { team }, sign_off.asked.at, Promise::By(sign_off.due));
                }
                (SignOffStatus::Stale, _) => {
                    let adjusted =
                        case.ledger.deviations.last().map_or(case.stage_since, |last| last.stamp.at);
                    let promise = Promise::Within(self.policy.deadlines.buy_in);
                    self.add(Task::RenewSignOff { team }, adjusted, promise);
                }
                (SignOffStatus::ChangesRequested | SignOffStatus::Refused, Some(sign_off)) => {
                    let answered =
                        sign_off.answered.as_ref().map_or(sign_off.asked.at, |answer| answer.stamp.at);
                    self.add(Task::SettleWith { team }, answered, Promise::None);
                }
                _ => self.add(Task::AskBuyIn { team }, case.stage_since, Promise::None),
            }
        }
        for (team, sign_off) in &case.sign_offs {
            let Some(answered) = &sign_off.answered else { continue };
            for condition in answered.conditions.iter().filter(|condition| condition.satisfied.is_none()) {
                let condition = condition.text.as_str();
                self.add(Task::SatisfyCondition { team, condition }, answered.stamp.at, Promise::None);
            }
        }
    }

    fn warranty(&mut self) {
        let case = self.case;
        let Some(warranty) = &case.warranty else {
            self.add(Task::ProposeWarranty, case.stage_since, Promise::None);
            return;
        };
        for team in case.teams_without_warranty() {
            let task = Task::AgreeWarranty { team, months: warranty.months };
            self.add(task, warranty.proposed.at, Promise::None);
        }
    }

    fn building(&mut self) {
        let case = self.case;
        let Some(backlog) = &case.backlog else {
            self.add(Task::ReserveBacklog, case.stage_since, Promise::None);
            self.sign_offs();
            return;
        };
        let (started, before) = (backlog.stamp.at, self.open.len());
        if case.flag.is_none() {
            self.add(Task::CreateFlag, started, Promise::None);
        }
        for (codebase, checklist) in &case.checklists {
            self.items(codebase, checklist, started);
        }
        let changed = case.ledger.deviations.iter().any(|deviation| deviation.iteration == case.iteration);
        if case.iteration > 1 && !changed {
            self.add(Task::LogChange, started, Promise::None);
        }
        if self.open.len() == before {
            self.add(Task::FinishBuilding, started, Promise::None);
        }
        self.sign_offs();
        self.warranty();
    }

    /// What the codebase's owners are waited on for: what they were asked for by evidence has a promise, the rest none.
    fn items(&mut self, codebase: &'a CodebaseId, checklist: &'a Checklist, started: Timestamp) {
        let mut items = Vec::new();
        for item in checklist.items.iter().filter(|item| !item.is_done()) {
            match item.asked().zip(item.promise(&self.policy.deadlines)) {
                Some((asked, days)) => {
                    self.add(Task::RespondTo { codebase, item: &item.name }, asked, Promise::Within(days));
                }
                None => items.push(item.name.as_str()),
            }
        }
        if !items.is_empty() {
            let attempts = checklist.items.iter().flat_map(|item| &item.attempts);
            let tried = attempts.map(|attempt| attempt.stamp.at).max();
            let shown = checklist.items.iter().any(|item| !item.is_done() && item.asked().is_some());
            self.add(Task::PassItems { codebase, items, shown }, tried.unwrap_or(started), Promise::None);
        }
    }

    fn ready(&mut self) {
        let (case, before) = (self.case, self.open.len());
        self.sign_offs();
        self.warranty();
        if case.plan.is_none() {
            self.add(Task::PlanRollout, case.stage_since, Promise::None);
        } else if self.open.len() == before {
            self.add(Task::StartFirstWave, case.stage_since, Promise::None);
        }
    }

    fn rolling_out(&mut self) {
        let case = self.case;
        if self.held() {
            return;
        }
        let (Some(plan), Some(running)) = (&case.plan, &case.running) else { return };
        match plan.waves.get(running.wave + 1) {
            Some(wave) => {
                let by_itself = plan.automatic && !wave.approval;
                let task = Task::RaiseTo { percent: wave.percent, by_itself };
                self.add(task, running.since, Promise::None);
            }
            None => self.add(Task::Measure { by_itself: plan.automatic }, running.since, Promise::None),
        }
    }

    fn held(&mut self) -> bool {
        let Some(hold) = &self.case.hold else { return false };
        self.add(Task::Release { hold }, hold.since.at, Promise::None);
        true
    }

    fn outcome(&mut self) {
        let (case, deadlines) = (self.case, &self.policy.deadlines);
        let verdict = case.verdict();
        let days = match verdict {
            Some(Verdict::Negative) => deadlines.negative_outcome,
            _ => deadlines.outcome,
        };
        self.held();
        self.add(Task::DecideOutcome { verdict }, case.stage_since, Promise::Within(days));
    }

    fn productionised(&mut self) {
        let case = self.case;
        self.held();
        let Some(kept) = &case.kept else { return };
        self.code(kept.stamp.at, Promise::By(kept.flag_gone_by));
        if let Some(review) = kept.review(&self.policy.deadlines).filter(|review| self.has_begun(*review)) {
            self.add(Task::ReviewKeep, kept.stamp.at, Promise::By(review));
        }
        let days = self.state.calendar_of(case);
        let handing_over = case.hand_over.as_ref().filter(|it| !days.is_over(it.ends, self.moment));
        if let Some(hand_over) = handing_over {
            for team in case.teams_without_hand_over() {
                let promise = Promise::By(hand_over.ends);
                self.add(Task::AcknowledgeHandOver { team }, hand_over.prepared.at, promise);
            }
        }
        let over = |last| self.state.owners_have_begun(case, days_later(last, 1), self.moment);
        let clear = case.hold.is_none() && case.codebases_not_cleared().is_empty();
        if clear && case.open_warranty_bugs().is_empty() && case.warranty_ends().is_some_and(over) {
            self.add(Task::Close, case.stage_since, Promise::None);
        }
    }

    /// The latest of the reviews that fall every so many months from the first on, when it has come.
    fn latest_review(&self, first: Date, months: u32) -> Option<Date> {
        let reviews = (0_u32..1_200).map(|nth| months_later(first, nth.saturating_mul(months.max(1))));
        reviews.take_while(|review| self.has_begun(*review)).last()
    }

    fn code(&mut self, since: Timestamp, promise: Promise) {
        for codebase in self.case.codebases_not_cleared() {
            self.add(Task::ClearCode { codebase }, since, promise);
        }
    }

    fn bugs(&mut self) {
        for (bug, report) in self.case.open_bugs() {
            let accountable = report.accountable;
            self.add(Task::FixBug { bug, accountable }, report.reported.at, Promise::None);
            if let Some(dispute) = report.open_dispute() {
                if matches!(dispute.claim, Claim::BelongsTo(_)) {
                    self.moment.passes();
                }
                let (seats, team) = dispute.settlers(self.state, self.case, report);
                self.add(Task::SettleDispute { bug, seats, team }, dispute.raised.at, Promise::None);
            }
        }
    }
}
