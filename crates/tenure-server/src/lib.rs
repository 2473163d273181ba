//! The live system: the journal's fold in memory, the clockwork, and everything HTTP.
//!
//! It wires the other crates together and adds nothing to what they know: what may be done is decided by `tenure-core`,
//! what a flag answers by `tenure-flags`, what an effect is by `tenure-stats`. It knows nothing about the command line.
//!
//! Start reading at [`live`] (how a command becomes entries), [`http`] (the routes) and [`clockwork`] (what happens by itself).

mod attachment;
mod audit;
pub mod auth;
mod changed_flags;
pub mod clock;
pub mod clockwork;
mod confidential;
pub mod config;
pub mod data_dir;
mod event_sink;
pub mod event_store;
mod exposure;
mod flag_document;
mod flag_evaluations;
mod flag_node;
mod flag_snapshot;
mod flagd;
pub mod http;
mod ingest;
mod key_list;
pub mod listener;
pub mod live;
mod look;
pub mod notify;
mod otlp;
pub mod problem;
mod rate;
pub mod relay;
mod selector;
mod server;
mod shift;
mod telemetry;
mod text;
pub mod tls;
mod world;

pub use clock::{Clock, wall_now};
pub use config::Config;
pub use live::{Live, Submission};
pub use relay::{Relay, RelayError, UpstreamConfig};
pub use server::{Server, StartError, open};
pub use world::ReplayError;

/// The description of the API, as `openapi.json` holds it.
pub fn openapi_json() -> Result<String, http::schema::NamesTaken> {
    http::openapi().map(|described| format!("{described:#}\n"))
}
