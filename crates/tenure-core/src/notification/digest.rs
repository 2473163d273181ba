//! The weekly digest: what waits on somebody, and what happened in the cases they are in since the last one.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::apply::Recorded;
use crate::calendar::{Weekday, zone};
use crate::case::{Case, Stage};
use crate::desk::Desk;
use crate::event::Event;
use crate::id::{AccountId, CaseId};
use crate::measurement::Verdict;
use crate::narration::{Names, narrate};
use crate::person::{Actor, Role, Scope, Seat};
use crate::state::State;

/// Sentences a case has in a digest; older ones are counted.
const SENTENCES_MAX: usize = 12;

/// When a digest is due: an hour of a day of the week, in the zone of whoever reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// The day.
    pub day: Weekday,
    /// The hour, 0 to 23.
    pub hour: u8,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { day: Weekday::Monday, hour: 9 }
    }
}

impl Schedule {
    /// The latest time it was due, at or before `at`.
    pub fn latest(self, at: Timestamp, zone: &TimeZone) -> Timestamp {
        let today = zone.to_datetime(at).date();
        // At most a week back: today's may be later than now.
        (0..=7)
            .filter_map(|days| today.checked_sub(Span::new().days(days)).ok())
            .filter(|date| Weekday::of(*date) == self.day)
            .filter_map(|date| {
                let hour = i8::try_from(self.hour.min(23)).unwrap_or(9);
                zone.to_timestamp(date.at(hour, 0, 0, 0)).ok()
            })
            .find(|due| *due <= at)
            .unwrap_or(Timestamp::MIN)
    }
}

/// The zone somebody's hours are meant in when they do not say: that of the first team they hold a role in, else the
/// policy's.
pub fn zone_of(state: &State, account: &AccountId) -> TimeZone {
    let grants = state.people.get(account).into_iter().flat_map(|person| &person.grants);
    let team = grants.into_iter().find_map(|grant| match &grant.scope {
        Scope::Team(team) => Some(team),
        _ => None,
    });
    match team {
        Some(team) => state.calendar(team).zone().clone(),
        None => zone(&state.policy().time_zone).unwrap_or(TimeZone::UTC),
    }
}

/// Something that happened in a case, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// In which case.
    pub case: CaseId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub sentence: String,
}

/// The line an entry has in digests; none for what is about no case, what was said at its own time, and looks that
/// concluded nothing.
pub fn line(recorded: &Recorded, names: &Names) -> Option<Line> {
    let case = recorded.event.case()?;
    let quiet = match &recorded.event {
        Event::NoticeGiven(_) => true,
        Event::MeasurementRecorded(look) => look.measured.verdict == Verdict::Immature,
        _ => false,
    };
    (!quiet).then(|| Line { case: case.clone(), at: recorded.at, sentence: narrate(recorded, names) })
}

/// What somebody wants to hear of beside the cases they are in, and what not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Cases they watch.
    pub watched: BTreeSet<CaseId>,
    /// Cases they do not want to hear of; what waits on them is told all the same.
    pub muted: BTreeSet<CaseId>,
}

/// A weekly digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Digest {
    /// What waits on them, the oldest first.
    pub waits: Vec<DigestWait>,
    /// How many more wait on them.
    pub waits_left_out: usize,
    /// What happened, case by case.
    pub cases: Vec<CaseNews>,
}

/// Something that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DigestWait {
    /// In which case.
    pub case: CaseId,
    /// What, since when, by which promise.
    pub line: String,
    /// Whether the promise is late.
    pub overdue: bool,
    /// Where the case is shown, below the server's address.
    pub path: String,
}

/// What happened in a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseNews {
    /// Which.
    pub case: CaseId,
    /// The title of its experiment.
    pub title: Option<String>,
    /// Where it is now.
    pub stage: Stage,
    /// How many earlier sentences were left out.
    pub left_out: usize,
    /// What happened, oldest first.
    pub lines: Vec<Line>,
    /// Where the case is shown, below the server's address.
    pub path: String,
}

/// The digest of somebody with this on their desk, of the lines since their last one; none when there is nothing to say.
pub fn digest(
    state: &State,
    actor: &Actor,
    desk: Desk,
    interest: &Interest,
    lines: &[Line],
) -> Option<Digest> {
    let waits_left_out = desk.total - desk.waits.len();
    let waits: Vec<DigestWait> = desk
        .waits
        .into_iter()
        .map(|wait| DigestWait {
            path: super::path(&wait.case),
            overdue: wait.overdue,
            line: wait.line(),
            case: wait.case,
        })
        .collect();
    let mut news: BTreeMap<&CaseId, Vec<&Line>> = BTreeMap::new();
    for line in lines {
        news.entry(&line.case).or_default().push(line);
    }
    let cases: Vec<CaseNews> = news
        .into_iter()
        .filter_map(|(id, lines)| Some((state.cases.get(id)?, lines)))
        .filter(|(case, _)| !interest.muted.contains(&case.id))
        .filter(|(case, _)| interest.watched.contains(&case.id) || is_in(state, actor, case))
        .map(|(case, lines)| case_news(state, case, &lines))
        .collect();
    (!waits.is_empty() || !cases.is_empty()).then_some(Digest { waits, waits_left_out, cases })
}

fn case_news(state: &State, case: &Case, lines: &[&Line]) -> CaseNews {
    let left_out = lines.len().saturating_sub(SENTENCES_MAX);
    CaseNews {
        case: case.id.clone(),
        title: state.experiments.get(&case.experiment).and_then(|experiment| experiment.title.clone()),
        stage: case.stage,
        left_out,
        lines: lines[left_out..].iter().map(|line| (*line).clone()).collect(),
        path: super::path(&case.id),
    }
}

/// Whether somebody has to do with a case: a seat on it, in one of its product teams or codebases, or a part in building it.
fn is_in(state: &State, actor: &Actor, case: &Case) -> bool {
    let Actor::Account(account) = actor else { return false };
    let mut seats: Vec<Seat> = Role::ALL
        .into_iter()
        .filter(|role| !matches!(role, Role::Admin | Role::Importer))
        .map(Seat::Role)
        .collect();
    seats.extend(case.product_owner_seats());
    seats.extend(case.codebases().into_iter().map(Seat::CodebaseOwner));
    case.builders.contains(account)
        || case.delegate() == Some(account)
        || seats.iter().any(|seat| state.sits(actor, seat, Some(case.place())))
}
