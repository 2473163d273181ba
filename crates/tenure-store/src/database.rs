//! Opening the two databases, and the one macro by which the rest of the crate speaks to either.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, PgPool, SqlitePool};

use crate::journal::PAGE_MAX;
use crate::location::Location;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 10;
/// How long a statement waits for a lock, or a caller for a connection, before it is an error.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connections to one of the two databases.
#[derive(Clone, Debug)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Runs the same expression on whichever database it is: `on!(pool, db => sqlx::query(…).execute(db).await)`.
/// The expression is compiled once for each; its SQL must be of the dialect both share.
macro_rules! on {
    ($pool:expr, $db:ident => $body:expr) => {
        match $pool {
            $crate::database::Pool::Sqlite($db) => $body,
            $crate::database::Pool::Postgres($db) => $body,
        }
    };
}
pub(crate) use on;

/// A fault of the database, or of what it holds. Never a refusal.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database could not be reached, or did not carry out a statement.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// Something stored cannot be what was stored.
    #[error("a stored {what} is damaged ({why}); restore the store from a backup")]
    Damaged {
        /// What it should have been.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// No secret can be made.
    #[error("the operating system gives no random bytes: {0}")]
    NoRandomness(String),
    /// A folder that was at rest was written to while it was read. What was read may be half old and half new.
    #[error("a server began to write while the journal was read; read it again")]
    Disturbed,
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be created, locked or written.
    #[error("the data folder {} cannot be used: {error}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the operating system says.
        error: std::io::Error,
    },
    /// Another process works on it.
    #[error("the data folder {} is held by {by}; stop that one, or give another folder", path.display())]
    Held {
        /// The folder.
        path: PathBuf,
        /// `process N` where it is known.
        by: String,
    },
    /// There is nothing to look at.
    #[error("there is no journal in {location}; check the path, `tenure serve` creates one")]
    NoJournal {
        /// Where it was looked for.
        location: String,
    },
    /// Changes wait in a write-ahead log that cannot be read without writing beside it.
    #[error(
        "{} is there without its -shm file, so the journal cannot be read without writing to the folder; open it once with `tenure serve`",
        wal.display()
    )]
    Unfinished {
        /// The write-ahead log.
        wal: PathBuf,
    },
    /// The database does not answer, or answers something that no store would.
    #[error("the store {location} cannot be opened: {error}")]
    Database {
        /// The store's place, without its password.
        location: String,
        /// What the database says.
        error: sqlx::Error,
    },
    /// The tables were made by a version of Tenure that this one does not know.
    #[error("the store {location} was written by a newer Tenure; start it with that version or a later one")]
    Newer {
        /// The store's place.
        location: String,
    },
    /// The tables could not be brought up to date. They are as they were.
    #[error("the store {location} cannot be brought up to date: {error}")]
    Migration {
        /// The store's place.
        location: String,
        /// What went wrong.
        error: MigrateError,
    },
}

/// The pools of an open store: on PostgreSQL the same one twice.
pub(crate) struct Pools {
    pub read: Pool,
    pub write: Pool,
}

/// Opens or creates the database file, with one connection that writes and several that read.
pub(crate) async fn open_sqlite(file: &Path, location: &Location) -> Result<Pools, OpenError> {
    let failed = |error| OpenError::Database { location: location.to_string(), error };
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        // What is erased is overwritten with zeros.
        .pragma("secure_delete", "ON");
    let write = SqlitePoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(PATIENCE)
        .connect_with(options)
        .await
        .map_err(failed)?;
    SQLITE.run(&write).await.map_err(|error| migration_failed(error, location))?;
    let read = sqlite_readers(SqliteConnectOptions::new().filename(file)).await.map_err(failed)?;
    Ok(Pools { read: Pool::Sqlite(read), write: Pool::Sqlite(write) })
}

/// Connections that can only read the file `options` names.
pub(crate) async fn sqlite_readers(options: SqliteConnectOptions) -> sqlx::Result<SqlitePool> {
    let options = options
        .read_only(true)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        // A whole page fits in between: the thread that reads and the task that works do not wait for each other at every row.
        .row_buffer_size(PAGE_MAX as usize);
    SqlitePoolOptions::new()
        .max_connections(SQLITE_READERS)
        .acquire_timeout(PATIENCE)
        .connect_with(options)
        .await
}

/// Opens a PostgreSQL database and creates or updates the tables.
pub(crate) async fn open_postgres(
    options: &PgConnectOptions,
    location: &Location,
) -> Result<Pools, OpenError> {
    let pool = postgres_pool(options, location).await?;
    POSTGRES.run(&pool).await.map_err(|error| migration_failed(error, location))?;
    Ok(Pools { read: Pool::Postgres(pool.clone()), write: Pool::Postgres(pool) })
}

/// Connects to a PostgreSQL database as it is.
pub(crate) async fn postgres_pool(
    options: &PgConnectOptions,
    location: &Location,
) -> Result<PgPool, OpenError> {
    // Whatever the server's default, a commit is acknowledged when it is on disk.
    let options = options.clone().application_name("tenure").options([("synchronous_commit", "on")]);
    let failed = |error| OpenError::Database { location: location.to_string(), error };
    // A pool would try again and again, and then only say that it gave up.
    let first = options.connect().await.map_err(failed)?;
    first.close().await.map_err(failed)?;
    let pool = PgPoolOptions::new().max_connections(POSTGRES_CONNECTIONS).acquire_timeout(PATIENCE);
    pool.connect_with(options).await.map_err(failed)
}

fn migration_failed(error: MigrateError, location: &Location) -> OpenError {
    let location = location.to_string();
    match error {
        MigrateError::VersionMissing(_) => OpenError::Newer { location },
        error => OpenError::Migration { location, error },
    }
}

impl Pool {
    /// How a transaction that will write begins: in SQLite at once as a writer, so that it never fails half-way.
    pub(crate) fn begin_writing(&self) -> &'static str {
        match self {
            Pool::Sqlite(_) => "BEGIN IMMEDIATE",
            Pool::Postgres(_) => "BEGIN",
        }
    }

    /// How a transaction begins that sees one state of the database throughout.
    pub(crate) fn begin_reading(&self) -> &'static str {
        match self {
            Pool::Sqlite(_) => "BEGIN",
            Pool::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    pub(crate) async fn close(&self) {
        on!(self, db => db.close().await);
    }

    pub(crate) fn is_closed(&self) -> bool {
        on!(self, db => db.is_closed())
    }
}
