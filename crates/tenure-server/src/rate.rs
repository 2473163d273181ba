//! How many evaluations a second one credential may ask for.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Counts what each credential asks for. Keys are credentials that were found valid, so their number is bounded.
pub struct Rates {
    limiter: Option<DefaultKeyedRateLimiter<[u8; 32]>>,
    clock: DefaultClock,
}

impl Rates {
    /// So many a second for each credential, as many at once; 0 sets no limit.
    pub fn new(per_second_max: u32) -> Self {
        let quota = NonZeroU32::new(per_second_max).map(Quota::per_second);
        Self { limiter: quota.map(RateLimiter::keyed), clock: DefaultClock::default() }
    }

    /// Count one request of a credential.
    ///
    /// # Errors
    /// It was one too many: how long to wait before the next.
    pub fn count(&self, credential: &[u8; 32]) -> Result<(), Duration> {
        match &self.limiter {
            None => Ok(()),
            Some(limiter) => {
                limiter.check_key(credential).map_err(|until| until.wait_time_from(self.clock.now()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_credential_has_a_limit_of_its_own() {
        let rates = Rates::new(3);
        assert!((0..3).all(|_| rates.count(&[1; 32]).is_ok()));
        let wait = rates.count(&[1; 32]).unwrap_err();
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1), "{wait:?}");
        assert!(rates.count(&[2; 32]).is_ok());
    }

    #[test]
    fn no_limit_is_none() {
        let rates = Rates::new(0);
        assert!((0..10_000).all(|_| rates.count(&[1; 32]).is_ok()));
    }
}
