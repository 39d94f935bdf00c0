//! A renewal process with gamma gaps: independent of each other, burstier than Poisson arrivals where the shape is below
//! 1 and steadier above. The coefficient of variation of the gaps is shape^−½, and so the index of dispersion of counts
//! over long windows is 1 ÷ shape (Cox, *Renewal Theory*, 1962, 4.5). `burstiness` of vLLM and `smoothness` of aiperf
//! are this shape.

use super::time_changed::Gaps;
use squall_determinism::{Distribution, RandomStream};

/// Draws of [`Distribution`] are whole numbers: so many make a mean gap.
const UNIT: f64 = 1e12;

/// The shape of gamma gaps with this coefficient of variation.
pub(crate) fn shape_of(cv: f64) -> f64 {
    1.0 / (cv * cv)
}

/// A gamma variable of this shape and mean, by inverse distribution function.
pub(super) fn gamma(shape: f64, mean: f64, draws: &mut RandomStream) -> f64 {
    Distribution::Gamma { shape, mean: mean * UNIT }.sample(draws) as f64 / UNIT
}

#[derive(Clone, Debug)]
pub(crate) struct GammaGaps {
    shape: f64,
    has_begun: bool,
}

impl GammaGaps {
    pub(super) fn new(shape: f64) -> Self {
        Self { shape, has_begun: false }
    }
}

impl Gaps for GammaGaps {
    /// The first is what is left of a gap that the start falls into, so that the process is stationary and no burst
    /// begins with the run: a gap is met with a probability in proportion to its length, and x·f(x) of a gamma density is
    /// that of a gamma of shape + 1 (Cox 1962, 5.2).
    fn next_gap(&mut self, draws: &mut RandomStream) -> f64 {
        if core::mem::replace(&mut self.has_begun, true) {
            return gamma(self.shape, 1.0, draws);
        }
        let met = gamma(self.shape + 1.0, (self.shape + 1.0) / self.shape, draws);
        met * draws.unit()
    }
}
