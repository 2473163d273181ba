//! Snapshots: the state after an entry, as bytes, so that a start need not replay the whole journal.
//!
//! A snapshot is only ever a saving of time. One that is damaged, or that belongs to another journal, is passed over
//! for an older one or for none.

use crate::database::{StoreError, on};
use crate::digest::Digest;
use crate::store::Store;

/// The largest snapshot, in bytes.
pub const SNAPSHOT_BYTES_MAX: usize = 256 * 1024 * 1024;
/// How many of a format are kept: the newest and one to fall back on.
const KEPT: i64 = 2;

/// The state after an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Who can read the bytes: changes whenever the state's form does.
    pub format: String,
    /// The last entry that the state contains.
    pub seq: i64,
    /// The state.
    pub bytes: Vec<u8>,
}

/// Why a snapshot is not kept.
#[derive(Debug, thiserror::Error)]
pub enum PutSnapshotError {
    /// It is too large.
    #[error("the snapshot has {bytes} bytes, at most {SNAPSHOT_BYTES_MAX} are allowed")]
    TooLarge {
        /// How large it is.
        bytes: usize,
    },
    /// It is of an entry that is not there.
    #[error("there is no entry {seq} that a snapshot could be of")]
    NoEntry {
        /// The entry it would be of.
        seq: i64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for PutSnapshotError {
    fn from(error: sqlx::Error) -> PutSnapshotError {
        PutSnapshotError::Store(error.into())
    }
}

impl Store {
    /// Keeps a snapshot, and forgets all but the last two of its format.
    ///
    /// # Errors
    /// When it is too large, the journal does not reach to its entry, or the database fails.
    pub async fn put_snapshot(&self, snapshot: &Snapshot) -> Result<(), PutSnapshotError> {
        if snapshot.bytes.len() > SNAPSHOT_BYTES_MAX {
            return Err(PutSnapshotError::TooLarge { bytes: snapshot.bytes.len() });
        }
        on!(&self.write, db => {
            let mut tx = db.begin_with(self.write.begin_writing()).await?;
            let put = sqlx::query(
                "INSERT INTO snapshots (format, seq, entry_hash, digest, bytes)
                 SELECT $1, seq, hash, $2, $3 FROM entries WHERE seq = $4
                 ON CONFLICT (format, seq) DO UPDATE
                 SET entry_hash = excluded.entry_hash, digest = excluded.digest, bytes = excluded.bytes",
            )
            .bind(&snapshot.format)
            .bind(Digest::of(&snapshot.bytes).as_bytes().as_slice())
            .bind(&snapshot.bytes)
            .bind(snapshot.seq)
            .execute(&mut *tx)
            .await?;
            if put.rows_affected() == 0 {
                return Err(PutSnapshotError::NoEntry { seq: snapshot.seq });
            }
            sqlx::query(
                "DELETE FROM snapshots WHERE format = $1 AND seq NOT IN
                 (SELECT seq FROM snapshots WHERE format = $1 ORDER BY seq DESC LIMIT $2)",
            )
            .bind(&snapshot.format)
            .bind(KEPT)
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
        });
        Ok(())
    }

    /// The newest whole snapshot of that format that is of this journal.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn latest_snapshot(&self, format: &str) -> Result<Option<Snapshot>, StoreError> {
        let kept: Vec<(i64, Vec<u8>, Vec<u8>)> = on!(&self.read, db => {
            sqlx::query_as(
                "SELECT s.seq, s.digest, s.bytes
                 FROM snapshots s JOIN entries e ON e.seq = s.seq AND e.hash = s.entry_hash
                 WHERE s.format = $1 ORDER BY s.seq DESC LIMIT $2",
            )
            .bind(format)
            .bind(KEPT)
            .fetch_all(db)
            .await?
        });
        for (seq, digest, bytes) in kept {
            if Digest::of(&bytes).as_bytes().as_slice() == digest {
                return Ok(Some(Snapshot { format: format.into(), seq, bytes }));
            }
            tracing::warn!(format, seq, "a damaged snapshot is passed over");
        }
        Ok(None)
    }
}
