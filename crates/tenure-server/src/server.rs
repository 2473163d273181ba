//! A running server: everything opened in order, one listener, and a stop that drains.

use std::net::SocketAddr;
use std::sync::Arc;

use tenure_analysis::{Embedded, EngineError, Settings};
use tenure_events::EventLog;
use tenure_store::{Location, Store};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::auth::secret;
use crate::clock::Clock;
use crate::clockwork;
use crate::config::{Config, ConfigError};
use crate::data_dir::{DataDir, DataDirError};
use crate::http;
use crate::listener::{FlagListener, ListenError, Listener};
use crate::live::Live;
use crate::notify;
use crate::world::ReplayError;

/// A running server.
pub struct Server {
    live: Arc<Live>,
    addr: SocketAddr,
    flag_addrs: Vec<SocketAddr>,
    stopping: watch::Sender<bool>,
    serving: JoinSet<()>,
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
    /// A listener cannot be opened.
    #[error(transparent)]
    Listen(#[from] ListenError),
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
        let config = &live.config;
        let listener = Listener::open(config.listen, &config.tls, None).await?;
        let addr = listener.addr();
        live.node.listens_on(addr);
        let flag_listeners = open_flag_listeners(&config.flag_listeners).await?;
        let flag_addrs = flag_listeners.iter().map(Listener::addr).collect();
        let (stopping, stopped) = watch::channel(false);
        let mut serving = JoinSet::new();
        serving.spawn(listener.serve(http::router(Arc::clone(&live)), stopped.clone()));
        for listener in flag_listeners {
            serving.spawn(listener.serve(http::flag_router(Arc::clone(&live.node)), stopped.clone()));
        }
        let clockwork = tokio::spawn(clockwork::run(Arc::clone(&live), stopped));
        Ok(Self { live, addr, flag_addrs, stopping, serving, clockwork })
    }

    /// The live system behind it.
    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// The address it listens on; the port is the real one where 0 was asked for.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The addresses of the further listeners, as configured.
    pub fn flag_addrs(&self) -> &[SocketAddr] {
        &self.flag_addrs
    }

    /// Where clients reach it.
    pub fn url(&self) -> String {
        self.live.node.url()
    }

    /// The code that makes the first account, while there is none.
    pub fn setup_code(&self) -> Option<String> {
        self.live.setup_code()
    }

    /// Take no new request, let the ones in flight end, keep a snapshot, close everything.
    pub async fn stop(self) -> std::io::Result<()> {
        self.stopping.send_replace(true);
        self.live.node.end_streams();
        // Each listener bounds its own wait.
        self.serving.join_all().await;
        if let Err(error) = self.clockwork.await {
            tracing::error!(%error, "the clockwork did not end well");
        }
        self.live.keep_evaluations();
        if let Err(problem) = self.live.keep_snapshot().await {
            tracing::warn!(?problem, "no snapshot of the state was kept; the next start takes longer");
        }
        self.live.store.close().await;
        Ok(())
    }
}

/// Open the ports that serve flags alone.
pub(crate) async fn open_flag_listeners(wanted: &[FlagListener]) -> Result<Vec<Listener>, ListenError> {
    let mut open = Vec::with_capacity(wanted.len());
    for listener in wanted {
        open.push(Listener::open(listener.listen, &listener.tls, listener.door()).await?);
    }
    Ok(open)
}

/// Open the event log, and say what its last end left behind.
async fn open_events(data_dir: &DataDir, config: &Config) -> Result<EventLog, tenure_events::OpenError> {
    let (folder, bounds) = (data_dir.events(), tenure_events::Config::default());
    let events = match config.events.bucket() {
        Some(bucket) => EventLog::open_with_bucket(&folder, &bucket, bounds).await?,
        None => EventLog::open(&folder, bounds).await?,
    };
    if let Some(why) = &events.recovery().store_away {
        tracing::warn!(
            why,
            "the bucket of sealed events is away: flags are served and events are taken in; looks wait until it is back"
        );
    }
    for cut in &events.recovery().cuts {
        match &cut.kept_as {
            None => tracing::info!(
                segment = cut.segment,
                bytes = cut.bytes,
                "the torn end of a segment was cut; nothing acknowledged was in it"
            ),
            Some(kept_as) => tracing::error!(
                segment = cut.segment,
                bytes = cut.bytes,
                kept_as,
                "a segment is damaged in its middle: acknowledged events may be lost; check the disk. What is whole goes on, and the segment is kept as it was found"
            ),
        }
    }
    Ok(events)
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
    let events = Arc::new(open_events(&data_dir, &config).await?);
    let settings = Settings {
        memory_bytes_max: config.analysis_memory_mib_max << 20,
        cohorts: Some(data_dir.cohorts()),
        ..Settings::default()
    };
    let engine = Embedded::new(Arc::clone(&events), settings).map_err(StartError::Engine)?;
    let setup_code = secret::generate("").map_err(StartError::Random)?;
    Ok(Live::open(config, clock, store, events, Box::new(engine), setup_code).await?)
}
