//! Users who come at even distances: one whenever one more is to be expected, the first after half of
//! one, so that a run of n expected arrivals has n.

use super::time_changed::Gaps;
use squall_determinism::RandomStream;

#[derive(Clone, Debug, Default)]
pub(crate) struct EvenGaps {
    has_begun: bool,
}

impl Gaps for EvenGaps {
    fn next_gap(&mut self, _: &mut RandomStream) -> f64 {
        if core::mem::replace(&mut self.has_begun, true) { 1.0 } else { 0.5 }
    }
}
