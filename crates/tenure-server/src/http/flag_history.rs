//! What was changed in flags, entry by entry, and what is different between two environments.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tenure_core::State as Known;
use tenure_core::flag::hand::{Compact, PlainFlag, Version};
use tenure_core::id::{ChangeRequestId, EnvironmentId, FlagKey};
use tenure_core::time::Stamp;
use tenure_flags::authoring::{Difference, NoLists, Source, difference};
use utoipa::IntoParams;

use super::flag::{environment_id, known_key, production};
use super::page::{After, Page};
use super::query::Query;
use super::schema::Shown;
use crate::auth::{Allowed, Read};
use crate::live::Live;
use crate::problem::Problem;

/// A change of a flag in an environment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FlagChangeView {
    /// The entry that recorded it: what `revert_flag` takes.
    entry: u64,
    /// Where.
    environment: EnvironmentId,
    /// When, and by whom.
    #[serde(flatten)]
    stamp: Stamp,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The entry that it took back.
    #[serde(skip_serializing_if = "Option::is_none")]
    reverts: Option<u64>,
    /// The change request it came by.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<ChangeRequestId>,
    /// What it changed.
    #[serde(flatten)]
    difference: Difference,
    /// Whether what it brought is served now.
    in_force: bool,
}

type FlagChangeShown = Shown<FlagChangeView>;

/// Which changes.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Lately {
    /// Only changes in this environment.
    environment: Option<String>,
    /// Only changes before this entry: the last one of the page before.
    before: Option<u64>,
    /// How many, at most 100.
    #[serde(default = "changes_default")]
    limit: u32,
}

/// Of each change a difference is made: a page is shorter than elsewhere.
const CHANGES_MAX: u32 = 100;

fn changes_default() -> u32 {
    20
}

/// What was changed in a flag, the latest first.
///
/// The last 50 changes in each environment, of a flag that was set by hand; older ones are in the journal, and so is what
/// the rollout of a case did with its flag. `next` is to be sent as `before`.
#[utoipa::path(
    get, path = "/api/v1/flags/{key}/history", tag = "flags",
    params(("key" = String, Path, description = "The flag"), Lately),
    responses((status = 200, body = Page<FlagChangeShown>), (status = 404, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn flag_history(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Path(key): Path<String>,
    Query(lately): Query<Lately>,
) -> Result<Json<Page<FlagChangeShown>>, Problem> {
    let environment = lately.environment.as_deref().map(environment_id).transpose()?;
    let page = {
        let state = live.state();
        let key = known_key(&state, key)?;
        let mut changes = changes(state.flags.get(&key).map(Arc::as_ref), environment.as_ref());
        changes.retain(|change| lately.before.is_none_or(|before| change.version.entry < before));
        let limit = lately.limit.clamp(1, CHANGES_MAX) as usize;
        let next = changes.get(limit).and(changes.get(limit - 1)).map(|last| last.version.entry.to_string());
        Page { items: changes.iter().take(limit).map(|change| Shown::of(&change.view())).collect(), next }
    };
    page.resolved(&live.store).await.map(Json)
}

/// A version of a flag beside the one before it.
struct Change<'f> {
    environment: &'f EnvironmentId,
    before: Option<&'f Version>,
    version: &'f Version,
    in_force: bool,
}

/// All changes that are kept, the latest first.
fn changes<'f>(flag: Option<&'f PlainFlag>, environment: Option<&EnvironmentId>) -> Vec<Change<'f>> {
    let mut changes = Vec::new();
    for (place, versions) in flag.into_iter().flat_map(|flag| &flag.versions) {
        if environment.is_some_and(|environment| environment != place) {
            continue;
        }
        for (at, version) in versions.iter().enumerate() {
            let before = at.checked_sub(1).map(|at| &versions[at]);
            changes.push(Change { environment: place, before, version, in_force: at + 1 == versions.len() });
        }
    }
    changes.sort_by_key(|change| std::cmp::Reverse(change.version.entry));
    changes
}

impl Change<'_> {
    fn view(&self) -> FlagChangeView {
        let source = |version: &Version| version.source.as_ref().and_then(Compact::source);
        let (before, after) = (self.before.and_then(source), source(self.version));
        FlagChangeView {
            entry: self.version.entry,
            environment: self.environment.clone(),
            stamp: self.version.stamp.clone(),
            reason: self.version.reason.clone(),
            reverts: self.version.reverts,
            request: self.version.request.clone(),
            difference: difference(before.as_ref(), after.as_ref()),
            in_force: self.in_force,
        }
    }
}

/// A flag that two environments do not serve alike.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FlagDifference {
    /// The flag.
    key: FlagKey,
    /// What is different in `to` from `from`.
    #[serde(flatten)]
    difference: Difference,
}

type FlagDifferenceShown = Shown<FlagDifference>;

/// Which environments are compared.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Compared {
    /// What is compared with.
    #[serde(default = "staging")]
    from: String,
    /// What is compared.
    #[serde(default = "production")]
    to: String,
    /// Only this flag.
    key: Option<String>,
}

fn staging() -> String {
    "staging".to_owned()
}

/// Flags that two environments do not serve alike, in the order of their keys.
///
/// A flag that a case is wrapped in is compared as it is served now.
#[utoipa::path(
    get, path = "/api/v1/flag-differences", tag = "flags", params(Compared, After),
    responses((status = 200, body = Page<FlagDifferenceShown>), (status = 400, body = crate::problem::ProblemBody)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn flag_differences(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Query(compared): Query<Compared>,
    Query(after): Query<After>,
) -> Result<Json<Page<FlagDifferenceShown>>, Problem> {
    let (from, to) = (environment_id(&compared.from)?, environment_id(&compared.to)?);
    let state = live.state();
    let keys: BTreeSet<&FlagKey> = state.flag_keys(&from).into_iter().chain(state.flag_keys(&to)).collect();
    let mut differing = keys
        .into_iter()
        .filter(|key| key.as_str() > after.after.as_str())
        .filter(|key| compared.key.as_ref().is_none_or(|wanted| key.as_str() == wanted))
        .filter_map(|key| {
            let (was, is) = (written(&state, key, &from), written(&state, key, &to));
            let difference = || difference(was.as_ref(), is.as_ref());
            (was != is).then(|| FlagDifference { key: key.clone(), difference: difference() })
        });
    let items: Vec<FlagDifference> = differing.by_ref().take(after.items_max()).collect();
    let next = differing.next().and(items.last()).map(|last| last.key.to_string());
    Ok(Json(Page { items: items.iter().map(Shown::of).collect(), next }))
}

/// How a flag is written in an environment: by hand, or as its case's rollout or its experiment compiles now.
fn written(state: &Known, key: &FlagKey, environment: &EnvironmentId) -> Option<Source> {
    if state.is_archived(environment) {
        return None;
    }
    let by_hand = state.flags.get(key).filter(|_| !state.flag_cases.contains_key(key));
    match by_hand.and_then(|flag| flag.source(environment)) {
        Some(source) => Some(source),
        None => Some(Source::Definition(state.flag_in(key, environment, &NoLists)?.to_json())),
    }
}
