//! MurmurHash3, 32 bits, for 32-bit machines (`MurmurHash3_x86_32` of Austin Appleby's public-domain SMHasher),
//! with seed 0 and fed piece by piece.

/// A hash in progress.
#[derive(Debug, Clone, Default)]
pub(crate) struct Murmur {
    state: u32,
    /// Up to three bytes that do not fill a block yet, the first lowest.
    pending: u64,
    length: usize,
}

impl Murmur {
    #[inline]
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let filled = self.length % 4 * 8;
        self.length += bytes.len();
        let (blocks, tail) = bytes.as_chunks::<4>();
        for block in blocks {
            let bits = self.pending | u64::from(u32::from_le_bytes(*block)) << filled;
            self.mix(bits as u32);
            self.pending = bits >> 32;
        }
        let tail_bits = tail.iter().rev().fold(0, |bits, byte| bits << 8 | u64::from(*byte));
        self.pending |= tail_bits << filled;
        if filled + tail.len() * 8 >= 32 {
            self.mix(self.pending as u32);
            self.pending >>= 32;
        }
    }

    /// Feeds one byte.
    #[inline]
    pub(crate) fn push(&mut self, byte: u8) {
        let filled = self.length % 4 * 8;
        self.length += 1;
        self.pending |= u64::from(byte) << filled;
        if filled == 24 {
            self.mix(self.pending as u32);
            self.pending = 0;
        }
    }

    /// How many bytes were fed.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    fn mix(&mut self, block: u32) {
        self.state ^= scramble(block);
        self.state = self.state.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }

    pub(crate) fn finish(&self) -> u32 {
        // An empty tail scrambles to 0; the length counts modulo 2^32, as in the original.
        let mut hash = self.state ^ scramble(self.pending as u32) ^ self.length as u32;
        hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
        hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
        hash ^ (hash >> 16)
    }
}

fn scramble(block: u32) -> u32 {
    block.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values are of PyPI `mmh3` 5.3.1.
    #[test]
    fn matches_the_reference_however_it_is_fed() {
        let check = |text: &str, expected: u32| {
            for cut in 0..=text.len() {
                let mut hash = Murmur::default();
                hash.write(&text.as_bytes()[..cut]);
                hash.write(&text.as_bytes()[cut..]);
                assert_eq!(hash.finish(), expected, "{text:?} cut at {cut}");
            }
        };
        check("", 0);
        check("a", 1_009_084_850);
        check("ab", 2_613_040_991);
        check("abc", 3_017_643_002);
        check("abcd", 1_139_631_978);
        check("hello", 613_153_351);
        check("The quick brown fox jumps over the lazy dog", 776_992_547);
    }
}
