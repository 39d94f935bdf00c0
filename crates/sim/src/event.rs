//! The event queue: what happens to attempts, ordered by (time, sequence).

use squall_determinism::Timestamp;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Something due at a time. Events of one time come out in the order in which they were put in.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Event {
    pub(crate) at: Timestamp,
    sequence: u64,
    /// The flight it is about.
    pub(crate) flight: u32,
    /// The plan it is part of: an event of an older plan of the flight is void.
    pub(crate) plan: u32,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct EventQueue {
    heap: BinaryHeap<Reverse<Event>>,
    sequence: u64,
}

impl EventQueue {
    pub(crate) fn push(&mut self, at: Timestamp, flight: u32, plan: u32) {
        self.sequence += 1;
        self.heap.push(Reverse(Event { at, sequence: self.sequence, flight, plan }));
    }

    #[inline]
    pub(crate) fn next_at(&self) -> Timestamp {
        self.heap.peek().map_or(Timestamp::MAX, |Reverse(event)| event.at)
    }

    pub(crate) fn pop(&mut self) -> Option<Event> {
        self.heap.pop().map(|Reverse(event)| event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_one_time_come_out_as_they_went_in() {
        let mut queue = EventQueue::default();
        let (early, late) = (Timestamp::from_secs(1), Timestamp::from_secs(2));
        for (at, flight) in [(late, 0), (early, 1), (late, 2), (early, 3)] {
            queue.push(at, flight, 0);
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|event| event.flight).collect();
        assert_eq!(order, [1, 3, 0, 2]);
    }
}
