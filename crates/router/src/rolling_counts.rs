//! Counts over a rolling window, in ten buckets.

use core::time::Duration;
use squall_determinism::Timestamp;

const BUCKETS: usize = 10;

/// Two counts over a window. The oldest tenth is forgotten at a time, so that the sum is over nine to
/// ten tenths of the window, exact at any rate.
#[derive(Clone, Debug)]
pub(crate) struct RollingCounts {
    buckets: [[u32; 2]; BUCKETS],
    sums: [u32; 2],
    /// Length of a bucket in nanoseconds.
    length: u64,
    /// The bucket of the latest time seen, counted from the start of the run.
    current: u64,
    /// When that bucket ends: most calls are before it, and need no division.
    turns_at: u64,
}

impl RollingCounts {
    pub(crate) fn new(window: Duration) -> Self {
        let window = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX);
        let length = (window / BUCKETS as u64).max(1);
        Self { buckets: [[0; 2]; BUCKETS], sums: [0; 2], length, current: 0, turns_at: length }
    }

    pub(crate) fn add(&mut self, now: Timestamp, counts: [u32; 2]) {
        self.turn(now);
        let bucket = &mut self.buckets[(self.current % BUCKETS as u64) as usize];
        for ((count, sum), more) in bucket.iter_mut().zip(&mut self.sums).zip(counts) {
            *count += more;
            *sum += more;
        }
    }

    /// Takes back what was added last, as far as it has not been forgotten.
    pub(crate) fn take_back(&mut self, now: Timestamp, counts: [u32; 2]) {
        self.turn(now);
        for ago in 0..BUCKETS as u64 {
            let Some(place) = self.current.checked_sub(ago) else { return };
            let bucket = &mut self.buckets[(place % BUCKETS as u64) as usize];
            if bucket.iter().zip(counts).all(|(count, less)| *count >= less) {
                for ((count, sum), less) in bucket.iter_mut().zip(&mut self.sums).zip(counts) {
                    *count -= less;
                    *sum -= less;
                }
                return;
            }
        }
    }

    pub(crate) fn sums(&mut self, now: Timestamp) -> [u32; 2] {
        self.turn(now);
        self.sums
    }

    pub(crate) fn clear(&mut self) {
        self.buckets = [[0; 2]; BUCKETS];
        self.sums = [0; 2];
    }

    fn turn(&mut self, now: Timestamp) {
        if now.as_nanos() < self.turns_at {
            return;
        }
        let current = now.as_nanos() / self.length;
        let passed = (current - self.current).min(BUCKETS as u64);
        for bucket in 1..=passed {
            let old = &mut self.buckets[((self.current + bucket) % BUCKETS as u64) as usize];
            self.sums[0] -= old[0];
            self.sums[1] -= old[1];
            *old = [0; 2];
        }
        self.current = current;
        self.turns_at = (current + 1).saturating_mul(self.length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_back_was_never_there_and_nothing_falls_below_zero() {
        let mut buckets = RollingCounts::new(Duration::from_secs(10));
        buckets.add(Timestamp::from_secs(1), [3, 1]);
        buckets.take_back(Timestamp::from_secs(3), [0, 1]);
        assert_eq!(buckets.sums(Timestamp::from_secs(3)), [3, 0]);
        buckets.take_back(Timestamp::from_secs(3), [0, 1]);
        assert_eq!(buckets.sums(Timestamp::from_secs(12)), [0, 0]);
    }

    #[test]
    fn counts_are_forgotten_a_tenth_at_a_time() {
        let mut buckets = RollingCounts::new(Duration::from_secs(10));
        (0..10).for_each(|second| buckets.add(Timestamp::from_secs(second), [1, 2]));
        assert_eq!(buckets.sums(Timestamp::from_millis(9_999)), [10, 20]);
        assert_eq!(buckets.sums(Timestamp::from_secs(10)), [9, 18]);
        assert_eq!(buckets.sums(Timestamp::from_secs(14)), [5, 10]);
        assert_eq!(buckets.sums(Timestamp::from_secs(1_000)), [0, 0]);
    }
}
