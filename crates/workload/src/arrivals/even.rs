//! Users who come at even distances: one whenever one more is to be expected, the first after half of
//! one, so that a run of n expected arrivals has n.

use super::Next;
use crate::Rate;
use crate::rate::Walk;
use squall_determinism::Timestamp;

#[derive(Clone, Debug)]
pub(crate) struct Even {
    walk: Walk,
    pub(super) next: Option<Next>,
}

impl Even {
    pub(super) fn new(rate: Rate, until: Timestamp) -> Self {
        let mut walk = Walk::new(rate, until);
        let next = walk.advance(0.5).map(|at| Next { at, client: 0 });
        Self { walk, next }
    }

    pub(super) fn pop(&mut self) -> Option<Next> {
        let next = self.next;
        self.next = self.walk.advance(1.0).map(|at| Next { at, client: 0 });
        next
    }
}
