//! A port that serves a router: HTTP/1.1 and HTTP/2, with or without TLS, until it is told to stop.
//!
//! Clients of gRPC speak HTTP/2 from the first byte, also in the clear; every other one speaks what it likes. Pings are
//! answered at any rate and sent every half minute, so that a client that went away is noticed.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::flag_node::OpenDoor;
use crate::tls::{Tls, TlsError};

/// How long requests in flight may take to end after a stop was asked for.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// How long a client may take to agree on TLS.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// How long a client may take to send the head of a request.
const HEAD_MAX: Duration = Duration::from_secs(30);
/// How often a connection is asked whether its client is still there …
const PING_EVERY: Duration = Duration::from_secs(30);
/// … and how long it may take to say so.
const PONG_MAX: Duration = Duration::from_secs(20);
/// How long accepting pauses after a failure, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A further port that serves flags, and nothing but flags: OFREP and flagd.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlagListener {
    /// The address and port.
    pub listen: SocketAddr,
    /// What a caller must show.
    #[serde(default)]
    pub credential: Credential,
    /// The environment that is served to callers who show no token.
    #[serde(default = "production")]
    pub environment: String,
    /// TLS; in the clear without it.
    #[serde(default)]
    pub tls: Tls,
}

/// What a caller of a flag listener must show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Credential {
    /// A token, as everywhere else.
    #[default]
    Token,
    /// A certificate of the authority in `client_ca_file`.
    Certificate,
    /// Nothing: whoever reaches the address is served. Only a loopback or private address may be so.
    None,
}

fn production() -> String {
    crate::auth::ENVIRONMENT_DEFAULT.to_owned()
}

impl FlagListener {
    /// Check what the types alone do not.
    ///
    /// # Errors
    /// What is wrong, and what would be right.
    pub fn check(&self) -> Result<(), String> {
        match (self.credential, &self.tls.client_ca_file) {
            (Credential::None, _) if !is_private(self.listen.ip()) => Err(format!(
                "{} would serve whoever reaches it; give it a loopback or private address, or credential = \"token\" or \"certificate\"",
                self.listen
            )),
            (Credential::Certificate, None) => {
                Err(format!("{} asks for certificates; say whose with tls.client_ca_file", self.listen))
            }
            _ => Ok(()),
        }
    }

    /// What its callers may do without a token.
    pub fn door(&self) -> Option<OpenDoor> {
        match self.credential {
            Credential::Token => None,
            Credential::Certificate | Credential::None => {
                Some(OpenDoor { environment: self.environment.clone() })
            }
        }
    }
}

/// Does the address reach no further than this machine or its own network?
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            // 100.64.0.0/10 is shared by carriers, and by clouds inside a cluster.
            let shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64;
            ip.is_loopback() || ip.is_private() || ip.is_link_local() || shared
        }
        IpAddr::V6(ip) => {
            let mapped = |ip: Ipv6Addr| ip.to_ipv4_mapped().is_some_and(|ip| is_private(IpAddr::V4(ip)));
            ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local() || mapped(ip)
        }
    }
}

/// A port that is open and serves nobody yet.
pub struct Listener {
    tcp: TcpListener,
    addr: SocketAddr,
    tls: Option<TlsAcceptor>,
    door: Option<OpenDoor>,
}

/// Why a port cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The port cannot be opened.
    #[error("listen {addr} cannot be opened: {source}; is another server running there?")]
    Open {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// Its TLS cannot be used.
    #[error("tls of {addr}: {source}")]
    Tls {
        /// The address.
        addr: SocketAddr,
        /// What is wrong with it.
        source: TlsError,
    },
}

impl Listener {
    /// Open a port.
    ///
    /// # Errors
    /// The address is in use or not this machine's, or the files of its TLS cannot be used.
    pub async fn open(addr: SocketAddr, tls: &Tls, door: Option<OpenDoor>) -> Result<Self, ListenError> {
        let tls = tls.open().map_err(|source| ListenError::Tls { addr, source })?.map(TlsAcceptor::from);
        let failed = |source| ListenError::Open { addr, source };
        let tcp = TcpListener::bind(addr).await.map_err(failed)?;
        let addr = tcp.local_addr().map_err(failed)?;
        Ok(Self { tcp, addr, tls, door })
    }

    /// Its address; the port is the real one where 0 was asked for.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Does it speak TLS?
    pub fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    /// Serve until `stopped`, then let the requests in flight end, within bounds.
    pub async fn serve(self, router: Router, mut stopped: watch::Receiver<bool>) {
        let graceful = GracefulShutdown::new();
        loop {
            let accepted = tokio::select! {
                // A closed channel means that the server itself is gone: stop as well.
                _ = stopped.wait_for(|stopped| *stopped) => break,
                accepted = self.tcp.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => self.greet(stream, router.clone(), graceful.watcher()),
                Err(error) => {
                    tracing::warn!(%error, addr = %self.addr, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        // Streams of clients that do not go away end with the process.
        let _ = tokio::time::timeout(DRAIN_MAX, graceful.shutdown()).await;
    }

    fn greet(&self, stream: TcpStream, router: Router, watcher: Watcher) {
        // An answer is one small write: waiting to fill a packet only delays it.
        let _ = stream.set_nodelay(true);
        let (tls, door) = (self.tls.clone(), self.door.clone());
        tokio::spawn(async move {
            match tls {
                None => converse(stream, router, door, watcher).await,
                Some(tls) => match tokio::time::timeout(HANDSHAKE_MAX, tls.accept(stream)).await {
                    Ok(Ok(stream)) => converse(stream, router, door, watcher).await,
                    Ok(Err(error)) => tracing::debug!(%error, "a client did not agree on TLS"),
                    Err(_) => tracing::debug!("a client took too long to agree on TLS"),
                },
            }
        });
    }
}

/// Answer the requests of one connection until it ends.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    door: Option<OpenDoor>,
    watcher: Watcher,
) {
    let service = router.map_request(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        if let Some(door) = &door {
            request.extensions_mut().insert(door.clone());
        }
        request
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PONG_MAX)
        .enable_connect_protocol();
    let connection =
        builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service));
    if let Err(error) = watcher.watch(connection.into_owned()).await {
        tracing::debug!(%error, "a connection ended badly");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_private_address_may_ask_for_nothing() {
        let check = |listen: &str, private: bool| {
            let listener = FlagListener {
                listen: listen.parse().unwrap(),
                credential: Credential::None,
                environment: production(),
                tls: Tls::default(),
            };
            assert_eq!(listener.check().is_ok(), private, "{listen}");
        };
        for private in [
            "127.0.0.1:8013",
            "10.1.2.3:1",
            "192.168.0.9:1",
            "172.31.0.1:1",
            "100.64.0.1:1",
            "[::1]:1",
            "[fd00::1]:1",
        ] {
            check(private, true);
        }
        for open in [
            "0.0.0.0:8013",
            "8.8.8.8:1",
            "172.32.0.1:1",
            "100.128.0.1:1",
            "[::]:1",
            "[2001:db8::1]:1",
            "[::ffff:8.8.8.8]:1",
        ] {
            check(open, false);
        }
    }

    #[test]
    fn certificates_need_an_authority() {
        let listener: FlagListener = serde_json::from_value(serde_json::json!({
            "listen": "0.0.0.0:8015", "credential": "certificate", "environment": "staging",
        }))
        .unwrap();
        assert!(listener.check().unwrap_err().contains("tls.client_ca_file"));
        assert_eq!(listener.door().unwrap().environment, "staging");
    }
}
