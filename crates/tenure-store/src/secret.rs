//! Secrets: the store's own, random bytes made once (the only place of this crate that asks for randomness), and those it
//! keeps for others in the clear, because they have to be used.

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

/// A text that is a credential, such as what signs a webhook or an address that opens a chat. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Confidential(String);

impl Confidential {
    /// The text itself, for the one place that uses it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Confidential {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Confidential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Confidential(…)")
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
