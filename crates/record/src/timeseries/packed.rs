//! Small entries at rising keys, in few bytes: what a run of weeks keeps of each of its ticks and seconds.

use serde::{Deserialize, Serialize};

/// Entries by rising key. An entry is three things in a row: how far its key is from the one before and how long it is,
/// both as varints (LEB128), and its own bytes.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct PackedLog {
    bytes: Vec<u8>,
    /// Where the marked entries are.
    #[serde(skip)]
    marks: Vec<Mark>,
    #[serde(skip)]
    len: u64,
    /// The key of the last entry.
    #[serde(skip)]
    last: u64,
}

/// Where an entry is.
#[derive(Clone, Copy, Debug)]
struct Mark {
    key: u64,
    /// The key of the entry before it.
    before: u64,
    offset: usize,
}

impl PackedLog {
    /// Every so many entries one is marked, which can be found without those before it.
    pub(super) const MARK_EVERY: u64 = 128;

    /// Without entries.
    pub(super) const fn new() -> Self {
        Self { bytes: Vec::new(), marks: Vec::new(), len: 0, last: 0 }
    }

    /// Adds an entry. Tells whether it is marked: [`entries_from_mark`](Self::entries_from_mark) can begin with it.
    ///
    /// # Panics
    /// When its key is not beyond all keys before it.
    pub(super) fn push(&mut self, key: u64, entry: &[u8]) -> bool {
        assert!(self.len == 0 || key > self.last, "keys rise");
        let is_marked = self.take_in(key, self.bytes.len());
        let before = if self.len == 1 { 0 } else { self.last };
        put_varint(key - before, &mut self.bytes);
        put_varint(entry.len() as u64, &mut self.bytes);
        self.bytes.extend_from_slice(entry);
        self.last = key;
        is_marked
    }

    /// Counts an entry and marks it where one is due.
    fn take_in(&mut self, key: u64, offset: usize) -> bool {
        let is_marked = self.len.is_multiple_of(Self::MARK_EVERY);
        if is_marked {
            let before = if self.len == 0 { 0 } else { self.last };
            self.marks.push(Mark { key, before, offset });
        }
        self.len += 1;
        is_marked
    }

    /// Finds the entries of a log that was read, each of which must be as `is_valid` says. Tells whether all are.
    pub(super) fn index(&mut self, most: u64, mut is_valid: impl FnMut(&[u8]) -> bool) -> bool {
        let bytes = std::mem::take(&mut self.bytes);
        let mut rest = &bytes[..];
        let mut is_whole = true;
        while !rest.is_empty() && is_whole {
            let offset = bytes.len() - rest.len();
            let before = if self.len == 0 { 0 } else { self.last };
            let is_next = |key: &u64| *key <= most && (self.len == 0 || *key > before);
            let key = take_varint(&mut rest).and_then(|step| before.checked_add(step));
            let entry = take_entry(&mut rest).filter(|entry| is_valid(entry));
            match key.filter(is_next).zip(entry) {
                Some((key, _)) => {
                    self.take_in(key, offset);
                    self.last = key;
                }
                None => is_whole = false,
            }
        }
        self.bytes = bytes;
        is_whole
    }

    /// The key of the last entry.
    pub(super) fn last_key(&self) -> Option<u64> {
        (self.len > 0).then_some(self.last)
    }

    /// How many bytes of memory its entries take.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes.len()
    }

    #[cfg(test)]
    pub(super) const fn capacity(&self) -> usize {
        self.bytes.capacity() + self.marks.capacity() * size_of::<Mark>()
    }

    /// All entries.
    pub(super) fn entries(&self) -> PackedEntries<'_> {
        PackedEntries { rest: &self.bytes, key: 0 }
    }

    /// The last mark whose entry is not beyond a key; `None` if all entries are.
    pub(super) fn mark_at(&self, key: u64) -> Option<usize> {
        self.marks.partition_point(|mark| mark.key <= key).checked_sub(1)
    }

    /// The entries from a mark on.
    pub(super) fn entries_from_mark(&self, mark: usize) -> PackedEntries<'_> {
        let Mark { before, offset, .. } = self.marks[mark];
        PackedEntries { rest: &self.bytes[offset..], key: before }
    }

    /// The entries from a key on.
    pub(super) fn entries_from(&self, key: u64) -> impl Iterator<Item = (u64, &[u8])> {
        let entries =
            self.mark_at(key).map_or_else(|| self.entries(), |mark| self.entries_from_mark(mark));
        entries.skip_while(move |&(each, _)| each < key)
    }
}

impl PartialEq for PackedLog {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

/// Entries, one after the other.
pub(super) struct PackedEntries<'a> {
    rest: &'a [u8],
    key: u64,
}

impl<'a> Iterator for PackedEntries<'a> {
    type Item = (u64, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.key += take_varint(&mut self.rest)?;
        Some((self.key, take_entry(&mut self.rest)?))
    }
}

fn take_entry<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take_varint(rest)?).ok()?;
    let (entry, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(entry)
}

/// Appends a number: seven bits to a byte, the lowest first.
#[inline]
pub(super) fn put_varint(mut number: u64, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Takes a number off the front; `None` if no whole one is there.
#[inline]
pub(super) fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        let bits = u64::from(byte & 0x7f);
        if bits > u64::MAX >> shift {
            return None;
        }
        number |= bits << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn entries_are_found_from_any_key_before_and_after_they_were_written(
            keys in prop::collection::btree_set(any::<u32>(), 0..600),
            from in any::<u32>(),
        ) {
            let mut log = PackedLog::default();
            for &key in &keys {
                log.push(key.into(), &key.to_le_bytes()[..(key % 5) as usize]);
            }
            let mut read = PackedLog { bytes: log.bytes.clone(), ..PackedLog::default() };
            prop_assert!(read.index(u32::MAX.into(), |entry| entry.len() < 5));
            for log in [&log, &read] {
                let found: Vec<_> = log.entries_from(from.into()).collect();
                let expected: Vec<_> = keys.range(from..).collect();
                prop_assert_eq!(found.len(), expected.len());
                for (&(key, entry), &&there) in found.iter().zip(&expected) {
                    prop_assert_eq!(key, u64::from(there));
                    prop_assert_eq!(entry, &there.to_le_bytes()[..(there % 5) as usize]);
                }
                prop_assert_eq!(log.last_key(), keys.last().map(|&key| key.into()));
            }
        }

        #[test]
        fn any_bytes_are_either_refused_or_can_be_walked(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut log = PackedLog { bytes, ..PackedLog::default() };
            if log.index(1 << 40, |_| true) {
                prop_assert_eq!(log.entries().count() as u64, log.len);
                prop_assert!(log.entries().map(|(key, _)| key).is_sorted_by(|one, next| one < next));
            }
        }

        #[test]
        fn a_number_comes_back_and_no_part_of_it_does(number in any::<u64>()) {
            let mut bytes = Vec::new();
            put_varint(number, &mut bytes);
            prop_assert_eq!(take_varint(&mut &bytes[..]), Some(number));
            prop_assert_eq!(take_varint(&mut &bytes[..bytes.len() - 1]), None);
        }
    }
}
