//! Cells: counts per tick and distributions per second, from which every metric is read, so that rows
//! are optional on long runs.

mod latencies;
mod retry_after_windows;

pub use latencies::Latencies;
pub use retry_after_windows::TRANSIT;

use crate::{AttemptOutcome, AttemptRow, RequestOutcome, RequestRow};
use retry_after_windows::Embargoes;
use serde::{Deserialize, Serialize};
use squall_determinism::Timestamp;
use std::ops::Range;
use std::time::Duration;

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
    /// From intended time to last byte, of requests that succeeded, by intended time.
    pub latency: Latencies,
    /// From intended time to first token, of streams that succeeded, by intended time.
    pub ttft: Latencies,
}

/// The cells of a deployment: attempts as its provider saw them.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct DeploymentCells {
    ticks: Vec<AttemptCell>,
    /// From start to end, of attempts that succeeded, by start.
    pub latency: Latencies,
    /// From start to first token, of streams that succeeded, by start.
    pub ttft: Latencies,
    /// When the provider had asked to be left alone, in nanoseconds: waits that overlap are one.
    embargoed_ns: Vec<(u64, u64)>,
    #[serde(skip)]
    embargoes: Embargoes,
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
    /// 429s with Retry-After that were sent in this tick.
    pub asked_to_wait: u32,
    /// Of those, how many saw another attempt before the time was over.
    pub did_not_wait: u32,
}

impl Default for GroupCells {
    /// Empty, with latencies by the second.
    fn default() -> Self {
        Self { ticks: Vec::new(), latency: Latencies::new(1), ttft: Latencies::new(1) }
    }
}

impl Default for DeploymentCells {
    /// Empty, with latencies by five seconds: there are many deployments, and each has fewer attempts.
    fn default() -> Self {
        Self {
            ticks: Vec::new(),
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
            at(&mut kind.ticks, row.started).attempts += 1;
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

    /// The sum of the cells that begin in a window.
    #[must_use]
    pub fn sum(&self, window: Range<Timestamp>) -> RequestCell {
        let mut sum = RequestCell::default();
        for tick in &self.ticks[ticks_of(&window, self.ticks.len())] {
            sum.arrived += tick.arrived;
            sum.succeeded += tick.succeeded;
            add(&mut sum.failed, &tick.failed);
            sum.gave_up += tick.gave_up;
            sum.unfinished += tick.unfinished;
            sum.answered += tick.answered;
            sum.lost += tick.lost;
            sum.truncated += tick.truncated;
            sum.without_usage += tick.without_usage;
            sum.attempts += tick.attempts;
        }
        sum
    }

    fn request(&mut self, row: &RequestRow) {
        let intended = at(&mut self.ticks, row.intended);
        intended.arrived += 1;
        let lost = match row.outcome {
            RequestOutcome::Succeeded => {
                intended.succeeded += 1;
                intended.truncated += u32::from(!row.answer.whole);
                intended.without_usage += u32::from(!row.answer.usage);
                self.latency.record(row.intended, row.ended.since(row.intended));
                if let (true, Some(first)) = (row.stream, row.first_token) {
                    self.ttft.record(row.intended, first.since(row.intended));
                }
                at(&mut self.ticks, row.ended).answered += 1;
                return;
            }
            RequestOutcome::Failed { class, .. } => &mut intended.failed[usize::from(class.code())],
            RequestOutcome::GaveUp => &mut intended.gave_up,
            RequestOutcome::Unfinished => {
                intended.unfinished += 1;
                return;
            }
        };
        *lost += 1;
        at(&mut self.ticks, row.ended).lost += 1;
    }
}

impl DeploymentCells {
    /// The cells, one per [`TICK`] from the start of the run.
    #[must_use]
    pub fn ticks(&self) -> &[AttemptCell] {
        &self.ticks
    }

    /// The sum of the cells that begin in a window.
    #[must_use]
    pub fn sum(&self, window: Range<Timestamp>) -> AttemptCell {
        let mut sum = AttemptCell::default();
        for tick in &self.ticks[ticks_of(&window, self.ticks.len())] {
            sum.started += tick.started;
            sum.first += tick.first;
            sum.succeeded += tick.succeeded;
            add(&mut sum.failed, &tick.failed);
            sum.abandoned += tick.abandoned;
            sum.input_tokens += tick.input_tokens;
            sum.output_tokens += tick.output_tokens;
            sum.asked_to_wait += tick.asked_to_wait;
            sum.did_not_wait += tick.did_not_wait;
        }
        sum
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
        let tick = at(&mut self.ticks, row.started);
        tick.started += 1;
        tick.first += u32::from(row.ordinal == 0);
        tick.input_tokens += u64::from(row.input_tokens);
        tick.output_tokens += u64::from(row.output_tokens);
        match row.outcome {
            AttemptOutcome::Succeeded => {
                tick.succeeded += 1;
                self.latency.record(row.started, row.ended.since(row.started));
                if let (true, Some(first)) = (row.stream, row.first_token) {
                    self.ttft.record(row.started, first.since(row.started));
                }
            }
            AttemptOutcome::Failed { class } => tick.failed[usize::from(class.code())] += 1,
            AttemptOutcome::Abandoned => tick.abandoned += 1,
            AttemptOutcome::Unfinished => {}
        }
        let ticks = &mut self.ticks;
        self.embargoes.broken_by(row.started, |asked| at(ticks, asked).did_not_wait += 1);
        if let (429, Some(wait)) = (row.status, row.retry_after) {
            at(&mut self.ticks, row.ended).asked_to_wait += 1;
            self.embargoes.add(row.ended, wait, delay);
            self.embargo(row.ended.as_nanos(), (row.ended + wait).as_nanos());
        }
    }
}

/// The cell of a time, made if it is not there yet.
#[inline]
fn at<T: Clone + Default>(ticks: &mut Vec<T>, time: Timestamp) -> &mut T {
    let tick = tick_of(time);
    if ticks.len() <= tick {
        ticks.resize(tick + 1, T::default());
    }
    &mut ticks[tick]
}

#[inline]
fn tick_of(time: Timestamp) -> usize {
    (time.as_nanos() / TICK.as_nanos() as u64) as usize
}

/// The ticks that begin in a window, as far as there are any.
fn ticks_of(window: &Range<Timestamp>, len: usize) -> Range<usize> {
    let first_at_or_after = |time: Timestamp| {
        let tick = time.as_nanos().div_ceil(TICK.as_nanos() as u64);
        usize::try_from(tick).unwrap_or(usize::MAX).min(len)
    };
    let start = first_at_or_after(window.start);
    start..first_at_or_after(window.end).max(start)
}

const fn is_none(count: &u32) -> bool {
    *count == 0
}

fn add(sums: &mut [u32; CLASSES], counts: &[u32; CLASSES]) {
    for (sum, count) in sums.iter_mut().zip(counts) {
        *sum += count;
    }
}

#[cfg(test)]
mod tests;
