//! An open store. What it can do is in the file of each noun; here it is opened and closed.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OnceCell, watch};
use tokio::task::JoinHandle;

use crate::database::{OpenError, Pool, open_postgres, open_sqlite};
use crate::folder::HeldFolder;
use crate::follow;
use crate::location::Location;
use crate::secret::Secret;

/// An open store. Cheap to clone; all clones are the same store.
#[derive(Clone, Debug)]
pub struct Store {
    /// Reads of committed state.
    pub(crate) read: Pool,
    /// Everything that changes something. On SQLite a single connection.
    pub(crate) write: Pool,
    /// The last seq that this process knows of.
    pub(crate) newest: Arc<watch::Sender<i64>>,
    /// The key of blob keys, once it was needed.
    pub(crate) blob_secret: Arc<OnceCell<Secret>>,
    held: Arc<Held>,
}

/// What an open store keeps alive, and gives back when its last clone is gone.
#[derive(Debug)]
struct Held {
    folder: Mutex<Option<HeldFolder>>,
    listener: Option<JoinHandle<()>>,
}

impl Store {
    /// Opens the store, creating folder and tables where they are missing.
    ///
    /// A data folder is held by one process at a time; a PostgreSQL database may be open in several.
    ///
    /// # Errors
    /// When the folder is held or unusable, the database does not answer, or its tables are of a newer version.
    pub async fn open(location: &Location) -> Result<Store, OpenError> {
        let newest = Arc::new(watch::Sender::new(0));
        let (pools, folder, listener) = match location {
            Location::Folder(path) => {
                let folder = HeldFolder::hold(path)?;
                (open_sqlite(&folder.database(), location).await?, Some(folder), None)
            }
            Location::Postgres(options) => {
                let pools = open_postgres(options, location).await?;
                let listener = follow::listen(&pools.read, Arc::clone(&newest));
                (pools, None, listener)
            }
        };
        let held = Arc::new(Held { folder: Mutex::new(folder), listener });
        Ok(Store { read: pools.read, write: pools.write, newest, blob_secret: Arc::default(), held })
    }

    /// Ends all use of the store, by every clone, waits until its connections are closed, and gives its folder back.
    pub async fn close(&self) {
        if let Some(listener) = &self.held.listener {
            listener.abort();
        }
        self.read.close().await;
        self.write.close().await;
        drop(self.held.folder.lock().unwrap_or_else(PoisonError::into_inner).take());
        // Followers wake up, and end.
        self.newest.send_modify(|_| {});
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(listener) = &self.listener {
            listener.abort();
        }
    }
}
