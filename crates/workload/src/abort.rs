//! When traffic ends early because too many requests fail.

use core::time::Duration;
use squall_determinism::{Share, Timestamp};

/// Ends the traffic once a larger share than `over` of the requests that ended has failed, second by second, for
/// `lasting` without a break. Clients that gave up count as failed. Requests under way then come to their ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AbortRule {
    /// The share of failed requests that must be exceeded in every second.
    pub over: Share,
    /// For how long, in whole seconds; at least one.
    pub lasting: Duration,
}

const SECOND: Duration = Duration::from_secs(1);

/// The counts behind an [`AbortRule`]. A second in which no request ended says nothing: it neither begins nor breaks
/// a stretch of bad seconds.
#[derive(Clone, Debug)]
pub(crate) struct AbortWatch {
    rule: AbortRule,
    /// The second that is counted.
    second: u64,
    ended: u64,
    failed: u64,
    /// The start of the bad seconds that reach up to this one.
    bad_since: Option<u64>,
    is_over: bool,
}

impl AbortWatch {
    pub(crate) const fn new(rule: AbortRule) -> Self {
        Self { rule, second: 0, ended: 0, failed: 0, bad_since: None, is_over: false }
    }

    /// A request has ended at `at`, which is never before an earlier one.
    pub(crate) fn ended(&mut self, at: Timestamp, has_failed: bool) {
        self.time_passed(at);
        self.ended += 1;
        self.failed += u64::from(has_failed);
    }

    /// Whether the traffic is to end.
    pub(crate) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Judges the seconds that are over.
    pub(crate) fn time_passed(&mut self, now: Timestamp) {
        let second = now.as_nanos() / SECOND.as_nanos() as u64;
        if self.is_over || second <= self.second {
            return;
        }
        if self.ended > 0 {
            let is_bad = self.failed * 1_000_000 > self.ended * u64::from(self.rule.over.ppm());
            self.bad_since = is_bad.then(|| self.bad_since.unwrap_or(self.second));
            let lasted = self.bad_since.map_or(0, |since| self.second + 1 - since);
            self.is_over = is_bad && lasted >= self.rule.lasting.as_secs().max(1);
        }
        (self.second, self.ended, self.failed) = (second, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch() -> AbortWatch {
        AbortWatch::new(AbortRule { over: Share::percent(20), lasting: Duration::from_secs(3) })
    }

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn is_over_at(watch: &mut AbortWatch, millis: u64) -> bool {
        watch.time_passed(at(millis));
        watch.is_over()
    }

    /// Ten requests in the second that begins at `second`, so many of them failed.
    fn second(watch: &mut AbortWatch, second: u64, failed: u64) {
        for number in 0..10 {
            watch.ended(at(second * 1_000 + number * 50), number < failed);
        }
    }

    #[test]
    fn bad_seconds_without_a_break_end_it_and_a_good_one_starts_over() {
        let mut watch = watch();
        for (number, failed) in [(0, 3), (1, 5), (2, 2), (3, 3), (4, 10)] {
            second(&mut watch, number, failed);
            assert!(!is_over_at(&mut watch, number * 1_000 + 999), "second {number}");
        }
        assert!(!is_over_at(&mut watch, 5_000), "two bad seconds, since 20 % is not over 20 %");
        second(&mut watch, 5, 3);
        assert!(is_over_at(&mut watch, 6_000));
    }

    #[test]
    fn seconds_in_which_nothing_ended_neither_begin_nor_break_a_stretch() {
        let mut watch = watch();
        assert!(!is_over_at(&mut watch, 30_000));
        second(&mut watch, 30, 10);
        assert!(
            !is_over_at(&mut watch, 50_000),
            "one bad second, and nothing is known of the others"
        );
        second(&mut watch, 50, 10);
        assert!(is_over_at(&mut watch, 51_000), "all that ended in 21 s has failed");
    }
}
