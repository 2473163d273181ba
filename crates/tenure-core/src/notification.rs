//! Notifications: who is told what at once, and what waits for the weekly digest.
//!
//! Nobody wants a mail per event. At once come only: something is asked of you, exposure is held, a negative, a bug that is
//! yours, a parked idea that came back, and a promise that is late. Everything else is in [`digest`].
//!
//! What is asked is not a list of events: it is what *newly waits* after an entry ([`crate::waiting`]), so that a message, the
//! desk and the deadline can never disagree. The case is as it was at the entry; the people are those who hold the seats now,
//! so that nobody is written to who has left.
//!
//! Knows nothing of mail, chat, HTTP, or of who has muted what.

pub mod change;
pub mod digest;
mod team;

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::apply::Recorded;
use crate::case::{Case, Stage};
use crate::event::Event;
use crate::id::{AccountId, CaseId, TeamId};
use crate::measurement::Verdict;
use crate::narration::{Names, narrate};
use crate::notice::NoticeGiven;
use crate::person::{DRIVERS, Role, Seat};
use crate::refusal::WhoMay;
use crate::state::State;
use crate::time::Stamp;
use crate::waiting::Wait;

pub use change::Change;

/// Why somebody is told at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Something is asked of them.
    Ask,
    /// Exposure went to 0.
    Held,
    /// The rollout was measured negative.
    Negative,
    /// A bug is theirs to fix.
    Bug,
    /// A parked idea may have become easier.
    Resurfaced,
    /// A promise is late, or a date is near.
    Deadline,
    /// A team they are in is dissolved, or another has taken its place.
    Team,
}

/// A message about a case, or about a team.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The same for the same entry, however often it is made: its place in the journal, the command that answers it and
    /// whose seat it is. Plain enough for an address.
    pub id: String,
    /// Why it is sent.
    pub topic: Topic,
    /// When it happened.
    pub at: Timestamp,
    /// About which case; none when it is about a team.
    pub case: Option<CaseId>,
    /// The title of its experiment.
    pub title: Option<String>,
    /// Where the case is.
    pub stage: Option<Stage>,
    /// The teams concerned: the one with the onus, and those whose seats are asked.
    pub teams: BTreeSet<TeamId>,
    /// Whom it is for: seats, and who holds them.
    pub to: Vec<WhoMay>,
    /// One line.
    pub subject: String,
    /// What happened, in one sentence.
    pub happened: String,
    /// What is to be said besides, such as that nobody holds a seat.
    pub notes: Vec<String>,
    /// On whom it waits, for what, since when, by which promise.
    pub waits: Option<String>,
    /// What is different now.
    pub changed: Vec<Change>,
    /// How to answer on the command line.
    pub answer: Option<String>,
    /// Where it is answered, below the server's address: the case, or the desk.
    pub path: String,
    /// Who did it: they know.
    pub by: AccountId,
}

impl Message {
    /// The accounts that are told: everybody it is for, but whoever did it.
    pub fn recipients(&self) -> BTreeSet<&AccountId> {
        self.to.iter().flat_map(WhoMay::told).filter(|account| **account != self.by).collect()
    }
}

/// A case's own history, entry by entry. Nothing else of the state is needed to fold it.
#[derive(Clone, Debug, Default)]
pub struct History {
    alone: State,
    seq: u64,
}

/// An entry, and the case before and after it.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'a> {
    /// The entry.
    pub recorded: &'a Recorded,
    /// The case before; none before it was opened, and for an entry about none.
    pub before: Option<&'a Case>,
    /// The case after; none for an entry about none.
    pub after: Option<&'a Case>,
}

impl History {
    /// The last entry of it that was applied.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The case, once it was opened.
    pub fn case(&self) -> Option<&Case> {
        self.alone.all_cases().next()
    }

    /// Applies the next entry of the case's stream.
    pub fn apply(&mut self, recorded: &Recorded) {
        let acting_for = self.alone.acting_now(&recorded.event);
        let stamp = Stamp { at: recorded.at, by: recorded.actor.clone(), acting_for };
        recorded.event.apply(&mut self.alone, &stamp);
        self.seq = recorded.seq;
    }
}

/// What is to be said at once because of an entry.
pub fn messages(state: &State, turn: Turn<'_>, names: &Names) -> Vec<Message> {
    let Some(case) = turn.after else { return team::messages(state, turn.recorded, names) };
    if let Event::NoticeGiven(notice) = &turn.recorded.event {
        return vec![deadline(state, turn, case, notice, names)];
    }
    new_waits(state, turn, case)
        .into_iter()
        .filter_map(|wait| Some((topic(&wait, case)?, wait)))
        .map(|(topic, wait)| about(state, turn, case, topic, &wait, names))
        .collect()
}

/// What waits after the entry and did not before. What is asked of several seats in the same words is one thing, and so is
/// what is asked of one seat by one command.
fn new_waits(state: &State, turn: Turn<'_>, case: &Case) -> Vec<Wait> {
    let now = turn.recorded.at;
    let before = turn.before.map(|before| state.waits(before, now)).unwrap_or_default();
    let is_new =
        |wait: &Wait| asked_again(&turn.recorded.event, wait) || !before.iter().any(|old| is_same(old, wait));
    let mut new: Vec<Wait> = Vec::new();
    for wait in state.waits(case, now).into_iter().filter(is_new) {
        let again =
            |one: &Wait| one.command == wait.command && (one.what == wait.what || one.seats == wait.seats);
        match new.iter_mut().find(|one| again(one)) {
            // Several items of one checklist.
            Some(one) if one.seats == wait.seats => {}
            Some(one) => {
                one.seats.extend(wait.seats);
                one.who.extend(wait.who);
            }
            None => new.push(wait),
        }
    }
    new
}

/// A checklist is asked for once: its items come and go as they are done. All else is asked anew when its words or its
/// beginning change.
fn is_same(old: &Wait, new: &Wait) -> bool {
    let same = old.command == new.command && old.seats == new.seats;
    same && (new.command == "checklist" || (&old.what, old.since) == (&new.what, new.since))
}

/// A stale sign-off waits on its product owners already when they are asked to renew it.
fn asked_again(event: &Event, wait: &Wait) -> bool {
    let Event::BuyInRequested(asked) = event else { return false };
    wait.command == "answer_buy_in" && wait.seats == [Seat::ProductOwner(asked.team.clone())]
}

/// Why a new wait is said at once; none for what the desk and the digest are early enough for.
fn topic(wait: &Wait, case: &Case) -> Option<Topic> {
    match wait.command {
        "answer_consultation"
        | "answer_buy_in"
        | "answer_question"
        | "agree_warranty"
        | "accept_delegation"
        | "accept_onus"
        | "confirm_decision"
        | "accept_succession"
        | "acknowledge_hand_over"
        | "settle_dispute"
        | "checklist"
        | "confirm_removed" => Some(Topic::Ask),
        "release_hold" => Some(Topic::Held),
        "decide_outcome" if case.verdict() == Some(Verdict::Negative) => Some(Topic::Negative),
        "fix_bug" => Some(Topic::Bug),
        "reopen_case" if case.stage == Stage::Parked => Some(Topic::Resurfaced),
        _ => None,
    }
}

fn about(state: &State, turn: Turn<'_>, case: &Case, topic: Topic, wait: &Wait, names: &Names) -> Message {
    let mut message = blank(state, turn, case, topic, names);
    message.id = format!("{}-{}", turn.recorded.seq, slug(wait.command, &wait.seats));
    message.subject = subject(case, topic, wait);
    message.to = wait.who.clone();
    message.waits = Some(wait.line());
    message.answer = Some(answer(wait));
    if topic == Topic::Held {
        let mut more = vec![Seat::Role(Role::Developer)];
        more.extend(case.product_owner_seats());
        message.to.extend(who(state, case, &more, turn.recorded.at));
    }
    for seat in &wait.seats {
        if let Seat::ProductOwner(team) = seat {
            message.teams.insert(team.clone());
            if wait.command == "answer_buy_in" {
                add_new(&mut message.changed, change::unsigned(case, team));
            }
        }
    }
    tell_drivers_when_nobody_sits(state, case, &mut message, turn.recorded.at);
    message
}

/// A date that is near, or a promise that is late: to whom it concerns, and once it is late to the drivers too.
fn deadline(state: &State, turn: Turn<'_>, case: &Case, notice: &NoticeGiven, names: &Names) -> Message {
    let waits = state.waits(case, turn.recorded.at);
    let wait = waits.iter().find(|wait| wait.seats == notice.to && wait.due.is_some());
    let mut message = blank(state, turn, case, Topic::Deadline, names);
    message.id = format!("{}-deadline", turn.recorded.seq);
    message.subject = if notice.sentence.contains(case.id.as_str()) {
        notice.sentence.clone()
    } else {
        match wait {
            Some(wait) => format!("{}: {}{}", case.id, wait.what, by(wait.due, wait.overdue)),
            None => format!("{}: {}", case.id, notice.sentence),
        }
    };
    message.happened = notice.sentence.clone();
    message.to = wait.map_or_else(|| who(state, case, &notice.to, turn.recorded.at), |wait| wait.who.clone());
    message.answer = wait.map(answer);
    if wait.is_some_and(|wait| wait.overdue) {
        let drivers: Vec<Seat> =
            DRIVERS.map(Seat::Role).into_iter().filter(|seat| !notice.to.contains(seat)).collect();
        message.to.extend(who(state, case, &drivers, turn.recorded.at));
    }
    message
}

/// A message with everything that does not depend on what is asked.
fn blank(state: &State, turn: Turn<'_>, case: &Case, topic: Topic, names: &Names) -> Message {
    Message {
        id: String::new(),
        topic,
        at: turn.recorded.at,
        case: Some(case.id.clone()),
        title: state.experiments.get(&case.experiment).and_then(|experiment| experiment.title.clone()),
        stage: Some(case.stage),
        teams: BTreeSet::from([case.team.clone()]),
        to: Vec::new(),
        subject: String::new(),
        happened: narrate(turn.recorded, names),
        notes: Vec::new(),
        waits: None,
        changed: change::between(turn.before, case),
        answer: None,
        path: path(&case.id),
        by: turn.recorded.actor.clone(),
    }
}

/// Where a case is shown, below the server's address.
pub fn path(case: &CaseId) -> String {
    format!("/cases/{case}")
}

fn subject(case: &Case, topic: Topic, wait: &Wait) -> String {
    let id = &case.id;
    let cause = || case.hold.as_ref().map_or_else(String::new, |hold| hold.cause.sentence());
    match topic {
        Topic::Held => format!("{id}: exposure is held at 0 %: {}", cause()),
        Topic::Negative => {
            format!("{id}: measured negative; iterate or remove it{}", by(wait.due, wait.overdue))
        }
        Topic::Bug | Topic::Ask | Topic::Deadline | Topic::Team => {
            format!("{id}: {}{}", wait.what, by(wait.due, wait.overdue))
        }
        Topic::Resurfaced => match case.suggestions.last() {
            Some(change) => format!("{id}: {change} may have made the parked idea easier"),
            None => format!("{id}: {}", wait.what),
        },
    }
}

fn by(due: Option<Date>, overdue: bool) -> String {
    match due {
        Some(due) if overdue => format!(", promised by {due} and late"),
        Some(due) => format!(", by {due}"),
        None => String::new(),
    }
}

fn who(state: &State, case: &Case, seats: &[Seat], at: Timestamp) -> Vec<WhoMay> {
    let place = Some(case.place());
    seats.iter().map(|seat| state.who_may(seat, seat.to_string(), place, at)).collect()
}

/// An ask that reaches nobody would wait for ever.
fn tell_drivers_when_nobody_sits(state: &State, case: &Case, message: &mut Message, at: Timestamp) {
    if message.to.iter().any(|who| who.told().next().is_some()) {
        return;
    }
    let seats: Vec<&str> = message.to.iter().map(|who| who.seat.as_str()).collect();
    message.notes.push(format!("Nobody holds {}: grant the role, or nobody can answer.", seats.join(" or ")));
    message.to.extend(who(state, case, &DRIVERS.map(Seat::Role), at));
}

fn add_new(changed: &mut Vec<Change>, more: Vec<Change>) {
    let known: BTreeSet<String> = changed.iter().map(|change| change.what.clone()).collect();
    changed.extend(more.into_iter().filter(|change| !known.contains(&change.what)));
}

/// The command that answers, as it is typed; what only the answerer knows is left as `…`.
fn answer(wait: &Wait) -> String {
    let known = wait.with.iter().map(|(name, value)| match value {
        Json::String(text) if text.contains(char::is_whitespace) => format!(" {name}='{text}'"),
        Json::String(text) => format!(" {name}={text}"),
        other => format!(" {name}={other}"),
    });
    let asked = wait.asked.iter().map(|name| format!(" {name}=…"));
    format!("tenure do {}{}", wait.command, known.chain(asked).collect::<String>())
}

/// What tells the messages of one entry apart, of letters, digits, `_` and `-` only.
fn slug(command: &str, seats: &[Seat]) -> String {
    let seat = seats.first().map(ToString::to_string).unwrap_or_default();
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' };
    format!("{command}-{}", seat.chars().map(plain).collect::<String>())
}
