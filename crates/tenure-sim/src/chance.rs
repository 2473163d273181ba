//! Chance: every run has a generator of its own, made from the seed, what is simulated and the number of the
//! run, so that a run is the same on one thread and on many.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use rand_distr::{Binomial, Distribution, StandardNormal};
use tenure_stats::normal;

/// One run's chance. The generator is named, so that a seed means the same everywhere and for good.
pub(crate) struct Chance(Xoshiro256PlusPlus);

/// A law that has no such parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} with these parameters cannot be drawn")]
pub struct NoLaw(pub(crate) &'static str);

/// From which the generators of one setting's runs are made.
#[derive(Clone, Copy)]
pub(crate) struct Source(u64);

impl Source {
    /// The source of one setting of a study.
    pub(crate) fn new(seed: u64, study: &str, setting: usize) -> Self {
        let named = study.bytes().fold(mix(seed), |state, byte| mix(state ^ u64::from(byte)));
        Self(mix(named ^ setting as u64))
    }

    /// The chance of one run.
    pub(crate) fn of_run(self, run: u64) -> Chance {
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
    pub(crate) fn draw<T>(&mut self, law: &impl Distribution<T>) -> T {
        law.sample(&mut self.0)
    }

    /// Between 0 and 1, never 0.
    pub(crate) fn uniform(&mut self) -> f64 {
        1.0 - self.0.random::<f64>()
    }

    /// Standard normal.
    pub(crate) fn normal(&mut self) -> f64 {
        self.draw(&StandardNormal)
    }

    /// Standard normal around `mean`, given that it is above `threshold`.
    pub(crate) fn normal_above(&mut self, mean: f64, threshold: f64) -> f64 {
        mean + normal::isf(self.uniform() * normal::sf(threshold - mean))
    }

    /// How many of `n` happen, each with chance `p`.
    pub(crate) fn binomial(&mut self, n: u64, p: f64) -> Result<u64, NoLaw> {
        let law = Binomial::new(n, p).map_err(|_| NoLaw("a binomial"))?;
        Ok(self.draw(&law))
    }

    /// A number below `bound`, each as likely; 0 when there is none.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0.random_range(0..bound.max(1))
    }

    /// Whether something of this chance happens.
    pub(crate) fn happens(&mut self, p: f64) -> bool {
        self.0.random::<f64>() < p
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
