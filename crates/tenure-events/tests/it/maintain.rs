//! Compaction, retention, erasure: files are replaced, and whoever reads the old ones reads on.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use tenure_events::{Compacted, Config, Draft, Event, EventLog, Kind, Received, Removed, Unit};

use crate::world::{ids, now, outcome, outcome_at, sealed_batches, seconds};

async fn opened(config: Config) -> (tempfile::TempDir, EventLog) {
    let folder = tempfile::tempdir().unwrap();
    let log = EventLog::open(folder.path(), config).await.unwrap();
    (folder, log)
}

fn sealed_files(folder: &tempfile::TempDir) -> usize {
    let files = walk(folder.path()).into_iter();
    files.filter(|path| path.extension().is_some_and(|extension| extension == "parquet")).count()
}

#[tokio::test]
async fn compaction_merges_a_crowded_day_and_drops_repeats_across_files() {
    let (folder, log) = opened(Config { day_files_max: 3, ..Config::default() }).await;
    let yesterday = now() - SignedDuration::from_hours(24);
    log.append(vec![outcome_at("u1", "yesterday", yesterday, now())]).await.unwrap();
    for file in 0..4 {
        let again = outcome_at("u1", "again", now(), now() + seconds(file));
        log.append(vec![again, outcome("u2", &format!("e{file}"))]).await.unwrap();
        log.seal_all().await.unwrap();
    }
    assert_eq!(log.stats().sealed_files, 5);
    assert_eq!(log.compact().await.unwrap(), Compacted { files: 4, into: 1, duplicates: 3 });
    assert_eq!(ids(&log).await, ["again", "e0", "e1", "e2", "e3", "yesterday"]);
    assert_eq!((log.stats().sealed_files, sealed_files(&folder)), (2, 2));
    assert_eq!(log.compact().await.unwrap(), Compacted::default(), "nothing is crowded now");
    drop(log);
    let log = EventLog::open(folder.path(), Config::default()).await.unwrap();
    assert_eq!(ids(&log).await.len(), 6);
}

#[tokio::test]
async fn a_replaced_file_stays_for_the_view_that_names_it() {
    let (folder, log) = opened(Config { day_files_max: 1, ..Config::default() }).await;
    for file in 0..2 {
        log.append(vec![outcome("u1", &format!("e{file}"))]).await.unwrap();
        log.seal_all().await.unwrap();
    }
    let view = log.view().await.unwrap();
    assert_eq!(log.compact().await.unwrap().files, 2);
    assert_eq!(sealed_files(&folder), 3);
    for file in &view.files {
        assert_eq!(sealed_batches(&log, &file.path).await[0].num_rows(), 1);
    }
    drop(view);
    let removed = log.erase_unit(&Unit::new("user", "u1")).await.unwrap();
    assert_eq!(removed, Removed { events: 2, files: 1, files_in_use: 0 });
    assert_eq!(sealed_files(&folder), 0);
}

#[tokio::test]
async fn retention_removes_whole_days() {
    let (folder, log) = opened(Config::default()).await;
    let days_ago = |days: i64| now() - SignedDuration::from_hours(24 * days);
    let events = (0..5).map(|days| outcome_at("u1", &format!("d{days}"), days_ago(days), now())).collect();
    log.append(events).await.unwrap();
    log.seal_all().await.unwrap();
    // The day of the bound itself stays, though its event is earlier than the bound.
    let removed = log.expire(days_ago(2) + seconds(3600)).await.unwrap();
    assert_eq!(removed, Removed { events: 2, files: 2, files_in_use: 0 });
    assert_eq!(ids(&log).await, ["d0", "d1", "d2"]);
    assert_eq!(sealed_files(&folder), 3);
    assert_eq!(log.expire(days_ago(2)).await.unwrap(), Removed::default());
}

#[tokio::test]
async fn erasure_finds_a_unit_wherever_it_stands_and_no_other() {
    let (folder, log) = opened(Config::default()).await;
    let event = |id: &str, units: Vec<Unit>| {
        let draft = Draft {
            id: Some(id.into()),
            at: None,
            units,
            kind: Kind::Outcome { name: "login".into(), value: None },
            source: "api".into(),
            attributes: BTreeMap::new(),
        };
        Event::new(draft, Received { at: now(), index: 0 }).unwrap()
    };
    let (user, tenant) = (Unit::new("user", "7"), Unit::new("tenant", "7"));
    let other = Unit::new("user", "8");
    log.append(vec![
        event("user", vec![user.clone()]),
        event("tenant", vec![tenant.clone()]),
        event("both", vec![tenant.clone(), user.clone()]),
    ])
    .await
    .unwrap();
    log.seal_all().await.unwrap();
    log.append(vec![event("recent", vec![user.clone()]), event("other", vec![other.clone(), tenant])])
        .await
        .unwrap();

    let removed = log.erase_unit(&user).await.unwrap();
    assert_eq!((removed.events, removed.files_in_use), (3, 0));
    assert_eq!(ids(&log).await, ["other", "tenant"]);
    assert_eq!(log.erase_unit(&user).await.unwrap(), Removed::default());

    // Nothing of the unit is left in any file of the folder. Ids are short here, so the events' own are
    // looked for.
    let gone = ["both", "recent"];
    let mut looked_at = 0;
    for entry in walk(folder.path()) {
        let bytes = std::fs::read(&entry).unwrap();
        looked_at += 1;
        for id in gone {
            assert!(
                !bytes.windows(id.len()).any(|window| window == id.as_bytes()),
                "{id} in {}",
                entry.display()
            );
        }
    }
    assert!(looked_at > 2);
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
