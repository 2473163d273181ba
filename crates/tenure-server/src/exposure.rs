//! Which units have met a feature already, so that a remote evaluation is recorded as an exposure once.
//!
//! Memory is bounded: what is remembered lives in two generations, and when the younger one is full the older one is
//! forgotten. A forgotten unit is recorded again, which changes nothing: the first exposure counts.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The units that were exposed lately.
#[derive(Debug)]
pub struct Exposed {
    shards: Vec<Mutex<Generations>>,
    seeds: [RandomState; 2],
    per_generation_max: usize,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashSet<u128>,
    old: HashSet<u128>,
}

const SHARDS: usize = 16;

impl Exposed {
    /// Remember up to `remembered_max` units, flags and revisions.
    pub fn new(remembered_max: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            seeds: [RandomState::new(), RandomState::new()],
            per_generation_max: (remembered_max / SHARDS / 2).max(1),
        }
    }

    /// Is this the first time (as far as is remembered)? Then it is remembered from now on.
    pub fn is_new(&self, unit: &str, flag: &str, revision: &str) -> bool {
        let key = self.key(unit, flag, revision);
        let mut shard = self.shard(key);
        if shard.young.contains(&key) || shard.old.contains(&key) {
            return false;
        }
        if shard.young.len() >= self.per_generation_max {
            shard.old = std::mem::take(&mut shard.young);
        }
        shard.young.insert(key)
    }

    /// Forget one whose record was refused, so that its next evaluation is recorded.
    pub fn forget(&self, unit: &str, flag: &str, revision: &str) {
        let key = self.key(unit, flag, revision);
        let mut shard = self.shard(key);
        shard.young.remove(&key);
        shard.old.remove(&key);
    }

    /// 128 bits of two keyed hashes: a collision would lose one exposure, and would need some 10^16 units to be likely.
    fn key(&self, unit: &str, flag: &str, revision: &str) -> u128 {
        let [high, low] = [&self.seeds[0], &self.seeds[1]].map(|seed| seed.hash_one((unit, flag, revision)));
        u128::from(high) << 64 | u128::from(low)
    }

    fn shard(&self, key: u128) -> MutexGuard<'_, Generations> {
        let index = (key % SHARDS as u128) as usize;
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_per_unit_flag_and_revision() {
        let exposed = Exposed::new(1_000);
        assert!(exposed.is_new("u1", "flag", "PC-1/1"));
        assert!(!exposed.is_new("u1", "flag", "PC-1/1"));
        assert!(exposed.is_new("u1", "flag", "PC-1/2"), "a new iteration draws new arms");
        assert!(exposed.is_new("u1", "other", "PC-1/1"));
        exposed.forget("u1", "flag", "PC-1/1");
        assert!(exposed.is_new("u1", "flag", "PC-1/1"));
    }

    #[test]
    fn memory_is_bounded_and_the_latest_are_remembered() {
        let exposed = Exposed::new(320);
        for unit in 0..10_000 {
            exposed.is_new(&unit.to_string(), "flag", "PC-1/1");
        }
        let kept: usize =
            exposed.shards.iter().map(|s| s.lock().unwrap()).map(|s| s.young.len() + s.old.len()).sum();
        assert!(kept <= 320, "{kept} are kept");
        assert!(!exposed.is_new("9999", "flag", "PC-1/1"));
    }
}
