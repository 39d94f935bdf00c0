//! What a recording is of.

mod server_lag;
mod shards;
mod target;
mod topology;

pub(crate) use server_lag::stalled_after;
pub use server_lag::{ServerLag, Stall};
pub use shards::{ShardInfo, ShardSet};
pub use target::{JoinCounts, TargetInfo};
pub use topology::Topology;

use crate::{CellMarks, RequestRow};
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
    pub ended: RunEnd,
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
    /// How late the servers of a live run were; empty in virtual time.
    pub server_lag: Vec<ServerLag>,
    /// The gateway that was tested in place of the built-in one; `None` for the built-in one.
    pub target: Option<TargetInfo>,
    /// Which shards of a run it is of; `None` for a run that was not divided.
    pub shards: Option<ShardSet>,
    /// What the process that ran it lacked.
    pub lacked: Lacked,
    /// What its cells keep apart.
    pub marks: CellMarks,
    /// The traces that gave the times of its requests.
    pub traces: Vec<TraceInfo>,
    /// The digest of requests, attempts and outputs, in hexadecimal.
    pub digest: String,
    /// The version of squall that ran it.
    pub version: String,
}

impl RunHeader {
    /// Says that the run ended early, since the trace of this name could not be read on.
    pub fn broken_trace(&mut self, at: Timestamp, name: &str, fault: &str) {
        self.ended = RunEnd::BrokenTrace { at };
        if let Some(trace) = self.traces.iter_mut().find(|trace| trace.name == name) {
            trace.fault = Some(fault.to_owned());
        }
    }
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
pub enum RunEnd {
    /// It did.
    Complete,
    /// It was interrupted then: no verdict, but what was measured stands.
    Interrupted {
        /// When.
        at: Timestamp,
    },
    /// Too many of its requests failed, and it was aborted then as its scenario asks: no verdict, but what was
    /// measured stands.
    Aborted {
        /// When.
        at: Timestamp,
    },
    /// A trace could not be read on, so that no more requests were known: no verdict, but what was measured stands. The
    /// trace's [`TraceInfo::fault`] says why.
    BrokenTrace {
        /// When the last request came that was known.
        at: Timestamp,
    },
    /// Its process ended in the middle, by a signal that cannot be caught or for want of space: what had been
    /// written by then stands. Requests that were under way have no rows.
    Killed {
        /// Up to when something is known.
        at: Timestamp,
        /// Lines that were cut off in the middle, and are left out.
        torn: u32,
    },
}

impl RunEnd {
    /// When it was cut short; `None` if it came to its end.
    #[must_use]
    pub const fn cut_at(self) -> Option<Timestamp> {
        match self {
            Self::Complete => None,
            Self::Interrupted { at }
            | Self::Aborted { at }
            | Self::BrokenTrace { at }
            | Self::Killed { at, .. } => Some(at),
        }
    }
}

/// A trace that gave the times of a run's requests. The recording does not hold it: its scenario can be run again where
/// the file is, which its digest tells from others.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TraceInfo {
    /// Its file or preset, as the scenario names it.
    pub name: String,
    /// The SHA-256 of its file in hexadecimal, where it was computed.
    pub sha256: Option<String>,
    /// Why it could not be read on, if so: the file, the line, and what was expected.
    pub fault: Option<String>,
}

/// How often a run could not open a connection for want of something of its own process or machine.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Lacked {
    /// For want of file descriptors.
    pub file_descriptors: u64,
    /// How many the process could have; `None` where that is not known.
    pub file_limit: Option<u64>,
    /// For want of local ports.
    pub local_ports: u64,
    /// For want of memory.
    pub memory: u64,
}

impl Lacked {
    /// Whether anything was missing.
    #[must_use]
    pub const fn any(&self) -> bool {
        self.file_descriptors > 0 || self.local_ports > 0 || self.memory > 0
    }
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
    /// Whether attempts at providers are known: not those of a target with providers of its own.
    #[must_use]
    pub fn knows_attempts(&self) -> bool {
        self.target.as_ref().is_none_or(|target| !target.has_own_providers)
    }

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

impl Lag {
    /// The lag over all requests, by nearest rank; `None` without requests.
    #[must_use]
    pub fn of(requests: &[RequestRow]) -> Option<Self> {
        let mut late: Vec<Duration> =
            requests.iter().map(|row| row.sent.since(row.intended)).collect();
        late.sort_unstable();
        let max = *late.last()?;
        let at = |percent: usize| late[(late.len() * percent).div_ceil(100).max(1) - 1];
        Some(Self { p50: at(50), p99: at(99), max })
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RequestOutcome;

    fn late_by(millis: u64) -> RequestRow {
        RequestRow {
            request: 0,
            group: 0,
            kind: 0,
            intended: Timestamp::from_secs(1),
            sent: Timestamp::from_secs(1) + Duration::from_millis(millis),
            first_token: None,
            ended: Timestamp::from_secs(2),
            stream: false,
            input_tokens: 1,
            output_tokens: 1,
            received_tokens: 0,
            outcome: RequestOutcome::GaveUp,
            status: 0,
            answer: crate::AnswerSeen::WHOLE,
            calls: 1,
        }
    }

    #[test]
    fn ranks_are_those_of_requests_that_were_sent() {
        assert_eq!(Lag::of(&[]), None);
        let rows: Vec<_> = (1..=200).rev().map(late_by).collect();
        let ms = Duration::from_millis;
        assert_eq!(Lag::of(&rows), Some(Lag { p50: ms(100), p99: ms(198), max: ms(200) }));
        assert_eq!(Lag::of(&[late_by(3)]), Some(Lag { p50: ms(3), p99: ms(3), max: ms(3) }));
    }
}
