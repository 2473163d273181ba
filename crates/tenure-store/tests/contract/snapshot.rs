//! Snapshots: the newest whole one that is of this journal.

use tenure_store::{PutSnapshotError, Snapshot, Store};

use crate::place::{Place, contract, entries};

contract!(
    the_newest_snapshot_of_a_format_is_found,
    a_damaged_snapshot_is_passed_over,
    a_snapshot_of_another_journal_is_passed_over,
);

async fn snapshot(seq: i64, state: &'static str) -> Snapshot {
    Snapshot::write("state-1", seq, state.split(' ')).await.unwrap()
}

async fn latest(store: &Store) -> Option<(i64, String)> {
    let found = store.latest_snapshot("state-1").await.unwrap()?;
    let seq = found.seq;
    let parts = found.read::<String>().await.unwrap();
    Some((seq, parts.join(" ")))
}

async fn the_newest_snapshot_of_a_format_is_found(place: &Place) {
    let store = place.open().await;
    store.append(0, &entries(1..=9), None).await.unwrap();
    assert_eq!(latest(&store).await, None);
    for (seq, state) in [(3, "three"), (6, "six"), (9, "nine"), (9, "nine again"), (2, "two")] {
        store.put_snapshot(&snapshot(seq, state).await).await.unwrap();
    }
    assert_eq!(latest(&store).await, Some((9, "nine again".into())));
    assert_eq!(store.latest_snapshot("state-2").await.unwrap(), None);
    for seq in [0, 10] {
        let refused = store.put_snapshot(&snapshot(seq, "of nothing").await).await;
        assert!(matches!(refused, Err(PutSnapshotError::NoEntry { seq: named }) if named == seq));
    }
    store.close().await;
    place.meddle("DELETE FROM snapshots WHERE seq = 9").await;
    assert_eq!(latest(&place.open().await).await, Some((6, "six".into())), "one is kept to fall back on");
}

async fn a_damaged_snapshot_is_passed_over(place: &Place) {
    let store = place.open().await;
    store.append(0, &entries(1..=9), None).await.unwrap();
    store.put_snapshot(&snapshot(3, "three").await).await.unwrap();
    store.put_snapshot(&snapshot(6, "six").await).await.unwrap();
    store.close().await;
    place.meddle("UPDATE snapshots SET bytes = digest WHERE seq = 6").await;
    assert_eq!(latest(&place.open().await).await, Some((3, "three".into())));
}

async fn a_snapshot_of_another_journal_is_passed_over(place: &Place) {
    let store = place.open().await;
    store.append(0, &entries(1..=9), None).await.unwrap();
    store.put_snapshot(&snapshot(6, "six").await).await.unwrap();
    store.close().await;
    place.meddle("UPDATE snapshots SET entry_hash = digest WHERE seq = 6").await;
    assert_eq!(latest(&place.open().await).await, None);
}
