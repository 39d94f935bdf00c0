//! The queue of a group: by priority, first in, first out within a priority.

use crate::RequestKey;
use crate::event_pace::EventPace;
use alloc::collections::BTreeMap;
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
    /// How many wait of each priority.
    of_priority: BTreeMap<u8, usize>,
    /// When requests were served, since somebody has been waiting.
    served: EventPace,
}

/// A queued request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct QueuedRequest {
    pub(crate) key: RequestKey,
    /// It has constraints, or is delayed by its own limits: if it cannot start, later requests may.
    pub(crate) particular: bool,
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
        }
    }

    pub(crate) fn remove(&mut self, rank: QueuePosition) {
        if self.waiting.remove(&rank).is_some()
            && let Some(count) = self.of_priority.get_mut(&rank.priority)
        {
            *count -= 1;
        }
    }

    /// How many are served before one at this place.
    pub(crate) fn ahead_of(&self, rank: QueuePosition) -> usize {
        let higher: usize = self.of_priority.range(..rank.priority).map(|(_, count)| count).sum();
        let class = QueuePosition { serial: 0, ..rank }..;
        // One that comes back is older than others of its priority.
        let same = match self.after(Some(rank)) {
            Some((next, _)) if next.priority == rank.priority => {
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

    /// A request leaves, since it is served.
    pub(crate) fn serve(&mut self, now: Timestamp, rank: QueuePosition) {
        self.remove(rank);
        self.served.happened(now);
    }

    /// The time between two that are served, if it can be told.
    pub(crate) fn interval(&self, now: Timestamp) -> Option<Duration> {
        self.served.interval(now)
    }

    /// The first request after `rank`, or of all.
    pub(crate) fn after(
        &self,
        rank: Option<QueuePosition>,
    ) -> Option<(QueuePosition, QueuedRequest)> {
        use core::ops::Bound::{Excluded, Unbounded};
        let from = rank.map_or(Unbounded, Excluded);
        self.waiting.range((from, Unbounded)).next().map(|(&rank, &waiting)| (rank, waiting))
    }

    /// The last queued request.
    pub(crate) fn last(&self) -> Option<(QueuePosition, QueuedRequest)> {
        self.waiting.last_key_value().map(|(&rank, &waiting)| (rank, waiting))
    }
}
