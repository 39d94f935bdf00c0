//! How long traffic took to leave a deployment that fails, and to return to it.

use squall_determinism::Timestamp;
use squall_judge::{Measurement, MetricQuery, MetricValue, measure};
use squall_record::{Recording, TICK};
use squall_router::DeploymentId;
use squall_scenario::{Argument, MetricId, Scenario};
use std::time::Duration;

/// How long traffic took to move, by the metric that the verdict uses, and [`Duration::MAX`] if it never
/// did; `None` where too little was seen to tell.
pub(crate) fn traffic_moved(
    scenario: &Scenario,
    recording: &Recording,
    deployment: usize,
    metric: MetricId,
    from: Timestamp,
) -> Option<Duration> {
    let ask = MetricQuery {
        scenario,
        recording,
        argument: Some(Argument::Deployment(DeploymentId(deployment as u16))),
        within: None,
        window: from..from + TICK,
        limit: None,
    };
    match measure(metric, &ask) {
        Measurement::Measured(measured) => match measured.value {
            MetricValue::Duration(time) => Some(time),
            _ => None,
        },
        Measurement::Inconclusive { .. } => None,
    }
}
