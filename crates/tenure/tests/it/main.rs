//! The whole product at work: the real server, real OpenFeature clients, the command itself.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it skips"
)]

mod bucket;
mod certificates;
mod clients;
mod commands;
mod conformance;
mod events;
mod growth_team;
mod kill;
mod notifications;
mod printed;
mod telemetry;
mod whole_loop;
