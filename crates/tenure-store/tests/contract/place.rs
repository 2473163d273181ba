//! A fresh place for a store, on either database, and small words for what the tests say often.

use jiff::Timestamp;
use serde_json::json;
use sqlx::postgres::PgPool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use tempfile::TempDir;
use tenure_store::{Inspector, Location, NewEntry, Store};

use crate::postgres;

/// Runs each test function on a fresh place of either database.
macro_rules! contract {
    ($($test:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(&$crate::place::Place::in_folder()).await;
            })*
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                if let Some(place) = $crate::place::Place::in_postgres() {
                    super::$test(&place).await;
                }
            })*
        }
    };
}
pub(crate) use contract;

/// Where a store of one test lives.
pub struct Place {
    pub location: Location,
    /// The data folder, deleted with this.
    pub folder: Option<TempDir>,
}

impl Place {
    pub fn in_folder() -> Place {
        let folder = tempfile::tempdir().unwrap();
        Place { location: Location::folder(folder.path()), folder: Some(folder) }
    }

    /// A new database; none where PostgreSQL is not installed and not demanded.
    pub fn in_postgres() -> Option<Place> {
        Some(Place { location: postgres::new_database()?.parse().unwrap(), folder: None })
    }

    pub async fn open(&self) -> Store {
        Store::open(&self.location).await.unwrap()
    }

    pub async fn inspect(&self) -> Inspector {
        Inspector::open(&self.location).await.unwrap()
    }

    /// Runs statements behind the store's back.
    pub async fn meddle(&self, sql: &str) {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        match &self.location {
            Location::Folder(path) => {
                let options =
                    SqliteConnectOptions::new().filename(path.join("tenure.sqlite")).foreign_keys(false);
                let db = SqlitePool::connect_with(options).await.unwrap();
                sqlx::raw_sql(sql).execute(&db).await.unwrap();
                db.close().await;
            }
            Location::Postgres(options) => {
                let db = PgPool::connect_with(options.as_ref().clone()).await.unwrap();
                sqlx::raw_sql(sql).execute(&db).await.unwrap();
                db.close().await;
            }
        }
    }
}

/// An instant: so many seconds after the tests' beginning of time.
pub fn at(seconds: i64) -> Timestamp {
    "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(seconds)
}

/// Some entry, told from others by its number.
pub fn entry(number: i64) -> NewEntry {
    NewEntry::new(at(number), "ana", "case:1", "noted", 1, &json!({ "number": number })).unwrap()
}

/// The entries of these numbers.
pub fn entries(numbers: std::ops::RangeInclusive<i64>) -> Vec<NewEntry> {
    numbers.map(entry).collect()
}
