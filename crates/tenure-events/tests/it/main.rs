//! The event log from outside: what is acknowledged, what is found again, after whatever happened.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in tests a panic is the answer, also in what they share"
)]

mod child;
// The disk that forgets belongs to the simulator, which stands above this crate; one file serves both.
#[path = "../../../tenure-sim/src/disk.rs"]
mod disk;
mod world;

mod append;
mod crash;
mod file;
mod maintain;
mod seal;
mod torn;
mod wire;
