//! Looking at a journal without touching it, also while a server works on it.
//!
//! A data folder is not locked, and no file of it is created or changed, not even those that SQLite keeps beside
//! a database. Where a write-ahead log is there, a server has the database open (or died), and the log's shared index
//! is read without being written. Where there is none, the file is all there is, and is read as it lies.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{PgPool, SqlitePool};

use crate::database::{OpenError, Pool, StoreError, postgres_pool, sqlite_readers};
use crate::entry::Entry;
use crate::folder;
use crate::journal::{self, Head};
use crate::location::Location;
use crate::store::Store;
use crate::verify::{Verified, VerifyError, verify};

/// A journal opened to be looked at, and not changed by that.
#[derive(Debug)]
pub struct Inspector {
    pub(crate) pool: Pool,
    at_rest: Option<AtRest>,
}

impl Inspector {
    /// Opens the journal at `location` to be looked at.
    ///
    /// # Errors
    /// When there is no journal, or it cannot be read without writing.
    pub async fn open(location: &Location) -> Result<Inspector, OpenError> {
        let failed = |error| OpenError::Database { location: location.to_string(), error };
        let (pool, at_rest, found) = match location {
            Location::Folder(path) => {
                let file = path.join(folder::DATABASE);
                let Ok(file) = file.canonicalize() else { return Err(no_journal(location)) };
                let at_rest = AtRest::of(&file)?;
                let access = if at_rest.is_some() { "immutable=1" } else { "readonly_shm=1" };
                let pool = sqlite_readers(SqliteConnectOptions::new().filename(uri(&file, access))).await;
                let pool = pool.map_err(failed)?;
                let found = in_sqlite(&pool).await.map_err(failed)?;
                (Pool::Sqlite(pool), at_rest, found)
            }
            Location::Postgres(options) => {
                let pool = postgres_pool(options, location).await?;
                let found = in_postgres(&pool).await.map_err(failed)?;
                (Pool::Postgres(pool), None, found)
            }
        };
        if found { Ok(Inspector { pool, at_rest }) } else { Err(no_journal(location)) }
    }

    /// Checks the whole chain: an altered, missing, swapped or cut-off entry is found, and the first one is named.
    ///
    /// # Errors
    /// [`VerifyError::Broken`] names the first bad entry.
    pub async fn verify(&self) -> Result<Verified, VerifyError> {
        self.settled(verify(&self.pool).await)
    }

    /// Up to `limit` entries (at most [`PAGE_MAX`](crate::PAGE_MAX)) behind entry `after_seq`, in order.
    ///
    /// # Errors
    /// When the database fails or an entry cannot be read.
    pub async fn read(&self, after_seq: i64, limit: u32) -> Result<Vec<Entry>, StoreError> {
        self.settled(journal::read(&self.pool, after_seq, limit).await)
    }

    /// Where the journal ends.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn head(&self) -> Result<Head, StoreError> {
        self.settled(journal::head(&self.pool).await)
    }

    /// Waits until the connections are closed.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// The result, unless somebody wrote to a file that was read as if nobody would.
    fn settled<T, E: From<StoreError>>(&self, result: Result<T, E>) -> Result<T, E> {
        match &self.at_rest {
            Some(at_rest) if at_rest.is_over() => Err(StoreError::Disturbed.into()),
            _ => result,
        }
    }
}

impl Store {
    /// Checks the whole chain: an altered, missing, swapped or cut-off entry is found, and the first one is named.
    ///
    /// # Errors
    /// [`VerifyError::Broken`] names the first bad entry.
    pub async fn verify(&self) -> Result<Verified, VerifyError> {
        verify(&self.read).await
    }
}

fn no_journal(location: &Location) -> OpenError {
    OpenError::NoJournal { location: location.to_string() }
}

async fn in_sqlite(pool: &SqlitePool) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT COUNT(*) > 0 FROM sqlite_master WHERE name = 'journal_head'")
        .fetch_one(pool)
        .await
}

async fn in_postgres(pool: &PgPool) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT to_regclass('journal_head') IS NOT NULL").fetch_one(pool).await
}

/// A database file without a write-ahead log: nobody has it open.
#[derive(Debug)]
struct AtRest {
    file: PathBuf,
    size: u64,
    modified: Option<SystemTime>,
}

impl AtRest {
    /// Nothing when there is a write-ahead log, which then has to be read with the file.
    fn of(file: &Path) -> Result<Option<AtRest>, OpenError> {
        let wal = beside(file, "-wal");
        let index = beside(file, "-shm").exists();
        match wal.metadata() {
            Ok(_) if index => return Ok(None),
            Ok(log) if log.len() > 0 => return Err(OpenError::Unfinished { wal }),
            // None, or an empty one that nobody has open.
            _ => {}
        }
        let lies = file.metadata().map_err(|error| OpenError::Folder { path: file.to_owned(), error })?;
        Ok(Some(AtRest { file: file.to_owned(), size: lies.len(), modified: lies.modified().ok() }))
    }

    fn is_over(&self) -> bool {
        let unchanged = self
            .file
            .metadata()
            .is_ok_and(|now| now.len() == self.size && now.modified().ok() == self.modified);
        !unchanged || beside(&self.file, "-wal").metadata().is_ok_and(|log| log.len() > 0)
    }
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// The file as SQLite's own address, which carries how it is to be opened.
fn uri(file: &Path, access: &str) -> String {
    let mut uri = "file:".to_owned();
    for &byte in file.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => uri.push(byte.into()),
            // Writing to a string cannot fail.
            _ => drop(write!(uri, "%{byte:02X}")),
        }
    }
    uri + "?" + access
}
