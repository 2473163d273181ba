//! The real server on a real port, spoken to over HTTP.

mod commands;
mod events;
mod flags;
mod permissions;
mod server;
mod sessions;
