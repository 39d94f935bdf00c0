//! The queue of a group: by priority, first in, first out within a priority.
//!
//! Those who wait for the same are in one lane, so that a lane whose first cannot start is passed over at once, however
//! many wait in it.

use crate::event_pace::EventPace;
use crate::{RequestKey, TenantId};
use alloc::collections::{BTreeMap, BTreeSet, BinaryHeap};
use core::cmp::Reverse;
use core::ops::Bound;
use core::time::Duration;
use squall_determinism::Timestamp;

/// A place in the order of waiting: priority, then arrival.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct QueuePosition {
    pub(crate) priority: u8,
    pub(crate) serial: u64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct RequestQueue {
    waiting: BTreeMap<QueuePosition, QueuedRequest>,
    /// The same by lane; none is empty.
    lanes: BTreeMap<QueueLane, BTreeSet<QueuePosition>>,
    /// How many wait of each priority.
    of_priority: BTreeMap<u8, usize>,
    /// When requests were served, since somebody has been waiting.
    served: EventPace,
}

/// A queued request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct QueuedRequest {
    pub(crate) key: RequestKey,
    pub(crate) lane: QueueLane,
}

/// Which other requests a queued request waits with.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum QueueLane {
    /// Any deployment of the group will do: within a lane requests start in order. Those of a tenant are delayed by
    /// its limits too, others then pass them.
    InOrder(Option<TenantId>),
    /// Only some deployments will do, not the same for all: each is looked at by itself.
    Constrained,
}

impl QueueLane {
    /// Whether later requests may start while the first of this lane cannot.
    pub(crate) fn lets_pass(self) -> bool {
        self != Self::InOrder(None)
    }
}

impl RequestQueue {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn push(&mut self, rank: QueuePosition, waiting: QueuedRequest) {
        if self.waiting.is_empty() {
            self.served = EventPace::default();
        }
        if self.waiting.insert(rank, waiting).is_none() {
            *self.of_priority.entry(rank.priority).or_default() += 1;
            self.lanes.entry(waiting.lane).or_default().insert(rank);
        }
    }

    /// Takes a request out; gives the one that became the first of its lane by that.
    pub(crate) fn remove(&mut self, rank: QueuePosition) -> Option<RequestKey> {
        let QueuedRequest { lane, .. } = self.waiting.remove(&rank)?;
        if let Some(count) = self.of_priority.get_mut(&rank.priority) {
            *count -= 1;
        }
        let ranks = self.lanes.get_mut(&lane)?;
        let was_first = ranks.first() == Some(&rank);
        ranks.remove(&rank);
        let Some(first) = ranks.first() else {
            self.lanes.remove(&lane);
            return None;
        };
        self.waiting.get(first).filter(|_| was_first).map(|next| next.key)
    }

    /// The lane of a queued request.
    pub(crate) fn lane(&self, rank: QueuePosition) -> Option<QueueLane> {
        self.waiting.get(&rank).map(|waiting| waiting.lane)
    }

    /// Whether nobody of its lane is before it.
    pub(crate) fn is_first_of_lane(&self, rank: QueuePosition) -> bool {
        let lane = self.waiting.get(&rank).and_then(|waiting| self.lanes.get(&waiting.lane));
        lane.is_some_and(|ranks| ranks.first() == Some(&rank))
    }

    /// How many are served before one at this place.
    pub(crate) fn ahead_of(&self, rank: QueuePosition) -> usize {
        let higher: usize = self.of_priority.range(..rank.priority).map(|(_, count)| count).sum();
        let class = QueuePosition { serial: 0, ..rank }..;
        // One that comes back is older than others of its priority.
        let same = match self.after(rank) {
            Some(next) if next.priority == rank.priority => {
                self.waiting.range(class).take_while(|(other, _)| **other < rank).count()
            }
            _ => {
                self.of_priority.get(&rank.priority).copied().unwrap_or(0)
                    - usize::from(self.waiting.contains_key(&rank))
            }
        };
        higher + same
    }

    /// When one with so many ahead of it will be served, if there is a pace to decide by.
    pub(crate) fn served_at(&self, now: Timestamp, ahead: usize) -> Option<Timestamp> {
        let interval = self.served.interval(now).filter(|_| self.served.is_settled())?;
        Some(
            now + interval
                .saturating_mul(u32::try_from(ahead).unwrap_or(u32::MAX).saturating_add(1)),
        )
    }

    /// A request leaves, since it is served; gives the one that became the first of its lane by that.
    pub(crate) fn serve(&mut self, now: Timestamp, rank: QueuePosition) -> Option<RequestKey> {
        self.served.happened(now);
        self.remove(rank)
    }

    /// The time between two that are served, if it can be told.
    pub(crate) fn interval(&self, now: Timestamp) -> Option<Duration> {
        self.served.interval(now)
    }

    /// The first request of all.
    pub(crate) fn first(&self) -> Option<(QueuePosition, QueuedRequest)> {
        self.waiting.first_key_value().map(|(&rank, &waiting)| (rank, waiting))
    }

    /// The first request after `rank`.
    fn after(&self, rank: QueuePosition) -> Option<QueuePosition> {
        let after = (Bound::Excluded(rank), Bound::Unbounded);
        self.waiting.range(after).next().map(|(&rank, _)| rank)
    }

    /// The last queued request.
    pub(crate) fn last(&self) -> Option<(QueuePosition, QueuedRequest)> {
        self.waiting.last_key_value().map(|(&rank, &waiting)| (rank, waiting))
    }
}

/// A walk along a queue in its order, which leaves out lanes once their first has to wait. It allocates only when
/// there are more lanes than in any walk before.
#[derive(Clone, Debug, Default)]
pub(crate) struct QueueWalk {
    /// The next of each lane.
    heads: BinaryHeap<Reverse<(QueuePosition, QueueLane)>>,
}

impl QueueWalk {
    /// Stands before the first of all.
    pub(crate) fn begin(&mut self, queue: &RequestQueue) {
        let first = |(&lane, ranks): (&QueueLane, &BTreeSet<QueuePosition>)| {
            Some(Reverse((*ranks.first()?, lane)))
        };
        self.heads.clear();
        self.heads.extend(queue.lanes.iter().filter_map(first));
    }

    /// The next of the lanes that are not left out. Its lane is left out unless the walk goes on in it.
    pub(crate) fn next(&mut self, queue: &RequestQueue) -> Option<(QueuePosition, QueuedRequest)> {
        loop {
            let Reverse((rank, lane)) = self.heads.pop()?;
            match queue.waiting.get(&rank) {
                Some(&waiting) => return Some((rank, waiting)),
                // It has left since.
                None => self.go_on(queue, lane, Bound::Excluded(rank)),
            }
        }
    }

    /// Goes on in a lane, from here on.
    pub(crate) fn go_on(
        &mut self,
        queue: &RequestQueue,
        lane: QueueLane,
        from: Bound<QueuePosition>,
    ) {
        let ranks = queue.lanes.get(&lane);
        let next = ranks.and_then(|ranks| ranks.range((from, Bound::Unbounded)).next());
        self.heads.extend(next.map(|&rank| Reverse((rank, lane))));
    }
}
