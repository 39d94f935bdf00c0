//! The distribution of a duration in each second of a run.
//!
//! Values of recent seconds wait in a short list; a list that is full, or whose second is long past, is
//! folded into sorted buckets of two significant digits. So a second costs four bytes for each bucket
//! that occurred, and a value costs one push and its part of a sort.

use super::bucket::{self, Bucket};
use super::window::{Window, second_of};
use core::mem;
use core::time::Duration;
use hdrhistogram::Histogram;
use squall_determinism::Timestamp;

/// Durations in µs by the second they belong to, 1 µs to an hour, within 0.8 %.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    seconds: Vec<Second>,
    /// Lists that are free to be used again.
    spare: Vec<Vec<u32>>,
    /// Seconds before this one are folded.
    open_from: usize,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Second {
    waiting: Vec<u32>,
    buckets: Vec<Bucket>,
}

impl Series {
    /// Records a duration in the second of `at`.
    #[inline]
    pub fn record(&mut self, at: Timestamp, duration: Duration) {
        let micros =
            u32::try_from(duration.as_micros()).map_or(MAX_MICROS, |us| us.min(MAX_MICROS));
        let second = second_of(at);
        if second >= self.seconds.len() {
            self.advance(second);
        }
        let late = second < self.open_from;
        let there = &mut self.seconds[second];
        if late {
            there.insert(micros);
            return;
        }
        if there.waiting.capacity() == 0 {
            there.waiting = self.spare.pop().unwrap_or_else(|| Vec::with_capacity(WAITING_MAX));
        }
        there.waiting.push(micros);
        if there.waiting.len() == WAITING_MAX {
            there.fold();
        }
    }

    /// How many seconds have one or may have one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seconds.len()
    }

    /// Whether nothing was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seconds.iter().all(|second| second.buckets.is_empty() && second.waiting.is_empty())
    }

    /// The distribution over a window, in µs.
    #[must_use]
    pub fn merged(&self, window: Window) -> Histogram<u64> {
        let mut merged = empty();
        self.merge_into(window, &mut merged);
        merged
    }

    /// Adds the values of a window to a distribution, in µs.
    pub fn merge_into(&self, window: Window, merged: &mut Histogram<u64>) {
        for second in &self.seconds[window.seconds(self.seconds.len())] {
            for bucket in &second.buckets {
                merged.saturating_record_n(bucket.value().into(), bucket.count().into());
            }
            for &value in &second.waiting {
                merged.saturating_record(value.into());
            }
        }
    }

    /// Folds everything, so that equal series are equal.
    pub(crate) fn settle(&mut self) {
        for second in &mut self.seconds {
            second.fold();
            second.waiting = Vec::new();
            second.buckets.shrink_to_fit();
        }
        self.spare = Vec::new();
        self.open_from = self.seconds.len();
    }

    /// What is in each second, for a file.
    pub(crate) fn buckets(&self) -> impl Iterator<Item = (usize, Bucket)> + '_ {
        let seconds = self.seconds.iter().enumerate();
        seconds.flat_map(|(at, second)| second.buckets.iter().map(move |&bucket| (at, bucket)))
    }

    /// Puts a bucket back, from a file that [`buckets`](Self::buckets) wrote.
    pub(crate) fn push(&mut self, second: usize, bucket: Bucket) {
        if second >= self.seconds.len() {
            self.seconds.resize(second + 1, Second::default());
        }
        self.seconds[second].buckets.push(bucket);
        self.open_from = self.seconds.len();
    }

    #[cold]
    fn advance(&mut self, second: usize) {
        self.seconds.resize(second + 1, Second::default());
        let open_from = second.saturating_sub(OPEN_SECONDS);
        for closed in self.open_from..open_from {
            let there = &mut self.seconds[closed];
            there.fold();
            there.buckets.shrink_to_fit();
            if there.waiting.capacity() > 0 {
                self.spare.push(mem::take(&mut there.waiting));
            }
        }
        self.open_from = self.open_from.max(open_from);
    }
}

impl Second {
    /// Moves the waiting values into buckets.
    fn fold(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        self.waiting.sort_unstable();
        let old = mem::take(&mut self.buckets);
        let mut old = old.into_iter().peekable();
        let mut merged: Vec<Bucket> = Vec::with_capacity(old.len() + WAITING_MAX / 4);
        for &value in &self.waiting {
            let index = bucket::index(value);
            while let Some(before) = old.next_if(|bucket| bucket.index() <= index) {
                merged.push(before);
            }
            add_last(&mut merged, value);
        }
        merged.extend(old);
        self.buckets = merged;
        self.waiting.clear();
    }

    /// Puts one value straight into the buckets.
    fn insert(&mut self, value: u32) {
        let index = bucket::index(value);
        let place = self.buckets.partition_point(|bucket| bucket.index() <= index);
        if let Some(last) = self.buckets[..place].last_mut()
            && last.index() == index
            && let Some(more) = last.one_more()
        {
            *last = more;
        } else {
            self.buckets.insert(place, Bucket::new(value, 1));
        }
    }
}

/// Adds a value that belongs in the last bucket or behind it.
fn add_last(buckets: &mut Vec<Bucket>, value: u32) {
    let index = bucket::index(value);
    if let Some(last) = buckets.last_mut()
        && last.index() == index
        && let Some(more) = last.one_more()
    {
        *last = more;
    } else {
        buckets.push(Bucket::new(value, 1));
    }
}

/// An empty distribution: 1 µs to an hour, two significant digits.
fn empty() -> Histogram<u64> {
    Histogram::new_with_bounds(1, MAX_MICROS.into(), 2)
        .expect("the bounds are constants that hdrhistogram takes")
}

/// An hour.
const MAX_MICROS: u32 = 3_600_000_000;
/// How many of the last seconds keep a list of waiting values.
const OPEN_SECONDS: usize = 64;
/// How long such a list may be.
const WAITING_MAX: usize = 512;
