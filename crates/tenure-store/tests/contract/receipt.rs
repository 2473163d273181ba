//! Receipts of requests, alone and with an append; and the cursors of the journal's readers.

use tenure_store::{AppendError, Digest, Receipt};

use crate::place::{Place, at, contract, entries};

contract!(
    a_request_is_carried_out_once,
    a_refused_append_leaves_no_receipt,
    a_receipt_is_forgotten_when_it_expires,
    a_cursor_never_goes_back,
);

fn receipt(actor: &str, key: &str, second: i64) -> Receipt {
    Receipt {
        actor: actor.into(),
        key: key.into(),
        request: Digest::of(b"POST /cases"),
        response: b"201 case 1".into(),
        created_at: at(second),
        expires_at: at(second + 100),
    }
}

async fn a_request_is_carried_out_once(place: &Place) {
    let store = place.open().await;
    let first = receipt("ana", "k1", 0);
    store.append_once(0, &entries(1..=2), None, &first).await.unwrap();
    // Sent again: known, whatever the journal has become.
    for expected in [0, 2] {
        let again = store.append_once(expected, &entries(3..=4), None, &receipt("ana", "k1", 5)).await;
        assert!(matches!(&again, Err(AppendError::Repeated { key }) if key == "k1"), "{again:?}");
    }
    assert_eq!(store.receipt("ana", "k1", at(5)).await.unwrap(), Some(first));
    store.append_once(2, &entries(3..=3), None, &receipt("bob", "k1", 5)).await.unwrap();
    assert_eq!(store.verify().await.unwrap().entries, 3);
}

async fn a_refused_append_leaves_no_receipt(place: &Place) {
    let store = place.open().await;
    let refused = store.append_once(7, &entries(1..=1), None, &receipt("ana", "k1", 0)).await;
    assert!(matches!(refused, Err(AppendError::Conflict { expected: 7, actual: 0 })));
    assert_eq!(store.receipt("ana", "k1", at(0)).await.unwrap(), None);
    store.append_once(0, &entries(1..=1), None, &receipt("ana", "k1", 0)).await.unwrap();
}

async fn a_receipt_is_forgotten_when_it_expires(place: &Place) {
    let store = place.open().await;
    assert!(store.put_receipt(&receipt("ana", "k1", 0)).await.unwrap());
    assert!(!store.put_receipt(&receipt("ana", "k1", 99)).await.unwrap());
    assert!(store.receipt("ana", "k1", at(99)).await.unwrap().is_some());
    assert_eq!(store.receipt("ana", "k1", at(100)).await.unwrap(), None);
    assert!(store.put_receipt(&receipt("ana", "k1", 100)).await.unwrap(), "the key is free again");
    assert_eq!(store.forget_expired(at(199)).await.unwrap(), 0);
    assert_eq!(store.forget_expired(at(200)).await.unwrap(), 1);
}

async fn a_cursor_never_goes_back(place: &Place) {
    let store = place.open().await;
    assert_eq!(store.cursor("webhooks").await.unwrap(), 0);
    for (advance, stands) in [(5, 5), (3, 5), (5, 5), (9, 9)] {
        store.advance_cursor("webhooks", advance).await.unwrap();
        assert_eq!(store.cursor("webhooks").await.unwrap(), stands);
    }
    assert_eq!(store.cursor("mail").await.unwrap(), 0);
}
