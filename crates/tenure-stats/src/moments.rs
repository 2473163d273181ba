//! Mergeable moments: what a query engine returns per arm and stratum, and all this crate needs of the data.
//!
//! Welford's update and Chan's merge keep `n`, the mean and the centred sum of squares, so that neither large
//! values nor many of them cost precision. Knows nothing of metrics, arms or time.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::cannot_say::CannotSay;

/// The largest count that a double holds exactly.
pub(crate) const UNITS_MAX: u64 = 1 << 53;

/// Below this share of the raw sum of squares a negative centred sum is rounding, above it a mistake.
pub(crate) const ROUNDING: f64 = 1e-9;

/// Below this share of the raw sum of squares a centred sum has no digit left, of either sign: the values were all the same.
pub(crate) const NO_DIGIT: f64 = 4.0 * f64::EPSILON;

/// Count, mean and centred sum of squares `Σ(y − ȳ)²` of one value per unit.
///
/// ```
/// use tenure_stats::moments::Moments;
///
/// let mut left: Moments = [1.0, 2.0, 3.0].into_iter().collect();
/// let right: Moments = [4.0, 5.0].into_iter().collect();
/// left.merge(&right);
/// assert_eq!((left.n(), left.mean(), left.variance()), (5, 3.0, Ok(2.5)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(try_from = "RawMoments", into = "RawMoments")]
pub struct Moments {
    n: u64,
    mean: f64,
    m2: f64,
}

/// Why numbers are not the moments of anything.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum MomentsError {
    /// More successes than units.
    #[error("{successes} successes among {units} units; count each unit at most once")]
    MoreSuccessesThanUnits {
        /// Units counted.
        units: u64,
        /// Successes counted.
        successes: u64,
    },
    /// A value is infinite or not a number.
    #[error("{field} is {value}; send a finite number")]
    NotFinite {
        /// Which argument.
        field: &'static str,
        /// What it was.
        value: f64,
    },
    /// A sum of squares or a variance is below zero by more than rounding.
    #[error("{field} is {value}, below zero; check the sums it was made from")]
    Negative {
        /// Which argument.
        field: &'static str,
        /// What it was.
        value: f64,
    },
    /// A count that a double cannot hold.
    #[error("{units} units are more than 2^53, which a double cannot count; split the data")]
    TooManyUnits {
        /// Units counted.
        units: u64,
    },
    /// No unit, yet a mean or a variance.
    #[error("no units, yet a mean or a variance; send zeros for an empty arm")]
    ValuesWithoutUnits,
    /// The numbers of variables differ.
    #[error("{found} values where {expected} variables were declared")]
    WrongLength {
        /// Declared.
        expected: usize,
        /// Found.
        found: usize,
    },
}

impl Moments {
    /// No unit yet.
    pub const EMPTY: Self = Self { n: 0, mean: 0.0, m2: 0.0 };

    /// Of `units` zeros and ones, `successes` of them ones.
    pub fn from_counts(units: u64, successes: u64) -> Result<Self, MomentsError> {
        if successes > units {
            return Err(MomentsError::MoreSuccessesThanUnits { units, successes });
        }
        let n = count(units)?;
        if units == 0 {
            return Ok(Self::EMPTY);
        }
        let mean = successes as f64 / n;
        Ok(Self { n: units, mean, m2: mean * (units - successes) as f64 })
    }

    /// From a count, a mean and the sample variance (divided by `n − 1`).
    pub fn from_summary(n: u64, mean: f64, variance: f64) -> Result<Self, MomentsError> {
        finite("mean", mean)?;
        if finite("variance", variance)? < 0.0 {
            return Err(MomentsError::Negative { field: "variance", value: variance });
        }
        let m2 = variance * (count(n)? - 1.0).max(0.0);
        if n == 0 && (mean != 0.0 || variance != 0.0) {
            return Err(MomentsError::ValuesWithoutUnits);
        }
        Ok(Self { n, mean, m2: finite("variance", m2)? })
    }

    /// From a count, the sum and the sum of squares. A centred sum of squares `Σy² − (Σy)²/n` that is negative by rounding
    /// only, or so small that it is rounding only, is taken as zero.
    pub fn from_sums(n: u64, sum: f64, sum_of_squares: f64) -> Result<Self, MomentsError> {
        finite("sum", sum)?;
        finite("sum_of_squares", sum_of_squares)?;
        if n == 0 {
            let empty = sum == 0.0 && sum_of_squares == 0.0;
            return if empty { Ok(Self::EMPTY) } else { Err(MomentsError::ValuesWithoutUnits) };
        }
        let mean = sum / count(n)?;
        let m2 = sum_of_squares - sum * mean;
        if m2 < -ROUNDING * sum_of_squares.abs() {
            return Err(MomentsError::Negative { field: "sum_of_squares less its mean part", value: m2 });
        }
        let m2 = finite("sum_of_squares", m2)?;
        Ok(Self { n, mean, m2: if m2 <= NO_DIGIT * sum_of_squares { 0.0 } else { m2 } })
    }

    /// From a count, a mean and the centred sum of squares.
    pub fn from_centred(n: u64, mean: f64, m2: f64) -> Result<Self, MomentsError> {
        RawMoments { n, mean, m2 }.try_into()
    }

    /// Adds one unit's value (Welford 1962). A value that is not finite makes every statistic of these
    /// moments [`CannotSay::NonFinite`].
    pub fn push(&mut self, value: f64) {
        self.n = self.n.saturating_add(1);
        let before = value - self.mean;
        self.mean += before / self.n as f64;
        self.m2 += before * (value - self.mean);
    }

    /// Adds the units of another set [Chan, Golub, LeVeque 1983]. Commutative to the last bit, associative up to
    /// rounding: merge in one fixed order, and the same data give the same bytes.
    pub fn merge(&mut self, other: &Self) {
        if other.n == 0 {
            return;
        }
        if self.n == 0 {
            *self = *other;
            return;
        }
        let (a, b) = (self.n as f64, other.n as f64);
        let n = a + b;
        let gap = other.mean - self.mean;
        self.mean = (a * self.mean + b * other.mean) / n;
        self.m2 = (self.m2 + other.m2) + gap * gap * (a * b / n);
        self.n = self.n.saturating_add(other.n);
    }

    /// Units counted.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// The mean; 0 when there is no unit.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The centred sum of squares `Σ(y − ȳ)²`.
    pub fn m2(&self) -> f64 {
        self.m2
    }

    /// The sum of the values.
    pub fn sum(&self) -> f64 {
        self.mean * self.n as f64
    }

    /// The sample variance `Σ(y − ȳ)²/(n − 1)`.
    pub fn variance(&self) -> Result<f64, CannotSay> {
        match self.n {
            0 => Err(CannotSay::EmptyArm),
            1 => Err(CannotSay::OneUnit),
            n if n > UNITS_MAX => Err(CannotSay::TooManyUnits),
            n => finite_variance(self.mean, self.m2 / (n - 1) as f64),
        }
    }

    /// The variance divided by `n`: `p(1 − p)` when the values are zeros and ones.
    pub fn population_variance(&self) -> Result<f64, CannotSay> {
        match self.n {
            0 => Err(CannotSay::EmptyArm),
            n if n > UNITS_MAX => Err(CannotSay::TooManyUnits),
            n => finite_variance(self.mean, self.m2 / n as f64),
        }
    }
}

impl FromIterator<f64> for Moments {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        let mut moments = Self::EMPTY;
        values.into_iter().for_each(|value| moments.push(value));
        moments
    }
}

/// The written form of [`Moments`], checked on the way in.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
struct RawMoments {
    n: u64,
    mean: f64,
    m2: f64,
}

impl TryFrom<RawMoments> for Moments {
    type Error = MomentsError;

    fn try_from(raw: RawMoments) -> Result<Self, MomentsError> {
        count(raw.n)?;
        finite("mean", raw.mean)?;
        if finite("m2", raw.m2)? < 0.0 {
            return Err(MomentsError::Negative { field: "m2", value: raw.m2 });
        }
        if raw.n == 0 && (raw.mean != 0.0 || raw.m2 != 0.0) {
            return Err(MomentsError::ValuesWithoutUnits);
        }
        Ok(Self { n: raw.n, mean: raw.mean, m2: raw.m2 })
    }
}

impl From<Moments> for RawMoments {
    fn from(moments: Moments) -> Self {
        Self { n: moments.n, mean: moments.mean, m2: moments.m2 }
    }
}

pub(crate) fn count(units: u64) -> Result<f64, MomentsError> {
    if units > UNITS_MAX { Err(MomentsError::TooManyUnits { units }) } else { Ok(units as f64) }
}

pub(crate) fn finite(field: &'static str, value: f64) -> Result<f64, MomentsError> {
    if value.is_finite() { Ok(value) } else { Err(MomentsError::NotFinite { field, value }) }
}

fn finite_variance(mean: f64, variance: f64) -> Result<f64, CannotSay> {
    if mean.is_finite() && variance.is_finite() { Ok(variance) } else { Err(CannotSay::NonFinite) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn of_counts_has_the_bernoulli_variance() {
        let moments = Moments::from_counts(1000, 250).unwrap();
        assert_eq!(moments.population_variance(), Ok(0.1875));
    }

    #[test]
    fn refuses_what_cannot_be_moments() {
        assert!(matches!(Moments::from_counts(3, 4), Err(MomentsError::MoreSuccessesThanUnits { .. })));
        assert!(matches!(Moments::from_summary(3, f64::NAN, 1.0), Err(MomentsError::NotFinite { .. })));
        assert!(matches!(Moments::from_summary(3, 1.0, -1.0), Err(MomentsError::Negative { .. })));
        assert!(matches!(Moments::from_sums(2, 10.0, 1.0), Err(MomentsError::Negative { .. })));
        assert!(matches!(Moments::from_counts(u64::MAX, 0), Err(MomentsError::TooManyUnits { .. })));
        assert!(matches!(Moments::from_sums(0, 1.0, 1.0), Err(MomentsError::ValuesWithoutUnits)));
        assert!(Moments::from_summary(2, 1e300, f64::MAX).is_ok());
    }

    #[test]
    fn a_negative_sum_of_squares_by_rounding_is_zero() {
        // Seven times 3.2, whose squares add up to a rounding more than the square of their sum.
        let same = Moments::from_sums(7, 22.4, 71.68 * (1.0 + f64::EPSILON)).unwrap();
        assert_eq!(same.variance(), Ok(0.0));
        let moments = Moments::from_sums(3, 0.3, 0.03 - 1e-15).unwrap();
        assert_eq!(moments.m2(), 0.0);
    }

    #[test]
    fn says_why_there_is_no_variance() {
        assert_eq!(Moments::EMPTY.variance(), Err(CannotSay::EmptyArm));
        assert_eq!(Moments::from_counts(1, 1).unwrap().variance(), Err(CannotSay::OneUnit));
        let poisoned: Moments = [1.0, f64::INFINITY].into_iter().collect();
        assert_eq!(poisoned.variance(), Err(CannotSay::NonFinite));
    }

    #[test]
    fn merged_counts_beyond_a_double_are_said() {
        let mut many = Moments::from_counts(1 << 53, 1 << 20).unwrap();
        many.merge(&many.clone());
        assert_eq!(many.variance(), Err(CannotSay::TooManyUnits));
        (0..70).for_each(|_| many.merge(&many.clone()));
        assert_eq!((many.n(), many.population_variance()), (u64::MAX, Err(CannotSay::TooManyUnits)));
    }

    fn close(a: f64, b: f64, scale: f64) -> bool {
        (a - b).abs() <= 1e-12 * scale.max(1.0)
    }

    fn same(a: &Moments, b: &Moments, scale: f64) -> bool {
        a.n == b.n && close(a.mean, b.mean, scale) && close(a.m2, b.m2, scale * scale * a.n as f64)
    }

    proptest! {
        #[test]
        fn merge_is_commutative_and_associative(
            a in prop::collection::vec(-1e6..1e6f64, 0..40),
            b in prop::collection::vec(-1e6..1e6f64, 0..40),
            c in prop::collection::vec(-1e6..1e6f64, 0..40),
        ) {
            let merged = |parts: &[&Vec<f64>]| {
                let mut all = Moments::EMPTY;
                for part in parts {
                    all.merge(&part.iter().copied().collect());
                }
                all
            };
            let mut right = merged(&[&b, &c]);
            let mut left: Moments = a.iter().copied().collect();
            left.merge(&right);
            right = merged(&[&a, &b, &c]);
            prop_assert!(same(&left, &right, 1e6));
            prop_assert!(same(&merged(&[&c, &a, &b]), &right, 1e6));
            prop_assert_eq!(merged(&[&a, &b]), merged(&[&b, &a]));
            let pushed: Moments = a.iter().chain(&b).chain(&c).copied().collect();
            prop_assert!(same(&pushed, &right, 1e6));
        }

        #[test]
        fn json_gives_the_same_moments_back(values in prop::collection::vec(-1e9..1e9f64, 0..20)) {
            let moments: Moments = values.into_iter().collect();
            let json = serde_json::to_string(&moments).unwrap();
            prop_assert_eq!(serde_json::from_str::<Moments>(&json).unwrap(), moments);
        }
    }

    #[test]
    fn json_that_is_not_moments_is_refused() {
        assert!(serde_json::from_str::<Moments>(r#"{"n":3,"mean":1.0,"m2":-1.0}"#).is_err());
        assert!(serde_json::from_str::<Moments>(r#"{"n":0,"mean":1.0,"m2":0.0}"#).is_err());
    }
}
