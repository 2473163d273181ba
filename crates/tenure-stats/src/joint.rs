//! Joint moments of several values per unit: a metric with its denominator, its covariate, a cluster's size.
//! Mergeable like [`Moments`], and every linear combination of the values has its moments here.

use serde::{Deserialize, Serialize};

use crate::cannot_say::CannotSay;
use crate::moments::{self, Moments, MomentsError};

/// Count, means and centred cross-products `Σ(u − ū)(v − v̄)` of several values per unit.
///
/// ```
/// use tenure_stats::joint::Joint;
///
/// let mut revenue_and_orders = Joint::new(2);
/// for unit in [[20.0, 2.0], [0.0, 0.0], [35.0, 3.0]] {
///     revenue_and_orders.push(&unit)?;
/// }
/// assert!((revenue_and_orders.mean(1) - 5.0 / 3.0).abs() < 1e-12);
/// # Ok::<(), tenure_stats::moments::MomentsError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(try_from = "RawJoint", into = "RawJoint")]
pub struct Joint {
    n: u64,
    means: Vec<f64>,
    /// Row by row, the whole symmetric matrix.
    cross: Vec<f64>,
}

impl Joint {
    /// No unit yet, of `variables` values each.
    pub fn new(variables: usize) -> Self {
        Self { n: 0, means: vec![0.0; variables], cross: vec![0.0; variables * variables] }
    }

    /// From a count, means and the sample covariance matrix (divided by `n − 1`), row by row.
    pub fn from_summary(n: u64, means: &[f64], covariance: &[f64]) -> Result<Self, MomentsError> {
        let freedom = (moments::count(n)? - 1.0).max(0.0);
        let cross = covariance.iter().map(|value| value * freedom).collect();
        RawJoint { n, means: means.to_vec(), cross }.try_into()
    }

    /// From a count, the sums and the matrix of sums of products, row by row.
    pub fn from_sums(n: u64, sums: &[f64], products: &[f64]) -> Result<Self, MomentsError> {
        let count = moments::count(n)?.max(1.0);
        let means: Vec<f64> = sums.iter().map(|sum| sum / count).collect();
        let k = sums.len();
        if products.len() != k * k {
            return Err(MomentsError::WrongLength { expected: k * k, found: products.len() });
        }
        let centred = |row: usize, column: usize| products[row * k + column] - sums[row] * means[column];
        let spread = |at: usize| {
            let (value, size) = (centred(at, at), products[at * k + at].abs());
            let rounding = value > -moments::ROUNDING * size && value <= moments::NO_DIGIT * size;
            if rounding { 0.0 } else { value }
        };
        // What does not vary does not vary with anything.
        let cross = (0..k * k).map(|at| match (at / k, at % k) {
            (row, column) if row == column => spread(row),
            (row, column) if spread(row) == 0.0 || spread(column) == 0.0 => 0.0,
            (row, column) => centred(row, column),
        });
        RawJoint { n, cross: cross.collect(), means }.try_into()
    }

    /// Adds one unit's values.
    pub fn push(&mut self, values: &[f64]) -> Result<(), MomentsError> {
        if values.len() != self.means.len() {
            return Err(MomentsError::WrongLength { expected: self.means.len(), found: values.len() });
        }
        for &value in values {
            moments::finite("value", value)?;
        }
        self.n += 1;
        let before: Vec<f64> = values.iter().zip(&self.means).map(|(value, mean)| value - mean).collect();
        for (mean, gap) in self.means.iter_mut().zip(&before) {
            *mean += gap / self.n as f64;
        }
        let k = values.len();
        for row in 0..k {
            for column in 0..k {
                // Written symmetrically, so that the matrix stays symmetric to the last bit.
                let share = (self.n - 1) as f64 / self.n as f64;
                self.cross[row * k + column] += before[row] * before[column] * share;
            }
        }
        Ok(())
    }

    /// Adds the units of another set of the same variables. Commutative to the last bit, associative up to
    /// rounding.
    pub fn merge(&mut self, other: &Self) -> Result<(), MomentsError> {
        if other.means.len() != self.means.len() {
            return Err(MomentsError::WrongLength { expected: self.means.len(), found: other.means.len() });
        }
        if other.n == 0 {
            return Ok(());
        }
        let (a, b) = (self.n as f64, other.n as f64);
        let n = a + b;
        let gaps: Vec<f64> =
            other.means.iter().zip(&self.means).map(|(theirs, ours)| theirs - ours).collect();
        let k = gaps.len();
        for at in 0..k * k {
            self.cross[at] = (self.cross[at] + other.cross[at]) + gaps[at / k] * gaps[at % k] * (a * b / n);
        }
        for (mean, theirs) in self.means.iter_mut().zip(&other.means) {
            *mean = (a * *mean + b * theirs) / n;
        }
        self.n = self.n.saturating_add(other.n);
        Ok(())
    }

    /// Units counted.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// How many values a unit has.
    pub fn variables(&self) -> usize {
        self.means.len()
    }

    /// The mean of one value.
    ///
    /// # Panics
    /// When there is no such variable: variables are known where the moments are asked for.
    pub fn mean(&self, variable: usize) -> f64 {
        self.means[variable]
    }

    /// The centred cross-product of two values.
    ///
    /// # Panics
    /// When there is no such variable.
    pub fn cross(&self, one: usize, other: usize) -> f64 {
        self.cross[one * self.means.len() + other]
    }

    /// The sample covariance of two values, their variance when they are the same.
    ///
    /// # Panics
    /// When there is no such variable.
    pub fn covariance(&self, one: usize, other: usize) -> Result<f64, CannotSay> {
        match self.n {
            0 => Err(CannotSay::EmptyArm),
            1 => Err(CannotSay::OneUnit),
            n if n > moments::UNITS_MAX => Err(CannotSay::TooManyUnits),
            n => Ok(self.cross(one, other) / (n - 1) as f64),
        }
    }

    /// The moments of one value alone.
    ///
    /// # Panics
    /// When there is no such variable.
    pub fn alone(&self, variable: usize) -> Result<Moments, MomentsError> {
        let mut weights = vec![0.0; self.means.len()];
        weights[variable] = 1.0;
        self.combination(&weights)
    }

    /// The moments of `Σ weight·value` over units. Every delta-method variance in this crate is one of these. Values that
    /// cancel (a ratio that is the same for every unit) have none, not the rounding of their parts.
    pub fn combination(&self, weights: &[f64]) -> Result<Moments, MomentsError> {
        let k = self.means.len();
        if weights.len() != k {
            return Err(MomentsError::WrongLength { expected: k, found: weights.len() });
        }
        let mean = weights.iter().zip(&self.means).map(|(weight, mean)| weight * mean).sum();
        let m2: f64 = (0..k * k).map(|at| weights[at / k] * weights[at % k] * self.cross[at]).sum();
        let largest =
            (0..k).map(|at| weights[at] * weights[at] * self.cross[at * k + at]).fold(0.0, f64::max);
        // Every term rounds: what is left of them has no digit below this.
        let no_digit = moments::NO_DIGIT * (k * k) as f64 * largest;
        let m2 = if m2 > -moments::ROUNDING * largest && m2 <= no_digit { 0.0 } else { m2 };
        Moments::from_centred(self.n, mean, m2)
    }
}

/// The written form of [`Joint`], checked on the way in.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
struct RawJoint {
    n: u64,
    means: Vec<f64>,
    cross: Vec<f64>,
}

impl TryFrom<RawJoint> for Joint {
    type Error = MomentsError;

    fn try_from(raw: RawJoint) -> Result<Self, MomentsError> {
        let k = raw.means.len();
        if raw.cross.len() != k * k {
            return Err(MomentsError::WrongLength { expected: k * k, found: raw.cross.len() });
        }
        moments::count(raw.n)?;
        for &value in raw.means.iter().chain(&raw.cross) {
            moments::finite("moment", value)?;
        }
        if raw.n == 0 && raw.means.iter().chain(&raw.cross).any(|value| *value != 0.0) {
            return Err(MomentsError::ValuesWithoutUnits);
        }
        for at in 0..k {
            if raw.cross[at * k + at] < 0.0 {
                return Err(MomentsError::Negative { field: "variance", value: raw.cross[at * k + at] });
            }
        }
        Ok(Self { n: raw.n, means: raw.means, cross: raw.cross })
    }
}

impl From<Joint> for RawJoint {
    fn from(joint: Joint) -> Self {
        Self { n: joint.n, means: joint.means, cross: joint.cross }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(units: &[[f64; 2]]) -> Joint {
        let mut joint = Joint::new(2);
        units.iter().for_each(|unit| joint.push(unit).unwrap());
        joint
    }

    fn close(a: &Joint, b: &Joint) -> bool {
        let near = |(x, y): (&f64, &f64)| (x - y).abs() <= 1e-10 * (1e4 + x.abs());
        a.n == b.n && a.means.iter().zip(&b.means).all(near) && a.cross.iter().zip(&b.cross).all(near)
    }

    #[test]
    fn refuses_what_cannot_be_moments() {
        assert!(of(&[[1.0, 2.0]]).merge(&Joint::new(3)).is_err());
        assert!(Joint::new(2).push(&[1.0]).is_err());
        assert!(Joint::new(1).push(&[f64::NAN]).is_err());
        assert!(Joint::from_summary(3, &[1.0], &[-1.0]).is_err());
        assert!(serde_json::from_str::<Joint>(r#"{"n":3,"means":[1.0],"cross":[]}"#).is_err());
    }

    proptest! {
        #[test]
        fn laws_hold(
            a in prop::collection::vec(prop::array::uniform2(-1e2..1e2f64), 1..30),
            b in prop::collection::vec(prop::array::uniform2(-1e2..1e2f64), 1..30),
            weights in prop::array::uniform2(-3.0..3.0f64),
        ) {
            let (mut left, mut right) = (of(&a), of(&b));
            let all = of(&[a.clone(), b.clone()].concat());
            left.merge(&of(&b)).unwrap();
            right.merge(&of(&a)).unwrap();
            prop_assert_eq!(&left, &right);
            prop_assert!(close(&left, &all));
            let combined = all.combination(&weights).unwrap();
            let direct: Moments =
                a.iter().chain(&b).map(|unit| unit[0] * weights[0] + unit[1] * weights[1]).collect();
            prop_assert!((combined.mean() - direct.mean()).abs() < 1e-9);
            prop_assert!((combined.m2() - direct.m2()).abs() < 1e-9 * (1.0 + direct.m2()) + 1e-7);
        }
    }
}
