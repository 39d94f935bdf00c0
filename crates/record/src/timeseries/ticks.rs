//! Counts by tick, and exactly up to some moments that no tick begins at.

use super::TICK;
use serde::{Deserialize, Serialize};
use squall_determinism::Timestamp;
use std::ops::Range;

/// What is counted in a tick.
pub(super) trait Cell: Copy + Default {
    /// Adds the counts of another.
    fn add(&mut self, other: &Self);
    /// Takes away the counts of another, which are among its own.
    fn take(&mut self, other: &Self);
}

/// The part of a tick that lies before a moment within it: a phase may end there.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Head<T> {
    before_ns: u64,
    cell: T,
}

impl<T: Cell> Head<T> {
    /// Empty ones, for those moments that no tick begins at.
    pub(super) fn of(cuts: &[Timestamp]) -> Vec<Self> {
        let tick = TICK.as_nanos() as u64;
        let within = cuts.iter().map(|cut| cut.as_nanos()).filter(|cut| !cut.is_multiple_of(tick));
        within.map(|before_ns| Self { before_ns, cell: T::default() }).collect()
    }

    fn holds(&self, time: Timestamp) -> bool {
        time.as_nanos() < self.before_ns && tick_of(time) as u64 == self.before_ns / TICK_NS
    }
}

const TICK_NS: u64 = TICK.as_nanos() as u64;

/// Counts something at a time.
#[inline]
pub(super) fn count<T: Cell>(
    ticks: &mut Vec<T>,
    heads: &mut [Head<T>],
    time: Timestamp,
    change: impl Fn(&mut T),
) {
    let tick = tick_of(time);
    if ticks.len() <= tick {
        ticks.resize(tick + 1, T::default());
    }
    change(&mut ticks[tick]);
    for head in heads.iter_mut().filter(|head| head.holds(time)) {
        change(&mut head.cell);
    }
}

/// The sum over a window: exact where its ends are ticks or were known when the run began. Of other ends, a tick counts
/// by its start.
pub(super) fn sum<T: Cell>(ticks: &[T], heads: &[Head<T>], window: &Range<Timestamp>) -> T {
    let edge = |time: Timestamp| {
        let nanos = time.as_nanos();
        let head = heads.iter().find(|head| head.before_ns == nanos);
        let tick = if head.is_some() { nanos / TICK_NS } else { nanos.div_ceil(TICK_NS) };
        (usize::try_from(tick).unwrap_or(usize::MAX).min(ticks.len()), head)
    };
    let ((start, before), (end, last)) = (edge(window.start), edge(window.end));
    let mut sum = T::default();
    for cell in ticks[start..end.max(start)].iter().chain(last.map(|head| &head.cell)) {
        sum.add(cell);
    }
    if let (Some(before), true) = (before, window.start < window.end) {
        sum.take(&before.cell);
    }
    sum
}

#[inline]
pub(super) fn tick_of(time: Timestamp) -> usize {
    (time.as_nanos() / TICK_NS) as usize
}

impl Cell for u32 {
    fn add(&mut self, other: &Self) {
        *self += other;
    }

    fn take(&mut self, other: &Self) {
        *self -= other;
    }
}
