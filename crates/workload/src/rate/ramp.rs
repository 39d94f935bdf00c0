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

/// The area below the line, and below what follows it.
pub(super) fn expected(from: f64, to: f64, over: Duration, span: Duration) -> f64 {
    let on_line = span.min(over);
    let end = rps(from, to, over, on_line);
    f64::midpoint(from, end) * on_line.as_secs_f64() + to * (span - on_line).as_secs_f64()
}
