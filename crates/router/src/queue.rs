//! The queue of a group: by priority, first in, first out within a priority.

use crate::RequestKey;
use alloc::collections::BTreeMap;

/// A place in the order of waiting: priority, then arrival.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct QueuePosition {
    pub(crate) priority: u8,
    pub(crate) serial: u64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct RequestQueue {
    waiting: BTreeMap<QueuePosition, QueuedRequest>,
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
        self.waiting.insert(rank, waiting);
    }

    pub(crate) fn remove(&mut self, rank: QueuePosition) {
        self.waiting.remove(&rank);
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
