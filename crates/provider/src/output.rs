//! What the provider tells the shell.

use crate::Tag;
use core::time::Duration;
use squall_determinism::Timestamp;
use squall_failure::FailureClass;

/// One thing to do or to know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Output {
    /// Serve this attempt so. An accepted attempt gets one when its service starts, which is later
    /// than its arrival if it waits for a place, and another when a fault changes it: the last one
    /// holds, and what was already sent stays sent.
    Plan {
        /// Which attempt.
        tag: Tag,
        /// How.
        plan: Plan,
    },
    /// Answer this attempt with an error, now: at its arrival, or later where errors take their time. It has no place, and [`Delivered`](crate::Input) need
    /// not be said of it.
    Reject {
        /// Which attempt.
        tag: Tag,
        /// With what.
        rejection: Rejection,
    },
    /// Take connections, or refuse them.
    Listener(Listener),
    /// What was injected, and when: the ground truth.
    Note(Note),
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
    /// How it ends.
    pub ending: Ending,
    /// The fault that shaped it, by its place in the configuration: of several the first, but always a
    /// black hole.
    pub fault: Option<u16>,
    /// The limits as they stood at its arrival, itself counted, for headers.
    pub limits: LimitState,
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
            Ending::Complete => after(self.tokens),
            Ending::Cut { after_tokens } => after(after_tokens.min(self.tokens)),
            Ending::Reset { at } => at,
            Ending::Never => Timestamp::MAX,
        }
    }

    /// How many tokens it sends in all. A plan that never ends counts those that are sent before it
    /// falls silent.
    #[must_use]
    pub fn tokens_sent(&self) -> u32 {
        match self.ending {
            Ending::Cut { after_tokens } => after_tokens.min(self.tokens),
            _ => self.tokens,
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
pub enum Ending {
    /// With all its tokens, usage and end mark.
    Complete,
    /// The connection closes after so many tokens, without an end mark.
    Cut {
        /// Tokens sent before it; 0 closes it before any content.
        after_tokens: u32,
    },
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
    /// What Retry-After says, if anything.
    pub retry_after: Option<Duration>,
    /// The fault that caused it, by its place in the configuration; `None` for limits and capacity.
    pub fault: Option<u16>,
    /// The limits as they stand, for headers.
    pub limits: LimitState,
}

/// Limits as headers tell them; `None` where there is no such limit.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LimitState {
    /// Requests: allowed per minute, remaining, and until whole again.
    pub requests: Option<LimitGauge>,
    /// Tokens: likewise.
    pub tokens: Option<LimitGauge>,
}

/// One limit as headers tell it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LimitGauge {
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
pub enum Note {
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
