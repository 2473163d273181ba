//! Synthetic customers: who they are, and whether one does the thing, by a seed and by the arm it is in.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// Customers who act with a chance that depends on the arm alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Population {
    /// The same seed gives the same customers, doing the same.
    pub seed: u64,
    /// Chance of the outcome without the feature, 0 to 1.
    pub control_rate: f64,
    /// Chance of the outcome with it, 0 to 1.
    pub treatment_rate: f64,
}

/// A rate that is no chance.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} is {value}; a chance lies between 0 and 1")]
pub struct NotAChance {
    field: &'static str,
    value: String,
}

impl Population {
    /// Customers with these chances.
    pub fn new(seed: u64, control_rate: f64, treatment_rate: f64) -> Result<Self, NotAChance> {
        for (field, rate) in [("control_rate", control_rate), ("treatment_rate", treatment_rate)] {
            if !(0.0..=1.0).contains(&rate) {
                return Err(NotAChance { field, value: rate.to_string() });
            }
        }
        Ok(Self { seed, control_rate, treatment_rate })
    }

    /// The name of the `index`th customer.
    pub fn unit(&self, index: u64) -> String {
        format!("customer-{:x}-{index}", self.seed)
    }

    /// Does the `index`th customer do it? One who does it in control also does it under a better treatment:
    /// the customer's luck is drawn once, before the arm is known.
    pub fn acts(&self, index: u64, treated: bool) -> bool {
        let luck: f64 =
            SmallRng::seed_from_u64(self.seed ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15)).random();
        luck < if treated { self.treatment_rate } else { self.control_rate }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn customers_act_at_their_arms_rate() {
        let population = Population::new(7, 0.106, 0.15).unwrap();
        for (treated, rate) in [(false, 0.106), (true, 0.15)] {
            let acted = (0..50_000).filter(|index| population.acts(*index, treated)).count() as f64;
            assert!((acted / 50_000.0 - rate).abs() < 0.006, "{acted} of 50,000 at {rate}");
        }
    }

    #[test]
    fn a_better_treatment_takes_nothing_from_anyone() {
        let population = Population::new(7, 0.106, 0.15).unwrap();
        assert!((0..10_000).all(|index| !population.acts(index, false) || population.acts(index, true)));
    }

    #[test]
    fn a_rate_is_a_chance() {
        let refused = Population::new(1, 0.1, f64::NAN).unwrap_err();
        assert_eq!(refused.to_string(), "treatment_rate is NaN; a chance lies between 0 and 1");
    }
}
