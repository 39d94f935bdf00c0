//! Gamma gaps, by maximum likelihood.
//!
//! Gaps are taken in operational time, in which the fitted rate is one (`arrivals.rs`). As the rate of each window is
//! fitted too, the n gaps of a window have a fixed sum: given it, they are n parts of a Dirichlet distribution whose
//! parameters are all the shape k. Its likelihood has no other parameter, so that the estimate is not biased by how many
//! rates were fitted (Neyman and Scott 1948): Σ n (ψ(k) − ψ(nk) + ln n) = Σ ln gap, and the Fisher information is
//! Σ n ψ′(k) − n² ψ′(nk). Of one gap in all, these are the equations of gamma variables.

use super::FitEstimate;
use super::special::{digamma, trigamma};
use crate::describe::Moments;
use serde::Serialize;
use statrs::function::gamma::gamma_lr;

/// How gaps are distributed, in operational time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct GapFit {
    /// How many there are.
    pub gaps: u64,
    /// The shape of the gamma distribution: 1 of Poisson arrivals.
    pub shape: FitEstimate,
    /// Its coefficient of variation: shape^−½.
    pub cv: FitEstimate,
    /// The coefficient of variation of the gaps themselves: far above the fitted one where the longest gaps are longer than
    /// those of a gamma distribution.
    pub measured_cv: f64,
    /// The Kolmogorov-Smirnov distance from the gamma distribution: the most by which the shares of gaps below any length
    /// differ.
    pub ks: f64,
    /// The same from the exponential distribution, that of Poisson arrivals.
    pub ks_exponential: f64,
}

impl GapFit {
    /// Whether the gaps are those of Poisson arrivals, as far as can be told.
    #[must_use]
    pub fn is_poisson(&self) -> bool {
        self.shape.holds(1.0)
    }

    /// Of gaps whose logarithms have this mean, in windows of so many requests; and of a sorted sample of them.
    pub(super) fn of(gaps: &Moments, log_mean: f64, windows: &[u64], sample: &[f64]) -> Self {
        let shape = shape(log_mean, windows);
        let error = 1.0 / information(shape, windows).sqrt();
        let shape = FitEstimate::positive(shape, error);
        let cv = |shape: f64| 1.0 / shape.sqrt();
        Self {
            gaps: gaps.count(),
            measured_cv: gaps.cv().unwrap_or_default(),
            cv: FitEstimate { value: cv(shape.value), low: cv(shape.high), high: cv(shape.low) },
            ks: distance(sample, |gap| gamma_lr(shape.value, shape.value * gap)),
            ks_exponential: distance(sample, |gap| 1.0 - (-gap).exp()),
            shape,
        }
    }
}

/// What must be zero: the derivative of the likelihood, for one gap.
fn score(shape: f64, log_mean: f64, windows: &[u64], gaps: f64) -> f64 {
    let of_window = |n: &u64| {
        let n = *n as f64;
        n * (digamma(n * shape) - n.ln())
    };
    windows.iter().map(of_window).sum::<f64>() / gaps - digamma(shape) + log_mean
}

/// The shape of the greatest likelihood: the score falls with the shape, so that halving finds its zero.
fn shape(log_mean: f64, windows: &[u64]) -> f64 {
    let gaps = windows.iter().sum::<u64>() as f64;
    let (mut low, mut high) = (1e-4_f64, 1e4_f64);
    for _ in 0..80 {
        let middle = (low * high).sqrt();
        if score(middle, log_mean, windows, gaps) > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low * high).sqrt()
}

fn information(shape: f64, windows: &[u64]) -> f64 {
    let of_window = |n: &u64| {
        let n = *n as f64;
        n * trigamma(shape) - n * n * trigamma(n * shape)
    };
    windows.iter().map(of_window).sum::<f64>().max(f64::MIN_POSITIVE)
}

/// The Kolmogorov-Smirnov distance of sorted values from a distribution function.
pub(super) fn distance(sorted: &[f64], below: impl Fn(f64) -> f64) -> f64 {
    let count = sorted.len() as f64;
    let steps = sorted.iter().zip(0_u32..).map(|(value, place)| {
        let (expected, place) = (below(*value), f64::from(place));
        (expected - place / count).abs().max(((place + 1.0) / count - expected).abs())
    });
    steps.fold(0.0, f64::max)
}
