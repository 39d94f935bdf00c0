//! What the provider tells the shell.

use crate::{AttemptTag, BadAnswer, RetryAfter};
use core::time::Duration;
use squall_determinism::Timestamp;
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
    /// Answer this attempt with an error, now: at its arrival, or later where errors take their time. It has no place, and [`Delivered`](crate::Input) need
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

/// How an attempt is served.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Plan {
    /// When its first token leaves (not streamed: when the first could have left).
    pub first_at: Timestamp,
    /// Between two tokens: token n leaves at `first_at` + n · `gap`.
    pub gap: Duration,
    /// How many tokens the whole answer has; of an answer that never ends, how many it sends before it
    /// falls silent.
    pub tokens: u32,
    /// How many of its tokens are thoughts: the first ones.
    pub reasoning: u32,
    /// How many tokens of the prompt came from a cache.
    pub cached: u32,
    /// How it ends.
    pub ending: AttemptEnding,
    /// The fault that shaped it, by its place in the configuration: of several the first, but always a
    /// black hole.
    pub fault: Option<u16>,
}

impl Plan {
    /// When its last byte leaves; [`Timestamp::MAX`] if it never ends.
    #[must_use]
    pub fn ends_at(&self) -> Timestamp {
        let after = |tokens: u32| {
            let gaps = u64::from(tokens.saturating_sub(1));
            self.first_at + Duration::from_nanos((self.gap.as_nanos() as u64).saturating_mul(gaps))
        };
        match self.ending {
            AttemptEnding::Complete
            | AttemptEnding::Cut { .. }
            | AttemptEnding::Told { .. }
            | AttemptEnding::Bad(_) => after(self.tokens_sent()),
            AttemptEnding::Reset { at } => at,
            AttemptEnding::Never | AttemptEnding::Stall { .. } => Timestamp::MAX,
        }
    }

    /// Whether it ends by telling of a failure of this class.
    #[must_use]
    pub fn tells(&self, told: FailureClass) -> bool {
        matches!(self.ending, AttemptEnding::Told { class, .. } if class == told)
    }

    /// How many tokens it sends in all. A plan that never ends counts those that are sent before it
    /// falls silent.
    #[must_use]
    pub fn tokens_sent(&self) -> u32 {
        match self.ending {
            AttemptEnding::Cut { after_tokens }
            | AttemptEnding::Stall { after_tokens }
            | AttemptEnding::Told { after_tokens, .. } => after_tokens.min(self.tokens),
            AttemptEnding::Bad(answer) => answer.tokens(self.tokens),
            AttemptEnding::Complete | AttemptEnding::Reset { .. } | AttemptEnding::Never => {
                self.tokens
            }
        }
    }

    /// How many tokens have left by `now`.
    #[must_use]
    pub fn tokens_by(&self, now: Timestamp) -> u32 {
        if now < self.first_at || self.first_at == Timestamp::MAX {
            return 0;
        }
        let gap = self.gap.as_nanos().max(1);
        let later = now.since(self.first_at).as_nanos() / gap;
        u32::try_from(later + 1).unwrap_or(u32::MAX).min(self.tokens_sent())
    }
}

/// How an attempt ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AttemptEnding {
    /// With all its tokens, usage and end mark.
    Complete,
    /// The connection closes after so many tokens, without an end mark.
    Cut {
        /// Tokens sent before it; 0 closes it before any content.
        after_tokens: u32,
    },
    /// After so many tokens comes an error event, and then the end mark's place is empty. An answer that is
    /// not streamed is that error.
    Told {
        /// Tokens sent before it.
        after_tokens: u32,
        /// What class of failure it tells.
        class: FailureClass,
    },
    /// After so many tokens nothing more comes, and the connection stays open.
    Stall {
        /// Tokens sent before the silence.
        after_tokens: u32,
    },
    /// With something that is no answer: after as many tokens as that shows of a stream.
    Bad(BadAnswer),
    /// The connection is reset at that moment.
    Reset {
        /// When.
        at: Timestamp,
    },
    /// Not at all: nothing more is sent, and the connection stays open.
    Never,
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
