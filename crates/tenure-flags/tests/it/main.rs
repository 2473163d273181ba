//! Flags as their users meet them: through the public API, over documents and contexts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "a test says what it skipped")]

mod allocation;
mod authoring;
mod batch;
mod change;
mod conformance;
mod definition;
mod differential;
mod evaluation;
mod fractional;
mod gherkin;
mod jsonlogic;
mod lint;
mod robustness;
mod rollout;
mod shortcut;
mod testbed;
mod trial;
