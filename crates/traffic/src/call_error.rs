//! A call that failed.

use squall_failure::{CallFailureCause, Failure};
use squall_workload::CallFailure;

/// What went wrong with a call: for the record, and for its client.
pub(crate) struct CallError {
    pub(crate) failure: Failure,
    pub(crate) seen: CallFailure,
}

impl CallError {
    /// One without an answer, or with one that broke.
    pub(crate) const fn new(failure: Failure, cause: CallFailureCause) -> Self {
        Self { failure, seen: CallFailure::new(cause) }
    }
}
