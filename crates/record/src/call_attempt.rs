//! An attempt as a provider saw it, with what a judgement of its caller needs beside the row.

use crate::row::AttemptRow;
use core::time::Duration;
use squall_determinism::Timestamp;

/// One attempt of a call. It is kept in memory alone: recordings hold the row.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CallAttempt {
    /// What became of it. `retry_after` is what a header of the answer said, and nothing where only the body did.
    pub row: AttemptRow,
    /// The provider, by its place among those of its server.
    pub provider: u16,
    /// What joins it with the other attempts of its call.
    pub call: CallKey,
    /// What an error or a limit is about: the model and the API key, hashed.
    pub target: u64,
    /// What was wrong with the end of an answer, if anything was.
    pub broken: Option<BrokenAnswer>,
    /// Of an answer that fell silent on purpose: from its last token, or else from its arrival, to its end.
    pub silence: Option<Duration>,
    /// When an event of its stream left that is not JSON.
    pub malformed_event: Option<Timestamp>,
}

/// What two attempts of one call have in common.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum CallKey {
    /// The number in the token that rides in the request.
    Token(u64),
    /// The hash of the body without its model: a retry sends the same body again, and so may another call.
    Body(u64),
}

/// How an answer that had begun lacked its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BrokenAnswer {
    /// The connection was closed or reset: every HTTP client reports that.
    Closed,
    /// The stream ended properly at the level of HTTP, without a finish reason: only who looks for one notices.
    NoFinish,
}
