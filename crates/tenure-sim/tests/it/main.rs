//! What the simulator proves, in numbers that a test can wait for.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "in tests a panic is the answer"
)]

mod crash;
mod seeds;
mod system;
