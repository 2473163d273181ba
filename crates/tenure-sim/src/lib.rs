//! Synthetic customers and companies: what drives the demo and the whole-system tests. And what is proved by simulation:
//! the statistics ([`proof`]), the event log on a disk that forgets ([`crash`]), the system as a whole ([`system`]).
//!
//! It plays the world outside: people who give commands ([`company`]), customers who meet a flag and act
//! ([`population`], [`traffic`]), a disk and an object store that fail ([`disk`]). Time is a stepped or a fast
//! [`tenure_server::Clock`]; chance comes from a seed. It knows nothing about the command line.

mod chance;
pub mod company;
pub mod crash;
pub mod disk;
pub mod population;
pub mod proof;
pub mod system;
pub mod traffic;
pub mod written;
