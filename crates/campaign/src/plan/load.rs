//! What was offered in the busiest stretch of a run, and what of it was answered.

use squall_determinism::Timestamp;
use squall_record::{Recording, TICK};
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
        let groups = &recording.cells.groups;
        let end = Timestamp::from(recording.header.duration);
        let last = end.since(Timestamp::ZERO).saturating_sub(STRETCH);
        let steps = (last.as_millis() / TICK.as_millis()) as u32;
        let stretch = STRETCH.min(recording.header.duration);
        let sums = (0..=steps).map(|step| {
            let start = Timestamp::ZERO + TICK * step;
            let sums = groups.iter().map(|group| group.sum(start..start + stretch));
            sums.fold((0, 0), |(arrived, succeeded), sum| {
                (arrived + u64::from(sum.arrived), succeeded + u64::from(sum.succeeded))
            })
        });
        let (arrived, succeeded) = sums.max_by_key(|&(arrived, _)| arrived).unwrap_or_default();
        let per_second = |count: u64| count as f64 / stretch.as_secs_f64();
        Self { offered: per_second(arrived), goodput: per_second(succeeded) }
    }
}
