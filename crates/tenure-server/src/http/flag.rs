//! Flags: those set by hand, and those that cases are wrapped in. How each stands in every environment, and as a flagd
//! definition in the one that is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tenure_core::Actor;
use tenure_core::State as Known;
use tenure_core::flag::hand::About;
use tenure_core::flag::staleness::{Stale, Staleness};
use tenure_core::id::{AccountId, CaseId, ChangeRequestId, EnvironmentId, ExperimentId, FlagKey};
use tenure_core::run::{Run, RunStatus};
use tenure_flags::authoring::{NoLists, Source};
use tenure_flags::{Definition, Entry, State as Switch};
use utoipa::IntoParams;

use super::body::Body;
use super::page::{After, Page};
use super::query::Query;
use super::schema::{Given, Shown};
use crate::auth::{Allowed, Read, Write};
use crate::flag_snapshot::FlagSnapshot;
use crate::live::{Done, Live, Submission};
use crate::problem::Problem;

/// A flag.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FlagView {
    /// Its key.
    key: FlagKey,
    /// What people say about it.
    #[serde(flatten)]
    about: About,
    /// The case that is wrapped in it; its exposure decides what the flag serves.
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<CaseId>,
    /// The experiment that runs on it, or ran on it last: what it serves when no case is wrapped in it and nobody set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    experiment: Option<ExperimentId>,
    /// How it stands in every environment that serves it.
    environments: BTreeMap<EnvironmentId, Standing>,
    /// Why it should leave the code; empty for a flag that still has a purpose.
    stale: Vec<Stale>,
    /// Its flagd definition, as it is served now in the environment that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<FlagDefinition>")]
    definition: Option<Value>,
    /// How it was written there. Lists of units are by reference: `GET /api/v1/key-lists/{list}` reads one.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source>,
    /// Why it cannot be served there, if it cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

/// How a flag stands in an environment.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FlagStanding")]
pub struct Standing {
    /// Whether it answers.
    state: Answering,
    /// The variant that is served when no rule decides; none for the default in the caller's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    /// Whether targets, rules or a rollout decide what some callers get.
    targeted: bool,
    /// When an application asked for it alone last, to half a minute; of those that evaluate all flags at once, or in their own
    /// process, that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    evaluated: Option<Timestamp>,
    /// Of a case's flag: the share of all units that meet the feature, in percent; of an experiment's, the share that is
    /// admitted to one of its arms.
    #[serde(skip_serializing_if = "Option::is_none")]
    exposure_percent: Option<f64>,
    /// The entry that set it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<u64>,
    /// When that was.
    since: Timestamp,
    /// Who did it.
    by: AccountId,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The change request it came by.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<ChangeRequestId>,
}

/// Whether a flag answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answering {
    /// It does.
    Enabled,
    /// It is switched off: the default in the caller's code applies.
    Disabled,
    /// It has a fault and answers with it.
    Faulty,
}

type FlagShown = Shown<FlagView>;
type DefinitionGiven = Given<FlagDefinition>;

/// The flagd definition of a flag.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlagDefinition {
    /// Whether it is evaluated.
    state: FlagState,
    /// Its values by name, all of one type: truth, text, number or object.
    variants: Map<String, Value>,
    /// The variant where targeting names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default_variant: Option<String>,
    /// A JsonLogic rule that names a variant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    targeting: Option<Value>,
    /// What is said of it beside its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    metadata: Option<Map<String, Value>>,
}

/// Whether a flag is evaluated.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum FlagState {
    /// It is.
    Enabled,
    /// It is not: the default in the caller's code applies.
    Disabled,
}

/// Which flags. What is left out lets every one through.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Wanted {
    /// Only flags that this environment serves, each with its definition there.
    environment: Option<String>,
    /// Only flags whose key, tags, owner or case hold this text, in any case of letters.
    text: Option<String>,
    /// Only flags with this tag.
    tag: Option<String>,
    /// Only flags that this team answers for.
    owner: Option<String>,
    /// Only flags that cases are wrapped in (true), or that were set by hand (false).
    has_case: Option<bool>,
    /// Only flags that should leave the code (true), or that still have a purpose (false).
    stale: Option<bool>,
    /// Also flags that were archived everywhere: their keys may still stand in code.
    #[serde(default)]
    archived: bool,
}

/// Which environment.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Where {
    /// The environment.
    #[serde(default = "production")]
    pub environment: String,
}

pub(super) fn production() -> String {
    "production".to_owned()
}

/// List flags, in the order of their keys.
#[utoipa::path(
    get, path = "/api/v1/flags", tag = "flags", params(Wanted, After),
    responses((status = 200, body = Page<FlagShown>), (status = 400, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_flags(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(wanted): Query<Wanted>,
    Query(after): Query<After>,
) -> Result<Json<Page<FlagShown>>, Problem> {
    let environment = wanted.environment.as_deref().map(environment_id).transpose()?;
    let page = {
        let state = live.state();
        let keys: BTreeSet<&FlagKey> = match &environment {
            Some(environment) => state.flag_keys(environment),
            None if wanted.archived => {
                let raised = state.flag_cases.keys().chain(state.flag_runs.keys());
                state.flags.keys().chain(raised).collect()
            }
            None => all_keys(&state),
        };
        let mut behind = keys
            .into_iter()
            .filter(|key| key.as_str() > after.after.as_str())
            .filter(|key| wanted.admits(&live, &state, key));
        let page: Vec<&FlagKey> = behind.by_ref().take(after.items_max()).collect();
        let next = behind.next().and(page.last()).map(ToString::to_string);
        let view = |key: &FlagKey| Shown::of(&view(&live, &state, key, environment.as_ref(), false));
        Page { items: page.into_iter().map(view).collect(), next }
    };
    page.resolved(&live.store).await.map(Json)
}

/// The flags of an environment as one flagd document.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FlagSetView {
    /// Flags by key.
    flags: BTreeMap<String, FlagDefinition>,
    /// Rules that flags refer to by name.
    #[serde(rename = "$evaluators", skip_serializing_if = "Option::is_none")]
    evaluators: Option<Map<String, Value>>,
    /// What is said of the whole set.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Map<String, Value>>,
}

type FlagSetShown = Shown<FlagSetView>;

/// All flags of an environment as one flagd document, with the segments that their rules refer to.
#[utoipa::path(
    get, path = "/api/v1/flag-set", tag = "flags", params(Where),
    responses((status = 200, body = FlagSetShown)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn get_flag_set(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(Where { environment }): Query<Where>,
) -> Result<Response, Problem> {
    let environment = environment_id(&environment)?;
    let document = live.node.flags(environment.as_str()).document().text();
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], document).into_response())
}

/// One flag.
///
/// With its definition and how it was written in the environment that is asked for, where that serves it.
#[utoipa::path(
    get, path = "/api/v1/flags/{key}", tag = "flags",
    params(("key" = String, Path, description = "The flag"), Where),
    responses((status = 200, body = FlagShown), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn get_flag(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Path(key): Path<String>,
    Query(Where { environment }): Query<Where>,
) -> Result<Json<FlagShown>, Problem> {
    let environment = environment_id(&environment)?;
    let shown = {
        let state = live.state();
        let key = known_key(&state, key)?;
        Shown::of(&view(&live, &state, &key, Some(&environment), true))
    };
    shown.resolved(&live.store).await.map(Json)
}

/// Set a flag by hand.
///
/// The body is the flag's flagd definition. A definition with a fault is refused, with its place.
#[utoipa::path(
    put, path = "/api/v1/flags/{key}", tag = "flags", request_body = DefinitionGiven,
    params(("key" = String, Path, description = "The flag"), Where),
    responses(
        (status = 200, body = Done),
        (status = 400, body = crate::problem::ProblemBody),
        (status = 409, body = crate::problem::ProblemBody, description = "refused, with the refusal"),
    ),
    security(("token" = ["write"]), ("session" = [])),
)]
pub async fn put_flag(
    State(live): State<Arc<Live>>,
    allowed: Allowed<Write>,
    Path(key): Path<String>,
    Query(Where { environment }): Query<Where>,
    Body(definition): Body<Value>,
) -> Result<Json<Done>, Problem> {
    let arguments = json!({"key": key, "environment": environment, "definition": definition});
    give(&live, &allowed.actor()?, "set_flag", arguments).await
}

/// Archive a flag that was set by hand: it is no longer served.
#[utoipa::path(
    delete, path = "/api/v1/flags/{key}", tag = "flags",
    params(("key" = String, Path, description = "The flag"), Where),
    responses((status = 204), (status = 409, body = crate::problem::ProblemBody)),
    security(("token" = ["write"]), ("session" = [])),
)]
pub async fn archive_flag(
    State(live): State<Arc<Live>>,
    allowed: Allowed<Write>,
    Path(key): Path<String>,
    Query(Where { environment }): Query<Where>,
) -> Result<StatusCode, Problem> {
    let arguments = json!({"key": key, "environment": environment});
    give(&live, &allowed.actor()?, "archive_flag", arguments).await.map(|_| StatusCode::NO_CONTENT)
}

async fn give(live: &Live, actor: &Actor, name: &str, arguments: Value) -> Result<Json<Done>, Problem> {
    let arguments = match arguments {
        Value::Object(arguments) => arguments,
        _ => Map::new(),
    };
    let submission = Submission { name: name.to_owned(), arguments, ..Submission::default() };
    live.submit(actor, submission).await.map(Json)
}

impl Wanted {
    fn admits(&self, live: &Live, state: &Known, key: &FlagKey) -> bool {
        let about = state.flags.get(key).map(|flag| &flag.about);
        let case = state.flag_cases.get(key);
        let is_tagged = |tag: &String| about.is_some_and(|about| about.tags.contains(tag));
        let owner = about.and_then(|about| about.owner.as_ref());
        let says = |text: &String| {
            let tags = about.into_iter().flat_map(|about| about.tags.iter().map(String::as_str));
            let named =
                [Some(key.as_str()), owner.map(|owner| owner.as_str()), case.map(|case| case.as_str())];
            let text = text.to_lowercase();
            named.into_iter().flatten().chain(tags).any(|word| word.to_lowercase().contains(&text))
        };
        self.text.as_ref().is_none_or(says)
            && self.tag.as_ref().is_none_or(is_tagged)
            && self.owner.as_ref().is_none_or(|wanted| owner.is_some_and(|owner| owner.as_str() == wanted))
            && self.has_case.is_none_or(|wanted| case.is_some() == wanted)
            && self.stale.is_none_or(|wanted| staleness(live, state, key).is_empty() != wanted)
    }
}

/// The keys of all flags that some environment serves.
pub(super) fn all_keys(state: &Known) -> BTreeSet<&FlagKey> {
    let plain = state.flags.iter().filter(|(_, flag)| flag.in_force().next().is_some()).map(|(key, _)| key);
    plain.chain(state.flag_cases.keys()).chain(state.flag_runs.keys()).collect()
}

/// A key that there is or was a flag of.
pub(super) fn known_key(state: &Known, key: String) -> Result<FlagKey, Problem> {
    let is_raised = |key: &FlagKey| state.flag_cases.contains_key(key) || state.flag_runs.contains_key(key);
    match FlagKey::new(&key) {
        Ok(known) if state.flags.contains_key(&known) || is_raised(&known) => Ok(known),
        _ => Err(Problem::NotFound { what: "flag", id: key }),
    }
}

pub(super) fn environment_id(environment: &str) -> Result<EnvironmentId, Problem> {
    environment.parse().map_err(|error| Problem::invalid("environment", format!("{error}")))
}

fn view(
    live: &Live,
    state: &Known,
    key: &FlagKey,
    environment: Option<&EnvironmentId>,
    in_full: bool,
) -> FlagView {
    let plain = state.flags.get(key);
    let entry = environment.and_then(|environment| {
        if in_full {
            state.flag_in(key, environment, &live.key_lists)
        } else {
            // Who is an individual target is told for one flag at a time.
            state.flag_in(key, environment, &NoLists)
        }
    });
    let fault = match &entry {
        Some(Entry::Faulty { fault, .. }) => Some(fault.to_string()),
        _ => None,
    };
    let source = plain.filter(|_| in_full && !state.flag_cases.contains_key(key));
    FlagView {
        key: key.clone(),
        about: plain.map(|flag| flag.about.clone()).unwrap_or_default(),
        case: state.flag_cases.get(key).cloned(),
        experiment: state.run_of_flag(key).map(|run| run.experiment.clone()),
        environments: standings(live, state, key),
        stale: staleness(live, state, key),
        definition: entry.map(|entry| entry.to_json()),
        source: source.and_then(|flag| flag.source(environment?)),
        fault,
    }
}

/// Days without an evaluation after which a flag counts as one that nobody asks for.
const QUIET_DAYS: i64 = 30;

/// Why a flag should leave the code, by its life and by who asks for it.
fn staleness(live: &Live, state: &Known, key: &FlagKey) -> Vec<Stale> {
    let now = live.clock.now();
    let mut stale = state.staleness(key, now);
    let quiet = |place: (&EnvironmentId, Timestamp)| {
        quiet_since(&live.node.flags(place.0.as_str()), key, place.1, now)
    };
    let quiet: Option<Vec<Timestamp>> = places(state, key).map(quiet).collect();
    if let Some(since) = quiet.and_then(|since| since.into_iter().max()) {
        let since = since.to_zoned(TimeZone::UTC).date();
        let sentence = format!("nobody has asked for it since {since}");
        stale.push(Stale { reason: Staleness::NotEvaluated, since, sentence });
    }
    stale
}

/// The environments that serve a flag, each with since when it does.
fn places<'s>(state: &'s Known, key: &FlagKey) -> impl Iterator<Item = (&'s EnvironmentId, Timestamp)> {
    let of_case = state.case_of_flag(key).and_then(|case| case.flag.as_ref());
    let by_hand = state.flags.get(key).filter(|_| of_case.is_none());
    let by_hand = by_hand.into_iter().flat_map(|flag| flag.in_force_since());
    let of_case = of_case.map(|flag| (&flag.environment, flag.stamp.at));
    let of_run = run_alone(state, key).map(|run| (&run.plan.environment, run.planned.at));
    let all = of_case.into_iter().chain(by_hand).chain(of_run);
    all.filter(|(environment, _)| !state.is_archived(environment))
}

/// The run that decides what a flag serves: nobody set it by hand since.
fn run_alone<'s>(state: &'s Known, key: &FlagKey) -> Option<&'s Run> {
    let by_hand = state.flags.get(key).is_some_and(|flag| flag.in_force().next().is_some());
    state.run_of_flag(key).filter(|_| !by_hand)
}

/// Since when nobody has asked for a flag, when that is long ago. Not known while clients evaluate all flags at once or by
/// themselves, or while evaluations have not been noted for long enough.
fn quiet_since(flags: &FlagSnapshot, key: &FlagKey, served: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let evaluations = flags.evaluations();
    let long_ago = |at: &Timestamp| now.duration_since(*at) > SignedDuration::from_hours(24 * QUIET_DAYS);
    let last = evaluations.last(key.as_str()).unwrap_or_else(|| evaluations.since()).max(served);
    let others_quiet = evaluations.last_whole().as_ref().is_none_or(long_ago);
    (others_quiet && long_ago(&evaluations.since()) && long_ago(&last)).then_some(last)
}

/// How a flag stands in each environment that serves it.
fn standings(live: &Live, state: &Known, key: &FlagKey) -> BTreeMap<EnvironmentId, Standing> {
    let evaluated =
        |environment: &EnvironmentId| live.node.flags(environment.as_str()).evaluations().last(key.as_str());
    if let Some(case) = state.case_of_flag(key) {
        let standing = |entry: Entry| {
            let flag = case.flag.as_ref()?;
            let (answering, default, targeted) = read(&entry);
            Some(Standing {
                state: answering,
                default,
                targeted,
                evaluated: evaluated(&flag.environment),
                exposure_percent: Some(case.exposure_percent()),
                entry: None,
                since: case.allocations.last().map_or(flag.stamp.at, |allocation| allocation.at),
                by: flag.stamp.by.clone(),
                reason: None,
                request: None,
            })
        };
        let place = case.flag.as_ref().map(|flag| flag.environment.clone());
        let found = place.and_then(|place| {
            let standing = standing(state.flag_in(key, &place, &NoLists)?)?;
            Some((place, standing))
        });
        return found.into_iter().collect();
    }
    if let Some(run) = run_alone(state, key) {
        let place = &run.plan.environment;
        let standing = |entry: Entry| {
            let (answering, default, targeted) = read(&entry);
            let changed = run.ended.as_ref().map(|end| &end.stamp).or(run.started.as_ref());
            let changed = changed.unwrap_or(&run.planned);
            let runs = run.status() == RunStatus::Running;
            Standing {
                state: answering,
                default,
                targeted,
                evaluated: evaluated(place),
                exposure_percent: Some(if runs { run.plan.coverage_percent } else { 0.0 }),
                entry: None,
                since: changed.at,
                by: changed.by.clone(),
                reason: None,
                request: None,
            }
        };
        let found = state.flag_in(key, place, &NoLists).map(|entry| (place.clone(), standing(entry)));
        return found.into_iter().collect();
    }
    let Some(flag) = state.flags.get(key) else { return BTreeMap::new() };
    let in_use = flag.in_force().filter(|(environment, _)| !state.is_archived(environment));
    let standing = |(environment, version): (&EnvironmentId, &tenure_core::flag::hand::Version)| {
        let (answering, default, targeted) = read(&state.flag_in(key, environment, &NoLists)?);
        let standing = Standing {
            state: answering,
            default,
            targeted,
            evaluated: evaluated(environment),
            exposure_percent: None,
            entry: Some(version.entry),
            since: version.stamp.at,
            by: version.stamp.by.clone(),
            reason: version.reason.clone(),
            request: version.request.clone(),
        };
        Some((environment.clone(), standing))
    };
    in_use.filter_map(standing).collect()
}

/// Whether it answers, its default variant, and whether something decides for some callers.
fn read(entry: &Entry) -> (Answering, Option<String>, bool) {
    match entry {
        Entry::Faulty { .. } => (Answering::Faulty, None, false),
        Entry::Sound(Definition { state, default_variant, targeting, .. }) => {
            let answering = match state {
                Switch::Enabled => Answering::Enabled,
                Switch::Disabled => Answering::Disabled,
            };
            (answering, default_variant.clone(), targeting.is_some())
        }
    }
}
