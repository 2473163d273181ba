//! What no single module shows: that every entry point answers any moments with numbers or with words.

#![expect(clippy::panic, reason = "a test that cannot go on must fail, loudly")]

mod total;

use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_moments_give_numbers_or_words(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        total::check(&bytes);
    }
}

/// Inputs that the fuzz target found, kept.
#[test]
fn what_was_found_stays_mended() {
    for line in include_str!("found.txt").lines().filter(|line| !line.starts_with('#')) {
        let digits: Vec<u8> = line.bytes().filter(u8::is_ascii_hexdigit).collect();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        total::check(&digits.chunks_exact(2).map(byte).collect::<Vec<u8>>());
    }
}
