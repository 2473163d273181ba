//! Lineage and re-runs: what kept cases add up to, and what a parent says about its child.

use tenure_core::State;
use tenure_core::baseline::{self, Cumulative};
use tenure_core::scenario::run_one;

const LINEAGE: &str = include_str!("../../../../scenarios/lineage.json");
const RERUNS: &str = include_str!("../../../../scenarios/reruns.json");

fn after(file: &str, id: &str) -> State {
    let (outcome, world) = run_one(file, id).unwrap().unwrap();
    assert!(outcome.passed, "{outcome:?}");
    world.state
}

fn near(got: f64, expected: f64, tolerance: f64) {
    assert!((got - expected).abs() <= tolerance, "{got} is not {expected}");
}

/// What each rollout delivered, and what the level did between two of them, add up to the whole.
fn parts_add_up(chain: &Cumulative) {
    let parts = chain.links.iter().flat_map(|link| [link.delivered, link.moved_before]);
    let sum: f64 = parts.flatten().map(|change| change.difference).sum();
    near(sum, chain.difference, 1e-12);
    assert!(chain.links.first().is_some_and(|first| first.moved_before.is_none()));
}

#[test]
fn a_surface_has_one_chain_a_metric() {
    let state = after(LINEAGE, "L01");
    assert_eq!(baseline::surfaces(&state), ["boards/invite"]);
    let surface = baseline::of_surface(&state, "boards/invite");
    let [chain] = &surface.chains[..] else { panic!("{surface:?}") };
    assert_eq!(chain.links.len(), 3);
    // 11.90 % in the first control, 15.00 % in the last treatment.
    near(chain.difference, 0.031_004, 1e-6);
    near(chain.interval[0], 0.026_407, 1e-6);
    near(chain.interval[1], 0.035_602, 1e-6);
    parts_add_up(chain);
    let won: f64 =
        state.experiments.values().filter_map(|one| one.judged.absolute).map(|one| one.estimate).sum();
    assert!((won - chain.difference).abs() > 1e-3, "never the sum of what the experiments won");
    assert!(baseline::of_surface(&state, "elsewhere").chains.is_empty());
}

#[test]
fn another_metric_is_another_chain() {
    let state = after(LINEAGE, "L03");
    let surface = baseline::of_surface(&state, "boards/invite");
    let links: Vec<(&str, usize)> =
        surface.chains.iter().map(|chain| (chain.metric.name.as_str(), chain.links.len())).collect();
    assert_eq!(links, [("minutes", 1), ("primary", 2)]);
    surface.chains.iter().for_each(parts_add_up);
    let second = baseline::cumulative(&state, &state.cases["PC-2"]).unwrap();
    assert_eq!(second.apart[0].case.as_str(), "PC-1");
    near(second.difference, 0.25, 1e-9);
}

#[test]
fn what_is_removed_is_gone_and_the_rest_still_adds_up() {
    let state = after(LINEAGE, "L02");
    let chain = baseline::cumulative(&state, &state.cases["PC-3"]).unwrap();
    assert_eq!(chain.gone.iter().map(ToString::to_string).collect::<Vec<_>>(), ["PC-2"]);
    parts_add_up(&chain);
    assert_eq!(baseline::of_surface(&state, "boards/invite").chains[0].links, chain.links);
}

/// The parent counts with less than its information, because a variation is not the parent. The figures were reckoned
/// apart, by quadrature of the conditional likelihood.
#[test]
fn a_parent_is_a_prior_of_its_rerun() {
    let state = after(RERUNS, "R01");
    let prior = state.experiments["EXP-2"].prior.clone().unwrap();
    assert_eq!(prior.parent.as_str(), "EXP-1");
    near(prior.parent_effect, 0.094_581_772, 1e-7);
    near(prior.parent_se, 0.019_503_295, 1e-7);
    near(prior.weight, 0.404_879_6, 1e-6);
    near(prior.child_effect, 0.088_837_191_3, 1e-9);
    near(prior.child_se, 0.018_906_057_7, 1e-9);
    near(prior.combined, 0.090_420_427, 1e-7);
    near(prior.combined_se, 0.016_091_209, 1e-7);
    assert_eq!(state.experiments["EXP-1"].prior, None);
    let rerun = state.cases["PC-1"].rerun().unwrap();
    assert_eq!((rerun.target_days, rerun.met), (Some(15.0), Some(true)));
}

#[test]
fn a_follow_up_on_a_kept_baseline_has_no_prior() {
    let state = after(crate::town::PROCESS, "S16");
    assert_eq!(state.experiments["EXP-40"].parent.as_ref().map(|parent| parent.as_str()), Some("EXP-1"));
    assert_eq!(state.experiments["EXP-40"].prior, None);
}
