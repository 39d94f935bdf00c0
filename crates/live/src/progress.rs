//! How a live run is doing, once a second.

use squall_traffic::Snapshot;
use std::time::Duration;

/// How a live run is doing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LiveProgress {
    /// Since the start of the run.
    pub elapsed: Duration,
    /// How long the scenario is.
    pub duration: Duration,
    /// Since the start of the run.
    pub total: Snapshot,
    /// In the last second.
    pub last: Snapshot,
    /// The deployments that cool down, by name.
    pub cooling: Vec<String>,
}
