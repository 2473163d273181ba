//! kill -9 at any moment loses no acknowledged entry.
//!
//! A child process appends without pause and says each entry once the append has returned; it is killed at random
//! moments. Whatever it had said is in the journal afterwards, and the chain is whole.

use std::time::Duration;

use tempfile::TempDir;

use crate::child::Child;
use crate::folder::picture;
use crate::place::{Place, contract};

contract!(killed_at_any_moment_no_acknowledged_entry_is_lost);

const ROUNDS: usize = 10;

async fn killed_at_any_moment_no_acknowledged_entry_is_lost(place: &Place) {
    let folder = place.folder.as_ref().map(TempDir::path);
    let mut acknowledged: Vec<(i64, String)> = Vec::new();
    for round in 0..ROUNDS {
        let mut child = Child::that_appends_without_end(place);
        acknowledged.push(child.next_acknowledged().unwrap());
        if round % 3 == 0 {
            // Looked at while it appends, the journal is whole up to some entry.
            let seen = place.inspect().await.verify().await.unwrap();
            assert!(seen.entries >= acknowledged[acknowledged.len() - 1].0, "round {round}: {seen:?}");
        }
        std::thread::sleep(Duration::from_micros(u64::from(getrandom::u32().unwrap()) % 40_000));
        child.kill();
        acknowledged.extend(std::iter::from_fn(|| child.next_acknowledged()));

        // As the kill left it: whole, and looking at it changes nothing.
        let left = folder.map(picture);
        let inspector = place.inspect().await;
        let whole = inspector.verify().await.unwrap();
        inspector.close().await;
        assert_eq!(folder.map(picture), left);

        let store = place.open().await;
        let now = store.verify().await.unwrap();
        // PostgreSQL may still carry out a commit that it had received from the one that was killed.
        assert!(
            now == whole || (folder.is_none() && now.entries > whole.entries),
            "round {round}: {whole:?}, {now:?}"
        );
        for (seq, hash) in &acknowledged {
            let kept = store.read(seq - 1, 1).await.unwrap();
            assert_eq!(kept[0].hash.to_string(), *hash, "round {round}: entry {seq} was acknowledged");
        }
        store.close().await;
    }
    assert!(acknowledged.len() > ROUNDS, "it was killed while it appended: {}", acknowledged.len());
}
