//! What the workload tells the driver.

use core::time::Duration;
use squall_determinism::Timestamp;
use squall_failure::CallFailureCause;

/// A request of the run, counted from 0 in the order of intended times.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Ordinal(pub u64);

/// One thing to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WorkloadOutput {
    /// Send this now.
    Send(ClientRequest),
    /// A call has ended, and its request has not: it will be sent again. The driver hangs up on the call if it is open.
    Retry(RetriedCall),
    /// The client's patience is at an end: hang up, if a call is open. Nothing more is to be told of the request.
    GiveUp {
        /// Which request.
        request: Ordinal,
    },
}

/// One of the calls of a request.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct SentCall {
    /// The request.
    pub request: Ordinal,
    /// Which, from 0.
    pub nth: u16,
}

/// A call that ended, after which its client calls again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RetriedCall {
    /// The request, and which of its calls has ended.
    pub call: SentCall,
    /// Why it ended.
    pub cause: CallFailureCause,
    /// How long until the next.
    pub wait: Duration,
}

/// One request of a client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClientRequest {
    /// Its place in the run.
    pub request: Ordinal,
    /// Which of its calls this is, from 0: those after the first are retries of its client's.
    pub nth: u16,
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
    /// Whether the workload is to hear when its answer begins.
    pub watched: bool,
}

impl ClientRequest {
    /// This call of it.
    #[must_use]
    pub const fn call(&self) -> SentCall {
        SentCall { request: self.request, nth: self.nth }
    }
}
