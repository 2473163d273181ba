//! The whole process, driven from outside.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and so does what it calls"
)]

mod boards;
mod books;
mod calendars;
mod deputies;
mod dice;
mod document;
mod golden;
mod intake;
mod laws;
mod lineage;
mod narration;
mod notifications;
mod refusals;
mod rollouts;
mod runs;
mod scenarios;
mod town;
mod views;
mod waiting;
mod weighing;
