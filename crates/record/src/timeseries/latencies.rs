//! Distributions of durations over time.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use squall_determinism::Timestamp;
use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

/// Durations to two significant digits, between a microsecond and a thousand hours, in bins of equal width.
/// Bins that are still being filled are histograms; the others are lists of the values that occurred, which
/// are small.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Latencies {
    width_secs: u32,
    /// By bin: (microseconds, how often), by rising value.
    bins: Vec<Vec<(u64, u32)>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    heads: Vec<BinHead>,
    #[serde(skip)]
    open: VecDeque<Histogram<u32>>,
    /// The bin of the first in `open`.
    #[serde(skip)]
    first_open: usize,
}

/// The values of a bin that lie before a moment within it, as (microseconds, how often).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct BinHead {
    before_ns: u64,
    values: Vec<(u64, u32)>,
}

/// How many seconds stay open: longer than nearly every answer takes.
const OPEN_SECS: usize = 64;
const LOWEST: u64 = 1;
/// Longer than any run: a value beyond it would be told as this.
const HIGHEST: u64 = 3_600_000_000_000;

impl Latencies {
    pub(super) const fn new(width_secs: u32) -> Self {
        Self {
            width_secs,
            bins: Vec::new(),
            heads: Vec::new(),
            open: VecDeque::new(),
            first_open: 0,
        }
    }

    /// Keeps apart what comes before these moments in their bins, before anything is recorded.
    pub(super) fn cut(&mut self, cuts: &[Timestamp]) {
        let width = self.width_nanos();
        let within = cuts.iter().map(|cut| cut.as_nanos()).filter(|cut| !cut.is_multiple_of(width));
        let heads = within.map(|before_ns| BinHead { before_ns, values: Vec::new() });
        self.heads = heads.collect();
    }

    #[inline]
    pub(super) fn record(&mut self, at: Timestamp, took: Duration) {
        let bin = (at.as_nanos() / self.width_nanos()) as usize;
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).clamp(LOWEST, HIGHEST);
        let width = self.width_nanos();
        for head in self.heads.iter_mut().filter(|head| {
            at.as_nanos() < head.before_ns && (head.before_ns / width) as usize == bin
        }) {
            add_to(&mut head.values, micros);
        }
        if bin < self.first_open {
            add_to(&mut self.bins[bin], micros);
            return;
        }
        while self.open.len() <= bin - self.first_open {
            self.open_next();
        }
        self.open[bin - self.first_open].saturating_record(micros);
    }

    /// Opens the next bin; the oldest is closed, and its histogram used again, if too many are open.
    fn open_next(&mut self) {
        let histogram = if self.open.len() > OPEN_SECS / self.width_secs as usize {
            self.close_first()
        } else {
            Histogram::new_with_bounds(LOWEST, HIGHEST, 2).ok()
        };
        self.open.extend(histogram);
    }

    fn close_first(&mut self) -> Option<Histogram<u32>> {
        let mut histogram = self.open.pop_front()?;
        let values = recorded(&histogram);
        self.bins.resize(self.first_open, Vec::new());
        self.bins.push(values);
        self.first_open += 1;
        histogram.reset();
        Some(histogram)
    }

    /// Closes every bin: nothing more is to come.
    pub(super) fn close(&mut self) {
        while self.close_first().is_some() {}
        while self.bins.last().is_some_and(Vec::is_empty) {
            self.bins.pop();
        }
    }

    /// The width of a bin.
    #[must_use]
    pub const fn width(&self) -> Duration {
        Duration::from_secs(self.width_secs as u64)
    }

    /// How many bins there are, from the start of the run.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.bins.len()
    }

    /// All values of a window: exactly those where its ends are bins' or were known when the run began, and else those
    /// of the bins that begin in it.
    #[must_use]
    pub fn window(&self, window: Range<Timestamp>) -> Histogram<u64> {
        let edge = |time: Timestamp| {
            let nanos = time.as_nanos();
            let head = self.heads.iter().find(|head| head.before_ns == nanos);
            let width = self.width_nanos();
            let bin = if head.is_some() { nanos / width } else { nanos.div_ceil(width) };
            (bin as usize, head)
        };
        let ((start, before), (end, last)) = (edge(window.start), edge(window.end));
        let mut merged = self.merged(start..end);
        for &(value, count) in last.iter().flat_map(|head| &head.values) {
            merged.saturating_record_n(value, count.into());
        }
        if let (Some(before), true) = (before, window.start < window.end) {
            let mut taken = empty();
            for &(value, count) in &before.values {
                taken.saturating_record_n(value, count.into());
            }
            // What comes before the start is among the values of its bin.
            let _ = merged.subtract(taken);
        }
        merged
    }

    /// All values of some bins.
    #[must_use]
    pub fn merged(&self, bins: Range<usize>) -> Histogram<u64> {
        let mut merged = empty();
        let end = bins.end.min(self.bins.len());
        let start = bins.start.min(end);
        for &(value, count) in self.bins[start..end].iter().flatten() {
            merged.saturating_record_n(value, count.into());
        }
        merged
    }

    const fn width_nanos(&self) -> u64 {
        self.width_secs as u64 * 1_000_000_000
    }
}

fn empty() -> Histogram<u64> {
    Histogram::new_with_bounds(LOWEST, HIGHEST, 2)
        .unwrap_or_else(|_| unreachable!("the bounds are constants that fit"))
}

/// Adds a value to a sorted list.
fn add_to(values: &mut Vec<(u64, u32)>, micros: u64) {
    match values.binary_search_by_key(&micros, |&(value, _)| value) {
        Ok(place) => values[place].1 += 1,
        Err(place) => values.insert(place, (micros, 1)),
    }
}

/// The values that occurred, and how often. The histogram's own iterator walks its thousands of buckets
/// from zero; this walks from the least value to the greatest.
fn recorded(histogram: &Histogram<u32>) -> Vec<(u64, u32)> {
    if histogram.is_empty() {
        return Vec::new();
    }
    let (least, greatest) = (histogram.min(), histogram.max());
    let values = std::iter::successors(Some(least), |&value| {
        Some(histogram.next_non_equivalent(value)).filter(|&next| next <= greatest)
    });
    let counted =
        values.map(|value| (histogram.highest_equivalent(value), histogram.count_at(value)));
    counted.filter(|&(_, count)| count > 0).collect()
}

impl PartialEq for Latencies {
    /// Two that are closed are alike if their values are.
    fn eq(&self, other: &Self) -> bool {
        self.bins == other.bins && self.heads == other.heads && self.open == other.open
    }
}
