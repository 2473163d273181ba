//! What the crate promises to its callers, on files that nobody here wrote and on random event logs.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a test says what it skipped")]

mod bad_files;
mod cohorts;
mod contract;
mod looks;
mod options;
mod published_files;
mod reference;
mod small_files;
