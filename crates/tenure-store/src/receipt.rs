//! Receipts of requests: what was answered, kept for a while, so that a request sent again gets the same answer
//! and is not carried out twice.

use jiff::Timestamp;

use crate::database::{StoreError, on};
use crate::digest::Digest;
use crate::instant::{from_micros, micros};
use crate::store::Store;

/// Keeps a receipt; does nothing while there is one of that actor and key that has not expired.
pub(crate) const INSERT: &str =
    "INSERT INTO receipts (actor, key, request_digest, response, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (actor, key) DO UPDATE
    SET request_digest = excluded.request_digest, response = excluded.response,
        created_at = excluded.created_at, expires_at = excluded.expires_at
    WHERE receipts.expires_at <= excluded.created_at";

/// What was answered to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Who sent it.
    pub actor: String,
    /// The key by which they recognise it.
    pub key: String,
    /// The digest of what they asked for: the same key with another content is a mistake to be refused.
    pub request: Digest,
    /// What they were answered.
    pub response: Vec<u8>,
    /// When.
    pub created_at: Timestamp,
    /// From then on it is forgotten.
    pub expires_at: Timestamp,
}

impl Store {
    /// The receipt of that actor and key, if it has not expired.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn receipt(
        &self,
        actor: &str,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<Receipt>, StoreError> {
        let row: Option<(Vec<u8>, Vec<u8>, i64, i64)> = on!(&self.read, db => {
            sqlx::query_as(
                "SELECT request_digest, response, created_at, expires_at FROM receipts
                 WHERE actor = $1 AND key = $2 AND expires_at > $3",
            )
            .bind(actor)
            .bind(key)
            .bind(micros(now))
            .fetch_optional(db)
            .await?
        });
        let Some((request, response, created_at, expires_at)) = row else { return Ok(None) };
        Ok(Some(Receipt {
            actor: actor.into(),
            key: key.into(),
            request: Digest::stored("receipt", &request)?,
            response,
            created_at: from_micros(created_at)?,
            expires_at: from_micros(expires_at)?,
        }))
    }

    /// Keeps the receipt of a request that appended nothing ([`Store::append_once`] keeps one with its entries).
    /// False when there is one of that actor and key already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn put_receipt(&self, receipt: &Receipt) -> Result<bool, StoreError> {
        let kept = on!(&self.write, db => {
            sqlx::query(INSERT)
                .bind(&receipt.actor)
                .bind(&receipt.key)
                .bind(receipt.request.as_bytes().as_slice())
                .bind(&receipt.response)
                .bind(micros(receipt.created_at))
                .bind(micros(receipt.expires_at))
                .execute(db)
                .await?
                .rows_affected()
        });
        Ok(kept > 0)
    }
}
