//! Checking the chain: every entry is where it was, says what it said, and is linked to the one before.
//!
//! Pages through the journal inside one transaction, so that it sees one state of a journal that grows meanwhile,
//! in memory that does not grow with it.

use std::fmt;

use sqlx::FromRow as _;
use sqlx::sqlite::SqliteError;

use crate::database::{Pool, StoreError, on};
use crate::digest::Digest;
use crate::entry::{Hashed, hash};
use crate::journal::{EntryRow, HEAD, Head, HeadRow, PAGE};

const PAGE_ROWS: i64 = 500;

/// A journal whose chain holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// How many entries were checked.
    pub entries: i64,
    /// The last entry's hash. Whoever notes it elsewhere can tell later that nobody rewrote the journal whole.
    pub head: Digest,
}

/// The first entry at which the chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {seq} {flaw}")]
pub struct Broken {
    /// Its place.
    pub seq: i64,
    /// What is wrong there.
    pub flaw: Flaw,
}

/// What is wrong at an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// There is no entry at this place, though there are, or were, later ones.
    Missing,
    /// The entry's hash is not the hash of what it says.
    Altered,
    /// The entry is whole, but does not name the hash of the entry before.
    Unlinked,
    /// The entry is whole, but the journal's head does not know it or names another hash for it.
    NotHead,
    /// The entry, or the part of the file that holds it, cannot be read.
    Unreadable(String),
}

/// Why a journal could not be called whole.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It is not whole.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// It could not be checked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::Missing => f.write_str("is missing"),
            Flaw::Altered => f.write_str("was altered: its hash is not the hash of what it says"),
            Flaw::Unlinked => {
                f.write_str("is not linked to the entry before it: that one was replaced, or this one")
            }
            Flaw::NotHead => f.write_str("is not the end that the journal's head records"),
            Flaw::Unreadable(why) => write!(f, "cannot be read: {why}"),
        }
    }
}

pub(crate) async fn verify(pool: &Pool) -> Result<Verified, VerifyError> {
    let mut chain = Chain { last: Head { seq: 0, hash: Digest::ZERO } };
    on!(pool, db => {
        let mut tx = db.begin_with(pool.begin_reading()).await.map_err(StoreError::from)?;
        loop {
            let page = sqlx::query(PAGE)
                .bind(chain.last.seq)
                .bind(PAGE_ROWS)
                .fetch_all(&mut *tx)
                .await
                .map_err(|error| chain.failed(error))?;
            if page.is_empty() {
                break;
            }
            for row in &page {
                chain.link(EntryRow::from_row(row).map_err(|error| chain.unreadable(error.to_string()))?)?;
            }
        }
        let head = sqlx::query(HEAD).fetch_optional(&mut *tx).await.map_err(|error| chain.failed(error))?;
        let Some(head) = head else { return Err(chain.headless().into()) };
        let head = HeadRow::from_row(&head).map_err(|error| chain.unreadable(error.to_string()))?;
        Ok(chain.end(&head)?)
    })
}

/// As much of the chain as was found whole.
struct Chain {
    last: Head,
}

impl Chain {
    /// Adds the next row, or says what is wrong at the place where it should be.
    fn link(&mut self, row: EntryRow) -> Result<(), Broken> {
        let seq = self.last.seq + 1;
        let broken = |flaw| Broken { seq, flaw };
        if row.seq != seq {
            return Err(broken(Flaw::Missing));
        }
        let version = row.version.try_into().map_err(|_| broken(Flaw::Altered))?;
        let prev_hash = Digest::try_from(row.prev_hash.as_slice()).map_err(|_| broken(Flaw::Altered))?;
        let computed = hash(&Hashed {
            seq,
            at: &row.at,
            actor: &row.actor,
            stream: &row.stream,
            kind: &row.kind,
            version,
            body: &row.body,
            prev_hash,
        });
        if computed.as_bytes().as_slice() != row.hash {
            return Err(broken(Flaw::Altered));
        }
        if prev_hash != self.last.hash {
            return Err(broken(Flaw::Unlinked));
        }
        self.last = Head { seq, hash: computed };
        Ok(())
    }

    /// The whole chain ends where the journal says it ends.
    fn end(self, head: &HeadRow) -> Result<Verified, Broken> {
        if head.seq > self.last.seq {
            return Err(Broken { seq: self.last.seq + 1, flaw: Flaw::Missing });
        }
        if head.seq < self.last.seq {
            return Err(Broken { seq: head.seq + 1, flaw: Flaw::NotHead });
        }
        if head.hash != self.last.hash.as_bytes() {
            return Err(Broken { seq: head.seq, flaw: Flaw::NotHead });
        }
        Ok(Verified { entries: self.last.seq, head: self.last.hash })
    }

    fn headless(&self) -> Broken {
        Broken { seq: self.last.seq, flaw: Flaw::NotHead }
    }

    fn unreadable(&self, why: String) -> Broken {
        Broken { seq: self.last.seq + 1, flaw: Flaw::Unreadable(why) }
    }

    /// A damaged file is a flaw of the journal; any other failure is not.
    fn failed(&self, error: sqlx::Error) -> VerifyError {
        if is_damage(&error) {
            self.unreadable(error.to_string()).into()
        } else {
            StoreError::from(error).into()
        }
    }
}

/// Whether the database says that its own file is damaged.
fn is_damage(error: &sqlx::Error) -> bool {
    const SQLITE_CORRUPT: i32 = 11;
    const SQLITE_NOTADB: i32 = 26;
    let Some(error) = error.as_database_error() else { return false };
    let Some(code) = error.code() else { return false };
    match error.try_downcast_ref::<SqliteError>() {
        // The low byte of an extended code is the primary one.
        Some(_) => code.parse().is_ok_and(|code: i32| matches!(code & 0xff, SQLITE_CORRUPT | SQLITE_NOTADB)),
        // PostgreSQL: data_corrupted, index_corrupted.
        None => matches!(code.as_ref(), "XX001" | "XX002"),
    }
}
