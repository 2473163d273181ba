//! The event log from outside: what is acknowledged, what is found again, after whatever happened.

mod child;
mod faulty;
mod world;

mod append;
mod crash;
mod maintain;
mod seal;
mod torn;
mod wire;
