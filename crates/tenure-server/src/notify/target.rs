//! Where messages are posted to: an HTTP client that reaches only what it may.
//!
//! An address is given by a person and called by the server, so it must not reach what only the server can: loopback,
//! private and link-local networks, cloud metadata. A host name is checked when it is resolved, so that a name cannot change
//! its mind between the check and the call. Redirects are not followed, proxies of the environment are not asked, and of an
//! answer only its beginning is read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use tenure_store::Confidential;

/// How long a receiver may take, from the first byte sent to the last one read.
const PATIENCE: Duration = Duration::from_secs(15);
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// How much of an answer is read.
const ANSWER_BYTES_MAX: usize = 2_048;
/// How much of it is kept.
const SAID_CHARS_MAX: usize = 200;

/// A client for addresses that people gave.
#[derive(Debug)]
pub struct Target {
    http: Result<reqwest::Client, String>,
    private_allowed: bool,
}

/// An address that nothing is posted to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// Not an address of the web.
    #[error("it is no http:// or https:// address")]
    NotWeb,
    /// A name and password in the address.
    #[error("it carries a name or password before the host; leave them out, requests are signed")]
    Credentials,
    /// An address of a network that only the server reaches.
    #[error(
        "{0} is a private, loopback or link-local address; `notify.private_addresses_allowed` in the configuration allows them"
    )]
    Private(IpAddr),
}

/// A post that did not arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotPosted {
    /// What went wrong, without the address.
    pub said: String,
    /// Whether the receiver says that it is gone for good.
    pub gone: bool,
}

impl Target {
    /// A client; with `private_allowed` it also reaches private, loopback and link-local addresses.
    pub fn new(private_allowed: bool) -> Self {
        // The process may have a provider already: the first one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT_PATIENCE)
            .timeout(PATIENCE)
            .redirect(Policy::none())
            .no_proxy()
            .user_agent(concat!("tenure/", env!("CARGO_PKG_VERSION")));
        if !private_allowed {
            http = http.dns_resolver(Arc::new(PublicOnly));
        }
        let http = http.build().map_err(|error| format!("no HTTP client: {error}"));
        Self { http, private_allowed }
    }

    /// The address, if it may be posted to as far as it tells by itself.
    pub fn check(&self, url: &str) -> Result<Url, BadTarget> {
        let url: Url = url.trim().parse().map_err(|_| BadTarget::NotWeb)?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(BadTarget::NotWeb);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadTarget::Credentials);
        }
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        match host.parse::<IpAddr>() {
            Ok(address) if !self.private_allowed && !is_public(address) => Err(BadTarget::Private(address)),
            _ if !self.private_allowed && is_local_name(host) => {
                Err(BadTarget::Private(IpAddr::V4(Ipv4Addr::LOCALHOST)))
            }
            _ => Ok(url),
        }
    }

    /// Post JSON. What the receiver answered, when that was a success.
    pub async fn post(
        &self,
        url: &Confidential,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<String, NotPosted> {
        let failed = |said: String| NotPosted { said, gone: false };
        let http = self.http.as_ref().map_err(|error| failed(error.clone()))?;
        let url = self.check(url.reveal()).map_err(|error| failed(error.to_string()))?;
        let mut request = http.post(url).header("content-type", "application/json").body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let response = request.send().await.map_err(|error| failed(cause(error)))?;
        let status = response.status();
        let answer = beginning(response).await;
        if status.is_success() {
            return Ok(status.to_string());
        }
        let said = if answer.is_empty() { status.to_string() } else { format!("{status}: {answer}") };
        Err(NotPosted { said, gone: status == reqwest::StatusCode::GONE })
    }
}

/// The first characters of an answer. Reading stops there, however much there is.
async fn beginning(mut response: reqwest::Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk[..chunk.len().min(ANSWER_BYTES_MAX - bytes.len())]);
        if bytes.len() >= ANSWER_BYTES_MAX {
            break;
        }
    }
    said(&String::from_utf8_lossy(&bytes))
}

/// An answer as it is kept: one line, not long.
pub fn said(answer: &str) -> String {
    answer.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SAID_CHARS_MAX).collect()
}

/// The innermost cause, which says more than "error sending request"; never the address.
fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if error.is_timeout() { "no answer in time".to_owned() } else { said(&cause.to_string()) }
}

/// Resolves names to public addresses only.
#[derive(Debug)]
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // One private address among public ones is enough to be refused: the next connection may choose it.
            match found.iter().find(|address| !is_public(address.ip())) {
                Some(private) => Err(Box::new(BadTarget::Private(private.ip())) as _),
                None => Ok(Box::new(found.into_iter()) as Addrs),
            }
        })
    }
}

fn is_local_name(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

/// Whether an address is one of the internet at large.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Special-purpose blocks: IANA IPv4 Special-Purpose Address Registry.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (18..20).contains(&b))
        || (a, b, c) == (192, 0, 0))
}

/// Special-purpose blocks: IANA IPv6 Special-Purpose Address Registry. An address that carries an IPv4 one is as public as
/// that.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let carried = match segments {
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] => Some((high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some((high, low)),
        [0x2002, high, low, ..] => Some((high, low)),
        _ => None,
    };
    if let Some((high, low)) = carried {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    // Global unicast is 2000::/3, less documentation.
    segments[0] & 0xe000 == 0x2000 && !(segments[0] == 0x2001 && segments[1] == 0x0db8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_internet_at_large_is_public() {
        let check = |address: &str, public: bool| {
            assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
        };
        for public in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "192.0.1.1", "2606:4700::1", "::ffff:8.8.8.8"]
        {
            check(public, true);
        }
        for private in [
            "127.0.0.1",
            "127.8.8.8",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "0.1.2.3",
            "198.18.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001:db8::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
        ] {
            check(private, false);
        }
    }

    #[test]
    fn an_address_is_refused_before_it_is_called() {
        let target = Target::new(false);
        let check = |url: &str, expected: Option<BadTarget>| {
            assert_eq!(target.check(url).err(), expected, "{url}");
        };
        check("https://hooks.example.org/in?key=1", None);
        check("ftp://example.org/", Some(BadTarget::NotWeb));
        check("/in", Some(BadTarget::NotWeb));
        check("file:///etc/passwd", Some(BadTarget::NotWeb));
        check("https://ana:secret@example.org/", Some(BadTarget::Credentials));
        check("http://127.0.0.1/", Some(BadTarget::Private("127.0.0.1".parse().unwrap())));
        check("http://2130706433/", Some(BadTarget::Private("127.0.0.1".parse().unwrap())));
        check("http://0x7f.1/", Some(BadTarget::Private("127.0.0.1".parse().unwrap())));
        check("http://[::1]:8080/", Some(BadTarget::Private("::1".parse().unwrap())));
        check("http://localhost:8080/", Some(BadTarget::Private("127.0.0.1".parse().unwrap())));
        assert!(Target::new(true).check("http://localhost:8080/").is_ok());
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_when_it_is_resolved() {
        let resolve = PublicOnly.resolve("localhost".parse().unwrap());
        let refused = resolve.await.err().unwrap().to_string();
        assert!(refused.contains("private, loopback or link-local"), "{refused}");
    }
}
