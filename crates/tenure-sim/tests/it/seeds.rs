//! Which seeds a test goes through: its own, or the one that an environment variable names.

use std::ops::Range;

/// `NAME=17` replays seed 17, `NAMES=5000` goes through as many.
pub fn seeds(name: &str, usual: u64) -> Range<u64> {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    match number(name) {
        Some(seed) => seed..seed + 1,
        None => 0..number(&format!("{name}S")).unwrap_or(usual),
    }
}
