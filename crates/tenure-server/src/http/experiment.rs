//! Experiments: what was registered, and how it was judged.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenure_core::experiment::Experiment;
use tenure_core::id::ExperimentId;
use utoipa::IntoParams;

use super::page::{After, Page};
use super::query::Query;
use super::schema::Shown;
use crate::auth::{Allowed, Read};
use crate::live::Live;
use crate::problem::Problem;

/// An experiment with its name.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExperimentView {
    /// Its name.
    experiment: ExperimentId,
    /// What is known of it.
    #[serde(flatten)]
    known: Experiment,
}

type ExperimentShown = Shown<ExperimentView>;

/// Which experiments. What is left out lets every one through.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Wanted {
    /// The team that ran it.
    team: Option<String>,
    /// The product surface it ran on.
    surface: Option<String>,
    /// Whether it is the experiment of a case.
    has_case: Option<bool>,
}

/// List experiments.
#[utoipa::path(
    get, path = "/api/v1/experiments", tag = "process", params(Wanted, After),
    responses((status = 200, body = Page<ExperimentShown>)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_experiments(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(wanted): Query<Wanted>,
    Query(after): Query<After>,
) -> Result<Json<Page<ExperimentShown>>, Problem> {
    let page = {
        let state = live.state();
        let with_case: BTreeSet<&ExperimentId> = match wanted.has_case {
            Some(_) => state.cases.values().map(|case| &case.experiment).collect(),
            None => BTreeSet::new(),
        };
        let admits = |id: &ExperimentId, experiment: &Experiment| {
            wanted.team.as_ref().is_none_or(|team| experiment.team.as_str() == team)
                && wanted.surface.as_ref().is_none_or(|surface| experiment.surface.as_ref() == Some(surface))
                && wanted.has_case.is_none_or(|has_case| with_case.contains(id) == has_case)
        };
        Page::of_those(&state.experiments, &after, admits, view)
    };
    page.resolved(&live.store).await.map(Json)
}

/// One experiment.
#[utoipa::path(
    get, path = "/api/v1/experiments/{experiment}", tag = "process",
    params(("experiment" = String, Path, description = "The experiment")),
    responses((status = 200, body = ExperimentShown), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn get_experiment(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Path(id): Path<String>,
) -> Result<Json<ExperimentShown>, Problem> {
    let found =
        live.state().experiments.get_key_value(id.as_str()).map(|(id, experiment)| view(id, experiment));
    let shown = found.ok_or(Problem::NotFound { what: "experiment", id })?;
    shown.resolved(&live.store).await.map(Json)
}

fn view(id: &ExperimentId, known: &Experiment) -> ExperimentShown {
    Shown::of(&ExperimentView { experiment: id.clone(), known: known.clone() })
}
