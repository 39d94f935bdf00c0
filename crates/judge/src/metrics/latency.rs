//! `latency_p50/p95/p99` and `ttft_p50/p95/p99`: percentiles from intended time, to the last byte of
//! successful requests, or to the first token of streams that did. Of the seconds that begin in the window;
//! within 0.8 %, and never too low.
//!
//! Minimum sample for percentile q: 10 ÷ (1 − q), so that ten values lie beyond it.
//!
//! `latency_max`: the longest of the same latencies, within 0.8 %. Minimum sample: 1.
//!
//! `latency_mean`: the mean of the same latencies, within 0.4 %. Minimum sample: 20.

use super::{Measurement, MetricQuery, MetricValue};
use hdrhistogram::Histogram;
use squall_record::GroupCells;
use std::time::Duration;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum LatencyKind {
    Latency,
    Ttft,
}

pub(super) fn measure(ask: &MetricQuery<'_>, of: LatencyKind, quantile: f64) -> Measurement {
    let merged = merged(ask, of);
    let n = merged.as_ref().map_or(0, |merged| merged.len());
    let words = match of {
        LatencyKind::Latency => "successful requests",
        LatencyKind::Ttft => "successful streams",
    };
    let minimum = (10.0 / (1.0 - quantile)).round() as u64;
    match merged {
        Some(merged) if n >= minimum => {
            let micros = merged.value_at_quantile(quantile);
            Measurement::of(MetricValue::Duration(Duration::from_micros(micros)), n, words)
        }
        _ => Measurement::too_few(n, words, minimum),
    }
}

pub(super) fn mean(ask: &MetricQuery<'_>) -> Measurement {
    const MINIMUM: u64 = 20;
    const WORDS: &str = "successful requests";
    let merged = merged(ask, LatencyKind::Latency);
    match merged.as_ref().map(|merged| (merged, merged.len())) {
        Some((merged, n)) if n >= MINIMUM => {
            let mean = Duration::from_secs_f64(merged.mean() / 1e6);
            Measurement::of(MetricValue::Duration(mean), n, WORDS)
        }
        few => Measurement::too_few(few.map_or(0, |(_, n)| n), WORDS, MINIMUM),
    }
}

pub(super) fn longest(ask: &MetricQuery<'_>) -> Measurement {
    const WORDS: &str = "requests that succeeded";
    match merged(ask, LatencyKind::Latency).filter(|merged| !merged.is_empty()) {
        Some(merged) => {
            let longest = Duration::from_micros(merged.max());
            Measurement::of(MetricValue::Duration(longest), merged.len(), WORDS)
        }
        None => Measurement::too_few(0, WORDS, 1),
    }
}

/// What is asked about, of all requests that are asked about.
pub(super) fn merged(ask: &MetricQuery<'_>, of: LatencyKind) -> Option<Histogram<u64>> {
    let cells = |group: &GroupCells| match of {
        LatencyKind::Latency => group.latency.window(ask.window.clone()),
        LatencyKind::Ttft => group.ttft.window(ask.window.clone()),
    };
    let groups = ask.requests().iter().map(cells);
    groups.reduce(|mut merged, other| {
        // Same bounds: nothing can be out of them.
        merged.add(other).map_or_else(|_| unreachable!("equal bounds"), |()| merged)
    })
}
