//! `client_amplification`: calls that clients made ÷ requests. A client calls again by itself, as its SDK does, after a call
//! that failed. Requests and all their calls count by the intended time of the request.
//!
//! Minimum sample: 20 requests.

use super::{Measurement, MetricQuery, MetricValue};

pub(super) fn measure(ask: &MetricQuery<'_>) -> Measurement {
    let (mut requests, mut calls) = (0, 0);
    for cells in ask.requests() {
        let sum = cells.sum(ask.window.clone());
        requests += u64::from(sum.arrived);
        calls += u64::from(sum.arrived) + u64::from(sum.client_retries);
    }
    if requests < MINIMUM {
        return Measurement::too_few(requests, "requests", MINIMUM);
    }
    Measurement::of(MetricValue::Ratio(calls as f64 / requests as f64), requests, "requests")
}

const MINIMUM: u64 = 20;
