//! Distributions of random whole numbers: durations in nanoseconds, sizes in tokens.

use crate::quantiles::Quantiles;
use crate::{RandomStream, gamma, normal};
use core::fmt;

/// A distribution that draws whole numbers, one uniform number per draw, by inverse distribution function.
///
/// The unit is the caller's: nanoseconds for a duration, tokens for a size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    /// Always `value`. Takes its draw like the others.
    Fixed {
        /// What is drawn.
        value: u64,
    },
    /// Every number from `min` to `max` alike.
    Uniform {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// Exponential with this mean.
    Exponential {
        /// The mean.
        mean: f64,
    },
    /// Log-normal: its logarithm is normal with mean `mu` and deviation `sigma`.
    LogNormal {
        /// The logarithm of the median.
        mu: f64,
        /// The deviation of the logarithm.
        sigma: f64,
    },
    /// Gamma: the sum of `shape` exponential times, where that is a whole number; steadier than one
    /// exponential above 1, burstier below.
    Gamma {
        /// The shape.
        shape: f64,
        /// The mean.
        mean: f64,
    },
    /// As measured: numbers with the share of draws below each, straight lines between them.
    Quantiles(Quantiles),
}

impl Distribution {
    /// Log-normal with this median and 95th percentile.
    ///
    /// # Errors
    /// When the median is 0 or above the 95th percentile.
    pub fn lognormal(median: u64, p95: u64) -> Result<Self, DistributionError> {
        if median == 0 {
            return Err(DistributionError::MedianIsZero);
        }
        if p95 < median {
            return Err(DistributionError::MedianAboveP95);
        }
        let mu = libm::log(median as f64);
        Ok(Self::LogNormal { mu, sigma: (libm::log(p95 as f64) - mu) / Z95 })
    }

    /// Log-normal with this mean and this coefficient of variation, both above 0.
    #[must_use]
    pub fn lognormal_with_mean(mean: f64, cv: f64) -> Self {
        let variance = libm::log(1.0 + cv * cv);
        Self::LogNormal { mu: libm::log(mean) - variance / 2.0, sigma: libm::sqrt(variance) }
    }

    /// The same distribution in another unit: each number `factor` times as large.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        let times = |value: u64| whole(value as f64 * factor);
        match self {
            Self::Fixed { value } => Self::Fixed { value: times(value) },
            Self::Uniform { min, max } => Self::Uniform { min: times(min), max: times(max) },
            Self::Exponential { mean } => Self::Exponential { mean: mean * factor },
            Self::LogNormal { mu, sigma } => Self::LogNormal { mu: mu + libm::log(factor), sigma },
            Self::Gamma { shape, mean } => Self::Gamma { shape, mean: mean * factor },
            Self::Quantiles(points) => Self::Quantiles(points.times(factor)),
        }
    }

    /// One number.
    #[inline]
    pub fn sample(&self, draws: &mut RandomStream) -> u64 {
        self.at(draws.unit())
    }

    /// The number below which a draw falls with probability `p`, 0 < `p` < 1.
    #[must_use]
    pub fn at(&self, p: f64) -> u64 {
        match *self {
            Self::Fixed { value } => value,
            Self::Uniform { min, max } => {
                let width = max.saturating_sub(min) as f64 + 1.0;
                min.saturating_add((p * width) as u64).min(max)
            }
            Self::Exponential { mean } => whole(-mean * libm::log(p)),
            Self::LogNormal { mu, sigma } => whole(libm::exp(mu + sigma * normal::quantile(p))),
            Self::Gamma { shape, mean } => whole(gamma::quantile(p, shape) * mean / shape),
            Self::Quantiles(points) => whole(points.at(p)),
        }
    }

    /// The mean of the distribution, rounded.
    #[must_use]
    pub fn mean(&self) -> u64 {
        match *self {
            Self::Fixed { value } => value,
            Self::Uniform { min, max } => min + (max - min) / 2,
            Self::Exponential { mean } => whole(mean),
            Self::LogNormal { mu, sigma } => whole(libm::exp(mu + sigma * sigma / 2.0)),
            Self::Gamma { mean, .. } => whole(mean),
            Self::Quantiles(points) => whole(points.mean()),
        }
    }
}

/// Why a distribution cannot be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DistributionError {
    /// A log-normal distribution needs a median above 0.
    MedianIsZero,
    /// The 95th percentile is below the median.
    MedianAboveP95,
}

impl fmt::Display for DistributionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MedianIsZero => "the median must be above 0",
            Self::MedianAboveP95 => "the p95 must not be below the median",
        })
    }
}

impl core::error::Error for DistributionError {}

/// The 95th percentile of the standard normal distribution.
const Z95: f64 = 1.644_853_626_951_472_7;

/// The nearest whole number; the cast saturates at both ends.
#[inline]
fn whole(value: f64) -> u64 {
    libm::floor(value + 0.5) as u64
}
