//! The journal: appends at the expected place, all or nothing, one winner; reads in pages; following.

use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use proptest::prelude::*;
use tenure_store::{
    APPEND_ENTRIES_MAX, AppendError, Digest, Entry, Head, Location, NewEntry, PAGE_MAX, Store, StoreError,
};

use crate::place::{Place, at, contract, entries, entry};

contract!(
    an_empty_journal_is_whole,
    what_is_appended_is_read_back,
    an_append_at_another_place_is_refused,
    of_two_writers_exactly_one_wins_each_round,
    a_large_batch_is_one_append,
    pages_are_bounded,
    a_stream_is_read_alone,
    a_follower_gets_old_and_new_entries_once_and_in_order,
    a_follower_ends_when_the_store_closes,
    any_sequence_of_entries_verifies,
);

async fn an_empty_journal_is_whole(place: &Place) {
    let store = place.open().await;
    assert_eq!(store.head().await.unwrap(), Head { seq: 0, hash: Digest::ZERO });
    assert_eq!(store.read(0, 10).await.unwrap(), []);
    let whole = store.verify().await.unwrap();
    assert_eq!((whole.entries, whole.head), (0, Digest::ZERO));
}

async fn what_is_appended_is_read_back(place: &Place) {
    let store = place.open().await;
    let first = store.append(0, &entries(1..=3), None).await.unwrap();
    let second = store.append(3, &entries(4..=5), None).await.unwrap();
    let all: Vec<Entry> = first.into_iter().chain(second).collect();
    assert_eq!(all.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(all[0].prev_hash, Digest::ZERO);
    assert!(all.windows(2).all(|pair| pair[1].prev_hash == pair[0].hash));
    assert_eq!(all[4].body, r#"{"number":5}"#);
    store.close().await;

    let again = place.open().await;
    assert_eq!(again.read(0, 10).await.unwrap(), all);
    assert_eq!(again.read(2, 2).await.unwrap(), all[2..4]);
    assert_eq!(again.head().await.unwrap(), Head { seq: 5, hash: all[4].hash });
    assert_eq!(again.append(5, &[], None).await.unwrap(), []);
}

async fn a_stream_is_read_alone(place: &Place) {
    let store = place.open().await;
    let of = |stream: &str, number: u32| {
        NewEntry::new(at(i64::from(number)), "ana", stream, "tested", 1, &number).unwrap()
    };
    let mixed = [of("case/A", 1), of("case/B", 2), of("case/A", 3), of("case/A/B", 4), of("case/A", 5)];
    let all = store.append(0, &mixed, None).await.unwrap();
    let seqs = |page: Vec<Entry>| page.iter().map(|entry| entry.seq).collect::<Vec<_>>();
    assert_eq!(store.read_stream("case/B", 0, 10).await.unwrap(), all[1..2]);
    assert_eq!(seqs(store.read_stream("case/A", 0, 2).await.unwrap()), [1, 3]);
    assert_eq!(seqs(store.read_back(Some("case/A"), i64::MAX, 2).await.unwrap()), [5, 3]);
    assert_eq!(seqs(store.read_back(None, 3, 10).await.unwrap()), [2, 1]);
    assert_eq!(seqs(store.read_stream("case/A", 3, 10).await.unwrap()), [5]);
    assert_eq!(seqs(store.read_stream("case/C", 0, 10).await.unwrap()), [0_i64; 0]);
}

async fn an_append_at_another_place_is_refused(place: &Place) {
    let store = place.open().await;
    store.append(0, &entries(1..=2), None).await.unwrap();
    for wrong in [-1, 0, 1, 3, i64::MAX] {
        let refused = store.append(wrong, &entries(9..=9), None).await;
        assert!(
            matches!(refused, Err(AppendError::Conflict { expected, actual: 2 }) if expected == wrong),
            "{refused:?}"
        );
    }
    let too_many = store.append(2, &vec![entry(1); APPEND_ENTRIES_MAX + 1], None).await;
    assert!(matches!(too_many, Err(AppendError::TooMany { entries: 10_001 })));
    assert_eq!(store.head().await.unwrap().seq, 2);
}

async fn of_two_writers_exactly_one_wins_each_round(place: &Place) {
    let one = place.open().await;
    // A data folder has one process, whose tasks race; PostgreSQL has nodes.
    let other = if place.folder.is_some() { one.clone() } else { place.open().await };
    for round in 0..25 {
        let racer = |store: &Store, actor: &'static str| {
            let entry = NewEntry::new(at(round), actor, "race", "ran", 1, &round).unwrap();
            let store = store.clone();
            tokio::spawn(async move { store.append(round, &[entry], None).await })
        };
        let (first, second) = (racer(&one, "one"), racer(&other, "other"));
        let (first, second) = (first.await.unwrap(), second.await.unwrap());
        match (&first, &second) {
            (Ok(won), Err(AppendError::Conflict { actual, .. }))
            | (Err(AppendError::Conflict { actual, .. }), Ok(won)) => {
                assert_eq!((won[0].seq, *actual), (round + 1, round + 1));
            }
            _ => panic!("round {round}: {first:?} and {second:?}"),
        }
    }
    assert_eq!(one.verify().await.unwrap().entries, 25);
}

async fn a_large_batch_is_one_append(place: &Place) {
    let store = place.open().await;
    let many = entries(1..=2_501);
    let appended = store.append(0, &many, None).await.unwrap();
    assert_eq!(appended.len(), many.len());
    assert_eq!(store.verify().await.unwrap().entries, 2_501);
}

async fn pages_are_bounded(place: &Place) {
    let store = place.open().await;
    store.append(0, &entries(1..=i64::from(PAGE_MAX) + 1), None).await.unwrap();
    assert_eq!(store.read(0, u32::MAX).await.unwrap().len(), PAGE_MAX as usize);
    assert_eq!(store.read(0, 0).await.unwrap(), []);
    assert_eq!(store.read(i64::MAX, 10).await.unwrap(), []);

    let mut read = Vec::new();
    let mut pages = store.pages(2, Ok::<_, StoreError>);
    while let Some(page) = pages.try_next().await.unwrap() {
        assert!(!page.is_empty() && page.len() <= PAGE_MAX as usize);
        read.extend(page.iter().map(|entry| entry.seq));
    }
    let end = store.head().await.unwrap().seq;
    assert_eq!(read, (3..=end).collect::<Vec<_>>(), "all of them, in order");
    assert_eq!(store.pages(end, Ok::<_, StoreError>).try_next().await.unwrap(), None);
}

async fn a_follower_gets_old_and_new_entries_once_and_in_order(place: &Place) {
    let store = place.open().await;
    store.append(0, &entries(1..=1_200), None).await.unwrap();
    let follower =
        tokio::spawn(store.follow(7).take(1_200).map_ok(|entry| entry.seq).try_collect::<Vec<i64>>());
    for last in 1_200..1_210 {
        store.append(last, &[entry(last + 1)], None).await.unwrap();
    }
    let seen = tokio::time::timeout(Duration::from_secs(30), follower).await.unwrap().unwrap().unwrap();
    assert_eq!(seen, (8..=1_207).collect::<Vec<_>>());
}

async fn a_follower_ends_when_the_store_closes(place: &Place) {
    let store = place.open().await;
    let follower = tokio::spawn(store.follow(0).count());
    tokio::time::sleep(Duration::from_millis(50)).await;
    store.close().await;
    assert_eq!(tokio::time::timeout(Duration::from_secs(5), follower).await.unwrap().unwrap(), 0);
}

/// With notifications ten round trips take a moment; by looking every second alone they would take ten.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_node_hears_of_an_append_at_once() {
    let Some(place) = Place::in_postgres() else { return };
    let (here, there) = (place.open().await, place.open().await);
    let mut follower = Box::pin(there.follow(0));
    let began = std::time::Instant::now();
    for last in 0..10 {
        here.append(last, &[entry(last + 1)], None).await.unwrap();
        assert_eq!(follower.next().await.unwrap().unwrap().seq, last + 1);
    }
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_survives_the_loss_of_every_connection() {
    let Some(place) = Place::in_postgres() else { return };
    let (here, there) = (place.open().await, place.open().await);
    let mut follower = Box::pin(there.follow(0));
    here.append(0, &[entry(1)], None).await.unwrap();
    assert_eq!(follower.next().await.unwrap().unwrap().seq, 1);
    place
        .meddle(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
    here.append(1, &[entry(2)], None).await.unwrap();
    let next = tokio::time::timeout(Duration::from_secs(20), follower.next()).await.unwrap();
    assert_eq!(next.unwrap().unwrap().seq, 2);
}

#[tokio::test]
async fn an_unreachable_database_is_named_without_its_password() {
    let location: Location = "postgres://ana:secret@127.0.0.1:1/tenure".parse().unwrap();
    let error = Store::open(&location).await.unwrap_err().to_string();
    assert!(error.starts_with("the store postgres://ana@127.0.0.1:1/tenure cannot be opened: "), "{error}");
    assert!(!error.contains("secret"));
}

async fn any_sequence_of_entries_verifies(place: &Place) {
    let store = place.open().await;
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(24));
    let batches = proptest::collection::vec(any_entry(), 0..6);
    runner
        .run(&batches, |batch| {
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(async {
                    let last = store.head().await.unwrap().seq;
                    let appended = store.append(last, &batch, None).await.unwrap();
                    prop_assert_eq!(&store.read(last, 10).await.unwrap(), &appended);
                    prop_assert_eq!(store.verify().await.unwrap().entries, last + appended.len() as i64);
                    Ok(())
                })
            })
        })
        .unwrap();
}

/// Any instant, any names within the bounds, any JSON text.
pub fn any_entry() -> impl Strategy<Value = NewEntry> {
    let name = || "[^\\p{Cc}]{1,40}";
    let instant =
        (-60_000_000_000i64..250_000_000_000, 0..1_000_000_000i32).prop_map(|(second, nanosecond)| {
            jiff::Timestamp::new(second, nanosecond.min(999_999_999)).unwrap_or_default()
        });
    let body = proptest::collection::btree_map(any::<String>(), any::<(String, i64, Option<bool>)>(), 0..4);
    (instant, name(), name(), name(), any::<u32>(), body).prop_map(
        |(at, actor, stream, kind, version, body)| {
            NewEntry::new(at, actor, stream, kind, version, &body).unwrap()
        },
    )
}
