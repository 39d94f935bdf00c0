//! Sizes: a log-normal distribution by maximum likelihood, and the quantiles of the trace.

use super::FitEstimate;
use crate::describe::SizeCounts;
use serde::Serialize;
use statrs::distribution::{ContinuousCDF as _, Normal};

/// The quantile of the normal distribution that the 95th percentile is at.
const Z_P95: f64 = 1.644_853_626_951_472_7;
/// A log-normal distribution that is further away than this is not taken.
const CLOSE: f64 = 0.05;
/// Where more rows than this have no token at all, a log-normal distribution, which has none, is not taken.
const ZEROS: f64 = 0.005;

/// The quantiles that are told, by the keys of a scenario.
const POINTS: [(&str, f64); 12] = [
    ("min", 0.0),
    ("p1", 0.01),
    ("p5", 0.05),
    ("p10", 0.1),
    ("p25", 0.25),
    ("p50", 0.5),
    ("p75", 0.75),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p999", 0.999),
    ("max", 1.0),
];

/// How sizes are distributed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SizeFit {
    /// The rows that have one.
    pub count: u64,
    /// A log-normal distribution; `None` where all sizes are one.
    pub lognormal: Option<LognormalFit>,
    /// Whether it is close enough to stand for the sizes.
    pub is_lognormal: bool,
    /// Their quantiles, by the keys of a scenario.
    pub quantiles: Vec<(&'static str, u64)>,
}

/// A log-normal distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LognormalFit {
    /// Its median.
    pub median: FitEstimate,
    /// Its 95th percentile.
    pub p95: FitEstimate,
    /// The Kolmogorov-Smirnov distance from it.
    pub ks: f64,
}

impl SizeFit {
    /// Of these sizes; `None` where there are none.
    pub(super) fn of(sizes: &SizeCounts) -> Option<Self> {
        let summary = sizes.summary()?;
        let lognormal = LognormalFit::of(sizes);
        let is_near = lognormal.is_some_and(|fit| fit.ks <= CLOSE);
        let at = |(key, share): (&'static str, f64)| (key, sizes.quantile(share).round() as u64);
        Some(Self {
            count: summary.count,
            lognormal,
            is_lognormal: is_near && summary.zero_share <= ZEROS,
            quantiles: POINTS.map(at).to_vec(),
        })
    }
}

impl LognormalFit {
    fn of(sizes: &SizeCounts) -> Option<Self> {
        let summary = sizes.summary()?;
        let positive = summary.count as f64 * (1.0 - summary.zero_share);
        let (mean, deviation) = (summary.log_mean, summary.log_sd);
        let normal = Normal::new(mean, deviation).ok().filter(|_| positive > 1.0)?;
        let of_logs = |at: f64, error: f64| {
            let logs = FitEstimate::normal(at, error);
            FitEstimate { value: logs.value.exp(), low: logs.low.exp(), high: logs.high.exp() }
        };
        let of_mean = deviation / positive.sqrt();
        let of_p95 = of_mean * (1.0 + Z_P95 * Z_P95 / 2.0).sqrt();
        // Sizes are whole numbers: half of one beyond each value lies between it and the next.
        let (mut below, mut ks) = (0.0, 0.0_f64);
        for (value, count) in sizes.values().filter(|(value, _)| *value > 0) {
            below += count as f64;
            let expected = normal.cdf((f64::from(value) + 0.5).ln());
            ks = ks.max((below / positive - expected).abs());
        }
        Some(Self {
            median: of_logs(mean, of_mean),
            p95: of_logs(mean + Z_P95 * deviation, of_p95),
            ks,
        })
    }
}
