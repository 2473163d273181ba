//! Blobs: free text and attachments, which an entry names by a key. A blob can be erased; the entry stays as it was.
//!
//! A key is a keyed digest, so that nobody who reads the journal can find out by guessing what an erased blob said.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use sqlx::{FromRow, QueryBuilder, SqlitePool};

use crate::database::{Pool, StoreError, on};
use crate::digest::{Digest, NotADigest};
use crate::instant::{from_micros, micros};
use crate::secret::Secret;
use crate::store::Store;

/// The largest blob, in bytes.
pub const BLOB_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The store's secret that keys are made with.
const SECRET: &str = "blob keys";
/// Keys of one SELECT.
const SELECT_KEYS: usize = 500;

/// What an entry names a blob by. As text, `blob:` and 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BlobKey(Digest);

/// What is behind a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blob {
    /// The bytes that were put.
    Present(Vec<u8>),
    /// Nothing any more.
    Erased {
        /// Since when.
        at: Timestamp,
    },
}

/// Why a blob is not kept.
#[derive(Debug, thiserror::Error)]
pub enum PutBlobError {
    /// It is too large.
    #[error(
        "the text or attachment has {bytes} bytes, at most {BLOB_BYTES_MAX} are allowed; shorten it or link to it"
    )]
    TooLarge {
        /// How large it is.
        bytes: usize,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Keeps `bytes` and returns their key. The key depends on the bytes and the `scope` they belong to (for instance
    /// one case): putting the same again gives the same key, and another scope's blob is never the same.
    ///
    /// # Errors
    /// When they are more than [`BLOB_BYTES_MAX`], or the database fails.
    pub async fn put_blob(&self, scope: &str, bytes: &[u8], at: Timestamp) -> Result<BlobKey, PutBlobError> {
        if bytes.len() > BLOB_BYTES_MAX {
            return Err(PutBlobError::TooLarge { bytes: bytes.len() });
        }
        let key = key(self.blob_secret().await?, scope, bytes);
        self.insert_blob(key, scope, bytes, at).await?;
        Ok(key)
    }

    /// What is behind `key`; nothing when it was never put.
    ///
    /// # Errors
    /// When the database fails, or the bytes are not those that were put.
    pub async fn blob(&self, key: BlobKey) -> Result<Option<Blob>, StoreError> {
        Ok(self.blobs(&[key]).await?.remove(&key))
    }

    /// What is behind each of `keys` that was ever put.
    ///
    /// # Errors
    /// When the database fails, or the bytes of one are not those that were put.
    pub async fn blobs(&self, keys: &[BlobKey]) -> Result<HashMap<BlobKey, Blob>, StoreError> {
        let secret = self.blob_secret().await?;
        let mut found = HashMap::with_capacity(keys.len());
        for keys in keys.chunks(SELECT_KEYS) {
            let rows: Vec<BlobRow> = on!(&self.read, db => {
                let mut select = QueryBuilder::new("SELECT key, scope, bytes, erased_at FROM blobs WHERE key IN (");
                let mut list = select.separated(", ");
                for key in keys {
                    list.push_bind(key.0.as_bytes().as_slice());
                }
                list.push_unseparated(")");
                select.build_query_as().persistent(false).fetch_all(db).await?
            });
            for row in rows {
                let (key, blob) = row.decode(secret)?;
                found.insert(key, blob);
            }
        }
        Ok(found)
    }

    /// Whether a blob of this scope was put under `key` and is not erased.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_blob(&self, scope: &str, key: BlobKey) -> Result<bool, StoreError> {
        let found: i64 = on!(&self.read, db => {
            sqlx::query_scalar(
                "SELECT COUNT(*) FROM blobs WHERE key = $1 AND scope = $2 AND bytes IS NOT NULL",
            )
            .bind(key.0.as_bytes().as_slice())
            .bind(scope)
            .fetch_one(db)
            .await?
        });
        Ok(found > 0)
    }

    /// Erases one blob. False when there is none, or it is erased already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn erase_blob(&self, key: BlobKey, at: Timestamp) -> Result<bool, StoreError> {
        let found = on!(&self.write, db => {
            sqlx::query("UPDATE blobs SET bytes = NULL, erased_at = $1 WHERE key = $2 AND bytes IS NOT NULL")
                .bind(micros(at))
                .bind(key.0.as_bytes().as_slice())
                .execute(db)
                .await?
                .rows_affected()
        });
        self.wipe().await;
        Ok(found > 0)
    }

    /// Erases every blob of a scope, and says how many there were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn erase_blobs_of(&self, scope: &str, at: Timestamp) -> Result<u64, StoreError> {
        let found = on!(&self.write, db => {
            sqlx::query("UPDATE blobs SET bytes = NULL, erased_at = $1 WHERE scope = $2 AND bytes IS NOT NULL")
                .bind(micros(at))
                .bind(scope)
                .execute(db)
                .await?
                .rows_affected()
        });
        self.wipe().await;
        Ok(found)
    }

    /// Puts a blob that is there already, or brings back one that was erased: somebody has said it again.
    async fn insert_blob(
        &self,
        key: BlobKey,
        scope: &str,
        bytes: &[u8],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        on!(&self.write, db => {
            sqlx::query(
                "INSERT INTO blobs (key, scope, bytes, created_at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (key) DO UPDATE SET bytes = excluded.bytes, created_at = excluded.created_at, erased_at = NULL
                 WHERE blobs.bytes IS NULL",
            )
            .bind(key.0.as_bytes().as_slice())
            .bind(scope)
            .bind(bytes)
            .bind(micros(at))
            .execute(db)
            .await?;
        });
        Ok(())
    }

    async fn blob_secret(&self) -> Result<&Secret, StoreError> {
        self.blob_secret.get_or_try_init(|| self.secret(SECRET)).await
    }

    /// Takes what was erased out of SQLite's write-ahead log too, unless a reader still needs the log; then a later
    /// checkpoint does. (PostgreSQL's own log is cut by its own rules.)
    pub(crate) async fn wipe(&self) {
        let Pool::Sqlite(db) = &self.write else { return };
        match cut_log(db).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::info!("a reader is busy: what was erased leaves the write-ahead log a little later")
            }
            Err(error) => tracing::warn!(%error, "what was erased is still in the write-ahead log"),
        }
    }
}

/// Empties the write-ahead log; false when readers kept it from that.
async fn cut_log(db: &SqlitePool) -> sqlx::Result<bool> {
    let mut writer = db.acquire().await?;
    // Nobody can append meanwhile, so this waits for readers only briefly.
    sqlx::query("PRAGMA busy_timeout = 100").execute(&mut *writer).await?;
    let cut = sqlx::query_scalar::<_, i64>("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *writer).await;
    sqlx::query("PRAGMA busy_timeout = 10000").execute(&mut *writer).await?;
    cut.map(|busy| busy == 0)
}

/// A blob as it is stored.
#[derive(FromRow)]
struct BlobRow {
    key: Vec<u8>,
    scope: String,
    bytes: Option<Vec<u8>>,
    erased_at: Option<i64>,
}

impl BlobRow {
    fn decode(self, secret: &Secret) -> Result<(BlobKey, Blob), StoreError> {
        let named = BlobKey(Digest::stored("blob", &self.key)?);
        let damaged = |why: &str| StoreError::Damaged { what: "blob", why: format!("{named} {why}") };
        match (self.bytes, self.erased_at) {
            (Some(bytes), None) if key(secret, &self.scope, &bytes) == named => {
                Ok((named, Blob::Present(bytes)))
            }
            (Some(_), None) => Err(damaged("is not the key of its bytes")),
            (None, Some(at)) => Ok((named, Blob::Erased { at: from_micros(at)? })),
            _ => Err(damaged("is neither there nor erased")),
        }
    }
}

/// HMAC-SHA-256 with the store's secret over the scope's length (8 bytes big-endian), the scope and the bytes.
fn key(secret: &Secret, scope: &str, bytes: &[u8]) -> BlobKey {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length");
    mac.update(&(scope.len() as u64).to_be_bytes());
    mac.update(scope.as_bytes());
    mac.update(bytes);
    BlobKey(Digest::from_bytes(mac.finalize().into_bytes().into()))
}

impl BlobKey {
    /// The digest that it is.
    pub const fn digest(self) -> Digest {
        self.0
    }
}

impl From<Digest> for BlobKey {
    fn from(digest: Digest) -> BlobKey {
        BlobKey(digest)
    }
}

impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "blob:{}", self.0)
    }
}

impl FromStr for BlobKey {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<BlobKey, NotADigest> {
        text.strip_prefix("blob:").ok_or(NotADigest)?.parse().map(BlobKey)
    }
}

impl TryFrom<String> for BlobKey {
    type Error = NotADigest;

    fn try_from(text: String) -> Result<BlobKey, NotADigest> {
        text.parse()
    }
}

impl From<BlobKey> for String {
    fn from(key: BlobKey) -> String {
        key.to_string()
    }
}
