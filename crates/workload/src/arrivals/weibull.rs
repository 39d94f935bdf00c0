//! A renewal process with Weibull gaps: as gamma gaps, with a longer tail where the shape is below 1. About a quarter of
//! the clients that ServeGen published fits it best (Xiang et al., arXiv 2505.09999).

use super::gamma::gamma;
use super::time_changed::Gaps;
use squall_determinism::RandomStream;

/// Where the shape of a coefficient of variation is looked for: 0.1 has one of more than 400, 100 of about 0.013.
const SHAPES: (f64, f64) = (0.1, 100.0);

/// The squared coefficient of variation of a Weibull distribution: Γ(1 + 2/k) ÷ Γ(1 + 1/k)² − 1.
pub(crate) fn squared_cv(shape: f64) -> f64 {
    let log = libm::lgamma(1.0 + 2.0 / shape) - 2.0 * libm::lgamma(1.0 + 1.0 / shape);
    libm::expm1(log)
}

/// The shape of Weibull gaps with this coefficient of variation, by halving: it falls as the shape grows.
pub(crate) fn shape_of(cv: f64) -> f64 {
    let (mut low, mut high) = SHAPES;
    for _ in 0..64 {
        let middle = f64::midpoint(low, high);
        if squared_cv(middle) > cv * cv {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

#[derive(Clone, Debug)]
pub(crate) struct WeibullGaps {
    shape: f64,
    /// That of a mean of 1.
    scale: f64,
    has_begun: bool,
}

impl WeibullGaps {
    pub(super) fn new(shape: f64) -> Self {
        Self { shape, scale: 1.0 / libm::tgamma(1.0 + 1.0 / shape), has_begun: false }
    }
}

impl Gaps for WeibullGaps {
    /// The first is what is left of a gap that the start falls into (see [`GammaGaps`](super::gamma::GammaGaps)): of a
    /// gap X met in proportion to its length, (X ÷ scale)^shape is a gamma variable of shape 1 + 1/shape.
    fn next_gap(&mut self, draws: &mut RandomStream) -> f64 {
        let power = |y: f64| self.scale * libm::pow(y, 1.0 / self.shape);
        if core::mem::replace(&mut self.has_begun, true) {
            return power(-libm::log(draws.unit()));
        }
        let longer = 1.0 + 1.0 / self.shape;
        power(gamma(longer, longer, draws)) * draws.unit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_have_the_variation_that_they_were_asked_for() {
        // Shape 1 is exponential; of shape 1/2 the squared one is 4! ÷ 2!² − 1 = 5, of 1/3 it is 6! ÷ 3!² − 1 = 19.
        for (shape, squared) in [(1.0, 1.0), (0.5, 5.0), (1.0 / 3.0, 19.0)] {
            assert!((squared_cv(shape) - squared).abs() < 1e-9 * squared);
            assert!((shape_of(libm::sqrt(squared)) - shape).abs() < 1e-9);
        }
        for cv in [0.05, 0.3, 2.0, 8.0, 30.0] {
            assert!((libm::sqrt(squared_cv(shape_of(cv))) / cv - 1.0).abs() < 1e-9, "{cv}");
        }
    }
}
