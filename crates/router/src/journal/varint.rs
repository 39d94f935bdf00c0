//! Integers of a journal: variable-length in files, plain in digests.

use alloc::vec::Vec;
use core::time::Duration;
use squall_determinism::Digest;

/// Where words go.
pub(super) trait WordSink {
    fn word(&mut self, word: u64);
}

impl WordSink for Digest {
    #[inline]
    fn word(&mut self, word: u64) {
        Self::word(self, word);
    }
}

impl WordSink for Vec<u8> {
    /// Seven bits to a byte, lowest first, the highest bit set on all but the last.
    fn word(&mut self, mut word: u64) {
        while word >= 0x80 {
            self.push(word as u8 | 0x80);
            word >>= 7;
        }
        self.push(word as u8);
    }
}

/// Nothing is 0 and something is one more than it.
#[inline]
pub(super) fn option(value: Option<u64>) -> u64 {
    value.map_or(0, |value| value.saturating_add(1))
}

#[inline]
pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Reads words back.
pub(super) struct WordReader<'a>(pub(super) &'a [u8]);

impl WordReader<'_> {
    pub(super) fn word(&mut self) -> Option<u64> {
        let mut word = 0_u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            word |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(word);
            }
        }
        None
    }

    pub(super) fn narrow<T: TryFrom<u64>>(&mut self) -> Option<T> {
        T::try_from(self.word()?).ok()
    }

    pub(super) fn option(&mut self) -> Option<Option<u64>> {
        Some(self.word()?.checked_sub(1))
    }

    pub(super) fn duration(&mut self) -> Option<Option<Duration>> {
        Some(self.option()?.map(Duration::from_nanos))
    }
}
