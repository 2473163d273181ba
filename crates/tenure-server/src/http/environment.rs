//! Environments: what each serves, and how many people approve a change there.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;
use tenure_core::State as Known;
use tenure_core::change_request::RequestStatus;
use tenure_core::environment::Environment;
use tenure_core::id::EnvironmentId;

use super::schema::Shown;
use crate::auth::{Allowed, Read};
use crate::live::Live;

/// An environment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EnvironmentView {
    /// Its id.
    environment: EnvironmentId,
    /// What was said about it; nothing for one that exists by its flags alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<Environment>,
    /// How many flags it serves.
    flags: usize,
    /// How many change requests are open for it.
    open_requests: usize,
}

type EnvironmentShown = Shown<EnvironmentView>;

/// All environments, those that were archived last.
#[utoipa::path(
    get, path = "/api/v1/environments", tag = "flags",
    responses((status = 200, body = Vec<EnvironmentShown>)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_environments(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
) -> Json<Vec<EnvironmentShown>> {
    let state = live.state();
    let in_use = state.environments();
    let archived = state.environments.keys().filter(|environment| state.is_archived(environment));
    Json(in_use.iter().chain(archived).map(|environment| view(&state, environment)).collect())
}

fn view(state: &Known, environment: &EnvironmentId) -> EnvironmentShown {
    let requests = state.change_requests.values();
    let open = requests
        .filter(|request| request.status == RequestStatus::Open && request.environment == *environment);
    Shown::of(&EnvironmentView {
        environment: environment.clone(),
        known: state.environments.get(environment).cloned(),
        flags: state.flag_keys(environment).len(),
        open_requests: open.count(),
    })
}
