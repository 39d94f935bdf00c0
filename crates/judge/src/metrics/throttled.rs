//! `throttled`: how many attempts were answered with a rate limit, of those that started in the window.
//!
//! Minimum sample: none, for none is an answer.

use super::{Measurement, MetricQuery, MetricValue};
use squall_failure::FailureClass;

pub(super) fn measure(ask: &MetricQuery<'_>) -> Measurement {
    let (mut attempts, mut throttled) = (0, 0);
    for deployment in ask.deployments() {
        let sum = ask.recording.cells.deployments[deployment].sum(ask.window.clone());
        attempts += u64::from(sum.started);
        throttled += u64::from(sum.failed[usize::from(FailureClass::Throttled.code())]);
    }
    Measurement::of(MetricValue::Count(throttled), attempts, "attempts")
}
