//! `answered`, `gave_up`, `truncated_answers`, `usage_told`: what clients got, of those whose user asked in the
//! window.
//!
//! An answer is truncated if its client took it for whole and its text is not the one asked for: less of it, more
//! of it, or another. Minimum sample of the counts: none, for none is an answer. Of `usage_told`: 1.

use super::{Measurement, MetricQuery, MetricValue};
use squall_record::RequestCell;

pub(super) fn answered(ask: &MetricQuery<'_>) -> Measurement {
    let (arrived, succeeded) = sums(ask, |cell| (cell.arrived, cell.succeeded));
    Measurement::of(MetricValue::Count(succeeded), arrived, "requests")
}

pub(super) fn gave_up(ask: &MetricQuery<'_>) -> Measurement {
    let (arrived, gave_up) = sums(ask, |cell| (cell.arrived, cell.gave_up));
    Measurement::of(MetricValue::Count(gave_up), arrived, "requests")
}

pub(super) fn truncated(ask: &MetricQuery<'_>) -> Measurement {
    let (succeeded, truncated) = sums(ask, |cell| (cell.succeeded, cell.truncated));
    Measurement::of(MetricValue::Count(truncated), succeeded, SUCCEEDED)
}

pub(super) fn usage_told(ask: &MetricQuery<'_>) -> Measurement {
    let (succeeded, without) = sums(ask, |cell| (cell.succeeded, cell.without_usage));
    if succeeded == 0 {
        return Measurement::too_few(0, SUCCEEDED, 1);
    }
    let told = (succeeded - without) as f64 / succeeded as f64;
    Measurement::of(MetricValue::Fraction(told), succeeded, SUCCEEDED)
}

const SUCCEEDED: &str = "requests that succeeded";

/// Two counts of the requests that are asked about.
fn sums(ask: &MetricQuery<'_>, of: impl Fn(RequestCell) -> (u32, u32)) -> (u64, u64) {
    let cells = ask.requests().iter().map(|cells| of(cells.sum(ask.window.clone())));
    cells.fold((0, 0), |(one, other), cell| (one + u64::from(cell.0), other + u64::from(cell.1)))
}
