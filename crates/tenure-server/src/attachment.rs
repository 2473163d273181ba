//! Attachments: a command may name only a file that was sent for its case.

use serde_json::{Map, Value};
use tenure_store::{BlobKey, Digest, Store};

use crate::problem::Problem;

/// What the blobs of a case belong to.
pub fn scope(case: &str) -> String {
    format!("case/{case}")
}

/// Refuse arguments whose attachment is not kept for the case they are about.
pub async fn check(store: &Store, arguments: &Map<String, Value>) -> Result<(), Problem> {
    let Some(blob) = arguments.get("attachment").and_then(|attachment| attachment.get("blob")) else {
        return Ok(());
    };
    let digest: Option<Digest> = blob.as_str().and_then(|digest| digest.parse().ok());
    let case = arguments.get("case").and_then(Value::as_str).unwrap_or_default();
    let is_kept = match digest {
        Some(digest) => store.has_blob(&scope(case), BlobKey::from(digest)).await?,
        None => false,
    };
    if is_kept {
        return Ok(());
    }
    let remedy = "send the file itself to /api/v1/cases/{case}/attachments";
    Err(Problem::invalid("attachment.blob", format!("no file of this case is kept under it; {remedy}")))
}
