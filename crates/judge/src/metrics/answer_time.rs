//! `answer_time_p50/p95/p99`: percentiles of the time from intended time to the last byte over all requests that ended,
//! where one that failed, or whose client gave up, never got its answer. By nearest rank: the value at ⌈q·n⌉ of n, within
//! 0.8 % and never too low.
//!
//! Minimum sample for percentile q: 10 ÷ (1 − q), as for latencies.

use super::success_rate::ended;
use super::{Measured, Measurement, MetricQuery, MetricValue, latency};
use crate::text;
use std::time::Duration;

pub(super) fn measure(ask: &MetricQuery<'_>, quantile: f64) -> Measurement {
    let (succeeded, n) = ended(ask);
    let minimum = (10.0 / (1.0 - quantile)).round() as u64;
    if n < minimum {
        return Measurement::too_few(n, "requests", minimum);
    }
    let rank = ((quantile * n as f64 - 1e-9).ceil() as u64).max(1);
    let time = at_rank(ask, rank).unwrap_or(Duration::MAX);
    let mut detail = Vec::new();
    if succeeded < n {
        let (lost, of) = (text::count(n - succeeded), text::count(n));
        detail.push(format!("{lost} of {of} requests never got their answer"));
    }
    Measurement::Measured(Measured {
        value: MetricValue::Duration(time),
        n,
        of: "requests",
        detail,
    })
}

/// The latency at a rank, from 1, of those that succeeded; `None` beyond the last.
fn at_rank(ask: &MetricQuery<'_>, rank: u64) -> Option<Duration> {
    let latencies = latency::merged(ask, latency::LatencyKind::Latency)?;
    let mut seen = 0;
    latencies.iter_recorded().find_map(|step| {
        seen += step.count_since_last_iteration();
        (seen >= rank).then(|| Duration::from_micros(step.value_iterated_to()))
    })
}
