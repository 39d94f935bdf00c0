//! What the provider tells the driver.

use crate::{AttemptPlan, AttemptTag, RetryAfter};
use core::time::Duration;
use squall_failure::{FailureClass, ProviderLimitKind};

/// A command or a report.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProviderOutput {
    /// Serve this attempt by this plan. An accepted attempt gets a plan when its service starts, which is
    /// after its arrival if it was queued, and another when a fault changes it: the last one applies, and
    /// tokens already sent stay sent.
    Plan {
        /// Which attempt.
        tag: AttemptTag,
        /// How.
        plan: AttemptPlan,
    },
    /// Answer this attempt with an error, now: at its arrival, or later where errors take their time. It has no place, and [`Delivered`](crate::ProviderInput) need
    /// not be said of it.
    Reject {
        /// Which attempt.
        tag: AttemptTag,
        /// With what.
        rejection: Rejection,
    },
    /// Accept or refuse connections.
    Listener(Listener),
    /// A fault started or ended, for the log.
    Note(ProviderEvent),
}

/// An answer that is an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rejection {
    /// The HTTP status.
    pub status: u16,
    /// The class of failure, which chooses the error code of the body.
    pub class: FailureClass,
    /// The wait in Retry-After, if any.
    pub retry_after: Option<Duration>,
    /// The form of Retry-After.
    pub retry_after_form: RetryAfter,
    /// The fault that caused it, by its place in the configuration; `None` for limits and capacity.
    pub fault: Option<u16>,
    /// The limit that it is over, if that is the reason.
    pub limit: Option<ProviderLimitKind>,
}

/// Limits as headers tell them; `None` where there is no such limit.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LimitState {
    /// Requests: allowed per minute, remaining, and until whole again.
    pub requests: Option<LimitStatus>,
    /// Tokens: likewise.
    pub tokens: Option<LimitStatus>,
    /// Tokens of prompts, where they are counted apart.
    pub input_tokens: Option<LimitStatus>,
    /// Tokens of answers, likewise.
    pub output_tokens: Option<LimitStatus>,
}

/// One limit as headers tell it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LimitStatus {
    /// Allowed per minute.
    pub limit: u64,
    /// What remains now.
    pub remaining: u64,
    /// Until it is whole again.
    pub reset: Duration,
}

/// The result of a health check: a call that lists models, which uses no tokens, limits or slots. It succeeds
/// even if completions fail: a false-healthy check.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CheckAnswer {
    /// An answer.
    Answered,
    /// The connection is refused.
    Refused,
    /// No answer: the connection is accepted, and nothing is sent.
    Nothing,
    /// An error, where health is honest.
    Failed {
        /// Its HTTP status.
        status: u16,
        /// What class of failure it is.
        class: FailureClass,
    },
}

/// What the provider does with connections.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Listener {
    /// Takes them.
    Listening,
    /// Refuses new ones, and resets those that are open.
    Refusing,
}

/// The ground truth of what was injected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProviderEvent {
    /// A fault began.
    FaultStarted {
        /// By its place in the configuration.
        fault: u16,
    },
    /// A fault ended.
    FaultEnded {
        /// By its place in the configuration.
        fault: u16,
    },
}

/// The status of a provider.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ProviderStatus {
    /// Requests in service, including those of disconnected callers.
    pub serving: u32,
    /// Queued requests.
    pub waiting: u32,
    /// The current number of slots; `None` for unlimited.
    pub places: Option<u32>,
    /// The limits as they stand, of requests without a key where each key has its own.
    pub limits: LimitState,
    /// Whether the schedule is paused.
    pub paused: bool,
}
