//! Segments, what refers to them, and who is in a list of units.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use schemars::JsonSchema;
use serde::Serialize;
use tenure_core::State as Known;
use tenure_core::id::{EnvironmentId, FlagKey, SegmentId};
use tenure_core::segment::{KnownSegment, SegmentVersion};
use tenure_flags::authoring::{Difference, Lists as _, segment_difference};

use super::page::{After, Page};
use super::query::Query;
use super::schema::Shown;
use crate::auth::{Allowed, Read};
use crate::live::Live;
use crate::problem::Problem;

/// A segment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SegmentView {
    /// Its name.
    segment: SegmentId,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Who is in it, since when. Lists of units are by reference: `GET /api/v1/key-lists/{list}` reads one.
    #[serde(flatten)]
    version: SegmentVersion,
    /// The flags whose rules refer to it, and where.
    used_by: Vec<SegmentUser>,
}

/// A flag whose rules refer to a segment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SegmentUser {
    /// The flag.
    flag: FlagKey,
    /// Where its rules do.
    environment: EnvironmentId,
}

type SegmentShown = Shown<SegmentView>;

/// A change of a segment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SegmentChange {
    /// Who was in it, since when.
    #[serde(flatten)]
    version: SegmentVersion,
    /// What was different from before.
    #[serde(flatten)]
    difference: Difference,
}

type SegmentChangeShown = Shown<SegmentChange>;

/// List segments.
#[utoipa::path(
    get, path = "/api/v1/segments", tag = "flags", params(After),
    responses((status = 200, body = Page<SegmentShown>)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_segments(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(after): Query<After>,
) -> Result<Json<Page<SegmentShown>>, Problem> {
    let page = {
        let state = live.state();
        Page::of_map(&state.segments, &after, |id, known| view(&state, id, known))
    };
    page.resolved(&live.store).await.map(Json)
}

/// One segment.
#[utoipa::path(
    get, path = "/api/v1/segments/{segment}", tag = "flags",
    params(("segment" = String, Path, description = "The segment")),
    responses((status = 200, body = SegmentShown), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn get_segment(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Path(id): Path<String>,
) -> Result<Json<SegmentShown>, Problem> {
    let found = {
        let state = live.state();
        state.segments.get_key_value(id.as_str()).map(|(id, known)| view(&state, id, known))
    };
    let shown = found.ok_or(Problem::NotFound { what: "segment", id })?;
    shown.resolved(&live.store).await.map(Json)
}

/// What was changed in a segment, the latest first: its last 20 changes, older ones are in the journal.
#[utoipa::path(
    get, path = "/api/v1/segments/{segment}/history", tag = "flags",
    params(("segment" = String, Path, description = "The segment")),
    responses((status = 200, body = Page<SegmentChangeShown>), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn segment_history(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Path(id): Path<String>,
) -> Result<Json<Page<SegmentChangeShown>>, Problem> {
    let found = live.state().segments.get(id.as_str()).map(changes);
    let items = found.ok_or(Problem::NotFound { what: "segment", id })?;
    Page { items, next: None }.resolved(&live.store).await.map(Json)
}

fn changes(known: &KnownSegment) -> Vec<SegmentChangeShown> {
    let versions: Vec<&SegmentVersion> = known.earlier.iter().chain([&known.version]).collect();
    let change = |(at, version): (usize, &&SegmentVersion)| {
        let before = at.checked_sub(1).map(|at| &versions[at].holds);
        let difference = segment_difference(before, Some(&version.holds));
        Shown::of(&SegmentChange { version: SegmentVersion::clone(version), difference })
    };
    versions.iter().enumerate().rev().map(change).collect()
}

fn view(state: &Known, id: &SegmentId, known: &KnownSegment) -> SegmentShown {
    let user = |(flag, environment): (&FlagKey, &EnvironmentId)| SegmentUser {
        flag: flag.clone(),
        environment: environment.clone(),
    };
    Shown::of(&SegmentView {
        segment: id.clone(),
        description: known.description.clone(),
        version: known.version.clone(),
        used_by: state.users_of(id).into_iter().map(user).collect(),
    })
}

/// Who is in a list of units that a flag or a segment refers to: in the order they were given in.
///
/// `after` is the place of the last one of the page before, as `next` gives it.
#[utoipa::path(
    get, path = "/api/v1/key-lists/{list}", tag = "flags",
    params(("list" = String, Path, description = "The list, as a flag or a segment refers to it"), After),
    responses((status = 200, body = Page<String>), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn get_key_list(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Path(id): Path<String>,
    Query(after): Query<After>,
) -> Result<Json<Page<String>>, Problem> {
    let from: usize = match after.after.as_str() {
        "" => 0,
        place => place.parse().map_err(|_| Problem::invalid("after", "give what `next` said"))?,
    };
    let keys = live.key_lists.keys(&id).ok_or(Problem::NotFound { what: "list of units", id })?;
    let to = from.saturating_add(after.items_max()).min(keys.len());
    let items = keys.get(from..to).unwrap_or_default().to_vec();
    Ok(Json(Page { items, next: (to < keys.len()).then(|| to.to_string()) }))
}
