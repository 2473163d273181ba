//! Deliveries: what is owed to a receiver, when it is tried next, and what came of it.
//!
//! A delivery holds no content: it names the entries it is made from. So nothing that people wrote is kept twice, and what
//! is sent again is what an erased text has become.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use sqlx::FromRow;

use crate::database::{StoreError, on};
use crate::instant::{from_micros, micros};
use crate::journal::PAGE_MAX;
use crate::store::Store;

/// The columns are named: another node's migration may add some while this one runs.
macro_rules! select {
    ($which:literal) => {
        concat!(
            "SELECT receiver, message, from_seq, seq, status, attempts, next_at, created_at, done_at, said
             FROM deliveries ",
            $which
        )
    };
}

/// A message that a receiver shall get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// Who: `webhook/ID` or `account/ID`.
    pub receiver: String,
    /// Which message; a receiver gets one of the same name once.
    pub message: String,
    /// The entry behind which what it tells begins.
    pub from_seq: i64,
    /// The last entry it tells.
    pub seq: i64,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// It is tried at its next time.
    Waiting,
    /// The receiver has it.
    Delivered,
    /// It was given up.
    Failed,
    /// The receiver was disabled, or wants it no more.
    Dropped,
}

/// A delivery as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What is owed.
    pub owed: Owed,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, while it waits.
    pub next_at: Timestamp,
    /// When it was first owed.
    pub created_at: Timestamp,
    /// When it was over.
    pub done_at: Option<Timestamp>,
    /// What the last attempt was answered.
    pub said: Option<String>,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempted {
    /// The receiver has it.
    Delivered,
    /// It is tried again then, and everything else that waits for the receiver not before.
    Again(Timestamp),
    /// It is given up.
    Failed,
    /// It is no longer wanted.
    Dropped,
}

/// What is new waits with what its receiver already waits for, or else every message would try a dead one again.
const INSERT: &str = "INSERT INTO deliveries
    (receiver, message, from_seq, seq, status, attempts, next_at, created_at)
    SELECT $1, $2, $3, $4, 'waiting', 0, CASE WHEN MIN(next_at) > $5 THEN MIN(next_at) ELSE $5 END, $5
    FROM deliveries WHERE receiver = $1 AND status = 'waiting'
    ON CONFLICT DO NOTHING";

impl Store {
    /// Owes all of these from `now` on, or when their receiver is tried again after a failure, and notes that the reader is done with every entry up to `seq`: both or neither.
    /// What is owed already stays as it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn owe(&self, reader: &str, seq: i64, owed: &[Owed], now: Timestamp) -> Result<(), StoreError> {
        on!(&self.write, db => {
            let mut tx = db.begin_with(self.write.begin_writing()).await?;
            for one in owed {
                sqlx::query(INSERT)
                    .bind(&one.receiver)
                    .bind(&one.message)
                    .bind(one.from_seq)
                    .bind(one.seq)
                    .bind(micros(now))
                    .execute(&mut *tx)
                    .await?;
            }
            sqlx::query(crate::cursor::ADVANCE).bind(reader).bind(seq).execute(&mut *tx).await?;
            tx.commit().await?;
        });
        Ok(())
    }

    /// How far an account's last digest went, and when that was.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_digest(&self, account: &str) -> Result<Option<(i64, Timestamp)>, StoreError> {
        let row: Option<(i64, i64)> = on!(&self.read, db => {
            sqlx::query_as("SELECT seq, at FROM digests WHERE account = $1").bind(account).fetch_optional(db).await?
        });
        row.map(|(seq, at)| Ok((seq, from_micros(at)?))).transpose()
    }

    /// Notes that an account's digest goes up to `seq`, and owes it if there is one: both or neither.
    ///
    /// # Errors
    /// When the database fails, or there is no such account.
    pub async fn owe_digest(
        &self,
        account: &str,
        seq: i64,
        owed: Option<&Owed>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        on!(&self.write, db => {
            let mut tx = db.begin_with(self.write.begin_writing()).await?;
            if let Some(one) = owed {
                sqlx::query(INSERT)
                    .bind(&one.receiver)
                    .bind(&one.message)
                    .bind(one.from_seq)
                    .bind(one.seq)
                    .bind(micros(now))
                    .execute(&mut *tx)
                    .await?;
            }
            sqlx::query(
                "INSERT INTO digests (account, seq, at) VALUES ($1, $2, $3)
                 ON CONFLICT (account) DO UPDATE SET seq = excluded.seq, at = excluded.at",
            )
            .bind(account)
            .bind(seq)
            .bind(micros(now))
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
        });
        Ok(())
    }

    /// Up to `limit` receivers with something to be tried at `now`, the longest waiting first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn receivers_due(&self, now: Timestamp, limit: u32) -> Result<Vec<String>, StoreError> {
        Ok(on!(&self.read, db => {
            sqlx::query_scalar(
                "SELECT receiver FROM deliveries WHERE status = 'waiting' AND next_at <= $1
                 GROUP BY receiver ORDER BY MIN(next_at), receiver LIMIT $2",
            )
            .bind(micros(now))
            .bind(i64::from(limit))
            .fetch_all(db)
            .await?
        }))
    }

    /// Up to `limit` deliveries to be tried for a receiver at `now`, in the order of what they tell.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deliveries_due(
        &self,
        receiver: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let rows: Vec<DeliveryRow> = on!(&self.read, db => {
            sqlx::query_as(select!(
                "WHERE receiver = $1 AND status = 'waiting' AND next_at <= $2 ORDER BY seq, message LIMIT $3"
            ))
            .bind(receiver)
            .bind(micros(now))
            .bind(i64::from(limit.min(PAGE_MAX)))
            .fetch_all(db)
            .await?
        });
        rows.into_iter().map(DeliveryRow::decode).collect()
    }

    /// How many deliveries wait for a receiver.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deliveries_waiting(&self, receiver: &str) -> Result<u64, StoreError> {
        let count: i64 = on!(&self.read, db => {
            sqlx::query_scalar("SELECT COUNT(*) FROM deliveries WHERE receiver = $1 AND status = 'waiting'")
                .bind(receiver)
                .fetch_one(db)
                .await?
        });
        Ok(count.unsigned_abs())
    }

    /// Notes what came of an attempt, and what the receiver answered.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_attempt(
        &self,
        owed: &Owed,
        attempted: Attempted,
        said: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (status, next_at, done_at) = match attempted {
            Attempted::Delivered => (DeliveryStatus::Delivered, now, Some(now)),
            Attempted::Again(next_at) => (DeliveryStatus::Waiting, next_at, None),
            Attempted::Failed => (DeliveryStatus::Failed, now, Some(now)),
            Attempted::Dropped => (DeliveryStatus::Dropped, now, Some(now)),
        };
        on!(&self.write, db => {
            let mut tx = db.begin_with(self.write.begin_writing()).await?;
            sqlx::query(
                "UPDATE deliveries
                 SET status = $1, next_at = $2, done_at = $3, said = $4, attempts = attempts + 1
                 WHERE receiver = $5 AND message = $6",
            )
            .bind(status.name())
            .bind(micros(next_at))
            .bind(done_at.map(micros))
            .bind(said)
            .bind(&owed.receiver)
            .bind(&owed.message)
            .execute(&mut *tx)
            .await?;
            if status == DeliveryStatus::Waiting {
                sqlx::query(
                    "UPDATE deliveries SET next_at = $1 WHERE receiver = $2 AND status = 'waiting' AND next_at < $1",
                )
                .bind(micros(next_at))
                .bind(&owed.receiver)
                .execute(&mut *tx)
                .await?;
            }
            tx.commit().await?;
        });
        Ok(())
    }

    /// The last `limit` deliveries (at most [`PAGE_MAX`]) of a receiver, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deliveries(&self, receiver: &str, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        let rows: Vec<DeliveryRow> = on!(&self.read, db => {
            sqlx::query_as(select!("WHERE receiver = $1 ORDER BY created_at DESC, seq DESC, message LIMIT $2"))
                .bind(receiver)
                .bind(i64::from(limit.min(PAGE_MAX)))
                .fetch_all(db)
                .await?
        });
        rows.into_iter().map(DeliveryRow::decode).collect()
    }

    /// Tries a delivery again from `now` on, whatever came of it. False when there is none of that name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn redeliver(&self, receiver: &str, message: &str, now: Timestamp) -> Result<bool, StoreError> {
        let found = on!(&self.write, db => {
            sqlx::query(
                "UPDATE deliveries SET status = 'waiting', attempts = 0, next_at = $1, done_at = NULL
                 WHERE receiver = $2 AND message = $3",
            )
            .bind(micros(now))
            .bind(receiver)
            .bind(message)
            .execute(db)
            .await?
            .rows_affected()
        });
        Ok(found > 0)
    }

    /// Forgets deliveries that were over before an instant. Returns how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_deliveries(&self, before: Timestamp) -> Result<u64, StoreError> {
        Ok(on!(&self.write, db => {
            sqlx::query("DELETE FROM deliveries WHERE done_at < $1").bind(micros(before)).execute(db).await?.rows_affected()
        }))
    }
}

/// The name under which an account's deliveries are kept.
pub fn account_receiver(id: &str) -> String {
    format!("account/{id}")
}

impl DeliveryStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Delivered, Self::Failed, Self::Dropped];

    /// The status's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }
}

impl fmt::Display for DeliveryStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DeliveryStatus {
    type Err = StoreError;

    fn from_str(name: &str) -> Result<Self, StoreError> {
        Self::ALL
            .into_iter()
            .find(|status| status.name() == name)
            .ok_or_else(|| StoreError::Damaged { what: "delivery", why: format!("its status is {name:?}") })
    }
}

#[derive(FromRow)]
struct DeliveryRow {
    receiver: String,
    message: String,
    from_seq: i64,
    seq: i64,
    status: String,
    attempts: i64,
    next_at: i64,
    created_at: i64,
    done_at: Option<i64>,
    said: Option<String>,
}

impl DeliveryRow {
    fn decode(self) -> Result<Delivery, StoreError> {
        let Self { receiver, message, from_seq, seq, .. } = self;
        Ok(Delivery {
            owed: Owed { receiver, message, from_seq, seq },
            status: self.status.parse()?,
            attempts: u32::try_from(self.attempts).unwrap_or(u32::MAX),
            next_at: from_micros(self.next_at)?,
            created_at: from_micros(self.created_at)?,
            done_at: self.done_at.map(from_micros).transpose()?,
            said: self.said,
        })
    }
}
