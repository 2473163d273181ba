//! Thousands of crashes of the event log.

use rayon::prelude::*;
use tenure_sim::crash;

use crate::seeds::seeds;

/// `TENURE_CRASH_SEED=17` replays one history, `TENURE_CRASH_SEEDS` sets how many.
#[test]
fn thousands_of_seeded_crashes_lose_and_double_nothing() {
    let seeds = seeds("TENURE_CRASH_SEED", 1_500);
    let lived: Vec<_> = seeds
        .clone()
        .into_par_iter()
        .map(|seed| crash::live(seed).unwrap_or_else(|broken| panic!("{broken}")))
        .collect();
    let crashes: u64 = lived.iter().map(|lived| lived.crashes).sum();
    let acknowledged: u64 = lived.iter().map(|lived| lived.acknowledged).sum();
    let refused: u64 = lived.iter().map(|lived| lived.refused).sum();
    println!(
        "{crashes} crashes in {} histories; {acknowledged} events acknowledged, {refused} not",
        lived.len()
    );
    if seeds == (0..1_500) {
        assert!(crashes > 3_000, "only {crashes} crashes");
        assert!(acknowledged > 50_000 && refused > 5_000, "{acknowledged} acknowledged, {refused} not");
    }
}

#[test]
fn a_history_is_the_same_again() {
    for seed in 0..20 {
        assert_eq!(crash::live(seed), crash::live(seed));
    }
}
