//! Where exposures and outcomes go: a server's own event log, or what waits for a relay's upstream. Both acknowledge what is
//! durable.

use std::sync::Arc;

use tenure_events::{AppendError, Event, EventLog};

use crate::relay::{Outbox, OutboxError};

/// Takes events in.
#[derive(Clone)]
pub enum EventSink {
    /// A server's.
    Log(Arc<EventLog>),
    /// A relay's.
    Outbox(Arc<Outbox>),
}

/// Why events were not taken in.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The event log did not take them.
    #[error(transparent)]
    Log(#[from] AppendError),
    /// They could not be kept for the upstream.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
}

impl EventSink {
    /// Takes events in, all or none. Returns when they are durable.
    ///
    /// # Errors
    /// The queue is full, or the disk fails.
    pub async fn append(&self, events: Vec<Event>) -> Result<(), SinkError> {
        match self {
            Self::Log(log) => {
                log.append(events).await?;
            }
            Self::Outbox(outbox) => outbox.append(&events).await?,
        }
        Ok(())
    }
}
