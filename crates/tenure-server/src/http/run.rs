//! Experiments that are run here: their plans, what each arm came to, and every look.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenure_core::Event;
use tenure_core::run::looking::RunMeasured;
use tenure_core::run::{Run, RunStatus};
use utoipa::{IntoParams, ToSchema};

use super::case::LooksBehind;
use super::page::{After, Page};
use super::query::Query;
use super::schema::Shown;
use crate::auth::{Allowed, Read};
use crate::live::Live;
use crate::problem::Problem;
use crate::world::decode;

/// An experiment that is run here, with where it stands.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RunView {
    /// Where it stands.
    status: RunStatus,
    /// What is known of it.
    #[serde(flatten)]
    known: Run,
}

type RunShown = Shown<RunView>;
/// A look, whole.
type RunMeasuredShown = Shown<RunMeasured>;

/// Which runs. What is left out lets every one through.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Wanted {
    /// The team that runs it.
    team: Option<String>,
    /// Where it stands: planned, running, judged or stopped.
    status: Option<String>,
}

/// A page of looks.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunLooks {
    /// Every look as it was recorded, oldest first.
    looks: Vec<RunLookTaken>,
    /// Where the next page begins, if there is one: its `after`.
    next: Option<i64>,
}

/// A look as the journal has it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunLookTaken {
    /// The entry that holds it.
    seq: i64,
    /// When it was taken.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// What was measured and concluded of every arm: moments, interval, verdict, guardrails, health.
    #[schema(value_type = RunMeasuredShown)]
    measured: RunMeasured,
}

/// List experiments that are run here, those that ended too.
#[utoipa::path(
    get, path = "/api/v1/runs", tag = "process", params(Wanted, After),
    responses((status = 200, body = Page<RunShown>)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_runs(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(wanted): Query<Wanted>,
    Query(after): Query<After>,
) -> Result<Json<Page<RunShown>>, Problem> {
    let page = {
        let state = live.state();
        let admits = |run: &Run| {
            wanted.team.as_ref().is_none_or(|team| run.plan.team.as_str() == team)
                && wanted.status.as_ref().is_none_or(|status| run.status().name() == status)
        };
        Page::of_those(&state.runs, &after, |_, run| admits(run), |_, run| view(run))
    };
    page.resolved(&live.store).await.map(Json)
}

/// One experiment that is run here, by the name of the experiment.
#[utoipa::path(
    get, path = "/api/v1/runs/{experiment}", tag = "process",
    params(("experiment" = String, Path, description = "The experiment")),
    responses((status = 200, body = RunShown), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn get_run(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Path(id): Path<String>,
) -> Result<Json<RunShown>, Problem> {
    let found = live.state().runs.get(id.as_str()).map(view);
    found.ok_or(Problem::NotFound { what: "run", id })?.resolved(&live.store).await.map(Json)
}

/// Every look at an experiment that is run here.
#[utoipa::path(
    get, path = "/api/v1/runs/{experiment}/looks", tag = "process",
    params(("experiment" = String, Path, description = "The experiment"), LooksBehind),
    responses((status = 200, body = RunLooks), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_run_looks(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Path(id): Path<String>,
    Query(LooksBehind { after }): Query<LooksBehind>,
) -> Result<Json<RunLooks>, Problem> {
    if !live.state().runs.contains_key(id.as_str()) {
        return Err(Problem::NotFound { what: "run", id });
    }
    let limit = tenure_store::PAGE_MAX;
    let entries = live.store.read_stream(&format!("run/{id}"), after, limit).await?;
    let next = (entries.len() as u64 >= u64::from(limit)).then(|| entries.last().map(|entry| entry.seq));
    let mut looks = Vec::new();
    for entry in entries {
        if let Event::RunLooked(looked) = decode(&entry)?.event {
            looks.push(RunLookTaken { seq: entry.seq, at: entry.at, measured: *looked.measured });
        }
    }
    Ok(Json(RunLooks { looks, next: next.flatten() }))
}

fn view(run: &Run) -> RunShown {
    Shown::of(&RunView { status: run.status(), known: run.clone() })
}
