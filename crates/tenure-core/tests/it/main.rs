//! The whole process, driven from outside.

mod golden;
mod laws;
mod refusals;
mod rollouts;
mod scenarios;
mod town;
mod views;
