//! The policy: what is in force for new cases, and whether a policy file could be.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use tenure_core::policy::{Revision, SetPolicy, file};
use utoipa::ToSchema;

use super::body::Body;
use super::schema::{Given, Shown};
use crate::auth::{Allowed, Read};
use crate::live::Live;

/// The policies in force.
type RevisionShown = Shown<Revision>;
/// The arguments of a `set_policy`.
type SetPolicyGiven = Given<SetPolicy>;

/// The policy in force for new cases: the company's, and those of the teams that differ.
#[utoipa::path(
    get, path = "/api/v1/policy", tag = "process",
    responses((status = 200, body = RevisionShown)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn get_policy(State(live): State<Arc<Live>>, _: Allowed<Read>) -> Json<RevisionShown> {
    Json(Shown::of(live.state().revision()))
}

/// A policy file to check.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    /// The file's text, in TOML.
    toml: String,
}

/// What a policy file says.
#[derive(Debug, Serialize, ToSchema)]
pub struct Checked {
    /// What cannot be meant, in the order of its lines; none when the file is good.
    faults: Vec<Fault>,
    /// The arguments of the `set_policy` that puts it in force, when it is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<SetPolicyGiven>)]
    set_policy: Option<SetPolicy>,
}

/// Something in a policy file that cannot be meant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PolicyFault)]
pub struct Fault {
    /// The line, counted from 1.
    line: usize,
    /// The key, such as `deadlines.buy_in`.
    key: String,
    /// What to do about it.
    says: String,
}

/// Check a policy file: every fault with its line, or the command that puts it in force.
#[utoipa::path(
    post, path = "/api/v1/policy/check", tag = "process", request_body = PolicyFile,
    responses((status = 200, body = Checked)),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn check_policy(_: Allowed<Read>, Body(given): Body<PolicyFile>) -> Json<Checked> {
    Json(match file::parse(&given.toml) {
        Ok(parsed) => Checked { faults: Vec::new(), set_policy: Some(parsed.command()) },
        Err(faults) => Checked {
            faults: faults
                .into_iter()
                .map(|file::Fault { line, key, says }| Fault { line, key, says })
                .collect(),
            set_policy: None,
        },
    })
}
