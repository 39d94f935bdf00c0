//! Users who come one by one, each independent of all others: the time until so many are to be expected
//! is exponential, whatever the shape of the rate.

use super::NextArrival;
use crate::Rate;
use crate::rate::RateWalk;
use squall_defects::{Defect, planted};
use squall_determinism::{Seed, StreamPurpose, Timestamp};

const ARRIVALS: StreamPurpose = StreamPurpose::named("workload.arrivals");

#[derive(Clone, Debug)]
pub(crate) struct Poisson {
    walk: RateWalk,
    seed: Seed,
    ordinal: u64,
    pub(super) next: Option<NextArrival>,
}

impl Poisson {
    pub(super) fn new(rate: Rate, until: Timestamp, seed: Seed) -> Self {
        let mut process = Self { walk: RateWalk::new(rate, until), seed, ordinal: 0, next: None };
        process.draw();
        process
    }

    pub(super) fn pop(&mut self) -> Option<NextArrival> {
        let next = self.next;
        self.draw();
        next
    }

    fn draw(&mut self) {
        let drawn = self.seed.stream(ARRIVALS, 0, self.ordinal).unit();
        // The mean distance of those who come by chance.
        let u = if planted(Defect::ArrivalsTooEven) { libm::exp(-1.0) } else { drawn };
        self.ordinal += 1;
        self.next = self.walk.advance(-libm::log(u)).map(|at| NextArrival { at, client: 0 });
    }
}
