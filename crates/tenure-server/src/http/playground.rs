//! The playground: a context against flags, with the reason as a trace of the rules. The same evaluation as everywhere else,
//! watched; nobody is exposed by it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tenure_core::id::{EnvironmentId, FlagKey};
use tenure_flags::authoring::{Decision, Source};
use tenure_flags::{Context, Step};

use super::body::Body;
use super::flag::{environment_id, production};
use super::page::Page;
use super::schema::{Given, Shown};
use crate::auth::{Allowed, Read};
use crate::live::Live;
use crate::problem::Problem;

/// The most flags of a page.
const FLAGS_MAX: u32 = 1_000;
/// A page ends early after so many steps.
const STEPS_MAX: usize = 20_000;

/// A context to try.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// Attributes of the caller; `targetingKey` names the unit.
    #[serde(default)]
    context: Map<String, Value>,
    /// The environment.
    #[serde(default = "production")]
    environment: String,
    /// Only this flag.
    #[serde(default)]
    flag: Option<String>,
    /// The instant that rules see; now, if left out.
    #[serde(default)]
    at: Option<Timestamp>,
    /// The last flag of the page before.
    #[serde(default)]
    after: String,
    /// How many flags, at most 1,000.
    #[serde(default = "limit_default")]
    limit: u32,
}

type TrialGiven = Given<Trial>;

fn limit_default() -> u32 {
    100
}

/// What a flag answers, and why.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Explained {
    /// The flag.
    key: String,
    /// The value; none where the default in the caller's code applies, or where there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    /// The value's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
    /// STATIC, TARGETING_MATCH, SPLIT, DISABLED or DEFAULT; ERROR where there is no answer.
    reason: &'static str,
    /// What is wrong, where there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Which of the flag's targets and rules decided, of a flag that is written so.
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_by: Option<Decision>,
    /// The operations that ran, with what each of them gave.
    steps: Vec<Step>,
}

type ExplainedShown = Shown<Explained>;

/// Evaluate a context against every flag of an environment, or one.
///
/// Each answer comes with the operations that led to it. Nothing is recorded: nobody is exposed.
#[utoipa::path(
    post, path = "/api/v1/playground", tag = "flags", request_body = TrialGiven,
    responses(
        (status = 200, body = Page<ExplainedShown>),
        (status = 400, body = crate::problem::ProblemBody),
        (status = 404, body = crate::problem::ProblemBody),
    ),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn try_flags(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Body(trial): Body<Trial>,
) -> Result<Json<Page<ExplainedShown>>, Problem> {
    let environment = environment_id(&trial.environment)?;
    let snapshot = live.node.flags(environment.as_str());
    let attributes = live.node.attributes(trial.context);
    let context = Context::new(&attributes);
    let now = trial.at.unwrap_or_else(|| live.clock.now());
    if let Some(flag) = &trial.flag
        && !snapshot.keys().any(|key| key == flag)
    {
        return Err(Problem::NotFound { what: "flag", id: flag.clone() });
    }
    let wanted = |key: &&str| match &trial.flag {
        Some(flag) => *key == flag,
        None => *key > trial.after.as_str(),
    };
    let (mut items, mut steps, mut last) = (Vec::new(), 0, None);
    let mut keys = snapshot.keys().filter(wanted).peekable();
    while let Some(key) =
        keys.next_if(|_| items.len() < trial.limit.clamp(1, FLAGS_MAX) as usize && steps < STEPS_MAX)
    {
        let (answer, trace) = snapshot.explain(key, &context, now);
        steps += trace.iter().map(weight).sum::<usize>();
        last = Some(key.to_owned());
        let decided_by = decision(&live, key, &environment, &trace);
        items.push(Shown::of(&match answer {
            Ok(answer) => Explained {
                key: key.to_owned(),
                value: answer.value.cloned(),
                variant: answer.variant.map(str::to_owned),
                reason: answer.reason.as_str(),
                error: None,
                decided_by,
                steps: trace,
            },
            Err(error) => Explained {
                key: key.to_owned(),
                value: None,
                variant: None,
                reason: "ERROR",
                error: Some(error.message),
                decided_by: None,
                steps: trace,
            },
        }));
    }
    Ok(Json(Page { items, next: keys.peek().and(last) }))
}

fn weight(step: &Step) -> usize {
    1 + step.steps.iter().map(weight).sum::<usize>()
}

/// Which target or rule decided, of a flag that is written as such.
fn decision(live: &Live, key: &str, environment: &EnvironmentId, steps: &[Step]) -> Option<Decision> {
    let state = live.state();
    let key = FlagKey::new(key).ok()?;
    match state.flags.get(&key)?.source(environment)? {
        Source::Authored(authored) if !state.flag_cases.contains_key(&key) => Some(authored.decision(steps)),
        _ => None,
    }
}
