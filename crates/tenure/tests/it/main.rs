//! The whole product at work: the real server, real OpenFeature clients, the command itself.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it skips"
)]

mod clients;
mod commands;
mod conformance;
mod growth_team;
mod notifications;
mod printed;
mod whole_loop;
