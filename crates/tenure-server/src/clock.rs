//! The server's clock: the one place that asks the machine for the time.
//!
//! Everything else is handed a timestamp. A demo folder may run its clock faster than the wall's, so that weeks of a
//! rollout pass in minutes; a production folder never does ([`crate::data_dir`] refuses it).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// A clock that starts at some instant and runs `scale` times as fast as the wall's, or only when it is told to.
#[derive(Debug, Clone)]
pub struct Clock {
    runs: Runs,
}

#[derive(Debug, Clone)]
enum Runs {
    /// With the wall's clock.
    Scaled { started: Instant, starts_at: Timestamp, scale: f64 },
    /// By hand: microseconds since the epoch.
    Stepped(Arc<AtomicI64>),
}

impl Clock {
    /// The wall clock.
    pub fn wall() -> Self {
        Self::scaled(wall_now(), 1.0)
    }

    /// A clock that shows `starts_at` now and runs `scale` (at least 1) times as fast as the wall's.
    pub fn scaled(starts_at: Timestamp, scale: f64) -> Self {
        Self { runs: Runs::Scaled { started: Instant::now(), starts_at, scale: scale.max(1.0) } }
    }

    /// A clock that stands at `starts_at` until [`Clock::step_to`] moves it: for simulations and tests.
    pub fn stepped(starts_at: Timestamp) -> Self {
        Self { runs: Runs::Stepped(Arc::new(AtomicI64::new(starts_at.as_microsecond()))) }
    }

    /// Move a stepped clock, and all its clones, forward; it never goes back. A running clock is left alone.
    pub fn step_to(&self, then: Timestamp) {
        if let Runs::Stepped(micros) = &self.runs {
            micros.fetch_max(then.as_microsecond(), Ordering::SeqCst);
        }
    }

    /// The time, to the microsecond: what the journal and the event log can hold.
    pub fn now(&self) -> Timestamp {
        let micros = match &self.runs {
            Runs::Scaled { started, starts_at, scale } => {
                let elapsed = started.elapsed().as_secs_f64() * scale;
                SignedDuration::try_from_secs_f64(elapsed)
                    .ok()
                    .and_then(|elapsed| starts_at.checked_add(elapsed).ok())
                    .unwrap_or(Timestamp::MAX)
                    .as_microsecond()
            }
            Runs::Stepped(micros) => micros.load(Ordering::SeqCst),
        };
        Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
    }

    /// How long a span of this clock takes on the wall's: none at all when the clock is stepped by hand.
    pub fn on_the_wall(&self, span: SignedDuration) -> Duration {
        let seconds = match &self.runs {
            Runs::Scaled { scale, .. } => span.as_secs_f64() / scale,
            Runs::Stepped(_) => 0.0,
        };
        Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
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
        assert_eq!(clock.on_the_wall(SignedDuration::from_hours(24)), Duration::from_secs(1));
    }

    #[test]
    fn a_stepped_clock_stands_until_it_is_moved_and_never_goes_back() {
        let [start, later]: [Timestamp; 2] =
            ["2026-03-01T00:00:00Z", "2026-03-08T00:00:00Z"].map(|at| at.parse().unwrap());
        let clock = Clock::stepped(start);
        let seen_elsewhere = clock.clone();
        assert_eq!(clock.now(), start);
        clock.step_to(later);
        assert_eq!(seen_elsewhere.now(), later);
        clock.step_to(start);
        assert_eq!(clock.now(), later);
    }
}
