//! What the driver tells the workload.

use crate::{CallFailure, Ordinal, SentCall};

/// One thing that happened outside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WorkloadInput {
    /// A client got its answer, or the end of one: of the last call that it made.
    Answered {
        /// Whose.
        request: Ordinal,
        /// What it was.
        answer: ClientAnswer,
    },
    /// The first content of an answer reached its client. Told of requests that ask for it by
    /// [`watched`](crate::ClientRequest::watched).
    Begun {
        /// To which call. Another than the last is passed over.
        call: SentCall,
    },
    /// Time passed: fires the timers that are due, those due at this very moment included.
    Tick,
}

/// What a client got.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClientAnswer {
    /// What it asked for.
    Succeeded,
    /// An error, or half an answer.
    Failed(CallFailure),
}
