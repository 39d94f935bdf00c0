//! What a recording is of.

mod cast;

pub use cast::Cast;

use core::time::Duration;
use squall_determinism::Timestamp;

/// What a recording is of: everything that its rows refer to by number.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RunHeader {
    /// The scenario's name.
    pub scenario: String,
    /// The text of the scenario file, so that a recording can be judged again without it.
    pub scenario_text: String,
    /// The seed.
    pub seed: u64,
    /// Live or simulated: the only place that tells.
    pub mode: Mode,
    /// How long the scenario is.
    pub duration: Duration,
    /// Whether it ran to its end.
    pub ended: Ended,
    /// The names of the model groups, over all configurations of the run.
    pub groups: Vec<String>,
    /// The deployments, all groups and all configurations together.
    pub deployments: Vec<DeploymentInfo>,
    /// The names of the providers.
    pub providers: Vec<String>,
    /// The names of the kinds of requests.
    pub kinds: Vec<String>,
    /// When another configuration began to hold, in the order of times.
    pub changes: Vec<ChangeInfo>,
    /// How late the driver sent; `None` in virtual time, where nothing is late.
    pub lag: Option<Lag>,
    /// The digest of requests, attempts and outputs, in hexadecimal.
    pub digest: String,
    /// The version of squall that ran it.
    pub version: String,
}

/// Live or simulated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// Over real sockets.
    Live,
    /// In virtual time.
    Simulated,
}

/// Whether a run came to its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ended {
    /// It did.
    Complete,
    /// It was interrupted then: no verdict, but what was measured stands.
    Interrupted {
        /// When.
        at: Timestamp,
    },
}

/// A deployment, by name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeploymentInfo {
    /// Its name.
    pub name: String,
    /// Its group, by its place in the header.
    pub group: u16,
    /// Its provider, by its place in the header.
    pub provider: u16,
    /// Its weight as the run began; 0 for one that came later.
    pub weight: u32,
}

/// A configuration that held from some time on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChangeInfo {
    /// From when.
    pub at: Timestamp,
    /// What changed, in a few words.
    pub what: String,
    /// The weight of each deployment from then on; 0 for one that is not there.
    pub weights: Vec<u32>,
}

impl RunHeader {
    /// The weight of a deployment at a time; 0 while it is not there.
    #[must_use]
    pub fn weight_at(&self, deployment: usize, time: Timestamp) -> u32 {
        let begun = self.changes.partition_point(|change| change.at <= time);
        match self.changes[..begun].last() {
            Some(change) => change.weights.get(deployment).copied().unwrap_or(0),
            None => self.deployments.get(deployment).map_or(0, |info| info.weight),
        }
    }
}

/// How late requests were sent: sent minus intended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lag {
    /// Half were sent within this.
    pub p50: Duration,
    /// 99 % were.
    pub p99: Duration,
    /// All were.
    pub max: Duration,
}

impl Mode {
    /// The word for it in files and charts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Simulated => "simulated",
        }
    }

    /// The mode that [`as_str`](Self::as_str) writes as `word`.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Live, Self::Simulated].into_iter().find(|mode| mode.as_str() == word)
    }
}
