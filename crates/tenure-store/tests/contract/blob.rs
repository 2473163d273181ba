//! Blobs: put, read, erased; and a key that gives nothing away.

use sha2::{Digest as _, Sha256};
use tenure_store::{BLOB_BYTES_MAX, Blob, BlobKey, PutBlobError};

use crate::place::{Place, at, contract};

contract!(
    a_blob_is_read_until_it_is_erased,
    many_blobs_are_read_at_once,
    scopes_are_kept_apart,
    a_blob_has_a_bound,
    a_changed_blob_is_damaged
);

async fn a_blob_is_read_until_it_is_erased(place: &Place) {
    let store = place.open().await;
    let key = store.put_blob("case:1", b"because it won", at(0)).await.unwrap();
    assert_eq!(store.put_blob("case:1", b"because it won", at(1)).await.unwrap(), key, "the same again");
    assert_eq!(store.blob(key).await.unwrap(), Some(Blob::Present(b"because it won".into())));
    assert_eq!(key.to_string().parse::<BlobKey>().unwrap(), key);

    assert!(store.erase_blob(key, at(5)).await.unwrap());
    assert_eq!(store.blob(key).await.unwrap(), Some(Blob::Erased { at: at(5) }));
    assert!(!store.erase_blob(key, at(6)).await.unwrap());
    assert_eq!(store.blob(key).await.unwrap(), Some(Blob::Erased { at: at(5) }));

    assert_eq!(store.put_blob("case:1", b"because it won", at(7)).await.unwrap(), key, "said again");
    assert_eq!(store.blob(key).await.unwrap(), Some(Blob::Present(b"because it won".into())));
    let empty = store.put_blob("case:1", b"", at(0)).await.unwrap();
    assert_eq!(store.blob(empty).await.unwrap(), Some(Blob::Present(vec![])));
}

async fn many_blobs_are_read_at_once(place: &Place) {
    let store = place.open().await;
    let mut keys: Vec<BlobKey> =
        (0..1_000).map(|number| format!("blob:{number:064x}").parse().unwrap()).collect();
    for number in 0..10 {
        keys.insert(number * 100, store.put_blob("case:1", &[number as u8], at(0)).await.unwrap());
    }
    store.erase_blob(keys[900], at(1)).await.unwrap();
    let found = store.blobs(&keys).await.unwrap();
    assert_eq!(found.len(), 10, "those that were never put are not there");
    for number in 0..9 {
        assert_eq!(found[&keys[number * 100]], Blob::Present(vec![number as u8]));
    }
    assert_eq!(found[&keys[900]], Blob::Erased { at: at(1) });
}

async fn scopes_are_kept_apart(place: &Place) {
    let store = place.open().await;
    let one = store.put_blob("case:1", b"ok", at(0)).await.unwrap();
    let other = store.put_blob("case:11", b"ok", at(0)).await.unwrap();
    let shifted = store.put_blob("case:1", b"1ok", at(0)).await.unwrap();
    assert!(one != other && other != shifted);
    assert_eq!(store.erase_blobs_of("case:1", at(1)).await.unwrap(), 2);
    assert_eq!(store.blob(one).await.unwrap(), Some(Blob::Erased { at: at(1) }));
    assert_eq!(store.blob(other).await.unwrap(), Some(Blob::Present(b"ok".into())));
    assert_eq!(store.erase_blobs_of("case:1", at(2)).await.unwrap(), 0);
}

async fn a_blob_has_a_bound(place: &Place) {
    let store = place.open().await;
    let mut bytes = vec![7; BLOB_BYTES_MAX];
    let key = store.put_blob("case:1", &bytes, at(0)).await.unwrap();
    assert_eq!(store.blob(key).await.unwrap(), Some(Blob::Present(bytes.clone())));
    bytes.push(7);
    let refused = store.put_blob("case:1", &bytes, at(0)).await;
    assert!(matches!(refused, Err(PutBlobError::TooLarge { bytes }) if bytes == BLOB_BYTES_MAX + 1));
}

async fn a_changed_blob_is_damaged(place: &Place) {
    let store = place.open().await;
    let key = store.put_blob("case:1", b"ok", at(0)).await.unwrap();
    store.close().await;
    place.meddle("UPDATE blobs SET scope = 'case:2'").await;
    let store = place.open().await;
    let error = store.blob(key).await.unwrap_err().to_string();
    assert!(error.starts_with("a stored blob is damaged"), "{error}");
}

/// Two stores give the same text different keys, and neither is a digest that anybody could compute.
#[tokio::test]
async fn a_key_cannot_be_guessed() {
    let (place, other) = (Place::in_folder(), Place::in_folder());
    let (here, there) = (place.open().await, other.open().await);
    let key = here.put_blob("case:1", b"ok", at(0)).await.unwrap();
    assert_ne!(key, there.put_blob("case:1", b"ok", at(0)).await.unwrap());
    for guess in [&b"ok"[..], b"case:1ok", b"\0\0\0\0\0\0\0\x06case:1ok"] {
        assert_ne!(key.to_string(), format!("blob:{}", hex::encode(Sha256::digest(guess))));
    }
    assert_eq!(here.secret("links").await.unwrap(), here.secret("links").await.unwrap());
    assert_ne!(here.secret("links").await.unwrap(), there.secret("links").await.unwrap());
    assert_ne!(here.secret("links").await.unwrap(), here.secret("others").await.unwrap());
}
