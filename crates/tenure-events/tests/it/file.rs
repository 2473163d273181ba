//! Files of events: what their rows become on the wire, and what a bad file is answered.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use parquet::arrow::ArrowWriter;
use tenure_events::{EventFile, FileError};

/// A file in a folder that goes with it.
fn file(name: &str, content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    (folder, path)
}

fn all(path: &std::path::Path) -> Result<Vec<String>, FileError> {
    let mut file = EventFile::open(path)?;
    let mut lines = Vec::new();
    loop {
        let more = file.next(2, 1 << 20)?;
        if more.is_empty() {
            return Ok(lines);
        }
        lines.extend(more);
    }
}

fn check(name: &str, content: &str, expected: &[&str]) {
    let (_folder, path) = file(name, content.as_bytes());
    assert_eq!(all(&path).unwrap(), expected, "{content}");
}

fn refused(name: &str, content: &[u8], expected: &str) {
    let (_folder, path) = file(name, content);
    let error = all(&path).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn rows_become_events() {
    check(
        "purchases.csv",
        "unit,event,value,at,attributes.country\nu1,purchase,12.5,2026-03-01T12:00:00Z,SE\n\"u,2\",visit,,1772442000000,\nu3,purchase,much,,\n",
        &[
            r#"{"type":"outcome","event":"purchase","value":12.5,"at":"2026-03-01T12:00:00Z","unit":"u1","attributes":{"country":"SE"}}"#,
            r#"{"type":"outcome","event":"visit","at":1772442000000.0,"unit":"u,2"}"#,
            r#"{"type":"outcome","event":"purchase","value":"much","unit":"u3"}"#,
        ],
    );
    check(
        "exposures.CSV",
        "\u{feff}unit.tenant,unit,flag,variant,revision\nt9,007,checkout,control,PC-1/1\nt9,,checkout,treatment,\n",
        &[
            r#"{"type":"exposure","flag":"checkout","variant":"control","revision":"PC-1/1","unit":{"user":"007","tenant":"t9"}}"#,
            r#"{"type":"exposure","flag":"checkout","variant":"treatment","unit":{"tenant":"t9"}}"#,
        ],
    );
    check(
        "events.ndjson",
        "{\"type\": \"outcome\"}\r\n\n  not judged here\n{}",
        &[r#"{"type": "outcome"}"#, "not judged here", "{}"],
    );
}

fn parquet() -> Vec<u8> {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("unit", Arc::new(Int64Array::from(vec![Some(9_007_199_254_740_993), Some(2), Some(3)]))),
        ("event", Arc::new(StringArray::from(vec!["purchase", "purchase", "visit"]))),
        ("value", Arc::new(Float64Array::from(vec![Some(12.5), None, Some(f64::NAN)]))),
        ("at", Arc::new(TimestampMillisecondArray::from(vec![1_772_442_000_000; 3]).with_timezone("+02:00"))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn parquet_columns_keep_their_meaning() {
    let (_folder, path) = file("events.parquet", &parquet());
    let expected = [
        r#"{"type":"outcome","event":"purchase","value":12.5,"at":"2026-03-02T09:00:00Z","unit":"9007199254740993"}"#,
        r#"{"type":"outcome","event":"purchase","at":"2026-03-02T09:00:00Z","unit":"2"}"#,
        r#"{"type":"outcome","event":"visit","value":"NaN","at":"2026-03-02T09:00:00Z","unit":"3"}"#,
    ];
    assert_eq!(all(&path).unwrap(), expected);
}

#[test]
fn a_bad_file_is_told_from_a_bad_row() {
    refused("events.txt", b"", "neither .csv, .ndjson (.jsonl) nor .parquet");
    refused("events.csv", b"unit,event,colour\nu1,visit,red\n", "attributes.colour");
    refused("events.csv", b"unit,value\nu1,2\n", "add `type`");
    refused("events.csv", b"event,value\nvisit,2\n", "no column `unit`");
    refused("events.csv", b"unit,event\nu1,visit\nu2\n", "after row 1: ");
    refused("events.csv", b"unit,event\nu1,visit\nu2,visit\nu\xff,visit\n", "after row 2: ");
    refused("events.ndjson", &[b' '; 100_000], "a line longer than");
    refused("events.ndjson", b"{}\n{\"\xff\"}", "after row 1: ");
    refused("events.parquet", b"PAR1 is not enough", "not Parquet");
}

/// Whatever is damaged, the answer is an error or rows, and never a panic.
#[test]
fn damaged_parquet_never_panics() {
    let sound = parquet();
    for cut in (0..sound.len()).step_by(5) {
        let (_folder, path) = file("events.parquet", &sound[..cut]);
        assert!(all(&path).is_err(), "cut at {cut}");
    }
    for at in (0..sound.len()).step_by(3) {
        let mut bent = sound.clone();
        bent[at] ^= 0x55;
        let (_folder, path) = file("events.parquet", &bent);
        // Any byte may be one that nothing depends on.
        let _ = all(&path);
    }
}
