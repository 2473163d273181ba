//! A lease: one holder at a time, and a term that only grows, by which an append tells a holder from a former one.

use std::time::Duration;

use jiff::Timestamp;

use crate::database::{StoreError, on};
use crate::instant::{from_micros, micros};
use crate::store::Store;

/// Finds, and on PostgreSQL locks, the lease while `$2` is its latest term.
pub(crate) const HOLD_TERM: &str = "UPDATE leases SET term = term WHERE name = $1 AND term = $2";

/// A lease that somebody holds until it expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What it is for, for instance `clockwork`.
    pub name: String,
    /// Who holds it. Must differ between processes, also between two runs on one machine.
    pub holder: String,
    /// Grows by one with every new holder.
    pub term: i64,
    /// From then on somebody else may take it.
    pub expires_at: Timestamp,
}

/// What an append carries to prove that its writer is still the holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// The lease.
    pub name: String,
    /// The term it was acquired with.
    pub term: i64,
}

/// Why a lease is not held.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Somebody else has it.
    #[error("the lease {:?} is held by {} until {}", .0.name, .0.holder, .0.expires_at)]
    Held(Lease),
    /// Somebody else has taken it meanwhile.
    #[error("term {term} of the lease {name:?} is over; acquire it again")]
    Lost {
        /// The lease.
        name: String,
        /// The term that is over.
        term: i64,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for LeaseError {
    fn from(error: sqlx::Error) -> LeaseError {
        LeaseError::Store(error.into())
    }
}

impl Lease {
    /// What an append carries while this lease is held.
    pub fn fence(&self) -> Fence {
        Fence { name: self.name.clone(), term: self.term }
    }
}

impl Store {
    /// Takes the lease for `span` from `now` on when it is free or has expired; then its term is a new one.
    ///
    /// # Errors
    /// [`LeaseError::Held`] while somebody has it, also when that is the same holder (who can renew it).
    pub async fn acquire_lease(
        &self,
        name: &str,
        holder: &str,
        now: Timestamp,
        span: Duration,
    ) -> Result<Lease, LeaseError> {
        let expires_at = until(now, span);
        let taken: Option<i64> = on!(&self.write, db => {
            sqlx::query_scalar(
                "INSERT INTO leases (name, holder, term, expires_at) VALUES ($1, $2, 1, $3)
                 ON CONFLICT (name) DO UPDATE
                 SET holder = excluded.holder, term = leases.term + 1, expires_at = excluded.expires_at
                 WHERE leases.expires_at <= $4
                 RETURNING term",
            )
            .bind(name)
            .bind(holder)
            .bind(micros(expires_at))
            .bind(micros(now))
            .fetch_optional(db)
            .await?
        });
        match taken {
            Some(term) => Ok(Lease { name: name.into(), holder: holder.into(), term, expires_at }),
            None => Err(LeaseError::Held(self.lease(name).await?)),
        }
    }

    /// Prolongs a held lease to `span` from `now`. One that has expired can be renewed while nobody took it.
    ///
    /// # Errors
    /// [`LeaseError::Lost`] when somebody took it.
    pub async fn renew_lease(
        &self,
        lease: &Lease,
        now: Timestamp,
        span: Duration,
    ) -> Result<Lease, LeaseError> {
        let renewed = Lease { expires_at: until(now, span), ..lease.clone() };
        self.set_expiry(&renewed).await?;
        Ok(renewed)
    }

    /// Gives a held lease back, so that somebody else can take it at once.
    ///
    /// # Errors
    /// [`LeaseError::Lost`] when somebody took it already.
    pub async fn release_lease(&self, lease: &Lease) -> Result<(), LeaseError> {
        self.set_expiry(&Lease { expires_at: Timestamp::MIN, ..lease.clone() }).await
    }

    async fn set_expiry(&self, lease: &Lease) -> Result<(), LeaseError> {
        let changed = on!(&self.write, db => {
            sqlx::query("UPDATE leases SET expires_at = $1 WHERE name = $2 AND holder = $3 AND term = $4")
                .bind(micros(lease.expires_at))
                .bind(&lease.name)
                .bind(&lease.holder)
                .bind(lease.term)
                .execute(db)
                .await?
                .rows_affected()
        });
        match changed {
            0 => Err(LeaseError::Lost { name: lease.name.clone(), term: lease.term }),
            _ => Ok(()),
        }
    }

    async fn lease(&self, name: &str) -> Result<Lease, StoreError> {
        let (holder, term, expires_at): (String, i64, i64) = on!(&self.write, db => {
            sqlx::query_as("SELECT holder, term, expires_at FROM leases WHERE name = $1").bind(name).fetch_one(db).await?
        });
        Ok(Lease { name: name.into(), holder, term, expires_at: from_micros(expires_at)? })
    }
}

fn until(now: Timestamp, span: Duration) -> Timestamp {
    now.saturating_add(span).unwrap_or(Timestamp::MAX)
}
