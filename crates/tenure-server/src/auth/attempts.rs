//! How often something may be tried without a credential: a bounded count per key and minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Attempts of the last minute, by key: a login, or a link.
#[derive(Debug)]
pub struct Attempts {
    per_minute_max: u32,
    counted: Mutex<HashMap<String, (Instant, u32)>>,
}

impl Attempts {
    const KEYS_MAX: usize = 10_000;
    const WINDOW: Duration = Duration::from_secs(60);

    /// So many a minute for each key.
    pub fn new(per_minute_max: u32) -> Self {
        Self { per_minute_max, counted: Mutex::default() }
    }

    /// Count an attempt; false when there were too many lately.
    pub fn allow(&self, key: &str) -> bool {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.len() >= Self::KEYS_MAX {
            counted.retain(|_, (since, _)| since.elapsed() < Self::WINDOW);
        }
        if counted.len() >= Self::KEYS_MAX {
            return false;
        }
        let (since, count) = counted.entry(key.trim().to_lowercase()).or_insert((Instant::now(), 0));
        if since.elapsed() >= Self::WINDOW {
            (*since, *count) = (Instant::now(), 0);
        }
        *count += 1;
        *count <= self.per_minute_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_attempt_of_a_minute_is_refused_for_that_key_only() {
        let attempts = Attempts::new(10);
        assert!((0..10).all(|_| attempts.allow("Ana@example.com")));
        assert!(!attempts.allow("ana@example.com "));
        assert!(attempts.allow("bo@example.com"));
    }
}
