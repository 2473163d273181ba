//! Values by key, found by hash and read in the order of their keys, in parts: a copy that differs in one value shares all other
//! parts, so that one change among ten thousand flags costs what one among a hundred does.

use std::sync::{Arc, OnceLock};

use crate::index::{hash, is_same, tag};

/// So many values are in a part, about, when all are put in at once …
const FILLED: usize = 64;
/// … and so many at most, on average, before there are more parts.
const FILLED_MAX: usize = 128;

/// What can stand in a directory.
pub trait Keyed {
    /// What it is found by.
    fn key(&self) -> &str;
}

/// Values by key. Immutable; see [`Directory::with`].
#[derive(Debug)]
pub struct Directory<T> {
    /// A power of two of them; the upper half of a key's hash chooses one.
    parts: Box<[Part<T>]>,
    count: usize,
    /// Where the values stand in the order of their keys: found out when that is asked for.
    order: OnceLock<Arc<[Place]>>,
}

/// Linear probing over at least twice as many slots as values.
type Part<T> = Arc<[Option<Slot<T>>]>;

#[derive(Debug)]
struct Slot<T> {
    /// The upper half of the key's hash; the lower half chose the slot.
    tag: u32,
    value: Arc<T>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    part: u32,
    slot: u32,
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self { tag: self.tag, value: Arc::clone(&self.value) }
    }
}

impl<T: Keyed> Directory<T> {
    /// A directory of values. Of two with one key the later counts.
    pub fn of(values: impl IntoIterator<Item = Arc<T>>) -> Self {
        let values: Vec<Arc<T>> = values.into_iter().collect();
        let many = (values.len() / FILLED).next_power_of_two();
        let mut filed: Vec<Vec<Arc<T>>> = Vec::new();
        filed.resize_with(many, Vec::new);
        for value in values {
            filed[part_of(hash(value.key()), many)].push(value);
        }
        let parts: Box<[Part<T>]> = filed.into_iter().map(part).collect();
        let count = parts.iter().map(held).sum();
        Self { parts, count, order: OnceLock::new() }
    }

    /// The same but for some keys: each with its value, or without one.
    #[must_use]
    pub fn with<K: AsRef<str>>(&self, changed: impl IntoIterator<Item = (K, Option<Arc<T>>)>) -> Self {
        let (mut parts, mut count) = (self.parts.clone(), self.count);
        let mut order = self.order.clone();
        for (key, value) in changed {
            let key = key.as_ref();
            let hash = hash(key);
            let own = &mut parts[part_of(hash, self.parts.len())];
            match (probe(own, key, hash), value) {
                (Ok(at), Some(value)) => Arc::make_mut(own)[at] = Some(Slot { tag: tag(hash), value }),
                (Err(_), None) => {}
                (found, value) => {
                    let stays = |(at, slot): (usize, &Option<Slot<T>>)| match found {
                        Ok(gone) if gone == at => None,
                        _ => slot.as_ref().map(|slot| Arc::clone(&slot.value)),
                    };
                    count -= held(own);
                    *own = part(own.iter().enumerate().filter_map(stays).chain(value).collect());
                    count += held(own);
                    order = OnceLock::new();
                }
            }
        }
        let made = Self { parts, count, order };
        if count > FILLED_MAX * made.parts.len() { Self::of(made.values().cloned()) } else { made }
    }

    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Is there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The value of a key.
    #[inline]
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Arc<T>> {
        let hash = hash(key);
        let part = self.parts.get(part_of(hash, self.parts.len()))?;
        let at = probe(part, key, hash).ok()?;
        part[at].as_ref().map(|slot| &slot.value)
    }

    /// All values, in the order of their keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<T>> {
        self.order().iter().map(|place| self.at(*place))
    }

    /// The keys whose values are not those of `before`, new and gone ones included, in their order.
    pub fn differing<'a>(&'a self, before: &'a Self, is_same: impl Fn(&T, &T) -> bool) -> Vec<&'a str> {
        let is_shared = |at: usize, part: &Part<T>, other: &Self| {
            self.parts.len() == before.parts.len() && Arc::ptr_eq(part, &other.parts[at])
        };
        let mut keys = Vec::new();
        for (at, part) in self.parts.iter().enumerate() {
            if is_shared(at, part, before) {
                continue;
            }
            for Slot { value, .. } in part.iter().flatten() {
                let was = before.get(value.key());
                if !was.is_some_and(|was| Arc::ptr_eq(was, value) || is_same(was, value)) {
                    keys.push(value.key());
                }
            }
        }
        for (at, part) in before.parts.iter().enumerate() {
            if !is_shared(at, part, self) {
                let gone = part.iter().flatten().map(|slot| slot.value.key());
                keys.extend(gone.filter(|key| self.get(key).is_none()));
            }
        }
        keys.sort_unstable();
        keys
    }

    fn values(&self) -> impl Iterator<Item = &Arc<T>> {
        self.parts.iter().flat_map(|part| part.iter().flatten()).map(|slot| &slot.value)
    }

    fn order(&self) -> &[Place] {
        self.order.get_or_init(|| {
            let mut places = Vec::with_capacity(self.count);
            for (part, slots) in (0..).zip(&self.parts) {
                let held = (0..).zip(slots.iter()).filter(|(_, slot)| slot.is_some());
                places.extend(held.map(|(slot, _)| Place { part, slot }));
            }
            places.sort_unstable_by(|a, b| self.at(*a).key().cmp(self.at(*b).key()));
            places.into()
        })
    }

    #[expect(clippy::expect_used, reason = "an order is of the places that hold values")]
    fn at(&self, Place { part, slot }: Place) -> &Arc<T> {
        &self.parts[part as usize][slot as usize].as_ref().expect("a place that holds a value").value
    }
}

#[inline]
fn part_of(hash: u64, parts: usize) -> usize {
    tag(hash) as usize & (parts - 1)
}

/// How many values a part holds.
fn held<T>(part: &Part<T>) -> usize {
    part.iter().flatten().count()
}

/// A part of these values; of two with one key the later counts.
fn part<T: Keyed>(values: Vec<Arc<T>>) -> Part<T> {
    let many = (2 * values.len()).next_power_of_two();
    let mut slots: Vec<Option<Slot<T>>> = Vec::new();
    slots.resize_with(many, || None);
    for value in values {
        let hash = hash(value.key());
        let (Ok(at) | Err(at)) = probe(&slots, value.key(), hash);
        slots[at] = Some(Slot { tag: tag(hash), value });
    }
    slots.into()
}

/// The slot of a key, or the free one that ends its search.
#[inline]
fn probe<T: Keyed>(slots: &[Option<Slot<T>>], key: &str, hash: u64) -> Result<usize, usize> {
    let mask = slots.len() - 1;
    let mut at = hash as usize & mask;
    while let Some(slot) = &slots[at] {
        if slot.tag == tag(hash) && is_same(slot.value.key().as_bytes(), key.as_bytes()) {
            return Ok(at);
        }
        at = (at + 1) & mask;
    }
    Err(at)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, PartialEq, Eq)]
    struct Number(String, u32);

    impl Keyed for Number {
        fn key(&self) -> &str {
            &self.0
        }
    }

    fn number(key: u16, value: u32) -> Arc<Number> {
        Arc::new(Number(format!("key-{key}"), value))
    }

    fn read(directory: &Directory<Number>) -> Vec<(String, u32)> {
        directory.iter().map(|number| (number.0.clone(), number.1)).collect()
    }

    proptest! {
        /// Through any changes it is what a sorted map is, and says what changed as that would.
        #[test]
        fn it_is_a_map(steps in prop::collection::vec(
            prop::collection::vec((0_u16..400, prop::option::of(0_u32..3)), 0..60), 1..12,
        )) {
            let mut directory = Directory::of([]);
            let mut map: BTreeMap<String, u32> = BTreeMap::new();
            for step in steps {
                let before = map.clone();
                for (key, value) in &step {
                    match value {
                        Some(value) => map.insert(format!("key-{key}"), *value),
                        None => map.remove(&format!("key-{key}")),
                    };
                }
                let changed = step.iter().map(|(key, value)| (format!("key-{key}"), value.map(|value| number(*key, value))));
                let next = directory.with(changed);
                prop_assert_eq!(read(&next), map.clone().into_iter().collect::<Vec<_>>());
                prop_assert_eq!((next.len(), next.is_empty()), (map.len(), map.is_empty()));
                for key in (0..400).map(|key| format!("key-{key}")) {
                    prop_assert_eq!(next.get(&key).map(|number| number.1), map.get(&key).copied());
                }
                let keys = before.keys().chain(map.keys()).filter(|key| before.get(*key) != map.get(*key));
                let mut differing: Vec<&str> = keys.map(String::as_str).collect();
                differing.sort_unstable();
                differing.dedup();
                prop_assert_eq!(next.differing(&directory, |a, b| a == b), differing);
                directory = next;
            }
        }
    }

    #[test]
    fn a_change_leaves_all_other_parts_alone() {
        let many = Directory::of((0..10_000).map(|key| number(key, 0)));
        let apart = |other: &Directory<Number>| {
            many.parts.iter().zip(&other.parts).filter(|(a, b)| !Arc::ptr_eq(a, b)).count()
        };
        assert_eq!(many.parts.len(), 256);
        for change in [("key-7", Some(number(7, 1))), ("key-7", None), ("key-10000", Some(number(10_000, 1)))]
        {
            assert_eq!(apart(&many.with([change])), 1);
        }
        assert_eq!(apart(&many.with([("key-10000", None)])), 0);
        let of_one = (0..10_000)
            .fold(Directory::of([]), |made, key| made.with([(format!("key-{key}"), Some(number(key, 0)))]));
        assert_eq!(read(&of_one), read(&many));
        assert!(of_one.parts.len() >= 10_000 / FILLED_MAX, "{} parts", of_one.parts.len());
    }
}
