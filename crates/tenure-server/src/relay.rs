//! A relay: a read-only node that serves flags from what an upstream server tells it, and goes on while that is away.
//!
//! It evaluates like a server, since both are a [`FlagNode`]; it knows nothing of cases, people or decisions. What units
//! meet and do here waits on disk until the upstream has it.

mod followed;
pub mod message;
mod outbox;
mod upstream;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::auth::{Links, Tokens};
use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::data_dir::{DataDir, DataDirError};
use crate::event_sink::EventSink;
use crate::flag_node::FlagNode;
use crate::http;
use crate::listener::{ListenError, Listener};
use crate::server::open_flag_listeners;
use crate::telemetry::{RelayGauges, Telemetry};

use followed::{Followed, TakeError};
use message::Message;
pub use outbox::{Outbox, OutboxError};
use upstream::Upstream;

/// Where a relay's upstream is, and what proves to it who asks: a token with the scopes `sync` and `ingest`.
#[derive(Clone)]
pub struct UpstreamConfig {
    /// Its address, such as `https://tenure.example.com`.
    pub url: String,
    /// The token.
    pub token: String,
}

/// A running relay.
pub struct Relay {
    heart: Arc<Heart>,
    addr: SocketAddr,
    flag_addrs: Vec<SocketAddr>,
    stopping: watch::Sender<bool>,
    working: JoinSet<()>,
}

/// What a relay serves and what it was told, shared by its handlers and its conversations.
pub struct Heart {
    /// What serves flags.
    pub node: Arc<FlagNode>,
    /// What waits for the upstream.
    pub outbox: Arc<Outbox>,
    /// What the upstream told.
    pub(crate) followed: Followed,
    gauges: RelayGauges,
    connected: AtomicBool,
}

/// Why a relay did not start.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data folder cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// What it was told, or what waits, cannot be read.
    #[error("data_dir {path}: {source}")]
    Kept {
        /// The folder.
        path: String,
        /// What is wrong.
        source: std::io::Error,
    },
    /// A listener cannot be opened.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The upstream cannot be spoken to at all.
    #[error("upstream: {0}")]
    Upstream(#[from] reqwest::Error),
}

impl Heart {
    /// How old what is served may be: seconds since the upstream was heard. None before it was ever heard.
    pub fn age_s(&self) -> Option<i64> {
        let heard_at = self.followed.heard_at()?;
        Some(self.node.clock.now().duration_since(heard_at).as_secs().max(0))
    }

    /// Is the upstream followed at this moment?
    pub fn hears(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    /// The counters as they are now, in the text format.
    pub fn metrics(&self) -> Result<String, std::fmt::Error> {
        self.gauges.set(self.age_s(), self.hears(), self.outbox.events());
        self.node.telemetry.text()
    }

    fn take(&self, message: Message) -> Result<(), TakeError> {
        self.connected.store(true, Ordering::Relaxed);
        let now: Timestamp = self.node.clock.now();
        self.followed.take(&self.node, message, now)
    }

    fn is_alone(&self) {
        self.connected.store(false, Ordering::Relaxed);
    }
}

impl Relay {
    /// Open what was kept, serve it, and follow the upstream.
    ///
    /// # Errors
    /// The configuration is wrong, or a folder or port cannot be used. An upstream that is away is no error.
    pub async fn start(config: Config, upstream: &UpstreamConfig, clock: Clock) -> Result<Self, RelayError> {
        config.check()?;
        if !(upstream.url.starts_with("http://") || upstream.url.starts_with("https://")) {
            let detail = format!("{:?} does not start with http:// or https://", upstream.url);
            return Err(ConfigError { key: "upstream", detail }.into());
        }
        // The process may have a provider already: the first one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let data_dir = DataDir::at(&config.data_dir)?;
        let kept = |source| RelayError::Kept { path: data_dir.path().display().to_string(), source };
        let followed = Followed::open(data_dir.path()).map_err(kept)?;
        let outbox = Arc::new(Outbox::open(&outbox_of(data_dir.path())).map_err(kept)?);
        let (telemetry, gauges) = Telemetry::of_relay();
        let node = FlagNode::new(
            config.clone(),
            clock,
            telemetry,
            Tokens::told(),
            Links::under(stream_key(&upstream.token), "flag-stream"),
            EventSink::Outbox(Arc::clone(&outbox)),
        );
        followed.serve_all(&node);
        let listener = Listener::open(config.listen, &config.tls, None).await?;
        let addr = listener.addr();
        node.listens_on(addr);
        let flag_listeners = open_flag_listeners(&config.flag_listeners).await?;
        let flag_addrs = flag_listeners.iter().map(Listener::addr).collect();
        let heart = Arc::new(Heart {
            node: Arc::new(node),
            outbox,
            followed,
            gauges,
            connected: AtomicBool::new(false),
        });
        let (stopping, stopped) = watch::channel(false);
        let mut working = JoinSet::new();
        working.spawn(listener.serve(http::relay_router(Arc::clone(&heart)), stopped.clone()));
        for listener in flag_listeners {
            working.spawn(listener.serve(http::flag_router(Arc::clone(&heart.node)), stopped.clone()));
        }
        let upstream = Upstream::new(&upstream.url, &upstream.token)?;
        working.spawn(upstream.clone().follow(Arc::clone(&heart), stopped.clone()));
        working.spawn(upstream.send(Arc::clone(&heart), stopped));
        Ok(Self { heart, addr, flag_addrs, stopping, working })
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
        self.heart.node.url()
    }

    /// Take no new request, let the ones in flight end. What waits for the upstream stays on disk.
    pub async fn stop(self) {
        self.stopping.send_replace(true);
        self.heart.node.end_streams();
        self.working.join_all().await;
    }
}

fn outbox_of(data_dir: &Path) -> std::path::PathBuf {
    data_dir.join("outbox")
}

/// Relays with the same token sign the addresses of event streams alike: a client may come back to another one.
fn stream_key(token: &str) -> [u8; 32] {
    Sha256::new().chain_update(b"tenure relay stream\n").chain_update(token).finalize().into()
}
