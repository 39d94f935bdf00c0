//! A rolling digest of what happened.

use core::fmt;

/// 128 bits that two runs share only if they fed the same words in the same order.
///
/// Not cryptographic: it guards against accidents, not against malice. It is the same number on every
/// machine and in every build profile.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Digest {
    left: u64,
    right: u64,
}

impl Digest {
    /// The digest of nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { left: 0x243f_6a88_85a3_08d3, right: 0x1319_8a2e_0370_7344 }
    }

    /// Takes one word in.
    #[inline]
    pub const fn word(&mut self, word: u64) {
        let left = fold(self.left ^ word, 0xa076_1d64_78bd_642f);
        self.right = fold(self.right ^ word.rotate_left(32), 0xe703_7ed1_a0b4_28db) ^ self.left;
        self.left = left;
    }

    /// Takes bytes in, with their number, so that no two splits of a text look alike.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
    }

    /// The first 64 bits, for a frame of a journal.
    #[must_use]
    pub const fn short(&self) -> u64 {
        self.left ^ self.right
    }
}

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.left, self.right)
    }
}

/// The two halves of the product, folded: one multiplication that moves every bit.
#[inline]
const fn fold(a: u64, b: u64) -> u64 {
    let product = (a | 1) as u128 * b as u128;
    (product >> 64) as u64 ^ product as u64 ^ a.rotate_left(29)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[u64]) -> Digest {
        let mut digest = Digest::new();
        words.iter().for_each(|&word| digest.word(word));
        digest
    }

    #[test]
    fn order_and_number_matter() {
        assert_ne!(of(&[1, 2]), of(&[2, 1]));
        assert_ne!(of(&[0]), of(&[0, 0]));
        assert_ne!(of(&[0]), of(&[1]));
        assert_eq!(of(&[1, 2, 3]), of(&[1, 2, 3]));
    }

    #[test]
    fn a_single_bit_changes_both_halves() {
        let base = of(&[42]);
        for bit in 0..64 {
            let other = of(&[42 ^ (1 << bit), 7]);
            let base = {
                let mut d = base;
                d.word(7);
                d
            };
            assert_ne!(base.left, other.left, "bit {bit}");
            assert_ne!(base.right, other.right, "bit {bit}");
        }
    }
}
