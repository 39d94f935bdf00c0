//! The event queue: what happens by itself, ordered by (time, sequence).

use squall_determinism::Timestamp;
use squall_router::DeploymentId;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Something due at a time. Events of one time come out in the order in which they were put in.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct SimEvent {
    pub(crate) at: Timestamp,
    sequence: u64,
    pub(crate) what: EventKind,
}

/// What is due.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum EventKind {
    /// An attempt gets on.
    Attempt(FlightPart),
    /// A worker of this replica has done its job, for which a flight may wait.
    Work(u16, Option<FlightPart>),
    /// A check of a deployment by this replica has waited long enough for its answer.
    CheckLost(u16, DeploymentId),
    /// A message to or from the store of shared state arrives.
    StoreMessage(u32),
}

/// One of the attempts of a flight, of which two may run side by side.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct CallId {
    /// Which flight.
    pub(crate) flight: u32,
    /// Which of its lanes.
    pub(crate) lane: u8,
}

/// A part of a call.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct FlightPart {
    /// Which call.
    pub(crate) call: CallId,
    /// The plan it belongs to: a part of an older plan of the call is void.
    pub(crate) plan: u32,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct EventQueue {
    heap: BinaryHeap<Reverse<SimEvent>>,
    sequence: u64,
}

impl EventQueue {
    pub(crate) fn push(&mut self, at: Timestamp, what: EventKind) {
        self.sequence += 1;
        self.heap.push(Reverse(SimEvent { at, sequence: self.sequence, what }));
    }

    #[inline]
    pub(crate) fn next_at(&self) -> Timestamp {
        self.heap.peek().map_or(Timestamp::MAX, |Reverse(event)| event.at)
    }

    pub(crate) fn pop(&mut self) -> Option<EventKind> {
        self.heap.pop().map(|Reverse(event)| event.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_one_time_come_out_as_they_went_in() {
        let mut queue = EventQueue::default();
        let (early, late) = (Timestamp::from_secs(1), Timestamp::from_secs(2));
        let lost = |deployment| EventKind::CheckLost(0, DeploymentId(deployment));
        for (at, deployment) in [(late, 0), (early, 3), (late, 2), (early, 1)] {
            queue.push(at, lost(deployment));
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, [3, 1, 0, 2].map(lost));
    }
}
