//! The event log from outside: what is acknowledged, what is found again.

mod world;

mod append;
