//! Cells: what metrics are read from. Counts in ticks of 100 ms, distributions per second, so that an
//! hour of traffic stays small whether or not its rows are kept.
//!
//! Recording a row indexes growing tables by tick: nothing is hashed, and nothing is allocated but for
//! a table that grows. Requests are counted by when their user asked, attempts by when they started.

mod bucket;
mod counts;
mod embargo;
mod series;
mod window;

pub use counts::{DeploymentCounts, FailureCounts, GroupCounts};
pub use embargo::TRANSIT;
pub use series::Series;
pub use window::{TICK, Window};

pub(crate) use bucket::Bucket;

use crate::{AttemptOutcome, AttemptRow, RequestOutcome, RequestRow};
use embargo::Embargoes;
use squall_determinism::Timestamp;
use window::tick_of;

/// Everything that a run's metrics are read from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cells {
    groups: Vec<GroupCells>,
    deployments: Vec<DeploymentCells>,
}

/// The cells of one model group, by the intended time of its requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupCells {
    pub(crate) ticks: Vec<GroupCounts>,
    pub(crate) latency: Series,
    pub(crate) ttft: Series,
}

/// The cells of one deployment, by the start of its attempts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeploymentCells {
    pub(crate) ticks: Vec<DeploymentCounts>,
    pub(crate) latency: Series,
    pub(crate) ttft: Series,
    pub(crate) embargoes: Embargoes,
}

impl Cells {
    /// Empty cells for so many groups and deployments.
    #[must_use]
    pub fn new(groups: usize, deployments: usize) -> Self {
        Self {
            groups: vec![GroupCells::default(); groups],
            deployments: vec![DeploymentCells::default(); deployments],
        }
    }

    /// Counts a request that has ended.
    ///
    /// # Panics
    /// When it is of a group that the cells were not made for.
    pub fn request(&mut self, row: &RequestRow) {
        let group = &mut self.groups[usize::from(row.group)];
        let counts = at(&mut group.ticks, row.intended);
        counts.arrived += 1;
        match row.outcome {
            RequestOutcome::Succeeded => counts.succeeded += 1,
            RequestOutcome::Failed { class, .. } => counts.failed.add(class, 1),
            RequestOutcome::GaveUp => counts.gave_up += 1,
            RequestOutcome::Unfinished => counts.unfinished += 1,
        }
        match row.outcome {
            RequestOutcome::Succeeded => {
                at(&mut group.ticks, row.ended).answered_ok += 1;
                group.latency.record(row.intended, row.ended.since(row.intended));
                if let (true, Some(first)) = (row.stream, row.first_token) {
                    group.ttft.record(row.intended, first.since(row.intended));
                }
            }
            RequestOutcome::Failed { .. } | RequestOutcome::GaveUp => {
                at(&mut group.ticks, row.ended).answered_badly += 1;
            }
            RequestOutcome::Unfinished => {}
        }
    }

    /// Counts an attempt that has ended. Attempts come in the order of their ends: an attempt that
    /// broke a Retry-After is recognised by the 429s that ended before it.
    ///
    /// # Panics
    /// When it is of a deployment that the cells were not made for.
    pub fn attempt(&mut self, row: &AttemptRow) {
        let cells = &mut self.deployments[usize::from(row.deployment)];
        let counts = at(&mut cells.ticks, row.started);
        counts.attempts += 1;
        counts.first_attempts += u32::from(row.ordinal == 0);
        counts.input_tokens += u64::from(row.input_tokens);
        counts.output_tokens += u64::from(row.output_tokens);
        match row.outcome {
            AttemptOutcome::Succeeded => counts.succeeded += 1,
            AttemptOutcome::Failed { class } => counts.failed.add(class, 1),
            AttemptOutcome::Abandoned => counts.abandoned += 1,
            AttemptOutcome::Unfinished => counts.unfinished += 1,
        }
        if row.outcome == AttemptOutcome::Succeeded {
            cells.latency.record(row.started, row.ended.since(row.started));
            if let (true, Some(first)) = (row.stream, row.first_token) {
                cells.ttft.record(row.started, first.since(row.started));
            }
        }
        let ticks = &mut cells.ticks;
        cells.embargoes.attempt(row.started, |ended| at(ticks, ended).retry_afters_broken += 1);
        if let (429, Some(retry_after)) = (row.status, row.retry_after) {
            at(&mut cells.ticks, row.ended).retry_afters += 1;
            cells.embargoes.ask(row.ended, retry_after);
        }
    }

    /// The groups, in the order of the header.
    #[must_use]
    pub fn groups(&self) -> &[GroupCells] {
        &self.groups
    }

    /// The deployments, in the order of the header.
    #[must_use]
    pub fn deployments(&self) -> &[DeploymentCells] {
        &self.deployments
    }

    pub(crate) fn groups_mut(&mut self) -> &mut [GroupCells] {
        &mut self.groups
    }

    pub(crate) fn deployments_mut(&mut self) -> &mut [DeploymentCells] {
        &mut self.deployments
    }

    /// Brings everything into the form in which two equal recordings are equal.
    pub(crate) fn settle(&mut self) {
        for group in &mut self.groups {
            group.latency.settle();
            group.ttft.settle();
        }
        for deployment in &mut self.deployments {
            deployment.latency.settle();
            deployment.ttft.settle();
            deployment.embargoes.settle();
        }
    }
}

impl GroupCells {
    /// The counts of each tick, from the start of the run.
    #[must_use]
    pub fn ticks(&self) -> &[GroupCounts] {
        &self.ticks
    }

    /// The counts of a window, summed.
    #[must_use]
    pub fn window(&self, window: Window) -> GroupCounts {
        let mut sum = GroupCounts::default();
        self.ticks[window.ticks(self.ticks.len())].iter().for_each(|tick| sum += *tick);
        sum
    }

    /// Latency of the requests that succeeded, from intended time to last byte, in µs.
    #[must_use]
    pub fn latency(&self) -> &Series {
        &self.latency
    }

    /// Time to first token of the streams that succeeded, from intended time, in µs.
    #[must_use]
    pub fn ttft(&self) -> &Series {
        &self.ttft
    }
}

impl DeploymentCells {
    /// The counts of each tick, from the start of the run.
    #[must_use]
    pub fn ticks(&self) -> &[DeploymentCounts] {
        &self.ticks
    }

    /// The counts of a window, summed.
    #[must_use]
    pub fn window(&self, window: Window) -> DeploymentCounts {
        let mut sum = DeploymentCounts::default();
        self.ticks[window.ticks(self.ticks.len())].iter().for_each(|tick| sum += *tick);
        sum
    }

    /// Latency of the attempts that succeeded, from start to last byte, in µs.
    #[must_use]
    pub fn latency(&self) -> &Series {
        &self.latency
    }

    /// Time to first token of the streams that succeeded, from the attempt's start, in µs.
    #[must_use]
    pub fn ttft(&self) -> &Series {
        &self.ttft
    }

    /// When the provider had asked to be left alone: from each 429 with Retry-After to the end of the
    /// wait, overlapping waits as one, in order.
    #[must_use]
    pub fn embargoed(&self) -> &[(Timestamp, Timestamp)] {
        self.embargoes.ranges()
    }
}

/// The counts of the tick that `time` is in; the table grows to hold it.
#[inline]
fn at<T: Clone + Default>(ticks: &mut Vec<T>, time: Timestamp) -> &mut T {
    let tick = tick_of(time);
    if tick >= ticks.len() {
        ticks.resize(tick + 1, T::default());
    }
    &mut ticks[tick]
}

#[cfg(test)]
mod tests;
