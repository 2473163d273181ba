//! Scenarios: files of dated commands with what each must answer. They are tests, and they are documentation.
//!
//! Format: `people` (account → roles), `codebases` (name → ordered owner-process items), `policy`, and `scenarios`, each
//! with `id` and `steps`. A step has `at`, `by`, `do`, `with`, `expect` (`ok` or `refused:CODE`), and may state the case's
//! `state` after it and a `check` of further facts. Every scenario starts from an empty world.
//!
//! A date is nine in the morning of that day where the company is; `at` may be an instant instead. `do` is a command, or
//! `clockwork`: then everything that is due at the time is done, but for looks.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value as Json, json};

use crate::apply::{Recorded, apply};
use crate::baseline;
use crate::calendar::zone;
use crate::case::Case;
use crate::codebase::{DefineCodebase, ItemTemplate};
use crate::command::Command;
use crate::decide::decide;
use crate::id::{AccountId, BugId, CodebaseId, FollowUpId, TeamId};
use crate::measurement::verdict_name;
use crate::person::{Actor, Grant, GrantRole, Role};
use crate::plan::{Due, plan};
use crate::policy::{Overrides, Policy, SetPolicy};
use crate::refusal::{Refusal, RefusalCode};
use crate::state::State;
use crate::team::DefineTeam;
use crate::time::Now;

/// A file that is no scenario file, and where.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// Not JSON, or not of the format.
    #[error("the file is not in the scenario format: {0}")]
    Format(#[from] serde_json::Error),
    /// Two scenarios have one name.
    #[error("scenario {id} is there twice: give each its own id")]
    Twice {
        /// Which.
        id: String,
    },
    /// The world before the first step was refused.
    #[error("scenario {id}: the world cannot be set up: {refusal}")]
    World {
        /// Which scenario.
        id: String,
        /// Why.
        refusal: Box<Refusal>,
    },
}

/// How a scenario went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Which.
    pub id: String,
    /// Whether every step answered as expected.
    pub passed: bool,
    /// The first step that did not, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
    /// What it should have answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub got: Option<String>,
    /// The refusal's sentence, or what is wrong with the step itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A step that answered otherwise than it should.
struct Mismatch {
    expected: String,
    got: String,
    why: Option<String>,
}

impl Mismatch {
    fn new(expected: String, got: String) -> Self {
        Self { expected, got, why: None }
    }
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    people: BTreeMap<AccountId, Vec<Grant>>,
    #[serde(default)]
    codebases: BTreeMap<CodebaseId, Vec<ItemTemplate>>,
    #[serde(default)]
    policy: Known,
    scenarios: Vec<Scenario>,
}

impl File {
    /// Reads a file and looks whether its scenarios can be told apart.
    fn read(text: &str) -> Result<Self, ScenarioError> {
        let file: Self = serde_json::from_str(text)?;
        let mut ids = BTreeSet::new();
        match file.scenarios.iter().find(|scenario| !ids.insert(&scenario.id)) {
            Some(twice) => Err(ScenarioError::Twice { id: twice.id.clone() }),
            None => Ok(file),
        }
    }
}

/// The policy, with what it does not know left out: a scenario may be written for a policy that can say more. `teams` in
/// it says what teams say otherwise.
#[derive(Default)]
struct Known {
    policy: Policy,
    teams: BTreeMap<TeamId, Overrides>,
}

impl<'de> Deserialize<'de> for Known {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let bad = |fault: serde_json::Error| D::Error::custom(format!("policy: {fault}"));
        let mut given = Json::deserialize(from)?;
        let teams = given.as_object_mut().and_then(|given| given.remove("teams")).unwrap_or(json!({}));
        retain_known(&mut given, &json!(Policy::default()));
        Ok(Self {
            policy: serde_json::from_value(given).map_err(bad)?,
            teams: serde_json::from_value(teams).map_err(bad)?,
        })
    }
}

fn retain_known(given: &mut Json, known: &Json) {
    if let (Json::Object(given), Json::Object(known)) = (given, known) {
        given.retain(|key, _| known.contains_key(key));
        for (key, value) in given.iter_mut() {
            retain_known(value, &known[key]);
        }
    }
}

#[derive(Deserialize)]
struct Scenario {
    id: String,
    steps: Vec<Written>,
}

/// A step, or why it cannot be read: that fails its scenario and no other.
#[derive(Deserialize)]
#[serde(from = "Json")]
struct Written(Result<Step, String>);

impl From<Json> for Written {
    fn from(json: Json) -> Self {
        Self(serde_json::from_value(json).map_err(|fault| format!("the step cannot be read: {fault}")))
    }
}

/// When a step is: on a day, or at an instant.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged, expecting = "at is a date such as 2026-05-04, or an instant such as 2026-05-04T23:30:00Z")]
enum When {
    At(Timestamp),
    On(Date),
}

#[derive(Deserialize)]
struct Step {
    at: When,
    by: AccountId,
    #[serde(rename = "do")]
    name: String,
    #[serde(default)]
    with: Map<String, Json>,
    expect: String,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    check: Map<String, Json>,
}

/// Runs every scenario of a file, in order.
pub fn run_file(text: &str) -> Result<Vec<Outcome>, ScenarioError> {
    let file = File::read(text)?;
    file.scenarios.iter().map(|scenario| scenario.run(&file).map(|run| run.outcome)).collect()
}

/// Runs one scenario of a file and gives the world it ends in, with everything that was recorded.
pub fn run_one(text: &str, id: &str) -> Result<Option<(Outcome, World)>, ScenarioError> {
    let file = File::read(text)?;
    let scenario = file.scenarios.iter().find(|scenario| scenario.id == id);
    let run = scenario.map(|scenario| scenario.run(&file)).transpose()?;
    Ok(run.map(|run| (run.outcome, run.world)))
}

/// Runs every scenario of a file and gives every refusal in it, with the command that was refused.
pub fn refusals(text: &str) -> Result<Vec<(String, Refusal)>, ScenarioError> {
    let file = File::read(text)?;
    let runs: Result<Vec<Run>, ScenarioError> =
        file.scenarios.iter().map(|scenario| scenario.run(&file)).collect();
    Ok(runs?.into_iter().flat_map(|run| run.refusals).collect())
}

/// A scenario that was run.
struct Run {
    outcome: Outcome,
    world: World,
    refusals: Vec<(String, Refusal)>,
}

/// A state and the entries it is the fold of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct World {
    /// The state.
    pub state: State,
    /// Everything recorded, oldest first.
    pub journal: Vec<Recorded>,
}

impl World {
    /// Decides a command and applies what it records.
    pub fn submit(&mut self, by: &Actor, now: impl Into<Now>, command: &Command) -> Result<(), Refusal> {
        let now = now.into();
        for event in decide(&self.state, by, now, command)? {
            let recorded = Recorded { seq: self.state.seq + 1, at: now.at, actor: by.account(), event };
            apply(&mut self.state, &recorded);
            self.journal.push(recorded);
        }
        Ok(())
    }
}

/// The step that does what is due.
const CLOCKWORK: &str = "clockwork";

impl World {
    /// Does what is due, as Tenure itself would; looks need data, and are left out.
    fn clockwork(&mut self, now: Now) {
        for due in plan(&self.state, now) {
            if let Due::Submit(command) = due {
                // What was planned may be refused by what was just done, as in a running server.
                let _ = self.submit(&Actor::System, now, &command);
            }
        }
    }
}

impl Scenario {
    fn run(&self, file: &File) -> Result<Run, ScenarioError> {
        let (mut world, mut refusals) = (self.world(file)?, Vec::new());
        let mut outcome =
            Outcome { id: self.id.clone(), passed: true, step: None, expected: None, got: None, why: None };
        for (at, step) in self.steps.iter().enumerate() {
            // A step that makes no sense fails its own scenario, and no other.
            let answer = match &step.0 {
                Ok(step) => step.run(at, &mut world, &mut refusals),
                Err(fault) => Err(fault.clone()),
            };
            let mismatch = answer.unwrap_or_else(|fault| {
                let expected = step.0.as_ref().map_or("a step", |step| &step.expect).to_owned();
                Some(Mismatch { expected, got: "no answer".to_owned(), why: Some(fault) })
            });
            if let Some(mismatch) = mismatch {
                outcome.passed = false;
                outcome.step = Some(at + 1);
                outcome.expected = Some(mismatch.expected);
                outcome.got = Some(mismatch.got);
                outcome.why = mismatch.why;
                break;
            }
        }
        Ok(Run { outcome, world, refusals })
    }

    fn world(&self, file: &File) -> Result<World, ScenarioError> {
        let mut world = World::default();
        let set_up = file
            .codebases
            .iter()
            .map(|(codebase, items)| {
                DefineCodebase { codebase: codebase.clone(), items: items.clone(), team: None }.into()
            })
            .chain(file.policy.teams.keys().map(|team| DefineTeam { team: team.clone(), name: None }.into()))
            .chain(
                [SetPolicy { policy: file.policy.policy.clone(), teams: file.policy.teams.clone() }.into()],
            )
            .chain(file.people.iter().flat_map(|(account, grants)| {
                grants.iter().map(|role| GrantRole { account: account.clone(), role: role.clone() }.into())
            }));
        let zone = &file.policy.policy.time_zone;
        let before = self
            .steps
            .iter()
            .flat_map(|step| &step.0)
            .map(|step| step.instant(0, zone))
            .min()
            .unwrap_or(Timestamp::UNIX_EPOCH);
        for command in set_up.collect::<Vec<Command>>() {
            world.submit(&Actor::System, before, &command).map_err(|refusal| ScenarioError::World {
                id: self.id.clone(),
                refusal: Box::new(refusal),
            })?;
        }
        Ok(world)
    }
}

impl Step {
    /// Runs the step; what was expected and what came, when they differ.
    fn run(
        &self,
        at: usize,
        world: &mut World,
        refusals: &mut Vec<(String, Refusal)>,
    ) -> Result<Option<Mismatch>, String> {
        if self.expect != "ok" && !self.expect.starts_with("refused:") {
            return Err(format!("expect is `{}`: use `ok` or `refused:CODE`", self.expect));
        }
        if let Some(code) = self.expect.strip_prefix("refused:")
            && !RefusalCode::ALL.iter().any(|known| known.code() == code)
        {
            return Err(format!("expect is `{}`, and `{code}` is no refusal code", self.expect));
        }
        let now = Now::from(self.instant(at, &world.state.policy().time_zone));
        if let Some(last) = world.journal.last().filter(|last| last.at > now.at) {
            return Err(format!(
                "at is {}, before the step before it at {}: time moves forward",
                now.at, last.at
            ));
        }
        if self.name == CLOCKWORK {
            world.clockwork(now);
            return if self.expect == "ok" {
                self.facts(world, now)
            } else {
                Err("clockwork is always ok".to_owned())
            };
        }
        if !Command::ALL.iter().any(|(name, _)| *name == self.name) {
            return Err(format!("do is `{}`, which is no command", self.name));
        }
        // Arguments that cannot be read are refused like any value that cannot be meant.
        let answer = match Command::parse(&self.name, Json::Object(self.with.clone())) {
            Ok(command) => world.submit(&Actor::of(self.by.clone()), now, &command),
            Err(fault) => Err(Refusal::argument(fault.to_string())),
        };
        let (got, why) = match answer {
            Ok(()) => ("ok".to_owned(), None),
            Err(refusal) => {
                refusals.push((self.name.clone(), refusal.clone()));
                (format!("refused:{}", refusal.code), Some(refusal.sentence))
            }
        };
        if got != self.expect {
            return Ok(Some(Mismatch { expected: self.expect.clone(), got, why }));
        }
        self.facts(world, now)
    }

    /// Steps of one day keep their order: each is a second after the one before.
    fn instant(&self, at: usize, zone_name: &str) -> Timestamp {
        let on = match self.at {
            When::At(at) => return at,
            When::On(on) => on,
        };
        let seconds = i64::try_from(at).unwrap_or(i64::MAX);
        zone(zone_name)
            .unwrap_or(TimeZone::UTC)
            .to_timestamp(on.at(9, 0, 0, 0))
            .ok()
            .and_then(|morning| {
                Span::new().try_seconds(seconds).ok().and_then(|span| morning.checked_add(span).ok())
            })
            .unwrap_or(Timestamp::MAX)
    }

    fn facts(&self, world: &World, now: Now) -> Result<Option<Mismatch>, String> {
        let state = &world.state;
        let named = |map: &Map<String, Json>| map.get("case").and_then(Json::as_str).map(str::to_owned);
        let own = named(&self.with);
        let looked_at = named(&self.check).or_else(|| own.clone());
        let state_of = self.state.iter().map(|expected| (&own, "state", json!(expected)));
        let checks = self.check.iter().filter(|(key, _)| *key != "case");
        let checks = checks.map(|(key, expected)| (&looked_at, key.as_str(), expected.clone()));
        for (case, key, expected) in state_of.chain(checks) {
            if let Some(got) = fact_of_run(state, key) {
                if !same(&got, &expected) {
                    return Ok(Some(Mismatch::new(format!("{key} {expected}"), format!("{key} {got}"))));
                }
                continue;
            }
            let id = case.as_deref().ok_or_else(|| format!("{key} is checked, and no case is named"))?;
            let got = match state.cases.get(id) {
                Some(case) => fact(state, case, key, now)?,
                None => {
                    return Ok(Some(Mismatch::new(format!("{key} {expected}"), format!("no case {id}"))));
                }
            };
            if !same(&got, &expected) {
                return Ok(Some(Mismatch::new(format!("{key} {expected}"), format!("{key} {got}"))));
            }
        }
        Ok(None)
    }
}

/// Numbers are the same by value: 50 is 50.0.
fn same(got: &Json, expected: &Json) -> bool {
    match (got.as_f64(), expected.as_f64()) {
        (Some(got), Some(expected)) => got == expected,
        _ => got == expected,
    }
}

fn fact(state: &State, case: &Case, key: &str, now: Now) -> Result<Json, String> {
    if let Some((noun, name)) = key.split_once(':') {
        return fact_of(state, case, noun, name, now);
    }
    Ok(match key {
        "state" => json!(case.stage.name()),
        "verdict" => json!(case.verdict().map(verdict_name)),
        "exposure_percent" => json!(case.exposure_percent()),
        "warranty_ends" => json!(case.warranty_ends()),
        "iteration" => json!(case.iteration),
        "experiment" => json!(case.experiment),
        "suggestions" => {
            json!(case.open_suggestions(|until| until <= state.today(case, now.at)).collect::<Vec<_>>())
        }
        "reopened_for" => json!(case.reopened_for),
        "held" => json!(case.hold.is_some()),
        "self_reported" => {
            json!(case.measurements.latest.as_ref().is_some_and(|latest| latest.self_reported.is_some()))
        }
        "recovered" => json!(case.kept.as_ref().is_some_and(|kept| kept.recovered)),
        "replication" => {
            let latest = case.measurements.latest.as_ref();
            json!(latest.and_then(|latest| latest.replication.as_ref()).map(|replication| replication.label))
        }
        "notices" => json!(case.notices),
        "team" => json!(case.team),
        "accountable_teams" => json!(state.owner_at(case, now.at).map(|owner| owner.teams)),
        "hand_over" => json!(case.hand_over_status(state.owner_date(case, now.at))),
        "drift" => json!(case.measurements.latest.as_ref().and_then(|latest| {
            latest.drift.as_ref().map(|drift| drift.p_value < state.policy_of(case).alpha)
        })),
        "needs_justification" => {
            json!(case.measurements.latest.as_ref().is_some_and(|latest| latest.needs_justification))
        }
        "late" => json!(state.is_late(case, now)),
        "accountable" => json!(state.accountable_at(case, now.at)),
        _ => {
            return weighed(state, case, key)
                .or_else(|| built_on(state, case, key))
                .ok_or_else(|| no_fact(key));
        }
    })
}

/// Facts of an experiment that is run here: `run:ID` is its status, `arm:ID/NAME` the verdict on one of its arms.
fn fact_of_run(state: &State, key: &str) -> Option<Json> {
    let (noun, name) = key.split_once(':')?;
    let run = |id: &str| state.runs.get(id);
    match noun {
        "run" => Some(json!(run(name).map(|run| run.status().name()))),
        "arm" => {
            let (id, arm) = name.split_once('/')?;
            let latest = run(id).and_then(|run| run.arms.get(arm)?.latest.as_ref());
            Some(json!(latest.map(|latest| verdict_name(latest.judged.verdict))))
        }
        _ => None,
    }
}

fn no_fact(key: &str) -> String {
    format!("check names `{key}`, which is no fact of a case")
}

/// Facts of cost and benefit; amounts are whole, months and shares have two decimals.
fn weighed(state: &State, case: &Case, key: &str) -> Option<Json> {
    let weighed = case.cost_benefit.as_ref();
    let weighing = || weighed.and_then(|weighed| weighed.weighing.as_ref());
    let whole = |amount: f64| json!(amount.round());
    Some(match key {
        "cost_benefit" => json!(weighed.map(|weighed| weighed.version)),
        "weighing_stale" => json!(case.moved_since_weighed(state.policy_of(case)).is_some()),
        "benefit_per_year" => json!(weighed.map(|weighed| whole(weighed.benefit_per_year))),
        "one_off_cost" => json!(weighed.map(|weighed| whole(weighed.one_off_cost))),
        "payback_months" => {
            json!(weighing().and_then(|weighing| weighing.payback.months).map(|it| rounded(it, 2)))
        }
        "pays_within_a_year" => json!(weighing().map(|weighing| rounded(weighing.payback.within_a_year, 2))),
        "break_even_share" => json!(weighing().and_then(|it| it.break_even_share).map(|it| rounded(it, 2))),
        "rerun_target_met" => json!(case.rerun().and_then(|rerun| rerun.met)),
        _ => return None,
    })
}

/// Facts of the chain that leads to a case; a change of level has six decimals.
fn built_on(state: &State, case: &Case, key: &str) -> Option<Json> {
    let chain = || baseline::cumulative(state, case);
    Some(match key {
        "lineage" => json!(chain().map(|it| it.links.into_iter().map(|link| link.case).collect::<Vec<_>>())),
        "cumulative" => json!(chain().map(|it| rounded(it.difference, 6))),
        "apart" => json!(chain().map(|it| it.apart.into_iter().map(|apart| apart.case).collect::<Vec<_>>())),
        "gone" => json!(chain().map(|it| it.gone)),
        _ => return None,
    })
}

fn rounded(value: f64, decimals: i32) -> f64 {
    let unit = 10_f64.powi(decimals);
    (value * unit).round() / unit
}

fn fact_of(state: &State, case: &Case, noun: &str, name: &str, now: Now) -> Result<Json, String> {
    let bad = |fault: crate::id::BadId| fault.to_string();
    Ok(match noun {
        "signoff" | "sign_off" => json!(case.sign_off_status(&TeamId::new(name).map_err(bad)?).name()),
        "follow_up" => {
            let id = FollowUpId::new(name).map_err(bad)?;
            json!(case.follow_ups.get(&id).map(|follow_up| case.follow_up_status(follow_up).name()))
        }
        "changed" => {
            let diff = case.changed_since_sign_off(&TeamId::new(name).map_err(bad)?);
            json!(diff.map(|diff| diff.lines()).unwrap_or_default())
        }
        "dispute" => {
            let id = BugId::new(name).map_err(bad)?;
            json!(case.bugs.get(&id).and_then(|bug| bug.disputes.last()).map(|dispute| {
                match &dispute.settled {
                    None => "open",
                    Some(settled) if settled.upheld => "upheld",
                    Some(_) => "turned_down",
                }
            }))
        }
        "questions" => {
            json!(case.open_questions().filter(|(team, _)| team.as_str() == name).count())
        }
        "invitation" => {
            let status = case.invitations.get(name).map(|invitation| {
                let today = state.calendar_in(case, &invitation.team).date(now.at);
                case.invitation_status(invitation, today)
            });
            json!(status)
        }
        "answered_by" | "self_approved" => {
            let team = TeamId::new(name).map_err(bad)?;
            let answered = case.sign_offs.get(&team).and_then(|sign_off| sign_off.answered.as_ref());
            match noun {
                "self_approved" => json!(answered.map(|answered| answered.self_approved)),
                _ => json!(answered.map(|answered| answered.stamp.who())),
            }
        }
        "confirmed_by" => {
            let taken = case.decisions.last().map(|decision| &decision.open);
            let open = case.proposal.as_ref().or(taken);
            let role = Role::ALL.into_iter().find(|role| role.name() == name);
            json!(role.and_then(|role| open.and_then(|open| open.confirmed.get(&role))))
        }
        "due" => {
            let waits = state.waits(case, now);
            json!(waits.iter().find(|wait| wait.command == name).map(|wait| wait.due))
        }
        "policy" => {
            let policy = json!(state.policy_of(case));
            name.split('.').try_fold(&policy, |at, key| at.get(key)).cloned().unwrap_or_default()
        }
        "bug" => {
            let id = BugId::new(name).map_err(bad)?;
            json!(case.bugs.get(&id).filter(|bug| bug.moved_to.is_none()).map(|bug| bug.accountable.name()))
        }
        _ => return Err(format!("check names `{noun}:{name}`, which is no fact of a case")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(step: &str) -> String {
        format!(
            r#"{{"people": {{"lead": ["development_lead"]}}, "scenarios": [{{"id": "X", "steps": [{step}]}}]}}"#
        )
    }

    #[test]
    fn a_malformed_file_names_the_place() {
        let check = |text: &str, says: &str| {
            let fault = run_file(text).unwrap_err().to_string();
            assert!(fault.contains(says), "{fault}");
        };
        check("{", "scenario format");
        check("{}", "missing field `scenarios`");
        check(r#"{"scenarios": [], "people": {"a": ["king"]}}"#, "role `king` is unknown");
        check(
            r#"{"scenarios": [{"id": "X", "steps": []}, {"id": "X", "steps": []}]}"#,
            "scenario X is there twice",
        );
    }

    #[test]
    fn a_step_that_makes_no_sense_fails_its_scenario() {
        let check = |step: &str, says: &str| {
            let outcome = run_file(&file(step)).unwrap().remove(0);
            assert_eq!((outcome.passed, outcome.step), (false, Some(1)));
            assert!(outcome.why.as_ref().is_some_and(|why| why.contains(says)), "{outcome:?}");
        };
        check(r#"{"at": "2026-01-01", "by": "a", "do": "dance", "expect": "ok"}"#, "no command");
        check(r#"{"at": "2026-01-01", "by": "a", "do": "open_case", "expect": "no"}"#, "expect is");
        check(
            r#"{"at": "2026-01-01", "by": "a", "do": "open_case", "expect": "refused:no"}"#,
            "no refusal code",
        );
        check(r#"{"at": "2026-13-01", "by": "a", "do": "b", "expect": "ok"}"#, "at is a date such as");
        check(r#"{"at": "2026-01-01", "by": "a", "do": "b"}"#, "missing field `expect`");
        check("7", "the step cannot be read");
    }

    #[test]
    fn time_moves_forward_and_one_bad_scenario_fails_alone() {
        let open =
            r#""by": "lead", "do": "stop_exposure", "with": {"case": "PC-1"}, "expect": "refused:not_found""#;
        let team = r#""by": "system", "do": "define_team", "with": {"team": "kestrel"}, "expect": "ok""#;
        let good = format!(r#"{{"id": "Y", "steps": [{{"at": "2026-01-01", {open}}}]}}"#);
        let bad = format!(
            r#"{{"id": "X", "steps": [{{"at": "2026-01-02", {team}}}, {{"at": "2026-01-01", {open}}}]}}"#
        );
        let outcomes = run_file(&format!(r#"{{"scenarios": [{bad}, {good}]}}"#)).unwrap();
        assert_eq!(outcomes.iter().map(|outcome| outcome.passed).collect::<Vec<_>>(), [false, true]);
        assert_eq!(outcomes[0].step, Some(2));
        assert!(
            outcomes[0].why.as_ref().is_some_and(|why| why.contains("time moves forward")),
            "{outcomes:?}"
        );
    }

    #[test]
    fn a_step_that_answers_otherwise_is_named() {
        let check = |step: &str, expected: &str, got: &str| {
            let outcome = run_file(&file(step)).unwrap().remove(0);
            assert!(!outcome.passed);
            assert_eq!(outcome.step, Some(1));
            assert_eq!(outcome.expected.unwrap(), expected);
            let answer = outcome.got.unwrap();
            assert!(answer.starts_with(got), "{answer}");
        };
        let open = r#""at": "2026-01-01", "by": "lead", "do": "open_case""#;
        let with = r#""with": {"case": "PC-1", "experiment": "E"}"#;
        check(&format!(r#"{{{open}, {with}, "expect": "ok"}}"#), "ok", "refused:not_found");
        check(&format!(r#"{{{open}, "expect": "ok"}}"#), "ok", "refused:invalid_argument");
        let refused = r#""expect": "refused:not_found""#;
        check(
            &format!(r#"{{{open}, {with}, {refused}, "state": "preparation"}}"#),
            "state \"preparation\"",
            "no case PC-1",
        );
    }
}
