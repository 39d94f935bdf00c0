//! What takes a walk over all rows, notes or distributions of a run: made when a chart asks for it, once for all charts in
//! every layout.

use std::cell::OnceCell;

/// What is known from all rows, notes or distributions, when it was asked for.
#[derive(Default)]
pub(super) struct WalkedRows {
    /// The attempts that followed another one of their request.
    pub(super) following: OnceCell<Vec<FollowingAttempt>>,
    /// The stretches of each deployment.
    pub(super) states: OnceCell<Vec<Vec<StateStretch>>>,
    /// How many requests took how long, over time.
    pub(super) latencies: OnceCell<LatencyCells>,
}

/// Why a request had another attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum FollowingCause {
    /// The one before had ended, and this went to the same group.
    Retry,
    /// The one before had ended, and this went to another group.
    Fallback,
    /// Another one was under way.
    Hedge,
    /// Its client called again.
    ClientRetry,
}

impl FollowingCause {
    pub(super) const ALL: [Self; 4] = [Self::Retry, Self::Fallback, Self::Hedge, Self::ClientRetry];
}

/// An attempt after another one of its request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct FollowingAttempt {
    /// When it began, in seconds.
    pub(super) at: f64,
    /// From the end of the attempts before it, in seconds.
    pub(super) delay: f64,
    pub(super) deployment: usize,
    pub(super) cause: FollowingCause,
}

/// What a deployment is to the router, from the mildest to the most severe: of two at once the later one holds.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum StripState {
    /// It takes its share.
    Healthy,
    /// It has returned, and its share grows.
    SlowStart,
    /// It asked for patience, and is passed over.
    Throttled,
    /// Its open interval is over, and the answer of a probe is awaited.
    Probing,
    /// Its health checks fail.
    Unhealthy,
    /// Its budget is spent.
    OutOfBudget,
    /// Its circuit is open.
    Ejected,
    /// It has no weight in the configuration of the time.
    Absent,
}

impl StripState {
    pub(super) const ALL: [Self; 8] = [
        Self::Healthy,
        Self::SlowStart,
        Self::Throttled,
        Self::Probing,
        Self::Unhealthy,
        Self::OutOfBudget,
        Self::Ejected,
        Self::Absent,
    ];

    /// The word for it on the page.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::SlowStart => "slow start",
            Self::Throttled => "throttled",
            Self::Probing => "waiting for a probe",
            Self::Unhealthy => "health checks fail",
            Self::OutOfBudget => "budget spent",
            Self::Ejected => "ejected",
            Self::Absent => "not configured",
        }
    }
}

/// A stretch in which a deployment was in one state, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct StateStretch {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) state: StripState,
}

/// How many requests of each column are in each row.
#[derive(Debug, Default, PartialEq)]
pub(super) struct LatencyCells {
    /// The width of a column in seconds.
    pub(super) width: usize,
    /// The row that the lowest one is, by [`row`].
    pub(super) lowest: usize,
    /// By column, the counts from the lowest row up to the highest.
    pub(super) columns: Vec<Vec<u64>>,
}
