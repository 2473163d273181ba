//! The coverage-guided fuzz target: bytes become moments, and every entry point must answer with numbers or words.

#![no_main]

#[path = "../../tests/it/total.rs"]
mod total;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| total::check(bytes));
