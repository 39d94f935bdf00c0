//! Cells: counts per tick and distributions per second, from which every metric is read, so that rows
//! are optional on long runs.

mod latencies;
mod retry_after_windows;
mod ticks;

pub use latencies::Latencies;
pub use retry_after_windows::TRANSIT;

use crate::{AttemptOutcome, AttemptRow, RequestOutcome, RequestRow};
use retry_after_windows::Embargoes;
use serde::{Deserialize, Serialize};
use squall_determinism::Timestamp;
use std::ops::Range;
use std::time::Duration;
use ticks::{Cell, Head, count, sum};

/// The width of a cell: all that is timed by counts is known to a tenth of a second.
pub const TICK: Duration = Duration::from_millis(100);

/// How many kinds of failure there are.
const CLASSES: usize = squall_failure::FailureClass::ALL.len();

/// How many of what a recording is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SeriesLayout {
    /// Model groups.
    pub groups: usize,
    /// Deployments, all groups together.
    pub deployments: usize,
    /// Kinds of requests. One alone needs no cells of its own.
    pub kinds: usize,
}

/// What cells keep apart, beside their ticks and seconds, so that it is counted exactly.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CellMarks {
    /// Moments at which windows begin and end.
    pub cuts: Vec<Timestamp>,
    /// Latencies within which answers are counted.
    pub within: Vec<Duration>,
}

/// All cells of a run.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct TimeSeries {
    /// By model group.
    pub groups: Vec<GroupCells>,
    /// By deployment.
    pub deployments: Vec<DeploymentCells>,
    /// By kind of request; empty if there is one alone, of which all are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<GroupCells>,
}

/// The cells of a model group, or of a kind of request: requests as clients saw them.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct GroupCells {
    ticks: Vec<RequestCell>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    heads: Vec<Head<RequestCell>>,
    /// By the limit of the latency.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    within: Vec<WithinCells>,
    /// From intended time to last byte, of requests that succeeded, by intended time.
    pub latency: Latencies,
    /// From intended time to first token, of streams that succeeded, by intended time.
    pub ttft: Latencies,
}

/// The cells of a deployment: attempts as its provider saw them.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct DeploymentCells {
    ticks: Vec<AttemptCell>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    heads: Vec<Head<AttemptCell>>,
    /// When a fault could first be seen, by its place among those of the provider, in nanoseconds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    seen_ns: Vec<(u16, u64)>,
    /// From start to end, of attempts that succeeded, by start.
    pub latency: Latencies,
    /// From start to first token, of streams that succeeded, by start.
    pub ttft: Latencies,
    /// When the provider had asked to be left alone, in nanoseconds: waits that overlap are one.
    embargoed_ns: Vec<(u64, u64)>,
    #[serde(skip)]
    embargoes: Embargoes,
}

/// Requests that succeeded within some time, by when they were intended.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
struct WithinCells {
    limit_ns: u64,
    ticks: Vec<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    heads: Vec<Head<u32>>,
}

/// What became of the requests of one tick.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct RequestCell {
    /// Intended in this tick.
    pub arrived: u32,
    /// Of those, how many succeeded.
    pub succeeded: u32,
    /// Of those, how many failed, by the code of the class.
    pub failed: [u32; CLASSES],
    /// Of those, how many clients gave up.
    pub gave_up: u32,
    /// Of those, how many the end of the run cut off.
    pub unfinished: u32,
    /// Answered well in this tick, whenever they were intended.
    pub answered: u32,
    /// Failed or given up in this tick, whenever they were intended.
    pub lost: u32,
    /// Of those that succeeded, how many had another text than was asked for: less of it, or too much.
    #[serde(default, skip_serializing_if = "is_none")]
    pub truncated: u32,
    /// Of those that succeeded, how many did not tell their usage.
    #[serde(default, skip_serializing_if = "is_none")]
    pub without_usage: u32,
    /// Attempts for such requests that started in this tick; counted for kinds of requests alone, since
    /// a deployment tells its group but not whom it served.
    #[serde(default, skip_serializing_if = "is_none")]
    pub attempts: u32,
    /// Tokens of the answers of those that succeeded.
    #[serde(default, skip_serializing_if = "is_no_token")]
    pub received_tokens: u64,
}

/// What became of the attempts of one tick.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct AttemptCell {
    /// Started in this tick.
    pub started: u32,
    /// Of those, how many were the first of their request.
    pub first: u32,
    /// Of those, how many succeeded.
    pub succeeded: u32,
    /// Of those, how many failed, by the code of the class.
    pub failed: [u32; CLASSES],
    /// Of those, how many callers hung up on.
    pub abandoned: u32,
    /// Tokens of their prompts.
    pub input_tokens: u64,
    /// Tokens of their answers that were sent.
    pub output_tokens: u64,
    /// Tokens of the prompts of those that sent some of their answer, which is what providers bill.
    #[serde(default, skip_serializing_if = "is_no_token")]
    pub billed_tokens: u64,
    /// 429s with Retry-After that were sent in this tick.
    pub asked_to_wait: u32,
    /// Of those, how many saw another attempt before the time was over.
    pub did_not_wait: u32,
}

impl Default for GroupCells {
    /// Empty, with latencies by the second.
    fn default() -> Self {
        Self {
            ticks: Vec::new(),
            heads: Vec::new(),
            within: Vec::new(),
            latency: Latencies::new(1),
            ttft: Latencies::new(1),
        }
    }
}

impl Default for DeploymentCells {
    /// Empty, with latencies by five seconds: there are many deployments, and each has fewer attempts.
    fn default() -> Self {
        Self {
            ticks: Vec::new(),
            heads: Vec::new(),
            seen_ns: Vec::new(),
            latency: Latencies::new(5),
            ttft: Latencies::new(5),
            embargoed_ns: Vec::new(),
            embargoes: Embargoes::default(),
        }
    }
}

impl TimeSeries {
    pub(crate) fn new(shape: SeriesLayout) -> Self {
        Self {
            groups: vec![GroupCells::default(); shape.groups],
            deployments: vec![DeploymentCells::default(); shape.deployments],
            kinds: vec![GroupCells::default(); if shape.kinds > 1 { shape.kinds } else { 0 }],
        }
    }

    /// With what is kept apart, before anything is counted.
    pub(crate) fn mark(&mut self, marks: &CellMarks) {
        for cells in self.groups.iter_mut().chain(&mut self.kinds) {
            cells.heads = Head::of(&marks.cuts);
            cells.latency.cut(&marks.cuts);
            cells.ttft.cut(&marks.cuts);
            let within = marks.within.iter().map(|limit| WithinCells {
                limit_ns: limit.as_nanos() as u64,
                ticks: Vec::new(),
                heads: Head::of(&marks.cuts),
            });
            cells.within = within.collect();
        }
        for cells in &mut self.deployments {
            cells.heads = Head::of(&marks.cuts);
            cells.latency.cut(&marks.cuts);
            cells.ttft.cut(&marks.cuts);
        }
    }

    /// Requests and attempts in all.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        let all = Timestamp::ZERO..Timestamp::MAX;
        let requests = self.groups.iter().map(|group| u64::from(group.sum(all.clone()).arrived));
        let attempts = self.deployments.iter().map(|each| u64::from(each.sum(all.clone()).started));
        (requests.sum(), attempts.sum())
    }

    pub(crate) fn request(&mut self, row: &RequestRow) {
        if let Some(group) = self.groups.get_mut(usize::from(row.group)) {
            group.request(row);
        }
        if let Some(kind) = self.kinds.get_mut(usize::from(row.kind)) {
            kind.request(row);
        }
    }

    /// An attempt, whose answer may have been read later than it was sent by `delay`, beside [`TRANSIT`].
    pub(crate) fn attempt(&mut self, row: &AttemptRow, delay: Duration) {
        if let Some(deployment) = self.deployments.get_mut(usize::from(row.deployment)) {
            deployment.attempt(row, delay);
        }
    }

    /// An attempt for a request of a kind.
    pub(crate) fn attempt_for(&mut self, kind: u16, row: &AttemptRow) {
        if let Some(kind) = self.kinds.get_mut(usize::from(kind)) {
            count(&mut kind.ticks, &mut kind.heads, row.started, |cell| cell.attempts += 1);
        }
    }

    pub(crate) fn close(&mut self) {
        for group in self.groups.iter_mut().chain(&mut self.kinds) {
            group.latency.close();
            group.ttft.close();
        }
        for deployment in &mut self.deployments {
            deployment.latency.close();
            deployment.ttft.close();
            deployment.embargoes = Embargoes::default();
        }
    }
}

impl GroupCells {
    /// The cells, one per [`TICK`] from the start of the run.
    #[must_use]
    pub fn ticks(&self) -> &[RequestCell] {
        &self.ticks
    }

    /// The sum of the cells of a window: exact where its ends are ticks or marked, and else of those that begin in it.
    #[must_use]
    pub fn sum(&self, window: Range<Timestamp>) -> RequestCell {
        sum(&self.ticks, &self.heads, &window)
    }

    /// How many requests of a window succeeded within a latency; `None` if that latency was not marked.
    #[must_use]
    pub fn within(&self, limit: Duration, window: Range<Timestamp>) -> Option<u64> {
        let limit = limit.as_nanos() as u64;
        let cells = self.within.iter().find(|cells| cells.limit_ns == limit)?;
        Some(sum(&cells.ticks, &cells.heads, &window).into())
    }

    fn count(&mut self, time: Timestamp, change: impl Fn(&mut RequestCell)) {
        count(&mut self.ticks, &mut self.heads, time, change);
    }

    fn request(&mut self, row: &RequestRow) {
        self.count(row.intended, |cell| cell.arrived += 1);
        match row.outcome {
            RequestOutcome::Succeeded => {
                self.count(row.intended, |cell| {
                    cell.succeeded += 1;
                    cell.truncated += u32::from(!row.answer.whole);
                    cell.without_usage += u32::from(!row.answer.usage);
                    cell.received_tokens += u64::from(row.received_tokens);
                });
                let took = row.ended.since(row.intended);
                self.latency.record(row.intended, took);
                if let (true, Some(first)) = (row.stream, row.first_token) {
                    self.ttft.record(row.intended, first.since(row.intended));
                }
                let met = |cells: &&mut WithinCells| took.as_nanos() <= u128::from(cells.limit_ns);
                for WithinCells { ticks, heads, .. } in self.within.iter_mut().filter(met) {
                    count(ticks, heads, row.intended, |cell| *cell += 1);
                }
                self.count(row.ended, |cell| cell.answered += 1);
                return;
            }
            RequestOutcome::Failed { class, .. } => {
                self.count(row.intended, |cell| cell.failed[usize::from(class.code())] += 1);
            }
            RequestOutcome::GaveUp => self.count(row.intended, |cell| cell.gave_up += 1),
            RequestOutcome::Unfinished => {
                self.count(row.intended, |cell| cell.unfinished += 1);
                return;
            }
        }
        self.count(row.ended, |cell| cell.lost += 1);
    }
}

impl DeploymentCells {
    /// The cells, one per [`TICK`] from the start of the run.
    #[must_use]
    pub fn ticks(&self) -> &[AttemptCell] {
        &self.ticks
    }

    /// The sum of the cells of a window: exact where its ends are ticks or marked, and else of those that begin in it.
    #[must_use]
    pub fn sum(&self, window: Range<Timestamp>) -> AttemptCell {
        sum(&self.ticks, &self.heads, &window)
    }

    /// When a fault could first be seen here, by its place among those of the provider: as the first attempt that it hit
    /// told of it, by its first token or by its end. `None` if it hit none.
    #[must_use]
    pub fn seen(&self, fault: u16) -> Option<Timestamp> {
        let seen = self.seen_ns.iter().find(|(place, _)| *place == fault);
        seen.map(|&(_, nanos)| Timestamp::from_nanos(nanos))
    }

    /// When the provider had asked to be left alone: from a 429 with Retry-After to the end of the wait,
    /// waits that overlap as one, in order.
    pub fn embargoed(&self) -> impl Iterator<Item = Range<Timestamp>> + '_ {
        let time = Timestamp::from_nanos;
        self.embargoed_ns.iter().map(move |&(from, until)| time(from)..time(until))
    }

    /// Takes a wait in, which overlaps or follows the last one.
    fn embargo(&mut self, from: u64, until: u64) {
        match self.embargoed_ns.last_mut() {
            Some(last) if from <= last.1 => *last = (last.0.min(from), last.1.max(until)),
            _ => self.embargoed_ns.push((from, until)),
        }
    }

    fn attempt(&mut self, row: &AttemptRow, delay: Duration) {
        count(&mut self.ticks, &mut self.heads, row.started, |cell| {
            cell.started += 1;
            cell.first += u32::from(row.ordinal == 0);
            cell.input_tokens += u64::from(row.input_tokens);
            cell.output_tokens += u64::from(row.output_tokens);
            cell.billed_tokens += if row.output_tokens > 0 { row.input_tokens.into() } else { 0 };
            match row.outcome {
                AttemptOutcome::Succeeded => cell.succeeded += 1,
                AttemptOutcome::Failed { class } => cell.failed[usize::from(class.code())] += 1,
                AttemptOutcome::Abandoned => cell.abandoned += 1,
                AttemptOutcome::Unfinished => {}
            }
        });
        if row.outcome == AttemptOutcome::Succeeded {
            self.latency.record(row.started, row.ended.since(row.started));
            if let (true, Some(first)) = (row.stream, row.first_token) {
                self.ttft.record(row.started, first.since(row.started));
            }
        }
        self.see_fault(row);
        let (ticks, heads) = (&mut self.ticks, &mut self.heads);
        self.embargoes.broken_by(row.started, |asked| {
            count(ticks, heads, asked, |cell| cell.did_not_wait += 1);
        });
        if let (429, Some(wait)) = (row.status, row.retry_after) {
            count(&mut self.ticks, &mut self.heads, row.ended, |cell| cell.asked_to_wait += 1);
            self.embargoes.add(row.ended, wait, delay);
            self.embargo(row.ended.as_nanos(), (row.ended + wait).as_nanos());
        }
    }

    /// Notes when the fault that hit an attempt could be seen in it.
    fn see_fault(&mut self, row: &AttemptRow) {
        let Some(fault) = row.fault else { return };
        // What is slow is seen when it comes at last; what fails, when it has.
        let seen = match (row.outcome, row.first_token) {
            (AttemptOutcome::Succeeded, Some(first)) if row.stream => first,
            _ => row.ended,
        };
        let seen = seen.as_nanos();
        match self.seen_ns.iter_mut().find(|(place, _)| *place == fault) {
            Some((_, first)) => *first = seen.min(*first),
            None => self.seen_ns.push((fault, seen)),
        }
    }
}

impl Cell for RequestCell {
    fn add(&mut self, other: &Self) {
        self.combine(other, u32::wrapping_add, u64::wrapping_add);
    }

    fn take(&mut self, other: &Self) {
        self.combine(other, u32::wrapping_sub, u64::wrapping_sub);
    }
}

impl Cell for AttemptCell {
    fn add(&mut self, other: &Self) {
        self.combine(other, u32::wrapping_add, u64::wrapping_add);
    }

    fn take(&mut self, other: &Self) {
        self.combine(other, u32::wrapping_sub, u64::wrapping_sub);
    }
}

impl RequestCell {
    fn combine(&mut self, other: &Self, op: fn(u32, u32) -> u32, tokens: fn(u64, u64) -> u64) {
        self.arrived = op(self.arrived, other.arrived);
        self.succeeded = op(self.succeeded, other.succeeded);
        combine(&mut self.failed, &other.failed, op);
        self.gave_up = op(self.gave_up, other.gave_up);
        self.unfinished = op(self.unfinished, other.unfinished);
        self.answered = op(self.answered, other.answered);
        self.lost = op(self.lost, other.lost);
        self.truncated = op(self.truncated, other.truncated);
        self.without_usage = op(self.without_usage, other.without_usage);
        self.attempts = op(self.attempts, other.attempts);
        self.received_tokens = tokens(self.received_tokens, other.received_tokens);
    }
}

impl AttemptCell {
    fn combine(&mut self, other: &Self, op: fn(u32, u32) -> u32, tokens: fn(u64, u64) -> u64) {
        self.started = op(self.started, other.started);
        self.first = op(self.first, other.first);
        self.succeeded = op(self.succeeded, other.succeeded);
        combine(&mut self.failed, &other.failed, op);
        self.abandoned = op(self.abandoned, other.abandoned);
        self.input_tokens = tokens(self.input_tokens, other.input_tokens);
        self.output_tokens = tokens(self.output_tokens, other.output_tokens);
        self.billed_tokens = tokens(self.billed_tokens, other.billed_tokens);
        self.asked_to_wait = op(self.asked_to_wait, other.asked_to_wait);
        self.did_not_wait = op(self.did_not_wait, other.did_not_wait);
    }
}

const fn is_none(count: &u32) -> bool {
    *count == 0
}

const fn is_no_token(count: &u64) -> bool {
    *count == 0
}

fn combine(sums: &mut [u32; CLASSES], counts: &[u32; CLASSES], op: fn(u32, u32) -> u32) {
    for (sum, count) in sums.iter_mut().zip(counts) {
        *sum = op(*sum, *count);
    }
}

#[cfg(test)]
mod tests;
