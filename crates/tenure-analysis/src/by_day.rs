//! What units did on each day since their first exposure: the sums from which an effect by day is told, of a query's first
//! metric.
//!
//! Only units whose window has passed count, so that the same units are seen on every day. A day is 24 hours from the first
//! exposure on. Most units do something on few days: what they did not do costs nothing.

use tenure_stats::joint::Joint;

/// The most days that are told apart.
pub const DAYS_MAX: u32 = 28;

/// Units, the sum of their values by day, and the sums of the products of every two days.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ByDay {
    pub units: u64,
    /// One for each day, then the products row by row, the upper half with its diagonal; empty while all values are 0.
    pub sums: Vec<f64>,
}

impl ByDay {
    /// How many sums so many days have.
    fn len(days: usize) -> usize {
        days + days * (days + 1) / 2
    }

    /// Adds a unit by its values.
    pub fn push(&mut self, values: &[f64]) {
        self.units += 1;
        let days = values.len();
        for (one, first) in values.iter().enumerate().filter(|(_, value)| **value != 0.0) {
            if self.sums.is_empty() {
                self.sums = vec![0.0; Self::len(days)];
            }
            self.sums[one] += first;
            // Where the row begins, less the days that it leaves out.
            let row = days + one * days - one * (one + 1) / 2;
            for (other, second) in values.iter().enumerate().skip(one) {
                self.sums[row + other] += first * second;
            }
        }
    }

    pub fn merge(&mut self, other: &Self) {
        self.units += other.units;
        if self.sums.is_empty() {
            self.sums.clone_from(&other.sums);
        } else {
            self.sums.iter_mut().zip(&other.sums).for_each(|(own, theirs)| *own += theirs);
        }
    }

    /// The same as moments; none of sums that are not finite.
    pub fn joint(&self, days: usize) -> Option<Joint> {
        if self.sums.is_empty() {
            return Joint::from_sums(self.units, &vec![0.0; days], &vec![0.0; days * days]).ok();
        }
        let (sums, products) = self.sums.split_at(days);
        let at = |one: usize, other: usize| {
            let (row, column) = (one.min(other), one.max(other));
            products[row * days - row * (row + 1) / 2 + column]
        };
        let whole: Vec<f64> = (0..days * days).map(|place| at(place / days, place % days)).collect();
        Joint::from_sums(self.units, sums, &whole).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums by hand give the moments that units give one by one, however they are shared out.
    #[test]
    fn sums_are_the_units_moments() {
        for days in [1, 2, 5, 28] {
            let (mut whole, mut parts) = (ByDay::default(), [ByDay::default(), ByDay::default()]);
            let mut expected = Joint::new(days);
            for unit in 0..300_usize {
                let did = |day: usize| (unit * 7 + day * 13) % 11 < 3;
                let value = |day: usize| if did(day) { (1 + (unit + day) % 4) as f64 } else { 0.0 };
                let values: Vec<f64> = (0..days).map(value).collect();
                whole.push(&values);
                parts[unit % 2].push(&values);
                expected.push(&values).unwrap();
            }
            let [mut merged, rest] = parts;
            merged.merge(&rest);
            assert_eq!(merged, whole, "whole numbers add up exactly");
            let joint = whole.joint(days).unwrap();
            assert_eq!(joint.n(), 300);
            for one in 0..days {
                for other in 0..days {
                    let (found, known) = (joint.cross(one, other), expected.cross(one, other));
                    assert!(
                        (found - known).abs() < 1e-9 * (1.0 + known.abs()),
                        "{one} {other}: {found} {known}"
                    );
                }
            }
        }
    }

    #[test]
    fn units_that_did_nothing_count_and_cost_nothing() {
        let mut idle = ByDay::default();
        (0..50).for_each(|_| idle.push(&[0.0; 7]));
        assert!(idle.sums.is_empty());
        let joint = idle.joint(7).unwrap();
        assert_eq!((joint.n(), joint.mean(6), joint.cross(0, 6)), (50, 0.0, 0.0));
    }
}
