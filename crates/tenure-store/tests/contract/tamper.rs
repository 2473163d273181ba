//! Whatever is done to the journal behind the store's back, verification finds it and names the first bad entry.

use proptest::prelude::*;
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use tenure_store::{Broken, Flaw, VerifyError};

use crate::journal::any_entry;
use crate::place::{Place, contract, entries};

contract!(every_kind_of_tampering_is_named);

const KEEP: &str = "CREATE TABLE kept_entries AS SELECT * FROM entries;
    CREATE TABLE kept_head AS SELECT * FROM journal_head";
const PUT_BACK: &str = "DELETE FROM entries; INSERT INTO entries SELECT * FROM kept_entries;
    DELETE FROM journal_head; INSERT INTO journal_head SELECT * FROM kept_head";
const SWAP_3_AND_4: &str =
    "UPDATE entries SET seq = 99 WHERE seq = 3; UPDATE entries SET seq = 3 WHERE seq = 4;
    UPDATE entries SET seq = 4 WHERE seq = 99";
const CLOSE_THE_GAP_OF_3: &str =
    "DELETE FROM entries WHERE seq = 3; UPDATE entries SET seq = 3 WHERE seq = 4;
    UPDATE entries SET seq = 4 WHERE seq = 5; UPDATE entries SET seq = 5 WHERE seq = 6";

async fn every_kind_of_tampering_is_named(place: &Place) {
    let store = place.open().await;
    store.append(0, &entries(1..=6), None).await.unwrap();
    let whole = store.verify().await.unwrap();
    store.close().await;
    place.meddle(KEEP).await;
    let cases = [
        ("UPDATE entries SET body = '{\"number\":7}' WHERE seq = 3", 3, Flaw::Altered),
        ("UPDATE entries SET body = '{\"number\": 3}' WHERE seq = 3", 3, Flaw::Altered),
        ("UPDATE entries SET actor = 'bob' WHERE seq = 1", 1, Flaw::Altered),
        ("UPDATE entries SET stream = 'case:2' WHERE seq = 6", 6, Flaw::Altered),
        ("UPDATE entries SET kind = 'Noted' WHERE seq = 2", 2, Flaw::Altered),
        ("UPDATE entries SET version = 2 WHERE seq = 2", 2, Flaw::Altered),
        ("UPDATE entries SET version = -1 WHERE seq = 2", 2, Flaw::Altered),
        ("UPDATE entries SET at = '2026-01-01T00:00:02.000001Z' WHERE seq = 2", 2, Flaw::Altered),
        // The same instant in another form.
        ("UPDATE entries SET at = '2026-01-01T00:00:02Z' WHERE seq = 2", 2, Flaw::Altered),
        // Text moved from one field to the next.
        ("UPDATE entries SET actor = 'anac', stream = 'ase:1' WHERE seq = 2", 2, Flaw::Altered),
        ("UPDATE entries SET hash = prev_hash WHERE seq = 5", 5, Flaw::Altered),
        ("UPDATE entries SET prev_hash = hash WHERE seq = 5", 5, Flaw::Altered),
        ("DELETE FROM entries WHERE seq = 1", 1, Flaw::Missing),
        ("DELETE FROM entries WHERE seq IN (3, 4)", 3, Flaw::Missing),
        ("DELETE FROM entries WHERE seq = 6", 6, Flaw::Missing),
        ("DELETE FROM entries", 1, Flaw::Missing),
        (SWAP_3_AND_4, 3, Flaw::Altered),
        ("UPDATE entries SET seq = 7 WHERE seq = 6", 6, Flaw::Missing),
        (CLOSE_THE_GAP_OF_3, 3, Flaw::Altered),
        ("DELETE FROM journal_head", 6, Flaw::NotHead),
        ("UPDATE journal_head SET seq = 7", 7, Flaw::Missing),
        ("UPDATE journal_head SET seq = 5", 6, Flaw::NotHead),
        ("UPDATE journal_head SET hash = (SELECT hash FROM entries WHERE seq = 5)", 6, Flaw::NotHead),
    ];
    for (sql, seq, flaw) in cases {
        place.meddle(sql).await;
        let inspector = place.inspect().await;
        let found = inspector.verify().await;
        inspector.close().await;
        assert!(
            matches!(&found, Err(VerifyError::Broken(broken)) if *broken == (Broken { seq, flaw: flaw.clone() })),
            "{sql}: expected entry {seq} {flaw}; found {found:?}"
        );
        place.meddle(PUT_BACK).await;
    }
    assert_eq!(
        place.inspect().await.verify().await.unwrap(),
        whole,
        "after each case the journal was put back"
    );
}

/// A journal whose entry 3 was written anew with a hash of its own fits neither entry 4 nor the head.
#[tokio::test]
async fn a_replaced_entry_is_not_linked_to_the_next() {
    let (place, other) = (Place::in_folder(), Place::in_folder());
    for (place, third) in [(&place, 3), (&other, 33)] {
        let store = place.open().await;
        let mut six = entries(1..=6);
        six[2] = crate::place::entry(third);
        store.append(0, &six, None).await.unwrap();
        store.close().await;
    }
    let file = other.folder.as_ref().unwrap().path().join("tenure.sqlite");
    place
        .meddle(&format!(
            "ATTACH '{}' AS other; DELETE FROM entries WHERE seq = 3;
             INSERT INTO entries SELECT * FROM other.entries WHERE seq = 3",
            file.display()
        ))
        .await;
    let found = place.inspect().await.verify().await.unwrap_err().to_string();
    assert_eq!(found, "entry 4 is not linked to the entry before it: that one was replaced, or this one");
}

/// Something done to one row.
#[derive(Debug, Clone)]
enum Deed {
    /// One bit of one column. For an integer, of its value.
    Flip {
        row: usize,
        column: &'static str,
        bit: usize,
    },
    Delete {
        row: usize,
    },
    Swap {
        row: usize,
        with: usize,
    },
}

fn any_deed() -> impl Strategy<Value = Deed> {
    let columns = ["seq", "at", "actor", "stream", "kind", "version", "body", "prev_hash", "hash"];
    prop_oneof![
        8 => (any::<usize>(), proptest::sample::select(columns.to_vec()), any::<usize>())
            .prop_map(|(row, column, bit)| Deed::Flip { row, column, bit }),
        1 => any::<usize>().prop_map(|row| Deed::Delete { row }),
        1 => any::<(usize, usize)>().prop_map(|(row, with)| Deed::Swap { row, with }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_flipped_bit_deleted_or_swapped_row_is_found(
        journal in proptest::collection::vec(any_entry(), 1..6),
        deed in any_deed(),
    ) {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let place = Place::in_folder();
            let store = place.open().await;
            store.append(0, &journal, None).await.unwrap();
            store.close().await;
            let file = place.folder.as_ref().unwrap().path().join("tenure.sqlite");
            let options = SqliteConnectOptions::new().filename(file).pragma("ignore_check_constraints", "ON");
            let db = SqlitePool::connect_with(options).await.unwrap();
            let first = commit(&db, journal.len(), &deed).await;
            db.close().await;
            prop_assume!(first.is_some());
            let found = place.inspect().await.verify().await;
            prop_assert!(
                matches!(&found, Err(VerifyError::Broken(broken)) if Some(broken.seq) == first),
                "expected entry {:?}, found {:?}", first, found
            );
            Ok(())
        })?;
    }
}

/// Does it, and says which entry is the first bad one then; none when it comes to nothing.
async fn commit(db: &SqlitePool, rows: usize, deed: &Deed) -> Option<i64> {
    let seq = |row: usize| (row % rows) as i64 + 1;
    match *deed {
        Deed::Delete { row } => {
            sqlx::query("DELETE FROM entries WHERE seq = $1").bind(seq(row)).execute(db).await.unwrap();
            Some(seq(row))
        }
        Deed::Swap { row, with } if seq(row) == seq(with) => None,
        Deed::Swap { row, with } => {
            for (from, to) in [(seq(row), -1), (seq(with), seq(row)), (-1, seq(with))] {
                let moved = sqlx::query("UPDATE entries SET seq = $1 WHERE seq = $2").bind(to).bind(from);
                moved.execute(db).await.unwrap();
            }
            Some(seq(row).min(seq(with)))
        }
        Deed::Flip { row, column: column @ ("seq" | "version"), bit } => {
            let get = sqlx::AssertSqlSafe(format!("SELECT {column} FROM entries WHERE seq = $1"));
            let value: i64 = sqlx::query_scalar(get).bind(seq(row)).fetch_one(db).await.unwrap();
            let set = sqlx::AssertSqlSafe(format!("UPDATE entries SET {column} = $1 WHERE seq = $2"));
            let set = sqlx::query(set).bind(value ^ (1 << (bit % 64))).bind(seq(row)).execute(db).await;
            // Another row may have that seq already.
            set.ok().map(|_| seq(row))
        }
        Deed::Flip { row, column, bit } => {
            let get =
                sqlx::AssertSqlSafe(format!("SELECT CAST({column} AS BLOB) FROM entries WHERE seq = $1"));
            let mut bytes: Vec<u8> = sqlx::query(get).bind(seq(row)).fetch_one(db).await.unwrap().get(0);
            let bit = bit % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            let kind = if column.ends_with("hash") { "BLOB" } else { "TEXT" };
            let set = sqlx::AssertSqlSafe(format!(
                "UPDATE entries SET {column} = CAST($1 AS {kind}) WHERE seq = $2"
            ));
            sqlx::query(set).bind(bytes).bind(seq(row)).execute(db).await.unwrap();
            Some(seq(row))
        }
    }
}
