//! The board: a card for each case with what is asked of all of them at once, so that a desk, the portfolio and what is
//! due need not look at ten thousand cases.
//!
//! A card is drawn from the state and holds until something happens that touches its case, or the first instant comes
//! that it depends on. It is never written anywhere and decides nothing: the state stays the only truth.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::apply::Recorded;
use crate::case::Case;
use crate::desk::Line;
use crate::event::Event;
use crate::filter::Filter;
use crate::id::{CaseId, TeamId};
use crate::plan::{self, Due};
use crate::portfolio::Figures;
use crate::state::State;
use crate::task::open;
use crate::time::{Moment, Now};

/// A card for each case of a state.
#[derive(Clone, Debug, Default)]
pub struct Board {
    cards: BTreeMap<CaseId, Card>,
}

/// What is asked of a case when it is asked of all.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Card {
    /// The team that has the onus.
    pub team: TeamId,
    /// What is open, in the order of [`open`].
    pub lines: Vec<Line>,
    /// Whether a promise is broken.
    pub late: bool,
    /// Whether something is due of Tenure itself.
    due: bool,
    /// What the case adds to the portfolio.
    pub figures: Figures,
    /// The first instant at which any of this may be otherwise, though nothing happens.
    until: Timestamp,
}

impl Card {
    fn of(state: &State, case: &Case, now: Now) -> Self {
        let moment = Moment::of(now);
        let open = open(state, case, &moment);
        let over = case.stage.is_terminal() && case.bugs.is_empty();
        Self {
            team: case.team.clone(),
            lines: open.iter().filter(|_| !over).map(|one| Line::of(one, one.task.seats(case))).collect(),
            late: state.breaks_promise(case, &open, &moment),
            due: !plan::of_case(state, case, &open, &moment).is_empty(),
            figures: Figures::of(state, case, &moment),
            until: moment.holds_until(),
        }
    }
}

impl Board {
    /// The board of a state, drawn whole.
    pub fn of(state: &State, now: impl Into<Now>) -> Self {
        let now = now.into();
        let cards = state.cases.iter().map(|(id, case)| (id.clone(), Card::of(state, case, now)));
        Self { cards: cards.collect() }
    }

    /// Draws anew what an entry touched that was applied to the state just now. A board is told of every entry.
    pub fn note(&mut self, state: &State, recorded: &Recorded) {
        match touched(&recorded.event) {
            Touched::Nothing => {}
            Touched::Case(id) => self.draw(state, id, recorded.at.into()),
            Touched::Everything => *self = Self::of(state, recorded.at),
        }
    }

    /// Draws anew the cards whose time has come.
    pub fn turn(&mut self, state: &State, now: impl Into<Now>) {
        let now = now.into();
        let old: Vec<CaseId> =
            self.cards.iter().filter(|(_, card)| card.until <= now.at).map(|(id, _)| id.clone()).collect();
        for id in &old {
            self.draw(state, id, now);
        }
    }

    /// What is due now, as [`plan`](plan::plan) says, but without looking at cases of which nothing is.
    pub fn plan(&self, state: &State, now: impl Into<Now>) -> Vec<Due> {
        let now = now.into();
        let asked = self.cards.iter().filter(|(_, card)| card.due || card.until <= now.at);
        plan::of(state, asked.filter_map(|(id, _)| state.case(id)), now)
    }

    /// The cards of the cases that a filter lets through, as they are now.
    pub(crate) fn cards<'a>(
        &'a self,
        state: &'a State,
        filter: &'a Filter,
        now: Now,
    ) -> impl Iterator<Item = (&'a CaseId, Cow<'a, Card>)> {
        let all = *filter == Filter::default();
        self.cards.iter().filter_map(move |(id, card)| {
            let card = match card.until <= now.at {
                true => Cow::Owned(Card::of(state, state.cases.get(id)?, now)),
                false => Cow::Borrowed(card),
            };
            let admitted = all || filter.admits(state, state.cases.get(id)?, card.late);
            admitted.then_some((id, card))
        })
    }

    fn draw(&mut self, state: &State, id: &CaseId, now: Now) {
        if let Some(case) = state.cases.get(id) {
            self.cards.insert(id.clone(), Card::of(state, case, now));
        }
    }
}

/// Which cards an event may change.
enum Touched<'a> {
    Nothing,
    Case(&'a CaseId),
    Everything,
}

fn touched(event: &Event) -> Touched<'_> {
    match event {
        // Days and heirs of a team are asked for in every case it has a part in.
        Event::CalendarSet(_) | Event::SuccessionProposed(_) | Event::SuccessionAccepted(_) => {
            Touched::Everything
        }
        _ => event.case().map_or(Touched::Nothing, Touched::Case),
    }
}
