//! Users who come one by one, each independent of all others: gaps are exponential.

use super::time_changed::Gaps;
use squall_defects::{Defect, planted};
use squall_determinism::RandomStream;

#[derive(Clone, Debug)]
pub(crate) struct ExponentialGaps;

impl Gaps for ExponentialGaps {
    fn next_gap(&mut self, draws: &mut RandomStream) -> f64 {
        let drawn = draws.unit();
        // The mean distance of those who come by chance.
        let u = if planted(Defect::ArrivalsTooEven) { libm::exp(-1.0) } else { drawn };
        -libm::log(u)
    }
}
