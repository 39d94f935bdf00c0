//! How a run is going.

use squall_clock::Clock;
use squall_failure::FailureClass;
use squall_gateway::GatewayView;
use squall_traffic::{DriveCounts, DriveProgress};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// How a run is going. "Now" is the time since the status before: about a second.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveStatus {
    /// Since the start of the run.
    pub elapsed: Duration,
    /// How long the run is.
    pub duration: Duration,
    /// Requests sent a second, now.
    pub offered_rps: f64,
    /// Requests answered a second, well or badly, now.
    pub answered_rps: f64,
    /// Requests that have not ended.
    pub in_flight: u64,
    /// Requests answered whole.
    pub succeeded: u64,
    /// Requests that have ended in any way.
    pub ended: u64,
    /// What failed now, by class; only classes that occurred.
    pub failures: Vec<(FailureClass, u64)>,
    /// Clients who gave up, now.
    pub gave_up: u64,
    /// The deployments that cool down, by name; unknown, and so empty, for a gateway that is not ours.
    pub cooling: Vec<String>,
    /// Why rows are no longer written to disk, if they are not.
    pub unwritten: Option<String>,
}

impl LiveStatus {
    /// The share of ended requests that were answered whole; `None` before the first has ended.
    #[must_use]
    pub fn success(&self) -> Option<f64> {
        (self.ended > 0).then(|| self.succeeded as f64 / self.ended as f64)
    }
}

/// Makes a status of what was counted since the one before.
#[derive(Debug)]
pub(crate) struct StatusWatch {
    pub(crate) clock: Clock,
    pub(crate) duration: Duration,
    pub(crate) progress: Arc<DriveProgress>,
    /// What the gateway's replicas say of themselves; none of one that is not ours.
    pub(crate) gateways: Vec<GatewayView>,
    pub(crate) before: (Duration, DriveCounts),
}

impl StatusWatch {
    /// The deployments that cool down at any replica.
    fn cooling(&self) -> Vec<String> {
        let all = self.gateways.iter().flat_map(|gateway| gateway.status().cooling);
        all.collect::<BTreeSet<_>>().into_iter().collect()
    }

    pub(crate) fn look(&mut self) -> LiveStatus {
        let elapsed = Duration::from_nanos(self.clock.now().as_nanos());
        let counts = self.progress.counts();
        let (then, before) = std::mem::replace(&mut self.before, (elapsed, counts));
        let seconds = elapsed.saturating_sub(then).as_secs_f64().max(1e-3);
        let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
        LiveStatus {
            elapsed,
            duration: self.duration,
            offered_rps: rate(counts.offered, before.offered),
            answered_rps: rate(counts.answered(), before.answered()),
            in_flight: counts.in_flight(),
            succeeded: counts.succeeded,
            ended: counts.offered.saturating_sub(counts.in_flight()),
            failures: counts.failures_since(&before).collect(),
            gave_up: counts.gave_up.saturating_sub(before.gave_up),
            cooling: self.cooling(),
            unwritten: None,
        }
    }
}
