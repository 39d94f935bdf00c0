//! How the traffic is doing, for whoever watches.

use squall_failure::FailureClass;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the start, written by the driver and read from anywhere.
#[derive(Debug, Default)]
pub struct Progress {
    offered: AtomicU64,
    succeeded: AtomicU64,
    gave_up: AtomicU64,
    failed: [AtomicU64; FailureClass::ALL.len()],
}

/// The counts at one moment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Snapshot {
    /// Requests sent.
    pub offered: u64,
    /// Of those, how many succeeded.
    pub succeeded: u64,
    /// Of those, how many clients gave up.
    pub gave_up: u64,
    /// Of those, how many failed, by the code of the class.
    pub failed: [u64; FailureClass::ALL.len()],
}

impl Progress {
    pub(crate) fn offered(&self) {
        self.offered.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn succeeded(&self) {
        self.succeeded.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn gave_up(&self) {
        self.gave_up.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self, class: FailureClass) {
        self.failed[usize::from(class.code())].fetch_add(1, Ordering::Relaxed);
    }

    /// The counts now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Snapshot {
            offered: read(&self.offered),
            succeeded: read(&self.succeeded),
            gave_up: read(&self.gave_up),
            failed: std::array::from_fn(|code| read(&self.failed[code])),
        }
    }
}

impl Snapshot {
    /// Requests that failed, of any class.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.failed.iter().sum::<u64>() + self.gave_up
    }

    /// Requests that have ended.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.succeeded + self.lost()
    }

    /// Requests that have not.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.offered.saturating_sub(self.ended())
    }

    /// What came since an earlier snapshot.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            offered: self.offered - earlier.offered,
            succeeded: self.succeeded - earlier.succeeded,
            gave_up: self.gave_up - earlier.gave_up,
            failed: std::array::from_fn(|code| self.failed[code] - earlier.failed[code]),
        }
    }
}
