//! A thousand rollouts of the whole system, and a few through a whole server.

use rayon::prelude::*;
use tenure_sim::system::{Setting, Story, Tally, simulate, simulate_served};

use crate::seeds::seeds;

/// `TENURE_SYSTEM_SEED=17` replays one rollout, `TENURE_SYSTEM_SEEDS` sets how many.
fn tally(setting: Setting, usual: u64) -> Tally {
    let seeds = seeds("TENURE_SYSTEM_SEED", usual);
    let stories: Vec<Story> = seeds
        .into_par_iter()
        .map(|seed| simulate(setting, seed).unwrap_or_else(|broken| panic!("{broken}")))
        .collect();
    let tally = Tally::of(setting, &stories);
    let promise = tally.promise();
    println!(
        "{}: {} of {} {}, promised {} {}; {:?}, {} looks, {} restarts",
        setting.name(),
        promise.counted,
        promise.of,
        promise.what,
        if promise.at_most { "at most" } else { "at least" },
        promise.promised,
        tally.ended,
        tally.looks,
        tally.restarts,
    );
    if promise.of > 1 {
        assert!(promise.held(), "{promise:?} in {tally:?}");
        assert!(tally.restarts > 0, "no node restarted");
    }
    tally
}

#[test]
fn what_does_nothing_is_seldom_kept() {
    tally(Setting::Nothing, 1_000);
}

#[test]
fn what_harms_is_stopped_before_half_of_the_customers_meet_it() {
    tally(Setting::Harmful, 1_000);
}

#[test]
fn what_does_as_promised_is_kept() {
    tally(Setting::AsPromised, 200);
}

#[test]
fn a_rollout_is_the_same_again() {
    assert_eq!(simulate(Setting::Nothing, 3), simulate(Setting::Nothing, 3));
}

/// `TENURE_SERVED_SEED=1` replays one, `TENURE_SERVED_SEEDS` sets how many.
#[test]
fn a_whole_server_sees_what_its_customers_did() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for seed in seeds("TENURE_SERVED_SEED", 2) {
        let setting = Setting::ALL[seed as usize % 2];
        let folder = tempfile::tempdir().unwrap();
        let story = runtime.block_on(simulate_served(setting, seed, folder.path()));
        let story = story.unwrap_or_else(|broken| panic!("{broken}"));
        println!("{}: {story:?}", setting.name());
        assert!(story.compared > 0 && story.compared == story.looks, "{story:?}");
    }
}
