//! Sessions: somebody has signed in and may go on until it expires. Only a digest of the session's token is kept.

use jiff::Timestamp;

use crate::database::{StoreError, on};
use crate::digest::Digest;
use crate::instant::{from_micros, micros};
use crate::store::Store;

/// Somebody who has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The digest of the token that the browser holds.
    pub token_hash: Digest,
    /// Whose it is.
    pub account: String,
    /// What a form must carry with it, so that no other site can post it.
    pub csrf: String,
    /// When they signed in.
    pub created_at: Timestamp,
    /// From then on it is not valid.
    pub expires_at: Timestamp,
}

impl Store {
    /// Begins a session.
    ///
    /// # Errors
    /// When the database fails, there is no such account, or the token is in use.
    pub async fn create_session(&self, session: &Session) -> Result<(), StoreError> {
        on!(&self.write, db => {
            sqlx::query(
                "INSERT INTO sessions (token_hash, account, csrf, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(session.token_hash.as_bytes().as_slice())
            .bind(&session.account)
            .bind(&session.csrf)
            .bind(micros(session.created_at))
            .bind(micros(session.expires_at))
            .execute(db)
            .await?;
        });
        Ok(())
    }

    /// The session of that token, if it has not expired and its account is not disabled.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session(&self, token_hash: Digest, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let row: Option<(String, String, i64, i64)> = on!(&self.read, db => {
            sqlx::query_as(
                "SELECT s.account, s.csrf, s.created_at, s.expires_at
                 FROM sessions s JOIN accounts a ON a.id = s.account
                 WHERE s.token_hash = $1 AND s.expires_at > $2 AND NOT a.disabled",
            )
            .bind(token_hash.as_bytes().as_slice())
            .bind(micros(now))
            .fetch_optional(db)
            .await?
        });
        let Some((account, csrf, created_at, expires_at)) = row else { return Ok(None) };
        Ok(Some(Session {
            token_hash,
            account,
            csrf,
            created_at: from_micros(created_at)?,
            expires_at: from_micros(expires_at)?,
        }))
    }

    /// Lets a session go on until `expires_at`. False when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn extend_session(
        &self,
        token_hash: Digest,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let found = on!(&self.write, db => {
            sqlx::query("UPDATE sessions SET expires_at = $1 WHERE token_hash = $2")
                .bind(micros(expires_at))
                .bind(token_hash.as_bytes().as_slice())
                .execute(db)
                .await?
                .rows_affected()
        });
        Ok(found > 0)
    }

    /// Ends a session. False when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_session(&self, token_hash: Digest) -> Result<bool, StoreError> {
        let found = on!(&self.write, db => {
            sqlx::query("DELETE FROM sessions WHERE token_hash = $1")
                .bind(token_hash.as_bytes().as_slice())
                .execute(db)
                .await?
                .rows_affected()
        });
        Ok(found > 0)
    }

    /// Ends every session of an account, and says how many there were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_sessions_of(&self, account: &str) -> Result<u64, StoreError> {
        Ok(on!(&self.write, db => {
            sqlx::query("DELETE FROM sessions WHERE account = $1").bind(account).execute(db).await?.rows_affected()
        }))
    }

    /// Forgets the sessions and receipts that have expired by `now`, and says how many there were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_expired(&self, now: Timestamp) -> Result<u64, StoreError> {
        let now = micros(now);
        Ok(on!(&self.write, db => {
            let sessions = sqlx::query("DELETE FROM sessions WHERE expires_at <= $1").bind(now).execute(db).await?;
            let receipts = sqlx::query("DELETE FROM receipts WHERE expires_at <= $1").bind(now).execute(db).await?;
            sessions.rows_affected() + receipts.rows_affected()
        }))
    }
}
