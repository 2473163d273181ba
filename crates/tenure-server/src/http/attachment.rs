//! Files that show how an item of an owner process is done: attached in one request, read back as they came.
//!
//! The bytes are a blob beside the journal, so that they can be erased; the entry carries the file's name, its media type
//! and the blob's digest.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use tenure_core::codebase::Attachment;
use tenure_store::{Blob, BlobKey, Digest};
use utoipa::IntoParams;

use super::body::Raw;
use super::command;
use super::query::Query;
use crate::attachment;
use crate::auth::{Allowed, Read, Write};
use crate::live::{Done, Live, Submission};
use crate::problem::Problem;

/// The longest name of a file, in bytes.
const FILE_BYTES_MAX: usize = 200;
const MEDIA_TYPE_DEFAULT: &str = "application/octet-stream";

/// What the file is attached to.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Attached {
    /// Of which codebase.
    codebase: String,
    /// To which item of its owner process.
    item: String,
    /// The file's name, without folders.
    file: String,
    /// What it shows, in words.
    #[serde(default)]
    evidence: String,
}

/// Attach a file to an item of an owner process.
///
/// The body is the file, at most 8 MiB, and `Content-Type` says what it is. The same as the command `attach_evidence`, which
/// takes links and texts: it is refused for the same reasons.
#[utoipa::path(
    post, path = "/api/v1/cases/{case}/attachments", tag = "process",
    params(
        ("case" = String, Path, description = "The case"),
        Attached,
        ("Idempotency-Key" = Option<String>, Header, description = "the same key from the same account is carried out once"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 200, body = Done),
        (status = 400, body = crate::problem::ProblemBody),
        (status = 409, body = crate::problem::ProblemBody, description = "refused, with the refusal"),
        (status = 413, body = crate::problem::ProblemBody),
    ),
    security(("token" = ["write"]), ("session" = [])),
)]
pub async fn attach(
    State(live): State<Arc<Live>>,
    allowed: Allowed<Write>,
    Path(case): Path<String>,
    Query(Attached { codebase, item, file, evidence }): Query<Attached>,
    headers: HeaderMap,
    Raw(bytes): Raw,
) -> Result<Json<Done>, Problem> {
    if !is_file_name(&file) {
        let detail = format!("give a name of 1 to {FILE_BYTES_MAX} bytes without folders, such as tests.png");
        return Err(Problem::invalid("file", detail));
    }
    if bytes.is_empty() {
        return Err(Problem::invalid("body", "it is empty; send the file's bytes"));
    }
    if !live.state().cases.contains_key(case.as_str()) {
        return Err(Problem::NotFound { what: "case", id: case });
    }
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let key = live.store.put_blob(&attachment::scope(&case), &bytes, live.clock.now()).await?;
    let sent = Attachment {
        file,
        media_type: media_type.unwrap_or(MEDIA_TYPE_DEFAULT).to_owned(),
        blob: key.digest().to_string(),
    };
    let arguments = json!({
        "case": case, "codebase": codebase, "item": item, "evidence": evidence, "attachment": sent,
    });
    let submission = Submission {
        name: "attach_evidence".to_owned(),
        arguments: arguments.as_object().cloned().unwrap_or_default(),
        idempotency_key: command::idempotency_key(&headers)?,
        if_match: None,
        fence: None,
    };
    live.submit(&allowed.actor()?, submission).await.map(Json)
}

/// A file that was attached in a case.
#[utoipa::path(
    get, path = "/api/v1/cases/{case}/attachments/{attachment}", tag = "process",
    params(
        ("case" = String, Path, description = "The case"),
        ("attachment" = String, Path, description = "The attachment's `blob`, as the case shows it"),
    ),
    responses(
        (status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 404, body = crate::problem::ProblemBody, description = "there is none, or it was erased"),
    ),
    security(("token" = ["read"]), ("session" = [])),
)]
pub async fn get_attachment(
    State(live): State<Arc<Live>>,
    _: Allowed<Read>,
    Path((case, attachment)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let not_found = || Problem::NotFound { what: "attachment", id: attachment.clone() };
    let attached = {
        let state = live.state();
        let case = state.cases.get(case.as_str()).ok_or_else(not_found)?;
        let mut attached = case.checklists.values().flat_map(|checklist| &checklist.items);
        attached
            .find_map(|item| {
                let mut files = item.evidence.iter().filter_map(|evidence| evidence.attachment.as_ref());
                files.find(|file| file.blob == attachment).cloned()
            })
            .ok_or_else(not_found)?
    };
    let key: Digest = attached.blob.parse().map_err(|_| not_found())?;
    let Some(Blob::Present(bytes)) = live.store.blob(BlobKey::from(key)).await? else {
        return Err(not_found());
    };
    let kind =
        HeaderValue::from_str(&attached.media_type).unwrap_or(HeaderValue::from_static(MEDIA_TYPE_DEFAULT));
    // Saved, never shown as a page of this server: whoever attached it chose what it is.
    let name = attached.file.replace(['"', '\\'], "_");
    let saved = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""))
        .unwrap_or(HeaderValue::from_static("attachment"));
    let policy = HeaderValue::from_static("sandbox; default-src 'none'");
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_DISPOSITION, saved),
        (header::CONTENT_SECURITY_POLICY, policy),
    ];
    Ok((headers, bytes).into_response())
}

fn is_file_name(name: &str) -> bool {
    (1..=FILE_BYTES_MAX).contains(&name.len())
        && !name.starts_with('.')
        && !name.chars().any(|letter| letter.is_control() || matches!(letter, '/' | '\\'))
}
