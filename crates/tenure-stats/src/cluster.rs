//! Clusters: what to count when tenants were randomised and users are measured.

use serde::{Deserialize, Serialize};

use crate::cannot_say::{CannotSay, finite};
use crate::estimate::Level;
use crate::joint::Joint;
use crate::moments::Moments;
use crate::ratio;

/// Effective tenants below which an arm's ratio is not headlined.
const EFFECTIVE_MIN: f64 = 15.0;

/// The share of an arm's users above which one tenant dominates it.
const SHARE_MAX: f64 = 0.2;

/// One arm of tenants: joint moments of each tenant's sum (variable 0) and its users (variable 1), the moments
/// of the tenants' own means, and the users of the largest tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Arm {
    /// Per tenant: the sum of the outcome, and the users.
    pub tenants: Joint,
    /// Per tenant: the mean of the outcome.
    pub means: Moments,
    /// Users of the largest tenant.
    pub largest: f64,
}

/// Which number an arm of tenants is summarised by.
///
/// The two are different questions, so it is chosen once, when a plan is made, and kept: a headline that switches between
/// looks changes what is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Headline {
    /// The mean over users, its variance over tenants.
    UserMean,
    /// The mean of the tenants' means, because few tenants carry the arm.
    TenantMean,
}

impl Arm {
    /// An arm from its tenants, each with its sum and its users. Tenants without users are left out.
    ///
    /// Errors: a sum or a number of users that is not finite; fewer than no users.
    pub fn of(tenants: impl IntoIterator<Item = (f64, f64)>) -> Result<Self, CannotSay> {
        let mut arm = Self { tenants: Joint::new(2), means: Moments::EMPTY, largest: 0.0 };
        for (sum, users) in tenants {
            finite(sum)?;
            if finite(users)? < 0.0 {
                return Err(CannotSay::OutOfRange);
            }
            if users > 0.0 {
                arm.tenants.push(&[sum, users]).map_err(|_| CannotSay::NonFinite)?;
                arm.means.push(sum / users);
                arm.largest = arm.largest.max(users);
            }
        }
        Ok(arm)
    }

    /// The number of equal tenants that would be as informative: `K_eff = (Σn)²/Σn²`.
    pub fn effective(&self) -> f64 {
        let k = self.tenants.n() as f64;
        // With the coefficient of variation c of their sizes this is K/(1 + c²).
        let variation = (self.tenants.cross(1, 1) / k).sqrt() / self.tenants.mean(1);
        let effective = k / (1.0 + variation * variation);
        if effective.is_finite() { effective } else { 0.0 }
    }

    /// The mean over users: the ratio of sums, with its variance over tenants.
    pub fn user_mean(&self) -> Result<Level, CannotSay> {
        ratio::level(&self.tenants, 0, 1)
    }

    /// The mean of the tenants' means.
    pub fn tenant_mean(&self) -> Result<Level, CannotSay> {
        Ok(Level { n: self.means.n(), value: self.means.mean(), variance: self.means.variance()? })
    }

    /// The number that is headlined.
    pub fn level(&self, headline: Headline) -> Result<Level, CannotSay> {
        match headline {
            Headline::UserMean => self.user_mean(),
            Headline::TenantMean => self.tenant_mean(),
        }
    }

    fn is_carried_by_few(&self) -> bool {
        let users = self.tenants.n() as f64 * self.tenants.mean(1);
        self.effective() < EFFECTIVE_MIN || self.largest > SHARE_MAX * users
    }
}

/// Which number to headline, of the arms that are known when it is chosen (the experiment's; in one look at a file, the
/// file's): that of tenants' means when either arm has fewer than 15 effective tenants, or one tenant with more than a
/// fifth of its users.
///
/// ```
/// use tenure_stats::cluster::{Arm, Headline, headline};
///
/// let experiment = Arm::of((0..12).map(|tenant| (f64::from(tenant), 10.0)))?;
/// let frozen = headline(&experiment, &experiment);
/// assert_eq!(frozen, Headline::TenantMean);
/// // The rollout reaches more tenants, and keeps the question.
/// let rollout = Arm::of((0..400).map(|tenant| (f64::from(tenant % 12), 10.0)))?;
/// assert_eq!(rollout.level(frozen)?, rollout.tenant_mean()?);
/// # Ok::<(), tenure_stats::CannotSay>(())
/// ```
pub fn headline(control: &Arm, treatment: &Arm) -> Headline {
    if control.is_carried_by_few() || treatment.is_carried_by_few() {
        Headline::TenantMean
    } else {
        Headline::UserMean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_tenants_count_fully() {
        let arm = Arm::of((0..40).map(|tenant| (f64::from(tenant % 7), 10.0))).unwrap();
        assert!((arm.effective() - 40.0).abs() < 1e-9);
        assert_eq!(headline(&arm, &arm), Headline::UserMean);
    }

    #[test]
    fn a_dominating_tenant_moves_the_headline() {
        let tenants = (0..40).map(|tenant| (1.0, if tenant == 0 { 200.0 } else { 10.0 }));
        let arm = Arm::of(tenants).unwrap();
        let even = Arm::of((0..40).map(|_| (1.0, 10.0))).unwrap();
        assert_eq!(headline(&even, &arm), Headline::TenantMean);
        assert_eq!(Arm::of([]).unwrap().effective(), 0.0);
    }
}
