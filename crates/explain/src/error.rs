//! Why a request cannot be explained.

use squall_determinism::Timestamp;
use squall_record::RecordError;
use squall_router::journal::ReplayError;
use squall_scenario::Diagnostics;

/// Why a request cannot be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// A recording without a journal.
    #[error(
        "the recording holds no journal, and decisions are explained by replaying it: run the scenario \
         again with `squall run --rows all`, live or with `--sim`, which leaves `journal.bin`"
    )]
    NoJournal,
    /// A journal that cannot be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The scenario of the recording cannot be read.
    #[error(transparent)]
    Scenario(#[from] Diagnostics),
    /// The journal does not match the core.
    #[error(
        "the journal does not match this router, so that nothing it says would be what was decided: {0}; \
         explain it with the version of squall that made the recording ({version})", version = .1
    )]
    Replay(ReplayError, String),
    /// A journal that does not say which request is which.
    #[error(
        "the journal of this live recording does not say which request is which: it was written by an \
         older squall ({version}); run the scenario again"
    )]
    Unnamed {
        /// By which version.
        version: String,
    },
    /// A request that is not in the recording.
    #[error("the recording has no request {request}: {known}")]
    NoRequest {
        /// Which.
        request: u64,
        /// Which there are.
        known: String,
    },
    /// A request of which the router never heard.
    #[error(
        "request {request} is not in the journal: {client}, and the router never heard of it \
         (the journal ends at {journal_ends})"
    )]
    NeverArrived {
        /// Which.
        request: u64,
        /// What its client saw.
        client: String,
        /// Up to when something is known.
        journal_ends: Timestamp,
    },
    /// No request failed.
    #[error("no request of the recording failed: there is no first one")]
    NoneFailed,
    /// A recording without rows.
    #[error("the recording holds no requests: name one by its number, if its journal has it")]
    NoRows,
}
