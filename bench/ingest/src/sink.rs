//! Where events go: the event log; PostgreSQL and SQLite with a unique key; a file.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use axum::body::Bytes;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, QueryBuilder, Sqlite, SqlitePool};
use tenure_events::{Config, Event, EventLog, Kind};
use tokio::sync::{mpsc, oneshot};

pub enum Sink {
    Log(EventLog),
    /// The bytes of a request whose events were read.
    File(Appender),
    /// The bytes of a request, unread.
    Bytes(Appender),
    Postgres(PgPool),
    Sqlite(Grouped),
}

/// A file whose one writer syncs once for all that waits.
pub struct Appender(std::sync::mpsc::Sender<(Bytes, oneshot::Sender<()>)>);

/// A database whose one writer commits once for all that waits: what a careful user of SQLite does.
pub struct Grouped(mpsc::Sender<(Vec<Event>, oneshot::Sender<()>)>);

const TABLE: &str = "CREATE TABLE events (unit TEXT, unit_type TEXT, id TEXT, kind TEXT, at BIGINT, received_at BIGINT, \
                     name TEXT, value DOUBLE PRECISION, source TEXT, attributes TEXT, PRIMARY KEY (unit_type, unit, id))";
/// SQLite's bound on arguments, by the columns of an event.
const ROWS_MAX: usize = 3_000;

impl Sink {
    pub async fn open(name: &str, folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(match name {
            "log" => {
                let config = Config { unsealed_bytes_max: 64 << 30, ..Config::default() };
                Self::Log(EventLog::open(&folder.join("log"), config).await?)
            }
            "file" => Self::File(Appender::start(File::create(folder.join("file"))?)),
            "bytes" => Self::Bytes(Appender::start(File::create(folder.join("bytes"))?)),
            "sqlite" => {
                let options = SqliteConnectOptions::new()
                    .filename(folder.join("sqlite"))
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full);
                let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
                sqlx::query(sqlx::AssertSqlSafe(format!("{TABLE} WITHOUT ROWID"))).execute(&pool).await?;
                Self::Sqlite(Grouped::start(pool))
            }
            url => {
                let pool = PgPoolOptions::new().max_connections(32).connect(url).await?;
                sqlx::query("DROP TABLE IF EXISTS events").execute(&pool).await?;
                sqlx::query(TABLE).execute(&pool).await?;
                Self::Postgres(pool)
            }
        })
    }

    /// Writes events, which came as `body`.
    pub async fn append(&self, events: Vec<Event>, body: Bytes) -> Result<()> {
        match self {
            Self::Log(log) => {
                log.append(events).await?;
                Ok(())
            }
            Self::File(file) | Self::Bytes(file) => file.append(body).await,
            Self::Postgres(pool) => insert_postgres(pool, &events).await,
            Self::Sqlite(grouped) => {
                let (reply, done) = oneshot::channel();
                grouped.0.send((events, reply)).await.ok().context("the writer is gone")?;
                done.await.context("the writer failed")
            }
        }
    }
}

impl Appender {
    fn start(mut file: File) -> Self {
        let (sender, inbox) = std::sync::mpsc::channel::<(Bytes, oneshot::Sender<()>)>();
        std::thread::spawn(move || {
            while let Ok(first) = inbox.recv() {
                let group: Vec<_> = std::iter::once(first).chain(inbox.try_iter().take(255)).collect();
                let written = group.iter().try_for_each(|(bytes, _)| file.write_all(bytes));
                if written.and_then(|()| file.sync_data()).is_ok() {
                    group.into_iter().for_each(|(_, reply)| reply.send(()).unwrap_or_default());
                }
            }
        });
        Self(sender)
    }

    pub async fn append(&self, bytes: Bytes) -> Result<()> {
        let (reply, done) = oneshot::channel();
        self.0.send((bytes, reply)).ok().context("the writer is gone")?;
        done.await.context("the write failed")
    }
}

impl Grouped {
    fn start(pool: SqlitePool) -> Self {
        let (sender, mut inbox) = mpsc::channel::<(Vec<Event>, oneshot::Sender<()>)>(1_024);
        tokio::spawn(async move {
            let mut group = Vec::new();
            while inbox.recv_many(&mut group, 64).await > 0 {
                if insert_sqlite(&pool, group.iter().flat_map(|(events, _)| events)).await.is_ok() {
                    group.drain(..).for_each(|(_, reply)| reply.send(()).unwrap_or_default());
                }
                group.clear();
            }
        });
        Self(sender)
    }
}

/// An event's columns.
struct Row<'a> {
    name: &'a str,
    value: Option<f64>,
    attributes: String,
}

impl<'a> Row<'a> {
    fn of(event: &'a Event) -> Self {
        let (name, value) = match event.kind() {
            Kind::Exposure { flag, .. } => (flag.as_str(), None),
            Kind::Outcome { name, value } => (name.as_str(), *value),
        };
        let attributes = event.attributes().iter().map(|(name, value)| format!("{name}={value}"));
        Self { name, value, attributes: attributes.collect::<Vec<_>>().join("\n") }
    }
}

async fn insert_sqlite(pool: &SqlitePool, events: impl Iterator<Item = &Event>) -> Result<()> {
    let events: Vec<&Event> = events.collect();
    let mut transaction = pool.begin().await?;
    for events in events.chunks(ROWS_MAX) {
        let mut insert: QueryBuilder<Sqlite> = QueryBuilder::new("INSERT INTO events ");
        insert.push_values(events, |mut values, event| {
            let row = Row::of(event);
            values
                .push_bind(event.unit().id.clone())
                .push_bind(event.unit().unit_type.clone())
                .push_bind(event.id().to_owned())
                .push_bind(event.kind().as_str())
                .push_bind(event.at().as_microsecond())
                .push_bind(event.received_at().as_microsecond())
                .push_bind(row.name.to_owned())
                .push_bind(row.value)
                .push_bind(event.source().to_owned())
                .push_bind(row.attributes);
        });
        insert.push(" ON CONFLICT DO NOTHING");
        insert.build().execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}

async fn insert_postgres(pool: &PgPool, events: &[Event]) -> Result<()> {
    let rows: Vec<Row<'_>> = events.iter().map(Row::of).collect();
    let texts = |of: &dyn Fn(&Event) -> String| events.iter().map(of).collect::<Vec<_>>();
    sqlx::query(
        "INSERT INTO events SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], \
         $6::bigint[], $7::text[], $8::double precision[], $9::text[], $10::text[]) ON CONFLICT DO NOTHING",
    )
    .bind(texts(&|event| event.unit().id.clone()))
    .bind(texts(&|event| event.unit().unit_type.clone()))
    .bind(texts(&|event| event.id().to_owned()))
    .bind(texts(&|event| event.kind().as_str().to_owned()))
    .bind(events.iter().map(|event| event.at().as_microsecond()).collect::<Vec<_>>())
    .bind(events.iter().map(|event| event.received_at().as_microsecond()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.name.to_owned()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.value).collect::<Vec<_>>())
    .bind(texts(&|event| event.source().to_owned()))
    .bind(rows.iter().map(|row| row.attributes.clone()).collect::<Vec<_>>())
    .execute(pool)
    .await?;
    Ok(())
}
