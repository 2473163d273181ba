//! Virtual clock, synthetic populations. Drives demo traffic and whole-system tests.
