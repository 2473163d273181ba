//! Who works the clock: of several nodes on one database, the one that holds the lease.
//!
//! Each acquisition has a term, which every append of the clockwork carries: a node that was thought dead and comes back
//! is refused by the store. A folder with SQLite belongs to one process anyway, and needs no lease.

use std::time::Duration;

use tenure_store::{Fence, Lease, LeaseError};

use crate::auth::secret;
use crate::live::Live;

const LEASE: &str = "clockwork";
/// How long a node that falls silent keeps the others waiting.
const SPAN: Duration = Duration::from_secs(30);

/// This node's part in working the clock.
#[derive(Debug, Default)]
pub struct Shift {
    holder: String,
    lease: Option<Lease>,
}

/// Whether this node works the clock now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnShift {
    /// It does; its appends carry the fence, where there can be other nodes.
    Yes(Option<Fence>),
    /// Another node does.
    No,
}

impl Shift {
    /// Take the lease, or keep it, or find out that another node has it.
    pub async fn check(&mut self, live: &Live) -> OnShift {
        if live.config.database.is_none() {
            return OnShift::Yes(None);
        }
        if self.holder.is_empty() {
            self.holder =
                secret::generate("node-").unwrap_or_else(|_| format!("node-{}", std::process::id()));
        }
        let now = live.clock.now();
        let held = match self.lease.take() {
            Some(lease) => live.store.renew_lease(&lease, now, SPAN).await,
            None => live.store.acquire_lease(LEASE, &self.holder, now, SPAN).await,
        };
        match held {
            Ok(lease) => {
                let fence = lease.fence();
                self.lease = Some(lease);
                OnShift::Yes(Some(fence))
            }
            Err(LeaseError::Store(error)) => {
                tracing::warn!(%error, "the clockwork's lease is out of reach; nothing happens by itself until it is back");
                OnShift::No
            }
            Err(_) => OnShift::No,
        }
    }

    /// Give the lease back, so that another node goes on at once.
    pub async fn end(self, live: &Live) {
        if let Some(lease) = self.lease
            && let Err(error) = live.store.release_lease(&lease).await
        {
            tracing::warn!(%error, "the clockwork's lease was not given back; another node waits until it expires");
        }
    }
}
