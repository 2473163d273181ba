//! When each flag was evaluated last: what tells a flag that nobody asks for. A time a flag, and no more than there are flags.
//!
//! A client that evaluates all flags at once, or in its own process, asks for each or for none: of those it is only known
//! that there are some.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tenure_flags::{Directory, Keyed};

/// A time is written anew only when it is this much later: threads that evaluate one flag then do not write one place.
const GRAIN_S: i64 = 30;
/// Never, in seconds since 1970.
const NEVER: i64 = i64::MIN;

/// The flags of an environment.
#[derive(Debug)]
pub struct Evaluations {
    // Shared by all versions: one that is still in use when the next is served tells that, too.
    since: Arc<AtomicI64>,
    whole: Arc<AtomicI64>,
    flags: Directory<Evaluated>,
}

/// When a flag was evaluated.
#[derive(Debug)]
struct Evaluated {
    key: Box<str>,
    at: AtomicI64,
}

impl Evaluated {
    fn never(key: &str) -> Arc<Self> {
        Arc::new(Self { key: key.into(), at: AtomicI64::new(NEVER) })
    }
}

impl Keyed for Evaluated {
    fn key(&self) -> &str {
        &self.key
    }
}

/// The same, to be kept over a restart; seconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptEvaluations {
    since: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    whole: Option<i64>,
    flags: BTreeMap<String, i64>,
}

impl Evaluations {
    /// No flag was evaluated yet; those there are count from now on.
    pub fn new<'k>(keys: impl Iterator<Item = &'k str>, since: Timestamp) -> Self {
        Self {
            since: Arc::new(AtomicI64::new(since.as_second())),
            whole: Arc::new(AtomicI64::new(NEVER)),
            flags: Directory::of(keys.map(Evaluated::never)),
        }
    }

    /// The same for other flags: those that stay keep their times.
    pub fn of_keys<'k>(&self, keys: impl Iterator<Item = &'k str>) -> Self {
        let evaluated = |key| self.flags.get(key).map_or_else(|| Evaluated::never(key), Arc::clone);
        self.of_flags(Directory::of(keys.map(evaluated)))
    }

    /// The same but for some flags, which are there now or are not.
    pub fn with<'k>(&self, changed: impl Iterator<Item = (&'k str, bool)>) -> Self {
        let changed = changed.filter(|(key, is_there)| *is_there != self.flags.get(key).is_some());
        self.of_flags(
            self.flags.with(changed.map(|(key, is_there)| (key, is_there.then(|| Evaluated::never(key))))),
        )
    }

    fn of_flags(&self, flags: Directory<Evaluated>) -> Self {
        Self { since: Arc::clone(&self.since), whole: Arc::clone(&self.whole), flags }
    }

    /// A flag was evaluated.
    pub fn note(&self, key: &str, now: Timestamp) {
        if let Some(flag) = self.flags.get(key) {
            later(&flag.at, now.as_second());
        }
    }

    /// All flags were evaluated at once, or handed out.
    pub fn note_whole(&self, now: Timestamp) {
        later(&self.whole, now.as_second());
    }

    /// When a flag was evaluated last, to half a minute.
    pub fn last(&self, key: &str) -> Option<Timestamp> {
        time(&self.flags.get(key)?.at)
    }

    /// When all flags were evaluated at once, or handed out, last.
    pub fn last_whole(&self) -> Option<Timestamp> {
        time(&self.whole)
    }

    /// Since when evaluations are noted.
    pub fn since(&self) -> Timestamp {
        time(&self.since).unwrap_or(Timestamp::MAX)
    }

    /// To be kept.
    pub fn kept(&self) -> KeptEvaluations {
        let known = |at: &AtomicI64| Some(at.load(Ordering::Relaxed)).filter(|at| *at != NEVER);
        let flags = self.flags.iter().filter_map(|flag| Some((flag.key.to_string(), known(&flag.at)?)));
        KeptEvaluations {
            since: self.since.load(Ordering::Relaxed),
            whole: known(&self.whole),
            flags: flags.collect(),
        }
    }

    /// Take in what was kept.
    pub fn restore(&self, kept: &KeptEvaluations) {
        self.since.fetch_min(kept.since, Ordering::Relaxed);
        self.whole.fetch_max(kept.whole.unwrap_or(NEVER), Ordering::Relaxed);
        for (key, at) in &kept.flags {
            if let Some(flag) = self.flags.get(key) {
                flag.at.fetch_max(*at, Ordering::Relaxed);
            }
        }
    }
}

fn later(at: &AtomicI64, now: i64) {
    if now.saturating_sub(at.load(Ordering::Relaxed)) >= GRAIN_S {
        at.fetch_max(now, Ordering::Relaxed);
    }
}

fn time(at: &AtomicI64) -> Option<Timestamp> {
    match at.load(Ordering::Relaxed) {
        NEVER => None,
        second => Timestamp::from_second(second).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_stay_with_their_flags() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let evaluations = Evaluations::new(["a", "b"].into_iter(), at(100));
        evaluations.note("a", at(200));
        evaluations.note("a", at(210));
        evaluations.note("unknown", at(200));
        assert_eq!((evaluations.last("a"), evaluations.last("b")), (Some(at(200)), None));
        evaluations.note("a", at(240));
        evaluations.note_whole(at(300));
        let other = evaluations.of_keys(["a", "c"].into_iter());
        let same = evaluations.with([("a", true), ("b", false), ("c", true)].into_iter());
        for other in [other, same] {
            assert_eq!(
                (other.last("a"), other.last("c"), other.last_whole()),
                (Some(at(240)), None, Some(at(300)))
            );
            assert_eq!(other.flags.iter().map(|flag| flag.key()).collect::<Vec<_>>(), ["a", "c"]);
        }

        let restarted = Evaluations::new(["a"].into_iter(), at(1_000));
        let kept = serde_json::to_string(&evaluations.kept()).unwrap();
        restarted.restore(&serde_json::from_str(&kept).unwrap());
        assert_eq!((restarted.since(), restarted.last("a")), (at(100), Some(at(240))));
        assert_eq!(restarted.last_whole(), Some(at(300)));
    }
}
