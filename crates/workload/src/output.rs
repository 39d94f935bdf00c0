//! What the workload tells the driver.

use core::time::Duration;
use squall_determinism::Timestamp;

/// A request of the run, counted from 0 in the order of intended times.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Ordinal(pub u64);

/// One thing to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WorkloadOutput {
    /// Send this now.
    Send(ClientRequest),
    /// The client's patience is at an end: hang up. Nothing more is to be told of the request.
    GiveUp {
        /// Which request.
        request: Ordinal,
    },
}

/// One request of a client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClientRequest {
    /// Its place in the run.
    pub request: Ordinal,
    /// When the user asked. Latency counts from here.
    pub intended: Timestamp,
    /// Its kind, by its number over all sources: those of a source follow those of the source before, and a source
    /// without [kinds](crate::SourceConfig::kinds) has one.
    pub kind: u16,
    /// Its session, if its kind has sessions: the same number for the same session.
    pub session: Option<u64>,
    /// Tokens of the prompt, at least 1.
    pub input_tokens: u32,
    /// Tokens of the answer, at least 1.
    pub output_tokens: u32,
    /// Whether tokens are wanted as they come.
    pub stream: bool,
    /// How long the client waits, from `intended`.
    pub timeout: Duration,
}
