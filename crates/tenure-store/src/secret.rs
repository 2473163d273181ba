//! The store's own secrets: random bytes made once, and the only place of this crate that asks for randomness.

use std::fmt;

use crate::database::{StoreError, on};
use crate::store::Store;

/// 32 random bytes that only this store has. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; 32]);

impl Secret {
    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Store {
    /// The store's secret of this name, made when it is asked for the first time. The same for every node.
    ///
    /// # Errors
    /// When the database fails, or the operating system has no randomness.
    pub async fn secret(&self, name: &str) -> Result<Secret, StoreError> {
        let kept = match self.kept_secret(name).await? {
            Some(kept) => kept,
            None => self.make_secret(name).await?,
        };
        let bytes = kept.try_into().map_err(|kept: Vec<u8>| StoreError::Damaged {
            what: "secret",
            why: format!("{name} has {} bytes instead of 32", kept.len()),
        })?;
        Ok(Secret(bytes))
    }

    async fn kept_secret(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(on!(&self.read, db => sqlx::query_scalar(KEPT).bind(name).fetch_optional(db).await?))
    }

    /// Of two nodes that make it at once the first wins, and both have what it wrote.
    async fn make_secret(&self, name: &str) -> Result<Vec<u8>, StoreError> {
        let mut fresh = [0; 32];
        getrandom::fill(&mut fresh).map_err(|error| StoreError::NoRandomness(error.to_string()))?;
        Ok(on!(&self.write, db => {
            sqlx::query("INSERT INTO secrets (name, bytes) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
                .bind(name)
                .bind(fresh.as_slice())
                .execute(db)
                .await?;
            sqlx::query_scalar(KEPT).bind(name).fetch_one(db).await?
        }))
    }
}

const KEPT: &str = "SELECT bytes FROM secrets WHERE name = $1";
