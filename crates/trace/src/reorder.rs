//! Rows in the order of their times, of a file that is nearly in order.

use crate::row::TraceRow;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// So many rows wait at most: about 100 MB of rows without texts.
const ROWS_MAX: usize = 1 << 20;

/// Rows that wait until none can come before them: until one is so much later.
#[derive(Debug)]
pub(crate) struct ReorderWindow {
    /// In nanoseconds.
    span: i64,
    waiting: BinaryHeap<Reverse<TimedRow>>,
    latest: i64,
    released: i64,
}

/// A row by its time, in nanoseconds since whatever its file counts from; rows of one time are in the order of lines.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct TimedRow {
    pub(crate) time: i64,
    pub(crate) line: u64,
    pub(crate) row: TraceRow,
}

/// Why a row cannot be put in order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Misorder {
    /// It is so much earlier than the latest row before it, in nanoseconds.
    TooEarly(i64),
    /// So many rows would have to wait.
    TooMany(usize),
}

impl ReorderWindow {
    pub(crate) fn new(span: i64) -> Self {
        let waiting = BinaryHeap::new();
        Self { span, waiting, latest: i64::MIN, released: i64::MIN }
    }

    pub(crate) fn push(&mut self, row: TimedRow) -> Result<(), Misorder> {
        if row.time < self.released || row.time < self.latest.saturating_sub(self.span) {
            return Err(Misorder::TooEarly(self.latest.saturating_sub(row.time)));
        }
        if self.waiting.len() >= ROWS_MAX {
            return Err(Misorder::TooMany(ROWS_MAX));
        }
        self.latest = self.latest.max(row.time);
        self.waiting.push(Reverse(row));
        Ok(())
    }

    /// The first row, if none can come before it; whichever is first where the file has `ended`.
    pub(crate) fn pop(&mut self, ended: bool) -> Option<TimedRow> {
        let first = &self.waiting.peek()?.0;
        if !ended && first.time > self.latest.saturating_sub(self.span) {
            return None;
        }
        self.released = first.time;
        self.waiting.pop().map(|row| row.0)
    }
}
