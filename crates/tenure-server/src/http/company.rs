//! The company as the process knows it: people and their roles, teams, codebases, metrics, platform changes. All of it is
//! changed by commands.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenure_core::codebase::{self, Codebase, DefineCodebase};
use tenure_core::id::{AccountId, CodebaseId, MetricId, PlatformChangeId, TeamId};
use tenure_core::metric::Metric;
use tenure_core::person::Person;
use tenure_core::platform_change::PlatformChange;
use tenure_core::team::Team;
use utoipa::ToSchema;

use super::body::Body;
use super::page::{After, Page};
use super::query::Query;
use super::schema::{Given, Shown};
use crate::auth::{Allowed, Read};
use crate::live::Live;
use crate::problem::Problem;

macro_rules! named {
    ($($(#[$doc:meta])* $view:ident $shown:ident { $member:ident: $id:ty, $known:ty })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Serialize, JsonSchema)]
        pub struct $view {
            /// Its name.
            $member: $id,
            /// What is known of it.
            #[serde(flatten)]
            known: $known,
        }
        type $shown = Shown<$view>;

        impl $view {
            fn shown(id: &$id, known: &$known) -> $shown {
                Shown::of(&Self { $member: id.clone(), known: known.clone() })
            }
        }
    )+};
}

named! {
    /// An account with the roles it holds.
    PersonView PersonShown { person: AccountId, Person }
    /// A team.
    TeamView TeamShown { team: TeamId, Team }
    /// A codebase with its owner process.
    CodebaseView CodebaseShown { codebase: CodebaseId, Codebase }
    /// A metric.
    MetricView MetricShown { metric: MetricId, Metric }
    /// A platform change.
    PlatformChangeView PlatformChangeShown { platform_change: PlatformChangeId, PlatformChange }
}

/// The arguments of a `define_codebase`.
type DefineCodebaseGiven = Given<DefineCodebase>;

/// List people: who holds which role, and who stands in for whom.
#[utoipa::path(
    get, path = "/api/v1/people", tag = "process", params(After),
    responses((status = 200, body = Page<PersonShown>)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_people(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(after): Query<After>,
) -> Result<Json<Page<PersonShown>>, Problem> {
    let page = Page::of_map(&live.state().people, &after, PersonView::shown);
    page.resolved(&live.store).await.map(Json)
}

/// List teams: experiment teams and product teams.
#[utoipa::path(
    get, path = "/api/v1/teams", tag = "process", params(After),
    responses((status = 200, body = Page<TeamShown>)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_teams(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(after): Query<After>,
) -> Result<Json<Page<TeamShown>>, Problem> {
    let page = Page::of_map(&live.state().teams, &after, TeamView::shown);
    page.resolved(&live.store).await.map(Json)
}

/// List codebases: code with owners and their checklist.
#[utoipa::path(
    get, path = "/api/v1/codebases", tag = "process", params(After),
    responses((status = 200, body = Page<CodebaseShown>)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_codebases(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(after): Query<After>,
) -> Result<Json<Page<CodebaseShown>>, Problem> {
    let page = Page::of_map(&live.state().codebases, &after, CodebaseView::shown);
    page.resolved(&live.store).await.map(Json)
}

/// A file of owner processes to check.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnerProcesses {
    /// The file's text, in TOML.
    toml: String,
}

/// What a file of owner processes says.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckedProcesses {
    /// What cannot be meant, with its line; none when the file is good.
    faults: Vec<String>,
    /// The arguments of the `define_codebase` commands that put it in force, when it is good.
    #[schema(value_type = Vec<DefineCodebaseGiven>)]
    define_codebase: Vec<DefineCodebase>,
}

/// Check a file of owner processes: every fault with its line, or the commands that define its codebases.
#[utoipa::path(
    post, path = "/api/v1/codebases/check", tag = "process", request_body = OwnerProcesses,
    responses((status = 200, body = CheckedProcesses)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn check_codebases(_: Allowed<Read>, Body(given): Body<OwnerProcesses>) -> Json<CheckedProcesses> {
    Json(match codebase::file::parse(&given.toml) {
        Ok(file) => CheckedProcesses {
            faults: Vec::new(),
            define_codebase: file.codebases.into_iter().map(|entry| entry.define).collect(),
        },
        Err(faults) => CheckedProcesses {
            faults: faults.iter().map(ToString::to_string).collect(),
            define_codebase: Vec::new(),
        },
    })
}

/// List metrics: how outcomes become one number per unit.
#[utoipa::path(
    get, path = "/api/v1/metrics", tag = "process", params(After),
    responses((status = 200, body = Page<MetricShown>)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_metrics(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(after): Query<After>,
) -> Result<Json<Page<MetricShown>>, Problem> {
    let page = Page::of_map(&live.state().metrics, &after, MetricView::shown);
    page.resolved(&live.store).await.map(Json)
}

/// List platform changes: what landed and may wake a parked case.
#[utoipa::path(
    get, path = "/api/v1/platform-changes", tag = "process", params(After),
    responses((status = 200, body = Page<PlatformChangeShown>)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_platform_changes(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(after): Query<After>,
) -> Result<Json<Page<PlatformChangeShown>>, Problem> {
    let page = Page::of_map(&live.state().platform_changes, &after, PlatformChangeView::shown);
    page.resolved(&live.store).await.map(Json)
}
