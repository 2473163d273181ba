//! Texts found by hash, such as the keys of a segment. Made once, asked often, never changed.

use std::hash::{BuildHasher, Hasher};
use std::num::NonZeroU32;

use foldhash::fast::FixedState;

/// So many texts, each found with its position. Linear probing over at least twice as many slots as texts.
#[derive(Debug)]
pub(crate) struct Index {
    slots: Box<[Slot]>,
    /// All texts one after the other: one allocation, however many there are.
    texts: Box<[u8]>,
    /// Where each text begins, and where the last one ends.
    starts: Box<[usize]>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    /// The upper half of the text's hash; the lower half chose the slot.
    tag: u32,
    /// Counts from 1.
    ordinal: Option<NonZeroU32>,
}

impl Index {
    /// Of a text that stands there twice, the first counts.
    pub(crate) fn new<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let texts: Vec<&str> = texts.into_iter().collect();
        let mut starts = Vec::with_capacity(texts.len() + 1);
        starts.push(0);
        starts.extend(texts.iter().scan(0, |end, text| {
            *end += text.len();
            Some(*end)
        }));
        let slots = vec![Slot::default(); (2 * texts.len()).next_power_of_two()];
        let mut index =
            Self { slots: slots.into(), texts: texts.concat().into_bytes().into(), starts: starts.into() };
        for (ordinal, text) in (1..).zip(texts) {
            let hash = hash(text);
            if let Err(free) = index.probe(text, hash) {
                index.slots[free] = Slot { tag: tag(hash), ordinal: NonZeroU32::new(ordinal) };
            }
        }
        index
    }

    /// The position of a text.
    #[inline]
    pub(crate) fn find(&self, text: &str) -> Option<usize> {
        self.probe(text, hash(text)).ok()
    }

    /// The position of a text, or the free slot that ends its search.
    #[inline]
    fn probe(&self, text: &str, hash: u64) -> Result<usize, usize> {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            let Some(ordinal) = slot.ordinal else { return Err(at) };
            let end = ordinal.get() as usize;
            if slot.tag == tag(hash)
                && is_same(&self.texts[self.starts[end - 1]..self.starts[end]], text.as_bytes())
            {
                return Ok(end - 1);
            }
            at = (at + 1) & mask;
        }
    }
}

/// The hash that texts are found by.
#[inline]
pub(crate) fn hash(text: &str) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(text.as_bytes());
    hasher.finish()
}

/// Tells most texts of one slot apart.
#[inline]
pub(crate) fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// Whether two texts are equal. Names and keys are short, and to compare them here is quicker than to call for it.
#[inline]
pub(crate) fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len()
        && match a.len() {
            0 => true,
            1 => a[0] == b[0],
            2..4 => a.first_chunk::<2>() == b.first_chunk() && a.last_chunk::<2>() == b.last_chunk(),
            4..8 => a.first_chunk::<4>() == b.first_chunk() && a.last_chunk::<4>() == b.last_chunk(),
            8..=16 => a.first_chunk::<8>() == b.first_chunk() && a.last_chunk::<8>() == b.last_chunk(),
            _ => a == b,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_found_at_its_position_and_no_other() {
        for count in [0, 1, 2, 3, 1_000] {
            let texts: Vec<String> = (0..count).map(|number| format!("key-{number}")).collect();
            let index = Index::new(texts.iter().map(String::as_str));
            for (position, text) in texts.iter().enumerate() {
                assert_eq!(index.find(text), Some(position), "{text} of {count}");
            }
            for absent in ["", "key-", "key-1000", "KEY-1"] {
                assert_eq!(index.find(absent), None, "{absent:?} of {count}");
            }
        }
        let index = Index::new(["", "twice", "twice", "after"]);
        assert_eq!(["", "twice", "after"].map(|text| index.find(text)), [Some(0), Some(1), Some(3)]);
    }

    #[test]
    fn texts_are_the_same_when_every_byte_is() {
        let text = b"abcdefghijklmnopqrstuvwxyz";
        for length in 0..=text.len() {
            let own = &text[..length];
            assert!(is_same(own, own.to_owned().as_slice()), "{length}");
            assert!(!is_same(own, &[own, b"x"].concat()), "{length}");
            for at in 0..length {
                let mut other = own.to_vec();
                other[at] ^= 1;
                assert!(!is_same(own, &other), "{length} at {at}");
            }
        }
    }
}
