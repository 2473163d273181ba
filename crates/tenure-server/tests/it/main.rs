//! The real server on a real port, spoken to over HTTP.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod attachments;
mod bad_input;
mod bounded;
mod commands;
mod description;
mod events;
mod flag_authoring;
mod flagd;
mod flags;
mod invitations;
mod lists;
mod notifications;
mod ofrep;
mod permissions;
mod relay;
mod runs;
mod schema_check;
mod seed;
mod server;
mod sessions;
mod telemetry;
mod tls;
