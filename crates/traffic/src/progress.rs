//! How a drive is going, for whoever watches it.

use squall_failure::FailureClass;
use squall_record::RequestOutcome;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters that the driver moves and anyone may read.
#[derive(Debug, Default)]
pub struct DriveProgress {
    offered: AtomicU64,
    succeeded: AtomicU64,
    gave_up: AtomicU64,
    unfinished: AtomicU64,
    failed: [AtomicU64; FailureClass::ALL.len()],
}

/// The counters at one moment. All count from the start of the drive.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DriveCounts {
    /// Requests sent.
    pub offered: u64,
    /// Requests answered whole.
    pub succeeded: u64,
    /// Clients who gave up.
    pub gave_up: u64,
    /// Requests that the end of the drive cut off.
    pub unfinished: u64,
    /// Requests that failed, by [`FailureClass::code`].
    pub failed: [u64; FailureClass::ALL.len()],
}

impl DriveProgress {
    /// The counters now. Requests that are sent or end meanwhile may be in one and not in the other.
    #[must_use]
    pub fn counts(&self) -> DriveCounts {
        DriveCounts {
            offered: self.offered.load(Relaxed),
            succeeded: self.succeeded.load(Relaxed),
            gave_up: self.gave_up.load(Relaxed),
            unfinished: self.unfinished.load(Relaxed),
            failed: self.failed.each_ref().map(|count| count.load(Relaxed)),
        }
    }

    pub(crate) fn sent(&self) {
        self.offered.fetch_add(1, Relaxed);
    }

    pub(crate) fn ended(&self, outcome: RequestOutcome) {
        let count = match outcome {
            RequestOutcome::Succeeded => &self.succeeded,
            RequestOutcome::GaveUp => &self.gave_up,
            RequestOutcome::Unfinished => &self.unfinished,
            RequestOutcome::Failed { class, .. } => &self.failed[usize::from(class.code())],
        };
        count.fetch_add(1, Relaxed);
    }
}

impl DriveCounts {
    /// Requests that the target answered, well or badly.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.succeeded + self.failed.iter().sum::<u64>()
    }

    /// Requests that have not ended.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.offered.saturating_sub(self.answered() + self.gave_up + self.unfinished)
    }

    /// The failures that came after `earlier`, by class, without those that did not occur.
    pub fn failures_since(&self, earlier: &Self) -> impl Iterator<Item = (FailureClass, u64)> {
        let counts = self.failed.into_iter().zip(earlier.failed);
        FailureClass::ALL
            .into_iter()
            .zip(counts)
            .map(|(class, (now, before))| (class, now.saturating_sub(before)))
            .filter(|&(_, count)| count > 0)
    }
}
