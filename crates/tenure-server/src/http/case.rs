//! Cases: what is known of each, what waits on whom, and the looks at its rollout.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tenure_core::desk::Desk;
use tenure_core::filter::Order;
use tenure_core::id::CaseId;
use tenure_core::measurement::{Measured, Point};
use tenure_core::portfolio::Portfolio;
use tenure_core::view::{CaseView, Summary};
use tenure_core::warranty::Accountable;
use tenure_core::weighing::{Weighing, WhatIf};
use tenure_core::{Case, Event};
use utoipa::{IntoParams, ToSchema};

use super::body::Body;
use super::case_filter::{self, Listing, Which};
use super::page::{After, Page};
use super::query::Query;
use super::schema::{Given, Shown};
use crate::auth::{Allowed, Read};
use crate::live::Live;
use crate::problem::Problem;
use crate::world::decode;

/// A case in a list.
type CaseListed = Shown<Summary>;
/// A case, whole.
type CaseShown = Shown<CaseView>;
/// What waits on the caller.
type DeskShown = Shown<Desk>;
/// Figures over cases.
type PortfolioShown = Shown<Portfolio>;
/// A weighing.
type WeighingShown = Shown<Weighing>;
/// Numbers of a weighing to try.
type WhatIfGiven = Given<WhatIf>;
/// A look on the chart.
type PointShown = Shown<Point>;
/// A measurement, whole.
type MeasuredShown = Shown<Measured>;
/// A side that answers for a feature.
type AccountableShown = Shown<Accountable>;

/// The looks at a rollout.
#[derive(Debug, Serialize, ToSchema)]
pub struct Looks {
    /// The confidence sequence of this iteration: when, units, estimate and interval on the plan's scale.
    #[schema(value_type = Vec<PointShown>)]
    track: Vec<Point>,
    /// The latest look, whole: moments, interval, verdict, replication, guardrails.
    #[schema(value_type = Option<MeasuredShown>)]
    latest: Option<Measured>,
    /// The judged measurements of all iterations.
    #[schema(value_type = Vec<MeasuredShown>)]
    judged: Vec<Measured>,
    /// Every look as it was recorded, oldest first, of all iterations: the whole confidence sequence.
    looks: Vec<LookTaken>,
    /// Where the next page begins, if there is one: its `after`.
    next: Option<i64>,
}

/// A look as the journal has it.
#[derive(Debug, Serialize, ToSchema)]
pub struct LookTaken {
    /// The entry that holds it.
    seq: i64,
    /// When it was taken.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// What was measured and concluded: moments, engine, digest of what was read, interval, verdict, health.
    #[schema(value_type = MeasuredShown)]
    measured: Measured,
}

/// Which page of looks.
#[derive(Debug, Deserialize, IntoParams)]
pub struct LooksBehind {
    /// The last entry of the page before.
    #[serde(default)]
    pub(super) after: i64,
}

/// Who is accountable for a feature at an instant.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountableAt {
    /// The case.
    case: String,
    /// The instant.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The side; nobody before the first exposure, nor once the feature is removed.
    #[schema(value_type = Option<AccountableShown>)]
    accountable: Option<Accountable>,
}

/// The most that the desk shows at once.
const WAITS_MAX: u32 = 1_000;

/// How much of the desk, and of which cases.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Most {
    /// How many, the oldest first, at most 1,000; `total` says how many there are.
    #[serde(default = "waits_default")]
    limit: u32,
}

fn waits_default() -> u32 {
    100
}

/// At which instant.
#[derive(Debug, Deserialize, IntoParams)]
pub struct At {
    /// RFC 3339; now, if left out.
    #[param(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
}

/// List cases: those that are let through, in an order.
#[utoipa::path(
    get, path = "/api/v1/cases", tag = "process", params(Which, Listing, After),
    responses((status = 200, body = Page<CaseListed>), (status = 400, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_cases(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(which): Query<Which>,
    Query(Listing { text, order }): Query<Listing>,
    Query(after): Query<After>,
) -> Result<Json<Page<CaseListed>>, Problem> {
    let filter = which.filter()?;
    let now = live.clock.now();
    let mut found: Vec<CaseId> = {
        let state = live.state();
        let cases = state.select(&filter, order, now);
        if order == Order::Case {
            // By name the list goes on where the page before ended, whatever has become of that case since.
            cases
                .iter()
                .filter(|case| case.id.as_str() > after.after.as_str())
                .map(|case| case.id.clone())
                .collect()
        } else {
            let ids: Vec<CaseId> = cases.iter().map(|case| case.id.clone()).collect();
            behind(ids, &after.after)?
        }
    };
    if !text.trim().is_empty() {
        found = case_filter::with_words(&live, found, &text).await?;
    }
    let more = found.len() > after.items_max();
    found.truncate(after.items_max());
    let next = found.last().filter(|_| more).map(ToString::to_string);
    let items = {
        let state = live.state();
        let cases = found.iter().filter_map(|id| state.cases.get(id));
        cases.map(|case| Shown::of(&state.summary(case, now))).collect()
    };
    Page { items, next }.resolved(&live.store).await.map(Json)
}

/// What stands behind the last case of the page before.
fn behind(mut ids: Vec<CaseId>, last: &str) -> Result<Vec<CaseId>, Problem> {
    if last.is_empty() {
        return Ok(ids);
    }
    match ids.iter().position(|id| id.as_str() == last) {
        Some(at) => Ok(ids.split_off(at + 1)),
        None => Err(Problem::invalid(
            "after",
            format!("{last} is no longer in this list: begin again without it"),
        )),
    }
}

/// One case, whole.
///
/// Its `ETag` is its revision: send it as `If-Match` with a command, to be told when the case has changed since.
#[utoipa::path(
    get, path = "/api/v1/cases/{case}", tag = "process",
    params(("case" = String, Path, description = "The case")),
    responses((status = 200, body = CaseShown), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn get_case(
    State(live): State<Arc<Live>>,
    allowed: Allowed<Read>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let shown: CaseShown = {
        let state = live.state();
        let case = find(&state, &id)?;
        Shown::of(&state.view(case, &allowed.actor()?, live.clock.now()))
    };
    let shown = shown.resolved(&live.store).await?;
    let revision = live.revision(&id).unwrap_or_default();
    let etag =
        HeaderValue::from_str(&format!("\"{revision}\"")).map_err(|e| Problem::Internal(e.to_string()))?;
    Ok(([(header::ETAG, etag)], Json(shown)).into_response())
}

/// The looks at a case's rollout.
#[utoipa::path(
    get, path = "/api/v1/cases/{case}/looks", tag = "process",
    params(("case" = String, Path, description = "The case"), LooksBehind),
    responses((status = 200, body = Looks), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_looks(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Path(id): Path<String>,
    Query(LooksBehind { after }): Query<LooksBehind>,
) -> Result<Json<Looks>, Problem> {
    let measurements = find(&live.state(), &id)?.measurements.clone();
    let (looks, next) = looks(&live, &id, after).await?;
    Ok(Json(Looks {
        track: measurements.track,
        latest: measurements.latest,
        judged: measurements.judged,
        looks,
        next,
    }))
}

/// The looks among a page of a case's entries, and where the next page begins.
async fn looks(live: &Live, case: &str, after: i64) -> Result<(Vec<LookTaken>, Option<i64>), Problem> {
    let limit = tenure_store::PAGE_MAX;
    let entries = live.store.read_stream(&format!("case/{case}"), after, limit).await?;
    let next = (entries.len() as u64 >= u64::from(limit)).then(|| entries.last().map(|entry| entry.seq));
    let mut looks = Vec::new();
    for entry in entries {
        // Only measurements are decoded: the others have nothing to say here.
        if entry.kind != "measurement_recorded" {
            continue;
        }
        if let Event::MeasurementRecorded(recorded) = decode(&entry)?.event {
            looks.push(LookTaken { seq: entry.seq, at: entry.at, measured: *recorded.measured });
        }
    }
    Ok((looks, next.flatten()))
}

/// Who is accountable for a feature at an instant.
#[utoipa::path(
    get, path = "/api/v1/cases/{case}/accountable", tag = "process",
    params(("case" = String, Path, description = "The case"), At),
    responses((status = 200, body = AccountableAt), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn accountable(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Path(id): Path<String>,
    Query(At { at }): Query<At>,
) -> Result<Json<AccountableAt>, Problem> {
    let at = at.unwrap_or_else(|| live.clock.now());
    let state = live.state();
    let accountable = state.accountable_at(find(&state, &id)?, at);
    Ok(Json(AccountableAt { case: id, at, accountable }))
}

/// What a weighing would say if its numbers were others.
///
/// The reckoning of `set_cost_benefit`, with nothing recorded: numbers left out are those of the case, or follow from them.
#[utoipa::path(
    post, path = "/api/v1/cases/{case}/what-if", tag = "process", request_body = WhatIfGiven,
    params(("case" = String, Path, description = "The case")),
    responses(
        (status = 200, body = WeighingShown),
        (status = 404, body = crate::problem::ProblemBody),
        (status = 409, body = crate::problem::ProblemBody, description = "numbers that cannot be weighed"),
    ),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn what_if(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Path(id): Path<String>,
    Body(what_if): Body<WhatIf>,
) -> Result<Json<WeighingShown>, Problem> {
    let state = live.state();
    Ok(Json(Shown::of(&state.what_if(find(&state, &id)?, &what_if)?)))
}

/// What waits on the caller, oldest first.
#[utoipa::path(
    get, path = "/api/v1/desk", tag = "process", params(Which, Most),
    responses((status = 200, body = DeskShown), (status = 400, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn desk(
    State(live): State<Arc<Live>>,
    allowed: Allowed<Read>,
    Query(which): Query<Which>,
    Query(Most { limit }): Query<Most>,
) -> Result<Json<DeskShown>, Problem> {
    let (actor, filter) = (allowed.actor()?, which.filter()?);
    let desk: DeskShown = Shown::of(&live.desk(&actor, &filter, limit.clamp(1, WAITS_MAX) as usize));
    desk.resolved(&live.store).await.map(Json)
}

/// The portfolio: cases by stage, won against delivered, what is overdue.
#[utoipa::path(
    get, path = "/api/v1/portfolio", tag = "process", params(Which),
    responses((status = 200, body = PortfolioShown), (status = 400, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn portfolio(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(which): Query<Which>,
) -> Result<Json<PortfolioShown>, Problem> {
    let filter = which.filter()?;
    Ok(Json(Shown::of(&live.portfolio(&filter))))
}

fn find<'s>(state: &'s tenure_core::State, id: &str) -> Result<&'s Case, Problem> {
    state.case(id).ok_or_else(|| Problem::NotFound { what: "case", id: id.to_owned() })
}
