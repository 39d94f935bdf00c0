//! `answered_within(t)`: requests that succeeded within t of their intended time ÷ (arrived − unfinished), of the requests
//! whose user asked in the window: goodput within an SLO. Exact, and not by the histogram of latencies.
//!
//! Minimum sample: that of `success_rate`.

use super::success_rate::{ended, minimum};
use super::{Measured, Measurement, MetricQuery, MetricValue};
use crate::text;
use squall_record::{RequestOutcome, RequestRow};
use squall_scenario::Argument;
use std::time::Duration;

pub(super) fn measure(ask: &MetricQuery<'_>) -> Measurement {
    let Some(limit) = ask.within else {
        return Measurement::inconclusive("a latency is required");
    };
    let (succeeded, n) = ended(ask);
    let minimum = minimum(ask.limit);
    if n < minimum {
        return Measurement::too_few(n, "requests", minimum);
    }
    let counted: Option<u64> =
        ask.requests().iter().map(|cells| cells.within(limit, ask.window.clone())).sum();
    let Some(within) = counted.or_else(|| of_rows(ask, limit)) else {
        let limit = text::duration(limit);
        return Measurement::inconclusive(format!(
            "this recording did not count within {limit}, and has no rows to count again: run it with `--rows all`, or with \
             this expectation in its scenario"
        ));
    };
    let mut detail = Vec::new();
    if within < n {
        detail.push(format!(
            "{} were answered later and {} not at all",
            text::count(succeeded.saturating_sub(within)),
            text::count(n - succeeded)
        ));
    }
    let value = MetricValue::Fraction(within as f64 / n as f64);
    Measurement::Measured(Measured { value, n, of: "requests", detail })
}

/// The same from the rows, where a recording has some: it may be judged by a latency that its run did not know.
fn of_rows(ask: &MetricQuery<'_>, limit: Duration) -> Option<u64> {
    let rows = &ask.recording.requests;
    if rows.is_empty() {
        return None;
    }
    let is_asked = |row: &&RequestRow| match ask.argument {
        Some(Argument::Group(group)) => row.group == group.0,
        Some(of @ (Argument::Kind(_) | Argument::Kinds { .. })) => {
            of.kinds().is_some_and(|kinds| kinds.contains(&row.kind))
        }
        Some(Argument::Deployment(_)) | None => true,
    };
    let within = |row: &&RequestRow| {
        row.outcome == RequestOutcome::Succeeded
            && row.ended.since(row.intended) <= limit
            && ask.window.contains(&row.intended)
    };
    Some(rows.iter().filter(is_asked).filter(within).count() as u64)
}
