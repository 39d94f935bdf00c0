//! A straight line to another rate, then that rate.

use core::time::Duration;

pub(super) fn rps(from: f64, to: f64, over: Duration, since: Duration) -> f64 {
    if since >= over {
        to
    } else {
        from + (to - from) * (since.as_nanos() as f64 / over.as_nanos() as f64)
    }
}

pub(super) fn straight_until(at: u64, over: Duration, start: u64) -> u64 {
    let top = at.saturating_add(over.as_nanos() as u64);
    if start < top { top } else { u64::MAX }
}
