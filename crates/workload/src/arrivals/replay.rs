//! Users who come at the times of a trace: scaled in time, thinned or copied in number, a part of it or again and again.

use super::NextArrival;
use crate::trace::{TraceCount, TraceIdentity, TraceReplay, TraceRows, TracedRequest};
use alloc::borrow::ToOwned as _;
use alloc::boxed::Box;
use alloc::collections::{BinaryHeap, VecDeque};
use alloc::string::String;
use core::cmp::Reverse;
use core::time::Duration;
use squall_determinism::{RandomStream, Seed, StreamPurpose, Timestamp};

/// The draws of a row: how often it comes, then how much later each of its requests.
const COPIES: StreamPurpose = StreamPurpose::named("workload.trace");
/// Copies come later than their row by up to so many nanoseconds of the trace.
const COPY_JITTER: u64 = 100_000_000;
const BILLION: u64 = 1_000_000_000;

#[derive(Debug)]
pub(crate) struct Replay {
    config: TraceReplay,
    until: Timestamp,
    seed: Seed,
    key: u32,
    rows: Box<dyn TraceRows>,
    /// Rows taken of this pass.
    taken: u64,
    /// Rows that were used, over all passes: what draws are named by.
    used: u64,
    /// Of this pass: whether a row was in the window, and the time of the last row.
    found: bool,
    last_at: u64,
    /// How much of the trace's time the passes before took.
    passed: u64,
    /// No request that is to be read comes before this.
    floor: u64,
    /// Requests that were read and are to come, by time, then in the order in which they were read.
    waiting: BinaryHeap<Reverse<WaitingRow>>,
    sequence: u64,
    ended: bool,
    fault: Option<String>,
    /// The request that came last.
    given: TracedRequest,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct WaitingRow {
    at: u64,
    sequence: u64,
    row: TracedRequest,
}

impl Ord for WaitingRow {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}

impl PartialOrd for WaitingRow {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Clone for Replay {
    /// Reads the trace again up to where this one is.
    fn clone(&self) -> Self {
        let mut rows = self.config.source.rows();
        for _ in 0..self.taken {
            rows.next_row();
        }
        Self {
            config: self.config.clone(),
            rows,
            waiting: self.waiting.clone(),
            fault: self.fault.clone(),
            ..*self
        }
    }
}

/// Requests are counted up to so many; beyond, their rate is taken to stay as it is.
const COUNTED_MAX: u64 = 10_000_000;

impl TraceReplay {
    /// Counts the requests of a run: about as many as with any seed. `None` where the trace cannot be read.
    #[must_use]
    pub fn count(&self, until: Timestamp, timeout: Duration) -> Option<TraceCount> {
        let mut process = Replay::new(self.clone(), until, Seed::new(1), 0);
        let (mut requests, mut at_once) = (0_u64, 0);
        let mut within: VecDeque<Timestamp> = VecDeque::new();
        while let Some(next) = process.pop() {
            requests += 1;
            while within.front().is_some_and(|first| next.at.since(*first) >= timeout) {
                within.pop_front();
            }
            within.push_back(next.at);
            at_once = at_once.max(within.len());
            if requests == COUNTED_MAX {
                let part = until.as_nanos() as f64 / next.at.as_nanos().max(1) as f64;
                return Some(TraceCount {
                    requests: requests as f64 * part,
                    at_once: at_once as f64,
                });
            }
        }
        let counted = TraceCount { requests: requests as f64, at_once: at_once as f64 };
        process.fault.is_none().then_some(counted)
    }
}

impl Replay {
    pub(super) fn new(config: TraceReplay, until: Timestamp, seed: Seed, key: u32) -> Self {
        let rows = config.source.rows();
        let mut process = Self {
            config,
            until,
            seed,
            key,
            rows,
            taken: 0,
            used: 0,
            found: false,
            last_at: 0,
            passed: 0,
            floor: 0,
            waiting: BinaryHeap::new(),
            sequence: 0,
            ended: false,
            fault: None,
            given: TracedRequest::default(),
        };
        process.read();
        process
    }

    pub(super) fn peek(&self) -> Option<NextArrival> {
        let next = self.waiting.peek()?.0;
        Some(NextArrival { at: Timestamp::from_nanos(next.at), client: 0 })
    }

    pub(super) fn pop(&mut self) -> Option<NextArrival> {
        let next = self.waiting.pop()?.0;
        self.given = next.row;
        self.read();
        Some(NextArrival { at: Timestamp::from_nanos(next.at), client: 0 })
    }

    /// What the trace says of the request that came last.
    pub(super) const fn given(&self) -> TracedRequest {
        self.given
    }

    /// Which trace could not be read on, and why, if so.
    pub(super) fn fault(&self) -> Option<(TraceIdentity, &str)> {
        Some((self.config.source.identity(), self.fault.as_deref()?))
    }

    /// Reads on until the next request is known.
    fn read(&mut self) {
        while !self.ended && self.waiting.peek().is_none_or(|next| next.0.at > self.floor) {
            match self.rows.next_row() {
                Some(Ok(row)) => self.take(row),
                Some(Err(fault)) => self.break_off(fault),
                None => self.end_pass(),
            }
        }
    }

    fn break_off(&mut self, fault: String) {
        self.fault = Some(fault);
        self.ended = true;
    }

    fn take(&mut self, row: TracedRequest) {
        self.taken += 1;
        self.last_at = row.at;
        let (from, end) = self.window();
        if row.at < from {
            return;
        }
        if row.at >= end {
            self.end_pass();
            return;
        }
        self.found = true;
        let after = self.passed.saturating_add(row.at - from);
        self.floor = self.scaled(after);
        if self.floor >= self.until.as_nanos() {
            self.ended = true;
            return;
        }
        let mut draws = self.seed.stream(COPIES, self.key.into(), self.used);
        self.used += 1;
        for copy in 0..self.copies(&mut draws) {
            let least = if copy > 0 { COPY_JITTER } else { 0 };
            let jitter =
                u64::try_from(self.config.jitter.as_nanos()).unwrap_or(u64::MAX).max(least);
            let later = if jitter > 0 { draws.below(jitter) } else { 0 };
            let at = self.scaled(after.saturating_add(later));
            if at < self.until.as_nanos() {
                let sequence = self.sequence;
                self.sequence += 1;
                self.waiting.push(Reverse(WaitingRow { at, sequence, row }));
            }
        }
    }

    /// How often a row comes.
    fn copies(&self, draws: &mut RandomStream) -> u64 {
        let whole = libm::floor(self.config.rate_scale);
        let part = ((self.config.rate_scale - whole) * BILLION as f64) as u64;
        whole as u64 + u64::from(part > 0 && draws.below(BILLION) < part)
    }

    /// Where the part that is replayed begins and ends, in the trace's time.
    fn window(&self) -> (u64, u64) {
        let nanos = |span: Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        self.config.window.map_or((0, u64::MAX), |window| {
            let from = nanos(window.from);
            (from, from.saturating_add(nanos(window.length)))
        })
    }

    fn scaled(&self, nanos: u64) -> u64 {
        libm::floor(nanos as f64 * self.config.time_scale) as u64
    }

    /// The trace, or its window, has ended.
    fn end_pass(&mut self) {
        if !self.found {
            let what = match self.config.window {
                Some(_) => "no request of the trace lies in its window",
                None => "the trace has no request",
            };
            self.break_off(what.to_owned());
            return;
        }
        let length = match self.config.window {
            Some(_) => {
                let (from, end) = self.window();
                end - from
            }
            // As long as it is, and a gap as they are on average.
            None => self.last_at.saturating_add(self.last_at / (self.taken - 1).max(1)),
        };
        if !self.config.repeat {
            self.ended = true;
        } else if length == 0 {
            self.break_off("all requests of the trace are at one time: it cannot loop".to_owned());
        } else {
            self.passed = self.passed.saturating_add(length);
            self.rows = self.config.source.rows();
            (self.taken, self.found, self.last_at) = (0, false, 0);
        }
    }
}

#[cfg(test)]
mod tests;
