//! `gray_failover_time(d)`: from the moment at which a fault of d could first be seen to the first moment after which
//! first attempts at d stay under half of its weight share for 2 s. On the grid of 100 ms. For faults that a deployment
//! still answers through: slow answers, failures of some, wrong answers, and faults that grow.
//!
//! A fault could be seen when the first attempt at d that it hit had its first token, or had ended if it failed: before
//! that, nobody can know of it. Half, because a deployment that still answers may keep a part of its traffic. Minimum
//! sample: 20 first attempts at d in the 5 s before the fault.

use super::failover_time::{HoldBelow, time_to_leave, worst};
use super::faults::{faults_of, no_fault, shows_in_attempts};
use super::first_attempts::FirstAttemptTally;
use super::{Measurement, MetricQuery};
use crate::text;

pub(super) fn measure(ask: &MetricQuery<'_>) -> Measurement {
    let Some(deployment) = ask.deployment() else {
        return Measurement::inconclusive("a deployment is required");
    };
    let faults = faults_of(ask.scenario, deployment)
        .filter(|(_, fault)| shows_in_attempts(fault) && ask.window.contains(&fault.at));
    let cells = &ask.recording.cells.deployments[deployment];
    let first = FirstAttemptTally::of(ask, deployment);
    let times: Vec<_> = faults
        .map(|(place, fault)| match cells.seen(place) {
            None => Err(format!("fault at {}: it hit no attempt here", text::moment(fault.at))),
            Some(seen) => {
                let hold = HoldBelow { from: seen, until: fault.until(), share: LEFT };
                time_to_leave(ask, deployment, &first, fault.at, hold)
            }
        })
        .collect();
    if times.is_empty() {
        return no_fault(ask, deployment, "in this window shows in attempts, none");
    }
    worst(times.into_iter())
}

/// Below which part of its share most traffic has moved.
const LEFT: f64 = 0.5;
