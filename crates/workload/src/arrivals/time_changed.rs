//! Processes that follow a rate by a change of time. A stationary process with one arrival per unit of *operational
//! time* is drawn, and operational time passes as fast as arrivals are expected: the arrival at operational time x comes
//! when the integral of the rate has reached x (Çinlar, *Introduction to Stochastic Processes*, 1975). So the mean number
//! of arrivals of any stretch of time is exactly the integral of the rate over it, whatever the process, and where the
//! rate is constant gaps have the distribution of the process itself.

use super::NextArrival;
use crate::Rate;
use crate::rate::RateWalk;
use squall_determinism::{RandomStream, Seed, StreamPurpose, Timestamp};

pub(super) const ARRIVALS: StreamPurpose = StreamPurpose::named("workload.arrivals");

/// The gaps of a stationary process whose mean rate is one arrival per unit of operational time.
pub(crate) trait Gaps {
    /// From the arrival before, or at first from the start, to the next one.
    fn next_gap(&mut self, draws: &mut RandomStream) -> f64;
}

/// A process along a rate.
#[derive(Clone, Debug)]
pub(crate) struct TimeChanged<G> {
    walk: RateWalk,
    gaps: G,
    seed: Seed,
    source: u32,
    ordinal: u64,
    pub(super) next: Option<NextArrival>,
}

impl<G: Gaps> TimeChanged<G> {
    /// A process whose draws are keyed by the seed and by its source.
    pub(super) fn new(gaps: G, rate: Rate, until: Timestamp, (seed, source): (Seed, u32)) -> Self {
        let walk = RateWalk::new(rate, until);
        let mut process = Self { walk, gaps, seed, source, ordinal: 0, next: None };
        process.draw();
        process
    }

    pub(super) fn pop(&mut self) -> Option<NextArrival> {
        let next = self.next;
        self.draw();
        next
    }

    /// Each arrival has a stream of its own, so that it does not matter how many draws a gap takes.
    fn draw(&mut self) {
        let mut draws = self.seed.stream(ARRIVALS, self.source.into(), self.ordinal);
        self.ordinal += 1;
        let gap = self.gaps.next_gap(&mut draws);
        self.next = self.walk.advance(gap).map(|at| NextArrival { at, client: 0 });
    }
}
