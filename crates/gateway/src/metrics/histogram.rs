//! Durations in fixed buckets.

use std::time::Duration;

/// Upper bounds in seconds: from what a cache answers to what a long answer takes.
pub(super) const BOUNDS: [f64; 14] =
    [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 30.0, 60.0, 120.0];

/// How many durations were within each bound, and all of them together.
#[derive(Clone, Debug, Default)]
pub(super) struct LatencyHistogram {
    /// By the first bound that holds.
    within: [u64; BOUNDS.len()],
    pub(super) count: u64,
    pub(super) sum: f64,
}

impl LatencyHistogram {
    pub(super) fn add(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        self.count += 1;
        self.sum += seconds;
        if let Some(bucket) = BOUNDS.iter().position(|&bound| seconds <= bound) {
            self.within[bucket] += 1;
        }
    }

    /// How many were at most each bound.
    pub(super) fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        BOUNDS.into_iter().zip(self.within).scan(0, |sum, (bound, count)| {
            *sum += count;
            Some((bound, *sum))
        })
    }
}
