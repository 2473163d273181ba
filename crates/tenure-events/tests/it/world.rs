//! What the tests share: events to append, and everything that a log holds as plain rows.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, TimestampMicrosecondType, UInt8Type};
use jiff::{SignedDuration, Timestamp};
use object_store::ObjectStoreExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tenure_events::{Draft, Event, EventLog, Kind, Received, Unit, columns};

/// The tests' noon.
pub fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

pub fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

/// An outcome of a unit, by its id, received now.
pub fn outcome(unit: &str, id: &str) -> Event {
    outcome_at(unit, id, now(), now())
}

pub fn outcome_at(unit: &str, id: &str, at: Timestamp, received_at: Timestamp) -> Event {
    let draft = Draft {
        id: Some(id.into()),
        at: Some(at),
        units: vec![Unit::new("user", unit)],
        kind: Kind::Outcome { name: "purchase".into(), value: Some(12.5) },
        source: "api".into(),
        attributes: BTreeMap::new(),
    };
    Event::new(draft, Received { at: received_at, index: 0 }).unwrap()
}

/// Outcomes `<prefix>0`, `<prefix>1`, … of as many units.
pub fn outcomes(prefix: &str, count: usize) -> Vec<Event> {
    (0..count).map(|number| outcome(&format!("u{number}"), &format!("{prefix}{number}"))).collect()
}

/// Every event that the log holds, sealed or not, as [`Row`]s.
pub async fn rows(log: &EventLog) -> Vec<Row> {
    let view = log.view().await.unwrap();
    let mut rows = Vec::new();
    for file in &view.files {
        for batch in sealed_batches(log, &file.path).await {
            rows.extend(rows_of(&batch));
        }
    }
    rows.extend(view.recent.iter().flat_map(rows_of));
    assert_eq!(rows.len() as u64, view.events());
    rows
}

/// The ids of every event that the log holds, sorted, repeats included.
pub async fn ids(log: &EventLog) -> Vec<String> {
    let mut ids: Vec<String> = rows(log).await.into_iter().map(|row| row.id).collect();
    ids.sort();
    ids
}

pub async fn sealed_batches(log: &EventLog, path: &str) -> Vec<RecordBatch> {
    let bytes = log.store().get(&path.into()).await.unwrap().bytes().await.unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
    reader.map(Result::unwrap).collect()
}

/// One event as it is read back.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub bucket: u8,
    pub units: Vec<Unit>,
    pub id: String,
    pub at: Timestamp,
    pub received_at: Timestamp,
    pub kind: Kind,
    pub source: String,
    pub attributes: BTreeMap<String, String>,
}

impl Row {
    /// What should be read back of an event.
    pub fn of(event: &Event) -> Self {
        Self {
            bucket: tenure_events::bucket_of(&event.unit().id),
            units: event.units().to_vec(),
            id: event.id().into(),
            at: event.at(),
            received_at: event.received_at(),
            kind: event.kind().clone(),
            source: event.source().into(),
            attributes: event.attributes().clone(),
        }
    }
}

pub fn rows_of(batch: &RecordBatch) -> Vec<Row> {
    let column = |name: &str| batch.column_by_name(name).unwrap();
    let text = |name: &str, row: usize| {
        let array = column(name).as_string::<i32>();
        array.is_valid(row).then(|| array.value(row).to_owned())
    };
    let time = |name: &str, row: usize| {
        let micros = column(name).as_primitive::<TimestampMicrosecondType>().value(row);
        Timestamp::from_microsecond(micros).unwrap()
    };
    let map = |name: &str, row: usize| -> Vec<(String, String)> {
        let array = column(name).as_map();
        if array.is_null(row) {
            return Vec::new();
        }
        let entries = array.value(row);
        let keys = entries.column(0).as_string::<i32>();
        let values = entries.column(1).as_string::<i32>();
        keys.iter()
            .zip(values)
            .map(|(key, value)| (key.unwrap().to_owned(), value.unwrap().to_owned()))
            .collect()
    };
    let value = column(columns::VALUE).as_primitive::<Float64Type>();
    let row = |row: usize| {
        let units: Vec<Unit> =
            map(columns::UNITS, row).into_iter().map(|(unit_type, id)| Unit { unit_type, id }).collect();
        assert_eq!(text(columns::UNIT, row).as_deref(), Some(units[0].id.as_str()));
        assert_eq!(text(columns::UNIT_TYPE, row).as_deref(), Some(units[0].unit_type.as_str()));
        let kind = match text(columns::KIND, row).unwrap().as_str() {
            "exposure" => Kind::Exposure {
                flag: text(columns::FLAG, row).unwrap(),
                variant: text(columns::VARIANT, row).unwrap(),
                revision: text(columns::REVISION, row),
                reason: text(columns::REASON, row),
            },
            "outcome" => Kind::Outcome {
                name: text(columns::NAME, row).unwrap(),
                value: value.is_valid(row).then(|| value.value(row)),
            },
            other => panic!("{other}"),
        };
        Row {
            bucket: column(columns::BUCKET).as_primitive::<UInt8Type>().value(row),
            units,
            id: text(columns::ID, row).unwrap(),
            at: time(columns::AT, row),
            received_at: time(columns::RECEIVED_AT, row),
            kind,
            source: text(columns::SOURCE, row).unwrap(),
            attributes: map(columns::ATTRIBUTES, row).into_iter().collect(),
        }
    };
    (0..batch.num_rows()).map(row).collect()
}
