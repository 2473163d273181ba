//! Books kept beside the state, from the entries alone: what must be true of a journal whatever the state says.

use std::collections::{BTreeMap, BTreeSet};

use tenure_core::board::Board;
use tenure_core::id::{CaseId, TeamId};
use tenure_core::measurement::Verdict;
use tenure_core::person::{Actor, Seat};
use tenure_core::sign_off::Answer;
use tenure_core::{Event, Recorded, Stage, State, apply};

/// What was consulted, approved and adjusted in a case.
#[derive(Clone, Default)]
struct Consent {
    teams: BTreeSet<TeamId>,
    approved: BTreeMap<TeamId, u64>,
    adjusted: u64,
}

/// The books of a journal.
#[derive(Clone, Default)]
pub struct Books {
    cases: BTreeMap<CaseId, Consent>,
    onus: BTreeMap<CaseId, TeamId>,
    pub board: Board,
}

impl Books {
    /// The books of a journal that is there already.
    pub fn of(journal: &[Recorded]) -> Self {
        let (mut books, mut state) = (Self::default(), State::default());
        for recorded in journal {
            books.record(&mut state, recorded);
        }
        books
    }

    /// Applies an entry. Nobody meets a feature that a team had not signed off as it is then, only owners pass items and
    /// answer for teams, no negative is kept, and the onus moves only to who accepts it.
    pub fn record(&mut self, state: &mut State, recorded: &Recorded) {
        self.check(state, recorded);
        apply(state, recorded);
        self.board.note(state, recorded);
        let moves = matches!(
            recorded.event,
            Event::OnusAccepted(_) | Event::SuccessionAccepted(_) | Event::CaseOpened(_)
        );
        if moves {
            self.onus = state.cases.values().map(|case| (case.id.clone(), case.team.clone())).collect();
        }
        for case in state.cases.values() {
            assert_eq!(self.onus.get(&case.id), Some(&case.team), "the onus moved unasked: {recorded:?}");
        }
    }

    fn check(&mut self, state: &State, recorded: &Recorded) {
        let actor = Actor::of(recorded.actor.clone());
        let holds = |seat: Seat| state.may_act(&actor, &seat, None, recorded.at);
        if let Some(case) = recorded.event.case() {
            let book = self.cases.entry(case.clone()).or_default();
            match &recorded.event {
                Event::ConsultationRequested(event) => {
                    book.teams.insert(event.team.clone());
                }
                Event::BuyInRequested(event) => {
                    book.teams.insert(event.team.clone());
                }
                Event::BuyInAnswered(event) => {
                    let invited =
                        event.by_invitation.as_ref().map(|by| &state.cases[case].invitations[&by.invitation]);
                    match (&actor, invited) {
                        (Actor::Guest(_), Some(invitation)) => {
                            assert_eq!(invitation.team, event.team, "{recorded:?}");
                            assert!(
                                invitation.answered.is_none() && invitation.revoked.is_none(),
                                "{recorded:?}"
                            );
                        }
                        _ => assert!(holds(Seat::ProductOwner(event.team.clone())), "{recorded:?}"),
                    }
                    if matches!(event.answer, Answer::Approve | Answer::ApproveWithConditions) {
                        book.approved.insert(event.team.clone(), recorded.seq);
                    } else {
                        book.approved.remove(&event.team);
                    }
                }
                Event::DeviationLogged(event) if event.weight == 3 => book.adjusted = recorded.seq,
                Event::DeviationRuled(event) if event.weight == 3 => book.adjusted = recorded.seq,
                Event::DecisionTaken(event) if event.moves_to == Stage::BuyIn => book.approved.clear(),
                Event::CaseReopened(_) | Event::CaseResumed(_) => book.approved.clear(),
                Event::ItemRecorded(event) => {
                    assert!(holds(Seat::CodebaseOwner(event.codebase.clone())), "{recorded:?}");
                }
                Event::WaveStarted(_) => {
                    for team in &book.teams {
                        let at = book.approved.get(team).copied();
                        assert!(
                            at.is_some_and(|at| at > book.adjusted),
                            "{team} had not signed off: {recorded:?}"
                        );
                    }
                }
                Event::FeatureKept(event) => {
                    let cited = state.cases[case].measurements.judged.last().unwrap();
                    assert_eq!(event.cites, cited.number);
                    assert_ne!(cited.verdict, Verdict::Negative);
                }
                _ => {}
            }
        }
    }
}
