//! Lists of unit keys: individual targets and members of segments. Who is in a list is personal data, so that lists are blobs
//! beside the journal; an entry says only which, and how many are in it.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::{Map, Value, json};
use tenure_flags::authoring::Lists;
use tenure_store::{Blob, BlobKey, PutBlobError, Store, StoreError};

/// What a reference to a list begins with, in place of a blob's own beginning: a list is never shown where texts are.
const LIST: &str = "list:";
const BLOB: &str = "blob:";

/// The arguments that are lists of keys …
const LISTS: &[&str] = &["keys", "members", "excluded"];
/// … and those that have such arguments in them. Other objects, such as a flag's variants, are data.
const HOLDERS: &[&str] = &["authored", "targets", "holds", "changes", "with"];

/// The arguments that name what lists belong to.
const OWNERS: &[&str] = &["key", "segment"];

/// Replace the lists of keys in a command's arguments by references to blobs, which are stored first.
pub async fn put(
    store: &Store,
    scope: &str,
    arguments: &mut Map<String, Value>,
    now: jiff::Timestamp,
) -> Result<(), PutBlobError> {
    for (scope, list) in lists(arguments, scope) {
        let Some(count) = list.as_array().map(Vec::len).filter(|count| *count > 0) else { continue };
        let key = store.put_blob(&scope, list.to_string().as_bytes(), now).await?.to_string();
        *list = json!({"list": key.replacen(BLOB, LIST, 1), "count": count});
    }
    Ok(())
}

/// The lists below the holders, each with what it belongs to: a flag's list is the same one however it is proposed. A list
/// that is not all texts stays, for the command's reader to refuse.
fn lists<'a>(arguments: &'a mut Map<String, Value>, scope: &str) -> Vec<(String, &'a mut Value)> {
    let owner = OWNERS.iter().find_map(|name| arguments.get(*name)?.as_str());
    let scope = owner.map_or_else(|| scope.to_owned(), |owner| format!("lists/{owner}"));
    let mut found = Vec::new();
    for (name, value) in arguments {
        if LISTS.contains(&name.as_str()) {
            if value.as_array().is_some_and(|keys| keys.iter().all(is_key)) {
                found.push((scope.clone(), value));
            }
        } else if HOLDERS.contains(&name.as_str()) {
            match value {
                Value::Object(inner) => found.extend(lists(inner, &scope)),
                Value::Array(items) => {
                    let inner = items.iter_mut().filter_map(Value::as_object_mut);
                    found.extend(inner.flat_map(|inner| lists(inner, &scope)));
                }
                _ => {}
            }
        }
    }
    found
}

/// What is refused in a list stays in it, so that whoever wrote it is told.
fn is_key(key: &Value) -> bool {
    key.as_str().is_some_and(|key| !key.is_empty() && key.len() <= 200)
}

/// The lists that what is served refers to, in memory.
#[derive(Debug, Default)]
pub struct KeyLists(RwLock<HashMap<String, Arc<[String]>>>);

impl KeyLists {
    /// Read lists that are not in memory yet. One that was erased is empty.
    pub async fn load(&self, store: &Store, lists: &BTreeSet<String>) -> Result<(), StoreError> {
        let unknown: Vec<&String> = {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            lists.iter().filter(|list| !known.contains_key(*list)).collect()
        };
        for list in unknown {
            let Ok(key) = list.replacen(LIST, BLOB, 1).parse::<BlobKey>() else { continue };
            let keys: Vec<String> = match store.blobs(&[key]).await?.get(&key) {
                Some(Blob::Present(bytes)) => serde_json::from_slice(bytes).unwrap_or_default(),
                Some(Blob::Erased { .. }) | None => Vec::new(),
            };
            let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
            known.insert(list.clone(), keys.into());
        }
        Ok(())
    }

    /// Forget the lists that nothing refers to any more.
    pub fn retain(&self, used: &BTreeSet<String>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|list, _| used.contains(list));
    }
}

impl Lists for KeyLists {
    fn keys(&self, list: &str) -> Option<Arc<[String]>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(list).cloned()
    }
}

#[cfg(test)]
mod tests {
    use tenure_store::Location;

    use super::*;

    #[tokio::test]
    async fn who_is_in_a_list_leaves_the_command_and_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Location::folder(folder.path())).await.unwrap();
        let now = "2026-03-01T00:00:00Z".parse().unwrap();
        let given = json!({
            "key": "banner",
            "authored": {"variants": {"on": {"keys": ["served"]}}, "targets": [{"variant": "on", "keys": ["ann", "bob"]}]},
            "changes": [{"do": "set_segment", "with": {"segment": "beta", "holds": {"members": ["cid"], "excluded": []}}}],
        });
        let Value::Object(mut arguments) = given else { unreachable!() };
        put(&store, "flag/banner", &mut arguments, now).await.unwrap();
        let stored = Value::Object(arguments);
        let text = stored.to_string();
        assert!(!text.contains("\"ann\"") && !text.contains("\"cid\""), "{text}");
        assert_eq!(stored["authored"]["variants"]["on"]["keys"], json!(["served"]), "a value is no list");
        let kept = &stored["authored"]["targets"][0]["keys"];
        assert_eq!(kept["count"], 2);
        let list = kept["list"].as_str().unwrap().to_owned();
        let (lists, used) = (KeyLists::default(), BTreeSet::from([list.clone()]));
        lists.load(&store, &used).await.unwrap();
        assert_eq!(*lists.keys(&list).unwrap(), ["ann".to_owned(), "bob".to_owned()]);
        lists.retain(&BTreeSet::new());
        assert!(lists.keys(&list).is_none());
    }
}
