//! How a request has ended, as logs and operators are told.

use squall_failure::FailureClass;
use squall_router::{Outcome, TokenUsage};

/// The word for requests and attempts that ended well.
pub(crate) const SUCCEEDED: &str = "succeeded";

/// The status of a request whose client has gone: nginx's.
const CLIENT_GONE: u16 = 499;

/// The status that a request ends with, the word for it, the class of its failure, and what it used.
pub(crate) fn ending(
    outcome: &Outcome,
) -> (u16, &'static str, Option<FailureClass>, Option<TokenUsage>) {
    match *outcome {
        Outcome::Succeeded { usage, .. } => (200, SUCCEEDED, None, usage),
        // Its head has gone out, with a 200.
        Outcome::Failed { failure, committed: true } => (200, "cut", Some(failure.class), None),
        Outcome::Failed { failure, committed: false } => {
            (failure.client_status(), "failed", Some(failure.class), None)
        }
        Outcome::ClientGone => (CLIENT_GONE, "client_gone", None, None),
    }
}
