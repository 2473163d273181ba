//! What a server is told at start: every key, its default and its limits, checked before anything is opened.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event_store::EventStore;
use crate::listener::FlagListener;
use crate::notify::Notify;
use crate::notify::mail::Smtp;
use crate::tls::Tls;

/// The configuration of a server. Read from a TOML file; the command line's flags stand above it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where journal (unless `database` is set), event log and lock live.
    pub data_dir: PathBuf,
    /// The address and port of the one listener.
    pub listen: SocketAddr,
    /// TLS of the one listener; in the clear without it.
    pub tls: Tls,
    /// Further ports that serve flags and nothing else.
    pub flag_listeners: Vec<FlagListener>,
    /// Attributes that stand in every evaluation's context, above the caller's own.
    pub flag_context: BTreeMap<String, Value>,
    /// How many evaluations a second one credential may ask for; 0 sets no limit.
    pub evaluations_per_second_max: u32,
    /// A `postgres://` URL for the journal and accounts; SQLite in `data_dir` when absent.
    pub database: Option<String>,
    /// Where browsers and clients reach this server; `http://LISTEN` when absent.
    pub public_url: Option<String>,
    /// How many times faster than the wall's clock time passes. Anything but 1 needs a demo's folder.
    pub time_scale: f64,
    /// The largest body of an ingest request, after decompression.
    pub ingest_body_bytes_max: usize,
    /// The largest body of any other request.
    pub body_bytes_max: usize,
    /// The most events of one ingest request.
    pub ingest_events_max: usize,
    /// Memory for one look's queries, in MiB.
    pub analysis_memory_mib_max: usize,
    /// The most units whose exposure is remembered so that it is recorded once.
    pub exposures_remembered_max: usize,
    /// The most requests served at once; more are answered 503 with a retry time.
    pub requests_in_flight_max: usize,
    /// The most streams that follow flags at once; more are told to come back.
    pub flag_streams_max: usize,
    /// Origins of web applications that may evaluate flags and send events from a browser (CORS). `*` allows all.
    pub cors_origins: Vec<String>,
    /// Mark session cookies `Secure`. Turn on where there is TLS in front.
    pub secure_cookies: bool,
    /// Show the status page to whoever reaches the server.
    pub status_page_public: bool,
    /// Where sealed events live and how long they are kept.
    pub events: EventStore,
    /// The mail server.
    pub smtp: Smtp,
    /// Webhooks and messages.
    pub notify: Notify,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("tenure-data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 8016)),
            tls: Tls::default(),
            flag_listeners: Vec::new(),
            flag_context: BTreeMap::new(),
            evaluations_per_second_max: 0,
            database: None,
            public_url: None,
            time_scale: 1.0,
            ingest_body_bytes_max: 16 << 20,
            body_bytes_max: 1 << 20,
            ingest_events_max: 10_000,
            analysis_memory_mib_max: 256,
            exposures_remembered_max: 1_000_000,
            requests_in_flight_max: 4_096,
            flag_streams_max: 10_000,
            cors_origins: Vec::new(),
            secure_cookies: false,
            status_page_public: false,
            events: EventStore::default(),
            smtp: Smtp::default(),
            notify: Notify::default(),
        }
    }
}

/// Every key with what it is for, for the reference page and the command's help.
pub const KEYS: &[(&str, &str)] = &[
    (
        "data_dir",
        "Where the journal (unless `database` is set) and the event log live; held by one process at a time",
    ),
    ("listen", "The address and port of the one listener"),
    (
        "tls.cert_file",
        "A PEM file of the listener's certificate and those between it and its authority; in the clear without it",
    ),
    ("tls.key_file", "A PEM file of the certificate's private key"),
    (
        "tls.client_ca_file",
        "A PEM file of the authority whose certificates clients must show; they need none without it",
    ),
    (
        "flag_listeners",
        "Further ports for flags alone (OFREP and flagd), each `{listen, credential, environment, tls}`: flagd's clients expect 8013, 8015 and 8016. `credential` is `token`; `certificate`, one of `tls.client_ca_file`; or `none`, on a private address, for clients that cannot send a token",
    ),
    (
        "flag_context",
        "Attributes that stand in every evaluation's context, above the caller's own, such as a region",
    ),
    (
        "evaluations_per_second_max",
        "How many evaluations a second one credential may ask for; over it 429 with a retry time; 0 sets no limit",
    ),
    ("database", "A `postgres://` URL for the journal and accounts; SQLite in `data_dir` without it"),
    ("public_url", "Where browsers and clients reach this server; `http://LISTEN` without it"),
    (
        "time_scale",
        "How many times faster than the wall's clock time passes; anything but 1 needs a demo's folder",
    ),
    (
        "ingest_body_bytes_max",
        "The largest body of an ingest request, in bytes after decompression; over it 413",
    ),
    ("body_bytes_max", "The largest body of any other request, in bytes; over it 413"),
    ("ingest_events_max", "The most events of one ingest request"),
    ("analysis_memory_mib_max", "Memory for one look's queries, in MiB"),
    ("exposures_remembered_max", "The most units whose exposure is remembered, so that it is recorded once"),
    ("requests_in_flight_max", "The most requests served at once; over it 429 with a retry time"),
    (
        "flag_streams_max",
        "The most streams that follow flags at once (server-sent events, flagd's events and sync); over it they are told to come back",
    ),
    (
        "cors_origins",
        "Origins of web applications that may evaluate flags and send events from a browser; `*` allows all",
    ),
    ("secure_cookies", "Mark session cookies `Secure`; turn it on where there is TLS in front"),
    (
        "status_page_public",
        "Show the status page at `/status` to whoever reaches the server; stages and numbers, nothing that people wrote",
    ),
    (
        "events.store",
        "A bucket for sealed events, `s3://BUCKET/PREFIX`, used by this server alone; the data folder without it. What waits to be sealed is always in the data folder",
    ),
    ("events.endpoint", "The address of a server that speaks S3; Amazon's without it"),
    ("events.region", "Its region; `AWS_REGION` without it"),
    ("events.access_key_id", "The name of the key; `AWS_ACCESS_KEY_ID`, or the machine's role, without it"),
    ("events.secret_access_key", "The key; keep the file readable by the server only"),
    (
        "events.retention_days",
        "Events are removed when they are older than this many days; longer than any rollout lasts, or 0 to keep them",
    ),
    ("smtp.host", "The mail server; no mail is sent without it"),
    ("smtp.port", "Its port; 587 with STARTTLS, 465 with TLS and 25 in the clear, without it"),
    ("smtp.security", "`starttls`, `tls`, or `none` for a server on this machine"),
    ("smtp.from", "Whom mail comes from, such as `Tenure <tenure@example.com>`"),
    ("smtp.user", "The name to sign in with, if the mail server wants one"),
    ("smtp.password", "The password that goes with it; keep the file readable by the server only"),
    ("smtp.ca_file", "A PEM file of a certificate authority of your own to trust beside the public ones"),
    (
        "notify.private_addresses_allowed",
        "Let webhooks and chats be on private, loopback or link-local addresses",
    ),
    ("notify.give_up_days", "Days of failure after which a webhook is disabled and a message given up"),
];

/// The reference page of the configuration, in Markdown.
pub fn reference_page() -> String {
    let mut page = String::from(
        "# Configuration\n\nKeys of the TOML file given with `tenure serve --config FILE`. A flag of `tenure serve` stands above the file. \
         A value that cannot be used stops the start with one message that names its key.\n\n| key | default | meaning |\n|---|---|---|\n",
    );
    let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
    for (key, meaning) in KEYS {
        let default = match &at(&defaults, key) {
            Value::Null => "-".to_owned(),
            value => format!("`{value}`"),
        };
        page.push_str(&format!("| `{key}` | {default} | {meaning} |\n"));
    }
    page
}

/// The value at a key such as `smtp.host`, which stands in the table `[smtp]` of the file.
fn at(defaults: &Value, key: &str) -> Value {
    key.split('.').fold(defaults.clone(), |table, name| table[name].clone())
}

/// A key whose value cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {detail}")]
pub struct ConfigError {
    /// The key.
    pub key: &'static str,
    /// What is wrong and what would be right.
    pub detail: String,
}

impl Config {
    /// Check every value that a type alone does not.
    pub fn check(&self) -> Result<(), ConfigError> {
        let refuse = |key, detail: String| Err(ConfigError { key, detail });
        if let Some(url) = &self.database
            && !(url.starts_with("postgres://") || url.starts_with("postgresql://"))
        {
            return refuse(
                "database",
                "use a postgres:// URL, or leave it out for SQLite in data_dir".into(),
            );
        }
        if let Some(url) = &self.public_url
            && !(url.starts_with("http://") || url.starts_with("https://"))
        {
            return refuse("public_url", format!("{url:?} does not start with http:// or https://"));
        }
        if !(1.0..=1e6).contains(&self.time_scale) {
            return refuse("time_scale", format!("{} is not between 1 and 1000000", self.time_scale));
        }
        for (key, value, least) in [
            ("ingest_body_bytes_max", self.ingest_body_bytes_max, 1 << 10),
            ("body_bytes_max", self.body_bytes_max, 1 << 10),
            ("ingest_events_max", self.ingest_events_max, 1),
            ("analysis_memory_mib_max", self.analysis_memory_mib_max, 64),
            ("exposures_remembered_max", self.exposures_remembered_max, 1_000),
            ("requests_in_flight_max", self.requests_in_flight_max, 16),
            ("flag_streams_max", self.flag_streams_max, 1),
            ("notify.give_up_days", self.notify.give_up_days as usize, 1),
        ] {
            if value < least {
                return refuse(key, format!("{value} is too small; at least {least}"));
            }
        }
        if let Some(origin) =
            self.cors_origins.iter().find(|origin| *origin != "*" && !origin.starts_with("http"))
        {
            return refuse(
                "cors_origins",
                format!("{origin:?} is not an origin such as https://shop.example"),
            );
        }
        for listener in &self.flag_listeners {
            listener.check().or_else(|detail| refuse("flag_listeners", detail))?;
        }
        self.events.check().map_err(|(key, detail)| ConfigError { key, detail })?;
        self.smtp.mailer().map(|_| ()).map_err(|(key, detail)| ConfigError { key, detail })
    }

    /// Where clients reach this server.
    pub fn url(&self) -> String {
        match &self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("{}://{}", self.tls.scheme(), self.listen),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut Config), expect: Result<(), &str>) {
        let mut config = Config::default();
        change(&mut config);
        let got = config.check().map_err(|error| error.to_string());
        assert_eq!(got, expect.map_err(str::to_owned));
    }

    #[test]
    fn every_key_is_documented() {
        let Value::Object(defaults) = serde_json::to_value(Config::default()).unwrap() else {
            panic!("a configuration is an object");
        };
        let mut keys: Vec<String> = Vec::new();
        for (key, value) in &defaults {
            match value.as_object() {
                Some(table) if !table.is_empty() => {
                    keys.extend(table.keys().map(|name| format!("{key}.{name}")))
                }
                _ => keys.push(key.clone()),
            }
        }
        keys.sort_unstable();
        let mut documented: Vec<&str> = KEYS.iter().map(|(key, _)| *key).collect();
        documented.sort_unstable();
        assert_eq!(documented, keys);
    }

    #[test]
    fn a_bad_value_is_named_by_its_key() {
        check(|_| {}, Ok(()));
        check(
            |config| config.database = Some("mysql://x".into()),
            Err("database: use a postgres:// URL, or leave it out for SQLite in data_dir"),
        );
        check(|config| config.time_scale = 0.5, Err("time_scale: 0.5 is not between 1 and 1000000"));
        check(|config| config.ingest_events_max = 0, Err("ingest_events_max: 0 is too small; at least 1"));
        check(
            |config| config.public_url = Some("tenure.example".into()),
            Err("public_url: \"tenure.example\" does not start with http:// or https://"),
        );
        check(
            |config| config.smtp.host = Some("mail.example".into()),
            Err("smtp.from: say whom mail comes from, such as `Tenure <tenure@example.com>`"),
        );
        check(
            |config| config.notify.give_up_days = 0,
            Err("notify.give_up_days: 0 is too small; at least 1"),
        );
    }

    #[test]
    fn a_password_is_read_and_never_written() {
        let config: Smtp =
            serde_json::from_str(r#"{"host": "mail.example", "password": "hunter2"}"#).unwrap();
        assert_eq!(config.password.as_ref().map(|password| password.reveal()), Some("hunter2"));
        let shown = format!("{config:?} {}", serde_json::to_string(&config).unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
