//! What units do: the laws of metrics. Where only a sum counts, the sum is drawn from its own law instead of unit
//! by unit; what comes out is a tally as a query engine would return it.

use std::sync::Arc;

use rand_distr::weighted::WeightedAliasIndex;
use tenure_stats::estimate::{Kind, Level};
use tenure_stats::joint::Joint;
use tenure_stats::moments::Moments;
use tenure_stats::ratio;

use super::ProofError;
use super::chance::Chance;

/// How one arm's units behave.
pub(super) trait Law: Clone {
    /// What is kept of the units so far.
    type Tally: Clone + Default;

    /// The kind of metric.
    const KIND: Kind;

    /// Adds `units` new units.
    fn add(&self, chance: &mut Chance, units: u64, tally: &mut Self::Tally) -> Result<(), ProofError>;

    /// The level of a tally, by the engine.
    fn level(tally: &Self::Tally) -> Result<Level, ProofError>;

    /// The level of the whole population: what a plan is made from.
    fn population(&self) -> Level;
}

/// Each unit does it with one chance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conversion(pub f64);

impl Law for Conversion {
    /// Units and successes.
    type Tally = (u64, u64);
    const KIND: Kind = Kind::Proportion;

    fn add(&self, chance: &mut Chance, units: u64, tally: &mut Self::Tally) -> Result<(), ProofError> {
        tally.0 += units;
        tally.1 += chance.binomial(units, self.0)?;
        Ok(())
    }

    fn level(&(units, successes): &Self::Tally) -> Result<Level, ProofError> {
        Ok(Level::of(Kind::Proportion, &Moments::from_counts(units, successes)?)?)
    }

    fn population(&self) -> Level {
        Level { n: 1, value: self.0, variance: self.0 * (1.0 - self.0) }
    }
}

/// A share of units buys, for log-normal amounts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Revenue {
    /// The share that buys.
    pub buyers: f64,
    /// The standard deviation of the logarithm of an amount; its mean is 0.
    pub sigma: f64,
    /// Amounts above it count as it.
    pub cap: f64,
}

impl Revenue {
    /// One buyer's amount.
    pub(super) fn amount(&self, chance: &mut Chance) -> f64 {
        (self.sigma * chance.normal()).exp().min(self.cap)
    }

    /// How many of `units` buy.
    pub(super) fn buying(&self, chance: &mut Chance, units: u64) -> Result<u64, ProofError> {
        if self.buyers < 1.0 { Ok(chance.binomial(units, self.buyers)?) } else { Ok(units) }
    }
}

/// Units, the sum of their values and of the squares.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    units: u64,
    sum: f64,
    squares: f64,
}

impl Law for Revenue {
    type Tally = Sums;
    const KIND: Kind = Kind::Mean;

    fn add(&self, chance: &mut Chance, units: u64, tally: &mut Sums) -> Result<(), ProofError> {
        tally.units += units;
        for _ in 0..self.buying(chance, units)? {
            let amount = self.amount(chance);
            tally.sum += amount;
            tally.squares += amount * amount;
        }
        Ok(())
    }

    fn level(tally: &Sums) -> Result<Level, ProofError> {
        Ok(Level::of(Kind::Mean, &Moments::from_sums(tally.units, tally.sum, tally.squares)?)?)
    }

    /// Of uncapped amounts.
    fn population(&self) -> Level {
        let mean = self.buyers * (0.5 * self.sigma * self.sigma).exp();
        let square = self.buyers * (2.0 * self.sigma * self.sigma).exp();
        Level { n: 1, value: mean, variance: square - mean * mean }
    }
}

/// The most visits of a unit.
const VISITS_MAX: usize = 4;

/// Orders per visit: a unit comes one to four times, and its own eagerness decides on all its visits.
#[derive(Clone)]
pub(super) struct OrdersPerVisit {
    cells: Arc<WeightedAliasIndex<f64>>,
    population: Level,
}

impl OrdersPerVisit {
    /// Visits with these chances; a third of the units each order at 2, 10 and 30 % of their visits.
    pub(super) fn new() -> Result<Self, ProofError> {
        const VISITS: [f64; VISITS_MAX] = [0.5, 0.25, 0.15, 0.1];
        const EAGERNESS: [f64; 3] = [0.02, 0.1, 0.3];
        let mut chances = vec![0.0; VISITS_MAX * (VISITS_MAX + 1)];
        for (visits, of_visits) in (1..).zip(VISITS) {
            for orders in 0..=visits {
                let of_orders = |eager: f64| {
                    let ways: f64 = (0..orders).map(|i| (visits - i) as f64 / (i + 1) as f64).product();
                    ways * eager.powi(orders as i32) * (1.0 - eager).powi((visits - orders) as i32)
                };
                let chance = EAGERNESS.iter().map(|&eager| of_orders(eager)).sum::<f64>();
                chances[cell(visits, orders)] = of_visits * chance / EAGERNESS.len() as f64;
            }
        }
        let mean = |value: &dyn Fn(f64, f64) -> f64| -> f64 {
            let of_cell = |(cell, chance): (usize, &f64)| chance * value(visits_of(cell), orders_of(cell));
            chances.iter().enumerate().map(of_cell).sum()
        };
        let (visits, orders) = (mean(&|visits, _| visits), mean(&|_, orders| orders));
        let ratio = orders / visits;
        let spread = mean(&|visits, orders| (orders - ratio * visits).powi(2));
        let population = Level { n: 1, value: ratio, variance: spread / (visits * visits) };
        let cells = WeightedAliasIndex::new(chances).map_err(|_| ProofError::Law("a table of visits"))?;
        Ok(Self { cells: Arc::new(cells), population })
    }
}

fn cell(visits: usize, orders: usize) -> usize {
    (visits - 1) * (VISITS_MAX + 1) + orders
}

fn visits_of(cell: usize) -> f64 {
    (cell / (VISITS_MAX + 1) + 1) as f64
}

fn orders_of(cell: usize) -> f64 {
    (cell % (VISITS_MAX + 1)) as f64
}

/// Units by their visits and orders.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cells([u32; VISITS_MAX * (VISITS_MAX + 1)]);

impl Law for OrdersPerVisit {
    type Tally = Cells;
    const KIND: Kind = Kind::Ratio;

    fn add(&self, chance: &mut Chance, units: u64, tally: &mut Cells) -> Result<(), ProofError> {
        for _ in 0..units {
            tally.0[chance.draw(&*self.cells)] += 1;
        }
        Ok(())
    }

    fn level(tally: &Cells) -> Result<Level, ProofError> {
        let (mut units, mut sums, mut products) = (0, [0.0; 2], [0.0; 4]);
        for (cell, &count) in tally.0.iter().enumerate() {
            let values = [orders_of(cell), visits_of(cell)];
            units += u64::from(count);
            for row in 0..2 {
                sums[row] += f64::from(count) * values[row];
                for column in 0..2 {
                    products[2 * row + column] += f64::from(count) * values[row] * values[column];
                }
            }
        }
        Ok(ratio::level(&Joint::from_sums(units, &sums, &products)?, 0, 1)?)
    }

    fn population(&self) -> Level {
        self.population
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::chance::Source;

    fn check<L: Law>(law: &L) {
        let mut tally = L::Tally::default();
        law.add(&mut Source::new(1, "law", 0).of_run(0), 1_000_000, &mut tally).unwrap();
        let (drawn, known) = (L::level(&tally).unwrap(), law.population());
        assert!((drawn.value - known.value).abs() < 4.5 * drawn.se(), "{drawn:?} {known:?}");
        assert!((drawn.variance / known.variance - 1.0).abs() < 0.05, "{drawn:?} {known:?}");
    }

    #[test]
    fn a_population_is_what_its_units_come_to() {
        check(&Conversion(0.1));
        check(&Revenue { buyers: 1.0, sigma: 0.8, cap: f64::INFINITY });
        check(&Revenue { buyers: 0.1, sigma: 1.0, cap: f64::INFINITY });
        check(&OrdersPerVisit::new().unwrap());
    }
}
