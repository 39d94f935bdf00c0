//! `retry_amplification`: attempts ÷ requests. Attempts count where they ran: those at a group's
//! deployments against the requests for that group, or all against all. Attempts by start, requests by
//! intended time; an attempt refused before it reached a provider counts if the gateway told of it, so
//! that for a gateway not ours the value is a lower bound.
//!
//! Minimum sample: 20 requests.

use super::{Ask, Measurement, Value};

pub(super) fn measure(ask: &Ask<'_>) -> Measurement {
    let cells = &ask.recording.cells;
    let window = || ask.window.clone();
    let requests: u64 =
        ask.groups().map(|group| u64::from(cells.groups[group].sum(window()).arrived)).sum();
    if requests < MINIMUM {
        return Measurement::too_few(requests, "requests", MINIMUM);
    }
    let attempts = ask.deployments().into_iter();
    let attempts: u64 =
        attempts.map(|each| u64::from(cells.deployments[each].sum(window()).started)).sum();
    Measurement::of(Value::Ratio(attempts as f64 / requests as f64), requests, "requests")
}

const MINIMUM: u64 = 20;
