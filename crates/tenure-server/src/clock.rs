//! The server's clock: the one place that asks the machine for the time.
//!
//! Everything else is handed a timestamp. A demo folder may run its clock faster than the wall's, so that weeks of a
//! rollout pass in minutes; a production folder never does ([`crate::data_dir`] refuses it).

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// A clock that starts at some instant and runs `scale` times as fast as the wall's.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
    starts_at: Timestamp,
    scale: f64,
}

impl Clock {
    /// The wall clock.
    pub fn wall() -> Self {
        Self::scaled(wall_now(), 1.0)
    }

    /// A clock that shows `starts_at` now and runs `scale` (at least 1) times as fast as the wall's.
    pub fn scaled(starts_at: Timestamp, scale: f64) -> Self {
        Self { started: Instant::now(), starts_at, scale: scale.max(1.0) }
    }

    /// The time, to the microsecond: what the journal and the event log can hold.
    pub fn now(&self) -> Timestamp {
        let elapsed = self.started.elapsed().as_secs_f64() * self.scale;
        let now = SignedDuration::try_from_secs_f64(elapsed)
            .ok()
            .and_then(|elapsed| self.starts_at.checked_add(elapsed).ok())
            .unwrap_or(Timestamp::MAX);
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    /// How long to wait, on the wall's clock, until `then`; nothing when it has passed.
    pub fn until(&self, then: Timestamp) -> Duration {
        let left = then.duration_since(self.now()).as_secs_f64() / self.scale;
        Duration::try_from_secs_f64(left.max(0.0)).unwrap_or(Duration::MAX)
    }

    /// How many times faster than the wall's clock this one runs.
    pub fn scale(&self) -> f64 {
        self.scale
    }
}

/// The machine's own time.
#[expect(clippy::disallowed_methods, reason = "the server's edge: time enters the system here")]
pub fn wall_now() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scaled_clock_runs_ahead_of_the_wall() {
        let start: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        let clock = Clock::scaled(start, 86_400.0);
        std::thread::sleep(Duration::from_millis(20));
        let passed = clock.now().duration_since(start);
        assert!(passed >= SignedDuration::from_secs(1_700), "a day a second: {passed:?} after 20 ms");
        assert!(clock.until(start).is_zero());
        assert!(clock.until(clock.now() + SignedDuration::from_hours(24)) <= Duration::from_secs(1));
    }
}
