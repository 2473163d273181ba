//! What a team's people are told of the team itself: that it is dissolved, by whom it is to be succeeded, and that it was.

use std::collections::BTreeSet;

use super::{Message, Topic};
use crate::apply::Recorded;
use crate::event::Event;
use crate::id::TeamId;
use crate::narration::{Names, narrate};
use crate::person::{Grant, Place, Role, Scope, Seat};
use crate::refusal::WhoMay;
use crate::state::State;

/// Where what waits on somebody is shown, below the server's address.
const DESK: &str = "/";

/// What is to be said at once because of an entry that is about no case.
pub(super) fn messages(state: &State, recorded: &Recorded, names: &Names) -> Vec<Message> {
    match &recorded.event {
        Event::SuccessionProposed(it) => {
            vec![
                asked(state, recorded, names, &it.team, &it.successor),
                told(
                    state,
                    recorded,
                    names,
                    &it.team,
                    format!("your team {} is dissolved: {} is to take its place", it.team, it.successor),
                ),
            ]
        }
        Event::SuccessionAccepted(it) => {
            let parts = [(it.onus, "cases and codebases"), (it.product, "products")];
            let parts: Vec<&str> =
                parts.into_iter().filter(|(moves, _)| *moves).map(|(_, part)| part).collect();
            let subject = format!(
                "{} has taken over the {} of your team {}",
                it.successor,
                parts.join(" and "),
                it.team
            );
            vec![told(state, recorded, names, &it.team, subject)]
        }
        _ => Vec::new(),
    }
}

/// Asks those who may accept for the successor.
fn asked(state: &State, recorded: &Recorded, names: &Names, team: &TeamId, successor: &TeamId) -> Message {
    let place = Place { team: successor, case: None };
    let seats = [Seat::Role(Role::DevelopmentLead), Seat::ProductOwner(successor.clone())];
    let of = |seat: &Seat| match seat {
        Seat::Role(_) => format!("{seat} of {successor}"),
        _ => seat.to_string(),
    };
    Message {
        id: format!("{}-accept_succession", recorded.seq),
        topic: Topic::Ask,
        subject: format!("{successor} is asked to take the place of {team}, which is dissolved"),
        to: seats.iter().map(|seat| state.who_may(seat, of(seat), Some(place), recorded.at)).collect(),
        notes: vec!["Nothing moves until it is accepted: its cases and codebases by a development lead, its products by a product owner.".to_owned()],
        answer: Some(format!("tenure do accept_succession team={team}")),
        ..blank(recorded, names, [team, successor])
    }
}

/// Tells everybody who holds a role in the team, and the owners of its codebases.
fn told(state: &State, recorded: &Recorded, names: &Names, team: &TeamId, subject: String) -> Message {
    let held = |grant: &Grant| match &grant.scope {
        Scope::Team(of) => of == team,
        Scope::Codebase(of) => {
            state.codebases.get(of).is_some_and(|codebase| codebase.team.as_ref() == Some(team))
        }
        Scope::Case(_) | Scope::Everywhere => false,
    };
    let concerned = state.holders.iter().filter(|(grant, _)| held(grant));
    Message {
        id: format!("{}-team", recorded.seq),
        topic: Topic::Team,
        subject,
        to: concerned
            .map(|(grant, accounts)| WhoMay {
                seat: match &grant.scope {
                    Scope::Team(team) => format!("{} of {team}", grant.role),
                    Scope::Codebase(codebase) => format!("{} of {codebase}", grant.role),
                    Scope::Case(_) | Scope::Everywhere => grant.role.to_string(),
                },
                accounts: accounts.iter().cloned().collect(),
                deputies: Vec::new(),
            })
            .collect(),
        ..blank(recorded, names, [team])
    }
}

fn blank<const N: usize>(recorded: &Recorded, names: &Names, teams: [&TeamId; N]) -> Message {
    Message {
        id: String::new(),
        topic: Topic::Team,
        at: recorded.at,
        case: None,
        title: None,
        stage: None,
        teams: BTreeSet::from(teams.map(Clone::clone)),
        to: Vec::new(),
        subject: String::new(),
        happened: narrate(recorded, names),
        notes: Vec::new(),
        waits: None,
        changed: Vec::new(),
        answer: None,
        path: DESK.to_owned(),
        by: recorded.actor.clone(),
    }
}
