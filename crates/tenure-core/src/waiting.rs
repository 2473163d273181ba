//! What is blocking: who is waited on, for what, since when, and by which promise, as people read it; and what a case
//! waits for that is time alone.

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::calendar::Calendar;
use crate::case::{Case, Stage};
use crate::id::CaseId;
use crate::narration;
use crate::person::{Place, Seat};
use crate::refusal::WhoMay;
use crate::rollout::Running;
use crate::rollout::gate::{self, Gate};
use crate::state::State;
use crate::task::{Open, Promise, open};
use crate::time::{Moment, Now};

/// Something that waits on somebody.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Wait {
    /// In which case.
    pub case: CaseId,
    /// What to do, in words.
    pub what: String,
    /// The command that does it.
    pub command: &'static str,
    /// Its arguments, as far as they are known.
    pub with: Map<String, Json>,
    /// The names of the arguments that whoever answers has to give.
    pub asked: &'static [&'static str],
    /// Who may do it.
    pub who: Vec<WhoMay>,
    /// Since when it waits.
    pub since: Timestamp,
    /// The date it is promised by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Date>,
    /// Whether that date has passed.
    pub overdue: bool,
    /// Working days since that date.
    pub late_by_days: u32,
    /// The seats that may do it.
    #[serde(skip)]
    pub seats: Vec<Seat>,
    /// The date since when it waits, where those are who are waited on.
    #[serde(skip)]
    since_on: Date,
    /// Whether its date is that of a review: when it begins, not by when it should be done.
    #[serde(skip)]
    pub(crate) review: bool,
}

/// A case that waits for nobody, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Until {
    /// What it waits for, in words.
    pub what: String,
    /// The last day of waiting, when it is known.
    pub until: Option<Date>,
}

impl Wait {
    /// The line a person reads: who, what, since when, which promise.
    pub fn line(&self) -> String {
        self.line_with(&narration::Names::default())
    }

    /// The same with people by their names.
    pub fn line_with(&self, names: &narration::Names) -> String {
        let who: Vec<String> = self
            .who
            .iter()
            .map(|who| match who.names_with(names).as_slice() {
                [] if self.seats.contains(&Seat::System) => who.seat.clone(),
                [] => format!("{} (nobody holds it)", who.seat),
                names => {
                    let names = names.join(" or ");
                    if names == who.seat { names } else { format!("{} ({names})", who.seat) }
                }
            })
            .collect();
        let since = self.since_on;
        let promise = match (self.due, self.late_by_days) {
            (Some(due), 1) => format!(", promised by {due} and 1 working day late"),
            (Some(due), days) if self.overdue => format!(", promised by {due} and {days} working days late"),
            (Some(due), _) => format!(", promised by {due}"),
            (None, _) => String::new(),
        };
        format!("{} to {}, since {since}{promise}", who.join(" or "), self.what)
    }
}

impl Until {
    /// The line a person reads.
    pub fn line(&self) -> String {
        match self.until {
            Some(until) => format!("{}, until {until}", self.what),
            None => self.what.clone(),
        }
    }
}

impl State {
    /// What waits on somebody in a case, the most pressing first.
    pub fn waits(&self, case: &Case, now: impl Into<Now>) -> Vec<Wait> {
        let now = now.into();
        open(self, case, &Moment::of(now)).iter().map(|one| self.told(case, one, now)).collect()
    }

    /// What comes next in a case.
    pub fn next(&self, case: &Case, now: impl Into<Now>) -> Option<Wait> {
        let now = now.into();
        let next = open(self, case, &Moment::of(now)).into_iter().next()?;
        Some(self.told(case, &next, now))
    }

    /// What a case waits for that is time alone: a wave, a verdict, the end of a warranty, a review.
    pub fn until(&self, case: &Case, now: impl Into<Now>) -> Option<Until> {
        let now = now.into();
        let what = |what: String, until: Option<Date>| Some(Until { what, until });
        match (case.stage, &case.running) {
            (Stage::RollingOut, Some(running)) if case.hold.is_none() => {
                let (until, waits_for) = self.rollout_until(case, running, now);
                what(waits_for, until)
            }
            (Stage::Productionised, _) => {
                let deadlines = &self.policy_of(case).deadlines;
                let review = case.kept.as_ref().and_then(|kept| kept.review(deadlines));
                let review = review.filter(|on| *on > self.today(case, now.at));
                let ends = case.warranty_ends().filter(|ends| *ends >= self.owner_date(case, now.at));
                match (ends, review) {
                    (Some(ends), _) => what("the warranty runs".to_owned(), Some(ends)),
                    (None, Some(review)) => what("the justified keep rests".to_owned(), Some(review)),
                    (None, None) => None,
                }
            }
            (Stage::Parked, _) => {
                let parked = case.parked.as_ref()?;
                let tags = parked.unblock.iter().cloned().collect::<Vec<_>>().join(", ");
                let sleeps = if tags.is_empty() {
                    "it is parked".to_owned()
                } else {
                    format!("it is parked until a platform change brings {tags}")
                };
                what(sleeps, parked.review_on.filter(|review| *review > self.today(case, now.at)))
            }
            _ => None,
        }
    }

    fn rollout_until(&self, case: &Case, running: &Running, now: Now) -> (Option<Date>, String) {
        let Some(plan) = &case.plan else { return (None, "the rollout runs".to_owned()) };
        let hours = self.policy_of(case).wave_min_hours;
        match (plan.waves.get(running.wave), plan.waves.get(running.wave + 1)) {
            (Some(wave), Some(_)) => {
                let runs = format!("the wave of {} % runs", wave.percent);
                let ends = self.today(case, gate::ends(wave, running, hours));
                let shut = gate::shut(case, plan, running, hours, &Moment::of(now));
                // What opens with time says when; of the others the first is the one to see to.
                match shut.first() {
                    Some(Gate::Time) | None => (Some(ends), runs),
                    Some(_) if !plan.automatic => (Some(ends), runs),
                    // At the plan's largest duration it ends, whatever is missing.
                    Some(gate) => {
                        let last = crate::time::days_later(running.started_on, i64::from(plan.max_days));
                        (Some(last), format!("{runs} on, because {}", gate.sentence()))
                    }
                }
            }
            _ => {
                let ends = crate::time::days_later(running.started_on, i64::from(plan.max_days));
                let forecast =
                    self.forecast(case).map(|forecast| forecast.sentence(self.today(case, now.at)));
                let forecast = forecast.map_or(String::new(), |sentence| format!(" ({sentence})"));
                (Some(ends), format!("the rollout is measured{forecast}"))
            }
        }
    }

    /// One line that says what a case waits for; none when it is at its end.
    pub fn blocking(&self, case: &Case, now: impl Into<Now>) -> Option<String> {
        let now = now.into();
        let next = self.next(case, now).map(|wait| wait.line());
        next.or_else(|| self.until(case, now).map(|until| until.line()))
    }

    /// Whether a promise in a case is broken.
    pub fn is_late(&self, case: &Case, now: impl Into<Now>) -> bool {
        let moment = Moment::of(now);
        self.breaks_promise(case, &open(self, case, &moment), &moment)
    }

    /// Whether a promise of what is open in a case is broken.
    pub(crate) fn breaks_promise(&self, case: &Case, open: &[Open<'_>], moment: &Moment) -> bool {
        !case.stage.is_terminal()
            && open.iter().any(|one| {
                let days = self.days(case, one);
                due(&days, one).is_some_and(|due| days.is_over(due, moment))
            })
    }

    /// What is to be said of the promises of what is open in a case, by the name it is remembered by: those that are
    /// broken, and reviews that have come. Without what was said already.
    pub(crate) fn escalations(&self, case: &Case, open: &[Open<'_>], moment: &Moment) -> Vec<(String, Wait)> {
        let named = open.iter().filter_map(|one| {
            let days = self.days(case, one);
            let due = due(&days, one).filter(|due| one.task.is_review() || days.is_over(*due, moment))?;
            Some((deadline(case, one, due), one))
        });
        let unsaid = named.filter(|(name, _)| !case.notices.contains(name));
        unsaid.map(|(name, one)| (name, self.told(case, one, Now::from(moment.at)))).collect()
    }

    /// The days by which a task is promised.
    fn days<'a>(&'a self, case: &'a Case, one: &Open<'_>) -> Calendar<'a> {
        self.calendar_in(case, one.task.days_of(case).unwrap_or(&case.team))
    }

    pub(crate) fn told(&self, case: &Case, one: &Open<'_>, now: Now) -> Wait {
        let days = self.days(case, one);
        let (today, due) = (days.date(now.at), due(&days, one));
        let late = due.filter(|due| today > *due);
        let seats = one.task.seats(case);
        let of = |seat: &Seat| match (one.task.team(), seat) {
            (Some(team), Seat::Role(_)) => format!("{seat} of {team}"),
            _ => seat.to_string(),
        };
        let place = place(case, one);
        let mut with = Map::from_iter([("case".to_owned(), json!(case.id))]);
        if let Json::Object(known) = one.task.known(case) {
            with.extend(known);
        }
        if ["register_experiment", "accept_succession"].contains(&one.task.command()) {
            with.remove("case");
        }
        Wait {
            case: case.id.clone(),
            what: one.task.what(case.stage),
            command: one.task.command(),
            with,
            asked: one.task.asked(),
            who: seats
                .iter()
                .map(|seat| WhoMay {
                    seat: of(seat),
                    accounts: self.sitters(seat, Some(place)),
                    deputies: self.stand_ins(seat, Some(place), now.at),
                })
                .collect(),
            since: one.since,
            due,
            overdue: late.is_some(),
            late_by_days: late.map_or(0, |due| days.working_days_between(due, today)),
            seats,
            since_on: days.date(one.since),
            review: one.task.is_review(),
        }
    }
}

/// The date a task is promised by.
fn due(days: &Calendar<'_>, one: &Open<'_>) -> Option<Date> {
    match one.promise {
        Promise::None => None,
        Promise::By(date) => Some(date),
        Promise::Within(working_days) => Some(days.due(one.since, working_days)),
    }
}

fn place<'a>(case: &'a Case, one: &'a Open<'a>) -> Place<'a> {
    Place { team: one.task.team().unwrap_or(&case.team), case: Some(&case.id) }
}

/// The name a broken promise is remembered by. Several of one kind may be promised by one date: of several codebases, of
/// several items.
fn deadline(case: &Case, one: &Open<'_>, due: Date) -> String {
    let seats: Vec<String> = one.task.seats(case).iter().map(ToString::to_string).collect();
    let known = one.task.known(case);
    let about = ["codebase", "item", "number"].into_iter().filter_map(|key| known.get(key));
    let what = about.fold(one.task.command().to_owned(), |what, about| match about {
        Json::String(text) => format!("{what} {text}"),
        other => format!("{what} {other}"),
    });
    format!("{what} by {} until {due}", seats.join(", "))
}
