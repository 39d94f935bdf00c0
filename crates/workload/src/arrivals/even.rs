//! Users who come at even distances: one whenever one more is to be expected, the first after half of
//! one, so that a run of n expected arrivals has n.

use super::NextArrival;
use crate::Rate;
use crate::rate::RateWalk;
use squall_determinism::Timestamp;

#[derive(Clone, Debug)]
pub(crate) struct Even {
    walk: RateWalk,
    pub(super) next: Option<NextArrival>,
}

impl Even {
    pub(super) fn new(rate: Rate, until: Timestamp) -> Self {
        let mut walk = RateWalk::new(rate, until);
        let next = walk.advance(0.5).map(|at| NextArrival { at, client: 0 });
        Self { walk, next }
    }

    pub(super) fn pop(&mut self) -> Option<NextArrival> {
        let next = self.next;
        self.next = self.walk.advance(1.0).map(|at| NextArrival { at, client: 0 });
        next
    }
}
