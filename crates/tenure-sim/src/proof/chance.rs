//! Chance: every run has a generator of its own, made from the seed, what is simulated and the number of the
//! run, so that a run is the same on one thread and on many.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rand_distr::{Binomial, Distribution, StandardNormal};
use tenure_stats::normal;

use super::ProofError;

/// One run's chance. The generator is named, so that a seed means the same everywhere and for good.
pub(super) struct Chance(Xoshiro256PlusPlus);

/// From which the generators of one setting's runs are made.
#[derive(Clone, Copy)]
pub(super) struct Source(u64);

impl Source {
    /// The source of one setting of a study.
    pub(super) fn new(seed: u64, study: &str, setting: usize) -> Self {
        let named = study.bytes().fold(mix(seed), |state, byte| mix(state ^ u64::from(byte)));
        Self(mix(named ^ setting as u64))
    }

    /// The chance of one run.
    pub(super) fn of_run(self, run: u64) -> Chance {
        Chance(Xoshiro256PlusPlus::seed_from_u64(mix(self.0 ^ mix(run))))
    }
}

/// The finaliser of SplitMix64: one to one, and every bit depends on every other [Steele, Lea, Flood 2014].
fn mix(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

impl Chance {
    /// A draw from a law.
    pub(super) fn draw<T>(&mut self, law: &impl Distribution<T>) -> T {
        law.sample(&mut self.0)
    }

    /// Between 0 and 1, never 0.
    pub(super) fn uniform(&mut self) -> f64 {
        1.0 - self.0.random::<f64>()
    }

    /// Standard normal.
    pub(super) fn normal(&mut self) -> f64 {
        self.draw(&StandardNormal)
    }

    /// Standard normal around `mean`, given that it is above `threshold`.
    pub(super) fn normal_above(&mut self, mean: f64, threshold: f64) -> f64 {
        mean + normal::isf(self.uniform() * normal::sf(threshold - mean))
    }

    /// How many of `n` happen, each with chance `p`.
    pub(super) fn binomial(&mut self, n: u64, p: f64) -> Result<u64, ProofError> {
        let law = Binomial::new(n, p).map_err(|_| ProofError::Law("a binomial"))?;
        Ok(self.draw(&law))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_its_own() {
        let first = |seed, study, setting, run| Source::new(seed, study, setting).of_run(run).uniform();
        let here = first(1, "revenue", 0, 0);
        assert_eq!(here, first(1, "revenue", 0, 0));
        for other in [
            first(2, "revenue", 0, 0),
            first(1, "ratio", 0, 0),
            first(1, "revenue", 1, 0),
            first(1, "revenue", 0, 1),
        ] {
            assert_ne!(here, other);
        }
    }

    #[test]
    fn a_selected_draw_passed_its_threshold() {
        let mut chance = Source::new(1, "test", 0).of_run(0);
        let draws: Vec<f64> = (0..20_000).map(|_| chance.normal_above(0.5, 1.96)).collect();
        assert!(draws.iter().all(|draw| *draw >= 1.96));
        // E[Z | Z > c] = φ(c)/(1 − Φ(c)), shifted by the mean.
        let expected = 0.5 + normal::pdf(1.46) / normal::sf(1.46);
        assert!((draws.iter().sum::<f64>() / 20_000.0 - expected).abs() < 0.01);
    }
}
