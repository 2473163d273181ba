//! Synthetic customers and companies: what drives the demo and the whole-system tests. And [`proof`]: the statistics,
//! shown to keep their error by simulation.
//!
//! It plays the world outside: people who give commands ([`company`]), customers who meet a flag and act
//! ([`population`], [`traffic`]). Time is a stepped or a fast [`tenure_server::Clock`]; chance comes from a seed. It knows nothing about
//! the command line.

pub mod company;
pub mod population;
pub mod proof;
pub mod traffic;
