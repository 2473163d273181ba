//! Change requests: where each stands, and what it changes. They are proposed, approved and applied by commands.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenure_core::State as Known;
use tenure_core::change_request::difference::ChangeDifference;
use tenure_core::change_request::{ChangeRequest, RequestStatus};
use tenure_core::id::ChangeRequestId;
use utoipa::{IntoParams, ToSchema};

use super::page::{After, Page};
use super::query::Query;
use super::schema::Shown;
use crate::auth::{Allowed, Read};
use crate::live::Live;
use crate::problem::Problem;

/// A request to change flags.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChangeRequestView {
    /// Its name.
    request: ChangeRequestId,
    /// What is known of it.
    #[serde(flatten)]
    known: ChangeRequest,
    /// How many people approve it, none of them an author.
    approvals_needed: u32,
    /// What each change changes, in order.
    differences: Vec<ChangeDifference>,
}

type ChangeRequestShown = Shown<ChangeRequestView>;

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusGiven {
    /// It can be approved, edited, applied.
    Open,
    /// Its changes were made.
    Applied,
    /// Somebody said no.
    Rejected,
    /// Its author gave it up.
    Withdrawn,
}

/// Which requests. What is left out lets every one through.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Wanted {
    /// Where it stands.
    status: Option<StatusGiven>,
    /// The environment.
    environment: Option<String>,
    /// A flag that it changes.
    flag: Option<String>,
    /// Whether it is to be applied by Tenure itself at a time.
    scheduled: Option<bool>,
}

impl Wanted {
    fn admits(&self, request: &ChangeRequest) -> bool {
        let status = match request.status {
            RequestStatus::Open => StatusGiven::Open,
            RequestStatus::Applied => StatusGiven::Applied,
            RequestStatus::Rejected => StatusGiven::Rejected,
            RequestStatus::Withdrawn => StatusGiven::Withdrawn,
        };
        let changes =
            |flag: &String| request.changes.iter().any(|change| change.target() == ("flag", flag.as_str()));
        self.status.is_none_or(|wanted| wanted == status)
            && self.environment.as_ref().is_none_or(|wanted| request.environment.as_str() == wanted)
            && self.flag.as_ref().is_none_or(changes)
            && self.scheduled.is_none_or(|wanted| request.at.is_some() == wanted)
    }
}

/// List change requests.
#[utoipa::path(
    get, path = "/api/v1/change-requests", tag = "flags", params(Wanted, After),
    responses((status = 200, body = Page<ChangeRequestShown>)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_change_requests(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(wanted): Query<Wanted>,
    Query(after): Query<After>,
) -> Result<Json<Page<ChangeRequestShown>>, Problem> {
    let page = {
        let state = live.state();
        let admits = |_: &ChangeRequestId, request: &ChangeRequest| wanted.admits(request);
        Page::of_those(&state.change_requests, &after, admits, |id, request| view(&state, id, request))
    };
    page.resolved(&live.store).await.map(Json)
}

/// One change request, with what it changes in sentences and as a JSON patch.
#[utoipa::path(
    get, path = "/api/v1/change-requests/{request}", tag = "flags",
    params(("request" = String, Path, description = "The change request")),
    responses((status = 200, body = ChangeRequestShown), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn get_change_request(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Path(id): Path<String>,
) -> Result<Json<ChangeRequestShown>, Problem> {
    let found = {
        let state = live.state();
        state.change_requests.get_key_value(id.as_str()).map(|(id, request)| view(&state, id, request))
    };
    let shown = found.ok_or(Problem::NotFound { what: "change request", id })?;
    shown.resolved(&live.store).await.map(Json)
}

fn view(state: &Known, id: &ChangeRequestId, request: &ChangeRequest) -> ChangeRequestShown {
    Shown::of(&ChangeRequestView {
        request: id.clone(),
        known: request.clone(),
        approvals_needed: state.approvals_needed(&request.environment, &request.changes),
        differences: state.differences(request),
    })
}
