//! Backing up a data folder's database while it is in use: one consistent file, which is a database itself.

use std::fs::File;
use std::path::{Path, PathBuf};

use sqlx::SqlitePool;

use crate::database::{Pool, StoreError};
use crate::inspect::Inspector;
use crate::store::Store;

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file is never overwritten.
    #[error("{} exists already; give a new file", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be written.
    #[error("{} cannot be written: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        error: std::io::Error,
    },
    /// PostgreSQL has its own means.
    #[error("a PostgreSQL database is backed up with its own means; use pg_dump")]
    Postgres,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Writes the state of this moment to a new database file at `path`. Others go on reading and writing.
    ///
    /// # Errors
    /// When the file exists or cannot be written, or the store is on PostgreSQL.
    pub async fn backup_to(&self, path: &Path) -> Result<(), BackupError> {
        backup(&self.read, path).await
    }
}

impl Inspector {
    /// Writes the state of this moment to a new database file at `path`, also while a server works on the folder.
    ///
    /// # Errors
    /// When the file exists or cannot be written, or the store is on PostgreSQL.
    pub async fn backup_to(&self, path: &Path) -> Result<(), BackupError> {
        backup(&self.pool, path).await
    }
}

async fn backup(pool: &Pool, path: &Path) -> Result<(), BackupError> {
    let Pool::Sqlite(db) = pool else { return Err(BackupError::Postgres) };
    if path.exists() {
        return Err(BackupError::Exists { path: path.to_owned() });
    }
    vacuum_into(db, path).await?;
    let unwritten = |error| BackupError::File { path: path.to_owned(), error };
    File::open(path).and_then(|file| file.sync_all()).map_err(unwritten)?;
    let folder = path.canonicalize().map_err(unwritten)?;
    folder.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all()).map_err(unwritten)
}

async fn vacuum_into(db: &SqlitePool, path: &Path) -> Result<(), BackupError> {
    let Some(name) = path.to_str() else {
        let error = std::io::Error::new(std::io::ErrorKind::InvalidInput, "its name is not UTF-8");
        return Err(BackupError::File { path: path.to_owned(), error });
    };
    sqlx::query("VACUUM INTO $1").bind(name).execute(db).await.map_err(StoreError::from)?;
    Ok(())
}
