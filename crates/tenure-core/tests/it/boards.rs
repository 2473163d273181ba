//! The board beside the state says what looking at every case says, whatever happened and however much time has passed.

use tenure_core::board::Board;
use tenure_core::filter::Filter;
use tenure_core::plan::plan;
use tenure_core::{Actor, Now, State};

use crate::dice::PEOPLE;

/// Asks a board that was told of every entry, and looks at every case.
pub fn law(board: &Board, state: &State, now: Now) {
    assert_eq!(board.plan(state, now), plan(state, now));
    assert_eq!(board.portfolio(state, &Filter::default(), now), state.portfolio(now));
    for person in PEOPLE {
        let actor = Actor::of(person.parse().unwrap());
        let whole = state.desk(&actor, now);
        let desk = board.desk(state, &actor, &Filter::default(), now, 3);
        assert_eq!(
            (desk.total, desk.waits.as_slice()),
            (whole.len(), &whole[..whole.len().min(3)]),
            "{person}"
        );
    }
    let (late, fresh) = (Filter { late: Some(true), ..Filter::default() }, Board::of(state, now));
    assert_eq!(board.portfolio(state, &late, now), fresh.portfolio(state, &late, now));
    let listed = state.select(&late, Default::default(), now);
    let names: Vec<_> = listed.iter().map(|case| &case.id).collect();
    assert_eq!(board.portfolio(state, &late, now).late.iter().collect::<Vec<_>>(), names);
}
