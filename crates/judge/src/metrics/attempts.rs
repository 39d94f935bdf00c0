//! `attempts`: how many attempts were made, of those that started in the window. Connections that were refused
//! count where they were tried.
//!
//! Minimum sample: none, for none is an answer.

use super::{Measurement, MetricQuery, MetricValue};

pub(super) fn measure(ask: &MetricQuery<'_>) -> Measurement {
    let deployments = ask.deployments().into_iter();
    let cells = deployments.map(|place| &ask.recording.cells.deployments[place]);
    let started = cells.map(|cells| u64::from(cells.sum(ask.window.clone()).started)).sum();
    Measurement::of(MetricValue::Count(started), started, "attempts")
}
