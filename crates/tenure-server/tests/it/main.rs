//! The real server on a real port, spoken to over HTTP.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod commands;
mod events;
mod flags;
mod invitations;
mod notifications;
mod permissions;
mod server;
mod sessions;
