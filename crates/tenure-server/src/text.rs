//! Free text: what people write is kept as blobs beside the journal, and an entry carries only their keys.
//!
//! So a text can be erased and the chain of hashes stays whole. The domain treats both as opaque strings; the two
//! functions here are the only places where one becomes the other.

use serde_json::{Map, Value};
use tenure_store::{Blob, BlobKey, PutBlobError, Store, StoreError};

/// The arguments of commands that hold what people write.
pub const FREE_TEXT: &[&str] = &[
    "advice",
    "because",
    "comment",
    "condition",
    "conditions",
    "description",
    "evidence",
    "goals",
    "mapping",
    "person",
    "override",
    "question",
    "reason",
    "reply",
    "title",
    "we_believe",
    "why",
    "will_result_in",
];
/// The arguments that are objects with such arguments in them. Other objects, such as a flag's values, are data.
const HOLDERS: &[&str] = &["hypothesis", "justification", "override"];

/// What stands where a text was erased.
pub const ERASED: &str = "(erased)";

/// Replace the free text of a command's arguments by the keys of blobs, which are stored first.
///
/// `scope` is what the texts belong to, such as a case; all blobs of a scope can be erased together.
pub async fn put(
    store: &Store,
    scope: &str,
    arguments: &mut Map<String, Value>,
    now: jiff::Timestamp,
) -> Result<(), PutBlobError> {
    for text in texts(arguments) {
        if text.trim().is_empty() || text.parse::<BlobKey>().is_ok() {
            continue;
        }
        *text = store.put_blob(scope, text.as_bytes(), now).await?.to_string();
    }
    Ok(())
}

/// Replace the keys of blobs, wherever they stand in the strings of a view, by the texts.
pub async fn resolve(store: &Store, view: &mut Value) -> Result<(), StoreError> {
    resolve_all(store, strings(view)).await
}

/// The same in several views, with one question to the store.
pub async fn resolve_each(store: &Store, views: Vec<&mut Value>) -> Result<(), StoreError> {
    resolve_all(store, views.into_iter().flat_map(strings).collect()).await
}

/// Replace the keys of blobs in one text, such as a refusal's sentence that quotes a condition.
pub async fn resolve_text(store: &Store, text: &mut String) -> Result<(), StoreError> {
    resolve_all(store, vec![text]).await
}

/// One question to the store, however many texts there are.
async fn resolve_all(store: &Store, texts: Vec<&mut String>) -> Result<(), StoreError> {
    let keys: Vec<BlobKey> = texts.iter().flat_map(|text| keys_in(text)).map(|(_, key)| key).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let found = store.blobs(&keys).await?;
    for text in texts {
        // From the end, so that the places before stay where they are.
        for (start, key) in keys_in(text).into_iter().rev() {
            let shown = match found.get(&key) {
                Some(Blob::Present(bytes)) => String::from_utf8_lossy(bytes),
                Some(Blob::Erased { .. }) | None => ERASED.into(),
            };
            text.replace_range(start..start + KEY_BYTES, &shown);
        }
    }
    Ok(())
}

/// Bytes of a key as text: `blob:` and 64 hexadecimal digits.
const KEY_BYTES: usize = 69;

/// Where in a text keys stand, and which.
fn keys_in(text: &str) -> Vec<(usize, BlobKey)> {
    let starts = text.match_indices("blob:").map(|(start, _)| start);
    starts.filter_map(|start| Some((start, text.get(start..start + KEY_BYTES)?.parse().ok()?))).collect()
}

fn texts(arguments: &mut Map<String, Value>) -> Vec<&mut String> {
    let mut found = Vec::new();
    for (name, value) in arguments {
        if FREE_TEXT.contains(&name.as_str()) {
            found.extend(strings(value));
        } else if let (true, Value::Object(inner)) = (HOLDERS.contains(&name.as_str()), value) {
            found.extend(texts(inner));
        }
    }
    found
}

fn strings(value: &mut Value) -> Vec<&mut String> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter_mut().flat_map(strings).collect(),
        Value::Object(members) => members.values_mut().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tenure_store::Location;

    use super::*;

    #[tokio::test]
    async fn text_leaves_the_command_and_comes_back_in_the_view() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::folder(folder.path())).await.unwrap();
        let now = "2026-03-01T00:00:00Z".parse().unwrap();
        let given = json!({
            "case": "PC-1", "reason": "payback 3 months", "unblock": ["renderer-v2"],
            "justification": {"why": "strategic", "maintenance_days": 4},
            "treatment": {"title": "served as it is"},
        });
        let Value::Object(mut arguments) = given.clone() else { unreachable!() };
        put(&store, "case:PC-1", &mut arguments, now).await.unwrap();
        let mut stored = Value::Object(arguments);
        let shown = stored.to_string();
        assert!(!shown.contains("payback") && !shown.contains("strategic"), "{shown}");
        assert!(shown.contains("renderer-v2"), "tags are no free text: {shown}");
        assert!(shown.contains("served as it is"), "a flag's values are no free text: {shown}");
        let key: BlobKey = stored["reason"].as_str().unwrap().parse().unwrap();
        resolve(&store, &mut stored).await.unwrap();
        assert_eq!(stored, given);

        let mut sentence = format!("the condition \"{key}\" is open, and blob:no-key stays");
        resolve_text(&store, &mut sentence).await.unwrap();
        assert_eq!(sentence, "the condition \"payback 3 months\" is open, and blob:no-key stays");

        store.erase_blob(key, now).await.unwrap();
        let mut stored = json!({"reason": key.to_string()});
        resolve(&store, &mut stored).await.unwrap();
        assert_eq!(stored["reason"], ERASED);
    }
}
