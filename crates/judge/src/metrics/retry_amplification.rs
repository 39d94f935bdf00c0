//! `retry_amplification`: attempts ÷ requests. Attempts count where they ran: those at a group's
//! deployments against the requests for that group, those for a kind of request against the requests of it,
//! or all against all. Attempts by start, requests by
//! intended time; an attempt refused before it reached a provider counts if the gateway told of it, so
//! that for a gateway not ours the value is a lower bound.
//!
//! Minimum sample: 20 requests.

use super::{Measurement, MetricQuery, MetricValue};
use squall_scenario::Argument;

pub(super) fn measure(ask: &MetricQuery<'_>) -> Measurement {
    let cells = &ask.recording.cells;
    let window = || ask.window.clone();
    let sums: Vec<_> = ask.requests().iter().map(|cells| cells.sum(window())).collect();
    let requests: u64 = sums.iter().map(|sum| u64::from(sum.arrived)).sum();
    if requests < MINIMUM {
        return Measurement::too_few(requests, "requests", MINIMUM);
    }
    let attempts: u64 = match ask.argument {
        Some(Argument::Kind(_) | Argument::Kinds { .. }) if !cells.kinds.is_empty() => {
            sums.iter().map(|sum| u64::from(sum.attempts)).sum()
        }
        _ => {
            let started = |each: usize| u64::from(cells.deployments[each].sum(window()).started);
            ask.deployments().into_iter().map(started).sum()
        }
    };
    Measurement::of(MetricValue::Ratio(attempts as f64 / requests as f64), requests, "requests")
}

const MINIMUM: u64 = 20;
