//! What was offered in the busiest stretch of a run, and what of it was answered.

use squall_determinism::Timestamp;
use squall_record::{GroupCells, Recording, TICK};
use std::collections::BTreeMap;
use std::time::Duration;

/// The stretch in which load is looked at: long enough to count, short enough for the top of a spike.
const STRETCH: Duration = Duration::from_secs(5);

/// Requests per second in the busiest five seconds of a run, or in all of a shorter one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PeakLoad {
    /// How many users asked.
    pub offered: f64,
    /// How many of them got a whole answer.
    pub goodput: f64,
}

impl PeakLoad {
    /// The load of a run.
    #[must_use]
    pub fn of(recording: &Recording) -> Self {
        let end = Timestamp::from(recording.header.duration);
        let last = end.since(Timestamp::ZERO).saturating_sub(STRETCH);
        let last = (last.as_millis() / TICK.as_millis()) as u64;
        let stretch = STRETCH.min(recording.header.duration);
        let length = stretch.as_millis().div_ceil(TICK.as_millis()) as u64;
        let sums = sums(recording);
        let before = |tick: u64| {
            let there = sums.partition_point(|&(each, _)| each < tick);
            there.checked_sub(1).map_or((0, 0), |there| sums[there].1)
        };
        // Between these, the first ticks of stretches, nothing enters and nothing leaves.
        let around = |&(tick, _): &(u64, _)| [(tick + 1).saturating_sub(length), tick + 1];
        let mut starts: Vec<_> = sums.iter().flat_map(around).chain([0]).collect();
        starts.sort_unstable();
        let stretches = starts.into_iter().filter(|&start| start <= last).map(|start| {
            let ((arrived, succeeded), less) = (before(start + length), before(start));
            (arrived - less.0, succeeded - less.1)
        });
        let (arrived, succeeded) =
            stretches.max_by_key(|&(arrived, _)| arrived).unwrap_or_default();
        let per_second = |count: u64| count as f64 / stretch.as_secs_f64();
        Self { offered: per_second(arrived), goodput: per_second(succeeded) }
    }
}

/// Who asked and who was answered up to the end of each tick in which somebody asked, all groups together.
fn sums(recording: &Recording) -> Vec<(u64, (u64, u64))> {
    let mut ticks = BTreeMap::<u64, (u64, u64)>::new();
    for (tick, cell) in recording.cells.groups.iter().flat_map(GroupCells::ticks) {
        let (arrived, succeeded) = ticks.entry(tick).or_default();
        *arrived += u64::from(cell.arrived);
        *succeeded += u64::from(cell.succeeded);
    }
    let mut sum = (0, 0);
    let mut upto = |(tick, (arrived, succeeded))| {
        sum = (sum.0 + arrived, sum.1 + succeeded);
        (tick, sum)
    };
    ticks.into_iter().map(&mut upto).collect()
}
