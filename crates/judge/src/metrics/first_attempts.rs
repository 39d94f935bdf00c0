//! First attempts at a deployment against those of its whole group, summed over any stretch of ticks.
//!
//! First attempts, because only they are the router's free choice: a retry goes where the first one did
//! not. By the providers' log, with the refused ones that no provider could see.

use super::MetricQuery;
use squall_determinism::Timestamp;
use squall_record::TICK;
use std::time::Duration;

const TICK_NS: u64 = TICK.as_nanos() as u64;

/// Running sums over the ticks in which the group had first attempts.
pub(super) struct FirstAttemptTally {
    /// By tick, the sums up to its end.
    sums: Vec<(u64, AttemptCounts)>,
}

/// First attempts of one stretch.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct AttemptCounts {
    pub(super) there: u64,
    pub(super) group: u64,
}

impl FirstAttemptTally {
    pub(super) fn of(ask: &MetricQuery<'_>, deployment: usize) -> Self {
        let members = ask.members(ask.info(deployment).group);
        let place = members.iter().position(|&member| member == deployment);
        let (mut sum, mut sums) = (AttemptCounts::default(), Vec::new());
        ask.recording.cells.first_attempts(&members, |tick, counts| {
            sum.there += place.map_or(0, |place| u64::from(counts[place]));
            sum.group += counts.iter().map(|&count| u64::from(count)).sum::<u64>();
            sums.push((tick, sum));
        });
        Self { sums }
    }

    /// Those of the ticks from `from` on, for `span`.
    pub(super) fn over(&self, from: Timestamp, span: Duration) -> AttemptCounts {
        let before = |time: Timestamp| {
            let tick = time.as_nanos() / TICK_NS;
            let after = self.sums.partition_point(|&(each, _)| each < tick);
            after.checked_sub(1).map_or_else(AttemptCounts::default, |last| self.sums[last].1)
        };
        let (start, end) = (before(from), before(from + span));
        AttemptCounts { there: end.there - start.there, group: end.group - start.group }
    }

    /// The first moment of the grid from `start` until just before `end` after which first attempts are for `span` as
    /// `is_met` asks, in ticks from it on. One after which there are none is not asked about.
    pub(super) fn first_moment(
        &self,
        start: Timestamp,
        end: Timestamp,
        span: Duration,
        mut is_met: impl FnMut(Timestamp, AttemptCounts) -> bool,
    ) -> Option<Timestamp> {
        let mut moment = on_grid(start);
        while moment < end {
            let counts = self.over(moment, span);
            if counts.group > 0 {
                if is_met(moment, counts) {
                    return Some(moment);
                }
                moment += TICK;
            } else {
                // In a run of weeks the next may be hours away.
                let after = (moment + span).as_nanos() / TICK_NS;
                let &(next, _) =
                    self.sums.get(self.sums.partition_point(|&(tick, _)| tick < after))?;
                moment = Timestamp::from_nanos((next + 1) * TICK_NS) - span;
            }
        }
        None
    }
}

/// The first moment on the grid of ticks that is not before `time`.
pub(super) fn on_grid(time: Timestamp) -> Timestamp {
    Timestamp::from_nanos(time.as_nanos().div_ceil(TICK_NS).saturating_mul(TICK_NS))
}

/// The moments of the grid from `start` until just before `end`.
pub(super) fn grid(start: Timestamp, end: Timestamp) -> impl Iterator<Item = Timestamp> {
    let first = on_grid(start);
    (0_u32..).map(move |step| first + TICK * step).take_while(move |&moment| moment < end)
}
