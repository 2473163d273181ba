//! Deputies: somebody is away, and another acts in their roles until they are back. What is done so says for whom.
//!
//! A deputy has what the person they stand in for holds themselves, never what that person is a deputy for. A driver of
//! a case never becomes its product owner that way. Setting Tenure up and carrying results in are not stood in for.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decide::Ask;
use crate::event::Event;
use crate::id::{AccountId, CaseId};
use crate::person::{Actor, CASE_TEAM, DRIVERS, Grant, Place, Role, Scope, Seat};
use crate::refusal::Refusal;
use crate::state::State;
use crate::time::{Stamp, days_later};

/// The longest anybody is stood in for, in days: after that a role is granted.
pub const DAYS_MAX: i64 = 366;

/// Somebody stands in for somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deputyship {
    /// The roles it is limited to; none for all that the person holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<BTreeSet<Grant>>,
    /// The first day.
    pub from: Date,
    /// The last day.
    pub until: Date,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was said, and by whom.
    pub named: Stamp,
}

/// Somebody who may act for somebody now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StandIn {
    /// Who acts.
    pub deputy: AccountId,
    /// For whom.
    pub acting_for: AccountId,
    /// The last day.
    pub until: Date,
}

/// The entries that follow are made for somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Acting {
    /// For whom.
    pub acting_for: AccountId,
    /// How many entries are left.
    pub left: usize,
}

fn can_be_stood_in_for(role: Role) -> bool {
    !matches!(role, Role::Admin | Role::Importer | Role::Observer)
}

impl Deputyship {
    fn covers(&self, grant: &Grant) -> bool {
        can_be_stood_in_for(grant.role) && self.roles.as_ref().is_none_or(|roles| roles.contains(grant))
    }

    /// Whether it holds on a date.
    pub fn lasts(&self, on: Date) -> bool {
        (self.from..=self.until).contains(&on)
    }
}

impl State {
    /// For whom an actor may act in a seat they do not hold themselves.
    pub fn acts_for(
        &self,
        actor: &Actor,
        seat: &Seat,
        place: Option<Place<'_>>,
        at: Timestamp,
    ) -> Option<&AccountId> {
        let Actor::Account(deputy) = actor else { return None };
        let away = self.deputies.get(deputy)?;
        let on = self.date_of_seat(seat, place, at);
        let (person, _) = away.iter().find(|(person, ship)| {
            ship.lasts(on)
                && self
                    .people
                    .get(*person)
                    .is_some_and(|it| it.fills_by(seat, place, |grant| ship.covers(grant)))
        })?;
        let owner = matches!(seat, Seat::ProductOwner(_));
        (!owner || !self.drives(actor, place, at)).then_some(person)
    }

    /// The accounts that somebody acts for on the company's date of an instant.
    pub fn away_for(&self, deputy: &AccountId, at: Timestamp) -> Vec<AccountId> {
        let on = self.company_calendar().date(at);
        let away = self.deputies.get(deputy).into_iter().flatten();
        away.filter(|(_, ship)| ship.lasts(on)).map(|(person, _)| person.clone()).collect()
    }

    /// Whether an actor holds a seat, or may act for somebody who does.
    pub fn may_act(&self, actor: &Actor, seat: &Seat, place: Option<Place<'_>>, at: Timestamp) -> bool {
        self.sits(actor, seat, place) || self.acts_for(actor, seat, place, at).is_some()
    }

    /// Whether an actor is a driver, themselves or for somebody.
    pub(crate) fn drives(&self, actor: &Actor, place: Option<Place<'_>>, at: Timestamp) -> bool {
        DRIVERS.iter().any(|role| self.may_act(actor, &Seat::Role(*role), place, at))
    }

    /// Everybody who may act now for those who hold a seat.
    pub fn stand_ins(&self, seat: &Seat, place: Option<Place<'_>>, at: Timestamp) -> Vec<StandIn> {
        let mut found = Vec::new();
        for (deputy, away) in &self.deputies {
            let actor = Actor::of(deputy.clone());
            if self.sits(&actor, seat, place) {
                continue;
            }
            if let Some(person) = self.acts_for(&actor, seat, place, at)
                && let Some(ship) = away.get(person)
            {
                let (deputy, acting_for) = (deputy.clone(), person.clone());
                found.push(StandIn { deputy, acting_for, until: ship.until });
            }
        }
        found
    }

    /// The date where a seat is held: a product team's, the case's own team's, or else the company's.
    fn date_of_seat(&self, seat: &Seat, place: Option<Place<'_>>, at: Timestamp) -> Date {
        match (seat, place) {
            (Seat::ProductOwner(team), _) => self.calendar(team).date(at),
            (Seat::Role(_), Some(place)) => self.calendar(place.team).date(at),
            _ => self.company_calendar().date(at),
        }
    }
}

/// Names a deputy for a time in which somebody is away; said again, it replaces what was said of the two before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NameDeputy {
    /// Who is away; whoever says so, when left out.
    #[serde(default)]
    pub account: Option<AccountId>,
    /// Who acts for them.
    pub deputy: AccountId,
    /// The first day; today when left out.
    #[serde(default)]
    pub from: Option<Date>,
    /// The last day.
    pub until: Date,
    /// The roles, as they are granted; all of them when left out.
    #[serde(default)]
    pub roles: Option<BTreeSet<Grant>>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Ends it before its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RevokeDeputy {
    /// Who is back; whoever says so, when left out.
    #[serde(default)]
    pub account: Option<AccountId>,
    /// Who acted for them.
    pub deputy: AccountId,
}

/// A deputy was named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeputyNamed {
    /// Who is away.
    pub account: AccountId,
    /// Who acts for them.
    pub deputy: AccountId,
    /// The first day.
    pub from: Date,
    /// The last day.
    pub until: Date,
    /// The roles it is limited to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<BTreeSet<Grant>>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A deputy's time ended early.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeputyRevoked {
    /// Who is back.
    pub account: AccountId,
    /// Who acted for them.
    pub deputy: AccountId,
}

/// The entries that follow were made by a deputy, for somebody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeputyActed {
    /// For whom.
    pub acting_for: AccountId,
    /// In which seats of theirs.
    pub seats: BTreeSet<Seat>,
    /// The command that was given.
    pub command: String,
    /// How many entries follow from it.
    pub entries: usize,
    /// The case they are about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
}

impl NameDeputy {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let account = self.account.clone().unwrap_or_else(|| ask.actor.account());
        let person = ask.state.people.get(&account).ok_or_else(|| Refusal::not_found("account", &account))?;
        if !ask.state.people.contains_key(&self.deputy) {
            return Err(Refusal::not_found("account", &self.deputy));
        }
        let wanted: BTreeSet<Grant> = self.roles.clone().unwrap_or_else(|| person.grants.clone());
        let roles = match ask.seated(&seats(&account), None, "name a deputy for that account") {
            Ok(()) => self.roles.clone(),
            Err(refusal) => Some(led(ask, &wanted).ok_or(refusal)?),
        };
        if let Some(role) = wanted.iter().find(|role| !person.grants.contains(role)) {
            return Err(Refusal::not_found(&format!("role of {account} called"), role));
        }
        if self.deputy == account {
            return Err(Refusal::argument("deputy is the account itself: name somebody else"));
        }
        if !wanted.iter().any(|grant| can_be_stood_in_for(grant.role)) {
            return Err(Refusal::argument(format!(
                "{account} holds no role that another may act in: an administrator's is granted"
            )));
        }
        let today = ask.state.company_calendar().date(ask.now.at);
        let from = self.from.unwrap_or(today);
        let last = days_later(today, DAYS_MAX);
        if from > self.until || self.until < today || self.until > last {
            return Err(Refusal::argument(format!(
                "from is {from} and until {}: give a last day from today to {last}, and no first day after it",
                self.until
            )));
        }
        let named = DeputyNamed {
            account,
            deputy: self.deputy.clone(),
            from,
            until: self.until,
            roles,
            reason: self.reason.clone(),
        };
        let before = ask.state.deputies.get(&named.deputy).and_then(|away| away.get(&named.account));
        let same = before.is_some_and(|before| {
            (before.from, before.until, &before.roles, &before.reason)
                == (named.from, named.until, &named.roles, &named.reason)
        });
        Ok(if same { Vec::new() } else { vec![named.into()] })
    }
}

/// Who names and ends: the person, and whoever sets Tenure up.
fn seats(account: &AccountId) -> [Seat; 3] {
    [Seat::Account(account.clone()), Seat::Somewhere(Role::Admin), Seat::System]
}

/// Of some grants those that a driver may have stood in for: of the people they work with, where they are a driver. None
/// when that is none of them.
fn led(ask: &Ask<'_>, wanted: &BTreeSet<Grant>) -> Option<BTreeSet<Grant>> {
    let Actor::Account(driver) = ask.actor else { return None };
    let own = &ask.state.people.get(driver)?.grants;
    let covers = |scope: &Scope, of: &Scope| match (scope, of) {
        (Scope::Everywhere, _) => true,
        (Scope::Team(team), Scope::Case(case)) => {
            ask.state.cases.get(case).is_some_and(|case| case.team == *team)
        }
        (scope, of) => scope == of,
    };
    let led: BTreeSet<Grant> = wanted
        .iter()
        .filter(|grant| CASE_TEAM.contains(&grant.role))
        .filter(|grant| {
            own.iter().any(|held| DRIVERS.contains(&held.role) && covers(&held.scope, &grant.scope))
        })
        .cloned()
        .collect();
    (!led.is_empty()).then_some(led)
}

impl RevokeDeputy {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let account = self.account.clone().unwrap_or_else(|| ask.actor.account());
        let ship = ask.state.deputies.get(&self.deputy).and_then(|away| away.get(&account));
        let ship =
            ship.ok_or_else(|| Refusal::not_found(&format!("deputy of {account} called"), &self.deputy))?;
        let mut seats = seats(&account).to_vec();
        seats.extend([&self.deputy, &ship.named.by].map(|account| Seat::Account(account.clone())));
        ask.seated(&seats, None, "end that somebody is a deputy")?;
        Ok(vec![DeputyRevoked { account, deputy: self.deputy.clone() }.into()])
    }
}

/// What is recorded before the entries that a deputy's command makes.
pub(crate) fn acted(ask: &Ask<'_>, command: &'static str, events: Vec<Event>) -> Vec<Event> {
    let acting = ask.acting.take();
    if acting.is_empty() || events.is_empty() {
        return events;
    }
    let (entries, case) = (events.len(), events.iter().find_map(|event| event.case().cloned()));
    let acted = acting.into_iter().map(|(acting_for, seats)| {
        DeputyActed { acting_for, seats, command: command.to_owned(), entries, case: case.clone() }.into()
    });
    acted.chain(events).collect()
}

/// The refusal of a driver who would act for a product owner.
pub(crate) fn no_driver(ask: &Ask<'_>, seats: &[Seat], place: Option<Place<'_>>) -> Option<&'static str> {
    let owner = seats.iter().any(|seat| matches!(seat, Seat::ProductOwner(_)));
    let Actor::Account(actor) = ask.actor else { return None };
    let deputy = ask.state.deputies.contains_key(actor);
    (owner && deputy && ask.state.drives(ask.actor, place, ask.now.at))
        .then_some("a driver of the case cannot act for its product owner")
}

impl DeputyNamed {
    pub(crate) fn apply(&self, state: &mut State, stamp: &Stamp) {
        let ship = Deputyship {
            roles: self.roles.clone(),
            from: self.from,
            until: self.until,
            reason: self.reason.clone(),
            named: stamp.clone(),
        };
        state.deputies.entry(self.deputy.clone()).or_default().insert(self.account.clone(), ship);
    }
}

impl DeputyRevoked {
    pub(crate) fn apply(&self, state: &mut State, _: &Stamp) {
        if let Some(away) = state.deputies.get_mut(&self.deputy) {
            away.remove(&self.account);
            if away.is_empty() {
                state.deputies.remove(&self.deputy);
            }
        }
    }
}

impl DeputyActed {
    pub(crate) fn apply(&self, state: &mut State, _: &Stamp) {
        state.acting = Some(Acting { acting_for: self.acting_for.clone(), left: self.entries });
    }
}

impl State {
    /// For whom the entry that is applied now is made.
    pub(crate) fn acting_now(&mut self, event: &Event) -> Option<AccountId> {
        if matches!(event, Event::DeputyActed(_)) {
            return None;
        }
        let acting = self.acting.as_mut()?;
        acting.left = acting.left.saturating_sub(1);
        let acting_for = acting.acting_for.clone();
        if acting.left == 0 {
            self.acting = None;
        }
        Some(acting_for)
    }
}
