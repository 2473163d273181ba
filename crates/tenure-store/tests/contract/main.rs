//! What every store keeps, on SQLite and on PostgreSQL: one suite, run against both.
//!
//! A test is a function of a [`Place`](place::Place); `contract!` runs it on a fresh one of either database.
//! What only a data folder has (its lock, its file, its backup) is in `folder.rs`.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "these are tests")]

mod account;
mod blob;
mod child;
mod crash;
mod folder;
mod journal;
mod lease;
mod notification;
mod place;
mod postgres;
mod receipt;
mod snapshot;
mod tamper;
mod token;
