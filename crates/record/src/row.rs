//! One row per request, as its client saw it, and one per attempt, as the provider saw it.

use core::time::Duration;
use squall_determinism::Timestamp;
use squall_failure::{FailureClass, FailureSource, ProviderLimitKind};

/// A request as its client saw it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RequestRow {
    /// Its place in the run, from 0 in the order of intended times.
    pub request: u64,
    /// The model group asked for, by its place in the header.
    pub group: u16,
    /// Its kind, by its place in the header.
    pub kind: u16,
    /// When the user asked. Latency and TTFT count from here.
    pub intended: Timestamp,
    /// When its first call was really made: the difference is the driver's lag.
    pub sent: Timestamp,
    /// When its first content token arrived; for an answer that is not streamed, its end.
    pub first_token: Option<Timestamp>,
    /// When the client had its last byte, or gave up.
    pub ended: Timestamp,
    /// Whether it asked for a stream.
    pub stream: bool,
    /// Tokens of its prompt.
    pub input_tokens: u32,
    /// Tokens of the answer that it asked for.
    pub output_tokens: u32,
    /// Tokens of an answer that arrived.
    pub received_tokens: u32,
    /// How it ended.
    pub outcome: RequestOutcome,
    /// The HTTP status; 0 where none arrived.
    pub status: u16,
    /// What an answer that ended well told of itself.
    pub answer: AnswerSeen,
    /// How many calls its client made: those after the first are its own retries. All but `intended` and `sent` is of the
    /// last.
    pub calls: u16,
}

/// What a client saw of an answer that it took for whole. All of it is false of one that it did not.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct AnswerSeen {
    /// Whether its text was the one asked for, from the first token to the last and nothing else. A success
    /// without it is a truncated or a spliced answer.
    pub whole: bool,
    /// Whether it told its usage.
    pub usage: bool,
    /// The deployment whose model it names, by its place in the header; `None` where it names no model of the run.
    pub model: Option<u16>,
}

impl AnswerSeen {
    /// A whole answer with its usage, which names no model of the run.
    pub const WHOLE: Self = Self { whole: true, usage: true, model: None };
}

/// How a request ended for its client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RequestOutcome {
    /// With its whole answer.
    Succeeded,
    /// With an error, or half an answer.
    Failed {
        /// What kind.
        class: FailureClass,
        /// Whose failure it was, as far as the client can tell.
        source: FailureSource,
    },
    /// The client's patience ended first.
    GaveUp,
    /// The run ended first: not counted as a failure, nor as anything else.
    Unfinished,
}

/// An attempt as the provider saw it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AttemptRow {
    /// The request it served, by the token that rides in it; `None` if it carried none.
    pub request: Option<u64>,
    /// Its place among the attempts of that request over all providers, from 0, by start time.
    pub ordinal: u16,
    /// The deployment called, by its place in the header.
    pub deployment: u16,
    /// Who saw it.
    pub seen_by: SeenBy,
    /// When it came in.
    pub started: Timestamp,
    /// When its first content token left.
    pub first_token: Option<Timestamp>,
    /// When it ended.
    pub ended: Timestamp,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// The HTTP status; 0 where none was sent.
    pub status: u16,
    /// What Retry-After said.
    pub retry_after: Option<Duration>,
    /// The fault that hit it, by its place among the faults of the provider.
    pub fault: Option<u16>,
    /// The limit of the provider that refused it.
    pub limit: Option<ProviderLimitKind>,
    /// Whether it was a stream.
    pub stream: bool,
    /// Tokens of its prompt.
    pub input_tokens: u32,
    /// Tokens of an answer that were sent.
    pub output_tokens: u32,
}

/// Who saw an attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SeenBy {
    /// The provider's own log.
    Provider,
    /// The gateway's: the connection was refused, so it reached no provider.
    Gateway,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AttemptOutcome {
    /// With its whole answer.
    Succeeded,
    /// With a failure.
    Failed {
        /// What kind.
        class: FailureClass,
    },
    /// The caller hung up.
    Abandoned,
    /// The run ended first.
    Unfinished,
}
