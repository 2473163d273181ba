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
        let mut fresh = [0; 32];
        getrandom::fill(&mut fresh).map_err(|error| StoreError::NoRandomness(error.to_string()))?;
        let bytes: Vec<u8> = on!(&self.write, db => {
            // The first of two nodes wins; both read what it wrote.
            sqlx::query("INSERT INTO secrets (name, bytes) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
                .bind(name)
                .bind(fresh.as_slice())
                .execute(db)
                .await?;
            sqlx::query_scalar("SELECT bytes FROM secrets WHERE name = $1").bind(name).fetch_one(db).await?
        });
        let bytes: [u8; 32] = bytes.try_into().map_err(|bytes: Vec<u8>| StoreError::Damaged {
            what: "secret",
            why: format!("{name} has {} bytes instead of 32", bytes.len()),
        })?;
        Ok(Secret(bytes))
    }
}
