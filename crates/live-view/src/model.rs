//! What is shown of a run at one moment. It is a plain value: the page gets it as JSON.

use serde::{Serialize, Serializer};

/// A run at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Snapshot {
    /// The scenario's name.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// The gateway under test, where it is not the built-in one.
    pub target: Option<String>,
    /// Since the start, in seconds.
    pub elapsed_s: f64,
    /// How long traffic is sent, in seconds.
    pub duration_s: f64,
    /// The phase of the scenario that it is in.
    pub phase: Option<String>,
    /// The faults that last.
    pub faults: Vec<ActiveFault>,
    /// Requests that have not ended.
    pub in_flight: u64,
    /// The last [`WINDOW`](crate::WINDOW) seconds.
    pub now: RecentFigures,
    /// The run so far.
    pub so_far: RunTotals,
    /// The deployments, in the order of the scenario.
    pub deployments: Vec<DeploymentPanel>,
    /// The run so far, by time.
    pub course: Course,
    /// What happened, the latest last.
    pub events: Vec<EventView>,
    /// Rows that the view had no room for: figures are too low by as much.
    pub missed_rows: u64,
    /// How it ended, once it has been judged.
    pub ending: Option<RunEnding>,
}

/// A fault that lasts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ActiveFault {
    /// Its provider, with the deployments behind it.
    pub provider: String,
    /// What it is, as the scenario says it.
    pub what: String,
    /// When it began, in seconds.
    pub since_s: f64,
}

/// RecentFigures of the last seconds. Rates are per second; latencies are of requests that ended well, in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RecentFigures {
    /// Requests sent.
    pub offered_rps: f64,
    /// Requests answered whole.
    pub succeeded_rps: f64,
    /// Requests that failed, or that their clients gave up.
    pub failed_rps: f64,
    /// The share of ended requests that were answered whole; `None` if none has ended.
    pub success: Option<f64>,
    /// The median of the latency.
    pub p50_ms: Option<u64>,
    /// Its 95th percentile.
    pub p95_ms: Option<u64>,
    /// Attempts for each request that ended: what retries and hedges add.
    pub amplification: Option<f64>,
    /// What failed, with its number, the most frequent first.
    pub failures: Vec<(String, u64)>,
}

/// The run so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RunTotals {
    /// Requests sent.
    pub offered: u64,
    /// Requests answered whole.
    pub succeeded: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Requests that their clients gave up.
    pub gave_up: u64,
    /// Attempts that ended.
    pub attempts: u64,
    /// The share of ended requests that were answered whole.
    pub success: Option<f64>,
    /// Attempts for each request that ended.
    pub amplification: Option<f64>,
}

/// A deployment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DeploymentPanel {
    /// Its name.
    pub name: String,
    /// Its group.
    pub group: String,
    /// What the router makes of it.
    pub state: StateView,
    /// For how long it stays so at least, in seconds, where that is known.
    pub state_for_s: Option<f64>,
    /// Its share of the attempts of its group in the last seconds; `None` if there were none.
    pub share: Option<f64>,
    /// Its share by the weights; `None` for one that the configuration leaves out.
    pub weight_share: Option<f64>,
    /// Attempts that ended, per second, in the last seconds.
    pub attempts_rps: f64,
    /// Of those, how many failed.
    pub failed: u64,
    /// Of those, how many were throttled: 429.
    pub throttled: u64,
    /// Attempts that ended so far.
    pub attempts_so_far: u64,
    /// Of those, how many failed.
    pub failed_so_far: u64,
    /// Of those, how many were throttled.
    pub throttled_so_far: u64,
    /// Attempts per second, at the points of the [`Course`].
    pub course_rps: Vec<f64>,
}

/// What the router makes of a deployment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum StateView {
    /// Requests go there.
    #[default]
    Healthy,
    /// It is left alone, as it asked by 429.
    Throttled,
    /// It is left alone after failures.
    Ejected,
    /// A probe decides.
    HalfOpen,
    /// It is back, with a share that grows.
    SlowStart,
    /// Health checks fail.
    Unhealthy,
    /// Its money is spent.
    BudgetSpent,
    /// The gateway is not ours, and does not say.
    Unknown,
}

impl StateView {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Throttled => "throttled",
            Self::Ejected => "ejected",
            Self::HalfOpen => "half-open",
            Self::SlowStart => "slow start",
            Self::Unhealthy => "unhealthy",
            Self::BudgetSpent => "budget spent",
            Self::Unknown => "unknown",
        }
    }
}

impl Serialize for StateView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The run so far, by time: point `n` is of the seconds from `n * step_s` on.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Course {
    /// Seconds from point to point.
    pub step_s: u64,
    /// How many points the whole run has.
    pub points: usize,
    /// Requests sent, per second.
    pub offered_rps: Vec<f64>,
    /// Requests answered whole, per second.
    pub succeeded_rps: Vec<f64>,
    /// Requests that failed or were given up, per second.
    pub failed_rps: Vec<f64>,
    /// The median latency, in milliseconds.
    pub p50_ms: Vec<Option<u64>>,
    /// The 95th percentile of the latency, in milliseconds.
    pub p95_ms: Vec<Option<u64>>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EventView {
    /// When it began, in seconds.
    pub at_s: f64,
    /// When, for people.
    pub at: String,
    /// What.
    pub text: String,
    /// `bad`, `neutral` or `good`.
    pub tone: &'static str,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RunEnding {
    /// `met`, `missed` or `inconclusive`; `None` where the run could not be brought to its end.
    pub verdict: Option<String>,
    /// The verdict as the terminal shows it, or what went wrong.
    pub text: String,
    /// Where the report is.
    pub report: Option<String>,
}
