//! Appending: what is acknowledged is there, at once and after reopening, exactly once.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;
use object_store::memory::InMemory;
use tenure_events::{AppendError, Config, Draft, Event, EventLog, Kind, Received, Unit};

use crate::disk::{FaultyDisk, Power};
use crate::world::{Row, ids, now, outcomes, rows, seconds};

/// One event of each shape.
fn one_of_each() -> Vec<Event> {
    let exposure = Draft {
        id: None,
        at: None,
        units: vec![Unit::new("user", "zoë"), Unit::new("tenant", "t1")],
        kind: Kind::Exposure {
            flag: "checkout".into(),
            variant: "treatment".into(),
            revision: Some("PC-1/1".into()),
            reason: None,
        },
        source: "ofrep".into(),
        attributes: BTreeMap::new(),
    };
    let outcome = Draft {
        id: Some("order-7".into()),
        at: Some(now() - seconds(60)),
        units: vec![Unit::new("tenant", "t1"), Unit::new("user", "zoë")],
        kind: Kind::Outcome { name: "purchase".into(), value: Some(-0.25) },
        source: "api".into(),
        attributes: [("country".to_owned(), "SE".to_owned()), ("note".to_owned(), String::new())].into(),
    };
    let valueless = Draft {
        id: None,
        at: Some(now()),
        kind: Kind::Outcome { name: "login".into(), value: None },
        attributes: BTreeMap::new(),
        ..outcome.clone()
    };
    let events = [exposure, outcome, valueless].into_iter().enumerate();
    events.map(|(index, draft)| Event::new(draft, Received { at: now(), index }).unwrap()).collect()
}

#[tokio::test]
async fn events_are_read_back_as_they_were_before_and_after_sealing_and_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let log = EventLog::open(folder.path(), Config::default()).await.unwrap();
    let events = one_of_each();
    let expected: Vec<Row> = events.iter().map(Row::of).collect();
    let receipt = log.append(events).await.unwrap();
    assert_eq!((receipt.events, receipt.segment), (3, Some(1)));
    assert_eq!(rows(&log).await, expected, "from the segment");

    drop(log);
    let log = EventLog::open(folder.path(), Config::default()).await.unwrap();
    assert_eq!((log.recovery().segments, log.recovery().events, log.recovery().cuts.len()), (1, 3, 0));
    assert_eq!(rows(&log).await, expected, "from the segment, reopened");

    let sealed = log.seal_all().await.unwrap();
    assert_eq!((sealed.segments, sealed.files, sealed.events, sealed.duplicates), (1, 1, 3, 0));
    let by_order = |mut rows: Vec<Row>| {
        rows.sort_by(|a, b| (a.bucket, &a.units[0].id, a.at).cmp(&(b.bucket, &b.units[0].id, b.at)));
        rows
    };
    assert_eq!(rows(&log).await, by_order(expected.clone()), "from the sealed file");

    drop(log);
    let log = EventLog::open(folder.path(), Config::default()).await.unwrap();
    assert_eq!(log.recovery().events, 0);
    assert_eq!(rows(&log).await, by_order(expected), "from the sealed file, reopened");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_appends_share_commits_and_lose_nothing() {
    const APPENDERS: usize = 64;
    const APPENDS: usize = 20;
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(EventLog::open(folder.path(), Config::default()).await.unwrap());
    let appenders: Vec<_> = (0..APPENDERS)
        .map(|appender| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                for append in 0..APPENDS {
                    log.append(outcomes(&format!("a{appender}-{append}-"), 3)).await.unwrap();
                }
            })
        })
        .collect();
    for appender in appenders {
        appender.await.unwrap();
    }
    let found = ids(&log).await;
    let mut expected: Vec<String> = (0..APPENDERS)
        .flat_map(|appender| (0..APPENDS).map(move |append| (appender, append)))
        .flat_map(|(appender, append)| (0..3).map(move |event| format!("a{appender}-{append}-{event}")))
        .collect();
    expected.sort();
    assert_eq!(found, expected);
    let stats = log.stats();
    assert_eq!(stats.appended_events, (APPENDERS * APPENDS * 3) as u64);
    assert!(
        stats.commits < (APPENDERS * APPENDS / 2) as u64,
        "{} commits: appends were not grouped",
        stats.commits
    );
    assert_eq!((stats.queued_bytes, stats.commits_failed), (0, 0));
}

#[tokio::test]
async fn what_does_not_fit_the_queue_is_refused_and_nothing_of_it_kept() {
    let disk = FaultyDisk::new(Power::lasting());
    let config = Config { queued_bytes_max: 2_000, ..Config::default() };
    let log = EventLog::open_on(Arc::new(disk.clone()), Arc::new(InMemory::new()), config).await.unwrap();
    let refused = log.append(outcomes("large", 100)).await.unwrap_err();
    assert!(matches!(refused, AppendError::TooLarge { bytes, .. } if bytes > 2_000), "{refused:?}");

    // Three at once, of which the queue holds two; the disk takes its time until all are sent.
    let slow = disk.gate.lock().unwrap();
    let mut appends: Vec<_> = ["a", "b", "c"].map(|prefix| Box::pin(log.append(outcomes(prefix, 7)))).into();
    let polled: Vec<_> = appends.iter_mut().map(|append| append.as_mut().now_or_never()).collect();
    assert!(polled[0].is_none() && polled[1].is_none(), "both wait");
    assert!(matches!(polled[2], Some(Err(AppendError::Busy { queued_bytes_max: 2_000 }))), "{:?}", polled[2]);
    assert!(log.stats().queued_bytes > 1_000);
    drop(slow);
    for append in appends.into_iter().take(2) {
        assert_eq!(append.await.unwrap().events, 7);
    }
    assert_eq!(ids(&log).await.len(), 14);
    log.append(outcomes("d", 7)).await.unwrap();
    assert_eq!(log.stats().queued_bytes, 0);
}

#[tokio::test]
async fn an_append_of_nothing_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let log = EventLog::open(folder.path(), Config::default()).await.unwrap();
    assert_eq!(log.append(Vec::new()).await.unwrap().events, 0);
    assert_eq!((log.stats().commits, log.stats().segments), (0, 0));
}
