//! `decide`: a command becomes what is recorded, or a refusal. Pure: the same arguments, the same answer.
//!
//! Checks come in one order, so that a refusal's code is predictable:
//!
//! 1. **What** is named must exist: `not_found`. (That it is a part of *this* case depends on the case's state, and is
//!    asked after that.)
//! 2. **Who** asks must be allowed to: `forbidden`. Somebody with no say learns nothing about the state.
//! 3. What is to be created must not be there: `already_exists`; and the **state** must allow it: `wrong_state`.
//! 4. The **guards** of the command, in the order of the process's table.
//! 5. Values that cannot be meant: `invalid_argument`.
//!
//! A command whose effect already holds (a second click on "confirm") is accepted and records nothing.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::case::{Case, Stage};
use crate::codebase::Codebase;
use crate::command::Command;
use crate::deputy::{acted, no_driver};
use crate::event::Event;
use crate::experiment::Experiment;
use crate::id::{AccountId, CaseId, CodebaseId, ExperimentId, TeamId};
use crate::person::{Actor, DRIVERS, Place, Role, Seat};
use crate::refusal::{Refusal, RefusalCode, WhoMay};
use crate::remedy::explained;
use crate::state::State;
use crate::time::Now;

/// Decides a command: what is to be recorded, or why not.
///
/// `now` is the instant; which date that is, the calendars of the teams concerned say.
pub fn decide(
    state: &State,
    actor: &Actor,
    now: impl Into<Now>,
    command: &Command,
) -> Result<Vec<Event>, Refusal> {
    let ask = Ask { state, actor, now: now.into(), about: RefCell::default(), acting: RefCell::default() };
    if matches!(actor, Actor::Guest(_))
        && !matches!(command, Command::AnswerBuyIn(_) | Command::AskQuestion(_))
    {
        let sentence = format!("{} is invited to answer buy-in, and may do nothing else", actor.account());
        let refusal = Refusal::new(RefusalCode::Forbidden, sentence);
        let who = match command.decide(&ask) {
            Err(other) if other.code == RefusalCode::Forbidden => other.who_may,
            _ => vec![WhoMay {
                seat: "anybody with an account".to_owned(),
                accounts: Vec::new(),
                deputies: Vec::new(),
            }],
        };
        return Err(refusal.cleared_by(who));
    }
    let events = command.decide(&ask).map_err(|refusal| explained(&ask, refusal))?;
    Ok(acted(&ask, command.name(), events))
}

/// Who asks, when, and of which state.
pub(crate) struct Ask<'a> {
    pub state: &'a State,
    pub actor: &'a Actor,
    pub now: Now,
    /// The case it is about, once it was looked up.
    pub about: RefCell<Option<CaseId>>,
    /// For whom, and in which of their seats, the actor had to act to be allowed to.
    pub acting: RefCell<BTreeMap<AccountId, BTreeSet<Seat>>>,
}

impl<'a> Ask<'a> {
    pub fn case(&self, id: &CaseId) -> Result<&'a Case, Refusal> {
        let case = self.state.cases.get(id).ok_or_else(|| Refusal::not_found("case", id))?;
        self.about.replace(Some(id.clone()));
        Ok(case)
    }

    pub fn experiment(&self, id: &ExperimentId) -> Result<&'a Experiment, Refusal> {
        self.state.experiments.get(id).ok_or_else(|| Refusal::not_found("experiment", id))
    }

    pub fn team(&self, id: &TeamId) -> Result<(), Refusal> {
        if self.state.knows_team(id) { Ok(()) } else { Err(Refusal::not_found("team", id)) }
    }

    pub fn codebase(&self, id: &CodebaseId) -> Result<&'a Codebase, Refusal> {
        self.state.codebases.get(id).ok_or_else(|| Refusal::not_found("codebase", id))
    }

    /// Whether the actor holds the seat, or acts for somebody who does.
    pub fn sits(&self, seat: &Seat, place: Option<Place<'_>>) -> bool {
        self.state.may_act(self.actor, seat, place, self.now.at)
    }

    /// For whom the actor acts in the seat, when they do not hold it themselves.
    fn acts_for(&self, seat: &Seat, place: Option<Place<'_>>) -> Option<&'a AccountId> {
        if self.state.sits(self.actor, seat, place) {
            return None;
        }
        self.state.acts_for(self.actor, seat, place, self.now.at)
    }

    fn note(&self, acting_for: &AccountId, seat: &Seat) {
        self.acting.borrow_mut().entry(acting_for.clone()).or_default().insert(seat.clone());
    }

    /// Refuses anybody who holds none of the seats on the case.
    pub fn may(&self, case: &Case, seats: &[Seat], what: &str) -> Result<(), Refusal> {
        self.seated(seats, Some(case.place()), what)
    }

    /// Refuses anybody who is neither an administrator nor Tenure itself.
    pub fn admin(&self) -> Result<(), Refusal> {
        self.seated(&[Seat::Somewhere(Role::Admin), Seat::System], None, "set Tenure up")
    }

    /// Refuses anybody who holds none of the seats at the place.
    pub fn seated(&self, seats: &[Seat], place: Option<Place<'_>>, what: &str) -> Result<(), Refusal> {
        if seats.iter().any(|seat| self.state.sits(self.actor, seat, place)) {
            return Ok(());
        }
        if let Some((seat, person)) = seats.iter().find_map(|seat| Some((seat, self.acts_for(seat, place)?)))
        {
            self.note(person, seat);
            return Ok(());
        }
        let names = seats.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let mut sentence = format!("{} may not {what}; who may: {names}", self.actor.account());
        if let Some(why) = no_driver(self, seats, place) {
            sentence.push_str("; ");
            sentence.push_str(why);
        }
        let mut refusal = Refusal::new(RefusalCode::Forbidden, sentence);
        refusal.who_may = self.who_may(seats, place);
        Err(refusal)
    }

    /// The seats with the accounts that hold them.
    pub fn who_may(&self, seats: &[Seat], place: Option<Place<'_>>) -> Vec<WhoMay> {
        seats.iter().map(|seat| self.state.who_may(seat, seat.to_string(), place, self.now.at)).collect()
    }

    /// Says that the actor does what is asked in these roles, and in no other.
    pub fn acts_in(&self, case: &Case, roles: &BTreeSet<Role>) {
        self.acting.take();
        for seat in roles.iter().copied().map(Seat::Role) {
            if let Some(person) = self.acts_for(&seat, Some(case.place())) {
                self.note(person, &seat);
            }
        }
    }

    /// Whether the actor, or somebody they act for, is a driver of the case.
    pub fn drives(&self, case: &Case) -> bool {
        let drives = |account: &AccountId| {
            self.state.drives(&Actor::of(account.clone()), Some(case.place()), self.now.at)
        };
        self.state.drives(self.actor, Some(case.place()), self.now.at)
            || self.acting.borrow().keys().any(drives)
    }

    /// The driver roles the actor holds on the case, or acts in for somebody.
    pub fn driver_roles(&self, case: &Case) -> BTreeSet<Role> {
        DRIVERS.into_iter().filter(|role| self.sits(&Seat::Role(*role), Some(case.place()))).collect()
    }

    /// Refuses a case that is in none of the stages.
    pub fn stage(&self, case: &Case, stages: &[Stage]) -> Result<(), Refusal> {
        if stages.contains(&case.stage) {
            return Ok(());
        }
        let wanted = stages.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
        Err(Refusal::wrong_state(format!("case {} is in {}; this is for {wanted}", case.id, case.stage))
            .since(case.stage_since))
    }

    /// The refusal of a case that can no longer be `done` to.
    pub fn wrong_stage(&self, case: &Case, done: &str) -> Refusal {
        Refusal::wrong_state(format!("case {} is in {} and cannot be {done}", case.id, case.stage))
            .since(case.stage_since)
    }

    /// The date for the team that has the onus of a case.
    pub fn today(&self, case: &Case) -> Date {
        self.state.today(case, self.now.at)
    }

    /// The date for the product owners of a case.
    pub fn owner_date(&self, case: &Case) -> Date {
        self.state.owner_date(case, self.now.at)
    }

    /// The date so many of a team's working days from now.
    pub fn due(&self, case: &Case, team: &TeamId, working_days: u32) -> Date {
        self.state.calendar_in(case, team).due(self.now.at, working_days)
    }
}
