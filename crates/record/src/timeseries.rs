//! Cells: counts per tick and distributions per second, from which every metric is read, so that rows
//! are optional on long runs. They take room for what happened, and not for how long the run was.

mod cells;
mod latencies;
mod packed;
mod retry_after_windows;
mod ticks;

pub use cells::{AttemptCell, RequestCell};
pub use latencies::Latencies;
pub use retry_after_windows::TRANSIT;

use crate::{AttemptOutcome, AttemptRow, RequestOutcome, RequestRow};
use retry_after_windows::Embargoes;
use serde::{Deserialize, Serialize};
use squall_determinism::Timestamp;
use std::ops::Range;
use std::time::Duration;
use ticks::TickCells;

/// The width of a cell: all that is timed by counts is known to a tenth of a second.
pub const TICK: Duration = Duration::from_millis(100);

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
    pub kinds: Vec<GroupCells>,
}

/// The cells of a model group, or of a kind of request: requests as clients saw them.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct GroupCells {
    ticks: TickCells<RequestCell>,
    /// By the limit of the latency.
    within: Vec<WithinCells>,
    /// From intended time to last byte, of requests that succeeded, by intended time.
    pub latency: Latencies,
    /// From intended time to first token, of streams that succeeded, by intended time.
    pub ttft: Latencies,
}

/// The cells of a deployment: attempts as its provider saw them.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct DeploymentCells {
    ticks: TickCells<AttemptCell>,
    /// When a fault could first be seen, by its place among those of the provider, in nanoseconds.
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
    ticks: TickCells<u32>,
}

impl Default for GroupCells {
    /// Empty, with latencies by the second.
    fn default() -> Self {
        Self {
            ticks: TickCells::default(),
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
            ticks: TickCells::default(),
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
            cells.ticks.cut(&marks.cuts);
            cells.latency.cut(&marks.cuts);
            cells.ttft.cut(&marks.cuts);
            let within = marks.within.iter().map(|limit| {
                let mut ticks = TickCells::default();
                ticks.cut(&marks.cuts);
                WithinCells { limit_ns: limit.as_nanos() as u64, ticks }
            });
            cells.within = within.collect();
        }
        for cells in &mut self.deployments {
            cells.ticks.cut(&marks.cuts);
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

    /// The first attempts at some deployments, tick by tick: the number of each tick in which one of them had some, and
    /// how many each had, in the order of `members`.
    pub fn first_attempts(&self, members: &[usize], mut told: impl FnMut(u64, &[u32])) {
        let first = |&member: &usize| {
            let ticks = self.deployments[member].ticks().map(|(tick, cell)| (tick, cell.first));
            ticks.filter(|&(_, first)| first > 0).peekable()
        };
        let mut ticks: Vec<_> = members.iter().map(first).collect();
        let mut counts = vec![0; members.len()];
        while let Some(tick) = ticks.iter_mut().filter_map(|ticks| Some(ticks.peek()?.0)).min() {
            for (count, ticks) in counts.iter_mut().zip(&mut ticks) {
                *count = ticks.next_if(|&(each, _)| each == tick).map_or(0, |(_, first)| first);
            }
            told(tick, &counts);
        }
    }

    /// Finds its way in what was read.
    ///
    /// # Errors
    /// Says what is not as it is written.
    pub(crate) fn index(&mut self) -> Result<(), String> {
        let group = |cells: &mut GroupCells| {
            cells.ticks.index()
                && cells.within.iter_mut().all(|within| within.ticks.index())
                && cells.latency.index()
                && cells.ttft.index()
        };
        let deployment = |cells: &mut DeploymentCells| {
            cells.ticks.index()
                && cells.latency.index()
                && cells.ttft.index()
                && cells.embargoed_ns.iter().all(|(from, until)| from <= until)
                && cells.embargoed_ns.is_sorted()
        };
        let wrong =
            |what: &str, place: usize| Err(format!("the cells of {what} {place} are damaged"));
        match (
            self.groups.iter_mut().position(|cells| !group(cells)),
            self.deployments.iter_mut().position(|cells| !deployment(cells)),
            self.kinds.iter_mut().position(|cells| !group(cells)),
        ) {
            (Some(place), _, _) => wrong("group", place),
            (_, Some(place), _) => wrong("deployment", place),
            (_, _, Some(place)) => wrong("kind", place),
            (None, None, None) => Ok(()),
        }
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
            kind.ticks.count(row.started, |cell| cell.attempts += 1);
        }
    }

    /// Adds the cells of another part of the same run. Both are closed, and keep the same things apart.
    pub(crate) fn add(&mut self, other: &Self) {
        for (cells, others) in self.groups.iter_mut().zip(&other.groups) {
            cells.add(others);
        }
        for (cells, others) in self.deployments.iter_mut().zip(&other.deployments) {
            cells.add(others);
        }
        for (cells, others) in self.kinds.iter_mut().zip(&other.kinds) {
            cells.add(others);
        }
    }

    /// How many bytes its packed cells take in memory.
    #[cfg(test)]
    fn packed_bytes(&self) -> usize {
        let groups = self.groups.iter().chain(&self.kinds).map(|cells| {
            let within = cells.within.iter().map(|within| within.ticks.packed_bytes());
            cells.ticks.packed_bytes()
                + within.sum::<usize>()
                + cells.latency.packed_bytes()
                + cells.ttft.packed_bytes()
        });
        let deployments = self.deployments.iter().map(|cells| {
            cells.ticks.packed_bytes() + cells.latency.packed_bytes() + cells.ttft.packed_bytes()
        });
        groups.chain(deployments).sum()
    }

    pub(crate) fn close(&mut self) {
        for group in self.groups.iter_mut().chain(&mut self.kinds) {
            group.ticks.close();
            group.within.iter_mut().for_each(|within| within.ticks.close());
            group.latency.close();
            group.ttft.close();
        }
        for deployment in &mut self.deployments {
            deployment.ticks.close();
            deployment.latency.close();
            deployment.ttft.close();
            deployment.embargoes = Embargoes::default();
        }
    }
}

impl GroupCells {
    /// The cells in which something happened, each with its number: so many [`TICK`]s from the start of the run.
    pub fn ticks(&self) -> impl Iterator<Item = (u64, RequestCell)> {
        self.ticks.iter()
    }

    /// The end of the last tick in which something happened.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.ticks.end()
    }

    /// The sum of the cells of a window: exact where its ends are ticks or marked, and else of those that begin in it.
    #[must_use]
    pub fn sum(&self, window: Range<Timestamp>) -> RequestCell {
        self.ticks.sum(&window)
    }

    /// How many requests of a window succeeded within a latency; `None` if that latency was not marked.
    #[must_use]
    pub fn within(&self, limit: Duration, window: Range<Timestamp>) -> Option<u64> {
        let limit = limit.as_nanos() as u64;
        let cells = self.within.iter().find(|cells| cells.limit_ns == limit)?;
        Some(cells.ticks.sum(&window).into())
    }

    fn add(&mut self, other: &Self) {
        self.ticks.add(&other.ticks);
        for (within, others) in self.within.iter_mut().zip(&other.within) {
            within.ticks.add(&others.ticks);
        }
        self.latency.add(&other.latency);
        self.ttft.add(&other.ttft);
    }

    fn count(&mut self, time: Timestamp, change: impl Fn(&mut RequestCell)) {
        self.ticks.count(time, change);
    }

    fn request(&mut self, row: &RequestRow) {
        let retries = u32::from(row.calls.saturating_sub(1));
        self.count(row.intended, |cell| {
            cell.arrived += 1;
            cell.client_retries += retries;
        });
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
                for within in self.within.iter_mut().filter(met) {
                    within.ticks.count(row.intended, |cell| *cell += 1);
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
    /// The cells in which something happened, each with its number: so many [`TICK`]s from the start of the run.
    pub fn ticks(&self) -> impl Iterator<Item = (u64, AttemptCell)> {
        self.ticks.iter()
    }

    /// The end of the last tick in which something happened.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.ticks.end()
    }

    /// The sum of the cells of a window: exact where its ends are ticks or marked, and else of those that begin in it.
    #[must_use]
    pub fn sum(&self, window: Range<Timestamp>) -> AttemptCell {
        self.ticks.sum(&window)
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

    fn add(&mut self, other: &Self) {
        self.ticks.add(&other.ticks);
        self.latency.add(&other.latency);
        self.ttft.add(&other.ttft);
        other.seen_ns.iter().for_each(|&(fault, seen)| self.see(fault, seen));
        let mut embargoed = std::mem::take(&mut self.embargoed_ns);
        embargoed.extend(&other.embargoed_ns);
        embargoed.sort_unstable();
        embargoed.into_iter().for_each(|(from, until)| self.embargo(from, until));
    }

    /// Takes a wait in, which overlaps or follows the last one.
    fn embargo(&mut self, from: u64, until: u64) {
        match self.embargoed_ns.last_mut() {
            Some(last) if from <= last.1 => *last = (last.0.min(from), last.1.max(until)),
            _ => self.embargoed_ns.push((from, until)),
        }
    }

    fn attempt(&mut self, row: &AttemptRow, delay: Duration) {
        self.ticks.count(row.started, |cell| {
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
        let ticks = &mut self.ticks;
        self.embargoes.broken_by(row.started, |asked| {
            ticks.count(asked, |cell| cell.did_not_wait += 1);
        });
        if let (429, Some(wait)) = (row.status, row.retry_after) {
            self.ticks.count(row.ended, |cell| cell.asked_to_wait += 1);
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
        self.see(fault, seen.as_nanos());
    }

    /// A fault could be seen then.
    fn see(&mut self, fault: u16, seen: u64) {
        match self.seen_ns.iter_mut().find(|(place, _)| *place == fault) {
            Some((_, first)) => *first = seen.min(*first),
            None => self.seen_ns.push((fault, seen)),
        }
    }
}

#[cfg(test)]
mod tests;
