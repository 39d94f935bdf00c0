//! Distributions of durations, one per second.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use squall_determinism::Timestamp;
use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

/// Durations by second, to two significant digits, between a microsecond and an hour. Seconds that are
/// still being filled are histograms; the others are lists of the values that occurred, which are small.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Latencies {
    /// By second: (microseconds, how often), by rising value.
    seconds: Vec<Vec<(u32, u32)>>,
    #[serde(skip)]
    open: VecDeque<Histogram<u32>>,
    /// The second of the first in `open`.
    #[serde(skip)]
    first_open: usize,
}

/// How many seconds stay open: longer than nearly every answer takes.
const OPEN_MAX: usize = 64;
const LOWEST: u64 = 1;
const HIGHEST: u64 = 3_600_000_000;

impl Latencies {
    #[inline]
    pub(super) fn record(&mut self, at: Timestamp, took: Duration) {
        let second = (at.as_nanos() / 1_000_000_000) as usize;
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).clamp(LOWEST, HIGHEST);
        if second < self.first_open {
            self.merge(second, micros as u32);
            return;
        }
        while self.open.len() <= second - self.first_open {
            self.open_next();
        }
        self.open[second - self.first_open].saturating_record(micros);
    }

    /// Opens the next second; the oldest is closed, and its histogram used again, if too many are open.
    fn open_next(&mut self) {
        let histogram = if self.open.len() == OPEN_MAX {
            self.close_first()
        } else {
            Histogram::new_with_bounds(LOWEST, HIGHEST, 2).ok()
        };
        self.open.extend(histogram);
    }

    fn close_first(&mut self) -> Option<Histogram<u32>> {
        let mut histogram = self.open.pop_front()?;
        let values = recorded(&histogram);
        self.seconds.resize(self.first_open, Vec::new());
        self.seconds.push(values);
        self.first_open += 1;
        histogram.reset();
        Some(histogram)
    }

    /// A value for a second that is closed already.
    fn merge(&mut self, second: usize, micros: u32) {
        let values = &mut self.seconds[second];
        match values.binary_search_by_key(&micros, |&(value, _)| value) {
            Ok(place) => values[place].1 += 1,
            Err(place) => values.insert(place, (micros, 1)),
        }
    }

    /// Closes every second: nothing more is to come.
    pub(super) fn close(&mut self) {
        while self.close_first().is_some() {}
        while self.seconds.last().is_some_and(Vec::is_empty) {
            self.seconds.pop();
        }
    }

    /// How many seconds there are.
    #[must_use]
    pub fn seconds(&self) -> usize {
        self.seconds.len()
    }

    /// All values of the seconds that begin in a window.
    #[must_use]
    pub fn window(&self, window: Range<Timestamp>) -> Histogram<u64> {
        let second = |time: Timestamp| time.as_nanos().div_ceil(1_000_000_000) as usize;
        self.merged(second(window.start)..second(window.end))
    }

    /// All values of some seconds.
    #[must_use]
    pub fn merged(&self, seconds: Range<usize>) -> Histogram<u64> {
        let mut merged = Histogram::new_with_bounds(LOWEST, HIGHEST, 2)
            .unwrap_or_else(|_| unreachable!("the bounds are constants that fit"));
        let end = seconds.end.min(self.seconds.len());
        let start = seconds.start.min(end);
        for &(value, count) in self.seconds[start..end].iter().flatten() {
            merged.saturating_record_n(value.into(), count.into());
        }
        merged
    }
}

/// The values that occurred, and how often. The histogram's own iterator walks its thousands of buckets
/// from zero; this walks from the least value to the greatest.
fn recorded(histogram: &Histogram<u32>) -> Vec<(u32, u32)> {
    if histogram.is_empty() {
        return Vec::new();
    }
    let (least, greatest) = (histogram.min(), histogram.max());
    let values = std::iter::successors(Some(least), |&value| {
        Some(histogram.next_non_equivalent(value)).filter(|&next| next <= greatest)
    });
    let counted =
        values.map(|value| (histogram.highest_equivalent(value), histogram.count_at(value)));
    counted.filter(|&(_, count)| count > 0).map(|(value, count)| (value as u32, count)).collect()
}

impl PartialEq for Latencies {
    /// Two that are closed are alike if their values are.
    fn eq(&self, other: &Self) -> bool {
        self.seconds == other.seconds && self.open == other.open
    }
}
