//! How a provider is set up.

use alloc::vec::Vec;
use core::time::Duration;
use squall_determinism::{Law, Share, Timestamp};
use squall_failure::FailureClass;

/// A whole provider.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderConfig {
    /// From the start of service to the first token, in nanoseconds.
    pub ttft: Law,
    /// Between two tokens, in nanoseconds, drawn once for each answer.
    pub itl: Law,
    /// How long an answer is when the request does not say, in tokens.
    pub output_tokens: Law,
    /// The longest prompt it takes, in tokens; a longer one is answered 400. `None` for any.
    pub context_window: Option<u32>,
    /// How long an answer takes that is an error, in nanoseconds. 0 for none at all.
    pub error_latency: Law,
    /// What it lets in.
    pub limits: Limits,
    /// How many answers it works on at once; `None` for as many as come.
    pub capacity: Option<Capacity>,
    /// What goes wrong, and when.
    pub faults: Vec<FaultConfig>,
}

/// The limits of a provider. `None` is no limit.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Limits {
    /// Requests per minute.
    pub rpm: Option<RateLimit>,
    /// Tokens per minute, judged at arrival on prompt plus answer.
    pub tpm: Option<RateLimit>,
}

/// So many per minute.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RateLimit {
    /// How many per minute.
    pub per_minute: u64,
    /// How they are counted.
    pub window: Window,
}

/// How a rate is counted. The router has the same words, implemented apart, so that the provider can
/// judge it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Window {
    /// The generic cell rate algorithm: at most `burst` + ⌊w·n/60 s⌋ in any window w.
    Gcra {
        /// How many at once after a rest. `None` for as many as per minute.
        burst: Option<u64>,
    },
    /// Minutes of the wall clock, each with the whole number.
    Fixed,
    /// The last 60 s, exactly.
    Sliding,
    /// Slices of this length from the epoch on, each with its part of the minute's number, at least 1.
    Slice(Duration),
}

/// How many answers are worked on at once, and who may wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Capacity {
    /// Answers at once.
    pub concurrent: u32,
    /// How many may wait, first come first served; one more is shed as overloaded.
    pub queue: u32,
}

/// Something that goes wrong for a while.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FaultConfig {
    /// From when.
    pub at: Timestamp,
    /// For how long.
    pub lasts: Duration,
    /// How many of the attempts it hits, drawn for each. A listener refuses all or none, whatever stands
    /// here.
    pub share: Share,
    /// What happens to them.
    pub kind: FaultKind,
}

impl FaultConfig {
    /// When it ends.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.at + self.lasts
    }
}

/// What goes wrong. Each kind states what happens to the attempts that are in flight at its onset.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum FaultKind {
    /// Answers with an error at once. In flight: go on.
    Error {
        /// The HTTP status.
        status: u16,
        /// What class of failure that is, which chooses the error code of the body.
        class: FailureClass,
        /// What Retry-After says, if anything.
        retry_after: Option<Duration>,
    },
    /// Refuses connections. In flight: reset, as by a process that was killed.
    Refuse,
    /// Takes connections and never answers. In flight: those it hits send no more tokens
    /// and do not end.
    BlackHole,
    /// Everything takes this many thousandths of its time. In flight: go on at their old speed.
    Slowdown {
        /// Thousandths: 3000 for three times as long.
        factor_milli: u32,
    },
    /// Answers 429, whatever the limits say. In flight: go on.
    Throttle {
        /// What Retry-After says, if anything.
        retry_after: Option<Duration>,
    },
    /// Ends a stream after so many tokens, without its end mark; an answer that is not streamed, before
    /// its first byte of body. In flight: go on.
    Cut {
        /// Tokens sent before the cut.
        after_tokens: u32,
    },
}
