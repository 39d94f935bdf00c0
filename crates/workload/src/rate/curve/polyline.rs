//! Straight lines, one after the other, with jumps between them where it must be; once, or again and again.

use super::nanos;
use alloc::vec::Vec;
use core::time::Duration;

/// A line from one rate to another.
#[derive(Clone, Copy, Debug, PartialEq)]
struct RateLine {
    start: u64,
    end: u64,
    from: f64,
    to: f64,
}

impl RateLine {
    fn at(self, time: u64) -> f64 {
        let length = (self.end - self.start).max(1) as f64;
        self.from + (self.to - self.from) * ((time - self.start) as f64 / length)
    }

    fn area(self, from: u64, to: u64) -> f64 {
        let (from, to) = (from.clamp(self.start, self.end), to.clamp(self.start, self.end));
        (self.at(from) + self.at(to)) / 2.0 * (to - from) as f64 / 1e9
    }
}

/// Lines that make up a cycle, and the rate behind the last cycle. Made by constructors of [`RateCurve`](crate::RateCurve).
#[derive(Clone, Debug, PartialEq)]
pub struct Polyline {
    lines: Vec<RateLine>,
    cycle: u64,
    cycles: u64,
    before: f64,
    rest: f64,
}

impl Polyline {
    /// One that comes from the rate `before` and stays at `rest` once its lines are over.
    pub(super) const fn new(before: f64, rest: f64) -> Self {
        Self { lines: Vec::new(), cycle: 0, cycles: 1, before, rest }
    }

    /// A line more, from one rate to another; none where it has no length.
    #[must_use]
    pub(super) fn line(mut self, from: f64, to: f64, length: Duration) -> Self {
        let (start, end) = (self.cycle, self.cycle.saturating_add(nanos(length)));
        if end > start {
            self.lines.push(RateLine { start, end, from, to });
            self.cycle = end;
        }
        self
    }

    /// Not once, but so many times.
    #[must_use]
    pub(super) const fn repeated(mut self, cycles: u64) -> Self {
        self.cycles = cycles;
        self
    }

    /// The line that holds from `since` on, and when its cycle begins; `None` behind the last.
    fn line_at(&self, since: u64) -> Option<(RateLine, u64)> {
        let nth = since.checked_div(self.cycle).filter(|nth| *nth < self.cycles)?;
        let begin = nth * self.cycle;
        let next = self.lines.partition_point(|line| line.start <= since - begin);
        Some((*self.lines.get(next.checked_sub(1)?)?, begin))
    }

    /// All that is expected before a time.
    fn area(&self, until: u64) -> f64 {
        let cycles = until.checked_div(self.cycle).unwrap_or(0).min(self.cycles);
        let left = until - cycles.saturating_mul(self.cycle).min(until);
        let of = |until| self.lines.iter().map(|line| line.area(0, until)).sum::<f64>();
        let whole = if cycles > 0 { of(self.cycle) * cycles as f64 } else { 0.0 };
        let is_over = self.cycle == 0 || cycles == self.cycles;
        whole + if is_over { self.rest * left as f64 / 1e9 } else { of(left) }
    }
}

impl super::Curve for Polyline {
    fn rps(&self, since: u64) -> f64 {
        self.line_at(since).map_or(self.rest, |(line, begin)| line.at(since - begin))
    }

    fn rps_before(&self, since: u64) -> f64 {
        let Some(just) = since.checked_sub(1) else { return self.before };
        self.line_at(just).map_or(self.rest, |(line, begin)| line.at(since - begin))
    }

    fn straight_until(&self, since: u64) -> u64 {
        self.line_at(since).map_or(u64::MAX, |(line, begin)| begin.saturating_add(line.end))
    }

    fn expected(&self, from: u64, to: u64) -> f64 {
        self.area(to) - self.area(from)
    }

    fn peak(&self) -> f64 {
        let ends = self.lines.iter().flat_map(|line| [line.from, line.to]);
        ends.fold(self.rest, f64::max)
    }
}
