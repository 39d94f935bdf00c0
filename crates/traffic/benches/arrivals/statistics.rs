//! What is told of arrivals, and how far their gaps are from a law.

use statrs::distribution::{ContinuousCDF, Exp, Gamma, Weibull};
use statrs::function::gamma::gamma;

/// The law of gaps, each with a mean of 1.
#[derive(Clone, Copy, Debug)]
pub(crate) enum GapLaw {
    Exponential,
    Gamma { shape: f64 },
    Weibull { shape: f64 },
}

impl GapLaw {
    /// The probability of a gap of at most `x` means.
    fn at_most(self, x: f64) -> f64 {
        let valid = "its parameters are positive";
        match self {
            Self::Exponential => Exp::new(1.0).expect(valid).cdf(x),
            Self::Gamma { shape } => Gamma::new(shape, shape).expect(valid).cdf(x),
            Self::Weibull { shape } => {
                Weibull::new(shape, 1.0 / gamma(1.0 + 1.0 / shape)).expect(valid).cdf(x)
            }
        }
    }
}

/// The coefficient of variation of gaps, and the index of dispersion of counts in windows of a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ArrivalStatistics {
    pub(crate) cv: f64,
    pub(crate) dispersion: f64,
}

impl ArrivalStatistics {
    /// Of times in order, in seconds, of which the windows end at `until`.
    pub(crate) fn of(times: &[f64], until: f64) -> Self {
        let gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let (mean, variance) = moments(&gaps);
        let mut counts = vec![0.0; until as usize];
        for time in times.iter().filter(|time| **time >= 0.0) {
            if let Some(count) = counts.get_mut(*time as usize) {
                *count += 1.0;
            }
        }
        let (mean_count, variance_of_counts) = moments(&counts);
        Self { cv: variance.sqrt() / mean, dispersion: variance_of_counts / mean_count }
    }
}

fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, squares / (n - 1.0))
}

/// The Kolmogorov-Smirnov distance of the gaps from a law at a rate, and the distance that one sample in twenty passes.
pub(crate) fn kolmogorov_smirnov(times: &[f64], law: GapLaw, rps: f64) -> (f64, f64) {
    let mut gaps: Vec<_> = times.windows(2).map(|pair| (pair[1] - pair[0]) * rps).collect();
    gaps.sort_by(f64::total_cmp);
    let n = gaps.len() as f64;
    let distance = gaps.iter().enumerate().fold(0.0_f64, |most, (place, gap)| {
        let (p, below) = (law.at_most(*gap), place as f64 / n);
        most.max(p - below).max(below + 1.0 / n - p)
    });
    (distance, 1.358 / n.sqrt())
}
