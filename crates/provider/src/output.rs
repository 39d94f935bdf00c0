//! What the provider tells the shell.

use crate::{AttemptTag, Plan, RetryAfter};
use core::time::Duration;
use squall_failure::FailureClass;

/// One thing to do or to know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProviderOutput {
    /// Serve this attempt so. An accepted attempt gets one when its service starts, which is later
    /// than its arrival if it waits for a place, and another when a fault changes it: the last one
    /// holds, and what was already sent stays sent.
    Plan {
        /// Which attempt.
        tag: AttemptTag,
        /// How.
        plan: Plan,
    },
    /// Answer this attempt with an error, now: at its arrival, or later where errors take their time. It has no place, and [`Delivered`](crate::ProviderInput) need
    /// not be said of it.
    Reject {
        /// Which attempt.
        tag: AttemptTag,
        /// With what.
        rejection: Rejection,
    },
    /// Take connections, or refuse them.
    Listener(Listener),
    /// What was injected, and when: the ground truth.
    Note(ProviderEvent),
}

/// An answer that is an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rejection {
    /// The HTTP status.
    pub status: u16,
    /// The class of failure, which chooses the error code of the body.
    pub class: FailureClass,
    /// What a reader of Retry-After learns, if it says anything.
    pub retry_after: Option<Duration>,
    /// In which way it is said.
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

/// Which limit refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProviderLimitKind {
    /// Requests per minute.
    Requests,
    /// Tokens per minute.
    Tokens,
    /// Tokens of prompts per minute.
    InputTokens,
    /// Tokens of answers per minute.
    OutputTokens,
    /// Requests per day.
    Day,
    /// The growth of traffic.
    Growth,
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

/// What comes of a check apart from traffic: a call that lists models, which has no tokens, no limit and
/// no place. It is answered even where completions are broken: such health lies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CheckAnswer {
    /// An answer.
    Answered,
    /// The connection is refused.
    Refused,
    /// Nothing: the connection is taken, and no answer comes.
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

/// How a provider is doing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ProviderStatus {
    /// Answers that are worked on, those for callers that hung up included.
    pub serving: u32,
    /// Requests that wait for a place.
    pub waiting: u32,
    /// How many it can work on at once now; `None` for as many as come.
    pub places: Option<u32>,
    /// The limits as they stand, of requests without a key where each key has its own.
    pub limits: LimitState,
    /// Whether the script stands still.
    pub paused: bool,
}
