//! Code references: how often each flag's key stands in a codebase, as its last scan found it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenure_core::code_reference::Scan;
use tenure_core::id::{CodebaseId, FlagKey};
use tenure_core::time::Stamp;
use utoipa::IntoParams;

use super::page::{After, Page};
use super::query::Query;
use super::schema::Shown;
use crate::auth::{Allowed, Read};
use crate::live::Live;
use crate::problem::Problem;

/// What the last scan of a codebase found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ScanView {
    /// The codebase.
    codebase: CodebaseId,
    /// The commit that was scanned, when it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    /// How many files were read.
    files: u64,
    /// How often each flag's key stands in them. A flag that is not here was not looked for.
    counts: BTreeMap<FlagKey, u64>,
    /// When, and by whom.
    #[serde(flatten)]
    stamp: Stamp,
}

type ScanShown = Shown<ScanView>;

/// Which flags.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Sought {
    /// Only the counts of this flag, of codebases in which it was looked for.
    flag: Option<String>,
}

/// The last scan of each codebase for flags.
#[utoipa::path(
    get, path = "/api/v1/references", tag = "flags", params(Sought, After),
    responses((status = 200, body = Page<ScanShown>)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn list_references(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(Sought { flag }): Query<Sought>,
    Query(after): Query<After>,
) -> Result<Json<Page<ScanShown>>, Problem> {
    let wanted = |key: &FlagKey| flag.as_ref().is_none_or(|flag| key.as_str() == flag);
    let admits = |_: &CodebaseId, scan: &Scan| flag.is_none() || scan.counts.keys().any(wanted);
    let view = |codebase: &CodebaseId, scan: &Scan| {
        let counts = scan.counts.iter().filter(|(key, _)| wanted(key));
        Shown::of(&ScanView {
            codebase: codebase.clone(),
            commit: scan.commit.clone(),
            files: scan.files,
            counts: counts.map(|(key, count)| (key.clone(), *count)).collect(),
            stamp: scan.stamp.clone(),
        })
    };
    Ok(Json(Page::of_those(&live.state().scans, &after, admits, view)))
}
