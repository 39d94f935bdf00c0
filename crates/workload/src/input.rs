//! What the shell tells the workload.

use crate::Ordinal;

/// One thing that happened outside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Input {
    /// A client got its answer, or the end of one.
    Answered {
        /// Whose.
        request: Ordinal,
        /// What it was.
        answer: Answer,
    },
    /// Time passed: fires the timers that are due, those due at this very moment included.
    Tick,
}

/// What a client got.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Answer {
    /// What it asked for.
    Succeeded,
    /// An error, or half an answer.
    Failed,
}
