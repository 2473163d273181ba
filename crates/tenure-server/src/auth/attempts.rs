//! How often somebody may try to sign in: a bounded count per login and minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Attempts of the last minute.
#[derive(Debug, Default)]
pub struct Attempts {
    counted: Mutex<HashMap<String, (Instant, u32)>>,
}

impl Attempts {
    const PER_MINUTE_MAX: u32 = 10;
    const LOGINS_MAX: usize = 10_000;
    const WINDOW: Duration = Duration::from_secs(60);

    /// Count an attempt; false when there were too many lately.
    pub fn allow(&self, login: &str) -> bool {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.len() >= Self::LOGINS_MAX {
            counted.retain(|_, (since, _)| since.elapsed() < Self::WINDOW);
        }
        if counted.len() >= Self::LOGINS_MAX {
            return false;
        }
        let (since, count) = counted.entry(login.trim().to_lowercase()).or_insert((Instant::now(), 0));
        if since.elapsed() >= Self::WINDOW {
            (*since, *count) = (Instant::now(), 0);
        }
        *count += 1;
        *count <= Self::PER_MINUTE_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_attempt_of_a_minute_is_refused_for_that_login_only() {
        let attempts = Attempts::default();
        assert!((0..10).all(|_| attempts.allow("Ana@example.com")));
        assert!(!attempts.allow("ana@example.com "));
        assert!(attempts.allow("bo@example.com"));
    }
}
