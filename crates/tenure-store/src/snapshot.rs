//! Snapshots: the state after an entry, so that a start need not replay the whole journal.
//!
//! A snapshot is only ever a saving of time. One that is damaged, or that belongs to another journal, is passed over
//! for an older one or for none. It is kept in parts, each compressed by itself, so that several processors can work on it.

use std::io::{self, Read as _};
use std::thread::available_parallelism;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::spawn_blocking;

use crate::database::{StoreError, on};
use crate::digest::Digest;
use crate::store::Store;

/// The largest snapshot, in compressed bytes.
pub const SNAPSHOT_BYTES_MAX: usize = 256 * 1024 * 1024;
/// The largest part of one, in bytes.
const PART_BYTES_MAX: u64 = 1 << 30;
/// The quickest level of Zstandard that is no faster mode: text shrinks to a tenth.
const LEVEL: i32 = 1;
/// How many of a format are kept: the newest and one to fall back on.
const KEPT: i64 = 2;

/// The state after an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Who can read the bytes: changes whenever the state's form does.
    pub format: String,
    /// The last entry that the state contains.
    pub seq: i64,
    /// The state, in parts.
    parts: Vec<Packed>,
}

/// A part of a snapshot: MessagePack with the names of its fields, compressed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Packed(Vec<u8>);

impl Snapshot {
    /// A snapshot of these parts, each written and compressed where nobody waits for it.
    ///
    /// # Errors
    /// When a part has no written form, or there is no memory for it.
    pub async fn write<T: Serialize + Send + 'static>(
        format: impl Into<String>,
        seq: i64,
        parts: impl IntoIterator<Item = T>,
    ) -> io::Result<Self> {
        let parts = on_all_processors(parts, |part| Packed::pack(&part)).await?;
        Ok(Self { format: format.into(), seq, parts })
    }

    /// Its parts in their order, each read where nobody waits for it.
    ///
    /// # Errors
    /// When a part is damaged, larger than a part may be, or is no `T`.
    pub async fn read<T: DeserializeOwned + Send + 'static>(self) -> io::Result<Vec<T>> {
        on_all_processors(self.parts, |part| part.unpack()).await
    }

    /// How large it is, compressed.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|Packed(part)| part.len()).sum()
    }
}

impl Packed {
    fn pack(part: &impl Serialize) -> io::Result<Self> {
        let mut written = Vec::new();
        let mut writer = rmp_serde::Serializer::new(&mut written).with_struct_map().with_human_readable();
        part.serialize(&mut writer).map_err(io::Error::other)?;
        zstd::bulk::compress(&written, LEVEL).map(Self)
    }

    fn unpack<T: DeserializeOwned>(&self) -> io::Result<T> {
        let mut written = Vec::new();
        zstd::Decoder::new(self.0.as_slice())?.take(PART_BYTES_MAX + 1).read_to_end(&mut written)?;
        if written.len() as u64 > PART_BYTES_MAX {
            return Err(io::Error::other(format!("a part has more than {PART_BYTES_MAX} bytes")));
        }
        let mut reader = rmp_serde::Deserializer::from_read_ref(&written).with_human_readable();
        T::deserialize(&mut reader).map_err(io::Error::other)
    }
}

/// Works on all of these where nobody waits for it, as many at once as there are processors. In their order.
async fn on_all_processors<T: Send + 'static, U: Send + 'static>(
    all: impl IntoIterator<Item = T>,
    work: fn(T) -> io::Result<U>,
) -> io::Result<Vec<U>> {
    let processors = available_parallelism().map_or(1, usize::from);
    stream::iter(all)
        .map(|one| async move { spawn_blocking(move || work(one)).await? })
        .buffered(processors)
        .try_collect()
        .await
}

/// Parts one behind the other, each behind its length.
fn join(parts: &[Packed]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|Packed(part)| part.len() + 8).sum());
    for Packed(part) in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

fn split(mut bytes: &[u8]) -> Option<Vec<Packed>> {
    let mut parts = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk()?;
        let (part, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        parts.push(Packed(part.to_vec()));
        bytes = rest;
    }
    Some(parts)
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
        let bytes = join(&snapshot.parts);
        if bytes.len() > SNAPSHOT_BYTES_MAX {
            return Err(PutSnapshotError::TooLarge { bytes: bytes.len() });
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
            .bind(Digest::of(&bytes).as_bytes().as_slice())
            .bind(&bytes)
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
            let whole = Digest::of(&bytes).as_bytes().as_slice() == digest;
            if let Some(parts) = split(&bytes).filter(|_| whole) {
                return Ok(Some(Snapshot { format: format.into(), seq, parts }));
            }
            tracing::warn!(format, seq, "a damaged snapshot is passed over");
        }
        Ok(None)
    }
}
