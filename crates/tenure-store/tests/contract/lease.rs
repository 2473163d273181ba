//! Leases, and appends that only the holder can make.

use std::time::Duration;

use tenure_store::{AppendError, Fence, LeaseError};

use crate::place::{Place, at, contract, entries};

contract!(
    a_lease_has_one_holder_at_a_time,
    a_lease_is_renewed_and_released,
    a_former_holder_cannot_append,
    of_many_takers_one_holds,
);

const MINUTE: Duration = Duration::from_secs(60);

async fn a_lease_has_one_holder_at_a_time(place: &Place) {
    let store = place.open().await;
    let first = store.acquire_lease("clockwork", "one", at(0), MINUTE).await.unwrap();
    assert_eq!((first.term, first.expires_at), (1, at(60)));
    for who in ["two", "one"] {
        let held = store.acquire_lease("clockwork", who, at(59), MINUTE).await;
        assert!(matches!(&held, Err(LeaseError::Held(by)) if *by == first), "{held:?}");
    }
    let other = store.acquire_lease("mail", "two", at(0), MINUTE).await.unwrap();
    assert_eq!(other.term, 1);
    let second = store.acquire_lease("clockwork", "two", at(60), MINUTE).await.unwrap();
    assert_eq!((second.term, second.holder.as_str()), (2, "two"));
}

async fn a_lease_is_renewed_and_released(place: &Place) {
    let store = place.open().await;
    let lease = store.acquire_lease("clockwork", "one", at(0), MINUTE).await.unwrap();
    let lease = store.renew_lease(&lease, at(50), MINUTE).await.unwrap();
    assert_eq!((lease.term, lease.expires_at), (1, at(110)));
    assert!(store.acquire_lease("clockwork", "two", at(100), MINUTE).await.is_err());
    let lease = store.renew_lease(&lease, at(500), MINUTE).await.unwrap();
    assert_eq!(lease.term, 1, "nobody took it meanwhile");

    store.release_lease(&lease).await.unwrap();
    let next = store.acquire_lease("clockwork", "two", at(501), MINUTE).await.unwrap();
    assert_eq!(next.term, 2, "a term is never used again");
    let lost = store.renew_lease(&lease, at(501), MINUTE).await;
    assert!(matches!(lost, Err(LeaseError::Lost { term: 1, .. })), "{lost:?}");
    assert!(matches!(store.release_lease(&lease).await, Err(LeaseError::Lost { .. })));
}

async fn a_former_holder_cannot_append(place: &Place) {
    let store = place.open().await;
    let former = store.acquire_lease("clockwork", "one", at(0), MINUTE).await.unwrap();
    store.append(0, &entries(1..=1), Some(&former.fence())).await.unwrap();
    // Expired, but nobody else holds it: still the latest term.
    let now = store.acquire_lease("clockwork", "two", at(60), MINUTE).await.unwrap();
    let refused = store.append(1, &entries(2..=2), Some(&former.fence())).await;
    assert!(
        matches!(&refused, Err(AppendError::Fenced { name, term: 1 }) if name == "clockwork"),
        "{refused:?}"
    );
    let refused = store.append(1, &entries(2..=2), Some(&Fence { name: "no such".into(), term: 1 })).await;
    assert!(matches!(refused, Err(AppendError::Fenced { .. })));
    store.append(1, &entries(2..=2), Some(&now.fence())).await.unwrap();
    assert_eq!(store.verify().await.unwrap().entries, 2);
}

async fn of_many_takers_one_holds(place: &Place) {
    let store = place.open().await;
    let takers: Vec<_> = (0..8)
        .map(|taker| {
            let store = store.clone();
            tokio::spawn(
                async move { store.acquire_lease("clockwork", &format!("{taker}"), at(0), MINUTE).await },
            )
        })
        .collect();
    let mut holders = 0;
    for taker in takers {
        match taker.await.unwrap() {
            Ok(lease) => holders += lease.term,
            Err(LeaseError::Held(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(holders, 1);
}
