//! What the shell tells the core.

use crate::{AttemptId, GroupId, RequestKey, Tag};
use core::time::Duration;
use squall_failure::Failure;

/// One thing that happened outside. Small and `Copy`: no strings, no bodies.
///
/// Input about a request or an attempt that has ended is ignored and counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Input {
    /// A request came in.
    Arrived(Arrival),
    /// A provider's answer carried limit headers.
    LimitHeaders {
        /// Whose answer.
        attempt: AttemptId,
        /// What they said.
        headers: LimitHeaders,
    },
    /// The first *content* token of an attempt arrived. A 200 or a stream's headers are not content.
    FirstToken {
        /// Of which attempt.
        attempt: AttemptId,
    },
    /// An attempt ended well.
    Finished {
        /// Which attempt.
        attempt: AttemptId,
        /// What it used, as the provider says; `None` settles at the estimate.
        usage: Option<Usage>,
    },
    /// An attempt ended badly.
    Failed {
        /// Which attempt.
        attempt: AttemptId,
        /// How.
        failure: Failure,
    },
    /// The client hung up or gave up.
    ClientGone {
        /// Which request.
        request: RequestKey,
    },
    /// Time passed: fires the timers that are due, those due at this very moment included.
    Tick,
}

/// A request, as the core needs to know it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Arrival {
    /// The shell's name for it.
    pub tag: Tag,
    /// The model group asked for.
    pub group: GroupId,
    /// Estimated tokens of the prompt.
    pub input_tokens: u32,
    /// Estimated tokens of the answer.
    pub output_tokens: u32,
    /// Whether tokens are wanted as they come.
    pub stream: bool,
    /// How long the client is willing to wait in all; `None` for the group's own deadline. The
    /// shorter of the two holds.
    pub deadline: Option<Duration>,
}

/// Tokens that an attempt used.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Usage {
    /// Tokens of the prompt.
    pub input_tokens: u32,
    /// Tokens of the answer.
    pub output_tokens: u32,
}

impl Usage {
    /// Both together: what a TPM limit counts.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.input_tokens as u64 + self.output_tokens as u64
    }
}

/// What a provider's answer said about its limits; `None` where it said nothing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LimitHeaders {
    /// Requests that may still be sent in the window.
    pub remaining_requests: Option<u32>,
    /// Tokens that may still be used in the window.
    pub remaining_tokens: Option<u32>,
    /// Until the request limit is whole again.
    pub reset_requests: Option<Duration>,
    /// Until the token limit is whole again.
    pub reset_tokens: Option<Duration>,
}
