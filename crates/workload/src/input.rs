//! What the driver tells the workload.

use crate::Ordinal;

/// One thing that happened outside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WorkloadInput {
    /// A client got its answer, or the end of one.
    Answered {
        /// Whose.
        request: Ordinal,
        /// What it was.
        answer: ClientAnswer,
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
    Failed,
}
