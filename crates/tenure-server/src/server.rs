//! A running server: everything opened in order, one listener, and a stop that drains.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tenure_analysis::{Embedded, EngineError, Settings};
use tenure_events::EventLog;
use tenure_store::{Location, Store};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::auth::secret;
use crate::clock::Clock;
use crate::clockwork;
use crate::config::{Config, ConfigError};
use crate::data_dir::{DataDir, DataDirError};
use crate::http;
use crate::live::{Live, ReplayError};
use crate::notify;

/// How long requests in flight may take to end after a stop was asked for.
const DRAIN: Duration = Duration::from_secs(10);

/// A running server.
pub struct Server {
    live: Arc<Live>,
    addr: SocketAddr,
    stopping: watch::Sender<bool>,
    serving: JoinHandle<std::io::Result<()>>,
    clockwork: JoinHandle<()>,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data folder cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The database's address cannot be read.
    #[error("database: {0}")]
    Location(#[from] tenure_store::LocationError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] tenure_store::OpenError),
    /// The event log cannot be opened.
    #[error(transparent)]
    Events(#[from] tenure_events::OpenError),
    /// The query engine does not start.
    #[error(transparent)]
    Engine(EngineError),
    /// The journal cannot be folded.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The listener cannot be opened.
    #[error("listen {addr} cannot be opened: {source}; is another server running there?")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system has no random source for the setup code.
    #[error("the system gives no random bytes: {0}")]
    Random(getrandom::Error),
}

impl Server {
    /// Check the configuration, open everything, and serve. The clock is the caller's: the wall's, a demo's or a test's.
    pub async fn start(config: Config, clock: Clock) -> Result<Self, StartError> {
        let live = Arc::new(open(config, clock).await?);
        if live.store.has_accounts().await.map_err(ReplayError::from)? {
            live.end_setup();
        }
        notify::reader::begin(&live).await.map_err(ReplayError::from)?;
        let wanted = live.config.listen;
        let listen = |source| StartError::Listen { addr: wanted, source };
        let listener = TcpListener::bind(wanted).await.map_err(listen)?;
        let addr = listener.local_addr().map_err(listen)?;
        let (stopping, stopped) = watch::channel(false);
        let router = http::router(Arc::clone(&live));
        let mut stop = stopped.clone();
        let serving = tokio::spawn(async move {
            axum::serve(listener, router)
                .with_graceful_shutdown(async move {
                    // A closed channel means that the server itself is gone: stop as well.
                    let _ = stop.wait_for(|stopping| *stopping).await;
                })
                .await
        });
        let clockwork = tokio::spawn(clockwork::run(Arc::clone(&live), stopped));
        Ok(Self { live, addr, stopping, serving, clockwork })
    }

    /// The live system behind it.
    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// The address it listens on; the port is the real one where 0 was asked for.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where clients reach it.
    pub fn url(&self) -> String {
        match &self.live.config.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", self.addr),
        }
    }

    /// The code that makes the first account, while there is none.
    pub fn setup_code(&self) -> Option<String> {
        self.live.setup_code()
    }

    /// Take no new request, let the ones in flight end, keep a snapshot, close everything.
    pub async fn stop(self) -> std::io::Result<()> {
        self.stopping.send_replace(true);
        let mut serving = self.serving;
        // Feeds never end by themselves, so the wait is bounded.
        if tokio::time::timeout(DRAIN, &mut serving).await.is_err() {
            serving.abort();
        }
        if let Err(error) = self.clockwork.await {
            tracing::error!(%error, "the clockwork did not end well");
        }
        if let Err(problem) = self.live.keep_snapshot().await {
            tracing::warn!(?problem, "no snapshot of the state was kept; the next start takes longer");
        }
        self.live.store.close().await;
        Ok(())
    }
}

/// Open a data folder's store and event log and fold its journal, without serving.
pub async fn open(config: Config, clock: Clock) -> Result<Live, StartError> {
    config.check()?;
    let data_dir = DataDir::at(&config.data_dir)?;
    data_dir.allow_time_scale(config.time_scale)?;
    let location = match &config.database {
        Some(url) => url.parse()?,
        None => Location::folder(data_dir.path()),
    };
    let store = Store::open(&location).await?;
    let events = Arc::new(EventLog::open(&data_dir.events(), tenure_events::Config::default()).await?);
    let settings = Settings { memory_bytes_max: config.analysis_memory_mib_max << 20, ..Settings::default() };
    let engine = Embedded::new(Arc::clone(&events), settings).map_err(StartError::Engine)?;
    let setup_code = secret::generate("").map_err(StartError::Random)?;
    Ok(Live::open(config, clock, store, events, Box::new(engine), setup_code).await?)
}
