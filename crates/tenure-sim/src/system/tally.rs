//! What became of many rollouts of one setting, beside what was promised.

use std::collections::BTreeMap;

use super::{Ended, Setting, Story};

/// Rollouts of one setting, counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    /// Which setting.
    pub setting: Setting,
    /// How many ended how.
    pub ended: BTreeMap<Ended, u64>,
    /// Stopped by Tenure before the wave of 50 %.
    pub stopped_early: u64,
    /// Looks that were taken in all.
    pub looks: u64,
    /// Times that nodes restarted in all.
    pub restarts: u64,
}

/// A share of rollouts, and its bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Promise {
    /// What is counted.
    pub what: &'static str,
    /// How many of all.
    pub counted: u64,
    /// How many there are.
    pub of: u64,
    /// The share that was promised.
    pub promised: f64,
    /// Whether it is the most or the least.
    pub at_most: bool,
}

impl Promise {
    /// The share that was counted.
    pub fn share(&self) -> f64 {
        self.counted as f64 / self.of.max(1) as f64
    }

    /// What is allowed for chance: three standard errors of a share that is as promised.
    pub fn slack(&self) -> f64 {
        3.0 * (self.promised * (1.0 - self.promised) / self.of.max(1) as f64).sqrt()
    }

    /// Whether it holds: false keeps within their three errors, and what is to be at least so much, outright.
    pub fn held(&self) -> bool {
        if self.at_most {
            self.share() <= self.promised + self.slack()
        } else {
            self.share() >= self.promised
        }
    }
}

impl Tally {
    /// Counts rollouts.
    pub fn of(setting: Setting, stories: &[Story]) -> Self {
        let mut ended = BTreeMap::new();
        for story in stories {
            *ended.entry(story.ended).or_default() += 1;
        }
        let early = |story: &&Story| {
            matches!(story.ended, Ended::Held | Ended::Negative) && story.widest_percent < 50.0
        };
        Self {
            setting,
            ended,
            stopped_early: stories.iter().filter(early).count() as u64,
            looks: stories.iter().map(|story| u64::from(story.looks)).sum(),
            restarts: stories.iter().map(|story| u64::from(story.restarts)).sum(),
        }
    }

    /// How many rollouts there were.
    pub fn rollouts(&self) -> u64 {
        self.ended.values().sum()
    }

    /// What the setting has to show.
    pub fn promise(&self) -> Promise {
        let kept = self.ended.get(&Ended::Kept).copied().unwrap_or_default();
        let of = self.rollouts();
        match self.setting {
            Setting::Nothing => {
                Promise { what: "kept by mistake", counted: kept, of, promised: 0.025, at_most: true }
            }
            Setting::Harmful => Promise {
                what: "stopped before the wave of 50 %",
                counted: self.stopped_early,
                of,
                promised: 0.95,
                at_most: false,
            },
            // 80 % of looking at it alone; some of it goes where a guardrail asks for a justification.
            Setting::AsPromised => Promise { what: "kept", counted: kept, of, promised: 0.7, at_most: false },
        }
    }
}
