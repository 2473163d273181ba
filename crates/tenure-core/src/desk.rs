//! The desk: what waits on somebody, in all cases, oldest first.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::board::Board;
use crate::filter::Filter;
use crate::id::{CaseId, TeamId};
use crate::person::{Actor, Place, Scope, Seat};
use crate::state::State;
use crate::task::{Open, open};
use crate::time::{Moment, Now};
use crate::waiting::Wait;

/// What waits on somebody, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Desk {
    /// How much there is.
    pub total: usize,
    /// The oldest of it.
    pub waits: Vec<Wait>,
}

/// Whom an open task waits on, and since when.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub since: Timestamp,
    pub seats: Vec<Seat>,
    /// The team in whose place the seats are held, when it is not the case's own.
    pub team: Option<TeamId>,
}

impl Line {
    pub fn of(one: &Open<'_>, seats: Vec<Seat>) -> Self {
        Self { since: one.since, seats, team: one.task.team().cloned() }
    }
}

impl Board {
    /// The oldest of what waits on an actor in the cases that a filter lets through, so many at most, and how much there
    /// is in all.
    pub fn desk(
        &self,
        state: &State,
        actor: &Actor,
        filter: &Filter,
        now: impl Into<Now>,
        most: usize,
    ) -> Desk {
        let now = now.into();
        let mut chair = Chair::of(state, actor, now);
        let cards: Vec<_> = self.cards(state, filter, now).collect();
        let mut mine: Vec<(Timestamp, &CaseId, usize)> = Vec::new();
        for (case, card) in &cards {
            for (at, line) in card.lines.iter().enumerate() {
                let place = Place { team: line.team.as_ref().unwrap_or(&card.team), case: Some(case) };
                if line.seats.iter().any(|seat| chair.is_at(seat, place)) {
                    mine.push((line.since, case, at));
                }
            }
        }
        mine.sort_by_key(|(since, ..)| *since);
        let total = mine.len();
        let waits = mine.iter().take(most).filter_map(|(_, case, at)| {
            let case = state.cases.get(*case)?;
            open(state, case, &Moment::of(now)).get(*at).map(|one| state.told(case, one, now))
        });
        Desk { total, waits: waits.collect() }
    }
}

impl State {
    /// What waits on an actor, oldest first. Looks at every case: whoever asks often asks a [`Board`].
    pub fn desk(&self, actor: &Actor, now: impl Into<Now>) -> Vec<Wait> {
        self.desk_top(actor, now, usize::MAX).waits
    }

    /// The oldest of what waits on an actor, so many at most, and how much there is in all.
    pub fn desk_top(&self, actor: &Actor, now: impl Into<Now>, most: usize) -> Desk {
        let now = now.into();
        Board::of(self, now).desk(self, actor, &Filter::default(), now, most)
    }
}

/// Which seats an actor sits at, remembered: thousands of cases ask for the same few.
struct Chair<'a> {
    state: &'a State,
    actor: &'a Actor,
    now: Now,
    /// Cases in which somebody holds a role that they hold nowhere else: of those nothing is remembered.
    special: BTreeSet<&'a CaseId>,
    known: HashMap<Seat, HashMap<TeamId, bool>>,
}

impl<'a> Chair<'a> {
    fn of(state: &'a State, actor: &'a Actor, now: Now) -> Self {
        let special = state.holders.keys().filter_map(|grant| match &grant.scope {
            Scope::Case(case) => Some(case),
            _ => None,
        });
        Self { state, actor, now, special: special.collect(), known: HashMap::new() }
    }

    fn is_at(&mut self, seat: &Seat, place: Place<'_>) -> bool {
        let remembers = place.case.is_some_and(|case| !self.special.contains(case));
        let known = self.known.get(seat).filter(|_| remembers).and_then(|teams| teams.get(place.team));
        if let Some(known) = known {
            return *known;
        }
        let is_at = self.state.may_act(self.actor, seat, Some(place), self.now.at);
        if remembers {
            self.known.entry(seat.clone()).or_default().insert(place.team.clone(), is_at);
        }
        is_at
    }
}
