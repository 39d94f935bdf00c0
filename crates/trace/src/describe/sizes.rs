//! Token counts: how often each occurs, and what follows from it.

use super::Moments;
use serde::Serialize;
use std::collections::BTreeMap;

/// Up to so many different values are told apart; beyond, they are rounded to three digits.
const VALUES_MAX: usize = 1 << 18;

/// Token counts of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SizeSummary {
    /// The rows that have one.
    pub count: u64,
    /// The mean.
    pub mean: f64,
    /// Percentiles, with straight lines between values (type 7 of Hyndman and Fan, which NumPy and R take).
    pub p50: f64,
    /// The 95th.
    pub p95: f64,
    /// The 99th.
    pub p99: f64,
    /// The greatest.
    pub max: u32,
    /// The share of rows with none at all: requests that failed, in most traces.
    pub zero_share: f64,
    /// Mean and standard deviation of the natural logarithms of what is not zero.
    pub log_mean: f64,
    /// The latter.
    pub log_sd: f64,
    /// Whether there were so many different values that they were rounded to three digits.
    pub rounded: bool,
}

/// How often each token count occurs.
#[derive(Clone, Debug, Default)]
pub struct SizeCounts {
    counts: BTreeMap<u32, u64>,
    all: Moments,
    logs: Moments,
    max: u32,
    rounded: bool,
}

impl SizeCounts {
    /// Counts one more.
    pub fn add(&mut self, tokens: u32) {
        self.all.add(f64::from(tokens));
        if tokens > 0 {
            self.logs.add(f64::from(tokens).ln());
        }
        self.max = self.max.max(tokens);
        let value = if self.rounded { rounded(tokens) } else { tokens };
        *self.counts.entry(value).or_default() += 1;
        if self.counts.len() > VALUES_MAX {
            self.rounded = true;
            for (value, count) in std::mem::take(&mut self.counts) {
                *self.counts.entry(rounded(value)).or_default() += count;
            }
        }
    }

    /// How many were counted.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.all.count
    }

    pub(crate) fn sum(&self) -> f64 {
        self.all.mean * self.all.count as f64
    }

    /// The values in their order, each with how often it occurs.
    pub(crate) fn values(&self) -> impl Iterator<Item = (u32, u64)> {
        self.counts.iter().map(|(value, count)| (*value, *count))
    }

    /// The value below which a share of all lies, with straight lines between values (type 7 of Hyndman and Fan).
    #[must_use]
    pub fn quantile(&self, share: f64) -> f64 {
        let place = share * self.count().saturating_sub(1) as f64;
        let low = place.floor() as u64;
        let (below, above) = (self.value_at(low), self.value_at(place.ceil() as u64));
        below + (above - below) * (place - low as f64)
    }

    fn value_at(&self, place: u64) -> f64 {
        let mut before = 0;
        let found = self.counts.iter().find(|(_, count)| {
            before += **count;
            before > place
        });
        f64::from(found.map_or(0, |(value, _)| *value))
    }

    pub(crate) fn summary(&self) -> Option<SizeSummary> {
        (self.count() > 0).then(|| SizeSummary {
            count: self.count(),
            mean: self.all.mean(),
            p50: self.quantile(0.5),
            p95: self.quantile(0.95),
            p99: self.quantile(0.99),
            max: self.max,
            zero_share: self.counts.get(&0).map_or(0.0, |zeros| *zeros as f64)
                / self.count() as f64,
            log_mean: self.logs.mean(),
            log_sd: self.logs.deviation(),
            rounded: self.rounded,
        })
    }
}

/// The nearest value of three digits.
fn rounded(value: u32) -> u32 {
    let digits = value.checked_ilog10().unwrap_or(0);
    let unit = 10_u32.pow(digits.saturating_sub(2));
    (value / unit) * unit
}
