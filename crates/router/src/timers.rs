//! Timers: at most one per slot, fired in the order of (due, sequence).

use alloc::vec::Vec;
use squall_determinism::Timestamp;

/// A heap that knows where each slot's entry is, so that a timer is moved or stopped in place and
/// nothing stale is ever left behind. Four children to a node: shallower, and one cache line to compare.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    heap: Vec<TimerEntry>,
    /// Where the entry of a slot is; `NOWHERE` if it has none.
    places: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct TimerEntry {
    due: Timestamp,
    sequence: u64,
    slot: u32,
}

const NOWHERE: u32 = u32::MAX;
const CHILDREN: usize = 4;

impl Timers {
    /// The earliest timer: when it is due, and its sequence.
    #[inline]
    pub(crate) fn first(&self) -> Option<(Timestamp, u64)> {
        self.heap.first().map(|entry| (entry.due, entry.sequence))
    }

    /// Takes the earliest timer out: its slot and when it was due.
    pub(crate) fn pop(&mut self) -> Option<(u32, Timestamp)> {
        let first = *self.heap.first()?;
        self.remove(0);
        Some((first.slot, first.due))
    }

    /// Sets the timer of `slot`, instead of the one it may have had.
    pub(crate) fn arm(&mut self, slot: u32, due: Timestamp, sequence: u64) {
        if self.places.len() <= slot as usize {
            self.places.resize(slot as usize + 1, NOWHERE);
        }
        let entry = TimerEntry { due, sequence, slot };
        let place = self.places[slot as usize];
        if place == NOWHERE {
            self.heap.push(entry);
            self.rise(self.heap.len() - 1, entry);
        } else {
            self.settle(place as usize, entry);
        }
    }

    /// Whether `slot` has a timer.
    pub(crate) fn is_armed(&self, slot: u32) -> bool {
        self.places.get(slot as usize).is_some_and(|&place| place != NOWHERE)
    }

    /// When the timer of `slot` is due, if it has one.
    pub(crate) fn due(&self, slot: u32) -> Option<Timestamp> {
        let place = *self.places.get(slot as usize)?;
        self.heap.get(place as usize).map(|entry| entry.due)
    }

    /// Stops the timer of `slot`, if it has one.
    pub(crate) fn disarm(&mut self, slot: u32) {
        match self.places.get(slot as usize) {
            Some(&place) if place != NOWHERE => self.remove(place as usize),
            _ => {}
        }
    }

    fn remove(&mut self, place: usize) {
        self.places[self.heap[place].slot as usize] = NOWHERE;
        let last = self.heap.swap_remove(self.heap.len() - 1);
        if place < self.heap.len() {
            self.settle(place, last);
        }
    }

    /// Puts `entry` at `place` or wherever from there it belongs.
    fn settle(&mut self, place: usize, entry: TimerEntry) {
        if place > 0 && entry.before(&self.heap[(place - 1) / CHILDREN]) {
            self.rise(place, entry);
        } else {
            self.sink(place, entry);
        }
    }

    fn rise(&mut self, mut place: usize, entry: TimerEntry) {
        while place > 0 {
            let parent = (place - 1) / CHILDREN;
            if !entry.before(&self.heap[parent]) {
                break;
            }
            self.put(place, self.heap[parent]);
            place = parent;
        }
        self.put(place, entry);
    }

    fn sink(&mut self, mut place: usize, entry: TimerEntry) {
        loop {
            let first = place * CHILDREN + 1;
            let children = first..(first + CHILDREN).min(self.heap.len());
            let Some(least) = children.reduce(|least, child| {
                if self.heap[child].before(&self.heap[least]) { child } else { least }
            }) else {
                break;
            };
            if !self.heap[least].before(&entry) {
                break;
            }
            self.put(place, self.heap[least]);
            place = least;
        }
        self.put(place, entry);
    }

    #[inline]
    fn put(&mut self, place: usize, entry: TimerEntry) {
        self.heap[place] = entry;
        self.places[entry.slot as usize] = place as u32;
    }
}

impl TimerEntry {
    #[inline]
    fn before(&self, other: &Self) -> bool {
        (self.due, self.sequence) < (other.due, other.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn it_agrees_with_a_sorted_map(steps in prop::collection::vec((0u32..20, 0u64..50, 0u8..4), 1..300)) {
            let mut timers = Timers::default();
            let mut model = BTreeMap::new();
            for (sequence, (slot, due, action)) in steps.into_iter().enumerate() {
                let sequence = sequence as u64;
                match action {
                    0 => { timers.disarm(slot); model.retain(|_, s| *s != slot); }
                    1 => {
                        let popped = timers.pop();
                        prop_assert_eq!(popped, model.pop_first().map(|((due, _), slot)| (slot, due)));
                    }
                    _ => {
                        let due = Timestamp::from_nanos(due);
                        timers.arm(slot, due, sequence);
                        model.retain(|_, s| *s != slot);
                        model.insert((due, sequence), slot);
                    }
                }
                prop_assert_eq!(timers.first(), model.keys().next().copied());
            }
        }
    }
}
