//! The journal: append at an expected place, read, and where it ends.

use std::sync::Arc;

use futures::{Stream, StreamExt as _, TryFutureExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use sqlx::{FromRow, QueryBuilder};
use tokio::task::JoinError;

use crate::database::{Pool, StoreError, on};
use crate::digest::Digest;
use crate::entry::{Entry, NewEntry};
use crate::instant::{self, micros};
use crate::lease::{self, Fence};
use crate::receipt::{self, Receipt};
use crate::store::Store;

/// The most entries of one append.
pub const APPEND_ENTRIES_MAX: usize = 10_000;
/// The most rows that any read returns.
pub const PAGE_MAX: u32 = 1_000;

/// Rows of one INSERT: nine values each, and SQLite binds at most 32,766.
const INSERT_ROWS: usize = 500;

/// Pages that are read at once: each has its own connection, which SQLite works on a thread of its own.
const PAGES_AT_ONCE: usize = 3;

/// What an entry says, without its links of the chain: what a fold of the journal needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// The entry's place.
    pub seq: i64,
    /// When it was decided.
    pub at: Timestamp,
    /// Who decided it.
    pub actor: String,
    /// What happened.
    pub kind: String,
    /// The version of the body.
    pub version: u32,
    /// What was decided, as JSON.
    pub body: String,
}

/// Where the journal ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The last entry's seq; 0 when there is none.
    pub seq: i64,
    /// Its hash; zero when there is none.
    pub hash: Digest,
}

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Somebody was faster. Read what is new and decide again.
    #[error("the journal ends at entry {actual}, not at {expected}; catch up and decide again")]
    Conflict {
        /// Where the caller thought the journal ends.
        expected: i64,
        /// Where it ends.
        actual: i64,
    },
    /// The lease has passed to a later term: this writer may no longer write.
    #[error("term {term} of the lease {name:?} is over; stop writing and acquire it again")]
    Fenced {
        /// The lease.
        name: String,
        /// The term that is over.
        term: i64,
    },
    /// This request was carried out before; its receipt holds the answer.
    #[error("the request {key:?} was carried out before; answer it with its receipt")]
    Repeated {
        /// The request's key.
        key: String,
    },
    /// Too many entries at once.
    #[error(
        "{entries} entries in one append, at most {APPEND_ENTRIES_MAX} are allowed; append them in parts"
    )]
    TooMany {
        /// How many there were.
        entries: usize,
    },
    /// The store failed. Whether the entries were appended is unknown when the connection was lost: read the head.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for AppendError {
    fn from(error: sqlx::Error) -> AppendError {
        AppendError::Store(error.into())
    }
}

impl Store {
    /// Appends `entries` behind entry `expected_last_seq`, all of them or none, and returns them in their places.
    /// When this returns, they are on disk. With a `fence`, only while its term is the lease's latest.
    ///
    /// # Errors
    /// [`AppendError::Conflict`] when the journal ends elsewhere, [`AppendError::Fenced`] when the term is over.
    pub async fn append(
        &self,
        expected_last_seq: i64,
        entries: &[NewEntry],
        fence: Option<&Fence>,
    ) -> Result<Vec<Entry>, AppendError> {
        self.append_guarded(expected_last_seq, entries, fence, None).await
    }

    /// Like [`Store::append`], and keeps the request's `receipt` in the same instant: a request that is sent again is
    /// either known or was not carried out.
    ///
    /// # Errors
    /// As `append`, and [`AppendError::Repeated`] when there is a receipt of that actor and key already.
    pub async fn append_once(
        &self,
        expected_last_seq: i64,
        entries: &[NewEntry],
        fence: Option<&Fence>,
        receipt: &Receipt,
    ) -> Result<Vec<Entry>, AppendError> {
        self.append_guarded(expected_last_seq, entries, fence, Some(receipt)).await
    }

    /// Up to `limit` entries (at most [`PAGE_MAX`]) behind entry `after_seq`, in order.
    ///
    /// # Errors
    /// When the database fails or an entry cannot be read.
    pub async fn read(&self, after_seq: i64, limit: u32) -> Result<Vec<Entry>, StoreError> {
        read(&self.read, after_seq, limit).await
    }

    /// Every entry behind `after_seq`, page by page and in order, to where the journal ends now, each made into what is wanted
    /// of it. Several pages are read and made at once, ahead of whoever takes them.
    ///
    /// # Errors
    /// When the database fails, or an entry cannot be read.
    pub fn pages<T, E>(
        &self,
        after_seq: i64,
        make: impl Fn(Fact) -> Result<T, E> + Send + Sync + 'static,
    ) -> impl Stream<Item = Result<Vec<T>, E>> + Send + Unpin
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (store, make) = (self.clone(), Arc::new(make));
        let pages = async move {
            let end = store.head().await?.seq;
            let page = move |after| {
                let (store, make) = (store.clone(), Arc::clone(&make));
                let until = end.min(after + i64::from(PAGE_MAX));
                tokio::spawn(async move { page_of(&store.read, after, until, &*make).await })
            };
            // Places have no gap, so that a page's place is known before the pages before it are read.
            let pages = stream::iter((after_seq..end).step_by(PAGE_MAX as usize)).map(page);
            Ok(pages.buffered(PAGES_AT_ONCE).map(|page| page.map_err(worker_crashed)?))
        };
        pages.try_flatten_stream().boxed()
    }

    /// Up to `limit` entries (at most [`PAGE_MAX`]) of one stream behind entry `after_seq`, in order.
    ///
    /// # Errors
    /// When the database fails or an entry cannot be read.
    pub async fn read_stream(
        &self,
        stream: &str,
        after_seq: i64,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        let limit = i64::from(limit.min(PAGE_MAX));
        let rows: Vec<EntryRow> = on!(&self.read, db => {
            sqlx::query_as(PAGE_OF_STREAM).bind(after_seq).bind(limit).bind(stream).fetch_all(db).await?
        });
        rows.into_iter().map(EntryRow::decode).collect()
    }

    /// Up to `limit` entries (at most [`PAGE_MAX`]) before entry `before_seq`, of one stream or of all, the newest first.
    ///
    /// # Errors
    /// When the database fails or an entry cannot be read.
    pub async fn read_back(
        &self,
        stream: Option<&str>,
        before_seq: i64,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        let limit = i64::from(limit.min(PAGE_MAX));
        let rows: Vec<EntryRow> = on!(&self.read, db => {
            match stream {
                None => sqlx::query_as(PAGE_BACK).bind(before_seq).bind(limit).fetch_all(db).await?,
                Some(stream) => {
                    sqlx::query_as(PAGE_OF_STREAM_BACK)
                        .bind(before_seq)
                        .bind(limit)
                        .bind(stream)
                        .fetch_all(db)
                        .await?
                }
            }
        });
        rows.into_iter().map(EntryRow::decode).collect()
    }

    /// Where the journal ends.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn head(&self) -> Result<Head, StoreError> {
        head(&self.read).await
    }

    async fn append_guarded(
        &self,
        expected: i64,
        entries: &[NewEntry],
        fence: Option<&Fence>,
        receipt: Option<&Receipt>,
    ) -> Result<Vec<Entry>, AppendError> {
        if entries.len() > APPEND_ENTRIES_MAX {
            return Err(AppendError::TooMany { entries: entries.len() });
        }
        let placed = on!(&self.write, db => {
            let mut tx = db.begin_with(self.write.begin_writing()).await?;
            if let Some(Fence { name, term }) = fence {
                let held = sqlx::query(lease::HOLD_TERM).bind(name).bind(term).execute(&mut *tx).await?;
                if held.rows_affected() == 0 {
                    return Err(AppendError::Fenced { name: name.clone(), term: *term });
                }
            }
            if let Some(receipt) = receipt {
                let kept = sqlx::query(receipt::INSERT)
                    .bind(&receipt.actor)
                    .bind(&receipt.key)
                    .bind(receipt.request.as_bytes().as_slice())
                    .bind(&receipt.response)
                    .bind(micros(receipt.created_at))
                    .bind(micros(receipt.expires_at))
                    .execute(&mut *tx)
                    .await?;
                if kept.rows_affected() == 0 {
                    return Err(AppendError::Repeated { key: receipt.key.clone() });
                }
            }
            let head = sqlx::query_as::<_, HeadRow>(HEAD).fetch_one(&mut *tx).await?.decode()?;
            if head.seq != expected {
                return Err(AppendError::Conflict { expected, actual: head.seq });
            }
            let placed = place(head, entries);
            let last = placed.last().map_or(head, Entry::as_head);
            // On PostgreSQL this waits for a faster append, and then finds the head moved.
            let moved = sqlx::query(MOVE_HEAD)
                .bind(last.seq)
                .bind(last.hash.as_bytes().as_slice())
                .bind(expected)
                .execute(&mut *tx)
                .await?;
            if moved.rows_affected() == 0 {
                let head = sqlx::query_as::<_, HeadRow>(HEAD).fetch_one(&mut *tx).await?;
                return Err(AppendError::Conflict { expected, actual: head.seq });
            }
            for rows in placed.chunks(INSERT_ROWS) {
                let mut insert = QueryBuilder::new(INSERT);
                insert.push_values(rows, |mut row, entry| {
                    row.push_bind(entry.seq)
                        .push_bind(instant::text(entry.at))
                        .push_bind(&entry.actor)
                        .push_bind(&entry.stream)
                        .push_bind(&entry.kind)
                        .push_bind(i64::from(entry.version))
                        .push_bind(&entry.body)
                        .push_bind(entry.prev_hash.as_bytes().as_slice())
                        .push_bind(entry.hash.as_bytes().as_slice());
                });
                insert.build().persistent(false).execute(&mut *tx).await?;
            }
            tx.commit().await?;
            placed
        });
        if let Some(last) = placed.last() {
            self.saw(last.seq);
        }
        Ok(placed)
    }
}

pub(crate) const HEAD: &str = "SELECT seq, hash FROM journal_head WHERE id = 1";
const MOVE_HEAD: &str = "UPDATE journal_head SET seq = $1, hash = $2 WHERE id = 1 AND seq = $3";
pub(crate) const PAGE: &str = "SELECT seq, at, actor, stream, kind, version, body, prev_hash, hash
    FROM entries WHERE seq > $1 ORDER BY seq LIMIT $2";
const FACTS: &str =
    "SELECT seq, at, actor, kind, version, body FROM entries WHERE seq > $1 AND seq <= $2 ORDER BY seq";
const PAGE_OF_STREAM: &str = "SELECT seq, at, actor, stream, kind, version, body, prev_hash, hash
    FROM entries WHERE stream = $3 AND seq > $1 ORDER BY seq LIMIT $2";
const PAGE_BACK: &str = "SELECT seq, at, actor, stream, kind, version, body, prev_hash, hash
    FROM entries WHERE seq < $1 ORDER BY seq DESC LIMIT $2";
const PAGE_OF_STREAM_BACK: &str = "SELECT seq, at, actor, stream, kind, version, body, prev_hash, hash
    FROM entries WHERE stream = $3 AND seq < $1 ORDER BY seq DESC LIMIT $2";
const INSERT: &str = "INSERT INTO entries (seq, at, actor, stream, kind, version, body, prev_hash, hash) ";

/// Gives each entry its place behind `head`, and its link of the chain.
fn place(mut head: Head, entries: &[NewEntry]) -> Vec<Entry> {
    let mut placed = Vec::with_capacity(entries.len());
    for entry in entries {
        let entry = entry.placed(head.seq + 1, head.hash);
        head = entry.as_head();
        placed.push(entry);
    }
    placed
}

pub(crate) async fn head(pool: &Pool) -> Result<Head, StoreError> {
    on!(pool, db => sqlx::query_as::<_, HeadRow>(HEAD).fetch_one(db).await?.decode())
}

pub(crate) async fn read(pool: &Pool, after_seq: i64, limit: u32) -> Result<Vec<Entry>, StoreError> {
    let limit = i64::from(limit.min(PAGE_MAX));
    let rows: Vec<EntryRow> =
        on!(pool, db => sqlx::query_as(PAGE).bind(after_seq).bind(limit).fetch_all(db).await?);
    rows.into_iter().map(EntryRow::decode).collect()
}

/// The entries behind `after`, up to and with `until`. What is made of a row is made while the next ones are read.
async fn page_of<T, E: From<StoreError>>(
    pool: &Pool,
    after: i64,
    until: i64,
    make: &impl Fn(Fact) -> Result<T, E>,
) -> Result<Vec<T>, E> {
    let mut page = Vec::with_capacity(PAGE_MAX as usize);
    on!(pool, db => {
        let mut rows = sqlx::query_as(FACTS).bind(after).bind(until).fetch(db);
        while let Some(row) = rows.try_next().await.map_err(StoreError::from)? {
            page.push(make(fact(row)?)?);
        }
    });
    Ok(page)
}

/// The head as it is stored.
#[derive(FromRow)]
pub(crate) struct HeadRow {
    pub seq: i64,
    pub hash: Vec<u8>,
}

impl HeadRow {
    fn decode(self) -> Result<Head, StoreError> {
        Ok(Head { seq: self.seq, hash: Digest::stored("journal head", &self.hash)? })
    }
}

fn worker_crashed(_: JoinError) -> StoreError {
    StoreError::Database(sqlx::Error::WorkerCrashed)
}

/// What an entry says, as it is stored: the columns of [`FACTS`], taken by their place, which is quicker than by their name.
type FactRow = (i64, String, String, String, i64, String);

fn fact((seq, at, actor, kind, version, body): FactRow) -> Result<Fact, StoreError> {
    Ok(Fact { seq, at: stored_at(seq, &at)?, actor, kind, version: known_version(seq, version)?, body })
}

fn stored_at(seq: i64, at: &str) -> Result<Timestamp, StoreError> {
    at.parse().map_err(|error: jiff::Error| damaged(seq, error.to_string()))
}

fn known_version(seq: i64, version: i64) -> Result<u32, StoreError> {
    version.try_into().map_err(|_| damaged(seq, format!("version {version}")))
}

fn damaged(seq: i64, why: String) -> StoreError {
    StoreError::Damaged { what: "entry", why: format!("number {seq}: {why}") }
}

/// An entry as it is stored.
#[derive(FromRow)]
pub(crate) struct EntryRow {
    pub seq: i64,
    pub at: String,
    pub actor: String,
    pub stream: String,
    pub kind: String,
    pub version: i64,
    pub body: String,
    pub prev_hash: Vec<u8>,
    pub hash: Vec<u8>,
}

impl EntryRow {
    fn decode(self) -> Result<Entry, StoreError> {
        let seq = self.seq;
        Ok(Entry {
            seq,
            at: stored_at(seq, &self.at)?,
            version: known_version(seq, self.version)?,
            prev_hash: Digest::stored("entry", &self.prev_hash)?,
            hash: Digest::stored("entry", &self.hash)?,
            actor: self.actor,
            stream: self.stream,
            kind: self.kind,
            body: self.body,
        })
    }
}

impl Entry {
    fn as_head(&self) -> Head {
        Head { seq: self.seq, hash: self.hash }
    }
}
