//! What is blocking: who is waited on, for what, since when, and by which promise. The one source of a case's
//! next action, of everybody's desk and of the deadlines that escalate.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::case::{Case, Stage};
use crate::id::{CaseId, TeamId};
use crate::measurement::Verdict;
use crate::person::{Actor, BUY_IN_ASKERS, DRIVERS, Place, Role, Seat};
use crate::policy::Policy;
use crate::refusal::WhoMay;
use crate::sign_off::SignOffStatus;
use crate::state::State;
use crate::time::{Now, working_days_later};
use crate::warranty::Accountable;

/// Something that waits on somebody.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Wait {
    /// In which case.
    pub case: CaseId,
    /// What to do, in words.
    pub what: String,
    /// The command that does it.
    pub command: &'static str,
    /// Who may do it.
    pub who: Vec<WhoMay>,
    /// Since when it waits.
    pub since: Timestamp,
    /// The date it is promised by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Date>,
    /// Whether that date has passed.
    pub overdue: bool,
    /// The seats that may do it.
    #[serde(skip)]
    pub seats: Vec<Seat>,
    /// The team whose seats they are, when it is not the case's own.
    #[serde(skip)]
    team: Option<TeamId>,
}

impl Wait {
    fn place<'a>(&'a self, case: &'a Case) -> Place<'a> {
        Place { team: self.team.as_ref().unwrap_or(&case.team), case: Some(&case.id) }
    }

    /// The line a person reads: who, what, since when, which promise.
    pub fn line(&self) -> String {
        let who: Vec<String> = self
            .who
            .iter()
            .map(|who| match who.accounts.as_slice() {
                [] if self.seats.contains(&Seat::System) => who.seat.clone(),
                [] => format!("{} (nobody holds it)", who.seat),
                accounts => {
                    let names = accounts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
                    if names == who.seat { names } else { format!("{} ({names})", who.seat) }
                }
            })
            .collect();
        let since = TimeZone::UTC.to_datetime(self.since).date();
        let promise = match self.due {
            Some(due) if self.overdue => format!(", promised by {due} and late"),
            Some(due) => format!(", promised by {due}"),
            None => String::new(),
        };
        format!("{} to {}, since {since}{promise}", who.join(" or "), self.what)
    }
}

impl State {
    /// What waits on somebody in a case, the most pressing first.
    pub fn waits(&self, case: &Case, now: impl Into<Now>) -> Vec<Wait> {
        let mut waits = self.unnamed_waits(case, now.into());
        for wait in &mut waits {
            self.name(case, wait);
        }
        waits
    }

    /// What comes next in a case.
    pub fn next(&self, case: &Case, now: impl Into<Now>) -> Option<Wait> {
        let mut next = self.unnamed_waits(case, now.into()).into_iter().next()?;
        self.name(case, &mut next);
        Some(next)
    }

    /// Whether a promise in a case is broken.
    pub fn is_late(&self, case: &Case, now: impl Into<Now>) -> bool {
        self.unnamed_waits(case, now.into()).iter().any(|wait| wait.overdue)
    }

    /// What waits on an actor, oldest first.
    pub fn desk(&self, actor: &Actor, now: impl Into<Now>) -> Vec<Wait> {
        let now = now.into();
        let mut mine = Vec::new();
        for case in self.cases.values() {
            for mut wait in self.unnamed_waits(case, now) {
                let place = wait.place(case);
                if wait.seats.iter().any(|seat| self.sits(actor, seat, Some(place))) {
                    self.name(case, &mut wait);
                    mine.push(wait);
                }
            }
        }
        mine.sort_by_key(|wait| wait.since);
        mine
    }

    /// Says who holds the seats. Left out until it is read: it goes through all people.
    fn name(&self, case: &Case, wait: &mut Wait) {
        let of = |seat: &Seat| match &wait.team {
            Some(team) => format!("{seat} of {team}"),
            None => seat.to_string(),
        };
        let place = wait.place(case);
        wait.who = wait
            .seats
            .iter()
            .map(|seat| WhoMay { seat: of(seat), accounts: self.sitters(seat, Some(place)) })
            .collect();
    }

    fn unnamed_waits(&self, case: &Case, now: Now) -> Vec<Wait> {
        let mut list = List { state: self, case, policy: self.policy_of(case), now, waits: Vec::new() };
        list.decisions();
        match case.stage {
            Stage::Preparation => list.preparation(),
            Stage::Parked => list.parked(),
            Stage::Rerunning => list.rerunning(),
            Stage::BuyIn => list.sign_offs(),
            Stage::Building => list.building(),
            Stage::Ready => list.ready(),
            Stage::RollingOut => list.rolling_out(),
            Stage::Outcome => list.outcome(),
            Stage::Productionised => list.productionised(),
            Stage::Removing => list.removal(),
            Stage::Closed | Stage::Removed | Stage::Retired => {}
        }
        list.bugs();
        list.waits
    }
}

struct List<'a> {
    state: &'a State,
    case: &'a Case,
    policy: &'a Policy,
    now: Now,
    waits: Vec<Wait>,
}

const PLANNERS: [Role; 2] = [Role::DevelopmentLead, Role::ProductManager];

fn roles<const N: usize>(roles: [Role; N]) -> Vec<Seat> {
    roles.map(Seat::Role).to_vec()
}

impl List<'_> {
    fn add(
        &mut self,
        command: &'static str,
        what: String,
        seats: Vec<Seat>,
        since: Timestamp,
        due: Option<Date>,
    ) {
        let overdue = due.is_some_and(|due| self.now.today > due);
        self.waits.push(Wait {
            case: self.case.id.clone(),
            what,
            command,
            who: Vec::new(),
            since,
            due,
            overdue,
            seats,
            team: None,
        });
    }

    /// The date so many working days after an instant.
    fn after(&self, at: Timestamp, working_days: u32) -> Option<Date> {
        let date = TimeZone::UTC.to_datetime(at).date();
        Some(working_days_later(date, working_days, &self.policy.holidays))
    }

    fn decisions(&mut self) {
        if let Some(open) = &self.case.proposal {
            let kind = format!("{:?}", open.proposal.kind).to_lowercase();
            let seats: Vec<Seat> = self.case.unconfirmed(self.policy).into_iter().map(Seat::Role).collect();
            for seat in seats {
                self.add(
                    "confirm_decision",
                    format!("confirm the decision to {kind}"),
                    vec![seat],
                    open.proposed.at,
                    None,
                );
            }
        }
        if let Some((team, offered)) = &self.case.onus_offered {
            let what = format!("accept the case for {team}");
            self.add("accept_onus", what, roles([Role::DevelopmentLead]), offered.at, None);
            if let Some(wait) = self.waits.last_mut() {
                wait.team = Some(team.clone());
            }
        }
    }

    fn preparation(&mut self) {
        let case = self.case;
        if let Some(delegation) = case.delegation.as_ref().filter(|delegation| delegation.accepted.is_none())
        {
            let seats = vec![Seat::Account(delegation.to.clone())];
            self.add(
                "accept_delegation",
                "accept the delegation".to_owned(),
                seats,
                delegation.offered.at,
                None,
            );
        }
        if case.consultations.is_empty() {
            let what = "consult the product teams concerned".to_owned();
            self.add("request_consultation", what, case.preparers(), case.stage_since, None);
            return;
        }
        for (team, open) in case.open_consultations() {
            let what = format!("answer the consultation for {team}");
            self.add(
                "answer_consultation",
                what,
                vec![Seat::ProductOwner(team.clone())],
                open.asked.at,
                Some(open.due),
            );
        }
        let answered =
            case.consultations.values().filter_map(|one| one.answered.as_ref()).map(|stamp| stamp.at).max();
        let named = answered.unwrap_or(case.stage_since).max(case.stage_since);
        let unestimated = case.unestimated();
        for codebase in &unestimated {
            let due = self.after(named, self.policy.deadlines.estimate);
            self.add("submit_estimate", format!("estimate {codebase}"), case.preparers(), named, due);
        }
        if !unestimated.is_empty() || case.open_consultations().next().is_some() {
            return;
        }
        let estimated = case.estimates.values().map(|estimate| estimate.stamp.at).max().unwrap_or(named);
        match &case.cost_benefit {
            None => {
                let what = "weigh cost and benefit".to_owned();
                self.add("set_cost_benefit", what, roles([Role::ProductManager]), estimated, None);
            }
            Some(weighing) if case.proposal.is_none() => {
                let what = "decide to proceed, park or re-run".to_owned();
                self.add("decide", what, roles(DRIVERS), weighing.stamp.at, Some(weighing.decide_by));
            }
            Some(_) => {}
        }
    }

    fn parked(&mut self) {
        let case = self.case;
        let since = case.parked.as_ref().map_or(case.stage_since, |parked| parked.since.at);
        for change in &case.suggestions {
            let landed = self.state.platform_changes.get(change).map_or(since, |change| change.stamp.at);
            let what = format!("say whether {change} makes it easier: re-open it, or dismiss the suggestion");
            self.add("reopen_case", what, roles(DRIVERS), landed, None);
        }
        let review = case.parked.as_ref().and_then(|parked| parked.review_on);
        if let Some(review) = review.filter(|review| *review <= self.now.today) {
            self.add(
                "reopen_case",
                "look at the parked idea again".to_owned(),
                roles(DRIVERS),
                since,
                Some(review),
            );
        }
    }

    fn rerunning(&mut self) {
        let what = "run the experiment again and register its result".to_owned();
        self.add("register_experiment", what, roles(DRIVERS), self.case.stage_since, None);
    }

    fn sign_offs(&mut self) {
        let case = self.case;
        for (team, question) in case.open_questions() {
            let due = case.sign_offs.get(team).map(|sign_off| sign_off.due);
            let what = format!("answer question {} of {team}: {}", question.number, question.question);
            self.add("answer_question", what, roles(BUY_IN_ASKERS), question.asked.at, due);
        }
        for team in case.teams() {
            let owner = vec![Seat::ProductOwner(team.clone())];
            let asked = case.sign_offs.get(&team);
            match (case.sign_off_status(&team), asked) {
                (SignOffStatus::Approved, _) => {}
                (SignOffStatus::Requested, Some(sign_off)) => {
                    let what = format!("answer buy-in for {team}");
                    self.add("answer_buy_in", what, owner, sign_off.asked.at, Some(sign_off.due));
                }
                (SignOffStatus::Stale, _) => {
                    let what = format!("renew the sign-off of {team}, which an adjustment made stale");
                    let adjusted =
                        case.ledger.deviations.last().map_or(case.stage_since, |last| last.stamp.at);
                    let due = self.after(adjusted, self.policy.deadlines.buy_in);
                    self.add("answer_buy_in", what, owner, adjusted, due);
                }
                (SignOffStatus::ChangesRequested | SignOffStatus::Refused, Some(sign_off)) => {
                    let answered =
                        sign_off.answered.as_ref().map_or(sign_off.asked.at, |answer| answer.stamp.at);
                    let what = format!("settle with {team} what it asked for, and ask again");
                    self.add("request_buy_in", what, roles(BUY_IN_ASKERS), answered, None);
                }
                _ => {
                    let what = format!("ask {team} for buy-in");
                    self.add("request_buy_in", what, roles(BUY_IN_ASKERS), case.stage_since, None);
                }
            }
        }
        for (team, sign_off) in &case.sign_offs {
            let Some(answered) = &sign_off.answered else { continue };
            for condition in answered.conditions.iter().filter(|condition| condition.satisfied.is_none()) {
                let what = format!("confirm that the condition is satisfied: {}", condition.text);
                let owner = vec![Seat::ProductOwner(team.clone())];
                self.add("satisfy_condition", what, owner, answered.stamp.at, None);
            }
        }
    }

    fn warranty(&mut self) {
        let case = self.case;
        let Some(warranty) = &case.warranty else {
            let what = "propose a warranty".to_owned();
            self.add("propose_warranty", what, roles([Role::DevelopmentLead]), case.stage_since, None);
            return;
        };
        for team in case.teams_without_warranty() {
            let what = format!("agree the warranty of {} months for {team}", warranty.months);
            self.add("agree_warranty", what, vec![Seat::ProductOwner(team)], warranty.proposed.at, None);
        }
    }

    fn building(&mut self) {
        let case = self.case;
        let lead = || roles([Role::DevelopmentLead]);
        let builders = || roles([Role::Developer, Role::DevelopmentLead]);
        let Some(backlog) = &case.backlog else {
            self.add(
                "reserve_backlog",
                "make space in the backlog".to_owned(),
                lead(),
                case.stage_since,
                None,
            );
            self.sign_offs();
            return;
        };
        let started = backlog.stamp.at;
        if case.flag.is_none() {
            self.add(
                "create_flag",
                "wrap the change in a flag".to_owned(),
                roles([Role::Developer]),
                started,
                None,
            );
        }
        for (codebase, checklist) in &case.checklists {
            let open: Vec<&str> = checklist
                .items
                .iter()
                .filter(|item| !item.is_done())
                .map(|item| item.name.as_str())
                .collect();
            if !open.is_empty() {
                let tried = checklist
                    .items
                    .iter()
                    .flat_map(|item| &item.attempts)
                    .map(|attempt| attempt.stamp.at)
                    .max();
                let what = format!("pass or waive {} of {codebase}", open.join(", "));
                let owners = vec![Seat::CodebaseOwner(codebase.clone())];
                self.add("checklist", what, owners, tried.unwrap_or(started), None);
            }
        }
        let changed = case.ledger.deviations.iter().any(|deviation| deviation.iteration == case.iteration);
        if case.iteration > 1 && !changed {
            let what = "log what is changed in this iteration".to_owned();
            self.add("log_deviation", what, roles([Role::Developer, Role::Designer]), started, None);
        }
        if self.waits.is_empty() {
            self.add(
                "finish_building",
                "say that building is finished".to_owned(),
                builders(),
                started,
                None,
            );
        }
        self.sign_offs();
        self.warranty();
    }

    fn ready(&mut self) {
        let case = self.case;
        self.sign_offs();
        self.warranty();
        if case.plan.is_none() {
            self.add(
                "set_rollout_plan",
                "plan the rollout".to_owned(),
                roles(PLANNERS),
                case.stage_since,
                None,
            );
        } else if self.waits.is_empty() {
            self.add(
                "start_wave",
                "start the first wave".to_owned(),
                roles(PLANNERS),
                case.stage_since,
                None,
            );
        }
    }

    fn rolling_out(&mut self) {
        let case = self.case;
        if self.held() {
            return;
        }
        let (Some(plan), Some(running)) = (&case.plan, &case.running) else { return };
        let next = plan.waves.get(running.wave + 1);
        let by_itself = plan.automatic && next.is_none_or(|wave| !wave.approval);
        let seats = if by_itself { vec![Seat::System] } else { roles(PLANNERS) };
        match next {
            Some(wave) => {
                let what = format!("raise exposure to {} %", wave.percent);
                self.add("start_wave", what, seats, running.since, None);
            }
            None => {
                let seats = if plan.automatic {
                    vec![Seat::System]
                } else {
                    roles([Role::ProductManager, Role::Importer])
                };
                let what = "measure until there is a verdict".to_owned();
                self.add("record_measurement", what, seats, running.since, None);
            }
        }
    }

    fn held(&mut self) -> bool {
        let Some(hold) = &self.case.hold else { return false };
        let what = format!("release the hold, iterate or remove: {}", hold.cause.sentence());
        self.add("release_hold", what, roles(DRIVERS), hold.since.at, None);
        true
    }

    fn outcome(&mut self) {
        let case = self.case;
        let deadlines = &self.policy.deadlines;
        let (days, what) = match case.verdict() {
            Some(Verdict::Negative) => (deadlines.negative_outcome, "iterate or remove: it cannot be kept"),
            Some(Verdict::Positive) => (deadlines.outcome, "keep it, or say why not"),
            _ => (deadlines.outcome, "justify keeping it, iterate or remove"),
        };
        let due = self.after(case.stage_since, days);
        self.held();
        self.add("decide_outcome", what.to_owned(), roles(DRIVERS), case.stage_since, due);
    }

    fn productionised(&mut self) {
        let case = self.case;
        self.held();
        let Some(kept) = &case.kept else { return };
        for codebase in case.codebases_not_cleared() {
            let what = format!("take the flag and the losing code out of {codebase} and confirm it");
            let owners = vec![Seat::CodebaseOwner(codebase)];
            self.add("confirm_removed", what, owners, kept.stamp.at, Some(kept.flag_gone_by));
        }
        let review = kept.justification.as_ref().map(|justification| justification.review_on);
        if let Some(review) = review.filter(|review| *review <= self.now.today) {
            let what = "review the justified keep: affirm it with a new date, or remove it".to_owned();
            self.add("review_keep", what, roles(DRIVERS), kept.stamp.at, Some(review));
        }
        let over = case.warranty_ends().is_some_and(|last| self.now.today > last);
        if over && self.waits.is_empty() && case.open_warranty_bugs().is_empty() {
            let what = "close the case: the warranty is over".to_owned();
            self.add("close_case", what, roles(DRIVERS), case.stage_since, None);
        }
    }

    fn removal(&mut self) {
        let case = self.case;
        for codebase in case.codebases_not_cleared() {
            let what = format!("take the code out of {codebase} and confirm it");
            let owners = vec![Seat::CodebaseOwner(codebase)];
            self.add("confirm_removed", what, owners, case.stage_since, None);
        }
    }

    fn bugs(&mut self) {
        let case = self.case;
        for (id, bug) in case.open_bugs() {
            let seats = match bug.accountable {
                Accountable::BuildingTeam => roles([Role::Developer, Role::DevelopmentLead]),
                Accountable::ProductOwners => case.product_owner_seats(),
            };
            self.add("fix_bug", format!("fix bug {id}"), seats, bug.reported.at, None);
        }
    }
}
