//! Those who wait in a group: by priority, and within one priority first come first served.

use crate::RequestKey;
use alloc::collections::BTreeMap;

/// A place in the order of waiting: priority, then arrival.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Rank {
    pub(crate) priority: u8,
    pub(crate) serial: u64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    waiting: BTreeMap<Rank, Waiter>,
}

/// Someone who waits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Waiter {
    pub(crate) key: RequestKey,
    /// Not every deployment will do, or a limit of its own holds it back: that it cannot start says
    /// nothing of those behind it.
    pub(crate) particular: bool,
}

impl Queue {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn push(&mut self, rank: Rank, waiting: Waiter) {
        self.waiting.insert(rank, waiting);
    }

    pub(crate) fn remove(&mut self, rank: Rank) {
        self.waiting.remove(&rank);
    }

    /// The first who waits behind `rank`, or at all.
    pub(crate) fn after(&self, rank: Option<Rank>) -> Option<(Rank, Waiter)> {
        use core::ops::Bound::{Excluded, Unbounded};
        let from = rank.map_or(Unbounded, Excluded);
        self.waiting.range((from, Unbounded)).next().map(|(&rank, &waiting)| (rank, waiting))
    }

    /// The last who waits.
    pub(crate) fn last(&self) -> Option<(Rank, Waiter)> {
        self.waiting.last_key_value().map(|(&rank, &waiting)| (rank, waiting))
    }
}
