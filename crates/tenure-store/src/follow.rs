//! Following the journal: every entry in order, the old ones at once and the new ones as they come.
//!
//! An append in this process wakes the followers; on PostgreSQL a notification does so for the appends of other nodes.
//! Both only shorten the wait. What is delivered is always read from the journal, and a look every second
//! finds what no wake-up told of.

use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, TryStreamExt as _, stream};
use sqlx::postgres::PgListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::database::{Pool, StoreError};
use crate::entry::Entry;
use crate::store::Store;

const PAGE: u32 = 500;
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The channel that the trigger of `migrations/postgres` notifies.
const CHANNEL: &str = "tenure_journal";

impl Store {
    /// Every entry behind `after_seq`, in order and without a gap, for as long as the store is open.
    ///
    /// After an error the stream is over; follow again behind the last entry it gave.
    pub fn follow(&self, after_seq: i64) -> impl Stream<Item = Result<Entry, StoreError>> + Send + use<> {
        let newest = self.newest.subscribe();
        stream::try_unfold((self.clone(), newest, after_seq), next_page).try_flatten()
    }

    /// Tells the followers that the journal reaches to `seq`.
    pub(crate) fn saw(&self, seq: i64) {
        advance(&self.newest, seq);
    }
}

type Followed = (Store, watch::Receiver<i64>, i64);

/// The entries behind the last ones given, once there are any; nothing more when the store is closed.
async fn next_page(
    (store, mut newest, after): Followed,
) -> Result<Option<(impl Stream<Item = Result<Entry, StoreError>>, Followed)>, StoreError> {
    loop {
        newest.mark_unchanged();
        let page = match store.read(after, PAGE).await {
            Err(_) if store.read.is_closed() => return Ok(None),
            page => page?,
        };
        if let Some(last) = page.last() {
            let followed = (store, newest, last.seq);
            return Ok(Some((stream::iter(page.into_iter().map(Ok)), followed)));
        }
        // Either way there is a look at the journal next.
        let _ = tokio::time::timeout(LOOK_EVERY, newest.changed()).await;
    }
}

/// Listens for the appends of other nodes until the pool closes. Nothing to listen to on SQLite.
pub(crate) fn listen(pool: &Pool, newest: Arc<watch::Sender<i64>>) -> Option<JoinHandle<()>> {
    let Pool::Postgres(pool) = pool else { return None };
    let pool = pool.clone();
    Some(tokio::spawn(async move {
        while !pool.is_closed() {
            if let Err(error) = hear(&pool, &newest).await {
                tracing::warn!(%error, "no notifications of the journal; followers look every second until they come back");
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }))
}

async fn hear(pool: &sqlx::PgPool, newest: &watch::Sender<i64>) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        if let Ok(seq) = listener.recv().await?.payload().parse() {
            advance(newest, seq);
        }
    }
}

fn advance(newest: &watch::Sender<i64>, seq: i64) {
    newest.send_if_modified(|known| {
        let further = seq > *known;
        *known = seq.max(*known);
        further
    });
}
