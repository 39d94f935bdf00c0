//! Failures with no sign of life from an attempt that began after the first of them.
//!
//! An answer that began to be made before an outage says how the deployment was, not how it is: answers of ten seconds go
//! on ending well for ten seconds, and each would start a plain row of failures again. What began after the first failure
//! says something, and so does how much of that has failed: a deployment that answers most of its requests has many under
//! way for each that fails, a dead one hardly any.

use squall_determinism::{Share, Timestamp};

/// So many of the attempts begun since the first failure have to have failed. Attempts under way count as not failed.
const FAILED_SHARE: Share = Share::percent(80);

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FailureRow {
    /// When the first failure came.
    since: Option<Timestamp>,
    failures: u32,
    /// The attempts that failed, and those that began since.
    attempts: u32,
}

impl FailureRow {
    /// An attempt begins.
    #[inline]
    pub(super) fn begun(&mut self) {
        self.attempts += u32::from(self.since.is_some());
    }

    /// An attempt that began at `started` was answered.
    #[inline]
    pub(super) fn answered(&mut self, started: Timestamp) {
        if self.since.is_some_and(|since| started >= since) {
            *self = Self::default();
        }
    }

    /// An attempt that began at `started` has failed.
    pub(super) fn failed(&mut self, now: Timestamp, started: Timestamp) {
        let since = *self.since.get_or_insert(now);
        self.failures += 1;
        self.attempts += u32::from(started < since || self.failures == 1);
    }

    /// Its failures, where they are enough of what was begun to tell of a dead deployment; else none.
    pub(super) fn evidence(&self) -> u32 {
        let enough = u64::from(self.failures) * 1_000_000
            >= u64::from(self.attempts) * u64::from(FAILED_SHARE.ppm());
        if enough { self.failures } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    #[test]
    fn answers_of_before_do_not_end_it_and_an_answer_of_since_does() {
        let mut row = FailureRow::default();
        row.failed(at(10), at(9));
        row.answered(at(9));
        row.failed(at(10), at(9));
        assert_eq!(row.evidence(), 2);
        row.begun();
        row.answered(at(11));
        assert_eq!(row.evidence(), 0);
    }

    #[test]
    fn failures_are_no_evidence_while_most_of_what_began_since_is_under_way() {
        let mut row = FailureRow::default();
        row.failed(at(10), at(10));
        for _ in 0..9 {
            row.begun();
        }
        row.failed(at(11), at(10));
        assert_eq!(row.evidence(), 0, "two of ten");
        for _ in 0..6 {
            row.failed(at(11), at(10));
        }
        assert_eq!(row.evidence(), 8, "eight of ten");
    }
}
