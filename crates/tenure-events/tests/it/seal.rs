//! Sealing: the layout of the files, repeats, days, and when it happens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::statistics::Statistics;
use proptest::prelude::*;
use tenure_events::{Config, Event, EventLog, REPEAT_HORIZON, schema};

use crate::disk::{FaultyDisk, FaultyStore, Power};
use crate::world::{Row, ids, now, outcome, outcome_at, rows, rows_of, sealed_batches, seconds};

async fn opened(config: Config) -> (tempfile::TempDir, EventLog) {
    let folder = tempfile::tempdir().unwrap();
    let log = EventLog::open(folder.path(), config).await.unwrap();
    (folder, log)
}

#[tokio::test]
async fn files_are_sorted_and_their_row_groups_hold_whole_buckets() {
    let (_folder, log) = opened(Config { row_group_events: 200, ..Config::default() }).await;
    for append in 0..4 {
        let events: Vec<Event> = (0..500)
            .map(|number| {
                let at = now() - seconds((number * 37) % 600);
                outcome_at(&format!("u{}", number % 250), &format!("e{append}-{number}"), at, now())
            })
            .collect();
        log.append(events).await.unwrap();
    }
    log.seal_all().await.unwrap();

    let view = log.view().await.unwrap();
    assert_eq!((view.files.len(), view.recent.len()), (1, 0));
    let file = &view.files[0];
    let found: Vec<Row> = sealed_batches(&log, &file.path).await.iter().flat_map(rows_of).collect();
    assert_eq!((found.len(), file.rows), (2000, 2000));
    assert!(found.is_sorted_by_key(|row| (row.bucket, row.units[0].id.clone(), row.at)));
    assert_eq!(file.at_min, found.iter().map(|row| row.at).min().unwrap());
    assert_eq!(file.at_max, found.iter().map(|row| row.at).max().unwrap());

    let bytes = log.store().get(&file.path.as_str().into()).await.unwrap().bytes().await.unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    assert_eq!(reader.schema().fields(), schema().fields(), "an Arrow reader finds the log's own types");
    let groups = reader.metadata().row_groups();
    assert!(groups.len() > 4, "{} row groups", groups.len());
    let ranges: Vec<(i32, i32)> = groups
        .iter()
        .map(|group| match group.column(0).statistics().unwrap() {
            Statistics::Int32(buckets) => (*buckets.min_opt().unwrap(), *buckets.max_opt().unwrap()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(ranges.windows(2).all(|pair| pair[0].1 < pair[1].0), "a bucket is cut: {ranges:?}");
    let sorted_by: Vec<String> = groups[0]
        .sorting_columns()
        .unwrap()
        .iter()
        .map(|column| groups[0].column(column.column_idx as usize).column_path().string())
        .collect();
    assert_eq!(sorted_by, ["bucket", "unit", "unit_type", "at"]);
}

#[tokio::test]
async fn an_event_sent_again_is_sealed_once_as_first_received() {
    let (_folder, log) = opened(Config::default()).await;
    let first = outcome_at("u1", "order-1", now(), now());
    let again = outcome_at("u1", "order-1", now(), now() + seconds(5));
    let much_later = outcome_at("u1", "order-1", now(), now() + REPEAT_HORIZON + seconds(1));
    let of_another = outcome_at("u2", "order-1", now(), now() + seconds(5));
    // The order of arrival in the log is not the order of receipt.
    let sent = vec![
        again.clone(),
        first.clone(),
        of_another.clone(),
        again.clone(),
        much_later.clone(),
        first.clone(),
    ];
    log.append(sent).await.unwrap();
    let sealed = log.seal_all().await.unwrap();
    assert_eq!((sealed.events, sealed.duplicates), (3, 3));
    let mut found: Vec<_> =
        rows(&log).await.into_iter().map(|row| (row.units[0].id.clone(), row.received_at)).collect();
    found.sort();
    let expected =
        [&first, &much_later, &of_another].map(|event| (event.unit().id.clone(), event.received_at()));
    assert_eq!(found, expected);
    assert_eq!(log.stats().duplicates_dropped, 3);
}

/// An event by unit, id, hours of its own time, hours of its receipt.
type Sent = (u8, u8, i64, i64);

/// What sealing should keep, the long way: of each unit's id, by receipt, the first and whatever comes
/// more than seven days after the last that was kept; a file a day, in order of bucket, unit and time.
fn kept(sent: &[Event]) -> Vec<Row> {
    let mut by_receipt: Vec<&Event> = sent.iter().collect();
    by_receipt.sort_by_key(|event| event.received_at());
    let mut kept: Vec<&Event> = Vec::new();
    for event in by_receipt {
        let same = |other: &&&Event| other.unit() == event.unit() && other.id() == event.id();
        let repeats = kept
            .iter()
            .rfind(same)
            .is_some_and(|first| event.received_at().duration_since(first.received_at()) <= REPEAT_HORIZON);
        if !repeats {
            kept.push(event);
        }
    }
    let mut rows: Vec<Row> = kept.into_iter().map(Row::of).collect();
    rows.sort_by_key(|row| {
        let day = row.at.as_second().div_euclid(86_400);
        (day, row.bucket, row.units[0].id.clone(), row.at, row.received_at)
    });
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sealing_keeps_the_first_of_each_event_in_order(
        sent in prop::collection::vec((0_u8..3, 0_u8..3, -60_i64..0, 0_i64..400), 1..60),
        appends in 1_usize..5,
    ) {
        let events: Vec<Event> = sent
            .iter()
            .map(|&(unit, id, at, received): &Sent| {
                let received_at = now() + SignedDuration::from_hours(received);
                let at = now() + SignedDuration::from_hours(at);
                outcome_at(&format!("u{unit}"), &format!("e{id}"), at, received_at)
            })
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let disk = FaultyDisk::new(Power::lasting());
            let objects = Arc::new(InMemory::new());
            let log = EventLog::open_on(Arc::new(disk), objects, Config::default()).await.unwrap();
            for append in events.chunks(events.len().div_ceil(appends)) {
                log.append(append.to_vec()).await.unwrap();
            }
            let sealed = log.seal_all().await.unwrap();
            let expected = kept(&events);
            let found = rows(&log).await;
            let key = |row: &Row| (row.at, row.id.clone(), row.units[0].id.clone(), row.received_at);
            assert_eq!(found.iter().map(key).collect::<Vec<_>>(), expected.iter().map(key).collect::<Vec<_>>());
            assert_eq!(sealed.duplicates as usize, events.len() - found.len());
        });
    }
}

#[tokio::test]
async fn files_are_of_one_day_each() {
    let (_folder, log) = opened(Config::default()).await;
    let midnight: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
    let times = BTreeMap::from([
        ("2026-02-27", vec![midnight - SignedDuration::from_hours(40)]),
        ("2026-02-28", vec![midnight - SignedDuration::from_micros(1)]),
        ("2026-03-01", vec![midnight, midnight + seconds(86_399)]),
        ("2026-03-02", vec![midnight + seconds(86_400)]),
    ]);
    let events = times.values().flatten().enumerate();
    let events = events.map(|(number, &at)| outcome_at("u1", &format!("e{number}"), at, now())).collect();
    log.append(events).await.unwrap();
    log.seal_all().await.unwrap();
    let view = log.view().await.unwrap();
    let days: Vec<(String, u64)> = view.files.iter().map(|file| (file.date.to_string(), file.rows)).collect();
    let expected: Vec<(String, u64)> =
        times.iter().map(|(day, times)| ((*day).to_owned(), times.len() as u64)).collect();
    assert_eq!(days, expected);
    for file in &view.files {
        assert!(file.path.starts_with(&format!("events/date={}/", file.date)), "{}", file.path);
    }
}

#[tokio::test]
async fn sealing_takes_what_is_old_or_full_and_no_more() {
    let config = Config { segment_age_max: Duration::from_secs(60), ..Config::default() };
    let (_folder, log) = opened(config).await;
    log.append(vec![outcome("u1", "young")]).await.unwrap();
    assert_eq!(log.seal(now() + seconds(59)).await.unwrap().segments, 0);
    assert_eq!(log.stats().unsealed_events, 1);
    assert_eq!(log.seal(now() + seconds(60)).await.unwrap().segments, 1);
    assert_eq!((log.stats().unsealed_events, log.stats().sealed_events), (0, 1));
    assert_eq!(log.seal(now() + seconds(900)).await.unwrap().segments, 0, "nothing is left");

    let config = Config { segment_bytes_max: 1, seal_bytes_max: 1, ..Config::default() };
    let (_folder, log) = opened(config).await;
    for id in ["a", "b", "c"] {
        log.append(vec![outcome("u1", id)]).await.unwrap();
    }
    let sealed = log.seal(now()).await.unwrap();
    assert_eq!((sealed.segments, sealed.files), (3, 3), "full segments, one a round");
    assert_eq!(ids(&log).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_view_is_one_moment_while_sealing_goes_on() {
    let config = Config { segment_bytes_max: 4_000, day_files_max: 1, ..Config::default() };
    let (_folder, log) = opened(config).await;
    let mut appended = 0;
    for append in 0..30 {
        log.append(vec![outcome("u1", &format!("e{append}"))]).await.unwrap();
        appended += 1;
        let (sealed, view) = tokio::join!(log.seal_all(), log.view());
        sealed.unwrap();
        assert_eq!(view.unwrap().events(), appended);
    }
}

#[tokio::test]
async fn a_segment_is_an_arrow_stream_for_any_reader() {
    let (folder, log) = opened(Config::default()).await;
    log.append(vec![outcome("u1", "a")]).await.unwrap();
    log.append(vec![outcome("u2", "b")]).await.unwrap();
    let bytes = std::fs::read(folder.path().join("segments/segment-0000000000000001.arrows")).unwrap();
    let reader = arrow::ipc::reader::StreamReader::try_new(std::io::Cursor::new(bytes), None).unwrap();
    let found: Vec<Row> = reader.map(Result::unwrap).flat_map(|batch| rows_of(&batch)).collect();
    assert_eq!(found, [Row::of(&outcome("u1", "a")), Row::of(&outcome("u2", "b"))]);
}

#[tokio::test]
async fn a_store_that_is_away_costs_nothing_but_time_and_bounded_room() {
    let power = Power::lasting();
    let store = FaultyStore::new(power.clone(), Arc::new(InMemory::new()));
    let disk = FaultyDisk::new(Power::lasting());
    let config = Config { unsealed_bytes_max: 20_000, ..Config::default() };
    let log = EventLog::open_on(Arc::new(disk), Arc::new(store), config).await.unwrap();
    power.cut_after(0);
    let mut accepted = 0;
    let refused = loop {
        match log.append(vec![outcome("u1", &format!("e{accepted}"))]).await {
            Ok(_) => accepted += 1,
            Err(refused) => break refused,
        }
        assert!(log.seal_all().await.is_err());
    };
    assert!(refused.to_string().contains("object store"), "{refused}");
    assert_eq!(log.view().await.unwrap().events(), accepted);
    power.cut_after(i64::MAX);
    assert_eq!(log.seal_all().await.unwrap().events, accepted);
    log.append(vec![outcome("u1", "last")]).await.unwrap();
    assert_eq!(ids(&log).await.len() as u64, accepted + 1);
}

#[tokio::test]
async fn a_commit_that_the_store_did_but_did_not_confirm_is_found_out() {
    let store = FaultyStore::new(Power::lasting(), Arc::new(InMemory::new()));
    let (objects, unheard) = (Arc::clone(&store.inner), Arc::clone(&store.unheard));
    let disk = FaultyDisk::new(Power::lasting());
    let log = EventLog::open_on(Arc::new(disk.clone()), Arc::new(store), Config::default()).await.unwrap();
    log.append(vec![outcome("u1", "a")]).await.unwrap();
    unheard.1.store(1, Ordering::SeqCst);
    let error = log.seal_all().await.unwrap_err().to_string();
    assert!(error.contains("sealed later"), "{error}");
    assert_eq!(ids(&log).await, ["a"], "as before, whatever the store holds");
    log.append(vec![outcome("u1", "b")]).await.unwrap();
    let sealed = log.seal_all().await.unwrap();
    assert_eq!((sealed.segments, sealed.events), (1, 1), "the first had been sealed after all");
    assert_eq!(ids(&log).await, ["a", "b"]);
    drop(log);
    let log = EventLog::open_on(Arc::new(disk), objects, Config::default()).await.unwrap();
    assert_eq!(ids(&log).await, ["a", "b"]);
}

#[tokio::test]
async fn files_without_their_catalogue_are_not_taken_for_leftovers() {
    let (folder, log) = opened(Config::default()).await;
    for id in ["a", "b", "c"] {
        log.append(vec![outcome("u1", id)]).await.unwrap();
        log.seal_all().await.unwrap();
    }
    let files: Vec<String> = log.view().await.unwrap().files.iter().map(|file| file.path.clone()).collect();
    drop(log);
    let catalogue = folder.path().join("sealed/catalogue");
    std::fs::remove_dir_all(&catalogue).unwrap();
    let error = EventLog::open(folder.path(), Config::default()).await.err().unwrap().to_string();
    assert!(error.contains("later generation") && error.contains("backup"), "{error}");
    assert!(files.iter().all(|file| folder.path().join("sealed").join(file).exists()));

    std::fs::create_dir_all(&catalogue).unwrap();
    std::fs::write(catalogue.join("000000000003.json"), "{").unwrap();
    let error = EventLog::open(folder.path(), Config::default()).await.err().unwrap().to_string();
    assert!(error.contains("catalogue/000000000003.json"), "{error}");
}
