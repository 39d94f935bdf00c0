//! First attempts at a deployment against those of its whole group, summed over any stretch of ticks.
//!
//! First attempts, because only they are the router's free choice: a retry goes where the first one did
//! not. By the providers' log, with the refused ones that no provider could see.

use super::MetricQuery;
use squall_determinism::Timestamp;
use squall_record::TICK;
use std::time::Duration;

/// Running sums by tick.
pub(super) struct FirstAttemptTally {
    /// At the deployment, before each tick.
    there: Vec<u64>,
    /// In its group, before each tick.
    group: Vec<u64>,
}

/// First attempts of one stretch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct AttemptCounts {
    pub(super) there: u64,
    pub(super) group: u64,
}

impl FirstAttemptTally {
    pub(super) fn of(ask: &MetricQuery<'_>, deployment: usize) -> Self {
        let members = ask.members(ask.info(deployment).group);
        let cells = &ask.recording.cells.deployments;
        let len = members.iter().map(|&member| cells[member].ticks().len()).max().unwrap_or(0);
        let first = |member: usize, tick: usize| {
            cells[member].ticks().get(tick).map_or(0, |cell| u64::from(cell.first))
        };
        let sums = |counted: &[usize]| {
            let mut sum = 0;
            let mut sums = vec![0];
            sums.extend((0..len).map(|tick| {
                sum += counted.iter().map(|&member| first(member, tick)).sum::<u64>();
                sum
            }));
            sums
        };
        Self { there: sums(&[deployment]), group: sums(&members) }
    }

    /// Those of the ticks from `from` on, for `span`.
    pub(super) fn over(&self, from: Timestamp, span: Duration) -> AttemptCounts {
        let tick = |time: Timestamp| {
            let tick = time.as_nanos() / TICK.as_nanos() as u64;
            usize::try_from(tick).map_or(usize::MAX, |tick| tick).min(self.there.len() - 1)
        };
        let (start, end) = (tick(from), tick(from + span));
        AttemptCounts {
            there: self.there[end] - self.there[start],
            group: self.group[end] - self.group[start],
        }
    }
}

/// The first moment on the grid of ticks that is not before `time`.
pub(super) fn on_grid(time: Timestamp) -> Timestamp {
    let tick = TICK.as_nanos() as u64;
    Timestamp::from_nanos(time.as_nanos().div_ceil(tick).saturating_mul(tick))
}

/// The moments of the grid from `start` until just before `end`.
pub(super) fn grid(start: Timestamp, end: Timestamp) -> impl Iterator<Item = Timestamp> {
    let first = on_grid(start);
    (0_u32..).map(move |step| first + TICK * step).take_while(move |&moment| moment < end)
}
