//! Units used in a rolling window, in buckets.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Into how many buckets a window is divided: a unit is counted for at most 1/240 of the window too long.
pub const BUCKETS: u64 = 240;

/// Units used within a window. Every unit is counted for at least the window, and at most one bucket longer.
///
/// A bucket is ⌈window / 240⌉ ms; bucket `k` has what was used in `[k·b, (k+1)·b)` and counts until `(k+1)·b + window`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UsageWindow {
    buckets: VecDeque<(u64, u64)>,
    sum: u64,
}

/// The length of a bucket, in milliseconds.
const fn bucket_ms(window_ms: u64) -> u64 {
    let bucket = window_ms.div_ceil(BUCKETS);
    if bucket == 0 { 1 } else { bucket }
}

impl UsageWindow {
    /// Adds units used at `at_ms`. What is earlier than the latest before counts as used with that.
    pub fn add(&mut self, at_ms: u64, window_ms: u64, units: u64) {
        if units == 0 {
            return;
        }
        let index = at_ms / bucket_ms(window_ms);
        self.sum += units;
        match self.buckets.back_mut() {
            Some((last, sum)) if *last >= index => *sum += units,
            _ => self.buckets.push_back((index, units)),
        }
    }

    /// Takes `units` back, from the oldest on: what remains counts longer rather than shorter. Returns how many it took.
    pub fn take_back(&mut self, units: u64) -> u64 {
        let mut left = units;
        while left > 0
            && let Some((_, sum)) = self.buckets.front_mut()
        {
            let taken = left.min(*sum);
            (*sum, self.sum, left) = (*sum - taken, self.sum - taken, left - taken);
            if *sum == 0 {
                self.buckets.pop_front();
            }
        }
        units - left
    }

    /// Forgets what was used before the window that ends at `now_ms`. Returns the units still within it.
    pub fn expire(&mut self, now_ms: u64, window_ms: u64) -> u64 {
        let bucket = bucket_ms(window_ms);
        while let Some(&(index, units)) = self.buckets.front()
            && (index + 1) * bucket + window_ms <= now_ms
        {
            self.buckets.pop_front();
            self.sum -= units;
        }
        self.sum
    }

    /// Takes in the units of another, each with its own time.
    pub fn merge(&mut self, other: &Self) {
        let mut all: Vec<(u64, u64)> = self.buckets.iter().chain(&other.buckets).copied().collect();
        all.sort_unstable();
        self.buckets.clear();
        for (index, units) in all {
            match self.buckets.back_mut() {
                Some((last, sum)) if *last == index => *sum += units,
                _ => self.buckets.push_back((index, units)),
            }
        }
        self.sum += other.sum;
    }

    /// The units counted, as of the last [`expire`](Self::expire).
    #[must_use]
    pub const fn sum(&self) -> u64 {
        self.sum
    }

    /// The buckets that count, oldest first: their end and units.
    pub fn buckets(&self, window_ms: u64) -> impl Iterator<Item = (u64, u64)> {
        self.buckets.iter().map(move |&(index, units)| ((index + 1) * bucket_ms(window_ms), units))
    }

    /// When the oldest units are forgotten; `None` if there are none.
    #[must_use]
    pub fn next_expiry_ms(&self, window_ms: u64) -> Option<u64> {
        let (index, _) = self.buckets.front()?;
        Some((index + 1) * bucket_ms(window_ms) + window_ms)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.buckets.clear();
        self.sum = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_counts_for_the_window_and_at_most_a_bucket_longer() {
        let mut window = UsageWindow::default();
        window.add(1_100, 60_000, 5);
        assert_eq!(window.expire(61_249, 60_000), 5);
        assert_eq!(window.next_expiry_ms(60_000), Some(61_250));
        assert_eq!(window.expire(61_250, 60_000), 0);
    }

    #[test]
    fn units_are_taken_back_from_the_oldest_on() {
        let mut window = UsageWindow::default();
        window.add(0, 60_000, 5);
        window.add(1_000, 60_000, 5);
        assert_eq!(window.take_back(6), 6);
        assert_eq!(window.buckets(60_000).collect::<Vec<_>>(), [(1_250, 4)]);
        assert_eq!(window.take_back(6), 4, "no more than there are");
        assert_eq!(window.sum(), 0);
    }
}
